import duckdb
import pandas as pd

orders = pd.DataFrame(
    {
        "order_id": range(1, 101),
        "customer": [f"Customer_{i % 20}" for i in range(100)],
        "amount": [round(50 + i * 3.5, 2) for i in range(100)],
    }
)
top = duckdb.sql("""
    SELECT customer, COUNT(*) AS orders, ROUND(SUM(amount), 2) AS total
    FROM orders GROUP BY customer ORDER BY total DESC LIMIT 5
""").df()
top

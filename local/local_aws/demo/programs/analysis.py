import numpy as np
import pandas as pd

rng = np.random.default_rng(7)
df = pd.DataFrame(
    {
        "date": pd.date_range("2026-01-01", periods=100),
        "revenue": rng.normal(1000, 200, 100),
        "costs": rng.normal(700, 150, 100),
    }
)
df["profit"] = df["revenue"] - df["costs"]

print(df[["revenue", "costs", "profit"]].describe().round(2))
print(f"\nDays: {len(df)}")
print(f"Total profit: ${df['profit'].sum():,.2f}")
print(f"Profit margin: {df['profit'].sum() / df['revenue'].sum() * 100:.1f}%")

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(7)
figure, ((bars, line), (pie, scatter)) = plt.subplots(2, 2, figsize=(14, 10))

bars.bar(["Q1", "Q2", "Q3", "Q4"], [120, 150, 180, 210], color="#2196F3")
bars.set_title("Quarterly revenue")

days = np.arange(len(df))
line.plot(days, df["profit"].cumsum(), linewidth=2)
line.set_title("Cumulative profit")

pie.pie([15, 30, 45, 10], labels=["A", "B", "C", "D"], autopct="%1.1f%%")
pie.set_title("Market share")

x = rng.normal(50, 10, 200)
scatter.scatter(x, x * 1.5 + rng.normal(0, 15, 200), alpha=0.5, color="#FF5722")
scatter.set_title("Correlation")

figure.tight_layout()
figure.savefig("dashboard.png", dpi=300, bbox_inches="tight")
print("drew dashboard.png with the data of the previous request")

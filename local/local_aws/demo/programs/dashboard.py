import matplotlib.pyplot as plt

BLUE, ORANGE, GREY = "#1f5fa8", "#e07b39", "#8a8f98"
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 11})
figure, ((months, total), (weekdays, days)) = plt.subplots(2, 2, figsize=(14, 9))

monthly = df.groupby(df["date"].dt.to_period("M"))[["revenue", "costs"]].sum() / 1000
monthly.index = monthly.index.strftime("%b %Y")
monthly.plot.bar(ax=months, color=[BLUE, ORANGE], rot=0)
months.set(title="Revenue and costs by month", xlabel="", ylabel="thousand USD")

cumulative = df["profit"].cumsum() / 1000
total.fill_between(df["date"], cumulative, color=BLUE, alpha=0.15)
total.plot(df["date"], cumulative, color=BLUE)
total.set(title="Cumulative profit", ylabel="thousand USD")
total.tick_params(axis="x", rotation=30)

by_weekday = df.groupby(df["date"].dt.dayofweek)["profit"].mean()
weekdays.bar(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], by_weekday, color=BLUE)
weekdays.set(title="Mean profit by weekday", ylabel="USD a day")

profitable = df["profit"] > 0
for is_profit, colour, label in ((True, BLUE, "profit"), (False, ORANGE, "loss")):
    part = df[profitable == is_profit]
    days.scatter(
        part["costs"], part["revenue"], color=colour, alpha=0.7, label=f"{label}: {len(part)} days"
    )
edges = [df["costs"].min(), df["costs"].max()]
days.plot(edges, edges, color=GREY, linestyle="--", label="revenue = costs")
days.set(title="Each day's costs and revenue", xlabel="costs, USD", ylabel="revenue, USD")
days.legend(frameon=False, loc="upper left")

margin = df["profit"].sum() / df["revenue"].sum()
headline = f"{len(df)} days: profit of ${df['profit'].sum():,.0f}, {margin:.1%} of the revenue"
figure.suptitle(headline, fontsize=18, fontweight="bold", x=0.02, ha="left")
figure.tight_layout()
figure.savefig("dashboard.png", dpi=150)
plt.close(figure)
print(headline)

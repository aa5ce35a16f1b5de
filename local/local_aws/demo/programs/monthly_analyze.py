monthly = df.groupby("month")["profit"].agg(["count", "sum"]).round(2)
print(monthly)

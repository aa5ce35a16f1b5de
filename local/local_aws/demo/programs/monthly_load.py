df["month"] = df["date"].dt.to_period("M").astype(str)
print(f"{len(df)} rows of the first request are still in memory; added the month")

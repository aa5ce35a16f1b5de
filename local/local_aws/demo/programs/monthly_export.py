monthly.to_csv("monthly.csv")
print("monthly.csv written")

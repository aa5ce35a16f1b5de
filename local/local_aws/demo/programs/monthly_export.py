monthly.to_csv("monthly.csv")
print("wrote monthly.csv")

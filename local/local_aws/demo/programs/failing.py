print("about to divide")
ratio = 1 / 0

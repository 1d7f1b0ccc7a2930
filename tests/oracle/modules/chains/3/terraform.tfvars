generation = 2
regions = ["eu", "ap"]

generation = 2
stages = ["build", "test", "ship"]

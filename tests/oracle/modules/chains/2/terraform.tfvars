generation = 2

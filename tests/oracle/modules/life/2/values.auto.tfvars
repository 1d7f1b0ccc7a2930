generation = 2
keep = { a = { size = 10 }, c = { size = 3, note = "x" }, d = { size = 4 } }

generation = 2
on = false
keep = {}

password = "new"
on = false

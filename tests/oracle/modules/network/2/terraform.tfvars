zones            = ["a", "b"]
one_nat_per_zone = true
tags             = { team = "core", cost = "42" }

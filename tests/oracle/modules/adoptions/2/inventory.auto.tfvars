inventory = [
  { shelf = "upper", slot = "0", label = "vase" },
  { shelf = "lower", slot = 0, label = "sacks", unused = true },
]

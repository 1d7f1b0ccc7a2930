pin = 98765
session = { user = "other", ttl = "5" }

regions = {
  us = { zones = 3, primary = true }
  ap = { zones = "1" }
}

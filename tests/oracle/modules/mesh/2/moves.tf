moved {
  from = module.cluster["us-a"]
  to   = module.cluster["us-b"]
}

variable "kind" {
  default = "twig"
}
locals {
  core = core::lower("OVERRIDDEN")
}

resource "terraform_data" "alone" {}

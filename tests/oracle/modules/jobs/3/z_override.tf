output "list" {
  value = "replaced"
}
resource "terraform_data" "build" {
  for_each = { only = { os = "bsd" } }
  lifecycle {
    create_before_destroy = false
    prevent_destroy       = false
  }
}

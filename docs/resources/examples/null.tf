resource "null_resource" "again" {
  triggers = { version = "1.4.2" }
}

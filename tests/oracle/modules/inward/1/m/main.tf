resource "terraform_data" "t" {}
resource "terraform_data" "u" {
  count = 1
}
output "ids" { value = [startswith(terraform_data.t.id, "id-"), startswith(terraform_data.u[0].id, "u-")] }

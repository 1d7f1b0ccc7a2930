variable "size" { type = number }

resource "terraform_data" "member" {
  count = var.size
  input = count.index
  provisioner "local-exec" {
    when    = destroy
    command = "echo gone ${self.input} >> ../gone.txt"
  }
}

resource "terraform_data" "leader" {
  input = terraform_data.member[0].id
}

output "ids" { value = terraform_data.member[*].id }

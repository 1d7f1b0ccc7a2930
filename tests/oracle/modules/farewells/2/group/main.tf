variable "size" { type = number }

resource "terraform_data" "member" {
  count = var.size
  input = count.index
  provisioner "local-exec" {
    when    = destroy
    command = "echo gone ${self.input} >> ../gone.txt"
  }
}

removed {
  from = terraform_data.leader
}

output "ids" { value = terraform_data.member[*].id }

variable "name" {
  type = string

  validation {
    condition     = var.name != "bad"
    error_message = "That name is bad."
  }
}

variable "previous" {
  type    = string
  default = ""
}

variable "zones" {
  type    = list(string)
  default = ["a", "b"]
}

resource "terraform_data" "main" {
  input            = var.name
  triggers_replace = var.previous
}

resource "terraform_data" "zone" {
  count = length(var.zones)
  input = "${var.name}-${var.zones[count.index]}"
}

module "m" {
  source = "./m"
  name   = var.name
}

output "id" {
  value = terraform_data.main.id
}

output "name" {
  value = terraform_data.main.output
}

output "inner" {
  value = module.m.name
}

variable "size" {
  type    = number
  default = 1
}

resource "terraform_data" "sized" {
  input = var.size

  lifecycle {
    precondition {
      condition     = var.size < 10
      error_message = "Too large."
    }

    postcondition {
      condition     = var.size < 5 || length(self.id) < 5
      error_message = "Larger than it may be."
    }
  }
}

output "size" {
  value = terraform_data.sized.output

  precondition {
    condition     = var.size != 3
    error_message = "Three is not a size."
  }
}

check "size" {
  assert {
    condition     = var.size != 2
    error_message = "Two is a strange size."
  }
}

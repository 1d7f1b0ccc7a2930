variable "body" { type = string }

variable "headers" {
  type      = map(string)
  ephemeral = true
  validation {
    condition     = length(var.headers) > 0
    error_message = "There are headers."
  }
}

variable "seal" {
  type      = string
  sensitive = true
  nullable  = true
}

module "seal" {
  source = "./seal"
  text   = var.body
  key    = var.seal
  note   = join(",", keys(var.headers))
}

resource "terraform_data" "letter" {
  input            = { body = var.body, sealed = module.seal.text }
  triggers_replace = { body = var.body }
}

output "sealed" {
  value     = terraform_data.letter.output.sealed
  sensitive = true
}

output "body" { value = terraform_data.letter.input.body }

output "note" {
  value     = module.seal.note
  ephemeral = true
}

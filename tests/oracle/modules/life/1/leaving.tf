resource "terraform_data" "gone" {
  input = "forget me"
}
resource "terraform_data" "old_name" {
  count = 2
  input = "old ${count.index}"
}
resource "terraform_data" "single" {
  input = "single"
}

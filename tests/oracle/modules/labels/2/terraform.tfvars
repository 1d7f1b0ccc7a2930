delimiter = "_"
namespace = "Ünïcode & Co"
label_order = ["stage", "attributes"]
stages = {
  "prod" : { attributes = ["b", "A"] }, new = { tags = { Owner = "me" }, limits = { extra = {} } }
  old = { enabled = "false", limits = { cpu = "3", extra = null } }
}

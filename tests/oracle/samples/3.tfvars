any     = { k = 1 }
string  = "é 7"
number  = 100
bool    = true
list    = ["c"]
set     = ["x", "y", "z"]
map     = { b = "", c = "q" }
tuple   = ["zz", 7]
object  = { a = "q", b = null }
objects = [{ a = "1" }, { a = "2" }]

any     = "a"
string  = "a"
number  = 1
bool    = true
list    = ["a", "b"]
set     = ["a"]
map     = { a = "x" }
tuple   = ["a", 1]
object  = { a = "x" }
objects = [{ a = "x" }]

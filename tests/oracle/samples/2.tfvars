any     = [1]
string  = ""
number  = -2.5
bool    = false
list    = []
set     = []
map     = {}
tuple   = ["", 0]
object  = { a = "", b = 3 }
objects = []

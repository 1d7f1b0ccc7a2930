# What was here has left.

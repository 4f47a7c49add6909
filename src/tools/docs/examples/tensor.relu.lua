-- What is negative becomes 0.

local fnet = require "fnet"

print(fnet.tensor({ -2, -0.5, 0, 0.5, 2 }):relu())

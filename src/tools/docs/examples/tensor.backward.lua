-- The slope of x * x * x is 3 * x * x.

local fnet = require "fnet"

local x = fnet.tensor { 1, 2, 3 }
x.requires_grad = true
local y = (x * x * x):sum()
y:backward()
print(x.grad)

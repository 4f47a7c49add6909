-- A formula and its gradient, compared with central differences.

local fnet = require "fnet"

fnet.seed(1)
print(fnet.gradcheck(function(x) return x:tanh() * x end, { fnet.randn { 3, 4 } }))

-- The loss is small where the right class has the largest output.

local fnet = require "fnet"

local labels = fnet.tensor({ 1, 2 }, "int32")
local good = fnet.tensor { { 4, 0, 0 }, { 0, 4, 0 } }
print(fnet.nn.cross_entropy(good, labels))
print(fnet.nn.cross_entropy(-good, labels))

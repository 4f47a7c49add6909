-- Two samples of three numbers become two of four.

local fnet = require "fnet"

fnet.seed(1)
local layer = fnet.nn.Dense(3, 4, { activation = "relu" })
local y = layer(fnet.tensor { { 1, 2, 3 }, { 4, 5, 6 } })
print(y)
print(layer.weight, layer.bias)

-- A kernel that finds upright edges: where dark becomes bright, the output is large.

local fnet = require "fnet"

local layer = fnet.nn.Conv2D(1, 1, { 1, 2 }, { bias = false })
fnet.no_grad(function() layer.weight:copy(fnet.tensor({ -1, 1 }):reshape { 1, 2, 1, 1 }) end)
local picture = fnet.tensor { { 0, 0, 1, 1, 0 }, { 0, 0, 1, 1, 0 } }
print(layer(picture:reshape { 1, 2, 5, 1 }):reshape { 2, 4 })

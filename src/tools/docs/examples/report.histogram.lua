-- Start values of a layer, and the same after ReLU.

local fnet = require "fnet"

fnet.seed(1)
local values = fnet.randn { 2000 }
print(fnet.report.histogram(values, { columns = 70, rows = 8 }))
assert(fnet.report.histogram({ before = values, after = values:relu() }, { path = "relu.svg" }))

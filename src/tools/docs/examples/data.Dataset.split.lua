-- A fifth is kept aside for validation.

local fnet = require "fnet"

fnet.seed(1)
local x = fnet.rand { 50, 2 }
local set = fnet.data.Dataset { x = x, y = x:sum(2) }
local valid, train = set:split(0.2)
print(#train, #valid)

-- A network that has learnt nothing yet: what it is surest of, and wrong.

local fnet = require "fnet"
local nn = fnet.nn

fnet.seed(4)
local lying, standing = fnet.zeros { 8, 8 }, fnet.zeros { 8, 8 }
for i = 1, 8 do
  lying[2][i], standing[i][6] = 1, 1
end
local set = fnet.data.Dataset { x = fnet.stack { lying, standing }, y = fnet.tensor({ 1, 2 }, "int32"),
  classes = { "lies", "stands" } }
local model = nn.Sequential { nn.Flatten(), nn.Dense(64, 2), nn.Softmax() }
print(fnet.report.mistakes(model, set))

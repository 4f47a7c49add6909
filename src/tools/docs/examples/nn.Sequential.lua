-- The network of the lesson; printed, it shows its layers, their shapes and how many parameters they have.

local fnet = require "fnet"
local nn = fnet.nn

fnet.seed(1)
local model = nn.Sequential {
  nn.Flatten(),
  nn.Dense(784, 128), nn.ReLU(),
  nn.Dense(128, 10), nn.Softmax(),
}
print(model)
print(model(fnet.rand { 2, 28, 28 }))

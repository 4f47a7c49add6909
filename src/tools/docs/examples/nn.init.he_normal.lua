-- Start values whose spread fits layers with ReLU.

local fnet = require "fnet"

fnet.seed(1)
local weights = fnet.nn.init.he_normal { 784, 128 }
print(("deviation %.4f, expected %.4f"):format(weights:std():item(), (2 / 784) ^ 0.5))

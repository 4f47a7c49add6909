-- What a model says of each sample, batch by batch and without gradients.

local fnet = require "fnet"

fnet.seed(1)
local model = fnet.nn.Sequential { fnet.nn.Dense(3, 2), fnet.nn.Softmax() }
print(fnet.predict(model, fnet.rand { 4, 3 }))

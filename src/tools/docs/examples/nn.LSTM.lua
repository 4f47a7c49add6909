-- Two sequences of four steps; the second one ends after two.

local fnet = require "fnet"

fnet.seed(1)
local layer = fnet.nn.LSTM(1, 3)
local x = fnet.tensor({ { 1, 2, 3, 4 }, { 1, 2, 0, 0 } }):unsqueeze(3)
local y, state = layer(x, nil, { 4, 2 })
print(y)
print(state[1]:equal(fnet.stack { y[1]:slice(1, 4), y[2]:slice(1, 2, 2) })) -- h at the end of each

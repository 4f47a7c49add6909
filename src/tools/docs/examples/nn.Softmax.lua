-- Any numbers become probabilities: each row adds up to 1.

local fnet = require "fnet"

local y = fnet.nn.Softmax()(fnet.tensor { { 1, 2, 3 }, { -5, 0, 5 } })
print(y)
print(y:sum(2))

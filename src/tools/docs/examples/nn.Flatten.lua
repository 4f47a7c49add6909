-- Two pictures of 28 rows of 28 pixels become two lists of 784 numbers.

local fnet = require "fnet"

local pictures = fnet.zeros { 2, 28, 28 }
print(table.concat(fnet.nn.Flatten()(pictures).shape, ", "))

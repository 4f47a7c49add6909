-- What is below zero has a sign where there are no colours.

local fnet = require "fnet"

local x = fnet.arange(-4, 4)
print(fnet.report.matrix(x:reshape { -1, 1 } * x))

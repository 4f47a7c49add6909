-- A picture of red, green and blue, from tensors alone.

local fnet = require "fnet"

local size = 160
local x = fnet.arange(0, size - 1) / (size - 1)
local across, down = fnet.ones({ size, 1 }) * x, x:reshape { -1, 1 } * fnet.ones { size }
local picture = fnet.stack({ across, down, across * down * -1 + 1 }, 3)
assert(fnet.data.write_png("colours.png", picture))

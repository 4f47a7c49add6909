-- A bright ring on dark ground; on a terminal it is drawn in half blocks of 24 grey levels.

local fnet = require "fnet"

local x = fnet.arange(-12, 12) / 8
local radius = (x * x + x:reshape { -1, 1 } ^ 2):sqrt()
print(fnet.report.picture(((radius - 1) ^ 2 * -12):exp()))

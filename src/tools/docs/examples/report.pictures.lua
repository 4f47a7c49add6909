-- A circle, a cross and a wave, side by side.

local fnet = require "fnet"

local x = fnet.arange(-10, 10) / 7
local y = x:reshape { -1, 1 }
local circle = ((x ^ 2 + y ^ 2 - 1) ^ 2 * -9):exp()
local cross = ((x * y) ^ 2 * -40):exp()
local wave = (x * 3 + y * 3):tanh() / 2 + 0.5
print(fnet.report.pictures({ circle, cross, wave }, { captions = { "circle", "cross", "wave" } }))

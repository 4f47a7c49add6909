-- Two curves as a picture in a file, and as text: in braille on a terminal that has it, in ASCII here.

local fnet = require "fnet"

local curves = { loss = {}, valid = {} }
for epoch = 1, 30 do
  curves.loss[epoch] = 0.9 / (1 + 0.3 * epoch)
  curves.valid[epoch] = curves.loss[epoch] + 0.0004 * (epoch - 8) ^ 2
end
assert(fnet.report.plot(curves, { x_label = "epoch", title = "Too much learning", path = "curve.svg" }))
print(fnet.report.plot(curves, { x_label = "epoch", columns = 70, rows = 12, style = "ascii" }))

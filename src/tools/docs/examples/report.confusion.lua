-- As metrics.confusion counts it; a terminal shows it in colours.

local fnet = require "fnet"

fnet.seed(1)
local outputs, labels = fnet.rand { 200, 3 }, {}
for i = 1, 200 do
  labels[i] = i % 3 + 1
  outputs[i][labels[i]] = outputs[i][labels[i]] + 0.4
end
local classes = { "coat", "shirt", "shoe" }
local counts = fnet.metrics.confusion(outputs, fnet.tensor(labels, "int32"), { classes = classes })
print(fnet.report.confusion(counts))

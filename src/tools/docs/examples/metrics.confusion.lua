-- Which classes are taken for which: a row for each class, a column for each answer.

local fnet = require "fnet"

local outputs = fnet.tensor { { 5, 1, 0 }, { 2, 4, 1 }, { 0, 6, 2 }, { 1, 3, 2 }, { 0, 1, 9 } }
local labels = fnet.tensor({ 1, 1, 2, 2, 3 }, "int32")
print(fnet.metrics.confusion(outputs, labels, { classes = { "coat", "shirt", "shoe" } }))

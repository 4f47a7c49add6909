-- Six samples in batches of four; a smaller one comes last.

local fnet = require "fnet"

local set = fnet.data.Dataset {
  x = fnet.arange(1, 12):reshape { 6, 2 },
  y = fnet.tensor({ 1, 2, 1, 2, 1, 2 }, "int32"),
  classes = { "odd", "even" },
}
for x, y in set:batches { size = 4 } do print(x, y) end

--- Counts: how many numbers of a tensor lie in each of equal bins. Invariant: each number is in one bin, in that of
-- which it is the left edge where it is one, the greatest in the last.

local core = require "fnet.core"

local PIECE = 1 << 20 -- numbers that are counted at a time: few enough for float32 to count exactly

--- Counts. Halves are subtracted, for a difference may be beyond floats.
---@param values tensor of one axis, finite, at least one
---@param low number the least of them
---@param high number the greatest; where that is the least, all are in the first bin
---@param bins integer
---@return integer[]
return function(values, low, high, bins)
  local sums, scale = core.full({ bins }, 0, "float64"), high > low and bins / (high / 2 - low / 2) or 0
  for first = 1, #values, PIECE do
    local part = values:slice(1, first, math.min(first + PIECE - 1, #values))
    local numbers = (((part / 2 - low / 2) * scale):clamp(0, bins - 1) + 1):int()
    sums = sums + core.scatter(core.full({ #part }, 1, "float32"), numbers, 1, bins):double()
  end
  local list = sums:totable()
  for bin, count in ipairs(list) do list[bin] = math.tointeger(count) end
  return list
end

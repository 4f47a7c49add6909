--- Divisor: by what a loss, which is a mean, has been divided where that is not the number of its rows. Whoever
-- joins means, as shards do, asks for it. Invariant: nothing is noted for an ordinary loss, which so costs nothing.

local core = require "fnet.core"

local divisor = {}

local noted = setmetatable({}, { __mode = "k" }) -- by loss
local sums = setmetatable({}, { __mode = "k" }) -- losses that are no means

--- Notes it.
---@param loss tensor one element
---@param value number not below 0
---@return tensor loss
function divisor.note(loss, value)
  noted[loss] = value
  return loss
end

--- Notes that a loss is no mean.
---@param loss tensor one element
---@return tensor loss
function divisor.note_sum(loss)
  sums[loss] = true
  return loss
end

--- Whether a loss was noted as no mean.
---@param loss tensor
---@return boolean
function divisor.is_sum(loss) return sums[loss] == true end

--- The divisors of the means that a loss is made of, as far as they were noted; each once.
---@param loss tensor
---@return number[] divisors empty for an ordinary loss
function divisor.all_of(loss)
  local list, seen = {}, {}
  if next(noted) == nil then return list end
  for _, value in ipairs(select(2, core.leaves(loss, noted))) do
    if not seen[value] then list[#list + 1] = value end
    seen[value] = true
  end
  return list
end

return divisor

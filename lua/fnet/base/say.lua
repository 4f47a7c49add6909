--- How messages call a value: its kind, a shape, a number.

local core = require "fnet.core"
local is = require "fnet.base.is"

local say = {}

--- A number as text: the sign of a NaN says nothing, and is left out.
---@param value number
---@param format string such as "%.4f"
---@return string
function say.number(value, format) return value ~= value and "nan" or format:format(value) end

--- A count with commas: "101,770".
---@param value integer not negative
---@return string
function say.count(value)
  return (("%d"):format(value):reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", ""))
end

--- A figure of a training, such as a loss: four decimals, or five digits where these would be many.
---@param value number
---@return string
function say.figure(value) return say.number(value, math.abs(value) < 1e6 and "%.4f" or "%.5g") end

--- "[2, 3]", "[batch, 3]": a shape as messages show it.
---@param shape (integer|string)[] "?" where a length is not known
---@param lead? string
---@return string
function say.shape(shape, lead) return "[" .. (lead or "") .. table.concat(shape, ", ") .. "]" end

--- What a value is, for "got ..." where a tensor or the like was expected: the type and the shape of a tensor, or
-- of an array in a file; a table of public names; or the Lua type.
---@param value any
---@return string
function say.value(value)
  if is.array(value) then return value.dtype .. " " .. say.shape(value.shape) end
  return core.kind(value)
end

return say

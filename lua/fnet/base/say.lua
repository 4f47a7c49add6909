--- How messages call a value: its kind, a shape, a number.

local core = require "fnet.core"

local say = {}

--- A number as text: the sign of a NaN says nothing, and is left out.
---@param value number
---@param format string such as "%.4f"
---@return string
function say.number(value, format) return value ~= value and "nan" or format:format(value) end

--- "[2, 3]", "[batch, 3]": a shape as messages show it.
---@param shape integer[]
---@param lead? string
---@return string
function say.shape(shape, lead) return "[" .. (lead or "") .. table.concat(shape, ", ") .. "]" end

--- What a value is, for "got ...": a tensor's type and shape, the class of a layer, or the Lua type.
---@param value any
---@return string
function say.value(value)
  if core.is_tensor(value) then return value.dtype .. " " .. say.shape(value.shape) end
  return type(value)
end

return say

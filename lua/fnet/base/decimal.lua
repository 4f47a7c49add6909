--- Numbers as text in files and in code, where they have a decimal point: string.format, tostring and tonumber
-- follow the locale of the process, which a script or any library in it may have changed.

local decimal = {}

-- What stands for the point now.
local function point() return ("%.1f"):format(0.5):sub(2, -2) end

local function exchange(text, from, to)
  local first, last = text:find(from, 1, true)
  return first and text:sub(1, first - 1) .. to .. text:sub(last + 1) or text
end

--- A number in a format such as "%.17g", with a point in any locale.
---@param format string for one number, and nothing else that could be taken for its point
---@param value number
---@return string
function decimal.text(format, value)
  local text, here = format:format(value), point()
  return here == "." and text or exchange(text, here, ".")
end

--- The shortest text of 15 to 17 digits that gives the same number again; "nan", "inf" and "-inf" for what has no
--- digits.
---@param value number
---@return string
function decimal.exact(value)
  if math.type(value) == "integer" then return tostring(value) end
  if value ~= value then return "nan" end
  if value - value ~= 0 then return value > 0 and "inf" or "-inf" end
  for digits = 15, 16 do
    local text = decimal.text(("%%.%dg"):format(digits), value)
    if decimal.value(text) == value then return text end
  end
  return decimal.text("%.17g", value)
end

--- What such a text says in any locale; nil where it is no number.
---@param text string
---@return number?
function decimal.value(text)
  local here = point()
  if here == "." then return tonumber(text) end
  if text:find(here, 1, true) then return nil end
  return tonumber(exchange(text, ".", here))
end

return decimal

--- Colours: those of curves and classes, on every medium.
-- Invariant: each can be told from white and from black (a contrast of at least 3 to 1, WCAG 2.1, 1.4.11), and from
-- its neighbours in the list also by those who see no red or no green: they differ in lightness or in blue.

local colours = {}

--- One after the other, for curves: ten, as many data sets have classes; after the last the first comes again.
---@type string[] as "#rrggbb"
colours.series = {
  "#2f7fc1", "#d55e00", "#0a9370", "#b05fa3", "#a87800", "#6f6fd8", "#c8434f", "#7f7f7f", "#5f8f1f", "#8a4b1f",
}

--- The colour of the n-th curve.
---@param n integer from 1
---@return string colour "#rrggbb"
function colours.of(n) return colours.series[(n - 1) % #colours.series + 1] end

--- Red, green and blue of a colour, 0 to 255.
---@param colour string "#rrggbb"
---@return integer red, integer green, integer blue
function colours.parts(colour)
  local red, green, blue = colour:match "^#(%x%x)(%x%x)(%x%x)$"
  return tonumber(red, 16), tonumber(green, 16), tonumber(blue, 16)
end

-- The nearest of the six levels 0, 95, 135, 175, 215, 255, and its number.
local function level(value)
  local number = value < 48 and 0 or value < 115 and 1 or (value - 35) // 40
  return number, number == 0 and 0 or 55 + 40 * number
end

--- The nearest colour of a terminal with 256 of them: 16 + 36 red + 6 green + blue, six levels each, or one of the
-- 24 greys that follow.
---@param red integer 0 to 255
---@param green integer
---@param blue integer
---@return integer
function colours.nearest(red, green, blue)
  local r, red_level = level(red)
  local g, green_level = level(green)
  local b, blue_level = level(blue)
  local grey = math.max(0, math.min(23, ((red + green + blue) // 3 - 3) // 10)) -- 8, 18, ... 238
  local function distance(x, y, z) return (x - red) ^ 2 + (y - green) ^ 2 + (z - blue) ^ 2 end
  local value = 8 + 10 * grey
  if distance(value, value, value) < distance(red_level, green_level, blue_level) then return 232 + grey end
  return 16 + 36 * r + 6 * g + b
end

--- The nearest colour of a terminal with 256 of them.
---@param colour string "#rrggbb"
---@return integer
function colours.of_terminal(colour) return colours.nearest(colours.parts(colour)) end

return colours

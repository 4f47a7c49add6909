--- Colours: those of curves and classes, on every medium.
-- Invariant: each can be told from white and from black (a contrast of at least 3 to 1, WCAG 2.1, 1.4.11), and from
-- its neighbours in the list also by those who see no red or no green: they differ in lightness or in blue.

local colours = {}

--- One after the other, for curves; after the last the first comes again.
---@type string[] as "#rrggbb"
colours.series = { "#2f7fc1", "#d55e00", "#0a9370", "#b05fa3", "#a87800", "#6f6fd8", "#c8434f", "#7f7f7f" }

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

-- The nearest of the six levels 0, 95, 135, 175, 215, 255.
local function level(value) return value < 48 and 0 or value < 115 and 1 or (value - 35) // 40 end

--- The nearest colour of a terminal with 256 of them: 16 + 36 red + 6 green + blue, six levels each.
---@param colour string "#rrggbb"
---@return integer
function colours.of_terminal(colour)
  local red, green, blue = colours.parts(colour)
  return 16 + 36 * level(red) + 6 * level(green) + level(blue)
end

return colours

--- Palette: what a value looks like, as a colour of the terminal and as one of ten shades of plain characters. A
-- palette is { code = , level = }: the colour as the end of an escape sequence, "5;232", and the shade, 0 to 9;
-- both of a NaN are those of something broken.

local colours = require "fnet.chart.colours"

local palette = {}

--- The ten shades, from dark to bright.
palette.SHADES = " .:-=+*#%@"

-- The mark of a NaN.
local BROKEN = "5;196"

--- The hues of values below and above zero, blue and orange: their colour, and ten steps from black to white
-- through it among the 256 colours of a terminal, which are too few to be mixed. Equal steps of both are equally
-- bright.
palette.BELOW = { colour = colours.series[1], steps = { 16, 17, 18, 24, 25, 32, 74, 117, 153, 195 } }
palette.ABOVE = { colour = colours.series[2], steps = { 16, 52, 88, 94, 130, 166, 208, 215, 222, 230 } }

-- One of so many steps, from 0, for a value from 0 to 1.
local function step(value, steps) return math.floor(math.max(0, math.min(1, value)) * (steps - 1) + 0.5) end

--- The character of a shade.
---@param level integer? 0 to 9, nil for what is no number
---@return string
function palette.character(level) return level and palette.SHADES:sub(level + 1, level + 1) or "?" end


local GREYS = {}
for i = 1, 24 do GREYS[i] = "5;" .. 231 + i end

--- Greys, from 0, black, to 1, white.
palette.grey = {
  code = function(value, truecolor)
    if value ~= value then return BROKEN end
    if not truecolor then return GREYS[step(value, 24) + 1] end
    local grey = step(value, 256)
    return ("2;%d;%d;%d"):format(grey, grey, grey)
  end,
  level = function(value) return value == value and step(value, 10) or nil end,
  ground = 0,
}

--- Colours: { red, green, blue }, each 0 to 1. Their shade is that of their brightness (ITU-R BT.601).
palette.colour = {
  code = function(value, truecolor)
    local red, green, blue = table.unpack(value)
    if red ~= red or green ~= green or blue ~= blue then return BROKEN end
    red, green, blue = step(red, 256), step(green, 256), step(blue, 256)
    return truecolor and ("2;%d;%d;%d"):format(red, green, blue) or "5;" .. colours.nearest(red, green, blue)
  end,
  level = function(value)
    return palette.grey.level(0.299 * value[1] + 0.587 * value[2] + 0.114 * value[3])
  end,
  ground = { 0, 0, 0 },
}

--- A colour of a hue between black, which is 0, and nearly white; the hue's own lies in the middle.
---@param hue table BELOW or ABOVE
---@param strength number 0 to 1
---@param truecolor boolean
---@return string code
function palette.tint(hue, strength, truecolor)
  strength = math.max(0, math.min(1, strength))
  if not truecolor then return "5;" .. hue.steps[step(strength, #hue.steps) + 1] end
  local function part(value)
    local mixed = strength <= 0.5 and 2 * strength * value or value + (2 * strength - 1) * 0.8 * (255 - value)
    return math.floor(mixed + 0.5)
  end
  local red, green, blue = colours.parts(hue.colour)
  return ("2;%d;%d;%d"):format(part(red), part(green), part(blue))
end

--- Values with a sign, from -1 to 1: two colours, the brighter the farther from zero, which is black. Their shades
-- go from blank, -1, to the darkest character, 1.
palette.signed = {
  code = function(value, truecolor)
    if value ~= value then return BROKEN end
    return palette.tint(value < 0 and palette.BELOW or palette.ABOVE, math.abs(value), truecolor)
  end,
  level = function(value) return palette.grey.level((value + 1) / 2) end,
  ground = 0,
}

return palette

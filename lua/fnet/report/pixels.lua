--- Pixels: a picture as lines of text. Where there are colours, two rows of pixels are one line of half blocks, or
-- of coloured blanks without letters beyond ASCII; elsewhere each two pixels that stand one above the other are one
-- plain character. Invariant: each line is as wide as the picture has columns, and ends without a colour.

local core = require "fnet.core"
local palette = require "fnet.chart.palette"

local pixels = {}

--- A picture that is at most so wide, smaller in both directions where it is not.
---@param picture tensor float32 [height, width] or [height, width, 3]
---@param most integer columns
---@return tensor
function pixels.shrink(picture, most)
  local height, width = picture.shape[1], picture.shape[2]
  if width <= most then return picture end
  return core.resize(picture, math.max(1, math.floor(height * most / width + 0.5)), most)
end

--- Each pixel as so many by so many.
---@param picture tensor float32 [height, width] or [height, width, 3]
---@param times integer
---@return tensor
function pixels.enlarge(picture, times)
  local height, width, channels = table.unpack(picture.shape)
  return picture:reshape({ height, 1, width, 1, channels }):expand({ height, times, width, times, channels })
    :contiguous():reshape { height * times, width * times, channels }
end

-- The mean of two rows where a line has one colour for both.
local function mean(a, b)
  if type(a) ~= "table" then return (a + b) / 2 end
  return { (a[1] + b[1]) / 2, (a[2] + b[2]) / 2, (a[3] + b[3]) / 2 }
end

local function plain_line(top, bottom, shown)
  local line = {}
  for x, value in ipairs(top) do
    local upper, lower = shown.level(value), shown.level(bottom and bottom[x] or shown.ground)
    line[x] = palette.character(upper and lower and (upper + lower) // 2)
  end
  return table.concat(line)
end

local function coloured_line(top, bottom, shown, at)
  local line, code, truecolor = {}, shown.code, at.truecolor
  local sign, upper, lower = at.unicode and "▀" or " ", nil, nil
  for x, value in ipairs(top) do
    local above, below = code(value, truecolor), bottom and code(bottom[x], truecolor)
    if not at.unicode then above, below = nil, bottom and code(mean(value, bottom[x]), truecolor) or above end
    if above ~= upper or below ~= lower or x == 1 then
      upper, lower = above, below
      local ground = below and "48;" .. below or "49" -- the terminal's own
      line[#line + 1] = above and ("\27[38;%s;%sm"):format(above, ground) or ("\27[%sm"):format(ground)
    end
    line[#line + 1] = sign
  end
  line[#line + 1] = "\27[0m"
  return table.concat(line)
end

--- The lines of a picture.
---@param picture tensor float32 [height, width] or [height, width, 3]
---@param shown table a palette
---@param at table what the screen can show, of screen.lua
---@return string[] lines
function pixels.lines(picture, shown, at)
  local rows, lines = picture:totable(), {}
  for y = 1, #rows, 2 do
    lines[#lines + 1] = (at.colour and coloured_line or plain_line)(rows[y], rows[y + 1], shown, at)
  end
  return lines
end

return pixels

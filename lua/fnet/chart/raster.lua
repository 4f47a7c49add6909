--- Raster: a white picture of pixels, on which lines and areas are painted with smooth edges.
-- Invariant: what is painted covers a part of each pixel, from 0 to 1, and nothing beyond the picture. The same
-- calls give the same pixels: all numbers are doubles, in one order.

local core = require "fnet.core"
local colours = require "fnet.chart.colours"

local WHITE = 0xFFFFFF
local STEPS = 4 -- rows of an area within a row of pixels

---@class Raster
---@field width integer
---@field height integer
---@field pixels table<integer, integer> 0xRRGGBB by place, row after row from 0; white where nil
local Raster = {}
Raster.__index = Raster

local floor, ceil, max, min = math.floor, math.ceil, math.max, math.min

-- Notes how much of the pixels around a line is covered by it; what lines cover together they cover once.
local function cover_segment(self, cover, x1, y1, x2, y2, half)
  local dx, dy = x2 - x1, y2 - y1
  local length = dx * dx + dy * dy
  local flat = math.abs(dx) >= math.abs(dy)
  local slope = length == 0 and 0 or flat and dy / dx or dx / dy
  local reach = (half + 1) * math.sqrt(1 + slope * slope)
  -- `a` runs along the longer side, `b` across.
  local a1, b1, a2, b2 = x1, y1, x2, y2
  if not flat then a1, b1, a2, b2 = y1, x1, y2, x2 end
  local b_low, b_high = min(b1, b2), max(b1, b2)
  local a_most, b_most = self.width - 1, self.height - 1
  if not flat then a_most, b_most = b_most, a_most end
  for a = max(0, floor(min(a1, a2) - half - 1)), min(a_most, ceil(max(a1, a2) + half)) do
    local middle = min(b_high, max(b_low, b1 + slope * (a + 0.5 - a1)))
    for b = max(0, floor(middle - reach)), min(b_most, ceil(middle + reach)) do
      local x, y = a, b
      if not flat then x, y = b, a end
      local px, py = x + 0.5 - x1, y + 0.5 - y1
      local along = length == 0 and 0 or min(1, max(0, (px * dx + py * dy) / length))
      px, py = px - along * dx, py - along * dy
      local part = half + 0.5 - math.sqrt(px * px + py * py)
      local place = y * self.width + x
      if part > (cover[place] or 0) then cover[place] = min(1, part) end
    end
  end
end

-- Blends a colour into what is covered.
local function blend(self, cover, colour, opacity)
  local red, green, blue = colours.parts(colour)
  local pixels = self.pixels
  for place, part in next, cover do -- the order says nothing: each pixel once
    local under, alpha = pixels[place] or WHITE, part * opacity
    local function mix(shift, value)
      local before = under >> shift & 255
      return floor(before + (value - before) * alpha + 0.5) << shift
    end
    pixels[place] = mix(16, red) | mix(8, green) | mix(0, blue)
  end
end

--- Paints lines with round ends, all of them at once.
---@param lines number[][] each x, y, x, y, ... from the upper left corner; of one point: a dot
---@param width number pixels
---@param colour string "#rrggbb"
---@param opacity number 0 to 1
function Raster:lines(lines, width, colour, opacity)
  local cover = {}
  for _, points in ipairs(lines) do
    if #points == 2 then cover_segment(self, cover, points[1], points[2], points[1], points[2], width / 2) end
    for i = 3, #points, 2 do
      cover_segment(self, cover, points[i - 2], points[i - 1], points[i], points[i + 1], width / 2)
    end
  end
  blend(self, cover, colour, opacity)
end

-- Where an outline crosses rows, STEPS of them a row of pixels: lists of x by row.
local function crossings(points, rows)
  local list, count = {}, #points
  for i = 1, count, 2 do
    local x1, y1, k = points[i], points[i + 1], (i + 1) % count + 1
    local x2, y2 = points[k], points[k + 1]
    if y1 > y2 then x1, y1, x2, y2 = x2, y2, x1, y1 end
    for row = max(0, ceil(y1 * STEPS - 0.5)), min(rows, ceil(y2 * STEPS - 0.5)) - 1 do
      local here = list[row] or {}
      here[#here + 1] = x1 + (x2 - x1) * ((row + 0.5) / STEPS - y1) / (y2 - y1)
      list[row] = here
    end
  end
  return list
end

--- Paints an area.
---@param points number[] its outline: x, y, x, y, ...
---@param colour string "#rrggbb"
---@param opacity number 0 to 1
function Raster:area(points, colour, opacity)
  local cover, rows = {}, self.height * STEPS
  local list = crossings(points, rows)
  for row = 0, rows - 1 do
    local here = list[row] or {}
    table.sort(here)
    for i = 2, #here, 2 do
      local left, right = max(0, here[i - 1]), min(self.width, here[i])
      for x = floor(left), ceil(right) - 1 do
        local place = row // STEPS * self.width + x
        cover[place] = min(1, (cover[place] or 0) + (min(right, x + 1) - max(left, x)) / STEPS)
      end
    end
  end
  blend(self, cover, colour, opacity)
end

--- The picture.
---@return tensor uint8 [height, width, 3]
function Raster:picture()
  local rows, pixels, white = {}, self.pixels, ("\xFF"):rep(3)
  for y = 0, self.height - 1 do
    local row = {}
    for x = 0, self.width - 1 do
      local pixel = pixels[y * self.width + x]
      row[x + 1] = pixel and string.char(pixel >> 16, pixel >> 8 & 255, pixel & 255) or white
    end
    rows[y + 1] = table.concat(row)
  end
  return core.from_bytes(table.concat(rows), { self.height, self.width, 3 }, "uint8")
end

--- A white picture.
---@param width integer
---@param height integer
---@return Raster
return function(width, height) return setmetatable({ width = width, height = height, pixels = {} }, Raster) end

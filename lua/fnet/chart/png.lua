--- Chart as a PNG picture: the shapes of layout.lua in pixels, on white with a frame, which is seen on any
-- ground.

local layout = require "fnet.chart.layout"
local core = require "fnet.core"
local new_raster = require "fnet.chart.raster"
local stroke_font = require "fnet.chart.stroke_font"

local png = {}

local FRAME = "#b0b0b0"
local THICK = 0.1 -- the width of a letter's lines, where its size is 1

local painters = {}

function painters.line(raster, shape)
  local points = shape.points
  if shape.width == 1 then -- in the middle of pixels
    points = {}
    for i, value in ipairs(shape.points) do points[i] = math.floor(value) + 0.5 end
  end
  raster:lines({ points }, shape.width, shape.colour, shape.opacity or 1)
end

function painters.area(raster, shape) raster:area(shape.points, shape.colour, shape.opacity or 1) end

function painters.dots(raster, shape)
  local dots = {}
  for i = 1, #shape.points, 2 do dots[#dots + 1] = { shape.points[i], shape.points[i + 1] } end
  raster:lines(dots, shape.width, shape.colour, shape.opacity or 1)
end

local SHIFTS = { start = 0, middle = 0.5, ["end"] = 1 }

function painters.text(raster, shape)
  local lines, width = stroke_font.lines(shape.text, shape.size)
  local shift = width * SHIFTS[shape.anchor]
  for _, points in ipairs(lines) do
    for i = 1, #points, 2 do
      local along, up = points[i] - shift, points[i + 1]
      if shape.turned then points[i], points[i + 1] = shape.x - up, shape.y - along
      else points[i], points[i + 1] = shape.x + along, shape.y - up end
    end
  end
  raster:lines(lines, shape.size * THICK, shape.colour, 1)
end

--- Paints.
---@param self Chart
---@param size { width: integer, height: integer } pixels
---@return string bytes of a PNG file
function png.paint(self, size)
  local shapes, height = layout.shapes(self, size)
  local raster = new_raster(size.width, height)
  for _, shape in ipairs(shapes) do painters[shape.kind](raster, shape) end
  local right, bottom = size.width - 1, height - 1
  local frame = { 0, 0, right, 0, right, bottom, 0, bottom, 0, 0 }
  painters.line(raster, { points = frame, width = 1, colour = FRAME })
  return core.encode_png(raster:picture())
end

return png

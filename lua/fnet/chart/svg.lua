--- Chart as SVG 1.1 (W3C): text stays text. The colours are read on a light and on a dark ground, and stand in
-- attributes, so that the picture may be put into a page whose content policy allows no styles.

local layout = require "fnet.chart.layout"
local decimal = require "fnet.base.decimal"
local html = require "fnet.files.html"

local svg = {}

-- A coordinate, to a hundredth of a pixel.
local function number(value)
  local text = decimal.text("%.2f", value):gsub("%.?0+$", "")
  return text == "-0" and "0" or text
end

-- "M1 2L3 4L5 6"
local function path(points, first, rest)
  local parts = {}
  for i = 1, #points, 2 do
    parts[#parts + 1] = (i == 1 and first or rest) .. number(points[i]) .. " " .. number(points[i + 1])
  end
  return parts
end

local painters = {}

function painters.line(shape)
  local ends = shape.width == 1 and ' shape-rendering="crispEdges"'
    or ' stroke-linejoin="round" stroke-linecap="round"'
  return ('<path d="%s" fill="none" stroke="%s" stroke-width="%s"%s%s/>'):format(
    table.concat(path(shape.points, "M", "L")), shape.colour, number(shape.width), ends,
    shape.opacity and (' stroke-opacity="%s"'):format(number(shape.opacity)) or "")
end

function painters.area(shape)
  return ('<path d="%sZ" fill="%s" fill-opacity="%s"/>'):format(table.concat(path(shape.points, "M", "L")),
    shape.colour, number(shape.opacity or 1))
end

-- Lines of no length with round ends.
function painters.dots(shape)
  return ('<path d="%sh0" fill="none" stroke="%s" stroke-width="%s" stroke-linecap="round" stroke-opacity="%s"/>')
    :format(table.concat(path(shape.points, "M", "M"), "h0"), shape.colour, number(shape.width),
      number(shape.opacity or 1))
end

function painters.text(shape)
  local x, y = number(shape.x), number(shape.y)
  return ('<text x="%s" y="%s" font-size="%s" text-anchor="%s" fill="%s"%s>%s</text>'):format(x, y,
    number(shape.size), shape.anchor, shape.colour,
    shape.turned and (' transform="rotate(-90 %s %s)"'):format(x, y) or "", html.text(shape.text))
end

-- What a screen reader says of it.
local function title_of(self)
  if self.title then return self.title end
  local names = {}
  for _, one in ipairs(self.curves) do names[#names + 1] = one.name ~= "" and one.name or nil end
  return #names > 0 and "Chart of " .. table.concat(names, ", ") or "Chart"
end

--- Paints.
---@param self Chart
---@param size { width: integer, height: integer } pixels
---@return string text an element <svg>, which is a whole file as well
function svg.paint(self, size)
  local shapes, height = layout.shapes(self, size)
  local lines = {
    ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" ' ..
      'font-family="system-ui, sans-serif">'):format(size.width, height, size.width, height),
    ("<title>%s</title>"):format(html.text(title_of(self))),
  }
  for _, shape in ipairs(shapes) do lines[#lines + 1] = painters[shape.kind](shape) end
  lines[#lines + 1] = "</svg>\n"
  return table.concat(lines, "\n")
end

return svg

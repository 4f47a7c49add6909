--- Chart as shapes: lines, areas, points and texts with their places in pixels, for pictures of any format.
-- Invariant: the shapes stand in the order in which they are painted. Text is taken to be at most WIDE of its size
-- wide a letter, whatever font shows it.

local colours = require "fnet.chart.colours"
local core = require "fnet.core"
local width = require "fnet.base.width"

---@class Shape
---@field kind "line"|"area"|"dots"|"text"
---@field points number[]? x, y, x, y, ... of lines, areas and dots
---@field colour string "#rrggbb"
---@field opacity number? 1
---@field width number? of lines, and of dots across
---@field x number? of texts: where they begin, end, or have their middle
---@field y number? of texts: their base line
---@field text string? with nothing in it that a terminal would obey
---@field size number?
---@field anchor "start"|"middle"|"end"|nil
---@field turned boolean? upwards

local layout = {}

local INK, GRID = "#767676", "#808080" -- read on white and on black: contrasts of 4.5 and 4.6 to 1
local SIZE, TITLE, WIDE = 12, 15, 0.62
local GAP, LINE = 8, 18 -- between parts; the height of a line of text
local LEAST = 40 -- height that the curves have

local function width_of(text, size) return width.of(text) * size * WIDE end

-- As many letters as fit.
local function shortened(text, room, size)
  text = core.visible(text)
  local most = math.max(1, math.floor(room / (size * WIDE)))
  if width.of(text) <= most then return text end
  return (width.parted(text, most - 1)) .. "…"
end

-- The names of the curves as lines, each a list of { curve, text, x }.
local function legend_lines(self, left, right)
  local lines, x = { {} }, left
  for _, one in ipairs(self.curves) do
    local text = shortened(one.name, right - left - 30, SIZE)
    local wide = 24 + width_of(text, SIZE) + 16
    if x > left and x + wide > right then lines[#lines + 1], x = {}, left end
    table.insert(lines[#lines], { curve = one, text = text, x = x })
    x = x + wide
  end
  return lines
end

-- A note in lines that fit.
local function folded(text, room)
  local lines, line = {}, ""
  for word in core.visible(text):gmatch "%S+" do
    local longer = line == "" and word or line .. " " .. word
    if line ~= "" and width_of(longer, SIZE) > room then lines[#lines + 1], longer = line, word end
    line = longer
  end
  lines[#lines + 1] = line
  return lines
end

-- The curves, from the last one, which is behind the others, to the first.
local function add_curves(self, add, place)
  local function placed(points)
    local list = {}
    for i = 1, #points, 2 do list[i], list[i + 1] = place(points[i], points[i + 1]) end
    return list
  end
  for i = #self.curves, 1, -1 do
    local one = self.curves[i]
    local colour = colours.of(one.number)
    for _, outline in ipairs(one.bands) do
      add { kind = "area", points = placed(outline), colour = colour, opacity = 0.2 }
    end
    for k = 1, #one.bars, 3 do
      local left, right, height = one.bars[k], one.bars[k + 1], one.bars[k + 2]
      local area = placed { left, 0, left, height, right, height, right, 0 }
      if area[5] - area[1] > 3 then area[5], area[7] = area[5] - 1, area[7] - 1 end -- a gap between bars
      if height > 0 then add { kind = "area", points = area, colour = colour, opacity = 0.85 } end
    end
    for _, points in ipairs(one.lines) do
      local line = placed(points)
      if #line == 2 then add { kind = "dots", points = line, colour = colour, width = 4 }
      else add { kind = "line", points = line, colour = colour, width = 2 } end
    end
    if #one.dots > 0 then
      add { kind = "dots", points = placed(one.dots), colour = colour, width = 5, opacity = 0.8 }
    end
  end
end

-- What stands for a curve in the legend, on a line of text.
local function add_sample(one, add, x, y)
  local colour = colours.of(one.number)
  if #one.bars > 0 then
    local square = { x + 4, y - 10, x + 16, y - 10, x + 16, y, x + 4, y }
    add { kind = "area", points = square, colour = colour, opacity = 0.85 }
  elseif #one.dots > 0 then
    add { kind = "dots", points = { x + 4, y - 6, x + 10, y - 2, x + 16, y - 6 }, colour = colour, width = 5 }
  else
    add { kind = "line", points = { x, y - 4, x + 18, y - 4 }, colour = colour, width = 2 }
  end
end

-- The axes with their marks, and light lines across.
local function add_axes(self, add, place, y_ticks, box)
  local last = -math.huge
  for _, tick in ipairs(self.x:ticks(math.max(2, (box.right - box.left) // 70))) do
    local x = place(tick.at, 0)
    local half = width_of(tick.text, SIZE) / 2
    add { kind = "line", points = { x, box.top, x, box.bottom }, colour = GRID, opacity = 0.2, width = 1 }
    if x - half > last + 4 then
      add { kind = "text", x = x, y = box.bottom + LINE - 2, text = tick.text, size = SIZE, anchor = "middle",
        colour = INK }
      last = x + half
    end
  end
  for _, tick in ipairs(y_ticks) do
    local _, y = place(0, tick.at)
    add { kind = "line", points = { box.left, y, box.right, y }, colour = GRID, opacity = 0.2, width = 1 }
    add { kind = "text", x = box.left - 6, y = y + 4, text = tick.text, size = SIZE, anchor = "end", colour = INK }
  end
  add { kind = "line", points = { box.left, box.top, box.left, box.bottom, box.right, box.bottom }, colour = GRID,
    width = 1 }
end

--- The shapes of a chart.
---@param self Chart
---@param size { width: integer, height: integer } pixels
---@return Shape[]
---@return integer height more than asked where names and notes would leave no room for the curves
function layout.shapes(self, size)
  local shapes = {}
  local function add(shape) shapes[#shapes + 1] = shape end
  local notes = {}
  for _, note in ipairs(self.notes) do
    for _, line in ipairs(folded(note, size.width - 2 * GAP)) do notes[#notes + 1] = line end
  end
  local y_ticks = self.y:ticks(math.max(2, size.height // 60))
  local widest = 0
  for _, tick in ipairs(y_ticks) do widest = math.max(widest, width_of(tick.text, SIZE)) end
  local left = GAP + (self.y_label and LINE or 0) + widest + 6
  local box = { left = math.min(left, size.width / 2), right = size.width - 2 * GAP }
  local names = self.legend and legend_lines(self, box.left, box.right) or {}
  box.top = self.title and 2 * GAP + TITLE or 2 * GAP
  local below = GAP + LINE * (1 + (self.x_label and 1 or 0) + #names + #notes)
  local height = math.max(size.height, box.top + LEAST + below)
  box.bottom = height - below
  local function place(x, y)
    return box.left + x * (box.right - box.left), box.bottom - y * (box.bottom - box.top)
  end

  add_axes(self, add, place, y_ticks, box)
  add_curves(self, add, place)
  local middle = (box.left + box.right) / 2
  if self.title then
    add { kind = "text", x = middle, y = GAP + TITLE, text = shortened(self.title, size.width - 2 * GAP, TITLE),
      size = TITLE, anchor = "middle", colour = INK }
  end
  if self.y_label then
    add { kind = "text", x = GAP + SIZE, y = (box.top + box.bottom) / 2, size = SIZE, anchor = "middle",
      colour = INK, text = shortened(self.y_label, box.bottom - box.top, SIZE), turned = true }
  end
  local y = box.bottom + LINE
  if self.x_label then
    y = y + LINE
    add { kind = "text", x = middle, y = y - 2, text = shortened(self.x_label, box.right - box.left, SIZE),
      size = SIZE, anchor = "middle", colour = INK }
  end
  for _, line in ipairs(names) do
    y = y + LINE
    for _, entry in ipairs(line) do
      add_sample(entry.curve, add, entry.x, y)
      add { kind = "text", x = entry.x + 24, y = y, text = entry.text, size = SIZE, anchor = "start", colour = INK }
    end
  end
  for _, note in ipairs(notes) do
    y = y + LINE
    add { kind = "text", x = GAP, y = y, text = note, size = SIZE, anchor = "start", colour = INK }
  end
  return shapes, height
end

return layout

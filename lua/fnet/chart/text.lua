--- Chart as text: lines in braille, eight dots a character (Unicode, block U+2800), or in ASCII, a mark each.
-- Points are marks in both. Without colour, lines in braille differ by dashes. No line is longer than asked.

local colours = require "fnet.chart.colours"
local core = require "fnet.core"
local letters = require "fnet.chart.letters"

local painter = {}

-- The bits of a braille letter's dots, by row and column.
local BITS = { { 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 } }
local MARKS = { "*", "o", "+", "x", "#", "@", "%", "&", "=", "$" }
-- By curve: so many dots are drawn, so many left out.
local DASHES = { { 1, 0 }, { 1, 2 }, { 4, 2 }, { 1, 4 }, { 7, 2 }, { 2, 2 } }
local EIGHTHS = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" }
local FRAMES = {
  braille = { side = "│", side_tick = "┤", corner = "└", low = "─", low_tick = "┬" },
  ascii = { side = "|", side_tick = "+", corner = "+", low = "-", low_tick = "+" },
}

---@class TextStyle
---@field ascii boolean
---@field colour boolean

-- A drawing area of characters: `cells` by row and column, and the curve to which each belongs.
local Canvas = {}
Canvas.__index = Canvas

local function new_canvas(columns, rows, style)
  local self = { columns = columns, rows = rows, style = style, cells = {}, owners = {} }
  self.across, self.down = style.ascii and 1 or 2, style.ascii and 1 or 4 -- dots of a character
  for row = 1, rows do self.cells[row], self.owners[row] = {}, {} end
  return setmetatable(self, Canvas)
end

-- The dot at a place within the square, from 0.
function Canvas:dot_at(x, y)
  local width, height = self.columns * self.across - 1, self.rows * self.down - 1
  return math.floor(x * width + 0.5), math.floor((1 - y) * height + 0.5)
end

function Canvas:set(x, y, number)
  local row, column = y // self.down + 1, x // self.across + 1
  if self.style.ascii then return self:mark(x, y, number) end
  local cells = self.cells[row]
  local before = math.type(cells[column]) == "integer" and cells[column] or 0
  cells[column] = before | BITS[y % 4 + 1][x % 2 + 1]
  self.owners[row][column] = number
end

-- The mark of a curve, in place of what is there.
function Canvas:mark(x, y, number)
  local row, column = y // self.down + 1, x // self.across + 1
  self.cells[row][column] = MARKS[(number - 1) % #MARKS + 1]
  self.owners[row][column] = number
end

-- A line from dot to dot, one for each step of the longer side.
function Canvas:line(points, number, dashes)
  local count = 0
  local function step(x, y)
    if count % (dashes[1] + dashes[2]) < dashes[1] then self:set(x, y, number) end
    count = count + 1
  end
  local x1, y1 = self:dot_at(points[1], points[2])
  step(x1, y1)
  for i = 3, #points, 2 do
    local x2, y2 = self:dot_at(points[i], points[i + 1])
    local steps = math.max(math.abs(x2 - x1), math.abs(y2 - y1))
    for k = 1, steps do
      step(x1 + math.floor((x2 - x1) * k / steps + 0.5), y1 + math.floor((y2 - y1) * k / steps + 0.5))
    end
    x1, y1 = x2, y2
  end
end

-- A bar, in each column whose middle it covers, or in one where it is narrower.
function Canvas:bar(left, right, height, number)
  local first = math.floor(left * self.columns + 0.5) + 1
  local last = math.max(first, math.floor(right * self.columns + 0.5))
  local eighths = height > 0 and math.max(1, math.floor(height * self.rows * 8 + 0.5)) or 0
  for column = first, math.min(last, self.columns) do
    for row = 1, self.rows do
      local full = math.min(8, eighths - (self.rows - row) * 8)
      if full > 0 then
        self.cells[row][column] = self.style.ascii and (full >= 4 and "#" or "_") or EIGHTHS[full]
        self.owners[row][column] = number
      end
    end
  end
end

-- A row as text.
function Canvas:row(row)
  local parts, owner = {}, nil
  for column = 1, self.columns do
    local cell, now = self.cells[row][column] or " ", self.owners[row][column]
    if math.type(cell) == "integer" then cell = utf8.char(0x2800 + cell) end
    if self.style.colour and now ~= owner then
      parts[#parts + 1] = (owner and "\27[0m" or "") ..
        (now and ("\27[38;5;%dm"):format(colours.of_terminal(colours.of(now))) or "")
    end
    owner = now
    parts[#parts + 1] = cell
  end
  if self.style.colour and owner then parts[#parts + 1] = "\27[0m" end
  return table.concat(parts)
end

-- Draws the lines, areas and bars of a curve.
function Canvas:curve(one)
  local number = one.number
  local differs = self.style.colour or self.style.ascii -- by itself
  local dashes = differs and DASHES[1] or DASHES[(number - 1) % #DASHES + 1]
  for _, outline in ipairs(one.bands) do
    local half = #outline // 2
    self:line(table.move(outline, 1, half, 1, {}), number, { 1, 3 })
    self:line(table.move(outline, half + 1, #outline, 1, {}), number, { 1, 3 })
  end
  for i = 1, #one.bars, 3 do self:bar(one.bars[i], one.bars[i + 1], one.bars[i + 2], number) end
  for _, points in ipairs(one.lines) do self:line(points, number, dashes) end
end

-- Draws the points of a curve.
function Canvas:points(one)
  for i = 1, #one.dots, 2 do
    local x, y = self:dot_at(one.dots[i], one.dots[i + 1])
    self:mark(x, y, one.number)
  end
end

-- What stands for a curve in the legend: three characters as it is drawn.
local function sample(one, style)
  local canvas = new_canvas(3, 1, style)
  if #one.bars > 0 then canvas:bar(0, 1, 1, one.number)
  elseif #one.dots > 0 then canvas:points { number = one.number, dots = { 0.5, 0.5 } }
  else canvas:curve { number = one.number, bands = {}, bars = {}, lines = { { 0, 0.5, 1, 0.5 } } } end
  return canvas:row(1)
end

-- The names of the curves, in as many lines as they need.
local function legend(self, columns, style)
  local lines, line, used = {}, {}, 0
  for _, one in ipairs(self.curves) do
    local name = letters.cut(core.visible(one.name), columns - 5)
    local wide = 4 + letters.width(name)
    if used > 0 and used + 3 + wide > columns then
      lines[#lines + 1], line, used = table.concat(line, "   "), {}, 0
    end
    line[#line + 1] = sample(one, style) .. " " .. name
    used = used + (used > 0 and 3 or 0) + wide
  end
  lines[#lines + 1] = table.concat(line, "   ")
  return lines
end

-- Text of a line in which others already stand is put around a column, where there is room for it.
local function put(line, text, column, columns)
  local wide = letters.width(text)
  local first = math.max(1, math.min(column - wide // 2, columns - wide + 1))
  if #line > 0 and first < line.used + 3 or wide > columns then return false end
  line[#line + 1] = (" "):rep(first - 1 - line.used) .. text
  line.used = first - 1 + wide
  return true
end

-- The lower side, with the places of the marks, and the line of their texts.
local function lower_side(self, canvas, frame)
  local texts, marks = { used = 0 }, {}
  for _, tick in ipairs(self.x:ticks(math.max(2, canvas.columns // 10))) do
    local column = canvas:dot_at(tick.at, 0) // canvas.across + 1
    if put(texts, tick.text, column, canvas.columns) then marks[column] = true end
  end
  local side = {}
  for column = 1, canvas.columns do side[column] = marks[column] and frame.low_tick or frame.low end
  return table.concat(side), table.concat(texts)
end

local function centred(text, columns)
  text = letters.cut(core.visible(text), columns)
  return (" "):rep((columns - letters.width(text)) // 2) .. text
end

-- The texts at the left side, by row.
local function left_texts(self, canvas)
  local texts, widest = {}, 0
  for _, tick in ipairs(self.y:ticks(math.max(2, canvas.rows // 3))) do
    local _, y = canvas:dot_at(0, tick.at)
    local row = y // canvas.down + 1
    if not texts[row] then
      texts[row] = tick.text
      widest = math.max(widest, #tick.text)
    end
  end
  return texts, widest
end

--- How many places beside each other a drawing of so many columns can tell apart.
---@param columns integer
---@return integer
function painter.resolution(columns) return 2 * columns end

--- Paints.
---@param self Chart
---@param size { columns: integer, rows: integer } of the whole width, and of the drawing area
---@param style TextStyle
---@return string text without a newline at the end
function painter.paint(self, size, style)
  local frame = style.ascii and FRAMES.ascii or FRAMES.braille
  local columns = size.columns
  local texts, widest = left_texts(self, new_canvas(1, size.rows, style))
  local canvas = new_canvas(math.max(8, columns - widest - 2), size.rows, style)
  local lines, margin = {}, (" "):rep(widest + 2)
  if self.title then lines[1] = margin .. centred(self.title, canvas.columns) end
  if self.y_label then lines[#lines + 1] = letters.cut(core.visible(self.y_label), columns) end
  for i = #self.curves, 1, -1 do canvas:curve(self.curves[i]) end
  for i = #self.curves, 1, -1 do canvas:points(self.curves[i]) end -- no line hides one
  for row = 1, canvas.rows do
    local text = texts[row] or ""
    local side = texts[row] and frame.side_tick or frame.side
    lines[#lines + 1] = (" "):rep(widest - #text) .. text .. " " .. side .. canvas:row(row)
  end
  local side, numbers = lower_side(self, canvas, frame)
  lines[#lines + 1] = (" "):rep(widest + 1) .. frame.corner .. side
  lines[#lines + 1] = margin .. numbers
  if self.x_label then lines[#lines + 1] = margin .. centred(self.x_label, canvas.columns) end
  if self.legend then
    for _, line in ipairs(legend(self, columns - widest - 2, style)) do lines[#lines + 1] = margin .. line end
  end
  for _, note in ipairs(self.notes) do
    for _, line in ipairs(letters.wrap(note, columns)) do lines[#lines + 1] = line end
  end
  for i, line in ipairs(lines) do lines[i] = line:gsub(" +$", "") end
  return table.concat(lines, "\n")
end

return painter

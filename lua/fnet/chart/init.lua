--- chart: curves as a description that no medium is needed for: axes, legend, lines and areas within a square whose
-- sides have the length 1. text.lua, svg.lua and png.lua paint it.
-- Invariant: every coordinate lies within the square, upwards and to the right; what a curve has beyond an axis'
-- ends is cut off there, what is no number leaves a gap and is counted in the notes.

local core = require "fnet.core"
local scale = require "fnet.chart.scale"

---@class ChartCurve
---@field name string
---@field number integer which colour and which dashes it has, from 1
---@field lines number[][] each x, y, x, y, ...; of one point alone where its neighbours are gaps
---@field dots number[] x, y, x, y, ...: points that no line joins
---@field bands number[][] outlines of areas: x, y, x, y, ...
---@field bars number[] left, right, height, left, ...: what stands on the lower side

---@class Chart
---@field title string?
---@field x_label string?
---@field y_label string?
---@field x Scale
---@field y Scale
---@field curves ChartCurve[] the first one in front
---@field legend boolean whether the curves have names
---@field notes string[] sentences: what could not be drawn, and why

local chart = {}

local ALONE = 1e6 -- a single whole x below, such as the first epoch, stands between whole numbers

local function inside(x, y) return x >= 0 and x <= 1 and y >= 0 and y <= 1 end

-- The part of the line between two points that lies within the square (Liang and Barsky); nil for none.
local function clipped(x1, y1, x2, y2)
  if inside(x1, y1) and inside(x2, y2) then return x1, y1, x2, y2 end
  local from, to, dx, dy = 0, 1, x2 - x1, y2 - y1
  for _, side in ipairs { { -dx, x1 }, { dx, 1 - x1 }, { -dy, y1 }, { dy, 1 - y1 } } do
    local slope, room = side[1], side[2]
    if slope == 0 then
      if room < 0 then return nil end
    elseif slope < 0 then from = math.max(from, room / slope)
    else to = math.min(to, room / slope) end
  end
  if from > to then return nil end
  local from_x, from_y = x1, y1 -- an end within the square stays what it is, to the last bit
  if from > 0 then from_x, from_y = x1 + from * dx, y1 + from * dy end
  if to < 1 then x2, y2 = x1 + to * dx, y1 + to * dy end
  return from_x, from_y, x2, y2
end

-- What takes the points of a line, one after the other, and keeps what of it lies within the square.
local function pen()
  local lines, line, last_x, last_y = {}, nil, nil, nil
  local self = {}
  function self.lift()
    if last_x and not line and inside(last_x, last_y) then lines[#lines + 1] = { last_x, last_y } end
    line, last_x, last_y = nil, nil, nil
  end
  function self.to(x, y)
    if last_x and not (x == last_x and y == last_y) then
      local x1, y1, x2, y2 = clipped(last_x, last_y, x, y)
      if not x1 then line = nil
      else
        if not line then
          line = { x1, y1 }
          lines[#lines + 1] = line
        end
        line[#line + 1], line[#line + 2] = x2, y2
        if x2 ~= x or y2 ~= y then line = nil end
      end
    end
    last_x, last_y = x, y
  end
  return self, lines
end

-- A line through the values. Of points that follow each other within one column the first, the lowest, the highest
-- and the last are kept: they cover what all cover, so that no peak is lost.
local function lines_of(one, x_axis, y_axis, columns)
  local draw, lines = pen()
  local xs, ys = one.x, one.y
  local column, first, low, high, last -- indices; low_y and high_y: the positions there
  local low_y, high_y
  local at_x, at_y = {}, {} -- positions of these few points
  local function flush()
    if not column then return end
    local a, b = math.min(low, high), math.max(low, high)
    draw.to(at_x[first], at_y[first])
    if a ~= first then draw.to(at_x[a], at_y[a]) end
    if b ~= a then draw.to(at_x[b], at_y[b]) end
    if last ~= b then draw.to(at_x[last], at_y[last]) end
    column, at_x, at_y = nil, {}, {}
  end
  for i = 1, one.count do
    local x, y = xs and xs[i] or i, ys[i]
    if x_axis:takes(x) and y_axis:takes(y) then
      local px, py = x_axis:at(x), y_axis:at(y)
      local here = px * columns // 1
      if here ~= column then
        flush()
        column, first, low, high, low_y, high_y = here, i, i, i, py, py
      elseif last ~= first and last ~= low and last ~= high then
        at_x[last], at_y[last] = nil, nil
      end
      if py < low_y then low, low_y = i, py end
      if py > high_y then high, high_y = i, py end
      last, at_x[i], at_y[i] = i, px, py
    else
      flush()
      draw.lift()
    end
  end
  flush()
  draw.lift()
  return lines
end

-- Points, of several in one place one.
local function dots_of(one, x_axis, y_axis, columns)
  local dots, seen = {}, {}
  for i = 1, one.count do
    local x, y = one.x and one.x[i] or i, one.y[i]
    if x_axis:takes(x) and y_axis:takes(y) then
      local px, py = x_axis:at(x), y_axis:at(y)
      local place = (px * columns // 1) * 65536 + py * columns // 1
      if inside(px, py) and not seen[place] then
        seen[place] = true
        dots[#dots + 1], dots[#dots + 2] = px, py
      end
    end
  end
  return dots
end

-- The areas between low and high, in one column one edge.
local function bands_of(one, x_axis, y_axis, columns)
  local bands, xs, lows, highs, column = {}, {}, {}, {}, nil
  local function close()
    local outline = {}
    for i = 1, #xs do outline[#outline + 1], outline[#outline + 2] = xs[i], highs[i] end
    for i = #xs, 1, -1 do outline[#outline + 1], outline[#outline + 2] = xs[i], lows[i] end
    if #xs > 1 then bands[#bands + 1] = outline end
    xs, lows, highs, column = {}, {}, {}, nil
  end
  local function within(y) return math.max(0, math.min(1, y_axis:at(y))) end
  for i = 1, one.count do
    local x, low, high = one.x and one.x[i] or i, one.low[i], one.high[i]
    local fits = x_axis:takes(x) and y_axis:takes(low) and y_axis:takes(high)
    local px = fits and x_axis:at(x)
    if not fits then close()
    elseif px >= 0 and px <= 1 then
      local here, n = px * columns // 1, #xs
      if here == column then
        lows[n], highs[n] = math.min(lows[n], within(low)), math.max(highs[n], within(high))
      else
        column, xs[n + 1], lows[n + 1], highs[n + 1] = here, px, within(low), within(high)
      end
    end
  end
  close()
  return bands
end

-- The ends of an axis that a script has fixed, as the axis measures them.
local function fixed_ends(range, log)
  local ends = {}
  for name, value in pairs(range or {}) do ends[name] = log and math.log(value, 10) or value + 0.0 end
  return ends
end

-- The lists of an axis.
local function lists_of(curves, names)
  local lists = {}
  for _, one in ipairs(curves) do
    for _, name in ipairs(names) do
      if one[name] then lists[#lists + 1] = { values = one[name], count = one.count } end
      local counted = name == "x" and not one.x and one.count > 0
      if counted then lists[#lists + 1] = { values = { 1, one.count }, count = 2 } end
    end
  end
  return lists
end

-- An axis for all values of these names.
local function axis_of(curves, names, log, margin, range)
  local low, high, whole = math.huge, -math.huge, true
  for _, list in ipairs(lists_of(curves, names)) do
    local values = list.values
    for i = 1, list.count do
      local value = values[i]
      if value - value == 0 and (not log or value > 0) then
        if value < low then low = value end
        if value > high then high = value end
        whole = whole and value % 1 == 0
      end
    end
  end
  if names[1] == "x" and whole and low == high and not log and not range and math.abs(low) < ALONE then
    low, high = low - 1, high + 1
  end
  if log and low <= high then low, high = math.log(low, 10), math.log(high, 10) end
  local axis = scale.new(low + 0.0, high + 0.0, log, margin, fixed_ends(range, log))
  axis.whole = whole and low <= high
  return axis
end

--- Adds a sentence about some of a curve's values, where there are any.
---@param notes string[]
---@param one Series
---@param count integer how many
---@param what string what they are
function chart.note(notes, one, count, what)
  if count == 0 then return end
  local of = one.name ~= "" and (" of '%s'"):format(core.visible(one.name)) or ""
  notes[#notes + 1] = ("%d of %d values%s %s %s"):format(count, one.count, of, count == 1 and "is" or "are", what)
end

--- Adds sentences: how many values of a curve cannot be drawn, and why.
---@param notes string[]
---@param one Series
---@param x_log boolean
---@param y_log boolean
function chart.note_gaps(notes, one, x_log, y_log)
  local not_finite, not_positive = 0, 0
  for i = 1, one.count do
    local x, y = one.x and one.x[i] or i, one.y[i]
    if x - x ~= 0 or y - y ~= 0 then not_finite = not_finite + 1
    elseif x_log and x <= 0 or y_log and y <= 0 then not_positive = not_positive + 1 end
  end
  chart.note(notes, one, not_finite, "nan or infinite, and left out")
  chart.note(notes, one, not_positive, "not above 0, where a logarithmic axis has no place")
end

-- A curve within the square.
local function curve_of(one, number, points, x, y, columns)
  local bars = {}
  for _, bar in ipairs(one.bars or {}) do
    local left, right = math.max(0, x:at(bar.left)), math.min(1, x:at(bar.right))
    if y:takes(bar.height) and left < right then
      table.move({ left, right, math.max(0, math.min(1, y:at(bar.height))) }, 1, 3, #bars + 1, bars)
    end
  end
  return {
    name = one.name, number = number, bars = bars,
    lines = (points or one.bars) and {} or lines_of(one, x, y, columns),
    dots = points and dots_of(one, x, y, columns) or {},
    bands = one.low and bands_of(one, x, y, columns) or {},
  }
end

--- The description of curves.
---@param curves Series[] instead of a line one may have `bars`: a list of { left = , right = , height = }
---@param options table as report.plot has checked them: title, x_label, y_label, log, x_range, y_range, points
---@param columns integer how many places beside each other the medium can tell apart
---@param notes? string[] sentences that are there already
---@return Chart
function chart.new(curves, options, columns, notes)
  local log = options.log or ""
  local x_log, y_log = log:find "x" ~= nil, log:find "y" ~= nil
  local has_dots, total = options.points, 0
  for _, one in ipairs(curves) do has_dots, total = has_dots or one.points, total + one.count end

  local x = axis_of(curves, { "x" }, x_log, has_dots and 0.04 or 0, options.x_range)
  local y = axis_of(curves, { "y", "low", "high" }, y_log, 0.05, options.y_range)

  notes = table.move(notes or {}, 1, #(notes or {}), 1, {})
  local drawn, has_names = {}, false
  for i, one in ipairs(curves) do
    local points = one.points
    if points == nil then points = options.points end
    drawn[i] = curve_of(one, i, points, x, y, columns)
    has_names = has_names or one.name ~= ""
    local before = #notes
    if not one.bars then chart.note_gaps(notes, one, x_log, y_log) end
    if one.count > 0 and #notes == before and #drawn[i].lines + #drawn[i].dots + #drawn[i].bars == 0 then
      chart.note(notes, one, one.count, "beyond the ends of the axes")
    end
  end
  if total == 0 then notes[#notes + 1] = "there is nothing to draw" end
  return {
    title = options.title, x_label = options.x_label, y_label = options.y_label, x = x, y = y, curves = drawn,
    legend = has_names, notes = notes,
  }
end

return chart

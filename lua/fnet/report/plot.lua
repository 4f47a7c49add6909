--- Plot: curves and histograms, as text for a terminal or as a picture in a file. chart.lua describes them.

local bins = require "fnet.chart.bins"
local chart = require "fnet.chart"
local core = require "fnet.core"
local expect = require "fnet.base.expect"
local processes = require "fnet.base.processes"
local screen = require "fnet.chart.screen"
local series = require "fnet.chart.series"

local plot = {}

local OPTIONS = {
  "title", "x_label", "y_label", "order", "points", "log", "x_range", "y_range", "columns", "rows", "style",
  "colour", "path", "width", "height",
}
local SWITCHES = { "points", "colour" }
local LEAST, MOST = 40, 200 -- columns
local TEXTS = { "title", "x_label", "y_label" }

-- The ends of an axis: { low = , high = }, either of which may be missing.
local function check_range(what, range, log)
  if range == nil then return end
  expect.options(what, range, { "low", "high" })
  for _, name in ipairs { "low", "high" } do
    local value = range[name]
    if value ~= nil then
      expect.number(("%s: %s"):format(what, name), value, -math.huge, math.huge)
      if value - value ~= 0 then core.raise("%s: %s: expected a finite number, got %s", what, name, value) end
      if log and value <= 0 then
        core.raise("%s: %s: expected a number above 0 for a logarithmic axis, got %.10g", what, name, value)
      end
    end
  end
  if range.low and range.high and range.low >= range.high then
    core.raise("%s: expected low below high, got %.10g and %.10g", what, range.low, range.high)
  end
end

-- The options, as a table of their own.
local function check(what, options, more)
  local known = table.move(more or {}, 1, #(more or {}), #OPTIONS + 1, { table.unpack(OPTIONS) })
  local given = expect.options(what, options, known, SWITCHES)
  options = {} -- what the object that is drawn says of its axes is added
  for key, value in next, given do options[key] = value end
  for _, name in ipairs(TEXTS) do
    local text = options[name]
    expect.that(text == nil or type(text) == "string", what .. ": " .. name, "a text", text)
  end
  if options.log ~= nil then expect.choice(what .. ": log", options.log, { "x", "y", "xy" }) end
  if options.style ~= nil then expect.choice(what .. ": style", options.style, { "braille", "ascii" }) end
  local log = options.log or ""
  check_range(what .. ": x_range", options.x_range, log:find "x")
  check_range(what .. ": y_range", options.y_range, log:find "y")
  if options.path == nil then
    for _, name in ipairs { "width", "height" } do
      if options[name] ~= nil then
        core.raise("%s: %s is that of a picture in a file; path = \"curve.svg\" names one, columns and rows are " ..
          "those of text", what, name)
      end
    end
  else
    expect.path(what .. ": path", options.path)
    for _, name in ipairs { "columns", "rows", "style", "colour" } do
      if options[name] ~= nil then
        core.raise("%s: %s is that of text; a picture in a file has width and height", what, name)
      end
    end
  end
  return options
end

-- The text for the place to which a script prints.
local function as_text(what, curves, options, notes)
  local place = screen.of(1)
  local columns = options.columns and expect.count(what .. ": columns", options.columns, LEAST, MOST)
    or math.max(LEAST, math.min(MOST, place.columns))
  local rows = options.rows and expect.count(what .. ": rows", options.rows, 3, MOST)
    or math.max(8, math.min(20, columns // 5))
  local chart_text = require "fnet.chart.text"
  local colour = options.colour
  if colour == nil then colour = place.colour end
  local ascii = options.style == "ascii" or not options.style and not place.unicode
  return chart_text.paint(chart.new(curves, options, chart_text.resolution(columns), notes),
    { columns = columns, rows = rows }, { ascii = ascii, colour = colour })
end

local PAINTERS = { svg = "fnet.chart.svg", png = "fnet.chart.png" }

-- The picture, in a file.
local function as_file(what, curves, options, notes)
  local ending = options.path:match "%.(%a+)$"
  local painter = PAINTERS[(ending or ""):lower()]
  if not painter then
    core.raise("%s: path: expected a name that ends in .svg or .png, got '%s'", what, core.visible(options.path))
  end
  local width = options.width and expect.count(what .. ": width", options.width, 100, 8192) or 640
  local height = options.height and expect.count(what .. ": height", options.height, 100, 8192) or 400
  local bytes = require(painter).paint(chart.new(curves, options, width, notes), { width = width, height = height })
  return processes.write_file(options.path, { bytes })
end

local function draw(what, curves, options, notes)
  return (options.path and as_file or as_text)(what, curves, options, notes)
end

--- Curves with axes and a legend, as text, or as a picture in a file. The order of the curves is that of their
-- names, "run 2" before "run 10"; their colours are the same everywhere. Values that are no finite numbers, or that
-- a logarithmic axis has no place for, are gaps, which a note below counts. Of a million points every peak stays.
---@param curves table|tensor lists of numbers or tensors of one axis by name; or one alone; a curve may be
--- { x = , y = } as well, with points = true for points that no line joins, or with low = and high = for a band
--- around it; or what fnet.fit gives
---@param options? table title, x_label, y_label: string; order: string[], the names in another order; points:
--- points instead of lines, false; log: "x", "y" or "xy", axes that are logarithmic; x_range, y_range: { low?:
--- number, high?: number }, the ends of an axis, { low = , high = }, both where nil those of the values; columns:
--- integer, 40 to 200, as wide as the terminal; rows: integer, of the drawing area; style: "braille" or "ascii", as
--- the locale has; colour: true on a terminal without NO_COLOR; path: string, a file, .svg or .png; width, height:
--- integer, of it in pixels, 640 and 400 (100 to 8192; higher where names and notes need it)
---@return string|boolean|nil text without a newline at the end; with a path true, or nil where it cannot be written
---@return string? message, integer? code
function plot.plot(curves, options)
  options = check("plot", options)
  local list, defaults = series.read("plot", curves, options.order)
  options.x_label = options.x_label or defaults.x_label
  return draw("plot", list, options)
end

-- The counts of bins as bars.
local function bars_of(name, edges, counts)
  local bars, heights = {}, {}
  for i, height in ipairs(counts) do
    bars[i], heights[i] = { left = edges[i], right = edges[i + 1], height = height }, height
  end
  heights[#edges] = #edges > 0 and 0 or nil
  return { name = name, x = edges, y = heights, count = #edges, bars = bars }
end

-- The same as a line of steps: of several each is seen.
local function steps_of(name, edges, counts)
  local x, y = { edges[1] }, { edges[1] and 0 }
  for i, height in ipairs(counts) do
    x[2 * i], x[2 * i + 1], y[2 * i], y[2 * i + 1] = edges[i], edges[i + 1], height, height
  end
  x[#x + 1], y[#y + 1] = edges[#edges], edges[1] and 0
  return { name = name, x = x, y = y, count = #x }
end

--- How often values occur: bars over equal parts of their range, as text, or as a picture in a file. Several lists
-- have the same parts, and a line of steps each. Values that are no finite numbers, or beyond the range, are
-- counted in a note below. A bar counts what lies from its left edge up to its right one, without that.
---@param values tensor|table a tensor of any shape, a list of numbers, or several of these by name
---@param options? table bins: integer, how many, 1 to 1000, whose last one has its right edge, too; nil: so that
--- their edges are round numbers; title, x_label, y_label, order, log, x_range, y_range, columns, rows, style,
--- colour, path, width, height: as for plot
---@return string|boolean|nil text without a newline at the end; with a path true, or nil where it cannot be written
---@return string? message, integer? code
function plot.histogram(values, options)
  options = check("histogram", options, { "bins" })
  if options.points ~= nil then core.raise "histogram: points are those of report.plot" end
  if options.bins ~= nil then options.bins = expect.count("histogram: bins", options.bins, 1, 1000) end
  local lists = series.read_values("histogram", values, options.order)
  local x_log, y_log = (options.log or ""):find "x" ~= nil, (options.log or ""):find "y" ~= nil
  local range = options.x_range or {}
  local function takes(value) return value - value == 0 and (not x_log or value > 0) end
  local edges, counts, outside = bins.count(lists, takes, x_log, range, options.bins)
  local curves, notes = {}, {}
  for i, one in ipairs(lists) do
    curves[i] = (#lists == 1 and bars_of or steps_of)(one.name, edges, counts[i])
    chart.note_gaps(notes, { name = one.name, x = one.y, y = one.y, count = one.count }, x_log, false)
    chart.note(notes, one, outside[i], "beyond the range")
  end
  options.y_label = options.y_label or "count"
  options.y_range = options.y_range or { low = y_log and 0.5 or 0 }
  return draw("histogram", curves, options, notes)
end

return plot

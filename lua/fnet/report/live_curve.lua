--- Live curve: loss and validation of a training that goes on, as a few lines over its progress line.
-- Invariant: making them takes at most a two-hundredth of the time, however many epochs there are.

local chart = require "fnet.chart"
local chart_text = require "fnet.chart.text"
local core = require "fnet.core"
local screen = require "fnet.chart.screen"
local series = require "fnet.chart.series"

local live_curve = {}

local ROWS, WIDEST = 5, 100
local LEAST_COLUMNS, LEAST_ROWS = 30, 16 -- of a terminal that has room for them
local PAUSE, SHARE = 0.1, 0.005 -- seconds between two drawings at least; the share of the time that they may take

-- The curves of a history as lines of text.
local function lines_of(history, columns, x_range)
  local place = screen.of(2)
  local wide = math.min(WIDEST, columns - 1)
  local curves = series.read("training", history)
  local description = chart.new(curves, { x_range = x_range }, chart_text.resolution(wide))
  local style = { ascii = not place.unicode, colour = place.colour }
  local text = chart_text.paint(description, { columns = wide, rows = ROWS }, style)
  local lines = {}
  for line in (text .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = line end
  return lines
end

--- What draws the curves of a training over its progress line; nothing before the second epoch has ended.
---@param run fnet.Run
---@return fun(columns: integer): string[]
function live_curve.of(run)
  local lines, shown, width, next_time = {}, 0, 0, 0
  return function(columns)
    local history, _, rows = run.history, core.terminal(2)
    local tall = not rows or rows == 0 or rows >= LEAST_ROWS -- some do not tell

    if #history < 2 or columns < LEAST_COLUMNS or not tall then return {} end
    local now = core.clock()
    if columns == width and (#history == shown or now < next_time) then return lines end
    lines, shown, width = lines_of(history, columns, { low = 1, high = math.max(2, run.epochs) }), #history, columns
    local after = core.clock()
    next_time = after + math.max(PAUSE, (after - now) / SHARE)
    return lines
  end
end

--- The curves of a training that has ended; nil where there were fewer than two epochs, or there is no room.
---@param run fnet.Run
---@param columns integer of the terminal
---@return string?
function live_curve.last(run, columns)
  if #run.history < 2 or columns < LEAST_COLUMNS then return nil end
  return table.concat(lines_of(run.history, columns), "\n")
end

return live_curve

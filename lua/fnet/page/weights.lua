--- Weights on a page: those of the first layer as pictures, and the histograms of all parameters over the epochs.

local decimal = require "fnet.base.decimal"
local core = require "fnet.core"
local html = require "fnet.files.html"
local parts = require "fnet.page.parts"
local pictures = require "fnet.page.pictures"
local colours = require "fnet.chart.colours"
local first_layer = require "fnet.inspect.first_layer"
local palette = require "fnet.chart.palette"

local weights = {}

local MOST = 128 -- units whose weights are shown
local LINES = 9 -- histograms of a parameter that are shown, of all epochs
local BELOW, ABOVE = { colours.parts(palette.BELOW.colour) }, { colours.parts(palette.ABOVE.colour) }

-- Weights [units, height, width, 1 or 3] as colours: of one channel zero is white, and the largest of the unit,
-- above or below, has the full colour; of three each picture goes from its least weight to its greatest.
local function coloured(all)
  local shape = all.shape
  local units, flat = shape[1], all:reshape { shape[1], all:count() // shape[1] }
  local result = core.full({ units, shape[2], shape[3], 3 }, 0, "float32")
  if shape[4] == 3 then
    local low, high = flat:min(2, true), flat:max(2, true)
    result:copy(((flat - low) / (high - low):maximum(1e-30) * 255):reshape(result.shape))
  else
    local scaled = flat / flat:abs():max(2, true):maximum(1e-30)
    local above, below = scaled:clamp(0, 1), (-scaled):clamp(0, 1)
    for channel = 1, 3 do
      local values = 255 - above * (255 - ABOVE[channel]) - below * (255 - BELOW[channel])
      result:slice(4, channel, channel):copy(values:reshape { units, shape[2], shape[3], 1 })
    end
  end
  return (result + 0.5):clamp(0, 255):byte()
end

--- The pictures of the first layer.
---@param network nn.Module
---@param shape? integer[] of a picture that it takes
---@return Sheet? sheet nil where its weights are no pictures
---@return string html
function weights.pictures(network, shape)
  local layer, all = first_layer(network, shape)
  local channels = all and all.shape[4]
  local fits = (channels == 1 or channels == 3) and all.shape[2] > 1 and all.shape[3] > 1
  if not fits then return nil, "" end
  local units = #all
  if units > MOST then all = all:slice(1, 1, MOST):contiguous() end
  local finite = all:sub(all):eq(0):sum():item() == all:count()
  local sheet = finite and pictures.sheet("weights", coloured(all))
  if not sheet then return nil, "" end
  local list = {}
  for i = 1, sheet.count do
    list[i] = ("<li>%s</li>\n"):format(parts.picture(sheet, i, "unit " .. i, "unit"))
  end
  local name = layer:describe():gsub("\n.*", "")
  local text = ("What each unit of %s looks at%s."):format(name,
    units > sheet.count and (": the first %d of %d"):format(sheet.count, units) or "")
  if all.shape[4] == 1 then
    text = text .. " Orange is what speaks for it, blue what speaks against it, white what it does not look at."
  end
  return sheet, parts.note(text) .. ('<ul class="units">\n%s</ul>\n'):format(table.concat(list))
end

-- Some of a list, the first and the last of them, evenly.
local function some(list, most)
  if #list <= most then return list end
  local chosen = {}
  for i = 1, most do chosen[i] = list[1 + (i - 1) * (#list - 1) // (most - 1)] end
  return chosen
end

local LEFT, RIGHT, STEP, TOP = 46, 300, 16, 34 -- of the drawing, in its units

-- A histogram as a hill over the line y.
local function hill(histogram, y, x)
  if histogram.low == histogram.high then -- all numbers are one
    local at = x(histogram.low)
    return ('<polygon points="%s,%d %s,%d %s,%d"/>'):format(parts.coordinate(at - 3), y, parts.coordinate(at),
      y - 26, parts.coordinate(at + 3), y)
  end
  local most = math.max(table.unpack(histogram.counts))
  local points = { ("%s,%s"):format(parts.coordinate(x(histogram.low)), parts.coordinate(y)) }
  local bins = #histogram.counts
  for bin, count in ipairs(histogram.counts) do
    local middle = histogram.low + (histogram.high - histogram.low) * (bin - 0.5) / bins
    points[#points + 1] = ("%s,%s"):format(parts.coordinate(x(middle)), parts.coordinate(y - 26 * count / most))
  end
  points[#points + 1] = ("%s,%s"):format(parts.coordinate(x(histogram.high)), parts.coordinate(y))
  return ('<polygon points="%s"/>'):format(table.concat(points, " "))
end

-- The histograms of one parameter, the earliest at the back.
local function drawing(name, list)
  local low, high = math.huge, -math.huge
  for _, look in ipairs(list) do low, high = math.min(low, look[2].low), math.max(high, look[2].high) end
  if low == high then low, high = low - 1, high + 1 end
  local function x(value) return LEFT + (RIGHT - LEFT) * (value - low) / (high - low) end
  local bottom = TOP + (#list - 1) * STEP
  local lines = {}
  if low < 0 and high > 0 then
    lines[1] = ('<line class="zero" x1="%s" x2="%s" y1="8" y2="%d"/>'):format(parts.coordinate(x(0)),
      parts.coordinate(x(0)), bottom)
  end
  for i, look in ipairs(list) do
    local y = TOP + (i - 1) * STEP
    if #list > 1 then -- one alone is the model as it is
      lines[#lines + 1] = ('<text x="%d" y="%d" text-anchor="end">%s</text>'):format(LEFT - 8, y,
        look[1] == 0 and "start" or tostring(look[1]))
    end
    lines[#lines + 1] = hill(look[2], y, x)
  end
  local function label(value, anchor)
    return ('<text x="%s" y="%d" text-anchor="%s">%s</text>'):format(parts.coordinate(x(value)), bottom + 15,
      anchor, decimal.text("%.3g", value))
  end
  lines[#lines + 1] = label(low, "start") .. label(high, "end")
  if low < 0 and high > 0 and x(0) > LEFT + 50 and x(0) < RIGHT - 50 then
    lines[#lines + 1] = label(0, "middle")
  end
  local last = list[#list][2]
  local text = ("mean %s, standard deviation %s, from %s to %s"):format(decimal.text("%.3g", last.mean),
    decimal.text("%.3g", last.deviation), decimal.text("%.3g", last.low), decimal.text("%.3g", last.high))
  local label_text = #list == 1 and "histogram of " .. name or
    ("histograms of %s, of epoch %s to %s"):format(name, list[1][1], list[#list][1])
  return ('<figure class="hills"><figcaption><b>%s</b> %s</figcaption>\n<svg viewBox="0 0 320 %d" role="img" ' ..
    'aria-label="%s">%s</svg></figure>\n'):format(html.text(name), text, bottom + 22, html.text(label_text),
    table.concat(lines))
end

--- The histograms of all parameters.
---@param looks table[] what a recorder has seen, or one look at the end
---@return string html
function weights.histograms(looks)
  local by_name, names = {}, {}
  for _, look in ipairs(looks) do
    for _, parameter in ipairs(look.parameters) do
      local name = parameter.name
      if parameter.histogram then
        if not by_name[name] then
          by_name[name] = {}
          names[#names + 1] = name
        end
        table.insert(by_name[name], { look.epoch, parameter.histogram })
      end
    end
  end
  local figures = {}
  for i, name in ipairs(names) do figures[i] = drawing(name, some(by_name[name], LINES)) end
  if #figures == 0 then return "" end
  local text = #looks > 1 and "Histograms of the parameters by epoch, each as high as the others." or
    "Histograms of the parameters at the end; those of each epoch are here with report.recorder()."
  return parts.note(text) .. ('<div class="figures">\n%s</div>\n'):format(table.concat(figures))
end

return weights

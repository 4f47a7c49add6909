--- Confusion: the matrix of right and said classes in colour, where the output is a terminal.

local columns = require "fnet.base.columns"
local expect = require "fnet.base.expect"
local core = require "fnet.core"
local is = require "fnet.base.is"
local letters = require "fnet.chart.letters"
local matrix = require "fnet.report.matrix"
local palette = require "fnet.chart.palette"
local screen = require "fnet.chart.screen"

local NARROW = { -1, 9, 6, 6, 7 } -- the columns of the figures where the screen has no room for more

local FAINT = 0.06 -- less colour than this is none

-- The widest of some lines.
local function widest(lines)
  local most = 0
  for _, line in ipairs(lines) do most = math.max(most, letters.width(line)) end
  return most
end

-- A function that gives a count its background: right ones blue, wrong ones orange, by their share of the class, or
-- rather its root, because mistakes are small shares. White letters can be read on all of them.
local function painter(confusion, at)
  return function(text, row, column)
    local right, said = row - 1, column - 1
    local count = right > 0 and said > 0 and confusion.counts[right][said] or 0
    local strength = 0.6 * math.sqrt(count / math.max(1, confusion.support[right] or 1))
    if strength < FAINT then return text end
    local code = palette.tint(right == said and palette.BELOW or palette.ABOVE, strength, at.truecolor)
    return ("\27[97;48;%sm%s\27[0m"):format(code, text)
  end
end

-- The counts as shares of their classes, a shade each.
local function as_shades(confusion)
  local shares, names = {}, {}
  for right, counts in ipairs(confusion.counts) do
    shares[right], names[right] = {}, ("%d %s"):format(right, confusion.classes[right])
    for said, count in ipairs(counts) do shares[right][said] = count / math.max(1, confusion.support[right]) end
  end
  return matrix(core.tensor(shares), { rows = names, high = 1 })
end

--- A confusion matrix as a terminal shows it: each count on a background by its share of the right class, blue
-- where it is right, orange where not. On a screen that is too narrow for the counts they are shades, with the
-- shares of the classes. Where the output is no terminal it is what print gives.
---@param confusion metrics.Confusion what fnet.metrics.confusion(model, set) gives
---@return string text without a newline at the end
local function draw(confusion)
  local fits = type(confusion) == "table" and type(confusion.counts) == "table" and is.callable(confusion.tables)
  expect.that(fits, "confusion", "the result of fnet.metrics.confusion(model, set)", confusion)
  local at = screen.of(1)
  if not at.terminal then return tostring(confusion) end
  local counts, figures, ending = confusion:tables()
  local lines = columns(counts.rows, counts.widths, nil, at.colour and painter(confusion, at) or nil)
  local first = widest(lines) <= at.columns and table.concat(lines, "\n") or as_shades(confusion)
  local rest = columns(figures.rows, figures.widths)
  if widest(rest) > at.columns then
    for _, row in ipairs(figures.rows) do
      row[1] = letters.cut(row[1]:gsub("^ +", ""), math.max(4, at.columns - 32))
    end
    rest = columns(figures.rows, NARROW)
  end
  return ("%s\n\n%s\n%s"):format(first, table.concat(rest, "\n"), ending)
end

return draw

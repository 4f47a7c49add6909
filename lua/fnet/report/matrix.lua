--- Matrix: numbers in rows and columns as shades, greys where none is negative, else two colours.

local expect = require "fnet.base.expect"
local say = require "fnet.base.say"
local core = require "fnet.core"
local letters = require "fnet.chart.letters"
local palette = require "fnet.chart.palette"
local pixels = require "fnet.report.pixels"
local screen = require "fnet.chart.screen"
local letters_of = require("fnet.base.width").letters

local CELL = 2 -- columns of a value, which is then about as high as it is wide
local LEAST_NAME = 4 -- columns of a row's name and the blank behind it
local TALL = 12 -- letters of a column's name, which stands upright

-- Names of rows or columns, as terminals may see them.
local function names_of(what, names, count)
  if names == nil then return nil end
  expect.that(type(names) == "table" and getmetatable(names) == nil, what, "a list of names", names)
  local given = core.length(names)
  if given ~= count then core.raise("%s: expected %d names, got %d", what, count, given) end
  local list = {}
  for i = 1, count do
    local name = names[i]
    expect.that(type(name) == "string" or math.type(name), ("%s: name %d"):format(what, i), "a text", name)
    list[i] = core.visible(tostring(name))
  end
  return list
end

-- A value as a cell of plain characters: with its sign, where values have one.
local function plain_cell(value, signed)
  if value ~= value then return "??" end
  if not signed then return palette.character(palette.grey.level(value)):rep(CELL) end
  local shade = palette.character(palette.grey.level(math.abs(value)))
  return shade == " " and "  " or (value < 0 and "-" or "+") .. shade
end

-- The matrix with a cell for each value, names beside and above.
local function in_cells(rows, shown, at, row_names, column_names)
  local lines, label = {}, 0
  for _, name in ipairs(row_names or {}) do label = math.max(label, letters.width(name)) end
  label = math.min(label, at.columns - CELL * #rows[1] - 1)
  local margin = row_names and (" "):rep(label + 1) or ""
  local heads, tallest = {}, 0
  for k, name in ipairs(column_names or {}) do
    heads[k] = letters_of(letters.cut(name, TALL))
    tallest = math.max(tallest, #heads[k])
  end
  for y = 1, tallest do
    local line = {}
    for k, head in ipairs(heads) do line[k] = letters.pad(head[y - tallest + #head] or "", CELL) end
    lines[y] = (margin .. table.concat(line)):gsub("%s+$", "")
  end
  for i, row in ipairs(rows) do
    local line = { row_names and letters.pad(letters.cut(row_names[i], label), label + 1) or "" }
    for k, value in ipairs(row) do
      line[k + 1] = at.colour and ("\27[48;%sm  "):format(shown.code(value, at.truecolor))
        or plain_cell(value, shown == palette.signed)
    end
    lines[#lines + 1] = at.colour and table.concat(line) .. "\27[0m" or table.concat(line):gsub("%s+$", "")
  end
  return lines
end

-- The matrix as a picture, where a cell for each value has no room; what is lost is said.
local function as_picture(values, shown, at, has_names)
  local small = pixels.shrink(values, at.columns)
  local lines = pixels.lines(small, shown, at)
  if #small ~= #values or small.shape[2] ~= values.shape[2] then
    lines[#lines + 1] = ("%s drawn as %s"):format(say.shape(values.shape), say.shape(small.shape))
  end
  if has_names then lines[#lines + 1] = "the names have no room here" end
  return lines
end

-- What the shades mean.
local function legend(low, high, shown, at, cells)
  low, high = ("%.3g"):format(low), ("%.3g"):format(high)
  local from = shown == palette.signed and -1 or 0
  if at.colour then
    local steps = {}
    for i = 0, 8 do steps[i + 1] = ("\27[48;%sm "):format(shown.code(from + i / 8 * (1 - from), at.truecolor)) end
    return ("%s %s\27[0m %s"):format(low, table.concat(steps), high)
  end
  if from == 0 or not cells then return ("shades from %s to %s: '%s'"):format(low, high, palette.SHADES) end
  return ("shades from 0 to %s, or to %s with a minus: '%s'"):format(high, low, palette.SHADES)
end

-- The values of the two ends, and whether they have signs.
local function range_of(matrix, options)
  for _, name in ipairs { "low", "high" } do
    if options[name] ~= nil then expect.number("matrix: " .. name, options[name], -1e300, 1e300) end
  end
  local least, largest = math.huge, -math.huge -- of what is finite
  for _, value in ipairs(matrix:flatten():totable()) do
    if value - value == 0 then least, largest = math.min(least, value), math.max(largest, value) end
  end
  if least > largest then least, largest = 0, 0 end
  local signed = least < 0 and options.low == nil
  local high = options.high or signed and math.max(-least, largest) or largest
  local low = signed and -high or options.low or 0
  if high < low or high == low and (options.high or options.low) then
    core.raise("matrix: expected a low below high, got %.10g and %.10g", low, high)
  end
  return low, high, signed
end

--- A matrix as shades: greys from 0 to the largest value where none is negative, else two colours, blue below zero
-- and orange above, the brighter the farther from it. Where there are no colours shades are characters, signs
-- before them. What is too large for the screen becomes smaller: each shade is then the mean of several values. A
-- NaN is red, or "?". The last line says what the shades mean.
---@param matrix tensor # [rows, columns]
---@param options? table rows, columns: string[], names; low, high: number, the values of the darkest and the
--- brightest grey, by default 0 and the largest one; where values are negative and there is no low, high is the one
--- value of both ends, by default the largest without its sign
---@return string text without a newline at the end
local function draw(matrix, options)
  options = expect.options("matrix", options, { "rows", "columns", "low", "high" })
  local fits = core.is_tensor(matrix) and matrix.rank == 2 and matrix:count() > 0
  expect.that(fits, "matrix", "a tensor [rows, columns] with at least one value", matrix)
  local height, width = matrix.shape[1], matrix.shape[2]
  local row_names = names_of("matrix: rows", options.rows, height)
  local column_names = names_of("matrix: columns", options.columns, width)
  matrix = matrix:detach():double():contiguous()
  local low, high, signed = range_of(matrix, options)
  local shown, scale = signed and palette.signed or palette.grey, signed and high or high - low
  local scaled = core.no_grad(function()
    return ((matrix - (signed and 0 or low)) / (scale > 0 and scale or 1)):float()
  end)
  local at = screen.of(1)
  local cells = CELL * width + (row_names and LEAST_NAME or 0) <= at.columns
  local lines = cells and in_cells(scaled:totable(), shown, at, row_names, column_names)
    or as_picture(scaled, shown, at, row_names or column_names)
  local means = legend(low, high, shown, at, cells)
  lines[#lines + 1] = at.colour and means or table.concat(letters.wrap(means, at.columns), "\n")
  return table.concat(lines, "\n")
end

return draw

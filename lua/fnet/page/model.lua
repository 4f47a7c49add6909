--- The network on a page: its layers as a drawing, whose width follows the numbers that a sample is at each place,
-- with shapes and counts beside it.

local html = require "fnet.files.html"
local parts = require "fnet.page.parts"
local say = require "fnet.base.say"
local summary = require "fnet.nn.summary"
local try = require "fnet.base.try"

local model = {}

-- The numbers of a sample of that shape; nil where it is not known.
local function numbers_of(shape)
  if not shape then return nil end
  local product = 1
  for _, length in ipairs(shape) do
    if math.type(length) ~= "integer" then return nil end
    product = product * length
  end
  return product
end

-- Part of the drawing: from the width above to the one below, both 0 to 1.
local function piece(above, below, class)
  local function x(width, side) return parts.coordinate(50 + side * 48 * width) end
  return ('<svg class="piece" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><polygon ' ..
    'class="%s" points="%s,0 %s,0 %s,10 %s,10"/></svg>'):format(class, x(above, -1), x(above, 1), x(below, 1),
    x(below, -1))
end

-- The rows of the drawing: the sample first.
local function rows_of(network, input)
  local known, rows, counts = try(summary.rows, network, input)
  if not known then rows, counts = summary.rows(network) end -- a layer that does not take such samples has no shape
  if #rows == 0 then
    rows = { { title = network:describe(), depth = 0, shape = network:output_shape(input), count = counts.total } }
    counts.own = 0
  end
  if input then table.insert(rows, 1, { title = "a sample", depth = 0, shape = input, is_sample = true }) end
  return rows, counts
end

--- The section.
---@param network nn.Module
---@param input? integer[] the shape of a sample
---@return { name: string, title: string, html: string }
function model.section(network, input)
  local rows, counts = rows_of(network, input)
  local most = 1
  for _, row in ipairs(rows) do most = math.max(most, numbers_of(row.shape) or 0) end
  local function width(numbers) return math.max(0.04, math.log(1 + numbers) / math.log(1 + most)) end
  local cells, before = {}, nil
  for i, row in ipairs(rows) do
    local numbers = not row.has_parts and numbers_of(row.shape)
    local here = numbers and width(numbers) or before or 0.5
    local class = row.is_sample and "sample" or (row.count or 0) > 0 and "learns" or "fixed"
    cells[i] = {
      { html = html.text(row.title), class = "depth" .. math.min(row.depth, 6) },
      { html = row.has_parts and "" or piece(before or here, here, class), class = "drawing" },
      { html = row.shape and html.text(say.shape(row.shape)) or "", class = "shape" },
      { html = row.count and say.count(row.count) or "", class = "number" },
    }
    if not row.has_parts then before = here end
  end
  if counts.own > 0 then
    cells[#cells + 1] = { "its own", "", "", { html = say.count(counts.own), class = "number" } }
  end
  cells[#cells + 1] = { "total", "", "", { html = say.count(counts.total), class = "number" } }
  local note = "From top to bottom, what happens to a sample. The drawing is as wide as the numbers are many " ..
    "that the sample is at that place, by their logarithm; layers that learn have the stronger colour."
  if counts.frozen > 0 then note = note .. (" %s parameters are frozen."):format(say.count(counts.frozen)) end
  return parts.section("network", "The network", parts.note(note) ..
    parts.table({ "layer", "", "what comes out", "parameters" }, cells, { class = "network" }))
end

return model

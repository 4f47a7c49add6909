--- What a model consists of: layers, output shapes, parameter counts; what is inside a layer stands below it. As
-- rows, and as the table that a model prints. Invariant: a module or a parameter that stands in it twice is counted
-- once, a module opened once.

local say = require "fnet.base.say"
local columns = require "fnet.base.columns"
local contents = require "fnet.nn.contents"

local summary = {}

-- The first line of what a module says of itself, without the brace of a list.
local function title(model) return (model:describe():gsub("\n.*", ""):gsub(" {$", "")) end

-- The parts of a module, and how many numbers its own parameters are: those that were not counted before.
local function parts_of(model, seen)
  local own, count = contents.own(model), 0
  for _, entry in ipairs(own.tensors) do
    if entry.is_parameter and not seen[entry.value] then
      seen[entry.value], count = true, count + entry.value:count()
    end
  end
  return own.parts, count
end

-- `input` is the shape of one sample that the model takes, nil where it is not known.
local function add_rows(rows, model, parts, input, depth, seen)
  local before
  for _, entry in ipairs(parts) do
    local part, key = entry.value, entry.key
    local is_listed = entry.holder == model and math.type(key) == "integer"
    -- What the part takes: of the layers of a Sequential that which the one before gives; branches take what the
    -- model takes; of parts with names only the model knows.
    local takes = input
    if not is_listed then takes = nil elseif model.in_order and key > 1 then takes = before end
    local shape = model.in_order and is_listed and model.shapes[key] or nil
    if not shape or input and takes then shape = part:output_shape(takes) end
    before = shape

    local again = seen[part]
    seen[part] = true
    local inner, own = parts_of(part, seen)
    local text = (is_listed and "" or entry.name .. ": ") .. title(part)
    local is_counted = own > 0 or not again and #inner == 0
    rows[#rows + 1] = { title = text, depth = depth, shape = shape, count = is_counted and own or nil,
      has_parts = not again and #inner > 0 }
    if not again then add_rows(rows, part, inner, takes, depth + 1, seen) end
  end
end

--- The parts of a model, in the order in which it has them, those of a part below it.
---@param model nn.Module
---@param input? (integer|string)[] the shape of a sample, where it is known
---@return { title: string, depth: integer, shape: (integer|string)[]?, count: integer?, has_parts: boolean }[] rows
--- shape: of what comes out for a sample; count: of the part's own parameters, nil where they are counted further
--- up
---@return { own: integer, total: integer, frozen: integer } counts own: what is in the model and in none of its
--- parts
function summary.rows(model, input)
  local rows, seen = {}, { [model] = true }
  local parts, own = parts_of(model, seen)
  add_rows(rows, model, parts, input, 0, seen)
  local counts = { own = own, total = 0, frozen = 0 }
  for _, entry in ipairs(contents.of(model).parameters) do
    local count = entry.value:count()
    counts.total = counts.total + count
    if not entry.value.requires_grad then counts.frozen = counts.frozen + count end
  end
  return rows, counts
end

--- The table of a model that has parts.
---@param model nn.Module
---@return string
function summary.text(model)
  local name = title(model)
  local cells = { { name == "Sequential" and "layer" or name, "output shape", "parameters" } }
  local rows, counts = summary.rows(model)
  for _, row in ipairs(rows) do
    cells[#cells + 1] = { ("  "):rep(row.depth) .. row.title, row.shape and say.shape(row.shape, "batch, ") or "-",
      row.count and say.count(row.count) or "" }
  end
  if counts.own > 0 then cells[#cells + 1] = { "its own", "", say.count(counts.own) } end
  cells[#cells + 1] = { "total", "", say.count(counts.total) }
  if counts.frozen > 0 then cells[#cells + 1] = { "frozen of these", "", say.count(counts.frozen) } end
  return table.concat(columns(cells, { -32, -20, 12 }), "\n")
end

return summary

--- The table that a model prints: layers, output shapes, parameter counts; what is inside a layer stands below it,
-- indented. Invariant: a module or a parameter that stands in it twice is counted once, a module opened once.

local say = require "fnet.base.say"
local columns = require "fnet.base.columns"
local contents = require "fnet.nn.contents"

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
local function add_rows(rows, model, parts, input, indent, seen)
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
    rows[#rows + 1] = { indent .. text, shape and say.shape(shape, "batch, ") or "-", is_counted and own or "" }
    if not again then add_rows(rows, part, inner, takes, indent .. "  ", seen) end
  end
end

--- The table of a model that has parts.
---@param model nn.Module
---@return string
return function(model)
  local name = title(model)
  local rows = { { name == "Sequential" and "layer" or name, "output shape", "parameters" } }
  local seen = { [model] = true }
  local parts, own = parts_of(model, seen)
  add_rows(rows, model, parts, nil, "", seen)
  if own > 0 then rows[#rows + 1] = { "its own", "", own } end
  local total, frozen = 0, 0
  for _, entry in ipairs(contents.of(model).parameters) do
    local count = entry.value:count()
    total = total + count
    if not entry.value.requires_grad then frozen = frozen + count end
  end
  rows[#rows + 1] = { "total", "", total }
  if frozen > 0 then rows[#rows + 1] = { "frozen of these", "", frozen } end
  return table.concat(columns(rows, { -32, -20, 12 }), "\n")
end

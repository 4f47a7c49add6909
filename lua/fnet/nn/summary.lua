--- The table that a model prints: layers, output shapes, parameter counts; what is inside a layer stands below it,
-- indented. Invariant: a module that stands in it twice is counted and opened once.

local say = require "fnet.base.say"
local columns = require "fnet.base.columns"

-- The first line of what a module says of itself, without the brace of a list.
local function title(model) return (model:describe():gsub("\n.*", ""):gsub(" {$", "")) end

-- `input` is the shape of one sample that the model takes, nil where it is not known.
local function add_rows(rows, model, parts_of, input, indent, seen)
  local before
  for _, key in ipairs((parts_of(model))) do
    local part, is_listed = model[key], math.type(key) == "integer"
    -- What the part takes: of the layers of a Sequential that which the one before gives; branches take what the
    -- model takes; of parts with names only the model knows.
    local takes = input
    if not is_listed then takes = nil elseif model.in_order and key > 1 then takes = before end
    local shape = model.in_order and is_listed and model.shapes[key] or nil
    if not shape or input and takes then shape = part:output_shape(takes) end
    before = shape

    local inner, own = parts_of(part)
    local text = (is_listed and "" or key .. ": ") .. title(part)
    local is_counted = (not seen[part] or own == 0) and (#inner == 0 or own > 0)
    rows[#rows + 1] = { indent .. text, shape and say.shape(shape, "batch, ") or "-",
      is_counted and own or "" }
    if not seen[part] then
      seen[part] = true
      add_rows(rows, part, parts_of, takes, indent .. "  ", seen)
    end
  end
end

--- The table of a model that has parts.
---@param model nn.Module
---@param parts_of fun(model: nn.Module): (string|integer)[], integer the keys of a module's parts, and how many
--- numbers of its own it trains
---@return string
return function(model, parts_of)
  local name = title(model)
  local rows = { { name == "Sequential" and "layer" or name, "output shape", "parameters" } }
  add_rows(rows, model, parts_of, nil, "", { [model] = true })
  local _, own = parts_of(model)
  if own > 0 then rows[#rows + 1] = { "its own", "", own } end
  rows[#rows + 1] = { "total", "", model:count() }
  return table.concat(columns(rows, { -32, -20, 12 }), "\n")
end

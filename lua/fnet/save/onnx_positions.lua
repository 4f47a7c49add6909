--- Operations that move elements of tensors, or choose some, as ONNX's: see onnx_operations.lua. Positions count
-- from 1 in fnet and from 0 in ONNX.
-- Invariant: the length of the batch is not known; where it shows, the graph says that a length stays.

local core = require "fnet.core"

local positions = {}

function positions.to(graph, arguments, step) return graph:cast(arguments[1], step.result.dtype) end

function positions.concat2(graph, arguments, step)
  return graph:node("Concat", { arguments[1], arguments[2] }, { axis = (step.arguments[3] or 1) - 1 })
end

-- ---- views ----

-- A length that stays is 0; where none of those is the batch's, the first that has it as a factor is what is left.
function positions.reshape(graph, arguments, step)
  local lengths, old, batch = step.result.shape, step.arguments[1].shape, step.batch
  local is_known = false
  for i, length in ipairs(lengths) do
    if length == old[i] then
      lengths[i], is_known = 0, is_known or length == batch
    end
  end
  for i, length in ipairs(lengths) do
    if not is_known and length ~= 0 and length % batch == 0 then
      lengths[i], is_known = -1, true
    end
  end
  return graph:reshape(arguments[1], "shape", lengths)
end
positions.flatten = positions.reshape

function positions.transpose(graph, arguments, step)
  local rank, perm = step.result.rank, {}
  for i = 1, rank do perm[i] = i - 1 end
  local a, b = step.arguments[2] or rank - 1, step.arguments[3] or rank
  perm[a], perm[b] = perm[b], perm[a]
  return graph:node("Transpose", { arguments[1] }, { perm = perm })
end

-- Positions from 0 of one axis: those from first on, before last.
local function slice(graph, x, axis, first, last, step)
  return graph:node("Slice", { x, graph:integers("first", { first }), graph:integers("last", { last }),
    graph:integers("axis", { axis - 1 }), step and graph:integers("step", { step }) })
end

function positions.slice(graph, arguments, step)
  local _, axis, first, last = table.unpack(step.arguments, 1, 4)
  return slice(graph, arguments[1], axis, first - 1, last or math.maxinteger)
end

function positions.flip(graph, arguments, step)
  return slice(graph, arguments[1], step.arguments[2], -1, math.mininteger, -1)
end

function positions.unslice(graph, arguments, step)
  local x, axis, first, length, value = table.unpack(step.arguments, 1, 5)
  local pads = {}
  for i = 1, 2 * x.rank do pads[i] = 0 end
  pads[axis], pads[axis + x.rank] = first - 1, length - (first - 1) - x.shape[axis]
  local border = graph:number("value", value or 0, x.dtype)
  return graph:node("Pad", { arguments[1], graph:integers("pads", pads), border }, { mode = "constant" })
end

function positions.select(graph, arguments, step)
  local _, axis, index = table.unpack(step.arguments, 1, 3)
  local part = graph:node("Gather", { arguments[1], graph:integers("index", { index - 1 }) }, { axis = axis - 1 })
  return graph:node("Squeeze", { part, graph:integers("axis", { axis - 1 }) })
end

-- A length that is there already is 1, which repeats nothing.
function positions.expand(graph, arguments, step)
  local lengths, old = step.result.shape, step.arguments[1].shape
  local new = #lengths - #old
  for i, length in ipairs(lengths) do
    if length == old[i - new] then
      lengths[i] = 1
    elseif i == 1 and length == step.batch then
      core.raise("export_onnx: what is repeated for each sample cannot be exported; operations repeat it by "
        .. "themselves")
    end
  end
  return graph:node("Expand", { arguments[1], graph:integers("shape", lengths) })
end

function positions.triangle(graph, arguments, step)
  local _, upper, diagonal = table.unpack(step.arguments, 1, 3)
  local k = graph:constant("diagonal", {}, "int64", string.pack("<i8", diagonal))
  return graph:node("Trilu", { arguments[1], k }, { upper = upper and 1 or 0 })
end

-- ---- by index ----

function positions.gather(graph, arguments, step)
  return graph:node("Gather", { arguments[1], graph:from_zero(arguments[2]) },
    { axis = (step.arguments[3] or 1) - 1 })
end

function positions.take_along(graph, arguments, step)
  return graph:node("GatherElements", { arguments[1], graph:from_zero(arguments[2]) },
    { axis = step.arguments[3] - 1 })
end

function positions.pick(graph, arguments, step)
  local x, _, axis = table.unpack(step.arguments, 1, 3)
  local axes = graph:integers("axis", { (axis or x.rank) - 1 })
  local indices = graph:node("Unsqueeze", { graph:from_zero(arguments[2]), axes })
  local part = graph:node("GatherElements", { arguments[1], indices }, { axis = (axis or x.rank) - 1 })
  return graph:node("Squeeze", { part, axes })
end

-- x added, at the indices from 0, which have its shape, to zeros of that length along the axis.
local function add_at(graph, x, indices, axis, length)
  local before = graph:node("Shape", { x }, { start = 0, ["end"] = axis - 1 })
  local shape = graph:node("Concat", { before, graph:integers("length", { length }),
    graph:node("Shape", { x }, { start = axis }) }, { axis = 0 })
  local zero = graph:node("CastLike", { graph:node("ConstantOfShape", { shape }), x })
  return graph:node("ScatterElements", { zero, indices, x }, { axis = axis - 1, reduction = "add" })
end

function positions.put_along(graph, arguments, step)
  local _, _, axis, length = table.unpack(step.arguments, 1, 4)
  return add_at(graph, arguments[1], graph:from_zero(arguments[2]), axis, length)
end

function positions.scatter(graph, arguments, step)
  local x, _, axis, length = table.unpack(step.arguments, 1, 4)
  local lengths = {}
  for i = 1, x.rank do lengths[i] = i == axis and -1 or 1 end
  local line = graph:reshape(graph:from_zero(arguments[2]), "line", lengths)
  local indices = graph:node("Expand", { line, graph:node("Shape", { arguments[1] }) })
  return add_at(graph, arguments[1], indices, axis, length)
end

-- The places of what comes first when the elements are sorted.
function positions.order(graph, arguments, step)
  local _, axis, descending, count, _, first = table.unpack(step.arguments, 1, 6)
  local skipped = (first or 1) - 1
  local places = graph:node("TopK", { arguments[1], graph:integers("count", { skipped + count }) },
    { axis = axis - 1, largest = descending and 1 or 0, sorted = 1 }, 2)
  if skipped > 0 then places = slice(graph, places, axis, skipped, math.maxinteger) end
  return graph:from_one(places)
end

function positions.one_hot(graph, arguments, step)
  local result = step.result
  local classes = core.arange(1, result.shape[result.rank], 1, "int32")
  local labels = graph:node("Unsqueeze", { graph:cast(arguments[1], "int32"), graph:integers("axis", { -1 }) })
  return graph:cast(graph:node("Equal", { labels, graph:tensor("classes", classes) }), result.dtype)
end

return positions

--- Operations of tensors as ONNX's, for models that are traced: by the names that the tape has for them,
-- function(graph, arguments, step) -> name of the result. Of the arguments those that are tensors are names of
-- values; step.arguments has them as they were, and step.result what came of them.

local core = require "fnet.core"

local operations = {}

-- A tensor's name, or that of a number as a constant.
local function name_of(graph, argument, label)
  if type(argument) == "number" then return graph:number(label, argument) end
  return argument
end

for name, operator in pairs {
  abs = "Abs", acos = "Acos", asin = "Asin", atan = "Atan", ceil = "Ceil", clone = "Identity",
  contiguous = "Identity", cos = "Cos", cosh = "Cosh", exp = "Exp", floor = "Floor", log = "Log", neg = "Neg",
  relu = "Relu", round = "Round", sigmoid = "Sigmoid", sign = "Sign", sin = "Sin", sinh = "Sinh",
  softplus = "Softplus", sqrt = "Sqrt", tan = "Tan", tanh = "Tanh",
} do
  operations[name] = function(graph, arguments) return graph:node(operator, { arguments[1] }) end
end

for name, operator in pairs { add = "Add", div = "Div", matmul = "MatMul", maximum = "Max", minimum = "Min",
  mul = "Mul", pow = "Pow", sub = "Sub" } do
  operations[name] = function(graph, arguments)
    return graph:node(operator, { name_of(graph, arguments[1], "first " .. #graph.nodes),
      name_of(graph, arguments[2], "second " .. #graph.nodes) })
  end
end

function operations.gelu(graph, arguments) return graph:gelu(arguments[1]) end
function operations.silu(graph, arguments) return graph:silu(arguments[1]) end

function operations.softmax(graph, arguments) return graph:node("Softmax", { arguments[1] }, { axis = -1 }) end

function operations.dense(graph, arguments)
  local y = graph:node("MatMul", { arguments[1], arguments[2] })
  return arguments[3] and graph:node("Add", { y, arguments[3] }) or y
end

for name, operator in pairs { leaky_relu = "LeakyRelu", elu = "Elu" } do
  operations[name] = function(graph, arguments, step)
    local alpha = step.arguments[2]
    if type(alpha) == "number" then return graph:node(operator, { arguments[1] }, { alpha = alpha + 0.0 }) end
    if operator == "LeakyRelu" then return graph:node("PRelu", { arguments[1], arguments[2] }) end
    core.raise "export_onnx: an elu with a tensor for alpha cannot be exported"
  end
end

-- ---- along axes ----

for name, operator in pairs { sum = "ReduceSum", mean = "ReduceMean", max = "ReduceMax", min = "ReduceMin" } do
  operations[name] = function(graph, arguments, step)
    local axis, keep, list = step.arguments[2], step.arguments[3], nil
    for i, one in ipairs(type(axis) == "table" and axis or { axis }) do
      list = list or {}
      list[i] = one - 1
    end
    local keepdims = keep and axis ~= nil and 1 or 0
    if operator ~= "ReduceSum" or not list then
      return graph:node(operator, { arguments[1] }, { axes = list, keepdims = keepdims })
    end
    return graph:node(operator, { arguments[1], graph:integers("axes " .. #graph.nodes, list) },
      { keepdims = keepdims })
  end
end

function operations.concat2(graph, arguments, step)
  return graph:node("Concat", { arguments[1], arguments[2] }, { axis = (step.arguments[3] or 1) - 1 })
end

-- ---- views ----

-- The length of the batch is not known: 0 where it stands first before and after, -1 where it is part of a length.
function operations.reshape(graph, arguments, step)
  local lengths, old, batch = step.result.shape, step.arguments[1].shape, step.batch
  if lengths[1] == batch and old[1] == batch then
    lengths[1] = 0
  elseif lengths[1] and lengths[1] % batch == 0 then
    lengths[1] = -1
  end
  return graph:reshape(arguments[1], "shape " .. #graph.nodes, lengths)
end
operations.flatten = operations.reshape

function operations.transpose(graph, arguments, step)
  local rank, perm = step.result.rank, {}
  for i = 1, rank do perm[i] = i - 1 end
  local a, b = step.arguments[2] or rank - 1, step.arguments[3] or rank
  perm[a], perm[b] = perm[b], perm[a]
  return graph:node("Transpose", { arguments[1] }, { perm = perm })
end

function operations.slice(graph, arguments, step)
  local _, axis, first, last = table.unpack(step.arguments, 1, 4)
  local label = #graph.nodes
  return graph:node("Slice", { arguments[1], graph:integers("first " .. label, { first - 1 }),
    graph:integers("last " .. label, { last or math.maxinteger }), graph:integers("axis " .. label, { axis - 1 }) })
end

function operations.select(graph, arguments, step)
  local _, axis, index = table.unpack(step.arguments, 1, 3)
  local label = #graph.nodes
  local part = graph:node("Gather", { arguments[1], graph:integers("index " .. label, { index - 1 }) },
    { axis = axis - 1 })
  return graph:node("Squeeze", { part, graph:integers("axis " .. label, { axis - 1 }) })
end

function operations.expand(graph, arguments, step)
  local lengths, old = step.result.shape, step.arguments[1].shape
  if lengths[1] == step.batch then
    if #old ~= #lengths or old[1] ~= step.batch then
      core.raise("export_onnx: what is repeated for each sample cannot be exported; operations repeat it by "
        .. "themselves")
    end
    lengths[1] = 1 -- repeats nothing
  end
  return graph:node("Expand", { arguments[1], graph:integers("shape " .. #graph.nodes, lengths) })
end

return operations

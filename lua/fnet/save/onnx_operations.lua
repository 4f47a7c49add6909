--- Operations of tensors as ONNX's, for models that are traced: by the names that fnet.core has for them,
-- function(graph, arguments, step) -> name of the result. Of the arguments those that are tensors are names of
-- values; step.arguments has them as they were, and step.result what came of them. Those that move elements or
-- choose some stand in onnx_positions.lua.
-- Invariant: what fnet converts by itself, ONNX is told to: an operand is cast to the type in which fnet computes.

local core = require "fnet.core"

local operations = {}

-- An operand as that type: a number becomes a constant.
local function operand(graph, arguments, step, i, dtype)
  local given = step.arguments[i]
  if type(given) == "number" then
    if dtype == "int32" then given = math.max(math.min(given, 2 ^ 31 - 1), -2 ^ 31) end -- a bound of whole numbers
    return graph:number("number", given, dtype)
  end
  return given.dtype == dtype and arguments[i] or graph:cast(arguments[i], dtype)
end

-- ---- element by element ----

for name, operator in pairs {
  abs = "Abs", acos = "Acos", asin = "Asin", atan = "Atan", ceil = "Ceil", clone = "Identity",
  contiguous = "Identity", cos = "Cos", cosh = "Cosh", detach = "Identity", exp = "Exp", floor = "Floor",
  log = "Log", neg = "Neg", relu = "Relu", round = "Round", sigmoid = "Sigmoid", sign = "Sign", sin = "Sin",
  sinh = "Sinh", softplus = "Softplus", sqrt = "Sqrt", tan = "Tan", tanh = "Tanh",
} do
  operations[name] = function(graph, arguments, step)
    return graph:node(operator, { operand(graph, arguments, step, 1, step.result.dtype) })
  end
end

for name, operator in pairs { add = "Add", div = "Div", matmul = "MatMul", maximum = "Max", minimum = "Min",
  mul = "Mul", pow = "Pow", sub = "Sub" } do
  operations[name] = function(graph, arguments, step)
    local dtype = step.result.dtype
    return graph:node(operator, { operand(graph, arguments, step, 1, dtype),
      operand(graph, arguments, step, 2, dtype) })
  end
end

-- The type in which two operands are compared: whole numbers in double, where each is exact.
local function common_type(step)
  local has_whole, has_double = false, false
  for i = 1, 2 do
    local dtype = core.is_tensor(step.arguments[i]) and step.arguments[i].dtype
    has_whole, has_double = has_whole or dtype == "int32", has_double or dtype == "float64"
  end
  return (has_whole or has_double) and "float64" or "float32"
end

-- Truth values are 1 and 0 in fnet.
for name, row in pairs {
  eq = { "Equal" }, ne = { "Equal", "Not" }, lt = { "Less" }, le = { "LessOrEqual" }, gt = { "Greater" },
  ge = { "GreaterOrEqual" },
} do
  operations[name] = function(graph, arguments, step)
    local dtype = common_type(step)
    local answer = graph:node(row[1], { operand(graph, arguments, step, 1, dtype),
      operand(graph, arguments, step, 2, dtype) })
    if row[2] then answer = graph:node(row[2], { answer }) end
    return graph:cast(answer, step.result.dtype)
  end
end

function operations.isnan(graph, arguments, step)
  return graph:cast(graph:node("IsNaN", { operand(graph, arguments, step, 1, step.result.dtype) }),
    step.result.dtype)
end

for name, operator in pairs { isinf = "Equal", isfinite = "Less" } do
  operations[name] = function(graph, arguments, step)
    local dtype = step.result.dtype
    local size = graph:node("Abs", { operand(graph, arguments, step, 1, dtype) })
    return graph:cast(graph:node(operator, { size, graph:number("infinity", math.huge, dtype) }), dtype)
  end
end

function operations.where(graph, arguments, step)
  local dtype = step.result.dtype
  return graph:node("Where", { graph:cast(operand(graph, arguments, step, 1, "float32"), "bool"),
    operand(graph, arguments, step, 2, dtype), operand(graph, arguments, step, 3, dtype) })
end

function operations.gate(graph, arguments, step)
  local dtype = step.result.dtype
  local above = graph:node("Greater", { operand(graph, arguments, step, 2, dtype), graph:number("zero", 0, dtype) })
  return graph:node("Where", { above, operand(graph, arguments, step, 1, dtype), graph:number("zero", 0, dtype) })
end

-- What ONNX has no operator for, of those that it has; near 0 without the digits that fnet keeps there.

local function number(graph, value, step) return graph:number("number", value, step.result.dtype) end
local function first(graph, arguments, step) return operand(graph, arguments, step, 1, step.result.dtype) end

function operations.exp2(graph, arguments, step)
  return graph:node("Pow", { number(graph, 2, step), first(graph, arguments, step) })
end

function operations.expm1(graph, arguments, step)
  return graph:node("Sub", { graph:node("Exp", { first(graph, arguments, step) }), number(graph, 1, step) })
end

function operations.log1p(graph, arguments, step)
  return graph:node("Log", { graph:node("Add", { first(graph, arguments, step), number(graph, 1, step) }) })
end

for name, base in pairs { log2 = 2, log10 = 10 } do
  operations[name] = function(graph, arguments, step)
    return graph:node("Mul", { graph:node("Log", { first(graph, arguments, step) }),
      number(graph, 1 / math.log(base), step) })
  end
end

function operations.trunc(graph, arguments, step)
  local x = first(graph, arguments, step)
  return graph:node("Mul", { graph:node("Sign", { x }), graph:node("Floor", { graph:node("Abs", { x }) }) })
end

function operations.gelu(graph, arguments) return graph:gelu(arguments[1]) end
function operations.silu(graph, arguments) return graph:silu(arguments[1]) end

for name, operator in pairs { leaky_relu = "LeakyRelu", elu = "Elu" } do
  operations[name] = function(graph, arguments, step)
    local alpha = step.arguments[2]
    if type(alpha) == "number" then return graph:node(operator, { arguments[1] }, { alpha = alpha + 0.0 }) end
    if operator == "LeakyRelu" then return graph:node("PRelu", { arguments[1], arguments[2] }) end
    core.raise "export_onnx: an elu with a tensor for alpha cannot be exported"
  end
end

-- ---- along axes ----

function operations.softmax(graph, arguments) return graph:node("Softmax", { arguments[1] }, { axis = -1 }) end

function operations.dense(graph, arguments)
  local y = graph:node("MatMul", { arguments[1], arguments[2] })
  return arguments[3] and graph:node("Add", { y, arguments[3] }) or y
end

-- Axes from 0; nil for all.
local function axes_of(axis)
  if axis == nil then return nil end
  local list = {}
  for i, one in ipairs(type(axis) == "table" and axis or { axis }) do list[i] = one - 1 end
  return list
end

for name, operator in pairs { sum = "ReduceSum", mean = "ReduceMean", max = "ReduceMax", min = "ReduceMin",
  prod = "ReduceProd", norm = "ReduceL2" } do
  operations[name] = function(graph, arguments, step)
    local axis, keep = step.arguments[2], step.arguments[3]
    return graph:reduce(operator, first(graph, arguments, step), axes_of(axis), keep and axis ~= nil)
  end
end

-- Squared distances from the mean, over their number less the correction.
function operations.var(graph, arguments, step)
  local x, axis, keep, correction = table.unpack(step.arguments, 1, 4)
  local axes, count = axes_of(axis), 1
  for i, length in ipairs(x.shape) do
    local is_reduced = axes == nil
    for _, reduced in ipairs(axes or {}) do is_reduced = is_reduced or reduced == i - 1 end
    if is_reduced then count = count * length end
  end
  local values = first(graph, arguments, step)
  local apart = graph:node("Sub", { values, graph:reduce("ReduceMean", values, axes, true) })
  local squares = graph:reduce("ReduceSum", graph:node("Mul", { apart, apart }), axes, keep and axis ~= nil)
  return graph:node("Div", { squares, number(graph, math.max(count - (correction or 1), 0), step) })
end

function operations.std(graph, arguments, step)
  return graph:node("Sqrt", { operations.var(graph, arguments, step) })
end

for name, operator in pairs { argmax = "ArgMax", argmin = "ArgMin" } do
  operations[name] = function(graph, arguments, step)
    local axis, keep = step.arguments[2], step.arguments[3]
    local place
    if axis == nil then
      local flat = graph:reshape(arguments[1], "flat", { -1 })
      place = graph:node(operator, { flat }, { axis = 0, keepdims = 0 })
    else
      place = graph:node(operator, { arguments[1] }, { axis = axis - 1, keepdims = keep and 1 or 0 })
    end
    return graph:from_one(place)
  end
end

function operations.scan(graph, arguments, step)
  local factors, _, axis, reversed = table.unpack(step.arguments, 1, 4)
  if factors then
    core.raise "export_onnx: ONNX has no running product; of numbers above 0 it is x:log():cumsum(axis):exp()"
  end
  return graph:node("CumSum", { arguments[2], graph:constant("axis", {}, "int64", string.pack("<i8", axis - 1)) },
    { reverse = reversed and 1 or 0 })
end

for name, f in pairs(require "fnet.save.onnx_positions") do operations[name] = f end

return operations

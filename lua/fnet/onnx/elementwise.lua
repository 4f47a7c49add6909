--- Operations of ONNX that compute element by element, and comparisons; truth values are uint8, 0 and 1.
-- Each takes the node and its inputs, nil for one that is left out.

local core = require "fnet.core"
local values = require "fnet.onnx.values"

local operations = {}

-- What is a method of tensors under another name.
local UNARY = {
  Abs = "abs", Acos = "acos", Asin = "asin", Atan = "atan", Ceil = "ceil", Cos = "cos", Cosh = "cosh", Exp = "exp",
  Floor = "floor", Log = "log", Neg = "neg", Relu = "relu", Round = "round", Sigmoid = "sigmoid", Sign = "sign",
  Sin = "sin", Sinh = "sinh", Softplus = "softplus", Sqrt = "sqrt", Tan = "tan", Tanh = "tanh",
}
for name, method in pairs(UNARY) do
  local exact = values.exact(core.methods[method])
  operations[name] = function(_, x) return exact(x) end
end

local BINARY = { Add = "add", Sub = "sub", Mul = "mul", Div = "div" }
for name, method in pairs(BINARY) do
  local exact = values.exact(core.methods[method])
  operations[name] = function(_, a, b) return exact(a, b) end
end

local COMPARISONS = { Equal = "eq", Greater = "gt", GreaterOrEqual = "ge", Less = "lt", LessOrEqual = "le" }
for name, method in pairs(COMPARISONS) do
  operations[name] = function(_, a, b) return a[method](a, b):byte() end
end

function operations.And(_, a, b) return a:mul(b):byte() end
function operations.Or(_, a, b) return a:maximum(b):byte() end
function operations.Xor(_, a, b) return a:ne(b):byte() end
function operations.Not(_, x) return x:eq(0):byte() end
function operations.IsNaN(_, x) return x:ne(x):byte() end

function operations.IsInf(node, x)
  local attributes = node.attributes
  local above, below = x:eq(math.huge), x:eq(-math.huge)
  if attributes.detect_positive == 0 then above = above * 0 end
  if attributes.detect_negative == 0 then below = below * 0 end
  return above:maximum(below):byte()
end

-- The base says the type.
function operations.Pow(_, a, b)
  if values.is_whole(a) then return values.exactly(core.methods.pow, a, b) end
  return a:pow(values.is_whole(b) and b:to(a.dtype) or b)
end

function operations.Mod(node, a, b)
  local cuts = node.attributes.fmod == 1
  return values.exact(function(x, y)
    local quotient = x / y
    if cuts then quotient = core.where(quotient:lt(0), -(-quotient):floor(), quotient:floor())
    else quotient = quotient:floor() end
    return x - y * quotient
  end)(a, b)
end

-- Of any number of inputs, one after the other.
local function fold(method)
  local exact = values.exact(core.methods[method])
  return function(_, x, ...)
    for _, other in ipairs { ... } do x = exact(x, other) end
    return x
  end
end
operations.Sum, operations.Max, operations.Min = fold "add", fold "maximum", fold "minimum"

function operations.Mean(node, ...) return operations.Sum(node, ...) / select("#", ...) end

-- ---- functions with a parameter ----

function operations.Identity(_, x) return x end

-- When a model is used nothing is dropped.
function operations.Dropout(node, x, ratio, is_training)
  if is_training and is_training:item() ~= 0 and (not ratio or ratio:item() ~= 0) then
    core.raise "is in training mode, in which it drops at random; export the model for use"
  end
  if #node.outputs > 1 then return x, core.full(x.shape, 1, "uint8") end
  return x
end

function operations.LeakyRelu(node, x) return x:leaky_relu(node.attributes.alpha or 0.01) end
function operations.Elu(node, x) return x:elu(node.attributes.alpha or 1.0) end
function operations.Celu(node, x)
  local alpha = node.attributes.alpha or 1.0
  return (x / alpha):elu(1) * alpha
end

-- In double, which has the squares of all float32, and the digits beside 1.
function operations.Asinh(_, x)
  return values.exactly(function(y)
    local size, square = y:abs(), y * y
    return core.where(y:isfinite(), y:sign() * (size + square / ((square + 1):sqrt() + 1)):log1p(), y)
  end, x)
end
function operations.Acosh(_, x)
  return values.exactly(function(y) return (y + (y * y - 1):sqrt()):log() end, x)
end

function operations.Atanh(_, x) return (x:log1p() - (-x):log1p()) / 2 end

function operations.Reciprocal(_, x) return 1 / x end
function operations.Softsign(_, x) return x / (x:abs() + 1) end
function operations.PRelu(_, x, slope) return core.where(x:lt(0), x * slope, x) end

function operations.Selu(node, x)
  local alpha, gamma = node.attributes.alpha or 1.67326319217681884765625, node.attributes.gamma
  return x:elu(alpha) * (gamma or 1.05070102214813232421875)
end

function operations.ThresholdedRelu(node, x)
  return core.where(x:gt(node.attributes.alpha or 1.0), x, 0)
end

function operations.HardSigmoid(node, x)
  return (x * (node.attributes.alpha or 0.2) + (node.attributes.beta or 0.5)):clamp(0, 1)
end

function operations.HardSwish(_, x) return x * (x / 6 + 0.5):clamp(0, 1) end

function operations.Shrink(node, x)
  local bias, limit = node.attributes.bias or 0.0, node.attributes.lambd or 0.5
  return core.where(x:gt(limit), x - bias, core.where(x:lt(-limit), x + bias, 0))
end

-- gelu(x) is x times the share of the normal distribution below x, of which erf is another form; near 0, where the
-- share is a half and digits are lost, the first terms of erf's series (Abramowitz and Stegun, 7.1.5).
local SERIES_LIMIT, ERF_LIMIT = 0.01, 16 -- beyond the second erf is 1 to the last bit
function operations.Erf(_, x)
  local is_small = x:abs():lt(SERIES_LIMIT)
  local root = core.where(is_small, 1, x):clamp(-ERF_LIMIT, ERF_LIMIT) * math.sqrt(2)
  return core.where(is_small, (x - x * x * x / 3) * (2 / math.sqrt(math.pi)), root:gelu() / root * 2 - 1)
end

function operations.Gelu(node, x)
  if node.attributes.approximate ~= "tanh" then return x:gelu() end
  return x * 0.5 * (((x + x * x * x * 0.044715) * math.sqrt(2 / math.pi)):tanh() + 1)
end

-- Bounds were attributes before version 11.
function operations.Clip(node, x, low, high)
  low, high = low or node.attributes.min, high or node.attributes.max
  local is_whole, dtype = values.is_whole(x), x.dtype
  if low then x = x:maximum(low) end
  if high then x = x:minimum(high) end
  return is_whole and x:to(dtype) or x
end

function operations.Where(_, condition, a, b)
  if a.dtype == "uint8" and b.dtype == "uint8" then return core.where(condition, a, b):byte() end
  return core.where(condition, a, b)
end

return operations

--- Start values for weights of a shape {..., inputs, units}, such as {784, 128} or {3, 3, 32, 64}: each function
-- takes the shape and gives a new float32 tensor. The fans count the field in front: 3 x 3 x 32 numbers come in.
-- Random numbers come from the library's generator (fnet.seed).

local expect = require "fnet.base.expect"
local naming = require "fnet.base.naming"
local say = require "fnet.base.say"
local core = require "fnet.core"

local init = {}

--- How a weight starts: a name of nn.init, such as "he_normal", or a function of the shape that gives a tensor.
---@alias nn.StartValues string|fun(shape: integer[]): tensor

-- Functions that can be named as strings: init = "he_normal".
local named = {}

-- What goes into one unit and out of one input.
local function fans(what, shape)
  local expected = "a shape of at least two lengths, {..., inputs, units}"
  expect.that(type(shape) == "table", what, expected, shape)
  for axis = 1, #shape do expect.count(what .. ": length " .. axis, shape[axis], 1) end
  if #shape < 2 then core.raise("%s: expected %s, got %s", what, expected, say.shape(shape)) end
  local field = 1
  for axis, length in ipairs(shape) do
    if axis < #shape - 1 then field = field * length end
  end
  return field * shape[#shape - 1], field * shape[#shape]
end

--- Uniform in +-sqrt(6 / (fan in + fan out)) (Glorot and Bengio, 2010, equation 16).
---@param shape integer[] {..., inputs, units}
---@return tensor
function named.glorot_uniform(shape)
  local fan_in, fan_out = fans("glorot_uniform", shape)
  local limit = math.sqrt(6 / (fan_in + fan_out))
  return core.uniform(shape, -limit, limit)
end

--- Normal with deviation sqrt(2 / (fan in + fan out)) (Glorot and Bengio, 2010, equation 12).
---@param shape integer[] {..., inputs, units}
---@return tensor
function named.glorot_normal(shape)
  local fan_in, fan_out = fans("glorot_normal", shape)
  return core.normal(shape, 0, math.sqrt(2 / (fan_in + fan_out)))
end

--- Uniform in +-sqrt(6 / fan in), for layers followed by relu (He and others, 2015, equation 10).
---@param shape integer[] {..., inputs, units}
---@return tensor
function named.he_uniform(shape)
  local limit = math.sqrt(6 / fans("he_uniform", shape))
  return core.uniform(shape, -limit, limit)
end

--- Normal with deviation sqrt(2 / fan in), for layers followed by relu (He and others, 2015, equation 10).
---@param shape integer[] {..., inputs, units}
---@return tensor
function named.he_normal(shape) return core.normal(shape, 0, math.sqrt(2 / fans("he_normal", shape))) end

--- Normal with deviation sqrt(1 / fan in), for layers followed by selu (Klambauer and others, 2017, section 3).
---@param shape integer[] {..., inputs, units}
---@return tensor
function named.lecun_normal(shape) return core.normal(shape, 0, math.sqrt(1 / fans("lecun_normal", shape))) end

-- The columns of a float64 matrix [rows, columns], rows >= columns, made orthonormal one after the other; twice is
-- enough (Giraud and others, 2005). Sums and products alone: the same bits on every machine.
local function orthonormal(matrix)
  local rows, columns = #matrix, matrix.shape[2]
  local done = matrix:transpose():contiguous() -- row j is column j
  for j = 1, columns do
    local column = done[j]:reshape { rows, 1 }
    for _ = 1, j > 1 and 2 or 0 do
      local before = done:slice(1, 1, j - 1)
      column = column - before:transpose():matmul(before:matmul(column))
    end
    done[j] = (column / (column * column):sum():sqrt()):reshape { rows }
  end
  return done:transpose()
end

--- Orthogonal columns of length 1, or rows where these are fewer; [..., inputs] count as the rows (Saxe and
-- others, 2014). From a normal matrix, by Gram and Schmidt in double precision.
---@param shape integer[] {..., inputs, units}
---@return tensor
function named.orthogonal(shape)
  local rows, columns = fans("orthogonal", shape), shape[#shape]
  local normal = core.normal({ rows, columns }, 0, 1):double() -- of float32: the same bits on every machine
  return core.no_grad(function()
    local matrix = rows < columns and orthonormal(normal:transpose()):transpose() or orthonormal(normal)
    return matrix:contiguous():to("float32"):reshape(shape)
  end)
end

--- All zeros.
---@param shape integer[]
---@return tensor
function named.zeros(shape) return core.full(shape, 0) end

for name, make in pairs(named) do init[name] = make end

--- A function that gives one value everywhere: `init = nn.init.constant(0.01)`.
---@param value number
---@return fun(shape: integer[]): tensor
function init.constant(value)
  expect.number("constant: value", value, -math.huge, math.huge)
  return function(shape) return core.full(shape, value) end
end

--- The names that options take as strings, sorted.
---@return string[]
function init.names() return naming.sorted(named) end

return naming.strict("fnet.nn.init", init)

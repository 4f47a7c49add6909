--- tensor: tensors and gradient rules. This file has constructors and the methods that are written in Lua. Those in
-- C are declared in methods.lua; those that are made of other operations are in functions.lua and index.lua.
-- Methods check self too: they can be called with anything in its place, t.mean(5).

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local later = require "fnet.base.later"
local naming = require "fnet.base.naming"
local observer = require "fnet.base.observer"
local say = require "fnet.base.say"
local core = require "fnet.core"

--- The types of elements.
---@alias fnet.ElementType "float32"|"float64"|"uint8"|"int32"

--- A tensor has up to 8 axes, row-major, and elements of type float32 (the default), float64, uint8 or int32.
-- `t[i]` is a row, or at rank 1 a number, and can be set to a number or a tensor; `#t` is the first length, and
-- ipairs(t) goes over the rows; + - * / ^ and unary minus do what add, sub, mul, div, pow and neg do. A variable
-- declared with `<close>` releases its tensor at the end of the block. print(t) shows type, shape and edges,
-- however large it is. Axes and positions count from 1. `other` is a tensor or a number. Shapes fit together when,
-- counted from the last axis, lengths are equal or 1 ("broadcasting"); the result has the larger length of each.
-- Arithmetic happens in float32, or in float64 where an operand is float64: a number takes the tensor's type, and
-- integers become float32, or an error where that cannot hold them exactly; t:double() can. Extremes, `where` and
-- clamp of int32 and whole numbers are int32. Every method raises an error, at the line of the script that called
-- it, for an argument of the wrong kind, for shapes that do not fit, for a tensor that was given back, and
-- ("interrupted") after Ctrl-C. "Differentiable" means that backward() gives gradients through it.
---@class tensor
---@field shape integer[] lengths of the axes
---@field rank integer number of axes, 0 to 8
---@field dtype fnet.ElementType
---@field requires_grad boolean set it to true to get gradients with respect to this tensor
---@field grad tensor? the gradient after backward()
local methods = core.methods
local metatable = core.metatable

metatable.elsewhere = { -- names of PyTorch and NumPy
  absolute = "abs", amax = "max", amin = "min", arccos = "acos", arcsin = "asin", arctan = "atan",
  arctan2 = "atan2", argpartition = "topk", around = "round", array_equal = "equal",
  ascontiguousarray = "contiguous", astype = "to", bmm = "matmul", broadcast_to = "expand",
  cat = "fnet.concat { a, b } joins tensors",
  clip = "clamp", concat = "fnet.concat { a, b } joins tensors", concatenate = "fnet.concat { a, b } joins tensors",
  count_nonzero = "t:ne(0):sum() counts what is not 0",
  cpu = "fnet computes on the processor alone", cuda = "fnet computes on the processor alone", data = "detach",
  device = "fnet computes on the processor alone", dim = "rank", divide = "div", dot = "matmul",
  expand_dims = "unsqueeze", fix = "trunc", floor_divide = "(a / b):floor()",
  fmod = "a - (a / b):trunc() * b", greater = "gt", greater_equal = "ge",
  index_select = "gather",
  kthvalue = "topk",
  is_leaf = "what requires gradients and was made by no operation is a leaf", length = "#t is the first length",
  less = "lt", less_equal = "le", logical_not = "t:eq(0) is 1 where t is 0",
  long = "int",
  mm = "matmul", msort = "sort", multiply = "mul", mv = "matmul", narrow = "slice", ndim = "rank",
  ndimension = "rank",
  negative = "neg", nelement = "count", not_equal = "ne",
  numel = "count",
  nan_to_num = "fnet.where(t:isfinite(), t, 0) replaces what is not finite",
  numpy = "fnet.data.write_npy writes a file for NumPy",
  partition = "topk", percentile = "t:quantile(percent / 100)",
  power = "pow", ravel = "flatten",
  reciprocal = "1 / t", remainder = "a - (a / b):floor() * b", requires_grad_ = "requires_grad",
  rint = "round", rsqrt = "1 / t:sqrt()",
  size = "shape", split = "chunk", square = "t * t",
  stack = "fnet.stack { a, b } joins tensors along a new axis", subtract = "sub", swapaxes = "transpose",
  swish = "silu", t = "transpose", take = "gather", tolist = "totable", type = "dtype",
  view = "reshape", where = "fnet.where(condition, a, b) chooses element by element",
}

local index, order, running = "fnet.tensor.index", "fnet.tensor.order", "fnet.tensor.running"
later.methods(methods, {
  sort = order, argsort = order, topk = order, median = order, quantile = order, unique = order,
  cumsum = running, cumprod = running, prod = running, any = running, all = running, norm = running,
  logsumexp = running,
  masked_select = index, masked_fill = index, scatter_add = index, flip = index, roll = index, pad = index,
  tile = index, tril = index, triu = index,
})

local constructors = {}

--- A tensor from nested tables of numbers.
---@param values number|table rows must be equally long
---@param dtype? fnet.ElementType "float32"
---@return tensor
function constructors.tensor(values, dtype) return core.tensor(values, dtype) end

--- All elements equal to a value.
---@param shape integer[]
---@param value number
---@param dtype? fnet.ElementType "float32"
---@return tensor
function constructors.full(shape, value, dtype) return core.full(shape, value, dtype) end

--- All elements 0.
---@param shape integer[]
---@param dtype? fnet.ElementType "float32"
---@return tensor
function constructors.zeros(shape, dtype) return core.full(shape, 0, dtype, "zeros") end

--- All elements 1.
---@param shape integer[]
---@param dtype? fnet.ElementType "float32"
---@return tensor
function constructors.ones(shape, dtype) return core.full(shape, 1, dtype, "ones") end

--- Zeros in the shape and the type of a tensor.
---@param t tensor
---@param dtype? fnet.ElementType that of t
---@return tensor
function constructors.zeros_like(t, dtype)
  expect.tensor("zeros_like", t)
  return core.full(t.shape, 0, dtype or t.dtype, "zeros_like")
end

--- Ones in the shape and the type of a tensor.
---@param t tensor
---@param dtype? fnet.ElementType that of t
---@return tensor
function constructors.ones_like(t, dtype)
  expect.tensor("ones_like", t)
  return core.full(t.shape, 1, dtype or t.dtype, "ones_like")
end

--- All elements equal to a value, in the shape and the type of a tensor.
---@param t tensor
---@param value number
---@param dtype? fnet.ElementType that of t
---@return tensor
function constructors.full_like(t, value, dtype)
  expect.tensor("full_like", t)
  return core.full(t.shape, value, dtype or t.dtype, "full_like")
end

--- first, first + step, ... up to and including last, as rank 1.
---@param first number
---@param last number
---@param step? number 1; not 0
---@param dtype? fnet.ElementType "float32"
---@return tensor
function constructors.arange(first, last, step, dtype) return core.arange(first, last, step, dtype) end

--- So many numbers from first to last, at equal distances, as rank 1. Both ends are exact.
---@param first number
---@param last number
---@param count integer one gives first alone
---@param dtype? "float32"|"float64" "float32"
---@return tensor
function constructors.linspace(first, last, count, dtype) return core.linspace(first, last, count, dtype) end

--- Ones on the diagonal of a size x size matrix.
---@param size integer
---@param dtype? fnet.ElementType "float32"
---@return tensor
function constructors.eye(size, dtype)
  if size == nil then core.raise("eye: expected a whole number of at least 0, got nil") end
  local eye = core.full({ size, size }, 0, dtype, "eye")
  for i = 1, size do eye:set(1, i, i) end
  return eye
end

--- Uniform random numbers in [low, high).
---@param shape integer[]
---@param low? number 0
---@param high? number 1
---@param dtype? "float32"|"float64" "float32"
---@return tensor
function constructors.rand(shape, low, high, dtype) return core.uniform(shape, low, high, dtype) end

--- Normal random numbers, with 32 random bits each, or 53 for float64.
---@param shape integer[]
---@param mean? number 0
---@param deviation? number standard deviation, 1
---@param dtype? "float32"|"float64" "float32"
---@return tensor
function constructors.randn(shape, mean, deviation, dtype) return core.normal(shape, mean, deviation, dtype) end

--- The numbers 1 to n in random order, as int32.
---@param n integer
---@return tensor
function constructors.permutation(n) return core.permutation(n) end

--- A tensor from the bytes of its elements (row-major, this machine's byte order).
---@param bytes string
---@param shape integer[]
---@param dtype? fnet.ElementType "float32"
---@return tensor
function constructors.from_bytes(bytes, shape, dtype) return core.from_bytes(bytes, shape, dtype) end

--- True for a tensor, false for anything else.
---@param value any
---@return boolean
function constructors.is_tensor(value) return core.is_tensor(expect.value("is_tensor", value)) end

--- The matrix product: [m, k] by [k, n]. The axes before the last two are a batch, and broadcast: [2, 4, 5, 8] by
-- [8, 3] gives [2, 4, 5, 3]. A rank 1 operand is a row (left) or a column (right). Differentiable.
---@param other tensor
---@return tensor
function methods:matmul(other)
  expect.self("matmul", self)
  expect.tensor("matmul", other)
  if self.rank ~= 1 and other.rank ~= 1 then return core.matmul(self, other) end
  local a = self.rank == 1 and self:reshape { 1, #self } or self
  local b = other.rank == 1 and other:reshape { #other, 1 } or other
  local product = core.matmul(a, b)
  if self.rank == 1 then product = product:select(product.rank - 1, 1) end
  return other.rank == 1 and product:select(product.rank, 1) or product
end

--- The matrix product of a and b: a:matmul(b).
---@param a tensor
---@param b tensor
---@return tensor
function constructors.matmul(a, b)
  expect.tensor("matmul", a)
  return a:matmul(b)
end

--- Each element of self times each of the other, both of rank 1: of shape [#self, #other]. Differentiable.
---@param other tensor
---@return tensor
function methods:outer(other)
  expect.self("outer", self)
  expect.tensor("outer", other)
  if self.rank ~= 1 or other.rank ~= 1 then
    core.raise("outer: expected two tensors of rank 1, got %s and %s; fnet.einsum names products of more axes",
      say.shape(self.shape), say.shape(other.shape))
  end
  return self:reshape { #self, 1 } * other
end

--- Elements below low become low, those above high become high; int32 stays int32 between whole bounds.
---@param low number
---@param high number
---@return tensor
function methods:clamp(low, high)
  expect.self("clamp", self)
  if not (type(low) == "number" and type(high) == "number" and low <= high) then
    local function got(value) return type(value) == "number" and tostring(value) or core.kind(value) end
    core.raise("clamp: expected two numbers, low <= high, got %s and %s", got(low), got(high))
  end
  return self:maximum(low):minimum(high)
end

--- exp(x) / sum(exp(x)) along an axis; stable for any finite input.
---@param axis? integer the last one
---@return tensor
function methods:softmax(axis)
  expect.self("softmax", self)
  local last = self.rank
  if axis == nil or axis == last then return core.softmax(self) end
  expect.axis("softmax", axis, last)
  return core.softmax(self:transpose(axis, last):contiguous()):transpose(axis, last)
end

--- The transposed view of the last two axes.
---@return tensor
function methods:T()
  expect.self("T", self)
  return self:transpose()
end

--- The i-th row: a view with one axis less.
---@param i integer
---@return tensor
function methods:row(i)
  expect.self("row", self)
  return self:select(1, i)
end

--- Positions along an axis by index; the shape of the indices takes the place of the axis: NumPy's take. One
-- element of each row is take_along_axis. Differentiable.
---@param indices tensor int32 or uint8, from 1
---@param axis? integer 1
---@return tensor
function methods:gather(indices, axis)
  expect.self("gather", self)
  if core.is_tensor(axis) then
    core.raise("gather: expected indices and then an axis, got %s and %s; PyTorch's x.gather(axis, indices) is " ..
      "x:take_along_axis(indices, axis)", core.kind(indices), core.kind(axis))
  end
  expect.tensor("gather", indices)
  return core.gather(self, indices, axis)
end

--- Along an axis, for each place the element that the index there names: `q:take_along_axis(action, 2)` is one
-- number of each row. NumPy's function of this name, PyTorch's gather. Differentiable.
---@param indices tensor int32 or uint8, from 1; of as many axes, and as long but for that axis
---@param axis? integer the last one
---@return tensor of the shape of the indices
function methods:take_along_axis(indices, axis)
  expect.self("take_along_axis", self)
  expect.tensor("take_along_axis", indices)
  return core.take_along(self, indices, expect.axis("take_along_axis", axis or math.max(self.rank, 1), self.rank))
end

--- As float32.
---@return tensor
function methods:float()
  expect.self("float", self)
  return self:to "float32"
end

--- As float64.
---@return tensor
function methods:double()
  expect.self("double", self)
  return self:to "float64"
end

--- As int32, fractions cut off. Raises where a value does not fit.
---@return tensor
function methods:int()
  expect.self("int", self)
  return self:to "int32"
end

--- As uint8, fractions cut off. Raises where a value does not fit.
---@return tensor
function methods:byte()
  expect.self("byte", self)
  return self:to "uint8"
end

--- True when shapes and all elements are equal (a NaN equals nothing).
---@param other tensor
---@return boolean
function methods:equal(other)
  expect.self("equal", self)
  expect.tensor("equal", other)
  return is.same_shape(self.shape, other.shape) and
    core.no_grad(function() return self:ne(other):sum():item() end) == 0
end

--- True when shapes are equal and |a - b| <= absolute + relative * |b| everywhere.
---@param other tensor
---@param relative? number 1e-5
---@param absolute? number 1e-8
---@return boolean
function methods:allclose(other, relative, absolute)
  expect.self("allclose", self)
  expect.tensor("allclose", other)
  for name, limit in pairs { relative = relative, absolute = absolute } do
    if type(limit) ~= "number" then
      core.raise("allclose: %s: expected a number, got %s", name, core.kind(limit))
    end
  end
  return is.same_shape(self.shape, other.shape) and core.no_grad(function()
    local a, b = self:double(), other:double()
    local limit = b:abs() * (relative or 1e-5) + (absolute or 1e-8)
    local distance = (a - b):abs()
    local near = distance:le(limit) * distance:lt(math.huge) -- an infinite limit allows no infinite distance
    return a:eq(b):maximum(near):sum():item() == self:count()
  end)
end

--- Computes the gradients of this result with respect to every tensor that requires them, adding to their .grad.
---@param options? table gradient: tensor, of this result, needed when it has several elements; retain: boolean,
--- keep the tape for another backward; create_graph: boolean, record the gradients themselves, for second
--- derivatives (implies retain)
function methods:backward(options)
  expect.self("backward", self)
  options = expect.options("backward", options, { "gradient", "retain", "create_graph" },
    { "retain", "create_graph" })
  if observer.current then observer.current.backward(self) end
  core.backward(self, options.gradient, options.retain or options.create_graph, options.create_graph)
end

--- Drops the gradient.
function methods:zero_grad()
  expect.self("zero_grad", self)
  core.zero_grad { self }
end

-- Printing: edges of each axis only, so that the size does not matter.

local function number_text(value)
  if math.type(value) == "integer" then return tostring(value) end
  return say.number(value, "%.5g")
end

local function lines_of(t, indent, edge)
  local length, parts, last_axis = #t, {}, t.rank == 1
  local i = 1
  while i <= length do
    if i == edge + 1 and length > 2 * edge + 1 then
      parts[#parts + 1] = "..."
      i = length - edge + 1
    else
      parts[#parts + 1] = last_axis and number_text(t[i]) or lines_of(t:select(1, i), indent .. " ", edge)
      i = i + 1
    end
  end
  return "[" .. table.concat(parts, last_axis and ", " or ",\n" .. indent .. " ") .. "]"
end

function metatable.__tostring(t)
  local head = ("tensor %s [%s]"):format(t.dtype, table.concat(t.shape, ", "))
  return core.no_grad(function()
    if t.rank == 0 then return head .. " " .. number_text(t:item()) end
    if t:count() == 0 then return head end
    return head .. "\n" .. lines_of(t, "", t.rank > 4 and 1 or t.rank > 2 and 2 or 4)
  end)
end

-- Lua makes truth values of comparisons and texts of concatenations, and fnet has no operation for the others, so
-- these can only say what to write.
local function refuse(event, what, way_out)
  metatable[event] = function()
    core.raise("%s; %s, t:item() is the number of a tensor with one element", what, way_out)
  end
end
refuse("__lt", "tensors have no < and >", "t:lt(other) and t:gt(other) compare element by element")
refuse("__le", "tensors have no <= and >=", "t:le(other) and t:ge(other) compare element by element")
refuse("__concat", "a tensor cannot be joined to a text with ..", "tostring(t) is its text")
refuse("__call", "a tensor cannot be called", "t[i] is a row, t:get(i, j) an element, ipairs(t) goes over the rows")
for event, sign in pairs { __mod = "%", __idiv = "//", __band = "&", __bor = "|", __bxor = "~", __bnot = "~",
  __shl = "<<", __shr = ">>" } do
  refuse(event, "tensors have no " .. sign, "they have + - * / ^ and the methods that `fnet --help tensor` lists")
end

-- What Lua's own functions say that they got.
metatable.__name = "a tensor; t:item() is the number of one element, t:totable() all numbers"

metatable.properties = { "shape", "rank", "dtype", "grad", "requires_grad" }

-- Called for a key that a tensor does not have.
function metatable.unknown(key)
  if type(key) ~= "string" or key:find "^%d" then
    core.raise("a tensor has no part [%s]: an index is one whole number; t:get(i, j) is an element, t:slice(" ..
      "axis, first, last) a part of an axis, t:gather(rows) some rows, t:masked_select(mask) what a mask marks, " ..
      "t:masked_fill(mask, value) and fnet.where(mask, a, b) choose by one",
      type(key) == "string" and ("%q"):format(key) or core.kind(key))
  end
  local names = naming.sorted(methods)
  for _, field in ipairs(metatable.properties) do names[#names + 1] = field end
  local theirs = metatable.elsewhere[key] or require("fnet.tensor.elsewhere").tensor[key]
  local near = theirs or naming.nearest(key, names, true)
  local words = near and (near:find " " and near or ("did you mean '%s'?"):format(near))
  core.raise("a tensor has no field or method '%s'; %s", key, words or
    "it has " .. table.concat(metatable.properties, ", ") .. " and the methods that `fnet --help tensor` lists")
end

later.methods(methods, { sample = "fnet.tensor.sample", bernoulli = "fnet.tensor.sample" })

return { constructors = constructors }

--- Running sums and products, and reductions that are made of other operations.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local say = require "fnet.base.say"
local axes = require "fnet.tensor.axes"
local core = require "fnet.core"

local methods = core.methods

--- The sums of the elements up to each along an axis, added from the first on in double. int32 for integers; raises
-- where a sum is outside. Differentiable.
---@param axis? integer the last one
---@return tensor of the shape of self
function methods:cumsum(axis)
  expect.self("cumsum", self)
  return core.scan(nil, self, axes.one("cumsum", self, axis), false, "cumsum")
end

--- The products of the elements up to each along an axis, multiplied from the first on in double. int32 for
-- integers; raises where a product is outside. Differentiable, also where elements are 0.
---@param axis? integer the last one
---@return tensor of the shape of self
function methods:cumprod(axis)
  expect.self("cumprod", self)
  return core.scan(self, nil, axes.one("cumprod", self, axis), false, "cumprod")
end

--- The product, in double and rounded once, in the order that sums have; 1 over nothing. int32 for integers, from
-- the first element on; raises where it, or a product on the way, is outside. Differentiable, also where elements
-- are 0.
---@param axis? integer|integer[] all
---@param keep? boolean true: the axis stays with length 1
---@return tensor
function methods:prod(axis, keep)
  expect.self("prod", self)
  axes.check("prod", self, axis, keep)
  if is.float(self) and type(axis) == "number" then return core.prod(self, axis, keep) end
  local rows, shape = axes.join(self, axis, keep)
  local last = rows.rank
  local n = rows.shape[last]
  if is.float(self) then return core.prod(rows, last):reshape(shape) end
  if n == 0 then return core.full(shape, 1, "int32") end
  return core.scan(rows, nil, last, false, "prod"):select(last, n):reshape(shape)
end

--- 1 where an element is not 0, else 0, also over nothing; NaN is not 0. Of the type of a comparison, never on the
-- tape.
---@param axis? integer|integer[] all
---@param keep? boolean true: the axis stays with length 1
---@return tensor
function methods:any(axis, keep)
  expect.self("any", self)
  axes.check("any", self, axis, keep)
  return self:ne(0):sum(axis, keep):gt(0)
end

--- 1 where no element is 0, also over nothing, else 0; NaN is not 0. Of the type of a comparison, never on the
-- tape.
---@param axis? integer|integer[] all
---@param keep? boolean true: the axis stays with length 1
---@return tensor
function methods:all(axis, keep)
  expect.self("all", self)
  axes.check("all", self, axis, keep)
  return self:eq(0):sum(axis, keep):eq(0)
end

--- (sum |x|^p)^(1/p): the Euclidean norm for 2, the sum of |x| for 1, the largest |x| for infinity. It overflows
-- only where it is itself too large. float32, or float64 for float64. Differentiable; the slope at 0 counts as 0.
---@param p? number above 0; 2
---@param axis? integer|integer[] all
---@param keep? boolean true: the axis stays with length 1
---@return tensor
function methods:norm(p, axis, keep)
  expect.self("norm", self)
  axes.check("norm", self, axis, keep)
  if p == nil or p == 2 then return core.norm(self, axis, keep) end
  if not (type(p) == "number" and p > 0) then
    core.raise("norm: p: expected a number above 0, the axis comes behind it, got %s",
      type(p) == "number" and say.number(p, "%g") or say.value(p))
  end
  local size = self:abs()
  if p == 1 or self:count() == 0 then return size:sum(axis, keep) end
  if p == math.huge then return size:max(axis, keep) end
  local largest = size:detach():max(axis, true) -- so that no power is too large or all are too small
  local scale = core.where(largest:isfinite() * largest:ne(0), largest, 1)
  local root = ((size / scale) ^ p):sum(axis, keep) ^ (1 / p)
  return root * scale:reshape(root.shape)
end

--- log(sum(exp(x))), without a power that is too large; -infinity over nothing. Differentiable: the slope is
-- softmax; where the largest element is infinite it counts as 0.
---@param axis? integer|integer[] all
---@param keep? boolean true: the axis stays with length 1
---@return tensor
function methods:logsumexp(axis, keep)
  expect.self("logsumexp", self)
  axes.check("logsumexp", self, axis, keep)
  if self:count() == 0 then return self:sum(axis, keep):log() end
  local largest = self:detach():max(axis, true)
  local below = self - largest
  if largest:isinf():max():item() == 1 then
    below = core.where(self:eq(largest) * largest:isinf(), 0, below)
  end
  local rest = below:exp():sum(axis, keep):log()
  return rest + largest:reshape(rest.shape)
end

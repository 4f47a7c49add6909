--- What the operations of ONNX share: axes and indices, which count from 0 there and may count from the end, axes
-- in another order, arithmetic of whole numbers.
-- Invariant: each function is made of operations of tensors, and is differentiable where these are.

local core = require "fnet.core"
local say = require "fnet.base.say"

local values = {}


--- Whether a tensor consists of whole numbers.
---@param x tensor
---@return boolean
function values.is_whole(x) return x.dtype == "int32" or x.dtype == "uint8" end

--- The whole numbers of a tensor with one axis or none, as a list.
---@param x tensor
---@return integer[]
function values.list(x)
  if x.rank > 1 then core.raise("expected a list of numbers, got a tensor of %s", say.shape(x.shape)) end
  local list = x.rank == 0 and { x:item() } or x:totable()
  for i, value in ipairs(list) do
    list[i] = math.tointeger(value) or core.raise("expected whole numbers, got %s", tostring(value))
  end
  return list
end

--- The whole numbers of an input, or of the attribute that older versions have in its place; nil where neither is.
---@param node table
---@param x tensor?
---@param name string of the attribute
---@return integer[]?
function values.list_or(node, x, name)
  if x then return values.list(x) end
  return node.attributes[name]
end

--- An axis from 1 on.
---@param axis integer from 0, or from the end where negative
---@param rank integer
---@return integer
function values.axis(axis, rank)
  if math.type(axis) ~= "integer" or axis < -rank or axis >= rank then
    core.raise("the axis %s is outside the %d axes of its input", tostring(axis), rank)
  end
  return axis % rank + 1
end

--- Axes from 1 on, ascending; all where none are given.
---@param axes integer[]?
---@param rank integer
---@return integer[]
function values.axes(axes, rank)
  local list, seen = {}, {}
  for i = 1, axes and #axes or rank do
    local axis = axes and values.axis(axes[i], rank) or i
    if seen[axis] then core.raise("the axis %d is named twice", axis - 1) end
    list[i], seen[axis] = axis, true
  end
  table.sort(list)
  return list
end

--- The axes in another order: the i-th becomes what was order[i].
---@param x tensor
---@param order integer[] from 1
---@return tensor view
function values.permute(x, order)
  local at = {}
  for i = 1, x.rank do at[i] = i end
  for i = 1, x.rank do
    local j = i
    while at[j] ~= order[i] do
      j = j + 1
      if j > x.rank then core.raise("the axes %s are no order of %d axes", say.shape(order), x.rank) end
    end
    if j ~= i then
      x = x:transpose(i, j)
      at[i], at[j] = at[j], at[i]
    end
  end
  return x
end

--- Computes in double, where whole numbers are exact, and gives the type of x again. Raises where whole numbers do
-- not fit.
---@param f fun(...: tensor): tensor
---@param x tensor whose type the result has
---@param ... any tensors, of which f gets doubles, and other arguments
---@return tensor
function values.exactly(f, x, ...)
  local rest = table.pack(...)
  for i = 1, rest.n do
    if core.is_tensor(rest[i]) then rest[i] = rest[i]:double() end
  end
  return f(x:double(), table.unpack(rest, 1, rest.n)):to(x.dtype)
end

--- A function of tensors that computes with whole numbers exactly.
---@param f fun(...: tensor): tensor
---@return fun(...: tensor): tensor
function values.exact(f)
  return function(x, ...)
    if values.is_whole(x) then return values.exactly(f, x, ...) end
    return f(x, ...)
  end
end

--- Positions along an axis by indices as ONNX has them.
---@param x tensor
---@param indices tensor from 0, or from the end where negative
---@param axis integer from 1
---@return tensor from 1
function values.positions(x, indices, axis)
  local length = x.shape[axis]
  if not values.is_whole(indices) then core.raise("expected whole indices, got %s", indices.dtype) end
  local from_zero = core.where(indices:lt(0), (indices:double() + length):int(), indices)
  return (from_zero:double() + 1):int()
end

--- The product of some lengths.
---@param shape integer[]
---@param first integer
---@param last integer
---@return integer
function values.product(shape, first, last)
  local product = 1
  for i = first, last do product = product * shape[i] end
  return product
end

--- The same elements in another shape, also where there are none.
---@param x tensor
---@param shape integer[]
---@return tensor
function values.reshape(x, shape)
  if x:count() == 0 and values.product(shape, 1, #shape) == 0 then return core.full(shape, 0, x.dtype) end
  return x:reshape(shape)
end

return values

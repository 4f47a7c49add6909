--- Operations that are made of others: activations with a parameter, and tensors joined and parted.
-- Invariant: each is differentiable as often as its parts are, and needs no rule of its own.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"

local methods = core.methods
local constructors = {}

--- x above 0, else slope * x. Differentiable; the slope at 0 is that of the negative side.
---@param slope? number|tensor 0.01
---@return tensor
function methods:leaky_relu(slope)
  expect.self("leaky_relu", self)
  return core.leaky_relu(self, slope or 0.01)
end

--- x above 0, else alpha * (exp(x) - 1), with all digits near 0 (Clevert and others, 2016). Differentiable.
---@param alpha? number|tensor 1
---@return tensor
function methods:elu(alpha)
  expect.self("elu", self)
  return core.elu(self, alpha or 1)
end

--- 1.0507 * elu(x, 1.67326), which keeps mean 0 and deviation 1 (Klambauer and others, 2017, equation 14).
-- Differentiable.
---@return tensor
function methods:selu()
  expect.self("selu", self)
  return core.elu(self, 1.6732632423543772) * 1.0507009873554805
end

--- log(softmax(x)) along an axis, without the logarithm of a rounded probability. Differentiable.
---@param axis? integer the last one
---@return tensor
function methods:log_softmax(axis)
  expect.self("log_softmax", self)
  axis = expect.axis("log_softmax", axis or math.max(self.rank, 1), self.rank)
  if self:count() == 0 then return self:clone() end
  local below = self - self:detach():max(axis, true)
  return below - below:exp():sum(axis, true):log()
end

--- A view with one more axis, of length 1. Differentiable.
---@param axis integer its place, 1 to rank + 1
---@return tensor
function methods:unsqueeze(axis)
  expect.self("unsqueeze", self)
  local shape = self.shape
  table.insert(shape, expect.axis("unsqueeze", axis, self.rank + 1), 1)
  return self:reshape(shape)
end

--- A view without an axis of length 1, or without all of them. Differentiable.
---@param axis? integer
---@return tensor
function methods:squeeze(axis)
  expect.self("squeeze", self)
  local shape, left = self.shape, {}
  if axis ~= nil and shape[expect.axis("squeeze", axis, self.rank)] ~= 1 then
    core.raise("squeeze: axis %d of %s has more than one place", axis, say.shape(shape))
  end
  for i, length in ipairs(shape) do
    if length ~= 1 or axis and i ~= axis then left[#left + 1] = length end
  end
  return self:reshape(left)
end

local MOST_PARTS = 65536 -- of an empty axis there is no end, and a call of Lua gives a million results at most

--- Equal parts along an axis, as so many results: `local i, f, g, o = gates:chunk(4, 2)`. Views. Differentiable.
---@param count integer must divide the length of the axis
---@param axis? integer 1
---@return tensor ... the parts
function methods:chunk(count, axis)
  expect.self("chunk", self)
  axis = expect.axis("chunk", axis or 1, self.rank)
  expect.count("chunk: count", count, 1, MOST_PARTS)
  local length, parts = self.shape[axis], {}
  if length % count ~= 0 then
    core.raise("chunk: axis %d of %s cannot be cut into %d equal parts", axis, say.shape(self.shape), count)
  end
  local size = length // count
  for i = 1, count do parts[i] = self:slice(axis, (i - 1) * size + 1, i * size) end
  return table.unpack(parts)
end

-- At least one tensor in a table.
local function check_list(what, tensors)
  local count = type(tensors) == "table" and core.length(tensors) or 0
  if count < 1 then
    core.raise("%s: expected a table of at least one tensor, got %s", what,
      type(tensors) == "table" and getmetatable(tensors) == nil and "an empty table" or core.kind(tensors))
  end
  for i = 1, count do expect.tensor(what, tensors[i]) end
end

--- Joins tensors along an axis. Differentiable.
---@param tensors tensor[] at least one; equal but for that axis
---@param axis? integer 1
---@return tensor
function constructors.concat(tensors, axis)
  check_list("concat", tensors)
  axis = expect.axis("concat", axis or 1, tensors[1].rank)
  -- In pairs, so that n tensors are copied log n times, not n.
  local parts = { table.unpack(tensors) }
  while #parts > 1 do
    local joined = {}
    for i = 1, #parts, 2 do
      joined[#joined + 1] = parts[i + 1] and core.concat2(parts[i], parts[i + 1], axis) or parts[i]
    end
    parts = joined
  end
  return parts[1]
end

--- Joins tensors of one shape along a new axis. Differentiable.
---@param tensors tensor[] at least one
---@param axis? integer the place of the new axis, 1
---@return tensor
function constructors.stack(tensors, axis)
  check_list("stack", tensors)
  local parts, shape = {}, tensors[1].shape
  axis = expect.axis("stack", axis or 1, #shape + 1)
  for i, part in ipairs(tensors) do
    if not is.same_shape(part.shape, shape) then
      core.raise("stack: expected equal shapes, got %s and %s", say.shape(shape), say.shape(part.shape))
    end
    parts[i] = part:unsqueeze(axis)
  end
  return constructors.concat(parts, axis)
end

--- One element of x for each index along an axis: x:take_along_axis(indices, axis).
---@param x tensor
---@param indices tensor
---@param axis? integer the last one
---@return tensor
function constructors.take_along_axis(x, indices, axis)
  expect.tensor("take_along_axis", x)
  return x:take_along_axis(indices, axis)
end

--- a where the condition is not 0, else b; shapes broadcast. int32 where both are whole and one is int32.
-- Differentiable with respect to a and b.
---@param condition tensor|number such as x:gt(0)
---@param a tensor|number
---@param b tensor|number
---@return tensor
function constructors.where(condition, a, b) return core.where(condition, a, b) end

return { constructors = constructors }

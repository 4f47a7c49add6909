--- Reshape and Flatten: the same elements in another shape.

local expect = require "fnet.base.expect"
local say = require "fnet.base.say"
local core = require "fnet.core"
local module = require "fnet.nn.module"

local flatten = core.methods.flatten

-- The number of a sample's elements; nil while a length is not known.
local function elements(shape)
  if shape.open then return nil end
  local count = 1
  for _, length in ipairs(shape) do
    if length == "?" then return nil end
    count = count * length
  end
  return count
end

---@class nn.Reshape: nn.Module
local Reshape = module.class "Reshape"
Reshape.passes_on = true

--- Samples in another shape, their elements in the same order: nn.Reshape(28, 28, 1) gives pictures the axis of
-- channels that convolutions need.
---@param ... integer the lengths of a sample's axes
function Reshape:init(...)
  local lengths, count = { ... }, select("#", ...)
  if count == 0 or count > 7 then
    core.raise("Reshape: expected 1 to 7 lengths, such as nn.Reshape(28, 28, 1), got %d", count)
  end
  for i = 1, count do
    lengths[i] = expect.count("Reshape: length " .. i, lengths[i], 1, 1 << 31)
  end
  self.lengths, self.count_of_sample = lengths, elements(lengths)
end

--- The samples in the new shape. A tensor whose first axis is no batch is one sample, if it has so many elements.
---@param x tensor # [batch, ...], or one sample
---@return tensor y [batch, lengths], or [lengths]
function Reshape:forward(x)
  if x == nil then expect.method("forward", self) end
  expect.tensor(self:name(), x)
  local count, size = x:count(), self.count_of_sample
  if x.rank > 0 and count == #x * size then return x:reshape { #x, table.unpack(self.lengths) } end
  if count == size then return x:reshape(self.lengths) end
  core.raise("%s: expected %d elements a sample, got %s", self:name(), size, say.shape(x.shape))
end

function Reshape:output_shape(input)
  expect.output_shape(self, input)
  local count = input and elements(input)
  if count and count ~= self.count_of_sample then
    core.raise("%s: expected %d elements a sample, got %s", self:name(), self.count_of_sample,
      say.shape(input, "batch, "))
  end
  return { table.unpack(self.lengths) }
end

function Reshape:describe()
  expect.method("describe", self)
  return "Reshape(" .. table.concat(self.lengths, ", ") .. ")"
end

--- [batch, ...] becomes [batch, features]; the order of the elements stays. Inside a Sequential it also takes one
-- sample, because the layer before it or the next one says how many features there are.
---@class nn.Flatten: nn.Module
---@field features integer|false of a sample, once they are known
local Flatten = module.class "Flatten"
Flatten.passes_on, Flatten.features = true, false

--- The same elements as [batch, features], or [features] for one sample.
---@param x tensor # [batch, ...], or one sample
---@return tensor
function Flatten:forward(x)
  if x == nil then expect.method("forward", self) end
  if not core.is_tensor(x) then expect.tensor(self:name(), x) end
  if x.rank < 2 or x:count() == self.features and #x ~= 1 then return flatten(x) end
  return flatten(x, 2)
end

--- Called by a Sequential: how many features a sample has.
---@param count? integer nil: they are not known
function Flatten:learn_features(count)
  expect.method("learn_features", self)
  self.features = count or false
end

function Flatten:output_shape(input)
  expect.output_shape(self, input)
  local count = input and elements(input) or self.features
  return count and { count } or nil
end

return { Reshape = Reshape, Flatten = Flatten }

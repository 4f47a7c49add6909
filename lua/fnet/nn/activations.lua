--- Layers without parameters: Flatten, ReLU, Sigmoid, Tanh, Softmax.

local core = require "fnet.core"
local module = require "fnet.nn.module"

---@class nn.Flatten: nn.Module
local Flatten = module.class "Flatten"
Flatten.passes_on = true

--- [batch, ...] becomes [batch, features]; the order of the elements stays. Inside a Sequential it also takes one
-- sample, because the next Dense says how many features there are.
function Flatten:init() self.features = false end

--- The same elements as [batch, features], or [features] for one sample.
---@param x tensor [batch, ...], or one sample
---@return tensor
function Flatten:forward(x) return x:flatten(self.features or nil) end

--- Called by a Sequential: how many features the next layer expects.
---@param count integer
function Flatten:learn_features(count) self.features = count end

--- The product of the lengths of a sample, or nil while neither it nor the next layer is known.
---@param input? integer[] the shape of one sample
---@return integer[]?
function Flatten:output_shape(input)
  if not input then return self.features and { self.features } or nil end
  local count = 1
  for _, length in ipairs(input) do count = count * length end
  return { count }
end

-- An activation is one operation; the shape stays.
local function activation(name, operation)
  local class = module.class(name)
  class.passes_on = true
  --- The activation: element by element, softmax over the last axis.
  ---@param x tensor of any shape
  ---@return tensor y of the same shape
  function class:forward(x) return operation(x) end
  --- The shape of the input.
  ---@param input? integer[] the shape of one sample
  ---@return integer[]?
  function class:output_shape(input) return input end
  return class
end

-- Over the last axis: ten outputs become a probability distribution.
local Softmax = activation("Softmax", core.softmax)
Softmax.keeps_input = true -- the logits, for cross_entropy

return {
  Flatten = Flatten,
  --- max(x, 0)
  ReLU = activation("ReLU", core.methods.relu),
  --- 1 / (1 + exp(-x))
  Sigmoid = activation("Sigmoid", core.methods.sigmoid),
  --- tanh x
  Tanh = activation("Tanh", core.methods.tanh),
  --- exp(x) / sum(exp(x))
  Softmax = Softmax,
}

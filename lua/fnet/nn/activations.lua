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

-- An activation is an operation by the name of a tensor's method; the shape stays.
local function activation(name, method)
  local class = module.class(name)
  local operation = core.methods[method]
  class.passes_on = true
  --- The activation, element by element.
  ---@param x tensor of any shape
  ---@return tensor y of the same shape
  function class:forward(x) return operation(x) end
  --- The shape of the input.
  ---@param input? integer[] the shape of one sample
  ---@return integer[]?
  function class:output_shape(input) return input end
  return class
end

---@class nn.Softmax: nn.Module
local Softmax = module.class "Softmax"
Softmax.passes_on = true
Softmax.keeps_input = true -- the logits, for cross_entropy

--- exp(x) / sum(exp(x)) over the last axis: ten outputs become a probability distribution.
---@param x tensor
---@return tensor
function Softmax:forward(x) return core.softmax(x) end

--- The shape of the input.
---@param input? integer[] the shape of one sample
---@return integer[]?
function Softmax:output_shape(input) return input end

return {
  Flatten = Flatten,
  --- max(x, 0)
  ReLU = activation("ReLU", "relu"),
  --- 1 / (1 + exp(-x))
  Sigmoid = activation("Sigmoid", "sigmoid"),
  --- tanh x
  Tanh = activation("Tanh", "tanh"),
  Softmax = Softmax,
}

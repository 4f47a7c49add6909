--- BatchNorm and LayerNorm: features with mean 0 and variance 1, then scaled and shifted by learnt numbers.

local expect = require "fnet.base.expect"
local say = require "fnet.base.say"
local core = require "fnet.core"
local module = require "fnet.nn.module"
local parameter = require "fnet.nn.parameter"

-- What both share: y = (x - mean) / sqrt(variance + epsilon) * weight + bias, for [..., features].
local function norm_class(name)
  local class = module.class(name)
  class.passes_on = true
  function class:output_shape(input)
    expect.output_shape(self, input)
    return input or { self.inputs, open = true }
  end
  function class:describe()
    expect.method("describe", self)
    return ("%s(%d)"):format(name, self.inputs)
  end
  return class
end

-- Where the script gives no epsilon, default_epsilon says so: load_foreign then takes that of the weights' library.
local function add_parameters(self, name, features, epsilon)
  self.inputs = expect.count(name .. ": features", features, 1)
  self.epsilon = expect.number(name .. ": epsilon", epsilon or 1e-5, 0, 1)
  if epsilon == nil then self.default_epsilon = self.epsilon end
  self.weight = parameter.constant({ self.inputs }, 1)
  self.bias = parameter.constant({ self.inputs }, 0)
end

local function check_input(self, x)
  if core.is_tensor(x) and x.rank > 0 and x.shape[x.rank] == self.inputs and x.dtype == self.weight.dtype then
    return
  end
  core.raise("%s: expected an input of %s [..., %d], got %s", self:name(), self.weight.dtype, self.inputs,
    say.value(x))
end

---@class nn.BatchNorm: nn.Module
---@field weight tensor # [features], 1 at the start
---@field bias tensor # [features], 0 at the start
---@field running_mean tensor # [features], a buffer
---@field running_var tensor # [features], a buffer
local BatchNorm = norm_class "BatchNorm"

--- Normalises each feature (Ioffe and Szegedy, 2015): in training mode with the mean and the variance of the batch,
-- over all axes but the last, divided by the count; in evaluation mode with running averages of both. The running
-- variance is the unbiased one, divided by the count less 1, as in PyTorch.
---@param features integer the length of the last axis: channels for pictures
---@param options? table momentum: how far the running averages move towards each batch, 0.1; epsilon: is added to
--- the variance, 1e-5
function BatchNorm:init(features, options)
  options = expect.options("BatchNorm", options, { "momentum", "epsilon" })
  self.momentum = expect.number("BatchNorm: momentum", options.momentum or 0.1, 0, 1)
  add_parameters(self, "BatchNorm", features, options.epsilon)
  self:buffer("running_mean", parameter.buffer({ self.inputs }, 0))
  self:buffer("running_var", parameter.buffer({ self.inputs }, 1))
end

-- Moves a running average towards a new value, in place: others may hold the buffer.
local function move(average, value, momentum)
  average:copy(average + (value:to(average.dtype) - average) * momentum)
end

-- The batch's mean and inverse deviation, in float64; the running averages follow.
local function batch_statistics(self, x)
  local rows = x:count() // self.inputs
  if rows < 2 then
    local subject = (rows == 1 and "one row, %s, has" or "no rows, %s, have"):format(say.shape(x.shape))
    core.raise("%s: %s no variance in training mode; use larger batches (drop_last = true leaves out a last one " ..
      "of 1) or fewer shards, or model:eval()", self:name(), subject)
  end
  local moments = core.column_moments(x)
  local mean, squares = moments[1], moments[2]
  move(self.running_mean, mean, self.momentum)
  move(self.running_var, squares / (rows - 1), self.momentum)
  return mean, 1 / (squares / rows + self.epsilon):sqrt()
end

--- What the layer is in evaluation mode: y = x factor + shift.
---@return tensor factor [features]
---@return tensor shift [features]
function BatchNorm:evaluation_line()
  expect.method("evaluation_line", self)
  local factor = self.weight / (self.running_var + self.epsilon):sqrt()
  return factor, self.bias - self.running_mean * factor
end

--- The normalised features, scaled and shifted. Raises, with the layer's place, where the shapes do not fit, and in
-- training mode for a single row. Frozen (see Module:freeze) it is in training mode what it is in evaluation mode.
---@param x tensor # [..., features]
---@return tensor y of the same shape
function BatchNorm:forward(x)
  if x == nil then expect.method("forward", self) end
  check_input(self, x)
  local is_frozen = not (self.weight.requires_grad or self.bias.requires_grad)
  if not self.training or is_frozen then
    local factor, shift = self:evaluation_line()
    return x * factor + shift
  end
  local mean, inverse = core.no_grad(batch_statistics, self, x)
  return core.batch_norm(x, self.weight, self.bias, mean, inverse, self.epsilon)
end

---@class nn.LayerNorm: nn.Module
---@field weight tensor # [features], 1 at the start
---@field bias tensor # [features], 0 at the start
local LayerNorm = norm_class "LayerNorm"

--- Normalises each row over its features (Ba, Kiros and Hinton, 2016), in training and evaluation alike.
---@param features integer the length of the last axis
---@param options? table epsilon: is added to the variance, 1e-5
function LayerNorm:init(features, options)
  options = expect.options("LayerNorm", options, { "epsilon" })
  add_parameters(self, "LayerNorm", features, options.epsilon)
end

--- The normalised rows, scaled and shifted. Raises, with the layer's place, where the shapes do not fit.
---@param x tensor # [..., features]
---@return tensor y of the same shape
function LayerNorm:forward(x)
  if x == nil then expect.method("forward", self) end
  check_input(self, x)
  return core.layer_norm(x, self.weight, self.bias, self.epsilon)
end

return { BatchNorm = BatchNorm, LayerNorm = LayerNorm }

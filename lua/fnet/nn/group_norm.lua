--- GroupNorm and RMSNorm: what stands beside BatchNorm and LayerNorm. Both work on each sample by itself.

local expect = require "fnet.base.expect"
local say = require "fnet.base.say"
local core = require "fnet.core"
local module = require "fnet.nn.module"
local parameter = require "fnet.nn.parameter"

local AXES = { row = 1, sequence = 2, picture = 3 } -- of a sample

---@class nn.GroupNorm: nn.Module
---@field weight tensor # [features], 1 at the start
---@field bias tensor # [features], 0 at the start
local GroupNorm = module.class "GroupNorm"
GroupNorm.passes_on = true

--- Normalises each group of channels of a sample, over all its places, then scales and shifts each channel (Wu and
-- He, 2018): y = (x - mean) / sqrt(variance + epsilon) * weight + bias. One group is a layer normalisation of the
-- whole sample, as many groups as channels an instance normalisation.
---@param groups integer
---@param features integer channels, the last axis; a multiple of the groups
---@param options? table sample: "picture"|"sequence"|"row", what one sample is, "picture" [height, width,
--- features], "sequence" [time, features] or "row" [features], "picture"; epsilon: is added to the variance, 1e-5
function GroupNorm:init(groups, features, options)
  self.groups = expect.count("GroupNorm: groups", groups, 1)
  self.inputs = expect.count("GroupNorm: features", features, 1)
  if self.inputs % self.groups ~= 0 then
    core.raise("GroupNorm: features must be a multiple of the %d groups, which come first, got %d", self.groups,
      self.inputs)
  end
  options = expect.options("GroupNorm", options, { "sample", "epsilon" })
  self.sample = expect.choice("GroupNorm: sample", options.sample or "picture", { "picture", "sequence", "row" })
  self.epsilon = expect.number("GroupNorm: epsilon", options.epsilon or 1e-5, 0, 1)
  if options.epsilon == nil then self.default_epsilon = self.epsilon end -- see add_parameters in norm.lua
  self.weight = parameter.constant({ self.inputs }, 1)
  self.bias = parameter.constant({ self.inputs }, 0)
end

--- The normalised samples, scaled and shifted. Raises, with the layer's place, where the shapes do not fit.
---@param x tensor # [batch, height, width, features], or one picture [height, width, features]; or what the option
--- `sample` says
---@return tensor y of the same shape
function GroupNorm:forward(x)
  if x == nil then expect.method("forward", self) end
  local axes, shape = AXES[self.sample], core.is_tensor(x) and x.shape or {}
  if (#shape ~= axes and #shape ~= axes + 1) or shape[#shape] ~= self.inputs or x.dtype ~= self.weight.dtype then
    core.raise("%s: expected %s %ss of %d axes, the last of %d, or a batch of them, got %s%s", self:name(),
      self.weight.dtype, self.sample, axes, self.inputs, say.value(x),
      #shape > 0 and shape[#shape] == self.inputs and '; the option sample says what a sample is' or "")
  end
  return core.group_norm(x, self.weight, self.bias, self.groups, self.epsilon, #shape > axes and shape[1] or 1)
end

function GroupNorm:output_shape(input)
  expect.output_shape(self, input)
  local axes = AXES[self.sample]
  if input and not input.open and #input ~= axes then
    core.raise("%s: expected %ss of %d axes, the last of %d, got %s; the option sample says what a sample is",
      self:name(), self.sample, axes, self.inputs, say.shape(input))
  end
  return input or { self.inputs, open = true }
end

function GroupNorm:describe()
  expect.method("describe", self)
  return ("GroupNorm(%d, %d%s)"):format(self.groups, self.inputs,
    self.sample == "picture" and "" or ", " .. self.sample)
end

---@class nn.RMSNorm: nn.Module
---@field weight tensor # [features], 1 at the start
local RMSNorm = module.class "RMSNorm"
RMSNorm.passes_on = true

--- x / sqrt(mean of x^2 + epsilon) * weight, over the last axis (Zhang and Sennrich, 2019).
---@param features integer the length of the last axis
---@param options? table epsilon: number, is added to the mean, 1e-6 as in Keras; PyTorch's own is 1.1920929e-07
function RMSNorm:init(features, options)
  self.inputs = expect.count("RMSNorm: features", features, 1)
  options = expect.options("RMSNorm", options, { "epsilon" })
  self.epsilon = expect.number("RMSNorm: epsilon", options.epsilon or 1e-6, 0, 1)
  self.weight = parameter.constant({ self.inputs }, 1)
end

--- The rows, of size 1 and then scaled. Raises, with the layer's place, where the shapes do not fit.
---@param x tensor # [..., features]
---@return tensor y of the same shape
function RMSNorm:forward(x)
  if x == nil then expect.method("forward", self) end
  local rank = core.is_tensor(x) and x.rank or 0
  if rank == 0 or x.shape[rank] ~= self.inputs or x.dtype ~= self.weight.dtype then
    core.raise("%s: expected an input of %s [..., %d], got %s", self:name(), self.weight.dtype, self.inputs,
      say.value(x))
  end
  return core.rms_norm(x, self.weight, self.epsilon)
end

function RMSNorm:output_shape(input)
  expect.output_shape(self, input)
  return input or { self.inputs, open = true }
end

function RMSNorm:describe()
  expect.method("describe", self)
  return ("RMSNorm(%d)"):format(self.inputs)
end

return { GroupNorm = GroupNorm, RMSNorm = RMSNorm }

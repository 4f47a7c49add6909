--- PReLU: a leaky ReLU whose slopes are learnt.

local expect = require "fnet.base.expect"
local say = require "fnet.base.say"
local core = require "fnet.core"
local module = require "fnet.nn.module"
local parameter = require "fnet.nn.parameter"

---@class nn.PReLU: nn.Module
---@field weight tensor # [features] or [1], the slopes below 0
local PReLU = module.class "PReLU"
PReLU.passes_on, PReLU.keeps_shape = true, true

--- x above 0, else weight * x (He and others, 2015, equation 1), with one slope for all or one a feature.
---@param features? integer the length of the last axis: a slope each; one for all
---@param options? table start: the slopes at the start, 0.25
function PReLU:init(features, options)
  if features ~= nil then self.inputs = expect.count("PReLU: features", features, 1) end
  options = expect.options("PReLU", options, { "start" })
  local start = options.start == nil and 0.25 or options.start
  self.weight = parameter.constant({ features or 1 }, expect.number("PReLU: start", start, -math.huge, math.huge))
end

--- The activation. Raises, with the layer's place, where the shapes do not fit.
---@param x tensor # [..., features], or of any shape where one slope is for all
---@return tensor y of the same shape
function PReLU:forward(x)
  if x == nil then expect.method("forward", self) end
  local weight, fits = self.weight, core.is_tensor(x)
  fits = fits and x.dtype == weight.dtype and (not self.inputs or x.rank > 0 and x.shape[x.rank] == self.inputs)
  if not fits then
    core.raise("%s: expected an input of %s%s, got %s", self:name(), weight.dtype,
      self.inputs and (" [..., %d]"):format(self.inputs) or "", say.value(x))
  end
  if x.rank == 0 then weight = weight:reshape {} end
  return core.leaky_relu(x, weight)
end

function PReLU:describe()
  expect.method("describe", self)
  return ("PReLU(%s)"):format(self.inputs or "")
end

return PReLU

--- Dense: a fully connected layer.

local check = require "fnet.check"
local core = require "fnet.core"
local init = require "fnet.nn.init_weights"
local module = require "fnet.nn.module"

---@class nn.Dense: nn.Module
---@field weight tensor [inputs, units]
---@field bias tensor? [units]
local Dense = module.class "Dense"
Dense.passes_on = true

--- y = x w + b. The weights start as Glorot-uniform unless `init` says otherwise, the bias as zeros.
---@param inputs integer features that come in
---@param units integer features that go out
---@param options? table bias: boolean, true; init: function(inputs, units) -> tensor [inputs, units], or a name of
--- nn.init such as "he_normal", "glorot_uniform"
function Dense:init(inputs, units, options)
  self.inputs, self.units = check.count("Dense: inputs", inputs, 1), check.count("Dense: units", units, 1)
  options = check.options("Dense", options, { "bias", "init" })
  local make = options.init or init.glorot_uniform
  if type(make) == "string" then make = init[check.choice("Dense: init", make, init.names())] end
  local weight = make(self.inputs, self.units)
  if not core.is_tensor(weight) or weight.rank ~= 2 or #weight ~= self.inputs or weight.shape[2] ~= self.units then
    core.raise(("Dense: init must return a tensor [%d, %d], got %s"):format(self.inputs, self.units,
      check.describe(weight)))
  end
  weight.requires_grad = true
  self.weight = weight
  if options.bias ~= false then
    local bias = core.full({ self.units }, 0, weight.dtype)
    bias.requires_grad = true
    self.bias = bias
  end
  self.text = ("Dense(%d, %d%s)"):format(self.inputs, self.units, options.bias == false and ", no bias" or "")
end

--- x w + b. Raises, with the layer's place in the model, where the shapes do not fit.
---@param x tensor [..., inputs]
---@return tensor y [..., units]
function Dense:forward(x)
  local full_name = rawget(self, "full_name")
  if not full_name then
    full_name = self:name()
    rawset(self, "full_name", full_name)
  end
  return core.dense(x, self.weight, self.bias, full_name)
end

--- The shape of one sample's result: that of the sample, with `units` in the last place.
---@param input? integer[] the shape of one sample
---@return integer[]
function Dense:output_shape(input)
  local shape = { table.unpack(input or { self.inputs }) }
  shape[#shape] = self.units
  return shape
end

--- "Dense(784, 128)".
---@return string
function Dense:describe() return self.text end

return Dense

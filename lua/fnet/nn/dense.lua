--- Dense: a fully connected layer.

local activations = require "fnet.nn.activations"
local expect = require "fnet.base.expect"
local core = require "fnet.core"
local module = require "fnet.nn.module"
local parameter = require "fnet.nn.parameter"

---@class nn.Dense: nn.Module
---@field weight tensor # [inputs, units]
---@field bias tensor? # [units]
local Dense = module.class "Dense"
Dense.passes_on, Dense.apply = true, false -- apply: the activation, where there is one

--- y = activation(x w + b). The weights start as Glorot-uniform unless `init` says otherwise, the bias as zeros.
---@param inputs integer features that come in
---@param units integer features that go out
---@param options? table activation: nn.Activation, such as "relu", none; bias: boolean, true; init: nn.StartValues,
--- of the shape {inputs, units}, "glorot_uniform"
function Dense:init(inputs, units, options)
  self.inputs, self.units = expect.count("Dense: inputs", inputs, 1), expect.count("Dense: units", units, 1)
  options = expect.options("Dense", options, { "activation", "bias", "init" }, { "bias" })
  self.weight = parameter.weight("Dense", { self.inputs, self.units }, options.init)
  local has_bias = options.bias ~= false
  if has_bias then self.bias = parameter.constant({ self.units }, 0, self.weight.dtype) end
  self.text = ("Dense(%d, %d%s%s)"):format(self.inputs, self.units, has_bias and "" or ", no bias",
    activations.take(self, options.activation))
end

--- activation(x w + b). Raises, with the layer's place in the model, where the shapes do not fit.
---@param x tensor # [..., inputs]
---@return tensor y [..., units]
function Dense:forward(x)
  if x == nil then expect.method("forward", self) end
  local y = core.dense(x, self.weight, self.bias, self)
  if self.apply then y = activations.apply(self, y) end
  return y
end

function Dense:output_shape(input)
  expect.output_shape(self, input)
  local shape = { table.unpack(input or { self.inputs }) }
  shape[#shape], shape.open = self.units, input and input.open
  return shape
end

function Dense:describe()
  expect.method("describe", self)
  return self.text
end

return Dense

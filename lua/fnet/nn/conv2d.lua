--- Conv2D: a convolution of pictures, channels last.

local activations = require "fnet.nn.activations"
local expect = require "fnet.base.expect"
local say = require "fnet.base.say"
local core = require "fnet.core"
local module = require "fnet.nn.module"
local parameter = require "fnet.nn.parameter"
local window = require "fnet.nn.window"

---@class nn.Conv2D: nn.Module
---@field weight tensor # [kernel height, kernel width, inputs / groups, units]
---@field bias tensor? # [units]
local Conv2D = module.class "Conv2D"
Conv2D.passes_on, Conv2D.apply = true, false -- apply: the activation, where there is one

--- y[n, i, j, u] = activation(b[u] + sum of x[n, i stride + r - padding, j stride + s - padding, c] w[r, s, c, u]
-- over r, s, c): what the field calls convolution (the kernel is not turned round). Beyond its edges a picture is
-- zero. The weights start as He-uniform unless `init` says otherwise, the bias as zeros.
---@param inputs integer channels that come in
---@param units integer channels that go out
---@param kernel integer|integer[] its side, or { height, width }
---@param options? table stride: integer|integer[], 1, or { down, across }; padding:
--- "valid"|"same"|integer|integer[], "valid" (none), "same" (as many results as the stride fits into the picture),
--- a number of zeros on every side, or { above and below, left and right }; groups: integer, 1, inputs and units
--- fall into so many groups that do not see each other (inputs: depthwise); activation: nn.Activation, none; bias:
--- boolean, true; init: nn.StartValues, of the shape {height, width, inputs / groups, units}, "he_uniform"
function Conv2D:init(inputs, units, kernel, options)
  self.inputs, self.units = expect.count("Conv2D: inputs", inputs, 1), expect.count("Conv2D: units", units, 1)
  options = expect.options("Conv2D", options, { "stride", "padding", "groups", "activation", "bias", "init" },
    { "bias" })
  self.window = window.new("Conv2D", kernel, options.stride or 1, options.padding)
  self.groups = window.groups("Conv2D", options.groups, self.inputs, self.units)
  local size = self.window.kernel
  self.weight = parameter.weight("Conv2D", { size[1], size[2], self.inputs // self.groups, self.units },
    options.init or "he_uniform")
  local has_bias = options.bias ~= false
  if has_bias then self.bias = parameter.constant({ self.units }, 0, self.weight.dtype) end
  self.text = ("Conv2D(%d, %d, %s%s%s%s)"):format(self.inputs, self.units, self.window:describe(),
    self.groups > 1 and ", groups " .. self.groups or "", has_bias and "" or ", no bias",
    activations.take(self, options.activation))
end

--- The convolution. Raises, with the layer's place in the model, where the shapes do not fit.
---@param x tensor # [batch, height, width, inputs], or one picture [height, width, inputs]
---@return tensor y [batch, height', width', units], or [height', width', units]; height' = floor((height + padding
--- above and below - kernel height) / stride) + 1
function Conv2D:forward(x)
  if x == nil then expect.method("forward", self) end
  local _, _, down, across, above, below, left, right = self.window:geometry(x)
  local y = core.conv2d(x, self.weight, self.bias, self:name(), down, across, above, below, left, right,
    self.groups)
  if self.apply then y = activations.apply(self, y) end
  return y
end

function Conv2D:output_shape(input)
  expect.output_shape(self, input)
  if input and input.open then input = nil end
  if input and #input ~= 3 then
    core.raise("%s: expected pictures of [batch, height, width, %d], got %s%s", self:name(), self.inputs,
      say.shape(input, "batch, "), self.inputs == 1 and #input == 2 and
        ("; put nn.Reshape(%s, %s, 1) before it"):format(input[1], input[2]) or "")
  end
  local height, width = self.window:count(self, input or { "?", "?" })
  return { height, width, self.units }
end

function Conv2D:describe()
  expect.method("describe", self)
  return self.text
end

return Conv2D

--- Conv1D: a convolution of sequences, as one of pictures that are one row high.

local activations = require "fnet.nn.activations"
local expect = require "fnet.base.expect"
local say = require "fnet.base.say"
local core = require "fnet.core"
local module = require "fnet.nn.module"
local parameter = require "fnet.nn.parameter"
local window = require "fnet.nn.window"

---@class nn.Conv1D: nn.Module
---@field weight tensor # [kernel, inputs / groups, units]
---@field bias tensor? # [units]
local Conv1D = module.class "Conv1D"
Conv1D.passes_on, Conv1D.apply = true, false -- apply: the activation, where there is one

-- The same along both axes of a picture would be wrong: a row has one place across.
local function flat_window(kernel, stride, padding)
  kernel, stride = expect.count("Conv1D: kernel", kernel, 1), expect.count("Conv1D: stride", stride or 1, 1)
  if type(padding) ~= "string" and padding ~= nil then
    padding = { 0, expect.count("Conv1D: padding", padding, 0) }
  elseif padding == "causal" then
    padding = nil
  elseif padding ~= nil then
    expect.choice("Conv1D: padding", padding, { "same", "valid", "causal" })
  end
  return window.new("Conv1D", { 1, kernel }, { 1, stride }, padding)
end

--- y[n, t, u] = activation(b[u] + sum of x[n, t stride + s - padding, c] w[s, c, u] over s, c), with zeros beyond
-- the ends of a sequence. The weights start as He-uniform unless `init` says otherwise, the bias as zeros.
---@param inputs integer features of a step that come in
---@param units integer features that go out
---@param kernel integer steps
---@param options? table stride: integer, 1; padding: "valid"|"same"|"causal"|integer, "valid" (none), "same" (as
--- many results as the stride fits into the sequence), "causal" (kernel - 1 zeros in front: no result sees a later
--- step), or a number of zeros at both ends; groups: integer, 1, inputs and units fall into so many groups that do
--- not see each other; activation: nn.Activation, none; bias: boolean, true; init: nn.StartValues, of the shape
--- {kernel, inputs / groups, units}, "he_uniform"
function Conv1D:init(inputs, units, kernel, options)
  self.inputs, self.units = expect.count("Conv1D: inputs", inputs, 1), expect.count("Conv1D: units", units, 1)
  options = expect.options("Conv1D", options, { "stride", "padding", "groups", "activation", "bias", "init" },
    { "bias" })
  self.window = flat_window(kernel, options.stride, options.padding)
  self.causal = options.padding == "causal"
  self.groups = window.groups("Conv1D", options.groups, self.inputs, self.units)
  self.weight = parameter.weight("Conv1D", { self.window.kernel[2], self.inputs // self.groups, self.units },
    options.init or "he_uniform")
  if options.bias ~= false then self.bias = parameter.constant({ self.units }, 0, self.weight.dtype) end
  local stride, padding = self.window.stride[2], self.window.padding
  local text = type(padding) == "table" and (padding[2] > 0 and ", padding " .. padding[2] or "") or ", same"
  self.text = ("Conv1D(%d, %d, %d%s%s%s%s%s)"):format(self.inputs, self.units, self.window.kernel[2],
    stride > 1 and ", stride " .. stride or "", self.causal and ", causal" or text,
    self.groups > 1 and ", groups " .. self.groups or "", self.bias and "" or ", no bias",
    activations.take(self, options.activation))
end

--- Zeros in front of a sequence and behind it.
---@param time integer its steps
---@return integer before, integer behind
function Conv1D:ends_of(time)
  expect.method("ends_of", self)
  if self.causal then return self.window.kernel[2] - 1, 0 end
  local _, _, before, behind = self.window:margins_of(1, time)
  return before, behind
end

-- How many results a sequence gives.
local function count(self, time)
  local before, behind = self:ends_of(time)
  local kernel = self.window.kernel[2]
  if time + before + behind < kernel then
    core.raise("%s: the kernel of %d does not fit into a sequence of %d steps with its padding", self:name(),
      kernel, time)
  end
  return (time + before + behind - kernel) // self.window.stride[2] + 1
end

--- The convolution. Raises, with the layer's place in the model, where the shapes do not fit.
---@param x tensor # [batch, time, inputs], or one sequence [time, inputs]
---@return tensor y [batch, time', units], or [time', units]; time' = floor((time + zeros at the ends - kernel) /
--- stride) + 1
function Conv1D:forward(x)
  if x == nil then expect.method("forward", self) end
  local dtype, rank = self.weight.dtype, core.is_tensor(x) and x.rank or 0
  if rank ~= 2 and rank ~= 3 or x.shape[rank] ~= self.inputs or x.dtype ~= dtype then
    core.raise("%s: expected %s sequences [batch, time, %d] or one [time, %d], got %s", self:name(), dtype,
      self.inputs, self.inputs, say.value(x))
  end
  count(self, x.shape[rank - 1])
  local before, behind = self:ends_of(x.shape[rank - 1])
  local y = core.conv2d(x:unsqueeze(rank - 1), self.weight:unsqueeze(1), self.bias, self:name(), 1,
    self.window.stride[2], 0, 0, before, behind, self.groups):squeeze(rank - 1)
  if self.apply then y = activations.apply(self, y) end
  return y
end

function Conv1D:output_shape(input)
  expect.output_shape(self, input)
  if input and input.open then input = nil end
  if input and #input ~= 2 then
    core.raise("%s: expected sequences of [batch, time, %d], got %s", self:name(), self.inputs,
      say.shape(input, "batch, "))
  end
  local time = input and input[1] or "?"
  return { time == "?" and time or count(self, time), self.units }
end

function Conv1D:describe()
  expect.method("describe", self)
  return self.text
end

return Conv1D

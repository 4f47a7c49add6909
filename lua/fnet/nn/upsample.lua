--- Layers that make pictures larger: ConvTranspose2D, whose weights are learnt, and Upsample, which has none.

local activations = require "fnet.nn.activations"
local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"
local module = require "fnet.nn.module"
local parameter = require "fnet.nn.parameter"
local window = require "fnet.nn.window"

-- Raises unless the shape of a sample, where it is known, is that of a picture.
local function picture_of(self, input)
  if not input or input.open then return { "?", "?", "?" } end
  if #input ~= 3 then
    core.raise("%s: expected pictures of [batch, height, width, channels], got %s", self:name(),
      say.shape(input, "batch, "))
  end
  return input
end

-- Raises unless x is a picture or a batch of them; the height and the width.
local function size_of(self, x, channels, dtype)
  local shape = core.is_tensor(x) and x.shape or {}
  local fits = (#shape == 3 or #shape == 4) and (not channels or shape[#shape] == channels)
  if not fits or x.dtype ~= (dtype or x.dtype) then
    channels = channels or "channels"
    core.raise("%s: expected %spictures [batch, height, width, %s] or one [height, width, %s], got %s", self:name(),
      dtype and dtype .. " " or "", channels, channels, say.value(x))
  end
  return shape[#shape - 2], shape[#shape - 1]
end

---@class nn.ConvTranspose2D: nn.Module
---@field weight tensor # [kernel height, kernel width, units / groups, inputs]
---@field bias tensor? # [units]
local ConvTranspose2D = module.class "ConvTranspose2D"
ConvTranspose2D.passes_on, ConvTranspose2D.apply = true, false -- apply: the activation, where there is one

--- What nn.Conv2D does, backwards: each place of a picture adds its inputs, times the weights, to a field of the
-- result, y[n, i stride + r - padding, j stride + s - padding, u] += x[n, i, j, c] w[r, s, u, c]; then the bias and
-- the activation. It is the gradient of a convolution, but not its inverse (Dumoulin and Visin, 2016, chapter 4).
-- The weights start as Glorot-uniform unless `init` says otherwise, the bias as zeros.
---@param inputs integer channels that come in
---@param units integer channels that go out
---@param kernel integer|integer[] its side, or { height, width }
---@param options? table stride: integer|integer[], 1, or { down, across }; padding:
--- "valid"|"same"|integer|integer[], "valid" (none), "same" (the result is stride times as large), or a number that
--- is cut off on every side, or { above and below, left and right }; output_padding: integer, 0, rows below and
--- columns on the right that stay beside it, less than the stride, as in PyTorch; groups: integer, 1; activation:
--- nn.Activation, none; bias: boolean, true; init: nn.StartValues, of the shape {height, width, units / groups,
--- inputs}, "glorot_uniform"
function ConvTranspose2D:init(inputs, units, kernel, options)
  local what = "ConvTranspose2D"
  self.inputs, self.units = expect.count(what .. ": inputs", inputs, 1), expect.count(what .. ": units", units, 1)
  options = expect.options(what, options, { "stride", "padding", "output_padding", "groups", "activation", "bias",
    "init" }, { "bias" })
  self.window = window.new(what, kernel, options.stride or 1, options.padding)
  local stride = self.window.stride
  self.extra = expect.count(what .. ": output_padding", options.output_padding or 0, 0,
    math.min(stride[1], stride[2]) - 1)
  if self.window.padding == "same" and self.extra > 0 then
    core.raise('%s: output_padding: padding = "same" leaves none to choose', what)
  end
  self.groups = window.groups(what, options.groups, self.inputs, self.units)
  local size = self.window.kernel
  self.weight = parameter.weight(what, { size[1], size[2], self.units // self.groups, self.inputs }, options.init)
  if options.bias ~= false then self.bias = parameter.constant({ self.units }, 0, self.weight.dtype) end
  self.text = ("%s(%d, %d, %s%s%s%s%s)"):format(what, self.inputs, self.units, self.window:describe(),
    self.extra > 0 and ", output padding " .. self.extra or "",
    self.groups > 1 and ", groups " .. self.groups or "", self.bias and "" or ", no bias",
    activations.take(self, options.activation))
end

-- The length of the result along an axis; raises where nothing is left.
local function grown(self, axis, length)
  if length == "?" then return length end
  local kernel, stride, padding = self.window.kernel[axis], self.window.stride[axis], self.window.padding
  if padding == "same" then return length * stride end
  local result = (length - 1) * stride + kernel - 2 * padding[axis] + self.extra
  if length < 1 or result < 1 then
    core.raise("%s: of a picture %d %s, padding leaves nothing", self:name(), length,
      axis == 1 and "high" or "wide")
  end
  return result
end

--- The larger pictures. Raises, with the layer's place in the model, where the shapes do not fit.
---@param x tensor # [batch, height, width, inputs], or one picture [height, width, inputs]
---@return tensor y [batch, height', width', units], or [height', width', units]; height' = (height - 1) stride +
--- kernel height - padding above and below + output_padding, with "same" height stride
function ConvTranspose2D:forward(x)
  if x == nil then expect.method("forward", self) end
  local height, width = size_of(self, x, self.inputs, self.weight.dtype)
  height, width = grown(self, 1, height), grown(self, 2, width)
  local stride = self.window.stride
  local above, below, left, right = self.window:margins_of(height, width)
  local y = core.conv2d_input(x, self.weight, height, width, stride[1], stride[2], above, below, left, right,
    self.groups)
  if self.bias then y = y + self.bias end
  if self.apply then y = activations.apply(self, y) end
  return y
end

function ConvTranspose2D:output_shape(input)
  expect.output_shape(self, input)
  local picture = picture_of(self, input)
  return { grown(self, 1, picture[1]), grown(self, 2, picture[2]), self.units }
end

function ConvTranspose2D:describe()
  expect.method("describe", self)
  return self.text
end

---@class nn.Upsample: nn.Module
local Upsample = module.class "Upsample"
Upsample.passes_on = true

local LARGEST = 4096 -- as for windows

--- Pictures `scale` times as large: each place repeated, or straight lines between the middles of neighbouring
-- places, as PyTorch (align_corners = false) and Keras draw them.
---@param scale integer|integer[] 2, or { down, across }
---@param options? table mode: "nearest" or "bilinear", "nearest"
function Upsample:init(scale, options)
  local both = type(scale) == "table" and not core.is_tensor(scale) and scale or { scale, scale }
  expect.that(#both == 2 or type(scale) ~= "table", "Upsample: scale", "a whole number or a pair { down, across }",
    scale)
  self.scale = {}
  for axis = 1, 2 do self.scale[axis] = expect.count("Upsample: scale", both[axis], 1, LARGEST) end
  options = expect.options("Upsample", options, { "mode" })
  self.mode = expect.choice("Upsample: mode", options.mode or "nearest", { "nearest", "bilinear" })
end

-- Along an axis, each result between two neighbours: where these stand, and the share of the second one.
local function between(length, scale, rank, axis, dtype)
  local middle = (core.arange(1, length * scale, 1, "float64") - 0.5) / scale + 0.5
  middle = middle:clamp(1, length)
  local low = middle:floor()
  local shape = {}
  for i = 1, rank do shape[i] = i == axis and length * scale or 1 end
  return low:int(), (low + 1):clamp(1, length):int(), (middle - low):to(dtype):reshape(shape)
end

local function stretch(x, axis, scale, mode)
  local length = x.shape[axis]
  if scale == 1 or length == 0 then return x end
  if mode == "nearest" then
    local places = ((core.arange(1, length * scale, 1, "float64") - 0.5) / scale + 1):floor():int()
    return core.gather(x, places, axis)
  end
  local low, high, share = between(length, scale, x.rank, axis, x.dtype)
  return core.gather(x, low, axis) * (1 - share) + core.gather(x, high, axis) * share
end

--- The larger pictures. Raises, with the layer's place, where the input is no picture.
---@param x tensor # [batch, height, width, channels], or one picture [height, width, channels];
--- float, where lines are drawn
---@return tensor y [batch, height * down, width * across, channels], or without the batch
function Upsample:forward(x)
  if x == nil then expect.method("forward", self) end
  size_of(self, x)
  if self.mode == "bilinear" then expect.that(is.float(x), self:name(), "a float tensor", x) end
  local rank = x.rank
  x = stretch(x, rank - 2, self.scale[1], self.mode)
  return stretch(x, rank - 1, self.scale[2], self.mode)
end

function Upsample:output_shape(input)
  expect.output_shape(self, input)
  local shape = { table.unpack(picture_of(self, input)) }
  for axis = 1, 2 do shape[axis] = shape[axis] == "?" and "?" or shape[axis] * self.scale[axis] end
  return input and not input.open and shape or nil
end

function Upsample:describe()
  expect.method("describe", self)
  local down, across = self.scale[1], self.scale[2]
  return ("Upsample(%s%s)"):format(down == across and down or ("%dx%d"):format(down, across),
    self.mode == "nearest" and "" or ", " .. self.mode)
end

return { ConvTranspose2D = ConvTranspose2D, Upsample = Upsample }

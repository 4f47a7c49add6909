--- Pooling of pictures, channels last: MaxPool2D, AvgPool2D, GlobalAvgPool.

local expect = require "fnet.base.expect"
local say = require "fnet.base.say"
local core = require "fnet.core"
local module = require "fnet.nn.module"
local window = require "fnet.nn.window"

local function check_pictures(self, input)
  if #input == 3 then return end
  core.raise("%s: expected pictures of [batch, height, width, channels], got %s", self:name(),
    say.shape(input, "batch, "))
end

local function pooling(name, operation, switches)
  local class = module.class(name)
  local known = { "stride", "padding", table.unpack(switches) }
  class.passes_on = true

  --- The window's size, and the steps it is moved by.
  ---@param kernel integer|integer[] its side, or { height, width }
  ---@param options? table stride: integer|integer[], the kernel, or { down, across }; padding:
  --- "valid"|"same"|integer|integer[], "valid" (none), "same", a number smaller than the kernel, or a pair:
  --- positions beyond the edge take no part, neither in a maximum nor in the count that a mean divides by;
  --- count_include_pad: of AvgPool2D, true counts them too, as zeros, which is what PyTorch does unless told
  --- otherwise, false
  function class:init(kernel, options)
    options = expect.options(name, options, known, switches)
    self.window = window.new(name, kernel, options.stride or kernel, options.padding)
    self.count_include_pad = options.count_include_pad == true
    local size, padding = self.window.kernel, self.window.padding
    if padding ~= "same" and (padding[1] >= size[1] or padding[2] >= size[2]) then
      core.raise("%s: the padding of %d x %d must be smaller than the kernel of %d x %d", name, padding[1],
        padding[2], size[1], size[2])
    end
    self.text = ("%s(%s%s)"):format(name, self.window:describe(size),
      self.count_include_pad and ", count_include_pad" or "")
  end

  --- The pooled pictures. Raises, with the layer's place in the model, where the shapes do not fit.
  ---@param x tensor # [batch, height, width, channels], or one picture [height, width, channels]
  ---@return tensor y [batch, height', width', channels]; height' = floor((height + padding - kernel) / stride) + 1
  function class:forward(x)
    if x == nil then expect.method("forward", self) end
    local y = operation(self, x, self.window:geometry(x)) -- no tail call: errors see that only the library runs
    return y
  end

  function class:output_shape(input)
    expect.output_shape(self, input)
    if not input then return nil end
    if input.open then input = { "?", "?", input[#input] } end
    check_pictures(self, input)
    local height, width = self.window:count(self, input)
    return { height, width, input[3] }
  end

  function class:describe()
    expect.method("describe", self)
    return self.text
  end

  return class
end

local function maximum(layer, x, ...)
  local y = core.max_pool(x, layer:name(), ...)
  return y
end

local function average(layer, x, height, width, down, across, above, below, left, right)
  local y = core.avg_pool(x, layer:name(), height, width, down, across, above, below, left, right,
    layer.count_include_pad)
  return y
end

--- The mean of each channel: `nn.GlobalAvgPool()` turns [batch, height, width, channels] into [batch, channels].
---@class nn.GlobalAvgPool: nn.Module
local GlobalAvgPool = module.class "GlobalAvgPool"
GlobalAvgPool.passes_on = true

--- The mean of each channel over the whole picture.
---@param x tensor # [batch, height, width, channels], or one picture [height, width, channels]
---@return tensor y [batch, channels] or [channels]
function GlobalAvgPool:forward(x)
  if x == nil then expect.method("forward", self) end
  local shape = core.is_tensor(x) and x.shape or {}
  if #shape ~= 3 and #shape ~= 4 then
    core.raise("%s: expected an input of [batch, height, width, channels], got %s", self:name(),
      core.is_tensor(x) and say.shape(shape) or type(x))
  end
  local channels, positions = shape[#shape], shape[#shape - 2] * shape[#shape - 1]
  if #shape == 3 then return x:reshape({ positions, channels }):mean(1) end
  return x:reshape({ shape[1], positions, channels }):mean(2)
end

function GlobalAvgPool:output_shape(input)
  expect.output_shape(self, input)
  if not input then return nil end
  if not input.open then check_pictures(self, input) end
  return { input[#input] }
end

return {
  --- The maximum of each window, channel by channel. The first of equal maxima takes the gradient; a NaN wins.
  MaxPool2D = pooling("MaxPool2D", maximum, {}),
  --- The mean of each window, channel by channel; of its real elements, unless count_include_pad is true.
  AvgPool2D = pooling("AvgPool2D", average, { "count_include_pad" }),
  GlobalAvgPool = GlobalAvgPool,
}

--- The kernel, stride and padding that convolutions and poolings take, checked, and the shapes that they lead to.

local expect = require "fnet.base.expect"
local core = require "fnet.core"

---@class Window
---@field kernel integer[] height, width
---@field stride integer[] down, across
---@field padding "same"|integer[] above and below, left and right
local Window = {}
Window.__index = Window

local LONGEST = 4096 -- far beyond any picture's use, and products of lengths stay exact

-- A whole number for both directions, or { down, across }.
local function pair(what, value, low)
  if type(value) == "table" and not core.is_tensor(value) then
    if #value ~= 2 or next(value, #value) ~= nil then
      core.raise("%s: expected a whole number or a pair { down, across }, got a table of %d", what, #value)
    end
    return { expect.count(what, value[1], low, LONGEST), expect.count(what, value[2], low, LONGEST) }
  end
  local count = expect.count(what, value, low, LONGEST)
  return { count, count }
end

local function text_of(both)
  return both[1] == both[2] and tostring(both[1]) or ("%dx%d"):format(both[1], both[2])
end

--- From a layer's arguments.
---@param what string the layer's class, for messages
---@param kernel integer|integer[]
---@param stride? integer|integer[]
---@param padding? string|integer|integer[] "valid": none
---@return Window
local function new(what, kernel, stride, padding)
  local self = setmetatable({ kernel = pair(what .. ": kernel", kernel, 1) }, Window)
  self.stride = pair(what .. ": stride", stride, 1)
  if padding == nil or padding == "valid" then
    self.padding = { 0, 0 }
  elseif padding == "same" then
    self.padding = padding
  elseif type(padding) == "string" then
    expect.choice(what .. ": padding", padding, { "same", "valid" })
  else
    self.padding = pair(what .. ": padding", padding, 0)
  end
  return self
end

-- Along one axis: elements in front and behind.
local function margins(self, axis, size)
  if self.padding ~= "same" then return self.padding[axis], self.padding[axis] end
  local kernel, stride = self.kernel[axis], self.stride[axis]
  local total = math.max(((size + stride - 1) // stride - 1) * stride + kernel - size, 0)
  return total // 2, total - total // 2
end

--- The eight numbers that operations take: the kernel's height and width, the stride down and across, and the
-- padding of a picture.
---@param x tensor # [batch, height, width, channels] or [height, width, channels]
---@return integer ...
function Window:geometry(x)
  local height, width = 1, 1
  if self.padding == "same" and core.is_tensor(x) and x.rank >= 3 then
    local shape = x.shape
    height, width = shape[#shape - 2], shape[#shape - 1]
  end
  return self.kernel[1], self.kernel[2], self.stride[1], self.stride[2], self:margins_of(height, width)
end

--- The padding above, below, left and right of a picture of that size. "same" gives ceil(size / stride) results an
-- axis; of an odd total the larger half goes below and right, as in TensorFlow.
---@param height integer
---@param width integer
---@return integer above, integer below, integer left, integer right
function Window:margins_of(height, width)
  local above, below = margins(self, 1, height)
  local left, right = margins(self, 2, width)
  return above, below, left, right
end

--- The height and width of the result; "?" for a length that is not known yet. Raises where the kernel is larger
-- than the picture.
---@param layer nn.Module for the message
---@param shape (integer|string)[] height, width, channels
---@return integer|string height, integer|string width
function Window:count(layer, shape)
  local counts = {}
  for axis = 1, 2 do
    local size = shape[axis]
    if size == "?" then
      counts[axis] = "?"
    else
      local before, after = margins(self, axis, size)
      if size + before + after < self.kernel[axis] then
        core.raise("%s: the kernel of %d x %d does not fit into a picture of %s x %s with its padding",
          layer:name(), self.kernel[1], self.kernel[2], shape[1], shape[2])
      end
      counts[axis] = (size + before + after - self.kernel[axis]) // self.stride[axis] + 1
    end
  end
  return counts[1], counts[2]
end

--- "3, stride 2, padding same": what differs from the defaults.
---@param stride? integer[] the stride that goes without saying
---@return string
function Window:describe(stride)
  local text = text_of(self.kernel)
  if text_of(self.stride) ~= text_of(stride or { 1, 1 }) then text = text .. ", stride " .. text_of(self.stride) end
  if self.padding == "same" then return text .. ", same" end
  return text_of(self.padding) == "0" and text or text .. ", padding " .. text_of(self.padding)
end

--- The groups of a convolution, which do not see each other.
---@param what string the layer's class, for messages
---@param count? integer 1
---@param inputs integer
---@param units integer
---@return integer
local function groups(what, count, inputs, units)
  count = count == nil and 1 or expect.count(what .. ": groups", count, 1)
  if inputs % count ~= 0 or units % count ~= 0 then
    core.raise("%s: inputs and units must be multiples of the %d groups, got %d and %d", what, count, inputs, units)
  end
  return count
end

return { groups = groups, new = new }

--- Windows that slide over rows of numbers, pictures and volumes, [batch, channels, lengths...], as ONNX describes
-- them, and the elements under each.
-- Invariant: a window has one number for each of the lengths.

local core = require "fnet.core"
local say = require "fnet.base.say"
local values = require "fnet.onnx.values"

local windows = {}

local GATHERED_MOST = 1 << 22 -- places along one length times elements of a window there

---@class onnx.Window
---@field kernel integer[]
---@field strides integer[]
---@field dilations integer[]
---@field before integer[] what is added in front of each length
---@field after integer[]

--- The lengths over which windows slide.
---@param x tensor
---@return integer[]
function windows.lengths(x)
  if x.rank < 3 or x.rank > 5 then
    core.raise("expected an input of [batch, channels] and one, two or three lengths more, got %s",
      say.shape(x.shape))
  end
  return { table.unpack(x.shape, 3) }
end

--- The numbers of an attribute, one for each length.
---@param list integer[]?
---@param default integer where there is none
---@param count integer
---@param name string
---@param least? integer 0
---@return integer[]
function windows.numbers(list, default, count, name, least)
  local numbers = {}
  for i = 1, count do numbers[i] = list and list[i] or default end
  if list and #list ~= count then core.raise("%s: expected %d numbers, got %d", name, count, #list) end
  for _, number in ipairs(numbers) do
    if number < (least or 0) then core.raise("%s: expected numbers from %d, got %d", name, least or 0, number) end
  end
  return numbers
end

--- The window of a node.
---@param node table
---@param kernel integer[]
---@param lengths integer[]
---@return onnx.Window
function windows.of(node, kernel, lengths)
  local attributes, count = node.attributes, #lengths
  local window = { kernel = kernel, before = {}, after = {},
    strides = windows.numbers(attributes.strides, 1, count, "strides", 1),
    dilations = windows.numbers(attributes.dilations, 1, count, "dilations", 1) }
  local padding = attributes.auto_pad or "NOTSET"
  local is_same = padding == "SAME_UPPER" or padding == "SAME_LOWER"
  if not is_same and padding ~= "NOTSET" and padding ~= "VALID" then
    core.raise("auto_pad: unknown value '%s'", padding)
  end
  local pads = windows.numbers(padding == "NOTSET" and attributes.pads or nil, 0, 2 * count, "pads")
  for i = 1, count do
    window.before[i], window.after[i] = pads[i], pads[i + count]
    if is_same then
      local stride, reach = window.strides[i], (kernel[i] - 1) * window.dilations[i] + 1
      local total = math.max((lengths[i] - 1) // stride * stride + reach - lengths[i], 0)
      window.before[i] = padding == "SAME_UPPER" and total // 2 or total - total // 2
      window.after[i] = total - window.before[i]
    end
  end
  return window
end

--- How many places a window has along one of the lengths.
---@param window onnx.Window
---@param i integer which of them
---@param length integer
---@return integer
function windows.places(window, i, length)
  local reach = (window.kernel[i] - 1) * window.dilations[i] + 1
  return math.max((length + window.before[i] + window.after[i] - reach) // window.strides[i] + 1, 0)
end

--- The elements under each window.
---@param x tensor
---@param window onnx.Window
---@param border number what lies beyond the edges
---@return tensor # [batch, channels, places..., elements of a window]
function windows.under(x, window, border)
  local lengths, order, shape, size = windows.lengths(x), { 1, 2 }, { x.shape[1], x.shape[2] }, 1
  local count = #lengths
  for i = count, 1, -1 do
    local places, at = windows.places(window, i, lengths[i]), {}
    if places == 0 then core.raise("its window is larger than %s", say.shape(x.shape)) end
    if places * window.kernel[i] > GATHERED_MOST then core.raise "has windows of too many elements" end
    for place = 1, places do
      at[place] = {}
      for k = 1, window.kernel[i] do
        at[place][k] = (place - 1) * window.strides[i] + (k - 1) * window.dilations[i] + 1
      end
    end
    x = x:unslice(i + 2, window.before[i] + 1, lengths[i] + window.before[i] + window.after[i], border)
      :gather(core.tensor(at, "int32"), i + 2)
    order[i + 2], order[i + 2 + count] = 2 * i + 1, 2 * i + 2
    shape[i + 2], size = places, size * window.kernel[i]
  end
  shape[count + 3] = size
  return values.reshape(values.permute(x, order), shape)
end

return windows

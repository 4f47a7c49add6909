--- Resize of ONNX: pictures, or other tensors, with other lengths, one axis after the other.

local core = require "fnet.core"
local values = require "fnet.onnx.values"

local operations = {}

local PLACES_MOST = 1 << 20 -- of a resized axis

-- Where a position of the result, from 0, lies in the input; `first` and `last` are the ends of a part, as shares
-- of the axis.
local COORDINATES = {
  half_pixel = function(at, scale) return (at + 0.5) / scale - 0.5 end,
  pytorch_half_pixel = function(at, scale, _, count) return count > 1 and (at + 0.5) / scale - 0.5 or 0 end,
  asymmetric = function(at, scale) return at / scale end,
  align_corners = function(at, _, length, count) return count > 1 and at * (length - 1) / (count - 1) or 0 end,
  tf_half_pixel_for_nn = function(at, scale) return (at + 0.5) / scale end,
  tf_crop_and_resize = function(at, _, length, count, first, last)
    local share = count > 1 and first + at * (last - first) / (count - 1) or (first + last) / 2
    return share * (length - 1)
  end,
}
local NEAREST = {
  round_prefer_floor = function(at) return math.ceil(at - 0.5) end,
  round_prefer_ceil = function(at) return math.floor(at + 0.5) end,
  floor = math.floor, ceil = math.ceil,
}

-- By mode: how many neighbours a position has, and how much of one at a distance it takes: all, a line between two,
-- or a cubic through four (Keys, 1981).
local MODES_OF_SIZE = {
  nearest = { 1, function() return 1 end },
  linear = { 2, function(distance) return 1 - distance end },
  cubic = { 4, function(distance, a)
    if distance <= 1 then return ((a + 2) * distance - (a + 3)) * distance * distance + 1 end
    return ((distance - 5) * distance + 8) * distance * a - 4 * a
  end },
}

-- y, whose positions along an axis lie so in the input, with a value at those beyond its ends.
local function extrapolate(y, axis, positions, length, value)
  local inside, ones = {}, {}
  for i, at in ipairs(positions) do inside[i] = at >= 0 and at <= length - 1 and 1 or 0 end
  for i = 1, y.rank do ones[i] = i == axis and #positions or 1 end
  return core.where(core.tensor(inside):reshape(ones), y, value):to(y.dtype)
end

-- One axis with another length; `place` says where each of its positions lies.
local function resize_axis(x, axis, count, node, mode, place, nearest)
  local length, taps, share_of = x.shape[axis], table.unpack(mode)
  if count > PLACES_MOST then core.raise("cannot make %.0f places of an axis", count) end
  if count == 0 or length == 0 then core.raise "an axis without places cannot be resized" end
  local positions, places, shares, ones, y = {}, {}, {}, {}, nil
  for k = 1, taps do places[k], shares[k] = {}, {} end
  for i = 1, count do
    local at = place(i - 1)
    positions[i] = at
    local below, total = taps == 1 and nearest(at) or math.floor(at), 0
    for k = 1, taps do
      local neighbour = below + k - math.max(taps // 2, 1)
      local inside = math.max(math.min(neighbour, length - 1), 0)
      places[k][i] = math.tointeger(inside) + 1
      local is_left_out = node.attributes.exclude_outside == 1 and inside ~= neighbour
      shares[k][i] = is_left_out and 0 or share_of(math.abs(at - neighbour), node.attributes.cubic_coeff_a or -0.75)
      total = total + shares[k][i]
    end
    if node.attributes.exclude_outside == 1 then
      for k = 1, taps do shares[k][i] = shares[k][i] / total end
    end
  end
  for i = 1, x.rank do ones[i] = i == axis and count or 1 end
  for k = 1, taps do
    local part = x:gather(core.tensor(places[k], "int32"), axis)
    if taps > 1 then part = part * core.tensor(shares[k], x.dtype):reshape(ones) end
    y = y and y + part or part
  end
  return y, positions
end

-- A list of floats, an input that may be there without numbers.
local function floats(t)
  return t and t:count() > 0 and t:reshape({ t:count() }):totable() or nil
end

function operations.Resize(node, x, roi, scales, sizes)
  if node.opset < 11 then scales = roi end
  local attributes, shape, rank = node.attributes, x.shape, x.rank
  local mode = MODES_OF_SIZE[attributes.mode or "nearest"]
  local place = COORDINATES[attributes.coordinate_transformation_mode
    or node.opset < 11 and "asymmetric" or "half_pixel"]
  local nearest = NEAREST[attributes.nearest_mode or node.opset < 11 and "floor" or "round_prefer_floor"]
  if not mode then core.raise("has the mode '%s'; fnet has nearest, linear and cubic", attributes.mode) end
  if not place or not nearest then core.raise "has a mode of positions that fnet has not" end
  if attributes.antialias == 1 then core.raise "antialias is not among what fnet does" end
  if attributes.keep_aspect_ratio_policy and attributes.keep_aspect_ratio_policy ~= "stretch" then
    core.raise "keep_aspect_ratio_policy is not among what fnet does"
  end
  local factors, counts = floats(scales) or attributes.scales, sizes and values.list(sizes)
  local axes = values.axes(attributes.axes, rank)
  local part = attributes.coordinate_transformation_mode == "tf_crop_and_resize" and (floats(roi) or {})
  if part and #part ~= 2 * #axes then core.raise("roi: expected %d numbers, got %d", 2 * #axes, #part) end
  for i, axis in ipairs(axes) do
    local scale = counts and counts[i] and counts[i] / shape[axis] or factors and factors[i]
    if not scale or not (scale > 0 and scale <= PLACES_MOST) then core.raise "its scales do not fit" end
    local count = counts and counts[i] or math.tointeger(math.floor(shape[axis] * scale)) or math.huge
    if part or count ~= shape[axis] or scale ~= 1 then
      local y, positions = resize_axis(x, axis, count, node, mode, function(at)
        return place(at, scale, shape[axis], count, part and part[i], part and part[i + #axes])
      end, nearest)
      x = part and extrapolate(y, axis, positions, shape[axis], attributes.extrapolation_value or 0) or y
    end
  end
  return x
end

function operations.Upsample(node, x, scales)
  local inner = { opset = 10, attributes = { mode = node.attributes.mode, scales = node.attributes.scales } }
  return operations.Resize(inner, x, scales)
end

return operations

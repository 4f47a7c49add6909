--- Operations of ONNX that make one number of each window, or of each channel. Windows of one and two dimensions
-- without gaps are those of fnet's layers; for others the elements under each window are gathered.

local core = require "fnet.core"
local values = require "fnet.onnx.values"
local windows = require "fnet.onnx.windows"

local operations = {}

-- With ceil_mode a last window may reach over the edge, if it begins before it. Also by how much it does.
local function window_of(node, x)
  local attributes, lengths = node.attributes, windows.lengths(x)
  if not attributes.kernel_shape then core.raise "has no kernel_shape" end
  local kernel = windows.numbers(attributes.kernel_shape, 1, #lengths, "kernel_shape", 1)
  local window, over = windows.of(node, kernel, lengths), {}
  for i, length in ipairs(lengths) do
    local before, stride = window.before[i], window.strides[i]
    local room = length + before + window.after[i] - (kernel[i] - 1) * window.dilations[i] - 1
    local steps = attributes.ceil_mode == 1 and (room + stride - 1) // stride or room // stride
    if steps * stride >= length + before then steps = steps - 1 end
    over[i] = math.max(steps * stride - room, 0)
    window.after[i] = window.after[i] + over[i]
  end
  return window, over
end

-- f is a pooling of fnet's, x any tensor that it takes: nil where it does not take such windows.
local function pool(f, x, window, ...)
  local dilations = window.dilations
  if #dilations > 2 or math.max(table.unpack(dilations)) > 1 then return nil end
  local is_row = x.rank == 3
  local function pair(list, first) -- of a row, a picture of height 1
    return is_row and first or list[1], is_row and list[1] or list[2]
  end
  local picture = values.permute(is_row and x:unsqueeze(3) or x, { 1, 3, 4, 2 })
  local height, width = pair(window.kernel, 1)
  local down, across = pair(window.strides, 1)
  local above, left = pair(window.before, 0)
  local below, right = pair(window.after, 0)
  local y = values.permute(f(picture, nil, height, width, down, across, above, below, left, right, ...),
    { 1, 4, 2, 3 })
  return is_row and y:squeeze(3) or y
end

-- The number of each element, from 0, row by row, or with the first length's neighbours beside each other.
local function numbers_of(x, is_by_column)
  local shape = x.shape
  if x:count() == 0 then return core.full(shape, 0, "int32") end
  local all = core.arange(0, x:count() - 1, 1, "int32")
  if not is_by_column then return all:reshape(shape) end
  local order, turned = { 1, 2 }, { shape[1], shape[2] }
  for axis = 3, #shape do
    order[axis], turned[axis] = #shape + 3 - axis, shape[#shape + 3 - axis]
  end
  return values.permute(all:reshape(turned), order)
end

function operations.MaxPool(node, x)
  local window, with_places = window_of(node, x), #node.outputs > 1
  local numbers = values.is_whole(x) and x:float() or x
  local y = not with_places and pool(core.max_pool, numbers, window)
  if y then return y:to(x.dtype) end
  local under = windows.under(numbers, window, -math.huge)
  local last = under.rank
  y = under:max(last):to(x.dtype)
  if not with_places then return y end
  local places = windows.under(numbers_of(x, node.attributes.storage_order == 1), window, 0)
  return y, places:pick(under:argmax(last), last)
end

-- How many elements of each window count along each length, beside each other: [places...].
local function counts_of(window, lengths, over, counts_zeros)
  local counts = core.full({}, 1)
  for i, length in ipairs(lengths) do
    local first = counts_zeros and 0 or window.before[i]
    local last = counts_zeros and length + window.before[i] + window.after[i] - over[i] or first + length
    local line = {}
    for place = 1, windows.places(window, i, length) do
      line[place] = 0
      for k = 0, window.kernel[i] - 1 do
        local at = (place - 1) * window.strides[i] + k * window.dilations[i]
        if at >= first and at < last then line[place] = line[place] + 1 end
      end
    end
    counts = counts:unsqueeze(i) * core.tensor(line)
  end
  return counts
end

function operations.AveragePool(node, x)
  local window, over = window_of(node, x)
  local counts_zeros = node.attributes.count_include_pad == 1
  local y = not (counts_zeros and math.max(table.unpack(over)) > 0)
    and pool(core.avg_pool, x, window, counts_zeros)
  if y then return y end
  local under = windows.under(x, window, 0)
  return under:sum(under.rank) / counts_of(window, windows.lengths(x), over, counts_zeros):to(x.dtype)
end

-- f of each channel's picture.
local function over_picture(x, f)
  local shape = x.shape
  local y = f(x:reshape { shape[1], shape[2], values.product(shape, 3, #shape) }, 3)
  for axis = 3, #shape do shape[axis] = 1 end
  return y:reshape(shape)
end
function operations.GlobalAveragePool(_, x) return over_picture(x, core.methods.mean) end
function operations.GlobalMaxPool(_, x) return over_picture(x, core.methods.max) end

return operations

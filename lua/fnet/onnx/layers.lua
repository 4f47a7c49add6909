--- Operations of ONNX that are layers: products of matrices, convolutions, poolings, normalisations. Pictures have
-- their channels on the second axis there, and fnet's kernels have them last.

local core = require "fnet.core"
local say = require "fnet.base.say"
local values = require "fnet.onnx.values"

local operations = {}

-- ---- products ----

operations.MatMul = (function()
  local exact = values.exact(core.methods.matmul)
  return function(_, a, b) return exact(a, b) end
end)()

function operations.Gemm(node, a, b, c)
  local attributes = node.attributes
  local alpha, beta = attributes.alpha or 1.0, attributes.beta or 1.0
  return values.exact(function(x, y, z)
    if attributes.transA == 1 then x = x:transpose() end
    if attributes.transB == 1 then y = y:transpose() end
    local product = x:matmul(y)
    if alpha ~= 1 then product = product * alpha end
    if not z then return product end
    return product + (beta ~= 1 and z * beta or z)
  end)(a, b, c)
end

function operations.Einsum(node, ...)
  local equation = node.attributes.equation or core.raise "has no equation"
  return require("fnet.tensor.einsum").einsum(equation:gsub(" ", ""), ...)
end

-- ---- sliding windows ----

-- A picture with a height: a row of numbers is one of height 1. Gives it with its channels last.
local function channels_last(x)
  if x.rank == 3 then x = x:unsqueeze(3) end
  if x.rank ~= 4 then
    core.raise("expected an input of [batch, channels, length] or [batch, channels, height, width], got %s; "
      .. "windows of three dimensions are not among fnet's", say.shape(x.shape))
  end
  return values.permute(x, { 1, 3, 4, 2 })
end

local function channels_first(y, rank)
  y = values.permute(y, { 1, 4, 2, 3 })
  return rank == 3 and y:squeeze(3) or y
end

-- A pair, down and across, of an attribute.
local function pair(list, default, rank, name)
  if not list then return { default, default } end
  if #list ~= rank - 2 then core.raise("%s: expected %d numbers, got %d", name, rank - 2, #list) end
  for _, number in ipairs(list) do
    if math.type(number) ~= "integer" or number < 0 then core.raise("%s: got %s", name, tostring(number)) end
  end
  return rank == 3 and { name == "pads" and 0 or 1, list[1] } or { list[1], list[2] }
end

-- Kernel, strides, dilations, and zeros before and behind, of a window on a picture with such a height and width.
local function window_of(node, rank, kernel, size)
  local attributes = node.attributes
  local window = { kernel = kernel, strides = pair(attributes.strides, 1, rank, "strides"),
    dilations = pair(attributes.dilations, 1, rank, "dilations"), before = { 0, 0 }, after = { 0, 0 } }
  for i = 1, 2 do
    if window.strides[i] < 1 or window.dilations[i] < 1 then core.raise "strides and dilations begin at 1" end
  end
  local pads, padding = attributes.pads, attributes.auto_pad or "NOTSET"
  if padding == "SAME_UPPER" or padding == "SAME_LOWER" then
    for i = 1, 2 do
      local reach = (kernel[i] - 1) * window.dilations[i] + 1
      local count = (size[i] + window.strides[i] - 1) // window.strides[i]
      local total = math.max((count - 1) * window.strides[i] + reach - size[i], 0)
      local less = total // 2
      window.before[i] = padding == "SAME_UPPER" and less or total - less
      window.after[i] = total - window.before[i]
    end
  elseif padding == "NOTSET" and pads then
    if #pads ~= 2 * (rank - 2) then core.raise("pads: expected %d numbers, got %d", 2 * (rank - 2), #pads) end
    window.before = pair({ table.unpack(pads, 1, rank - 2) }, 0, rank, "pads")
    window.after = pair({ table.unpack(pads, rank - 1) }, 0, rank, "pads")
  elseif padding ~= "NOTSET" and padding ~= "VALID" then
    core.raise("auto_pad: unknown value '%s'", padding)
  end
  return window
end

-- A kernel [height, width, ...] with zeros between its taps.
local function dilate(w, dilations)
  for axis = 1, 2 do
    local shape, step = w.shape, dilations[axis]
    if step > 1 and shape[axis] > 1 then
      local apart = w:unsqueeze(axis + 1):unslice(axis + 1, 1, step)
      shape[axis] = shape[axis] * step
      w = apart:reshape(shape):slice(axis, 1, shape[axis] - step + 1)
    end
  end
  return w
end

-- Weights [units, channels, height, width] as fnet has them, and the kernel's size.
local function weights_of(node, w, rank, x)
  if w.rank ~= rank then
    core.raise("weights of %s do not fit an input of %s", say.shape(w.shape), say.shape(x.shape))
  end
  if rank == 3 then w = w:unsqueeze(3) end
  local shape = w.shape
  local declared = node.attributes.kernel_shape
  local kernel = { shape[3], shape[4] }
  if declared and declared[#declared] ~= kernel[2] then
    core.raise("kernel_shape says %s, the weights are %s", say.shape(declared), say.shape(shape))
  end
  return values.permute(w, { 3, 4, 2, 1 }), kernel
end

function operations.Conv(node, x, w, b)
  local rank, picture = x.rank, channels_last(x)
  local weight, kernel = weights_of(node, w, rank, x)
  local shape = picture.shape
  local window = window_of(node, rank, kernel, { shape[2], shape[3] })
  local y = core.conv2d(picture, dilate(weight, window.dilations), b, nil, window.strides[1], window.strides[2],
    window.before[1], window.after[1], window.before[2], window.after[2], node.attributes.group or 1)
  return channels_first(y, rank)
end

-- Crops what the padding takes away, or adds zeros at the end.
local function fit(y, axis, first, length)
  local have = y.shape[axis]
  if first < 0 or length < 1 or first >= have then core.raise "its padding leaves nothing of the picture" end
  local part = y:slice(axis, first + 1, math.min(first + length, have))
  return first + length > have and part:unslice(axis, 1, length) or part
end

-- The gradient of a convolution with respect to its input is the convolution the other way round.
function operations.ConvTranspose(node, x, w, b)
  local attributes, rank, picture = node.attributes, x.rank, channels_last(x)
  local weight, kernel = weights_of(node, w, rank, x)
  local size = { picture.shape[2], picture.shape[3] }
  local strides, dilations = pair(attributes.strides, 1, rank, "strides"),
    pair(attributes.dilations, 1, rank, "dilations")
  local extra = pair(attributes.output_padding, 0, rank, "pads")
  local wanted = attributes.output_shape and pair(attributes.output_shape, 1, rank, "output_shape")
  if weight.shape[4] ~= picture.shape[4] or weight.dtype ~= picture.dtype then
    core.raise("weights %s of %s do not fit an input %s of %s", w.dtype, say.shape(w.shape), x.dtype,
      say.shape(x.shape))
  end
  weight = dilate(weight, dilations)
  local full, first, length = {}, {}, {}
  local padded = window_of(node, rank, kernel, size)
  for i = 1, 2 do
    full[i] = strides[i] * (size[i] - 1) + weight.shape[i]
    local mode = attributes.auto_pad
    if not wanted and (mode == "SAME_UPPER" or mode == "SAME_LOWER") then
      wanted = { size[1] * strides[1], size[2] * strides[2] }
    end
    if wanted then
      local total = math.max(full[i] + extra[i] - wanted[i], 0)
      first[i] = mode == "SAME_UPPER" and total // 2 or mode == "SAME_LOWER" and total - total // 2 or total // 2
      length[i] = wanted[i]
    else
      first[i], length[i] = padded.before[i], full[i] - padded.before[i] - padded.after[i] + extra[i]
    end
  end
  local y = core.conv2d_input(picture, weight, full[1], full[2], strides[1], strides[2], 0, 0, 0, 0,
    attributes.group or 1)
  y = fit(fit(y, 2, first[1], length[1]), 3, first[2], length[2])
  return channels_first(b and y + b or y, rank)
end

-- The windows of a pooling. With ceil_mode a last window may reach over the edge, if it begins before it.
local function pooling_window(node, rank, size)
  local attributes = node.attributes
  if not attributes.kernel_shape then core.raise "has no kernel_shape" end
  local kernel = pair(attributes.kernel_shape, 1, rank, "kernel_shape")
  local window = window_of(node, rank, kernel, size)
  if window.dilations[1] ~= 1 or window.dilations[2] ~= 1 then core.raise "fnet's poolings have no dilations" end
  window.reaches_over = false
  for i = 1, 2 do
    local before, stride = window.before[i], window.strides[i]
    local room = size[i] + before + window.after[i] - kernel[i]
    local count = attributes.ceil_mode == 1 and (room + stride - 1) // stride or room // stride
    if count * stride >= size[i] + before then count = count - 1 end
    local missing = count * stride - room
    if missing > 0 then window.after[i], window.reaches_over = window.after[i] + missing, true end
  end
  return window
end

function operations.MaxPool(node, x)
  if #node.outputs > 1 then core.raise "fnet's MaxPool does not give the positions of the maxima" end
  local rank, picture = x.rank, channels_last(values.is_whole(x) and x:float() or x)
  local w = pooling_window(node, rank, { picture.shape[2], picture.shape[3] })
  local y = core.max_pool(picture, nil, w.kernel[1], w.kernel[2], w.strides[1], w.strides[2], w.before[1],
    w.after[1], w.before[2], w.after[2])
  return channels_first(y, rank):to(x.dtype)
end

function operations.AveragePool(node, x)
  local rank, picture = x.rank, channels_last(x)
  local w = pooling_window(node, rank, { picture.shape[2], picture.shape[3] })
  local counts_zeros = node.attributes.count_include_pad == 1
  if counts_zeros and w.reaches_over then
    core.raise "ceil_mode with count_include_pad is not among fnet's poolings"
  end
  return channels_first(core.avg_pool(picture, nil, w.kernel[1], w.kernel[2], w.strides[1], w.strides[2],
    w.before[1], w.after[1], w.before[2], w.after[2], counts_zeros), rank)
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

-- ---- normalisations ----

-- One number a channel, for a tensor of that rank.
local function by_channel(x, rank)
  local shape = { 1, x:count() }
  for axis = 3, rank do shape[axis] = 1 end
  return x:reshape(shape)
end

-- As a file for use has it: by the statistics that it holds, in training mode, too.
function operations.BatchNormalization(node, x, scale, bias, mean, variance)
  if node.attributes.training_mode == 1 or #node.outputs > 1 then
    core.raise "is in training mode, in which ONNX's statistics become results; export the model for use"
  end
  if node.attributes.spatial == 0 then core.raise "has spatial = 0: statistics of each place, not each channel" end
  local factor = scale / (variance + (node.attributes.epsilon or 1e-5)):sqrt()
  return x * by_channel(factor, x.rank) + by_channel(bias - mean * factor, x.rank)
end

local function normalise(x, epsilon)
  return (x - x:mean(x.rank, true)) / (x:var(x.rank, true, 0) + epsilon):sqrt()
end

function operations.InstanceNormalization(node, x, scale, bias)
  local shape = x.shape
  local rows = x:reshape { shape[1], shape[2], values.product(shape, 3, #shape) }
  local y = normalise(rows, node.attributes.epsilon or 1e-5):reshape(shape)
  return y * by_channel(scale, #shape) + by_channel(bias, #shape)
end

function operations.GroupNormalization(node, x, scale, bias)
  local shape, groups = x.shape, node.attributes.num_groups
  if #shape < 2 or not groups or groups < 1 or shape[2] % groups ~= 0 then
    core.raise("num_groups %s does not fit the channels of %s", tostring(groups), say.shape(shape))
  end
  local y = normalise(x:reshape { shape[1], groups, values.product(shape, 2, #shape) // groups },
    node.attributes.epsilon or 1e-5):reshape(shape)
  local function spread(t) -- up to version 20 one number a group
    return by_channel(t:count() == shape[2] and t or
      t:unsqueeze(2):expand({ groups, shape[2] // groups }):reshape { shape[2] }, #shape)
  end
  return y * spread(scale) + spread(bias)
end

-- Each element over the squares of its neighbours on the second axis (Krizhevsky and others, 2012, section 3.3).
function operations.LRN(node, x)
  local attributes, shape = node.attributes, x.shape
  local size = attributes.size or core.raise "has no size"
  local channels = shape[2] or 0
  if size < 1 or channels < 1 or size > 2 * channels + 1 then core.raise("a size of %d does not fit", size) end
  local square, before, sum = x * x, (size - 1) // 2, 0
  square = square:unslice(2, before + 1, channels + size - 1)
  for k = 1, size do sum = square:slice(2, k, k + channels - 1) + sum end
  return x / (sum * ((attributes.alpha or 1e-4) / size) + (attributes.bias or 1)) ^ (attributes.beta or 0.75)
end

function operations.LayerNormalization(node, x, scale, bias)
  local epsilon, shape = node.attributes.epsilon or 1e-5, x.shape
  if values.is_whole(x) or scale.dtype ~= x.dtype or bias and bias.dtype ~= x.dtype then
    core.raise("expected floats of one type, got %s and %s%s", x.dtype, scale.dtype,
      bias and " and " .. bias.dtype or "")
  end
  local axis = values.axis(node.attributes.axis or -1, #shape)
  local features = values.product(shape, axis, #shape)
  local rows = x:reshape { values.product(shape, 1, axis - 1), features }
  scale = scale:expand({ table.unpack(shape, axis) }):reshape { features }
  bias = bias and bias:expand({ table.unpack(shape, axis) }):reshape { features }
    or core.full({ features }, 0, x.dtype)
  local y = core.layer_norm(rows, scale, bias, epsilon):reshape(shape)
  if #node.outputs < 2 then return y end
  for i = axis, #shape do shape[i] = 1 end
  local inverse = 1 / (rows:var(2, true, 0) + epsilon):sqrt()
  return y, rows:mean(2, true):reshape(shape), inverse:reshape(shape)
end

return operations

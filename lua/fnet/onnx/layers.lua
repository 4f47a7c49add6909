--- Operations of ONNX that are layers: products of matrices, convolutions, normalisations. Pictures have their
-- channels on the second axis there, and fnet's kernels have them last.

local core = require "fnet.core"
local is = require "fnet.base.is"
local say = require "fnet.base.say"
local values = require "fnet.onnx.values"
local windows = require "fnet.onnx.windows"

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

-- ---- convolutions ----

-- One number a channel, for a tensor of that rank.
local function by_channel(x, rank)
  local shape = { 1, x:count() }
  for axis = 3, rank do shape[axis] = 1 end
  return x:reshape(shape)
end

-- Pictures as fnet's kernels take them: a row of numbers is one of height 1, a volume is cut into pictures, which
-- the batch has for each depth: [batch * depth, height, width, channels].
local function pictures_of(x)
  if x.rank == 3 then return values.permute(x:unsqueeze(3), { 1, 3, 4, 2 }) end
  if x.rank == 4 then return values.permute(x, { 1, 3, 4, 2 }) end
  local shape = x.shape
  return values.reshape(values.permute(x, { 1, 3, 4, 5, 2 }), { shape[1] * shape[3], shape[4], shape[5], shape[2] })
end

local function from_pictures(y, rank, batch, depth)
  if rank == 4 then return values.permute(y, { 1, 4, 2, 3 }) end
  if rank == 3 then return values.permute(y, { 1, 4, 2, 3 }):squeeze(3) end
  local shape = y.shape
  return values.permute(values.reshape(y, { batch, depth, shape[2], shape[3], shape[4] }), { 1, 5, 2, 3, 4 })
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

-- The weights [units, channels, lengths...] and their lengths.
local function kernel_of(node, w, x)
  local lengths = windows.lengths(x)
  if w.rank ~= x.rank then
    core.raise("weights of %s do not fit an input of %s", say.shape(w.shape), say.shape(x.shape))
  end
  local kernel, declared = { table.unpack(w.shape, 3) }, node.attributes.kernel_shape
  if declared and not is.same_shape(declared, kernel) then
    core.raise("kernel_shape says %s, the weights are %s", say.shape(declared), say.shape(w.shape))
  end
  return kernel, lengths
end

-- The last two of a window's numbers, of a row of numbers 1 or 0 first.
local function pair(list, first)
  local count = #list
  return list[count - 1] or first, list[count]
end

-- Weights of pictures, [height, width, channels, units], at the k-th place of the depth where there is one.
local function weight_at(w, k, dilations)
  if w.rank == 3 then w = w:unsqueeze(3) end
  if w.rank == 5 then w = w:select(3, k) end
  return dilate(values.permute(w, { 3, 4, 2, 1 }), { pair(dilations, 1) })
end

local function whole_tensor(first, step, count)
  return core.arange(first, first + (count - 1) * step, step, "int32")
end

-- A volume is the sum over the depth of the kernel of what its pictures give.
function operations.Conv(node, x, w, b)
  local kernel, lengths = kernel_of(node, w, x)
  local window = windows.of(node, kernel, lengths)
  local down, across = pair(window.strides, 1)
  local above, left = pair(window.before, 0)
  local below, right = pair(window.after, 0)
  local function convolve(pictures, weight, bias)
    return core.conv2d(pictures, weight, bias, nil, down, across, above, below, left, right,
      node.attributes.group or 1)
  end
  if x.rank < 5 then
    return from_pictures(convolve(pictures_of(x), weight_at(w, 1, window.dilations), b), x.rank)
  end
  local places, y = windows.places(window, 1, lengths[1]), nil
  if places == 0 then core.raise("its window is larger than %s", say.shape(x.shape)) end
  x = x:unslice(3, window.before[1] + 1, lengths[1] + window.before[1] + window.after[1])
  for k = 1, kernel[1] do
    local at = whole_tensor((k - 1) * window.dilations[1] + 1, window.strides[1], places)
    local part = convolve(pictures_of(x:gather(at, 3)), weight_at(w, k, window.dilations), k == 1 and b or nil)
    y = y and y + part or part
  end
  return from_pictures(y, 5, x.shape[1], places)
end

-- Crops what the padding takes away, or adds zeros at the end.
local function fit(y, axis, first, length)
  local have = y.shape[axis]
  if first < 0 or length < 1 or first >= have then core.raise "its padding leaves nothing of the picture" end
  local part = y:slice(axis, first + 1, math.min(first + length, have))
  return first + length > have and part:unslice(axis, 1, length) or part
end

-- What is left of each length of a transposed convolution: where it begins, and its length.
local function crops_of(node, window, lengths, full)
  local attributes, count = node.attributes, #lengths
  local extra = windows.numbers(attributes.output_padding, 0, count, "output_padding")
  local wanted = attributes.output_shape and windows.numbers(attributes.output_shape, 1, count, "output_shape")
  local mode, first, length = attributes.auto_pad, {}, {}
  for i = 1, count do
    local goal = wanted and wanted[i]
      or (mode == "SAME_UPPER" or mode == "SAME_LOWER") and lengths[i] * window.strides[i]
    if goal then
      local total = math.max(full[i] + extra[i] - goal, 0)
      first[i], length[i] = mode == "SAME_LOWER" and total - total // 2 or total // 2, goal
    else
      first[i], length[i] = window.before[i], full[i] - window.before[i] - window.after[i] + extra[i]
    end
  end
  return first, length
end

-- The gradient of a convolution with respect to its input is the convolution the other way round.
function operations.ConvTranspose(node, x, w, b)
  local kernel, lengths = kernel_of(node, w, x)
  local window, shape, full = windows.of(node, kernel, lengths), x.shape, {}
  if w.shape[1] ~= shape[2] or w.dtype ~= x.dtype then
    core.raise("weights %s of %s do not fit an input %s of %s", w.dtype, say.shape(w.shape), x.dtype,
      say.shape(shape))
  end
  for i, length in ipairs(lengths) do
    full[i] = window.strides[i] * (length - 1) + (kernel[i] - 1) * window.dilations[i] + 1
  end
  local height, width = pair(full, 1)
  local down, across = pair(window.strides, 1)
  local pictures, y = pictures_of(x), nil
  for k = 1, x.rank == 5 and kernel[1] or 1 do
    local part = from_pictures(core.conv2d_input(pictures, weight_at(w, k, window.dilations), height, width, down,
      across, 0, 0, 0, 0, node.attributes.group or 1), x.rank, shape[1], lengths[1])
    if x.rank == 5 then
      local at = whole_tensor((k - 1) * window.dilations[1] + 1, window.strides[1], lengths[1])
      part = core.scatter(part, at, 3, full[1])
    end
    y = y and y + part or part
  end
  local first, length = crops_of(node, window, lengths, full)
  for i = 1, #lengths do y = fit(y, i + 2, first[i], length[i]) end
  return b and y + by_channel(b, y.rank) or y
end

-- ---- normalisations ----

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

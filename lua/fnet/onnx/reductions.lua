--- Operations of ONNX that make one number of many, along axes: sums, extremes, positions, softmax.

local core = require "fnet.core"
local values = require "fnet.onnx.values"

local operations = {}

-- f(x, axis) of the last axis, in which the reduced ones lie one after the other.
local function reduce(node, x, axes, f)
  if axes and #axes == 0 then axes = nil end
  if not axes and node.attributes.noop_with_empty_axes == 1 then return x end
  local shape, keep = x.shape, node.attributes.keepdims ~= 0
  local reduced, is_reduced = values.axes(axes, x.rank), {}
  local order, left, kept, count = {}, {}, {}, 1
  for _, axis in ipairs(reduced) do is_reduced[axis], count = true, count * shape[axis] end
  for axis, length in ipairs(shape) do
    if not is_reduced[axis] then order[#order + 1], left[#left + 1] = axis, length end
    if not is_reduced[axis] or keep then kept[#kept + 1] = is_reduced[axis] and 1 or length end
  end
  table.move(reduced, 1, #reduced, #order + 1, order)
  left[#left + 1] = count
  return values.reshape(f(values.reshape(values.permute(x, order), left), #left), kept)
end

-- Of nothing the sum is 0, whose logarithm is -infinity.
local function log_sum_exp(x, axis)
  if x.shape[axis] == 0 then return x:sum(axis):log() end
  local top = x:detach():max(axis, true)
  top = core.where(top:abs():lt(math.huge), top, 0)
  return (x - top):exp():sum(axis):log() + top:reshape(x:sum(axis).shape)
end

local REDUCTIONS = {
  ReduceSum = function(x, axis) return x:sum(axis) end,
  ReduceMean = function(x, axis) return x:mean(axis) end,
  ReduceMax = function(x, axis) return x:max(axis) end,
  ReduceMin = function(x, axis) return x:min(axis) end,
  ReduceProd = function(x, axis) return x:prod(axis) end,
  ReduceL1 = function(x, axis) return x:abs():sum(axis) end,
  ReduceL2 = function(x, axis) return (x * x):sum(axis):sqrt() end,
  ReduceSumSquare = function(x, axis) return (x * x):sum(axis) end,
  ReduceLogSum = function(x, axis) return x:sum(axis):log() end,
  ReduceLogSumExp = log_sum_exp,
}
for name, f in pairs(REDUCTIONS) do
  local exact = values.exact(f)
  operations[name] = function(node, x, axes)
    return reduce(node, x, values.list_or(node, axes, "axes"), exact)
  end
end

local function position(method)
  return function(node, x)
    local axis = values.axis(node.attributes.axis or 0, x.rank)
    local keep = node.attributes.keepdims ~= 0
    if node.attributes.select_last_index ~= 1 then return (x[method](x, axis, keep):double() - 1):int() end
    local length = x.shape[axis]
    local reversed = x:gather(core.arange(length, 1, -1, "int32"), axis)
    return (length - reversed[method](reversed, axis, keep):double()):int()
  end
end
operations.ArgMax, operations.ArgMin = position "argmax", position "argmin"

-- Along an axis; before version 13 along all from that axis on, as one.
local function along(f)
  return function(node, x)
    if node.opset >= 13 then return f(x, values.axis(node.attributes.axis or -1, x.rank)) end
    local axis, shape = values.axis(node.attributes.axis or 1, x.rank), x.shape
    local rows = { values.product(shape, 1, axis - 1), values.product(shape, axis, #shape) }
    return values.reshape(f(values.reshape(x, rows), 2), shape)
  end
end
operations.Softmax = along(core.methods.softmax)
operations.LogSoftmax = along(core.methods.log_softmax)
operations.Hardmax = along(function(x, axis)
  local shape = x.shape
  local counts = {}
  for i = 1, #shape do counts[i] = 1 end
  counts[axis] = shape[axis]
  return core.arange(1, shape[axis], 1, "int32"):reshape(counts):eq(x:argmax(axis, true)):to(x.dtype)
end)

function operations.MeanVarianceNormalization(node, x)
  local axes = node.attributes.axes or { 0, 2, 3 }
  local keep = { attributes = { keepdims = 1 } }
  local mean = reduce(keep, x, axes, core.methods.mean)
  local square = reduce(keep, x * x, axes, core.methods.mean)
  return (x - mean) / ((square - mean * mean):sqrt() + 1e-9)
end

function operations.CumSum(node, x, axis)
  axis = values.axis(values.list(axis)[1], x.rank)
  local length = x.shape[axis]
  local turned = core.arange(length, 1, -1, "int32")
  if node.attributes.reverse == 1 then x = x:gather(turned, axis) end
  local y = x:cumsum(axis)
  if node.attributes.exclusive == 1 then y = y - x end
  return node.attributes.reverse == 1 and y:gather(turned, axis) or y
end

return operations

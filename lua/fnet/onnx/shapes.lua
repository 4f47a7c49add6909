--- Operations of ONNX that move elements and make tensors: other shapes, parts, joints, positions by index, types.

local core = require "fnet.core"
local functions = require "fnet.tensor.functions"
local reader = require "fnet.onnx.reader"
local say = require "fnet.base.say"
local values = require "fnet.onnx.values"

local concat = functions.constructors.concat
local axis_of, list, list_or = values.axis, values.list, values.list_or

local operations = {}

local PLACES_MOST = 1 << 20 -- of an edge that is repeated

local function whole(numbers)
  return #numbers > 0 and core.tensor(numbers, "int32") or core.full({ 0 }, 0, "int32")
end

-- ---- shapes ----

function operations.Shape(node, x)
  local rank, shape = x.rank, x.shape
  local function place(at)
    if at < 0 then at = at + rank end
    return math.max(math.min(at, rank), 0)
  end
  return whole { table.unpack(shape, place(node.attributes.start or 0) + 1, place(node.attributes["end"] or rank)) }
end

function operations.Size(_, x) return core.full({}, x:count(), "int32") end

-- 0 is the length that stands there, -1 what is left.
function operations.Reshape(node, x, shape)
  local lengths, old, open, product = list(shape), x.shape, nil, 1
  for i, length in ipairs(lengths) do
    if length == 0 and node.attributes.allowzero ~= 1 then
      lengths[i] = old[i] or core.raise("the length %d of %s is 0, and the input is %s", i, say.shape(lengths),
        say.shape(old))
    end
    if length == -1 and open then core.raise("%s has more than one length -1", say.shape(lengths)) end
    if length == -1 then open = i else product = product * lengths[i] end
  end
  if open then lengths[open] = product > 0 and x:count() // product or 0 end
  return values.reshape(x, lengths)
end

function operations.Flatten(node, x)
  local shape, axis = x.shape, node.attributes.axis or 1
  if axis < 0 then axis = axis + #shape end
  if axis < 0 or axis > #shape then core.raise("the axis %d is outside 0 to %d", axis, #shape) end
  return values.reshape(x, { values.product(shape, 1, axis), values.product(shape, axis + 1, #shape) })
end

function operations.Squeeze(node, x, axes)
  local shape, left, gone = x.shape, {}, {}
  axes = list_or(node, axes, "axes")
  for _, axis in ipairs(axes and values.axes(axes, #shape) or {}) do
    if shape[axis] ~= 1 then core.raise("the axis %d of %s is not 1", axis - 1, say.shape(shape)) end
    gone[axis] = true
  end
  for axis, length in ipairs(shape) do
    if axes and not gone[axis] or not axes and length ~= 1 then left[#left + 1] = length end
  end
  return values.reshape(x, left)
end

function operations.Unsqueeze(node, x, axes)
  local shape = x.shape
  axes = list_or(node, axes, "axes") or {}
  for _, axis in ipairs(values.axes(axes, #shape + #axes)) do table.insert(shape, axis, 1) end
  return values.reshape(x, shape)
end

function operations.Transpose(node, x)
  local order = {}
  for i = 1, x.rank do order[i] = node.attributes.perm and (node.attributes.perm[i] or 0) + 1 or x.rank + 1 - i end
  return values.permute(x, order)
end

function operations.Expand(_, x, shape)
  local lengths, old = list(shape), x.shape
  while #lengths < #old do table.insert(lengths, 1, 1) end
  for i, length in ipairs(lengths) do
    if length == 1 then lengths[i] = old[i - (#lengths - #old)] or 1 end
  end
  return x:expand(lengths)
end

function operations.Tile(_, x, repeats)
  local shape, counts = x.shape, list(repeats)
  if #counts ~= #shape then core.raise("%d repeats do not fit %s", #counts, say.shape(shape)) end
  for i, count in ipairs(counts) do -- [before, behind] becomes [before, count, behind]
    if count < 0 then core.raise("cannot repeat %d times", count) end
    local before, behind = values.product(shape, 1, i - 1), values.product(shape, i, #shape)
    shape[i] = shape[i] * count
    x = values.reshape(values.reshape(x, { before, 1, behind }):expand { before, count, behind }, shape)
  end
  return x
end

-- ---- parts and joints ----

function operations.Concat(node, x, ...)
  return concat({ x, ... }, axis_of(node.attributes.axis or 1, x.rank))
end

function operations.Split(node, x, sizes)
  local axis = axis_of(node.attributes.axis or 0, x.rank)
  sizes = list_or(node, sizes, "split")
  local length, parts, first = x.shape[axis], {}, 1
  local count = #node.outputs
  if (node.attributes.num_outputs or count) ~= count then
    core.raise("num_outputs is %d, and %d outputs have names", node.attributes.num_outputs, count)
  end
  if count == 0 then core.raise "has no outputs" end
  local size = (length + count - 1) // count
  for i = 1, sizes and #sizes or count do
    local part = sizes and sizes[i] or math.min(size, length - first + 1)
    if part < 0 or first + part - 1 > length then core.raise("cannot split an axis of %d so", length) end
    parts[i], first = x:slice(axis, first, first + part - 1), first + part
  end
  if first ~= length + 1 then core.raise("its parts are not the whole axis of %d", length) end
  return table.unpack(parts)
end

-- Bounds beyond the ends are the ends; a negative one counts from the end.
function operations.Slice(node, x, starts, ends, axes, steps)
  starts, ends = list_or(node, starts, "starts"), list_or(node, ends, "ends")
  axes, steps = list_or(node, axes, "axes"), list_or(node, steps, "steps")
  if not starts or not ends then core.raise "has no starts or no ends" end
  for i, start in ipairs(starts) do
    local axis = axes and axis_of(axes[i] or x.rank, x.rank) or i
    local length, step, stop = x.shape[axis], steps and steps[i] or 1, ends[i]
    if step == 0 or not stop or not length then core.raise "its bounds do not fit together" end
    if start < 0 then start = start + length end
    if stop < 0 then stop = stop + length end
    if step > 0 then
      start, stop = math.max(math.min(start, length), 0), math.max(math.min(stop, length), 0)
    else
      start, stop = math.max(math.min(start, length - 1), -1), math.max(math.min(stop, length - 1), -1)
    end
    if step == 1 or (stop - start) * step <= 0 then
      x = x:slice(axis, math.min(start, length) + 1, math.max(step == 1 and stop or 0, math.min(start, length)))
    else
      x = x:gather(core.arange(start + 1, stop + (step > 0 and 0 or 2), step, "int32"), axis)
    end
  end
  return x
end

-- ---- by index ----

function operations.Gather(node, x, indices)
  local axis = axis_of(node.attributes.axis or 0, x.rank)
  return x:gather(values.positions(x, indices, axis), axis)
end

function operations.GatherElements(node, x, indices)
  local axis = axis_of(node.attributes.axis or 0, x.rank)
  if indices.rank ~= x.rank then
    core.raise("indices of %s do not fit %s", say.shape(indices.shape), say.shape(x.shape))
  end
  -- take_along_axis wants the other axes as long; ONNX lets the indices be shorter.
  for i, length in ipairs(indices.shape) do
    if i ~= axis and length < x.shape[i] then x = x:slice(i, 1, length) end
  end
  return x:take_along_axis(values.positions(x, indices, axis), axis)
end

function operations.OneHot(node, indices, depth, on_off)
  local count, shape = list(depth)[1], indices.shape
  local axis = axis_of(node.attributes.axis or -1, #shape + 1)
  if not count or count < 1 then core.raise("its depth is %s", tostring(count)) end
  if on_off:count() ~= 2 then core.raise("expected two values, off and on, got %s", say.shape(on_off.shape)) end
  on_off = on_off:reshape { 2 }
  local ones = {}
  for i = 1, #shape + 1 do ones[i] = 1 end
  table.insert(shape, axis, 1)
  ones[axis] = count
  indices = indices:double()
  local positions = core.where(indices:lt(0), indices + count, indices):reshape(shape)
  local off, on = on_off:select(1, 1), on_off:select(1, 2)
  return core.where(positions:eq(core.arange(0, count - 1, 1, "float64"):reshape(ones)), on, off):to(on_off.dtype)
end

-- ---- new tensors ----

function operations.ConstantOfShape(node, shape)
  local value = node.attributes.value or { number = 0, dtype = "float32" }
  return core.full(list(shape), value.number, value.dtype)
end

function operations.Range(_, start, limit, delta)
  local first, last, step = start:item(), limit:item(), delta:item()
  local count = step ~= 0 and math.ceil((last - first) / step) or 0
  if count <= 0 or count ~= count then return core.full({ 0 }, 0, start.dtype) end
  return core.arange(first, first + (count - 1) * step, step, start.dtype)
end

-- 1 where column - row has some relation to k.
local function diagonal(x, k, method)
  local rows = core.arange(1, x.shape[x.rank - 1], 1, "int32"):unsqueeze(2)
  local columns = core.arange(1, x.shape[x.rank], 1, "int32")
  return (columns - rows)[method](columns - rows, k)
end

function operations.Trilu(node, x, k)
  if x:count() == 0 then return x end
  local kept = diagonal(x, k and list(k)[1] or 0, node.attributes.upper == 0 and "le" or "ge")
  return core.where(kept, x, 0):to(x.dtype)
end

function operations.EyeLike(node, x)
  local kind = reader.TYPES[node.attributes.dtype] or {}
  return diagonal(x, node.attributes.k or 0, "eq"):to(kind.dtype or x.dtype)
end

-- ---- types ----

local function cast(x, number)
  local kind = reader.TYPES[number]
  if not kind or not kind.dtype then core.raise "to a type that fnet has not" end
  if kind.name == "float16" or kind.name == "bfloat16" then core.raise("to %s, which fnet has not", kind.name) end
  if kind.name == "bool" then return x:ne(0):byte() end
  return x:to(kind.dtype)
end
function operations.Cast(node, x) return cast(x, node.attributes.to) end
function operations.CastLike(_, x, other) return x:to(other.dtype) end

-- ---- edges and blocks of pictures ----

-- Positions from 1 that an axis has with so many more before and behind it.
local MODES = {
  edge = function(at, length) return math.max(math.min(at, length), 1) end,
  wrap = function(at, length) return (at - 1) % length + 1 end,
  reflect = function(at, length)
    if length == 1 then return 1 end
    local period = 2 * (length - 1)
    local place = (at - 1) % period
    return (place < length and place or period - place) + 1
  end,
}

function operations.Pad(node, x, pads, value, axes)
  pads = list_or(node, pads, "pads")
  local mode, count = node.attributes.mode or "constant", pads and #pads // 2
  if not pads or #pads % 2 ~= 0 then core.raise "has no pads, or an odd number of them" end
  local number = value and value:count() == 1 and value:reshape({}):item() or node.attributes.value or 0
  axes = axes and list(axes)
  for i = 1, count do
    local axis = axis_of(axes and axes[i] or i - 1, x.rank)
    local before, after, length = pads[i], pads[i + count], x.shape[axis]
    if before < 0 or after < 0 then -- crops
      x = x:slice(axis, math.max(1 - before, 1), length + math.min(after, 0))
      before, after, length = math.max(before, 0), math.max(after, 0), x.shape[axis]
    end
    if before + after > 0 and mode == "constant" then
      local shape = x.shape
      local function border(size)
        shape[axis] = size
        return core.full(shape, number, x.dtype)
      end
      x = concat({ border(before), x, border(after) }, axis)
    elseif before + after > 0 then
      local place = MODES[mode] or core.raise("unknown mode '%s'", mode)
      if length == 0 then core.raise "an empty axis has no edge" end
      if before + after > PLACES_MOST then core.raise("cannot repeat an edge %d times", before + after) end
      local at = {}
      for k = 1 - before, length + after do at[#at + 1] = place(k, length) end
      x = x:gather(whole(at), axis)
    end
  end
  return x
end

function operations.DepthToSpace(node, x)
  local size, b, c, h, w = node.attributes.blocksize, table.unpack(x.shape)
  if not w or not size or size < 1 or size > c or c % (size * size) ~= 0 then core.raise "its blocks do not fit" end
  local depth = c // (size * size)
  local is_crd = node.attributes.mode == "CRD"
  local apart = is_crd and x:reshape { b, depth, size, size, h, w } or x:reshape { b, size, size, depth, h, w }
  return values.permute(apart, is_crd and { 1, 2, 5, 3, 6, 4 } or { 1, 4, 5, 2, 6, 3 })
    :reshape { b, depth, h * size, w * size }
end

function operations.SpaceToDepth(node, x)
  local size, b, c, h, w = node.attributes.blocksize, table.unpack(x.shape)
  if not w or not size or size < 1 or h % size ~= 0 or w % size ~= 0 then core.raise "its blocks do not fit" end
  return values.permute(x:reshape { b, c, h // size, size, w // size, size }, { 1, 4, 6, 2, 3, 5 })
    :reshape { b, c * size * size, h // size, w // size }
end

function operations.TopK(node, x, k)
  local attributes = node.attributes
  local axis = axis_of(attributes.axis or -1, x.rank)
  local found, places = x:topk(k and list(k)[1] or attributes.k,
    { axis = axis, smallest = attributes.largest == 0 })
  return found, (places:double() - 1):int()
end

return operations

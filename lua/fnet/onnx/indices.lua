--- Operations of ONNX that take and put elements by many indices, and find which they are.
-- Invariant: elements lie in rows, and a place is the number of a row, from 1; what moves is taken by gather and
-- put by scatter_add, so gradients go through it.

local core = require "fnet.core"
local functions = require "fnet.tensor.functions"
local is = require "fnet.base.is"
local say = require "fnet.base.say"
local values = require "fnet.onnx.values"

local operations = {}

-- The elements of a tensor of whole numbers, row-major, as a list.
local function elements_of(t)
  if not values.is_whole(t) then core.raise("expected whole indices, got %s", t.dtype) end
  return t:count() > 0 and t:reshape({ t:count() }):totable() or {}
end

local function whole(numbers)
  return #numbers > 0 and core.tensor(numbers, "int32") or core.full({ 0 }, 0, "int32")
end

-- An index from 0, which may count from the end, on an axis of that length.
local function index_of(index, length)
  if index < -length or index >= length then core.raise("the index %d is outside 0 to %d", index, length - 1) end
  return index < 0 and index + length or index
end

-- ---- by tuples of indices ----

-- The places over some axes that tuples of `depth` indices name, one after the other.
local function places_of(indices, depth, lengths)
  local list, places = elements_of(indices), {}
  for first = 1, #list, depth do
    local place = 0
    for k = 1, depth do place = place * lengths[k] + index_of(list[first + k - 1], lengths[k]) end
    places[#places + 1] = place + 1
  end
  return places
end

-- The depth of tuples, and what they name of a shape: how many rows, and how long one is.
local function split_shape(indices, shape, skipped)
  local depth = indices.rank > 0 and indices.shape[indices.rank] or 0
  if depth < 1 or depth > #shape - skipped then
    core.raise("indices of %s do not fit %s", say.shape(indices.shape), say.shape(shape))
  end
  return depth, values.product(shape, 1, skipped + depth), values.product(shape, skipped + depth + 1, #shape)
end

function operations.GatherND(node, x, indices)
  local skipped, shape, result = node.attributes.batch_dims or 0, x.shape, indices.shape
  local fits = skipped >= 0 and skipped < math.min(#shape, #result)
  for i = 1, fits and skipped or 0 do fits = fits and shape[i] == result[i] end
  if not fits then
    core.raise("batch_dims %d does not fit %s and indices of %s", skipped, say.shape(shape), say.shape(result))
  end
  local depth, rows, block = split_shape(indices, shape, skipped)
  local places = places_of(indices, depth, { table.unpack(shape, skipped + 1) })
  local batches, inside = values.product(shape, 1, skipped), values.product(shape, skipped + 1, skipped + depth)
  for i, place in ipairs(places) do -- none where there are no batches
    places[i] = place + (i - 1) // (#places // batches) * inside
  end
  result[#result] = nil
  table.move(shape, skipped + depth + 1, #shape, #result + 1, result)
  return values.reshape(values.reshape(x, { rows, block }):gather(whole(places), 1), result)
end

-- What becomes of an element and what is put on it.
local REDUCTIONS = {
  none = function(_, y) return y end, add = core.methods.add, mul = core.methods.mul,
  max = core.methods.maximum, min = core.methods.minimum,
}

-- Puts rows of updates on rows of x at these places, those that meet at one place one after the other.
local function put(node, x, places, updates)
  local reduction = node.attributes.reduction or "none"
  local f = REDUCTIONS[reduction] or core.raise("unknown reduction '%s'", reduction)
  if reduction == "add" then return x:double():scatter_add(whole(places), updates:double(), 1):to(x.dtype) end
  local rounds, seen = {}, {}
  for i, place in ipairs(places) do
    local count = (seen[place] or 0) + 1
    seen[place] = count
    local round = rounds[count] or { places = {}, from = {} }
    rounds[count] = round
    table.insert(round.places, place)
    table.insert(round.from, i)
  end
  local dtype, zeros, one = x.dtype, core.full(x.shape, 0, "float64"), core.full({ x.shape[1], 1 }, 0)
  x = x:double()
  for _, round in ipairs(rounds) do
    local at = whole(round.places)
    local given = zeros:scatter_add(at, updates:double():gather(whole(round.from), 1), 1)
    x = core.where(one:scatter_add(at, 1, 1):gt(0), f(x, given), x)
  end
  return x:to(dtype)
end

function operations.ScatterND(node, x, indices, updates)
  local shape = x.shape
  local depth, rows, block = split_shape(indices, shape, 0)
  local places, expected = places_of(indices, depth, shape), indices.shape
  expected[#expected] = nil
  table.move(shape, depth + 1, #shape, #expected + 1, expected)
  if not is.same_shape(updates.shape, expected) then
    core.raise("updates of %s do not fit indices of %s", say.shape(updates.shape), say.shape(indices.shape))
  end
  if updates:count() == 0 then return x end
  return put(node, x:reshape { rows, block }, places, updates:reshape { #places, block }):reshape(shape)
end

function operations.ScatterElements(node, x, indices, updates)
  local shape, lengths, list, places = x.shape, indices.shape, elements_of(indices), {}
  local axis = values.axis(node.attributes.axis or 0, x.rank)
  local fits = #lengths == #shape and #updates.shape == #shape
  for i, length in ipairs(lengths) do
    fits = fits and length == updates.shape[i] and (i == axis or length <= shape[i])
  end
  if not fits then
    core.raise("indices of %s and updates of %s do not fit %s", say.shape(lengths), say.shape(updates.shape),
      say.shape(shape))
  end
  if #list == 0 then return x end
  for i, index in ipairs(list) do
    local rest, place, stride = i - 1, 0, 1
    for k = #shape, 1, -1 do
      place = place + (k == axis and index_of(index, shape[k]) or rest % lengths[k]) * stride
      rest, stride = rest // lengths[k], stride * shape[k]
    end
    places[i] = place + 1
  end
  return put(node, x:reshape { x:count(), 1 }, places, updates:reshape { #places, 1 }):reshape(shape)
end
operations.Scatter = operations.ScatterElements -- up to version 10

-- ---- which they are ----

function operations.NonZero(_, x)
  local places = x:reshape({ x:count() }):ne(0):nonzero():double() - 1
  local shape, stride, rows = x.shape, 1, {}
  for axis = #shape, 1, -1 do
    local at = (places / stride):floor()
    rows[axis] = (at - (at / shape[axis]):floor() * shape[axis]):int():unsqueeze(1)
    stride = stride * shape[axis]
  end
  return #rows > 0 and functions.constructors.concat(rows, 1) or whole {}:reshape { 0, 0 }
end

function operations.Compress(node, x, condition)
  local axis = node.attributes.axis and values.axis(node.attributes.axis, x.rank)
  if not axis then x, axis = x:reshape { x:count() }, 1 end
  if condition.rank ~= 1 or #condition > x.shape[axis] then
    core.raise("a condition of %s does not fit %s", say.shape(condition.shape), say.shape(x.shape))
  end
  return x:gather(condition:ne(0):nonzero(), axis)
end

-- Whether a list comes before another one: by its first number that differs. NaN comes last.
local function is_before(a, b)
  for i, number in ipairs(a) do
    local other = b[i]
    if number ~= other and (number == number or other == other) then
      return number == number and (other ~= other or number < other)
    end
  end
  return false
end

-- The different parts along an axis, or the different elements: where each is first, which one every part is, and
-- how often each occurs.
function operations.Unique(node, x)
  local axis = node.attributes.axis and values.axis(node.attributes.axis, x.rank)
  local along = axis or 1
  if not axis then x = x:reshape { x:count() } end
  local count = x.shape[along]
  if x:count() == 0 then core.raise "of nothing there is nothing unique" end
  local rows, order = along > 1 and x:transpose(1, along) or x, {}
  rows = rows:reshape({ count, x:count() // count }):totable()
  for i = 1, count do order[i] = i end
  table.sort(order, function(i, j)
    if is_before(rows[i], rows[j]) then return true end
    return not is_before(rows[j], rows[i]) and i < j
  end)
  local first, which, counts = {}, {}, {}
  for k, i in ipairs(order) do
    local before = order[k - 1]
    if not before or is_before(rows[before], rows[i]) then
      first[#first + 1], counts[#counts + 1] = i, 0
    end
    which[i], counts[#counts] = #first, counts[#counts] + 1
  end
  if node.attributes.sorted == 0 then -- in the order in which they come
    local by_place, new, old_first, old_counts = {}, {}, first, counts
    for k = 1, #first do by_place[k] = k end
    table.sort(by_place, function(a, b) return old_first[a] < old_first[b] end)
    first, counts = {}, {}
    for k, old in ipairs(by_place) do new[old], first[k], counts[k] = k, old_first[old], old_counts[old] end
    for i = 1, count do which[i] = new[which[i]] end
  end
  local function from_zero(list) return (whole(list):double() - 1):int() end
  return x:gather(whole(first), along), from_zero(first), from_zero(which), whole(counts)
end

-- The first steps of each sequence from the last to the first.
function operations.ReverseSequence(node, x, lengths)
  local by_batch, by_time = node.attributes.batch_axis or 1, node.attributes.time_axis or 0
  if x.rank < 2 or by_batch + by_time ~= 1 or by_batch * by_time ~= 0 then
    core.raise "expected the batch and the time on the first two axes"
  end
  local turned = by_time == 0 and x:transpose(1, 2) or x
  local shape, list, places = turned.shape, elements_of(lengths), {}
  if #list ~= shape[1] then core.raise("%d lengths do not fit %d sequences", #list, shape[1]) end
  for i, length in ipairs(list) do
    if length < 0 or length > shape[2] then core.raise("a length of %d, of %d steps", length, shape[2]) end
    for step = 1, shape[2] do
      table.insert(places, (i - 1) * shape[2] + (step <= length and length + 1 - step or step))
    end
  end
  local rows = values.reshape(turned, { shape[1] * shape[2], values.product(shape, 3, #shape) })
  local y = values.reshape(rows:gather(whole(places), 1), shape)
  return by_time == 0 and y:transpose(1, 2) or y
end

return operations

--- Gradients as scripts meet them: no_grad, operations of one's own, and the comparison with central differences.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local keep_random = require "fnet.base.keep_random"
local observer = require "fnet.base.observer"
local say = require "fnet.base.say"
local core = require "fnet.core"
require "fnet.tensor.rules"

local is_tensor = core.is_tensor

local public = {}

--- Calls f(...) without recording operations for gradients, and returns what it returns. Faster, and the way to
-- change parameters in place. Recording is switched for f alone, also where f yields in a coroutine.
---@param f function|nn.Module
---@param ... any
---@return any ...
function public.no_grad(f, ...) return core.no_grad(f, ...) end

--- Calls f(...) with recording where it is switched off: under no_grad, and in the backward of an operation, so
-- that one can compute gradients there. Returns what f returns.
---@param f function|nn.Module
---@param ... any
---@return any ...
function public.enable_grad(f, ...) return core.enable_grad(f, ...) end

--- A new differentiable operation with a backward of its own.
---@param forward fun(...): tensor  or a model: computes the result from the arguments; is not recorded
---@param backward fun(dy: tensor, y: tensor, ...): tensor?, ...  one gradient an argument, of its shape, or nil;
--- more than there are arguments raise an error. It is recorded for second derivatives only; fnet.enable_grad
--- records inside it
---@return fun(...): tensor operation
function public.operation(forward, backward)
  if not is.callable(forward) or type(backward) ~= "function" then
    core.raise("operation: expected two functions, forward and backward, got " .. say.value(forward) .. " and " ..
      say.value(backward))
  end
  return function(...)
    local y = core.no_grad(forward, ...)
    if not is_tensor(y) then core.raise("operation: forward must return a tensor, got " .. say.value(y)) end
    core.record(y, backward, ...)
    return y
  end
end

-- What f gives, in one row of float64.
local function values_of(f, inputs)
  local y = f(table.unpack(inputs))
  if not is_tensor(y) then core.raise("gradcheck: f must return a tensor, got " .. say.value(y)) end
  return y:to("float64"):reshape { y:count() }
end

-- Random numbers that are the same in each check, whatever the script has drawn; it finds its own as they were.
local function own_random(f)
  local _ <close> = keep_random()
  core.random_state(0, 0)
  return f()
end

-- One weight an element, so that no error is hidden by another; all of a size, so that no element outweighs others.
local function weights_for(y)
  return own_random(function() return core.uniform(y.shape, 0.5, 1.5, "float64") end)
end

local TOGETHER = 16 -- elements that a probe moves, where there are more rows or columns than probes

-- Places of a tensor, by their numbers in a row, for so many probes. Along each axis they come in random order and
-- none a second time before all have come, so each row and each column is met unless there are far too many.
local function places_of(shape, count, probes)
  local places, met, most = {}, {}, probes
  for _, length in ipairs(shape) do most = math.max(most, math.min(length, TOGETHER * probes)) end
  if count <= most then
    for k = 1, count do places[k] = k end
    return places
  end
  return own_random(function()
    local orders = {}
    local i = 0
    while #places < most do
      local place = 0
      for axis, length in ipairs(shape) do
        if i % length == 0 then orders[axis] = core.permutation(length) end
        place = place * length + orders[axis][i % length + 1] - 1
      end
      if not met[place] then places[#places + 1] = place + 1 end
      met[place], i = true, i + 1
    end
    return places
  end)
end

-- The places dealt out to at most so many probes: lists of the elements that are moved together.
local function probes_of(places, most)
  local probes = {}
  for i, place in ipairs(places) do
    local number = (i - 1) % most + 1
    probes[number] = probes[number] or {}
    table.insert(probes[number], place)
  end
  return probes
end

-- How far the j-th element of a probe moves, times the step: not alike, so that slopes in each other's places
-- show.
local function share(j) return 1 + (j - 1) / TOGETHER end

-- The slope of f's weighted sum along a probe, its central difference, and by how much they differ, relative to the
-- larger one or 1. The results are subtracted one by one, before the sum: elements that stay as they are leave no
-- rounding behind, however many they are. Where slope and difference are too far apart, smaller steps decide: a
-- kink or a strong curvature beside the point is no wrong gradient. Nor is what the rounding of the results
-- themselves, one in 2^50 of the largest that changes, may make of the difference.
local function compare(f, points, weights, flat, probe, slopes, step, tolerance)
  local x, slope = {}, 0
  for j, k in ipairs(probe) do x[j], slope = flat[k], slope + (slopes and slopes[k] or 0) * share(j) end
  local function move(h)
    for j, k in ipairs(probe) do flat[k] = x[j] + h * share(j) end
  end
  local function at(h)
    move(h)
    return core.no_grad(function() return values_of(f, points):clone() end) -- f may give what it was given
  end
  local first, first_error
  for shrink = 0, 2 do
    local h = step * 0.1 ^ shrink
    local above, below = at(h), at(-h)
    move(0)
    local change = core.no_grad(function() return above - below end)
    local difference = core.no_grad(function() return (change * weights):sum():item() end) / (2 * h)
    local off, size = math.abs(difference - slope), math.max(1, math.abs(difference), math.abs(slope))
    if off <= tolerance * size then return slope, difference, off / size end
    if not first then
      local rounding = core.no_grad(function() return (change:ne(0) * above:abs()):max():item() end) * 2 ^ -50 / h
      if off <= rounding then return slope, difference, 0 end
      first, first_error = difference, off / size
    end
  end
  return slope, first, first_error
end

-- Compares at a probe: the error, and of a wrong gradient also its element, slope and difference. Where several
-- elements do not agree, their halves decide: only a single one is called wrong.
local function check_probe(probe, tolerance, compare_at)
  local slope, difference, err = compare_at(probe)
  if err <= tolerance then return err end
  if #probe == 1 then return err, probe[1], slope, difference end
  local middle, worst = #probe // 2, 0
  for _, half in ipairs { table.move(probe, 1, middle, 1, {}), table.move(probe, middle + 1, #probe, 1, {}) } do
    local half_err, k, half_slope, half_difference = check_probe(half, tolerance, compare_at)
    if k then return half_err, k, half_slope, half_difference end
    worst = math.max(worst, half_err)
  end
  return worst
end

-- Compares the gradient of a point, the i-th, in at most so many probes: at how many elements, the largest error,
-- and what is wrong.
local function check_point(f, points, weights, i, most, step, tolerance)
  local point, worst, elements = points[i], 0, 0
  local count = point:count()
  local flat, slopes = point:detach():reshape { count }, point.grad and point.grad:reshape { count }
  for _, probe in ipairs(probes_of(places_of(point.shape, count, most), most)) do
    elements = elements + #probe
    local err, k, slope, difference = check_probe(probe, tolerance, function(some)
      return compare(f, points, weights, flat, some, slopes, step, tolerance)
    end)
    if k then
      return elements, err, ("gradcheck: input %d, element %d: gradient %.9g, central difference %.9g"):format(i, k,
        slope, difference)
    end
    worst = math.max(worst, err)
  end
  return elements, worst
end

-- Inputs become float64, so a model has to be.
local function check_weights(f)
  local class = type(f) == "table" and getmetatable(f)
  for _, parameter in ipairs(class and class.is_module and f:parameters() or {}) do
    if parameter.dtype ~= "float64" then
      core.raise('gradcheck: expected a model of float64, got weights of %s; model:to "float64" converts it',
        parameter.dtype)
    end
  end
end

--- Compares the gradients of f with central differences, both in double precision. Of an input with more than
-- `most` elements it looks at some, spread so that each row and each column is met: several elements are moved
-- together where these are more than `most`, up to 16 times as many.
---@param f fun(...): tensor  made of operations on its arguments; must not call backward itself: the
--- differences are taken without recording
---@param inputs tensor[] where to check; float ones are checked, all are converted to float64 first
---@param options? table step: 1e-5, and where they differ also 1/10 and 1/100 of it; tolerance: number, 1e-6, of
--- the larger gradient or 1; most: integer, elements, or groups that are moved together, an input, 200
---@return boolean ok
---@return string|number detail  the largest error, or what differs where
---@return integer elements that were compared
function public.gradcheck(f, inputs, options)
  if not is.callable(f) then
    core.raise("gradcheck: expected a function or a model, got " .. say.value(f))
  end
  expect.that(type(inputs) == "table" or is_tensor(inputs), "gradcheck", "a table of inputs", inputs)
  check_weights(f)
  options = expect.options("gradcheck", options, { "step", "tolerance", "most" })
  local step = expect.number("gradcheck: step", options.step or 1e-5, 1e-300, math.huge)
  local tolerance = expect.number("gradcheck: tolerance", options.tolerance or 1e-6, 0, math.huge)
  local most = expect.count("gradcheck: most", options.most or 200, 1)
  local points = {}
  for i, input in ipairs(is_tensor(inputs) and { inputs } or expect.list("gradcheck: inputs", inputs)) do
    local float = is.float(input)
    points[i] = float and input:detach():to("float64"):clone():detach() or input
    if float then points[i].requires_grad = true end
  end
  local _ <close> = observer.watch(nil) -- this is no training
  local y = values_of(f, points)
  local weights = weights_for(y)
  y:backward { gradient = weights }
  local worst, elements = 0, 0
  for i, point in ipairs(points) do
    if is.float(point) then
      local count, err, failure = check_point(f, points, weights, i, most, step, tolerance)
      elements = elements + count
      if failure then return false, failure, elements end
      worst = math.max(worst, err)
    end
  end
  return true, worst, elements
end

return public

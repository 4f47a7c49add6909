--- Gradients as scripts meet them: no_grad, operations of one's own, and the comparison with central differences.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
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
---@param forward fun(...): tensor  computes the result from the arguments; is not recorded
---@param backward fun(dy: tensor, y: tensor, ...): tensor?, ...  one gradient an argument, of its shape, or nil; more
--- than there are arguments raise an error. It is recorded for second derivatives only; fnet.enable_grad records
--- inside it
---@return fun(...): tensor operation
function public.operation(forward, backward)
  if type(forward) ~= "function" or type(backward) ~= "function" then
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

-- f(inputs) as one number: its elements weighted so that errors do not cancel.
local function weighted(f, inputs)
  local y = f(table.unpack(inputs))
  if not is_tensor(y) then core.raise("gradcheck: f must return a tensor, got " .. say.value(y)) end
  local count = y:count()
  local weights = core.arange(1, count, 1, "float64") * 0.37 + 0.5
  return (y:to("float64"):reshape { count } * weights):sum()
end

-- The central difference of f at element k of a point, and how far the slope is from it, of the larger one or 1.
-- Where that is too far, smaller steps decide: a kink or a strong curvature beside the point is no wrong gradient.
local function compare(f, points, flat, k, slope, step, tolerance)
  local x = flat[k]
  local first, first_error
  for shrink = 0, 2 do
    local h = step * 0.1 ^ shrink
    flat[k] = x + h
    local above = core.no_grad(weighted, f, points):item()
    flat[k] = x - h
    local below = core.no_grad(weighted, f, points):item()
    flat[k] = x
    local difference = (above - below) / (2 * h)
    local err = math.abs(difference - slope) / math.max(1, math.abs(difference), math.abs(slope))
    if err <= tolerance then return difference, err end
    first, first_error = first or difference, first_error or err
  end
  return first, first_error
end

--- Compares the gradients of f with central differences, both in double precision.
---@param f fun(...): tensor  made of operations on its arguments; must not call backward itself: the
--- differences are taken without recording
---@param inputs tensor[] where to check; float ones are checked, all are converted to float64 first
---@param options? table step: 1e-5, and where they differ also 1/10 and 1/100 of it; tolerance: 1e-6, of the larger
--- gradient or 1; most: elements checked an input, 200
---@return boolean ok
---@return string|number detail  the largest error, or what differs where
function public.gradcheck(f, inputs, options)
  if not is.callable(f) then
    core.raise("gradcheck: expected a function or a model, got " .. say.value(f))
  end
  expect.that(type(inputs) == "table" or is_tensor(inputs), "gradcheck", "a table of inputs", inputs)
  options = expect.options("gradcheck", options, { "step", "tolerance", "most" })
  local step = expect.number("gradcheck: step", options.step or 1e-5, 1e-300, math.huge)
  local tolerance = expect.number("gradcheck: tolerance", options.tolerance or 1e-6, 0, math.huge)
  local most = expect.count("gradcheck: most", options.most or 200, 1)
  if is_tensor(inputs) then inputs = { inputs } end
  local points = {}
  for i, input in ipairs(inputs) do
    local float = is.float(input)
    points[i] = float and input:detach():to("float64"):clone():detach() or input
    if float then points[i].requires_grad = true end
  end
  local _ <close> = observer.watch(nil) -- this is no training
  weighted(f, points):backward()
  local worst = 0
  for i, point in ipairs(points) do
    if is_tensor(point) and point.requires_grad then
      local count = point:count()
      local flat, slopes = point:detach():reshape { count }, point.grad and point.grad:reshape { count }
      for k = 1, count, math.max(1, count // most) do
        local slope = slopes and slopes[k] or 0
        local difference, err = compare(f, points, flat, k, slope, step, tolerance)
        if err ~= err or err > tolerance then
          return false, ("gradcheck: input %d, element %d: gradient %.9g, central difference %.9g"):format(i, k,
            slope, difference)
        end
        worst = math.max(worst, err)
      end
    end
  end
  return true, worst
end

return public

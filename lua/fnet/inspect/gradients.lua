--- Compares the gradients of every layer of a model with central differences, in double precision, on a copy: the
-- model itself, its generator and its running statistics stay as they are.

local is = require "fnet.base.is"
local core = require "fnet.core"
local gradcheck = require("fnet.tensor.gradient").gradcheck
local nested = require "fnet.base.nested"
local keep_random = require "fnet.base.keep_random"
local trace = require "fnet.inspect.trace"
local try = require "fnet.base.try"

local ROWS = 4 -- of the tiny batch: enough for statistics over a batch
local ATTEMPTS = 3 -- points that are tried, where one is not enough
local SECONDS = 0.3 -- a layer; a slow one is compared at fewer elements
local MOST, LEAST = 40, 3 -- elements of a tensor that are compared
local RESTLESS = "gives other numbers each time it is called with the same ones; it can be checked where it draws "
  .. "from fnet's own random numbers, such as fnet.randn, and keeps nothing from call to call"

-- The same objects anew, with parameters and buffers of float64.
local function copy_of(value, seen)
  if seen[value] then return seen[value] end
  if is.float(value) then
    seen[value] = value:detach():to("float64"):clone()
    seen[value].requires_grad = value.requires_grad
    return seen[value]
  end
  if type(value) ~= "table" then return value end
  local copy = {}
  seen[value] = copy
  for key, inner in next, value do copy[key] = copy_of(inner, seen) end
  return setmetatable(copy, getmetatable(value))
end

-- Numbers of the same shape and range, no two of them equal: black pixels, what a relu or dropout has set to 0 and
-- weights that start at 0 are where a maximum, a relu and a variance have no slope. Staying in the range keeps
-- probabilities and what goes into a logarithm valid.
local function stirred(t)
  if t:count() == 0 then return t end
  local sum = t:sum():item()
  if sum - sum ~= 0 then return core.normal(t.shape, 0, 1, "float64") end -- the layer before is reported
  local low, high = t:min():item(), t:max():item()
  if low == high then
    local reach = low == 0 and 0.1 or math.abs(low) / 2
    low, high = low - reach, high + reach
  end
  return t * 0.7 + core.uniform(t.shape, low, high, "float64") * 0.3
end

-- How many rows the first tensor of the arguments has.
local function rows_of(arguments) return nested.tensors(arguments)[1].shape[1] end

-- The arguments in double precision: the first rows of what has as many as the first tensor, or all of them.
local function cut(arguments, whole)
  local rows = rows_of(arguments)
  return nested.map(arguments, function(t)
    if not whole and t.rank > 0 and t.shape[1] == rows then t = t:slice(1, 1, math.min(ROWS, rows)):contiguous() end
    return is.float(t) and t:to "float64" or t
  end)
end

-- Whether the model takes the batch, and gives a row for each row, unless that is one sample or cannot be cut.
local function takes(model, batch, whole)
  local ok, output = try(core.no_grad, model, table.unpack(batch, 1, batch.n))
  return ok and (whole or core.is_tensor(output) and output.rank > 0 and output.shape[1] == rows_of(batch))
end

-- Random numbers of a tensor's shape, positive where that is asked for and it has no negative ones.
local function random_like(t, positive)
  local random = core.normal(t.shape, 0, 1, "float64")
  if positive and t:count() > 0 and t:min():item() >= 0 then random = random:abs() end
  return random
end

-- Random numbers in the place of a first argument of floats, or of several in a table. Bytes are those of a
-- picture, or indices where the model does not take floats. Other indices stay.
local function tiny_batch(model, arguments, positive)
  local batch
  for _, whole in ipairs { false, true } do
    local given = cut(arguments, whole)
    for _, bytes in ipairs { true, false } do
      batch = table.pack(table.unpack(given, 1, given.n))
      batch[1] = nested.map(given[1], function(t)
        return (is.float(t) or bytes and t.dtype == "uint8") and random_like(t, positive) or t
      end)
      if takes(model, batch, whole) then return batch end
    end
  end
  return batch
end

-- The modules that compute something themselves, in the order of their first call, with copies of their arguments.
local function calls_of(model, batch)
  local calls, seen = {}, {}
  core.no_grad(trace.modules, model, function(module, output, ...)
    if seen[module] or not trace.computes(module) then return end
    seen[module] = true
    calls[#calls + 1] = { module = module, arguments = trace.keep(...), differentiable = is.float(output) }
  end, model, table.unpack(batch, 1, batch.n))
  return calls
end

-- The function of a call's float arguments and the module's own parameters, and these.
local function as_function(call)
  local module, inputs, points = call.module, {}, {}
  for _, t in ipairs(nested.tensors(call.arguments)) do
    if is.float(t) then
      inputs[#inputs + 1] = t
      points[#points + 1] = stirred(t)
    end
  end
  local own = trace.own_parameters(module)
  for _, parameter in ipairs(own) do points[#points + 1] = parameter.tensor end
  local seed, stream = core.random_state()
  return function(...)
    local given, of = { ... }, {}
    for i, input in ipairs(inputs) do of[input] = given[i] end
    local arguments = nested.map(call.arguments, function(t) return of[t] or t end)
    for i, parameter in ipairs(own) do rawset(parameter.holder, parameter.key, given[#inputs + i]) end
    core.random_state(seed, stream) -- the same for each call, so that dropout and the like are functions
    return (module(table.unpack(arguments, 1, arguments.n)))
  end, points
end

-- The error of one layer, or what differs, or why that is not known.
local function compare_call(call)
  local name = call.module:name()
  local f, points = as_function(call)
  if #points == 0 or not call.differentiable then return { name = name } end
  local started = core.clock()
  local value = core.no_grad(f, table.unpack(points))
  local each = 2 * #points * (core.clock() - started)
  if (value * 0):sum():item() ~= 0 then return { name = name, unknown = "not finite for these random inputs" } end
  if not value:equal(core.no_grad(f, table.unpack(points))) then return { name = name, unknown = RESTLESS } end
  local most = math.floor(math.max(LEAST, math.min(MOST, SECONDS / math.max(each, 1e-9))))
  local ok, detail, elements = gradcheck(f, points, { most = most })
  local result = { name = name, elements = elements, all_elements = 0 }
  for _, point in ipairs(points) do result.all_elements = result.all_elements + point:count() end
  if ok then result.error = detail else result.failure = detail:gsub("^gradcheck: ", "") end
  return result
end

-- The results of all layers, or of those whose places are in `open`; for a positive input, where it is asked for
-- and the sample has no negative numbers.
local function attempt(model, arguments, open, positive)
  local copy = copy_of(model, {})
  for _, parameter in ipairs(copy:parameters()) do
    core.no_grad(core.methods.copy, parameter, core.no_grad(stirred, parameter))
  end
  local batch = tiny_batch(copy:eval(), arguments, positive)
  copy:train()
  local results = {}
  for i, call in ipairs(calls_of(copy, batch)) do
    if not open or open[i] then
      local ok, result = try(compare_call, call)
      results[i] = ok and result or { name = call.module:name(), failure = tostring(result) }
    end
  end
  return results
end

-- What most points say of a layer. A value may lie just where a slope jumps, and what is not finite at one point
-- may be so at another.
local function majority(results)
  local wrong, right = {}, {}
  for _, result in ipairs(results) do
    if not result.unknown then table.insert(result.failure and wrong or right, result) end
  end
  if #right > #wrong then return right[1] end
  return wrong[1] or results[1]
end

local function settle(model, arguments)
  local results = attempt(model, arguments)
  local open, positive = {}, false
  for i, result in ipairs(results) do
    if result.failure or result.unknown then open[i] = { result } end
    positive = positive or result.unknown ~= nil
  end
  for _ = 2, next(open) and ATTEMPTS or 0 do
    local again = attempt(model, arguments, open, positive)
    for i, points in pairs(open) do table.insert(points, again[i]) end
  end
  for i, points in pairs(open) do results[i] = majority(points) end
  return results
end

--- Compares those of every layer that computes something, at some elements of its inputs and of its parameters.
---@param model nn.Module
---@param arguments table what the model is called with, n of it: a batch or one sample first; floats are replaced
--- by random numbers
---@return table[] results of a layer each, with its name: error, the largest one, relative to the gradient or to
--- 1, or failure, what differs, or unknown, why it cannot be told, none of these where it has nothing to
--- differentiate; elements, how many of its inputs and parameters were compared, and all_elements, how many there
--- were in the tiny batch
return function(model, arguments)
  local _ <close> = keep_random()
  return settle(model, arguments)
end

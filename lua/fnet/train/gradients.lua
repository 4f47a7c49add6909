--- Compares the gradients of every layer of a model with central differences, in double precision, on a copy: the
-- model itself, its generator and its running statistics stay as they are.

local core = require "fnet.core"
local gradcheck = require("fnet.grad").public.gradcheck
local interruption = require "fnet.train.interruption"
local trace = require "fnet.train.trace"

local ROWS = 2 -- of the tiny batch: enough for statistics over a batch
local SECONDS = 0.3 -- a layer; a slow one is checked at fewer elements
local MOST, LEAST = 40, 3 -- elements of a tensor that are checked

local gradients = {}

local function is_float(t) return core.is_tensor(t) and (t.dtype == "float32" or t.dtype == "float64") end

-- The same objects anew, with parameters and buffers of float64.
local function copy_of(value, seen)
  if core.is_tensor(value) then
    if not is_float(value) then return value end
    if not seen[value] then
      local copy = value:detach():to("float64"):clone()
      copy.requires_grad = value.requires_grad
      seen[value] = copy
    end
    return seen[value]
  end
  if type(value) ~= "table" then return value end
  if not seen[value] then
    local copy = {}
    seen[value] = copy
    for key, inner in next, value do rawset(copy, key, copy_of(inner, seen)) end
    setmetatable(copy, getmetatable(value))
  end
  return seen[value]
end

-- Random numbers in the place of floats: real samples have equal values (black pixels), where a maximum or a relu
-- has no slope. Indices stay.
local function tiny_batch(sample, one)
  local shape = sample.shape
  if not one then shape[1] = math.min(ROWS, shape[1]) end
  if is_float(sample) or sample.dtype == "uint8" then return core.normal(shape, 0, 1, "float64") end
  return one and sample or sample:slice(1, 1, shape[1]):contiguous()
end

-- The modules that compute something themselves, in the order of their first call, with copies of their arguments.
local function calls_of(model, x)
  local calls, seen = {}, {}
  core.no_grad(trace.modules, model, function(module, output, ...)
    if seen[module] or not trace.computes(module) then return end
    seen[module] = true
    local arguments = table.pack(...)
    for i = 1, arguments.n do
      if core.is_tensor(arguments[i]) then arguments[i] = arguments[i]:detach():clone() end
    end
    calls[#calls + 1] = { module = module, arguments = arguments, differentiable = is_float(output) }
  end, model, x)
  return calls
end

-- The key of a parameter in its module: a name, or a number where the module is also a list.
local function key_of(module, name) return rawget(module, name) ~= nil and name or tonumber(name) end

-- The function of a call's float arguments and the module's own parameters, and these.
local function as_function(call)
  local module, places, points, fields = call.module, {}, {}, {}
  for i = 1, call.arguments.n do
    if is_float(call.arguments[i]) then
      places[#places + 1] = i
      points[#points + 1] = call.arguments[i]
    end
  end
  for i, parameter in ipairs(trace.own_parameters(module)) do
    fields[i] = key_of(module, parameter.name)
    points[#points + 1] = parameter.tensor
  end
  local seed, stream = core.random_state()
  local weights -- of both signs, so that the sum stays small and its rounding too, however large the result is
  return function(...)
    local given, arguments = { ... }, { table.unpack(call.arguments, 1, call.arguments.n) }
    for i, place in ipairs(places) do arguments[place] = given[i] end
    for i, field in ipairs(fields) do rawset(module, field, given[#places + i]) end
    core.random_state(seed, stream) -- the same for each call, so that dropout and the like are functions
    local y = module:forward(table.unpack(arguments, 1, call.arguments.n))
    weights = weights or core.uniform(y.shape, -1, 1, "float64")
    return (y * weights):sum()
  end, points
end

-- The error of one layer, or what differs.
local function check_call(call)
  local f, points = as_function(call)
  if #points == 0 or not call.differentiable then return { name = call.module:name() } end
  local started = core.clock()
  core.no_grad(f, table.unpack(points))
  local each = 2 * #points * (core.clock() - started)
  local most = math.floor(math.max(LEAST, math.min(MOST, SECONDS / math.max(each, 1e-9))))
  local ok, detail = gradcheck(f, points, { most = most })
  if ok then return { name = call.module:name(), error = detail } end
  return { name = call.module:name(), failure = detail:gsub("^gradcheck: ", "") }
end

-- Whether x is one sample: a model does not take two rows of that.
local function is_sample(model, x)
  local ok, output = interruption.pass(pcall(core.no_grad, model, x:slice(1, 1, math.min(ROWS, #x))))
  return not (ok and core.is_tensor(output) and output.rank > 0 and #output == math.min(ROWS, #x))
end

local function attempt(model, sample)
  local copy = copy_of(model, {})
  local one = sample.rank == 0 or is_sample(copy:eval(), is_float(sample) and sample:to "float64" or sample)
  copy:train()
  local results = {}
  for i, call in ipairs(calls_of(copy, tiny_batch(sample, one))) do
    local ok, result = interruption.pass(pcall(check_call, call))
    results[i] = ok and result or { name = call.module:name(), failure = tostring(result) }
  end
  return results
end

--- Checks every layer that computes something, at some elements of its input and of its parameters.
---@param model nn.Module
---@param sample tensor a batch or one sample as the model takes it; floats are replaced by random numbers
---@return { name: string, error: number?, failure: string? }[] results a layer: the largest error, relative to the
--- gradient or to 1, or what differs; neither where it has nothing to differentiate
function gradients.check(model, sample)
  local seed, stream = core.random_state()
  local ok, results = pcall(attempt, model, sample)
  -- A value may lie just where a slope jumps: what fails must fail for other numbers too.
  if ok then
    local second
    for i, result in ipairs(results) do
      if result.failure then
        second = second or attempt(model, sample)
        if second[i] and not second[i].failure then results[i] = second[i] end
      end
    end
  end
  core.random_state(seed, stream)
  if not ok then error(results, 0) end
  return results
end

return gradients

--- Where a non-finite loss came from: the batch, or the first layer whose output, weights or gradient are not
-- finite. The batch is computed once more, layer by layer, so training itself pays nothing for it.

local is = require "fnet.base.is"
local naming = require "fnet.base.naming"
local say = require "fnet.base.say"
local core = require "fnet.core"
local trace = require "fnet.inspect.trace"

local nonfinite = {}

local no_grad = core.no_grad

-- x * 0 is 0 for finite numbers and NaN for all others.
local function is_finite(t) return not is.float(t) or no_grad(function() return (t * 0):sum():item() == 0 end) end

-- The largest absolute value.
local function largest(t) return no_grad(function() return t:count() > 0 and t:abs():max():item() or 0 end) end

-- The first row with a non-finite value, and that value.
local function bad_row(t)
  local flat = t:detach():contiguous():reshape { -1 }
  local place = (flat * 0):ne(0):argmax():item()
  return (place - 1) // (#flat // #t) + 1, flat[place]
end

-- "row 1207 of the data set", where the data set has its samples in tensors; `place` says which of several.
local function row_in_dataset(dataset, key, place)
  local t = dataset[key]
  if is.several(t) then t = t[place] end
  if not is.float(t) then return "" end
  for first = 1, #t, 1000 do
    local piece = t:slice(1, first, math.min(first + 999, #t))
    if not is_finite(piece) then return (" (the first such row of the data set's %s: %d)"):format(key,
      first - 1 + bad_row(piece)) end
  end
  return ""
end

--- What is wrong with a batch; nil where it is finite.
---@param dataset table where it came from
---@param x tensor|tensor[]
---@param y tensor|tensor[]
---@return string?
function nonfinite.in_batch(dataset, x, y)
  for _, part in ipairs { { "x", x }, { "y", y } } do
    local key, values = part[1], part[2]
    local several = is.several(values)
    for _, place in ipairs(several and naming.keys(values) or { 1 }) do
      local t = values
      if several then t = values[place] end
      if is.float(t) and t.rank > 0 and not is_finite(t) then
        local row, value = bad_row(t)
        return ("the batch holds a non-finite value: %s in row %d of %d of its %s%s"):format(
          say.number(value, "%g"), row, #t, several and naming.part(key, place) or key,
          row_in_dataset(dataset, key, place))
      end
    end
  end
end

--- Where the first non-finite value of a data set that is evaluated lies, in a sentence; nil where all are finite.
---@param dataset data.Dataset
---@param size integer rows at a time
---@return string?
function nonfinite.in_dataset(dataset, size)
  for x, y in dataset:batches { size = size } do
    local sentence = nonfinite.in_batch(dataset, x, y)
    if sentence then return sentence end
  end
end

--- The names of a model's parameters that are not finite.
---@param model nn.Module
---@return string[]
function nonfinite.parameters(model)
  local names = {}
  for _, parameter in ipairs(model:named_parameters()) do
    if not is_finite(parameter.tensor) then names[#names + 1] = parameter.name end
  end
  return names
end

-- The first module whose output is not finite, in a sentence; nil where all are.
local function in_forward(model, f)
  local sentence
  trace.modules(model, function(module, output, input)
    if sentence or is_finite(output) then return end
    local most = is.float(input) and largest(input) or 0
    for _, parameter in ipairs(trace.own_parameters(module)) do
      if not is_finite(parameter.tensor) then
        sentence = ("%s, whose %s is not finite"):format(module:name(), parameter.name)
        return
      end
      most = math.max(most, largest(parameter.tensor))
    end
    sentence = is_finite(input) and
      ("%s, whose output is not finite, from finite input and weights of up to %.3g"):format(module:name(), most) or
      ("what comes into %s, made outside of any layer"):format(module:name())
  end, f)
  return sentence
end

-- The first module, from the loss backwards, with a parameter whose gradient is not finite; nil where all are.
local function in_backward(model, f)
  local order, sentence = {}, nil
  model:zero_grad()
  local loss = trace.modules(model, function(module) order[#order + 1] = module end, f)
  loss:backward()
  for i = #order, 1, -1 do
    for _, parameter in ipairs(trace.own_parameters(order[i])) do
      local gradient = parameter.tensor.grad
      if gradient and not sentence and not is_finite(gradient) then
        sentence = ("%s: the gradient of its %s is not finite"):format(order[i]:name(), parameter.name)
      end
    end
  end
  model:zero_grad()
  return sentence
end

--- Where the first non-finite value arose when the batch is computed again, in words.
---@param model nn.Module
---@param compute fun(): tensor computes the loss of the batch with the same random numbers as before
---@param restore fun() gives the model its last good weights
---@return string
function nonfinite.origin(model, compute, restore)
  local broken = #nonfinite.parameters(model) > 0
  local where = no_grad(in_forward, model, compute)
  if not broken then
    return where and "it began in " .. where or "it began in the loss itself: what the model gives is finite"
  end
  restore()
  local before = #nonfinite.parameters(model) == 0 and in_backward(model, compute)
  return ("it began in %s: an earlier step has made it so%s"):format(where or "the weights",
    before and " (with the last good weights, in " .. before .. ")" or "")
end

return nonfinite

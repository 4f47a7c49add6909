--- fnet.metrics: how good outputs are, beyond the loss. Plain functions of outputs and targets, or of a model and a
-- data set, which is then run in evaluation mode and without recording. Invariant: a metric changes nothing.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local naming = require "fnet.base.naming"
local say = require "fnet.base.say"
local core = require "fnet.core"
local confusion = require "fnet.measure.confusion"
local evaluation = require "fnet.measure.classifier"
local gather = require "fnet.measure.collect"
local is_module = require("fnet.nn.module").is_module
local modes = require "fnet.nn.modes"

local metrics = {}

-- What a model gives for a whole data set, and its targets.
local function collect(what, model, dataset)
  local add_output, add_target = gather(what, #dataset), gather(what, #dataset)
  local outputs, targets
  modes.with(model, false, core.no_grad, function()
    for x, y in dataset:batches { size = 1000 } do outputs, targets = add_output(model(x)), add_target(y) end
  end)
  return outputs, targets
end

-- The outputs [batch, ...] and targets that the first two arguments of a metric stand for.
local function pair(what, output, target)
  if is_module(output) then
    if not is.dataset(target) then
      core.raise(("%s: expected a data set after the model, got %s"):format(what, say.value(target)))
    end
    return collect(what, output, target)
  end
  if not core.is_tensor(output) then
    core.raise(("%s: expected outputs and targets, or a model and a data set, got %s and %s"):format(what,
      say.value(output), say.value(target)))
  end
  return output:detach(), core.is_tensor(target) and target:detach() or target
end

local function fraction_of(what, hits, output)
  local count = output:count() // output.shape[output.rank]
  if count == 0 then core.raise(("%s: expected at least one row, got %s"):format(what, say.value(output))) end
  return hits / count, evaluation.margin(hits / count, count)
end

--- The fraction of rows whose largest output is at the label; a row with a NaN is wrong.
---@param output tensor|nn.Module [batch, classes] or [classes], two classes at least; or a model
---@param target tensor|integer|data.Dataset labels [batch], from 1, or distributions as for nn.correct; or a
--- data set
---@return number accuracy 0 to 1
---@return number margin half the width of its 95% interval (normal approximation)
function metrics.accuracy(output, target)
  output, target = pair("accuracy", output, target)
  return fraction_of("accuracy", evaluation.count_correct("accuracy", output, target), output)
end

--- The fraction of rows whose label is among the k largest outputs: fewer than k others are larger; a row with a
-- NaN is wrong.
---@param output tensor|nn.Module [batch, classes] or [classes], two classes at least; or a model
---@param target tensor|integer|data.Dataset labels [batch], from 1; or a data set
---@param k integer 1 to classes
---@return number accuracy 0 to 1
---@return number margin half the width of its 95% interval (normal approximation)
function metrics.top_k(output, target, k)
  output, target = pair("top_k", output, target)
  evaluation.check_classes("top_k", output)
  local hot = core.one_hot(target, output, "top_k")
  local classes = output.shape[output.rank]
  expect.count("top_k: k", k, 1, classes)
  local right = core.where(hot, output, 0):sum(output.rank, true)
  local larger, largest = output:gt(right):sum(output.rank), output:max(output.rank)
  return fraction_of("top_k", (larger:lt(k) * largest:eq(largest)):sum():item(), output)
end

--- How often each class was taken for each, with precision, recall and F1 of the classes and on average. A row with
-- a NaN, which says no class, raises an error.
---@param output tensor|nn.Module [batch, classes], two classes at least; or a model
---@param target tensor|data.Dataset labels [batch], from 1; or a data set
---@param options? table classes: their names, by default those of the data set, or their numbers
---@return metrics.Confusion
function metrics.confusion(output, target, options)
  options = expect.options("confusion", options, { "classes" })
  local names = options.classes or is_module(output) and type(target) == "table" and target.classes or nil
  output, target = pair("confusion", output, target)
  return confusion.new(output, target, names)
end

--- R squared, the coefficient of determination: 1 - sum((target - output)^2) / sum((target - its mean)^2); the mean
-- over the columns where there are several. 1 is perfect, 0 as good as the mean. A column whose targets are all the
-- same counts as 1 where it is met exactly, else as 0. Computed in double precision.
---@param output tensor|nn.Module [batch] or [batch, columns], or a model
---@param target tensor|data.Dataset of the same shape, or a data set
---@return number
function metrics.r2(output, target)
  output, target = pair("r2", output, target)
  local a, b = say.shape(output.shape), core.is_tensor(target) and say.shape(target.shape)
  if a ~= b or output.rank == 0 or output.rank > 2 then
    core.raise(("r2: expected two tensors [batch] or [batch, columns] of equal shapes, got %s and %s"):format(
      say.value(output), say.value(target)))
  end
  if #output < 2 then core.raise("r2: expected at least two rows, got " .. a) end
  output, target = output:double():reshape { #output, -1 }, target:double():reshape { #target, -1 }
  local missed, spread = ((target - output) ^ 2):sum(1), ((target - target:mean(1)) ^ 2):sum(1)
  local total = 0
  for column = 1, #missed do
    local rest, whole = missed[column], spread[column]
    total = total + (whole ~= 0 and 1 - rest / whole or rest == 0 and 1 or 0)
  end
  return total / #missed
end

local rates = "print fnet.metrics.confusion(model, set), which has precision, recall and f1 for each class"

return naming.strict("fnet.metrics", metrics, {
  F1 = rates, f1 = rates, f1_score = rates, confusion_matrix = "confusion", precision = rates, recall = rates,
})

--- What a model gives for data it does not learn from: evaluate, predict, predict_classes, and for classifiers
-- nn.evaluate and nn.accuracy. Each runs in evaluation mode without recording gradients, and leaves the model as
-- it was.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"
local check_classifier = require "fnet.measure.classifier"
local classes = require "fnet.measure.classes"
local cross_entropy = require("fnet.nn.loss").cross_entropy
local is_module = require("fnet.nn.module").is_module
local check_labels = require "fnet.measure.labels"
local feed = require "fnet.nn.feed"
local meter = require "fnet.measure.meter"
local modes = require "fnet.nn.modes"
local pass = require "fnet.measure.pass"
local rows_of = require "fnet.data.rows"

local public = {}

-- What nn.evaluate gives; "accuracy 87.31% ± 0.67 (8731/10000), loss 0.3590".
local Result = {}

function Result:__tostring()
  return ("accuracy %s, loss %s"):format(classes.accuracy_text(self), say.figure(self.loss))
end

-- What evaluate gives for a loss or metrics, the names in their order; "loss 0.1231, error 0.2 (1000 samples)".
local function figures(result, names)
  return setmetatable(result, { __tostring = function()
    local texts = {}
    for i, name in ipairs(names) do texts[i] = ("%s %s"):format(name, say.number(result[name], "%.4g")) end
    return ("%s (%d samples)"):format(table.concat(texts, ", "), result.total)
  end })
end

-- How many rows each class has, and how many of them are right, behind what a meter counts.
local function count_rows(what, counts, output, y)
  local largest = output:max(2)
  local hits = output:argmax(2):eq(y) * largest:eq(largest) -- a NaN is no answer
  local hot = core.one_hot(y, output, what)
  local right = core.where(hits:reshape { #hits, 1 }, hot, 0):sum(1):totable()
  for class, count in ipairs(hot:sum(1):totable()) do
    counts[#counts + 1] = math.tointeger(count)
    counts[#counts + 1] = math.tointeger(right[class])
  end
  return counts
end

-- Adds those of a batch up.
local function add_classes(list, names, counts)
  for i = 3, #counts, 2 do
    local class = i // 2
    local entry = list[class] or { name = names and names[class] or class, correct = 0, total = 0 }
    entry.total, entry.correct = entry.total + counts[i], entry.correct + counts[i + 1]
    list[class] = entry
  end
end

-- The result of nn.evaluate, for the function `what`.
local function evaluate_classifier(what, model, dataset, options)
  if not is_module(model) or not is.dataset(dataset) then
    core.raise("%s: expected a model and a data set, got %s and %s%s", what, say.value(model), say.value(dataset),
      core.is_tensor(model) and '; for outputs and labels there is fnet.metrics.accuracy, and in fit and ' ..
      'fnet.evaluate metrics = { "accuracy" }' or "")
  end
  options = expect.options(what, options, { "size", "shared" }, { "shared" })
  local means, correct, list, is_checked = meter.new(what, {}), 0, {}, false
  local function visit(output, y)
    if not is_checked then
      check_classifier(what, dataset, output, y, "fnet.evaluate(model, set, { loss = fnet.nn.mse })")
    end
    is_checked = true
    return count_rows(what, means:figures(output, y, cross_entropy(output, y):item()), output, y)
  end
  local how = { size = options.size, shared = options.shared, visit = visit }
  for _, counts in ipairs((pass(what, model, dataset, how))) do
    means:add_figures(counts)
    add_classes(list, dataset.classes, counts)
  end
  for _, class in ipairs(list) do correct = correct + class.correct end
  local result = means:fill { correct = correct, total = means.rows, classes = list }
  result.accuracy = correct / means.rows
  result.margin = classes.margin(result.accuracy, means.rows)
  result.low, result.high = classes.interval(result.accuracy, means.rows)
  return setmetatable(result, Result)
end

--- Runs a classifier over a data set without recording gradients, in evaluation mode.
---@param model nn.Module gives [batch, classes], two classes at least
---@param dataset data.Dataset with labels; all of them are checked before the second batch
---@param options? table size: integer, samples a batch, 1000; shared: as for fnet.evaluate
---@return table result accuracy (0 to 1), correct, total, margin (the distance to the farther end of the accuracy's
--- 95% interval, after Wilson, 1927), low and high (its ends), loss (mean cross-entropy), classes (a list of {name,
--- correct, total}); it can be printed
function public.evaluate_classifier(model, dataset, options)
  return evaluate_classifier("evaluate", model, dataset, options)
end

--- The fraction of samples whose largest output is that of the right class.
---@param model nn.Module
---@param dataset data.Dataset
---@return number accuracy 0 to 1
function public.accuracy(model, dataset) return evaluate_classifier("accuracy", model, dataset).accuracy end

--- The mean loss and metrics of a model over a data set. Without `loss` and `metrics` the model is taken for a
-- classifier, and the result is that of `nn.evaluate`.
---@param model nn.Module
---@param dataset data.Dataset with one sample at least
---@param options? table loss: fun(output: tensor, target: tensor): tensor; metrics: table<integer|string,
--- string|table|fun(output: tensor, target: tensor): tensor>, such as { "accuracy" }, or functions of output and
--- target by name, { error = function(output, target) ... end }, whose numbers for the batches become their mean;
--- what is no mean of batches is computed once, over all outputs and targets: fnet.metrics.r2, auc,
--- average_precision and calibration_error, and a function of your own given as { whole = function(output, target)
--- ... end }; size: integer, samples at a time, 1000; shared: boolean, the processes that mpirun has started share
--- the batches, and each gets the result of one; all of them have to call it, with the same model and data, and a
--- single one that does raises an error; false
---@return table result loss, each metric by its name, and total, the number of samples; it can be printed
function public.evaluate(model, dataset, options)
  expect.that(is_module(model), "evaluate", "a model first", model)
  if not is.dataset(dataset) then
    core.raise("evaluate: expected a model and a data set, got a model and " .. say.value(dataset))
  end
  options = expect.options("evaluate", options, { "loss", "metrics", "size", "shared" }, { "shared" })
  if options.loss == nil and options.metrics == nil then
    return public.evaluate_classifier(model, dataset, { size = options.size, shared = options.shared })
  end
  local loss_of = options.loss or function() return 0 end
  expect.that(is.callable(loss_of), "evaluate: loss", "a function of output and target", loss_of)
  local metrics = meter.metric_list("evaluate", options.metrics)
  local means, functions = meter.new("evaluate", metrics, #dataset), { loss_of }
  for i, metric in ipairs(metrics) do functions[i + 1] = metric.of end
  local is_checked = false
  local function visit(output, y)
    if not is_checked then check_labels("evaluate", dataset, output, y, table.unpack(functions)) end
    is_checked = true
    return means:figures(output, y, meter.number("evaluate: loss", loss_of(output, y)))
  end
  local keep = means:keeps() and { "outputs", "targets" } or {}
  local sums, kept = pass("evaluate", model, dataset,
    { size = options.size, shared = options.shared, visit = visit, keep = keep })
  for _, sum in ipairs(sums) do means:add_figures(sum) end
  means:keep(kept.outputs, kept.targets)
  local result, names = means:fill { total = means.rows }, { options.loss and "loss" }
  if options.loss == nil then result.loss = nil end
  for _, metric in ipairs(metrics) do names[#names + 1] = metric.name end
  return figures(result, names)
end

local function predict(what, model, x, options)
  local size = options.size
  expect.that(is_module(model), what, "a model first", model)
  expect.that(is.several(x) or core.is_tensor(x) or is.dataset(x), what, "a tensor or a data set", x)
  if size == nil and not is.dataset(x) then
    if options.shared then
      core.raise("%s: shared: expected `size` beside it, the rows at a time; without it a tensor goes through " ..
        "in one piece", what)
    end
    return modes.with(model, false, core.no_grad, feed, model, x)
  end
  if (is.dataset(x) and #x or rows_of.count(x)) == 0 then core.raise(what .. ": expected at least one row") end
  local _, kept = pass(what, model, x, { size = size, shared = options.shared, keep = { "outputs" } })
  return kept.outputs
end

--- What a model gives for a sample, a batch or a whole data set.
---@param model nn.Module
---@param x tensor|table|data.Dataset a tensor, or for a model of several inputs a list of them or a table by name,
--- goes through the model as it is; a data set in batches
---@param options? table size: integer, rows at a time, 1000 for a data set; given with a tensor, that is a batch,
--- which then goes through in pieces; shared: boolean, the processes that mpirun has started share these, as for
--- fnet.evaluate
---@return tensor|table output for one sample without the axis of the batch; a list, or tensors by name, where the
--- model gives such
function public.predict(model, x, options)
  options = expect.options("predict", options, { "size", "shared" }, { "shared" })
  return predict("predict", model, x, options)
end

--- The class that a classifier finds most likely for a sample, or for each row of a batch or of a data set. An
-- output with a NaN raises an error.
---@param model nn.Module gives [classes] or [batch, classes], two classes at least
---@param x tensor|data.Dataset as for predict
---@param options? table size, shared: as for predict; classes: string[], the names of the classes, those of the
--- data set by default
---@return integer|tensor label counted from 1; int32 [batch] for several rows
---@return string|string[]|nil name the name of the class, a list of names for several rows; nil where unknown
function public.predict_classes(model, x, options)
  options = expect.options("predict_classes", options, { "size", "classes", "shared" }, { "shared" })
  local output = predict("predict_classes", model, x, options)
  if not core.is_tensor(output) or output.rank ~= 1 and output.rank ~= 2 then
    core.raise("predict_classes: expected a model that gives [classes] or [batch, classes], it gives %s",
      core.is_tensor(output) and say.shape(output.shape) or say.value(output))
  end
  local names = options.classes or is.dataset(x) and x.classes or nil
  expect.that(names == nil or type(names) == "table", "predict_classes: classes", "a list of names", names)
  local count = output.shape[output.rank]
  if names and #names < count then
    core.raise("predict_classes: classes: expected %d names, one for each output of the model, got %d", count,
      #names)
  end
  local said = classes.said("predict_classes", output)
  if output.rank == 1 then
    local label = said:item()
    return label, names and names[label]
  end
  if not names then return said end
  local list = said:totable()
  for i, label in ipairs(list) do list[i] = names[label] end
  return said, list
end

return public

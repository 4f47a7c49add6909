--- measure: how good outputs are. This file is fnet.metrics: functions of outputs and targets, or of a model and a
-- data set, which is then run in evaluation mode and without recording. Invariant: a metric changes nothing.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local later = require "fnet.base.later"
local say = require "fnet.base.say"
local core = require "fnet.core"
local classes = require "fnet.measure.classes"
local confusion = require "fnet.measure.confusion"
local is_module = require("fnet.nn.module").is_module
local pass = require "fnet.measure.pass"
local single = require "fnet.measure.single"

local metrics = {}

-- The outputs [batch, ...] and targets that the first two arguments of a metric stand for.
local function pair(what, output, target)
  if is_module(output) then
    expect.that(is.dataset(target), what, "a data set after the model", target)
    local _, kept = pass(what, output, target, { keep = { "outputs", "targets" } })
    output, target = kept.outputs, kept.targets
    if core.is_tensor(output) and core.is_tensor(target) then return output, target end
    core.raise("%s: expected a model and a data set of one tensor each, got outputs %s and targets %s; one of " ..
      "several is given by itself, of what fnet.predict gives", what, say.value(output), say.value(target))
  end
  if not core.is_tensor(output) then
    core.raise("%s: expected outputs and targets, or a model and a data set, got %s and %s", what,
      say.value(output), say.value(target))
  end
  return output:detach(), core.is_tensor(target) and target:detach() or target
end

local function fraction_of(what, hits, output)
  local count = output:count() // output.shape[output.rank]
  expect.that(count > 0, what, "at least one row", output)
  return hits / count, classes.margin(hits / count, count)
end

-- The rows whose label is not to be ignored, and their labels.
local function rows_but(what, ignored, output, labels)
  expect.count(what .. ": ignore", ignored, math.mininteger)
  local each = output.shape
  each[#each] = nil
  expect.that(output.rank > 0 and core.is_tensor(labels) and not is.float(labels)
    and is.same_shape(labels.shape, each), what .. ": ignore",
    "labels of the output's shape without its last axis beside it", labels)
  local kept = labels:flatten():ne(ignored):nonzero()
  return core.gather(output:reshape { labels:count(), output.shape[output.rank] }, kept),
    core.gather(labels:flatten(), kept)
end

--- The fraction of rows whose largest output is at the label; a row with a NaN is wrong.
---@param output tensor|nn.Module # [batch, classes] or [classes], two classes at least; or a model
---@param target tensor|integer|data.Dataset labels [batch], from 1, or distributions as for nn.correct; or a
--- data set
---@param options? table ignore: integer, a label, such as 0 for padding, whose rows do not count: in fit
--- `metrics = { accuracy = function(y, t) return fnet.metrics.accuracy(y, t, { ignore = 0 }) end }`
---@return number accuracy 0 to 1
---@return number margin the distance to the farther end of its 95% interval (Wilson, 1927)
function metrics.accuracy(output, target, options)
  output, target = pair("accuracy", output, target)
  options = expect.options("accuracy", options, { "ignore" })
  if options.ignore ~= nil then output, target = rows_but("accuracy", options.ignore, output, target) end
  return fraction_of("accuracy", classes.count_correct("accuracy", output, target), output)
end

--- The fraction of rows whose label is among the k largest outputs; a row with a NaN is wrong. Where equal outputs
-- compete for the last of the k places, the row counts with their share: of ten equal outputs, each is among the
-- first five in half of all orders.
---@param output tensor|nn.Module # [batch, classes] or [classes], two classes at least; or a model
---@param target tensor|integer|data.Dataset labels [batch], from 1; or a data set
---@param k integer 1 to classes
---@return number accuracy 0 to 1
---@return number margin the distance to the farther end of its 95% interval (Wilson, 1927)
function metrics.top_k(output, target, k)
  output, target = pair("top_k", output, target)
  classes.check("top_k", output)
  local hot = core.one_hot(target, output, "top_k")
  expect.count("top_k: k", k, 1, output.shape[output.rank])
  local right = core.where(hot, output, 0):sum(output.rank, true)
  local larger, equal = output:gt(right):sum(output.rank), output:eq(right):sum(output.rank)
  local share = ((k - larger):double() / equal:maximum(1)):clamp(0, 1)
  local largest = output:max(output.rank)
  return fraction_of("top_k", (share * largest:eq(largest)):sum():item(), output)
end

--- How often each class was taken for each, with precision, recall and F1 of the classes and on average. A row with
-- a NaN, which says no class, raises an error. Of a single logit above 0, or a probability above 0.5, it is said
-- that the target is 1.
---@param output tensor|nn.Module # [batch, classes]; or [batch] or [batch, 1] for targets of 0 and 1; or a model
---@param target tensor|data.Dataset labels [batch], from 1, or of a single output 0 and 1 [batch] or [batch, 1]; or
--- a data set
---@param options? table classes: string[], their names, by default those of the data set, or their numbers;
--- probabilities: whether single outputs are such, which has to be said where all lie from 0 to 1; they are logits
--- otherwise
---@return metrics.Confusion
function metrics.confusion(output, target, options)
  options = expect.options("confusion", options, { "classes", "probabilities" }, { "probabilities" })
  local names = options.classes or is_module(output) and type(target) == "table" and target.classes or nil
  output, target = pair("confusion", output, target)
  if single.is_one(output, target) then
    output, target = single.classes("confusion", output, target, options.probabilities)
    names = names or { "0", "1" }
  end
  return confusion(output, target, names)
end

--- The area under the ROC curve: how probable it is that a positive sample has a greater output than a negative
-- one, where equal ones count half (Mann, Whitney, 1947; Hanley, McNeil, 1982). 1 is perfect, 0.5 as good as
-- chance, for any threshold and any share of positive ones. In `metrics` it is computed once, over all outputs.
---@param output tensor|nn.Module logits or probabilities: [batch] or [batch, columns] with targets of 0 and 1, the
--- mean over the columns; [batch, ..., classes] with labels: of two classes the second is positive, of more it is
--- the mean of each that occurs against the rest, by probabilities; or a model
---@param target tensor|data.Dataset 0 and 1 as the output's shape, or labels, from 1; or a data set
---@return number 0 to 1
function metrics.auc(output, target)
  output, target = pair("auc", output, target)
  return require "fnet.measure.ranking".auc(output, target)
end

--- Average precision: the mean, over the positive samples, of the share of positive ones among those whose output
-- is as great or greater: the precision-recall curve's steps, sum((R_n - R_(n-1)) P_n), not interpolated (Manning,
-- Raghavan, Schuetze, 2008, section 8.4); scikit-learn's average_precision_score. Chance gives the share of
-- positive ones. In `metrics` it is computed once, over all outputs.
---@param output tensor|nn.Module as for auc
---@param target tensor|data.Dataset as for auc
---@return number 0 to 1
function metrics.average_precision(output, target)
  output, target = pair("average_precision", output, target)
  return require "fnet.measure.ranking".average_precision(output, target)
end

--- The expected calibration error of a classifier: rows are put into bins by the probability of the class that is
-- said, of equal widths, ((b - 1) / bins, b / bins]; the sum over the bins of their share of the rows times
-- |accuracy - mean probability| (Naeini, Cooper, Hauskrecht, 2015; Guo, Pleiss, Sun, Weinberger, 2017). In
-- `metrics` it is computed once, over all outputs.
---@param output tensor|nn.Module # [batch, ..., classes] logits, or probabilities where rows are such; or [batch]
--- or [batch, 1] for targets of 0 and 1; or a model
---@param target tensor|data.Dataset labels, from 1; of a single output 0 and 1; or a data set
---@param options? table bins: integer, 15; probabilities: as for confusion
---@return number error 0 to 1
---@return { count: integer, confidence: number, accuracy: number }[] bins those that hold rows, by confidence
function metrics.calibration_error(output, target, options)
  options = expect.options("calibration_error", options, { "bins", "probabilities" }, { "probabilities" })
  local bins = options.bins == nil and 15 or expect.count("calibration_error: bins", options.bins, 1, 1 << 20)
  output, target = pair("calibration_error", output, target)
  if single.is_one(output, target) then
    output, target = single.classes("calibration_error", output, target, options.probabilities)
  end
  return require "fnet.measure.calibration" (output, target, bins)
end

--- R squared, the coefficient of determination: 1 - sum((target - output)^2) / sum((target - its mean)^2); the mean
-- over the columns where there are several. 1 is perfect, 0 as good as the mean. A column whose targets are all the
-- same counts as 1 where it is met exactly, else as 0. Computed in double precision.
---@param output tensor|nn.Module # [batch] or [batch, columns], or a model
---@param target tensor|data.Dataset of the same shape, or a data set
---@return number
function metrics.r2(output, target)
  output, target = pair("r2", output, target)
  local same = core.is_tensor(target) and is.same_shape(output.shape, target.shape)
  if not same or output.rank == 0 or output.rank > 2 then
    core.raise("r2: expected two tensors [batch] or [batch, columns] of equal shapes, got %s and %s",
      say.value(output), say.value(target))
  end
  if #output < 2 then core.raise("r2: expected at least two rows, got " .. say.shape(output.shape)) end
  output, target = output:double():reshape { #output, -1 }, target:double():reshape { #target, -1 }
  local missed, spread = ((target - output) ^ 2):sum(1), ((target - target:mean(1)) ^ 2):sum(1)
  local range = target:max(1) - target:min(1) -- a mean of equal numbers may be off by its rounding
  local total = 0
  for column = 1, #missed do
    local rest, whole = missed[column], spread[column]
    total = total + (range[column] ~= 0 and 1 - rest / whole or rest == 0 and 1 or 0)
  end
  return total / #missed
end

local root = "fnet.nn.mse(output, target):item() ^ 0.5"
local rates = "print fnet.metrics.confusion(model, set), which has precision, recall and f1 for each class"

return later.names("fnet.metrics", metrics, { ["fnet.measure.mistakes"] = "mistakes" }, {
  AUROC = "auc", balanced_accuracy = rates, binary_accuracy = "accuracy", classification_report = "confusion",
  perplexity = "math.exp(fnet.nn.cross_entropy(output, labels):item())",
  AUC = "auc", ECE = "calibration_error", F1 = rates, accuracy_score = "accuracy",
  average_precision_score = "average_precision", brier_score = "fnet.nn.mse(probabilities, targets):item()",
  f1 = rates, f1_score = rates, confusion_matrix = "confusion", expected_calibration_error = "calibration_error",
  precision = rates, r2_score = "r2", recall = rates, roc_auc = "auc", roc_auc_score = "auc",
  top_k_accuracy_score = "top_k",
  mae = "fnet.nn.mae(output, target):item()", mean_absolute_error = "fnet.nn.mae(output, target):item()",
  mean_squared_error = "fnet.nn.mse(output, target):item()", mse = "fnet.nn.mse(output, target):item()",
  rmse = root, root_mean_squared_error = root, log_loss = "fnet.nn.cross_entropy(output, labels):item()",
  plot_top_losses = "fnet.report.mistakes shows the worst mistakes", top_losses = "mistakes",
})

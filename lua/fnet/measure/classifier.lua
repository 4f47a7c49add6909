--- The evaluation of a classifier over a data set.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"
local cross_entropy = require("fnet.nn.loss").cross_entropy
local is_module = require("fnet.nn.module").is_module
local known_labels = require "fnet.measure.labels"
local modes = require "fnet.nn.modes"

local evaluation = {}

-- What nn.evaluate gives; "accuracy 87.31% ± 0.65 (8731/10000), loss 0.3590".
local Result = {}

function Result:__tostring()
  return ("accuracy %.2f%% ± %.2f (%d/%d), loss %s"):format(100 * self.accuracy, 100 * self.margin, self.correct,
    self.total, say.number(self.loss, "%.4f"))
end

--- Raises unless there is an output for each of two classes at least: the largest of one is always right.
---@param what string the function, for the message
---@param output tensor [batch, classes] or [classes]
function evaluation.check_classes(what, output)
  if not core.is_tensor(output) or output.rank == 0 or output.shape[output.rank] ~= 1 then return end
  core.raise(("%s: expected an output for each class, at least two, got %s; a single logit is compared with 0, "
    .. "such as output:gt(0):eq(target):mean() for targets of 0 and 1"):format(what, say.value(output)))
end

--- The place of the largest output of each row.
---@param what string the function, for messages
---@param output tensor [batch, classes] or [classes]; a NaN, which says nothing, raises an error
---@return tensor int32 [batch] or []
function evaluation.said(what, output)
  evaluation.check_classes(what, output)
  local largest = output:max(output.rank)
  local broken = largest:ne(largest)
  if broken:sum():item() > 0 then
    core.raise(("%s: %sthe output holds a nan, so it says no class"):format(what,
      broken.rank == 0 and "" or ("row %d of "):format(broken:argmax():item())))
  end
  return output:argmax(output.rank)
end

--- What `correct` gives, with the name of the function that was called.
---@param what string for messages
---@param output tensor
---@param labels tensor|integer
---@return integer count
function evaluation.count_correct(what, output, labels)
  evaluation.check_classes(what, output)
  local both = core.is_tensor(output) and core.is_tensor(labels)
  if both and labels.rank == output.rank and labels.rank > 0 and labels.dtype:find "float" then
    labels = labels:argmax(labels.rank)
    if labels.rank == 0 then labels = labels:item() end
  end
  return core.correct(output, labels, what)
end

--- How many rows have their largest output at the label.
---@param output tensor [batch, classes] or [classes], two classes at least; a row with a NaN is wrong
---@param labels tensor|integer [batch], from 1, a number for one row; or distributions of the output's shape, whose
--- largest then is the label
---@return integer count
function evaluation.correct(output, labels) return evaluation.count_correct("correct", output, labels) end

--- Half the width of the 95% interval of a fraction, by the normal approximation.
---@param fraction number
---@param count integer at least 1
---@return number
function evaluation.margin(fraction, count) return 1.96 * math.sqrt(fraction * (1 - fraction) / count) end

-- Counts the rows of each class, and those that are right.
local function count_classes(what, classes, names, output, labels, hits)
  local hot = core.one_hot(labels, output, what)
  local right = core.where(hits:reshape { #hits, 1 }, hot, 0):sum(1):totable()
  for class, count in ipairs(hot:sum(1):totable()) do
    local entry = classes[class] or { name = names and names[class] or class, correct = 0, total = 0 }
    entry.correct = entry.correct + math.tointeger(right[class])
    entry.total = entry.total + math.tointeger(count)
    classes[class] = entry
  end
end

-- Raises unless a model is a classifier for a data set of labels.
local function check_first(what, dataset, output, y)
  if y.rank ~= 1 or y.dtype:find "float" then
    core.raise(("%s: expected labels [batch] as int32 or uint8, got %s; labels are converted with :int(), and for "
      .. "a model of other targets there is fnet.evaluate(model, set, { loss = fnet.nn.mse })"):format(what,
      say.value(y)))
  end
  if not core.is_tensor(output) or output.rank ~= 2 then
    core.raise(("%s: expected a model that gives [batch, classes], it gives %s"):format(what,
      say.value(output)))
  end
  evaluation.check_classes(what, output)
  local problem = known_labels.problem(dataset, output.shape[2])
  if problem then core.raise(("%s: %s"):format(what, problem)) end
end

-- The result of `evaluate`, for the function `what`.
local function evaluate(what, model, dataset, options)
  if not is_module(model) or not is.dataset(dataset) then
    core.raise(("%s: expected a model and a data set, got %s and %s"):format(what, say.value(model),
      say.value(dataset)))
  end
  options = expect.options(what, options, { "size" })
  local size = options.size == nil and 1000 or expect.count(what .. ": size", options.size, 1)
  local correct, total, sum, classes = 0, 0, 0, {}
  modes.with(model, false, core.no_grad, function()
    for x, y in dataset:batches { size = size } do
      local output = model(x)
      if total == 0 then check_first(what, dataset, output, y) end
      sum = sum + cross_entropy(output, y):item() * #y
      local largest = output:max(2)
      local hits = output:argmax(2):eq(y) * largest:eq(largest) -- a NaN is no answer
      count_classes(what, classes, dataset.classes, output, y, hits)
      correct, total = correct + math.tointeger(hits:sum():item()), total + #y
    end
  end)
  if total == 0 then core.raise(("%s: expected at least one sample, got %s"):format(what, tostring(dataset))) end
  local accuracy = correct / total
  return setmetatable({
    accuracy = accuracy, correct = correct, total = total, loss = sum / total, classes = classes,
    margin = evaluation.margin(accuracy, total),
  }, Result)
end

--- Runs a classifier over a data set without recording gradients, in evaluation mode.
---@param model nn.Module gives [batch, classes], two classes at least
---@param dataset data.Dataset with labels; all of them are checked before the second batch
---@param options? table size: samples a batch, 1000
---@return table result accuracy (0 to 1), correct, total, margin (half the width of the 95% interval of the
--- accuracy, normal approximation), loss (mean cross-entropy), classes (a list of {name, correct, total}); it
--- can be printed
function evaluation.evaluate(model, dataset, options) return evaluate("evaluate", model, dataset, options) end

--- The fraction of samples whose largest output is that of the right class.
---@param model nn.Module
---@param dataset data.Dataset
---@return number accuracy 0 to 1
function evaluation.accuracy(model, dataset) return evaluate("accuracy", model, dataset).accuracy end

evaluation.public = { evaluate = evaluation.evaluate, accuracy = evaluation.accuracy, correct = evaluation.correct }

return evaluation

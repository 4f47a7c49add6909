--- The evaluation of a classifier over a data set: nn.evaluate and nn.accuracy.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"
local classes = require "fnet.measure.classes"
local cross_entropy = require("fnet.nn.loss").cross_entropy
local is_module = require("fnet.nn.module").is_module
local check_labels = require "fnet.measure.labels"
local meter = require "fnet.measure.meter"
local pass = require "fnet.measure.pass"

local classifier = {}

-- What nn.evaluate gives; "accuracy 87.31% ± 0.65 (8731/10000), loss 0.3590".
local Result = {}

function Result:__tostring()
  return ("accuracy %s, loss %s"):format(classes.accuracy_text(self), say.number(self.loss, "%.4f"))
end

-- Counts the rows of each class, and those that are right.
local function count_rows(what, list, names, output, y)
  local largest = output:max(2)
  local hits = output:argmax(2):eq(y) * largest:eq(largest) -- a NaN is no answer
  local hot = core.one_hot(y, output, what)
  local right = core.where(hits:reshape { #hits, 1 }, hot, 0):sum(1):totable()
  for class, count in ipairs(hot:sum(1):totable()) do
    local entry = list[class] or { name = names and names[class] or class, correct = 0, total = 0 }
    entry.correct = entry.correct + math.tointeger(right[class])
    entry.total = entry.total + math.tointeger(count)
    list[class] = entry
  end
end

-- Raises unless a model is a classifier for a data set of labels.
local function check_first(what, dataset, output, y)
  if y.rank ~= 1 or is.float(y) then
    core.raise("%s: expected labels [batch] as int32 or uint8, got %s; labels are converted with :int(), and " ..
      "for a model of other targets there is fnet.evaluate(model, set, { loss = fnet.nn.mse })", what, say.value(y))
  end
  if not core.is_tensor(output) or output.rank ~= 2 then
    core.raise("%s: expected a model that gives [batch, classes], it gives %s", what, say.value(output))
  end
  classes.check(what, output)
  check_labels(what, dataset, output, y, cross_entropy)
end

-- The result of `evaluate`, for the function `what`.
local function evaluate(what, model, dataset, options)
  if not is_module(model) or not is.dataset(dataset) then
    core.raise("%s: expected a model and a data set, got %s and %s", what, say.value(model), say.value(dataset))
  end
  options = expect.options(what, options, { "size" })
  local means, correct, list = meter.new(what, {}), 0, {}
  pass(what, model, dataset, options.size, function(output, y)
    if means.rows == 0 then check_first(what, dataset, output, y) end
    means:add(output, y, cross_entropy(output, y):item())
    count_rows(what, list, dataset.classes, output, y)
  end)
  for _, class in ipairs(list) do correct = correct + class.correct end
  local result = means:fill { correct = correct, total = means.rows, classes = list }
  result.accuracy = correct / means.rows
  result.margin = classes.margin(result.accuracy, means.rows)
  return setmetatable(result, Result)
end

--- Runs a classifier over a data set without recording gradients, in evaluation mode.
---@param model nn.Module gives [batch, classes], two classes at least
---@param dataset data.Dataset with labels; all of them are checked before the second batch
---@param options? table size: samples a batch, 1000
---@return table result accuracy (0 to 1), correct, total, margin (half the width of the 95% interval of the
--- accuracy, normal approximation), loss (mean cross-entropy), classes (a list of {name, correct, total}); it
--- can be printed
function classifier.evaluate(model, dataset, options) return evaluate("evaluate", model, dataset, options) end

--- The fraction of samples whose largest output is that of the right class.
---@param model nn.Module
---@param dataset data.Dataset
---@return number accuracy 0 to 1
function classifier.accuracy(model, dataset) return evaluate("accuracy", model, dataset).accuracy end

return classifier

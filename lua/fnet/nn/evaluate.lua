--- The evaluation of a classifier over a data set.

local check = require "fnet.check"
local core = require "fnet.core"
local cross_entropy = require("fnet.nn.loss").cross_entropy
local is_module = require("fnet.nn.module").is_module
local modes = require "fnet.train.modes"

local evaluation = {}

-- What nn.evaluate gives; "accuracy 87.31% ± 0.65 (8731/10000), loss 0.3590".
local Result = {}

function Result:__tostring()
  return ("accuracy %.2f%% ± %.2f (%d/%d), loss %.4f"):format(100 * self.accuracy, 100 * self.margin, self.correct,
    self.total, self.loss)
end

--- How many rows have their largest output at the label.
---@param output tensor [batch, classes] or [classes]
---@param labels tensor|integer [batch], from 1, a number for one row; or distributions of the output's shape, whose
--- largest then is the label
---@return integer count
function evaluation.correct(output, labels)
  local both = core.is_tensor(output) and core.is_tensor(labels)
  if both and labels.rank == output.rank and labels.rank > 0 and labels.dtype:find "float" then
    labels = labels:argmax(labels.rank)
    if labels.rank == 0 then labels = labels:item() end
  end
  return core.correct(output, labels)
end

--- Half the width of the 95% interval of a fraction, by the normal approximation.
---@param fraction number
---@param count integer at least 1
---@return number
function evaluation.margin(fraction, count) return 1.96 * math.sqrt(fraction * (1 - fraction) / count) end

-- Counts the rows of each class, and those that are right.
local function count_classes(classes, names, output, labels, hits)
  local hot = core.one_hot(labels, output, "evaluate")
  local right = core.where(hits:reshape { #hits, 1 }, hot, 0):sum(1):totable()
  for class, count in ipairs(hot:sum(1):totable()) do
    local entry = classes[class] or { name = names and names[class] or class, correct = 0, total = 0 }
    entry.correct = entry.correct + math.tointeger(right[class])
    entry.total = entry.total + math.tointeger(count)
    classes[class] = entry
  end
end

--- Runs a classifier over a data set without recording gradients, in evaluation mode.
---@param model nn.Module gives [batch, classes]
---@param dataset data.Dataset with labels
---@param options? table size: samples a batch, 1000
---@return table result accuracy (0 to 1), correct, total, margin (half the width of the 95% interval of the
--- accuracy, normal approximation), loss (mean cross-entropy), classes (a list of {name, correct, total}); it
--- can be printed
function evaluation.evaluate(model, dataset, options)
  if not is_module(model) or not check.is_dataset(dataset) then
    core.raise(("evaluate: expected a model and a data set, got %s and %s"):format(check.describe(model),
      check.describe(dataset)))
  end
  options = check.options("evaluate", options, { "size" })
  local size = options.size == nil and 1000 or check.count("evaluate: size", options.size, 1)
  local correct, total, sum, classes = 0, 0, 0, {}
  modes.with(model, false, core.no_grad, function()
    for x, y in dataset:batches { size = size } do
      local output = model(x)
      sum = sum + cross_entropy(output, y):item() * #y
      local hits = output:argmax(2):eq(y)
      count_classes(classes, dataset.classes, output, y, hits)
      correct, total = correct + math.tointeger(hits:sum():item()), total + #y
    end
  end)
  local accuracy = total > 0 and correct / total or 0
  return setmetatable({
    accuracy = accuracy, correct = correct, total = total, loss = sum / total, classes = classes,
    margin = total > 0 and evaluation.margin(accuracy, total) or 0,
  }, Result)
end

--- The fraction of samples whose largest output is that of the right class.
---@param model nn.Module
---@param dataset data.Dataset
---@return number accuracy 0 to 1
function evaluation.accuracy(model, dataset) return evaluation.evaluate(model, dataset).accuracy end

return evaluation

--- The evaluation of a classifier over a data set.

local check = require "fnet.check"
local core = require "fnet.core"
local cross_entropy = require("fnet.nn.loss").cross_entropy
local is_module = require("fnet.nn.module").is_module
local modes = require "fnet.train.modes"

local evaluation = {}

--- How many rows have their largest output at the label.
---@param output tensor [batch, classes]
---@param labels tensor [batch], from 1; or distributions of the output's shape, whose largest then is the label
---@return integer count
function evaluation.correct(output, labels)
  if core.is_tensor(labels) and labels.rank == 2 and labels.dtype:find "float" then labels = labels:argmax(2) end
  return core.correct(output, labels)
end

--- Runs a classifier over a data set without recording gradients, in evaluation mode.
---@param model nn.Module gives [batch, classes]
---@param dataset data.Dataset with labels
---@param options? table size: samples a batch, 1000
---@return table result accuracy (0 to 1), correct, total, margin (half the width of the 95% interval of the
--- accuracy, normal approximation), loss (mean cross-entropy), classes (a list of {name, correct, total})
function evaluation.evaluate(model, dataset, options)
  if not is_module(model) or type(dataset) ~= "table" or not dataset.batches then
    core.raise(("evaluate: expected a model and a data set, got %s and %s"):format(check.describe(model),
      check.describe(dataset)))
  end
  local correct, total, sum, classes = 0, 0, 0, {}
  modes.with(model, false, core.no_grad, function()
    for x, y in dataset:batches { size = options and options.size or 1000 } do
      local output = model(x)
      local hits = output:argmax(2):eq(y)
      sum = sum + cross_entropy(output, y):item() * #y
      total = total + #y
      for class = 1, output.shape[2] do
        local of_class = y:eq(class)
        local name = dataset.classes and dataset.classes[class] or class
        local entry = classes[class] or { name = name, correct = 0, total = 0 }
        entry.correct = entry.correct + math.tointeger((hits * of_class):sum():item())
        entry.total = entry.total + math.tointeger(of_class:sum():item())
        classes[class] = entry
      end
      correct = correct + math.tointeger(hits:sum():item())
    end
  end)
  local accuracy = total > 0 and correct / total or 0
  local margin = total > 0 and 1.96 * math.sqrt(accuracy * (1 - accuracy) / total) or 0
  return {
    accuracy = accuracy, correct = correct, total = total, margin = margin, loss = sum / total, classes = classes,
  }
end

--- The fraction of samples whose largest output is that of the right class.
---@param model nn.Module
---@param dataset data.Dataset
---@return number accuracy 0 to 1
function evaluation.accuracy(model, dataset) return evaluation.evaluate(model, dataset).accuracy end

return evaluation

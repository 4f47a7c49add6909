--- Losses, and the evaluation of a classifier.

local core = require "fnet.core"
local is_module = require("fnet.nn.module").is_module

local loss = {}

--- Cross-entropy, the mean over the batch of -log(probability of the right class). Takes logits, or the result of
-- a softmax: then the logits it was made from are used (log-sum-exp), so that no probability rounds to zero.
---@param output tensor [batch, classes] or [classes]
---@param labels tensor|integer [batch], int32 or uint8, from 1 to classes; a number for one sample
---@return tensor loss one element
function loss.cross_entropy(output, labels)
  return core.cross_entropy(core.logits(output) or output, labels)
end

--- Mean squared error: the mean over all elements of (output - target)^2.
---@param output tensor
---@param target tensor of the same shape
---@return tensor loss one element
function loss.mse(output, target)
  if not (core.is_tensor(output) and core.is_tensor(target)) then
    core.raise(("mse: expected two tensors, got %s and %s"):format(type(output), type(target)))
  end
  local a, b = table.concat(output.shape, ", "), table.concat(target.shape, ", ")
  if a ~= b then core.raise(("mse: expected equal shapes, got [%s] and [%s]"):format(a, b)) end
  local difference = output - target
  return (difference * difference):mean()
end

--- How many rows have their largest output at the label.
---@param output tensor [batch, classes]
---@param labels tensor [batch], from 1
---@return integer count
function loss.correct(output, labels) return core.correct(output, labels) end

--- Runs a classifier over a data set without recording gradients, in evaluation mode.
---@param model nn.Module gives [batch, classes]
---@param dataset data.Dataset with labels
---@param options? table size: samples a batch, 1000
---@return table result accuracy (0 to 1), correct, total, margin (half the width of the 95% interval of the
--- accuracy, normal approximation), loss (mean cross-entropy), classes (a list of {name, correct, total})
function loss.evaluate(model, dataset, options)
  if not is_module(model) or type(dataset) ~= "table" or not dataset.batches then
    core.raise(("evaluate: expected a model and a data set, got %s and %s"):format(type(model), type(dataset)))
  end
  local modules, modes = model:modules(), {}
  for i, module in ipairs(modules) do modes[i] = module.training end
  local correct, total, sum, classes = 0, 0, 0, {}
  model:eval()
  local ok, message = pcall(core.no_grad, function()
    for x, y in dataset:batches { size = options and options.size or 1000 } do
      local output = model(x)
      local hits = output:argmax(2):eq(y)
      sum = sum + loss.cross_entropy(output, y):item() * #y
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
  for i, module in ipairs(modules) do module.training = modes[i] end
  if not ok then error(message, 0) end
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
function loss.accuracy(model, dataset) return loss.evaluate(model, dataset).accuracy end

return loss

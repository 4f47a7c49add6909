--- Labels against the classes of a model. Invariant: the whole data set is looked at, before a batch has to fail,
-- and nothing is refused that the loss takes.

local core = require "fnet.core"
local is = require "fnet.base.is"
local keep_random = require "fnet.base.keep_random"
local try = require "fnet.base.try"

-- Why the labels of a data set do not fit the classes of a model, with the row, and a label that is no class; nil
-- where they do.
local function problem_of(dataset, classes)
  local list = dataset.y
  if not is.labels(list) or #list == 0 then return nil end
  local low, high = list:min():item(), list:max():item()
  if low >= 1 and high <= classes then
    local names = dataset.classes
    if not names or #names >= classes then return nil end
    return ("the model has %d outputs, but the list of the data set's classes has length %d"):format(classes,
      #names), classes + 1
  end
  local row = low < 1 and list:argmin():item() or list:argmax():item()
  local whole = dataset.rows and (" (row %d of the data set that it is a part of)"):format(dataset.rows[row]) or ""
  return ("label %d in row %d%s is outside 1..%d, the classes of the model%s"):format(list[row], row, whole,
    classes, low == 0 and "; labels count from 1 in fnet, so add 1 to labels that count from 0" or ""), list[row]
end

-- Whether f(output, labels) takes labels for classes: then it refuses one that is none. The random numbers stay
-- where they are.
local function takes_classes(f, output, count, label)
  local _ <close> = keep_random()
  local labelled = core.full({ count }, label, "int32")
  local ok, message = try(core.no_grad, f, output, labelled)
  return not ok and core.error_kind(message) == "label out of range"
end

--- Raises where the labels of a data set do not fit the classes of a model and one of the functions takes them for
-- classes. A regression with whole numbers for targets passes.
---@param what string the function and the data set, for the message
---@param dataset data.Dataset
---@param output any what the model gave for a batch
---@param y tensor the targets of the batch
---@param ... fun(output: tensor, target: tensor): any losses and metrics
return function(what, dataset, output, y, ...)
  if not core.is_tensor(output) or output.rank == 0 or not core.is_tensor(y) then return end
  local classes = output.shape[output.rank]
  local problem, label = problem_of(dataset, classes)
  for _, f in ipairs(problem and { ... } or {}) do
    if takes_classes(f, output, #y, label) then core.raise_kind("label out of range", "%s: %s", what, problem) end
  end
end

--- Classes: what the outputs of a classifier say. Invariant: a row with a NaN says nothing, so it is never right.

local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"

local classes = {}

--- Raises unless there is an output for each of two classes at least: the largest of one is always right.
---@param what string the function, for the message
---@param output tensor [batch, classes] or [classes]
function classes.check(what, output)
  if not core.is_tensor(output) or output.rank == 0 or output.shape[output.rank] ~= 1 then return end
  core.raise("%s: expected an output for each class, at least two, got %s; a single logit is compared with 0, " ..
    "such as output:gt(0):eq(target):mean() for targets of 0 and 1", what, say.value(output))
end

--- The place of the largest output of each row.
---@param what string the function, for messages
---@param output tensor [batch, classes] or [classes]; a NaN, which says nothing, raises an error
---@return tensor int32 [batch] or []
function classes.said(what, output)
  classes.check(what, output)
  local largest = output:max(output.rank)
  local broken = largest:ne(largest)
  if broken:sum():item() > 0 then
    core.raise("%s: %sthe output holds a nan, so it says no class", what,
      broken.rank == 0 and "" or ("row %d of "):format(broken:argmax():item()))
  end
  return output:argmax(output.rank)
end

--- What `correct` gives, with the name of the function that was called.
---@param what string for messages
---@param output tensor
---@param labels tensor|integer
---@return integer count
function classes.count_correct(what, output, labels)
  classes.check(what, output)
  local both = core.is_tensor(output) and core.is_tensor(labels)
  if both and labels.rank == output.rank and labels.rank > 0 and is.float(labels) then
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
function classes.correct(output, labels) return classes.count_correct("correct", output, labels) end

--- Half the width of the 95% interval of a fraction, by the normal approximation.
---@param fraction number
---@param count integer at least 1
---@return number
function classes.margin(fraction, count) return 1.96 * math.sqrt(fraction * (1 - fraction) / count) end

--- "87.31% ± 0.65 (8731/10000)".
---@param result table accuracy, margin, correct, total
---@return string
function classes.accuracy_text(result)
  return ("%.2f%% ± %.2f (%d/%d)"):format(100 * result.accuracy, 100 * result.margin, result.correct, result.total)
end

return classes

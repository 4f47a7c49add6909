--- Classes: what the outputs of a classifier say. Invariant: a row with a NaN says nothing, so it is never right.

local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"

local classes = {}

--- Raises unless there is an output for each of two classes at least: the largest of one is always right.
---@param what string the function, for the message
---@param output tensor # [batch, classes] or [classes]
function classes.check(what, output)
  if not core.is_tensor(output) or output.rank == 0 or output.shape[output.rank] > 1 then return end
  core.raise("%s: expected an output for each class, at least two, got %s; a single logit is compared with 0, " ..
    "such as output:gt(0):eq(target):mean() for targets of 0 and 1", what, say.value(output))
end

--- The place of the largest output of each row.
---@param what string the function, for messages
---@param output tensor # [batch, classes] or [classes]; a NaN, which says nothing, raises an error
---@param before? integer rows that came before, for the message, 0
---@return tensor int32 [batch] or []
function classes.said(what, output, before)
  classes.check(what, output)
  local largest = output:max(output.rank)
  local broken = largest:ne(largest)
  if broken:sum():item() > 0 then
    core.raise("%s: %sthe output holds a nan, so it says no class", what,
      broken.rank == 0 and "" or ("row %d of "):format((before or 0) + broken:argmax():item()))
  end
  return output:argmax(output.rank)
end

--- Probabilities from what a classifier gives: as it is where it comes from a softmax, or where rows are not
-- negative and add up to 1, else its softmax.
---@param output tensor # [batch, classes] or [classes]
---@return tensor of the same shape
function classes.probabilities(output)
  if core.made_by(output) == "softmax" then return output end
  local fine = output:min():item() >= 0 and (output:sum(output.rank) - 1):abs():max():item() < 1e-3
  return fine and output or core.softmax(output)
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
---@param output tensor # [batch, classes] or [classes], two classes at least; a row with a NaN is wrong
---@param labels tensor|integer # [batch], from 1, a number for one row; or distributions of the output's shape,
--- whose largest then is the label
---@return integer count
function classes.correct(output, labels) return classes.count_correct("correct", output, labels) end

--- The 95% interval of a fraction (Wilson, 1927), which makes sense near 0 and 1 and for few rows, too, where the
-- normal approximation has no width.
---@param fraction number of the rows, 0 to 1
---@param count integer rows, at least 1
---@return number low
---@return number high
function classes.interval(fraction, count)
  local z = 1.96
  local middle, scale = fraction + z * z / (2 * count), 1 + z * z / count
  local half = z * math.sqrt(fraction * (1 - fraction) / count + z * z / (4 * count * count))
  return math.max(0, (middle - half) / scale), math.min(1, (middle + half) / scale)
end

--- How far the 95% interval of a fraction reaches, to its farther end.
---@param fraction number of the rows, 0 to 1
---@param count integer rows, at least 1
---@return number
function classes.margin(fraction, count)
  local low, high = classes.interval(fraction, count)
  return math.max(fraction - low, high - fraction)
end

--- "87.31% ± 0.67 (8731/10000)".
---@param result table accuracy, margin, correct, total
---@return string
function classes.accuracy_text(result)
  return ("%.2f%% ± %.2f (%d/%d)"):format(100 * result.accuracy, 100 * result.margin, result.correct, result.total)
end

return classes

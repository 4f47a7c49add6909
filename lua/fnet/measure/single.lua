--- Single: one output a sample, for targets of 0 and 1, as two classes. Invariant: whether it is a logit or a
-- probability is known or asked for, never guessed.

local core = require "fnet.core"
local is = require "fnet.base.is"
local say = require "fnet.base.say"

local single = {}

--- Whether there is one output a sample.
---@param output tensor
---@param target any
---@return boolean
function single.is_one(output, target)
  local column = output.rank == 2 and output.shape[2] == 1
  return column or output.rank == 1 and core.is_tensor(target) and target.rank == 1
end

--- Targets of 0 and 1, checked.
---@param what string the metric, for messages
---@param target tensor
---@return tensor
function single.truths(what, target)
  local wrong = target:ne(0) * target:ne(1)
  if target:count() > 0 and wrong:max():item() > 0 then
    local place = wrong:flatten():argmax():item()
    local value = target:flatten()[place]
    core.raise("%s: expected targets of 0 and 1, got %g in row %d%s", what, value,
      (place - 1) // (target:count() // #target) + 1, value == 2 and "; subtract 1 from labels that count from 1" or
        value == -1 and "; targets of -1 and 1 become such by (y + 1) / 2" or "")
  end
  return target
end

--- The outputs as those of two classes, of which 1 is the second, and the labels.
---@param what string the metric, for messages
---@param output tensor # [batch] or [batch, 1]
---@param target tensor # [batch] or [batch, 1], 0 or 1
---@param probabilities? boolean whether the outputs are such, and no logits; needed where all lie from 0 to 1
---@return tensor output float64 [batch, 2]
---@return tensor labels int32 [batch]
function single.classes(what, output, target, probabilities)
  local count = #output
  local fits = core.is_tensor(target) and (is.same_shape(target.shape, { count })
    or is.same_shape(target.shape, { count, 1 }))
  if not fits then
    core.raise("%s: expected a target of 0 or 1 for each output, got outputs %s and %s", what, say.value(output),
      say.value(target))
  end
  local labels = (single.truths(what, target):reshape { count } + 1):int()
  local x = output:double():reshape { count, 1 }
  local inside = count > 0 and x:ge(0):min():item() == 1 and x:le(1):min():item() == 1
  if probabilities == nil and inside then
    core.raise("%s: all outputs lie from 0 to 1, as probabilities do, and logits may; say which they are: " ..
      "{ probabilities = true }, or false", what)
  elseif probabilities and count > 0 and not inside and x:eq(x):min():item() == 1 then
    core.raise("%s: expected probabilities, got an output of %g", what,
      x:min():item() < 0 and x:min():item() or x:max():item())
  end
  local other = probabilities and 1 - x or core.full({ count, 1 }, 0, "float64")
  return core.concat2(other, x, 2), labels
end

return single

--- Reduction: what becomes of the losses of rows or elements: their mean, their sum, or all of them. Invariant:
-- what is left out counts nowhere, whatever stands there.

local core = require "fnet.core"
local divisor = require "fnet.nn.divisor"
local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local say = require "fnet.base.say"

local reduction = {}

local ELEMENTS, NONE = { "reduction", "ignore" }, {} -- options

--- The option `reduction`.
---@param what string the loss, for the message
---@param value any
---@return string "mean", "sum" or "none"
function reduction.option(what, value)
  return value == nil and "mean" or expect.choice(what .. ": reduction", value, { "mean", "sum", "none" })
end

--- The mean of losses, their sum, or they themselves.
---@param each tensor
---@param how string from `option`
---@return tensor
function reduction.of(each, how)
  if how == "none" then return each end
  return how == "sum" and divisor.note_sum(each:sum()) or each:mean()
end

--- Raises unless both are tensors of one shape with something in them.
---@param what string the loss, for the message
---@param output any
---@param target any
function reduction.check_pair(what, output, target)
  if core.is_pair(output, target) then return end
  if not (core.is_tensor(output) and core.is_tensor(target)) then
    core.raise("%s: expected two tensors, got %s and %s", what, say.value(output), say.value(target))
  end
  local a, b = output.shape, target.shape
  if not is.same_shape(a, b) then
    local column = #a == #b + 1 and a[#a] == 1 and is.same_shape({ table.unpack(a, 1, #b) }, b)
    core.raise("%s: expected equal shapes, got %s and %s%s", what, say.shape(a), say.shape(b),
      column and ("; output:squeeze(%d) drops the axis of length 1"):format(#a) or "")
  end
  core.raise("%s: expected at least one element, got %s", what, say.shape(a))
end

--- A loss of the elements of two tensors of one shape, but for those whose target is `ignore`.
---@param what string the loss, for messages
---@param output tensor
---@param target tensor
---@param options any reduction, ignore, and what else the cost takes
---@param cost fun(output: tensor, target: tensor, options: table): tensor the losses of the elements
---@param known? string[] the names of the options, where there are more
---@return tensor
function reduction.elements(what, output, target, options, cost, known)
  reduction.check_pair(what, output, target)
  if options == nil then return cost(output, target, NONE):mean() end -- the ordinary case, and quick
  expect.options(what, options, known or ELEMENTS, known and { "squared" })
  local how, ignored = reduction.option(what, options.reduction), options.ignore
  if ignored == nil then return reduction.of(cost(output, target, options), how) end
  expect.number(what .. ": ignore", ignored, -math.huge, math.huge)
  local counts = target:ne(ignored)
  local each = core.where(counts, cost(core.where(counts, output, 0), core.where(counts, target, 1), options), 0)
  if how ~= "mean" then return reduction.of(each, how) end
  local count = math.tointeger(counts:double():sum():item())
  return divisor.note(each:sum() / math.max(count, 1), count)
end

return reduction

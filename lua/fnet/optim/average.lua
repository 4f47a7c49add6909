--- Average: the exponential moving average of weights (Polyak and Juditsky, 1992), which often predicts better than
-- the last weights do. Invariant: the average of one update is those weights themselves; there is no start value
-- that must first fade.

local closing = require "fnet.base.closing"
local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"
local optimizer = require "fnet.optim.optimizer"
local is_module = require("fnet.nn.module").is_module

---@class optim.Average
---@field decay number
---@field updates integer how many there were
---@field parameters tensor[]
---@field averages tensor[]
local Average = {}
Average.__index = Average

--- "Average(4 parameters, decay 0.999)".
---@return string
function Average:__tostring() return ("Average(%d parameters, decay %g)"):format(#self.parameters, self.decay) end

-- to[i] = from[i]
local function copy_all(to, from)
  for i = 1, #from do to[i]:copy(from[i]) end
end

--- Takes the weights as they are now into the average. To be called after each step.
function Average:update()
  expect.method("update", self)
  if self.swapped then
    core.raise("Average: update: the model has the averaged weights now; swap() them back first")
  end
  -- After t updates the weights of update i have the share decay^(t - i) / (1 + decay + ... + decay^(t - 1)).
  self.sum = self.sum * self.decay + 1
  self.updates = self.updates + 1
  if self.updates == 1 then
    core.no_grad(copy_all, self.averages, self.parameters)
  else
    core.average(self.averages, self.parameters, 1 / self.sum)
  end
end

--- Exchanges the model's weights with the averaged ones; a second call exchanges them back.
function Average:swap()
  expect.method("swap", self)
  if self.updates == 0 then core.raise("Average: swap: nothing was averaged yet; call update() after each step") end
  local kept = {}
  for i, parameter in ipairs(self.parameters) do kept[i] = parameter:detach():clone() end
  core.no_grad(copy_all, self.parameters, self.averages)
  core.no_grad(copy_all, self.averages, kept)
  self.swapped = not self.swapped
end

--- Calls f(...) while the model has the averaged weights, such as `average:apply(nn.evaluate, model, valid)`, and
-- puts the weights back, also after an error.
---@param f function
---@param ... any
---@return any ... what f returns
function Average:apply(f, ...)
  expect.method("apply", self)
  expect.that(is.callable(f), "Average: apply", "a function first", f)
  self:swap()
  local _ <close> = closing(function() self:swap() end)
  return f(...)
end

--- What it remembers, for a file: updates, sum, and the averages by number, such as averages.3. The tensors are its
-- own: clone those that are to outlive the next update.
---@return table state
function Average:state()
  expect.method("state", self)
  local state = { updates = self.updates, sum = self.sum }
  for i, average in ipairs(self.averages) do state["averages." .. i] = average end
  return state
end

--- Takes over what `state` gave, for parameters of the same shapes.
---@param state table the tensors are copied. Raises where it does not fit, before anything changes
---@return optim.Average self
function Average:load_state(state)
  expect.method("load_state", self)
  expect.that(type(state) == "table" and math.type(state.updates) == "integer" and type(state.sum) == "number",
    "Average: load_state", "what state() gave", state)
  local list = {}
  for i, average in ipairs(self.averages) do
    local given = state["averages." .. i]
    list[i] = expect.that(is.alike(given, average), "Average: load_state: averages." .. i,
      say.value(average) .. " like its parameter", given)
  end
  copy_all(self.averages, list)
  self.updates, self.sum, self.swapped = state.updates, state.sum, false
  return self
end

--- The moving average of a model's weights: after t updates those of update i count in proportion to decay^(t - i).
-- Only parameters: running statistics, such as those of BatchNorm, stay the model's own. With a decay of 1 all
-- count alike.
---@param parameters nn.Module|tensor[] a model, or its parameters
---@param options? table decay: number, 0.999, the last 1 / (1 - decay) steps or so count
---@return optim.Average
return function(parameters, options)
  if is_module(parameters) then parameters = parameters:parameters() end
  if type(parameters) ~= "table" or #parameters == 0 then
    core.raise("Average: expected a model or a table of at least one parameter")
  end
  parameters = optimizer.tensors_of("Average", parameters)
  options = expect.options("Average", options, { "decay" })
  local averages = {}
  for i, parameter in ipairs(parameters) do averages[i] = core.full(parameter.shape, 0, parameter.dtype) end
  return setmetatable({
    parameters = parameters, averages = averages, updates = 0, sum = 0,
    decay = options.decay == nil and 0.999 or expect.number("Average: decay", options.decay, 0, 1),
  }, Average)
end

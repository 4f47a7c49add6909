--- Meter: the mean loss and the metrics over samples, counted batch by batch. Invariant: batches count by their
-- rows, so the means are those over all samples, also where the last batch is smaller. A metric that is no mean of
-- batches is computed once, from all outputs and targets; they are kept only where there is such a metric.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local naming = require "fnet.base.naming"
local say = require "fnet.base.say"
local core = require "fnet.core"
local classes = require "fnet.measure.classes"
local collect = require "fnet.measure.collect"
local library = require "fnet.measure"

-- Those of the library that are no means of batches.
local WHOLE = { [library.r2] = true, [library.auc] = true, [library.average_precision] = true,
  [library.calibration_error] = true }

-- What records and results have of their own.
local TAKEN = { loss = true, total = true, epoch = true, samples = true, seconds = true, lr = true }

--- Whether records have a figure of that name themselves.
---@param name string
---@return boolean
local function is_taken(name) return TAKEN[name] or name:find "^valid_" ~= nil end

local Meter = {}
Meter.__index = Meter

--- The rows of a batch.
---@param target tensor|tensor[]
---@return integer
local function rows_of(target)
  local first = is.several(target) and select(2, next(target)) or target
  return core.is_tensor(first) and first.rank > 0 and #first or 1
end

--- What a loss or a metric has returned, as a number.
---@param what string for the message
---@param value any a number or a tensor with one element; others raise an error
---@return number
local function number(what, value)
  if core.is_tensor(value) and value:count() == 1 then value = value:item() end
  if type(value) ~= "number" then core.raise("%s must return a number, got %s", what, say.value(value)) end
  return value
end

-- How many rows of a batch are right: an accuracy that is counted has no rounding in it. A sequence, which has
-- several labels, is right in part.
local function correct_rows(output, target)
  local correct = classes.count_correct("accuracy", output, target)
  return correct * rows_of(target) / (output:count() // output.shape[output.rank])
end

-- The entry of the list that a function, or { whole = function }, stands for.
local function entry_of(what, name, given)
  if given == library.accuracy then return { name = name, of = correct_rows } end
  local f, over_all = given, WHOLE[given]
  if type(given) == "table" and not is.callable(given) then f, over_all = rawget(given, "whole"), true end
  local place = ("%s: metrics: %s"):format(what, name)
  expect.that(is.callable(f), place, "a function(output, target)", given)
  local function value_of(output, target) return number(place, core.no_grad(f, output, target)) end
  if over_all then return { name = name, of = value_of, whole = true } end
  return { name = name, of = function(output, target) return value_of(output, target) * rows_of(target) end }
end

--- The metrics that an option `metrics` stands for: of each its name and a function of outputs and targets, which
-- gives the sum over the rows of a batch; or, where `whole` is true, the metric of all rows.
---@param what string the function, for messages
---@param metrics? table names of known metrics, listed; functions(output, target) -> mean over the batch, or
--- { whole = function(output, target) -> metric of all rows }, by name; no name twice, and none that a record has
--- itself (loss, lr, valid_...)
---@return { name: string, of: function, whole: boolean? }[] list in a fixed order
local function metric_list(what, metrics)
  metrics = metrics or {}
  expect.that(type(metrics) == "table", what .. ": metrics", "a table such as { 'accuracy' }", metrics)
  local list, seen = {}, {}
  local function add(name, given)
    if seen[name] then core.raise("%s: metrics: '%s' is there twice", what, name) end
    seen[name] = true
    list[#list + 1] = entry_of(what, name, given)
  end
  for i = 1, core.length(metrics) do
    local name = metrics[i]
    if is.callable(name) then
      core.raise("%s: metrics: expected a name for the function, such as { mae = nn.mae }", what)
    end
    if type(name) == "string" and name ~= "accuracy" then
      core.raise("%s: metrics: unknown name '%s'%s; known are accuracy, and functions by name, { mae = nn.mae }",
        what, name, naming.hint(name, { "accuracy" }))
    end
    add(name, library[expect.choice(what .. ": metrics", name, { "accuracy" })])
  end
  for _, name in ipairs(naming.sorted(metrics)) do
    if is_taken(name) then
      core.raise("%s: metrics: the name '%s' is taken; give the metric another one", what, name)
    end
    add(name, metrics[name])
  end
  return list
end

--- Whether there is a metric over all rows, for which outputs and targets have to be kept.
---@return boolean
function Meter:keeps() return self.add_output ~= nil end

--- Keeps outputs and targets, where there is such a metric.
---@param output tensor
---@param target tensor
function Meter:keep(output, target)
  if not self.add_output then return end
  self.outputs, self.targets = self.add_output(output), self.add_target(target)
end

--- What a batch adds, in numbers: its rows, its loss times these, and the sum of each metric; `add_figures` counts
-- them in.
---@param output tensor
---@param target tensor
---@param loss number its mean over the batch
---@return number[] figures
function Meter:figures(output, target, loss)
  local rows = rows_of(target)
  local figures = { rows, loss * rows }
  for i, metric in ipairs(self.metrics) do figures[i + 2] = metric.whole and 0 or metric.of(output, target) end
  return figures
end

--- Counts in what `figures` gave.
---@param figures number[]
function Meter:add_figures(figures)
  self.rows, self.loss = self.rows + figures[1], self.loss + figures[2]
  local sums = self.sums
  for i = 1, #sums do sums[i] = sums[i] + figures[i + 2] end
end

--- Counts a batch in.
---@param output tensor
---@param target tensor
---@param loss number its mean over the batch
function Meter:add(output, target, loss)
  self:add_figures(self:figures(output, target, loss))
  self:keep(output, target)
end

--- The mean loss so far.
---@return number
function Meter:mean_loss() return self.loss / self.rows end

--- Puts the mean loss and the metrics into a record.
---@param record table
---@return table record
function Meter:fill(record)
  record.loss = self:mean_loss()
  for i, metric in ipairs(self.metrics) do
    record[metric.name] = metric.whole and metric.of(self.outputs, self.targets) or self.sums[i] / self.rows
  end
  return record
end

--- What was counted, for a checkpoint.
---@return table state
function Meter:state()
  return { rows = self.rows, loss = self.loss, sums = self.sums, outputs = self.outputs, targets = self.targets }
end

--- Goes on from a state; into a meter that has seen nothing.
---@param state table
function Meter:load_state(state)
  self.rows, self.loss, self.sums = state.rows, state.loss, state.sums
  if state.outputs then self:keep(state.outputs, state.targets) end
end

--- A meter that has seen nothing.
---@param what string the function, for messages
---@param metrics table[] from metric_list
---@param rows? integer how many will come, as far as that is known
---@return table meter
local function new(what, metrics, rows)
  local self = setmetatable({ metrics = metrics, rows = 0, loss = 0, sums = {} }, Meter)
  for i, metric in ipairs(metrics) do
    self.sums[i] = 0
    if metric.whole and not self.add_output then
      self.add_output, self.add_target = collect(what, rows or 0), collect(what, rows or 0)
    end
  end
  return self
end

return { new = new, metric_list = metric_list, number = number, is_taken = is_taken, rows = rows_of }

--- Meter: the mean loss and the mean of each metric over samples, gathered batch by batch. Invariant: batches count
-- by their rows, so the means are those over all samples, also where the last batch is smaller.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local naming = require "fnet.base.naming"
local say = require "fnet.base.say"
local core = require "fnet.core"
local count_correct = require("fnet.measure.classifier").count_correct

-- Metrics by name: each gives the sum over the rows of a batch.
local known = {
  accuracy = function(output, target) return count_correct("accuracy", output, target) end,
}

-- What records and results have of their own.
local TAKEN = { loss = true, total = true, epoch = true, samples = true, seconds = true, lr = true }

local Meter = {}
Meter.__index = Meter

-- The rows of a batch.
local function rows_of(target) return core.is_tensor(target) and target.rank > 0 and #target or 1 end

--- What a loss or a metric has returned, as a number.
---@param what string for the message
---@param value any a number or a tensor with one element; others raise an error
---@return number
local function number(what, value)
  if core.is_tensor(value) and value:count() == 1 then value = value:item() end
  if type(value) ~= "number" then
    core.raise(("%s must return a number, got %s"):format(what, say.value(value)))
  end
  return value
end

--- The list of {name, sum over the rows of a batch} that an option `metrics` stands for.
---@param what string the function, for messages
---@param metrics? table names of known metrics, listed; functions(output, target) -> mean over the batch, by name;
--- no name twice, and none that a record has itself (loss, lr, valid_...)
---@return table[] list in a fixed order
local function metric_list(what, metrics)
  metrics = metrics or {}
  if type(metrics) ~= "table" then
    core.raise(("%s: metrics: expected a table such as { 'accuracy' }, got %s"):format(what,
      say.value(metrics)))
  end
  local list, seen = {}, {}
  local function add(name, f)
    if seen[name] then core.raise(("%s: metrics: '%s' is there twice"):format(what, name)) end
    seen[name] = true
    list[#list + 1] = { name, f }
  end
  for _, name in ipairs(metrics) do
    if is.callable(name) then
      core.raise(("%s: metrics: expected a name for the function, such as { mae = nn.mae }"):format(what))
    end
    add(name, known[expect.choice(what .. ": metrics", name, naming.sorted(known))])
  end
  for _, name in ipairs(naming.sorted(metrics)) do
    local f = metrics[name]
    if TAKEN[name] or name:find "^valid_" then
      core.raise(("%s: metrics: the name '%s' is taken; give the metric another one"):format(what, name))
    end
    if not is.callable(f) then
      core.raise(("%s: metrics: %s: expected a function(output, target), got %s"):format(what, name,
        say.value(f)))
    end
    add(name, function(output, target)
      return number(("%s: metrics: %s"):format(what, name), core.no_grad(f, output, target)) * rows_of(target)
    end)
  end
  return list
end

--- Counts a batch in.
---@param output tensor
---@param target tensor
---@param loss number its mean over the batch
function Meter:add(output, target, loss)
  local rows = rows_of(target)
  self.rows, self.loss = self.rows + rows, self.loss + loss * rows
  local sums = self.sums
  for i, metric in ipairs(self.metrics) do sums[i] = sums[i] + metric[2](output, target) end
end

--- Puts the means into a record.
---@param record table
---@param prefix? string goes before the names
---@return table record
function Meter:fill(record, prefix)
  prefix = prefix or ""
  record[prefix .. "loss"] = self.loss / self.rows
  for i, metric in ipairs(self.metrics) do record[prefix .. metric[1]] = self.sums[i] / self.rows end
  return record
end

--- A meter that has seen nothing.
---@param metrics table[] from metric_list
---@return table meter
local function new(metrics)
  local sums = {}
  for i = 1, #metrics do sums[i] = 0 end
  return setmetatable({ metrics = metrics, rows = 0, loss = 0, sums = sums }, Meter)
end

return { new = new, metric_list = metric_list, number = number }

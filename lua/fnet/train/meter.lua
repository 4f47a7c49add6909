--- Meter: the mean loss and the mean of each metric over samples, gathered batch by batch. Invariant: batches count
-- by their rows, so the means are those over all samples, also where the last batch is smaller.

local check = require "fnet.check"
local core = require "fnet.core"
local correct = require("fnet.nn.evaluate").correct

-- Metrics by name: each gives the sum over the rows of a batch.
local known = {
  accuracy = correct,
}

local Meter = {}
Meter.__index = Meter

-- The rows of a batch.
local function rows_of(target) return core.is_tensor(target) and target.rank > 0 and #target or 1 end

--- The list of {name, sum over the rows of a batch} that an option `metrics` stands for.
---@param what string the function, for messages
---@param metrics? table names of known metrics, listed; functions(output, target) -> mean over the batch, by name
---@return table[] list in a fixed order
local function metric_list(what, metrics)
  metrics = metrics or {}
  if type(metrics) ~= "table" then
    core.raise(("%s: metrics: expected a table such as { 'accuracy' }, got %s"):format(what,
      check.describe(metrics)))
  end
  local list = {}
  for _, name in ipairs(metrics) do
    list[#list + 1] = { name, known[check.choice(what .. ": metrics", name, check.names(known))] }
  end
  for _, name in ipairs(check.names(metrics)) do
    local f = metrics[name]
    if not check.is_callable(f) then
      core.raise(("%s: metrics: %s: expected a function(output, target), got %s"):format(what, name,
        check.describe(f)))
    end
    list[#list + 1] = { name, function(output, target)
      local value = core.no_grad(f, output, target)
      if core.is_tensor(value) then value = value:item() end
      if type(value) ~= "number" then
        core.raise(("%s: metrics: %s must return a number, got %s"):format(what, name, check.describe(value)))
      end
      return value * rows_of(target)
    end }
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

return { new = new, metric_list = metric_list }

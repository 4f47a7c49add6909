--- Early stopping: watches one figure of the epochs, keeps the weights of the best, and says when to stop.

local expect = require "fnet.base.expect"
local core = require "fnet.core"
local snapshot = require "fnet.nn.snapshot"

local EarlyStopping = {}
EarlyStopping.__index = EarlyStopping

--- Looks at an epoch's figures.
---@param record table
---@return string? reason to stop now
function EarlyStopping:observe(record)
  local value = record[self.monitor]
  local better = value and value == value and (not self.best or
    (self.goal == "min" and value < self.best) or (self.goal == "max" and value > self.best))
  if better then
    self.best, self.epoch = value, record.epoch
    if self.kept then self.kept:take() end
  elseif record.epoch - (self.epoch or 0) >= self.patience then
    return ("stopped after epoch %d: %s has not improved since epoch %d"):format(record.epoch, self.monitor,
      self.epoch or 0)
  end
end

--- Gives the model the weights of the best epoch.
---@return boolean restored false where there was none, or where they were not wanted
function EarlyStopping:restore()
  if not self.kept or not self.epoch then return false end
  self.kept:restore()
  return true
end

--- What it has seen, for a checkpoint.
---@return table state
function EarlyStopping:state()
  return { best = self.best, epoch = self.epoch, kept = self.kept and self.kept.copies }
end

--- Goes on from a state; one without weights leaves those that are kept.
---@param state table
function EarlyStopping:load_state(state)
  self.best, self.epoch = state.best, state.epoch
  if not self.kept or not state.kept then return end
  self.kept:take()
  for i, copy in ipairs(self.kept.copies) do copy:copy(state.kept[i]) end
end

--- Early stopping for one training.
---@param model nn.Module
---@param options table see fnet.fit
---@param columns string[] the figures that there are
---@param has_valid boolean
---@return table
return function(model, options, columns, has_valid)
  options = expect.options("fit: early_stopping", options, { "patience", "monitor", "goal", "restore" },
    { "restore" })
  if options.patience == nil then
    core.raise("fit: early_stopping: patience is missing: how many epochs without improvement to wait, such as 5")
  end
  local monitor = expect.choice("fit: early_stopping: monitor",
    options.monitor == nil and (has_valid and "valid_loss" or "loss") or options.monitor, columns)
  local goal = options.goal
  if goal == nil then goal = monitor:find "loss$" and "min" or monitor:find "accuracy$" and "max" end
  if goal == nil then
    core.raise("fit: early_stopping: goal is missing: is a small %s good, 'min', or a large one, 'max'?", monitor)
  end
  return setmetatable({
    patience = expect.count("fit: early_stopping: patience", options.patience, 1),
    monitor = monitor,
    goal = expect.choice("fit: early_stopping: goal", goal, { "min", "max" }),
    kept = options.restore ~= false and snapshot(model) or nil,
  }, EarlyStopping)
end

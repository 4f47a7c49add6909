--- What a run of fit is in the middle of, for a checkpoint: the records so far, the sums of the epoch, the best
-- weights.

local core = require "fnet.core"

local FitState = {}
FitState.__index = FitState

--- Everything that the rest of the run depends on, besides the model, the optimiser and the random numbers.
---@return table state
function FitState:state()
  local run, stopping = self.run, self.stopping
  local records = {}
  for i, record in ipairs(run.history) do records[i] = record end
  return {
    records = records, total_steps = run.total_steps, stopped = run.stop_reason,
    means = run.means and run.means:state(),
    stopping = stopping and { best = stopping.best, epoch = stopping.epoch,
      kept = stopping.kept and stopping.kept.copies or nil } or nil,
  }
end

--- Takes over what `state` gave.
---@param state table
function FitState:load_state(state)
  local run, stopping = self.run, self.stopping
  for i, record in ipairs(state.records) do run.history[i] = record end
  run.total_steps, run.stop_reason, self.means = state.total_steps, state.stopped, state.means
  if not stopping or not state.stopping then return end
  stopping.best, stopping.epoch = state.stopping.best, state.stopping.epoch
  if not stopping.kept or not state.stopping.kept then return end
  stopping.kept:take()
  core.no_grad(function()
    for i, copy in ipairs(stopping.kept.copies) do copy:copy(state.stopping.kept[i]) end
  end)
end

--- The state of a run.
---@param run fnet.Run
---@param stopping table? early stopping
---@return table
return function(run, stopping) return setmetatable({ run = run, stopping = stopping }, FitState) end

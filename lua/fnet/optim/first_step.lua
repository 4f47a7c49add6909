--- First step: from the making of an optimiser to its first step it is watched which leaves gradients reach, so
-- that those are told that nobody has (nn/outside.lua). Invariant: nothing is watched once every optimiser has
-- stepped, and for one that waits for long nothing from then until its zero_grad.

local observer = require "fnet.base.observer"
local outside = require "fnet.nn.outside"

local PATIENCE = 100 -- calls of backward for which one is waited for

local first_step = {}

-- Optimisers that have not stepped; who watches on behalf of them; the leaves that it has found; how many calls of
-- backward it goes on.
local waiting = setmetatable({}, { __mode = "k" })
local watcher, found, left = nil, {}, 0

local function end_watch()
  observer.leave(watcher)
  watcher, found = nil, {}
end

-- What the gradients of a result are about to reach.
local function note_strays(result)
  left = left - 1
  if left < 0 or next(waiting) == nil then return end_watch() end
  local strays = watcher.notes:strays(result)
  table.move(strays, 1, #strays, #found + 1, found)
  watcher.notes:clear()
end

--- An optimiser was made, or is used, and has not stepped.
---@param optimiser optim.Optimizer
function first_step.await(optimiser)
  if observer.current and observer.current ~= watcher then return end
  waiting[optimiser], left = true, PATIENCE
  watcher = watcher or outside.watcher { backward = note_strays }
  if not observer.current then observer.stay(watcher) end
end

--- What is wrong when an optimiser takes its first step, in a sentence; nil where nothing is. A gradient that the
-- script has looked at is known to it.
---@param optimiser optim.Optimizer
---@return string?
function first_step.problem(optimiser)
  if not waiting[optimiser] then return nil end
  waiting[optimiser] = nil
  local strays = outside.unsettled(found)
  found = {}
  if watcher and next(waiting) == nil then end_watch() end
  return outside.sentence(strays)
end

return first_step

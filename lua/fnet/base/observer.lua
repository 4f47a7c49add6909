--- Observer: who watches a script at work (`fnet check`, the search for a non-finite value). The library tells it
-- what happens, and pays a look at `current` where nobody watches. Invariant: there is one at a time, and after it
-- the one from before is back.

local closing = require "fnet.base.closing"

local observer = { current = nil }

local function nothing() end

---@class Observer
---@field run fun(layer: nn.Module, ...): any runs a layer, whose forward it has to call; gives its results
---@field optimiser fun(optimiser: optim.Optimizer) one was made
---@field batches fun(dataset: data.Dataset, size: integer, count: integer) a loop over so many batches begins
---@field backward fun(result: tensor) gradients are about to be computed
---@field here boolean? it has to see all that the script does, so nothing may go on in another process
---@field left boolean? it watches no more, and does not come back after another one
local Observer = {
  run = function(layer, ...) return layer:forward(...) end, optimiser = nothing, batches = nothing,
  backward = nothing,
}
Observer.__index = Observer

--- From now until the value that it returns is closed, these functions are told; nobody for nil.
---@param functions? table some of an Observer's
---@return table closing
function observer.watch(functions)
  local before = observer.current
  observer.current = functions and setmetatable(functions, Observer)
  return closing(function() observer.current = not (before and before.left) and before or nil end)
end

--- From now until `observer.leave` these functions are told, but for the time in which another one watches.
---@param functions table some of an Observer's; nobody may be watching
function observer.stay(functions) observer.current = setmetatable(functions, Observer) end

--- Ends what `stay` began.
---@param functions table
function observer.leave(functions)
  functions.left = true
  if observer.current == functions then observer.current = nil end
end

return observer

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
  return closing(function() observer.current = before end)
end

return observer

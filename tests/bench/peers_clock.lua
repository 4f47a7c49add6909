--- The time of one call, of which many may be too short for the clock. peers_clock.py does the same.

local fnet = require "fnet"

--- Calls once to warm up, then twice as often each time until all calls together last long enough.
---@param call fun() what is measured
---@param enough number seconds
---@param clock? fun(): number fnet.clock
---@return number seconds a call
return function(call, enough, clock)
  clock = clock or fnet.clock
  call()
  local calls = 1
  while true do
    local start = clock()
    for _ = 1, calls do call() end
    local seconds = clock() - start
    if seconds >= enough then return seconds / calls end
    calls = calls * 2
  end
end

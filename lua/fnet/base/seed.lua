--- Seed: random numbers from their start. Invariant: equal seeds give equal numbers, of fnet and of math.random,
-- which otherwise begins anywhere in each process.

local core = require "fnet.core"

---@param seed integer any whole number
return function(seed)
  core.random_state(seed)
  math.randomseed(seed)
end

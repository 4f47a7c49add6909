--- `local _ <close> = keep_random()`: the random numbers go on after the block as if it had taken none.

local closing = require "fnet.base.closing"
local core = require "fnet.core"

---@return table value to be closed
return function()
  local seed, stream = core.random_state()
  return closing(function() core.random_state(seed, stream) end)
end

--- Ctrl-C during a training: who takes it. fit ends and returns what it has, unless it runs inside a sweep, which
-- has to end too: then fit passes it on. Invariant: `inside` counts the sweeps that are running.

local core = require "fnet.core"

local interruption = { inside = 0 }

local FOREIGN = "interrupted!" -- what the program lua raises, with a position in front: text is all that it has

--- Whether an error is what Ctrl-C raises, in fnet or in stock Lua.
---@param message any
---@return boolean
function interruption.is(message)
  return core.error_kind(message) == "interrupted" or
    type(message) == "string" and message:sub(-#FOREIGN) == FOREIGN
end

return interruption

--- Try: what pcall does, for what the library makes an answer of, such as "the file is damaged". What is no answer
-- passes: Ctrl-C, which ends what runs, and a lack of memory, which says nothing of what was tried.

local core = require "fnet.core"
local interruption = require "fnet.base.interruption"

local function pass(ok, ...)
  if not ok and (interruption.is((...)) or core.error_kind((...)) == "out of memory") then error((...), 0) end
  return ok, ...
end

---@param f fun(...): any
---@param ... any its arguments
---@return boolean ok
---@return any ... what f returns, or its error
return function(f, ...) return pass(pcall(f, ...)) end

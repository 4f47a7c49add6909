--- base: what every other folder stands on: checks of arguments, how messages name things, kinds of errors, loading
-- on first use. This module knows which functions are the library's.

local core = require "fnet.core"

local LIBRARY = debug.getinfo(1, "S").source:gsub("base/init%.lua$", "") -- what the names of its chunks begin with
core.library(LIBRARY)

local base = {}

--- Whether a function is one of the library's.
---@param source string what debug.getinfo gives for it
---@return boolean
function base.is_own(source) return source:sub(1, #LIBRARY) == LIBRARY end

return base

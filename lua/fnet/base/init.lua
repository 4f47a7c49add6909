--- base: what every other folder stands on: checks of arguments, how messages name things, kinds of errors, loading
-- on first use. This module knows which functions are the library's, and that Lua, these files and the core fit
-- together. It and lua/fnet/init.lua, which loads it first, are read by Lua 5.1 too: only so can they refuse it.

local LIBRARY = debug.getinfo(1, "S").source:gsub("base/init%.lua$", "") -- what the names of its chunks begin with
local VERSION = "0.2.0" -- src/version.h has that of the core; where they differ, so says `make`

local base = {}

--- Whether a function is one of the library's.
---@param source string what debug.getinfo gives for it
---@return boolean
function base.is_own(source) return source:sub(1, #LIBRARY) == LIBRARY end

-- Raises at the line that has asked for the library.
local function refuse(message)
  local level = 2
  while true do
    local asking = debug.getinfo(level, "S")
    if not asking or asking.what ~= "C" and not base.is_own(asking.source) then break end
    level = level + 1
  end
  error("fnet: " .. message, level)
end

if _VERSION ~= "Lua 5.4" and _VERSION ~= "Lua 5.5" then
  local jit = rawget(_G, "jit") -- of LuaJIT
  refuse(("expected Lua 5.4 or 5.5, got %s; start the script with lua5.4, or with the program fnet")
    :format(jit and jit.version or _VERSION))
end

local core, path = require "fnet.core"

if core.version ~= VERSION then
  refuse(("the Lua files in %s are of fnet %s, but %s is of fnet %s; LUA_PATH and LUA_CPATH have to lead to one " ..
    "build"):format(LIBRARY:gsub("^@", ""), VERSION, path ~= ":preload:" and path or "fnet.core", core.version))
end

core.library(LIBRARY)

return base

--- What was probably meant, where Lua has found nil: the method with a name like it, or the library's name without
-- the `fnet.` in front. Used by the `fnet` command only.

local later = require "fnet.base.later"
local naming = require "fnet.base.naming"

local suggest = {}

--- What the library has by the name of a global that is not there: "fnet.nn.Dense" for "Dense".
---@param name string
---@return string? path nil where the library has nothing by that name, or is not in use
function suggest.global(name)
  local fnet = package.loaded.fnet
  if not fnet then return nil end
  later.load()
  if rawget(fnet, name) ~= nil then return "fnet." .. name end
  for _, space in ipairs(naming.sorted(fnet)) do
    local names = rawget(fnet, space)
    if type(names) == "table" and rawget(names, name) ~= nil then return ("fnet.%s.%s"):format(space, name) end
  end
end

--- What was meant where Lua says "attempt to call a nil value (method 'paramters')".
---@param message string
---@return string? name nil for other messages, and where nothing is near
function suggest.meant(message)
  local kind, name = message:match "a nil value %((%l+) '([%w_]+)'%)$"
  if kind == "global" then return suggest.global(name) end
  if kind == "method" then return require("fnet.command.help").near_method(name) end
end

return suggest

--- Modules that are loaded when a script first uses what they offer: reading them all would make up most of the
-- time in which a small script runs.
-- Invariant: a script sees no difference; what walks over the names loads them.

local naming = require "fnet.base.naming"

local later = {}

local waiting = {} -- functions that load what may be loaded still

--- A table of public names, as naming.strict makes it, some of which come from modules that are not loaded yet.
---@param what string how a script writes it, such as "fnet.data"
---@param list table the names that are there
---@param modules table<string, string|table> by module: the name of the module's value; or the names of some of its
--- fields, { public = field } where they differ
---@param elsewhere? table<string, string> as for naming.strict
---@return table list
function later.names(what, list, modules, elsewhere)
  local source = {}
  for module, names in next, modules do
    if type(names) == "string" then source[names] = { module } end
    for key, field in next, type(names) == "table" and names or {} do
      source[type(key) == "string" and key or field] = { module, field }
    end
  end
  local function load_name(name)
    local value, field = require(source[name][1]), source[name][2]
    if field then value = value[field] end
    rawset(list, name, value)
    return value
  end
  local function load_all()
    for name in next, source do
      if rawget(list, name) == nil then load_name(name) end
    end
  end
  local class = getmetatable(naming.strict(what, list, elsewhere))
  local unknown = class.__index
  function class.__index(_, name)
    if source[name] then return load_name(name) end
    load_all() -- the nearest name may be one of them
    return (unknown(list, name)) -- no tail call: errors see that no function was called
  end
  function class.__pairs()
    load_all()
    return next, list, nil
  end
  waiting[#waiting + 1] = load_all
  return list
end

--- Gives a class methods whose modules are loaded by the first call; loading puts the methods themselves there.
---@param class table
---@param modules table<string, string> by method
function later.methods(class, modules)
  for name, module in next, modules do
    class[name] = function(...)
      require(module)
      return class[name](...)
    end
    waiting[#waiting + 1] = function() require(module) end
  end
end

--- Loads everything that waits, for those that look at the library itself.
function later.load()
  for _, load_all in ipairs(waiting) do load_all() end
end

return later

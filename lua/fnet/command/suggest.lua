--- What was probably meant, where Lua has found nil, or a field that is no method: the method with a name like it,
-- what fnet has for that of another library, or the library's name without the `fnet.` in front. Used by the `fnet`
-- command only.

local later = require "fnet.base.later"
local naming = require "fnet.base.naming"

local suggest = {}

-- What an object has for a method or a field of another library's objects.
local function elsewhere(name)
  local objects = require "fnet.command.objects"
  for _, class in ipairs(naming.sorted(objects)) do
    if objects[class][name] then return objects[class][name] end
  end
end

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

-- What the word was probably to be that is no script: "inf" the command info, "help" an option.
local function command(word)
  local names = naming.sorted(require "fnet.command")
  names[#names + 1], names[#names + 2] = "--help", "--version"
  local near = naming.nearest(word, names)
  return near and ("did you mean 'fnet %s'?"):format(near)
end

--- What the script was probably to do where Lua says "attempt to call a nil value (method 'paramters')", and what
-- the command line was where it says "cannot open inf: No such file or directory".
---@param message string
---@return string? text nil for other messages, and where nothing is near
function suggest.way_out(message)
  local word = message:match "^cannot open ([%w-]+):"
  if word then return command(word) end
  local of, kind, name = message:match "attempt to %l+ an? (%l+) value %((%l+) '([%w_? ]+)'%)$"
  if kind == "global" and name == "fnet" and of == "nil" then
    return [[`local fnet = require "fnet"` comes before its use]]
  end
  if not package.loaded.fnet then return nil end -- whose objects it cannot be about
  if of == "number" and (name == "?" or name == "integer index") then -- as versions of Lua call what t[i] gives
    return "if it was to be an element of a tensor: t[i] is a number where t has one axis, and needs no :item()"
  end
  if kind == "method" and of ~= "nil" then return ("%s is a field: write it without parentheses"):format(name) end
  if of ~= "nil" then return nil end
  local near = nil
  if kind == "global" then near = suggest.global(name)
  elseif kind == "method" then near = elsewhere(name) or require("fnet.command.help").near_method(name)
  elseif kind == "field" then near = elsewhere(name) end
  return near and (near:find " " and near or ("did you mean '%s'?"):format(near))
end

return suggest

--- Nested: the tensors in a value, in plain tables inside it too, as arguments and results of models are.

local naming = require "fnet.base.naming"
local core = require "fnet.core"

local nested = {}

--- The tensors in a value: those of a list in its order, then those with names.
---@param value any
---@return tensor[]
function nested.tensors(value)
  local list, met = {}, {}
  local function collect(inner)
    if core.is_tensor(inner) then list[#list + 1] = inner end
    if type(inner) ~= "table" or getmetatable(inner) or met[inner] then return end
    met[inner] = true
    for _, part in ipairs(inner) do collect(part) end
    for _, name in ipairs(naming.sorted(inner)) do collect(inner[name]) end
  end
  collect(value)
  return list
end

--- The value with change(t) in the place of every tensor t; it stays as it is.
---@param value any
---@param change fun(t: tensor): tensor
---@param seen? table plain tables that are done
---@return any
function nested.map(value, change, seen)
  if core.is_tensor(value) then return change(value) end
  if type(value) ~= "table" or getmetatable(value) then return value end
  seen = seen or {}
  if not seen[value] then
    seen[value] = {}
    for key, inner in next, value do seen[value][key] = nested.map(inner, change, seen) end
  end
  return seen[value]
end

return nested

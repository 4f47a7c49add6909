--- Trace: watches a model's modules at work, also those inside others.

local contents = require "fnet.nn.contents"
local nested = require "fnet.base.nested"
local observer = require "fnet.base.observer"

local trace = {}

--- The arguments of a call, as table.pack gives them, with copies of all tensors.
---@param ... any
---@return table arguments
function trace.keep(...) return nested.map(table.pack(...), function(t) return t:detach():clone() end) end

--- Calls f while every module of the model reports: visit(module, output, input...) after its forward, inner
-- modules before the one that called them, in the order of the computation. Returns what f returns.
---@param model nn.Module
---@param visit fun(module: nn.Module, output: any, ...: any)
---@param f fun(...): any
---@param ... any arguments of f
---@return any ...
function trace.modules(model, visit, f, ...)
  local inside = {}
  for _, module in ipairs(model:modules()) do inside[module] = true end
  local _ <close> = observer.watch { run = function(module, ...)
    local results = table.pack(module:forward(...))
    if inside[module] then visit(module, results[1], ...) end
    return table.unpack(results, 1, results.n)
  end }
  return f(...)
end

--- A module's own parameters, each once, without those of modules inside it.
---@param module nn.Module
---@return { name: string, tensor: tensor, holder: table, key: any }[] with the table and the key that have it
function trace.own_parameters(module)
  local list, seen = {}, {}
  for _, entry in ipairs(contents.own(module).tensors) do
    if entry.is_parameter and not seen[entry.value] then
      seen[entry.value] = true
      list[#list + 1] = { name = entry.name, tensor = entry.value, holder = entry.holder, key = entry.key }
    end
  end
  return list
end

--- Whether a module computes something itself: it is no mere container of others.
---@param module nn.Module
---@return boolean
function trace.computes(module) return #module:modules() == 1 or #trace.own_parameters(module) > 0 end

return trace

--- What optimisers share: the check of their arguments, zero_grad.

local core = require "fnet.core"

local optimizer = {}

-- A number of an option, checked; `default` where it is not given.
local function option(name, options, key, default, low, high)
  local value = options[key]
  if value == nil then return default end
  if type(value) ~= "number" or not (value >= low and value <= high) then
    core.raise(("%s: %s: expected a number from %g to %g, got %s"):format(name, key, low, high, tostring(value)))
  end
  return value
end

--- A new class of optimisers.
---@param name string
---@param defaults table option -> {default, lowest, highest}
---@param names string the options, for messages
---@return table class, function constructor
function optimizer.class(name, defaults, names)
  local class = {}
  class.__index = class
  class.__tostring = function(self) return ("%s(%d parameters, lr %g)"):format(name, #self.parameters, self.lr) end

  --- Drops the gradients of all parameters.
  function class:zero_grad()
    for _, parameter in ipairs(self.parameters) do core.zero_grad(parameter) end
  end

  local function new(parameters, options)
    if type(parameters) ~= "table" or #parameters == 0 then
      core.raise(name .. ": expected a table of at least one parameter, such as model:parameters()")
    end
    for i, parameter in ipairs(parameters) do
      if not core.is_tensor(parameter) or not parameter.requires_grad then
        core.raise(("%s: parameter %d: expected a tensor that requires gradients, got %s"):format(name, i,
          core.is_tensor(parameter) and "one that does not" or type(parameter)))
      end
    end
    local self = { parameters = { table.unpack(parameters) } }
    options = options or {}
    if type(options) ~= "table" then core.raise(name .. ": expected a table of options, got " .. type(options)) end
    for key in pairs(options) do
      if not defaults[key] then
        core.raise(("%s: unknown option '%s'; known are %s"):format(name, tostring(key), names))
      end
    end
    for key, range in pairs(defaults) do self[key] = option(name, options, key, range[1], range[2], range[3]) end
    return setmetatable(self, class)
  end
  return class, new
end

--- One tensor of zeros for each parameter.
---@param parameters tensor[]
---@return tensor[]
function optimizer.zeros_like(parameters)
  local list = {}
  for i, parameter in ipairs(parameters) do list[i] = core.full(parameter.shape, 0, parameter.dtype) end
  return list
end

return optimizer

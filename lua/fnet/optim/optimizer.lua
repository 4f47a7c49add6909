--- What optimisers share: the check of their arguments, zero_grad.

local check = require "fnet.check"
local core = require "fnet.core"

local optimizer = {}

--- A new class of optimisers.
---@param name string
---@param ranges table[] options, each {name, default, lowest, highest}
---@return table class, function constructor
function optimizer.class(name, ranges)
  local class = {}
  class.__index = class
  class.__tostring = function(self) return ("%s(%d parameters, lr %g)"):format(name, #self.parameters, self.lr) end

  --- Drops the gradients of all parameters.
  function class:zero_grad()
    for _, parameter in ipairs(self.parameters) do core.zero_grad(parameter) end
  end

  local known = {}
  for i, range in ipairs(ranges) do known[i] = range[1] end

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
    options = check.options(name, options, known)
    for _, range in ipairs(ranges) do
      local key, default, low, high = table.unpack(range)
      self[key] = options[key] == nil and default or check.number(name .. ": " .. key, options[key], low, high)
    end
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

--- Start values for weights [inputs, units]. Random numbers come from the library's generator (fnet.seed).

local check = require "fnet.check"
local core = require "fnet.core"

local init = {}

--- Uniform in +-sqrt(6 / (inputs + units)) (Glorot and Bengio, 2010, equation 16).
---@param inputs integer
---@param units integer
---@return tensor
function init.glorot_uniform(inputs, units)
  local limit = math.sqrt(6 / (inputs + units))
  return core.uniform({ inputs, units }, -limit, limit)
end

--- Normal with deviation sqrt(2 / (inputs + units)) (Glorot and Bengio, 2010, equation 12).
---@param inputs integer
---@param units integer
---@return tensor
function init.glorot_normal(inputs, units)
  return core.normal({ inputs, units }, 0, math.sqrt(2 / (inputs + units)))
end

--- Uniform in +-sqrt(6 / inputs), for layers followed by relu (He and others, 2015, equation 10).
---@param inputs integer
---@param units integer
---@return tensor
function init.he_uniform(inputs, units)
  local limit = math.sqrt(6 / inputs)
  return core.uniform({ inputs, units }, -limit, limit)
end

--- Normal with deviation sqrt(2 / inputs), for layers followed by relu (He and others, 2015, equation 10).
---@param inputs integer
---@param units integer
---@return tensor
function init.he_normal(inputs, units) return core.normal({ inputs, units }, 0, math.sqrt(2 / inputs)) end

--- All zeros.
---@param inputs integer
---@param units integer
---@return tensor
function init.zeros(inputs, units) return core.full({ inputs, units }, 0) end

--- The names above, sorted.
---@return string[]
function init.names()
  local names = check.names(init)
  for i, name in ipairs(names) do
    if name == "names" then table.remove(names, i) end
  end
  return names
end

return check.named("fnet.nn.init", init)

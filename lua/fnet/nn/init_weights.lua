--- Start values for weights [inputs, units]. Random numbers come from the library's generator (fnet.seed).

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
  local names = {}
  for name in pairs(init) do
    if name ~= "names" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

return init

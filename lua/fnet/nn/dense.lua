--- Dense: a fully connected layer.

local core = require "fnet.core"
local init = require "fnet.nn.init_weights"
local module = require "fnet.nn.module"

---@class nn.Dense: nn.Module
---@field weight tensor [inputs, units]
---@field bias tensor? [units]
local Dense = module.class "Dense"
Dense.passes_on = true

local function check_count(value, what)
  if math.type(value) ~= "integer" or value < 1 then
    local whole = math.type(value) == "float" and math.tointeger(value)
    if not whole or whole < 1 then
      core.raise(("Dense: %s: expected a whole number of at least 1, got %s"):format(what, tostring(value)))
    end
    return whole
  end
  return value
end

local options_known = { bias = true, init = true }

--- y = x w + b. The weights start as Glorot-uniform unless `init` says otherwise, the bias as zeros.
---@param inputs integer features that come in
---@param units integer features that go out
---@param options? table bias: boolean, true; init: function(inputs, units) -> tensor [inputs, units], or a name of
--- nn.init such as "he_normal", "glorot_uniform"
function Dense:init(inputs, units, options)
  self.inputs, self.units = check_count(inputs, "inputs"), check_count(units, "units")
  options = options or {}
  for key in pairs(options) do
    if not options_known[key] then
      core.raise(("Dense: unknown option '%s'; known are bias, init"):format(tostring(key)))
    end
  end
  local make = options.init or init.glorot_uniform
  if type(make) == "string" then
    make = init[make] or core.raise(("Dense: unknown init '%s'; nn.init has %s"):format(options.init,
      table.concat(init.names(), ", ")))
  end
  local weight = make(self.inputs, self.units)
  if not core.is_tensor(weight) or weight.rank ~= 2 or #weight ~= self.inputs or weight.shape[2] ~= self.units then
    core.raise(("Dense: init must return a tensor [%d, %d], got %s"):format(self.inputs, self.units,
      core.is_tensor(weight) and "[" .. table.concat(weight.shape, ", ") .. "]" or type(weight)))
  end
  weight.requires_grad = true
  self.weight = weight
  if options.bias ~= false then
    local bias = core.full({ self.units }, 0, weight.dtype)
    bias.requires_grad = true
    self.bias = bias
  end
  self.text = ("Dense(%d, %d%s)"):format(self.inputs, self.units, options.bias == false and ", no bias" or "")
end

--- x w + b. Raises, with the layer's place in the model, where the shapes do not fit.
---@param x tensor [..., inputs]
---@return tensor y [..., units]
function Dense:forward(x)
  local full_name = rawget(self, "full_name")
  if not full_name then
    full_name = self:name()
    rawset(self, "full_name", full_name)
  end
  return core.dense(x, self.weight, self.bias, full_name)
end

--- The shape of one sample's result: that of the sample, with `units` in the last place.
---@param input? integer[] the shape of one sample
---@return integer[]
function Dense:output_shape(input)
  local shape = { table.unpack(input or { self.inputs }) }
  shape[#shape] = self.units
  return shape
end

--- "Dense(784, 128)".
---@return string
function Dense:describe() return self.text end

return Dense

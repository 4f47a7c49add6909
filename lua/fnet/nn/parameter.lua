--- Parameters of layers, made from their `init` and `bias` options.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"
local init = require "fnet.nn.init_weights"

local parameter = {}

--- A weight with the start values that the option names, or that the user's function gives.
---@param what string the layer, for messages
---@param shape integer[]
---@param make? string|fun(shape: integer[]): tensor  "glorot_uniform"
---@return tensor weight requires gradients
function parameter.weight(what, shape, make)
  make = make or "glorot_uniform"
  if type(make) ~= "function" then make = init[expect.choice(what .. ": init", make, init.names())] end
  local weight = make({ table.unpack(shape) })
  if not core.is_tensor(weight) or not is.same_shape(weight.shape, shape) then
    core.raise("%s: init must return a tensor %s, got %s", what, say.shape(shape), say.value(weight))
  end
  weight.requires_grad = true
  return weight
end

--- One value everywhere: a bias, a scale.
---@param shape integer[]
---@param value number
---@param dtype? string "float32"
---@return tensor bias requires gradients
function parameter.constant(shape, value, dtype)
  local bias = core.full(shape, value, dtype)
  bias.requires_grad = true
  return bias
end

return parameter

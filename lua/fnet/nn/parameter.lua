--- Parameters and buffers of layers, as they begin. Invariant: each tensor that a layer of the library begins with
-- is made here, so that whoever makes layers from a file's description can do without their memory, or bound it.

local closing = require "fnet.base.closing"
local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"
local init = require "fnet.nn.init_weights"

local parameter = {}

-- While layers are made for a file: whether their tensors are hollow, and how many elements they may still have.
local hollow, room = false, math.huge

--- Until the result is closed, the tensors that layers make are hollow, of their shape but without memory: one
-- number stands for all. They are there to be replaced.
---@return table closing
function parameter.without_memory()
  local before = hollow
  hollow = true
  return closing(function() hollow = before end)
end

--- Until the result is closed, the tensors that layers make have so many elements together, or an error is raised.
---@param elements number
---@return table closing
function parameter.within(elements)
  local before = room
  room = elements
  return closing(function() room = before end)
end

-- A hollow tensor; nil where there is memory for a true one.
local function stand_in(shape, dtype)
  local ones, elements = {}, 1.0
  for i, length in ipairs(shape) do ones[i], elements = 1, elements * length end
  if hollow then return core.full(ones, 0, dtype):expand(shape) end
  if elements > room then core.raise("the layers ask for far more numbers than the file has") end
  room = room - elements
end

--- A weight with the start values that the option names, or that the user's function gives.
---@param what string the layer, for messages
---@param shape integer[]
---@param make? nn.StartValues  "glorot_uniform"
---@return tensor weight requires gradients
function parameter.weight(what, shape, make)
  make = make or "glorot_uniform"
  if type(make) ~= "function" then make = init[expect.choice(what .. ": init", make, init.names())] end
  local weight = stand_in(shape) or make({ table.unpack(shape) })
  if not core.is_tensor(weight) or not is.same_shape(weight.shape, shape) then
    core.raise("%s: init must return a tensor %s, got %s", what, say.shape(shape), say.value(weight))
  end
  weight.requires_grad = true
  return weight
end

--- One value everywhere: a bias, a scale.
---@param shape integer[]
---@param value number
---@param dtype? fnet.ElementType "float32"
---@return tensor bias requires gradients
function parameter.constant(shape, value, dtype)
  local bias = parameter.buffer(shape, value, dtype)
  bias.requires_grad = true
  return bias
end

--- The same for what is not trained.
---@param shape integer[]
---@param value number|fun(shape: integer[]): tensor
---@param dtype? fnet.ElementType "float32"
---@return tensor
function parameter.buffer(shape, value, dtype)
  return stand_in(shape, dtype) or type(value) == "function" and value(shape) or core.full(shape, value, dtype)
end

return parameter

--- Activations: layers without parameters. Each is also a method of tensors, and a name that other layers take as
-- their option `activation`.

local decimal = require "fnet.base.decimal"
local expect = require "fnet.base.expect"
local naming = require "fnet.base.naming"
local core = require "fnet.core"
require "fnet.tensor.functions" -- adds methods that are taken here: leaky_relu, elu, selu, log_softmax
local module = require "fnet.nn.module"

local methods = core.methods

local classes, named = {}, {}

-- An activation is one operation; the shape stays. With an `argument` {name, default}, its number is the layer's.
local function add(name, short, activation, argument)
  local class = module.class(name)
  class.passes_on, class.keeps_shape = true, true
  if argument then
    local what = name .. ": " .. argument[1]
    --- Keeps the number that the operation takes.
    ---@param value? number the operation's own default
    function class:init(value)
      self.value = expect.number(what, value == nil and argument[2] or value, -math.huge, math.huge)
    end
    function class:describe()
      expect.method("describe", self)
      return name .. "(" .. decimal.text("%g", self.value) .. ")"
    end
  end
  --- The activation: element by element; softmax and log_softmax over the last axis.
  ---@param x tensor of any shape
  ---@return tensor y of the same shape
  function class:forward(x)
    if x == nil then expect.method("forward", self) end
    local y = activation(x, argument and self.value) -- no tail call: errors see that only the library runs
    return y
  end
  classes[name] = class
  named[short] = { apply = activation, text = short, passes_on = true, class = class }
end

--- max(x, 0). The layer of `tensor:relu`.
add("ReLU", "relu", methods.relu)
--- x above 0, else value * x; `value` is the slope below 0, 0.01. The layer of `tensor:leaky_relu`.
add("LeakyReLU", "leaky_relu", methods.leaky_relu, { "slope", 0.01 })
--- x above 0, else value * (exp(x) - 1); `value` is alpha, 1. The layer of `tensor:elu`.
add("ELU", "elu", methods.elu, { "alpha", 1 })
--- 1.0507 * elu(x, 1.67326). The layer of `tensor:selu`, which has the source.
add("SELU", "selu", methods.selu)
--- x times the normal distribution function of x, exact. The layer of `tensor:gelu`.
add("GELU", "gelu", methods.gelu)
--- x * sigmoid(x). The layer of `tensor:silu`.
add("SiLU", "silu", methods.silu)
--- 1 / (1 + exp(-x)). The layer of `tensor:sigmoid`.
add("Sigmoid", "sigmoid", methods.sigmoid)
--- The hyperbolic tangent. The layer of `tensor:tanh`.
add("Tanh", "tanh", methods.tanh)
--- log(1 + exp(x)). The layer of `tensor:softplus`.
add("Softplus", "softplus", methods.softplus)
--- exp(x) / sum(exp(x)) over the last axis: outputs become a probability distribution. The losses take its
-- logits instead, where they are better off with those.
add("Softmax", "softmax", core.softmax)
--- log(softmax(x)) over the last axis. The layer of `tensor:log_softmax`.
add("LogSoftmax", "log_softmax", methods.log_softmax)
classes.Softmax.keeps_input, named.softmax.keeps_input = true, true -- the logits, for cross_entropy

--- What a layer takes as its option `activation`: the name of one, as methods of tensors have it, a layer, or a
-- function of a tensor.
---@alias nn.Activation string|nn.Module|fun(x: tensor): tensor

-- The names of activations, sorted.
local function names() return naming.sorted(named) end

--- What a layer's option `activation` stands for.
---@param what string the layer, for messages
---@param option nn.Activation
---@return table activation apply: function(x) -> y; text: for describe(); passes_on: it keeps neither x nor y;
--- keeps_input: but y does keep x; module: the layer, if it is one; class: of the layer that a name stands for
local function resolve(what, option)
  if module.is_module(option) then
    return { apply = option, text = option:describe(), passes_on = option.passes_on,
      keeps_input = option.keeps_input, module = option }
  elseif type(option) == "function" then
    return { apply = option, text = "a function", passes_on = false, keeps_input = true }
  end
  local class = type(option) == "table" and rawget(option, "class_name")
  if class then core.raise("%s: activation: got the class %s; call it: nn.%s()", what, class, class) end
  return named[expect.choice(what .. ": activation", option, names())]
end

--- Gives a layer what its option `activation` stands for.
---@param layer nn.Module
---@param option? nn.Activation
---@return string text for describe(), behind the layer's other arguments
local function take(layer, option)
  if option == nil then return "" end
  local choice = resolve(layer.class_name, option)
  layer.apply, layer.passes_on = choice.apply, choice.passes_on
  layer.discards = choice.passes_on and not choice.keeps_input
  return ", " .. choice.text
end

--- The activation of such a layer.
---@param layer nn.Module
---@param y tensor what it computed; of no more use where `discards` says so
---@return tensor z
local function apply(layer, y)
  local z = layer.apply(y)
  if layer.discards then core.discard(y, z) end
  return z
end

return { classes = classes, names = names, resolve = resolve, take = take, apply = apply }

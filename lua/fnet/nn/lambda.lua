--- Lambda: any Lua function as a layer.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local core = require "fnet.core"
local module = require "fnet.nn.module"

---@class nn.Lambda: nn.Module
local Lambda = module.class "Lambda"

--- Calls the function: `nn.Lambda(function(x) return x * x end)`. Made of tensor operations it is differentiable. A
-- model with such a layer cannot be saved; a class of your own (nn.module) can. Layers and tensors that the
-- function captures belong to no model: they learn only where an optimiser is given them, and fit says so.
---@param f fun(x: tensor): tensor
---@param options? table name: string, for printing, "Lambda"; output_shape: integer[]|fun(shape: integer[]):
--- integer[], the shape of one sample's result, as a table or as a function of the shape of one sample, so that a
--- Sequential can check what follows
function Lambda:init(f, options)
  options = expect.options("Lambda", options, { "name", "output_shape" })
  expect.that(is.callable(f), "Lambda", "a function of a tensor", f)
  local shape = options.output_shape
  if shape ~= nil and type(shape) ~= "table" and type(shape) ~= "function" then
    core.raise("Lambda: output_shape: expected a table or a function, got " .. core.kind(shape))
  end
  if options.name ~= nil and type(options.name) ~= "string" then
    core.raise("Lambda: name: expected a string, got " .. core.kind(options.name))
  end
  self.call, self.text, self.shape = f, options.name or "Lambda", shape
end

--- What the function gives.
---@param x tensor
---@return tensor
function Lambda:forward(x)
  if x == nil then expect.method("forward", self) end
  local y = self.call(x)
  if y == nil then core.raise(self:name() .. ": its function gave nil, expected a tensor") end
  return y
end

function Lambda:output_shape(input)
  expect.output_shape(self, input)
  if type(self.shape) == "function" then return self.shape(input) end
  return self.shape
end

function Lambda:describe()
  expect.method("describe", self)
  return self.text .. "()"
end

return Lambda

--- The state of a model: its parameters and whatever else its layers keep (running statistics), by name; and how it
-- is put back.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local naming = require "fnet.base.naming"
local say = require "fnet.base.say"
local core = require "fnet.core"
local Module = require("fnet.nn.module").Module

local state = {}

--- Why the tensors are not a state of the model, or nil where they are one.
---@param model nn.Module
---@param tensors table<string, tensor>
---@return string? problem
function state.problem(model, tensors)
  local names, known = {}, {}
  for i, entry in ipairs(model:state()) do
    local tensor = tensors[entry.name]
    names[i], known[entry.name] = entry.name, true
    if tensor == nil then return ("lacks '%s', which the model needs"):format(entry.name) end
    if not core.is_tensor(tensor) then
      return ("has a %s as '%s', expected a tensor"):format(type(tensor), entry.name)
    end
    if not is.same_shape(entry.tensor.shape, tensor.shape) then
      return ("has '%s' of shape %s, the model expects %s"):format(entry.name, say.shape(tensor.shape),
        say.shape(entry.tensor.shape))
    end
  end
  for _, name in ipairs(naming.sorted(tensors)) do
    if not known[name] then
      local near = naming.nearest(name, names)
      return ("has '%s', which the model does not%s"):format(name, near and "; it has '" .. near .. "'" or "")
    end
  end
  return nil
end

--- All tensors that make up what the model has learnt, with their names such as "2.weight", in their fixed order:
-- the parameters, then what else the layers keep.
---@return { name: string, tensor: tensor }[]
function Module:state()
  expect.method("state", self)
  local list = self:named_parameters()
  for _, entry in ipairs(self:named_buffers()) do list[#list + 1] = entry end
  return list
end

--- Copies tensors into the model. Names and shapes must be those of `state()`, all of them; raises otherwise.
---@param tensors table<string, tensor> by name, as fnet.read_tensors gives them
---@return nn.Module self
function Module:load_state(tensors)
  expect.method("load_state", self)
  expect.that(type(tensors) == "table", "load_state", "a table of tensors by name", tensors)
  local problem = state.problem(self, tensors)
  if problem then core.raise("load_state: the table " .. problem) end
  core.no_grad(function()
    for _, entry in ipairs(self:state()) do entry.tensor:copy(tensors[entry.name]) end
  end)
  return self
end

return state

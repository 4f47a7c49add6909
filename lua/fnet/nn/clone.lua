--- Copies of models: a target network, a teacher, the best one so far.

local expect = require "fnet.base.expect"
local contents = require "fnet.nn.contents"
local Module = require("fnet.nn.module").Module

-- A tensor of its own with the same elements, a parameter where that is one, and frozen where it is.
local function copy_tensor(entry)
  local copy = entry.value:detach():clone()
  if entry.is_parameter then
    copy.requires_grad = true -- which is what makes it a parameter
    copy.requires_grad = entry.value.requires_grad
  end
  return copy
end

--- A model of its own with equal weights: all modules, plain tables, parameters and buffers in it are copied; what
-- is shared or frozen in it is so in the copy. Whatever else a field holds, such as a function or a data set, both
-- have in common; so has a Lambda what its function has caught.
---@return nn.Module
function Module:clone()
  expect.method("clone", self)
  local copies, all = {}, contents.of(self)
  for _, entries in ipairs { all.parameters, all.buffers } do
    for _, entry in ipairs(entries) do copies[entry.value] = copy_tensor(entry) end
  end
  local function copy(value)
    if copies[value] then return copies[value] end
    if type(value) ~= "table" then return value end
    local is_module = contents.is_module(value)
    if getmetatable(value) and not is_module then return value end
    local new = {}
    copies[value] = new
    for key, inner in next, value do
      if key == contents.PARENT then -- outside it the copy is a part of nothing
        new[key] = copies[inner]
      else
        local own_key = copies[key] or contents.is_module(key) and copy(key) or key
        new[own_key] = copy(inner)
      end
    end
    return setmetatable(new, getmetatable(value))
  end
  local new = copy(self)
  contents.adopt(nil, new, nil)
  return new
end

return Module.clone

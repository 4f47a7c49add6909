--- Feed: a model with the samples of a batch. Invariant: a list of tensors becomes the arguments of the model, one
-- after the other; tensors by name stay one table.

local is = require "fnet.base.is"
local core = require "fnet.core"

-- Raises where the model would leave inputs out, as a Lua function does with arguments that it does not name.
local function check_inputs(model, count)
  local frame = type(model.forward) == "function" and debug.getinfo(model.forward, "u")
  if not frame or frame.isvararg or frame.nparams > count then return end
  core.raise("%s: its forward takes %d of the %d inputs that the samples have; write one that takes each, " ..
    "function Model:forward(a, b), or give samples in one tensor", model:name(), frame.nparams - 1, count)
end

--- What the model gives.
---@param model nn.Module
---@param x tensor|table samples, a list of them where the model has several inputs, or a table by name
---@return any output
return function(model, x)
  if type(x) == "table" and is.tensor_list(x) then -- the first is quick
    local count = core.length(x)
    check_inputs(model, count)
    return (model(table.unpack(x, 1, count)))
  end
  return (model(x))
end

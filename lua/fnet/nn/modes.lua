--- Runs a function while a model is in training or in evaluation mode. Invariant: afterwards every module is in the
-- mode in which it was, also when the function raised.

local closing = require "fnet.base.closing"

local modes = {}

--- Returns what f returns.
---@param model nn.Module
---@param training boolean
---@param f fun(...): any
---@param ... any arguments of f
---@return any ...
function modes.with(model, training, f, ...)
  local modules, before = model:modules(), {}
  for i, module in ipairs(modules) do before[i] = module.training end
  local _ <close> = closing(function()
    for i, module in ipairs(modules) do module.training = before[i] end
  end)
  model:train(training)
  return f(...)
end

return modes

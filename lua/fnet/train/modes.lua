--- Runs a function while a model is in training or in evaluation mode. Invariant: afterwards every module is in the
-- mode in which it was, also when the function raised.

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
  model:train(training)
  local results = table.pack(pcall(f, ...))
  for i, module in ipairs(modules) do module.training = before[i] end
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

return modes

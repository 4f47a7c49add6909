--- SGD: stochastic gradient descent, with momentum (Polyak, 1964) or Nesterov's (Sutskever and others, 2013).

local core = require "fnet.core"
local optimizer = require "fnet.optim.optimizer"

local new = optimizer.class {
  name = "SGD",
  options = {
    { "lr", 1e-2, 0, math.huge }, { "momentum", 0, 0, 1 }, { "nesterov", false },
    { "weight_decay", 0, 0, math.huge },
  },
  rule = function(group) return group.momentum == 0 and "sgd" or group.nesterov and "nesterov" or "momentum" end,
  numbers = function(group, lr) return lr, group.weight_decay, 0, group.momentum end,
}

--- v = momentum v + gradient; p = p - lr v. With nesterov p = p - lr (gradient + momentum v).
---@param parameters table parameters such as model:parameters(), or groups of them with options of their own,
--- { { parameters = ..., lr = ... }, ... }
---@param options? table lr: 1e-2; momentum: 0; nesterov: false; weight_decay: 0, times p is added to the gradient
--- (L2); schedule: optim.Plateau|fun(step: integer): number, a factor for the learning rates, such as from
--- optim.schedule
---@return optim.Optimizer
return function(parameters, options)
  local self = new(parameters, options)
  for _, group in ipairs(self.groups) do
    if group.nesterov and group.momentum == 0 then
      core.raise("SGD: nesterov: expected a momentum above 0 with it, such as momentum = 0.9")
    end
  end
  return self
end

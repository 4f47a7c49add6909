--- RMSprop (Hinton, 2012, lecture 6e) and Adagrad (Duchi and others, 2011): gradients divided by the root of their
-- mean square, or of their sum of squares so far.

local optimizer = require "fnet.optim.optimizer"

local new_rmsprop = optimizer.class {
  name = "RMSprop",
  options = {
    { "lr", 1e-2, 0, math.huge }, { "alpha", 0.99, 0, 1 }, { "epsilon", 1e-8, 0, 1 },
    { "weight_decay", 0, 0, math.huge },
  },
  rule = "rmsprop",
  numbers = function(group, lr) return lr, group.weight_decay, 0, 0, group.alpha, group.epsilon end,
}

local new_adagrad = optimizer.class {
  name = "Adagrad",
  options = { { "lr", 1e-2, 0, math.huge }, { "epsilon", 1e-10, 0, 1 }, { "weight_decay", 0, 0, math.huge } },
  rule = "adagrad",
  numbers = function(group, lr) return lr, group.weight_decay, 0, 0, 0, group.epsilon end,
}

return {
  --- v = alpha v + (1 - alpha) gradient^2; p = p - lr gradient / (sqrt(v) + epsilon).
  ---@param parameters table parameters such as model:parameters(), or groups of them with options of their own,
  --- { { parameters = ..., lr = ... }, ... }
  ---@param options? table lr: 1e-2; alpha: 0.99; epsilon: 1e-8; weight_decay: 0, times p is added to the gradient
  --- (L2); schedule: optim.Plateau|fun(step: integer): number, a factor for the learning rates, such as from
  --- optim.schedule
  ---@return optim.Optimizer
  RMSprop = function(parameters, options) return new_rmsprop(parameters, options) end,

  --- v = v + gradient^2; p = p - lr gradient / (sqrt(v) + epsilon).
  ---@param parameters table as for RMSprop
  ---@param options? table lr, weight_decay, schedule: as for RMSprop; epsilon: 1e-10
  ---@return optim.Optimizer
  Adagrad = function(parameters, options) return new_adagrad(parameters, options) end,
}

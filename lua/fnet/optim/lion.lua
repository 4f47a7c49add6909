--- Lion (Chen and others, 2023, program 1): steps of one size, in the direction of a sign.

local optimizer = require "fnet.optim.optimizer"

local new = optimizer.class {
  name = "Lion",
  options = {
    { "lr", 1e-4, 0, math.huge }, { "beta1", 0.9, 0, 1 }, { "beta2", 0.99, 0, 1 },
    { "weight_decay", 0, 0, math.huge },
  },
  rule = "lion",
  numbers = function(group, lr) return lr, 0, lr * group.weight_decay, group.beta1, group.beta2 end,
}

--- p = p - lr (sign(beta1 m + (1 - beta1) gradient) + weight_decay p); m = beta2 m + (1 - beta2) gradient. Takes a
-- learning rate 3 to 10 times smaller than Adam's, and as much more weight decay (section 5 of the paper).
---@param parameters table parameters such as model:parameters(), or groups of them with options of their own,
--- { { parameters = ..., lr = ... }, ... }
---@param options? table lr: 1e-4; beta1: 0.9; beta2: 0.99; weight_decay: 0, decoupled as in AdamW; schedule:
--- optim.Plateau|fun(step: integer): number, a factor for the learning rates, such as from optim.schedule
---@return optim.Optimizer
return function(parameters, options) return new(parameters, options) end

--- Adam (Kingma and Ba, 2015, algorithm 1 in the form of section 2's last paragraph) and AdamW (Loshchilov and
-- Hutter, 2019, algorithm 2), which takes the weight decay from the weights themselves, not by way of the moments.

local optimizer = require "fnet.optim.optimizer"

local BELOW_1 = 1 - 2 ^ -24 -- the largest float32: at 1 the corrections for the start would divide by 0

-- The powers of beta1 and beta2 for the next step of a cohort, which keeps them; by repeated multiplication: the C
-- library's pow differs between machines. A step that is refused finds them again.
local function powers(group, cohort)
  if not cohort.powers then cohort.powers, cohort.power1, cohort.power2 = 0, 1.0, 1.0 end
  for _ = cohort.powers, cohort.steps do
    cohort.power1, cohort.power2 = cohort.power1 * group.beta1, cohort.power2 * group.beta2
  end
  cohort.powers = cohort.steps + 1
  return cohort.power1, cohort.power2
end

-- The numbers that core.optimise takes for the next step.
local function numbers(group, lr, cohort, decay, fade)
  local power1, power2 = powers(group, cohort)
  local root = math.sqrt(1 - power2)
  return lr * root / (1 - power1), decay, fade, group.beta1, group.beta2, group.epsilon * root
end

local function coupled(group, lr, cohort) return numbers(group, lr, cohort, group.weight_decay, 0) end

local function decoupled(group, lr, cohort) return numbers(group, lr, cohort, 0, lr * group.weight_decay) end

local function class(name, weight_decay, numbers_of)
  return optimizer.class {
    name = name,
    options = {
      { "lr", 1e-3, 0, math.huge }, { "beta1", 0.9, 0, BELOW_1 }, { "beta2", 0.999, 0, BELOW_1 },
      { "epsilon", 1e-8, 0, 1 }, { "weight_decay", weight_decay, 0, math.huge },
    },
    rule = "adam",
    numbers = numbers_of,
  }
end

local new_adam, new_adamw = class("Adam", 0, coupled), class("AdamW", 1e-2, decoupled)

return {
  decoupled = decoupled,

  --- p = p - lr m' / (sqrt(v') + epsilon), with m and v the decaying means of the gradient and of its square, and
  -- m', v' corrected for their start at zero, by the steps that the parameter itself has taken.
  ---@param parameters table parameters such as model:parameters(), or groups of them with options of their own,
  --- { { parameters = ..., lr = ... }, ... }
  ---@param options? table lr: 1e-3; beta1: 0.9; beta2: 0.999; epsilon: 1e-8; weight_decay: 0, times p is added to
  --- the gradient (L2); schedule: optim.Plateau|fun(step: integer): number, a factor for the learning rates, such
  --- as from optim.schedule
  ---@return optim.Optimizer
  Adam = function(parameters, options) return new_adam(parameters, options) end,

  --- Adam with decoupled weight decay: each step also takes lr weight_decay p from p.
  ---@param parameters table as for Adam; give biases a group with weight_decay = 0
  ---@param options? table lr, beta1, beta2, epsilon, schedule: as for Adam; weight_decay: 1e-2
  ---@return optim.Optimizer
  AdamW = function(parameters, options) return new_adamw(parameters, options) end,
}

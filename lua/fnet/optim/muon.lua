--- Muon (Jordan and others, 2024: kellerjordan.github.io/posts/muon): the momentum of a matrix, made orthogonal, so
-- that every direction of it moves equally far. Invariant: the parameters of one group all take the same kind of
-- steps, these or those of AdamW.

local adamw_numbers = require("fnet.optim.adam").decoupled
local expect = require "fnet.base.expect"
local core = require "fnet.core"
local optimizer = require "fnet.optim.optimizer"

local BELOW_1 = 1 - 2 ^ -24 -- the largest float32, as in Adam
local LEAST_NORM = 2 ^ -126 -- a gradient of 0 stays 0
local VELOCITY, ADAM = core.moments.nesterov[1], core.moments.adam -- names of moments
local ROOT_MEAN_SQUARE = 0.2 -- of AdamW's steps, before the learning rate

-- Those of rank 2 and more, and the others, each in its order.
local function sorted(parameters)
  local matrices, others = {}, {}
  for _, parameter in ipairs(parameters) do
    local list = parameter.rank >= 2 and matrices or others
    list[#list + 1] = parameter
  end
  return matrices, others
end

-- The groups of the script, each that has both as two: matrices, and behind them the others.
local function split(groups, options)
  local result = {}
  for _, group in ipairs(groups) do
    local orthogonal = group.orthogonal
    if orthogonal == nil then orthogonal = options.orthogonal end
    local matrices, others = sorted(group.parameters)
    if orthogonal and #others > 0 then
      local rest = {}
      for key, value in pairs(group) do rest[key] = value end
      rest.parameters, rest.orthogonal = others, false
      group.parameters = matrices
      if #matrices > 0 then result[#result + 1] = group end
      result[#result + 1] = rest
    else
      result[#result + 1] = group
    end
  end
  return result
end

-- Towards the orthogonal matrix nearest to x: each iteration of Newton and Schulz takes a singular value s to
-- 3.4445 s - 4.775 s^3 + 2.0315 s^5, which brings those of 0.002 to 1 between 0.68 and 1.14 in five.
local function orthogonal(x, iterations)
  local is_tall = x.shape[1] > x.shape[2]
  if is_tall then x = x:transpose() end -- the products below are of the shorter side
  x = x / x:norm():maximum(LEAST_NORM)
  for _ = 1, iterations do
    local square = x:matmul(x:transpose())
    x = x * 3.4445 + (square:matmul(square) * 2.0315 - square * 4.775):matmul(x)
  end
  return is_tall and x:transpose() or x
end

-- One step of a matrix along a direction of its shape.
local function move(parameter, direction, lr, fade, iterations)
  local shape = parameter.shape
  local columns = shape[#shape]
  local rows = parameter:count() // columns
  local step = orthogonal(direction:reshape { rows, columns }, iterations):reshape(shape)
  parameter:copy(parameter * (1 - fade) - step * (lr * ROOT_MEAN_SQUARE * math.sqrt(math.max(rows, columns))))
end

-- A step of matrices that all have a gradient.
local function move_all(parameters, velocities, lr, fade, momentum, iterations)
  local directions = {}
  for i, parameter in ipairs(parameters) do
    directions[i] = core.full(parameter.shape, 0, parameter.dtype)
    directions[i].requires_grad = true
    directions[i].grad = parameter.grad
  end
  core.optimise("nesterov", directions, velocities, nil, -1, 0, 0, momentum) -- 0 + gradient + momentum v
  for i, parameter in ipairs(parameters) do
    if parameter:count() > 0 then move(parameter, directions[i], lr, fade, iterations) end
  end
end

local new = optimizer.class {
  name = "Muon",
  options = {
    { "lr", 1e-3, 0, math.huge }, { "momentum", 0.95, 0, 1 }, { "weight_decay", 1e-2, 0, math.huge },
    { "iterations", 5, 1, 100 }, { "orthogonal", true },
    { "beta1", 0.9, 0, BELOW_1 }, { "beta2", 0.999, 0, BELOW_1 }, { "epsilon", 1e-8, 0, 1 },
  },
  split = split,
  rule = function(group) return group.orthogonal and "nesterov" or "adam" end,
  update = function(group, lr, cohort, moments_of)
    if group.orthogonal then
      move_all(cohort.parameters, moments_of(VELOCITY), lr, lr * group.weight_decay, group.momentum,
        group.iterations)
    else
      core.optimise("adam", cohort.parameters, moments_of(ADAM[1]), moments_of(ADAM[2]),
        adamw_numbers(group, lr, cohort))
    end
  end,
}

--- v = momentum v + gradient; p = p - lr (0.2 sqrt(max(rows, columns)) O + weight_decay p), O being gradient +
-- momentum v as a matrix [rows, columns] whose singular values Newton-Schulz steps have brought close to 1; columns
-- is the last axis (units), rows all others together, as in the weights of a convolution. The factor (Liu and
-- others, 2025, section 2.2) gives the steps the size of AdamW's, so AdamW's learning rates are where to begin.
-- What has fewer than two axes, biases and scales, takes AdamW's steps, in a group behind that of its neighbours;
-- so does a group with orthogonal = false, as embeddings and the last layer are better given.
---@param parameters table parameters such as model:parameters(), or groups of them with options of their own,
--- { { parameters = ..., lr = ... }, ... }
---@param options? table lr: 1e-3; momentum: 0.95; weight_decay: 1e-2, decoupled as in AdamW; iterations: integer,
--- of Newton-Schulz, 5; orthogonal: true; beta1: 0.9; beta2: 0.999; epsilon: 1e-8 of AdamW's steps; schedule:
--- optim.Plateau|fun(step: integer): number, a factor for the learning rates, such as from optim.schedule
---@return optim.Optimizer
return function(parameters, options)
  local self = new(parameters, options)
  expect.count("Muon: iterations", self.iterations, 1, 100)
  for _, group in ipairs(self.groups) do expect.count("Muon: iterations", group.iterations, 1, 100) end
  return self
end

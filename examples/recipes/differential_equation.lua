-- A network that solves a differential equation (Lagaris and others, 1998): y' = -2 x y with y(0) = 1. It learns
-- from how far its own slope is from the equation; nobody tells it the solution, exp(-x^2).
--   fnet examples/recipes/differential_equation.lua

local fnet = require "fnet"
local nn, optim = fnet.nn, fnet.optim

fnet.seed(1)
local layers = { nn.Dense(1, 32), nn.Dense(32, 32), nn.Dense(32, 1) }
local model = nn.Sequential(layers)

-- What y is at x, [points, 1], and its slope there, by the rule of the chain, layer by layer.
local function solution(x)
  local value, slope = x, fnet.ones(x.shape)
  for i, layer in ipairs(layers) do
    value, slope = layer(value), slope:matmul(layer.weight)
    if i < #layers then
      value = value:tanh()
      slope = slope * (1 - value * value)
    end
  end
  return 1 + x * value, value + x * slope -- y(0) = 1, whatever the network says
end

local opt = optim.Adam(model:parameters(), { lr = 0.02, schedule = optim.schedule.cosine { steps = 1500 } })
for step = 1, 1500 do
  local x = fnet.rand({ 64, 1 }, -2, 2)
  local y, slope = solution(x)
  local loss = ((slope + 2 * x * y) ^ 2):mean()
  opt:zero_grad()
  loss:backward()
  opt:step()
  if step % 500 == 0 then print(("step %d  the equation is off by %.4f"):format(step, loss:sqrt():item())) end
end

local x = fnet.arange(-2, 2, 0.01):unsqueeze(2)
local off = ((fnet.no_grad(solution, x)) - (-(x * x)):exp()):abs():max():item()
print(("largest error of the solution: %.2f"):format(off))

-- prints:
-- step 500  the equation is off by 0.0275
-- step 1000  the equation is off by 0.0251
-- step 1500  the equation is off by 0.0226
-- largest error of the solution: 0.01

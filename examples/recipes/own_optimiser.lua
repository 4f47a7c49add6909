-- An optimiser of your own: Lion (Chen and others, 2023) in a few lines. It takes the same steps as optim.Lion,
-- which shows that it is right.
--   fnet examples/recipes/own_optimiser.lua

local fnet = require "fnet"
local nn, optim = fnet.nn, fnet.optim

local function Lion(parameters, lr)
  local opt, moments = {}, {}
  for i, parameter in ipairs(parameters) do moments[i] = fnet.zeros(parameter.shape) end
  function opt.zero_grad() for _, parameter in ipairs(parameters) do parameter:zero_grad() end end
  function opt.step()
    fnet.no_grad(function() -- parameters change in place where nothing is recorded
      for i, parameter in ipairs(parameters) do
        local gradient = parameter.grad
        parameter:copy(parameter - lr * (0.9 * moments[i] + 0.1 * gradient):sign())
        moments[i] = moments[i] * 0.99 + gradient * 0.01
      end
    end)
  end
  return opt
end

local function train(make)
  fnet.seed(1)
  local x = fnet.rand({ 256, 2 }, -1, 1)
  local y = ((x:select(2, 1) * x:select(2, 2)):gt(0) + 1):int()
  local model = nn.Sequential { nn.Dense(2, 32), nn.Tanh(), nn.Dense(32, 2) }
  local opt, loss = make(model:parameters()), nil
  for _ = 1, 300 do
    loss = nn.cross_entropy(model(x), y)
    opt:zero_grad()
    loss:backward()
    opt:step()
  end
  return model, loss:item()
end

local mine, loss = train(function(parameters) return Lion(parameters, 0.003) end)
local theirs, their_loss = train(function(parameters) return optim.Lion(parameters, { lr = 0.003 }) end)
print(("loss %.3f, with optim.Lion %.3f"):format(loss, their_loss))
print("the same weights: " .. tostring(mine[1].weight:allclose(theirs[1].weight, 1e-3)))

-- prints:
-- loss 0.094, with optim.Lion 0.094
-- the same weights: true

-- An optimiser of your own: Lion (Chen and others, 2023) in a few lines. A function changes one parameter by its
-- gradient; groups, schedules, state and checkpoints come from fnet. It takes the same steps as optim.Lion, which
-- shows that it is right.
--   fnet examples/recipes/own_optimiser.lua

local fnet = require "fnet"
local nn, optim, data = fnet.nn, fnet.optim, fnet.data

local Lion = optim.class("OwnLion", {
  options = { lr = 1e-4, beta1 = 0.9, beta2 = 0.99 },
  moments = { "average" }, -- tensors like the parameter, zeros at first
  update = function(parameter, gradient, moments, options)
    local average, beta1, beta2 = moments.average, options.beta1, options.beta2
    parameter:copy(parameter - (average * beta1 + gradient * (1 - beta1)):sign() * options.lr)
    average:copy(average * beta2 + gradient * (1 - beta2))
  end,
})

local function train(class)
  fnet.seed(1)
  local x = fnet.rand({ 256, 2 }, -1, 1)
  local label = (x:select(2, 1) * x:select(2, 2)):gt(0) + 1
  local model = nn.Sequential { nn.Dense(2, 32), nn.Tanh(), nn.Dense(32, 2) }
  local history = fnet.fit(model, {
    train = data.Dataset { x = x, y = label:int() }, loss = nn.cross_entropy, batch = 64, epochs = 75,
    optim = class(optim.groups(model, { ["*.bias"] = { lr = 0.02 } }), { lr = 0.01 }),
    schedule = optim.schedule.cosine { steps = 300 }, -- checkpoint = { "run", resume = true } works as well
  })
  return model, history[75].loss
end

local mine, loss = train(Lion)
local theirs, their_loss = train(optim.Lion)
print(("loss %.3f, with optim.Lion %.3f"):format(loss, their_loss))
print("the same weights: " .. tostring(mine[1].weight:allclose(theirs[1].weight, 1e-3)))

-- prints:
-- loss 0.076, with optim.Lion 0.076
-- the same weights: true

-- Two learning rates, five seeds each, and whether the difference may be chance.

local fnet = require "fnet"

local function run(settings)
  local x = fnet.rand({ 64, 1 }, -1, 1)
  local set = fnet.data.Dataset { x = x, y = x * 3 - 2 }
  local model = fnet.nn.Dense(1, 1)
  local optim = fnet.optim.SGD(model:parameters(), { lr = settings.lr })
  local history = fnet.fit(model, { train = set, loss = fnet.nn.mse, optim = optim, epochs = 3, batch = 16 })
  return history[3].loss
end
print(fnet.sweep { run = run, lr = { 0.1, 0.3 }, seeds = 5 })

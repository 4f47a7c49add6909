-- A learning rate, found (Smith, 2017): it grows with each step, from far too small to far too large, while the
-- loss is looked at. A good one is where the loss falls fastest, well before it rises.
--   fnet examples/recipes/lr_finder.lua

local fnet = require "fnet"
local nn, data, optim = fnet.nn, fnet.data, fnet.optim

-- The rate at which the smoothed loss fell fastest, and the rates and losses. The model stays as it was.
local function find_rate(model, train, loss_of, lowest, highest, steps)
  local start, opt = model:state(), optim.SGD(model:parameters(), { lr = lowest })
  local rates, losses, mean, least = {}, {}, nil, math.huge
  while #rates < steps and (mean or 0) < 4 * least do
    for x, y in train:batches { size = 32, shuffle = true } do
      local loss = loss_of(model(x), y)
      opt:zero_grad()
      loss:backward()
      opt:step()
      mean = mean and 0.9 * mean + 0.1 * loss:item() or loss:item()
      least = math.min(least, mean)
      rates[#rates + 1], losses[#losses + 1] = opt.lr, mean
      opt.lr = lowest * (highest / lowest) ^ (#rates / steps)
      if #rates == steps or mean > 4 * least then break end
    end
  end
  model:load_state(start)
  local best, fastest = nil, 0
  for i = 6, #rates do
    local fall = losses[i - 5] - losses[i]
    if fall > fastest then best, fastest = rates[i], fall end
  end
  return best, rates, losses
end

fnet.seed(1)
local pictures, test = data.fashion_mnist()
pictures, test = pictures:slice(1, 600), test:slice(1, 200)
local model = nn.Sequential { nn.Flatten(), nn.Dense(784, 64, { activation = "relu" }), nn.Dense(64, 10) }
local rate, rates, losses = find_rate(model, pictures, nn.cross_entropy, 1e-4, 10, 150)
print(fnet.report.plot({ loss = { x = rates, y = losses } }, {
  title = "loss while the learning rate grows", log = "x", columns = 60, rows = 8, style = "ascii",
}))
print(("learning rate: %.2g"):format(rate))

local start = model:state()
for _, lr in ipairs { rate / 100, rate, rate * 100 } do
  model:load_state(start)
  local opt = optim.SGD(model:parameters(), { lr = lr })
  fnet.fit(model, { train = pictures, epochs = 5, loss = nn.cross_entropy, optim = opt })
  print(("with %.2g: accuracy after five epochs %.1f%%"):format(lr, 100 * nn.accuracy(model, test)))
end

-- prints:
--               loss while the learning rate grows
--   |                                                        *
-- 6 +                                                        *
--   |                                                        *
-- 4 +                                                        *
--   |                                                        *
--   |*********************                                  *
-- 2 +                    *********************        *******
--   |                                        *********
--   ++-------------+------------+-------------+-------------+-
--    0.0001      0.001        0.01           0.1            1
--    *** loss
-- learning rate: 0.043
-- with 0.00043: accuracy after five epochs 8.0%
-- with 0.043: accuracy after five epochs 70.5%
-- with 4.3: accuracy after five epochs 8.0%

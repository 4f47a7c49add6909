-- A generative adversarial network (Goodfellow and others, 2014) with checkpoints: one network makes points,
-- another tells them from those of a ring. A checkpoint has both, with an optimiser each; a training that was cut
-- off goes on to the same weights.
--   fnet examples/recipes/gan.lua

local fnet = require "fnet"
local nn, optim = fnet.nn, fnet.optim

local function ring(count)
  local points = fnet.randn { count, 2 }
  return points / (points * points):sum(2, true):sqrt() + fnet.randn({ count, 2 }, 0, 0.05)
end

local function network(inputs, outputs)
  local model = nn.Sequential {
    nn.Dense(inputs, 64), nn.LeakyReLU(0.2), nn.Dense(64, 64), nn.LeakyReLU(0.2), nn.Dense(64, outputs),
  }
  return model, optim.Adam(model:parameters(), { lr = 1e-3, beta1 = 0.5 })
end

-- Trains up to an epoch, and goes on from what is in the directory.
local function train(directory, last)
  fnet.seed(1)
  local maker, opt_maker = network(4, 2)
  local judge, opt_judge = network(2, 1)
  local checkpoint <close> = assert(fnet.checkpoint(directory, {
    model = maker, optim = opt_maker, parts = { judge = judge, opt_judge = opt_judge }, resume = true,
  }))
  local real, fake = fnet.ones { 64, 1 }, fnet.zeros { 64, 1 }
  local function learn(opt, other, loss)
    opt:zero_grad()
    loss:backward()
    opt:step()
    other:zero_grad() -- the loss goes through both networks
  end
  for _ in checkpoint:epochs(last) do
    for _ = 1, 50 do
      local made = fnet.no_grad(maker, fnet.randn { 64, 4 })
      learn(opt_judge, opt_maker, nn.binary_cross_entropy(judge(ring(64)), real) +
        nn.binary_cross_entropy(judge(made), fake))
      learn(opt_maker, opt_judge, nn.binary_cross_entropy(judge(maker(fnet.randn { 64, 4 })), real))
    end
  end
  return maker
end

local maker = train("gan-whole", 24) -- directories for the checkpoints; started again, it finds all done
train("gan-cut", 12)
print("the same weights: " .. tostring(train("gan-cut", 24):sha256() == maker:sha256()))

local points = fnet.no_grad(maker, fnet.randn { 1000, 4 })
local radius = (points * points):sum(2):sqrt()
print(("distance from the middle: mean %.2f, standard deviation %.2f"):format(radius:mean():item(),
  radius:std():item()))
local right, above = points:select(2, 1):gt(0), points:select(2, 2):gt(0)
local quarters = fnet.stack { right * above, (1 - right) * above, (1 - right) * (1 - above), right * (1 - above) }
print("points of 1000 in each quarter: " .. table.concat(quarters:sum(2):int():totable(), ", "))

-- prints:
-- the same weights: true
-- distance from the middle: mean 0.98, standard deviation 0.08
-- points of 1000 in each quarter: 250, 240, 249, 261

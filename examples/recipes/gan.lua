-- A generative adversarial network (Goodfellow and others, 2014) with checkpoints: one network makes points,
-- another tells them from those of a ring. A step of fit is a function of the script's own, which calls zero_grad,
-- backward and step of two optimisers itself. Both networks are in one model, so that a checkpoint has all that
-- learns, with the state of each optimiser; a training that was cut off goes on to the same weights.
--   fnet examples/recipes/gan.lua

local fnet = require "fnet"
local nn, optim, data = fnet.nn, fnet.optim, fnet.data

local function network(inputs, outputs)
  return nn.Sequential {
    nn.Dense(inputs, 64), nn.LeakyReLU(0.2), nn.Dense(64, 64), nn.LeakyReLU(0.2), nn.Dense(64, outputs),
  }
end

-- Trains up to an epoch, and goes on from what is in the directory.
local function train(directory, last)
  fnet.seed(1)
  local points = fnet.randn { 3200, 2 }
  local ring = points / (points * points):sum(2, true):sqrt() + fnet.randn({ 3200, 2 }, 0, 0.05)
  local gan, loss = nn.module "GAN" (), nn.binary_cross_entropy
  gan.maker, gan.judge = network(4, 2), network(2, 1)

  local function step(x, real, run)
    local opt, made = run.optim, gan.maker(fnet.randn { #x, 4 })
    local judged = loss(gan.judge(x), real) + loss(gan.judge(made:detach()), real * 0)
    opt.judge:zero_grad()
    judged:backward()
    opt.judge:step()
    local fooled = loss(gan.judge(made), real)
    opt.maker:zero_grad()
    fooled:backward()
    opt.maker:step()
    return judged, fooled
  end

  local history = fnet.fit(gan, {
    train = data.Dataset { x = ring, y = fnet.ones { 3200, 1 } },
    batch = 64, epochs = last, step = step, figures = { "fooled" }, -- the name of what step returns second
    optim = {
      maker = optim.Adam(gan.maker:parameters(), { lr = 1e-3, beta1 = 0.5 }),
      judge = optim.Adam(gan.judge:parameters(), { lr = 1e-3, beta1 = 0.5 }),
    },
    checkpoint = { directory, resume = true },
  })
  return gan.maker, history
end

local maker, history = train("gan-whole", 24) -- directories for the checkpoints; started again, it finds all done
train("gan-cut", 12)
print("the same weights: " .. tostring(train("gan-cut", 24):sha256() == maker:sha256()))

local points = fnet.no_grad(maker, fnet.randn { 1000, 4 })
local radius = (points * points):sum(2):sqrt()
print(("distance from the middle: mean %.2f, standard deviation %.2f"):format(radius:mean():item(),
  radius:std():item()))
print(("loss of the maker: %.2f, where the judge can tell nothing %.2f"):format(history[24].fooled, math.log(2)))
local right, above = points:select(2, 1):gt(0), points:select(2, 2):gt(0)
local quarters = fnet.stack { right * above, (1 - right) * above, (1 - right) * (1 - above), right * (1 - above) }
print("points of 1000 in each quarter: " .. table.concat(quarters:sum(2):int():totable(), ", "))

-- prints:
-- the same weights: true
-- distance from the middle: mean 0.99, standard deviation 0.08
-- loss of the maker: 0.70, where the judge can tell nothing 0.69
-- points of 1000 in each quarter: 242, 237, 251, 270

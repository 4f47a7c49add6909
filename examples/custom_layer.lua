-- A layer of your own: Swish, x * sigmoid(beta x), whose beta is learnt with the weights. It rests on a
-- differentiable operation of your own, forward and backward, which fnet.gradcheck compares with differences.
--   fnet examples/custom_layer.lua

local fnet = require "fnet"
local nn, optim = fnet.nn, fnet.optim

local options = fnet.options(arg, "Tells the inside of a circle from the outside, with a layer of its own.", {
  { "epochs", 30, "passes over the points", low = 0 },
  { "seed", 1, "start of all random numbers" },
})

-- With s = sigmoid(beta x):  y = x s,  dy/dx = s + beta x s (1 - s),  dy/dbeta = x^2 s (1 - s).
local swish = fnet.operation(
  function(x, beta) return x * (x * beta):sigmoid() end,
  function(dy, _, x, beta)
    local s = (x * beta):sigmoid()
    local slope = x * s * (1 - s)
    return dy * (s + beta * slope), (dy * x * slope):sum()
  end)

fnet.seed(options.seed)
local ok, detail = fnet.gradcheck(swish, { fnet.randn { 4, 3 }, fnet.tensor(1.5) })
assert(ok, detail)
print(("the gradients of swish are right: largest error %.0e"):format(detail))

-- The layer. A tensor in a field that is marked to require gradients is a parameter.
local Swish = nn.module "Swish"

function Swish:init()
  self.beta = fnet.tensor(1)
  self.beta.requires_grad = true
end

function Swish:forward(x) return swish(x, self.beta) end

function Swish:output_shape(input) return input end

-- In a model it stands like any other layer. The task: which points lie within a circle?
local points = fnet.rand({ 1000, 2 }, -1, 1)
local inside = (points * points):sum(2):lt(0.5)
local circle = fnet.data.Dataset { x = points, y = (inside + 1):int(), classes = { "outside", "inside" } }
local train, test = circle:split(800)

local model = nn.Sequential {
  nn.Dense(2, 16), Swish(),
  nn.Dense(16, 2), nn.Softmax(),
}
local opt = optim.Adam(model:parameters(), { lr = 0.02 })
print(model:summary())

for epoch = 1, options.epochs do
  for x, y in train:batches { size = 20, shuffle = true } do
    local loss = nn.cross_entropy(model(x), y)
    opt:zero_grad()
    loss:backward()
    opt:step()
  end
  if epoch % 10 == 0 then print(("epoch %d  accuracy %.1f%%"):format(epoch, 100 * nn.accuracy(model, test))) end
end

print(("learnt: beta = %.2f"):format(model[2].beta:item()))

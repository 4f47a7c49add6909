-- The gradient of each sample of a batch, which `backward` adds up. For dense layers their sizes come from one
-- backward (Goodfellow, 2015): that of a sample is its input times what arrives at its output. Samples with wrong
-- labels have the largest.
--   fnet examples/recipes/per_sample.lua

local fnet = require "fnet"
local nn, data = fnet.nn, fnet.data

fnet.seed(1)
local x = fnet.randn { 200, 2 }
local y = (x:sum(2):gt(0) + 1):int()
local wrong = {}
for _, row in ipairs(fnet.permutation(200):slice(1, 1, 10):totable()) do -- ten labels are turned round
  wrong[row], y[row] = true, 3 - y[row]
end
local first, second = nn.Dense(2, 16, { activation = "tanh" }), nn.Dense(16, 2)
local model = nn.Sequential { first, second }
fnet.fit(model, {
  train = data.Dataset { x = x, y = y }, epochs = 30, loss = nn.cross_entropy, optim = fnet.optim.Adam,
})

-- The squares of the sizes of all samples' gradients, [samples]. What arrives at the output of a layer is the
-- gradient of zeros that are added there.
local function sizes(inputs, labels)
  local at_first, at_second = fnet.zeros { #inputs, 16 }, fnet.zeros { #inputs, 2 }
  at_first.requires_grad, at_second.requires_grad = true, true
  local hidden = (inputs:matmul(first.weight) + first.bias + at_first):tanh()
  local loss = nn.cross_entropy(second(hidden) + at_second, labels) * #inputs -- a sum: each sample by itself
  loss:backward()
  model:zero_grad()
  local function square(t) return (t * t):sum(2) end
  -- + 1 for the bias, whose input is 1
  return (square(inputs) + 1) * square(at_first.grad) + (square(hidden:detach()) + 1) * square(at_second.grad)
end

local all = sizes(x, y):totable()

-- The same, sample by sample.
local farthest = 0
for i = 1, #x do
  model:zero_grad()
  nn.cross_entropy(model(x:slice(1, i, i)), y:slice(1, i, i)):backward()
  local sum = 0
  for _, parameter in ipairs(model:parameters()) do sum = sum + (parameter.grad * parameter.grad):sum():item() end
  farthest = math.max(farthest, math.abs(sum - all[i]) / math.max(sum, 1e-3))
end
print("as one by one: " .. tostring(farthest < 1e-4))

local order, found = {}, 0
for i = 1, #x do order[i] = i end
table.sort(order, function(a, b) return all[a] > all[b] end)
for i = 1, 10 do found = found + (wrong[order[i]] and 1 or 0) end
print(("%d of the 10 largest gradients are those of wrong labels"):format(found))

-- prints:
-- as one by one: true
-- 8 of the 10 largest gradients are those of wrong labels

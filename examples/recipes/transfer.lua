-- Transfer learning: what a network has learnt from many samples of some tasks helps with few samples of another.
-- Its last layer is replaced, the layers before it are frozen at first, then learn slowly with the rest.
--   fnet examples/recipes/transfer.lua

local fnet = require "fnet"
local nn, data, optim = fnet.nn, fnet.data, fnet.optim

-- Made data: ten measurements hide four causes; each task asks for another mixture of the causes.
fnet.seed(1)
local hidden, mixtures = fnet.randn { 10, 4 }, fnet.randn { 4, 9 }
local function samples(count, tasks)
  local x = fnet.randn { count, 10 }
  local causes = x:matmul(hidden):tanh()
  return data.Dataset { x = x, y = causes:matmul(tasks) + fnet.randn({ count, tasks.shape[2] }, 0, 0.1) }
end
local old, new = mixtures:slice(2, 1, 8):contiguous(), mixtures:slice(2, 9, 9):contiguous()
local many, few, test = samples(2000, old), samples(40, new), samples(1000, new)

local function new_body()
  return nn.Sequential { nn.Dense(10, 64, { activation = "tanh" }), nn.Dense(64, 16, { activation = "tanh" }) }
end

local function learn(model, train, groups, epochs)
  fnet.fit(model, { train = train, epochs = epochs, batch = 20, loss = nn.mse, optim = optim.Adam(groups) })
end

local body = new_body()
local first = nn.Sequential { body, nn.Dense(16, 8) }
learn(first, many, first:parameters(), 40)

local head = nn.Dense(16, 1)
local model = nn.Sequential { body, head }
body:freeze()
learn(model, few, { { parameters = head:parameters(), lr = 0.01 } }, 100)
print(("a new last layer on what was learnt: R2 %.2f"):format(fnet.metrics.r2(model, test)))
body:unfreeze()
learn(model, few, { { parameters = body:parameters(), lr = 1e-4 }, { parameters = head:parameters() } }, 50)
print(("all layers, the old ones slowly: R2 %.2f"):format(fnet.metrics.r2(model, test)))

local fresh = nn.Sequential { new_body(), nn.Dense(16, 1) }
learn(fresh, few, fresh:parameters(), 150)
print(("the same network from the start: R2 %.2f"):format(fnet.metrics.r2(fresh, test)))

-- prints:
-- a new last layer on what was learnt: R2 0.98
-- all layers, the old ones slowly: R2 0.98
-- the same network from the start: R2 0.65

--- Networks: those whose training is shared among processes, and the time of their steps. Invariant: a step is one
-- of `fit` over the real pictures, so that what is measured is what users wait for.

local core = require "fnet.core"
local figures = require "tests.bench.figures"
local fnet = require "fnet"
local training = require "tests.bench.training"

local nn, optim, data = fnet.nn, fnet.optim, fnet.data

local networks = {
  names = { "lesson", "cnn", "large" }, -- from small to large
}

-- The layers of examples/fashion_cnn.lua.
local function new_cnn()
  local layers = { nn.Reshape(28, 28, 1) }
  local function add(...)
    for _, layer in ipairs { ... } do layers[#layers + 1] = layer end
  end
  local function convolution(inputs, units)
    return nn.Conv2D(inputs, units, 3, { padding = "same", bias = false })
  end
  add(convolution(1, 32), nn.MaxPool2D(2), nn.BatchNorm(32), nn.ReLU())
  add(convolution(32, 64), nn.MaxPool2D(2), nn.BatchNorm(64), nn.ReLU())
  add(convolution(64, 128), nn.MaxPool2D(2), nn.BatchNorm(128), nn.ReLU())
  add(convolution(128, 128), nn.BatchNorm(128), nn.ReLU())
  add(nn.GlobalAvgPool(), nn.Dropout(0.1), nn.Dense(128, 10))
  return nn.Sequential(layers)
end

local LARGE_UNITS, LARGE_LAYERS = 4000, 6

local function new_large()
  local layers = { nn.Flatten(), nn.Dense(784, LARGE_UNITS, { activation = "relu" }) }
  for _ = 1, LARGE_LAYERS do layers[#layers + 1] = nn.Dense(LARGE_UNITS, LARGE_UNITS, { activation = "relu" }) end
  layers[#layers + 1] = nn.Dense(LARGE_UNITS, 10)
  return nn.Sequential(layers)
end

-- By name: how each is made, and what its pictures go through first.
local KINDS = {
  lesson = { new = function() return training.lesson().model end },
  cnn = { new = new_cnn, transform = { data.horizontal_flip(), data.random_shift(1) } },
  large = { new = new_large },
}

--- A new network.
---@param name string one of networks.names
---@return nn.Sequential
function networks.new(name)
  if not KINDS[name] then
    error(("networks: expected one of %s, got '%s'"):format(table.concat(networks.names, ", "), name), 0)
  end
  return KINDS[name].new()
end

--- A part of the pictures as the network's training sees them.
---@param name string
---@param train data.Dataset
---@param rows integer
---@return data.Dataset
function networks.pictures(name, train, rows)
  local part = train:slice(1, rows)
  return KINDS[name].transform and part:with { transform = KINDS[name].transform } or part
end

--- Seconds of each step of a training from the seed 1, behind a few that take the memory; and the weights' sha256.
---@param name string one of networks.names
---@param train data.Dataset
---@param options {batch: integer, shards?: integer, steps: integer}
---@return number[] seconds, string sha256
function networks.steps(name, train, options)
  local FIRST = 3
  fnet.seed(1)
  local model, seconds, before = networks.new(name), {}, nil
  local per_epoch = #train // options.batch
  local part = networks.pictures(name, train, per_epoch * options.batch)
  fnet.fit(model, {
    train = part, batch = options.batch, shards = options.shards, loss = nn.cross_entropy,
    optim = optim.Adam(model:parameters(), { lr = 1e-4 }), epochs = 1 + (options.steps + FIRST) // per_epoch,
    callbacks = { step = function(run)
      local now = fnet.clock()
      if run.total_steps > FIRST then seconds[#seconds + 1] = now - before end
      before = now
      if #seconds == options.steps then run:stop() end
    end },
  })
  return seconds, model:sha256()
end

--- Seconds that a process needs to bring the pictures of a batch together, which each does for the whole batch.
---@param name string
---@param train data.Dataset
---@param batch integer
---@return number seconds
function networks.gathering(name, train, batch)
  local part, count = networks.pictures(name, train, math.min(#train, 32 * batch)), 0
  local started
  for _ in part:batches { size = batch, shuffle = true } do
    count = count + 1
    started = started or fnet.clock() -- the first takes the memory
  end
  return (fnet.clock() - started) / (count - 1)
end

--- What travels of a network: its gradients, a flag for each parameter, and the changes of its buffers.
---@param name string
---@return number bytes, number seconds that it takes to add two such vectors, integer parameters
function networks.vector(name)
  local model, size = networks.new(name), 0
  for _, t in ipairs(model:parameters()) do size = size + t:count() end
  local parameters = size
  size = size + #model:parameters()
  for _, buffer in ipairs(model:named_buffers()) do size = size + buffer.tensor:count() end
  local a, b, seconds = fnet.zeros { size }, fnet.zeros { size }, {}
  for turn = 1, 5 do
    local started = fnet.clock()
    core.add_shard(a, b)
    seconds[turn] = fnet.clock() - started
  end
  return 4 * size, figures.median(seconds), parameters
end

return networks

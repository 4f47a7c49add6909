-- Fashion-MNIST against the clock: short trainings on two cores that reach a given accuracy, as a mean over seeds.
--   FNET_THREADS=2 fnet examples/fashion_speed.lua --goal 93
-- What helps: weights of convolutions move by Muon; every picture is mirrored in every other epoch, not at random;
-- the learning rate falls to zero in a line. All was chosen on 10,000 training pictures kept aside (--valid 10000
-- does that); the test pictures are looked at once a seed, at the end.

local fnet = require "fnet"
local nn, optim, data, report = fnet.nn, fnet.optim, fnet.data, fnet.report

-- A convolution; where it pools, the largest of each 2 x 2 places; a normalisation, which has a bias of its own.
local function block(inputs, units, size, window, pools)
  window.bias = false
  local layers = { nn.Conv2D(inputs, units, size, window), nn.BatchNorm(units), nn.ReLU() }
  if pools then table.insert(layers, 2, nn.MaxPool2D(2)) end
  return nn.Sequential(layers)
end

-- Windows that move by two pixels: 14 x 14 places, then 7 x 7.
local function strides(first, second)
  return nn.Sequential {
    nn.Reshape(28, 28, 1), block(1, first, 4, { stride = 2, padding = 1 }),
    block(first, second, 3, { stride = 2, padding = 1 }), nn.Flatten(), nn.Dense(49 * second, 10),
  }
end

-- The network of fashion_cnn.lua: 14 x 14, 7 x 7, 3 x 3 and again 3 x 3 places.
local function pools(first, second, third, fourth)
  return nn.Sequential {
    nn.Reshape(28, 28, 1), block(1, first, 3, { padding = "same" }, true),
    block(first, second, 3, { padding = "same" }, true),
    block(second, third, 3, { padding = "same" }, true),
    block(third, fourth, 3, { padding = "same" }), nn.GlobalAvgPool(), nn.Dense(fourth, 10),
  }
end

-- shift: by so many pixels pictures are moved at random.
local GOALS = {
  ["90"] = { network = strides, widths = { 16, 32 }, epochs = 3, batch = 128 },
  ["93"] = { network = pools, widths = { 16, 32, 64, 128 }, epochs = 8, batch = 64, mirrors = true, shift = 0 },
  ["94"] = { network = pools, widths = { 16, 64, 128, 128 }, epochs = 18, batch = 128, mirrors = true, shift = 1 },
  small = { network = pools, widths = { 16, 64, 128, 128 }, epochs = 60, batch = 128, mirrors = true, shift = 1 },
}

local options = fnet.options(arg, "Trains on Fashion-MNIST as briefly as a goal allows, once for each seed.", {
  { "goal", "93", "90 (% in 5 s), 93 (in 60 s), 94 (in 180 s), small (94.7 in 600 s, under 300,000 parameters)",
    value = "GOAL" },
  { "seeds", 5, "trainings, each from another seed", low = 1 },
  { "seed", 1, "the first seed" },
  { "valid", 0, "training pictures kept aside, and reported instead of the test pictures", low = 0, high = 59999 },
  { "data", "", "directory of the four IDX files", value = "DIR" },
})
local goal = GOALS[options.goal]
if not goal then
  io.stderr:write(("%s: --goal: expected 90, 93, 94 or small, got '%s'\n"):format(arg[0], options.goal))
  os.exit(1, true)
end

-- The pictures of each epoch: half of them mirrored, in the next epoch the other half.
local function shown(train)
  if not goal.mirrors then return function() return train end end
  local count, mirror = #train, data.horizontal_flip(1)
  local both = data.Dataset { x = fnet.concat { train.x, mirror(train.x, train.y):to "uint8" },
    y = fnet.concat { train.y, train.y }, scale = train.scale, transform = data.random_shift(goal.shift) }
  local half, place = fnet.rand({ count }):lt(0.5), fnet.arange(1, count, 1, "int32")
  return function(epoch)
    local is_mirrored = epoch % 2 == 0 and half or 1 - half
    return both:with { rows = (place + is_mirrored * count):int() }
  end
end

-- Convolutions by Muon; biases, scales and the last layer by AdamW's steps.
local function optimiser(model, steps)
  local convolutions, others, rise = {}, {}, 0.2 * steps
  for _, parameter in ipairs(model:parameters()) do
    table.insert(parameter.rank == 4 and convolutions or others, parameter)
  end
  return optim.Muon({
    { parameters = convolutions, lr = 0.04, weight_decay = 0.05 },
    { parameters = others, lr = 0.01, weight_decay = 0, orthogonal = false },
  }, {
    momentum = 0.9, beta2 = 0.99, iterations = 3,
    schedule = function(step) return math.min(step / rise, (steps - step) / (steps - rise)) end,
  })
end

local function learn(train, seed)
  fnet.seed(seed)
  local pictures, model = shown(train), goal.network(table.unpack(goal.widths))
  local steps = goal.epochs * (#train // goal.batch)
  local opt = optimiser(model, steps)
  local progress, finish = report.progress("seed " .. seed, steps)
  for epoch = 1, goal.epochs do
    for x, y in pictures(epoch):batches { size = goal.batch, shuffle = true, drop_last = true } do
      local loss = nn.cross_entropy(model(x), y, { smoothing = 0.1 })
      opt:zero_grad()
      loss:backward()
      opt:step()
      progress(opt.steps)
    end
  end
  finish()
  return model
end

-- The accuracy of what a picture and its mirror image give together.
local function mirrored_accuracy(model, set)
  local right, mirror = 0, data.horizontal_flip(1)
  model:eval()
  fnet.no_grad(function()
    for x, y in set:batches { size = 500 } do
      right = right + (model(x):softmax() + model(mirror(x, y)):softmax()):argmax(2):eq(y):sum():item()
    end
  end)
  return right / #set
end

local train, held_out = data.fashion_mnist { dir = options.data ~= "" and options.data or nil }
local kind = options.valid > 0 and "validation" or "test"
fnet.seed(0) -- for all seeds the same pictures are kept aside
if options.valid > 0 then held_out, train = train:split(options.valid) end
assert(#train >= goal.batch, ("%d pictures fill no batch of %d; lower --valid"):format(#train, goal.batch))
if #train + options.valid < 60000 then
  print(("Only %d training pictures in %s: the goals are for all 60,000."):format(#train, train.source))
end
local cpuinfo <close> = io.open "/proc/cpuinfo"
local processor = cpuinfo and cpuinfo:read("a"):match "model name%s*: ([^\n]*)" or "unknown processor"
print(("fnet %s, numerics %d, %s, threads %d"):format(fnet.version, fnet.numerics, processor, fnet.threads()))

-- The mean of a list, and how far it is uncertain (95%): 97.5% points of Student's t times its deviation.
local STUDENT = { 12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26 } -- of 1, 2, ... degrees of freedom
local function summary(list)
  local t = fnet.tensor(list, "float64")
  local mean, error = t:mean():item(), #list > 1 and t:std():item() / math.sqrt(#list)
  return ("%.2f%%"):format(mean) .. (error and (" ± %.2f"):format(error * (STUDENT[#list - 1] or 2.26)) or "")
end

local accuracies, mirrored, times = {}, {}, {}
for i = 1, options.seeds do
  local seed, started = options.seed + i - 1, fnet.clock()
  local model = learn(train, seed)
  times[i] = fnet.clock() - started
  local result = nn.evaluate(model, held_out)
  accuracies[i], mirrored[i] = 100 * result.accuracy, 100 * mirrored_accuracy(model, held_out)
  print(("seed %d: %s accuracy %s after %.1f s, weights sha256 %s"):format(seed, kind, report.accuracy(result),
    times[i], model:sha256():sub(1, 16)))
end
print(("\n%s accuracy, mean of %d seeds in %.1f s each: %s"):format(kind, #times,
  fnet.tensor(times):mean():item(), summary(accuracies)))
if goal.mirrors then print("with the answers for mirror images added: " .. summary(mirrored)) end

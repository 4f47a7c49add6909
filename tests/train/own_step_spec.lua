--- fit with a step function: several optimisers, their figures, checkpoints that keep them; and `accumulate`.

local fnet = require "fnet"
local command = require "tests.support.command"
local support = require "tests.support"
local nn, optim, data = fnet.nn, fnet.optim, fnet.data

local directory
setup(function() directory = command.make_directory() end)
teardown(function() command.remove_directory(directory) end)

-- A small GAN: points of a ring, and what makes and judges them.
local function new_gan()
  fnet.seed(5)
  local model = nn.module "Gan" ()
  model.generator = nn.Sequential { nn.Dense(2, 8), nn.BatchNorm(8), nn.ReLU(), nn.Dense(8, 2) }
  model.discriminator = nn.Sequential { nn.Dense(2, 8), nn.Tanh(), nn.Dropout(0.1), nn.Dense(8, 1) }
  return model
end

local function new_set() return data.Dataset { x = fnet.rand({ 40, 2 }, -1, 1), y = fnet.zeros { 40, 1 } } end

local function gan_step(x, _, run)
  local model, opt = run.model, run.optim
  local real, false_ = fnet.ones { #x, 1 }, fnet.zeros { #x, 1 }
  local made = model.generator(fnet.randn { #x, 2 })
  local judged = nn.binary_cross_entropy(model.discriminator(x), real) +
    nn.binary_cross_entropy(model.discriminator(made:detach()), false_)
  opt.discriminator:zero_grad()
  judged:backward()
  opt.discriminator:step()
  local fooled = nn.binary_cross_entropy(model.discriminator(made), real)
  opt.generator:zero_grad()
  fooled:backward()
  opt.generator:step()
  return judged, fooled
end

local function optimisers(model)
  return { generator = optim.Adam(model.generator:parameters(), { lr = 1e-2 }),
    discriminator = optim.SGD(model.discriminator:parameters(), { lr = 0.1, momentum = 0.5,
      schedule = optim.schedule.cosine { steps = 20 } }) }
end

local function train(checkpoint, limit)
  local model, set = new_gan(), new_set()
  local ok, history = pcall(fnet.fit, model, {
    train = set, optim = optimisers(model), step = gan_step, figures = { "generator_loss" }, epochs = 3, batch = 16,
    checkpoint = checkpoint,
    callbacks = { step = function(run) if run.total_steps == limit then error "stop" end end },
  })
  if ok ~= not limit then error(tostring(history), 0) end
  if not ok then return end
  for _, record in ipairs(history) do record.seconds = 0 end
  return model:sha256() .. tostring(history), history
end

-- A training whose samples are made while it goes on, as those of a player are; `rounds` an epoch.
local function play(options)
  fnet.seed(2)
  local policy, rounds = nn.Sequential { nn.Dense(2, 2) }, 3
  local game = {}
  function game.batches()
    local round = 0
    return function()
      round = round + 1
      if round <= rounds then return fnet.no_grad(policy, fnet.randn { 4, 2 }), fnet.ones { 4 } end
    end
  end
  local function step(x, _, run)
    local loss = policy(x):pow(2):mean()
    run.optim:zero_grad()
    loss:backward()
    run.optim:step()
    return loss
  end
  local history = fnet.fit(policy, { train = game, step = step, optim = optim.SGD, epochs = options.epochs,
    checkpoint = options.checkpoint })
  return policy:sha256(), history
end

describe("fit with a step function", function()
  it("needs no data set where samples are made in the training", function()
    local expected, history = play { epochs = 3 }
    assert.same({ 3, 12 }, { #history, history[3].samples })
    local place = directory .. "/play"
    play { epochs = 2, checkpoint = place }
    assert.equal(expected, (play { epochs = 3, checkpoint = { place, resume = true } }))
    support.raises("fit: train: expected a data set, such as fnet.data.Dataset { x = , y = }, or for a step that "
      .. "makes its own samples { batches = function } with an iterator of x and y, got nil",
      function() return (fnet.fit(nn.Dense(2, 2), { step = print, optim = optim.SGD })) end)
  end)

  it("trains with several optimisers, as the loop written out does", function()
    local got, history = train()
    local model, set = new_gan(), new_set()
    local run = { model = model, optim = optimisers(model) }
    model:train()
    local sums
    for _ = 1, 3 do
      sums = { 0, 0 }
      for x, y in set:batches { size = 16, shuffle = true } do
        for i, loss in ipairs { gan_step(x, y, run) } do sums[i] = sums[i] + loss:item() * #x end
      end
    end
    assert.equal(model:sha256(), got:sub(1, 64))
    assert.equal(sums[1] / 40, history[3].loss)
    assert.equal(sums[2] / 40, history[3].generator_loss)
    assert.matches("generator_loss", tostring(history))
  end)

  it("goes on from any step with all its optimisers, bit for bit", function()
    local expected = train()
    for limit = 1, 8, 2 do
      local place = directory .. "/gan" .. limit
      train({ place, every = 1 }, limit)
      assert.equal(expected, (train { place, resume = true }))
    end
  end)

  it("evaluates, stops early and takes one optimiser, too", function()
    local model = nn.Sequential { nn.Dense(2, 1) }
    local set, opt = new_set(), optim.SGD(model:parameters(), { lr = 0.1 })
    local history = fnet.fit(model, {
      train = set, valid = set, loss = nn.mse, optim = opt, epochs = 4, metrics = { mae = nn.mae },
      early_stopping = { patience = 1, monitor = "length", goal = "max" }, figures = { "length" },
      schedule = math.sqrt,
      step = function(x, y, run)
        local loss = nn.mse(run.model(x), y)
        run.optim:zero_grad()
        loss:backward()
        run.optim:step()
        return loss, #x
      end,
    })
    assert.equal(2, #history)
    assert.same({ "epoch", "samples", "loss", "length", "valid_loss", "valid_mae", "lr", "seconds" },
      (function()
        local names = { "epoch", "samples" }
        return table.move(history.columns, 1, #history.columns, 3, names)
      end)())
    assert.is_number(history[1].valid_mae)
    assert.equal((32 * 32 + 8 * 8) / 40, history[1].length)
  end)

  it("brings the last good weights back after a loss that is not finite", function()
    local model, set = new_gan(), new_set()
    local before = model.generator:sha256()
    local message = select(2, pcall(fnet.fit, model, { train = set, optim = optimisers(model), batch = 20,
      step = function(x, y, run)
        local loss = gan_step(x, y, run)
        return run.total_steps == 1 and 0 / 0 or loss
      end }))
    assert.matches("fit: epoch 1, step 2: the step function gave a loss of nan; the model has the weights from " ..
      "before step 1 of epoch 1 again, the last ones kept whose loss was finite", message)
    assert.equal(before, model.generator:sha256())
  end)

  it("says what does not fit, at the caller's line", function()
    local model, set = new_gan(), new_set()
    local function raises(message, changed)
      local options = { train = set, optim = optimisers(model), step = gan_step, figures = { "generator_loss" } }
      for key, value in pairs(changed) do options[key] = value end
      for key, value in pairs(options) do
        if value == "none" then options[key] = nil end
      end
      local ok, got = pcall(fnet.fit, model, options)
      assert.is_false(ok)
      assert.equal(message, (got:gsub("^.-:%d+: ", "")))
    end
    raises("fit: clip: the step function has the gradients; call fnet.optim.clip_norm between backward and step",
      { clip = 1 })
    raises("fit: shards: the step function has the gradients; call fnet.shards in it", { shards = 2 })
    raises("fit: accumulate: the step function has the gradients; let it call backward several times before it " ..
      "steps", { accumulate = 2 })
    raises("fit: valid: needs loss = function(output, target), which the step function does not tell",
      { valid = set })
    raises("fit: metrics: the step function keeps the outputs to itself, so they are for valid alone; return " ..
      "figures of the training, and name them: figures = { 'accuracy' }", { metrics = { "accuracy" } })
    raises("fit: figures: they are what a step function returns, and step is missing",
      { step = "none", loss = nn.mse })
    raises("fit: figures: the name 'loss' is taken; give the figure another one", { figures = { "loss" } })
    raises("fit: figures: the name 'a' is there twice; give the figure another one", { figures = { "a", "a" } })
    raises("fit: figures: entry 1: expected a name, got number", { figures = { 1 } })
    raises("fit: step: expected a function(x, y, run) that changes the model and returns the loss, got number",
      { step = 1 })
    raises("fit: step: expected the loss and 0 figures, since figures names so many, got 2 values",
      { figures = "none" })
    raises("fit: step: the loss must return a number, got nil",
      { step = function() return nil, 1 end })
    raises("fit: step: no optimiser has taken a step in epoch 1; zero_grad(), backward() and step() are for the " ..
      "step function to call", { step = function() return 1, 2 end })
    raises("fit: schedule: give each of the optimisers its own, optim.Adam(parameters, { schedule = ... })",
      { schedule = optim.schedule.constant() })
    raises("fit: optim: generator: expected an optimiser, such as fnet.optim.Adam(model:parameters()), got number",
      { optim = { generator = 1 } })
    local one = optim.SGD(model:parameters())
    raises("fit: optim: a and b are one optimiser", { optim = { a = one, b = one } })
    local other = nn.Dense(2, 2)
    raises("fit: optim: a: the optimiser has none of the model's parameters; make it from model:parameters() of " ..
      "this model, after model:to()", { optim = { a = optim.SGD(other:parameters()) } })
    raises("fit: optim: a: 2 of the optimiser's parameters are not the model's, so a checkpoint would lose " ..
      "them; put all that learns into one model: model.generator = ..., model.discriminator = ...",
      { optim = { a = optim.SGD { other.weight, other.bias, model.generator[1].weight } } })
    raises("fit: optim: expected an optimiser, such as fnet.optim.Adam(model:parameters()), got table",
      { step = "none", figures = "none", loss = nn.mse })
  end)
end)

describe("fit with accumulate", function()
  local function new_model()
    fnet.seed(2)
    return nn.Sequential { nn.Dense(2, 8), nn.Tanh(), nn.Dense(8, 1) }
  end

  local function fit(options)
    local model, set = new_model(), new_set()
    local opt = optim.Adam(model:parameters())
    local all = { train = set, loss = nn.mse, optim = opt, epochs = 3 }
    for key, value in pairs(options) do all[key] = value end
    local history = fnet.fit(model, all)
    return model, history, opt
  end

  it("takes the steps of the large batch, up to rounding, also where the last one is smaller", function()
    local order = { size = 12, shuffle = false }
    local large, expected, opt = fit { batch = order }
    local model, history, other = fit { batch = { size = 4, shuffle = false }, accumulate = 3 }
    assert.equal(12, opt.steps)
    assert.equal(12, other.steps)
    for i, parameter in ipairs(large:parameters()) do
      assert.is_true((parameter - model:parameters()[i]):abs():max():item() < 1e-6)
    end
    assert.not_equal(large:sha256(), new_model():sha256())
    for i, record in ipairs(expected) do assert.near(record.loss, history[i].loss, 1e-6) end
  end)

  it("is a larger batch and as many more shards, bit for bit", function()
    assert.equal((fit { batch = 20, shards = 4 }):sha256(),
      (fit { batch = 10, shards = 2, accumulate = 2 }):sha256())
    assert.equal((fit { batch = 10 }):sha256(), (fit { batch = 10, accumulate = 1 }):sha256())
  end)

  it("is checked", function()
    local function raises(message, options)
      local ok, got = pcall(fit, options)
      assert.is_false(ok)
      assert.equal(message, (got:gsub("^.-:%d+: ", "")))
    end
    raises("fit: accumulate: expected a whole number from 1 to 4096, got 0", { accumulate = 0 })
    raises("fit: accumulate: expected a whole number from 1 to 2, got 3", { accumulate = 3, shards = 2048 })
    raises("fit: batch: expected a whole number from 1 to 4611686018427387903, got the string 'x'",
      { accumulate = 2, batch = { size = "x" } })
    raises("fit: unknown option 'gradient_accumulation_steps' (did you mean 'accumulate'?); known are train, " ..
      "valid, loss, optim, epochs, batch, schedule, clip, metrics, callbacks, early_stopping, seed, checkpoint, " ..
      "shards, accumulate, step, figures", { gradient_accumulation_steps = 2 })
  end)
end)

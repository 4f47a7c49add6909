--- fnet.fit: the same bits as the loop written out, what it returns, and what stops it.

local fnet = require "fnet"
local support = require "tests.support"
local nn, optim, data = fnet.nn, fnet.optim, fnet.data

local pictures, test = data.fashion_mnist { dir = "tests/fixtures/fashion" }
local train, valid = pictures:slice(1, 200), test:slice(1, 100)

local function network()
  return nn.Sequential { nn.Flatten(), nn.Dense(784, 16), nn.ReLU(), nn.Dense(16, 10), nn.Softmax() }
end

-- The loop of examples/fashion.lua: the model, and of each epoch the loss, the accuracy and the validation's.
local function written_out(seed, epochs, batch, new_optimiser)
  fnet.seed(seed)
  local model, records = network(), {}
  local opt = new_optimiser(model:parameters())
  for epoch = 1, epochs do
    local seen, total_loss, correct = 0, 0, 0
    for x, y in train:batches { size = batch, shuffle = true } do
      local output = model(x)
      local loss = nn.cross_entropy(output, y)
      opt:zero_grad()
      loss:backward()
      opt:step()
      seen = seen + #y
      total_loss = total_loss + loss:item() * #y
      correct = correct + nn.correct(output, y)
    end
    local checked = nn.evaluate(model, valid)
    records[epoch] = { total_loss / seen, correct / seen, checked.loss, checked.accuracy }
  end
  return model, records
end

-- The options of a small training, with others on top.
local function options(more)
  local list = { train = train, loss = nn.cross_entropy, optim = optim.Adam, batch = 48 }
  for key, value in pairs(more or {}) do list[key] = value end
  return list
end

local line, line_options = support.line, support.line_options
local raises = support.raises
local interrupt = support.interrupt

describe("fit", function()
  local optimisers = {
    Adam = function(list) return optim.Adam(list, { lr = 2e-3 }) end,
    SGD = function(list) return optim.SGD(list, { lr = 0.05, momentum = 0.9 }) end,
  }
  for name, new_optimiser in pairs(optimisers) do
    it("gives the same bits and figures as the loop written out, with " .. name, function()
      local expected, records = written_out(3, 3, 48, new_optimiser)
      fnet.seed(3)
      local model = network()
      local history = fnet.fit(model, options {
        optim = new_optimiser(model:parameters()), epochs = 3, valid = valid, metrics = { "accuracy" },
      })
      assert.equal(expected:sha256(), model:sha256())
      assert.equal(3, #history)
      for epoch, record in ipairs(history) do
        assert.same(records[epoch], { record.loss, record.accuracy, record.valid_loss, record.valid_accuracy })
        assert.same({ epoch, 200 }, { record.epoch, record.samples })
        assert.is_true(record.seconds > 0)
      end
    end)
  end

  it("leaves the random numbers where the loop leaves them", function()
    written_out(5, 2, 64, optim.Adam)
    local expected = { fnet.random_state() }
    fnet.seed(5)
    fnet.fit(network(), options { epochs = 2, batch = 64, valid = valid, early_stopping = { patience = 2 } })
    assert.same(expected, { fnet.random_state() })
  end)

  it("starts the random numbers from its seed", function()
    fnet.seed(1)
    local a = network()
    fnet.fit(a, options { seed = 7 })
    fnet.seed(1)
    local b = network()
    fnet.rand { 3 }
    fnet.fit(b, options { seed = 7 })
    assert.equal(a:sha256(), b:sha256())
  end)

  it("hands the options of a batch on, without shuffling where it is told so", function()
    local seen = {}
    local set = setmetatable({ batches = function(_, list)
      seen[#seen + 1] = list
      return train:batches(list)
    end }, nil)
    fnet.fit(network(), options { train = set })
    fnet.fit(network(), options { train = set, batch = { size = 64, shuffle = false, drop_last = true } })
    assert.same({ { size = 48, shuffle = true }, { size = 64, shuffle = false, drop_last = true } }, seen)
  end)

  it("puts the model into training mode, and leaves it in evaluation mode, ready to be used", function()
    local model = network()
    for _ = 1, 2 do
      local modes = {}
      fnet.fit(model, options { valid = valid, callbacks = { step = function(run)
        modes[#modes + 1] = run.model[2].training
      end, epoch_end = function(run) modes[#modes + 1] = run.model[2].training end, finish = function(run)
        modes[#modes + 1] = run.model[2].training
      end } })
      assert.same({ true, true, true, true, true, true, false }, modes)
      for _, module in ipairs(model:modules()) do assert.is_false(module.training) end
    end
    assert.is_false(pcall(fnet.fit, model, options { loss = error }))
    assert.is_false(model.training)
  end)

  it("does nothing for no epochs", function()
    local model = network()
    local before = model:sha256()
    local history = fnet.fit(model, options { epochs = 0, early_stopping = { patience = 1 } })
    assert.same({ 0, before }, { #history, model:sha256() })
    assert.is_falsy(history.restored)
    assert.matches("^ +epoch +loss +seconds$", tostring(history))
  end)

  it("learns a line from one epoch of 32 samples a step by default", function()
    fnet.seed(1)
    local set, model = line(64)
    local history = fnet.fit(model, { train = set, loss = nn.mse, optim = optim.SGD(model:parameters()) })
    assert.same({ 1, 64 }, { #history, history[1].samples })
  end)

  it("works in float64", function()
    fnet.seed(4)
    local x = fnet.rand({ 50, 1 }, -1, 1, "float64")
    local model = nn.Dense(1, 1):to "float64"
    fnet.fit(model, line_options(data.Dataset { x = x, y = x * 3 - 2 }, { epochs = 200, early_stopping = {
      patience = 200 } }))
    assert.near(3, model.weight:item(), 1e-6)
    assert.near(-2, model.bias:item(), 1e-6)
  end)
end)

describe("the schedule and the clipping of fit", function()
  it("give the bits of the loop written out", function()
    local schedule = optim.schedule.cosine { steps = 10 }
    fnet.seed(3)
    local expected = network()
    local opt = optim.SGD(expected:parameters(), { lr = 0.5, momentum = 0.9, schedule = schedule })
    for _ = 1, 2 do
      for x, y in train:batches { size = 48, shuffle = true } do
        local loss = nn.cross_entropy(expected(x), y)
        opt:zero_grad()
        loss:backward()
        optim.clip_norm(opt.parameters, 0.1)
        opt:step()
      end
    end
    local function new(list) return optim.SGD(list, { lr = 0.5, momentum = 0.9 }) end
    for _, clip in ipairs { 0.1, function(parameters) optim.clip_norm(parameters, 0.1) end } do
      fnet.seed(3)
      local model = network()
      local history = fnet.fit(model, options { optim = new, epochs = 2, schedule = schedule, clip = clip })
      assert.equal(expected:sha256(), model:sha256())
      assert.same({ 0.5 * schedule(5), 0.5 * schedule(10) }, { history[1].lr, history[2].lr })
      assert.matches("^ +epoch +loss +lr +seconds\n", tostring(history))
    end
  end)

  it("reduce the learning rate on a plateau of the loss", function()
    local set, model = line()
    local seen = {}
    fnet.fit(model, line_options(set, {
      epochs = 4, optim = function(p) return optim.SGD(p, { lr = 1e-30 }) end,
      schedule = optim.schedule.plateau { factor = 0.5, patience = 0 },
      callbacks = { epoch_end = function(run) seen[run.epoch] = run.record.lr end },
    }))
    assert.same({ 1e-30, 1e-30, 5e-31, 2.5e-31 }, seen)
  end)

  it("are checked", function()
    local set, model = line()
    local a, b = line_options(set, { schedule = 0.1 }), line_options(set, { clip = -1 })
    raises("fit: schedule: expected a function of the step, such as fnet.optim.schedule.constant(), "
      .. "got number", function() return (fnet.fit(model, a)) end)
    raises("fit: clip: expected a number from 0 to inf, got -1", function() return (fnet.fit(model, b)) end)
  end)
end)

describe("the metrics of fit", function()
  it("are means over samples, also where the last batch is smaller", function()
    fnet.seed(1)
    local set, model = line(7)
    local expected = nn.mse(fnet.no_grad(model, set.x), set.y):item()
    local function absolute(output, y) return (output - y):abs():mean() end
    local history = fnet.fit(model, line_options(set, {
      optim = function(p) return optim.SGD(p, { lr = 0 }) end,
      metrics = { rows = function(_, y) return #y end, absolute = absolute },
    }))
    assert.near(expected, history[1].loss, 1e-6)
    assert.near((25 + 4) / 7, history[1].rows, 1e-9)
    assert.near(absolute(fnet.no_grad(model, set.x), set.y):item(), history[1].absolute, 1e-6)
  end)

  it("are those over the whole epoch where they are no means of batches", function()
    fnet.seed(1)
    local set, model = line(11) -- a last batch of one row
    local function still(p) return optim.SGD(p, { lr = 0 }) end
    local history = fnet.fit(model, line_options(set, {
      optim = still, valid = set, batch = { size = 5, shuffle = false }, metrics = { r2 = fnet.metrics.r2 },
    }))
    local expected = fnet.metrics.r2(model, set)
    assert.same({ expected, expected }, { history[1].r2, history[1].valid_r2 })
  end)

  it("are columns of the history when it is printed", function()
    fnet.seed(1)
    local history = fnet.fit(network(), options { epochs = 2, valid = valid, metrics = { "accuracy" } })
    local lines = {}
    for text in (tostring(history) .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = text end
    assert.matches("^ +epoch +loss +accuracy +valid_loss +valid_accuracy +seconds$", lines[1])
    for epoch = 1, 2 do
      assert.matches(("^ +%d +%%d%%.%%d%%d%%d%%d +%%d+%%.%%d%%d%%%% +%%d%%.%%d+ +%%d+%%.%%d%%d%%%% +%%d%%.%%d%%d$")
        :format(epoch), lines[epoch + 1])
    end
    assert.equal(3, #lines)
  end)

  it("are cut in the middle of a long history", function()
    local set, model = line()
    local text = tostring(fnet.fit(model, line_options(set, { epochs = 40 })))
    assert.equal(25, select(2, text:gsub("\n", "\n")))
    assert.matches("\n +12 [^\n]+\n +%.%.%. [^\n]+\n +29 ", text)
  end)
end)

describe("the callbacks of fit", function()
  it("are called by event, in order, with what has happened so far", function()
    local set, model = line(10)
    local log = {}
    local function note(event)
      return function(run) log[#log + 1] = ("%s %d.%d/%d #%d"):format(event, run.epoch, run.step, run.steps,
        #run.history) end
    end
    local handlers = {}
    for _, event in ipairs { "start", "epoch_start", "step", "epoch_end", "finish" } do
      handlers[event] = note(event)
    end
    fnet.fit(model, line_options(set, { epochs = 2, callbacks = handlers }))
    assert.same({ "start 0.0/2 #0", "epoch_start 1.0/2 #0", "step 1.1/2 #0", "step 1.2/2 #0", "epoch_end 1.2/2 #1",
      "epoch_start 2.0/2 #1", "step 2.1/2 #1", "step 2.2/2 #1", "epoch_end 2.2/2 #2", "finish 2.2/2 #2" }, log)
  end)

  it("see the batch, the output and the loss of a step, and the record of an epoch", function()
    local set, model = line(10)
    local steps = 0
    local first = { step = function(run)
      steps = steps + 1
      assert.same({ 5, 1 }, run.x.shape)
      assert.equal(run.loss, nn.mse(run.output, run.y):item())
      assert.equal(steps, run.total_steps)
    end }
    local second = { epoch_end = function(run) assert.equal(run.history[run.epoch], run.record) end }
    fnet.fit(model, line_options(set, { epochs = 2, callbacks = { first, second } }))
    assert.equal(4, steps)
  end)

  it("know the random numbers before the shuffle, from which an epoch can be repeated", function()
    fnet.seed(2)
    local states, epochs, model = {}, 2, network()
    fnet.fit(model, options { epochs = epochs, callbacks = { epoch_end = function(run)
      states[run.epoch] = run.random
    end } })
    assert.same({ 2, 2 }, { states[1][1], states[1][2] })
    assert.same({ 2, 3 }, { states[2][1], states[2][2] })
  end)

  it("end the training after a step", function()
    local set, model = line(20)
    local history = fnet.fit(model, line_options(set, { epochs = 9, callbacks = { step = function(run)
      if run.total_steps == 6 then run:stop "enough" end
    end } }))
    assert.same({ 2, "enough", 10 }, { #history, history.stopped, history[2].samples })
    history = fnet.fit(model, line_options(set, { epochs = 9, callbacks = { epoch_end = function(run)
      run:stop()
    end } }))
    assert.same({ 1, "stopped by a callback in epoch 1" }, { #history, history.stopped })
    assert.matches("\nstopped by a callback in epoch 1$", tostring(history))
  end)

  it("are told where they set a field to end the training", function()
    local set, model = line()
    for _, field in ipairs { "stop", "stop_training" } do
      local wrong = line_options(set, { callbacks = { step = function(run) run[field] = true end } })
      raises("fit: callbacks: run:stop() ends the training, a field does not",
        function() return (fnet.fit(model, wrong)) end)
    end
  end)

  it("pass their errors on, after finish was called", function()
    local set, model = line()
    local finished = 0
    local ok, message = pcall(fnet.fit, model, line_options(set, { callbacks = {
      step = function() error("mine", 0) end, finish = function() finished = finished + 1 end } }))
    assert.same({ false, "mine", 1 }, { ok, message, finished })
  end)
end)

describe("early stopping", function()
  -- Fits with a callback that makes the validation loss what the list says.
  local function fit_with(losses, stopping, more)
    local set, model = line()
    local weights = {}
    local list = { epochs = #losses, valid = set, early_stopping = stopping,
      callbacks = { epoch_end = function(run)
        run.record.valid_loss = losses[run.epoch]
        weights[run.epoch] = run.model:sha256()
      end } }
    for key, value in pairs(more or {}) do list[key] = value end
    return fnet.fit(model, line_options(set, list)), model, weights
  end

  it("waits for an improvement, stops, and gives the best weights back", function()
    local history, model, weights = fit_with({ 5, 3, 4, 3, 4, 2 }, { patience = 3 })
    assert.same({ 5, 2, true }, { #history, history.best, history.restored })
    assert.equal("stopped after epoch 5: valid_loss has not improved since epoch 2", history.stopped)
    assert.equal(weights[2], model:sha256())
    assert.matches("\nstopped after epoch 5: [^\n]*\nthe weights are those after epoch 2$", tostring(history))
  end)

  it("gives the best weights back also after the last epoch, but not where it is told to let them be", function()
    local history, model, weights = fit_with({ 5, 3, 4 }, { patience = 5 })
    assert.same({ 3, 2, true }, { #history, history.best, history.restored })
    assert.is_nil(history.stopped)
    assert.equal(weights[2], model:sha256())
    history, model, weights = fit_with({ 5, 3, 4 }, { patience = 5, restore = false })
    assert.same({ 2, false }, { history.best, history.restored })
    assert.equal(weights[3], model:sha256())
  end)

  it("takes figures below zero as those above", function()
    local history = fit_with({ -5, -5, -4, -5 }, { patience = 3 })
    assert.equal("stopped after epoch 4: valid_loss has not improved since epoch 1", history.stopped)
    assert.equal(3, fit_with({ -5, -6, -7, -7 }, { patience = 2 }).best)
    assert.equal(3, fit_with({ -5, -4, -3, -6 }, { patience = 2, goal = "max" }).best)
  end)

  it("counts a NaN as no improvement", function()
    local history = fit_with({ 0 / 0, 0 / 0, 1 }, { patience = 2 })
    assert.equal("stopped after epoch 2: valid_loss has not improved since epoch 0", history.stopped)
    assert.is_false(history.restored)
  end)

  it("follows another figure, a larger one being better where it is an accuracy", function()
    local set, model = line()
    local values = { 1, 3, 2, 2 }
    local history = fnet.fit(model, line_options(set, {
      epochs = 4, metrics = { my_accuracy = function() return 0 end },
      early_stopping = { patience = 2, monitor = "my_accuracy" },
      callbacks = { epoch_end = function(run) run.record.my_accuracy = values[run.epoch] end },
    }))
    assert.same({ 4, 2 }, { #history, history.best })
    history = fnet.fit(model, line_options(set, { epochs = 2, metrics = { score = function() return 1 end },
      early_stopping = { patience = 1, monitor = "score", goal = "max" } }))
    assert.equal("stopped after epoch 2: score has not improved since epoch 1", history.stopped)
    history = fnet.fit(model, line_options(set, { epochs = 1, early_stopping = { patience = 1 } }))
    assert.equal(1, history.best)
  end)

  it("is checked", function()
    local set, model = line()
    local function with(list, metrics) return line_options(set, { early_stopping = list, metrics = metrics }) end
    local a, b, c, d = with {}, with { patience = 0 }, with { patience = 2, monitor = "valid_loss" },
      with({ patience = 2, monitor = "score" }, { score = function() return 1 end })
    raises("fit: early_stopping: patience is missing: how many epochs without improvement to wait, such as 5",
      function() return (fnet.fit(model, a)) end)
    raises("fit: early_stopping: patience: expected a whole number of at least 1, got 0",
      function() return (fnet.fit(model, b)) end)
    raises("fit: early_stopping: monitor: unknown name 'valid_loss'; known are loss, seconds",
      function() return (fnet.fit(model, c)) end)
    raises("fit: early_stopping: goal is missing: is a small score good, 'min', or a large one, 'max'?",
      function() return (fnet.fit(model, d)) end)
  end)
end)

describe("Ctrl-C in fit", function()
  it("ends it with what it has, whatever the interpreter calls it", function()
    local ways = { interrupt, function() error("script.lua:3: interrupted!", 0) end, function()
      local _, message = pcall(interrupt)
      error("raised again: " .. message)
    end }
    for _, raise in ipairs(ways) do
      local set, model = line()
      local calls, finished = 0, 0
      local function step(run)
        calls = calls + 1
        if run.total_steps == 7 then raise() end
      end
      local function finish() finished = finished + 1 end
      local history = fnet.fit(model, line_options(set, {
        epochs = 5, valid = set, callbacks = { step = step, finish = finish },
      }))
      assert.same({ 1, 7, 1 }, { #history, calls, finished })
      assert.same({ 2, 3 }, { history.interrupted.epoch, history.interrupted.step })
      assert.is_true(history.interrupted.loss > 0)
      assert.matches("\ninterrupted in epoch 2, after step 3$", tostring(history))
    end
  end)

  it("while validating keeps the epoch that was trained", function()
    local set, model = line()
    local slow = { batches = interrupt }
    local history = fnet.fit(model, line_options(set, { epochs = 5, valid = slow }))
    assert.same({ 1, 1, 4 }, { #history, history.interrupted.epoch, history.interrupted.step })
    assert.matches("\n +1 +%S+ +%- +%S+\ninterrupted in epoch 1, after step 4$", tostring(history))
  end)

  it("gives the best weights back under early stopping", function()
    local set, model = line()
    local best
    local history = fnet.fit(model, line_options(set, { epochs = 5, early_stopping = { patience = 5 },
      callbacks = { epoch_end = function(run) best = best or run.model:sha256() end,
        step = function(run) if run.epoch == 2 then interrupt() end end } }))
    assert.same({ 1, true, best }, { history.best, history.restored, model:sha256() })
  end)
end)

describe("the arguments of fit", function()
  local set, model = line()
  local function with(key, value)
    return line_options(set, key and { [key] = value })
  end

  it("are checked before anything is computed", function()
    local before = model:sha256()
    local cases = {
      { "unknown option 'epoch' (did you mean 'epochs'?); known are", with("epoch", 5) },
      { "train: expected a data set, such as fnet.data.Dataset { x = , y = }, got float32 [3]",
        with("train", fnet.zeros { 3 }) },
      { "valid: expected a data set, such as fnet.data.Dataset { x = , y = }, got table", with("valid", {}) },
      { "valid: expected at least one sample, got data set: 0 samples of float32 [0, 1], targets float32 [0, 1]",
        with("valid", data.Dataset { x = fnet.zeros { 0, 1 }, y = fnet.zeros { 0, 1 } }) },
      { "loss: expected a function of output and target, such as fnet.nn.cross_entropy, got string",
        with("loss", "mse") },
      { "optim: expected an optimiser, such as fnet.optim.Adam(model:parameters()), got string",
        with("optim", "Adam") },
      { "optim: the optimiser has none of the model's parameters",
        with("optim", optim.SGD(nn.Dense(1, 1):parameters())) },
      { "epochs: expected a whole number of at least 0, got 1.5", with("epochs", 1.5) },
      { "batch: expected a whole number of at least 1, got 0", with("batch", 0) },
      { "seed: expected a whole number", with("seed", "x") },
      { "metrics: unknown name 'acuracy' (did you mean 'accuracy'?); known are accuracy", with("metrics", {
        "acuracy" }) },
      { "metrics: mine: expected a function(output, target), got number", with("metrics", { mine = 1 }) },
      { "metrics: expected a name for the function, such as { mae = nn.mae }", with("metrics", { nn.mae }) },
      { "metrics: the name 'loss' is taken; give the metric another one", with("metrics", { loss = nn.mae }) },
      { "metrics: the name 'valid_x' is taken; give", with("metrics", { valid_x = nn.mae }) },
      { "metrics: 'accuracy' is there twice", with("metrics", { "accuracy", "accuracy" }) },
      { "metrics: 'accuracy' is there twice", with("metrics", { "accuracy", accuracy = nn.mae }) },
      { "optim: expected an optimiser, such as fnet.optim.Adam(model:parameters()), got fnet.optim itself",
        with("optim", optim) },
      { "metrics: expected a table such as { 'accuracy' }, got string", with("metrics", "accuracy") },
      { "callbacks: unknown option 'epoch_ends' (did you mean 'epoch_end'?); known are start, epoch_start",
        with("callbacks", { epoch_ends = print }) },
      { "callbacks: step: expected a function, got number", with("callbacks", { step = 1 }) },
      { "callbacks: expected a table of functions by event, such as { epoch_end = f } or " ..
        "fnet.report.training(), or a list of those, got function", with("callbacks", print) },
      { "callbacks: expected a table of functions by event, such as { epoch_end = f } or fnet.report.training() " ..
        "in the list, got function", with("callbacks", { print }) },
    }
    for _, case in ipairs(cases) do
      local ok, message = pcall(function() return (fnet.fit(model, case[2])) end)
      assert.is_false(ok)
      assert.matches("^tests/train/fit_spec%.lua:%d+: fit: ", message)
      assert.is_truthy(message:find(case[1], 1, true), message)
    end
    assert.equal(before, model:sha256())
  end)

  it("need a model with parameters", function()
    local list = with()
    raises("fit: expected a model first, got table", function() return (fnet.fit({}, list)) end)
    raises("fit: expected a table of options, { train = , loss = , optim = } at least",
      function() return (fnet.fit(model)) end)
    raises("fit: expected a table of options, got number", function() return (fnet.fit(model, 5)) end)
    raises("fit: the model has no parameters, so there is nothing to learn",
      function() return (fnet.fit(nn.ReLU(), list)) end)
  end)

  it("find labels outside the classes before the first step", function()
    local labels = fnet.tensor({ 1, 2, 3, 11 }, "int32")
    local far, zero = data.Dataset { x = fnet.zeros { 4, 784 }, y = labels },
      data.Dataset { x = fnet.zeros { 4, 784 }, y = labels - 1 }
    zero.y = zero.y:int()
    local a, b = options { train = far, batch = { size = 2, shuffle = false } }, options { valid = zero }
    local net = network()
    raises("fit: train: label 11 in row 4 is outside 1..10, the classes of the model",
      function() return (fnet.fit(net, a)) end)
    raises("fit: valid: label 0 in row 1 is outside 1..10, the classes of the model; labels count from 1 in fnet, "
      .. "so add 1 to labels that count from 0", function() return (fnet.fit(net, b)) end)
    local function smoothed(output, y) return nn.cross_entropy(output, y, { smoothing = 0.1 }) end
    a.loss = smoothed
    raises("fit: train: label 11 in row 4 is outside 1..10, the classes of the model",
      function() return (fnet.fit(net, a)) end)
    a.train = far:with { rows = fnet.tensor({ 1, 4, 2 }, "int32") }
    raises("fit: train: label 11 in row 2 (row 4 of the data set that it is a part of) is outside 1..10, the "
      .. "classes of the model", function() return (fnet.fit(net, a)) end)
    a.train = far:slice(1, 3)
    assert.equal(1, #fnet.fit(net, a))
    local named = options { loss = smoothed, train = data.Dataset { x = far.x, y = far.y:clamp(1, 3):int(),
      classes = { "a", "b", "c" } } }
    raises("fit: train: the model has 10 outputs, but the list of the data set's classes has length 3",
      function() return (fnet.fit(net, named)) end)
  end)

  it("let whole numbers be the targets of a regression, and use no random numbers to find out", function()
    fnet.seed(3)
    local ages = data.Dataset { x = fnet.rand { 5, 1 }, y = fnet.tensor({ 40, 7, 0, 1, 2 }, "int32") }
    local seen = {}
    local function loss(output, y)
      seen[#seen + 1] = fnet.rand({ 1 }):item()
      return nn.mse(output, y:float():reshape { -1, 1 })
    end
    assert.equal(1, #fnet.fit(nn.Dense(1, 1), { train = ages, loss = loss, optim = optim.SGD }))
    assert.same({ 2, seen[1] }, { #seen, seen[2] })
    local history = fnet.fit(nn.Dense(1, 1), { train = ages, loss = interrupt, optim = optim.SGD })
    assert.same({ 1, 0 }, { history.interrupted.epoch, history.interrupted.step })
  end)

  it("give errors of the model, the loss and the metrics at the caller's line", function()
    local wrong = data.Dataset { x = fnet.zeros { 4, 2 }, y = fnet.zeros { 4, 1 } }
    local a, b = with("train", wrong), with("loss", function() return 5 end)
    local c = with("metrics", { mine = tostring })
    raises("Dense(1, 1): expected an input of [..., 1], got [4, 2]", function() return (fnet.fit(model, a)) end)
    local many = "fit: loss: must return a tensor with one element, such as the :mean() of many, got "
    raises(many .. "number", function() return (fnet.fit(model, b)) end)
    local d = with("loss", function(output) return output end)
    raises(many .. "float32 [5, 1]", function() return (fnet.fit(model, d)) end)
    raises("fit: metrics: mine must return a number, got string", function() return (fnet.fit(model, c)) end)
  end)

  it("need a loss that depends on the model", function()
    local list = with("loss", function(_, y) return y:mean() end)
    local ok, message = pcall(fnet.fit, model, list)
    assert.is_false(ok)
    assert.is_truthy(message:find("does not depend on any tensor that requires gradients", 1, true), message)
  end)
end)

describe("training in fit", function()
  it("takes no more memory with each epoch", function()
    fnet.seed(5)
    local model = network()
    local opt = optim.Adam(model:parameters())
    local function memory()
      fnet.fit(model, options { optim = opt, valid = valid })
      collectgarbage()
      return collectgarbage "count"
    end
    memory()
    local before = memory()
    for _ = 1, 3 do memory() end
    assert.is_true(memory() < before + 64)
  end)

  it("is the same for all threads and instruction sets", function()
    assert.same_everywhere(function()
      fnet.seed(6)
      local model = network()
      fnet.fit(model, options {})
      return model:sha256()
    end, { 1, 3 })
  end)
end)


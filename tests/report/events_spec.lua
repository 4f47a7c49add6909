--- Events for TensorBoard: read back by a strict reader of our own, and by TensorBoard's where Python has it.

local fnet = require "fnet"
local command = require "tests.support.command"
local support = require "tests.support"
local read_events = require("tests.support.events").read
local nn, report = fnet.nn, fnet.report

local FIRST = "/events.out.tfevents.000001"

local directory
before_each(function() directory = command.make_directory() end)
after_each(function() command.remove_directory(directory) end)

-- The values of summaries in order, each with its step.
local function values_of(path)
  local list = {}
  for _, event in ipairs(read_events(path)) do
    if event.summary then
      local value = event.summary.value
      value.step = event.step
      list[#list + 1] = value
    end
  end
  return list
end

-- Two epochs of a small classifier of pictures.
local function train(path, options)
  fnet.seed(1)
  local set = fnet.data.Dataset { x = (fnet.rand { 20, 4, 3 } * 255):byte(), scale = 1 / 255,
    y = (fnet.rand({ 20 }, 1, 3)):int() }
  local model = nn.Sequential { nn.Flatten(), nn.Dense(12, 5), nn.ReLU(), nn.Dense(5, 2) }
  local events <close> = report.events(path, options)
  local history = fnet.fit(model, { train = set, valid = set, epochs = 2, loss = nn.cross_entropy,
    optim = fnet.optim.Adam, metrics = { "accuracy" }, callbacks = events })
  return history, model
end

describe("report.events", function()
  it("writes what a loop of one's own says", function()
    local path = directory .. "/runs/a" -- both are made
    local events = report.events(path, { wall_time = 12.5 })
    events:scalar("loss", 0, 0.25):scalar("loss", 1000000, fnet.tensor { 3 }):scalar("lost", 2, 0 / 0)
    events:text("what", 1, "**Ä**"):histogram("w", 3, fnet.tensor({ 0, 1, 2, 3 }, "int32"))
    events:picture("grey", 4, fnet.full({ 2, 3 }, 7, "uint8")):close()

    local all = read_events(path .. FIRST)
    assert.same({ time = 12.5, version = "brain.Event:2" }, all[1])
    for _, event in ipairs(all) do assert.equal(12.5, event.time) end
    local values = values_of(path .. FIRST)
    assert.same({ tag = "loss", number = 0.25, step = 0 }, values[1])
    assert.same({ tag = "loss", number = 3, step = 1000000 }, values[2])
    assert.is_true(values[3].number ~= values[3].number)
    assert.same({ tag = "what", step = 1, metadata = { plugin = { name = "text" } },
      tensor = { type = 7, shape = { axis = { length = 1 } }, text = "**Ä**" } }, values[4])
    local histogram = values[5].histogram
    assert.same({ 0, 3, 4, 6, 14, 30 }, { histogram.least, histogram.most, histogram.count, histogram.sum,
      histogram.squares, #histogram.limits })
    assert.same({ 1, 1, 1, 1 }, { histogram.counts[1], histogram.counts[11], histogram.counts[21],
      histogram.counts[30] })
    local image = values[6].image
    assert.same({ 2, 3, 1 }, { image.height, image.width, image.space })
    command.write_file(directory .. "/p.png", image.png)
    assert.same({ { 7, 7, 7 }, { 7, 7, 7 } }, fnet.data.read_image(directory .. "/p.png"):totable())
  end)

  it("counts each value of a histogram once, whatever the values are", function()
    fnet.seed(3)
    local events <close> = report.events(directory .. "/a")
    local lists = { fnet.randn { 1000 }, fnet.full({ 7 }, -2), fnet.tensor { 1e30, -1e30 }, fnet.tensor { 5 },
      fnet.tensor({ 1, 1 + 2 ^ -52 }, "float64") }
    for i, list in ipairs(lists) do events:histogram("h", i, list) end
    for i, value in ipairs(values_of(directory .. "/a" .. FIRST)) do
      local histogram, sum = value.histogram, 0
      for k, count in ipairs(histogram.counts) do
        assert.is_true(count >= 0 and (k == 1 or histogram.limits[k] >= histogram.limits[k - 1]))
        sum = sum + count
      end
      assert.same({ #lists[i], #histogram.counts, histogram.most },
        { sum, #histogram.limits, histogram.limits[#histogram.limits] })
    end
  end)

  it("shows a training of fit", function()
    local history, model = train(directory .. "/a")
    local found, steps = {}, {}
    for _, value in ipairs(values_of(directory .. "/a" .. FIRST)) do
      found[("%s %d"):format(value.tag, value.step)] = value
      steps[value.tag] = (steps[value.tag] or 0) + 1
    end
    assert.same({ model = 1, samples = 1, loss = 2, accuracy = 2, valid_loss = 2, valid_accuracy = 2,
      ["weights/2.weight"] = 2, ["weights/2.bias"] = 2, ["weights/4.weight"] = 2, ["weights/4.bias"] = 2,
      ["weights/first layer"] = 2 }, steps)
    for epoch = 1, 2 do
      assert.equal(support.single(history[epoch].valid_loss), found["valid_loss " .. epoch].number)
    end
    assert.equal(model[2].weight:min():item(), found["weights/2.weight 2"].histogram.least)
    local tiles = found["weights/first layer 2"].image -- five units of 4 x 3 in two rows of three
    assert.same({ 9, 11 }, { tiles.height, tiles.width })
    assert.is_truthy(found["model 0"].tensor.text:find("Dense(12, 5)", 1, true))
  end)

  it("gives equal bytes for equal runs where the time is given", function()
    train(directory .. "/a", { wall_time = 0 })
    train(directory .. "/b", { wall_time = 0 })
    assert.equal(command.read_file(directory .. "/a" .. FIRST), command.read_file(directory .. "/b" .. FIRST))
    train(directory .. "/c", { wall_time = 1 })
    assert.not_equal(command.read_file(directory .. "/a" .. FIRST), command.read_file(directory .. "/c" .. FIRST))
  end)

  it("changes no bit of the training", function()
    local _, watched = train(directory .. "/a")
    fnet.seed(1)
    local set = fnet.data.Dataset { x = (fnet.rand { 20, 4, 3 } * 255):byte(), scale = 1 / 255,
      y = (fnet.rand({ 20 }, 1, 3)):int() }
    local model = nn.Sequential { nn.Flatten(), nn.Dense(12, 5), nn.ReLU(), nn.Dense(5, 2) }
    fnet.fit(model, { train = set, epochs = 2, loss = nn.cross_entropy, optim = fnet.optim.Adam })
    assert.equal(model:sha256(), watched:sha256())
  end)

  it("touches no events of another run, and goes on behind those of an earlier one", function()
    train(directory .. "/a")
    local before = command.read_file(directory .. "/a" .. FIRST)
    support.raises(("events: %s/a: has the events of another run; go on behind them (resume = true) or name "
      .. "another directory"):format(directory), function() report.events(directory .. "/a") end)
    report.events(directory .. "/a", { resume = true }):scalar("loss", 3, 1):close()
    assert.equal(before, command.read_file(directory .. "/a" .. FIRST))
    assert.equal(1, #values_of(directory .. "/a/events.out.tfevents.000002"))
  end)

  it("says which steps of an interrupted training do not count any more", function()
    local function train_until(epochs, resume)
      fnet.seed(1)
      local set, model = support.line()
      fnet.fit(model, support.line_options(set, { epochs = epochs,
        checkpoint = { directory .. "/run", resume = resume },
        callbacks = report.events(directory .. "/a", { resume = resume }) }))
    end
    train_until(2)
    train_until(3, true)
    local sessions = {}
    for _, event in ipairs(read_events(directory .. "/a/events.out.tfevents.000002")) do
      if event.session then sessions[#sessions + 1] = { event.step, event.session.status } end
    end
    assert.same({ { 3, 1 } }, sessions)
  end)

  it("is read by TensorBoard", function()
    if not command.python_has "tensorboard" then
      pending "left out: this Python has no tensorboard: pip install tensorboard, and set FNET_PYTHON"
      return
    end
    local events <close> = report.events(directory .. "/b", { wall_time = 1 })
    events:scalar("loss", 1, 0.5):scalar("loss", 2, 0.25):histogram("w", 3, fnet.arange(1, 60))
    events:picture("grey", 4, fnet.rand { 9, 7 }):picture("many", 5, fnet.rand { 3, 9, 7, 3 }):text("what", 6, "Ä")
    local script = command.quote(command.directory .. "/tests/fixtures/events_check.py")
    local result = command.shell(directory, ("%s %s b"):format(command.python, script))
    assert.same({ 0, "scalar loss 1:0.5 2:0.25\nhistogram w 3 1 60 60 60.0\npicture grey 4 7 9 PNG\n"
      .. "picture many 5 15 19 PNG\ntext what 6 Ä\n" }, { result.status, result.output })
  end)

  it("says what is wrong", function()
    local raises, path = support.raises, directory .. "/a"
    local events <close> = report.events(path)
    raises("events: expected a path, got nil", function() report.events() end)
    raises("events: expected the path of a directory, got string", function() report.events "" end)
    raises("events: unknown option 'walltime' (did you mean 'wall_time'?); known are resume, wall_time",
      function() report.events("x", { walltime = 1 }) end)
    raises("events: wall_time: expected a number from 0 to 1e+11, got nan",
      function() report.events("x", { wall_time = 0 / 0 }) end)
    command.write_file(directory .. "/file", "")
    raises(("events: %s/file: Not a directory"):format(directory),
      function() report.events(directory .. "/file/deeper/a") end)
    raises('scalar: expected a name, such as "loss", got string', function() events:scalar("", 1, 1) end)
    raises('scalar: expected a name, such as "loss", got string', function() events:scalar("\xff", 1, 1) end)
    raises("scalar: step: expected a whole number of at least 0, got -1",
      function() events:scalar("a", -1, 1) end)
    raises("scalar: expected a number, got float32 [2]", function() events:scalar("a", 1, fnet.ones { 2 }) end)
    raises("histogram: expected at least one value, got float32 [0]",
      function() events:histogram("a", 1, fnet.zeros { 0 }) end)
    raises("histogram: a has a value that is not finite",
      function() events:histogram("a", 1, fnet.tensor { 1, -1 / 0 }) end)
    raises("picture: expected a picture [height, width] or [height, width, 3], got float32 [2, 2, 2]",
      function() events:picture("a", 1, fnet.ones { 2, 2, 2 }) end)
    raises("text: expected a text in UTF-8, got string", function() events:text("a", 1, "\xff") end)
    raises("scalar: expected to be called with a colon, such as object:scalar(), got string for the object",
      function() events.scalar("a", 1, 1) end)
    events:close()
    events:close()
    raises(("text: %s%s is closed"):format(path, FIRST), function() events:text("a", 1, "") end)
    assert.equal(1, #read_events(path .. FIRST)) -- nothing was written by any of these
    raises("fnet.report has no 'SummaryWriter'; did you mean fnet.report.events?",
      function() return report.SummaryWriter end)
  end)
end)

--- Histograms of parameters, kept over the epochs of a training.

local fnet = require "fnet"
local recorder = require "fnet.page.recorder"
local support = require "tests.support"

local function sum(list)
  local total = 0
  for _, value in ipairs(list) do total = total + value end
  return total
end

describe("report.recorder", function()
  it("keeps a histogram of each parameter, before the first epoch and after each", function()
    fnet.seed(1)
    local set, model = support.line()
    local callbacks = fnet.report.recorder()
    fnet.fit(model, support.line_options(set, { epochs = 3, callbacks = callbacks }))
    local looks = recorder.seen_by(callbacks).looks
    assert.equal(4, #looks)
    for i, look in ipairs(looks) do
      assert.equal(i - 1, look.epoch)
      assert.equal("Dense(1, 1): weight", look.parameters[1].name)
      assert.equal("Dense(1, 1): bias", look.parameters[2].name)
    end
    assert.equal(model.weight:item(), looks[4].parameters[1].histogram.mean)
  end)

  it("begins again with another training", function()
    local set, model = support.line()
    local callbacks = fnet.report.recorder()
    for _ = 1, 2 do fnet.fit(model, support.line_options(set, { epochs = 2, callbacks = callbacks })) end
    assert.equal(3, #recorder.seen_by(callbacks).looks)
  end)

  it("counts each number once, in the bin in which it lies", function()
    local model = fnet.nn.Dense(10, 10, { bias = false })
    fnet.no_grad(function() model.weight:copy(fnet.arange(0, 99, 1):reshape { 10, 10 }) end)
    local histogram = recorder.look(model, 0).parameters[1].histogram
    assert.same({ 0, 99, 20 }, { histogram.low, histogram.high, #histogram.counts })
    assert.equal(100, sum(histogram.counts))
    for bin, count in ipairs(histogram.counts) do
      assert.equal("integer", math.type(count))
      assert.equal(5, count, "bin " .. bin)
    end
    assert.near(49.5, histogram.mean, 1e-6)
  end)

  it("counts millions exactly, and equal numbers", function()
    local model = fnet.nn.Dense(1500, 1500, { bias = false })
    assert.equal(2250000, sum(recorder.look(model, 0).parameters[1].histogram.counts))
    fnet.no_grad(function() model.weight:fill(0.25) end)
    local equal = recorder.look(model, 0).parameters[1].histogram
    assert.same({ 0.25, 0.25, 0, 2250000 }, { equal.low, equal.high, equal.deviation, equal.counts[1] })
  end)

  it("has none where a number is not finite", function()
    local model = fnet.nn.Dense(2, 2)
    fnet.no_grad(function() model.weight:copy(fnet.tensor { { 1, 0 / 0 }, { 1, 1 } }) end)
    local parameters = recorder.look(model, 0).parameters
    assert.is_nil(parameters[1].histogram)
    assert.is_table(parameters[2].histogram)
  end)

  it("works in a loop of one's own, and says what it wants there", function()
    local model = fnet.nn.Dense(2, 2)
    local callbacks = fnet.report.recorder(model)
    callbacks.epoch_end { model = model, record = { epoch = 1, loss = 2 } }
    local seen = recorder.seen_by(callbacks)
    assert.same({ 0, 1 }, { seen.looks[1].epoch, seen.looks[2].epoch })
    assert.same({ { epoch = 1, loss = 2 } }, seen.records)
    support.raises("recorder: epoch_end: expected a run of fnet.fit, or { model = model, record = { epoch = 1, "
      .. "loss = number } }, got table", function() callbacks.epoch_end { model = model } end)
    support.raises("recorder: epoch_end: record: epoch: expected a whole number of at least 0, got 1.5",
      function() callbacks.epoch_end { model = model, record = { epoch = 1.5 } } end)
    support.raises("recorder: expected a model, or nothing, got number", function() fnet.report.recorder(1) end)
  end)
end)

--- The worst mistakes of a classifier, as data.

local fnet = require "fnet"
local raises = require("tests.support").raises
local nn, data = fnet.nn, fnet.data

-- A model whose outputs are its inputs, so that a test says what it answers.
local function echo(last) return nn.Sequential { nn.Lambda(function(x) return x * 1 end), last } end

local function set_of(rows, labels)
  return data.Dataset { x = fnet.tensor(rows), y = fnet.tensor(labels, "int32") }
end

describe("the mistakes of a classifier", function()
  local log = math.log
  local set = set_of({
    { log(0.9), log(0.1) }, { log(0.9), log(0.1) }, { log(0.4), log(0.6) }, { log(0.9), log(0.1) },
    { log(0.05), log(0.95) },
  }, { 1, 2, 1, 2, 1 })

  it("are the most certain ones first, equal ones in the order of the samples", function()
    for _, model in ipairs { echo(), echo(nn.Softmax()) } do
      local list, total, samples = fnet.metrics.mistakes(model, set, 3, { size = 2 })
      assert.same({ 3, 4, 5 }, { #list, total, samples })
      local expected = { { 5, 1, 2, 0.95 }, { 2, 2, 1, 0.9 }, { 4, 2, 1, 0.9 } }
      for i, mistake in ipairs(list) do
        assert.same({ expected[i][1], expected[i][2], expected[i][3] },
          { mistake.index, mistake.label, mistake.guess })
        assert.is_true(math.abs(expected[i][4] - mistake.probability) < 1e-6)
      end
    end
  end)

  it("are as many as nn.evaluate says, with the same answers as predict_classes", function()
    fnet.seed(3)
    local labels = (fnet.rand({ 500 }) * 4 + 1):int()
    local some = data.Dataset { x = fnet.randn { 500, 6 }, y = labels }
    local model = nn.Sequential { nn.Dense(6, 4), nn.Softmax() }
    local list, total = fnet.metrics.mistakes(model, some, 1000)
    assert.equal(500 - nn.evaluate(model, some).correct, total)
    assert.equal(total, #list)
    local said = fnet.predict_classes(model, some)
    for i, mistake in ipairs(list) do
      assert.same({ said[mistake.index], labels[mistake.index] }, { mistake.guess, mistake.label })
      assert.is_true(i == 1 or list[i - 1].probability >= mistake.probability)
    end
  end)

  it("are ten by default, none where all is right, and counted in a part by its own numbers", function()
    local wrong = data.Dataset { x = fnet.tensor { { 0, 1 } }:expand({ 12, 2 }):contiguous(),
      y = fnet.full({ 12 }, 1, "int32") }
    assert.equal(10, #fnet.metrics.mistakes(echo(), wrong))
    local list, total, samples = fnet.metrics.mistakes(echo(), set:slice(1, 1))
    assert.same({ 0, 0, 1 }, { #list, total, samples })
    assert.equal(1, fnet.metrics.mistakes(echo(), set:slice(2, 3))[1].index)
  end)

  it("are refused where there is no classifier, no label, no data, or no answer", function()
    local mistakes = fnet.metrics.mistakes
    raises("mistakes: expected a model first, got number", function() mistakes(1, set) end)
    raises("mistakes: expected a data set after the model, got nil", function() mistakes(echo()) end)
    raises("mistakes: count: expected a whole number of at least 1, got 0", function() mistakes(echo(), set, 0) end)
    raises("mistakes: unknown option 'batch' (did you mean 'size'?); known are size",
      function() mistakes(echo(), set, 1, { batch = 3 }) end)
    local floats = data.Dataset { x = set.x, y = set.x }
    raises("mistakes: expected labels [batch] as int32 or uint8, got float32 [5, 2]; labels are converted with " ..
      ":int()",
      function() mistakes(echo(), floats) end)
    local far = set_of({ { 0, 1 } }, { 3 })
    raises("mistakes: label 3 in row 1 is outside 1..2, the classes of the model",
      function() mistakes(echo(), far) end)
    local broken = set_of({ { 0, 1 }, { 0, 1 }, { 0 / 0, 1 } }, { 1, 1, 1 })
    raises("mistakes: row 3 of the output holds a nan, so it says no class",
      function() mistakes(echo(), broken, 1, { size = 2 }) end)
    local infinite = set_of({ { 0, 1 }, { 0, 1 / 0 } }, { 1, 1 })
    raises("mistakes: row 2 of the output holds an infinity, so it has no probabilities",
      function() mistakes(echo(), infinite) end)
  end)
end)

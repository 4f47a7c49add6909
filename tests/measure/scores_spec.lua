--- Metrics of scores: the area under the ROC curve, average precision, calibration, and the confusion of one
-- output, against values recorded from scikit-learn and by hand; ties, and what they refuse.

local fnet = require "fnet"
local nn, metrics = fnet.nn, fnet.metrics
local raises = require("tests.support").raises

local recorded = dofile "tests/fixtures/scikit_metrics.lua"

local function int(values) return fnet.tensor(values, "int32") end
local function double(values) return fnet.tensor(values, "float64") end

local Echo = nn.module "Echo"
function Echo:forward(x) return x * 1 end

local SCORES = { auc = metrics.auc, average_precision = metrics.average_precision }

describe("a metric of scores", function()
  for name, metric in pairs(SCORES) do
    it("has scikit-learn's value, with many equal scores: " .. name, function()
      local scores, truths = double(recorded.scores), int(recorded.truths)
      local expected = recorded[name]
      assert.near(expected, metric(scores, truths), 1e-14)
      assert.near(expected, metric(scores:float(), truths:byte()), 1e-14) -- quarters are exact
      assert.near(expected, metric(scores:reshape { 60, 1 }, truths), 1e-14)
      assert.near(expected, metric(scores:reshape { 60, 1 }, truths:reshape { 60, 1 }:float()), 1e-14)
      local strided = fnet.stack({ scores, scores * 0 }, 2):select(2, 1)
      assert.near(expected, metric(strided, truths), 1e-14)
      -- two logits with labels, of which 2 is the positive one
      local two = fnet.stack({ scores * 0, scores }, 2)
      local labels = (truths + 1):int()
      assert.near(expected, metric(two, labels), 1e-14)
      assert.near(expected, metric(two:reshape { 6, 10, 2 }, labels:reshape { 6, 10 }), 1e-14)
    end)

    it("is the mean over columns, and over classes against the rest: " .. name, function()
      assert.near(recorded["columns_" .. name], metric(double(recorded.columns), int(recorded.marks)), 1e-14)
      local logits, labels = double(recorded.logits), int(recorded.labels)
      assert.near(recorded["classes_" .. name], metric(logits, labels), 1e-14)
      assert.near(recorded["classes_" .. name], metric(logits:softmax(), labels), 1e-14)
      local wider = fnet.concat({ logits, fnet.full({ 50, 1 }, -40, "float64") }, 2) -- a class that does not occur
      assert.near(recorded["classes_" .. name], metric(wider, labels), 1e-12)
    end)

    it("depends on no order of the samples: " .. name, function()
      fnet.seed(9)
      local order = fnet.permutation(60)
      local scores, truths = double(recorded.scores), int(recorded.truths)
      assert.equal(metric(scores, truths), metric(scores:gather(order), truths:gather(order)))
    end)

    it("refuses what has no order, and targets of one kind: " .. name, function()
      local x = fnet.tensor { 1, 2, 0 / 0 }
      raises(name .. ": row 3 of the output holds a nan, which has no place in an order",
        function() metric(x, int { 0, 1, 1 }) end)
      raises(name .. ": expected positive and negative targets, got 2 and 0",
        function() metric(fnet.ones { 2 }, int { 1, 1 }) end)
      raises(name .. ": expected positive and negative targets in column 2 of the targets, got 0 and 2",
        function() metric(fnet.ones { 2, 2 }, int { { 1, 0 }, { 0, 0 } }) end)
      raises(name .. ": expected labels of at least two classes, got fewer",
        function() metric(fnet.ones { 2, 3 }, int { 1, 1 }) end)
      raises(name .. ": expected targets of 0 and 1, got 2 in row 2; subtract 1 from labels that count from 1",
        function() metric(fnet.ones { 2 }, int { 1, 2 }) end)
      raises(name .. ": expected targets of 0 and 1, got -1 in row 1; targets of -1 and 1 become such by " ..
        "(y + 1) / 2",
        function() metric(fnet.ones { 2 }, fnet.tensor { -1, 1 }) end)
      raises(name .. ": expected targets of 0 and 1, got 0.5 in row 2",
        function() metric(fnet.ones { 2, 2 }, fnet.tensor { { 1, 0 }, { 0, 0.5 } }) end)
      raises(name .. ": expected outputs of floats and targets, got int32 [2] and int32 [2]",
        function() metric(int { 1, 2 }, int { 1, 0 }) end)
      raises(name .. ": expected outputs of floats and targets, got float32 [2] and number",
        function() metric(fnet.ones { 2 }, 1) end)
      raises(name .. ": label 4 in row 1 is outside 1..3; has the model as many outputs as there are classes?",
        function() metric(fnet.ones { 2, 3 }, int { 4, 1 }) end)
      assert.is_false((pcall(metric, fnet.zeros { 0 }, fnet.zeros({ 0 }, "int32"))))
      assert.is_false((pcall(metric, fnet.zeros { 0, 3 }, fnet.zeros({ 0 }, "int32"))))
    end)

    it("is computed once, over all outputs, in evaluate and fit: " .. name, function()
      local set = fnet.data.Dataset { x = double(recorded.logits), y = int(recorded.labels) }
      local result = fnet.evaluate(Echo(), set, { metrics = { figure = metric }, size = 7 })
      assert.near(recorded["classes_" .. name], result.figure, 1e-14)
      assert.near(recorded["classes_" .. name], metric(Echo(), set), 1e-14)
    end)
  end

  it("has the values that one counts by hand", function()
    assert.equal(1, metrics.auc(fnet.tensor { 1, 2, 3 }, int { 0, 1, 1 }))
    assert.equal(0, metrics.auc(fnet.tensor { 3, 2, 1 }, int { 0, 1, 1 }))
    assert.equal(0.5, metrics.auc(fnet.zeros { 5 }, int { 0, 1, 1, 0, 1 }))
    assert.equal(0.75, metrics.auc(fnet.tensor { -math.huge, 0, 0, math.huge }, int { 0, 0, 1, 1 }) - 0.125)
    assert.near((1 + 2 / 3) / 2, metrics.average_precision(fnet.tensor { 4, 3, 2, 1 }, int { 1, 0, 1, 0 }), 1e-15)
    assert.equal(0.6, metrics.average_precision(fnet.zeros { 5 }, int { 0, 1, 1, 0, 1 })) -- the share
  end)

  it("keeps apart sure logits that probabilities round to 1", function()
    local x = fnet.tensor { { 0, 100 }, { 0, 200 }, { 0, 300 } }
    assert.equal(1, metrics.auc(x, int { 1, 1, 2 }))
  end)
end)

describe("calibration_error", function()
  it("has scikit-learn's curve, weighted by its bins", function()
    local logits, labels = double(recorded.logits), int(recorded.labels)
    local error, bins = metrics.calibration_error(logits, labels)
    assert.near(recorded.calibration_15, error, 1e-14)
    assert.near(recorded.calibration_15, metrics.calibration_error(logits:softmax(), labels), 1e-14)
    assert.near(recorded.calibration_4, metrics.calibration_error(logits, labels, { bins = 4 }), 1e-14)
    local rows, before = 0, 0
    for _, bin in ipairs(bins) do
      rows = rows + bin.count
      assert.is_true(bin.confidence > before)
      before = bin.confidence
    end
    assert.equal(50, rows)
    assert.near(recorded.calibration_15, metrics.calibration_error(logits:reshape { 5, 10, 4 },
      labels:reshape { 5, 10 }), 1e-14)
    local set = fnet.data.Dataset { x = logits, y = labels }
    assert.near(recorded.calibration_15, fnet.evaluate(Echo(), set, { metrics = { ece = metrics.calibration_error },
      size = 9 }).ece, 1e-14)
  end)

  it("takes one output, as a probability or a logit", function()
    local chances, outcomes = double(recorded.chances), int(recorded.outcomes)
    assert.near(recorded.chances_calibration,
      metrics.calibration_error(chances, outcomes, { bins = 10, probabilities = true }), 1e-14)
    local x = fnet.tensor { 3, -1, 0.5 }
    local two = fnet.stack({ x * 0, x }, 2)
    assert.near(metrics.calibration_error(two, int { 2, 1, 1 }),
      metrics.calibration_error(x, int { 1, 0, 0 }), 1e-7)
  end)

  it("refuses wrong arguments", function()
    local x, y = fnet.ones { 2, 3 }, int { 1, 2 }
    raises("calibration_error: bins: expected a whole number from 1 to 1048576, got 0",
      function() metrics.calibration_error(x, y, { bins = 0 }) end)
    raises("calibration_error: row 1 of the output holds an infinity, so it has no probabilities",
      function() metrics.calibration_error(fnet.full({ 2, 3 }, math.huge), y) end)
    raises("calibration_error: row 1 of the output holds a nan, so it says no class",
      function() metrics.calibration_error(fnet.full({ 2, 3 }, 0 / 0), y) end)
    raises("calibration_error: label 9 in row 2 is outside 1..3; has the model as many outputs as there are " ..
      "classes?",
      function() metrics.calibration_error(x, int { 1, 9 }) end)
    raises("calibration_error: expected at least one row, got float64 [0, 3]",
      function() metrics.calibration_error(fnet.zeros { 0, 3 }, fnet.zeros({ 0 }, "int32")) end)
    raises("calibration_error: all outputs lie from 0 to 1, as probabilities do, and logits may; say which they " ..
      "are: { probabilities = true }, or false",
      function() metrics.calibration_error(fnet.ones { 2 }, int { 1, 0 }) end)
  end)
end)

describe("confusion of one output", function()
  it("compares logits with 0 and probabilities with a half", function()
    local scores, truths = double(recorded.scores), int(recorded.truths)
    local counts = recorded.confusion
    assert.same(counts, metrics.confusion(scores, truths).counts)
    assert.same(counts, metrics.confusion(scores:reshape { 60, 1 }, truths:float():reshape { 60, 1 }).counts)
    assert.same(counts, metrics.confusion(scores:sigmoid(), truths, { probabilities = true }).counts)
    assert.same({ "0", "1" }, metrics.confusion(scores, truths).classes)
    local set = fnet.data.Dataset { x = scores:reshape { 60, 1 }, y = truths:float():reshape { 60, 1 } }
    local confusion = metrics.confusion(Echo(), set, { classes = { "no", "yes" } })
    assert.same({ counts, { "no", "yes" } }, { confusion.counts, confusion.classes })
    assert.same({ { 1, 0 }, { 1, 1 } },
      metrics.confusion(fnet.tensor { 0, 0, math.huge }, int { 0, 1, 1 }).counts)
  end)

  it("asks where it cannot know, and refuses what does not fit", function()
    local x, y = fnet.tensor { 0.25, 0.75 }, int { 1, 0 }
    raises("confusion: all outputs lie from 0 to 1, as probabilities do, and logits may; say which they are: " ..
      "{ probabilities = true }, or false", function() metrics.confusion(x, y) end)
    assert.same({ { 0, 1 }, { 0, 1 } }, metrics.confusion(x, y, { probabilities = false }).counts)
    assert.same({ { 0, 1 }, { 1, 0 } }, metrics.confusion(x, y, { probabilities = true }).counts)
    raises("confusion: expected probabilities, got an output of 1.5",
      function() metrics.confusion(x * 2, y, { probabilities = true }) end)
    raises("confusion: expected targets of 0 and 1, got 2 in row 1; subtract 1 from labels that count from 1",
      function() metrics.confusion(x * 2, y + 1) end)
    raises("confusion: expected a target of 0 or 1 for each output, got outputs float32 [2] and int32 [3]",
      function() metrics.confusion(x, int { 1, 0, 1 }) end)
    raises("confusion: row 2 of the output holds a nan, so it says no class",
      function() metrics.confusion(fnet.tensor { 3, 0 / 0 }, y) end)
  end)

  it("names a model of several outputs", function()
    local set = fnet.data.Dataset { x = fnet.ones { 2, 1 }, y = { int { 1, 2 }, int { 1, 2 } } }
    raises("confusion: expected a model and a data set of one tensor each, got outputs float32 [2, 1] and " ..
      "targets table; one of several is given by itself, of what fnet.predict gives",
      function() metrics.confusion(Echo(), set) end)
  end)
end)

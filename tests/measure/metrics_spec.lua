--- Metrics against counting by hand and formulas, from outputs and from a model, and what they refuse.

local fnet = require "fnet"
local nn, metrics = fnet.nn, fnet.metrics

-- Calls f, which must raise an error at a line of this file.
local function fails(message, f, ...)
  local ok, got = pcall(f, ...)
  assert.is_false(ok)
  local position, text = got:match "^(.-metrics_spec%.lua:%d+: )(.*)$"
  assert.is_truthy(position, got)
  assert.equal(message, text)
end

-- Five rows, whose largest outputs are the classes 1, 2, 3, 1, 2.
local output = fnet.tensor { { 9, 1, 2 }, { 1, 9, 2 }, { 1, 2, 9 }, { 9, 2, 1 }, { 1, 9, 2 } }
local target = fnet.tensor({ 1, 2, 3, 3, 1 }, "int32")

-- Its output is its input.
local Echo = nn.module "Echo"
function Echo:forward(x)
  self.seen_training = self.training
  return x * 1
end

local function set()
  return fnet.data.Dataset { x = output, y = target, classes = { "a", "b", "Ankle boot" } }
end

describe("accuracy and top_k", function()
  it("are fractions with the farther end of their 95% interval", function()
    local fraction, margin = metrics.accuracy(output, target)
    assert.equal(0.6, fraction)
    assert.near(0.3693, margin, 1e-4) -- Wilson: 0.2307 to 0.8824
    assert.equal(nn.evaluate(Echo(), set()).margin, margin)
    for k, expected in ipairs { 0.6, 0.6, 1 } do assert.equal(expected, (metrics.top_k(output, target, k))) end
    assert.equal(0.8, (metrics.top_k(output, fnet.tensor({ 1, 2, 3, 2, 1 }, "int32"), 2)))
    local sure, doubt = metrics.accuracy(output[1], 1)
    assert.same({ 1, 0.7935 }, { sure, tonumber(("%.4f"):format(doubt)) }) -- one row says little
    assert.same({ 0, doubt }, { metrics.top_k(output[1], 2, 2) })
    local soft = fnet.tensor { { 0.6, 0.2, 0.2 }, { 0, 1, 0 }, { 0, 0, 1 }, { 0.1, 0.1, 0.8 }, { 0.5, 0.3, 0.2 } }
    assert.equal(0.6, (metrics.accuracy(output, soft)))
    assert.same({ 3, 1, 0 }, { nn.correct(output, soft), nn.correct(output[1], soft[1]),
      nn.correct(output[1], soft[2]) })
  end)

  it("count equal outputs with their share, infinities as numbers, a NaN as no hit", function()
    local inf = math.huge
    local x = fnet.tensor { { 1, 1, 1 }, { 0 / 0, 1, 2 }, { inf, inf, -inf } }
    local y = fnet.tensor({ 3, 1, 2 }, "int32")
    assert.near((1 / 3 + 0 + 1 / 2) / 3, (metrics.top_k(x, y, 1)), 1e-12)
    assert.near((2 / 3 + 0 + 1) / 3, (metrics.top_k(x, y, 2)), 1e-12)
    assert.near((1 + 0 + 1) / 3, (metrics.top_k(x, y, 3)), 1e-12)
    local dead, labels = fnet.zeros { 6, 10 }, fnet.tensor({ 1, 2, 3, 10, 9, 8 }, "int32")
    for k = 1, 10 do assert.near(k / 10, (metrics.top_k(dead, labels, k)), 1e-12) end
  end)

  it("have an interval that makes sense at 0% and 100%", function()
    local interval = require("fnet.measure.classes").interval
    local function close(low, high, ...)
      local a, b = interval(...)
      assert.near(low, a, 5e-5)
      assert.near(high, b, 5e-5)
    end
    close(0.4385, 1, 1, 3)
    close(0, 0.5615, 0, 3)
    close(0.2366, 0.7634, 0.5, 10)
    close(0.8664, 0.8795, 0.8731, 10000)
  end)

  it("count every row of outputs of three axes", function()
    assert.equal(0.6, (metrics.accuracy(output:reshape { 5, 1, 3 }, target)))
    assert.equal(0.6, (metrics.accuracy(output:reshape { 1, 5, 3 }, target)))
  end)

  it("leave out the rows whose label is ignored", function()
    local y = fnet.tensor { { { 2, 1 }, { 1, 2 }, { 1, 2 } }, { { 1, 2 }, { 2, 1 }, { 0, 0 } } }
    local labels = fnet.tensor({ { 1, 1, 0 }, { 2, 0, 0 } }, "int32")
    local fraction, margin = metrics.accuracy(y, labels, { ignore = 0 })
    assert.equal(2 / 3, fraction)
    assert.equal(select(2, metrics.accuracy(y[1], fnet.tensor({ 1, 1, 2 }, "int32"))), margin)
    assert.equal(1, (metrics.accuracy(y[2], labels[2]:byte(), { ignore = 0 })))
    fails("accuracy: ignore: expected labels of the output's shape without its last axis beside it, got float32 "
      .. "[2, 3, 2]", metrics.accuracy, y, y, { ignore = 0 })
    fails("accuracy: ignore: expected labels of the output's shape without its last axis beside it, got int32 [6]",
      metrics.accuracy, y, labels:flatten(), { ignore = 0 })
    fails("accuracy: ignore: expected a whole number, got 0.5", metrics.accuracy, y, labels, { ignore = 0.5 })
    fails("accuracy: expected at least one row, got float32 [0, 2]", metrics.accuracy, y, (labels * 0):int(),
      { ignore = 0 })
    fails("accuracy: unknown option 'ignore_index' (did you mean 'ignore'?); known are ignore", metrics.accuracy, y,
      labels, { ignore_index = 0 })
  end)

  it("refuse wrong arguments", function()
    local none, labels = fnet.zeros { 0, 3 }, fnet.zeros({ 0 }, "int32")
    fails("accuracy: expected at least one row, got float32 [0, 3]", metrics.accuracy, none, labels)
    fails("top_k: expected at least one row, got float32 [0, 3]", metrics.top_k, none, labels, 1)
    fails("accuracy: label 0 in row 1 is outside 1..3; labels count from 1 in fnet, so add 1 to labels that count "
      .. "from 0", metrics.accuracy, output, target:gt(5):int())
    fails("top_k: k: expected a whole number from 1 to 3, got 4", metrics.top_k, output, target, 4)
    fails("top_k: k: expected a whole number from 1 to 3, got nil", metrics.top_k, output, target)
    fails("top_k: label 4 in row 1 is outside 1..3; has the model as many outputs as there are classes?",
      metrics.top_k, output, fnet.full({ 5 }, 4, "int32"), 1)
  end)
end)

describe("confusion", function()
  it("counts, and gives precision, recall and F1 by class and on average", function()
    local c = metrics.confusion(output, target)
    assert.same({ { 1, 1, 0 }, { 0, 1, 0 }, { 1, 0, 1 } }, c.counts)
    assert.same({ { 0.5, 0.5, 1 }, { 0.5, 1, 0.5 }, { 2, 1, 2 } }, { c.precision, c.recall, c.support })
    for i, f1 in ipairs { 0.5, 2 / 3, 2 / 3 } do assert.near(f1, c.f1[i], 1e-12) end
    assert.same({ 3, 5, 0.6 }, { c.correct, c.total, c.accuracy })
    assert.near(2 / 3, c.macro.precision, 1e-12)
    assert.near(2 / 3, c.macro.recall, 1e-12)
    assert.near(11 / 18, c.macro.f1, 1e-12)
  end)

  it("counts classes that never occur, or are never said, as 0", function()
    local c = metrics.confusion(fnet.tensor { { 1, 0, 0 }, { 1, 0, 0 } }, fnet.tensor({ 1, 2 }, "int32"))
    assert.same({ { 0.5, 0, 0 }, { 1, 0, 0 }, { 1, 1, 0 } }, { c.precision, c.recall, c.support })
    assert.near(2 / 3, c.f1[1], 1e-12)
    assert.same({ 0, 0 }, { c.f1[2], c.f1[3] })
  end)

  it("prints a table with the names of the data set", function()
    assert.equal([[
right / said   1 2 3
  1 a          1 1 0
  2 b          0 1 0
  3 Ankle boot 1 0 1

                precision   recall       F1  support
  1 a              0.5000   0.5000   0.5000        2
  2 b              0.5000   1.0000   0.6667        1
  3 Ankle boot     1.0000   0.5000   0.6667        2
mean               0.6667   0.6667   0.6111        5
accuracy 60.00% (3/5)]], tostring(metrics.confusion(Echo(), set())))
    assert.same({ "x", "y", "z" }, metrics.confusion(output, target, { classes = { "x", "y", "z" } }).classes)
  end)

  it("refuses wrong arguments", function()
    fails("confusion: classes: expected 3 names, got 2", metrics.confusion, output, target,
      { classes = { "a", "b" } })
    fails("confusion: expected outputs [batch, classes], got float32 [3]", metrics.confusion, output[1], 1)
    fails("confusion: unknown option 'names' (did you mean 'classes'?); known are classes, probabilities",
      metrics.confusion, output, target, { names = {} })
    fails("confusion: expected outputs and targets, or a model and a data set, got number and nil",
      metrics.confusion, 1)
  end)
end)

describe("r2", function()
  it("is 1 for the targets, 0 for their mean, and less than 0 for worse", function()
    local y = fnet.tensor { 1, 2, 3, 6 }
    assert.equal(1, metrics.r2(y, y))
    assert.equal(0, metrics.r2(fnet.full({ 4 }, 3), y))
    assert.near(1 - (4 + 4 + 4 + 16) / 14, metrics.r2(y * 0 + fnet.tensor { 3, 4, 5, 2 }, y), 1e-12)
  end)

  it("is the mean over columns; a constant one counts as 1 where it is met, else as 0", function()
    local y = fnet.tensor { { 1, 5, 5 }, { 3, 5, 5 } }
    assert.near((0.5 + 1 + 0) / 3, metrics.r2(fnet.tensor { { 1, 5, 5 }, { 2, 5, 4 } }, y), 1e-12)
  end)

  it("keeps its precision far from zero", function()
    assert.near(0.98, metrics.r2(fnet.tensor({ 1e6 + 0.1, 1e6 + 1, 1e6 + 2.1 }, "float64"),
      fnet.tensor({ 1e6, 1e6 + 1, 1e6 + 2 }, "float64")) - 0.01, 1e-8)
  end)

  it("refuses wrong arguments", function()
    fails("r2: expected two tensors [batch] or [batch, columns] of equal shapes, got float32 [2, 1] and "
      .. "float32 [2]", metrics.r2, fnet.ones { 2, 1 }, fnet.ones { 2 })
    fails("r2: expected at least two rows, got [1]", metrics.r2, fnet.ones { 1 }, fnet.ones { 1 })
    fails("r2: expected a data set after the model, got nil", metrics.r2, Echo())
  end)
end)

it("a model is run as in evaluation, in pieces, and left as it was", function()
  local echo = Echo()
  local many = fnet.randn { 2500, 3 }
  local data = fnet.data.Dataset { x = many, y = many:argmax(2) }
  assert.equal(1, (metrics.accuracy(echo, data)))
  assert.equal(1, (metrics.top_k(echo, data, 1)))
  assert.equal(2500, metrics.confusion(echo, data).correct)
  assert.is_false(echo.seen_training)
  assert.is_true(echo.training)
  assert.equal(1, metrics.r2(echo, fnet.data.Dataset { x = many, y = many }))
end)

describe("macro means", function()
  it("are those of the classes that occur", function()
    local said = fnet.tensor { { 0, 9, 0, 0 }, { 9, 0, 0, 0 }, { 9, 0, 0, 0 } } -- class 4 is in neither, nor 3
    local confusion = metrics.confusion(said, fnet.tensor({ 2, 1, 1 }, "int32"))
    assert.same({ precision = 1, recall = 1, f1 = 1 }, confusion.macro)
    confusion = metrics.confusion(said, fnet.tensor({ 3, 1, 1 }, "int32")) -- 2 was said, wrongly
    assert.near(1 / 3, confusion.macro.recall, 1e-12)
    assert.near(1 / 3, confusion.macro.precision, 1e-12)
    assert.same({ 0, 0 }, { confusion.precision[4], confusion.recall[4] })
  end)
end)

describe("R squared of equal targets", function()
  it("is 1 where they are met, else 0, whatever the rounding of their mean", function()
    local equal = fnet.full({ 1000, 2 }, 0.1)
    assert.equal(1, metrics.r2(equal, equal))
    assert.equal(0, metrics.r2(equal + 0.001, equal))
    assert.equal(0.5, metrics.r2(equal + fnet.tensor { 0, 1 }, equal))
  end)
end)

--- fnet.evaluate, fnet.predict, fnet.predict_classes: samples, batches and data sets, and a model left as it was.

local fnet = require "fnet"
local support = require "tests.support"
local nn, data = fnet.nn, fnet.data
local raises = support.raises

local names = { "low", "high" }
local set = data.Dataset {
  x = fnet.tensor { { 1, 0 }, { 0, 1 }, { 3, 2 }, { 0, 2 }, { 5, 1 } }, y = fnet.tensor({ 1, 2, 2, 2, 1 }, "int32"),
  classes = names,
}
-- Gives its input as it is, so class 1 where the first number is the larger one.
local function identity()
  local model = nn.Dense(2, 2)
  fnet.no_grad(function() model.weight:copy(fnet.eye(2)) end)
  return model
end

-- Records the modes and the rows that it sees.
local Spy = nn.module "Spy"
function Spy:forward(x)
  self.seen = self.seen or {}
  self.seen[#self.seen + 1] = { self.training, x.rank == 2 and #x or 1 }
  return x
end

describe("nn.evaluate", function()
  it("counts the rows of each class", function()
    assert.same({ { name = "low", correct = 2, total = 2 }, { name = "high", correct = 2, total = 3 } },
      nn.evaluate(identity(), set, { size = 2 }).classes)
  end)

  it("finds labels outside the classes before a batch fails, with their row in the data set", function()
    local y = fnet.ones({ 1200 }, "int32")
    y:set(3, 1100)
    local wrong, model = data.Dataset { x = fnet.zeros { 1200, 2 }, y = y }, identity()
    local bad = ": label 3 in row 1100 is outside 1..2, the classes of the model"
    raises("evaluate" .. bad, function() nn.evaluate(model, wrong) end)
    raises("accuracy" .. bad, function() nn.accuracy(model, wrong) end)
    raises("evaluate" .. bad, function() fnet.evaluate(model, wrong, { metrics = { "accuracy" } }) end)
    raises("evaluate" .. bad, function() fnet.evaluate(model, wrong, { loss = nn.cross_entropy }) end)
    assert.equal(1, nn.evaluate(model, wrong:slice(1, 1099)).accuracy)
    local named = data.Dataset { x = fnet.zeros { 2, 2 }, y = fnet.ones({ 2 }, "int32"), classes = { "only" } }
    raises("evaluate: the model has 2 outputs, but the list of the data set's classes has length 1",
      function() nn.evaluate(model, named) end)
  end)

  it("counts a row with a NaN as wrong, as all metrics do, and prints it as nan", function()
    local nan = data.Dataset { x = fnet.tensor { { 0 / 0, 1 }, { 1, 0 } }, y = fnet.ones({ 2 }, "int32") }
    local result = nn.evaluate(identity(), nan)
    assert.same({ 1, 2, 1 }, { result.correct, result.total, result.classes[1].correct })
    assert.matches("^accuracy 50.00%% .*, loss nan$", tostring(result))
    assert.equal(1, nn.correct(nan.x, nan.y))
    assert.equal(1, nn.correct(nan.x:double(), nan.y))
    assert.equal(0, nn.correct(fnet.tensor { 1, 0 / 0 }, 2))
    for k = 1, 2 do assert.equal(0.5, (fnet.metrics.top_k(nan.x, nan.y, k))) end
    local text = "the output holds a nan, so it says no class"
    local model, sample = identity(), nan.x[1]
    raises("predict_classes: row 1 of " .. text, function() fnet.predict_classes(model, nan) end)
    raises("predict_classes: " .. text, function() fnet.predict_classes(model, sample) end)
    raises("confusion: row 1 of " .. text, function() fnet.metrics.confusion(nan.x, nan.y) end)
  end)

  it("needs samples and labels", function()
    local model = identity()
    local empty = data.Dataset { x = fnet.zeros { 0, 2 }, y = fnet.zeros({ 0 }, "int32") }
    local text = "expected at least one sample, got data set: 0 samples of float32 [0, 2], targets int32 [0]"
    raises("evaluate: " .. text, function() nn.evaluate(model, empty) end)
    raises("evaluate: " .. text, function() fnet.evaluate(model, empty, { loss = nn.cross_entropy }) end)
    local numbers = data.Dataset { x = set.x, y = set.x }
    local way = "; labels are converted with :int(), and for a model of other targets there is fnet.evaluate("
      .. "model, set, { loss = fnet.nn.mse })"
    raises("evaluate: expected labels [batch] as int32 or uint8, got float32 [5, 2]" .. way,
      function() nn.evaluate(model, numbers) end)
    raises("evaluate: expected labels [batch] as int32 or uint8, got float32 [5, 2]" .. way,
      function() fnet.evaluate(model, numbers) end)
    local several = data.Dataset { x = set.x, y = { kind = set.y, size = set.x } }
    raises("evaluate: expected labels [batch] as int32 or uint8, got kind int32 [5] and size float32 [5, 2]; " ..
      "f(output, y) of these targets can be the loss, fnet.evaluate(model, set, { loss = f })",
      function() nn.evaluate(model, several) end)
    local rows = nn.Reshape(2, 1)
    raises("evaluate: expected a model that gives [batch, classes], it gives float32 [5, 2, 1]",
      function() nn.evaluate(rows, set) end)
  end)

  it("checks its arguments", function()
    local model, x = identity(), set.x
    raises("evaluate: unknown option 'sise' (did you mean 'size'?); known are size, shared",
      function() nn.evaluate(model, set, { sise = 1 }) end)
    raises("evaluate: expected a model and a data set, got table and float32 [5, 2]",
      function() nn.evaluate(model, x) end)
    raises("accuracy: expected a model and a data set, got float32 [5, 2] and int32 [5]; for outputs and labels " ..
      'there is fnet.metrics.accuracy, and in fit and fnet.evaluate metrics = { "accuracy" }',
      function() fnet.evaluate(model, set, { metrics = { acc = nn.accuracy } }) end)
  end)
end)

describe("evaluate", function()
  it("without a loss and metrics is nn.evaluate", function()
    local model = identity()
    assert.same(nn.evaluate(model, set), fnet.evaluate(model, set))
    assert.same(nn.evaluate(model, set, { size = 2 }), fnet.evaluate(model, set, { size = 2 }))
  end)

  it("gives means over samples, whatever the size of a batch", function()
    local target = data.Dataset { x = set.x, y = set.x * 2 }
    local expected = (set.x * set.x):mean():item()
    for _, size in ipairs { 1, 2, 3, 5, 1000 } do
      local result = fnet.evaluate(identity(), target, { loss = nn.mse, size = size, metrics = {
        doubled = function(output, y) return (y / output.maximum(output, 1e-9)):max():item() end,
      } })
      assert.same(5, result.total)
      assert.near(expected, result.loss, 1e-6)
    end
  end)

  it("takes metrics of the library, and records nothing for them", function()
    local target = data.Dataset { x = set.x, y = set.x + 1 }
    local callable = setmetatable({}, { __call = function(_, output) return output:sum() * 0 end })
    assert.same({ mae = 1, zero = 0, total = 5 },
      fnet.evaluate(identity(), target, { metrics = { mae = nn.mae, zero = callable }, size = 2 }))
    fnet.fit(identity(), { train = target, loss = nn.mse, optim = fnet.optim.SGD, metrics = {
      recorded = function(output)
        assert.is_false((output * 2).requires_grad)
        return 0
      end,
    } })
  end)

  it("counts an accuracy, and has no loss where none was asked for", function()
    local result = fnet.evaluate(identity(), set, { metrics = { "accuracy" }, size = 2 })
    assert.same({ accuracy = 4 / 5, total = 5 }, result)
  end)

  it("runs in evaluation mode without gradients, and puts the modes back, also after an error", function()
    local spy = Spy()
    local model = nn.Sequential { spy, identity() }
    model[2]:eval()
    local loss = fnet.evaluate(model, set, { size = 3, loss = function(output, y)
      assert.is_false(output.requires_grad)
      return nn.cross_entropy(output, y)
    end })
    assert.same({ { false, 3 }, { false, 2 } }, spy.seen)
    assert.is_number(loss.loss)
    assert.is_false(pcall(fnet.evaluate, model, set, { loss = function() error "mine" end }))
    assert.same({ true, true, false }, { model.training, spy.training, model[2].training })
  end)

  it("leaves the modes as they are where a model cannot be walked to its end", function()
    local first, last = identity(), identity()
    local model = nn.Sequential { first, last }
    last.parts = { [print] = nn.Dense(1, 1) }
    raises("Dense: parts: a Dense stands under a key that is a function; a part of a model needs a number or a " ..
      "text there", function() fnet.predict(model, fnet.zeros { 2 }) end)
    assert.same({ true, true, true }, { model.training, first.training, last.training })
  end)

  it("checks its arguments", function()
    local model, x = identity(), set.x
    raises("evaluate: expected a model first, got float32 [5, 2]", function() fnet.evaluate(x, set) end)
    raises("evaluate: expected a model and a data set, got a model and float32 [5, 2]",
      function() fnet.evaluate(model, x) end)
    raises("evaluate: unknown option 'metric' (did you mean 'metrics'?); known are loss, metrics, size, shared",
      function() fnet.evaluate(model, set, { metric = {} }) end)
    raises("evaluate: size: expected a whole number of at least 1, got 0",
      function() fnet.evaluate(model, set, { size = 0 }) end)
    raises("evaluate: loss: expected a function of output and target, got string",
      function() fnet.evaluate(model, set, { loss = "mse" }) end)
    raises("evaluate: loss must return a number, got float32 [5, 2]",
      function() fnet.evaluate(model, set, { loss = function(output) return output end }) end)
    raises("evaluate: metrics: unknown name 'acc' (did you mean 'accuracy'?); known are accuracy, and "
      .. "functions by name, { mae = nn.mae }",
      function() fnet.evaluate(model, set, { metrics = { "acc" } }) end)
  end)
end)

describe("what evaluate gives", function()
  it("can be printed", function()
    local ones = data.Dataset { x = fnet.ones { 3, 2 }, y = fnet.zeros { 3, 2 } }
    local function error_of(output, y) return (output - y):abs():mean() end
    assert.equal("loss 1, error 1 (3 samples)",
      tostring(fnet.evaluate(identity(), ones, { loss = nn.mse, metrics = { error = error_of } })))
    assert.equal("error 1 (3 samples)",
      tostring(fnet.evaluate(identity(), ones, { metrics = { error = error_of } })))
  end)
end)

describe("a metric that is no mean of batches", function()
  local metrics = fnet.metrics
  local function macro_f1(output, y) return metrics.confusion(output, y).macro.f1 end

  it("is computed over the whole data set, whatever the size of a batch", function()
    fnet.seed(1)
    local model, x = nn.Dense(3, 1), fnet.rand { 21, 3 }
    local line = data.Dataset { x = x, y = x:sum(2, true) + fnet.arange(1, 21):reshape { 21, 1 } }
    local f1 = macro_f1(set.x, set.y)
    for _, size in ipairs { 1, 2, 5, 20, 1000 } do
      local result = fnet.evaluate(model, line, { size = size, loss = nn.mse, metrics = {
        r2 = metrics.r2, mae = nn.mae,
        rows = { whole = function(output, y)
          assert.is_false(output.requires_grad)
          return output.shape[1] * y.shape[1]
        end },
      } })
      assert.same({ metrics.r2(model, line), 21 * 21, 21 }, { result.r2, result.rows, result.total })
      assert.near(nn.mae(fnet.predict(model, line), line.y):item(), result.mae, 1e-5)
      assert.same({ total = 5, f1 = f1 },
        fnet.evaluate(identity(), set, { size = size, metrics = { f1 = { whole = macro_f1 } } }))
    end
    x = fnet.rand { 1001, 3 } -- a last batch of one row
    line = data.Dataset { x = x, y = x:sum(2, true) }
    assert.equal(metrics.r2(model, line), fnet.evaluate(model, line, { metrics = { r2 = metrics.r2 } }).r2)
  end)

  it("takes a data set that does not tell its length", function()
    local unknown = { batches = function(_, options) return set:batches(options) end }
    local whole = { size = 2, metrics = { f1 = { whole = macro_f1 } } }
    assert.equal(macro_f1(set.x, set.y), fnet.evaluate(identity(), unknown, whole).f1)
    assert.equal(macro_f1(set.x, set.y), metrics.confusion(identity(), unknown).macro.f1)
  end)

  it("finds labels outside the classes before a batch fails", function()
    local y = fnet.ones({ 1200 }, "int32")
    y:set(3, 1100)
    local wrong, model = data.Dataset { x = fnet.zeros { 1200, 2 }, y = y }, identity()
    raises("evaluate: label 3 in row 1100 is outside 1..2, the classes of the model",
      function() fnet.evaluate(model, wrong, { metrics = { f1 = { whole = macro_f1 } } }) end)
  end)

  it("is checked", function()
    local model, lists = identity(), nn.Parallel { nn.Dense(2, 1), nn.Dense(2, 1) }
    raises("evaluate: metrics: f1: expected a function(output, target), got table",
      function() fnet.evaluate(model, set, { metrics = { f1 = { whole = 1 } } }) end)
    raises("evaluate: metrics: f1 must return a number, got table",
      function() fnet.evaluate(model, set, { metrics = { f1 = { whole = metrics.confusion } } }) end)
    local one = { f1 = { whole = function(output) return metrics.confusion(output, set.y) end } }
    raises("confusion: expected outputs and targets, or a model and a data set, got table and int32 [5]",
      function() fnet.evaluate(lists, set, { metrics = one }) end)
    local empty = data.Dataset { x = fnet.zeros { 0, 2 }, y = fnet.zeros { 0, 2 } }
    raises("r2: expected at least one sample, got data set: 0 samples of float32 [0, 2], targets float32 [0, 2]",
      function() metrics.r2(model, empty) end)
  end)
end)

it("an accuracy is the same number by its name and as a function, whatever the size of a batch", function()
  fnet.seed(2)
  local many = data.Dataset { x = fnet.randn { 103, 2 }, y = fnet.randn({ 103, 2 }):argmax(2) }
  local expected = nn.accuracy(identity(), many)
  for size = 1, 103, 6 do
    assert.same({ accuracy = expected, same = expected, total = 103 }, fnet.evaluate(identity(), many,
      { size = size, metrics = { "accuracy", same = fnet.metrics.accuracy } }))
  end
end)

describe("predict", function()
  it("takes a sample, a batch and a data set", function()
    local model = identity()
    support.holds({ 2 }, { 3, 2 }, fnet.predict(model, set.x[3]))
    support.holds({ 5, 2 }, support.flat(set.x), fnet.predict(model, set.x))
    support.holds({ 5, 2 }, support.flat(set.x), fnet.predict(model, set))
    support.holds({ 2, 2 }, { 0, 1, 3, 2 }, fnet.predict(model, set:slice(2, 3)))
  end)

  it("goes through a data set in batches, and through a tensor where a size is given", function()
    for _, x in ipairs { set, set.x } do
      local spy = Spy()
      support.holds({ 5, 2 }, support.flat(set.x), fnet.predict(spy, x, { size = 2 }))
      assert.same({ { false, 2 }, { false, 2 }, { false, 1 } }, spy.seen)
      assert.is_true(spy.training)
    end
  end)

  it("records no gradients and keeps the type", function()
    local output = fnet.predict(identity():to "float64", set.x:double(), { size = 2 })
    assert.same({ "float64", false }, { output.dtype, output.requires_grad })
  end)

  it("scales pictures as training does", function()
    local pictures = data.Dataset {
      x = fnet.tensor({ { 255, 0 } }, "uint8"), y = fnet.tensor({ 1 }, "int32"), scale = 1 / 255,
    }
    assert.allclose(support.filled({ 1, 2 }, { 1, 0 }), fnet.predict(identity(), pictures), 1e-7, 1e-7)
  end)

  it("checks its arguments, and reports what the model refuses at the caller's line", function()
    local model, wrong = identity(), fnet.zeros { 4, 3 }
    raises("predict: expected a model first, got function", function() fnet.predict(print, wrong) end)
    raises("predict: expected a tensor or a data set, got number", function() fnet.predict(model, 5) end)
    raises("predict: unknown option 'batch' (did you mean 'size'?); known are size, shared",
      function() fnet.predict(model, wrong, { batch = 1 }) end)
    raises("Dense(2, 2): expected an input of [..., 2], got [4, 3]", function() fnet.predict(model, wrong) end)
    local texts = nn.Lambda(function() return "text" end)
    raises("predict: expected a model that gives a tensor [batch, ...], it gives string",
      function() fnet.predict(texts, set) end)
    local empty = fnet.zeros { 0, 2 }
    raises("predict: expected at least one row", function() fnet.predict(model, empty, { size = 5 }) end)
  end)
end)

describe("predict_classes", function()
  it("gives a label for a sample and a tensor of labels for rows", function()
    local model = identity()
    assert.same({ 1, n = 2 }, table.pack(fnet.predict_classes(model, set.x[3])))
    local labels, list = fnet.predict_classes(model, set.x)
    support.holds({ 5 }, { 1, 2, 1, 2, 1 }, labels, "int32")
    assert.is_nil(list)
  end)

  it("gives names where they are known", function()
    local model = identity()
    local labels, list = fnet.predict_classes(model, set, { size = 2 })
    support.holds({ 5 }, { 1, 2, 1, 2, 1 }, labels, "int32")
    assert.same({ "low", "high", "low", "high", "low" }, list)
    assert.same({ 2, "high" }, { fnet.predict_classes(model, set.x[2], { classes = names }) })
    labels, list = fnet.predict_classes(model, set.x, { classes = { "a", "b" } })
    support.holds({ 5 }, { 1, 2, 1, 2, 1 }, labels, "int32")
    assert.same({ "a", "b", "a", "b", "a" }, list)
  end)

  it("checks its arguments", function()
    local flat, x = Spy(), fnet.zeros { 2, 2, 2 }
    raises("predict_classes: expected a model that gives [classes] or [batch, classes], it gives table",
      function() fnet.predict_classes(nn.Lambda(function(t) return { t, t } end), set.x) end)
    raises("predict_classes: expected a model that gives [classes] or [batch, classes], it gives [2, 2, 2]",
      function() fnet.predict_classes(flat, x) end)
    raises("predict_classes: expected a model first, got nil", function() fnet.predict_classes() end)
    raises("predict_classes: expected a tensor or a data set, got nil", function() fnet.predict_classes(flat) end)
    raises("predict_classes: unknown option 'names' (did you mean 'classes'?); known are size, classes, shared",
      function() fnet.predict_classes(flat, x, { names = names }) end)
  end)
end)

--- Parts of a data set: their samples are their own, their validation data is not augmented; and several inputs.

local fnet = require "fnet"
local support = require "tests.support"
local nn, data = fnet.nn, fnet.data
local Dataset, raises = data.Dataset, support.raises

local function numbered(count, fields)
  local set = { x = fnet.arange(1, count):reshape { count, 1 }, y = fnet.arange(1, count):reshape { count, 1 } }
  for key, value in pairs(fields or {}) do set[key] = value end
  return Dataset(set)
end

-- The numbers in a tensor, sorted.
local function numbers(t)
  local list = t:flatten(1):reshape { -1 }:totable()
  table.sort(list)
  return list
end

before_each(function() fnet.seed(3) end)

describe("a part of a data set", function()
  it("has its own samples and targets, in its own order", function()
    local set = numbered(10)
    local train, test = set:split(0.8)
    assert.same({ { 8, 1 }, { 2, 1 } }, { train.x.shape, test.y.shape })
    assert.is_true(train.x:equal((train:batches { size = 8 }())))
    local all = numbers(fnet.concat({ train.x, test.x }, 1))
    assert.same(numbers(set.x), all)
    assert.same({ 3.0, 4.0, 5.0 }, numbers(set:slice(3, 5).x))
    assert.same({ 4.0, 4.0 }, numbers(set:slice(3, 5):with { rows = fnet.tensor({ 2, 2 }, "int32") }.x))
    for rest, valid in set:folds(5) do
      assert.same({ { 8, 1 }, { 2, 1 } }, { rest.x.shape, valid.x.shape })
      assert.same(numbers(set.x), numbers(fnet.concat({ rest.y, valid.y }, 1)))
    end
    assert.is_true(rawequal(train.x, train.x)) -- copied once
    assert.is_true(rawequal(set.x, set:with { transform = data.normalise { mean = 0, deviation = 1 } }.x))
  end)

  it("of a part refers to the whole, whatever was asked of it before", function()
    local part = numbered(10):slice(3, 8)
    assert.equal(3, part.x[1]:item())
    local inner = part:slice(2, 3)
    assert.same({ { 4.0, 5.0 }, 4.0 }, { numbers(inner.x), inner:sample(1):item() })
    assert.same({ { 4.0, 5.0 }, { 4.0, 5.0 } }, { numbers((inner:tensors())), numbers(select(2, inner:tensors())) })
  end)

  it("refuses other samples than the whole's, which nobody would read", function()
    local part = numbered(4):slice(1, 2)
    local message = "a part of a data set shares its x with the whole; part = part:with { x = ... } has its own"
    raises(message, function() part.x = part.x * 2 end)
    assert.equal(1.0, part.x[1]:item())
    raises(message, function() part.x = part.x * 2 end)
    part.name = "toys"
    assert.equal("toys", part:with { x = part.x * 2 }.name)
  end)

  it("keeps pictures as they are, and their names", function()
    local set = Dataset { x = fnet.full({ 4, 2, 2 }, 255):to "uint8", y = fnet.tensor({ 1, 2, 1, 2 }, "int32"),
      scale = 1 / 255, classes = { "a", "b" } }
    local part = set:slice(2, 3)
    local x, y = part:tensors()
    assert.same({ "uint8", { 2, 2, 2 }, { 2, 1 } }, { x.dtype, x.shape, y:totable() })
    assert.same({ 1.0, { "a", "b" } }, { part:batches()():max():item(), part.classes })
    assert.equal("data set: 2 samples of uint8 [2, 2, 2], targets int32 [2]", tostring(part))
  end)

  it("has the statistics of its own samples", function()
    local train = numbered(10):slice(1, 4)
    assert.same({ 2.5 }, data.standardise(train).mean:totable())
    local scaled = data.standardise(train)(numbered(10):slice(2, 3))
    assert.same({ 2, { 2, 1 } }, { #scaled, scaled.x.shape })
    assert.near(-0.4472136, scaled.x[1]:item(), 1e-6)
  end)
end)

describe("other numbers", function()
  it("take the place of the samples or targets", function()
    local set = numbered(4, { name = "toys" })
    local doubled = set:slice(2, 3):with { x = fnet.tensor { { 20 }, { 30 } } }
    assert.same({ { 20.0, 30.0 }, { 2.0, 3.0 }, "toys" }, { numbers(doubled.x), numbers(doubled.y), doubled.name })
    assert.same({ 9.0 }, numbers(set:slice(1, 1):with { y = fnet.tensor { { 9 } } }.y))
    raises("with: expected 4 rows, got float32 [3]",
      function() set:with { x = fnet.ones { 3 }, y = fnet.ones { 3 } } end)
    raises("with: expected as many targets as samples, got x of float32 [3] and y of float32 [4, 1]",
      function() set:with { x = fnet.ones { 3 } } end)
  end)
end)

describe("random transforms", function()
  local pictures = fnet.ones { 6, 8, 8 }
  local function set(transform, random)
    return Dataset { x = pictures, y = fnet.ones({ 6 }, "int32") }:with { transform = transform, random = random }
  end

  it("are refused by a split, which cannot know what its parts are for", function()
    raises("split: the data set has the random transform random_shift, which is for training alone; give it to " ..
      "that part, after the split: train = train:with { transform = ... }",
      function() set({ data.normalise { mean = 0, deviation = 1 }, data.random_shift(2) }):split(0.5) end)
    raises("split: the data set has a function as a transform; say whether it chooses at random, and is for " ..
      "training alone: set:with { random = true }, or false",
      function() set(function(x, y) return x, y end):split(0.5) end)
    local first, rest = set(function(x, y) return x + 1, y end, false):split(0.5)
    assert.same({ 2.0, 2.0 }, { first:batches()():max():item(), rest:batches()():max():item() })
    assert.equal(3, #set({ data.normalise { mean = 0, deviation = 1 } }):split(0.5))
  end)

  it("do not reach the validation data of folds, what prepares all samples does", function()
    local augmented = set { data.random_erasing { probability = 1, area = { 0.3, 0.4 } },
      data.normalise { mean = 0, deviation = 0.5 } }
    for train, valid in augmented:folds(3) do
      assert.equal(0, train:batches()():min():item())
      assert.same({ 2.0, 2.0 }, { valid:batches()():min():item(), valid:batches()():max():item() })
    end
    for train, valid in set(function(x, y) return x + 1, y end, true):folds(2) do
      assert.same({ 2.0, 1.0 }, { train:batches()():max():item(), valid:batches()():max():item() })
    end
    raises("folds: the data set has a function as a transform; say whether it chooses at random, and is for " ..
      "training alone: set:with { random = true }, or false",
      function() set(function(x, y) return x, y end):folds(2) end)
  end)

  it("are refused as validation data of fit", function()
    local model = nn.Sequential { nn.Flatten(), nn.Dense(64, 2) }
    local augmented, plain = set(data.random_shift(1)), set(false)
    local options = { train = augmented, loss = nn.cross_entropy, optim = fnet.optim.SGD, valid = augmented }
    raises("fit: valid: the data set has the random transform random_shift, which is for training alone; give " ..
      "it to that part, after the split: train = train:with { transform = ... }",
      function() fnet.fit(model, options) end)
    options.valid = augmented:with { transform = false }
    assert.equal(1, #fnet.fit(model, options))
    local prepared = plain:with { transform = function(x, y) return x, y end }
    options.train, options.valid = prepared:slice(1, 3), prepared:slice(4, 6)
    raises("fit: valid: the data set has a function as a transform; say whether it chooses at random, and is " ..
      "for training alone: set:with { random = true }, or false", function() fnet.fit(model, options) end)
    options.valid = plain:with { transform = function(x, y) return x, y end } -- a function of its own
    assert.equal(1, #fnet.fit(model, options))
  end)
end)

describe("a data set of several inputs", function()
  -- The second input decides.
  local function both(count)
    local pictures, numbers_of = fnet.rand { count, 2, 2 }, fnet.rand({ count, 3 }, -1, 1)
    return Dataset { x = { pictures, numbers_of }, y = (numbers_of:slice(2, 1, 1):squeeze(2):gt(0) + 1):int() }
  end

  local Two = nn.module "Two"
  function Two:init() self.left, self.right, self.last = nn.Dense(4, 4), nn.Dense(3, 4), nn.Dense(8, 2) end
  function Two:forward(pictures, rows)
    return self.last(fnet.concat({ self.left(pictures:reshape { -1, 4 }), self.right(rows) }, 2):tanh())
  end

  it("gives lists in batches, samples and parts", function()
    local set = both(10)
    assert.equal("data set: 10 samples of float32 [10, 2, 2] and float32 [10, 3], targets int32 [10]",
      tostring(set))
    local sizes = {}
    for x, y in set:batches { size = 4, shuffle = true } do
      sizes[#sizes + 1] = { #x, #x[1], #x[2], #y }
      for i = 1, #y do assert.equal(x[2]:get(i, 1) > 0 and 2 or 1, y[i]) end
    end
    assert.same({ { 2, 4, 4, 4 }, { 2, 4, 4, 4 }, { 2, 2, 2, 2 } }, sizes)
    local x, y = set:sample(3)
    assert.same({ { 2, 2 }, { 3 }, set.y[3] }, { x[1].shape, x[2].shape, y })
    local first, rest = set:split(7, { stratified = true })
    assert.same({ 7, 3 }, { #first.x[1], #rest.x[2] })
    for train, valid in set:folds(2) do assert.same({ 5, 5 }, { #train.x[2], #valid.x[1] }) end
    assert.same({ 64, true, false }, { #set:sha256(), set:sha256() == set:slice(1, 10):sha256(),
      set:sha256() == rest:sha256() })
  end)

  it("has a hash that its shapes and its scale change, and that stays what it was for one tensor", function()
    local function hash(x, scale)
      return data.Dataset { x = x, y = fnet.ones({ 3 }, "int32"), scale = scale }:sha256()
    end
    assert.equal("918f83ba97ef4c7124529f2263f202e9f1e0791e100b3c98c09c3576e936b81b", hash(fnet.eye(3), 0.5))
    assert.not_equal(hash(fnet.eye(3), 0.5), hash(fnet.eye(3), 1))
    assert.not_equal(hash(fnet.eye(3)), hash(fnet.eye(3):reshape { 3, 3, 1 }))
    assert.not_equal(hash { fnet.eye(3), fnet.eye(3) }, hash { fnet.eye(3), fnet.eye(3):reshape { 3, 1, 3 } })
  end)

  it("trains, is evaluated and predicted, and checked", function()
    local set, model = both(200), Two()
    local train, test = set:split(150)
    local history = fnet.fit(model, { train = train, valid = test, loss = nn.cross_entropy, batch = 10, epochs = 10,
      optim = fnet.optim.Adam(model:parameters(), { lr = 0.02 }), metrics = { "accuracy" } })
    assert.is_true(history[10].valid_accuracy > 0.9)
    assert.equal(history[10].valid_accuracy, nn.evaluate(model, test).accuracy)
    local x = test:tensors()
    local whole = fnet.predict(model, x)
    assert.same({ 50, 2 }, whole.shape)
    assert.is_true(whole:equal(fnet.predict(model, test)))
    assert.is_true(whole:equal(fnet.predict(model, x, { size = 7 })))
    assert.equal(whole:argmax(2):totable()[5], (fnet.predict_classes(model, x)):totable()[5])
    assert.equal(nn.evaluate(model, test).accuracy, (fnet.metrics.accuracy(model, test)))
    assert.is_true(fnet.check(model, train).gradients)
  end)

  it("may have several targets, which come to the loss as a list", function()
    local x = fnet.rand { 60, 2 }
    local set = Dataset { x = x, y = { x:sum(2, true), (x:slice(2, 1, 1):squeeze(2):gt(0.5) + 1):int() } }
    local model = nn.Parallel { nn.Dense(2, 1), nn.Dense(2, 2) }
    local function loss(output, y) return nn.mse(output[1], y[1]) + nn.cross_entropy(output[2], y[2]) end
    local function error_of(output, y) return (output[1] - y[1]):abs():mean() end
    local history = fnet.fit(model, { train = set, loss = loss, epochs = 30, metrics = { first = error_of },
      optim = fnet.optim.Adam(model:parameters(), { lr = 0.05 }) })
    assert.is_true(history[30].loss < 0.6 * history[1].loss)
    local outputs = fnet.predict(model, set)
    assert.same({ { 60, 1 }, { 60, 2 } }, { outputs[1].shape, outputs[2].shape })
    local whole = fnet.evaluate(model, set, { loss = loss, metrics = {
      all = { whole = function(output, y) return #output[2] + #y[1] end }, first = error_of }, size = 7 })
    assert.same({ 120, 60 }, { whole.all, whole.total })
  end)

  it("goes through functions as a transform, and through no picture's", function()
    local set = both(6):with { transform = function(x, y) return { x[1] * 0, x[2] }, y end }
    assert.equal(0, set:batches()()[1]:max():item())
    raises("random_shift: expected samples in one tensor, got float32 [6, 2, 2] and float32 [6, 3]; a function " ..
      "takes such apart, and samples with names have transforms by name, { picture = data.random_shift(2) }",
      function() both(6):with { transform = data.random_shift(1) }:batches()() end)
  end)

  it("is refused where it does not fit", function()
    raises("Dataset: x: expected tensors with equally many rows, got float32 [3] and float32 [4]",
      function() Dataset { x = { fnet.ones { 3 }, fnet.ones { 4 } }, y = fnet.ones { 3 } } end)
    raises("Dataset: y[2]: expected a tensor of at least one axis, or a list of them, or some by name, " ..
      "got number",
      function() Dataset { x = fnet.ones { 3 }, y = { fnet.ones { 3 }, 1 } } end)
    raises("statistics: expected samples in one tensor, got table", function() both(3):statistics() end)
    raises("standardise: expected a data set with samples [features], got table",
      function() data.standardise(both(3)) end)
  end)

  it("is no data for a model that would leave one of them out", function()
    local message = "Sequential { ... }: its forward takes 1 of the 2 inputs that the samples have; write one " ..
      "that takes each, function Model:forward(a, b), or give samples in one tensor"
    local model, set = nn.Sequential { nn.Flatten(), nn.Dense(16, 2) }, both(6)
    raises(message, function() fnet.predict(model, set) end)
    raises(message, function() nn.evaluate(model, set) end)
    local settings = { train = set, loss = nn.cross_entropy, optim = fnet.optim.SGD }
    raises(message, function() fnet.fit(model, settings) end)
    local any = nn.Lambda(function(x) return x end)
    function any:forward(...) return (...) end
    assert.equal(6, #fnet.predict(any, set))
  end)

  it("says where a number is not finite", function()
    local set = both(5)
    set.x[2]:set(0 / 0, 4, 1)
    local model = Two()
    local ok, message = pcall(fnet.fit, model, { train = set, loss = nn.cross_entropy, optim = fnet.optim.SGD,
      batch = { size = 5, shuffle = false } })
    assert.is_false(ok)
    assert.matches("the batch holds a non%-finite value: nan in row 4 of 5 of its x%[2%] %(the first such row of "
      .. "the data set's x: 4%)", message)
  end)
end)

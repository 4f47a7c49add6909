--- Data sets whose samples and targets are several tensors by name, from their batches to a trained model.

local fnet = require "fnet"
local nn, data = fnet.nn, fnet.data
local Dataset = data.Dataset
local raises = require("tests.support").raises

-- The row decides the class, the picture the height.
local function set_of(count)
  local picture, row = (fnet.rand { count, 4, 4 } * 255):byte(), fnet.rand({ count, 3 }, -1, 1)
  return Dataset { x = { row = row, picture = picture }, scale = 1 / 255, y = {
    label = (row:slice(2, 1, 1):squeeze(2):gt(0) + 1):int(),
    height = picture:float():reshape { count, 16 }:mean(2, true) / 255,
  } }
end

local Two = nn.module "Two"
function Two:init()
  self.left, self.right, self.class, self.size = nn.Dense(16, 4), nn.Dense(3, 4), nn.Dense(8, 2), nn.Dense(8, 1)
end
function Two:forward(x)
  local both = fnet.concat({ self.left(x.picture:reshape { -1, 16 }), self.right(x.row) }, 2):tanh()
  return { label = self.class(both), height = self.size(both) }
end

local function loss(output, y) return nn.cross_entropy(output.label, y.label) + nn.mse(output.height, y.height) end
local function accuracy(output, y) return (fnet.metrics.accuracy(output.label, y.label)) end

local function settings(set, more)
  local options = { train = set, loss = loss, epochs = 6, batch = 16, metrics = { accuracy = accuracy },
    optim = function(parameters) return fnet.optim.Adam(parameters, { lr = 0.02 }) end, seed = 3 }
  for key, value in pairs(more or {}) do options[key] = value end
  return options
end

before_each(function() fnet.seed(3) end)

describe("a data set of samples and targets by name", function()
  it("gives the same structure in batches, samples and parts", function()
    local set = set_of(10)
    assert.equal("data set: 10 samples of picture uint8 [10, 4, 4] and row float32 [10, 3], targets height float32 "
      .. "[10, 1] and label int32 [10]", tostring(set))
    local rows = 0
    for x, y in set:batches { size = 4, shuffle = true } do
      rows = rows + #y.label
      assert.same({ #y.label, #y.label, #y.label }, { #x.picture, #x.row, #y.height })
      assert.equal("float32", x.picture.dtype)
      assert.is_true(x.picture:reshape { #x.row, 16 }:mean(2, true):allclose(y.height, 1e-5))
      for i = 1, #y.label do assert.equal(x.row:get(i, 1) > 0 and 2 or 1, y.label[i]) end
    end
    assert.equal(10, rows)
    local x, y = set:sample(3)
    assert.same({ { 4, 4 }, { 3 }, set.y.label[3] }, { x.picture.shape, x.row.shape, y.label })
    local first, rest = set:split(7)
    assert.same({ 7, 3 }, { #first.x.picture, #rest.y.label })
    for train, valid in set:folds(2) do assert.same({ 5, 5 }, { #train.x.row, #valid.y.height }) end
    local samples, targets = set:slice(2, 3):tensors()
    assert.is_true(samples.row:equal(set.x.row:slice(1, 2, 3)) and #targets.label == 2)
    local other = set:with { x = { only = fnet.ones { 10, 1 } } }
    assert.equal(1, other:batches()().only[1]:item())
  end)

  it("has a hash that names change, in no order but theirs", function()
    local a, b, y = fnet.eye(3), fnet.eye(3) * 2, fnet.ones { 3 }
    local function hash(x) return Dataset { x = x, y = y }:sha256() end
    assert.equal(hash { first = a, second = b }, hash { second = b, first = a })
    assert.not_equal(hash { first = a, second = b }, hash { first = b, second = a })
    assert.not_equal(hash { first = a, second = b }, hash { first = a, third = b })
    assert.not_equal(hash { first = a, second = b }, hash { a, b })
  end)

  it("trains a model with the bits of the loop written out, and is predicted, evaluated and checked", function()
    local set = set_of(200)
    local train, test = set:split(150)
    fnet.seed(1)
    local model = Two()
    local same = model:clone()
    local history = fnet.fit(model, settings(train, { valid = test }))
    assert.is_true(history[6].valid_loss < 0.7 * history[1].valid_loss)
    assert.is_true(history[6].valid_accuracy > 0.85)
    fnet.seed(3)
    local opt = fnet.optim.Adam(same:parameters(), { lr = 0.02 })
    for _ = 1, 6 do
      for x, y in train:batches { size = 16, shuffle = true } do
        local value = loss(same(x), y)
        opt:zero_grad()
        value:backward()
        opt:step()
      end
    end
    assert.equal(same:sha256(), model:sha256())

    local result = fnet.evaluate(model, test, { loss = loss, metrics = { accuracy = accuracy,
      auc = { whole = function(output, y) return fnet.metrics.auc(output.label, y.label) end } }, size = 7 })
    assert.near(history[6].valid_loss, result.loss, 1e-6)
    assert.is_true(result.auc > 0.9)
    local outputs = fnet.predict(model, test)
    assert.same({ { 50, 2 }, { 50, 1 } }, { outputs.label.shape, outputs.height.shape })
    local x = test:batches { size = 50 }()
    local whole = fnet.predict(model, x)
    assert.is_true(whole.label:equal(outputs.label))
    assert.is_true(fnet.predict(model, x, { size = 8 }).height:equal(outputs.height))
    local check = fnet.check(model, train)
    assert.is_true(check.gradients, tostring(check))
    assert.matches("left", model:summary())
  end)

  it("is cut into shards, and goes on from a checkpoint with the same bits", function()
    local set = set_of(60)
    local directory = os.tmpname()
    os.remove(directory)
    local function train(more)
      fnet.seed(1)
      local model = Two()
      local history = fnet.fit(model, settings(set, more))
      return model:sha256(), history
    end
    local whole = train { shards = 4 }
    train { shards = 4, epochs = 3, checkpoint = directory }
    local again, history = train { shards = 4, checkpoint = { directory, resume = true } }
    assert.same({ whole, 6 }, { again, #history })
    local other = set_of(60)
    local ok, message = pcall(train, { shards = 4, checkpoint = { directory, resume = true }, train = other })
    assert.is_false(ok)
    assert.matches("data", message)
    os.execute("rm -r '" .. directory .. "'")
  end)

  it("is saved with its model, which is loaded with its class", function()
    local path = os.tmpname()
    local set, model = set_of(20), Two()
    assert(model:save(path, { data = set }))
    local loaded, about = assert(fnet.load(path, { layers = { Two = Two } }))
    os.remove(path)
    assert.equal(set:sha256(), about.data.sha256)
    local x = set:batches()()
    assert.is_true(model:eval()(x).label:equal(loaded(x).label))
  end)

  it("goes through transforms by name, and functions of the whole", function()
    local set = set_of(8)
    local plain = set:batches { size = 8 }()
    local changed = set:with { transform = { picture = { data.normalise { mean = 0.5, deviation = 0.25 } },
      row = function(x, y) return x * 2, y end } }
    local x, y = changed:batches { size = 8 }()
    assert.is_true(x.picture:allclose((plain.picture - 0.5) / 0.25, 1e-5, 1e-6))
    assert.is_true(x.row:equal(plain.row * 2) and #y.label == 8)
    assert.is_true(set.x.row:equal(plain.row)) -- as it was
    local flipped = set:with { transform = { picture = data.horizontal_flip(1) } }
    assert.is_true(flipped:batches { size = 8 }().picture:slice(3, 1, 1):equal(plain.picture:slice(3, 4, 4)))
    raises("split: the data set has the random transform horizontal_flip, which is for training alone; give it " ..
      "to that part, after the split: train = train:with { transform = ... }", function() flipped:split(0.5) end)
    for train, valid in flipped:folds(2) do assert.same({ true, true }, { train.transform ~= nil,
      not valid.transform }) end
    raises("folds: the data set has a function as a transform; say whether it chooses at random, and is for " ..
      "training alone: set:with { random = true }, or false", function() changed:folds(2) end)
    assert.equal(4, #changed:with { random = false }:split(4))
    local zero = set:with { transform = function(samples, targets)
      samples.row = samples.row * 0
      return samples, targets
    end }
    assert.equal(0, zero:batches()().row:abs():sum():item())
  end)

  it("says which of them is not finite", function()
    local set = set_of(5)
    set.x.row:set(0 / 0, 4, 1)
    local ok, message = pcall(fnet.fit, Two(), settings(set, { batch = { size = 5, shuffle = false } }))
    assert.is_false(ok)
    assert.matches("the batch holds a non%-finite value: nan in row 4 of 5 of its x%.row %(the first such row " ..
      "of the data set's x: 4%)", message)
  end)

  it("is refused where it does not fit", function()
    local x, y = fnet.ones { 3, 2 }, fnet.ones { 3 }
    raises("Dataset: x: expected tensors with equally many rows, got a float32 [3, 2] and b float32 [4]",
      function() Dataset { x = { a = x, b = fnet.ones { 4 } }, y = y } end)
    raises("Dataset: y.b: expected a tensor of at least one axis, or a list of them, or some by name, got number",
      function() Dataset { x = x, y = { a = y, b = 1 } } end)
    raises("Dataset: x: expected a list of tensors or tensors by name, got the key 'b' in a list",
      function() Dataset { x = { x, b = x }, y = y } end)
    raises("Dataset: x: expected a list of tensors or tensors by name, got the key '3'",
      function() Dataset { x = { [3] = x }, y = y } end)
    raises("Dataset: expected as many targets as samples, got x of a float32 [3, 2] and y of float32 [2]",
      function() Dataset { x = { a = x }, y = fnet.ones { 2 } } end)
    raises("transform: the samples have nothing with the name 'pictures' (did you mean 'picture'?); they are " ..
      "picture uint8 [3, 4, 4] and row float32 [3, 3]",
      function() set_of(3):with { transform = { pictures = data.random_shift(1) } } end)
    raises("random_shift: expected samples in one tensor, got picture uint8 [3, 4, 4] and row float32 [3, 3]; a " ..
      "function takes such apart, and samples with names have transforms by name, " ..
      "{ picture = data.random_shift(2) }",
      function() set_of(3):with { transform = data.random_shift(1) }:batches()() end)
  end)
end)

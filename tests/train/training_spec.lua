--- Training end to end: a loss that falls, a problem that is learnt, and weights whose every bit is known.

local collector = require "tests.support.collector"
local fnet = require "fnet"
local nn, optim, data = fnet.nn, fnet.optim, fnet.data

local train, test = data.fashion_mnist { dir = "tests/fixtures/fashion" }

-- The lesson's network after two passes over 200 pictures; returns it and the loss of each step.
local function lesson(seed)
  fnet.seed(seed or 1)
  local model = nn.Sequential {
    nn.Flatten(), nn.Dense(784, 128), nn.ReLU(), nn.Dense(128, 10), nn.Softmax(),
  }
  local opt, losses = optim.Adam(model:parameters(), { lr = 1e-3 }), {}
  for _ = 1, 2 do
    for x, y in train:slice(1, 200):batches { size = 48, shuffle = true } do
      local loss = nn.cross_entropy(model(x), y)
      opt:zero_grad()
      loss:backward()
      opt:step()
      losses[#losses + 1] = loss:item()
    end
  end
  return model, losses
end

describe("the weights after a short training", function()
  -- Changes only together with fnet.numerics.
  local GOLDEN = "40dda8585f6594c104af0165dd70382531f9559cf7cf4621073fe815794e4acd"
  local threads, isa = fnet.threads(), fnet.isa()

  after_each(function()
    fnet.threads(threads)
    fnet.isa(isa)
  end)

  it("are known to the last bit for version 2 of the numerics, which are those of version 1", function()
    assert.equal(2, fnet.numerics)
    assert.equal(GOLDEN, lesson():sha256())
  end)

  for _, set in ipairs(fnet.isas()) do
    it("are the same for every number of threads with " .. set, function()
      fnet.isa(set)
      for _, count in ipairs { 1, 2, 3, 4, 8 } do
        fnet.threads(count)
        assert.equal(GOLDEN, lesson():sha256())
      end
    end)
  end

  it("do not depend on evaluations in between, the collector, or memory used before", function()
    collector.incremental(0, 1000, 13)
    finally(function() collector.usual() end)
    for i = 1, 20 do fnet.rand({ 100, 10 * i }):release() end
    local model = lesson()
    nn.evaluate(model, test)
    assert.equal(GOLDEN, model:sha256())
  end)

  it("depend on the seed", function()
    assert.not_equal(GOLDEN, lesson(2):sha256())
  end)
end)

describe("training", function()
  it("lowers the loss and beats guessing on pictures it has not seen", function()
    local model, losses = lesson()
    assert.is_true(losses[#losses] < 0.8 * losses[1])
    assert.is_true(nn.accuracy(model, test) > 0.35)
  end)

  local xor = data.Dataset {
    x = fnet.tensor { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } }, y = fnet.tensor({ 1, 2, 2, 1 }, "int32"),
  }
  local optimisers = {
    Adam = function(list) return optim.Adam(list, { lr = 0.05 }) end,
    SGD = function(list) return optim.SGD(list, { lr = 0.1, momentum = 0.9 }) end,
  }
  for name, new in pairs(optimisers) do
    it("learns exclusive or with " .. name, function()
      fnet.seed(3)
      local model = nn.Sequential { nn.Dense(2, 8), nn.Tanh(), nn.Dense(8, 2), nn.Softmax() }
      local opt = new(model:parameters())
      for _ = 1, 200 do
        for x, y in xor:batches { size = 4, shuffle = true } do
          opt:zero_grad()
          nn.cross_entropy(model(x), y):backward()
          opt:step()
        end
      end
      local result = nn.evaluate(model, xor)
      assert.equal(1, result.accuracy)
      assert.is_true(result.loss < 0.05)
    end)
  end

  it("learns a line in float64 with the mean squared error", function()
    fnet.seed(4)
    local x = fnet.rand({ 50, 1 }, -1, 1, "float64")
    local line = data.Dataset { x = x, y = x * 3 - 2 }
    local model = nn.Dense(1, 1):to "float64"
    local opt = optim.SGD(model:parameters(), { lr = 0.2 })
    for _ = 1, 100 do
      for bx, by in line:batches { size = 10, shuffle = true } do
        opt:zero_grad()
        nn.mse(model(bx), by):backward()
        opt:step()
      end
    end
    assert.near(3, model.weight:item(), 1e-9)
    assert.near(-2, model.bias:item(), 1e-9)
  end)

  it("takes no more memory with each step", function()
    fnet.seed(5)
    local model = nn.Sequential { nn.Flatten(), nn.Dense(784, 64), nn.ReLU(), nn.Dense(64, 10), nn.Softmax() }
    local opt = optim.Adam(model:parameters())
    local function epoch()
      for x, y in train:batches { size = 100 } do
        opt:zero_grad()
        nn.cross_entropy(model(x), y):backward()
        opt:step()
      end
      collectgarbage()
      return collectgarbage "count"
    end
    epoch()
    local before = epoch()
    for _ = 1, 3 do epoch() end
    assert.is_true(epoch() < before + 64)
  end)
end)

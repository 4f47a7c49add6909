--- batches { weights = , balanced = }: how often samples come.

local fnet = require "fnet"
local command = require "tests.support.command"
local support = require "tests.support"
local data, nn = fnet.data, fnet.nn

-- Samples 1 to count as x, the first few of class 1.
local function new_set(count, rare)
  local x = fnet.arange(1, count):reshape { count, 1 }
  return data.Dataset { x = x, y = (x:reshape { count }:gt(rare) + 1):int() }
end

-- How often each sample comes in an epoch, and the samples in their order.
local function epoch(set, options)
  local counts, order = {}, {}
  for i = 1, 100 do counts[i] = 0 end
  for x in set:batches(options) do
    for _, i in ipairs(support.flat(x)) do
      i = math.tointeger(i)
      counts[i], order[#order + 1] = counts[i] + 1, i
    end
  end
  return counts, order
end

describe("batches with weights", function()
  it("takes each sample as often as its weight says, rounded down or up", function()
    fnet.seed(1)
    local weights = {}
    for i = 1, 100 do weights[i] = (i % 7) * (i % 3) end
    local sum, means = 0, {}
    for _, weight in ipairs(weights) do sum = sum + weight end
    local set = new_set(100, 10)
    for round = 1, 200 do
      local counts, order = epoch(set, { size = 32, weights = round % 2 == 0 and weights or fnet.tensor(weights) })
      assert.equal(100, #order)
      for i, count in ipairs(counts) do
        local share = 100 * weights[i] / sum
        assert.is_true(count >= math.floor(share) and count <= math.ceil(share))
        means[i] = (means[i] or 0) + count / 200
      end
    end
    -- The mean of 200 numbers that are rounded up with the fraction as probability: 5 deviations are below 0.18.
    for i, mean in ipairs(means) do assert.near(100 * weights[i] / sum, mean, 0.18) end
  end)

  it("draws all classes equally often", function()
    fnet.seed(2)
    local counts, order = epoch(new_set(100, 4), { size = 10, balanced = true })
    local rare, early = counts[1] + counts[2] + counts[3] + counts[4], 0
    assert.is_true(math.abs(rare - 50) <= 4)
    for i = 1, 50 do early = early + (order[i] <= 4 and 1 or 0) end
    assert.is_true(early > 10 and early < 40) -- shuffled
    local part = new_set(100, 4):slice(3, 10) -- labels of the part alone
    assert.is_true(math.abs(epoch(part, { balanced = true })[3] - 2) <= 1)
  end)

  it("is repeatable, other in each epoch, and takes equal weights for a shuffle", function()
    local set = new_set(100, 10)
    fnet.seed(3)
    local _, first = epoch(set, { balanced = true })
    local _, second = epoch(set, { balanced = true })
    fnet.seed(3)
    local _, again = epoch(set, { balanced = true })
    assert.same(first, again)
    assert.not_same(first, second)
    local ones = {}
    for i = 1, 100 do ones[i] = 1 end
    assert.same(ones, (epoch(set, { weights = ones })))
    ones[7] = 1e300
    assert.equal(100, (epoch(set, { weights = ones }))[7])
    assert.equal(0, #select(2, epoch(data.Dataset { x = fnet.zeros { 0, 1 }, y = fnet.zeros({ 0 }, "int32") },
      { balanced = true })))
  end)

  it("is for training, and resumes", function()
    local directory = command.make_directory()
    local function fit(checkpoint, limit, weights)
      fnet.seed(1)
      local model, set = nn.Sequential { nn.Dense(1, 2) }, new_set(20, 3)
      local ok, message = pcall(fnet.fit, model, { train = set, loss = nn.cross_entropy, optim = fnet.optim.SGD,
        batch = { size = 6, weights = weights }, epochs = 2, checkpoint = checkpoint,
        callbacks = { step = function(run) if run.total_steps == limit then error "stop" end end } })
      return ok and model:sha256() or message
    end
    local weights = {}
    for i = 1, 20 do weights[i] = i end
    local place = directory .. "/run"
    fit({ place, every = 1 }, 2, weights)
    assert.matches("batches: the checkpoint was made with other weights of the samples; its epoch cannot go on so",
      fit({ place, resume = true }, nil, nil))
    local expected = fit(nil, nil, weights)
    assert.equal(64, #expected)
    assert.equal(expected, fit({ place, resume = true }, nil, fnet.tensor(weights, "float64")))
    command.remove_directory(directory)
  end)

  it("is checked", function()
    local raises, set = support.raises, new_set(3, 1)
    raises("batches: weights: expected 3, one for each sample, got 2",
      function() set:batches { weights = { 1, 2 } } end)
    raises("batches: weights: sample 2: expected a finite number of at least 0, got -1",
      function() set:batches { weights = { 1, -1, 1 } } end)
    raises("batches: weights: sample 1: expected a finite number of at least 0, got inf",
      function() set:batches { weights = fnet.tensor { math.huge, 1, 1 } } end)
    raises("batches: weights: sample 3: expected a finite number of at least 0, got x",
      function() set:batches { weights = { 1, 1, "x" } } end)
    raises("batches: weights: expected a finite sum above 0, got 0.0",
      function() set:batches { weights = { 0, 0, 0 } } end)
    raises("batches: weights: expected a list or a tensor of one number a sample, got float32 [3, 1]",
      function() set:batches { weights = fnet.ones { 3, 1 } } end)
    raises("batches: weights and balanced are two ways to say how often samples come; leave out one",
      function() set:batches { weights = { 1, 1, 1 }, balanced = true } end)
    raises("batches: balanced draws samples at random; leave out shuffle = false",
      function() set:batches { balanced = true, shuffle = false } end)
    raises("batches: balanced: expected labels, int32 [count], got float32 [3, 1]",
      function() data.Dataset({ x = set.x, y = set.x }):batches { balanced = true } end)
    raises("batches: balanced: expected true or false, got number", function() set:batches { balanced = 1 } end)
  end)
end)

--- Draws in proportion to weights, and with probabilities.

local fnet = require "fnet"
local core = require "fnet.core"
local support = require "tests.support"

local holds, raises, flat = support.holds, support.raises, support.flat

before_each(function() fnet.seed(1) end)

-- The position at u of the running sums, by the definition.
local function position(weights, u)
  local total, sum = 0, 0
  for _, weight in ipairs(weights) do total = total + weight end
  for k, weight in ipairs(weights) do
    sum = sum + weight
    if u * total < sum then return k end
  end
end

describe("sample", function()
  it("draws where a uniform number falls among sums of weights", function()
    local weights, numbers, expected = { 3, 0, 1, 0, 0, 2, 10, 0, 16 }, {}, {}
    for i = 0, 31 do
      numbers[i + 1] = i / 32
      expected[i + 1] = position(weights, i / 32)
    end
    for _, dtype in ipairs { "float32", "float64" } do
      local u = fnet.tensor(numbers, "float64")
      holds({ 32 }, expected, core.sample(fnet.tensor(weights, dtype), u, true), "int32")
    end
  end)

  it("draws without replacement from the weights that are left", function()
    local weights, numbers = { 3, 0, 1, 4, 8 }, { 0.5, 0.9, 0, 0.5 }
    local expected, left = {}, { table.unpack(weights) }
    for i, u in ipairs(numbers) do
      expected[i] = position(left, u)
      left[expected[i]] = 0
    end
    holds({ 4 }, expected, core.sample(fnet.tensor(weights), fnet.tensor(numbers, "float64"), false), "int32")
    for _, n in ipairs { 1, 7, 64, 1000 } do
      local all = fnet.rand({ 3, n }, 0.1, 1):sample(n, { replace = false })
      for _, row in ipairs(all:totable()) do
        table.sort(row)
        for k = 1, n do assert.equal(k, row[k]) end
      end
    end
  end)

  it("draws as often as the weights say", function()
    local weights = fnet.tensor { 1, 2, 0, 7 }
    local drawn = weights:sample(100000)
    for k, share in ipairs { 0.1, 0.2, 0, 0.7 } do
      support.near({}, { share }, drawn:eq(k):mean(), share == 0 and 0 or 0.006)
    end
    local second = 0
    for _ = 1, 3000 do
      local pair = weights:sample(2, { replace = false })
      second = second + (pair[1] == 4 and pair[2] == 2 and 1 or 0)
    end
    support.near({}, { 0.7 * 2 / 3 }, fnet.tensor(second / 3000), 0.04)
  end)

  it("takes each row of any rank for itself, views too; one draw has no axis", function()
    local weights = fnet.zeros { 2, 3, 4 }
    for i = 1, 2 do for j = 1, 3 do weights:set(1, i, j, i + j - 1) end end
    holds({ 2, 3 }, { 1, 2, 3, 2, 3, 4 }, weights:sample(), "int32")
    holds({ 2, 3, 2 }, { 1, 1, 2, 2, 3, 3, 2, 2, 3, 3, 4, 4 }, weights:sample(2), "int32")
    holds({ 3, 2 }, { 1, 2, 2, 3, 3, 4 }, weights:transpose(1, 2):sample(), "int32")
    holds({}, { 2 }, fnet.tensor({ 0, 1 }):sample(), "int32")
    holds({ 2, 3, 0 }, {}, weights:sample(0), "int32")
    holds({ 0, 5 }, {}, fnet.zeros({ 0, 3 }):sample(5), "int32")
    holds({ 0 }, {}, fnet.zeros({ 0 }):sample(0), "int32")
  end)

  it("does not fall beside the weights by rounding", function()
    local tiny = fnet.tensor({ 0, 1e-320, 0, 1e-320, 0 }, "float64")
    local last = fnet.tensor({ 1 - 2 ^ -53, 0 }, "float64")
    holds({ 2 }, { 4, 2 }, core.sample(tiny, last, true), "int32")
    local thirds = fnet.full({ 3 }, 1 / 3)
    holds({ 2 }, { 3, 1 }, core.sample(thirds, last, true), "int32")
  end)

  it("is a function of the seed: the same everywhere, also from a generator", function()
    local weights = fnet.rand { 40, 300 }
    assert.same_everywhere(function()
      fnet.seed(4)
      return fnet.sha256(weights:sample(50), weights:sample(50, { replace = false }), weights:bernoulli())
    end, { 1, 3 })
    fnet.seed(6)
    local drawn = { fnet.sha256(weights:sample(3)), fnet.sha256(weights:bernoulli()) }
    local generator = fnet.generator(6)
    local before = { fnet.random_state() }
    assert.same(drawn, { fnet.sha256(weights:sample(3, { generator = generator })),
      fnet.sha256(weights:bernoulli { generator = generator }) })
    assert.same(before, { fnet.random_state() })
    assert.same({ 6, 2 }, { generator:state() })
  end)

  it("leaves no trace on the tape", function()
    local weights = fnet.rand { 3 }
    weights.requires_grad = true
    assert.is_false(weights:sample(2).requires_grad)
    assert.is_false(weights:bernoulli().requires_grad)
  end)

  it("says what is wrong", function()
    local two = fnet.tensor { { 1, 2, 0 }, { 0, 0, 3 } }
    raises("sample: row 2: only 1 weights are above 0, too few to draw without replacement",
      function() two:sample(2, { replace = false }) end)
    raises("sample: expected finite weights of at least 0, got -2.0 at 2; logits are no weights: " ..
      "logits:softmax():sample(...)", function() fnet.tensor({ 1, -2 }):sample() end)
    for _, wrong in ipairs { 0 / 0, math.huge } do
      assert.error_matches(function() fnet.tensor({ 1, wrong }):sample() end,
        "sample: expected finite weights of at least 0, got %-?%a+ at 2")
    end
    raises("sample: the sum of the weights is not finite",
      function() fnet.tensor({ 1e308, 1e308 }, "float64"):sample() end)
    raises("sample: row 1: no weight is above 0", function() fnet.zeros({ 2, 3 }):sample() end)
    raises("sample: no weight is above 0", function() fnet.zeros({ 0 }):sample() end)
    raises("sample: expected float weights of [..., classes], got int32 of [3]",
      function() fnet.zeros({ 3 }, "int32"):sample() end)
    raises("sample: expected float weights of [..., classes], got float32 of []",
      function() fnet.tensor(2):sample() end)
    raises("sample: count: expected a whole number of at least 0, got -1", function() two:sample(-1) end)
    raises("sample: unknown option 'replacement' (did you mean 'replace'?); known are replace, generator",
      function() two:sample(1, { replacement = false }) end)
    raises("sample: expected a tensor, got nil; a method is called with a colon, t:sample(...)",
      function() two.sample() end)
  end)
end)

describe("bernoulli", function()
  it("is 1 as often as the probabilities say", function()
    local drawn = fnet.tensor({ { 0 }, { 0.25 }, { 1 } }):expand({ 3, 20000 }):bernoulli()
    holds({ 3, 20000 }, flat(drawn:eq(1)), drawn)
    assert.equal(0, drawn[1]:sum():item())
    support.near({}, { 0.25 }, drawn[2]:mean(), 0.01)
    assert.equal(20000, drawn[3]:sum():item())
    assert.equal("float64", fnet.zeros({ 2 }, "float64"):bernoulli().dtype)
    holds({ 0 }, {}, fnet.zeros({ 0 }):bernoulli())
  end)

  it("refuses what is no probability", function()
    raises("bernoulli: expected probabilities from 0 to 1, got 3 that are not; of logits they are logits:sigmoid()",
      function() fnet.tensor({ 0.5, -0.1, 1.1, 0 / 0 }):bernoulli() end)
    raises("bernoulli: generator: expected one that fnet.generator(seed) made, got table",
      function() fnet.ones({ 2 }):bernoulli { generator = {} } end)
  end)
end)

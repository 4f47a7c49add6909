--- Generators, and single random numbers.

local fnet = require "fnet"
local support = require "tests.support"

local holds, raises, flat = support.holds, support.raises, support.flat

before_each(function() fnet.seed(1) end)

describe("generator", function()
  local function draw(rand, randn, permutation, random)
    local drawn = fnet.sha256(rand({ 9 }, -1, 1), randn({ 9 }, 0, 2, "float64"), permutation(9))
    return drawn .. random() .. random(5, 9)
  end
  local function draw_from(generator)
    return draw(function(...) return generator:rand(...) end, function(...) return generator:randn(...) end,
      function(...) return generator:permutation(...) end, function(...) return generator:random(...) end)
  end

  it("gives the numbers that fnet.seed would start, and leaves fnet's own alone", function()
    local generator = fnet.generator(5)
    local state, drawn = { fnet.random_state() }, draw_from(generator)
    assert.same(state, { fnet.random_state() })
    fnet.seed(5)
    assert.equal(drawn, draw(fnet.rand, fnet.randn, fnet.permutation, fnet.random))
    assert.same({ 5, 5 }, { fnet.random_state() })
    assert.same({ 5, 5 }, { generator:state() })
    assert.not_equal(drawn, draw_from(generator))
  end)

  it("goes back to a state, and can be copied", function()
    local generator = fnet.generator(-3)
    generator:rand { 2 }
    local seed, stream = generator:state()
    assert.same({ -3, 1 }, { seed, stream })
    local copy = generator:copy()
    local drawn = draw_from(generator)
    assert.equal(drawn, draw_from(copy))
    generator:state(seed, stream)
    assert.equal(drawn, draw_from(generator))
    assert.equal("generator with seed -3 after 6 calls", tostring(copy))
  end)

  it("shuffles, splits and folds a data set, and starts weights", function()
    local x = fnet.arange(1, 40):reshape { 20, 2 }
    local set = fnet.data.Dataset { x = x, y = fnet.tensor(flat(fnet.arange(1, 20):gt(10) + 1), "int32") }
    local function order(generator)
      local parts = {}
      for batch in set:batches { size = 7, shuffle = true, generator = generator } do
        parts[#parts + 1] = fnet.sha256(batch)
      end
      for _, stratified in ipairs { false, true } do
        local first, second = set:split(0.7, { stratified = stratified, generator = generator })
        for _, valid in set:folds(3, { stratified = stratified, generator = generator }) do
          parts[#parts + 1] = fnet.sha256(valid.x)
        end
        parts[#parts + 1] = fnet.sha256(first.x, second.x)
      end
      return table.concat(parts)
    end
    local before = { fnet.random_state() }
    local own = order(fnet.generator(7))
    assert.same(before, { fnet.random_state() })
    assert.equal(own, order(fnet.generator(7)))
    assert.not_equal(own, order(fnet.generator(8)))
    fnet.seed(7)
    assert.equal(own, order())
    local generator = fnet.generator(7)
    local dense = fnet.nn.Dense(3, 2, { init = function(shape) return generator:randn(shape, 0, 0.1) end })
    assert.is_true(dense.weight:equal(fnet.generator(7):randn({ 3, 2 }, 0, 0.1)))
  end)

  it("is refused where a checkpoint would lose it", function()
    local set = fnet.data.Dataset { x = fnet.ones { 4, 1 }, y = fnet.ones { 4, 1 } }
    local checkpoint = fnet.checkpoint(nil, { model = fnet.nn.Dense(1, 1) })
    raises("batches: a checkpoint keeps fnet's own random numbers, none of a generator; leave out `generator`",
      function() checkpoint:batches(set, { shuffle = true, generator = fnet.generator(1) }) end)
  end)

  it("says what is wrong", function()
    local generator, set = fnet.generator(1), fnet.data.Dataset { x = fnet.ones { 4, 1 }, y = fnet.ones { 4, 1 } }
    raises("generator: seed: expected a whole number, got nil", function() fnet.generator() end)
    raises("generator: seed: expected a whole number, got 1.5", function() fnet.generator(1.5) end)
    raises("generator has no 'uniform'; did you mean generator.rand?", function() generator:uniform { 3 } end)
    raises("rand: expected to be called with a colon, such as object:rand(), got table for the object",
      function() generator.rand { 3 } end)
    raises("rand: expected low <= high, got 2.0 and 1.0", function() generator:rand({ 3 }, 2, 1) end)
    raises("split: generator: expected one that fnet.generator(seed) made, got number",
      function() set:split(2, { generator = 7 }) end)
  end)
end)

describe("random", function()
  it("is a number from 0 to 1, with 53 bits", function()
    local numbers = {}
    for i = 1, 2000 do
      numbers[i] = fnet.random()
      assert.is_true(numbers[i] >= 0 and numbers[i] < 1)
      assert.equal(numbers[i] * 2 ^ 53, math.floor(numbers[i] * 2 ^ 53))
    end
    local fine = 0
    for _, number in ipairs(numbers) do fine = fine + (number * 2 ^ 52 % 1 ~= 0 and 1 or 0) end
    assert.is_true(fine > 900 and fine < 1100)
    local t = fnet.tensor(numbers, "float64")
    support.near({}, { 0.5 }, t:mean(), 0.03)
    support.near({}, { 1 / 12 ^ 0.5 }, t:std(), 0.03)
    fnet.seed(1)
    holds({}, { numbers[1] }, fnet.rand({}, 0, 1, "float64"), "float64")
  end)

  it("is a whole number up to one, or between two, each equally often", function()
    local counts = {}
    for _ = 1, 6000 do
      local k = fnet.random(6)
      assert.equal("integer", math.type(k))
      counts[k] = (counts[k] or 0) + 1
    end
    assert.equal(6, #counts)
    for k = 1, 6 do assert.is_true(math.abs(counts[k] - 1000) < 150) end
    local met = {}
    for _ = 1, 100 do met[fnet.random(-1, 1)] = true end
    assert.same({ [-1] = true, [0] = true, [1] = true }, met)
    assert.equal(7, fnet.random(7, 7))
    assert.equal("integer", math.type(fnet.random(math.mininteger, math.maxinteger)))
    assert.equal(3, fnet.random(3.0, 3.0))
  end)

  it("is started by fnet.seed", function()
    local first = { fnet.random(), fnet.random(100), fnet.random(2 ^ 40) }
    fnet.seed(1)
    assert.same(first, { fnet.random(), fnet.random(100), fnet.random(2 ^ 40) })
  end)

  it("says what is wrong", function()
    raises("random: expected whole numbers, got 0.5; low + (high - low) * random() is a number between others",
      function() fnet.random(0.5, 2) end)
    raises("random: last: expected a whole number of at least 3, got 2", function() fnet.random(3, 2) end)
    raises("random: last: expected a whole number of at least 1, got 0", function() fnet.random(0) end)
    raises("random: last: expected a whole number of at least 1, got string", function() fnet.random "x" end)
    raises("random: first: expected a whole number, got nil", function() fnet.random(nil, 4) end)
  end)
end)

--- Random numbers: repeatable, of the right distribution, and a function of (seed, call, place) only.

local fnet = require "fnet"
local support = require "tests.support"

local holds, raises, flat = support.holds, support.raises, support.flat

-- The numbers of tests/kernels are not repeated here: this is Philox4x32-10 in Lua, from Salmon et al., 2011.
local function philox(c0, c1, c2, c3, k0, k1)
  for _ = 1, 10 do
    local p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
    c0, c1, c2, c3 = (p1 >> 32) ~ c1 ~ k0, p1 & 0xFFFFFFFF, (p0 >> 32) ~ c3 ~ k1, p0 & 0xFFFFFFFF
    k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
  end
  return { c0, c1, c2, c3 }
end

local function words(seed, stream, index)
  return philox(index & 0xFFFFFFFF, index >> 32, stream & 0xFFFFFFFF, stream >> 32, seed & 0xFFFFFFFF, seed >> 32)
end

local function mean_and_deviation(t)
  local mean = t:double():mean():item()
  return mean, ((t:double() - mean) ^ 2):mean():item() ^ 0.5
end

before_each(function() fnet.seed(1) end)

describe("seed", function()
  it("starts the same numbers anew", function()
    local function draw() return fnet.sha256(fnet.rand { 9 }, fnet.randn { 9 }, fnet.permutation(9)) end
    local first = draw()
    assert.not_equal(first, draw())
    fnet.seed(1)
    assert.equal(first, draw())
    fnet.seed(2)
    assert.not_equal(first, draw())
  end)

  it("takes every whole number, and each gives other numbers", function()
    local seen = {}
    for _, seed in ipairs { 0, 1, -1, 2 ^ 31, 2 ^ 32, 2 ^ 32 + 1, math.maxinteger, math.mininteger } do
      fnet.seed(seed)
      local text = fnet.rand({ 4 }):bytes()
      assert.is_nil(seen[text])
      seen[text] = true
      fnet.seed(seed)
      assert.equal(text, fnet.rand({ 4 }):bytes())
    end
  end)

  it("a whole number written as a float is the same seed", function()
    fnet.seed(7)
    local expected = flat(fnet.rand { 3 })
    fnet.seed(7.0)
    assert.same(expected, flat(fnet.rand { 3 }))
  end)

  it("refuses everything else", function()
    raises("seed: expected a whole number, got 1.5", function() fnet.seed(1.5) end)
    raises("seed: expected a whole number, got 1e+300", function() fnet.seed(1e300) end)
    raises("seed: expected a whole number, got nan", function() fnet.seed(0 / 0) end)
    raises("seed: expected a whole number, got nil", function() fnet.seed() end)
    raises("seed: expected a whole number, got the string '5'", function() fnet.seed("5") end)
  end)
end)

describe("random_state", function()
  it("counts the calls, and goes back to any of them", function()
    assert.same({ 1, 0 }, { fnet.random_state() })
    fnet.rand { 5 }
    local seed, stream = fnet.random_state()
    assert.same({ 1, 1 }, { seed, stream })
    local expected = flat(fnet.randn { 5 })
    fnet.permutation(3)
    assert.same({ 1, 3 }, { fnet.random_state() })
    assert.same({ 1, 1 }, { fnet.random_state(seed, stream) })
    assert.same(expected, flat(fnet.randn { 5 }))
  end)

  it("does not move when a call fails or only looks", function()
    pcall(fnet.rand, { -1 })
    pcall(fnet.randn, { 2 }, 0, -1)
    pcall(fnet.permutation, -1)
    fnet.random_state()
    assert.same({ 1, 0 }, { fnet.random_state() })
  end)

  it("refuses wrong numbers", function()
    for _, stream in ipairs { -1, 0.5 } do
      raises("random_state: stream: expected a whole number of at least 0, got " .. stream,
        function() fnet.random_state(1, stream) end)
    end
    raises("random_state: seed: expected a whole number, got 1.5", function() fnet.random_state(1.5) end)
  end)
end)

describe("rand", function()
  it("is Philox4x32-10: 24 bits of one word for float32, 53 bits of two for float64", function()
    for _, seed in ipairs { 1, -5, 2 ^ 40 // 1 | 3 } do
      fnet.random_state(seed, 2 ^ 33 // 1 | 9)
      local t = fnet.rand { 10 }
      for i = 0, 9 do
        assert.equal((words(seed, 2 ^ 33 // 1 | 9, i // 4)[i % 4 + 1] >> 8) * 2 ^ -24, t[i + 1])
      end
      fnet.random_state(seed, 3)
      t = fnet.rand({ 5 }, 0, 1, "float64")
      for i = 0, 4 do
        local word = words(seed, 3, i // 2)
        local bits = word[i % 2 * 2 + 1] << 32 | word[i % 2 * 2 + 2]
        assert.equal((bits >> 11) * 2 ^ -53, t[i + 1])
      end
    end
  end)

  it("is uniform in [low, high)", function()
    for _, range in ipairs { { 0, 1 }, { -3, 5 }, { 1e6, 1e6 + 1 } } do
      local low, high = table.unpack(range)
      local t = fnet.rand({ 100000 }, low, high)
      assert.is_true(t:min():item() >= low)
      assert.is_true(t:max():item() < high)
      local mean, deviation = mean_and_deviation(t)
      assert.is_true(math.abs(mean - (low + high) / 2) < 0.01 * (high - low) + 0.04)
      assert.is_true(math.abs(deviation - (high - low) / 12 ^ 0.5) < 0.01 * (high - low))
    end
  end)

  it("excludes high even where rounding would reach it", function()
    local t = fnet.rand({ 20000 }, 1 - 2 ^ -24, 1)
    assert.equal(1 - 2 ^ -24, t:max():item())
    assert.equal(1 - 2 ^ -24, t:min():item())
  end)

  it("an empty range gives its only number", function()
    holds({ 3 }, { 2, 2, 2 }, fnet.rand({ 3 }, 2, 2))
  end)

  it("every tenth of the range is met equally often", function()
    local t = fnet.rand { 100000 }
    for i = 0, 9 do
      local hits = (t:ge(i / 10) * t:lt((i + 1) / 10)):sum():item()
      assert.is_true(math.abs(hits - 10000) < 500, i)
    end
  end)

  it("takes any shape", function()
    assert.same({ 2, 0, 3 }, fnet.rand({ 2, 0, 3 }).shape)
    assert.same({}, fnet.rand({}).shape)
    assert.equal("float64", fnet.rand({ 2 }, nil, nil, "float64").dtype)
  end)

  it("depends on the place, not on the shape", function()
    local line = fnet.rand { 24 }
    fnet.seed(1)
    assert.same(flat(line), flat(fnet.rand { 2, 3, 4 }))
    fnet.seed(1)
    assert.same(flat(line:slice(1, 1, 5)), flat(fnet.rand { 5 }))
  end)
end)

describe("randn", function()
  it("has the mean and the deviation asked for", function()
    for _, case in ipairs { { 0, 1 }, { 5, 2 }, { -1, 0.1 } } do
      for _, dtype in ipairs { "float32", "float64" } do
        local t = fnet.randn({ 100000 }, case[1], case[2], dtype)
        assert.equal(dtype, t.dtype)
        local mean, deviation = mean_and_deviation(t)
        assert.is_true(math.abs(mean - case[1]) < 0.02 * case[2])
        assert.is_true(math.abs(deviation - case[2]) < 0.02 * case[2])
      end
    end
    holds({ 2 }, { 3, 3 }, fnet.randn({ 2 }, 3, 0))
  end)

  it("is normal: shares within one, two and three deviations", function()
    local t = fnet.randn({ 100000 }):abs()
    for limit, share in ipairs { 0.682689, 0.954500, 0.997300 } do
      assert.is_true(math.abs(t:lt(limit):mean():item() - share) < 0.006, limit)
    end
    assert.is_true(t:max():item() > 3.5 and t:max():item() < 7)
  end)

  -- The published precision of the algorithms (Wichura's AS 241, PPND7 and PPND16) is about 7 and 16 digits.
  it("is the quantile of the uniform number at its place", function()
    fnet.random_state(3, 4)
    local t = fnet.randn { 2000 }
    fnet.random_state(3, 4)
    local fine = fnet.randn({ 2000 }, 0, 1, "float64")
    local function phi(x) -- the distribution function: a series that converges for every x
      local term, sum, k = x, x, 0
      while math.abs(term) > 1e-17 * math.abs(sum) and k < 500 do
        k = k + 1
        term = term * x * x / (2 * k + 1)
        sum = sum + term
      end
      return 0.5 + sum * math.exp(-x * x / 2) / (2 * math.pi) ^ 0.5
    end
    for i = 0, 1999 do
      local p = (words(3, 4, i // 4)[i % 4 + 1] + 0.5) * 2 ^ -32
      assert.is_true(math.abs(phi(t[i + 1]) - p) < 1e-6 * math.min(p, 1 - p) * 10, i)
      local word = words(3, 4, i // 2)
      local bits = (word[i % 2 * 2 + 1] << 32 | word[i % 2 * 2 + 2]) >> 11 -- a sign, and 52 for the tail
      local tail = ((bits & ~(1 << 52)) + 0.5) * 2 ^ -53
      assert.is_true(math.abs(phi(-math.abs(fine[i + 1])) - tail) < 1e-15 + 1e-12 * tail, i)
      assert.equal(bits >> 52 == 1, fine[i + 1] > 0)
    end
  end)

  it("of float64 do not repeat", function()
    fnet.seed(5)
    local values = fnet.randn({ 100000 }, 0, 1, "float64"):totable()
    table.sort(values)
    local repeated = 0
    for i = 2, #values do if values[i] == values[i - 1] then repeated = repeated + 1 end end
    assert.equal(0, repeated)
  end)

  it("neighbours are independent", function()
    local t = fnet.randn { 100001 }
    local product = (t:slice(1, 1, 100000) * t:slice(1, 2)):mean():item()
    assert.is_true(math.abs(product) < 0.015)
  end)
end)

describe("permutation", function()
  it("has each of 1 to n once", function()
    for _, n in ipairs { 0, 1, 2, 3, 10, 1000 } do
      local t = fnet.permutation(n)
      assert.equal("int32", t.dtype)
      local seen = flat(t)
      table.sort(seen)
      assert.same(n == 0 and {} or flat(fnet.arange(1, n, 1, "int32")), seen)
    end
  end)

  it("meets every order of three equally often", function()
    local counts, orders = {}, 0
    for _ = 1, 6000 do
      local key = table.concat(flat(fnet.permutation(3)))
      if not counts[key] then orders = orders + 1 end
      counts[key] = (counts[key] or 0) + 1
    end
    assert.equal(6, orders)
    for _, count in pairs(counts) do assert.is_true(math.abs(count - 1000) < 150) end
  end)

  it("is a Fisher-Yates shuffle of the words of its stream", function()
    fnet.random_state(8, 5)
    local n, expected = 50, {}
    for i = 1, n do expected[i] = i end
    for i = n, 2, -1 do
      local turn = n - i
      local j = (words(8, 5, turn // 4)[turn % 4 + 1] * i >> 32) + 1
      expected[i], expected[j] = expected[j], expected[i]
    end
    holds({ n }, expected, fnet.permutation(n), "int32")
  end)
end)

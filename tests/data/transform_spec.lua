--- Transforms: what each does to a batch, that one pass does what several do, and what they refuse.

local fnet = require "fnet"
local support = require "tests.support"
local data = fnet.data
local raises = support.raises

local HEIGHT, WIDTH = 5, 7

-- Pictures whose pixels are 1, 2, 3, ... (100 more in the next channel), so that a pixel tells its origin.
local function numbered(count, dtype, channels)
  local pixels = {}
  for i = 1, HEIGHT * WIDTH do
    for c = 1, channels or 1 do pixels[#pixels + 1] = i + 100 * (c - 1) end
  end
  local shape = { 1, HEIGHT, WIDTH, channels }
  local one = fnet.tensor(pixels, dtype):reshape(shape)
  shape[1] = count
  return one:expand(shape):contiguous(), fnet.ones({ count }, "int32")
end

-- What a picture [height, width] must be when source rows start at `down` and columns at `across`.
local function moved(height, width, down, across, mirrored)
  local rows = {}
  for r = 1, height do
    rows[r] = {}
    for c = 1, width do
      local y, x = r + down, (mirrored and width + 1 - c or c) + across
      rows[r][c] = y >= 1 and y <= HEIGHT and x >= 1 and x <= WIDTH and (y - 1) * WIDTH + x + 0.0 or 0.0
    end
  end
  return rows
end

-- How often each candidate of the list is what the transform made of a picture.
local function count_outcomes(transform, candidates, count)
  local x, y = numbered(count, "float32")
  local tally, other = {}, 0
  local known = {}
  for i, rows in ipairs(candidates) do known[fnet.tensor(rows):bytes()], tally[i] = i, 0 end
  local result = transform(x, y)
  for i = 1, count do
    local which = known[result[i]:bytes()]
    if which then tally[which] = tally[which] + 1 else other = other + 1 end
  end
  return tally, other
end

local function evenly(tally, count)
  local expected = count / #tally
  for _, times in ipairs(tally) do assert.is_true(math.abs(times - expected) < 5.5 * expected ^ 0.5) end
end

before_each(function() fnet.seed(7) end)

describe("random_shift", function()
  it("moves by every distance up to the limit about equally often, and fills with 0", function()
    local candidates = {}
    for down = -2, 2 do
      for across = -2, 2 do candidates[#candidates + 1] = moved(HEIGHT, WIDTH, down, across) end
    end
    local tally, other = count_outcomes(data.random_shift(2), candidates, 5000)
    assert.equal(0, other)
    evenly(tally, 5000)
  end)

  it("by 0 changes nothing, and may exceed the picture", function()
    local x, y = numbered(3, "float32")
    assert.is_true((data.random_shift(0)(x, y)):equal(x))
    local far = data.random_shift(60)(x, y)
    assert.same({ 3, HEIGHT, WIDTH }, far.shape)
    assert.equal(0, far:sum():item())
  end)
end)

describe("random_crop", function()
  it("takes every window about equally often", function()
    local candidates = {}
    for down = 0, 2 do
      for across = 0, 3 do candidates[#candidates + 1] = moved(3, 4, down, across) end
    end
    local tally, other = count_outcomes(data.random_crop { height = 3, width = 4 }, candidates, 2400)
    assert.equal(0, other)
    evenly(tally, 2400)
  end)

  it("adds a border of zeros first, and keeps the pictures' size where none is given", function()
    local candidates = {}
    for down = -1, 1 do
      for across = -1, 1 do candidates[#candidates + 1] = moved(HEIGHT, WIDTH, down, across) end
    end
    local tally, other = count_outcomes(data.random_crop { padding = 1 }, candidates, 1800)
    assert.equal(0, other)
    evenly(tally, 1800)
    local x, y = numbered(4, "float32")
    assert.same({ 4, 9, 7 }, (data.random_crop { height = 9, padding = 2 }(x, y)).shape)
  end)

  it("refuses a window that does not fit, at the caller's line", function()
    local x, y = numbered(2, "uint8")
    local set = data.Dataset { x = x, y = y }:with { transform = data.random_crop { height = 8, padding = 1 } }
    raises("random_crop: a window of [8, 7] is larger than pictures of [5, 7] with a padding of 1",
      function() set:batches()() end)
  end)
end)

describe("horizontal_flip", function()
  it("mirrors about half of the pictures, or all, or none", function()
    local kept, mirrored = moved(HEIGHT, WIDTH, 0, 0), moved(HEIGHT, WIDTH, 0, 0, true)
    local tally, other = count_outcomes(data.horizontal_flip(), { kept, mirrored }, 2000)
    assert.equal(0, other)
    evenly(tally, 2000)
    assert.same({ 0, 50 }, (count_outcomes(data.horizontal_flip(1), { kept, mirrored }, 50)))
    assert.same({ 50, 0 }, (count_outcomes(data.horizontal_flip(0), { kept, mirrored }, 50)))
    tally = count_outcomes(data.horizontal_flip(0.1), { kept, mirrored }, 2000)
    assert.is_true(math.abs(tally[2] - 200) < 60)
  end)

  it("keeps the channels of a pixel together, and is its own inverse", function()
    for _, dtype in ipairs { "uint8", "float32", "float64" } do
      for _, channels in ipairs { 1, 2, 3 } do
        local x, y = numbered(2, dtype, channels)
        local once = data.horizontal_flip(1)(x, y)
        for c = 1, channels do assert.equal(3.0 + 100 * (c - 1), once:get(1, 1, WIDTH - 2, c)) end
        assert.is_true((data.horizontal_flip(1)(once, y)):equal(x))
      end
    end
  end)

  it("mirrors rows of any width", function()
    for _, width in ipairs { 1, 2, 7, 8, 9, 16, 511, 512, 513, 1025 } do
      local row = fnet.zeros({ 1, 1, width }, "uint8")
      for i = 1, width do row:set(i % 251, 1, 1, i) end
      local back = data.horizontal_flip(1)(row, fnet.ones { 1 })
      for i = 1, width do assert.equal((width + 1 - i) % 251 + 0.0, back:get(1, 1, i)) end
    end
  end)
end)

describe("random_erasing", function()
  it("sets one rectangle within the limits to 0", function()
    local x, y = fnet.ones { 300, 20, 30 }, fnet.ones({ 300 }, "int32")
    local result = data.random_erasing { probability = 1, area = { 0.1, 0.3 }, aspect = { 0.5, 2 } }(x, y)
    local places = {}
    for i = 1, 300 do
      local zeros = 600 - result[i]:sum():item()
      local high = 20 - result[i]:min(2):sum():item()
      local wide = 30 - result[i]:min(1):sum():item()
      assert.equal(high * wide, zeros)
      assert.is_true(zeros > 0.07 * 600 and zeros < 0.34 * 600)
      assert.is_true(high / wide > 0.4 and high / wide < 2.4)
      places[high .. "x" .. wide] = true
    end
    local kinds = 0
    for _ in pairs(places) do kinds = kinds + 1 end
    assert.is_true(kinds > 20)
  end)

  it("spares pictures with the probability asked for", function()
    local x, y = fnet.ones { 2000, 9, 9 }, fnet.ones({ 2000 }, "int32")
    local result = data.random_erasing { probability = 0.25 }(x, y)
    local spared = result:reshape { 2000, 81 }:min(2):sum():item()
    assert.is_true(math.abs(spared - 1500) < 120)
    assert.is_true((data.random_erasing { probability = 0 }(x, y)):equal(x))
  end)
end)

describe("normalise", function()
  it("gives (x - mean) / deviation, per channel or for all", function()
    local x, y = numbered(2, "float32", 2)
    local result = data.normalise { mean = { 3, 100 }, deviation = { 2, 4 } }(x, y)
    assert.equal((5 - 3) / 2, result:get(2, 1, 5, 1))
    assert.equal((105 - 100) / 4, result:get(2, 1, 5, 2))
    result = data.normalise { mean = 3, deviation = 2 }(x, y)
    assert.equal((105 - 3) / 2, result:get(1, 1, 5, 2))
    local each = data.normalise { mean = { 1, 2 }, deviation = { 1, 10 } }
    local rows = each(fnet.tensor { { 1, 2 }, { 4, 12 } }, y)
    support.holds({ 2, 2 }, { 0.0, 0.0, 3.0, 1.0 }, rows)
    rows = data.normalise { mean = 1, deviation = 3 }(fnet.tensor { 1, 4 }, y)
    support.holds({ 2 }, { 0.0, 1.0 }, rows)
  end)

  it("with the statistics of a data set gives mean 0 and deviation 1", function()
    local x = fnet.rand({ 700, 6, 5, 3 }, 0, 250):byte()
    local set = data.Dataset { x = x, y = fnet.ones({ 700 }, "int32"), scale = 1 / 255 }
    local statistics = set:statistics()
    assert.same({ 3, 3 }, { #statistics.mean, #statistics.deviation })
    assert.near(124.5 / 255, statistics.mean[2], 2e-2)
    local after = set:with { transform = data.normalise(statistics) }:statistics()
    for c = 1, 3 do
      assert.near(0, after.mean[c], 1e-5)
      assert.near(1, after.deviation[c], 1e-5)
    end
    local table_set = data.Dataset { x = fnet.tensor { { 1, 5 }, { 3, 5 } }, y = fnet.ones { 2 } }
    assert.same({ mean = { 2.0, 5.0 }, deviation = { 1.0, 0.0 } }, table_set:statistics())
  end)

  it("refuses other numbers of statistics", function()
    local x, y = numbered(2, "float32", 3)
    local two = data.normalise { mean = { 1, 2 }, deviation = { 1, 2 } }
    raises("normalise: 2 values for 3 channels; expected one value, or one a channel", function() two(x, y) end)
    raises("normalise: expected as many deviations as means, got 1 and 2",
      function() data.normalise { mean = { 1, 2 }, deviation = 1 } end)
    raises("normalise: deviation[2]: expected a number from 1e-30 to 1e+30, got 0",
      function() data.normalise { mean = { 1, 2 }, deviation = { 1, 0 } } end)
    raises("normalise: mean: expected a number or a list of them, got nil",
      function() data.normalise { deviation = 1 } end)
  end)
end)

describe("mix_up", function()
  it("mixes samples and labels in the same proportion", function()
    local count = 400
    local labels = fnet.arange(0, count - 1, 1, "int32"):to "float64"
    local y = fnet.zeros({ count }, "int32")
    for i = 1, count do y[i] = i % 3 + 1 end
    local x = fnet.zeros { count, 2 }
    for i = 1, count do x:set(y[i], i, 1) x:set(labels[i], i, 2) end
    local mixed, target = data.mix_up(1, { classes = 3 })(x, y)
    assert.same({ count, 3 }, target.shape)
    local mixed_rows = 0
    for i = 1, count do
      local p = target[i]:totable()
      assert.near(1, p[1] + p[2] + p[3], 1e-6)
      assert.near(mixed:get(i, 1), p[1] + 2 * p[2] + 3 * p[3], 1e-5)
      if p[y[i]] < 0.999 then mixed_rows = mixed_rows + 1 end
    end
    assert.is_true(mixed_rows > count / 2)
  end)

  it("draws weights from the beta distribution: mean 1/2, variance 1 / (8 alpha + 4)", function()
    for _, alpha in ipairs { 0.2, 1, 2 } do
      local x, y = fnet.zeros { 4000 }, fnet.zeros { 4000 }
      for i = 1, 4000, 2 do x[i] = 1 end -- pairs of 0 and 1 show the weight
      local mixed = data.mix_up(alpha)(x, y)
      local sum, squares, count = 0, 0, 0
      for i = 1, 4000, 2 do
        if mixed[i] < 1 then
          sum, squares, count = sum + mixed[i], squares + mixed[i] ^ 2, count + 1
        end
      end
      local mean = sum / count
      assert.near(0.5, mean, 0.06)
      assert.near(1 / (8 * alpha + 4), squares / count - mean ^ 2, 0.02)
    end
  end)

  it("mixes float targets as they are, and takes the classes from the data set", function()
    local x, y = fnet.rand { 6, 2 }, fnet.rand { 6, 4 }
    local _, target = data.mix_up()(x, y)
    assert.same({ 6, 4 }, target.shape)
    local set = data.Dataset { x = x, y = fnet.tensor({ 1, 2, 1, 2, 1, 2 }, "int32"), classes = { "a", "b", "c" } }
    for _, t in set:with { transform = data.mix_up() }:batches() do
      assert.same({ 6, 3 }, t.shape)
      assert.equal("float32", t.dtype)
    end
  end)

  it("refuses labels that fit no class, and unknown classes", function()
    local x, y = fnet.rand { 2, 2 }, fnet.tensor({ 1, 4 }, "int32")
    local mix = data.mix_up(0.5, { classes = 3 })
    raises("mix_up: label 4 is outside 1..3", function() mix(x, y) end)
    raises("mix_up: expected the number of classes, of which the data set knows nothing; give { classes = }, "
      .. "or the data set its class names", function() data.mix_up()(x, y) end)
    raises("mix_up: alpha: expected a number from 0.001 to 2, got 0", function() data.mix_up(0) end)
    raises("mix_up: unknown option 'clases' (did you mean 'classes'?); known are classes",
      function() data.mix_up(1, { clases = 3 }) end)
  end)
end)

describe("transforms", function()
  local parts = {
    data.random_shift(1), data.random_crop { height = 4, width = 5, padding = 1 }, data.horizontal_flip(),
    data.normalise { mean = 17, deviation = 3 }, data.random_erasing { probability = 0.8, area = { 0.1, 0.5 } },
    data.horizontal_flip(0.7), data.random_shift(2), data.random_erasing(), data.mix_up(0.5, { classes = 2 }),
    data.random_crop { height = 3 },
  }

  it("together in one pass do what they do one after the other", function()
    for _, dtype in ipairs { "uint8", "float32", "float64" } do
      for _, channels in ipairs { 1, 3 } do
        local x, y = numbered(40, dtype, channels)
        fnet.seed(3)
        local together, targets = data.transforms(parts)(x, y)
        fnet.seed(3)
        local step_x, step_y = x, y
        for _, part in ipairs(parts) do step_x, step_y = part(step_x, step_y) end
        assert.is_true(together:equal(step_x))
        assert.is_true(targets:equal(step_y))
        assert.same({ 40, 3, 5, channels }, together.shape)
      end
    end
  end)

  it("give equal bits for any threads and instruction set, and other ones for another seed", function()
    local x, y = numbered(90, "uint8", 2)
    local set = data.Dataset { x = x, y = y, scale = 1 / 255, transform = parts }
    local function digest(seed)
      local all = {}
      fnet.seed(seed)
      for bx, by in set:batches { size = 32, shuffle = true } do all[#all + 1] = fnet.sha256(bx, by) end
      return table.concat(all)
    end
    assert.same_everywhere(function() return digest(1) end, { 1, 2, 3, 4 })
    assert.not_equal(digest(1), digest(2))
  end)

  it("of a data set apply to batches, samples and parts, and not to the data set they came from", function()
    local x, y = numbered(10, "uint8")
    local plain = data.Dataset { x = x, y = y, scale = 1 / 100 }
    local set = plain:with { transform = { data.horizontal_flip(1) } }
    for bx in set:slice(3, 6):batches { size = 3 } do assert.near(0.07, bx:get(1, 1, 1), 1e-7) end
    assert.near(0.07, set:sample(2):get(1, 1), 1e-7)
    assert.near(0.01, plain:sample(2):get(1, 1), 1e-7)
    assert.near(0.01, set:with { transform = false }:sample(2):get(1, 1), 1e-7)
  end)

  it("take a function of the user's own, and release nothing that it saw", function()
    local x, y = numbered(8, "uint8")
    local seen = {}
    local set = data.Dataset { x = x, y = y }:with { transform = {
      data.horizontal_flip(1),
      function(bx, by) seen[#seen + 1] = bx return bx * 2, by end,
      data.normalise { mean = 1, deviation = 1 },
    } }
    local batches = 0
    for bx in set:batches { size = 4 } do
      assert.equal(2.0 * 7 - 1, bx:get(1, 1, 1))
      batches = batches + 1
    end
    assert.same({ 2, 7.0 }, { batches, seen[1]:get(1, 1, 1) })
    local same = data.transforms { function(bx, by) return bx, by end }
    assert.is_true((same(x, y)):equal(x))
    assert.is_true((data.transforms {}(x, y)):equal(x))
  end)

  it("do nothing to an empty batch", function()
    local x, y = numbered(0, "uint8")
    local all = { table.unpack(parts, 1, 8) }
    assert.same({ 0, 4, 5 }, (data.transforms(all)(x, y)).shape)
  end)

  it("print their names", function()
    assert.equal("random_shift, horizontal_flip, function",
      tostring(data.transforms { data.random_shift(1), data.horizontal_flip(), function() end }))
  end)

  it("hand whole numbers to functions as they are, such as the numbers of rows that lie elsewhere", function()
    local numbers, seen = fnet.arange(11, 16, 1, "int32"):reshape { 6, 1 }, {}
    local set = data.Dataset { x = numbers, y = fnet.ones({ 6 }, "int32") }:with { transform = function(x, y)
      seen[#seen + 1] = x.dtype
      return x:float() * 2, y
    end }
    for x in set:batches { size = 4 } do table.move(x:reshape { -1 }:totable(), 1, #x, #seen + 1, seen) end
    assert.same({ "int32", 22, 24, 26, 28, "int32", 30, 32 }, seen)
    assert.equal(26, set:sample(3):item())
    local plain = set:with { transform = function(...) return ... end }
    assert.equal("int32", plain:sample(1).dtype)
    assert.equal(11, numbers[1][1]) -- what a batch gives back is not what the data set holds
    raises("normalise: expected samples of uint8 or floats, got int32 [6, 1]; with int32 go functions, such as one "
      .. "that takes them for numbers of rows",
      function() set:with { transform = data.normalise { mean = 1, deviation = 2 } }:sample(1) end)
  end)

  it("refuse what is no transform", function()
    raises("transforms: expected a list of transforms, got number", function() data.transforms(3) end)
    raises("transforms: entry 2: expected a transform such as data.random_shift(2), or a function, got string",
      function() data.transforms { data.random_shift(1), "x" } end)
    raises("transforms: expected a list of transforms, got one with the key 'flip'",
      function() data.transforms { data.horizontal_flip(), flip = data.horizontal_flip() } end)
    local by_name = { flip = data.horizontal_flip() }
    raises("transform: the samples have nothing with the name 'flip'; they are float32 [2, 3, 3]",
      function() data.Dataset { x = fnet.ones { 2, 3, 3 }, y = fnet.ones { 2 }, transform = by_name } end)
    raises("random_shift: pixels: expected a whole number from 0 to 65535, got -1",
      function() data.random_shift(-1) end)
    raises("random_crop: expected { height = , width = , padding = }, at least one of them",
      function() data.random_crop() end)
    raises("horizontal_flip: probability: expected a number from 0 to 1, got 2",
      function() data.horizontal_flip(2) end)
    raises("random_erasing: area: expected { least, most }, got number",
      function() data.random_erasing { area = 0.5 } end)
    raises("random_erasing: area[2]: expected a number from 0.5 to 1, got 0.1",
      function() data.random_erasing { area = { 0.5, 0.1 } } end)
    local set = data.Dataset { x = fnet.ones { 3, 4 }, y = fnet.ones { 3 } }
    raises("with: expected one of { transform = ... }, { rows = ... }, { x = ... }, { y = ... }",
      function() set:with {} end)
    raises("random_shift: expected pictures [count, height, width] or [count, height, width, channels], got [3, 4]",
      function() set:with { transform = data.random_shift(1) }:batches()() end)
    raises("random_shift: expected samples of uint8 or floats, got int32 [3]; with int32 go functions, such as one "
      .. "that takes them for numbers of rows",
      function() data.random_shift(1)(fnet.ones({ 3 }, "int32"), fnet.ones { 3 }) end)
    raises("transform: expected as many targets as samples, got x of float32 [3, 4, 4] and y of float32 [2]",
      function() data.random_shift(1)(fnet.ones { 3, 4, 4 }, fnet.ones { 2 }) end)
    raises("transform: expected the function to return a batch and its targets, got float32 [3, 4] and nil",
      function() data.transforms(function(x) return x end)(fnet.ones { 3, 4 }, fnet.ones { 3 }) end)
  end)
end)

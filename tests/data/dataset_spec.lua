--- Data sets: batches, shuffling, parts, samples, and what they refuse.

local fnet = require "fnet"
local Dataset = fnet.data.Dataset

-- Calls f, which must raise an error at a line of this file.
local function fails(message, f, ...)
  local ok, got = pcall(f, ...)
  assert.is_false(ok)
  local position, text = got:match "^(.-dataset_spec%.lua:%d+: )(.*)$"
  assert.is_truthy(position, got)
  assert.equal(message, text)
end

-- Row i is { i, 10 i }, with label i % 3 + 1.
local function numbered(count)
  local rows, labels = {}, {}
  for i = 1, count do rows[i], labels[i] = { i, 10 * i }, i % 3 + 1 end
  return Dataset { x = fnet.tensor(rows), y = fnet.tensor(labels, "int32") }
end

-- The numbers of the rows in the order of the loop, and the sizes of the batches; checks that rows stay whole.
local function walk(dataset, options)
  local order, sizes = {}, {}
  for x, y in dataset:batches(options) do
    sizes[#sizes + 1] = #x
    assert.equal(#x, #y)
    for i = 1, #x do
      local number = math.tointeger(x:get(i, 1))
      assert.same({ 10.0 * number, number % 3 + 1 }, { x:get(i, 2), y[i] })
      order[#order + 1] = number
    end
  end
  return order, sizes
end

local function sequence(first, last)
  local list = {}
  for i = first, last do list[#list + 1] = i end
  return list
end

local function sorted(list)
  local copy = { table.unpack(list) }
  table.sort(copy)
  return copy
end

describe("batches", function()
  it("come in order, 32 by default, the last one smaller", function()
    local order, sizes = walk(numbered(70))
    assert.same(sequence(1, 70), order)
    assert.same({ 32, 32, 6 }, sizes)
  end)

  it("have the size asked for; drop_last leaves out a smaller one", function()
    local cases = {
      { 10, 3, { 3, 3, 3, 1 }, { 3, 3, 3 } }, { 9, 3, { 3, 3, 3 }, { 3, 3, 3 } }, { 4, 100, { 4 }, {} },
      { 3, 1, { 1, 1, 1 }, { 1, 1, 1 } }, { 5, math.maxinteger, { 5 }, {} }, { 5, 5.0, { 5 }, { 5 } },
    }
    for _, case in ipairs(cases) do
      local count, size, sizes, dropped = table.unpack(case)
      local _, got = walk(numbered(count), { size = size })
      assert.same(sizes, got)
      _, got = walk(numbered(count), { size = size, drop_last = true })
      assert.same(dropped, got)
      _, got = walk(numbered(count), { size = size, drop_last = true, shuffle = true })
      assert.same(dropped, got)
    end
    assert.equal(4, numbered(10):batch_count(3))
    assert.equal(3, numbered(9):batch_count(3))
    assert.equal(1, numbered(4):batch_count(9))
  end)

  it("of an empty data set are none", function()
    local empty = Dataset { x = fnet.zeros { 0, 2 }, y = fnet.zeros({ 0 }, "int32") }
    assert.same({}, (walk(empty, { shuffle = true })))
  end)

  it("are a true permutation each time, repeatable by seed", function()
    local dataset = numbered(101)
    fnet.seed(5)
    local first, second = walk(dataset, { shuffle = true }), walk(dataset, { shuffle = true })
    assert.same(sequence(1, 101), sorted(first))
    assert.same(sequence(1, 101), sorted(second))
    assert.not_same(first, second)
    assert.not_same(sequence(1, 101), first)
    fnet.seed(5)
    assert.same(first, (walk(dataset, { shuffle = true, size = 7 })))
    assert.same(second, (walk(dataset, { shuffle = true, size = 101 })))
    fnet.seed(6)
    assert.not_same(first, (walk(dataset, { shuffle = true })))
    fnet.seed(5)
    local kept = walk(dataset, { shuffle = true, size = 10, drop_last = true })
    assert.same({ table.unpack(first, 1, 100) }, kept)
  end)

  it("shuffle every place to every place about equally often", function()
    local counts, rounds = {}, 1200
    fnet.seed(1)
    local dataset = numbered(6)
    for _ = 1, rounds do
      for place, number in ipairs(walk(dataset, { shuffle = true, size = 6 })) do
        local key = place * 10 + number
        counts[key] = (counts[key] or 0) + 1
      end
    end
    for place = 1, 6 do
      for number = 1, 6 do -- 200 expected, standard deviation 13
        assert.is_true(math.abs(counts[place * 10 + number] - 200) < 70)
      end
    end
  end)

  it("belong to one turn of the loop, unless cloned", function()
    for _, width in ipairs { 1, 3000 } do
      local dataset = Dataset { x = fnet.rand { 6, width }, y = fnet.rand { 6, width } }
      local last_x, last_y, copy
      for x, y in dataset:batches { size = 2 } do
        if last_x then
          for _, old in ipairs { last_x, last_y } do
            local ok, message = pcall(old.item, old)
            assert.is_false(ok)
            assert.is_truthy(message:find("was given back", 1, true), message)
          end
        end
        last_x, last_y = x, y
        copy = copy or x:clone()
      end
      assert.is_false(pcall(last_x.item, last_x))
      assert.is_true(copy:equal(dataset.x:slice(1, 1, 2)))
    end
  end)

  it("go on when a loop ends early, and two loops at once stay apart", function()
    local dataset = numbered(10)
    dataset:batches { size = 3 }()
    local pairs_seen = 0
    for x in dataset:batches { size = 5 } do
      local number = x:get(1, 1)
      walk(dataset, { size = 4, shuffle = true })
      assert.equal(number, x:get(1, 1))
      pairs_seen = pairs_seen + 1
    end
    assert.equal(2, pairs_seen)
    local iterator = dataset:batches { size = 10 }
    assert.is_truthy(iterator())
    assert.is_nil(iterator())
    assert.is_nil(iterator())
  end)

  it("leave the data set as it is", function()
    local dataset = numbered(20)
    local before = fnet.sha256(dataset.x, dataset.y)
    for x in dataset:batches { shuffle = true } do x:fill(0) end
    assert.equal(before, fnet.sha256(dataset.x, dataset.y))
  end)

  it("refuse wrong options", function()
    local dataset = numbered(4)
    local function batches(options) return function() dataset:batches(options) end end
    fails("batches: unknown option 'batch' (did you mean 'size'?); known are size, shuffle, drop_last, weights, " ..
      "balanced, generator",
      batches { batch = 4 })
    for _, size in ipairs { 0, -1, 1.5, 2.0 ^ 63 } do
      fails("batches: size: expected a whole number of at least 1, got " .. tostring(size), batches { size = size })
    end
    fails("batches: size: expected a whole number of at least 1, got the string 'many'", batches { size = "many" })
  end)
end)

describe("a data set", function()
  it("turns bytes into floats times the scale: 0 is 0 and 255 is exactly 1", function()
    local bytes = fnet.arange(0, 255, 1, "uint8")
    local dataset = Dataset { x = bytes:reshape { 256, 1 }, y = bytes, scale = 1 / 255 }
    local x, y = dataset:batches { size = 256 }()
    assert.same({ "float32", "uint8", 0, 1 }, { x.dtype, y.dtype, x:get(1, 1), x:get(256, 1) })
    for i = 1, 256 do assert.near((i - 1) / 255, x:get(i, 1), 1e-7) end
    local sample = dataset:sample(256)
    assert.equal(1, sample[1])
    local plain = Dataset { x = bytes, y = bytes }
    assert.equal(255, (plain:batches { size = 256 }())[256])
  end)

  it("keeps float samples, and targets of any shape and type", function()
    local x, y = fnet.rand({ 5, 2, 3 }, 0, 1, "float64"), fnet.rand { 5, 4 }
    local dataset = Dataset { x = x, y = y, scale = 7 }
    for bx, by in dataset:batches { size = 5 } do
      assert.is_true(bx:equal(x))
      assert.is_true(by:equal(y))
      assert.same({ "float64", "float32" }, { bx.dtype, by.dtype })
    end
    local sx, sy = dataset:sample(4)
    assert.is_true(sx:equal(x[4]) and sy:equal(y[4]))
  end)

  it("takes views", function()
    local whole = fnet.rand { 3, 8 }
    local dataset = Dataset { x = whole:T(), y = whole:T():slice(2, 1, 1) }
    local x, y = dataset:batches()()
    assert.is_true(x:equal(whole:T()) and y:equal(whole:T():slice(2, 1, 1)))
  end)

  it("has a length and a description", function()
    local dataset = numbered(12)
    assert.equal(12, #dataset)
    assert.equal("data set: 12 samples of float32 [12, 2], targets int32 [12]", tostring(dataset))
    assert.equal("data set: 5 samples of float32 [5, 2], targets int32 [5]", tostring(dataset:slice(2, 6)))
    assert.equal("toys: 1 samples of float32 [1], targets float32 [1]",
      tostring(Dataset { x = fnet.ones { 1 }, y = fnet.ones { 1 }, name = "toys" }))
  end)

  it("answers the names of other libraries, and an index", function()
    local part = numbered(4):slice(1, 2)
    fails("a data set has no 'targets'; did you mean 'y'?", function() return part.targets end)
    fails("a data set has no 'all'; did you mean 'tensors'?", function() return part:all() end)
    fails("a data set has no part [1]: set:sample(i) is a sample and its target, set:slice(first, last) some " ..
      "samples, set:batches() goes over all", function() return part[1] end)
  end)

  it("refuses what does not fit", function()
    local x = fnet.ones { 3, 2 }
    fails("Dataset: expected a table { x = ..., y = ... }, got nil", Dataset)
    local several = "Dataset: x: expected a tensor of at least one axis, or a list of them, or some by name, got "
    fails(several .. "nil", Dataset, {})
    fails(several .. "table", Dataset, { x = { 1, 2 }, y = x })
    fails("Dataset: y: expected a tensor of at least one axis, got float32 []", Dataset,
      { x = x, y = fnet.ones {} })
    fails("Dataset: expected as many targets as samples, got x of float32 [3, 2] and y of float32 [2]", Dataset,
      { x = x, y = fnet.ones { 2 } })
    fails("Dataset: unknown option 'clases' (did you mean 'classes'?); known are x, y, scale, classes, name, "
      .. "source, transform", Dataset, { x = x, y = x, clases = {} })
    local y = fnet.tensor({ 1, 3, 2 }, "int32")
    fails("Dataset: classes: expected a name for each label, got 2, and label 3 in row 2", Dataset,
      { x = x, y = y, classes = { "a", "b" } })
    fails("Dataset: classes: expected a name for each label, got 3, and label 0 in row 1; labels count from 1 in "
      .. "fnet, so add 1 to labels that count from 0", Dataset,
      { x = x, y = (y - 1):int(), classes = { "a", "b", "c" } })
    fails("Dataset: classes: expected a list of names, got number", Dataset, { x = x, y = y, classes = 3 })
  end)
end)

describe("the parts of a data set", function()
  it("are two without a common row, that together are the whole", function()
    local dataset = numbered(30)
    fnet.seed(2)
    local first, rest = dataset:split(12)
    assert.same({ 12, 18, 30 }, { #first, #rest, #dataset })
    local a, b = walk(first), walk(rest)
    assert.not_same(sequence(1, 12), a)
    table.move(b, 1, #b, #a + 1, a)
    assert.same(sequence(1, 30), sorted(a))
    fnet.seed(2)
    local again = dataset:split(12)
    assert.same(walk(first), walk(again))
  end)

  it("are in order without shuffle, and of a fraction", function()
    local dataset = numbered(10)
    local first, rest = dataset:split(3, { shuffle = false })
    assert.same({ sequence(1, 3), sequence(4, 10) }, { (walk(first)), (walk(rest)) })
    assert.equal(2, #dataset:split(0.2))
    assert.equal(3, #dataset:split(0.25))
  end)

  it("can be divided and shuffled again", function()
    local part = numbered(20):slice(5, 14)
    assert.same(sequence(5, 14), (walk(part, { size = 3 })))
    assert.same(sequence(5, 14), sorted((walk(part, { size = 3, shuffle = true }))))
    assert.same(sequence(7, 9), (walk(part:slice(3, 5))))
    local a, b = part:split(4)
    local both = walk(a, { shuffle = true })
    for _, number in ipairs((walk(b))) do both[#both + 1] = number end
    assert.same(sequence(5, 14), sorted(both))
    assert.equal(5, part:sample(1)[1])
    assert.equal(14, part:sample(10)[1])
    local x, y = part:sample(2)
    assert.same({ { 6, 60 }, 1 }, { x:totable(), y })
  end)

  it("keep the classes, the scale and the name", function()
    local bytes = fnet.full({ 4 }, 255, "uint8")
    local labels = fnet.ones({ 4 }, "uint8")
    local part = Dataset { x = bytes, y = labels, scale = 1 / 255, name = "n", classes = { "a" } }:slice(2, 3)
    assert.same({ "n", { "a" }, 1 }, { part.name, part.classes, (part:batches()())[1] })
  end)

  it("refuse wrong places", function()
    local dataset = numbered(5)
    local place = "split: count, or a fraction such as 0.8: expected a whole number from 1 to 4, got "
    fails(place .. "5", dataset.split, dataset, 5)
    fails(place .. "0", dataset.split, dataset, 0)
    fails(place .. "0", dataset.split, dataset, 0.01)
    fails(place .. "1.5", dataset.split, dataset, 1.5)
    fails(place .. "nil", dataset.split, dataset)
    fails("split: expected at least two samples, got data set: 1 samples of float32 [1, 2], targets int32 [1]",
      dataset.split, numbered(1), 0.5)
    fails("sample: expected a whole number from 1 to 5, got 0", dataset.sample, dataset, 0)
    fails("sample: expected a whole number from 1 to 5, got 6", dataset.sample, dataset, 6)
    fails("sample: expected a whole number from 1 to 5, got nan", dataset.sample, dataset, math.abs(0 / 0))
    fails("slice: last: expected a whole number from 1 to 5, got 6", dataset.slice, dataset, 1, 6)
    fails("slice: first: expected a whole number from 1 to 3, got 4", dataset.slice, dataset, 4, 3)
    fails("slice: first: expected a whole number from 1 to 3, got 0", dataset.slice, dataset, 0, 3)
  end)
end)

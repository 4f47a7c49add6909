--- Stratified splits, folds, chosen rows and the balance of classes.

local fnet = require "fnet"
local support = require "tests.support"
local Dataset = fnet.data.Dataset
local raises = support.raises

-- 60 samples of class 1, 30 of class 2, 10 of class 3; sample i is { i }.
local function unbalanced()
  local labels = {}
  for i = 1, 100 do labels[i] = i <= 60 and 1 or i <= 90 and 2 or 3 end
  return Dataset { x = fnet.arange(1, 100, 1):reshape { 100, 1 }, y = fnet.tensor(labels, "int32"),
    classes = { "a", "bb", "c" } }
end

local function counts(set)
  local list = {}
  for i, class in ipairs(set:balance()) do list[i] = class.count end
  return list
end

-- The samples of the sets together, sorted.
local function numbers(...)
  local list = {}
  for _, set in ipairs { ... } do
    for i = 1, #set do list[#list + 1] = math.tointeger(set:sample(i)[1]) end
  end
  table.sort(list)
  return list
end

local all = {}
for i = 1, 100 do all[i] = i end

before_each(function() fnet.seed(4) end)

describe("a stratified split", function()
  it("keeps the proportions in both parts, and loses nothing", function()
    local first, rest = unbalanced():split(0.2, { stratified = true })
    assert.same({ { 12, 6, 2 }, { 48, 24, 8 } }, { counts(first), counts(rest) })
    assert.same(all, numbers(first, rest))
    fnet.seed(4)
    assert.same(numbers(first), numbers((unbalanced():split(20, { stratified = true }))))
    assert.not_same(numbers(first), numbers((unbalanced():split(20, { stratified = true }))))
  end)

  it("of a part splits the part", function()
    local part = unbalanced():slice(51, 100)
    local first, rest = part:split(10, { stratified = true })
    assert.same({ 2, 6, 2 }, counts(first))
    assert.same(numbers(part), numbers(first, rest))
  end)

  it("refuses what has no classes, and wrong options", function()
    local floats = Dataset { x = fnet.ones { 4, 1 }, y = fnet.ones { 4 } }
    raises("split: stratified: expected labels, int32 [count], got float32 [4]",
      function() floats:split(2, { stratified = true }) end)
    local y = { kind = fnet.ones({ 4 }, "int32"), size = fnet.ones { 4 } }
    local both = Dataset { x = fnet.ones { 4, 1 }, y = y }
    local refused = "expected labels, int32 [count], got kind int32 [4] and size float32 [4]; set:with { y = " ..
      "set.y.kind } has one target"
    raises("split: stratified: " .. refused, function() both:split(2, { stratified = true }) end)
    raises("folds: stratified: " .. refused, function() both:folds(2, { stratified = true }) end)
    raises("balance: " .. refused, function() both:balance() end)
    raises("batches: balanced: " .. refused, function() both:batches { balanced = true } end)
    assert.equal(4, both:with({ y = both.y.kind }):balance()[1].count)
    raises("split: unknown option 'stratifed' (did you mean 'stratified'?); known are shuffle, " ..
      "stratified, generator",
      function() floats:split(2, { stratifed = true }) end)
    raises("split: stratified parts are shuffled; leave out shuffle = false",
      function() unbalanced():split(2, { stratified = true, shuffle = false }) end)
  end)
end)

describe("folds", function()
  it("use each sample once for validation, with the classes in proportion", function()
    local seen, rounds = {}, 0
    for train, valid in unbalanced():folds(5) do
      assert.same({ { 48, 24, 8 }, { 12, 6, 2 } }, { counts(train), counts(valid) })
      assert.same(all, numbers(train, valid))
      table.move(numbers(valid), 1, 20, #seen + 1, seen)
      rounds = rounds + 1
    end
    table.sort(seen)
    assert.same({ 5, all }, { rounds, seen })
  end)

  it("of other targets, or of uneven counts, are as equal as can be", function()
    local set = Dataset { x = fnet.arange(1, 7, 1):reshape { 7, 1 }, y = fnet.ones { 7, 1 } }
    local sizes, seen = {}, {}
    for train, valid in set:folds(3) do
      sizes[#sizes + 1] = #valid
      assert.equal(7, #train + #valid)
      table.move(numbers(valid), 1, #valid, #seen + 1, seen)
    end
    table.sort(seen)
    assert.same({ { 2, 2, 3 }, { 1, 2, 3, 4, 5, 6, 7 } }, { sizes, seen })
  end)

  it("refuse wrong counts", function()
    local set = unbalanced()
    raises("folds: expected a whole number from 2 to 100, got 1", function() set:folds(1) end)
    raises("folds: expected a whole number from 2 to 100, got 101", function() set:folds(101) end)
    local floats = Dataset { x = fnet.ones { 4, 1 }, y = fnet.ones { 4 } }
    raises("folds: stratified: expected labels, int32 [count], got float32 [4]",
      function() floats:folds(2, { stratified = true }) end)
  end)
end)

describe("balance", function()
  it("counts each class, and prints as a table", function()
    local balance = unbalanced():slice(56, 92):balance()
    assert.same({ 37, 30, 2 }, { balance.total, balance.largest, balance.smallest })
    assert.equal("class    count  fraction\na            5    13.51%\nbb          30    81.08%\n"
      .. "c            2     5.41%\n37 samples; the most frequent class alone is right for 81.08%",
      tostring(balance))
    local plain = Dataset({ x = fnet.ones { 3, 1 }, y = fnet.tensor({ 7, 2, 7 }, "int32") }):balance()
    assert.same({ "2", 1, "7", 2 }, { plain[1].name, plain[1].count, plain[2].name, plain[2].count })
  end)
end)

describe("with { rows = }", function()
  it("takes the samples by number, of a part too", function()
    local part = unbalanced():slice(11, 20):with { rows = fnet.tensor({ 3, 1, 3 }, "int32") }
    assert.same({ 13.0, 11.0, 13.0 }, { part:sample(1)[1], part:sample(2)[1], part:sample(3)[1] })
    raises("with: rows: expected an int32 tensor, got table", function() part:with { rows = { 1 } } end)
    raises("gather: index 4 at position 1 is outside 1..3 (indices count from 1)",
      function() part:with { rows = fnet.tensor({ 4 }, "int32") } end)
  end)
end)

--- data.windows: stretches of a series and what follows them.

local fnet = require "fnet"
local support = require "tests.support"
local data, nn = fnet.data, fnet.nn

-- All samples and targets of a data set as Lua values.
local function all(set)
  local x, y = set:batches { size = 1000 }()
  return x:totable(), y:totable(), x.dtype
end

describe("data.windows", function()
  it("cuts a series into windows and the step that follows", function()
    local x, y = all(data.windows(fnet.arange(1, 6), { length = 3 }))
    assert.same({ { 1, 2, 3 }, { 2, 3, 4 }, { 3, 4, 5 } }, x)
    assert.same({ { 4 }, { 5 }, { 6 } }, y)
    x, y = all(data.windows(fnet.arange(1, 12, 1, "float64"):reshape { 6, 2 }, { length = 2, every = 3 }))
    assert.same({ { { 1, 2 }, { 3, 4 } }, { { 7, 8 }, { 9, 10 } } }, x)
    assert.same({ { 5, 6 }, { 11, 12 } }, y)
  end)

  it("gives several steps, some columns, or the window one step later", function()
    local series = fnet.arange(1, 12):reshape { 2, 6 }:transpose() -- a view: rows { 1, 7 }, { 2, 8 }, ...
    local x, y = all(data.windows(series, { length = 3, horizon = 2, columns = { 2 } }))
    assert.same({ { 1, 7 }, { 2, 8 }, { 3, 9 } }, x[1])
    assert.same({ { { 10 }, { 11 } }, { { 11 }, { 12 } } }, y)
    local tokens, later, dtype = all(data.windows(fnet.arange(1, 5):int(), { length = 3, shifted = true }))
    assert.same({ { 1, 2, 3 }, { 2, 3, 4 } }, tokens)
    assert.same({ { 2, 3, 4 }, { 3, 4, 5 } }, later)
    assert.equal("int32", dtype)
    local _, labels = all(data.windows(fnet.arange(1, 5):int(), { length = 3 }))
    assert.same({ 4, 5 }, labels)
    _, y = all(data.windows(series, { length = 5, columns = { 2, 1 } }))
    assert.same({ { 12, 6 } }, y)
  end)

  it("holds the series once, and is a data set like others", function()
    local before = collectgarbage "count"
    local long = data.windows(fnet.zeros { 100000 }, { length = 1000 }) -- 400 MB, were all windows copied
    assert.is_true(collectgarbage "count" - before < 10000)
    assert.equal(99000, #long)
    local set = data.windows(fnet.arange(1, 20), { length = 4 })
    local first, rest = set:split(0.5, { shuffle = false })
    assert.equal(8, #first)
    assert.same({ 9, 10, 11, 12 }, rest:sample(1):totable())
    assert.same({ 2, 3, 4, 5 }, first:with({ rows = fnet.tensor({ 2 }, "int32") }):sample(1):totable())
    assert.not_equal(first:sha256(), rest:sha256())
    assert.equal(set:sha256(), data.windows(fnet.arange(1, 20), { length = 4 }):sha256())
    assert.not_equal(set:sha256(), data.windows(fnet.arange(1, 20), { length = 4, every = 2 }):sha256())
    assert.near(10, set:statistics().mean[4], 3)
    assert.matches("float32 %[16, 4%] in stretches of a series", tostring(set.x))
    local scaled = set:with { transform = function(x, y) return x * 2, y end, random = false }
    assert.same({ 2, 4, 6, 8 }, scaled:sample(1):totable())
  end)

  it("trains and evaluates, with the same bits everywhere", function()
    assert.same_everywhere(function()
      fnet.seed(1)
      local series = fnet.randn { 60 }
      local train, valid = data.windows(series:slice(1, 1, 40), { length = 5 }),
        data.windows(series:slice(1, 41, 60), { length = 5 })
      local model = nn.Sequential { nn.Dense(5, 4), nn.Tanh(), nn.Dense(4, 1) }
      local history = fnet.fit(model, { train = train, valid = valid, loss = nn.mse, optim = fnet.optim.Adam })
      return model:sha256(), history[1].valid_loss
    end, { 1, 2 })
  end)

  it("refuses what it cannot do", function()
    local raises, series = support.raises, fnet.arange(1, 10)
    raises("windows: expected a series of at least 12 steps, 9 of a window and 3 that follow, got 10",
      function() data.windows(series, { length = 9, horizon = 3 }) end)
    raises("windows: expected a series of at least 2 steps, 1 of a window and 1 that follow, got 0",
      function() data.windows(fnet.zeros { 0, 3 }, { length = 1 }) end)
    raises("windows: length: expected a whole number from 1 to 2147483648, got nil",
      function() data.windows(series, {}) end)
    raises("windows: expected a table of options, { length = } at least", function() data.windows(series) end)
    raises("windows: horizon and shifted are two kinds of targets; leave out one",
      function() data.windows(series, { length = 2, horizon = 1, shifted = true }) end)
    raises("windows: columns: expected a series of [steps, features], got float32 [10]",
      function() data.windows(series, { length = 2, columns = { 1 } }) end)
    raises("windows: columns: entry 1: expected a whole number from 1 to 2, got 3",
      function() data.windows(series:reshape { 5, 2 }, { length = 2, columns = { 3 } }) end)
    raises("windows: expected a series of floats or int32, [steps, ...], first, got table",
      function() data.windows({ 1, 2, 3 }, { length = 2 }) end)
    local x = data.windows(series, { length = 2 }).x
    raises("stretches of a series have no 'mean'; array:rows(indices) gives some as a tensor, and a data set " ..
      "those of each batch", function() x:mean() end)
    raises("rows: expected the numbers of rows, int32 [count], got float32 [1]",
      function() x:rows(fnet.ones { 1 }) end)
    assert.has_error(function() x:rows(fnet.tensor({ 9 }, "int32")) end)
  end)
end)

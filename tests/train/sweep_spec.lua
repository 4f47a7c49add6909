--- fnet.sweep: the grid, the seeds, the table, the words; interruptions and failures; and the statistics behind it.

local fnet = require "fnet"
local statistics = require "fnet.measure.statistics"
local support = require "tests.support"
local nn, data = fnet.nn, fnet.data
local raises = support.raises
local interrupt = support.interrupt

-- The integral of the density of Student's t from |t| on, twice, by Simpson's rule after t = sqrt(freedom) tan(u):
-- then the density is proportional to cos(u)^(freedom - 1).
local function two_sided(t, freedom)
  local function integral(from, to)
    local steps, sum = 20000, 0
    local width = (to - from) / steps
    for i = 0, steps do
      local weight = (i == 0 or i == steps) and 1 or i % 2 == 1 and 4 or 2
      sum = sum + weight * math.max(0, math.cos(from + i * width)) ^ (freedom - 1)
    end
    return sum * width / 3
  end
  local angle = math.atan(math.abs(t) / math.sqrt(freedom))
  return integral(angle, math.pi / 2) / integral(0, math.pi / 2)
end

describe("statistics", function()
  it("describe a sample", function()
    assert.same({ 5, math.sqrt(10) }, { statistics.describe { 1, 3, 5, 7, 9 } })
    assert.same({ 4, n = 2 }, table.pack(statistics.describe { 4 }))
  end)

  it("have the incomplete beta function", function()
    for _, x in ipairs { 0, 0.1, 0.5, 0.9, 1 } do
      assert.near(x, statistics.beta(x, 1, 1), 1e-14)
      assert.near(x ^ 3, statistics.beta(x, 3, 1), 1e-14)
      assert.near(x * x * (3 - 2 * x), statistics.beta(x, 2, 2), 1e-14)
      assert.near(2 / math.pi * math.asin(math.sqrt(x)), statistics.beta(x, 0.5, 0.5), 1e-13)
      assert.near(1, statistics.beta(x, 7, 40) + statistics.beta(1 - x, 40, 7), 1e-13)
    end
  end)

  it("give p of a t-test as the integral of the density does", function()
    for _, pair in ipairs {
      { { 1, 2, 3, 4 }, { 2, 4, 5, 9 } }, { { 0.87, 0.88, 0.86 }, { 0.91, 0.9, 0.915 } }, { { 1, 1.5 }, { 8, 3 } },
      { { 5, 5, 5, 6 }, { 5, 5, 5, 5, 7, 9, 1, 4, 4 } }, { { 1, 1 }, { 1, 2 } },
    } do
      local p, t, freedom = statistics.welch(pair[1], pair[2])
      assert.near(two_sided(t, freedom), p, 1e-7)
      assert.same({ p, -t, freedom }, { statistics.welch(pair[2], pair[1]) })
    end
  end)

  it("agree with tables of Student's t", function()
    -- t of 0.05, two-sided, for 1, 10 and 30 degrees of freedom: I_(f / (f + t^2))(f / 2, 1 / 2) = 0.05.
    for freedom, t in pairs { [1] = 12.7062, [10] = 2.22814, [30] = 2.04227 } do
      assert.near(0.05, statistics.beta(freedom / (freedom + t * t), freedom / 2, 0.5), 1e-6)
    end
  end)

  it("know samples without any spread", function()
    assert.equal(1, (statistics.welch({ 2, 2 }, { 2, 2, 2 })))
    assert.same({ 0, -math.huge, 3 }, { statistics.welch({ 2, 2 }, { 3, 3, 3 }) })
  end)

  it("correct for several comparisons", function()
    local corrected = statistics.holm { 0.01, 0.03, 0.04, 0.005 }
    for i, p in ipairs { 0.03, 0.06, 0.06, 0.02 } do assert.near(p, corrected[i], 1e-15) end
    assert.same({ 1, 1 }, statistics.holm { 0.6, 0.9 })
    assert.same({}, statistics.holm {})
  end)
end)

-- A figure from the seed and the setting alone.
local function figure(settings) return (settings.lr or 0) + settings.seed * 0.01 end

local function lines_of(result)
  local lines = {}
  for line in (tostring(result) .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = line end
  return lines
end

describe("sweep", function()
  it("runs every combination for every seed, seeds outermost, each from its seed", function()
    local log = {}
    local result = fnet.sweep { seeds = 2, b = { "x", "y" }, a = { 1, 2 }, run = function(settings)
      log[#log + 1] = ("%d%s%d"):format(settings.a, settings.b, settings.seed)
      return fnet.rand({ 1 }):item()
    end }
    assert.equal("1x1 1y1 2x1 2y1 1x2 1y2 2x2 2y2", table.concat(log, " "))
    assert.same({ "a", "b" }, result.names)
    assert.same({ a = 1, b = "y" }, result.rows[2].settings)
    assert.same({ 8, 8, false }, { result.runs, result.total, result.interrupted })
    for _, row in ipairs(result.rows) do
      for seed = 1, 2 do
        fnet.seed(seed)
        assert.equal(fnet.rand({ 1 }):item(), row.figures[seed])
      end
    end
  end)

  it("takes a list of seeds, one seed by default, and no grid at all", function()
    local result = fnet.sweep { seeds = { 7, 3 }, run = figure }
    assert.same({ { 0.07, 0.03 }, {} }, { result.rows[1].figures, result.names })
    assert.same({ 0.01 }, fnet.sweep { run = figure }.rows[1].figures)
    assert.same({ "runs  mean ± sd  compared with the first row", "1     0.01" },
      lines_of(fnet.sweep { run = figure }))
  end)

  it("says in words what differs from the first row", function()
    local result = fnet.sweep { seeds = 4, lr = { 0.1, 0.5, 0.101, 0.01 }, run = figure }
    local first, second = result.rows[1], result.rows[2]
    assert.near(0.125, first.mean, 1e-12)
    assert.near(math.sqrt(5 / 3) * 0.01, first.deviation, 1e-12)
    assert.is_nil(first.p)
    assert.near(3 * statistics.welch(second.figures, first.figures), second.p, 1e-15)
    assert.same({
      "lr     runs  mean ± sd      compared with the first row",
      "0.1    4     0.125 ± 0.013",
      "0.5    4     0.525 ± 0.013  higher than the first row (p < 0.001)",
      "0.101  4     0.126 ± 0.013  no clear difference (p = 0.916)",
      "0.01   4     0.035 ± 0.013  lower than the first row (p < 0.001)",
      "p: Welch's t-test, two-sided, corrected for 3 comparisons (Holm); below 0.05 counts as a difference",
    }, lines_of(result))
    assert.equal("0.2  1     0.21       too few runs to compare", lines_of(fnet.sweep { lr = { 0.1, 0.2 },
      run = figure })[3])
  end)

  it("takes tensors of one element, and strings and booleans as settings", function()
    local result = fnet.sweep { bias = { true, false }, run = function(settings)
      return fnet.tensor(settings.bias and 2 or 3)
    end }
    assert.same({ 2, 3 }, { result.rows[1].mean, result.rows[2].mean })
    assert.matches("^bias +runs", tostring(result))
    assert.matches("\nfalse +1 +3 ", tostring(result))
  end)

  it("notes what fails and goes on, but for the first run", function()
    local function fails(settings)
      if settings.lr == 2 then error "too large" end
      return settings.lr == 3 and 0 / 0 or settings.seed
    end
    local result = fnet.sweep { seeds = 2, lr = { 1, 2, 3 }, run = fails }
    assert.same({ 1, 2 }, result.rows[1].figures)
    assert.same({ {}, 2, 2 }, { result.rows[2].figures, #result.rows[2].failures, #result.rows[3].failures })
    assert.is_nil(result.rows[2].mean)
    local text = tostring(result)
    assert.matches("\n2 +0 +%- +2 failed\n", text)
    assert.matches("\nfailed: seed 1: [^\n]*: too large\nfailed: seed 1: the figure is %-?nan$", text)
    local ok, message = pcall(fnet.sweep, { lr = { 2 }, run = fails })
    assert.is_false(ok)
    assert.matches(": too large$", message)
  end)

  it("ends at an interruption and keeps whole runs", function()
    local runs = 0
    local result = fnet.sweep { seeds = 3, lr = { 0.1, 0.2 }, run = function(settings)
      runs = runs + 1
      if runs == 4 then interrupt() end
      return figure(settings)
    end }
    assert.same({ true, 3, 6 }, { result.interrupted, result.runs, result.total })
    assert.same({ 2, 1 }, { #result.rows[1].figures, #result.rows[2].figures })
    assert.matches("\ninterrupted after 3 of 6 runs$", tostring(result))
  end)

  it("ends also when fit is what is interrupted, and fit alone returns again afterwards", function()
    local x = fnet.rand { 8, 1 }
    local set, steps = data.Dataset { x = x, y = x }, 0
    local function fit()
      local model = nn.Dense(1, 1)
      return fnet.fit(model, { train = set, loss = nn.mse, optim = fnet.optim.SGD, callbacks = { step = function()
        steps = steps + 1
        if steps == 3 or steps == 5 then interrupt() end
      end } })
    end
    local result = fnet.sweep { seeds = 9, run = function() return fit()[1].loss end }
    assert.same({ true, 2, 2 }, { result.interrupted, result.runs, #result.rows[1].figures })
    fit()
    assert.equal(1, fit().interrupted.epoch)
  end)

  it("tells a callback of every run", function()
    local log = {}
    fnet.sweep { seeds = 2, lr = { 0.1, 0.2 }, run = figure, callback = function(sweep, row, seed, value)
      log[#log + 1] = ("%d/%d %g %d %g"):format(sweep.runs, sweep.total, row.settings.lr, seed, value)
    end }
    assert.same({ "1/4 0.1 1 0.11", "2/4 0.2 1 0.21", "3/4 0.1 2 0.12", "4/4 0.2 2 0.22" }, log)
  end)

  it("takes time that grows with the number of runs, not with its square", function()
    -- In steps of Lua's machine, thousands.
    local function cost(seeds)
      local count, before = 0, table.pack(debug.gethook())
      debug.sethook(function() count = count + 1 end, "", 1000)
      local ok, message = pcall(fnet.sweep, { seeds = seeds, lr = { 1, 2 }, run = function(s) return s.seed end })
      debug.sethook(table.unpack(before, 1, before.n))
      assert(ok, message)
      return count
    end
    local few, many = cost(500), cost(4000)
    assert.is_true(few > 20)
    assert.is_true(many < 12 * few)
  end)

  it("checks its arguments", function()
    raises("sweep: expected a table of options, got nil", function() return (fnet.sweep()) end)
    raises("sweep: run: expected a function, got nil", function() return (fnet.sweep {}) end)
    raises("sweep: callback: expected a function, got number",
      function() return (fnet.sweep { run = figure, callback = 5 }) end)
    for _, seed in ipairs { 5, { 1, 2 } } do
      raises("sweep: seed: each run is given its own; list them as seeds = { 1, 2 }, or say how many",
        function() return (fnet.sweep { run = figure, seed = seed }) end)
    end
    raises("sweep: seedz: expected a list of values, such as { 1, 2 }, got number (did you mean 'seeds'?)",
      function() return (fnet.sweep { run = figure, seedz = 5 }) end)
    raises("sweep: lr: expected a list of values, such as { 1, 2 }, got table",
      function() return (fnet.sweep { run = figure, lr = {} }) end)
    raises("sweep: seeds: expected a whole number from 1 to 1000000, got 0",
      function() return (fnet.sweep { run = figure, seeds = 0 }) end)
    raises("sweep: seeds: expected a number of seeds or a list of them, got an empty table",
      function() return (fnet.sweep { run = figure, seeds = {} }) end)
    raises("sweep: run must return a number, the figure to compare, got float32 [3]",
      function() return (fnet.sweep { run = function() return fnet.ones { 3 } end }) end)
    raises("sweep: run must return a number, the figure to compare, got table",
      function() return (fnet.sweep { run = function() return {} end }) end)
  end)
end)

--- Growth: how time and memory of a training step grow with the units, the batch, the pictures, the length of a
-- sequence and the threads; and what a machine with fewer processors than threads makes of it. Invariant: no curve
-- is steeper than its arithmetic. The bar on time is the exponent between the two largest sizes, since small steps
-- cost what Lua costs; that on memory the exponent from the smallest, since a collector keeps what it has awhile.

local figures_of = require "tests.bench.figures"
local fnet = require "fnet"
local training = require "tests.bench.training"

local nn, optim = fnet.nn, fnet.optim

local growth = {}

local SHORTEST = 0.02 -- seconds that a measurement lasts at least
local STEEPER = 0.15 -- an exponent may exceed the arithmetic's by so much: caches end between two sizes

-- A step of a classifier over x: the loop of examples/fashion.lua, without data.
local function learner(model, x, classes)
  local opt = optim.Adam(model:parameters(), { lr = 1e-4 })
  local y = fnet.rand({ x.shape[1] }, 1, classes + 1):int()
  return function()
    local loss = nn.cross_entropy(model(x), y)
    opt:zero_grad()
    loss:backward()
    opt:step()
  end
end

local function dense(units, batch)
  local model = nn.Sequential { nn.Dense(784, units), nn.ReLU(), nn.Dense(units, 10) }
  return learner(model, fnet.rand { batch, 784 }, 10)
end

-- A plain recurrent cell, 64 units, over a sequence: forward and backward through every step of it.
local function sequence(length)
  local input, state, output = nn.Dense(32, 64), nn.Dense(64, 64, { bias = false }), nn.Dense(64, 10)
  local model = nn.Sequential { input, state, output }
  local x, y = fnet.rand { 16, length, 32 }, fnet.rand({ 16 }, 1, 11):int()
  local opt = optim.Adam(model:parameters(), { lr = 1e-4 })
  return function()
    local h = fnet.zeros { 16, 64 }
    for t = 1, length do h = (input(x:select(2, t)) + state(h)):tanh() end
    local loss = nn.cross_entropy(output(h), y)
    opt:zero_grad()
    loss:backward()
    opt:step()
  end
end

-- An epoch of the lesson over the first pictures.
local function pictures(count, train)
  local part, lesson = train:slice(1, math.min(count, #train)), training.lesson()
  return function() training.epoch(part, lesson, 256) end
end

-- work: how many multiply-adds a size takes, but for a factor.
local CURVES = {
  { name = "hidden units", sizes = { 16, 64, 256, 1024, 4096, 8192 }, make = function(n) return dense(n, 64) end,
    work = function(n) return n end },
  { name = "batch", sizes = { 1, 16, 256, 1024, 4096, 16384 }, make = function(n) return dense(128, n) end,
    work = function(n) return n end },
  { name = "pictures", sizes = { 1000, 4000, 15000, 60000 }, make = pictures, work = function(n) return n end },
  { name = "sequence length", sizes = { 8, 32, 128, 256, 512 }, make = sequence, work = function(n) return n end },
}

-- Seconds of a step, and the MiB that Lua's collector saw at most while steps ran, beyond what is there without it.
local function measure(curve, size, options)
  collectgarbage()
  collectgarbage()
  local before, most = collectgarbage "count", 0
  local step = curve.make(size, options.train)
  step()
  local seconds = {}
  for run = 1, options.runs do
    local count, started = 0, fnet.clock()
    repeat
      step()
      count = count + 1
      most = math.max(most, collectgarbage "count")
    until fnet.clock() - started >= SHORTEST
    seconds[run] = (fnet.clock() - started) / count
  end
  return seconds, (most - before) / 1024
end

-- The exponent p of value ~ size^p between two neighbours.
local function exponent(value, value_before, size, size_before)
  return math.log(value / value_before) / math.log(size / size_before)
end

local function measure_curve(figures, options, curve)
  local section = ("growth with %s: a step, and its exponent from the size before"):format(curve.name)
  local before, first
  for i, size in ipairs(curve.sizes) do
    local seconds, mebibytes = measure(curve, size, options)
    local last = i == #curve.sizes
    local function add(name, unit, values, bar)
      figures:add { section = section, name = ("%d: %s"):format(size, name), unit = unit, values = values,
        bar = bar, isa = fnet.isa(), threads = fnet.threads() }
    end
    add("time", "s", seconds)
    add("memory", "MiB", { mebibytes })
    if before then
      local arithmetic = exponent(curve.work(size), curve.work(before.size), size, before.size)
      local bar = last and arithmetic + STEEPER or nil
      local least, least_before = figures_of.quantile(seconds, 0), figures_of.quantile(before.seconds, 0)
      add("exponent of time", "", { exponent(least, least_before, size, before.size) }, bar)
      add("exponent of memory from the first", "", { exponent(mebibytes, first.mebibytes, size, first.size) }, bar)
    end
    before = { size = size, seconds = seconds, mebibytes = mebibytes }
    first = first or before
  end
end

-- Threads: an epoch of the lesson with each number, 8 among them: more than a small machine has processors.
local function measure_threads(figures, options)
  local available, counts = fnet.threads(), {}
  local most = math.max(available, 8)
  for count = 1, most do
    if count == available or count == most or count & (count - 1) == 0 then counts[#counts + 1] = count end
  end
  for _, batch in ipairs { 32, 256 } do
    local lesson, part = training.lesson(), options.train:slice(1, math.min(20000, #options.train))
    local values, limits = {}, {}
    for _, count in ipairs(counts) do values[count] = {} end
    for run = 1, options.runs do
      for _, count in ipairs(counts) do
        fnet.threads(count)
        values[count][run] = training.epoch(part, lesson, batch)
      end
      limits[run] = values[available][run]
    end
    for _, count in ipairs(counts) do
      figures:add { section = ("threads: 20,000 pictures, against %d threads"):format(available), unit = "s",
        name = "batch " .. batch, values = values[count], limits = limits, isa = fnet.isa(), threads = count,
        bar = count > available and 1.3 or nil }
    end
  end
  fnet.threads(available)
end

-- Two trainings at once, each with all threads, against the same one after the other.
local function measure_company(figures, options)
  local available, part = fnet.threads(), options.train:slice(1, math.min(20000, #options.train))
  local function both(batch, jobs)
    local started = fnet.clock()
    fnet.sweep { seeds = 2, jobs = jobs, threads = available, run = function()
      local lesson, loss = training.lesson(), nil
      for _ = 1, 3 do loss = select(2, training.epoch(part, lesson, batch)) end
      return loss
    end }
    return fnet.clock() - started
  end
  for _, batch in ipairs { 32, 256 } do
    local values, limits = {}, {}
    for run = 1, options.runs do
      limits[run] = both(batch)
      values[run] = both(batch, 2)
    end
    figures:add { section = "two trainings at once, against one after the other", unit = "s", bar = 1.3,
      name = "batch " .. batch, values = values, limits = limits, isa = fnet.isa(), threads = available }
  end
end

--- Measures and adds the figures.
---@param figures bench.Figures
---@param options {runs: integer, train: data.Dataset}
function growth.measure(figures, options)
  for _, curve in ipairs(CURVES) do measure_curve(figures, options, curve) end
  measure_threads(figures, options)
  measure_company(figures, options)
end

return growth

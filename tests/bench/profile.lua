--- Where the time of a training step goes: the loop of examples/fashion.lua with the clock read between its
-- parts. Beside each part stand the limit of its multiply-adds, the same part of a miniature network, which
-- is Lua and bindings with hardly any arithmetic, and what the second thread did not bring: time with two
-- threads less half the time with one, which is waiting, sharing out, and work that is not shared.

local fnet = require "fnet"
local figures_module = require "tests.bench.figures"
local machine = require "tests.bench.machine"
local training = require "tests.bench.training"

local nn = fnet.nn

local profile = {}

local PARTS = {
  "gather and convert", "forward", "loss", "zero_grad", "backward", "optimiser", "sums for the report",
}

-- Microseconds a step of each part, and their sum, over one epoch.
local function measure_epoch(train, learner, batch)
  local model, opt, clock = learner.model, learner.opt, fnet.clock
  local total, steps = { 0, 0, 0, 0, 0, 0, 0 }, 0
  local seen, total_loss, correct = 0, 0, 0
  local next_batch = train:batches { size = batch, shuffle = true }
  while true do
    local t0 = clock()
    local x, y = next_batch()
    if not x then break end
    local t1 = clock()
    local output = model(x)
    local t2 = clock()
    local loss = nn.cross_entropy(output, y)
    local t3 = clock()
    opt:zero_grad()
    local t4 = clock()
    loss:backward()
    local t5 = clock()
    opt:step()
    local t6 = clock()
    seen = seen + #y
    total_loss = total_loss + loss:item() * #y
    correct = correct + nn.correct(output, y)
    local t7 = clock()
    total[1], total[2], total[3] = total[1] + t1 - t0, total[2] + t2 - t1, total[3] + t3 - t2
    total[4], total[5], total[6] = total[4] + t4 - t3, total[5] + t5 - t4, total[6] + t6 - t5
    total[7] = total[7] + t7 - t6
    steps = steps + 1
  end
  local sum = 0
  for i = 1, #PARTS do
    total[i] = 1e6 * total[i] / steps
    sum = sum + total[i]
  end
  total[#PARTS + 1] = sum
  return total
end

-- The median of each part over the runs.
local function medians(runs)
  local result = {}
  for part = 1, #PARTS + 1 do
    local values = {}
    for i, run in ipairs(runs) do values[i] = run[part] end
    result[part] = figures_module.median(values)
  end
  return result
end

local ROW = "%-22s %10s %10s %10s %10s %12s"

local function show(batch, threads, measured, limits)
  local one, all, small = medians(measured[1]), medians(measured.all), medians(measured.small)
  local forward, backward = training.operations(batch)
  local speed = figures_module.median(limits)
  local least = { [2] = 1e6 * forward / speed, [5] = 1e6 * backward / speed }
  least[#PARTS + 1] = least[2] + least[5]
  print("\n" .. ROW:format(("a step at batch %d, us"):format(batch), "1 thread", threads .. " threads",
    "its limit", "miniature", "not gained"))
  for i = 1, #PARTS + 1 do
    print(ROW:format(PARTS[i] or "sum", ("%.2f"):format(one[i]), ("%.2f"):format(all[i]),
      least[i] and ("%.2f"):format(least[i]) or "", ("%.2f"):format(small[i]),
      ("%.2f"):format(all[i] - one[i] / threads)))
  end
end

local function add(figures, batch, threads, isa, runs, suffix)
  for part = 1, #PARTS + 1 do
    local values = {}
    for i, run in ipairs(runs) do values[i] = run[part] end
    figures:add { section = ("parts of a step at batch %d"):format(batch),
      name = (PARTS[part] or "sum") .. suffix, unit = "us", values = values, isa = isa, threads = threads,
      in_table = false }
  end
end

--- Measures, prints the tables, adds the figures.
---@param figures bench.Figures
---@param options {runs: integer, isas: string[], train: data.Dataset} isas: fastest first
function profile.measure(figures, options)
  local train, isa, threads = options.train, options.isas[1], math.min(2, fnet.threads())
  local available = fnet.threads()
  fnet.isa(isa)
  local miniature, miniature_data = training.miniature(train)
  local warm_up = train:slice(1, math.min(#train, 6400))
  for _, batch in ipairs { 32, 256 } do
    local learner, measured, limits = training.lesson(), { {}, all = {}, small = {} }, {}
    training.epoch(warm_up, learner, batch)
    for run = 1, options.runs do
      limits[run] = machine.multiply_adds(isa, threads)
      fnet.threads(1)
      measured[1][run] = measure_epoch(train, learner, batch)
      measured.small[run] = measure_epoch(miniature_data, miniature, batch)
      fnet.threads(threads)
      measured.all[run] = measure_epoch(train, learner, batch)
    end
    show(batch, threads, measured, limits)
    add(figures, batch, 1, isa, measured[1], "")
    add(figures, batch, threads, isa, measured.all, "")
    add(figures, batch, 1, isa, measured.small, ", miniature")
  end
  fnet.threads(available)
end

return profile

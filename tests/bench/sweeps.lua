--- Sweeps: runs of the lesson's network in two processes of one thread each, against the same runs one after
-- another with one thread.

local fnet = require "fnet"
local training = require "tests.bench.training"

local sweeps = {}

local RUNS, JOBS = 8, 2

-- Seconds of the sweep, an epoch a run, and its table.
local function measure(train, options)
  options.seeds = RUNS
  function options.run()
    local _, loss = training.epoch(train, training.lesson(), 32)
    return loss
  end
  local started = fnet.clock()
  local result = fnet.sweep(options)
  return fnet.clock() - started, tostring(result)
end

--- Measures and adds the figures.
---@param figures bench.Figures
---@param options {runs: integer, train: data.Dataset}
function sweeps.measure(figures, options)
  local seconds, limits = {}, {}
  for i = 1, options.runs do
    local one, other
    limits[i], one = measure(options.train, { threads = 1 })
    seconds[i], other = measure(options.train, { jobs = JOBS })
    if one ~= other then error("benchmark: the sweeps differ", 0) end
  end
  figures:add { section = ("a sweep of %d runs, against the same with one thread one after another"):format(RUNS),
    name = ("%d jobs"):format(JOBS), unit = "s", values = seconds, limits = limits, bar = 0.6, isa = fnet.isa(),
    threads = 1 }
end

return sweeps

--- `make bench-scaling`: how far processes on many machines pay, by the model of step_time.lua: this machine's time
-- of a step, measured now, on networks of 10 and 100 Gbit/s.

local fnet = require "fnet"
local figures = require "tests.bench.figures"
local machine = require "tests.bench.machine"
local networks = require "tests.bench.networks"
local step_time = require "tests.bench.step_time"

local RATES = { 10, 100 } -- Gbit/s
local PAYLOAD = 1448 / 1538 -- of what passes a link with Ethernet and TCP, with packets of 1500 bytes
local MOST = 1024 -- processes
local SIZES = { 1, 4, 16, 64, 256 } -- pictures, whose step is measured; between two of them, and beyond, linearly
local SECONDS, FEWEST = 0.5, 3 -- of a measurement, and steps

local options = fnet.options(arg, "Says how far processes on many machines pay, from the project's directory.", {
  { "rows", 64, "pictures a process, where the batch grows with the processes", low = 1, high = 1024 },
  { "batch", 1024, "pictures in all, where they share a batch", low = 1, high = 1024 },
  { "latency", 30, "microseconds that any message takes", low = 0 },
})

-- Seconds of a step of one process, by its pictures.
local function measure(name, train)
  local seconds = {}
  for _, rows in ipairs(SIZES) do
    local function median(steps)
      return figures.median((networks.steps(name, train, { batch = rows, shards = 1, steps = steps })))
    end
    local first = median(FEWEST)
    seconds[rows] = first * FEWEST < SECONDS and median(math.floor(SECONDS / first)) or first
  end
  return seconds
end

local function interpolate(seconds, rows)
  local i = 2
  while i < #SIZES and rows > SIZES[i] do i = i + 1 end
  local below, above = SIZES[i - 1], SIZES[i]
  return seconds[below] + (seconds[above] - seconds[below]) * (rows - below) / (above - below)
end

-- Seconds of a step of so many processes with so many pictures each.
local function predict(case, count, rows, rate)
  return step_time.whole { processes = count, bytes = case.bytes, adding = case.adding,
    latency = options.latency * 1e-6, bandwidth = rate * 1e9 / 8 * PAYLOAD, alone = interpolate(case.seconds, rows),
    gathering = case.gathering * rows }
end

local ROW = "%9s   %11s  %12s   %11s  %12s"

-- The table of a network: where each process has so many pictures, the part of its time in which it computes; where
-- all share a batch, how many times as fast as one they are.
local function show_table(case)
  local alone, best, halves = interpolate(case.seconds, options.batch), {}, {}
  print(ROW:format("", "10 Gbit/s", "100 Gbit/s", "10 Gbit/s", "100 Gbit/s"))
  local count = 2
  while count <= MOST do
    local cells = {}
    for i, rate in ipairs(RATES) do
      local part = interpolate(case.seconds, options.rows) / predict(case, count, options.rows, rate)
      local times = alone / predict(case, count, options.batch / count, rate)
      if part >= 0.5 then halves[i] = count end
      if times > (best[i] and best[i].times or 1) then best[i] = { times = times, count = count } end
      cells[i], cells[i + 2] = ("%.0f%%"):format(100 * part), ("%.2f"):format(times)
      if count > options.batch then cells[i + 2] = "" end
    end
    print((ROW:format(count, table.unpack(cells)):gsub("%s+$", "")))
    count = 2 * count
  end
  return halves, best
end

local function show_network(case)
  print(("\n%s: %d parameters, %.3g MB a message; one process: %.3g ms for %d pictures, %.3g ms for %d\n"):format(
    case.name, case.parameters, case.bytes / 1e6, 1e3 * interpolate(case.seconds, options.rows), options.rows,
    1e3 * interpolate(case.seconds, options.batch), options.batch))
  print(ROW:format("processes", options.rows .. " each,", "computing", options.batch .. " shared", "times one"))
  local halves, best = show_table(case)
  for i, rate in ipairs(RATES) do
    local each = halves[i] and ("at least half the time is computing up to %d processes"):format(halves[i]) or
      "two processes already wait more than they compute"
    local shared = best[i] and ("%d are fastest, %.1f times one"):format(best[i].count, best[i].times) or
      "one is fastest"
    print(("%s%d Gbit/s: %d each: %s"):format(i == 1 and "\n" or "", rate, options.rows, each))
    print((" "):rep(#("%d Gbit/s: "):format(rate)) .. ("%d shared: %s"):format(options.batch, shared))
  end
end

fnet.seed(1)
local train, about = fnet.data.fashion_mnist(), machine.description()
print(("fnet %s, %s, %d threads a process, %s, %s"):format(fnet.version, fnet.isa(), fnet.threads(), about.cpu,
  about.date))
print(("supposed: %d us for any message, %.0f%% of a link for what it carries"):format(options.latency,
  100 * PAYLOAD))
machine.warn_if_busy()
for _, name in ipairs(networks.names) do
  local case = { name = name, gathering = networks.gathering(name, train, options.rows) / options.rows }
  case.bytes, case.adding, case.parameters = networks.vector(name)
  case.seconds = measure(name, train)
  show_network(case)
end

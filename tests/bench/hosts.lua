--- `make bench-hosts`: what a step costs on hosts that hosts.sh makes of this machine, at several rates of their
-- links, beside what the model of step_time.lua says. Nothing is fitted to the steps: the model is given the step
-- of one process, and latency and bandwidth as messages alone have shown them. Each time is one that a tenth of the
-- measurements stay below, and where the system allows it the processes run before all others: the model knows
-- nothing of what else the machine does.

local fnet = require "fnet"
local machine = require "tests.bench.machine"
local networks = require "tests.bench.networks"
local step_time = require "tests.bench.step_time"

local HOSTS = math.tointeger(tonumber(os.getenv "FNET_BENCH_HOSTS")) -- set by hosts.sh
local LINKS = { { 0, 0 }, { 10000, 0 }, { 1000, 0 }, { 100, 0 }, { 1000, 500 } } -- Mbit/s, or no limit; delay in us
local NETWORKS = { "lesson", "cnn" }

local options = fnet.options(arg, "Measures steps on hosts made of network namespaces; hosts.sh starts it.", {
  { "rows", 64, "pictures that each process computes with in a step", low = 2 },
  { "steps", 30, "how many are measured each time", low = 1 },
})

if not HOSTS or HOSTS < 2 then
  io.stderr:write("hosts.lua: there are not two hosts here; start it with make bench-hosts\n")
  os.exit(1, true)
end

-- Puts a command before all others; nothing where that is not allowed.
local first = machine.describe "chrt --fifo 1 echo yes" and "chrt --fifo 1" or ""

local function on_hosts(count, script, ...)
  local words = { "sh tests/bench/hosts.sh mpirun", count, first, "env FNET_THREADS=1", machine.quote(arg[-1]),
    "tests/bench/" .. script, ... }
  return machine.lines(table.concat(words, " "))[1]
end

-- Sets the links; says why where the kernel cannot.
local function set_links(rate, delay)
  local pipe = assert(io.popen(("sh tests/bench/hosts.sh link %d %d %d 2>&1"):format(HOSTS, rate, delay)))
  local said = pipe:read("a"):gsub("%s*$", "")
  if pipe:close() then return true end
  print(("  left out: tc says: %s; the kernel needs %s for it"):format(said,
    delay > 0 and "sch_netem" or "sch_tbf"))
end

-- What the training is told of a number of processes.
local function arguments(name, count)
  return ("--network %s --batch %d --shards %d --steps %d"):format(name, count * options.rows, count, options.steps)
end

local function parse(line)
  local seconds, sha256 = line:match "^%d+ %S+ (%S+) (%x+)$"
  return tonumber(seconds), sha256
end

-- What is known of a network without any link.
local function describe(name, train)
  local bytes, adding = networks.vector(name)
  local case = { name = name, bytes = bytes, adding = adding, sha256 = {} }
  case.gathering = networks.gathering(name, train, options.rows)
  for count = 1, HOSTS do -- the weights that one process makes
    local command = ("FNET_THREADS=1 %s tests/bench/trainer.lua %s"):format(machine.quote(arg[-1]),
      arguments(name, count))
    case.sha256[count] = select(2, parse(machine.lines(command)[1]))
  end
  return case
end

local ROW = "  %-8s %5s %12s %12s %10s %12s"

-- A line of the table: what was measured, what the model says.
local function show(case, count, processors)
  local seconds, sha256 = parse(on_hosts(count, "trainer.lua", arguments(case.name, count)))
  if sha256 ~= case.sha256[count] then error("benchmark: the weights differ from those of one process", 0) end
  if count == 1 then case.measured = seconds end
  case.processes, case.alone = count, case.measured * math.ceil(count / processors) -- they take turns
  local predicted = step_time.whole(case)
  local cells = { seconds * 1e3, predicted * 1e3, seconds / predicted, count * case.measured / seconds }
  for i, cell in ipairs(cells) do cells[i] = ("%.2f"):format(cell) end
  print(ROW:format(case.name, count, table.unpack(cells)))
end

io.stdout:setvbuf "line"
local about, processors, cases = machine.description(), machine.processors(), {}
print(("%d hosts on %d processors, %s, %s; %d pictures a process, one thread each"):format(HOSTS, processors,
  about.cpu, about.date, options.rows))
if first == "" then machine.warn_if_busy() end
fnet.threads(1)
local train = fnet.data.fashion_mnist()
for i, name in ipairs(NETWORKS) do cases[i] = describe(name, train) end
for _, link in ipairs(LINKS) do
  local rate, delay = link[1], link[2]
  print(("\nlinks of %s, with a delay of %d us"):format(rate > 0 and rate .. " Mbit/s" or "no limit", delay))
  if set_links(rate, delay) then
    local short, long = on_hosts(2, "messages.lua"):match "^(%S+) (%S+)$"
    local latency, bandwidth = tonumber(short), 1e6 / (long - short)
    print(("  a message: %.0f us, then %.2f Gbit/s\n"):format(1e6 * latency, 8e-9 * bandwidth))
    print(ROW:format("", "hosts", "measured, ms", "model, ms", "ratio", "times one"))
    for _, case in ipairs(cases) do
      case.latency, case.bandwidth = latency, bandwidth
      for count = 1, HOSTS do show(case, count, processors) end
    end
  end
end

--- Processes: the convolutional network in two processes of one thread, against one process of two threads; steps
-- of one process whose batches are cut into shards, against the same not cut.

local figures_of = require "tests.bench.figures"
local fnet = require "fnet"
local machine = require "tests.bench.machine"
local networks = require "tests.bench.networks"

local processes = {}

local CNN = { batch = 64, shards = 2, steps = 60 }
local BATCH, SHARDS = 512, 8
local STEPS = { lesson = 100, cnn = 8 }
local AS_ROOT = "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1" -- Open MPI asks root for both

-- Why several processes cannot be measured here; nil where they can.
local function missing()
  local found = machine.describe "command -v mpirun"
  if not found then return "mpirun is not here; in Debian the package openmpi-bin has it" end
  for _, name in ipairs { "openmpi", "mpich" } do
    local file = io.open(("build/release/fnet/%s.so"):format(name))
    if file then return nil, file:close() end
  end
  return "fnet was built without MPI; `make` builds that where libopenmpi-dev or libmpich-dev is"
end

-- Milliseconds of a step of the convolutional network, and the weights.
local function train(interpreter, threads, launch, shards)
  local line = machine.lines(("env FNET_THREADS=%d %s %s %s tests/bench/trainer.lua --network cnn --batch %d " ..
    "--shards %d --steps %d"):format(threads, AS_ROOT, machine.quote(interpreter), launch, CNN.batch, shards,
    CNN.steps))[1]
  local seconds, sha256 = line:match "^%d+ (%S+) %S+ (%x+)$"
  return 1e3 * tonumber(seconds), sha256
end

local function measure_processes(figures, options)
  local milliseconds, same, whole = {}, {}, {}
  for i = 1, options.runs do
    local one, several
    whole[i] = train(options.interpreter, 2, "", 0)
    same[i], one = train(options.interpreter, 2, "", CNN.shards)
    milliseconds[i], several = train(options.interpreter, 1, "launch -n 2", CNN.shards)
    if one ~= several then error("benchmark: the weights of two processes differ from those of one", 0) end
  end
  local section = "two processes of one thread, against one of two: a step of examples/fashion_cnn.lua's network"
  for i, limits in ipairs { whole, same } do
    figures:add { section = section, unit = "ms", threads = 1, isa = fnet.isa(), bar = i == 1 and 1.15 or nil,
      name = i == 1 and "against batches not cut" or "against two shards", values = milliseconds, limits = limits }
  end
end

-- Milliseconds of a step of one process.
local function step(name, train_set, shards)
  return 1e3 * figures_of.median((networks.steps(name, train_set, { batch = BATCH, shards = shards,
    steps = STEPS[name] })))
end

local function measure_shards(figures, options, name)
  local available = fnet.threads()
  for _, threads in ipairs { 1, available > 1 and available or nil } do
    fnet.threads(threads)
    local cut, whole = {}, {}
    for i = 1, options.runs do
      whole[i] = step(name, options.train)
      cut[i] = step(name, options.train, SHARDS)
    end
    local section = ("a step with a batch of %d in %d shards, against the same not cut"):format(BATCH, SHARDS)
    figures:add { section = section, name = name, unit = "ms", threads = threads, isa = fnet.isa(), bar = 1.1,
      values = cut, limits = whole }
  end
  fnet.threads(available)
end

--- Measures and adds the figures; says what is left out.
---@param figures bench.Figures
---@param options {runs: integer, train: data.Dataset, interpreter: string}
function processes.measure(figures, options)
  local why = missing()
  if why then print("Several processes are left out: " .. why .. ".") else measure_processes(figures, options) end
  for _, name in ipairs { "lesson", "cnn" } do measure_shards(figures, options, name) end
end

return processes

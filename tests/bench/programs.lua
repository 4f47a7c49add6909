--- fnet as a program: the whole of examples/fashion.lua, start-up, the size of the executable, and the
-- loading of the gzipped data set against zlib's inflate alone.

local fnet = require "fnet"
local machine = require "tests.bench.machine"

local programs = {}

local NAMES = { "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz",
  "t10k-labels-idx1-ubyte.gz" }

--- Seconds of each of several runs of `fnet -e ''`.
---@param interpreter string
---@param runs integer
---@return number[]
function programs.start(interpreter, runs)
  local values = {}
  for i, run in ipairs(machine.run(runs, machine.quote(interpreter) .. " -e ''")) do
    values[i] = run.seconds
  end
  return values
end

--- Seconds to load the data set.
---@param directory string
---@return number
function programs.load(directory)
  collectgarbage()
  local started = fnet.clock()
  fnet.data.fashion_mnist { dir = directory }
  return fnet.clock() - started
end

local function measure_whole(figures, interpreter, runs)
  local seconds, mebibytes = {}, {}
  for i, run in ipairs(machine.run(runs, machine.quote(interpreter) .. " examples/fashion.lua")) do
    seconds[i], mebibytes[i] = run.seconds, run.kibibytes / 1024
  end
  local section = "the whole program: fnet examples/fashion.lua"
  figures:add { section = section, name = "start, load, 5 epochs, evaluate", unit = "s", values = seconds,
    bar = 1.0, isa = fnet.isa(), threads = fnet.threads() }
  figures:add { section = section, name = "peak memory", unit = "MiB", values = mebibytes, bar = 110,
    isa = fnet.isa(), threads = fnet.threads() }
end

local function measure_start(figures, interpreter)
  local section = "fnet -e ''"
  local milliseconds = {}
  for i, seconds in ipairs(programs.start(interpreter, 21)) do milliseconds[i] = 1e3 * seconds end
  figures:add { section = section, name = "start-up", unit = "ms", values = milliseconds, bar = 5 }
  local copy = os.tmpname()
  machine.lines(("strip -o %s %s"):format(copy, machine.quote(interpreter)))
  local file = assert(io.open(copy, "rb"))
  local megabytes = file:seek "end" / 1e6
  file:close()
  os.remove(copy)
  figures:add { section = section, name = "executable, stripped", unit = "MB", values = { megabytes },
    bar = 1.5 }
end

local function measure_load(figures, directory, runs)
  local files = {}
  for i, name in ipairs(NAMES) do
    files[i] = directory .. "/" .. name
    local file = io.open(files[i])
    if not file then
      print(("Loading is not measured: the files in %s are not compressed."):format(directory))
      return
    end
    file:close()
  end
  local seconds, limits = {}, {}
  for run = 1, runs do
    limits[run] = machine.inflate(files)
    seconds[run] = programs.load(directory)
  end
  figures:add { section = "loading the gzipped data set, against zlib's inflate alone",
    name = "fashion_mnist()", unit = "s", values = seconds, limits = limits, bar = 1.25 }
end

--- Measures and adds the figures.
---@param figures bench.Figures
---@param options {runs: integer, train: data.Dataset, interpreter: string}
function programs.measure(figures, options)
  measure_whole(figures, options.interpreter, options.runs)
  measure_start(figures, options.interpreter)
  measure_load(figures, options.train.source, options.runs)
end

return programs

--- Tables: reading a CSV file of numbers, its time against that of taking in its bytes, and the memory of the whole
-- process against that of the result.

local fnet = require "fnet"
local machine = require "tests.bench.machine"

local tables = {}

local RECORDS, COLUMNS = 200000, 11
local RESULT_MEBIBYTES = RECORDS * COLUMNS * 4 / 2 ^ 20

-- Writes the file, as printf("%.8e") has normal numbers.
local function write_table(path)
  local values = fnet.randn { RECORDS, COLUMNS }
  local names, row = {}, ("%.8e,"):rep(COLUMNS - 1) .. "%.8e\n"
  for c = 1, COLUMNS do names[c] = "c" .. c end
  local file = assert(io.open(path, "w"))
  file:write(table.concat(names, ","), "\n")
  for first = 1, RECORDS, 1000 do
    for _, record in ipairs(values:slice(1, first, first + 999):totable()) do
      file:write(row:format(table.unpack(record)))
    end
  end
  assert(file:close())
end

local function read_bytes(path)
  local started = fnet.clock()
  local file <close> = assert(io.open(path, "rb"))
  while file:read(2 ^ 18) do end
  return fnet.clock() - started
end

--- Seconds to read a table of 200,000 records of 11 numbers.
---@param path string
---@return number
function tables.read(path)
  collectgarbage()
  local started = fnet.clock()
  assert(fnet.data.read_csv(path, { target = "c1" }))
  return fnet.clock() - started
end

--- Measures and adds the figures.
---@param figures bench.Figures
---@param options {runs: integer, interpreter: string}
function tables.measure(figures, options)
  local path = os.tmpname()
  write_table(path)
  local seconds, limits, mebibytes, results = {}, {}, {}, {}
  for run = 1, options.runs do limits[run], seconds[run] = read_bytes(path), tables.read(path) end
  local script = ("assert(require('fnet').data.read_csv('%s', { target = 'c1' }))"):format(path)
  local command = machine.quote(options.interpreter) .. " -e " .. machine.quote(script)
  for i, run in ipairs(machine.run(options.runs, command)) do
    mebibytes[i], results[i] = run.kibibytes / 1024, RESULT_MEBIBYTES
  end
  os.remove(path)
  local section = "a table: read_csv of 200,000 records of 11 numbers"
  figures:add { section = section, name = "against reading its bytes", unit = "s", values = seconds,
    limits = limits }
  figures:add { section = section, name = "peak memory, against the result", unit = "MiB", values = mebibytes,
    limits = results, bar = 2 }
end

return tables

--- The machine's own limits as figures: multiply-adds, and reading and updating caches and memory.

local fnet = require "fnet"
local machine = require "tests.bench.machine"

local limits = {}

local PLACES = { { "32 KiB", 32 }, { "512 KiB", 512 }, { "8 MiB", 8192 }, { "128 MiB", 131072 } }

--- Measures and adds the figures.
---@param figures bench.Figures
---@param options {runs: integer, isas: string[]} isas: fastest first
function limits.measure(figures, options)
  local available = fnet.threads()
  local function add(section, name, unit, isa, threads, measure)
    local values = {}
    for run = 1, options.runs do values[run] = measure() / 1e9 end
    figures:add { section = section, name = name, unit = unit, values = values, isa = isa, threads = threads }
  end
  for _, isa in ipairs(options.isas) do
    for _, threads in ipairs { 1, available > 1 and available or nil } do
      add("limits: multiply-adds in registers", "all threads together", "GFLOP/s", isa, threads,
        function() return machine.multiply_adds(isa, threads) end)
    end
  end
  local isa = options.isas[1]
  for _, kind in ipairs { "read", "update" } do
    for _, place in ipairs(PLACES) do
      for _, threads in ipairs { 1, available > 1 and available or nil } do
        add(("limits: %s, bytes a thread goes over"):format(kind), ("%s %s"):format(kind, place[1]), "GB/s",
          isa, threads, function() return machine.bandwidth(kind, isa, threads, place[2]) end)
      end
    end
  end
end

return limits

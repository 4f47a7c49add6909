--- `fnet launch -n count script.lua`: the script in several processes, which share the shards of its batches and
-- the runs of its sweeps.

local core = require "fnet.core"

local ADVICE = "launch: how many processes, and which script? fnet launch -n 4 script.lua"

--- Becomes mpirun, which starts the processes; more of them than processors are allowed, and take turns. Open MPI
-- would tie each to a processor of its own, on which its threads would then all be.
---@param arguments string[] -n, a number, the script's path, and its own arguments
---@return boolean succeeded false
---@return string message
return function(arguments)
  local count = arguments[1] == "-n" and math.tointeger(tonumber(arguments[2]))
  if not count or count < 1 or not arguments[3] then return false, ADVICE end
  local words = { "env", "OMPI_MCA_rmaps_base_oversubscribe=1", "OMPI_MCA_mpi_yield_when_idle=1",
    "OMPI_MCA_hwloc_base_binding_policy=none" }
  if not os.getenv "FNET_THREADS" then
    words[#words + 1] = ("FNET_THREADS=%d"):format(math.max(1, core.threads() // count))
  end
  table.move({ "mpirun", "-n", tostring(count), core.program() or "fnet" }, 1, 4, #words + 1, words)
  table.move(arguments, 3, #arguments, #words + 1, words)
  local _, message = core.execute(words)
  return false, "launch: " .. message
end

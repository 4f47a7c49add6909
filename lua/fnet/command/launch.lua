--- `fnet launch -n count script.lua`: the script in several processes, which share the shards of its batches and
-- the runs of its sweeps.

local core = require "fnet.core"

local USAGE = "fnet launch -n 4 script.lua"
local MOST = 4096 -- processes, as there are shards

-- Open MPI refuses more processes than processors, and ties each to a processor of its own, on which its threads
-- would then all be. Since version 5 it starts them by PRRTE, which has other names for that.
local SETTINGS = { "OMPI_MCA_rmaps_base_oversubscribe=1", "OMPI_MCA_hwloc_base_binding_policy=none",
  "PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe", "PRTE_MCA_hwloc_default_binding_policy=none",
  "OMPI_MCA_mpi_yield_when_idle=1" }

-- Whether a program is in one of the folders where it would be looked for.
local function is_there(program)
  for folder in ((os.getenv "PATH" or "") .. ":"):gmatch "([^:]*):" do
    local file <close> = io.open((folder == "" and "." or folder) .. "/" .. program)
    if file then return true end
  end
  return false
end

--- Becomes mpirun, which starts the processes; more of them than processors are allowed, and take turns.
---@param arguments string[] # -n, a number, the script's path, and its own arguments
---@return boolean succeeded false
---@return string message
return function(arguments)
  local option, number, script = table.unpack(arguments, 1, 3)
  local count = math.tointeger(tonumber(number))
  if option ~= "-n" or not number then
    return false, "launch: how many processes, and which script? " .. USAGE
  elseif not count or count < 1 or count > MOST then
    return false, ("launch: -n: expected a number of processes, 1 to %d, got '%s': %s"):format(MOST, number, USAGE)
  elseif not script then
    return false, "launch: which script? " .. USAGE
  end
  if not is_there "mpirun" then
    return false, "launch: there is no mpirun, which starts the processes; it comes with Open MPI and with MPICH "
      .. "(Debian: openmpi-bin libopenmpi-dev, or mpich libmpich-dev); then build fnet again"
  end
  local words = { "env", table.unpack(SETTINGS) }
  if not os.getenv "FNET_THREADS" then
    words[#words + 1] = ("FNET_THREADS=%d"):format(math.max(1, core.threads() // count))
  end
  table.move({ "mpirun", "-n", tostring(count), core.program() or "fnet" }, 1, 4, #words + 1, words)
  table.move(arguments, 3, #arguments, #words + 1, words)
  local _, message = core.execute(words)
  return false, "launch: " .. message
end

--- Runs scripts in several processes for specs, by each MPI. Used with `require "tests.support.mpirun"`.

local command = require "tests.support.command"

local mpirun = { kinds = { "openmpi", "mpich" } }

--- Root is refused by Open MPI unless one says so.
mpirun.as_root = "env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 FNET_THREADS=1"

--- And so are more processes than processors; since version 5 that has another name. Of the machine's networks, of
--- which Open MPI may complain, processes of one machine need the loopback at most.
mpirun.environment = mpirun.as_root .. " OMPI_MCA_rmaps_base_oversubscribe=1 " ..
  "PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe OMPI_MCA_btl_tcp_if_include=lo"

--- The name of a kind's mpirun; nil where it, or fnet's module for it, is not here, or this is no release build.
---@param kind string "openmpi" or "mpich"
---@return string?
function mpirun.of(kind)
  local module <close> = io.open(("build/release/fnet/%s.so"):format(kind))
  if not module or not command.release then return nil end
  local sign = kind == "openmpi" and "Open MPI" or "HYDRA"
  for _, name in ipairs { "mpirun." .. kind, "mpirun" } do
    local pipe <close> = io.popen(name .. " --version 2>/dev/null")
    if pipe:read("a"):find(sign, 1, true) then return name end
  end
end

--- A line of the shell that runs a script in so many processes, at most a minute.
---@param name string
---@param count integer
---@param ... any arguments of fnet
---@return string
function mpirun.line(name, count, ...)
  local words = table.pack(...)
  for i = 1, words.n do words[i] = tostring(words[i]) end
  return ("%s timeout -k 1 60 %s -n %d %s"):format(mpirun.environment, name, count,
    command.line(command.fnet, words))
end

--- Runs it.
---@param directory string
---@param ... any as of line
---@return { output: string, errors: string, status: integer }
function mpirun.run(directory, ...) return command.shell(directory, mpirun.line(...)) end

return mpirun

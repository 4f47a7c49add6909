--- The machine that the benchmark runs on: its description, its limits (measured by the C program limits),
-- and other programs run and measured. Everything runs from the project's directory.

local machine = {}

-- Where the C programs of the benchmark are.
local programs = "build/release/tests/bench/"
local LIMIT_MILLISECONDS = 60

--- One word for the shell.
---@param text string
---@return string
function machine.quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

--- The lines that a command prints; raises an error where it fails.
---@param command string for the shell
---@return string[]
function machine.lines(command)
  local lines, pipe = {}, assert(io.popen(command))
  for line in pipe:lines() do lines[#lines + 1] = line end
  if not pipe:close() then error("benchmark: this command failed: " .. command, 0) end
  return lines
end

--- The first line of what a command prints, or nil: for descriptions that not every machine has.
---@param command string for the shell
---@return string?
function machine.describe(command)
  local pipe = assert(io.popen(command .. " 2>/dev/null"))
  local line = pipe:read "l"
  pipe:close()
  if line == "" then return nil end
  return line
end

--- What every figure carries about the machine and the program.
---@return {cpu: string, date: string, revision: string}
function machine.description()
  local cpu = machine.describe "sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo" or
    machine.describe "sysctl -n machdep.cpu.brand_string" or machine.describe "uname -m" or "unknown"
  return {
    cpu = cpu,
    date = os.date "!%Y-%m-%dT%H:%M:%SZ",
    revision = machine.describe "git describe --always --dirty" or "unknown",
  }
end

--- Prints a warning where other processes have wanted a processor over the last minute.
function machine.warn_if_busy()
  local load = tonumber(machine.describe "cut -d ' ' -f 1 /proc/loadavg" or "") -- not every system says it
  if load and load > 0.5 then
    print(("The machine is busy (load %.1f): the figures are worth little, most of all with several threads.")
      :format(load))
  end
end

--- How many processors this process may use, whatever FNET_THREADS says.
---@return integer
function machine.processors() return math.tointeger(tonumber(machine.lines("nproc")[1])) or 1 end

local function limit(kind, isa, threads, kibibytes)
  local command = ("%slimits %s %s %d %d %s"):format(programs, kind, isa, threads, LIMIT_MILLISECONDS,
    kibibytes or "")
  return tonumber(machine.lines(command)[1])
end

--- What the processor can do in multiply-adds, now.
---@param isa string as fnet.isa() has it
---@param threads integer
---@return number flops operations a second; a multiply-add counts as two
function machine.multiply_adds(isa, threads) return 1e9 * limit("multiply-adds", isa, threads) end

--- How fast memory or a cache is, now.
---@param kind string "read" or "update" (reading and writing in place, both counted)
---@param isa string
---@param threads integer
---@param kibibytes integer that each thread goes over, again and again
---@return number bytes a second
function machine.bandwidth(kind, isa, threads, kibibytes)
  return 1e9 * limit(kind, isa, threads, kibibytes)
end

--- Runs a program and waits for its end.
---@param runs integer
---@param command string a program and its arguments, as words for the shell
---@return {seconds: number, kibibytes: number}[] one entry a run: time and peak memory
function machine.run(runs, command)
  local results = {}
  for i, line in ipairs(machine.lines(("%schild %d %s"):format(programs, runs, command))) do
    local seconds, kibibytes = line:match "^(%S+) (%S+)$"
    results[i] = { seconds = tonumber(seconds), kibibytes = tonumber(kibibytes) }
  end
  return results
end

--- How long zlib needs to read and inflate files.
---@param files string[]
---@return number seconds
function machine.inflate(files)
  local words = {}
  for i, file in ipairs(files) do words[i] = machine.quote(file) end
  return tonumber(machine.lines(programs .. "inflate " .. table.concat(words, " "))[1])
end

return machine

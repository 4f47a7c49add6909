--- Which part of the C was executed since its counters were last removed, as gcov counts in a counting build:
--   ./fnet tests/tools/coverage.lua build/coverage [FILE]
-- Lines and branches of each file and in total, and the weakest files; of a FILE such as src/core/sort.c the lines
-- that were not executed and those with a branch that was not taken. What is compiled several times, a template or
-- an inline function, counts once, and as executed where it was in one of them.

local json = require "fnet.files.json"
local shares = dofile "tests/tools/shares.lua"

local function output_of(command)
  local pipe <close> = assert(io.popen(command))
  local text = pipe:read "a"
  assert(pipe:close(), command)
  return text
end

-- Adds what gcov says of an object.
local function add(files, report)
  for _, source in ipairs(report.files) do
    if source.file:find "^src/" then
      local file = files[source.file] or { lines = {}, branches = {} }
      files[source.file] = file
      for _, line in ipairs(source.lines) do
        local number = line.line_number
        file.lines[number] = file.lines[number] or line.count > 0
        local taken = file.branches[number] or {}
        file.branches[number] = taken
        for i, branch in ipairs(line.branches) do taken[i] = taken[i] or branch.count > 0 end
      end
    end
  end
end

-- Objects without counters are there too: nothing of them was executed.
local function read(build)
  local files, gcov = {}, os.getenv "GCOV" or "gcov"
  local line = gcov .. " --json-format --stdout --branch-probabilities --object-directory '%s' '%s' 2>/dev/null"
  for path in output_of(("find '%s/src' -name '*.gcno' | LC_ALL=C sort"):format(build)):gmatch "[^\n]+" do
    add(files, assert(json.decode(output_of(line:format(path:match "^(.*)/", path)))))
  end
  return files
end

local build, only = arg[1], arg[2]
local files = read(assert(build, "usage: ./fnet tests/tools/coverage.lua build/coverage [FILE]"))
if only then
  shares.show_file(only, assert(files[only], only .. ": was not compiled, or has no code"))
else
  shares.show_all(files)
end

--- Which lines of the library in Lua were executed: ./fnet tests/tools/lua_coverage.lua COUNTED [FILE], where
-- lua_lines.lua wrote COUNTED. The share of each file, and the weakest; of a FILE such as lua/fnet/nn/dense.lua the
-- lines that were not executed.
-- Which lines have code is what luac lists, without the return behind a function's own last one.

local shares = dofile "tests/tools/shares.lua"

local function lines_of(command)
  local list, pipe <close> = {}, assert(io.popen(command))
  for line in pipe:lines() do list[#list + 1] = line end
  assert(pipe:close(), command)
  return list
end

local function luac()
  local version = _VERSION:match "%d.%d"
  for _, name in ipairs { "luac" .. version, "luac-" .. version, "luac" .. version:gsub("%.", ""), "luac" } do
    if os.execute(("%s -v 2>/dev/null | grep -q '^%s'"):format(name, _VERSION)) then return name end
  end
  error("luac of " .. _VERSION .. " is not here, which lists the lines that have code")
end

-- { [line] = false } for each line of a file with code.
local function code_of(path, compiler)
  local code, last = {}, ""
  local list = lines_of(("%s -l -p '%s'"):format(compiler, path))
  for i, text in ipairs(list) do
    local line, operation = text:match "^\t%d+\t%[(%d+)%]\t(%u[%u%d]*)"
    local ends = not (list[i + 1] or ""):find "^\t%d"
    local unreachable = ends and operation and operation:find "^RETURN" and last:find "^RETURN"
    if line and operation ~= "VARARGPREP" and not unreachable then code[tonumber(line)] = false end
    last = operation or ""
  end
  return code
end

local counted, only = arg[1], arg[2]
assert(counted, "usage: ./fnet tests/tools/lua_coverage.lua COUNTED [FILE]")
local compiler, files = luac(), {}
for _, path in ipairs(lines_of "find lua -name '*.lua' | LC_ALL=C sort") do
  if not only or only == path then files[path] = { lines = code_of(path, compiler) } end
end
for text in io.lines(counted) do
  local path, line = text:match "^(%S+) (%d+)$"
  local file, number = files[path], tonumber(line)
  if file and file.lines[number] ~= nil then file.lines[number] = true end
end
if only then
  shares.show_file(only, assert(files[only], only .. ": is no file of lua"))
else
  shares.show_all(files)
end

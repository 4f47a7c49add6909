--- Notes which lines of the library in Lua are executed, for lua_coverage.lua. LUA_INIT puts it in front of all:
--   FNET_LUA_LINES=file LUA_INIT=@tests/tools/lua_lines.lua busted --lua=./fnet tests/nn
-- At its end the process adds `path line` to the file for each. That makes Lua five times slower. Programs that
-- specs start, which LUA_INIT does not reach, and copies of the process count for nothing.

local getinfo, set_hook, create = debug.getinfo, debug.sethook, coroutine.create
local path = assert(os.getenv "FNET_LUA_LINES", "FNET_LUA_LINES names no file")
local executed = {} -- by source, by line

local function count(_, line)
  local source = getinfo(2, "S").source
  local lines = executed[source]
  if not lines then
    lines = {}
    executed[source] = lines
  end
  lines[line] = true
end

-- A hook is of one coroutine.
local function create_counted(f)
  local made = create(f)
  set_hook(made, count, "l")
  return made
end

local function results(made, good, ...)
  if good then return ... end
  coroutine.close(made)
  error(..., 0)
end

rawset(coroutine, "create", create_counted)
rawset(coroutine, "wrap", function(f)
  local made = create_counted(f)
  return function(...) return results(made, coroutine.resume(made, ...)) end
end)
set_hook(count, "l")

local function write()
  set_hook()
  local file = assert(io.open(path, "a"))
  for source, lines in pairs(executed) do
    local name = source:match "^@(lua/fnet/.*)"
    for line in pairs(name and lines or {}) do assert(file:write(("%s %d\n"):format(name, line))) end
  end
  assert(file:close())
end
debug.getregistry()[write] = setmetatable({}, { __gc = write })

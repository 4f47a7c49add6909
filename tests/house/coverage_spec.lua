--- The tools of `make coverage` and `make coverage-lua`, on sources of which it is known what was executed.

local command = require "tests.support.command"

local directory
setup(function()
  directory = command.make_directory()
  assert(os.execute(("mkdir -p %s/tests/tools %s/src %s/lua/fnet && cp tests/tools/*.lua %s/tests/tools"):format(
    directory, directory, directory, directory)))
end)
teardown(function() command.remove_directory(directory) end)

local function run(script)
  local result = command.shell(directory, "fnet=" .. command.quote(command.fnet) .. "\n" .. script)
  assert.equal(0, result.status, result.output .. result.errors)
  return result.output
end

describe("coverage", function()
  local function is_here(program) return os.execute(program .. " >/dev/null 2>&1") and it or pending end
  local test = is_here "{ cc --version | grep 'Free Software' && gcov --version; }"

  test("counts lines and branches of C, once where they are compiled twice, and names the weakest", function()
    command.write_file(directory .. "/src/half.h", "static int half(int x) {\n  if (x < 0)\n    return -1;\n"
      .. "  return x / 2;\n}\n")
    command.write_file(directory .. "/src/a.c", '#include "half.h"\nint main(void) { return half(0); }\n')
    command.write_file(directory .. "/src/b.c", '#include "half.h"\nint never(void);\n'
      .. "int never(void) { return half(7); }\n")
    local shown = run [[mkdir -p build/src && for name in a b; do
      cc --coverage -O0 -c -o build/src/$name.o src/$name.c || exit; done
      cc --coverage -o program build/src/a.o && ./program && "$fnet" tests/tools/coverage.lua build]]
    assert.equal([[
src/a.c 100.00% of 1 lines
src/b.c 0.00% of 1 lines
src/half.h 75.00% of 4 lines, 50.00% of 2 branches

weakest by lines
src/b.c 0.00% of 1 lines
src/half.h 75.00% of 4 lines, 50.00% of 2 branches

weakest by branches
src/half.h 75.00% of 4 lines, 50.00% of 2 branches

total 66.67% of 6 lines, 50.00% of 2 branches
]], (shown:gsub(" +", " ")))
    assert.equal("    2 1 of 2          if (x < 0)\n    3 not executed      return -1;\n",
      run '"$fnet" tests/tools/coverage.lua build src/half.h')
  end)

  test = is_here("luac" .. command.lua_version .. " -v")

  test("counts lines of Lua, in coroutines too, and none that no call can reach", function()
    command.write_file(directory .. "/lua/fnet/a.lua", [[
local function always(x)
  return x
end
local function seldom(x)
  if x then
    print "seldom"
  end
end
local list = coroutine.wrap(function()
  coroutine.yield(always(1))
  coroutine.yield(2)
end)
seldom(list() > 1)
]])
    local shown = run [[FNET_LUA_LINES=lines LUA_INIT=@tests/tools/lua_lines.lua "$fnet" lua/fnet/a.lua
      "$fnet" tests/tools/lua_coverage.lua lines]]
    assert.matches("\ntotal +80.00%% of +10 lines\n$", shown)
    assert.equal("    6 not executed      print \"seldom\"\n   11 not executed    coroutine.yield(2)\n",
      run '"$fnet" tests/tools/lua_coverage.lua lines lua/fnet/a.lua')
  end)
end)

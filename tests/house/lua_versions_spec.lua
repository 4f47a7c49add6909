--- One source for Lua 5.4 and 5.5, and a sentence for every other Lua and for parts that do not fit together, when
-- fnet is built and when it is loaded. Old interpreters and compilers are asked where they are here.

local command = require "tests.support.command"

local root = command.directory
local directory
setup(function() directory = command.make_directory() end)
teardown(function() command.remove_directory(directory) end)

local function shell(script) return command.shell(directory, script) end

local function fails(expected, result)
  assert.not_equal(0, result.status)
  assert.is_truthy(result.errors:find(expected, 1, true), result.errors .. "\nlacks: " .. expected)
end

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

describe("the Lua sources", function()
  -- From Lua 5.5 on the first variable of a loop is a constant. Lua 5.4 says the same of a local declared so.
  local function with_constants(text)
    local loop = "%%f[%%w_](for%%s+([%%w_]+)%s[^\n]-%%f[%%w_]do%%f[^%%w_])"
    local declared = "%1 local %2 <const> = %2 "
    return ((" " .. text):gsub(loop:format "%s*=", declared):gsub(loop:format "[%w_, ]*%sin%f[^%w_]", declared))
  end

  it("assign to no variable of a for loop", function()
    local message = select(2, load(with_constants "for a, b in pairs(t) do a = 1 end"))
    assert.matches("attempt to assign to const variable 'a'", message, 1, true)
    assert.matches("const variable 'i'", select(2, load(with_constants "for i = 1, 2 do i = 1 end")), 1, true)
    local list = shell("cd " .. command.quote(root) .. " && find lua examples src tests -name '*.lua'").output
    local count = 0
    for path in list:gmatch "[^\n]+" do
      assert(load(with_constants(read(root .. "/" .. path)), "@" .. path))
      count = count + 1
    end
    assert.is_true(count > 400, count)
  end)
end)

describe("require \"fnet\"", function()
  local library = ("LUA_PATH=%s "):format(command.quote(("%s/lua/?.lua;%s/lua/?/init.lua"):format(root, root)))

  for _, old in ipairs { { "lua5.1", "Lua 5.1" }, { "lua5.2", "Lua 5.2" }, { "lua5.3", "Lua 5.3" },
    { "luajit", "LuaJIT 2" } } do
    local name, called = old[1], old[2]
    if not os.execute("command -v " .. name .. " >/dev/null 2>&1") then
      pending(("in %s is refused: left out, %s is not here"):format(called, name))
    else
      it(("in %s is refused at the line of the script"):format(called), function()
        command.write_file(directory .. "/old.lua", "local nothing\nlocal fnet = require \"fnet\"\n")
        local result = shell("env -u LUA_INIT " .. library .. name .. " old.lua")
        fails("old.lua:2: fnet: expected Lua 5.4 or 5.5, got " .. called, result)
        fails("; start the script with lua5.4, or with the program fnet\n", result)
      end)
    end
  end

  it("says that the core is one for another Lua", function()
    local other = command.lua_version == "5.4" and "5.5" or "5.4"
    local flags = shell(("pkg-config --cflags $(sh %s/src/tools/lua.sh)"):format(command.quote(root))).output
    local stubs, seen = { '#include "lua/lcore.c"\n' }, {}
    for opener in read(root .. "/src/lua/lcore.c"):gmatch "lopen_%l+" do
      if not seen[opener] then stubs[#stubs + 1] = ("void %s(lua_State *L) { (void)L; }\n"):format(opener) end
      seen[opener] = true
    end
    stubs[#stubs + 1] = "int lerror_kind(lua_State *L, const char *a, const char *b, ...) { return L && a && b; }\n"
    command.write_file(directory .. "/core.c", table.concat(stubs))
    -- lua.h as that of the other version, as far as it tells it.
    local result = shell(([[mkdir -p fnet && echo '#include_next <lua.h>
#undef LUA_VERSION_NUM
#define LUA_VERSION_NUM %s' >lua.h && ${CC:-cc} -shared -fPIC -I. -I%s %s -o fnet/core.so core.c]])
      :format(other == "5.4" and 504 or 505, command.quote(root .. "/src"), flags:match "[^\n]*"))
    assert.equal(0, result.status, result.errors)
    command.write_file(directory .. "/other.lua", [[
      package.cpath, package.preload["fnet.core"] = "./?.so", nil
      require "fnet.core"
    ]])
    local expected = "fnet.core is built for Lua %s, but this is Lua %s; start the script with lua%s, or build " ..
      "it for this one: make library LUA=lua%s\n"
    fails(expected:format(other, command.lua_version, other, command.lua_version),
      shell(command.line(command.fnet, { "other.lua" })))
  end)

  it("says that its Lua files and the core are of two versions", function()
    local files = directory .. "/files/fnet"
    assert.equal(0, shell(("mkdir -p files && cp -R %s/lua/fnet files"):format(command.quote(root))).status)
    local text = read(files .. "/base/init.lua")
    local own = text:match 'local VERSION = "([%d.]+)"'
    command.write_file(files .. "/base/init.lua", (text:gsub('(local VERSION = )"[%d.]+"', '%1"9.8.7"')))
    command.write_file(directory .. "/two.lua", ([[
      package.path = "%s/files/?.lua;%s/files/?/init.lua"
      local given = package.preload
      for name in pairs(given) do if name ~= "fnet.core" then given[name] = nil end end
      require "fnet"
    ]]):format(directory, directory))
    fails(("two.lua:4: fnet: the Lua files in %s/ are of fnet 9.8.7, but fnet.core is of fnet %s; LUA_PATH and " ..
      "LUA_CPATH have to lead to one build"):format(files, own), shell(command.line(command.fnet, { "two.lua" })))
  end)

  it("says what a core of another build does not have", function()
    local ok, message = pcall(function() return require("fnet.core").not_in_this_build end)
    assert.is_false(ok)
    assert.matches("fnet.core has no 'not_in_this_build', which the Lua files ask for: they are of another " ..
      "build of fnet", message, 1, true)
  end)
end)

describe("the build", function()
  -- What a pkg-config says that knows the names and versions given: { lua5.4 = "5.4.4" }.
  local function with(versions, script)
    local cases = {}
    for name, version in pairs(versions) do cases[#cases + 1] = ("%s) version=%s ;;"):format(name, version) end
    command.write_file(directory .. "/fake-config", ([[#!/bin/sh
case $2 in *' '*) set -- "$1" $2 ;; esac
case $2 in %s *) exit 1 ;; esac
minor=${version#*.} minor=${minor%%%%.*} least=${4#*.} below=${7#*.}
case $1 in
  --modversion) echo $version ;;
  --exists) [ -z "${4:-}" ] || { [ "${version%%%%.*}" = 5 ] && [ $minor -ge $least ] && [ $minor -lt $below ]; } ;;
esac
]]):format(table.concat(cases, "\n")))
    return shell(("chmod +x fake-config && cd %s && PKG_CONFIG=%s/fake-config %s"):format(command.quote(root),
      directory, script))
  end

  local function chosen(versions, wanted)
    local result = with(versions, ("LUA=%s sh src/tools/lua.sh"):format(wanted or ""))
    assert.equal(0, result.status, result.errors)
    return result.output
  end

  it("takes Lua 5.4 before 5.5, and the one that LUA names", function()
    local both = { ["lua5.4"] = "5.4.8", ["lua5.5"] = "5.5.0" }
    assert.equal("lua5.4\n", chosen(both))
    assert.equal("lua5.5\n", chosen(both, "lua5.5"))
    assert.equal("lua5.5\n", chosen { ["lua5.5"] = "5.5.1", lua = "5.1.5" })
    assert.equal("lua\n", chosen { lua = "5.5.0", ["lua5.3"] = "5.3.6" })
    assert.equal("lua\n", chosen { lua = "5.4.0", ["lua5.5"] = "5.5.0" })
  end)

  it("says what there is where no Lua fits", function()
    local old = { ["lua5.1"] = "5.1.5", ["lua5.3"] = "5.3.6", luajit = "2.1.1" }
    local make = "env -u MAKEFLAGS -u MAKELEVEL -u LUA make -n build/release/src/lua/lcore.o"
    local asked = directory .. "/fake-config"
    fails("expected Lua 5.4 or 5.5 with its headers; " .. asked .. " finds lua5.3 (5.3.6), lua5.1 (5.1.5), " ..
      "luajit (2.1.1); `sh src/tools/setup.sh build` installs Lua 5.4, or names the package", with(old, make))
    fails("finds no Lua;", with({}, make))
    fails("LUA=luajit: expected what " .. asked .. " calls a Lua 5.4 or 5.5 with its headers, such as lua5.4; " ..
      "it finds lua5.3 (5.3.6)", with(old, make .. " LUA=luajit"))
    local result = with(old, "LUA=luajit sh src/tools/setup.sh build")
    fails("setup.sh: LUA=luajit: expected", result)
  end)

  it("refuses the headers of an older Lua", function()
    command.write_file(directory .. "/lua.h", "#define LUA_VERSION_NUM 503\n")
    fails("fnet is written for Lua 5.4 and 5.5", shell(("${CC:-cc} -fsyntax-only -I. %s/src/lua/lcore.h"):format(
      command.quote(root))))
  end)
end)

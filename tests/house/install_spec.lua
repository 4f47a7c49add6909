--- What packagers expect of the Makefile: flags from the environment, folders with any name, and no file of others
-- touched. Of the release build, as it was made last.

local command = require "tests.support.command"

local plain = "cd " .. command.quote(command.directory) .. " && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL "

describe("the Makefile", function()
  local directory
  setup(function() directory = command.make_directory() end)
  teardown(function() command.remove_directory(directory) end)

  local function run(script)
    local result = command.shell(directory, script)
    assert.equal(0, result.status, result.output .. result.errors)
    return result.output
  end

  it("takes compiler and flags from the environment, and from the command line before it", function()
    local made = run(plain ..
      "CC=a-compiler CFLAGS='-O1 -g' CPPFLAGS=-DFIRST LDFLAGS=-Wl,-z,now V=1 make -n -B fnet")
    local compiled = assert(made:match "[^\n]* %-o build/release/src/main%.o [^\n]*")
    assert.matches("^a%-compiler ", compiled)
    assert.matches(" %-DFIRST ", compiled)
    assert.matches(" %-O1 %-g ", compiled)
    assert.matches("a%-compiler [^\n]*%-Wl,%-z,now [^\n]*%-o fnet ", made)
    made = run(plain .. "CC=a-compiler CFLAGS=-O1 make -n -B V=1 CC=another CFLAGS=-O0 fnet")
    assert.matches("another [^\n]* %-O0 [^\n]* %-o build/release/src/main%.o ", made)
    assert.is_nil(made:find("a-compiler", 1, true))
  end)

  it("refuses what a choice of libraries does not know", function()
    for _, choice in ipairs { "READLINE=no", "IMAGES=no", "MPI=0" } do
      local result = command.shell(directory, plain .. "make -n " .. choice .. " fnet")
      assert.equal(2, result.status)
      assert.is_truthy(result.errors:find("*** " .. choice .. ": ", 1, true), result.errors)
    end
  end)

  if not command.release then
    return pending "make install: left out, it would build the release, and this is another build"
  end

  local where = "DESTDIR=" .. command.quote("%s/what's in it") .. " PREFIX='/opt/a b'"

  it("installs below folders with spaces and quotes, and removes what it installed, nothing else", function()
    local variables = where:format(directory)
    local root = directory .. "/what's in it/opt/a b"
    local version, lua = command.lua_version:gsub("%.", "%%."), "/share/lua/" .. command.lua_version
    run(plain .. "make install " .. variables)
    local files = run("cd " .. command.quote(root) .. " && find . -type f | LC_ALL=C sort")
    assert.matches("^%./bin/fnet\n%./lib/lua/" .. version .. "/fnet/core%.so\n", files)
    assert.matches("\n%./share/fnet/library/fnet%.lua\n", files)
    assert.matches("\n%./share/lua/" .. version .. "/fnet/nn/dense%.lua\n", files)
    for _, path in ipairs { "bash-completion/completions/fnet", "fish/vendor_completions.d/fnet.fish",
      "man/man1/fnet.1", "man/man3/fnet-lua.3", "zsh/site-functions/_fnet" } do
      assert.is_truthy(files:find("\n./share/" .. path .. "\n", 1, true), path)
    end
    assert.equal("6\n", run(command.quote(root .. "/bin/fnet") .. " -e 'print(1 + 2 + 3)'"))
    if command.lua then
      local paths = ("env -u %s -u %s LUA_PATH=%s LUA_CPATH=%s "):format(
        command.versioned "LUA_PATH", command.versioned "LUA_CPATH",
        command.quote(root .. lua .. "/?.lua;" .. root .. lua .. "/?/init.lua"),
        command.quote(root .. "/lib/lua/" .. command.lua_version .. "/?.so"))
      assert.equal("6.0\n", run(paths .. command.lua .. [[ -e 'print(require("fnet").ones({ 6 }):sum():item())']]))
    end

    command.write_file(root .. lua .. "/fnet/nn/mine.lua", "-- somebody else's\n")
    run("mkdir " .. command.quote(root .. lua .. "/fnet/empty"))
    run(plain .. "make uninstall " .. variables)
    assert.equal("." .. lua .. "/fnet/nn/mine.lua\n", run("cd " .. command.quote(root) .. " && find . -type f"))
    assert.equal("", run("ls " .. command.quote(root .. lua .. "/fnet/empty")))
    run(plain .. "make uninstall " .. variables) -- once more: nothing is there, and that is no error
  end)

  it("puts manual pages where MANDIR says, and none where it is another machine that fnet is for", function()
    local would = plain .. "make -n install " .. where:format(directory)
    assert.is_truthy(run(would .. " MANDIR='/a man'"):find("in it/a man'/$page ", 1, true))
    assert.is_truthy(run(would):find("man1/fnet.1", 1, true))
    assert.is_nil(run(would .. " machine=another"):find("man1/fnet.1", 1, true))
  end)

  it("leaves the names of functions in, unless asked", function()
    local would = plain .. "make -n STRIP=other-strip " .. where:format(directory)
    local installs = run(would .. " install")
    assert.is_nil(installs:find("strip", 1, true))
    assert.is_nil(installs:find("install -s", 1, true))
    assert.matches("\nother%-strip [^\n]*bin'/fnet\n", run(would .. " install-strip"))
  end)

  it("says where it runs, from another folder", function()
    local result = command.shell(directory, "env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -f " ..
      command.quote(command.directory .. "/Makefile"))
    assert.equal(2, result.status)
    assert.is_truthy(result.errors:find("make -C '" .. command.directory .. "'", 1, true), result.errors)
  end)
end)

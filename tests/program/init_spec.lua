--- `fnet init`: a folder that works as it is, and nothing that was there is lost. (A language server reads it in
-- tests/house/editor_spec.lua.)

local command = require "tests.support.command"

local directory
before_each(function()
  directory = command.make_directory()
  local bin = directory .. "/bin"
  assert(os.execute(("mkdir %s && ln -s %s %s/fnet"):format(bin, command.quote(command.fnet), bin)))
end)
after_each(function() command.remove_directory(directory) end)

local function init(...) return command.shell(directory, command.line(command.fnet, { "init", ... })) end

local function shell(script) return command.shell(directory, script) end

local WITH = "unset LUA_INIT LUA_INIT_5_4; PATH=$PWD/bin:$PATH; "

describe("fnet init", function()
  it("makes an experiment that runs, with specs that pass", function()
    local result = init "mine"
    assert.same({ 0, "" }, { result.status, result.errors })
    assert.equal("mine: an experiment; its README.md says what is what\n\n"
      .. "  cd mine\n  fnet experiment.lua\n  busted\n", result.output)
    result = shell(WITH .. "cd mine && fnet experiment.lua --epochs 3 --save circle.safetensors")
    assert.equal(0, result.status, result.errors)
    assert.matches("\naccuracy %d+%.%d+%% %(%d+/200%)\nweights sha256 %x+\n$", result.output)
    assert.matches("epoch 3/3 ", result.errors)
    assert.matches("^circle%.safetensors:", shell(WITH .. "cd mine && fnet info circle.safetensors").output)
    result = shell(WITH .. "cd mine && busted --output=plainTerminal")
    assert.equal(0, result.status, result.output .. result.errors)
    assert.matches("4 successes / 0 failures / 0 errors", result.output)
  end)

  it("says before the training what will not be saved", function()
    init "mine"
    local result = shell(WITH .. "cd mine && fnet experiment.lua --save none/circle.safetensors")
    assert.equal(1, result.status)
    assert.matches("none/circle.safetensors: ", result.errors, 1, true)
    assert.is_nil(result.errors:find "epoch")
  end)

  it("has specs that run in another fnet too, and say where there is none", function()
    init "mine"
    local result = shell(WITH .. "PATH=/usr/bin:/bin; cd mine; busted --output=plainTerminal --lua="
      .. command.quote(command.fnet))
    assert.matches("4 successes / 0 failures / 0 errors", result.output)
    if shell("PATH=/usr/bin:/bin command -v fnet").status == 0 then
      return pending "what it says where there is none: left out, one is installed"
    end
    result = shell("unset LUA_PATH LUA_PATH_5_4 LUA_CPATH LUA_CPATH_5_4; PATH=/usr/bin:/bin; cd mine; busted")
    assert.is_true(result.status ~= 0)
    assert.equal("busted: error: fnet is not found in PATH: `make install` puts it there, or "
      .. "busted --lua=/path/to/fnet names it\n", result.errors)
  end)

  it("says nothing to luacheck", function()
    if shell("command -v luacheck").status ~= 0 then return pending "left out: luacheck is not here" end
    init "mine"
    assert.matches("0 warnings / 0 errors in 3 files", shell("cd mine && luacheck --no-color .").output)
  end)

  it("writes nothing where a file would be lost, and names those that are there", function()
    shell "mkdir -p mine/spec && cd mine && echo mine >README.md && echo mine >spec/circle_spec.lua && echo >other"
    local result = init "mine"
    assert.same({ 1, "", "fnet init: mine has spec/circle_spec.lua, README.md already; nothing was written\n" },
      { result.status, result.output, result.errors })
    assert.equal("mine\n", command.read_file(directory .. "/mine/README.md"))
    assert.equal("README.md\nother\nspec\n", shell("ls mine").output)
    shell "rm mine/README.md mine/spec/circle_spec.lua"
    assert.equal(0, init("mine").status) -- what else is there does not matter
    shell "mkdir -p more/README.md && mkfifo more/circle.lua && : >more/.busted"
    assert.equal("fnet init: more has circle.lua, .busted, README.md already; nothing was written\n",
      init("more").errors)
  end)

  it("makes the declarations for editors anew, and those alone", function()
    shell "mkdir -p old/library && printf -- '---@meta fnet\\n-- of a version before' >old/library/fnet.lua"
    local result = init("--library", "old")
    assert.same({ 0, "" }, { result.status, result.errors })
    assert.matches("^old/library: what fnet %S+ has, for editors\n$", result.output)
    assert.equal("library\n", shell("ls -A old").output)
    assert.is_truthy(command.read_file(directory .. "/old/library/fnet.lua"):find("function nn.Dense(", 1, true))
    command.write_file(directory .. "/old/library/fnet.lua", "print 'mine'\n")
    result = init("--library", "old")
    assert.equal("fnet init: old has library/fnet.lua already; nothing was written\n", result.errors)
  end)

  it("says what is wrong with its arguments, and what the system refuses", function()
    shell "echo >file"
    for _, case in ipairs {
      { {}, "which folder? fnet init folder, or fnet init --library folder" },
      { { "" }, "which folder? fnet init folder, or fnet init --library folder" },
      { { "--library" }, "which folder? fnet init folder, or fnet init --library folder" },
      { { "a", "b" }, "expected one folder, got 'b' too: fnet init folder, or fnet init --library folder" },
      { { "--library", "a" }, "a: no such folder; fnet init a makes one" },
      { { "file" }, "file: Not a directory" },
      { { "file/a" }, "file: Not a directory" },
    } do
      local result = init(table.unpack(case[1]))
      assert.same({ 1, "", "fnet init: " .. case[2] .. "\n" }, { result.status, result.output, result.errors })
    end
    assert.matches("unknown option '%-%-libary' %(did you mean '%-%-library'%?%)", init("--libary", "a").errors)
    assert.matches("\n  %-%-library +the declarations for editors alone", init("--help").output)
    assert.equal("bin\nfile\n", shell("ls").output)
  end)

  it("quotes a folder's name where a shell needs it", function()
    assert.is_truthy(init("what's it").output:find([[

  cd 'what'\''s it'
]], 1, true))
  end)
end)

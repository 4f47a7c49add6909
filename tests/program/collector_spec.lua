--- The collector runs to its end wherever it may. In a process of its own, where there is little else to collect.

local command = require "tests.support.command"

local directory
setup(function() directory = command.make_directory() end)
teardown(function() command.remove_directory(directory) end)

local SCRIPT = [[
local body = require "tests.support.collected"[arg[1] ]
local expected = body()
debug.sethook(function() collectgarbage(arg[2]) end, arg[3], 0)
local got = body()
debug.sethook()
io.write(got == expected and "the same" or got)
]]

local HOOKS = {
  ["to its end between any two lines"] = { "collect", "l" },
  ["a step at any call"] = { "step", "cr" },
}

describe("the collector", function()
  for name, body in pairs { ["every operation"] = "every_operation", ["training"] = "training" } do
    for place, hook in pairs(HOOKS) do
      it(("may run %s of %s"):format(place, name), function()
        command.write_file(directory .. "/collector.lua", SCRIPT)
        local line = command.line(command.fnet, { directory .. "/collector.lua", body, table.unpack(hook) })
        local result = command.shell(directory, "cd " .. command.quote(command.directory) .. " && " .. line)
        assert.same({ "the same", "", 0 }, { result.output, result.errors, result.status })
      end)
    end
  end
end)

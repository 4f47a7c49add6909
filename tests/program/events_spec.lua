--- Events of a training where the disk has no room.

local command = require "tests.support.command"

describe("report.events on a full disk", function()
  it("ends the script at the line whose record is not in the file", function()
    local directory = command.make_directory()
    command.write_file(directory .. "/script.lua", [[
local events = require("fnet").report.events "a"
for step = 1, 100 do
  events:scalar("loss", step, 1)
end
]])
    -- No file may grow beyond one block; the signal about it is ignored, so writing fails.
    local result = command.shell(directory, ("trap '' XFSZ; ulimit -f 1; %s script.lua"):format(
      command.quote(command.fnet)))
    command.remove_directory(directory)
    assert.equal(1, result.status)
    local expected = "script.lua:3: scalar: a/events.out.tfevents.000001: File too large"
    assert.is_truthy(result.errors:find(expected, 1, true), result.errors)
  end)
end)

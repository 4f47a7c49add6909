--- Events of a training for TensorBoard, where the disk has no room, and of several processes.

local command = require "tests.support.command"
local mpi = require "tests.support.mpirun"

local FULL = [[
local events = require("fnet").report.events "a"
for step = 1, 100 do
  events:scalar("loss", step, 1)
end
]]

local SHARED = [[
local fnet = require "fnet"
fnet.seed(1)
local x = fnet.rand { 24, 4, 4 }
local set = fnet.data.Dataset { x = x, y = x:mean(3):argmax(2):int() }
local model = fnet.nn.Sequential { fnet.nn.Flatten(), fnet.nn.Dense(16, 4) }
fnet.fit(model, { train = set, valid = set, epochs = 2, batch = 8, shards = 4, loss = fnet.nn.cross_entropy,
  optim = fnet.optim.Adam, callbacks = fnet.report.events(arg[1], { wall_time = 0 }) })
]]

describe("report.events", function()
  local directory
  setup(function()
    directory = command.make_directory()
    command.write_file(directory .. "/full.lua", FULL)
    command.write_file(directory .. "/shared.lua", SHARED)
  end)
  teardown(function() command.remove_directory(directory) end)

  it("ends the script at the line whose record is not in the file, where the disk is full", function()
    -- No file may grow beyond one block; the signal about it is ignored, so writing fails.
    local result = command.shell(directory, ("trap '' XFSZ; ulimit -f 1; %s full.lua"):format(
      command.quote(command.fnet)))
    assert.equal(1, result.status)
    local expected = "full.lua:3: scalar: a/events.out.tfevents.000001: File too large"
    assert.is_truthy(result.errors:find(expected, 1, true), result.errors)
  end)

  for _, kind in ipairs(mpi.kinds) do
    it("are written by the first of several processes, with the bytes of one, " .. kind, function()
      local mpirun = mpi.of(kind)
      if not mpirun then return pending("left out: no fnet for " .. kind .. " here, or no mpirun of it") end
      local alone = command.shell(directory, command.line(command.fnet, { "shared.lua", kind .. "/alone" }))
      assert.same({ 0, "" }, { alone.status, alone.errors })
      local result = mpi.run(directory, mpirun, 3, "shared.lua", kind .. "/several")
      assert.equal(0, result.status, result.errors)
      result = command.shell(directory, ("diff -r %s/alone %s/several"):format(kind, kind))
      assert.same({ 0, "" }, { result.status, result.output })
      result = mpi.run(directory, mpirun, 2, "shared.lua", kind .. "/several")
      assert.is_true(result.status ~= 0)
      assert.is_truthy(result.errors:find("has the events of another run", 1, true), result.errors)
    end)
  end
end)

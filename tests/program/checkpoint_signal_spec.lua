--- Ctrl-C, SIGTERM and SIGHUP while a training with a checkpoint runs: it is saved, then the signal does what it
-- always does.

local command = require "tests.support.command"

local SCRIPT = [[
local fnet = require "fnet"
fnet.seed(1)
local model = fnet.nn.Sequential { fnet.nn.Dense(4, 4) }
local opt = fnet.optim.SGD(model:parameters(), { momentum = 0.9 })
local set = fnet.data.Dataset { x = fnet.rand { 64, 4 }, y = fnet.rand { 64, 4 } }
local checkpoint = assert(fnet.checkpoint("run", { model = model, optim = opt, data = set, resume = true }))
local steps = checkpoint.values.steps or 0
print "ready"
io.stdout:flush()
for _ in checkpoint:epochs(math.maxinteger) do
  for x, y in checkpoint:batches(set, { size = 1 }) do
    local loss = fnet.nn.mse(model(x), y)
    opt:zero_grad()
    loss:backward()
    opt:step()
    checkpoint.values.steps = (checkpoint.values.steps or 0) + 1
  end
  if arg[1] == "once" then break end
end
checkpoint:close()
print(steps, checkpoint.values.steps)
]]

local directory
setup(function()
  directory = command.make_directory()
  command.write_file(directory .. "/train.lua", SCRIPT)
end)
teardown(function() command.remove_directory(directory) end)

local function signal(name)
  return command.shell(directory, ([[
    rm -rf run; mkfifo ready
    %s > ready & victim=$!
    { read line; sleep 0.05; kill -%s $victim; } < ready
    wait $victim; status=$?; rm -f ready; exit $status]]):format(
    "setsid " .. command.hears_interrupts .. command.line(command.fnet, { "train.lua" }), name))
end

local function steps_that_were_saved()
  local output = command.shell(directory, command.line(command.fnet, { "train.lua", "once" })).output
  return tonumber(output:match "^ready\n(%d+)\t")
end

describe("Ctrl-C while training", function()
  it("saves and ends with status 130", function()
    local result = signal "INT"
    assert.equal(130, result.status)
    assert.matches("^[^\n]*train.lua:%d+: checkpoint: saved in run %(epoch %d+, step %d+%); resume = true goes on "
      .. "from there: interrupted\n$", result.errors)
    assert.is_true(steps_that_were_saved() > 0)
  end)

  it("or SIGTERM, saves and ends with status 143", function()
    local result = signal "TERM"
    assert.equal(143, result.status)
    assert.is_true(steps_that_were_saved() > 0)
  end)

  it("or SIGHUP, as when the terminal is closed, saves and ends with status 129", function()
    local result = signal "HUP"
    assert.equal(129, result.status)
    assert.is_true(steps_that_were_saved() > 0)
  end)
end)

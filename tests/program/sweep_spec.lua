--- A sweep whose runs are processes, as a program: Ctrl-C ends all of them and shows what there is; they end with
-- the program that started them; what is left goes on from the store.

local command = require "tests.support.command"

-- The first run ends; the others say that they are at work, and go on for ever: while one of them lives, it holds
-- the descriptor 9.
local SCRIPT = [[
local fnet = require "fnet"
local result = fnet.sweep { jobs = 3, k = { 1, 2, 3, 4, 5 }, store = arg[1], run = function(settings)
  if settings.k == 1 or arg[2] then return settings.k end
  io.write("ready\n")
  while true do fnet.rand({ 100, 100 }):release() end
end }
print(result)
]]

local directory
setup(function()
  directory = command.make_directory()
  command.write_file(directory .. "/sweep.lua", SCRIPT)
end)
teardown(function() command.remove_directory(directory) end)

-- Starts the sweep, does something to it when three runs are at work (the program is $sweep), and waits until no
-- process of it is left.
local function disturb(program, what, arguments)
  return command.shell(directory, ([[
    rm -f ready alive; mkfifo ready alive
    (exec %s%s 9> alive > ready) & sweep=$!
    exec 8< alive
    { read line; read line; read line; %s; cat; } < ready
    wait $sweep; status=$?
    cat <&8 # ends when nobody writes there any more
    exit $status]]):format("setsid " .. command.hears_interrupts, command.line(program, arguments), what))
end

local TABLE = "^k  runs  mean ± sd  compared with the first row\n1  1     1\n2  0     %-\n3  0     %-\n" ..
  "4  0     %-\n5  0     %-\n"

describe("Ctrl-C in a sweep of several processes", function()
  it("ends all of them and shows what there is, whether it reaches them or not", function()
    for _, target in ipairs { "-$sweep", "$sweep" } do
      local result = disturb(command.fnet, "kill -INT " .. target, { "sweep.lua" })
      assert.equal("", result.errors)
      assert.equal(0, result.status)
      assert.matches(TABLE .. "interrupted after 1 of 5 runs\n$", result.output)
    end
  end)
end)

describe("the processes of a sweep", function()
  it("end with a program that is killed, and a second start goes on from its store", function()
    local result = disturb(command.fnet, "kill -KILL $sweep", { "sweep.lua", "store.jsonl" })
    assert.equal(137, result.status)
    result = command.shell(directory, command.line(command.fnet, { "sweep.lua", "store.jsonl", "ends" }))
    assert.matches("^k  runs .*\n5  1     5 .*\nstore.jsonl: runs that are from there: 1\n$", result.output)
    assert.equal("", result.errors)
  end)
end)

describe("the lines of trainings in a sweep of several processes", function()
  it("say which run they belong to", function()
    command.write_file(directory .. "/lines.lua", [[
      local fnet = require "fnet"
      local set = fnet.data.Dataset { x = fnet.ones { 4, 1 }, y = fnet.ones { 4, 1 } }
      fnet.sweep { jobs = 2, seeds = 2, lr = { 0.1, 0.2 }, run = function()
        fnet.fit(fnet.nn.Dense(1, 1), { train = set, loss = fnet.nn.mse, optim = fnet.optim.SGD, epochs = 2,
          callbacks = fnet.report.training() })
        return 1
      end }]])
    local result = command.shell(directory, command.line(command.fnet, { "lines.lua" }))
    local lines = {}
    for line in result.errors:gmatch "[^\n]+" do lines[#lines + 1] = line:match "^(.*)  loss %d.%d+  %d.%d%d s$" end
    table.sort(lines)
    assert.same({
      "lr 0.1  seed 1  epoch 1/2", "lr 0.1  seed 1  epoch 2/2", "lr 0.1  seed 2  epoch 1/2",
      "lr 0.1  seed 2  epoch 2/2", "lr 0.2  seed 1  epoch 1/2", "lr 0.2  seed 1  epoch 2/2",
      "lr 0.2  seed 2  epoch 1/2", "lr 0.2  seed 2  epoch 2/2",
    }, lines)
  end)
end)

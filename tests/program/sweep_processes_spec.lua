--- A sweep whose runs are dealt to the processes that mpirun has started: the table of one process, in all of them,
-- and whatever goes wrong ends as it does there. `make test-long` sets FNET_LONG: each process in turn is killed.

local command = require "tests.support.command"
local mpi = require "tests.support.mpirun"

local long = (os.getenv "FNET_LONG" or "") ~= ""

-- Trainings, whose figures depend on each bit, with runs that fail among them. Each process leaves what it has in
-- the end in a file of its own.
local TRAIN = [[
local fnet = require "fnet"
local nn, optim = fnet.nn, fnet.optim
local jobs, shards = tonumber(arg[1]), tonumber(arg[2])
fnet.seed(1)
local x = fnet.rand { 60, 4 }
local set = fnet.data.Dataset { x = x, y = x:slice(2, 1, 3):argmax(2):int() }
local function options(lr, more)
  return { train = set, loss = nn.cross_entropy, batch = 16, shards = more,
    optim = function(parameters) return optim.SGD(parameters, { lr = lr }) end }
end
local result = fnet.sweep { jobs = jobs, seeds = 3, lr = { 1, 0.1 }, how = { "well", "raises", "killed" },
  run = function(settings)
    local model = nn.Sequential { nn.Dense(4, 5), nn.Dropout(0.1), nn.Dense(5, 3) }
    fnet.fit(model, options(settings.lr, shards))
    if settings.how == "raises" then error("no luck", 0) end
    if settings.how == "killed" then os.execute "kill -9 $PPID" end
    return fnet.evaluate(model, set, { loss = nn.cross_entropy }).loss
  end }
print(result)
for _, row in ipairs(result.rows) do
  local parts = { table.concat(row.failures, " ") }
  for _, figure in ipairs(row.figures) do parts[#parts + 1] = ("%q"):format(figure) end
  print(table.concat(parts, " "))
end
print(fnet.random_state(), math.random())
local file = assert(io.open("end" .. fnet.processes(), "w"))
file:write(tostring(result), result.rows[1].figures[2], " ", fnet.random_state(), " ", math.random())
file:close()
local model = nn.Dense(4, 3)
fnet.fit(model, options(0.1)) -- afterwards all go on as one
print(model:sha256())
]]

-- A sweep for each word, in which that happens, in all processes or in one of them.
local EVENTS = [[
local fnet = require "fnet"
local core = require "fnet.core"
local number = fnet.processes()
os.execute("echo $PPID > process" .. number)
local log = assert(io.open("log" .. number, "w"))
local start, wait, most = core.start_process, core.wait_for_processes, 0
rawset(core, "processors", function() return 9 end)
rawset(core, "wait_for_processes", function(list, seconds)
  most = math.max(most, #list)
  return wait(list, seconds)
end)
for _, event in ipairs(arg) do
  fnet.seed(event == "seed" and number or 1)
  rawset(core, "start_process", start)
  if event == "no processes in 2" and number == 2 then
    rawset(core, "start_process", function() return nil, "fork: refused", 11 end)
  end
  local ok, result = pcall(fnet.sweep, { k = { 1, 2, 3, 4, 5, 6, event == "settings" and number + 7 or 7 },
    store = event:match "^store (.*)", jobs = event == "all" and "all" or nil,
    callback = function(_, row, _, figure, problem)
      io.write("run ", row.settings.k, ": ", tostring(figure or problem), "\n")
      if event == "callback" then error("of the callback", 0) end
    end,
    run = function(settings)
      if event == "first run" and settings.k == 1 then error("of the first run", 0) end
      if event == "leaves" and settings.k == 2 then os.exit(3) end
      if event == "prints" then
        print("said by " .. settings.k)
        io.stderr:write("complaint of ", settings.k, "\n")
        io.write(("x"):rep(200000), settings.k, "\n") -- more than a message is sent at once
      end
      if event == "inside" then return select(2, fnet.processes()) end
      if settings.k > 2 and event ~= "slow" and arg[2] == "slow" then
        local file <close> = assert(io.open("at" .. settings.k, "w"))
        while true do fnet.rand({ 100, 100 }):release() end
      end
      return settings.k
    end })
  log:write(event, ": ", tostring(result), "\n")
  print(result)
end
log:close()
print("at most " .. most)
print "all go on"
]]

local directory
setup(function() directory = command.make_directory() end)
teardown(function() command.remove_directory(directory) end)
before_each(function()
  os.execute(("rm -rf %s/*"):format(command.quote(directory)))
  command.write_file(directory .. "/train.lua", TRAIN)
  command.write_file(directory .. "/events.lua", EVENTS)
end)

local function run_alone(...) return command.shell(directory, command.line(command.fnet, { ... })) end
local function read(name) return command.read_file(directory .. "/" .. name) end

-- The lines in an order of their own, as runs that go on at the same time end in any; long words by their length.
local function sorted(text)
  local lines = {}
  text = text:gsub("x+", function(word) return #word > 9 and #word or nil end)
  for line in text:gmatch "[^\n]+" do lines[#lines + 1] = line end
  table.sort(lines)
  return table.concat(lines, "\n")
end

-- Sends a signal to one of three processes, or to all ("*"), when each has a run that does not end by itself.
local function disturb(mpirun, signal, number, ...)
  return command.shell(directory, ([[
    rm -f at* process*
    %s %s &
    while [ ! -e at3 ] || [ ! -e at4 ] || [ ! -e at5 ]; do sleep 0.01; done
    kill -%s $(cat process%s)
    wait $!]]):format(command.hears_interrupts, mpi.line(mpirun, 3, "events.lua", ...), signal, number))
end

for _, kind in ipairs(mpi.kinds) do
  describe("a sweep in processes of " .. kind, function()
    local mpirun = mpi.of(kind)
    local test = mpirun and it or pending
    local function run(count, ...) return mpi.run(directory, mpirun, count, ...) end

    test("gives the table of one, in all of them, also with jobs and shards", function()
      local expected, expected_end = run_alone("train.lua", "1").output, read "end1"
      assert.matches("killed  1    0     %-  +3 failed\n", expected)
      assert.matches("failed: seed 1: no luck\n", expected, 1, true)
      for count, jobs in pairs { [3] = "2", [5] = "none" } do
        local result = run(count, "train.lua", jobs)
        assert.equal(expected, result.output)
        assert.equal("", result.errors)
        for number = 1, count do assert.equal(expected_end, read("end" .. number)) end
      end
      assert.equal(run_alone("train.lua", "1", "8").output, run(2, "train.lua", "none", "8").output)
    end)

    test("brings to process 1 what the runs say, and how they end", function()
      local expected = run_alone("events.lua", "prints")
      local result = run(3, "events.lua", "prints", "leaves", "inside", "no processes in 2")
      local first, rest = result.output:match "^(.-7  1.-\n)(.*)$"
      assert.equal(sorted(expected.output), sorted(first .. "at most 0\nall go on\n"))
      assert.equal(sorted(expected.errors), sorted(result.errors))
      assert.matches("failed: seed 1: its process ended before it gave a figure, with status 3\n", rest, 1, true)
      assert.matches("\n1  1     1 *\n2  1     1 ", rest)
      assert.matches("\nruns went on one after another in process 2: fork: refused\nat most 1\nall go on\n$", rest)
      for number = 2, 3 do assert.equal(read "log1", read("log" .. number)) end
    end)

    test("works at as many at a time as the processors of a machine have room for", function()
      assert.matches("\nat most 1\n", run(3, "events.lua", "none").output)
      assert.matches("\nat most 3\n", run(3, "events.lua", "all").output)
    end)

    test("raises the same in all of them, after which they go on together", function()
      local result = run(3, "events.lua", "first run", "callback", "store /dev/full", "none")
      assert.matches("\nall go on\n$", result.output)
      assert.matches("^first run: of the first run\ncallback: of the callback\nstore /dev/full: events.lua:%d+: "
        .. "sweep: store: /dev/full: is a device, a pipe or the like; expected an ordinary file\nnone: k ",
        read "log1")
      for number = 2, 3 do assert.equal(read "log1", read("log" .. number)) end
    end)

    test("says where they have not come to the same", function()
      run(2, "events.lua", "settings", "seed")
      local message = "%s: events.lua:%%d+: sweep: process %d has other settings, seeds or random numbers than " ..
        "process %d; all have to make the same, with fnet's random numbers alone, after fnet.seed\n"
      for number = 1, 2 do
        local other = 3 - number
        assert.matches("^" .. message:format("settings", other, number) .. message:format("seed", other, number),
          read("log" .. number))
      end
    end)

    test("ends with a process that is killed, and goes on from the store with any number of them", function()
      for killed = long and 1 or 2, long and 3 or 2 do
        local store = ("store %d.jsonl"):format(killed)
        assert.not_equal(0, disturb(mpirun, "KILL", killed, store, "slow").status)
        assert.matches("\n7  1     7 .*\n%d.jsonl: runs that are from there: 2\n",
          run(killed + 1, "events.lua", store).output)
      end
    end)

    test("ends in all of them when Ctrl-C reaches one or all, with what there is", function()
      for _, reached in ipairs { "1", "2", "*" } do
        local result = disturb(mpirun, "INT", reached, "none", "slow")
        assert.matches("\n2  1     2 .*\n3  0     %-\n.*\ninterrupted after 2 of 7 runs\n", result.output)
        assert.equal(read "log1", read "log2")
      end
    end)
  end)
end

--- Several processes that mpirun has started: the bits of one, the end of all when one fails, and who speaks.
-- What depends on fnet alone is shown with one MPI, what depends on messages and ends with each. `make test-long`
-- sets FNET_LONG: then all counts run with each, and each process in turn is killed 25 times.

local command = require "tests.support.command"
local mpi = require "tests.support.mpirun"

local long = (os.getenv "FNET_LONG" or "") ~= ""

-- What any network needs of shards: a table of rows and one of pictures through fit, a recurrence written out.
local TRAIN = [[
local fnet = require "fnet"
local nn, optim = fnet.nn, fnet.optim
fnet.seed(1)

local x = fnet.rand { 37, 16 }
local set = fnet.data.Dataset { x = x, y = x:slice(2, 1, 3):argmax(2):int() }
local function fit(model, checkpoint)
  local history = fnet.fit(model, { train = set, loss = nn.cross_entropy, optim = optim.Adam, batch = 16,
    epochs = 2, shards = 8, metrics = { "accuracy" }, clip = 0.5, checkpoint = checkpoint })
  print(model:sha256(), history[2].loss, history[2].accuracy, history[2].samples, fnet.random_state())
end
fit(nn.Sequential { nn.Dense(16, 5), nn.Tanh(), nn.Dense(5, 3) })
x = fnet.rand { 74, 8, 8 }
set = fnet.data.Dataset { x = x, y = fnet.concat { set.y, set.y }, transform = { fnet.data.random_shift(1) } }
local model = nn.Sequential { nn.Reshape(8, 8, 1), nn.Conv2D(1, 3, 3), nn.BatchNorm(3), nn.ReLU(), nn.Flatten(),
  nn.Dropout(0.3), nn.Dense(108, 3) }
fit(model)
print(model[3].running_mean)

local cell, last = nn.Dense(7, 4), nn.Dense(4, 3)
local recurrent = nn.Sequential { cell, nn.Dropout(0.1), last }
local opt, shards = optim.SGD(recurrent:parameters()), fnet.shards(recurrent, 8)
for rows = 1, 11, 5 do
  local letters, labels = fnet.randn { rows, 5, 3 }, fnet.rand({ rows }, 1, 4):int()
  opt:zero_grad()
  print(shards:backward(function(part, y)
    local h = fnet.zeros { #part, 4 }
    for t = 1, 5 do h = cell(fnet.concat({ part:select(2, t), h }, 2)):tanh() end
    return nn.cross_entropy(last(h), y), #part
  end, letters, labels))
  opt:step()
end
print(recurrent:sha256())
print(recurrent:save "model.safetensors", fnet.load "model.safetensors" ~= nil)
]]

-- A training to which something happens in step 5, in one process or in all of them.
local EVENT = [[
local fnet = require "fnet"
local event, place, resume = ...
local number = fnet.processes()
if event == "slow" or event == "long" then os.execute("echo $PPID > process" .. number) end
fnet.seed(event == "seed" and number or 1)
print "begins"
local x = fnet.rand { 48, 4 }
local set = fnet.data.Dataset { x = x, y = x:slice(2, 1, 3):argmax(2):int() }
local units = event == "units" and 4000 * number or 8
local model = fnet.nn.Sequential { fnet.nn.Dense(4, units), fnet.nn.Dropout(0.1), fnet.nn.Dense(units, 3) }
local function macro_f1(output, y) return fnet.metrics.confusion(output, y).macro.f1 end
local history = fnet.fit(model, { train = set, loss = fnet.nn.cross_entropy, optim = fnet.optim.Adam, batch = 16,
  epochs = event == "long" and 1e6 or 4, shards = 8, metrics = { f1 = { whole = macro_f1 } },
  checkpoint = place and { place, every = 2, resume = resume ~= nil },
  callbacks = { step = function(run)
    if event == "slow" then os.execute "sleep 0.04" end
    if run.total_steps ~= 5 then return end
    if event == "raise in 2" and number == 2 then error "its own error" end
    if event == "raise" then error "the error of all" end
    if event == "exit in 2" and number == 2 then os.exit(0) end
    if event == "kill 2" and number == 2 then os.execute "kill -9 $PPID" end
    if event == "save" then run.model:save(number .. ".safetensors") end
    if event == "stop in 1" and number == 1 then run:stop "enough" end
  end } })
print(model:sha256(), history[#history].loss, history[#history].f1)
]]

local ALONE = [[
local fnet = require "fnet"
local model = fnet.nn.Sequential { fnet.nn.Dense(4, 3) }
local x, y = fnet.rand { 8, 4 }, fnet.rand({ 8 }, 1, 4):int()
local loss = fnet.nn.cross_entropy
if arg[1] == "fit" then
  fnet.fit(model, { train = fnet.data.Dataset { x = x, y = y }, loss = loss, optim = fnet.optim.SGD })
else
  local opt = fnet.optim.SGD(model:parameters())
  assert(fnet.checkpoint("alone", { model = model, resume = true }))
  loss(model(x), y):backward()
  opt:step()
end
print "trained"
]]

-- One of the processes, whichever is late, does not come to the training.
local EARLY = [[
local fnet = require "fnet"
if not os.execute "mkdir taken 2>/dev/null" then
  if not os.execute "mkdir taken/again 2>/dev/null" then
    if arg[1] == "raise" then error "its own error" end
    os.exit(true)
  end
end
local x = fnet.rand { 8, 4 }
fnet.fit(fnet.nn.Dense(4, 3), { train = fnet.data.Dataset { x = x, y = x:slice(2, 1, 3):argmax(2):int() },
  loss = fnet.nn.cross_entropy, optim = fnet.optim.SGD, shards = 8 })
]]

-- Stock Lua, with which each process speaks for itself: the second one does not come to the training.
local STOCK = [[
local number = tonumber(os.getenv "OMPI_COMM_WORLD_RANK" or os.getenv "PMI_RANK")
local fnet = require "fnet"
if number == 1 and arg[1] == "raise" then error "its own error" end
if number == 1 then os.exit(true) end
fnet.fit(fnet.nn.Dense(4, 3), { train = fnet.data.Dataset { x = fnet.rand { 8, 4 }, y = fnet.ones({ 8 }, "int32") },
  loss = fnet.nn.cross_entropy, optim = fnet.optim.SGD, shards = 8 })
]]

local directory
setup(function()
  directory = command.make_directory()
  for name, text in pairs { stock = STOCK, train = TRAIN, event = EVENT, early = EARLY, alone = ALONE } do
    command.write_file(("%s/%s.lua"):format(directory, name), text)
  end
end)
teardown(function() command.remove_directory(directory) end)

local function run(mpirun, count, ...) return mpi.run(directory, mpirun, count, ...) end

local function run_alone(...) return command.shell(directory, command.line(command.fnet, { ... })) end

local function times(text, part) return select(2, text:gsub(part, "")) end

local COUNTS = { openmpi = { 1, 3, 4 }, mpich = { 2, 5, 8 } }

-- What is said where the processes part.
local PARTED = {
  openmpi = { seed = "process 2 has other weights, random numbers or rows than process 1",
    units = "do not do the same" },
  mpich = { save = "2.safetensors: process 2 would write this file where process 1 writes 1.safetensors",
    units = "do not do the same" },
}
local STOCK_ENDS = {
  openmpi = { "leave", "process 2 has ended while process 1 waits" },
  mpich = { "raise", "its own error" },
}
local COPIES = { openmpi = { fit = "fit" }, mpich = { loop = "SGD" } } -- who says that all would train the same

for _, kind in ipairs(mpi.kinds) do
  describe("processes of " .. kind, function()
    local mpirun = mpi.of(kind)
    local test = mpirun and it or pending

    test("have the bits of one, whatever their number", function()
      local expected = run_alone("train.lua").output
      for _, count in ipairs(long and { 1, 2, 3, 4, 5, 8 } or COUNTS[kind]) do
        assert.equal(expected, run(mpirun, count, "train.lua").output)
      end
    end)

    test("go on from each other's checkpoint", function()
      local expected = run_alone("event.lua", "none").output
      local place = "run-" .. kind
      assert.matches("the error of all", run(mpirun, 2, "event.lua", "raise", place).errors, 1, true)
      assert.equal(expected, run(mpirun, 3, "event.lua", "none", place, "resume").output)
      assert.equal(expected, run_alone("event.lua", "none", place, "resume").output)
    end)

    test("all end when one fails, with its error", function()
      local result = run(mpirun, 3, "event.lua", "raise in 2")
      assert.equal(1, times(result.errors, "fnet, process 2 of 3: event.lua:%d+: its own error"))
      assert.equal(1, times(result.errors, "event.lua:%d+: its own error"))
      assert.equal(1, times(result.output, "begins"))
      result = run(mpirun, 3, "event.lua", "raise")
      assert.equal(1, times(result.errors, "fnet, process 1 of 3: event.lua:%d+: the error of all"))
      assert.equal(1, times(result.errors, "event.lua:%d+: the error of all"))
      local started = os.time()
      assert.not_equal(0, run(mpirun, 3, "event.lua", "kill 2").status)
      result = run(mpirun, 2, "event.lua", "exit in 2")
      assert.matches("process 2 has ended while process 1 waits for it", result.errors, 1, true)
      assert.is_true(os.time() - started < 20)
    end)

    test("all end when one has ended before they do anything together", function()
      for what, message in pairs { raise = "process %d of 3: early.lua:%d+: its own error",
        leave = "process %d has ended while process %d waits for it" } do
        os.execute(("rm -rf %s/taken"):format(command.quote(directory)))
        local started = os.time()
        local result = run(mpirun, 3, "early.lua", what)
        assert.matches("fnet, process %d of 3: ", result.errors)
        assert.matches(message, result.errors)
        assert.not_equal(0, result.status)
        assert.is_true(os.time() - started < 12)
      end
    end)

    local library = command.stock_library()
    local test_stock = library and test or pending
    test_stock("all end with stock Lua, when one ends after it has loaded fnet", function()
      local what, message = table.unpack(STOCK_ENDS[kind])
      local started = os.time()
      local result = command.shell(directory, ("%s timeout -k 1 20 %s -n 2 env %s %s stock.lua %s"):format(
        mpi.environment, mpirun, library, command.lua, what))
      assert.matches(message, result.errors, 1, true)
      assert.not_equal(0, result.status)
      assert.is_true(os.time() - started < 12)
    end)

    test("may be killed at any moment, and go on with any number of them", function()
      local expected = run_alone("event.lua", "none").output
      math.randomseed(20170825)
      for round = 1, long and 25 or 1 do
        local count, place = 2 + round % 4, ("killed-%s-%d"):format(kind, round)
        local killed, after = 1 + round % count, math.random(0, 349) / 1000
        local started = os.time()
        local result = command.shell(directory, ([[
          rm -f process*
          %s >/dev/null 2>&1 &
          while [ ! -s process%d ]; do sleep 0.01; done
          sleep %.3f
          kill -9 $(cat process%d)
          wait $!]]):format(mpi.line(mpirun, count, "event.lua", "slow", place, "resume"), killed, after, killed))
        local what = ("round %d: process %d of %d, after %.3f s"):format(round, killed, count, after)
        assert.not_equal(0, result.status, what)
        assert.is_true(os.time() - started < 12, what)
        assert.equal(expected, run(mpirun, math.random(5), "event.lua", "none", place, "resume").output, what)
      end
    end)

    test("all end when Ctrl-C reaches one or all", function()
      for _, reached in ipairs { kind == "mpich" and "1" or "2", "*" } do
        local result = command.shell(directory, ([[
          rm -f process*
          %s %s &
          while [ ! -s process1 ] || [ ! -s process2 ]; do sleep 0.01; done
          sleep 0.2
          kill -INT $(cat process%s)
          wait $!]]):format(command.hears_interrupts, mpi.line(mpirun, 2, "event.lua", "long"), reached))
        assert.matches("process %d of 2: [^\n]*interrupted\n", result.errors)
        assert.not_matches("%x+%s+%d", result.output) -- nothing comes after the training
        assert.not_equal(0, result.status)
      end
    end)

    test("do as process 1 does, and say where they differ", function()
      assert.equal(run_alone("event.lua", "stop in 1").output, run(mpirun, 2, "event.lua", "stop in 1").output)
      for event, message in pairs(PARTED[kind]) do
        assert.matches(message, run(mpirun, 2, "event.lua", event).errors, 1, true)
      end
    end)

    test("do not train the same several times", function()
      for what, name in pairs(COPIES[kind]) do
        local result = run(mpirun, 2, "alone.lua", what)
        assert.equal(1, times(result.errors, name .. ": mpirun has started 2 processes, each of which would train"))
        assert.equal(0, times(result.output, "trained"))
      end
    end)
  end)
end

-- srun --mpi=pmix starts processes of Open MPI by PMIx, as its mpirun does, and tells the size in another variable.
describe("processes that srun has started", function()
  local mpirun = mpi.of "openmpi"
  local test = mpirun and it or pending
  local function srun(...)
    return command.shell(directory, ("%s timeout -k 1 60 %s -n 2 env -u OMPI_COMM_WORLD_RANK " ..
      "-u OMPI_COMM_WORLD_SIZE SLURM_STEP_NUM_TASKS=2 %s"):format(mpi.environment, mpirun,
      command.line(command.fnet, { ... })))
  end

  test("have the bits of one, and the first one speaks", function()
    assert.equal(run_alone("event.lua", "none").output, srun("event.lua", "none").output)
    local result = srun("event.lua", "raise in 2")
    assert.equal(1, times(result.errors, "fnet, process 2 of 2: event.lua:%d+: its own error"))
    assert.equal(1, times(result.output, "begins"))
  end)

  test("do not train the same several times", function()
    assert.matches("fit: srun has started 2 processes, each of which would train the same", srun("alone.lua",
      "fit").errors, 1, true)
  end)

  it("say what is missing", function()
    assert(os.execute(("cp %s %s/program"):format(command.quote(command.fnet), command.quote(directory))))
    local result = command.shell(directory, "SLURM_STEP_NUM_TASKS=2 PMIX_RANK=0 " ..
      command.versioned "LUA_CPATH" .. "=none/x.so ./program alone.lua fit")
    assert.matches("srun has started 2 processes, but fnet has no module for it, fnet/openmpi.so or fnet/mpich.so;",
      result.errors, 1, true)
  end)
end)

describe("fnet launch", function()
  it("wants a number and a script", function()
    local both = "launch: how many processes, and which script?"
    for words, message in pairs { [""] = both, ["-n"] = both, ["4 x.lua"] = both,
      ["-n 2"] = "launch: which script?",
      ["-n 0 x"] = "launch: -n: expected a number of processes, 1 to 4096, got '0':",
      ["-n 1.5 x"] = "got '1.5':", ["-n x.lua"] = "got 'x.lua':" } do
      local result = command.shell(directory, ("%s %s"):format(command.line(command.fnet, { "launch" }), words))
      assert.matches(message .. " fnet launch -n 4 script.lua\n", result.errors, 1, true)
      assert.not_equal(0, result.status)
    end
  end)

  it("says what is missing", function()
    local result = command.shell(directory, command.line(command.fnet, { "launch", "-n", "2", "event.lua" },
      { PATH = directory .. "/none" }))
    local no_mpirun = "launch: there is no mpirun, which starts the processes; it comes with Open MPI and with "
      .. "MPICH (Debian: openmpi-bin libopenmpi-dev, or mpich libmpich-dev); then build fnet again\n"
    assert.matches(no_mpirun, result.errors, 1, true)
    assert.equal(1, result.status)
    assert(os.execute(("cp %s %s/program"):format(command.quote(command.fnet), command.quote(directory))))
    result = command.shell(directory, "OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=0 " ..
      command.versioned "LUA_CPATH" .. "=none/x.so ./program alone.lua fit")
    assert.matches("mpirun of openmpi has started 2 processes, but fnet has no module for it, fnet/openmpi.so",
      result.errors, 1, true)
  end)

  local open_mpi = mpi.of "openmpi"
  local test = open_mpi and it or pending
  test("starts them, also where they are more than the processors", function()
    local result = command.shell(directory, ([[mkdir -p bin && ln -sf "$(command -v %s)" bin/mpirun
      PATH=$PWD/bin:$PATH exec %s timeout -k 1 60 %s]]):format(open_mpi, mpi.as_root,
      command.line(command.fnet, { "launch", "-n", "3", "event.lua", "none" })))
    assert.equal(run_alone("event.lua", "none").output, result.output)
  end)
end)

--- What several processes share besides gradients: evaluation and prediction, metrics over all rows, outputs for
-- callbacks; in trainings of odd sizes, with everything that a training may have. And what they say where one of
-- them does another thing.

local command = require "tests.support.command"
local mpi = require "tests.support.mpirun"

-- Trains and measures in all ways; prints what has to be equal for any number of processes.
local TRAIN = [[
local fnet = require "fnet"
local nn, optim, data = fnet.nn, fnet.optim, fnet.data
fnet.seed(1)

local x = fnet.rand { 37, 6, 6 }
local all = data.Dataset { x = x, y = x:flatten(2):slice(2, 1, 3):argmax(2):int() }
local train, valid = all:slice(1, 27), all:slice(28, 37)
local function macro_f1(output, y) return fnet.metrics.confusion(output, y).macro.f1 end
local function show(...)
  local parts = table.pack(...)
  for i = 1, parts.n do
    if type(parts[i]) == "userdata" then parts[i] = fnet.sha256(parts[i]) end
  end
  print(table.unpack(parts, 1, parts.n))
end

-- A training with everything, of which `more` changes some.
local function fit(more, ...)
  local model = nn.Sequential { nn.Reshape(6, 6, 1), nn.Conv2D(1, 3, 3), nn.BatchNorm(3), nn.ReLU(), nn.Flatten(),
    nn.Dropout(0.2), nn.Dense(48, 3), ... }
  local average = optim.Average(model:parameters(), { decay = 0.9 })
  local outputs = {}
  local options = {
    train = train:with { transform = { data.random_shift(1) } }, valid = valid, epochs = 3, batch = 8,
    loss = function(output, y) return nn.cross_entropy(output, y, { weights = { 1, 0.2, 3 }, ignore = 9 }) end,
    optim = optim.AdamW(model:parameters(), { lr = 0.01 }), shards = 8, metrics = { "accuracy",
      f1 = { whole = macro_f1 } }, clip = 0.5, schedule = optim.schedule.plateau { patience = 1 },
    early_stopping = { patience = 2, monitor = "valid_f1", goal = "max" },
    callbacks = { outputs = true, step = function(run)
      average:update()
      outputs[#outputs + 1] = fnet.sha256(run.output) .. #run.output
    end } }
  for key, value in pairs(more) do options[key] = value end
  local history = fnet.fit(model, options)
  for _, record in ipairs(history) do
    show(record.loss, record.accuracy, record.f1, record.lr)
    show(record.valid_loss, record.valid_accuracy, record.valid_f1)
  end
  show(model:sha256(), history.best, fnet.sha256(table.unpack(average.averages)), fnet.random_state())
  show(table.concat(outputs, " "))
  return model
end

local model = fit {}
fit { batch = 1, epochs = 1 }
fit({ batch = 40, loss = nn.mse, metrics = { f1 = function() return 1 end }, train = train:with { transform =
  { data.random_shift(1), data.mix_up(0.2, { classes = 3 }) }, random = true }, valid = valid:with { transform =
  function(a, b) return a, b:reshape { #b, 1 }:eq(fnet.tensor { { 1, 2, 3 } }):float() end,
  random = false } }, nn.Softmax())
fit { train = all:slice(1, 2), epochs = 2 } -- fewer rows than shards, and than processes
local many = fnet.rand({ 3700 }, 1, 38):int()
fit { valid = all:with { rows = many }, epochs = 1 } -- several batches

for _, size in ipairs { 3, 10, 1000 } do
  local options = { size = size, shared = true }
  local result = nn.evaluate(model, all, options)
  show(result, result.classes[2].correct, result.low)
  show(fnet.evaluate(model, all, { size = size, shared = true, loss = nn.cross_entropy, metrics = { "accuracy",
    f1 = { whole = macro_f1 } } }))
  show(fnet.predict(model, all, options), fnet.predict(model, x, options))
  options.classes = { "a", "b", "c" }
  local labels, names = fnet.predict_classes(model, all, options)
  show(labels, table.concat(names))
  show(result.loss == nn.evaluate(model, all, { size = size }).loss)
end

local Two = nn.module "Two"
function Two:init() self.a = nn.Dense(36, 2) end
function Two:forward(t) return { self.a(t:flatten(2)), t:flatten(2):int() } end
for _, output in ipairs(fnet.predict(Two(), all, { size = 7, shared = true })) do show(output) end
local Named = nn.module "Named"
function Named:init() self.a = nn.Dense(36, 2) end
function Named:forward(t) return { z = self.a(t.x:flatten(2)), a = t.x:flatten(2):int() } end
local named = fnet.predict(Named(), data.Dataset { x = { x = all.x }, y = all.y }, { size = 7, shared = true })
show(named.z, named.a)
local noisy = nn.Lambda(function(t) return t:flatten(2) + fnet.rand { #t, 36 } end)
show(fnet.predict(noisy, all, { size = 5, shared = true }), fnet.random_state())
]]

-- One process does another thing than the others.
local PARTED = [[
local fnet = require "fnet"
local nn = fnet.nn
local number = fnet.processes()
local what = ...
fnet.seed(what == "model" and number or 1)
local x = fnet.rand { 20, 4 }
local model = nn.Sequential { nn.Dense(4, 3) }
local set = fnet.data.Dataset { x = x, y = x:slice(2, 1, 3):argmax(2):int() }
local function evaluate() return nn.evaluate(model, set, { size = 4, shared = true }) end
if what == "data" then
  set = set:slice(1, 10 + number)
  evaluate()
elseif what == "one" then
  if number == 1 then print(evaluate()) end
  fnet.fit(model, { train = set, loss = nn.cross_entropy, optim = fnet.optim.SGD, shards = 4 })
elseif what == "end" then
  if number == 2 then evaluate() end
elseif what == "own" then
  if number == 2 then model.forward = function() error "no such answer" end end
  evaluate()
elseif what == "alone" then -- without `shared` each may evaluate when it likes, and train what it likes
  fnet.seed(number)
  local history = fnet.fit(nn.Dense(4, 3), { train = set, loss = nn.cross_entropy, optim = fnet.optim.SGD,
    epochs = 2 + 3 * number, callbacks = { epoch_end = function(run)
      if run.epoch == 6 - number then run:stop("by " .. number) end
    end } })
  if number == 2 then nn.evaluate(model, set) end
  local file <close> = io.open("alone" .. number, "w")
  file:write(#history, " ", history.stopped)
elseif what == "output" then
  fnet.fit(model, { train = set, loss = nn.cross_entropy, optim = fnet.optim.SGD, shards = 4,
    callbacks = { step = function(run) return run.output end } })
elseif what == "callback" then -- of process 2 alone
  fnet.fit(model, { train = set, loss = nn.cross_entropy, optim = fnet.optim.SGD, shards = 4,
    callbacks = number == 2 and { outputs = true, step = function(run) assert(#run.output == #run.x) end } or nil })
  print(model:sha256())
else
  evaluate()
end
]]

local directory
setup(function()
  directory = command.make_directory()
  command.write_file(directory .. "/train.lua", TRAIN)
  command.write_file(directory .. "/parted.lua", PARTED)
end)
teardown(function() command.remove_directory(directory) end)

local function run_alone(...) return command.shell(directory, command.line(command.fnet, { ... })) end

it("a callback that reads the output of shards asks for it", function()
  assert.matches("parted.lua:%d+: run.output: with shards it is kept only on request: callbacks = { outputs = " ..
    "true, step = f }", run_alone("parted.lua", "output").errors)
end)

local CASES = {
  mpich = {
    model = "evaluate: process 2 has another model, or other weights, than process 1; what is shared",
    own = "process 2 of 2: parted.lua:19: no such answer",
    one = "processes: process 2 is in fit while process 1 is in evaluate; all have to take the same steps",
  },
  openmpi = {
    data = "evaluate: process 2 has other data than process 1",
    ["end"] = "process 1 has ended while process 2 waits for it",
  },
}

for kind, counts in pairs { mpich = { 3, 8 }, openmpi = { 2, 5 } } do
  describe("sharing among processes of " .. kind, function()
    local mpirun = mpi.of(kind)
    local test = mpirun and it or pending
    local function run(...) return mpi.run(directory, mpirun, ...) end

    test("gives the bits of one", function()
      local alone = run_alone("train.lua")
      assert.equal("", alone.errors)
      for _, count in ipairs(counts) do
        local result = run(count, "train.lua")
        assert.equal("", result.errors)
        assert.equal(alone.output, result.output)
      end
    end)

    test("says where they differ, and none waits for ever", function()
      for what, message in pairs(CASES[kind]) do
        local result = run(2, "parted.lua", what)
        assert.not_equal(0, result.status, what)
        assert.matches(message, result.errors, 1, true)
      end
    end)

    test("leaves alone what each does by itself", function()
      assert.equal("", run(3, "parted.lua", "alone").errors)
      for number, expected in ipairs { "5 by 1", "4 by 2", "3 by 3" } do
        assert.equal(expected, command.read_file(directory .. "/alone" .. number))
      end
    end)

    test("gives a callback of one process what it asks for", function()
      local result = run(2, "parted.lua", "callback")
      assert.equal("", result.errors)
      assert.equal(run_alone("parted.lua", "callback").output, result.output)
    end)
  end)
end

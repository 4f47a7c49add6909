--- Training: epochs of the lesson's network over the real pictures, by the loop of examples/fashion.lua,
-- against the time that their multiply-adds need at least; what a second thread brings; what a step costs
-- beside its arithmetic; memory that a step takes anew.

local fnet = require "fnet"
local machine = require "tests.bench.machine"

local nn, optim, data = fnet.nn, fnet.optim, fnet.data

local training = {}

local PIXELS, HIDDEN, CLASSES = 784, 128, 10

--- Operations of one step in the products of the forward pass and of the backward pass (a multiply-add is
--- two).
---@param pictures integer
---@return number forward, number backward
function training.operations(pictures)
  local first, second = 2 * PIXELS * HIDDEN, 2 * HIDDEN * CLASSES
  return pictures * (first + second), pictures * (first + 2 * second)
end

local function network(pixels, hidden)
  local model = nn.Sequential {
    nn.Flatten(),
    nn.Dense(pixels, hidden), nn.ReLU(),
    nn.Dense(hidden, CLASSES), nn.Softmax(),
  }
  return { model = model, opt = optim.Adam(model:parameters(), { lr = 1e-3 }) }
end

--- A new network of the lesson with its optimiser.
---@return {model: nn.Sequential, opt: optim.Optimizer}
function training.lesson() return network(PIXELS, HIDDEN) end

--- The same layers and as many pictures, but so small that almost no arithmetic is left: pictures of 32
-- pixels and 32 hidden units, the smallest at which batches of 32 still take their memory from the pool, as
-- real ones do. A step of it is Lua, bindings, tape, allocation and collection, plus some arithmetic.
---@param train data.Dataset lends its labels
---@return {model: nn.Sequential, opt: optim.Optimizer}, data.Dataset
function training.miniature(train)
  local pictures = fnet.zeros({ #train, 4, 8 }, "uint8")
  return network(32, 32), data.Dataset { x = pictures, y = train.y, scale = 1 / 255 }
end

--- One epoch, by the loop of examples/fashion.lua.
---@param train data.Dataset
---@param learner table model, opt
---@param batch integer
---@return number seconds, number loss
function training.epoch(train, learner, batch)
  local model, opt, progress = learner.model, learner.opt, function() end
  local started, seen, total_loss, correct = fnet.clock(), 0, 0, 0
  local step = 0
  for x, y in train:batches { size = batch, shuffle = true } do
    local output = model(x)
    local loss = nn.cross_entropy(output, y)
    opt:zero_grad()
    loss:backward()
    opt:step()

    step = step + 1
    seen = seen + #y
    total_loss = total_loss + loss:item() * #y
    correct = correct + nn.correct(output, y)
    progress(step, "")
  end
  return fnet.clock() - started, total_loss / seen
end

-- What is measured: every batch size with 1 and 2 threads and every instruction set that has a bar; with more
-- processors, the curve at 256 and 1024.
local function cases(isas, available)
  local list = {}
  for _, isa in ipairs(isas) do
    for _, threads in ipairs { 1, 2, 4, 8, 16 } do
      for _, batch in ipairs { 32, 64, 256, 1024 } do
        if threads <= available and (threads <= 2 or batch >= 256) then
          list[#list + 1] = { isa = isa, threads = threads, batch = batch, seconds = {}, limits = {} }
        end
      end
    end
  end
  return list
end

local function bar_of(case)
  if case.threads > 2 then return nil end
  if case.batch == 32 then return case.threads == 1 and 1.8 or 2.2 end
  return case.batch == 64 and 1.8 or 1.4
end

local function find(list, isa, threads, batch)
  for _, case in ipairs(list) do
    if case.isa == isa and case.threads == threads and case.batch == batch then return case end
  end
end

local function quotients(a, b)
  local list = {}
  for i, value in ipairs(a) do list[i] = value / b[i] end
  return list
end

local SPEED_UP = { [32] = 1.6, [256] = 1.8 }

local function add_speed_ups(figures, list)
  for _, case in ipairs(list) do
    local alone = find(list, case.isa, 1, case.batch)
    if case.threads > 1 then
      figures:add {
        section = "threads: speed of an epoch against one thread", name = "batch " .. case.batch,
        unit = "times", values = quotients(alone.seconds, case.seconds), at_least = true,
        bar = case.threads == 2 and SPEED_UP[case.batch] or nil, isa = case.isa, threads = case.threads,
      }
    end
  end
end

-- How much of a step at batch 32 is not arithmetic: the part of the miniature's step that does not grow with
-- its pictures, which is twice its step with 32 less its step with 64. `small` and `double` hold the seconds of
-- a step, run by run.
local function add_overhead(figures, small, double, list, isa, steps)
  local section = "a step at batch 32 without its arithmetic"
  local whole, constant = {}, {}
  for i, seconds in ipairs(small) do
    whole[i], constant[i] = 1e6 * seconds, 1e6 * (2 * seconds - double[i])
  end
  figures:add { section = section, name = "a miniature network's step", unit = "us", values = whole, isa = isa,
    threads = 1 }
  figures:add { section = section, name = "Lua, tape, allocation, collection", unit = "us", values = constant,
    isa = isa, threads = 1 }
  for threads = 1, 2 do
    local case = find(list, isa, threads, 32)
    if case then
      local percent = {}
      for i, share in ipairs(quotients(constant, case.seconds)) do percent[i] = 1e-4 * share * steps end
      figures:add { section = section, name = "their share of the step", unit = "%", values = percent,
        bar = 10, isa = isa, threads = threads }
    end
  end
end

-- Memory that steps take anew once they are under way: with the collector stopped, nothing returns to Lua,
-- and every buffer that does not come from the library's own pool shows. The smallest large buffer of the
-- step is that of the hidden layer.
local function add_allocation(figures, runs, train, isa)
  for _, batch in ipairs { 32, 256 } do
    local learner, values = training.lesson(), {}
    local part = train:slice(1, 50 * batch)
    training.epoch(part, learner, batch)
    for run = 1, runs do
      collectgarbage()
      collectgarbage "stop"
      local before = collectgarbage "count"
      training.epoch(part, learner, batch)
      values[run] = (collectgarbage "count" - before) / 50
      collectgarbage "restart"
    end
    figures:add { section = "memory that a step takes anew (bar: the smallest large buffer)",
      name = "batch " .. batch, unit = "KiB", values = values, bar = batch * HIDDEN * 4 / 1024, isa = isa,
      threads = fnet.threads() }
  end
end

--- Measures and adds the figures.
---@param figures bench.Figures
---@param options {runs: integer, isas: string[], train: data.Dataset} isas: fastest first
function training.measure(figures, options)
  local train, runs, fastest, available = options.train, options.runs, options.isas[1], fnet.threads()
  local list, small, double = cases(options.isas, available), {}, {}
  local miniature, miniature_data = training.miniature(train)
  local warm_up = train:slice(1, math.min(#train, 6400))
  for _, case in ipairs(list) do
    fnet.isa(case.isa)
    fnet.threads(case.threads)
    case.learner = training.lesson()
    training.epoch(warm_up, case.learner, case.batch)
  end

  local forward, backward = training.operations(#train)
  for run = 1, runs do
    for _, case in ipairs(list) do
      fnet.isa(case.isa)
      fnet.threads(case.threads)
      case.limits[run] = (forward + backward) / machine.multiply_adds(case.isa, case.threads)
      local loss
      case.seconds[run], loss = training.epoch(train, case.learner, case.batch)
      if loss ~= loss then error("benchmark: the training diverged", 0) end
    end
    fnet.isa(fastest)
    fnet.threads(1)
    small[run], double[run] = math.huge, math.huge
    for _ = 1, 3 do -- the best of three: in a difference of two a disturbance counts twice
      small[run] = math.min(small[run], training.epoch(miniature_data, miniature, 32) / train:batch_count(32))
      double[run] = math.min(double[run], training.epoch(miniature_data, miniature, 64) / train:batch_count(64))
    end
  end

  for _, case in ipairs(list) do
    figures:add { section = "an epoch, against its multiply-adds", name = "batch " .. case.batch, unit = "s",
      values = case.seconds, limits = case.limits, bar = bar_of(case), isa = case.isa,
      threads = case.threads }
  end
  add_speed_ups(figures, list)
  add_overhead(figures, small, double, list, fastest, train:batch_count(32))
  fnet.isa(fastest)
  fnet.threads(available)
  add_allocation(figures, runs, train, fastest)
end

return training

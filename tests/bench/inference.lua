--- Inference from Lua: one picture a call, and 10,000 pictures as one call, against their limits.

local fnet = require "fnet"
local machine = require "tests.bench.machine"
local training = require "tests.bench.training"

local inference = {}

local WEIGHTS_KIBIBYTES = 4 * (784 * 128 + 128 + 128 * 10 + 10) // 1024

--- The test pictures as one float tensor.
---@param test data.Dataset
---@return tensor # [#test, 28, 28]
function inference.pictures(test)
  local next_batch = test:batches { size = #test }
  local x = next_batch()
  return x:clone()
end

--- Seconds of one call with one picture: each call another of 32 pictures.
---@param model nn.Sequential
---@param pictures tensor # [count, 28, 28]
---@param calls integer a multiple of 32
---@return number seconds
function inference.single(model, pictures, calls)
  local list = {}
  for i = 1, 32 do list[i] = pictures[i] end
  return fnet.no_grad(function()
    local started = fnet.clock()
    for _ = 1, calls // 32 do
      for i = 1, 32 do model(list[i]) end
    end
    return fnet.clock() - started
  end) / calls
end

--- Seconds of one call with all pictures, the mean of `calls`.
---@param model nn.Sequential
---@param pictures tensor
---@param calls integer
---@return number seconds
function inference.batch(model, pictures, calls)
  return fnet.no_grad(function()
    local started = fnet.clock()
    for _ = 1, calls do model(pictures) end
    return fnet.clock() - started
  end) / calls
end

--- Measures and adds the figures.
---@param figures bench.Figures
---@param options {runs: integer, isas: string[], test: data.Dataset}
function inference.measure(figures, options)
  local lesson, available = training.lesson(), fnet.threads()
  training.epoch(options.test:slice(1, 32), lesson, 32) -- calls before an optimiser's first step are watched
  local pictures, model = inference.pictures(options.test), lesson.model
  local operations = training.operations(#options.test)
  for _, isa in ipairs(options.isas) do
    fnet.isa(isa)
    for _, threads in ipairs { 1, available > 1 and available or nil } do
      fnet.threads(threads)
      local single, reading, batch, multiplying = {}, {}, {}, {}
      inference.single(model, pictures, 3200)
      inference.batch(model, pictures, 3)
      for run = 1, options.runs do
        reading[run] = 1e6 * WEIGHTS_KIBIBYTES * 1024 / machine.bandwidth("read", isa, 1, WEIGHTS_KIBIBYTES)
        single[run] = 1e6 * inference.single(model, pictures, 6400)
        multiplying[run] = 1e3 * operations / machine.multiply_adds(isa, threads)
        batch[run] = 1e3 * inference.batch(model, pictures, 10)
      end
      figures:add { section = "inference: one picture, against reading the weights from cache",
        name = "one picture", unit = "us", values = single, isa = isa, threads = threads,
        limits = reading, bar = 3, bar_on_value = true }
      figures:add { section = "inference: 10,000 pictures as one call", name = "10,000 pictures", unit = "ms",
        values = batch, limits = multiplying, bar = 1.3, isa = isa, threads = threads }
    end
  end
  fnet.isa(options.isas[1])
  fnet.threads(available)
end

return inference

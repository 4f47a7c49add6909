--- `fnet check script.lua`: runs the script as it is until it has taken some training steps, reports on the model
-- that the loss came from, on the batch and on the time, and ends the process. Used by the `fnet` command only.
-- Invariant: a step is what leads to a call of backward; so loops written out and fnet.fit are seen alike, and
-- nothing that the script does after the last of those steps happens.

local closing = require "fnet.base.closing"
local core = require "fnet.core"
local inspect = require "fnet.inspect"
local live = require "fnet.report.live"
local observer = require "fnet.base.observer"
local outside = require "fnet.nn.outside"
local trace = require "fnet.inspect.trace"
local try = require "fnet.base.try"

local WARM_UP = 3 -- steps that are not timed: memory is taken for the first time
local STEPS = 20 -- steps that are timed
local SECONDS = 10 -- fewer where they take longer than this

local function say(...) print(string.format(...)) end

-- The bytes of what the optimisers remember.
local function optimiser_bytes(watch)
  local bytes = 0
  for _, optimiser in ipairs(watch.optimisers) do
    for _, value in pairs(optimiser:state()) do
      if core.is_tensor(value) then bytes = bytes + inspect.bytes_of(value) end
    end
  end
  return bytes
end

-- Says what the model is; whether nothing is wrong with it.
local function report_model(watch)
  if not watch.model then
    print "model: none was called; the loss comes from tensors alone"
    return true
  end
  local ok, result = try(inspect.inspect, watch.model, watch.arguments)
  if not ok then
    say("model: %s cannot be followed outside the training: %s", watch.model.class_name, result)
    return false
  end
  result.seconds = nil -- the time of whole steps is told below
  result.outside = result.outside or outside.sentence(outside.unsettled(watch.strays))
  print(result)
  return result.gradients and not result.outside
end

-- Says all that is known; whether nothing is wrong.
local function report(watch)
  live.erase()
  local right = report_model(watch)
  local bytes = optimiser_bytes(watch)
  if bytes > 0 then say("optimiser: remembers %s", inspect.byte_text(bytes)) end
  if watch.loss then say("first loss: %.4f", watch.loss) end
  table.sort(watch.times)
  local epoch, step = watch.epoch_in_use, watch.times[#watch.times // 2 + 1]
  if step then
    say("time: %s a step, the median of %d%s", inspect.time_text(step), #watch.times,
      epoch and (", so about %s for an epoch of %d steps (%d samples, %d a batch)"):format(
        inspect.time_text(step * epoch.steps), epoch.steps, epoch.samples, epoch.size) or "")
  end
  return right
end

-- What the script has shown so far, and the functions through which it does.
local function new_watch()
  local watch = { calls = 0, times = {}, depth = 0, optimisers = {}, strays = {} }
  local leave = closing(function() watch.depth = watch.depth - 1 end)
  local watcher = outside.watcher()
  local note = watcher.run

  -- The model is the outermost layer: with the most parameters, where there are several.
  local function run(layer, ...)
    watch.depth = watch.depth + 1
    local outermost <const>, _ <close> = watch.depth == 1, leave
    local results = table.pack((watch.calls == 0 and note or layer.forward)(layer, ...))
    local y = results[1]
    if outermost and core.is_tensor(y) and y.requires_grad then
      local count = layer:count()
      if not watch.model or count >= watch.count then
        if watch.calls == 0 or watch.model ~= layer then watch.arguments = trace.keep(...) end
        watch.model, watch.count = layer, count
      end
    end
    return table.unpack(results, 1, results.n)
  end

  -- Counts and times the steps, and ends the process after the last.
  local function backward(loss)
    local now = core.clock()
    watch.calls = watch.calls + 1
    if watch.calls == 1 then -- before anything changes
      watch.epoch_in_use = watch.epoch
      watch.loss = core.is_tensor(loss) and loss:count() == 1 and loss:item() or nil
      watch.strays = watcher.notes:strays(loss)
    end
    if watch.calls > WARM_UP + 1 then table.insert(watch.times, now - watch.last) end
    watch.last, watch.started = now, watch.started or now
    if #watch.times >= STEPS or now - watch.started > SECONDS and #watch.times > 0 then
      os.exit(report(watch), true)
    end
  end

  return watch, {
    run = run, backward = backward, here = true,
    optimiser = function(made) table.insert(watch.optimisers, made) end,
    batches = function(dataset, size, count)
      watch.epoch = { samples = #dataset, size = size, steps = count }
    end,
  }
end

-- Makes of the command's `arg` the script's, whose name is at 0.
local function move_down(arguments)
  local first, last = 0, #arguments
  while arguments[first - 1] do first = first - 1 end
  table.move(arguments, first, last, first - 1)
  arguments[last] = nil
end

--- Runs a script with everything watched. Ends the process, with status 0 where all gradients are right, or returns
--- why there was nothing to report. Raises what the script raises.
---@param arguments string[] `arg`: the script's path and its own arguments
---@return boolean succeeded false
---@return string? message
return function(arguments)
  local path = arguments[1]
  if not path then return false, "check: which script? fnet check script.lua" end
  local chunk, message = loadfile(path)
  if not chunk then return false, message end
  move_down(arguments)
  local watch, functions = new_watch()
  local _ <close> = observer.watch(functions)
  chunk(table.unpack(arguments))
  if watch.calls == 0 then
    return false, ("check: %s has ended without a training step: no loss:backward() was called"):format(path)
  end
  return os.exit(report(watch), true)
end

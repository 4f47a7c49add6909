--- `fnet check script.lua`: runs the script as it is until it has taken some training steps, reports on the model
-- that the loss came from, on the batch and on the time, and ends the process. Used by the `fnet` command only.
-- Invariant: a step is what leads to a call of backward; so loops written out and fnet.fit are seen alike, and
-- nothing that the script does after the last of those steps happens.

local core = require "fnet.core"
local interruption = require "fnet.base.interruption"
local model_check = require "fnet.inspect"
local trace = require "fnet.inspect.trace"

local WARM_UP = 3 -- steps that are not timed: memory is taken for the first time
local STEPS = 20 -- steps that are timed
local SECONDS = 10 -- fewer where they take longer than this

-- What the script has shown so far.
local function new_watch()
  return { calls = 0, times = {}, depth = 0, optimisers = {} }
end

-- The model is the outermost module called: with the most parameters, where there are several.
local function watch_class(watch, class)
  local call = rawget(class, "__call")
  rawset(class, "__call", function(self, ...)
    watch.depth = watch.depth + 1
    local results = table.pack(pcall(call, self, ...))
    watch.depth = watch.depth - 1
    if not results[1] then error(results[2], 0) end
    local y = results[2]
    if watch.depth == 0 and core.is_tensor(y) and y.requires_grad and not watch.done then
      local count = self:count()
      if not watch.model or count >= watch.count then
        if watch.calls == 0 or watch.model ~= self then watch.arguments = trace.keep(...) end
        watch.model, watch.count = self, count
      end
    end
    return table.unpack(results, 2, results.n)
  end)
end

local function watch_modules(watch, nn)
  for _, value in next, nn do
    if type(value) == "table" and rawget(value, "is_module") then watch_class(watch, value) end
  end
  local new_class = nn.module
  rawset(nn, "module", function(...)
    local class = new_class(...)
    watch_class(watch, class)
    return class
  end)
end

local function watch_optimisers(watch, optim)
  for name, make in next, optim do
    if type(make) == "function" then
      rawset(optim, name, function(...)
        local made = make(...)
        if type(made) == "table" and made.step then table.insert(watch.optimisers, made) end
        return made
      end)
    end
  end
end

-- The data set whose batches are being used when a step is taken.
local function watch_batches(watch, data)
  local sample = data.Dataset { x = core.full({ 1, 1 }, 0), y = core.full({ 1 }, 0) }
  local class = getmetatable(sample)
  local batches = class.batches
  class.batches = function(self, options)
    local size = options and options.size or 32
    local steps = options and options.drop_last and #self // size or self:batch_count(size)
    watch.epoch = { samples = #self, size = size, steps = steps }
    return batches(self, options)
  end
end

local function say(...) print(string.format(...)) end

-- The bytes of what the optimisers remember.
local function optimiser_bytes(watch)
  local bytes = 0
  for _, optimiser in ipairs(watch.optimisers) do
    for _, value in pairs(optimiser.state and optimiser:state() or {}) do
      if core.is_tensor(value) then bytes = bytes + model_check.bytes_of(value) end
    end
  end
  return bytes
end

-- What is known before the first step changes anything: the first loss.
local function first_step(watch, loss)
  watch.epoch_in_use = watch.epoch
  watch.loss = core.is_tensor(loss) and loss:count() == 1 and loss:item() or nil
end

-- Says what the model is; whether nothing is wrong with it.
local function report_model(watch)
  if not watch.model then
    print "model: none was called; the loss comes from tensors alone"
    return true
  end
  local ok, result = interruption.pass(pcall(model_check.check_call, watch.model, watch.arguments))
  if not ok then
    say("model: %s cannot be followed outside the training: %s", watch.model.class_name, result)
    return false
  end
  -- The time of whole steps is told below.
  print((tostring(result):gsub("\ntime: [^\n]*", "")))
  return result.gradients
end

-- Says all that is known; whether nothing is wrong.
local function report(watch)
  watch.done = true
  if core.terminal(2) then io.stderr:write "\r\27[K" end -- where a progress line may be
  local right = report_model(watch)
  local bytes = optimiser_bytes(watch)
  if bytes > 0 then say("optimiser: remembers %s", model_check.byte_text(bytes)) end
  if watch.loss then say("first loss: %.4f", watch.loss) end
  table.sort(watch.times)
  local epoch, step = watch.epoch_in_use, watch.times[#watch.times // 2 + 1]
  if step then
    local text = ("time: %s a step, the median of %d"):format(model_check.time_text(step), #watch.times)
    if epoch then
      text = text .. (", so about %s for an epoch of %d steps (%d samples, %d a batch)"):format(
        model_check.time_text(step * epoch.steps), epoch.steps, epoch.samples, epoch.size)
    end
    print(text)
  end
  return right
end

-- A check of gradients that the script makes itself is no training.
local function watch_gradcheck(watch, fnet)
  local gradcheck = fnet.gradcheck
  rawset(fnet, "gradcheck", function(...)
    local before = watch.done
    local _ <close> = setmetatable({}, { __close = function() watch.done = before end })
    watch.done = true
    return gradcheck(...)
  end)
end

-- Counts and times the calls of backward, and ends the process after the last.
local function watch_backward(watch)
  local backward = core.backward
  rawset(core, "backward", function(loss, ...)
    if watch.done then return backward(loss, ...) end
    local now = core.clock()
    watch.calls = watch.calls + 1
    if watch.calls == 1 then first_step(watch, loss) end
    if watch.calls > WARM_UP + 1 then table.insert(watch.times, now - watch.last) end
    watch.last, watch.started = now, watch.started or now
    if #watch.times >= STEPS or now - watch.started > SECONDS and #watch.times > 0 then
      os.exit(report(watch), true)
    end
    return backward(loss, ...)
  end)
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
---@return string message
return function(arguments)
  local path = arguments[1]
  if not path then return false, "check: which script? fnet check script.lua" end
  local fnet = require "fnet"
  local chunk, message = loadfile(path)
  if not chunk then return false, message end
  move_down(arguments)
  local watch = new_watch()
  watch_modules(watch, fnet.nn)
  watch_optimisers(watch, fnet.optim)
  watch_batches(watch, fnet.data)
  watch_gradcheck(watch, fnet)
  watch_backward(watch)
  chunk(table.unpack(arguments))
  if watch.calls == 0 then
    return false, ("check: %s has ended without a training step: no loss:backward() was called"):format(path)
  end
  return os.exit(report(watch), true)
end

--- Loop: the epochs of fit, and the run that they belong to. Invariant: it does what the loop that a script would
-- write does, in the same order and with the same random numbers, so the weights are the same to the last bit; what
-- it adds only looks.

local say = require "fnet.base.say"
local core = require "fnet.core"
local expect = require "fnet.base.expect"
local evaluate = require("fnet.measure.evaluate").evaluate
local interruption = require "fnet.base.interruption"
local check_labels = require "fnet.measure.labels"
local collect = require "fnet.measure.collect"
local gather_rows = require "fnet.base.gather_rows"
local meter = require "fnet.measure.meter"
local feed = require "fnet.nn.feed"
local modes = require "fnet.nn.modes"
local nonfinite = require "fnet.inspect.nonfinite"
local outside = require "fnet.nn.outside"
local own_step = require "fnet.train.own_step"
local processes = require "fnet.base.processes"
local progress = require "fnet.base.progress"
local rows_of = require "fnet.data.rows"
local try = require "fnet.base.try"

-- The weights that gave a finite loss are kept once in so many steps: a copy costs about a third of a step.
local KEEP = 64

--- What `fnet.fit` calls, by event; all may be left out.
---@class fnet.Callbacks
---@field start? fun(run: fnet.Run) before the first epoch
---@field epoch_start? fun(run: fnet.Run)
---@field step? fun(run: fnet.Run) after each step
---@field epoch_end? fun(run: fnet.Run) when the epoch has been evaluated: run.record has its figures
---@field finish? fun(run: fnet.Run)
---@field outputs? boolean with shards, true brings those of all together for run.output

---@class fnet.Run
---@field model nn.Module
---@field optim table the optimiser, or those by name that a step function of your own has
---@field history fnet.History the records of the epochs so far
---@field epochs integer
---@field epoch integer the current one, 0 before the first
---@field step integer steps done in this epoch
---@field steps integer? steps of an epoch, where the data set tells
---@field total_steps integer steps done in all
---@field random integer[] seed and stream of the random numbers before this epoch's shuffle (fnet.random_state)
---@field loss number? that of the latest step
---@field x tensor|tensor[]|nil the latest batch, its targets and what the model gave; only during the callback
---@field y tensor|tensor[]|nil
---@field output tensor|tensor[]|nil with shards only where a callback asks for it, callbacks = { outputs = true,
--- step = f }
---@field record table? the figures of the epoch, during epoch_end
---@field checkpoint fnet.Checkpoint of no directory where the option is not given
local Run = {}

-- With shards the outputs are kept only where they are wanted; a callback that takes nil for them would do
-- nonsense.
function Run:__index(key)
  if key == "output" and rawget(self, "x") then
    core.raise("run.output: with shards it is kept only on request: callbacks = { outputs = true, step = f }; " ..
      "a step function of your own has it to itself")
  end
  return Run[key]
end

--- Ends the training after this step.
---@param reason? string for the history
function Run:stop(reason)
  expect.method("stop", self)
  self.stop_reason = reason or ("stopped by a callback in epoch %d"):format(self.epoch)
end

-- Calls the functions of an event.
local function tell(run, plan, event)
  for _, f in ipairs(plan.callbacks[event]) do f(run) end
  if rawget(run, "stop") ~= nil or rawget(run, "stop_training") ~= nil then
    core.raise "fit: callbacks: run:stop() ends the training, a field does not"
  end
end

-- Whether to stop is process 1's word where several train together.
local function agree(run, plan)
  if plan.shards then run.stop_reason = processes.same(run.stop_reason) end
end

-- What the callbacks of one process want, all give it.
local function join_wishes(plan)
  local has_steps, wants_outputs = #plan.callbacks.step > 0, plan.callbacks.wants_outputs
  local packed = processes.pack(has_steps, wants_outputs)
  for _, text in ipairs(plan.shards and processes.gather("fit", packed) or {}) do
    local other_has_steps, other_wants = processes.unpack(text)
    has_steps, wants_outputs = has_steps or other_has_steps, wants_outputs or other_wants
  end
  plan.has_steps, plan.wants_outputs = has_steps, wants_outputs
end

-- Something is not finite: raises, after good weights are back.
local function raise_nonfinite(run, plan, step, what)
  local last_good, kept = plan.last_good, "the model has the weights again that it began with"
  last_good:restore()
  if last_good.step then
    kept = ("the model has the weights from before step %d of epoch %d again, the last ones kept whose loss was " ..
      "finite"):format(last_good.step, last_good.epoch)
  end
  core.raise("fit: epoch %d, step %d: %s; %s; a lower learning rate, clipped gradients or scaled data may help",
    run.epoch, step, what, kept)
end

-- The same for a batch whose loss is not finite: finds where that began.
local function raise_loss(run, plan, value, x, y)
  local step, last_good = run.step + 1, plan.last_good
  local in_batch = nonfinite.in_batch(plan.train, x, y)
  if in_batch then
    if #run.model:named_buffers() > 0 then last_good:restore() end -- running statistics have seen the batch
    core.raise("fit: epoch %d, step %d: %s", run.epoch, step, in_batch)
  end
  local origin = nonfinite.origin(run.model, function()
    core.random_state(run.seed, run.stream)
    return plan.loss(feed(run.model, x), y)
  end, function() last_good:restore() end)
  raise_nonfinite(run, plan, step, ("the loss is %s; %s"):format(say.number(value, "%g"), origin))
end

-- The same for the loss of a script's own step, whose way cannot be gone again.
local function raise_own_loss(run, plan, value, x, y)
  raise_nonfinite(run, plan, run.step + 1, nonfinite.in_batch(plan.train, x, y) or
    ("the step function gave a loss of %s"):format(say.number(value, "%g")))
end

-- Before the first step: gradients must reach nothing but the model, what an optimiser has, and the batch.
local function check_leaves(run, plan, loss, x, y)
  if not loss.requires_grad then return end -- backward says what that means
  local problem = outside.find(core.leaves(loss), run.model, { x, y }, function()
    core.random_state(run.seed, run.stream)
    return plan.loss(feed(run.model, x), y)
  end)
  if not problem then return end
  plan.last_good:restore() -- running statistics have seen the batch
  core.raise("fit: %s", problem)
end

-- What the model gives for a batch, or for a shard of one, and its loss, as a tensor and as a number; checked.
local function compute_loss(run, plan, x, y)
  local loss_of = plan.loss
  run.seed, run.stream = core.random_state()
  local output = feed(run.model, x)
  if run.total_steps == 0 then -- before anything is learnt, wherever in the data set they stand
    check_labels("fit: train", plan.train, output, y, loss_of)
    if plan.valid then check_labels("fit: valid", plan.valid, output, y, loss_of) end
  end
  local loss = loss_of(output, y)
  if not core.is_tensor(loss) or run.total_steps == 0 and loss:count() ~= 1 then
    core.raise("fit: loss: must return a tensor with one element, such as the :mean() of many, got " ..
      say.value(loss))
  end
  if run.total_steps == 0 then check_leaves(run, plan, loss, x, y) end
  local value = loss:item()
  if value - value ~= 0 then raise_loss(run, plan, value, x, y) end
  return output, loss, value
end

-- The gradients of a batch; its loss, and what the model gave for it.
local function batch_gradients(run, plan, x, y)
  local output, loss, value = compute_loss(run, plan, x, y)
  run.optim:zero_grad()
  loss:backward()
  return value, output
end

-- The same shard by shard; each is counted in the means. The outputs, of all processes, where somebody wants them.
local function shard_gradients(run, plan, means, x, y)
  run.optim:zero_grad()
  local add_output = (plan.wants_outputs or means:keeps()) and collect("fit", rows_of.count(y))
  local own
  local value, results = plan.shards:step({ n = 2, x, y }, function(part, target)
    local output, loss, number = compute_loss(run, plan, part, target)
    if add_output then own = add_output(output) end
    return loss, means:figures(output, target, number)
  end)
  for _, result in ipairs(results) do
    local figures = result.figures
    figures[2] = result.loss * figures[1]
    means:add_figures(figures)
  end
  if not add_output then return value end
  local output = gather_rows("fit", own)
  means:keep(output, y)
  return value, plan.wants_outputs and output or nil
end

-- A step with one batch; its loss, and what the model gave for it.
local function advance(run, plan, means, x, y)
  local opt, last_good, keeps = run.optim, plan.last_good, run.total_steps % KEEP == 0
  if plan.own_step then
    return own_step.advance(run, plan, means, x, y, keeps, raise_own_loss)
  end
  local value, output
  if plan.shards then value, output = shard_gradients(run, plan, means, x, y)
  else value, output = batch_gradients(run, plan, x, y) end
  if keeps then
    last_good:take()
    last_good.epoch, last_good.step = run.epoch, run.step + 1
  end
  if plan.clip then plan.clip(opt.parameters) end
  opt:step()
  if not plan.shards then means:add(output, y, value) end
  return value, output
end

-- One pass over the training data.
local function train_epoch(run, plan, means)
  local before = plan.own_step and own_step.count_steps(run.optim)
  for x, y in run.checkpoint:batches(plan.train, plan.batch) do
    local value, output = advance(run, plan, means, x, y)
    run.step, run.total_steps = run.step + 1, run.total_steps + 1
    if plan.has_steps then
      run.loss, run.x, run.y, run.output = value, x, y, output
      tell(run, plan, "step")
      agree(run, plan)
      run.x, run.y, run.output = nil, nil, nil
    end
    if run.stop_reason then return end
  end
  if before and before == own_step.count_steps(run.optim) and run.step > 0 then
    core.raise("fit: step: no optimiser has taken a step in epoch %d; zero_grad(), backward() and step() are " ..
      "for the step function to call", run.epoch)
  end
end

-- What the model, as it now is, gives for the other data set. A loss that is not finite ends the training, too.
local function validate(run, plan, record)
  local result = evaluate(run.model, plan.valid, { loss = plan.loss, metrics = plan.metric_option,
    shared = plan.shards ~= nil })
  if result.loss - result.loss ~= 0 then
    core.raise("fit: epoch %d, validation: the loss is %s; %s", run.epoch, say.number(result.loss, "%g"),
      nonfinite.in_dataset(plan.valid, 1000) or
        "the data set's x and y are finite, so it began in the model or in the loss")
  end
  record.valid_loss = result.loss
  for _, metric in ipairs(plan.metrics) do record["valid_" .. metric.name] = result[metric.name] end
end

-- Notes the learning rate of the epoch's last step, and tells a schedule that wants to know how it goes.
local function follow_schedule(run, plan, record)
  local schedule = plan.schedule
  record.lr = run.optim.lr * schedule(run.optim.steps)
  if type(schedule) == "table" and schedule.update then schedule:update(record.valid_loss or record.loss) end
end

-- The epochs, until the last one or until something stops them.
local function all_epochs(run, plan)
  local records = run.history
  plan.last_good:take()
  join_wishes(plan)
  tell(run, plan, "start")
  for epoch in run.checkpoint:epochs(run.epochs) do
    if run.stop_reason then break end
    local means = meter.new("fit", plan.figures or plan.metrics, #plan.train)
    run.epoch, run.step, run.means = epoch, run.checkpoint.step, means
    if run.step > 0 then means:load_state(plan.means) end -- goes on in the middle of an epoch
    run.random = { core.random_state() }
    tell(run, plan, "epoch_start")
    local started = core.clock()
    train_epoch(run, plan, means)
    if means.rows == 0 then
      core.raise("fit: train: the data set gave no batch, so there is nothing to learn from (%s)",
        tostring(plan.train))
    end
    local record = means:fill { epoch = epoch, samples = means.rows, seconds = core.clock() - started }
    local broken = nonfinite.parameters(run.model)
    if #broken > 0 then
      raise_nonfinite(run, plan, run.step, ("afterwards the model's %s is not finite"):format(broken[1]))
    end
    records[#records + 1] = record
    if plan.valid then validate(run, plan, record) end
    if plan.schedule then follow_schedule(run, plan, record) end
    run.record = record
    tell(run, plan, "epoch_end")
    if progress.hear then progress.hear(records:line(record)) end
    local reason = plan.early_stopping and plan.early_stopping:observe(record)
    if reason then run:stop(reason) end
    agree(run, plan)
  end
end

--- Trains, and notes in the history how it ended.
---@param run fnet.Run
---@param plan table what the options of fit mean
---@return fnet.History
local function train(run, plan)
  local ok, message = pcall(modes.with, run.model, true, all_epochs, run, plan)
  run.checkpoint:close() -- before anything that takes memory
  modes.rest(run.model)
  local records, stopping = run.history, plan.early_stopping
  -- Several processes are not interrupted in the same place, and could not go on together.
  local ends_all = interruption.inside > 0 or run.checkpoint.directory or plan.shards and processes.count > 1
  if not ok and (ends_all or not interruption.is(message)) then
    try(tell, run, plan, "finish") -- so that a progress line ends
    error(message, 0)
  end
  if not ok then
    records.interrupted = { epoch = run.epoch, step = run.step, loss = run.means and run.means:mean_loss() }
  end
  records.stopped = run.stop_reason
  if stopping then records.best, records.restored = stopping.epoch, stopping:restore() end
  tell(run, plan, "finish")
  return records
end

return { Run = Run, train = train }

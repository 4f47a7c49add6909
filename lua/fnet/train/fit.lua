--- fit: the training loop. Invariant: it does what the loop that a script would write does, in the same order and
-- with the same random numbers, so the weights are the same to the last bit; what it adds only looks.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"
local early_stopping = require "fnet.train.early_stopping"
local clip_norm = require("fnet.optim.clip").norm
local fit_state = require "fnet.train.fit_state"
local history = require "fnet.train.history"
local interruption = require "fnet.base.interruption"
local labels = require "fnet.measure.labels"
local meter = require "fnet.measure.meter"
local modes = require "fnet.nn.modes"
local nonfinite = require "fnet.inspect.nonfinite"
local open_checkpoint = require "fnet.train.checkpoint"
local snapshot = require "fnet.nn.snapshot"
local evaluate = require("fnet.measure.evaluate").evaluate
local is_module = require("fnet.nn.module").is_module

local OPTIONS = {
  "train", "valid", "loss", "optim", "epochs", "batch", "schedule", "clip", "metrics", "callbacks",
  "early_stopping", "seed", "checkpoint",
}
local EVENTS = { "start", "epoch_start", "step", "epoch_end", "finish" }

-- The weights that gave a finite loss are kept once in so many steps: a copy costs about a third of a step.
local KEEP = 64

---@class fnet.Run
---@field model nn.Module
---@field optim table the optimiser
---@field history fnet.History the records of the epochs so far
---@field epochs integer
---@field epoch integer the current one, 0 before the first
---@field step integer steps done in this epoch
---@field steps integer? steps of an epoch, where the data set tells
---@field total_steps integer steps done in all
---@field random integer[] seed and stream of the random numbers before this epoch's shuffle (fnet.random_state)
---@field loss number? that of the latest step
---@field x tensor? the latest batch, its targets and what the model gave; theirs only during the callback
---@field y tensor?
---@field output tensor?
---@field record table? the figures of the epoch, during epoch_end
local Run = {}
Run.__index = Run

--- Ends the training after this step.
---@param reason? string for the history
function Run:stop(reason) self.stop_reason = reason or ("stopped by a callback in epoch %d"):format(self.epoch) end

-- Calls the functions of an event.
local function tell(run, plan, event)
  for _, f in ipairs(plan.callbacks[event]) do f(run) end
end

-- The functions of each event, in the order given.
local function callback_lists(callbacks)
  local lists = {}
  for _, event in ipairs(EVENTS) do lists[event] = {} end
  if callbacks == nil then return lists end
  if type(callbacks) == "table" and #callbacks == 0 then callbacks = { callbacks } end
  if type(callbacks) ~= "table" then
    core.raise("fit: callbacks: expected a table of functions by event, or a list of those, got " ..
      say.value(callbacks))
  end
  for _, handlers in ipairs(callbacks) do
    expect.options("fit: callbacks", handlers, EVENTS)
    for event, f in pairs(handlers) do
      if not is.callable(f) then
        core.raise(("fit: callbacks: %s: expected a function, got %s"):format(event, say.value(f)))
      end
      table.insert(lists[event], f)
    end
  end
  return lists
end

local function check_dataset(what, value)
  if not is.dataset(value) then
    core.raise(("fit: %s: expected a data set, such as fnet.data.Dataset { x = , y = }, got %s"):format(what,
      say.value(value)))
  end
  return value
end

-- The optimiser, made here where the option is a function such as optim.Adam; it must change the model.
local function optimizer_of(model, value)
  local own = model:parameters()
  if #own == 0 then core.raise("fit: the model has no parameters, so there is nothing to learn") end
  if is.callable(value) then value = value(own) end
  -- A table of names, such as fnet.optim, raises where it is asked for another one.
  local indexed, fits = pcall(function() return value.step and value.zero_grad end)
  if not (indexed and fits) then
    core.raise(("fit: optim: expected an optimiser, such as fnet.optim.Adam(model:parameters()), got %s"):format(
      say.value(value)))
  end
  local owned = {}
  for _, parameter in ipairs(own) do owned[parameter] = true end
  for _, parameter in ipairs(value.parameters or own) do
    if owned[parameter] then return value end
  end
  core.raise("fit: optim: the optimiser has none of the model's parameters; make it from model:parameters() of " ..
    "this model, after model:to()")
end

-- The options for `batches`.
local function batch_options(batch)
  local list = { size = 32, shuffle = true }
  if type(batch) == "table" then
    for key, value in pairs(batch) do list[key] = value end
  elseif batch ~= nil then
    list.size = expect.count("fit: batch", batch, 1)
  end
  return list
end

-- What happens to the gradients before each step: a number is the most for their norm.
local function clip_function(clip)
  if clip == nil or is.callable(clip) then return clip end
  local most = expect.number("fit: clip", clip, 0, math.huge)
  return function(parameters) clip_norm(parameters, most) end
end

-- The optimiser follows the schedule from now on.
local function set_schedule(optimiser, schedule)
  if schedule == nil then return end
  if not is.callable(schedule) then
    core.raise("fit: schedule: expected a function of the step, such as fnet.optim.schedule.constant(), got " ..
       say.value(schedule))
  end
  if not optimiser.steps then core.raise("fit: schedule: the optimiser does not count its steps") end
  optimiser.schedule = schedule
end

local function columns_of(metrics, valid, schedule)
  local columns = {}
  local function add(prefix)
    columns[#columns + 1] = prefix .. "loss"
    for _, metric in ipairs(metrics) do columns[#columns + 1] = prefix .. metric[1] end
  end
  add ""
  if valid then add "valid_" end
  if schedule then columns[#columns + 1] = "lr" end
  columns[#columns + 1] = "seconds"
  return columns
end

-- Something is not finite: raises, after good weights are back.
local function raise_nonfinite(run, plan, step, what)
  local last_good, kept = plan.last_good, "the model has the weights again that it began with"
  last_good:restore()
  if last_good.step then
    kept = ("the model has the weights from before step %d of epoch %d again, the last ones kept whose loss was " ..
      "finite"):format(last_good.step, last_good.epoch)
  end
  core.raise(("fit: epoch %d, step %d: %s; %s; a lower learning rate, clipped gradients or scaled data may help")
    :format(run.epoch, step, what, kept))
end

-- The same for a batch whose loss is not finite: finds where that began.
local function raise_loss(run, plan, value, x, y)
  local step, last_good = run.step + 1, plan.last_good
  local in_batch = nonfinite.in_batch(plan.train, x, y)
  if in_batch then
    if #run.model:named_buffers() > 0 then last_good:restore() end -- running statistics have seen the batch
    core.raise(("fit: epoch %d, step %d: %s"):format(run.epoch, step, in_batch))
  end
  local origin = nonfinite.origin(run.model, function()
    core.random_state(run.seed, run.stream)
    return plan.loss(run.model(x), y)
  end, function() last_good:restore() end)
  raise_nonfinite(run, plan, step, ("the loss is %s; %s"):format(say.number(value, "%g"), origin))
end

-- One pass over the training data.
local function train_epoch(run, plan, means)
  local model, opt, loss_of, last_good = run.model, run.optim, plan.loss, plan.last_good
  local has_callbacks, clip = #plan.callbacks.step > 0, plan.clip
  for x, y in plan.checkpoint:batches(plan.train, plan.batch) do
    run.seed, run.stream = core.random_state()
    local output = model(x)
    if run.total_steps == 0 then -- before anything is learnt, wherever in the data set they stand
      labels.check("fit: train", plan.train, output, y, loss_of)
      if plan.valid then labels.check("fit: valid", plan.valid, output, y, loss_of) end
    end
    local loss = loss_of(output, y)
    if not core.is_tensor(loss) or run.total_steps == 0 and loss:count() ~= 1 then
      core.raise("fit: loss: must return a tensor with one element, such as the :mean() of many, got " ..
        say.value(loss))
    end
    local value = loss:item()
    if value - value ~= 0 then raise_loss(run, plan, value, x, y) end
    opt:zero_grad()
    loss:backward()
    if run.total_steps % KEEP == 0 then
      last_good:take()
      last_good.epoch, last_good.step = run.epoch, run.step + 1
    end
    if clip then clip(opt.parameters) end
    opt:step()

    run.step, run.total_steps = run.step + 1, run.total_steps + 1
    means:add(output, y, value)
    if has_callbacks then
      run.loss, run.x, run.y, run.output = value, x, y, output
      tell(run, plan, "step")
      run.x, run.y, run.output = nil, nil, nil
    end
    if run.stop_reason then return end
  end
end

-- What the model, as it now is, gives for the other data set. A loss that is not finite ends the training, too.
local function validate(run, plan, record)
  local result = evaluate(run.model, plan.valid, { loss = plan.loss, metrics = plan.metric_option })
  if result.loss - result.loss ~= 0 then
    core.raise(("fit: epoch %d, validation: the loss is %s; %s"):format(run.epoch,
      say.number(result.loss, "%g"), nonfinite.in_dataset(plan.valid, 1000) or
      "the data set's x and y are finite, so it began in the model or in the loss"))
  end
  record.valid_loss = result.loss
  for _, metric in ipairs(plan.metrics) do record["valid_" .. metric[1]] = result[metric[1]] end
end

-- Notes the learning rate of the epoch's last step, and tells a schedule that wants to know how it goes.
local function follow_schedule(run, plan, record)
  local schedule = plan.schedule
  record.lr = run.optim.lr * schedule(run.optim.steps)
  if type(schedule) == "table" and schedule.update then schedule:update(record.valid_loss or record.loss) end
end

-- The epochs, until the last one or until something stops them.
local function train(run, plan)
  local records = run.history
  plan.last_good:take()
  tell(run, plan, "start")
  for epoch in plan.checkpoint:epochs(run.epochs) do
    if run.stop_reason then break end
    local means = meter.new(plan.metrics)
    run.epoch, run.step, run.means = epoch, plan.checkpoint.step, means
    if run.step > 0 then plan.state:restore_means(means) end
    run.random = { core.random_state() }
    tell(run, plan, "epoch_start")
    local started = core.clock()
    train_epoch(run, plan, means)
    if means.rows == 0 then
      core.raise(("fit: train: the data set gave no batch, so there is nothing to learn from (%s)"):format(
        tostring(plan.train)))
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
    local reason = plan.early_stopping and plan.early_stopping:observe(record)
    if reason then run:stop(reason) end
  end
end

-- The checkpoint that the option stands for: a directory, or { directory, resume = , every = }. Without one nothing
-- is saved.
local function checkpoint_of(run, plan, option)
  if option == nil then return open_checkpoint(nil, { model = run.model }) end
  if type(option) == "string" then option = { option } end
  local directory, extra = type(option) == "table" and option[1], {}
  if type(directory) ~= "string" then
    core.raise("fit: checkpoint: expected a directory, or { directory, resume = true, every = steps }, got " ..
      say.value(directory or option))
  end
  for key, value in pairs(option) do
    if key ~= 1 then extra[key] = value end
  end
  expect.options("fit: checkpoint", extra, { "resume", "every" })
  local checkpoint, message = open_checkpoint(directory, { model = run.model, optim = run.optim, data = plan.train,
    parts = { fit = plan.state }, resume = extra.resume, every = extra.every })
  return checkpoint or core.raise("fit: checkpoint: " .. message)
end

--- Trains a model: for each epoch and each batch, `loss(model(x), y)`, `zero_grad`, `backward`, `step`; the same
-- bits as that loop written out. The model is in training mode meanwhile. Ctrl-C ends it and keeps what is
-- learnt. A loss that is not finite raises an error that says in which layer it began; the model then has its last
-- good weights: those that gave a finite loss, at most 64 steps back.
---@param model nn.Module
---@param options table train: the data set; valid: another one, evaluated after each epoch; loss: function(output,
--- target) -> tensor, such as nn.cross_entropy; optim: an optimiser, or a function that makes one from the
--- parameters, such as optim.Adam; epochs: 1; batch: samples a step, 32, or the options of `batches` (shuffled
--- unless shuffle = false); schedule: function(step) -> a factor for the learning rate, such as from
--- optim.schedule; one with an `update`, such as plateau, gets valid_loss, or loss, after each epoch; clip: the
--- most for the norm of the gradients (optim.clip_norm), or a function(parameters) that changes them; metrics: as
--- for fnet.evaluate; callbacks: functions of the run by event (start, epoch_start, step, epoch_end, finish), such
--- as fnet.report.training(), or a list of such tables; early_stopping: { patience = epochs without improvement,
--- monitor = "valid_loss" (without valid "loss"), goal = "min" or "max", restore = true: the weights of the best
--- epoch in the end }; seed: for fnet.seed before the first shuffle; checkpoint: a directory to save the run in
--- after each epoch, or { directory, resume = true to go on from there, every = steps between saves inside an
--- epoch }: Ctrl-C and SIGTERM then save and end the program, see fnet.checkpoint
---@return fnet.History history a record an epoch (epoch, samples, seconds, loss, each metric, valid_loss, ...), and
--- how it ended; printable
return function(model, options)
  if not is_module(model) then core.raise("fit: expected a model first, got " .. say.value(model)) end
  if options == nil then core.raise("fit: expected a table of options, { train = , loss = , optim = } at least") end
  options = expect.options("fit", options, OPTIONS)
  local metrics = meter.metric_list("fit", options.metrics)
  local plan = {
    train = check_dataset("train", options.train),
    valid = options.valid ~= nil and check_dataset("valid", options.valid) or nil,
    loss = options.loss,
    metrics = metrics,
    metric_option = options.metrics,
    callbacks = callback_lists(options.callbacks),
    last_good = snapshot(model),
  }
  if plan.valid and rawget(plan.valid, "x") and #plan.valid == 0 then
    core.raise("fit: valid: expected at least one sample, got " .. tostring(plan.valid))
  end
  if not is.callable(plan.loss) then
    core.raise("fit: loss: expected a function of output and target, such as fnet.nn.cross_entropy, got " ..
      say.value(plan.loss))
  end
  local epochs = options.epochs == nil and 1 or expect.count("fit: epochs", options.epochs, 0)
  plan.batch = batch_options(options.batch)
  plan.clip, plan.schedule = clip_function(options.clip), options.schedule
  local columns = columns_of(metrics, plan.valid, plan.schedule)
  if options.early_stopping ~= nil then
    plan.early_stopping = early_stopping.new(model, options.early_stopping, columns, plan.valid ~= nil)
  end
  if options.seed ~= nil then core.random_state(expect.count("fit: seed", options.seed, math.mininteger)) end
  local run = setmetatable({
    model = model, optim = optimizer_of(model, options.optim), history = history.new(epochs, columns),
    epochs = epochs, epoch = 0, step = 0, total_steps = 0,
    steps = plan.train.batch_count and plan.train:batch_count(plan.batch.size),
  }, Run)
  set_schedule(run.optim, plan.schedule)

  plan.state = fit_state(run, plan.early_stopping)
  plan.checkpoint = checkpoint_of(run, plan, options.checkpoint)
  local ok, message = pcall(modes.with, model, true, train, run, plan)
  plan.checkpoint:close()
  local records, stopping = run.history, plan.early_stopping
  if not ok and (not interruption.is(message) or interruption.inside > 0 or options.checkpoint) then
    pcall(tell, run, plan, "finish") -- so that a progress line ends
    error(message, 0)
  end
  if not ok then
    records.interrupted = { epoch = run.epoch, step = run.step, loss = run.means and run.means:fill({}).loss }
  end
  records.stopped = run.stop_reason
  if stopping then records.best, records.restored = stopping.epoch, stopping:restore() end
  tell(run, plan, "finish")
  return records
end

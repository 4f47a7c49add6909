--- train: models learn, and experiments are repeated. This file is fnet.fit: what its options mean; loop.lua does
-- what they say. Invariant: all of them are checked before anything is computed.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local core = require "fnet.core"
local early_stopping = require "fnet.train.early_stopping"
local clip_norm = require("fnet.optim.clip").norm
local history = require "fnet.train.history"
local loop = require "fnet.train.loop"
local meter = require "fnet.measure.meter"
local open_checkpoint = require "fnet.train.checkpoint"
local processes = require "fnet.base.processes"
local new_shards = require "fnet.train.shards"
local outside = require "fnet.nn.outside"
local own_step = require "fnet.train.own_step"
local snapshot = require "fnet.nn.snapshot"
local start_random = require "fnet.base.seed"
local is_module = require("fnet.nn.module").is_module
local try = require "fnet.base.try"

local OPTIONS = {
  "train", "valid", "loss", "optim", "epochs", "batch", "schedule", "clip", "metrics", "callbacks",
  "early_stopping", "seed", "checkpoint", "shards", "accumulate", "step", "figures",
}
local MOST_SHARDS = 4096 -- of a batch, as fnet.shards has it
local EVENTS = { "start", "epoch_start", "step", "epoch_end", "finish" }
local IN_CALLBACKS = table.move({ "outputs" }, 1, 1, #EVENTS + 1, { table.unpack(EVENTS) })

-- The functions of each event, in the order given, and whether one of them wants run.output.
local function callback_lists(callbacks)
  local lists = { wants_outputs = false }
  for _, event in ipairs(EVENTS) do lists[event] = {} end
  if callbacks == nil then return lists end
  local function check(value, ending)
    expect.that(type(value) == "table", "fit: callbacks",
      "a table of functions by event, such as { epoch_end = f } or fnet.report.training()" .. ending, value)
  end
  check(callbacks, ", or a list of those")
  for _, handlers in ipairs(core.length(callbacks) == 0 and { callbacks }
      or expect.list("fit: callbacks", callbacks)) do
    check(handlers, " in the list")
    expect.options("fit: callbacks", handlers, IN_CALLBACKS, { "outputs" })
    lists.wants_outputs = lists.wants_outputs or handlers.outputs == true
    for _, event in ipairs(EVENTS) do
      local f = handlers[event]
      if f ~= nil then
        table.insert(lists[event], expect.that(is.callable(f), "fit: callbacks: " .. event, "a function", f))
      end
    end
  end
  return lists
end

local function check_dataset(what, value, way_out)
  return expect.that(is.dataset(value), what, "a data set, such as fnet.data.Dataset { x = , y = }"
    .. (way_out or ""), value)
end

-- For a step function that makes its own samples, as one that plays does.
local OWN_BATCHES = ", or for a step that makes its own samples { batches = function } with an iterator of x and y"

-- Data that the random transforms of the training data have changed is no validation data.
local function check_augmentation(train, valid)
  local transform = valid and valid.with and valid.transform
  if transform then transform:refuse_random("fit: valid", transform ~= train.transform) end
end

-- Whether a value is an optimiser. A table of names, such as fnet.optim, raises where it is asked for another one.
local function is_optimiser(value)
  local indexed, fits = try(function() return value.step and value.zero_grad end)
  return indexed and fits
end

-- An optimiser, made here where the option is a function such as optim.Adam; it must change the model, and with a
-- step function nothing else.
local function optimizer_of(model, place, value, alone)
  local own = model:parameters()
  if #own == 0 then core.raise("fit: the model has no parameters, so there is nothing to learn") end
  if is.callable(value) then value = value(own) end
  expect.that(is_optimiser(value), place, "an optimiser, such as fnet.optim.Adam(model:parameters())", value)
  local owned, count = {}, 0
  for _, parameter in ipairs(own) do owned[parameter] = true end
  outside.claim(value.parameters or own)
  for _, parameter in ipairs(value.parameters or own) do
    if owned[parameter] then count = count + 1 end
  end
  if count == 0 then
    core.raise("%s: the optimiser has none of the model's parameters; make it from model:parameters() of this " ..
      "model, after model:to()", place)
  elseif alone and count < #(value.parameters or own) then
    core.raise("%s: %d of the optimiser's parameters are not the model's, so a checkpoint would lose them; put " ..
      "all that learns into one model: model.generator = ..., model.discriminator = ...", place,
      #value.parameters - count)
  end
  return value
end

-- The optimiser, or for a step function those by name.
local function optimizers_of(model, value, plan)
  local is_list = type(value) == "table" and getmetatable(value) == nil and not is_optimiser(value)
  if not plan.own_step or not is_list or next(value) == nil then
    return optimizer_of(model, "fit: optim", value, plan.own_step)
  end
  return own_step.optimisers(value, function(place, one) return optimizer_of(model, place, one, true) end)
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
  expect.that(is.callable(schedule), "fit: schedule",
    "a function of the step, such as fnet.optim.schedule.constant()", schedule)
  if not is.callable(optimiser.step) then
    core.raise("fit: schedule: give each of the optimisers its own, optim.Adam(parameters, { schedule = ... })")
  end
  if not optimiser.steps then core.raise("fit: schedule: the optimiser does not count its steps") end
  optimiser.schedule = schedule
end

-- So many batches a step are one that is cut into as many shards; gives how many of these there are in all.
local function accumulate(batch, shards, count)
  shards = shards == nil and 1 or expect.count("fit: shards", shards, 1)
  if count == nil then return shards end
  count = expect.count("fit: accumulate", count, 1, math.max(1, MOST_SHARDS // shards))
  batch.size = expect.count("fit: batch", batch.size, 1, math.maxinteger // count) * count
  return shards * count
end

-- The shards that each batch is cut into; nil where it stays whole.
local function shards_of(run, count)
  if count == 1 then
    processes.refuse_copies "fit"
    return nil
  end
  return new_shards(run.model, count, run.optim.parameters)
end

local function columns_of(plan)
  local columns, valid, schedule = {}, plan.valid, plan.schedule
  for _, prefix in ipairs { "", valid and "valid_" or nil } do
    columns[#columns + 1] = prefix .. "loss"
    local named = prefix == "" and plan.figures or plan.metrics
    for _, figure in ipairs(named) do columns[#columns + 1] = prefix .. figure.name end
  end
  if schedule then columns[#columns + 1] = "lr" end
  columns[#columns + 1] = "seconds"
  return columns
end

-- What the rest of a run depends on, besides the model, the optimiser and the random numbers, for a checkpoint.
local function state_of(run, plan)
  local stopping = plan.early_stopping
  return {
    state = function()
      return {
        records = table.move(run.history, 1, #run.history, 1, {}), total_steps = run.total_steps,
        stopped = run.stop_reason, means = run.means and run.means:state(),
        stopping = stopping and stopping:state(), shards = plan.shards and plan.shards.count,
      }
    end,
    load_state = function(_, state)
      local before, now = state.shards or 1, plan.shards and plan.shards.count or 1
      if before ~= now then
        core.raise("the checkpoint was made with shards = %d, got %d (shards times accumulate)", before, now)
      end
      table.move(state.records, 1, #state.records, 1, run.history)
      run.total_steps, run.stop_reason, plan.means = state.total_steps, state.stopped, state.means
      if stopping and state.stopping then stopping:load_state(state.stopping) end
    end,
  }
end

-- The checkpoint that the option stands for: a directory, or { directory, resume = , every = }. Without one nothing
-- is saved.
local function checkpoint_of(run, plan, option)
  if option == nil then return open_checkpoint(nil, { model = run.model }) end
  if type(option) == "string" then option = { option } end
  local directory, extra = type(option) == "table" and option[1], {}
  expect.that(type(directory) == "string", "fit: checkpoint",
    "a directory, or { directory, resume = true, every = steps }", directory or option)
  for key, value in pairs(option) do
    if key ~= 1 then extra[key] = value end
  end
  expect.options("fit: checkpoint", extra, { "resume", "every" }, { "resume" })
  local parts, optim = { fit = state_of(run, plan) }, run.optim
  if not is.callable(optim.step) then
    for name, one in pairs(optim) do parts["optim." .. name] = one end
    optim = nil
  end
  local checkpoint, message = open_checkpoint(directory, { model = run.model, optim = optim,
    data = plan.train.sha256 and plan.train or nil, parts = parts, resume = extra.resume, every = extra.every })
  return checkpoint or core.raise("fit: checkpoint: " .. message)
end

--- Trains a model: for each epoch and each batch, `loss(model(x), y)`, `zero_grad`, `backward`, `step`; the same
-- bits as that loop written out. The model is in training mode meanwhile, but for parts that the script has put
-- into evaluation mode, and in evaluation mode afterwards, ready to be used. Ctrl-C ends it and keeps what is
-- learnt; where several processes share it, Ctrl-C ends all of them. A loss that is not finite, of the validation
-- data too, raises an error that says in which layer it began; the model then has its last good weights: those
-- that gave a finite loss, at most 64 steps back. Before the first step an error names what gradients reach though
-- neither the model nor an optimiser has it, such as the weights of a layer that nn.Lambda's function has
-- captured.
---@param model nn.Module
---@param options table train: data.Dataset|{ batches: fun(): function }, the latter where samples are made during
--- the training, as by a player: an iterator of x and y for an epoch; valid: data.Dataset, evaluated after each
--- epoch; loss: fun(output: tensor, target: tensor): tensor, such as nn.cross_entropy; optim:
--- optim.Optimizer|table|fun(parameters: tensor[]): optim.Optimizer, one, or what makes one from the parameters,
--- such as optim.Adam; epochs: integer, 1; batch: integer|data.Dataset.batches.Options, samples a step, 32, or the
--- options of `batches` (shuffled unless shuffle = false); schedule: optim.Plateau|fun(step: integer): number, a
--- factor for the learning rate, such as from optim.schedule; one with an `update`, such as plateau, gets
--- valid_loss, or loss, after each epoch; clip: number|fun(parameters: tensor[]), the most for the norm of the
--- gradients (optim.clip_norm), or what changes them; metrics: as for fnet.evaluate; callbacks:
--- fnet.Callbacks|fnet.Callbacks[], such as fnet.report.training() and { epoch_end = function(run) ... end }; with
--- shards one that reads run.output says so, { outputs = true, step = f }, since the outputs of all shards are then
--- brought together; early_stopping: { patience: integer, monitor?: string, goal?: "min"|"max", restore?: boolean
--- }, after so many epochs without improvement of `monitor`, "valid_loss" (without valid "loss"); restore, true,
--- gives the weights of the best epoch in the end, so { patience = epochs } keeps the best without stopping; seed:
--- integer, for fnet.seed before the first shuffle; checkpoint: string|{ [integer]: string, resume?: boolean,
--- every?: integer }, a directory to save the run in after each epoch, or { directory, resume = true to go on from
--- there, every = steps between saves inside an epoch }: Ctrl-C, SIGTERM and SIGHUP then save and end the program,
--- see fnet.checkpoint; shards: integer, cuts each batch into so many parts, whose gradients are joined before the
--- step: less memory, and a training that processes share, see fnet.shards; by default the whole batch; accumulate:
--- integer, batches a step, 1, for larger ones than memory takes: the steps are those of so many times `batch`, up
--- to rounding, since that is the same as a larger batch and as many more shards; step: fun(x: tensor, y: tensor,
--- run: fnet.Run): number|tensor, ..., does all of a step itself, zero_grad, backward and the steps of its
--- optimisers, as a GAN needs, and returns the loss, of one element; loss is then for valid alone, and optim may be
--- several optimisers by name, { generator = , discriminator = }, which are run.optim.generator and so on, of
--- parameters of the one model; figures: string[], names of further numbers that the step function returns after
--- the loss, for the history
---@return fnet.History history a record an epoch (epoch, samples, seconds, loss, each metric, valid_loss, ...), and
--- how it ended; printable
return function(model, options)
  expect.that(is_module(model), "fit", "a model first", model)
  if options == nil then core.raise("fit: expected a table of options, { train = , loss = , optim = } at least") end
  options = expect.options("fit", options, OPTIONS)
  local metrics = meter.metric_list("fit", options.metrics)
  local plan = {
    train = check_dataset("fit: train", options.train, options.step ~= nil and OWN_BATCHES),
    valid = options.valid ~= nil and check_dataset("fit: valid", options.valid) or nil,
    loss = expect.that(is.callable(options.loss) or options.loss == nil and options.step ~= nil, "fit: loss",
      "a function of output and target, such as fnet.nn.cross_entropy", options.loss),
    metrics = metrics,
    metric_option = options.metrics,
    callbacks = callback_lists(options.callbacks),
    batch = batch_options(options.batch),
    clip = clip_function(options.clip),
    schedule = options.schedule,
    last_good = snapshot(model),
  }
  own_step.prepare(plan, model, options)
  local shards = accumulate(plan.batch, options.shards, options.accumulate)
  if plan.valid and plan.valid.batch_count and #plan.valid == 0 then
    core.raise("fit: valid: expected at least one sample, got " .. tostring(plan.valid))
  end
  check_augmentation(plan.train, plan.valid)
  local epochs = options.epochs == nil and 1 or expect.count("fit: epochs", options.epochs, 0)
  local columns = columns_of(plan)
  if options.early_stopping ~= nil then
    plan.early_stopping = early_stopping(model, options.early_stopping, columns, plan.valid ~= nil)
  end
  if options.seed ~= nil then start_random(expect.count("fit: seed", options.seed, math.mininteger)) end
  local run = setmetatable({
    model = model, optim = optimizers_of(model, options.optim, plan), history = history(epochs, columns),
    epochs = epochs, epoch = 0, step = 0, total_steps = 0,
    steps = plan.train.batch_count and plan.train:batch_count(plan.batch.size),
  }, loop.Run)
  set_schedule(run.optim, plan.schedule)
  plan.shards = shards_of(run, shards)
  run.checkpoint = checkpoint_of(run, plan, options.checkpoint)
  return loop.train(run, plan)
end

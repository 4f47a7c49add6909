--- Own step: fit where the script itself says what a step is, as it must with several optimisers. Invariant: what
-- such a step changes is in the model and in the optimisers that fit knows, so a checkpoint keeps all of it.

local core = require "fnet.core"
local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local meter = require "fnet.measure.meter"
local naming = require "fnet.base.naming"
local snapshot = require "fnet.nn.snapshot"

local own_step = {}

-- What is the step's own business, and how it goes about it.
local INSTEAD = {
  clip = "call fnet.optim.clip_norm between backward and step",
  shards = "call fnet.shards in it",
  accumulate = "let it call backward several times before it steps",
}

-- Raises for options that would do nothing.
local function refuse_options(options)
  for _, name in ipairs(naming.sorted(INSTEAD)) do
    if options[name] ~= nil then
      core.raise("fit: %s: the step function has the gradients; %s", name, INSTEAD[name])
    end
  end
  if options.valid ~= nil and options.loss == nil then
    core.raise("fit: valid: needs loss = function(output, target), which the step function does not tell")
  end
  if options.metrics ~= nil and options.valid == nil then
    core.raise("fit: metrics: the step function keeps the outputs to itself, so they are for valid alone; " ..
      "return figures of the training, and name them: figures = { 'accuracy' }")
  end
end

-- What the step function returns beside the loss, as columns of the history.
local function figure_list(figures, metrics)
  local list, seen = {}, {}
  expect.that(type(figures) == "table", "fit: figures", "a list of names, { 'generator_loss' }", figures)
  for i, name in ipairs(expect.list("fit: figures", figures)) do
    expect.that(type(name) == "string", "fit: figures: entry " .. i, "a name", name)
    if seen[name] or meter.is_taken(name) then
      core.raise("fit: figures: the name '%s' is %s; give the figure another one", core.visible(name),
        seen[name] and "there twice" or "taken")
    end
    seen[name], list[i] = true, { name = name }
  end
  for _, metric in ipairs(metrics) do
    if seen[metric.name] then core.raise("fit: figures: '%s' is a metric, too", metric.name) end
  end
  return list
end

--- What the options mean for a training with a step of its own, put into its plan; checked.
---@param plan table of fit
---@param model nn.Module
---@param options table of fit
function own_step.prepare(plan, model, options)
  if options.step == nil then
    if options.figures ~= nil then
      core.raise "fit: figures: they are what a step function returns, and step is missing"
    end
    return
  end
  plan.own_step = expect.that(is.callable(options.step), "fit: step",
    "a function(x, y, run) that changes the model and returns the loss", options.step)
  refuse_options(options)
  plan.figures = figure_list(options.figures or {}, plan.metrics)
  plan.next_good = snapshot(model)
end

--- The optimisers of a step function, by name: `optim = { generator = , discriminator = }`.
---@param optim table
---@param of fun(place: string, value: any): table what an optimiser has to be
---@return table<string, table> optimisers
function own_step.optimisers(optim, of)
  local list = {}
  for name, value in pairs(optim) do
    expect.that(type(name) == "string", "fit: optim", "optimisers by name, { generator = opt }", optim)
    list[name] = of("fit: optim: " .. core.visible(name), value)
  end
  for _, name in ipairs(naming.sorted(list)) do
    for _, other in ipairs(naming.sorted(list)) do
      if name < other and list[name] == list[other] then
        core.raise("fit: optim: %s and %s are one optimiser", core.visible(name), core.visible(other))
      end
    end
  end
  return list
end

--- How many steps the optimisers have taken; nil where one does not count them.
---@param optim table an optimiser, or several by name
---@return integer?
function own_step.count_steps(optim)
  if is.callable(optim.step) then return optim.steps end
  local sum = 0
  for _, one in pairs(optim) do
    if not one.steps then return nil end
    sum = sum + one.steps
  end
  return sum
end

-- The numbers that the function has returned.
local function figures_of(plan, returned)
  if returned.n ~= #plan.figures + 1 then
    core.raise("fit: step: expected the loss and %d figures, since figures names so many, got %d values",
      #plan.figures, returned.n)
  end
  local numbers = {}
  for i = 1, returned.n do
    numbers[i] = meter.number(i == 1 and "fit: step: the loss" or "fit: step: " .. plan.figures[i - 1].name,
      returned[i])
  end
  return numbers
end

--- A step: the script's function. A loss that is not finite goes to `refuse`.
---@param run fnet.Run
---@param plan table
---@param means table the meter of the epoch
---@param x tensor|tensor[]
---@param y tensor|tensor[]
---@param keeps boolean whether the weights are to be kept, once they have given a finite loss
---@param refuse fun(run: fnet.Run, plan: table, value: number, x: any, y: any)
---@return number loss
function own_step.advance(run, plan, means, x, y, keeps, refuse)
  if keeps then plan.next_good:take() end
  local numbers = figures_of(plan, table.pack(plan.own_step(x, y, run)))
  local loss, rows = numbers[1], meter.rows(y)
  if loss - loss ~= 0 then refuse(run, plan, loss, x, y) end
  if keeps then
    plan.last_good, plan.next_good = plan.next_good, plan.last_good
    plan.last_good.epoch, plan.last_good.step = run.epoch, run.step + 1
  end
  for i, number in ipairs(numbers) do numbers[i] = number * rows end
  means:add_figures { rows, table.unpack(numbers) }
  return loss
end

return own_step

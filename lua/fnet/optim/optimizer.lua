--- What optimisers share: the check of their arguments, groups of parameters, moments, the schedule, their state.
-- Invariants: a group inherits every option that it does not set from its optimiser, so `opt.lr = 0.1` reaches all
-- of them; the parameters of all groups, one after the other, are `opt.parameters`. Those of a group that have
-- moved equally often are a cohort, with its moments; a parameter that is frozen or has no gradient stays behind.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local naming = require "fnet.base.naming"
local observer = require "fnet.base.observer"
local first_step = require "fnet.optim.first_step"
local outside = require "fnet.nn.outside"
local processes = require "fnet.base.processes"
local say = require "fnet.base.say"
local core = require "fnet.core"
local is_module = require("fnet.nn.module").is_module

---@class optim.Optimizer
---@field lr number the learning rate; may be changed between steps
---@field schedule? fun(step: integer): number a factor for the learning rates; may be changed between steps
---@field parameters tensor[] those of all groups
---@field groups table[] each { parameters = }, with the options of its own
---@field steps integer how many were taken; a parameter that had no gradient at all of them has taken fewer
local Optimizer = {}
Optimizer.__index = Optimizer

-- The keys of an optimiser's description, see `class`, of what is true until its first step, and of the factor that
-- its schedule gave for the last one.
local SPEC, NEW, FACTOR = {}, {}, {}

-- A misspelt option would be kept and do nothing; other fields are the script's own.
function Optimizer:__newindex(key, value)
  local near = naming.nearest(key, self[SPEC].known)
  if near and near ~= key then core.raise("%s has no '%s'; did you mean '%s'?", self[SPEC].name, key, near) end
  expect.key(self[SPEC].name, key)
  rawset(self, key, value)
end

-- How many parameters of a list are frozen: they do not require gradients.
local function count_frozen(parameters)
  local count = 0
  for _, parameter in ipairs(parameters) do
    if not parameter.requires_grad then count = count + 1 end
  end
  return count
end

--- "Adam(4 parameters, lr 0.001)"; where some are frozen, "Adam(4 parameters, 2 of them frozen, lr 0.001)".
---@return string
function Optimizer:__tostring()
  local frozen = count_frozen(self.parameters)
  return ("%s(%d parameters,%s lr %g)"):format(self[SPEC].name, #self.parameters,
    frozen > 0 and (" %d of them frozen,"):format(frozen) or "", self.lr)
end

--- Drops the gradients of all parameters, of frozen ones too.
function Optimizer:zero_grad()
  expect.method("zero_grad", self)
  if self[NEW] then first_step.await(self) end
  core.zero_grad(self.parameters)
end

local function check_schedule(name, schedule)
  expect.that(schedule == nil or is.callable(schedule), name .. ": schedule",
    "a function of the step, such as optim.schedule.cosine { steps = 1000 }", schedule)
end

-- The factor that the schedule gives for a step.
local function factor_at(self, step)
  check_schedule(self[SPEC].name, self.schedule)
  local factor = self.schedule(step)
  if type(factor) == "number" and factor >= 0 and factor < math.huge then return factor end
  core.raise("%s: schedule: expected a number of at least 0 for step %d, got %s", self[SPEC].name, step,
    tostring(factor))
end

-- Whether the schedule remembers something: then that is saved, and is right after it was loaded.
local function has_state(schedule)
  return type(schedule) == "table" and schedule.state ~= nil and schedule.load_state ~= nil
end

local SAME_FACTOR = 1e-6 -- relative: what a schedule of the script's is made of may differ between machines

-- Raises where the schedule is another one than that of the steps which a state has behind it.
local function check_factor(self, step, before)
  local now = self.schedule and factor_at(self, step) or 1
  if math.abs(now - before) <= SAME_FACTOR * math.max(now, before) then return end
  core.raise("%s: load_state: the schedule gave %.6g for step %d, now it gives %.6g: declare it as it was, for "
    .. "as many steps or epochs; once the state is loaded, opt.schedule may be another one", self[SPEC].name,
    before, step, now)
end

-- Keys of a group: its cohorts, a list; and how many parameters the groups before it have.
local COHORTS, BEFORE = {}, {}

-- The name in a state of what belongs to a group's i-th parameter.
local function state_key(group, name, i) return ("%s.%d"):format(name, group[BEFORE] + i) end

-- The rule of core.optimise that a group's steps follow now, and the names of its moments, each at 1 or 2.
local function rule_of(spec, group)
  local rule = spec.rule
  if type(rule) == "function" then rule = rule(group) end
  return rule, spec.moments or core.moments[rule]
end

-- Parameters that have moved in `steps` steps each: the numbers that they have in their group, in its order; their
-- moments by name, lists like that of the parameters.
local function new_cohort(group, places, steps)
  local cohort = { places = places, parameters = {}, moments = {}, steps = steps }
  for k, place in ipairs(places) do cohort.parameters[k] = group.parameters[place] end
  return cohort
end

-- The k-th parameters of a cohort for which chosen[k] is `wanted`, as a cohort of their own.
local function part_of(group, cohort, chosen, wanted)
  local places, moments = {}, {}
  for name in pairs(cohort.moments) do moments[name] = {} end
  for k, place in ipairs(cohort.places) do
    if chosen[k] == wanted then
      places[#places + 1] = place
      for name, list in pairs(cohort.moments) do moments[name][#places] = list[k] end
    end
  end
  local part = new_cohort(group, places, cohort.steps)
  part.moments = moments
  return part
end

-- A cohort's moments of that name, which start from zero; nil for no name.
local function moments_of(cohort, name)
  local moments = cohort.moments
  if name and not moments[name] then
    moments[name] = {}
    for k, parameter in ipairs(cohort.parameters) do
      moments[name][k] = core.full(parameter.shape, 0, parameter.dtype)
    end
  end
  return moments[name]
end

-- Changes the parameters of a group that have a gradient; how many these are.
local function step_group(spec, group, lr)
  local rule, names = rule_of(spec, group)
  local cohorts, changed = group[COHORTS], 0
  for c = 1, #cohorts do
    local cohort = cohorts[c]
    local count, moving = core.moving(cohort.parameters)
    if moving then
      cohorts[#cohorts + 1] = part_of(group, cohort, moving, false)
      cohort = part_of(group, cohort, moving, true)
      cohorts[c] = cohort
    end
    if count > 0 then
      if spec.update then
        core.no_grad(spec.update, group, lr, cohort, function(name) return moments_of(cohort, name) end)
      else
        core.optimise(rule, cohort.parameters, moments_of(cohort, names[1]), moments_of(cohort, names[2]),
          spec.numbers(group, lr, cohort))
      end
      cohort.steps = cohort.steps + 1
    end
    changed = changed + count
  end
  return changed
end

local function raise_none(self)
  local name, count = self[SPEC].name, #self.parameters
  if count_frozen(self.parameters) == count then
    core.raise("%s: step: all of its %d parameters are frozen; unfreeze those that are to learn", name, count)
  end
  core.raise("%s: step: none of its parameters has a gradient; between zero_grad() and step() call backward() on a "
    .. "loss that depends on them, that is, on the model whose parameters they are", name)
end

-- Raises where gradients have reached leaves that nobody has.
local function check_leaves(self)
  self[NEW] = nil
  processes.refuse_copies(self[SPEC].name)
  local problem = first_step.problem(self)
  if problem and core.moving(self.parameters) > 0 then
    core.raise("%s: step: %s; where the gradient is all that you want, read it (.grad) before the first step",
      self[SPEC].name, problem)
  end
end

--- Changes every parameter that has a gradient and is not frozen. Raises where there is none; the first step also
-- where gradients have reached tensors that belong to no optimiser and to no model that was called, were no input
-- of one, and whose .grad the script has not looked at: they would not learn.
function Optimizer:step()
  expect.method("step", self)
  if self[NEW] then check_leaves(self) end
  local spec, step, changed = self[SPEC], self.steps + 1, 0
  local factor = self.schedule and factor_at(self, step) or 1
  for g = 1, #self.groups do
    local group = self.groups[g]
    local lr = expect.number(spec.name .. ": lr", group.lr, 0, math.huge) * factor
    changed = changed + step_group(spec, group, lr)
  end
  if changed == 0 then raise_none(self) end
  self.steps, self[FACTOR] = step, self.schedule and factor
end

--- What the optimiser remembers, for a file: continued from it, training takes the same steps, bit for bit.
---@return table state steps, lr, group2.lr and so on where groups have their own, schedule.* of a schedule that
--- remembers something, else factor, which it gave for the last step; each moment by name and number of its
--- parameter, such as moments1.3, and the steps of those that have taken fewer, such as steps.3. The tensors are
--- the optimiser's own: clone those that are to outlive the next step
function Optimizer:state()
  expect.method("state", self)
  local state = { steps = self.steps, lr = self.lr }
  for g, group in ipairs(self.groups) do
    if rawget(group, "lr") then state[("group%d.lr"):format(g)] = group.lr end
    for _, cohort in ipairs(group[COHORTS]) do
      for k, place in ipairs(cohort.places) do
        if cohort.steps ~= self.steps then state[state_key(group, "steps", place)] = cohort.steps end
        -- Ctrl-C in the first step may have left moments behind, of a step that does not count.
        local moments = cohort.steps > 0 and cohort.moments or {}
        for name, list in pairs(moments) do state[state_key(group, name, place)] = list[k] end
      end
    end
  end
  local schedule = self.schedule
  if not has_state(schedule) then
    state.factor = self[FACTOR] or nil
  else
    for key, value in pairs(schedule:state()) do state["schedule." .. key] = value end
  end
  return state
end

-- The cohorts of a group as a state has them; take(key, fits, expected) gives an entry of it.
local function cohorts_of(group, names, steps, state, take)
  local cohorts, by_steps = {}, {}
  for i, parameter in ipairs(group.parameters) do
    local key, own = state_key(group, "steps", i), steps
    if state[key] ~= nil then
      own = take(key, math.type(state[key]) == "integer" and state[key] >= 0 and state[key] <= steps,
        ("a whole number from 0 to %d"):format(steps))
    end
    local cohort = by_steps[own]
    if not cohort then
      cohort = new_cohort(group, {}, own)
      by_steps[own], cohorts[#cohorts + 1] = cohort, cohort
    end
    local place = #cohort.places + 1
    cohort.places[place], cohort.parameters[place] = i, parameter
    for _, name in pairs(own > 0 and names or {}) do
      key = state_key(group, name, i)
      cohort.moments[name] = cohort.moments[name] or {}
      cohort.moments[name][place] = take(key, is.alike(state[key], parameter),
        say.value(parameter) .. " like its parameter"):detach():clone()
    end
  end
  return cohorts
end

-- The entries of a state that fit this optimiser: numbers by name, the cohorts of each group, what is the
-- schedule's. Raises where something is missing, left over or of another shape.
local function sort_state(self, state)
  local spec, unused, numbers, cohorts = self[SPEC], {}, {}, {}
  local what = spec.name .. ": load_state"
  expect.that(type(state) == "table", what, "what state() gave", state)
  for key, value in pairs(state) do unused[key] = value end
  local function take(key, fits, expected)
    unused[key] = nil
    return expect.that(fits, what .. ": " .. key, expected, state[key])
  end
  local function take_number(key) return take(key, type(state[key]) == "number", "a number") end
  numbers.steps = take("steps", math.type(state.steps) == "integer", "a whole number")
  numbers.lr = take_number "lr"
  for g, group in ipairs(self.groups) do
    if rawget(group, "lr") then numbers[g] = take_number(("group%d.lr"):format(g)) end
    local _, names = rule_of(spec, group)
    cohorts[g] = cohorts_of(group, names, numbers.steps, state, take)
  end
  numbers.factor = state.factor ~= nil and take_number "factor" or nil
  if numbers.factor then check_factor(self, numbers.steps, numbers.factor) end
  local of_schedule = has_state(self.schedule) and {}
  for key, value in pairs(of_schedule and unused or {}) do
    local name = type(key) == "string" and key:match "^schedule%.(.*)$"
    if name then of_schedule[name], unused[key] = value, nil end
  end
  for key in pairs(unused) do
    core.raise("%s: unexpected '%s': was it saved from another optimiser or another model?", what, tostring(key))
  end
  return numbers, cohorts, of_schedule
end

--- Takes over what `state` gave, here or in another run, for parameters of the same shapes.
---@param state table from `state`; the tensors are copied. Raises where it does not fit, or where the schedule
--- gives another factor for its last step, before anything changes
---@return optim.Optimizer self
function Optimizer:load_state(state)
  expect.method("load_state", self)
  local numbers, cohorts, of_schedule = sort_state(self, state)
  if of_schedule then self.schedule:load_state(of_schedule) end
  self.steps, self.lr, self[FACTOR] = numbers.steps, numbers.lr, numbers.factor
  for g, group in ipairs(self.groups) do
    if numbers[g] then group.lr = numbers[g] end
    group[COHORTS] = cohorts[g]
  end
  return self
end

-- Raises unless a value is a list, as one of parameters is.
local function check_list(what, list)
  if is_module(list) then
    core.raise("%s: expected a table of parameters, got a model; write model:parameters()", what)
  end
  if type(list) ~= "table" or core.length(list) == 0 then
    core.raise("%s: expected a table of at least one parameter, such as model:parameters()", what)
  end
end

-- The tensors of a list of parameters, each once: that two parts of a model share one makes it no second one.
local function tensors_of(what, list)
  check_list(what, list)
  local parameters, seen = {}, {}
  for i = 1, core.length(list) do
    local parameter = list[i]
    expect.that(core.is_tensor(parameter), ("%s: parameter %d"):format(what, i), "a tensor", parameter)
    if not seen[parameter] then parameters[#parameters + 1] = parameter end
    seen[parameter] = true
  end
  return parameters
end

-- The parameters of a group, which are in none of the groups before it: `owner` says which have what.
local function check_parameters(what, list, owner)
  local parameters = tensors_of(what, list)
  for i, parameter in ipairs(parameters) do
    local place = ("%s: parameter %d"):format(what, i)
    expect.that(is.float(parameter), place, "a tensor of floats", parameter)
    if not core.is_leaf(parameter) then
      core.raise("%s: expected a parameter, got the result of an operation", place)
    elseif owner[parameter] then
      core.raise("%s is already a parameter of %s", place, owner[parameter])
    end
    owner[parameter] = what
  end
  return parameters
end

-- Takes over the options that are given, each checked against its description {name, default, lowest, highest}.
local function set_options(what, spec, given, object)
  for _, range in ipairs(spec.options) do
    local key, default, low, high = table.unpack(range)
    local check, value = expect[type(default)], given[key] -- expect.number or expect.boolean
    if value ~= nil then object[key] = check(what .. ": " .. key, value, low, high) end
  end
  return object
end

-- The groups that the first argument of an optimiser stands for: the list of parameters is one without options.
local function check_groups(spec, list)
  local owner = {}
  local first = type(list) == "table" and not is_module(list) and list[1]
  if type(first) ~= "table" or is_module(first) then
    return { { parameters = check_parameters(spec.name, list, owner) } }
  end
  local groups = {}
  for g = 1, core.length(list) do
    local what = ("%s: group %d"):format(spec.name, g)
    local given = expect.options(what, list[g], spec.known_of_group, spec.switches)
    groups[g] = set_options(what, spec, given, { parameters = check_parameters(what, given.parameters, owner) })
  end
  return groups
end

--- A function that makes optimisers of one kind.
---@param spec table name; options: a list of {name, default, lowest, highest}, or {name, default} for true or
--- false; rule: the name of the rule of core.optimise, which says what moments there are, or function(group) that
--- gives it; numbers: function(group, lr, cohort), the numbers that core.optimise takes for the next step of
--- parameters that have taken cohort.steps; it may keep what it computes in the cohort. update: in the place of
--- numbers, function(group, lr, cohort, moments_of) that takes the step, without a tape, of parameters that all
--- have a gradient; moments_of(name) gives the list of the cohort's moments of that name, which are those of rule,
--- or, without one, of moments, a list of names. split: function(groups, optimiser), what the script's groups
--- become
---@return fun(parameters: table, options?: table): optim.Optimizer
local function class(spec)
  spec.known, spec.known_of_group, spec.switches = {}, { "parameters" }, {}
  for i, range in ipairs(spec.options) do
    spec.known[i], spec.known_of_group[i + 1] = range[1], range[1]
    if type(range[2]) == "boolean" then table.insert(spec.switches, range[1]) end
  end
  spec.known[#spec.known + 1] = "schedule"
  return function(parameters, options)
    local groups = check_groups(spec, parameters)
    local self = { [SPEC] = spec, [NEW] = true, groups = groups, parameters = {}, steps = 0 }
    options = expect.options(spec.name, options, spec.known, spec.switches)
    for _, range in ipairs(spec.options) do self[range[1]] = range[2] end
    set_options(spec.name, spec, options, self)
    check_schedule(spec.name, options.schedule)
    self.schedule = options.schedule
    if spec.split then self.groups = spec.split(groups, self) end
    for _, group in ipairs(self.groups) do
      local places = {}
      for i = 1, #group.parameters do places[i] = i end
      group[COHORTS], group[BEFORE] = { new_cohort(group, places, 0) }, #self.parameters
      table.move(group.parameters, 1, #group.parameters, #self.parameters + 1, self.parameters)
      setmetatable(group, { __index = self })
    end
    local count = #self.parameters
    if count_frozen(self.parameters) == count then
      core.raise("%s: none of its %d parameters requires gradients, so nothing would learn; unfreeze those that "
        .. "are to, or set their requires_grad to true", spec.name, count)
    end
    setmetatable(self, Optimizer)
    outside.claim(self.parameters)
    if observer.current then observer.current.optimiser(self) end
    first_step.await(self)
    return self
  end
end

return { class = class, tensors_of = tensors_of }

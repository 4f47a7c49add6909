--- What optimisers share: the check of their arguments, groups of parameters, moments, the schedule, their state.
-- Invariant: a group inherits every option that it does not set from its optimiser, so `opt.lr = 0.1` reaches all
-- of them; the parameters of all groups, one after the other, are `opt.parameters`.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local naming = require "fnet.base.naming"
local observer = require "fnet.base.observer"
local say = require "fnet.base.say"
local core = require "fnet.core"
local is_module = require("fnet.nn.module").is_module

---@class optim.Optimizer
---@field lr number the learning rate; may be changed between steps
---@field schedule? fun(step: integer): number a factor for the learning rates; may be changed between steps
---@field parameters tensor[] those of all groups
---@field groups table[] each { parameters = }, with the options of its own
---@field steps integer how many were taken
local Optimizer = {}
Optimizer.__index = Optimizer

-- The key of an optimiser's description; see `class`.
local SPEC = {}

-- A misspelt option would be kept and do nothing; other fields are the script's own.
function Optimizer:__newindex(key, value)
  local near = naming.nearest(key, self[SPEC].known)
  if near and near ~= key then core.raise("%s has no '%s'; did you mean '%s'?", self[SPEC].name, key, near) end
  rawset(self, key, value)
end

--- "Adam(4 parameters, lr 0.001)".
---@return string
function Optimizer:__tostring()
  return ("%s(%d parameters, lr %g)"):format(self[SPEC].name, #self.parameters, self.lr)
end

--- Drops the gradients of all parameters.
function Optimizer:zero_grad()
  expect.method("zero_grad", self)
  for _, parameter in ipairs(self.parameters) do core.zero_grad(parameter) end
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

-- Keys of a group: its moments, lists of tensors by name; and how many parameters the groups before it have.
local MOMENTS, BEFORE = {}, {}

-- The name of a group's i-th moment in a state.
local function moment_key(group, name, i) return ("%s.%d"):format(name, group[BEFORE] + i) end

-- The rule of core.optimise that a group's steps follow now, and the names of its moments, each at 1 or 2.
local function rule_of(spec, group)
  local rule = spec.rule
  if type(rule) == "function" then rule = rule(group) end
  return rule, core.moments[rule]
end

-- One tensor of zeros for each parameter.
local function zeros_like(parameters)
  local list = {}
  for i, parameter in ipairs(parameters) do list[i] = core.full(parameter.shape, 0, parameter.dtype) end
  return list
end

-- A group's moments of that name, which start from zero; nil for no name.
local function moments_of(group, name)
  local moments = group[MOMENTS]
  if name and not moments[name] then moments[name] = zeros_like(group.parameters) end
  return moments[name]
end

--- Changes every parameter that has a gradient. Raises where none has.
function Optimizer:step()
  expect.method("step", self)
  local spec, step, changed = self[SPEC], self.steps + 1, 0
  local factor = self.schedule and factor_at(self, step) or 1
  for _, group in ipairs(self.groups) do
    local rule, names = rule_of(spec, group)
    local lr = expect.number(spec.name .. ": lr", group.lr, 0, math.huge) * factor
    changed = changed + core.optimise(rule, group.parameters, moments_of(group, names[1]),
      moments_of(group, names[2]), spec.numbers(group, lr, step))
  end
  if changed == 0 then
    for _, group in ipairs(spec.restart and self.groups or {}) do spec.restart(group) end
    core.raise(spec.name .. ": step: none of its parameters has a gradient; between zero_grad() and step() call " ..
      "backward() on a loss that depends on them, that is, on the model whose parameters they are")
  end
  self.steps = step
end

--- What the optimiser remembers, for a file: continued from it, training takes the same steps, bit for bit.
---@return table state steps, lr, group2.lr and so on where groups have their own, schedule.* of a schedule that
--- remembers something; each moment by name and number of its parameter, such as moments1.3. The tensors are the
--- optimiser's own: clone those that are to outlive the next step
function Optimizer:state()
  expect.method("state", self)
  local state = { steps = self.steps, lr = self.lr }
  for g, group in ipairs(self.groups) do
    if rawget(group, "lr") then state[("group%d.lr"):format(g)] = group.lr end
    for name, list in pairs(group[MOMENTS]) do
      for i, moment in ipairs(list) do state[moment_key(group, name, i)] = moment end
    end
  end
  local schedule = self.schedule
  if type(schedule) == "table" and schedule.state then
    for key, value in pairs(schedule:state()) do state["schedule." .. key] = value end
  end
  return state
end

-- The entries of a state that fit this optimiser: numbers by name, copies of moments by group and name, what is the
-- schedule's. Raises where something is missing, left over or of another shape.
local function sort_state(self, state)
  local spec, unused, numbers, moments = self[SPEC], {}, {}, {}
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
    moments[g] = {}
    local _, names = rule_of(spec, group)
    for _, name in pairs(numbers.steps > 0 and names or {}) do
      local list = {}
      for i, parameter in ipairs(group.parameters) do
        local key = moment_key(group, name, i)
        list[i] = take(key, is.alike(state[key], parameter), say.value(parameter) .. " like its parameter")
          :detach():clone()
      end
      moments[g][name] = list
    end
  end
  local schedule = self.schedule
  local of_schedule = type(schedule) == "table" and schedule.load_state and {}
  for key, value in pairs(of_schedule and unused or {}) do
    local name = type(key) == "string" and key:match "^schedule%.(.*)$"
    if name then of_schedule[name], unused[key] = value, nil end
  end
  for key in pairs(unused) do
    core.raise("%s: unexpected '%s': was it saved from another optimiser or another model?", what, tostring(key))
  end
  return numbers, moments, of_schedule
end

--- Takes over what `state` gave, here or in another run, for parameters of the same shapes.
---@param state table from `state`; the tensors are copied. Raises where it does not fit, before anything changes
---@return optim.Optimizer self
function Optimizer:load_state(state)
  local numbers, moments, of_schedule = sort_state(self, state)
  if of_schedule then self.schedule:load_state(of_schedule) end
  self.steps, self.lr = numbers.steps, numbers.lr
  for g, group in ipairs(self.groups) do
    if numbers[g] then group.lr = numbers[g] end
    group[MOMENTS] = moments[g]
    if self[SPEC].restart then self[SPEC].restart(group) end
  end
  return self
end

-- Raises unless a value is a list, as one of parameters is.
local function check_list(what, list)
  if is_module(list) then
    core.raise("%s: expected a table of parameters, got a model; write model:parameters()", what)
  end
  if type(list) ~= "table" or #list == 0 then
    core.raise("%s: expected a table of at least one parameter, such as model:parameters()", what)
  end
end

-- Raises unless the elements of a list are tensors.
local function check_tensors(what, list)
  for i, parameter in ipairs(list) do
    expect.that(core.is_tensor(parameter), ("%s: parameter %d"):format(what, i), "a tensor", parameter)
  end
end

-- A copy of a list of parameters, which must not be in `seen`.
local function check_parameters(what, list, seen)
  check_list(what, list)
  local parameters = {}
  for i, parameter in ipairs(list) do
    local place = ("%s: parameter %d"):format(what, i)
    if not core.is_tensor(parameter) or not parameter.requires_grad then
      core.raise("%s: expected a tensor that requires gradients, got %s", place,
        core.is_tensor(parameter) and "one that does not" or type(parameter))
    elseif not core.is_leaf(parameter) then
      core.raise("%s: expected a parameter, got the result of an operation", place)
    elseif seen[parameter] then
      core.raise("%s is already %s", place, seen[parameter])
    end
    seen[parameter] = ("parameter %d of %s"):format(i, what)
    parameters[i] = parameter
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
  local seen = {}
  local first = type(list) == "table" and not is_module(list) and list[1]
  if type(first) ~= "table" or is_module(first) then
    return { { parameters = check_parameters(spec.name, list, seen) } }
  end
  local groups = {}
  for g, given in ipairs(list) do
    local what = ("%s: group %d"):format(spec.name, g)
    given = expect.options(what, given, spec.known_of_group)
    groups[g] = set_options(what, spec, given, { parameters = check_parameters(what, given.parameters, seen) })
  end
  return groups
end

--- A function that makes optimisers of one kind.
---@param spec table name; options: a list of {name, default, lowest, highest}, or {name, default} for true or
--- false; rule: the name of the rule of core.optimise, which says what moments there are, or function(group) that
--- gives it; numbers: function(group, lr, step), the numbers that core.optimise takes for that step; restart:
--- function(group), called after the state was replaced
---@return fun(parameters: table, options?: table): optim.Optimizer
local function class(spec)
  spec.known, spec.known_of_group = {}, { "parameters" }
  for i, range in ipairs(spec.options) do spec.known[i], spec.known_of_group[i + 1] = range[1], range[1] end
  spec.known[#spec.known + 1] = "schedule"
  return function(parameters, options)
    local self = { [SPEC] = spec, groups = check_groups(spec, parameters), parameters = {}, steps = 0 }
    options = expect.options(spec.name, options, spec.known)
    for _, range in ipairs(spec.options) do self[range[1]] = range[2] end
    set_options(spec.name, spec, options, self)
    check_schedule(spec.name, options.schedule)
    self.schedule = options.schedule
    for _, group in ipairs(self.groups) do
      group[MOMENTS], group[BEFORE] = {}, #self.parameters
      table.move(group.parameters, 1, #group.parameters, #self.parameters + 1, self.parameters)
      setmetatable(group, { __index = self })
    end
    setmetatable(self, Optimizer)
    if observer.current then observer.current.optimiser(self) end
    return self
  end
end

return { class = class, zeros_like = zeros_like, check_list = check_list, check_tensors = check_tensors }

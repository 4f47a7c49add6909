--- Own: optimisers of a script's own, from a function of one parameter. Invariant: what the function remembers is
-- in its moments, so state, checkpoints and frozen parameters are the same as for every optimiser.

local core = require "fnet.core"
local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local naming = require "fnet.base.naming"
local say = require "fnet.base.say"
local optimizer = require "fnet.optim.optimizer"

local GIVEN = { "options", "moments", "update" }
-- What an optimiser has of its own, and what names of a state begin with.
local TAKEN = {
  parameters = true, groups = true, steps = true, schedule = true, step = true, zero_grad = true, state = true,
  load_state = true,
}

-- Raises for a name that stands for something else already.
local function check_name(place, name)
  expect.that(type(name) == "string" and name:find "^[%a_][%w_]*$", place, "names of letters and digits", name)
  if TAKEN[name] or name:find "^group%d" then
    core.raise("%s: every optimiser has '%s'; choose another name", place, name)
  end
end

-- The options with their start values as optimizer.class lists them.
local function option_list(what, options)
  local place, list = what .. ": options", {}
  expect.that(type(options) == "table", place, "start values by name, { lr = 0.01 }", options)
  for name in pairs(options) do check_name(place, name) end
  if options.lr == nil then core.raise("%s: lr is missing: its start value, such as 0.01", place) end
  for _, name in ipairs(naming.sorted(options)) do
    local value = options[name]
    expect.that(type(value) == "boolean" or type(value) == "number" and value == value, place .. ": " .. name,
      "a number, true or false", value)
    list[#list + 1] = { name, value, name == "lr" and 0 or -math.huge, math.huge }
  end
  expect.number(place .. ": lr", options.lr, 0, math.huge)
  return list
end

-- The names of the moments, checked.
local function moment_names(what, moments)
  local place = what .. ": moments"
  expect.that(type(moments) == "table", place, "a list of names, { \"velocity\" }", moments)
  for i, name in ipairs(expect.list(place, moments)) do
    check_name(place, name)
    for k = 1, i - 1 do
      if moments[k] == name then core.raise("%s: '%s' is there twice", place, name) end
    end
  end
  return table.move(moments, 1, #moments, 1, {})
end

-- What an update function sees: names that it has not declared raise an error.
local function strict(what, list)
  return setmetatable(list, { __index = function(_, key)
    core.raise("%s: update: there is no '%s'; known are %s", what, tostring(key),
      table.concat(naming.sorted(list), ", "))
  end })
end

--- A class of optimisers of your own. `update(parameter, gradient, moments, options)` is called, without recording,
-- for each parameter that has a gradient, and writes the parameter's new values into it: `parameter:copy(...)`.
-- What it remembers of a parameter it keeps the same way in its moments, tensors like the parameter that begin as
-- zeros. Groups, schedules, state, checkpoints and frozen parameters then are as with optim.Adam:
-- `local Signs = optim.class("Signs", { options = { lr = 0.1 }, update = function(p, g, _, o) p:copy(p - g:sign()
-- * o.lr) end })` and then `local opt = Signs(model:parameters(), { lr = 0.05 })`.
---@param name string as messages say it
---@param spec table options: table<string, number|boolean>, start values by name, numbers or true and false, lr
--- among them; moments: string[], names, none by default; update: fun(parameter: tensor, gradient: tensor, moments:
--- table, options: table), where options has each of those options as the parameter's group has it, lr times the
--- schedule's factor, and steps, the number of this step of the parameter, from 1
---@return fun(parameters: table, options?: table): optim.Optimizer
return function(name, spec)
  expect.that(type(name) == "string" and name ~= "", "class", "a name first, such as \"Momentum\"", name)
  local what = "class: " .. core.visible(name)
  expect.that(type(spec) == "table", what, "a table { options = , moments = , update = }", spec)
  spec = expect.options(what, spec, GIVEN)
  local options, moments = option_list(what, spec.options), moment_names(what, spec.moments or {})
  local update = expect.that(is.callable(spec.update), what .. ": update",
    "a function(parameter, gradient, moments, options)", spec.update)
  name = core.visible(name)

  local function values_of(group, lr, cohort)
    local values = { lr = lr, steps = cohort.steps + 1 }
    for _, option in ipairs(options) do
      if option[1] ~= "lr" then values[option[1]] = group[option[1]] end
    end
    return strict(name, values)
  end

  local function step(group, lr, cohort, moments_of)
    local values, lists = values_of(group, lr, cohort), {}
    for _, moment in ipairs(moments) do lists[moment] = moments_of(moment) end
    for k, parameter in ipairs(cohort.parameters) do
      local own = {}
      for moment, list in pairs(lists) do own[moment] = list[k] end
      local returned = update(parameter, parameter.grad, strict(name, own), values)
      if returned ~= nil and not rawequal(returned, parameter) then
        core.raise("%s: update: expected new values to be written into the parameter, parameter:copy(...), " ..
          "got %s returned", name, say.value(returned))
      end
      for moment, list in pairs(lists) do
        if own[moment] ~= list[k] then
          core.raise("%s: update: moments.%s was replaced by %s; write into it: moments.%s:copy(...)", name, moment,
            say.value(own[moment]), moment)
        end
      end
    end
  end

  return optimizer.class { name = name, options = options, moments = moments, update = step }
end

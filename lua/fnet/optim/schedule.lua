--- Schedules: the factor of the learning rate as a function of the step, which counts from 1. Any Lua function
-- step -> factor is one; an optimiser that is given it as `schedule` calls it once a step.
-- Invariant: the factors are made of additions, multiplications and divisions: their bits are the same everywhere.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local naming = require "fnet.base.naming"

local schedule = {}

local pi = math.pi

-- (1 + cos(pi t)) / 2 for t in [0, 1]: from 1 down to 0. The cosine is sin(pi / 2 - pi t) by its series, whose
-- terms from x^23 on are below the precision of a double; the C library's cos differs between machines.
local function fall(t)
  if t >= 1 then return 0 end
  local x = pi * (0.5 - t)
  local square, sum = x * x, 1.0
  for n = 20, 2, -2 do sum = 1 - sum * square / (n * (n + 1)) end
  return (1 + x * sum) / 2
end

-- A number of the options, or what stands for it.
local function number(what, options, key, default, low, high)
  if options[key] == nil then return default end
  return expect.number(what .. ": " .. key, options[key], low, high)
end

--- Always 1.
---@return fun(step: integer): number
function schedule.constant() return function() return 1 end end

--- Times `factor` after every so many steps.
---@param options table every: integer, steps; factor: 0.1
---@return fun(step: integer): number
function schedule.step(options)
  options = expect.options("step", options, { "every", "factor" })
  local every, factor = expect.count("step: every", options.every, 1), number("step", options, "factor", 0.1, 0, 1)
  local done, product = 0, 1.0 -- how often it was multiplied: the steps come in their order
  return function(step)
    local count = (step - 1) // every
    if count < done then done, product = 0, 1.0 end
    while done < count do
      local following = product * factor
      done, product = following == product and count or done + 1, following -- 0 and times 1 stay what they are
    end
    return product
  end
end

--- Half a cosine, from 1 at the first step to `floor` after `steps` (Loshchilov and Hutter, 2017, equation 5).
---@param options table steps: integer, of the whole training, or up to the floor, which stays; floor: 0
---@return fun(step: integer): number
function schedule.cosine(options)
  options = expect.options("cosine", options, { "steps", "floor" })
  local steps, floor = expect.count("cosine: steps", options.steps, 1), number("cosine", options, "floor", 0, 0, 1)
  return function(step) return floor + (1 - floor) * fall((step - 1) / steps) end
end

--- A straight rise over the first steps (Goyal and others, 2017, section 2.2), then another schedule, from its
-- start.
---@param options table steps: integer, of the rise; after: optim.Plateau|fun(step: integer): number, the schedule
--- that follows, constant
---@return fun(step: integer): number where `after` has an `update`, as plateau has, this one has it too
function schedule.warm_up(options)
  options = expect.options("warm_up", options, { "steps", "after" })
  local steps, after = expect.count("warm_up: steps", options.steps, 1), options.after or schedule.constant()
  expect.that(is.callable(after), "warm_up: after", "a function of the step", after)
  local function factor(step) return step <= steps and after(1) * (step / steps) or after(step - steps) end
  if type(after) ~= "table" then return factor end
  -- One that is told how it goes, or saved, is so through this one.
  local schedule_of_both = {}
  for _, name in ipairs { "update", "state", "load_state" } do
    if after[name] then schedule_of_both[name] = function(_, ...) return after[name](after, ...) end end
  end
  return setmetatable(schedule_of_both, { __call = function(_, step) return factor(step) end })
end

--- One cycle (Smith and Topin, 2018): by half a cosine up from `start` to 1, by another down to `finish`.
---@param options table steps: integer, of the whole training; rise: the part of them that goes up, 0.3; start:
--- number, 1/25; finish: number, 1/250000
---@return fun(step: integer): number
function schedule.one_cycle(options)
  options = expect.options("one_cycle", options, { "steps", "rise", "start", "finish" })
  local steps = expect.count("one_cycle: steps", options.steps, 2)
  local rise = number("one_cycle", options, "rise", 0.3, 0, 1) * steps - 1
  local start = number("one_cycle", options, "start", 1 / 25, 0, 1)
  local finish = number("one_cycle", options, "finish", 1 / 250000, 0, 1)
  return function(step)
    local done = math.min(step - 1, steps - 1)
    if done < rise or rise >= steps - 1 then return start + (1 - start) * (1 - fall(done / rise)) end
    return finish + (1 - finish) * fall((done - rise) / (steps - 1 - rise))
  end
end

---@class optim.Plateau
---@field current number the factor now
---@field best number? the best figure so far
---@field bad integer updates since then, or since the last reduction
local Plateau = {}
Plateau.__index = Plateau

--- The factor now, whatever the step.
---@return number
function Plateau:__call() return self.current end

--- Takes a figure, such as the validation loss after an epoch; reduces the factor where it has not improved for
-- more than `patience` updates.
---@param value number
---@return number factor
function Plateau:update(value)
  expect.method("update", self)
  expect.number("plateau: update", value, -math.huge, math.huge)
  local best = self.best
  -- A share of the best figure's size, so that figures below zero have to improve as those above.
  local margin = best and math.abs(best) < math.huge and math.abs(best) * self.threshold or 0
  local better = not best or (self.goal == "min" and value < best - margin) or
    (self.goal == "max" and value > best + margin)
  if better then
    self.best, self.bad = value, 0
  else
    self.bad = self.bad + 1
    if self.bad > self.patience then
      self.current, self.bad = math.max(self.floor, self.current * self.factor), 0
    end
  end
  return self.current
end

--- What it remembers, for a file: current, bad, best.
---@return table state
function Plateau:state()
  expect.method("state", self)
  return { current = self.current, bad = self.bad, best = self.best }
end

--- Takes over what `state` gave.
---@param state table
function Plateau:load_state(state)
  expect.method("load_state", self)
  expect.that(type(state) == "table", "plateau: load_state", "what state() gave", state)
  self.current = expect.number("plateau: load_state: current", state.current, 0, 1)
  self.bad = expect.count("plateau: load_state: bad", state.bad, 0)
  self.best = state.best
end

--- Starts at 1 and is reduced when a figure stops improving: an object that is called like the others, and whose
-- `update(value)` the script calls after each epoch.
---@param options? table factor: 0.1; patience: integer, updates without improvement that are waited for, 10;
--- threshold: what counts as improvement, times the size of the best figure, which may be negative, 1e-4; goal:
--- "min" or "max"; floor: 0, the least factor
---@return optim.Plateau
function schedule.plateau(options)
  options = expect.options("plateau", options, { "factor", "patience", "threshold", "goal", "floor" })
  return setmetatable({
    current = 1, bad = 0,
    factor = number("plateau", options, "factor", 0.1, 0, 1),
    threshold = number("plateau", options, "threshold", 1e-4, 0, 1),
    floor = number("plateau", options, "floor", 0, 0, 1),
    patience = options.patience == nil and 10 or expect.count("plateau: patience", options.patience, 0),
    goal = options.goal == nil and "min" or expect.choice("plateau: goal", options.goal, { "min", "max" }),
  }, Plateau)
end

return naming.strict("fnet.optim.schedule", schedule)

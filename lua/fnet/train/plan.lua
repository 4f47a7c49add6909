--- Plan: the runs of a sweep, for each seed and each combination of settings, and how each has ended. Invariant:
-- what stands in a row has the order of the seeds, whatever ended first.

local core = require "fnet.core"
local expect = require "fnet.base.expect"
local naming = require "fnet.base.naming"
local say = require "fnet.base.say"

local MOST_SEEDS = 1000000

local plan = {}

--- The seeds that the option means.
---@param seeds integer|integer[]|nil
---@return integer[]
function plan.seeds(seeds)
  if seeds == nil then return { 1 } end
  if type(seeds) ~= "table" then
    local list = {}
    for i = 1, expect.count("sweep: seeds", seeds, 1, MOST_SEEDS) do list[i] = i end
    return list
  end
  if core.length(seeds) == 0 then
    core.raise("sweep: seeds: expected a number of seeds or a list of them, got an empty table")
  end
  for i, seed in ipairs(expect.list("sweep: seeds", seeds)) do
    expect.count(("sweep: seeds: number %d"):format(i), seed, math.mininteger)
  end
  return seeds
end

-- The settings with one more.
local function with(settings, name, value)
  local more = { [name] = value }
  for key, other in pairs(settings) do more[key] = other end
  return more
end

--- The names of the settings and all combinations of their values, the last name's value changing fastest.
---@param options table of fnet.sweep
---@param known table<string, boolean> the options that are no settings
---@return string[] names
---@return table[] combinations
function plan.grid(options, known)
  local names, rows = {}, { {} }
  for _, name in ipairs(naming.sorted(options)) do
    if not known[name] then names[#names + 1] = name end
  end
  for _, name in ipairs(names) do
    local values, longer = options[name], {}
    if name == "seed" then
      core.raise("sweep: seed: each run is given its own; list them as seeds = { 1, 2 }, or say how many")
    end
    local count = type(values) == "table" and core.length(values) or 0
    if count == 0 then
      core.raise("sweep: %s: expected a list of values, such as { 1, 2 }, got %s%s", name, say.value(values),
        naming.hint(name, naming.sorted(known)))
    end
    for _, row in ipairs(rows) do
      for i = 1, count do
        local value = values[i]
        if value == nil then core.raise("sweep: %s: value %d is nil", name, i) end
        longer[#longer + 1] = with(row, name, value)
      end
    end
    rows = longer
  end
  return names, rows
end

---@class train.Run
---@field row table of the comparison
---@field seed integer
---@field place integer the seed's, in the list of seeds
---@field places { figures: integer[], failures: integer[] } of what the row has
---@field figure number? once it has ended
---@field problem string? likewise: why there is no figure

--- The runs in their order.
---@param rows table[] of the comparison
---@param seeds integer[]
---@return train.Run[]
function plan.runs(rows, seeds)
  local list, places = {}, {}
  for _, row in ipairs(rows) do places[row] = { figures = {}, failures = {} } end
  for place, seed in ipairs(seeds) do
    for _, row in ipairs(rows) do
      list[#list + 1] = { row = row, seed = seed, place = place, places = places[row] }
    end
  end
  return list
end

--- Runs to be worked at.
---@param list train.Run[]
---@return train.Queue
function plan.queue(list)
  local begun = 0
  return {
    next = function()
      begun = begun + 1
      return list[begun]
    end,
    over = function() return begun >= #list end,
  }
end

-- Puts a value into a list in the order of places, which most come in.
local function put(list, places, value, place)
  local i = #list
  while i > 0 and places[i] > place do i = i - 1 end
  table.insert(list, i + 1, value)
  table.insert(places, i + 1, place)
end

--- Notes in its row how a run has ended.
---@param self fnet.Sweep
---@param run train.Run
function plan.enter(self, run)
  local row = run.row
  self.runs = self.runs + 1
  if run.figure then put(row.figures, run.places.figures, run.figure, run.place) end
  if run.problem then put(row.failures, run.places.failures, run.problem, run.place) end
end

return plan

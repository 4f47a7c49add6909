--- sweep: the same experiment for each seed and each combination of settings, as one table. Seeds are the outer
-- loop, so that what an interruption leaves can be compared. This file is fnet.sweep: the options, the runs, and
-- what becomes of each; jobs.lua runs them in processes, store.lua keeps them, comparison.lua is the table.
-- Invariant: neither the table nor the random numbers afterwards depend on how many runs go on at a time, or on
-- which were in the store.

local closing = require "fnet.base.closing"
local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local keep_random = require "fnet.base.keep_random"
local naming = require "fnet.base.naming"
local observer = require "fnet.base.observer"
local say = require "fnet.base.say"
local core = require "fnet.core"
local interruption = require "fnet.base.interruption"
local start_random = require "fnet.base.seed"
local comparison = require "fnet.train.comparison"
local jobs = require "fnet.train.jobs"
local open_store = require "fnet.train.store"
local report = require "fnet.report"
local runs = require "fnet.report.runs"

local MOST_SEEDS = 1000000
local OPTIONS = { callback = true, jobs = true, run = true, seeds = true, store = true, threads = true }

local function seed_list(seeds)
  if seeds == nil then return { 1 } end
  if type(seeds) ~= "table" then
    local list = {}
    for i = 1, expect.count("sweep: seeds", seeds, 1, MOST_SEEDS) do list[i] = i end
    return list
  end
  if #seeds == 0 then
    core.raise("sweep: seeds: expected a number of seeds or a list of them, got an empty table")
  end
  for i, seed in ipairs(seeds) do expect.count(("sweep: seeds: number %d"):format(i), seed, math.mininteger) end
  return seeds
end

-- The settings with one more.
local function with(settings, name, value)
  local more = { [name] = value }
  for key, other in pairs(settings) do more[key] = other end
  return more
end

-- The names of the settings and all combinations of their values, the last name's value changing fastest.
local function grid_of(options)
  local names, rows = {}, { {} }
  for _, name in ipairs(naming.sorted(options)) do
    if not OPTIONS[name] then names[#names + 1] = name end
  end
  for _, name in ipairs(names) do
    local values, longer = options[name], {}
    if name == "seed" then
      core.raise("sweep: seed: each run is given its own; list them as seeds = { 1, 2 }, or say how many")
    end
    if type(values) ~= "table" or #values == 0 then
      core.raise("sweep: %s: expected a list of values, such as { 1, 2 }, got %s%s", name, say.value(values),
        naming.hint(name, naming.sorted(OPTIONS)))
    end
    for _, row in ipairs(rows) do
      for _, value in ipairs(values) do longer[#longer + 1] = with(row, name, value) end
    end
    rows = longer
  end
  return names, rows
end

---@class train.Run
---@field row table of the comparison
---@field seed integer
---@field figure number? once it has ended
---@field problem string? likewise: why there is no figure

-- One run: what it gives.
local function figure_of(run, settings, seed)
  start_random(seed)
  local figure = run(with(settings, "seed", seed))
  if core.is_tensor(figure) and figure:count() == 1 then figure = figure:item() end
  if type(figure) == "number" then return figure end
  core.raise("sweep: run must return a number, the figure to compare, got " .. say.value(figure))
end

-- The runs in their order.
local function plan_of(rows, seeds)
  local plan = {}
  for _, seed in ipairs(seeds) do
    for _, row in ipairs(rows) do plan[#plan + 1] = { row = row, seed = seed } end
  end
  return plan
end

-- Notes how a run ended, in its row, where figures stand in the order of the seeds whatever ended first.
local function enter(self, plan, run, outcome)
  local figure, problem = outcome.figure, outcome.problem
  if figure and figure - figure ~= 0 then
    figure, problem = nil, "the figure is " .. say.number(figure, "%g")
  end
  run.figure, run.problem = figure, problem and ("seed %d: %s"):format(run.seed, problem)
  self.runs = self.runs + 1
  local row = run.row
  row.figures, row.failures = {}, {}
  for _, other in ipairs(plan) do
    if other.row == row then
      row.figures[#row.figures + 1], row.failures[#row.failures + 1] = other.figure, other.problem
    end
  end
end

-- Takes over what is in the store; gives the runs that are left.
local function take_stored(self, plan, store)
  if not store then return plan end
  local left, others = {}, 0
  for _ in pairs(store.figures) do others = others + 1 end
  for _, run in ipairs(plan) do
    local figure = store:figure(run.row.settings, run.seed)
    if figure then
      enter(self, plan, run, { figure = figure })
      others = others - 1
    else
      left[#left + 1] = run
    end
  end
  local function note(what, count)
    if count > 0 then self.notes[#self.notes + 1] = ("%s: %s: %d"):format(store.path, what, count) end
  end
  note("runs that are from there", self.runs)
  if self.runs > 0 and not store.has_script then
    self.notes[#self.notes + 1] = store.path ..
      ": this code is in no file, so nothing tells whether those runs are of the same one"
  end
  note("runs of other settings or seeds, not in this table", others)
  note("lines that are cut short and were passed over", store.damaged)
  if not store.alone then
    self.notes[#self.notes + 1] = store.path .. ": no locks there; write to it from one sweep at a time"
  end
  return left
end

-- A note below the table, once.
local function note_once(self, text)
  for _, note in ipairs(self.notes) do
    if note == text then return end
  end
  self.notes[#self.notes + 1] = text
end

-- Runs in this process, one after another.
local function in_turn(list, from, work, finished)
  for i = from, #list do
    local ok, result = pcall(work, list[i])
    if not ok and interruption.is(result) then error(result, 0) end
    finished(list[i], ok and { figure = result } or { problem = tostring(result), raised = result })
  end
end

-- All runs. Stops at the error of the first run, which is one of the script; other ones are noted.
local function run_all(self, options, plan, store, count)
  local left, callback = take_stored(self, plan, store), options.callback
  local function work(run) return figure_of(options.run, run.row.settings, run.seed) end
  local function work_apart(run)
    if store then store:close() end -- its lock is the starter's
    return work(run)
  end
  local function finished(run, outcome)
    if outcome.raised ~= nil and run == plan[1] then error(outcome.raised, 0) end
    if store and outcome.figure then
      local done, message = store:add(run.row.settings, run.seed, outcome.figure)
      if not done then note_once(self, ("%s: runs are missing there: %s"):format(store.path, message)) end
    end
    enter(self, plan, run, outcome)
    if callback then callback(self, run.row, run.seed, run.figure, run.problem) end
  end
  local begun = 0
  if count then
    local shows = callback == report.sweep
    runs.erase() -- what stands on the terminal is not for each process to take away
    local _ <close> = closing(runs.erase)
    begun = jobs(left, work_apart, { jobs = count, threads = options.threads or 1, finished = finished,
      shown = function(running) if shows then runs.draw(self, running) end end,
      fewer = function(most, message)
        note_once(self, most > 0 and ("not more than %d at a time: %s"):format(most, message)
          or ("runs went on one after another in this process: %s"):format(message))
      end })
  end
  in_turn(left, begun + 1, work, finished)
end

-- How many runs go on at a time in processes; nil for none.
local function count_jobs(wanted, threads)
  local watcher = observer.current
  if wanted == nil or watcher and watcher.here then return nil end
  if wanted == "all" then
    return math.max(1, math.min(core.processors() // (threads or 1), core.most_processes))
  end
  expect.that(math.type(wanted), "sweep: jobs", 'a number of processes, or "all"', wanted)
  return expect.count("sweep: jobs", wanted, 1, core.most_processes)
end

-- Until the value is closed, operations have so many threads.
local function with_threads(count)
  local before = count and core.threads()
  if count then core.threads(count) end
  return closing(function() if count then core.threads(before) end end)
end

--- Runs an experiment for each seed and each combination of settings, and compares the rows with the first one:
-- mean and standard deviation, and Welch's t-test with Holm's correction in words. The runs of a row and those of
-- the first count as independent, although they share seeds: that errs on the safe side. Ctrl-C ends the sweep,
-- which then returns what it has; runs that were cut short do not count. With `jobs` each run is a process of its
-- own, a copy of this one: it shares the memory of the data, and leaves nothing behind but its figure and what it
-- prints; the table is the same. Afterwards fnet's random numbers go on as if there had been no sweep, those of
-- math.random from the last seed.
---@param options table run: function(settings) -> number, the figure to compare; settings has a value of each list
--- and the seed, from which the random numbers start before each run; seeds: how many (1 to that), or a list, 1;
--- jobs: so many runs at a time, each in a process of its own, or "all", as the processors have room for; by
--- default one after another in this process; threads: of each run, with jobs 1, else as fnet.threads says; store:
--- the path of a file to keep finished runs in, a line of JSON each: a second start of the same script goes on
--- where the first one ended, and runs again what raised or was killed; settings are then numbers, texts, booleans
--- and tables of these; callback: function(sweep, row, seed, figure, problem) after each run, such as
--- fnet.report.sweep; every other name: a list of values
---@return fnet.Sweep result to be printed. A run that raises, is killed or gives no finite number counts as failed;
--- but an error of the very first run is raised, as is what is wrong with a store: that it cannot be used, or is of
--- another version of the script
return function(options)
  expect.that(type(options) == "table", "sweep", "a table of options", options)
  local callback, threads = options.callback, options.threads
  expect.that(is.callable(options.run), "sweep: run", "a function", options.run)
  expect.that(callback == nil or is.callable(callback), "sweep: callback", "a function", callback)
  if threads ~= nil then threads = expect.count("sweep: threads", threads, 1) end
  local seeds = seed_list(options.seeds)
  local names, combinations = grid_of(options)
  local count = count_jobs(options.jobs, threads)
  local self = comparison(names, combinations, #combinations * #seeds)
  local plan = plan_of(self.rows, seeds)
  local store <close> = options.store ~= nil and open_store(options.store) or nil
  local _ <close> = keep_random()
  local _ <close> = closing(function() math.randomseed(seeds[#seeds]) end)
  local _ <close> = with_threads(not count and threads)
  interruption.inside = interruption.inside + 1
  local ok, message = pcall(run_all, self, options, plan, store, count)
  interruption.inside = interruption.inside - 1
  if not ok and (not interruption.is(message) or interruption.inside > 0) then error(message, 0) end
  self.interrupted = not ok
  self:summarise()
  return self
end

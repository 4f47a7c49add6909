--- sweep: the same experiment for each seed and each combination of settings, as one table. Seeds are the outer
-- loop, so that what an interruption leaves can be compared. This file is fnet.sweep: its options, and what becomes
-- of each run. plan.lua has the runs, jobs.lua works at them in processes, deal.lua gives them to those that mpirun
-- has started, store.lua keeps them, comparison.lua is the table.
-- Invariant: neither the table nor the random numbers afterwards depend on how many runs go on at a time, on whose
-- they are, or on which were in the store.

local closing = require "fnet.base.closing"
local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local keep_random = require "fnet.base.keep_random"
local observer = require "fnet.base.observer"
local processes = require "fnet.base.processes"
local progress = require "fnet.base.progress"
local say = require "fnet.base.say"
local core = require "fnet.core"
local interruption = require "fnet.base.interruption"
local start_random = require "fnet.base.seed"
local comparison = require "fnet.train.comparison"
local deal = require "fnet.train.deal"
local jobs = require "fnet.train.jobs"
local open_store = require "fnet.train.store"
local plan = require "fnet.train.plan"
local report = require "fnet.report"
local runs = require "fnet.report.runs"

local OPTIONS = { callback = true, jobs = true, run = true, seeds = true, store = true, threads = true }

-- What a run gives. Meanwhile who says how a training goes names the run.
local function figure_of(self, run, f)
  local settings, outer = { seed = run.seed }, progress.name
  for name, value in pairs(run.row.settings) do settings[name] = value end
  local _ <close> = closing(function() progress.name = outer end)
  progress.name = (outer and outer .. "  " or "") .. runs.name(self, run)
  start_random(run.seed)
  local figure = f(settings)
  if core.is_tensor(figure) and figure:count() == 1 then figure = figure:item() end
  if type(figure) == "number" then return figure end
  core.raise("sweep: run must return a number, the figure to compare, got " .. say.value(figure))
end

-- Notes what a run has given.
local function enter(self, run, outcome)
  local figure, problem = outcome.figure, outcome.problem
  if figure and figure - figure ~= 0 then
    figure, problem = nil, "the figure is " .. say.number(figure, "%g")
  end
  run.figure, run.problem = figure, problem and ("seed %d: %s"):format(run.seed, problem)
  plan.enter(self, run)
end

-- Takes over what is in the store; gives the runs that are left.
local function take_stored(self, list, store)
  if not store then return list end
  local left, others = {}, 0
  for _ in pairs(store.figures) do others = others + 1 end
  for _, run in ipairs(list) do
    local figure = store:figure(run.row.settings, run.seed)
    if figure then
      enter(self, run, { figure = figure })
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

-- All runs, here, in processes of this one, or in all that there are. Stops at the error of the first run, which is
-- one of the script; other ones are noted.
local function run_all(self, options, list, work, how)
  local store <close> = options.store ~= nil and open_store(options.store) or nil
  local queue, callback = plan.queue(take_stored(self, list, store)), options.callback
  local function finished(run, outcome)
    if outcome.raised ~= nil and run == list[1] then error(outcome.raised, 0) end
    if store and outcome.figure then
      local done, message = store:add(run.row.settings, run.seed, outcome.figure)
      if not done then note_once(self, ("%s: runs are missing there: %s"):format(store.path, message)) end
    end
    enter(self, run, outcome)
    if callback then callback(self, run.row, run.seed, run.figure, run.problem) end
  end
  if not how then return jobs.in_turn(queue, work, finished) end
  local shows = callback == report.sweep
  runs.erase() -- what stands on the terminal is not for each process to take away
  local _ <close> = closing(runs.erase)
  local function work_apart(run)
    if store then store:close() end -- its lock is the starter's
    return work(run)
  end
  local options_here = { jobs = how.jobs, threads = how.threads, finished = finished,
    shown = function(running) if shows then runs.draw(self, running) end end,
    fewer = function(most, message, number)
      local place = number and ("process %d"):format(number) or "this process"
      note_once(self, most > 0 and ("not more than %d at a time in %s: %s"):format(most, place, message)
        or ("runs went on one after another in %s: %s"):format(place, message))
    end }
  if processes.count > 1 then deal.lead(list, queue, work_apart, options_here)
  else jobs.apart(queue, work_apart, options_here) end
end

-- How many runs go on at a time in processes of this one, and the threads of each; nil where they go on here.
local function jobs_of(wanted, threads)
  local watcher = observer.current
  if watcher and watcher.here then return nil end
  processes.share()
  if wanted == nil then return processes.count > 1 and { jobs = 1, threads = threads or core.threads() } or nil end
  local jobs_here
  if wanted == "all" then
    local room = core.processors() // (threads or 1) // processes.neighbours
    jobs_here = math.max(1, math.min(room, core.most_processes))
  else
    expect.that(math.type(wanted), "sweep: jobs", 'a number of processes, or "all"', wanted)
    jobs_here = expect.count("sweep: jobs", wanted, 1, core.most_processes)
  end
  return { jobs = jobs_here, threads = threads or 1 }
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
-- Where mpirun or `fnet launch` has started several processes, process 1 deals the runs out to all of them, each in
-- a process of its own there too, `jobs` at a time in each; shards in a run are all computed by that run. All get
-- the same table; what runs print comes out at process 1, which alone has the store and calls the callback. Files
-- that a run writes lie on its own machine. What Ctrl-C does is then a matter of mpirun: MPICH's hands it on, Open
-- MPI's ends all at once, as both do where one of their processes is killed. With `store` the next start, of any
-- number of processes, goes on from there.
---@param options table run: fun(settings: table): number, the figure to compare; settings has a value of each list
--- and the seed, from which the random numbers start before each run; seeds: integer|integer[], how many (1 to
--- that), or a list, 1; jobs: integer|"all", so many runs at a time, each in a process of its own, or "all", as the
--- processors of each machine have room for; by default one after another in this process; threads: integer, of
--- each run, with jobs 1, else as fnet.threads says; store: string, the path of a file to keep finished runs in, a
--- line of JSON each: a second start of the same script goes on where the first one ended, and runs again what
--- raised or was killed; settings are then numbers, texts, booleans and tables of these; callback: fun(sweep:
--- fnet.Sweep, row: table, seed: integer, figure: number?, problem: string?), after each run, such as
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
  local seeds = plan.seeds(options.seeds)
  local names, combinations = plan.grid(options, OPTIONS)
  local how = jobs_of(options.jobs, threads)
  local is_dealt = how and processes.count > 1
  local self = comparison(names, combinations, #combinations * #seeds)
  local list = plan.runs(self.rows, seeds)
  local function work(run) return figure_of(self, run, options.run) end
  if is_dealt then deal.compare { names, combinations, seeds } end
  local _ <close> = keep_random()
  local _ <close> = closing(function() math.randomseed(seeds[#seeds]) end)
  local _ <close> = with_threads(not how and threads)
  interruption.inside = interruption.inside + 1
  local ok, message = pcall(function()
    if is_dealt and processes.number > 1 then deal.follow(list, work, how)
    else run_all(self, options, list, work, how) end
  end)
  interruption.inside = interruption.inside - 1
  local is_error = not ok and (not interruption.is(message) or interruption.inside > 0)
  if is_error and not (is_dealt and processes.number == 1) then error(message, 0) end
  self.interrupted = not ok
  if is_dealt then self.interrupted = deal.agree(self, list, is_error, message) end
  self:summarise()
  return self
end

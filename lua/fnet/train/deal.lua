--- Deal: the runs of a sweep over the processes that mpirun has started. Process 1 deals them out, one after
-- another, to whoever is free, itself too, and hears how they go and end. Invariant: which process has a run
-- changes nothing but the time; in the end all have the same outcomes.

local core = require "fnet.core"
local interruption = require "fnet.base.interruption"
local jobs = require "fnet.train.jobs"
local naming = require "fnet.base.naming"
local plan = require "fnet.train.plan"
local processes = require "fnet.base.processes"

local TICK = 0.005 -- seconds between two looks for what others say
local DEPTH = 8 -- of tables in a setting that are looked at

-- ---- before ----

-- A setting as a text that is the same in all processes where the setting is, but for functions and objects.
local function spell(value, depth)
  if core.is_tensor(value) then return core.sha256(value) end
  if type(value) ~= "table" or getmetatable(value) or depth > DEPTH then
    local plain = type(value) == "number" or type(value) == "string" or type(value) == "boolean"
    return plain and ("%q"):format(value) or type(value)
  end
  local parts = {}
  for i, item in ipairs(value) do parts[i] = spell(item, depth + 1) end
  for _, name in ipairs(naming.sorted(value)) do
    parts[#parts + 1] = ("[%q]=%s"):format(name, spell(value[name], depth + 1))
  end
  return ("{%s}"):format(table.concat(parts, ","))
end

local deal = {}

--- Raises where the processes have not come to the same sweep with the same random numbers.
---@param lists any[] what they have to have in common
function deal.compare(lists)
  local digest = core.sha256(("%d %d "):format(core.random_state()) .. spell(lists, 0))
  for number, other in ipairs(processes.gather("sweep", digest)) do
    if other ~= digest then
      core.raise("sweep: process %d has other settings, seeds or random numbers than process %d; all have to " ..
        "make the same, with fnet's random numbers alone, after fnet.seed", number, processes.number)
    end
  end
end

-- ---- process 1 ----

-- What the others say, by its first word: it gets their number and what follows.
local function hearers(list, far, free, options)
  local heard = {}
  local function find(number)
    for i, job in ipairs(far) do
      if job.piece == list[number] then return i end
    end
  end
  function heard.free(from) free[#free + 1] = from end
  function heard.progress(_, number, text) far[find(number)].text = text end
  function heard.print(_, stream, text) jobs.print(stream, text) end
  function heard.fewer(from, most, message) options.fewer(most, message, from) end
  function heard.interrupted(from) core.raise_kind("interrupted", "sweep: process %d: interrupted", from) end
  function heard.ended(_, number, figure, problem, has_raised)
    local job = table.remove(far, find(number))
    options.finished(job.piece, { figure = figure, problem = problem, raised = has_raised and problem or nil })
  end
  return heard
end

--- Works at the runs, in process 1, as jobs.apart does, and lets the others work at them.
---@param list train.Run[] all runs
---@param queue train.Queue those to be run
---@param work fun(run: train.Run): number
---@param options table as of jobs.apart; shown: gets those of the others, too
function deal.lead(list, queue, work, options)
  local numbers, far, free = {}, {}, {}
  for number, run in ipairs(list) do numbers[run] = number end
  local heard = hearers(list, far, free, options)
  local function listen(from, word, ...)
    if not from then return false end
    heard[word](from, ...)
    return true
  end
  local function shown(running)
    while listen(processes.told()) do end
    while free[1] do
      local run = queue.next()
      if not run then break end
      local to = table.remove(free, 1)
      processes.tell(to, numbers[run])
      far[#far + 1] = { piece = run }
    end
    options.shown(table.move(far, 1, #far, #running + 1, { table.unpack(running) }))
  end
  local all = { next = queue.next, over = function() return #far == 0 and queue.over() end }
  jobs.apart(all, work, setmetatable({ shown = shown, tick = TICK }, { __index = options }))
end

-- ---- the others ----

local OVER = {} -- the error by which process 1 ends what is done here

--- Works at the runs that process 1 deals to this one, until it says that there are none any more. Ctrl-C ends that
-- for all.
---@param list train.Run[] all runs
---@param work fun(run: train.Run): number
---@param options table jobs, threads: as of jobs.apart
function deal.follow(list, work, options)
  local numbers, dealt, has_asked = {}, nil, false
  for number, run in ipairs(list) do numbers[run] = number end
  local function listen()
    local from, word = processes.told()
    if word == "over" then error(OVER, 0) end
    if from then dealt, has_asked = list[word], false end
  end
  local function next_run()
    listen()
    local run = dealt
    dealt = nil
    if not run and not has_asked then
      has_asked = true
      processes.tell(1, "free")
    end
    return run
  end
  local function shown(running)
    if not dealt then listen() end
    for _, job in ipairs(running) do
      if job.text ~= job.told then
        job.told = job.text
        processes.tell(1, "progress", numbers[job.piece], job.text)
      end
    end
  end
  local _, message = pcall(jobs.apart, { next = next_run, over = function() return false end }, work, {
    jobs = options.jobs, threads = options.threads, tick = TICK, shown = shown,
    print = function(...) processes.tell(1, "print", ...) end,
    fewer = function(...) processes.tell(1, "fewer", ...) end,
    finished = function(run, outcome)
      processes.tell(1, "ended", numbers[run], outcome.figure, outcome.problem, outcome.raised ~= nil)
    end,
  })
  if interruption.is(message) then -- as process 1 has to be, too
    processes.tell(1, "interrupted")
    repeat core.wait_for_processes({}, TICK) until select(2, processes.told()) == "over"
  elseif message ~= OVER then
    error(message, 0)
  end
  processes.tell(1, "gone")
end

-- ---- in the end ----

-- Process 1 ends what the others do; what they still say counts no more. Gives whether Ctrl-C came meanwhile.
local function dismiss()
  for other = 2, processes.count do processes.tell(other, "over") end
  local left, interrupted = processes.count - 1, false
  while left > 0 do
    local from, word = processes.told()
    if word == "gone" then left = left - 1 end
    if not from and not pcall(core.wait_for_processes, {}, TICK) then interrupted = true end
  end
  return interrupted
end

--- What process 1 knows of the sweep, in all, which end it here; raises in all where it has ended with an error.
---@param sweep fnet.Sweep
---@param list train.Run[]
---@param is_error boolean
---@param message any that error, in process 1
---@return boolean interrupted
function deal.agree(sweep, list, is_error, message)
  local function all()
    local parts = {}
    for i, run in ipairs(list) do parts[i] = string.pack("<s8", processes.pack(run.figure, run.problem)) end
    return is_error and tostring(message) or nil, sweep.interrupted, table.concat(parts),
      processes.pack(table.unpack(sweep.notes))
  end
  if processes.number == 1 then sweep.interrupted = dismiss() or sweep.interrupted end
  local text, interrupted, ended, notes = processes.first(all)
  if text then error(is_error and message or text, 0) end
  if processes.number == 1 then return interrupted end
  local at = 1
  for _, run in ipairs(list) do
    local packed
    packed, at = string.unpack("<s8", ended, at)
    run.figure, run.problem = processes.unpack(packed)
    if run.figure or run.problem then plan.enter(sweep, run) end
  end
  sweep.notes = { processes.unpack(notes) }
  return interrupted
end

return deal

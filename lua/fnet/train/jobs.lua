--- Jobs: pieces of work in processes of their own, a number of them at a time, or one after another in this one. A
-- process is a copy of this one (core.start_process): it finds what the script has made, shares the memory of its
-- data sets, and leaves nothing behind but its outcome; what it prints comes out here, in whole lines.
-- Invariant: when this returns or raises, no process is left. Where mpirun has started several processes, a piece
-- takes none of these for its own: whoever works at it is alone.

local closing = require "fnet.base.closing"
local core = require "fnet.core"
local interruption = require "fnet.base.interruption"
local processes = require "fnet.base.processes"
local progress = require "fnet.base.progress"

local TICK = 0.05 -- seconds: a signal that came just before we waited is seen so much later
local GRACE = 0.04 -- seconds to end in after Ctrl-C, and again after SIGTERM
local READS = 64 -- that empty a pipe, whatever still writes into it
local TERMINATE, KILL = 15, 9
local STREAMS = { { "output", "stdout" }, { "errors", "stderr" } }

local jobs = {}

---@class train.Outcome
---@field figure number? what the work gave
---@field problem string? why it gave nothing
---@field raised any the error where it raised one: a text where that came from another process

---@class train.Queue of pieces of work
---@field next fun(): any the next one; nil where there is none now
---@field over fun(): boolean whether there will be none any more

---@class train.Job
---@field piece any what it works at
---@field text string? how far it is
---@field told string? the same, as far as process 1 has heard it
---@field process userdata
---@field outcome train.Outcome?
---@field interrupted boolean?
---@field report string what it has reported and not yet been read; `output`, `errors`: the line that it has begun

local function close_all(list)
  for _, job in ipairs(list) do job.process:close() end
end

-- ---- in the process ----

-- A report: its length, then its kind: "p" progress, "e" an error, "i" an interruption; else a number, in that
-- format of string.pack.
local function send(kind, content) core.report_to_starter(string.pack("<s4", kind .. content)) end

local function do_piece(work, piece, threads, siblings)
  close_all(siblings) -- they are the starter's; this closes our copies of the pipes
  processes.alone()
  pcall(io.stdout.setvbuf, io.stdout, "line") -- the script may have closed it
  progress.hear = function(text) send("p", text) end
  local ok, result = pcall(function()
    core.threads(threads)
    return work(piece)
  end)
  if not ok then return send(interruption.is(result) and "i" or "e", tostring(result)) end
  local kind = math.type(result) == "integer" and "j" or "n"
  send(kind, string.pack(kind, result))
end

-- ---- here ----

local function hear(job, kind, content)
  if kind == "p" then
    job.text = content
  elseif kind == "e" then
    job.outcome = { problem = content, raised = content }
  elseif kind == "i" then
    job.outcome, job.interrupted = { problem = "interrupted" }, true
  else
    job.outcome = { figure = string.unpack(kind, content) }
  end
end

-- Reads once what a process has reported and printed; whether there was anything.
local function take(job, print)
  local report = job.process:read "report" or ""
  local got = report ~= ""
  job.report = job.report .. report
  while #job.report >= 4 and #job.report >= 4 + string.unpack("<I4", job.report) do
    local text, after = string.unpack("<s4", job.report)
    job.report = job.report:sub(after)
    hear(job, text:sub(1, 1), text:sub(2))
  end
  for _, stream in ipairs(STREAMS) do
    local name, file = table.unpack(stream)
    local text = job.process:read(name) or ""
    got = got or text ~= ""
    local lines, begun = text:match "^(.*\n)([^\n]*)$" -- of what is new: the line may be long
    if lines then print(file, job[name] .. lines) end
    job[name] = lines and begun or job[name] .. text
  end
  return got
end

-- Why a process has ended without an outcome.
local function ending(how, number)
  if how == "exit" then return ("its process ended before it gave a figure, with status %d"):format(number) end
  return ("killed by signal %d"):format(number) ..
    (number == KILL and ", as the system does where memory runs out" or "")
end

-- Waits a while, and reads; the jobs that have ended leave the list and come back as another one.
local function turn(running, options)
  local list, ended, i, print = {}, {}, 1, options.print or jobs.print
  for k, job in ipairs(running) do list[k] = job.process end
  core.wait_for_processes(list, options.tick or TICK)
  while running[i] do
    local job = running[i]
    local how, number = job.process:ended()
    for _ = 1, how and READS or 1 do
      if not take(job, print) then break end
    end
    if how then
      for _, stream in ipairs(STREAMS) do
        if job[stream[1]] ~= "" then print(stream[2], job[stream[1]] .. "\n") end
      end
      job.process:close()
      job.outcome = job.outcome or { problem = ending(how, number) }
      ended[#ended + 1] = table.remove(running, i)
    else
      i = i + 1
    end
  end
  return ended
end

-- Hands on how jobs have ended, figures first, for what says "interrupted" may end all.
local function settle(ended, finished)
  for _, job in ipairs(ended) do
    if not job.interrupted then finished(job.piece, job.outcome) end
  end
  for _, job in ipairs(ended) do
    if job.interrupted then
      core.wait_for_processes({}, TICK) -- Ctrl-C reaches all processes of a terminal: ours is on its way
      finished(job.piece, job.outcome)
    end
  end
end

-- After Ctrl-C: whatever it has reached ends by itself and may save what it has; the others are told. A figure that
-- comes meanwhile counts.
local function let_end(running, options)
  for _, signal in ipairs { false, TERMINATE } do
    for _, job in ipairs(running) do
      if signal then job.process:signal(signal) end
    end
    local started = core.clock()
    while #running > 0 and core.clock() - started < GRACE do
      for _, job in ipairs(turn(running, options)) do
        if job.outcome.figure then options.finished(job.piece, job.outcome) end
      end
    end
  end
end

-- Starts one more; nil and why where the system refuses.
local function start(running, piece, work, threads)
  collectgarbage() -- what has a finalizer is not to be finalized in each process again
  local process, message = core.start_process(do_piece, work, piece, threads, running)
  if not process then return nil, message end
  running[#running + 1] = { piece = piece, process = process, report = "", output = "", errors = "" }
  return true
end

-- Works at a piece in this process. Ctrl-C ends more than the piece.
local function work_here(work, piece)
  local _ <close> = processes.alone()
  local ok, result = pcall(work, piece)
  if not ok and interruption.is(result) then error(result, 0) end
  return ok and { figure = result } or { problem = tostring(result), raised = result }
end

local function none() end

--- Writes what a job has printed.
---@param stream string "stdout" or "stderr"
---@param text string
function jobs.print(stream, text)
  io[stream]:write(text)
  io[stream]:flush()
end

--- Works at all pieces in this process, one after another.
---@param queue train.Queue
---@param work fun(piece: any): number
---@param finished fun(piece: any, outcome: train.Outcome) as each piece ends
function jobs.in_turn(queue, work, finished)
  for piece in queue.next do finished(piece, work_here(work, piece)) end
end

--- Works at all pieces, each in a process; in this one where the system gives none. Ctrl-C is raised again when all
-- processes have ended, which takes a tenth of a second.
---@param queue train.Queue
---@param work fun(piece: any): number runs in the process
---@param options table jobs: how many at a time, at most core.most_processes; threads: of each; finished:
--- function(piece, outcome), here, as each piece ends; shown: function(running: train.Job[]), each time something
--- has happened, and several times a second; fewer: function(jobs, message) where the system gives only so many
--- processes; print: function(stream, text) for what they print, by default here; tick: seconds to wait at most
function jobs.apart(queue, work, options)
  local running, most, refused = {}, options.jobs, nil
  local _ <close> = closing(function() close_all(running) end)
  local function next_piece()
    local piece = refused
    refused = nil
    if piece ~= nil then return piece end
    return queue.next()
  end
  local function work_on()
    while #running > 0 or refused ~= nil or not queue.over() do
      while #running < most do
        local piece = next_piece()
        if piece == nil then break end
        local started, message = start(running, piece, work, options.threads)
        if not started then
          most, refused = #running, piece
          options.fewer(most, message)
        end
      end
      for piece in most == 0 and next_piece or none do
        options.finished(piece, work_here(work, piece))
        options.shown(running)
      end
      options.shown(running)
      settle(turn(running, options), options.finished)
    end
  end
  local ok, message = pcall(work_on)
  if not ok and interruption.is(message) then let_end(running, options) end
  if not ok then error(message, 0) end
end

return jobs

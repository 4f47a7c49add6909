--- Processes: several that run one script together, started by mpirun or srun; MPI moves their bytes. Invariant:
-- they do the same steps in the same order, so each finds the message that it waits for; where one does another
-- thing, that is an error. Nothing is computed here. The first process speaks and writes files for all.

local closing = require "fnet.base.closing"
local core = require "fnet.core"

local processes = {
  number = 1, -- this one's, from 1
  count = 1, -- how many have joined; 1 before
  neighbours = 1, -- how many of them are on this machine, this one among them
}

-- The modules that fit what has started the processes, the likelier one first; Debian's names of what each needs.
local MODULES = { openmpi = { "openmpi" }, mpich = { "mpich" }, srun = { "openmpi", "mpich" } }
local PACKAGES = { openmpi = "libopenmpi-dev", mpich = "libmpich-dev" }

local mpi -- the module, when they have joined
local starter -- what has started them, as messages name it
local is_shared = false -- the script knows that they are several
local turn = 0 -- how many exchanges there were: every message has the number of its own

-- Opens the module for the processes that were started so: where Lua looks, and beside the program. Gives its name
-- too.
local function load_module(kind, count)
  local directory = (core.program() or ""):match "^(.*)/" or "."
  local files, packages = {}, {}
  for i, name in ipairs(MODULES[kind]) do
    local path = package.searchpath("fnet." .. name, package.cpath ..
      (";%s/../lib/lua/%s/?.so;%s/build/release/?.so"):format(directory, _VERSION:match "%d+%.%d+", directory))
    if path then
      local open, message = package.loadlib(path, "luaopen_fnet_" .. name)
      if not open then core.raise("%s cannot be loaded: %s", path, message) end
      return open(name), name
    end
    files[i], packages[i] = ("fnet/%s.so"):format(name), PACKAGES[name]
  end
  core.raise("%s has started %d processes, but fnet has no module for it, %s; `make` builds it where pkg-config " ..
    "finds that MPI, in Debian %s", kind == "srun" and kind or "mpirun of " .. kind, count,
    table.concat(files, " or "), table.concat(packages, " or "))
end

--- The processes that mpirun or srun has started join: from now on they exchange what the script shares among them.
-- One that is alone has nothing to join.
function processes.join()
  local kind, count = core.launched()
  if mpi or not kind or count == 1 then return end
  local module, name = load_module(kind, count)
  local rank, size, neighbours = module.open()
  starter = kind == "srun" and kind or "mpirun"
  if size ~= count then
    core.raise("%s has started %d processes, of which MPI knows %d: is it another MPI than that of fnet/%s.so?",
      starter, count, size, name)
  end
  core.forget_launch()
  mpi = module
  processes.number, processes.count, processes.neighbours = rank + 1, size, neighbours
end

--- The same for a script that shares its work among them.
function processes.share()
  processes.join()
  is_shared = true
end

--- Raises where a training would be the same in each of several processes.
---@param what string the function, for the message
function processes.refuse_copies(what)
  if is_shared then return end
  processes.join() -- so that the first one's error ends all
  if processes.count == 1 then return end
  core.raise("%s: %s has started %d processes, each of which would train the same; share the batches with " ..
    "shards = %d in fit, or fnet.shards, or start one process. A script that shares its work itself asks " ..
    "fnet.processes() first", what, starter, processes.count, processes.count)
end

--- Until the value that it returns is closed this process is alone: what it does is no part of what all do.
---@return table value to be closed
function processes.alone()
  local number, count, module = processes.number, processes.count, mpi
  processes.number, processes.count, mpi = 1, 1, nil
  return closing(function() processes.number, processes.count, mpi = number, count, module end)
end

--- Ends all processes at once, this one too, where there are several; for the end by an error.
function processes.abort()
  if mpi then mpi.abort() end
end

-- ---- messages ----

local ALIKE = "all have to take the same steps, saving and what they share too, whatever their number, the time " ..
  "or math.random"

local function raise_parted(other, tag)
  local me = processes.number
  if tag == mpi.farewell then
    core.raise("processes: process %d has ended while process %d waits for it; %s", other, me, ALIKE)
  end
  core.raise("processes: process %d and process %d do not do the same; %s", other, me, ALIKE)
end

-- What an exchange moves: processes that are about to do different things find that out by the tag.
local ELEMENTS, TEXTS, WORD, TALK = 0, 1, 2, 3

-- The tag of the messages of an exchange; MPI promises tags up to 32767.
local function tag_of(number, kind) return mpi.farewell + 1 + number % 8000 * 4 + kind end

-- One more exchange, of all, begins: its tag.
local function next_tag(kind)
  turn = turn + 1
  return tag_of(turn, kind)
end

local function send(to, tag, ...)
  if not mpi.send(to - 1, tag, ...) then raise_parted(to, mpi.farewell) end
end

local function receive(from, tag, ...)
  local got, other_tag = mpi.receive(from - 1, tag, ...)
  if not got then raise_parted(from, other_tag) end
  return got
end

-- The processes to which process 1's word is passed on from this one.
local function children()
  local list = {}
  local first = 2 * processes.number
  for child = first, math.min(first + 1, processes.count) do list[#list + 1] = child end
  return list
end

-- What process 1 has, in all; handed down a tree.
local function broadcast(text)
  local tag = next_tag(WORD)
  if processes.number > 1 then text = receive(processes.number // 2, tag) end
  for _, child in ipairs(children()) do send(child, tag, text) end
  return text
end

--- Makes the elements of a tensor those of process 1's.
---@param t tensor contiguous, of one shape and type in all
function processes.spread(t)
  if not mpi then return end
  local tag = next_tag(ELEMENTS)
  local address, bytes = core.memory(t)
  if processes.number > 1 then receive(processes.number // 2, tag, address, bytes) end
  for _, child in ipairs(children()) do send(child, tag, address, bytes) end
end

--- Hands the elements of a tensor from one process to another. Called in these two alone, as a part of the exchange
-- of all that comes next.
---@param from integer
---@param to integer
---@param t tensor contiguous
function processes.hand(from, to, t)
  local tag = tag_of(turn + 1, ELEMENTS)
  if processes.number == from then send(to, tag, core.memory(t))
  else receive(from, tag, core.memory(t)) end
end

--- Hands elements to another process, which hands as many or one more or less to this one, at the same time. Called
-- in these two alone, as `hand` is.
---@param other integer
---@param leaving tensor contiguous, what the other gets
---@param arriving tensor contiguous, filled with what it hands over
function processes.exchange(other, leaving, arriving)
  local from, bytes = core.memory(leaving)
  local done, other_tag = mpi.exchange(other - 1, tag_of(turn + 1, ELEMENTS), from, bytes, core.memory(arriving))
  if not done then raise_parted(other, other_tag) end
end

--- The texts of all processes, in their order, in each of them.
---@param what string the function that has something to say; where another one has in another process, this raises
---@param text string
---@return string[]
function processes.gather(what, text)
  if not mpi then return { text } end
  local tag, packed = next_tag(TEXTS), string.pack("<i8s8s8", processes.number, what, text)
  for _, child in ipairs(children()) do packed = packed .. receive(child, tag) end
  if processes.number > 1 then send(processes.number // 2, tag, packed) end
  local all, texts, at = broadcast(packed), {}, 1
  while at <= #all do
    local number, other, own, next_at = string.unpack("<i8s8s8", all, at)
    if other ~= what then
      core.raise("processes: process %d is in %s while process %d is in %s; %s", number, other, processes.number,
        what, ALIKE)
    end
    texts[number], at = own, next_at
  end
  return texts
end

-- ---- values ----

local FORMS = { ["nil"] = "<zB", boolean = "<zB", integer = "<zi8", float = "<zn", string = "<zs8" }

--- Values as a text.
---@param ... nil|boolean|number|string
---@return string
function processes.pack(...)
  local parts = table.pack(...)
  for i = 1, parts.n do
    local value = parts[i]
    local kind = math.type(value) or type(value)
    if kind == "nil" or kind == "boolean" then value = value and 1 or 0 end
    parts[i] = string.pack(FORMS[kind], kind, value)
  end
  return table.concat(parts)
end

--- The values that `pack` has made a text of.
---@param text string
---@return any ...
function processes.unpack(text)
  local values, at, n = {}, 1, 0
  while at <= #text do
    local kind = string.unpack("z", text, at)
    local _, value, next_at = string.unpack(FORMS[kind], text, at)
    n, at = n + 1, next_at
    if kind == "boolean" then values[n] = value == 1
    elseif kind ~= "nil" then values[n] = value end
  end
  return table.unpack(values, 1, n)
end

-- ---- between two exchanges ----

-- Until all come to the next exchange each of them may tell another one something at any time.
local function talk_tag() return tag_of(turn + 1, TALK) end

--- Tells another process values.
---@param to integer
---@param ... nil|boolean|number|string
function processes.tell(to, ...) send(to, talk_tag(), processes.pack(...)) end

--- What another one has told this one: its number and the values; nil where there is nothing now.
---@return integer? from
---@return any ...
function processes.told()
  local rank = mpi.look()
  if not rank then return nil end
  return rank + 1, processes.unpack(receive(rank + 1, talk_tag()))
end

-- ---- one for all ----

--- Calls f in process 1 alone; gives its results in all.
---@param f fun(...): ... gives nil, booleans, numbers and strings
---@param ... any
---@return any ...
function processes.first(f, ...)
  if not mpi then return f(...) end
  return processes.unpack(broadcast(processes.number == 1 and processes.pack(f(...)) or ""))
end

--- Process 1's value, in all.
---@param value nil|boolean|number|string
---@return nil|boolean|number|string
function processes.same(value)
  return processes.first(function() return value end)
end

--- Writes a file as a whole, in process 1; raises where another one would write another file.
---@param path string
---@param pieces (string|tensor)[]
---@return boolean? done nil where the environment refuses
---@return string? message, integer? code
function processes.write_file(path, pieces)
  processes.join()
  local first = processes.same(path)
  if path ~= first then
    core.raise("%s: process %d would write this file where process 1 writes %s; process 1 writes for all", path,
      processes.number, first)
  end
  return processes.first(core.write_file, path, pieces)
end

return processes

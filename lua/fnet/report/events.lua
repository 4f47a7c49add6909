--- Events: a training as TensorBoard shows it, written while it goes on. This file is fnet.report.events; what the
-- records hold is in lua/fnet/files/events.lua.
-- Invariant: each record is written as a whole, at once, and none is changed afterwards; a file that another run
-- has written is never touched. Of several processes the first one writes.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local processes = require "fnet.base.processes"
local core = require "fnet.core"
local images = require "fnet.data.images"
local records = require "fnet.files.events"
local count_in = require "fnet.measure.counts"
local tiles = require "fnet.report.tiles"

local NAME = "events.out.tfevents.%06d" -- TensorBoard takes what has "tfevents" in it, in alphabetical order
local PATTERN = "^events%.out%.tfevents%."
local BUCKETS = 30 -- of a histogram, as many as TensorBoard makes
local TIME_MOST = 1e11 -- seconds

---@class report.Events
---@field start fun(run: fnet.Run) this and the following are what fnet.fit calls
---@field step fun(run: fnet.Run)
---@field epoch_end fun(run: fnet.Run)
local Events = {}
Events.__index = Events

-- What an object has besides its callbacks, which are all that fnet.fit finds in it.
---@type table<report.Events, { path: string, file: userdata?, time: number?, closed: boolean? }>
local inside = setmetatable({}, { __mode = "k" })

-- ---- the file ----

local function make_directories(path)
  for at in path:gmatch "[^/]()/+" do
    local done, message, code = core.make_directory(path:sub(1, at - 1))
    if not done then return nil, message, code end
  end
  return core.make_directory(path)
end

-- The first process's part of opening: a new file behind those that are there.
local function create(own, directory, resume)
  local done, message = make_directories(directory)
  if not done then return message end
  local names, problem = core.list_directory(directory)
  if not names then return problem end
  local count, taken = 0, {}
  for _, name in ipairs(names) do
    taken[name] = true
    if name:find(PATTERN) then count = count + 1 end
  end
  if count > 0 and not resume then
    return directory .. ": has the events of another run; go on behind them (resume = true) or name another "
      .. "directory"
  end
  local number = count + 1
  while taken[NAME:format(number)] do number = number + 1 end
  own.path = ("%s/%s"):format(directory, NAME:format(number))
  own.file, problem = io.open(own.path, "wb")
  if own.file then own.file:setvbuf "no" end -- so that a watcher sees it, and a full disk is said at once
  return problem
end

local function own_of(what, self)
  expect.method(what, self)
  local own = inside[self]
  if not own then core.raise("%s: expected what fnet.report.events gives, got %s", what, core.kind(self)) end
  if own.closed then core.raise("%s: %s is closed", what, own.path) end
  return own
end

-- Adds what make(time) gives.
local function write(own, what, make)
  local problem = processes.first(function()
    local done, message = own.file:write(make(own.time or os.time()))
    return not done and ("%s: %s"):format(own.path, message) or nil
  end)
  if problem then core.raise("%s: %s", what, problem) end
end

-- ---- values ----

local function check(what, name, step)
  local fits = type(name) == "string" and name ~= "" and utf8.len(name)
  expect.that(fits, what, "a name, such as \"loss\"", name)
  return expect.count(what .. ": step", step, 0)
end

--- A number, such as a loss.
---@param name string
---@param step integer from 0: of a training its step or its epoch
---@param value number|tensor a number, or a tensor of one element
---@return report.Events self raises where the file cannot be written
function Events:scalar(name, step, value)
  local own = own_of("scalar", self)
  step = check("scalar", name, step)
  if core.is_tensor(value) and value:count() == 1 then value = value:item() end
  expect.that(type(value) == "number", "scalar", "a number", value)
  write(own, "scalar", function(time) return records.scalar(time, step, name, value) end)
  return self
end

-- The buckets are of equal width; all values that are equal share one.
local function histogram_of(values)
  local least, most = values:min():item(), values:max():item()
  local buckets, limits = least < most and BUCKETS or 1, {}
  for i = 1, buckets do
    local share = i / buckets
    limits[i] = i < buckets and least * (1 - share) + most * share or most
  end
  local counts = count_in(values:reshape { values:count() }, least, most, buckets)
  return { least = least, most = most, count = values:count(), sum = values:sum():item(),
    squares = (values * values):sum():item(), limits = limits, counts = counts }
end

--- How the values of a tensor are spread.
---@param name string
---@param step integer
---@param values tensor of any shape, at least one element, all finite
---@return report.Events self raises where the file cannot be written
function Events:histogram(name, step, values)
  local own = own_of("histogram", self)
  step = check("histogram", name, step)
  expect.tensor("histogram", values)
  expect.that(values:count() > 0, "histogram", "at least one value", values)
  local histogram = core.no_grad(function()
    values = values:detach():double()
    local sum = values:abs():sum():item() -- no NaN hides from it, as it may from a maximum
    if sum - sum ~= 0 then core.raise("histogram: %s has a value that is not finite", name) end
    return histogram_of(values)
  end)
  write(own, "histogram", function(time) return records.histogram(time, step, name, histogram) end)
  return self
end

--- A picture, or a batch of pictures as tiles, the first 64 of them.
---@param name string
---@param step integer
---@param picture tensor # [height, width] or [height, width, 3], or a batch [count, height, width, 1 or 3]: uint8,
--- or floats from 0 (black) to 1
---@return report.Events self raises where the file cannot be written
function Events:picture(name, step, picture)
  local own = own_of("picture", self)
  step = check("picture", name, step)
  expect.tensor("picture", picture)
  if picture.rank == 4 and picture:count() > 0 and (picture.shape[4] == 1 or picture.shape[4] == 3) then
    picture = core.no_grad(function()
      local batch = picture:detach():float() / (picture.dtype == "uint8" and 255 or 1)
      return tiles.join(batch.shape[4] == 1 and batch:squeeze(4) or batch)
    end)
  end
  local png, problem = images.encode_png("picture", picture)
  if not png then core.raise("picture: %s", problem) end
  local height, width, channels = table.unpack(picture.shape)
  write(own, "picture", function(time)
    return records.picture(time, step, name, height, width, channels or 1, png)
  end)
  return self
end

--- A text, which TensorBoard reads as Markdown.
---@param name string
---@param step integer
---@param text string UTF-8
---@return report.Events self raises where the file cannot be written
function Events:text(name, step, text)
  local own = own_of("text", self)
  step = check("text", name, step)
  expect.that(type(text) == "string" and utf8.len(text), "text", "a text in UTF-8", text)
  write(own, "text", function(time) return records.text(time, step, name, text) end)
  return self
end

--- Ends the file. What was written is in it already; at the end of a script this happens by itself.
function Events:close()
  local own = inside[self]
  if own and own.file and not own.closed then own.file:close() end
  if own then own.closed = true end
end

Events.__close = Events.close

-- ---- callbacks ----

-- The model as text; and that what an interrupted run wrote from here on does not count.
local function start(self, run)
  local epoch, summary = #run.history, run.model:summary():gsub("\n", "\n    ")
  self:text("model", epoch, ("    %s\n"):format(summary))
  if epoch > 0 then write(inside[self], "events", function(time) return records.session(time, epoch + 1) end) end
end

-- What the model sees first.
local function first_step(self, run, seen)
  local x = run.x
  local is_picture = is.float(x) and (x.rank == 3 or x.rank == 4 and (x.shape[4] == 1 or x.shape[4] == 3))
  seen.shape = core.is_tensor(x) and { table.unpack(x.shape, 2) } or {}
  if not is_picture then return end
  core.no_grad(function()
    local low, high = x:min():item(), x:max():item()
    local batch = x.rank == 3 and x:unsqueeze(4) or x
    self:picture("samples", run.epoch, (batch:detach() - low) / math.max(high - low, 1e-30))
  end)
end

local function epoch_end(self, run, seen)
  for _, name in ipairs(run.history.columns) do
    local value = run.record[name]
    if value ~= nil and name ~= "seconds" then self:scalar(name, run.epoch, value) end
  end
  for _, entry in ipairs(run.model:named_parameters()) do
    self:histogram("weights/" .. entry.name, run.epoch, entry.tensor)
  end
  local picture = tiles.of_weights(run.model, seen.shape or {})
  if picture then self:picture("weights/first layer", run.epoch, picture) end
end

--- Writes what TensorBoard shows into a directory, which is made: as `callbacks` of `fnet.fit` the figures of each
-- epoch, histograms of the weights, those of a first layer for pictures as tiles, the first batch and the model's
-- summary; in a loop of your own what you give it: `events:scalar("loss", step, loss)`. To look at it:
-- `tensorboard --logdir runs`. Raises where the directory or the file cannot be written, or has the events of
-- another run.
---@param directory string such as "runs/a"; those above it are made, too
---@param options? table resume: go on behind the events of an earlier run of the same training, false; wall_time:
--- number, the time of all records, in seconds since 1970, by default the clock's: with it equal runs give equal
--- bytes
---@return report.Events events
return function(directory, options)
  expect.path("events", directory)
  expect.that(directory ~= "", "events", "the path of a directory", directory)
  options = expect.options("events", options, { "resume", "wall_time" }, { "resume" })
  local time = options.wall_time
  if time ~= nil then expect.number("events: wall_time", time, 0, TIME_MOST) end
  processes.join()
  local own = { time = time, path = directory }
  local problem = processes.first(create, own, directory, options.resume)
  if problem then core.raise("events: %s", problem) end
  write(own, "events", records.version)
  local self, seen = setmetatable({}, Events), {}
  inside[self] = own
  function self.start(run) start(self, run) end
  function self.step(run) if not seen.shape then first_step(self, run, seen) end end
  function self.epoch_end(run) epoch_end(self, run, seen) end
  return self
end

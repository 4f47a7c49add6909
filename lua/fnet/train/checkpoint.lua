--- Checkpoint: a training that survives its program. Everything that the next step depends on is in one file: the
-- weights of all its models, what its optimisers remember, the place in the epoch, the random numbers, and the
-- script's own figures.
-- Invariant: a training that goes on from a checkpoint takes the same steps, bit for bit, as one that was never
-- interrupted; the file in the directory is always a whole one.

local closing = require "fnet.base.closing"
local contents = require "fnet.nn.contents"
local description = require "fnet.save.description"
local draw = require "fnet.data.draw"
local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local core = require "fnet.core"
local model_file = require "fnet.save"
local files = require "fnet.files"
local naming = require "fnet.base.naming"
local origin = require "fnet.save.origin"
local processes = require "fnet.base.processes"
local safetensors = require "fnet.files.safetensors"
local tree = require "fnet.files.tree"
local model_state = require "fnet.nn.state"
local is_module = require("fnet.nn.module").is_module
local take_lock = require "fnet.base.lock"
local try = require "fnet.base.try"

local FILE = "checkpoint.safetensors"
local PART = "^" .. FILE:gsub("%p", "%%%0") .. "%.%x+%.part$" -- what src/core/durable.c writes before it is renamed
local NO_ENTRY = 2 -- errno for a missing file
local OPTIONS = { "model", "optim", "data", "parts", "resume", "every", "script" }
local PREFIX = model_file.CHECKPOINT_PREFIX

---@class fnet.Checkpoint
---@field directory string? where the file is kept; nil: nowhere
---@field values table for the script's own figures: numbers, texts, tensors and tables of these; saved and restored
---@field epoch integer the current epoch
---@field step integer steps that are done in this epoch
---@field resumed boolean whether this goes on from a file
---@field warning string? where the file system has no locks: that nothing keeps a second training out
local Checkpoint = {}
Checkpoint.__index = Checkpoint

-- ---- saving ----

-- What a part remembers, for a file: of a model its tensors by name.
local function state_of(part)
  local state = part:state()
  if not is_module(part) then return state end
  local tensors = {}
  for _, entry in ipairs(state) do tensors[entry.name] = entry.tensor end
  return tensors
end

-- The metadata that stays the same from save to save.
local function origin_of(options)
  local metadata = origin.new("checkpoint", { script = options.script })
  metadata["fnet.data_sha256"] = options.data and options.data:sha256() or nil
  return metadata
end

-- What the model is, as a function of what it is at each save.
local function describe(model)
  local ok, described = try(description.new, model)
  if ok then return function() return described:metadata(model) end end
  -- A layer with a function inside can go on in its own script, but not be loaded elsewhere.
  local reason = core.error_text(described)
  return function()
    return { [model_file.UNDESCRIBED] = reason, ["fnet.frozen"] = description.frozen(model) }
  end
end

--- Saves now. Between two turns of `batches` this happens by itself; a script calls it where it has its own loop.
---@return boolean? done true, also where there is no directory; nil where the environment refused
---@return string? message
---@return integer? code errno
function Checkpoint:save()
  expect.method("save", self)
  if not self.directory then return true end
  if not self.lock then core.raise("checkpoint: save: the checkpoint is closed") end
  local states = {}
  for name, part in pairs(self.parts) do states[name] = state_of(part) end
  local text, extra = tree.pack("checkpoint", {
    epoch = self.epoch, step = self.step, random = { core.random_state() }, shuffle = self.shuffle,
    batches = self.batch_options, sums = self.sums, values = self.values, parts = states,
  }, "state", PREFIX)
  local tensors = contents.state(self.model)
  for _, entry in ipairs(extra) do tensors[#tensors + 1] = entry end
  local metadata = { [model_file.CHECKPOINT] = text }
  for _, texts in ipairs { self.origin, self.describe() } do
    for key, value in pairs(texts) do metadata[key] = value end
  end
  metadata["fnet.seed"] = tostring((core.random_state()))
  return safetensors.write_list(self.path, tensors, metadata)
end

-- The signal that waits; that of process 1 where several save together. Without a directory none is held.
local function held_signal(self) return self.directory and processes.same(core.held_signal()) or nil end

-- Between two steps everything that is saved fits together. After Ctrl-C, SIGTERM or SIGHUP the training ends here.
local function between_steps(self, due)
  local signal = held_signal(self)
  if signal or due then
    local done, message = self:save()
    if not done then core.raise("checkpoint: not saved: " .. message) end
  end
  if not signal then return end
  self.hold = self.hold and self.hold:close()
  self:close()
  pcall(core.raise_signal, signal) -- ends the program, or raises "interrupted", of which we know more to say
  core.raise_kind("interrupted", "checkpoint: saved in %s (epoch %d, step %d); resume = true goes on from there: "
    .. "interrupted", self.directory, self.epoch, self.step)
end

-- ---- the loops ----

--- For a loop `for epoch, sums in checkpoint:epochs(5) do`, which begins where the last one ended and saves after
-- each epoch. Ctrl-C, SIGTERM and SIGHUP wait for the end of a step and are obeyed when all is saved.
---@param count integer the last epoch
---@return fun(): integer?, table? iterator the epoch, and a table for what the script adds up during it: empty at
--- the start of each, saved and restored like `values`
function Checkpoint:epochs(count)
  expect.method("epochs", self)
  count = expect.count("epochs", count, 0)
  if self.hold then core.raise "epochs: this checkpoint is in a loop of epochs already" end
  if self.directory and not self.lock then core.raise "epochs: the checkpoint is closed" end
  self.hold = self.directory and core.hold_signals() or nil
  local first = true
  local function iterator()
    if not first then
      self.epoch, self.step, self.sums = self.epoch + 1, 0, {}
      self.shuffle, self.batch_options = nil, nil
    elseif self.random and self.step == 0 then
      core.random_state(table.unpack(self.random))
    end
    if not first or held_signal(self) then between_steps(self, true) end
    first = false
    if self.epoch > count then return nil end
    return self.epoch, self.sums
  end
  ---@diagnostic disable-next-line: redundant-return-value -- the rest is for the loop, not for the script
  return iterator, nil, nil, closing(function()
    local signal = self.hold and core.held_signal()
    self.hold = self.hold and self.hold:close()
    if signal then core.raise_signal(signal) end -- it came after the last step of a loop that was left
  end)
end

-- The batches of the epoch from the first that is not done; the random numbers as they were before it.
local function continue_batches(self, dataset, options)
  if type(options) == "table" and options.generator ~= nil then
    core.raise "batches: a checkpoint keeps fnet's own random numbers, none of a generator; leave out `generator`"
  end
  if not (self.random and self.shuffle) then
    self.shuffle, self.batch_options, self.random = { core.random_state() }, options, nil
    return dataset:batches(options)
  end
  local options_before, options_now = self.batch_options or {}, options or {}
  if draw.digest(options_before.weights) ~= draw.digest(options_now.weights) then
    core.raise "batches: the checkpoint was made with other weights of the samples; its epoch cannot go on so"
  end
  for _, key in ipairs { "size", "shuffle", "drop_last", "balanced" } do
    local before, now = options_before[key], options_now[key]
    if before ~= now then
      core.raise("batches: the checkpoint was made with %s = %s, got %s; its epoch cannot go on so", key,
        tostring(before), tostring(now))
    end
  end
  core.random_state(table.unpack(self.shuffle))
  local iterator = dataset:batches(options)
  for _ = 1, self.step do iterator() end
  core.random_state(table.unpack(self.random))
  self.random = nil
  return iterator
end

--- For a loop `for x, y in checkpoint:batches(train, { size = 32, shuffle = true }) do` inside that of the epochs:
-- the same batches as train:batches, from the first that is not done yet. A turn of the loop is one step.
---@param dataset data.Dataset
---@param options? table size, shuffle, drop_last, generator, balanced, weights: as for data.Dataset.batches
---@return fun(): tensor?, tensor? iterator
function Checkpoint:batches(dataset, options)
  expect.method("batches", self)
  expect.that(is.dataset(dataset), "batches", "a data set", dataset)
  local iterator = continue_batches(self, dataset, options)
  local every, in_turn = self.every, false
  return function()
    if in_turn then
      self.step = self.step + 1
      between_steps(self, every and self.step % every == 0)
    end
    local x, y = iterator()
    in_turn = x ~= nil
    return x, y
  end
end

--- Lets go of the directory. Also happens when the checkpoint is collected.
function Checkpoint:close()
  expect.method("close", self)
  self.lock = self.lock and self.lock:close()
end

Checkpoint.__close = Checkpoint.close

--- "checkpoint in runs/1: epoch 3, step 120", and the warning, where there is one.
---@return string
function Checkpoint:__tostring()
  return ("checkpoint in %s: epoch %d, step %d%s"):format(self.directory or "no directory", self.epoch, self.step,
    self.warning and "; " .. self.warning or "")
end

-- ---- opening ----

-- Whether the file fits this training; a fault where it does not.
local function check_origin(self, metadata)
  local before, now = metadata["fnet.numerics"], self.origin["fnet.numerics"]
  if before ~= now then
    files.fault("was made with numerics %s, this fnet has %s: the weights would not be those of an " ..
      "uninterrupted run", before, now)
  end
  before, now = metadata["fnet.data_sha256"], self.origin["fnet.data_sha256"]
  if before ~= now then
    files.fault("was made with another data set: SHA-256 %s, got %s", before or "unknown", now or "unknown")
  end
end

local function is_whole(value, least) return math.type(value) == "integer" and value >= least end
local function is_random(value)
  return type(value) == "table" and math.type(value[1]) == "integer" and math.type(value[2]) == "integer"
end
local function is_table_or_nil(value) return value == nil or type(value) == "table" end

-- Whether what a checkpoint remembers besides its tensors is of the types that save has given it.
local function is_state(state)
  return type(state) == "table" and is_whole(state.epoch, 1) and is_whole(state.step, 0)
    and is_random(state.random) and (state.shuffle == nil or is_random(state.shuffle))
    and is_table_or_nil(state.batches) and is_table_or_nil(state.sums) and is_table_or_nil(state.values)
    and type(state.parts) == "table"
end

-- Gives the parts their states, all of them or, with a fault, none: `before` is what they get back then.
local function restore_parts(parts, states, before)
  local names = naming.sorted(parts)
  for _, name in ipairs(names) do
    if states[name] == nil then files.fault("lacks the state of '%s'", name) end
  end
  for _, name in ipairs(naming.sorted(states)) do
    if parts[name] == nil then files.fault("has the state of '%s', which is none of the parts now", name) end
  end
  for i, name in ipairs(names) do
    local ok, message = try(parts[name].load_state, parts[name], states[name])
    if not ok then
      for k = 1, i - 1 do parts[names[k]]:load_state(before[names[k]]) end
      files.fault("does not fit: %s: %s", name, core.error_text(message))
    end
  end
end

-- Puts the content of the file into the model, the parts and this object; a fault where it does not fit.
local function restore(self, tensors, metadata, before)
  local text = metadata[model_file.CHECKPOINT] or files.fault "holds a model, but is no checkpoint"
  check_origin(self, metadata)
  local state, fine = tree.unpack(text, tensors, PREFIX)
  if not fine or not is_state(state) then files.fault "is not a checkpoint of this version of fnet" end
  local frozen = description.read_frozen(metadata["fnet.frozen"])
  local weights = model_file.weights(tensors)
  local _, problem = model_state.match(self.model, weights)
  if problem then files.fault("%s", problem) end
  restore_parts(self.parts, state.parts, before)
  self.model:load_state(weights)
  description.freeze(self.model, frozen)
  self.epoch, self.step, self.random, self.shuffle = state.epoch, state.step, state.random, state.shuffle
  self.batch_options, self.sums, self.values = state.batches, state.sums or {}, state.values or {}
  self.resumed = true
end

-- Removes what programs that were killed had begun to write.
local function remove_parts(directory)
  for _, name in ipairs(core.list_directory(directory) or {}) do
    if name:find(PART) then os.remove(directory .. "/" .. name) end
  end
end

local UNLOCKED = { close = function() end } -- what other processes hold of the lock of the first one

-- Makes and locks the directory; gives whether there is a file to go on from; nil, a message and a code where that
-- is refused, or a save would be.
local function prepare(self, resume)
  local done, message, code = core.make_directory(self.directory)
  if not done then return nil, message, code end
  local lock, held, refusal = take_lock(self.directory .. "/lock")
  if not lock then return nil, held, refusal end
  self.lock = lock
  if held then
    remove_parts(self.directory)
  else
    self.warning = ("%s: its file system has no locks, so nothing keeps a second training out of it"):format(
      self.directory)
  end
  done, message, code = core.can_write(self.path)
  if not done then return nil, message, code end
  local _ <close>, _, missing = core.open_input(self.path)
  if missing == NO_ENTRY then return false end
  if resume then return true end
  return nil, self.path .. ": there is a checkpoint already; resume it (resume = true) or name another directory"
end

-- Prepares the directory, in the first process, and reads what is in it; a message and a code where it is refused.
local function open_directory(self, resume, states)
  local there, message, code = processes.first(prepare, self, resume)
  if there == nil then return message, code end
  self.lock = self.lock or UNLOCKED
  if not there then return nil end
  local tensors, metadata, refused = safetensors.read(self.path, { finite = false })
  if not tensors then return metadata, refused end
  return select(2, files.attempt(self.path .. ": ", restore, self, tensors, metadata, states))
end

-- Takes the state of each part and puts it back as a file would give it: what could not be resumed is found before
-- the training, not after. Gives the states.
local function rehearse(parts)
  local states = {}
  for _, name in ipairs(naming.sorted(parts)) do
    local part, tensors = parts[name], {}
    local text, list = tree.pack("checkpoint: " .. name, state_of(part), "state", "")
    for _, entry in ipairs(list) do tensors[entry.name] = entry.tensor:detach():clone() end
    states[name] = tree.unpack(text, tensors, "")
    local ok, message = try(part.load_state, part, states[name])
    if not ok then
      core.raise("checkpoint: %s: does not take the state that it gives: %s", name, core.error_text(message))
    end
  end
  return states
end

-- What is saved beside the model.
local function parts_of(options)
  local parts = { optim = options.optim }
  expect.that(options.parts == nil or type(options.parts) == "table", "checkpoint: parts", "objects by name",
    options.parts)
  for name, part in pairs(options.parts or {}) do
    if type(name) ~= "string" then
      core.raise("checkpoint: parts: expected objects by name, { average = average }")
    elseif parts[name] then
      core.raise("checkpoint: parts: '%s' is the name of the option; give the part another one", name)
    end
    parts[name] = part
  end
  for name, part in pairs(parts) do
    local fits = type(part) == "table" and is.callable(part.state) and is.callable(part.load_state)
    expect.that(fits, "checkpoint: " .. name,
      "an object with state and load_state, such as an optimiser", part)
  end
  return parts
end

--- Opens a checkpoint: creates the directory, locks it against a second training, and with `resume` puts what is
-- saved there back into the model, the optimiser and the parts. Without a directory the object does the same but
-- for saving, so that a script has one loop for both.
---@param directory? string
---@param options table model: nn.Module; optim: optim.Optimizer; data: data.Dataset, the training set, by whose
--- hash another one is refused; parts: table, what else is to go on, by name: other models, their optimisers,
--- averages, schedules, any object whose load_state takes what its state gives, such as { discriminator = d,
--- optim_d = opt_d }; resume: go on from what is there, which may be nothing yet, false; every: integer, steps
--- between two saves inside an epoch, by default only its end; script: string|false, as for model:save. Raises
--- where a part could not go on from its own state
---@return fnet.Checkpoint? checkpoint nil where the directory cannot be used, its checkpoint is damaged, or
--- belongs to another data set, model or numerics version, or to other parts; nothing has changed then
---@return string? message
---@return integer? code errno, where the environment refused
return function(directory, options)
  expect.that(directory == nil or type(directory) == "string", "checkpoint", "a directory", directory)
  options = expect.options("checkpoint", options, OPTIONS, { "resume" }, { "script" })
  expect.that(is_module(options.model), "checkpoint: model", "a model", options.model)
  local data = options.data
  expect.that(data == nil or type(data) == "table" and data.sha256, "checkpoint: data", "a data set", data)
  local self = setmetatable({
    directory = directory, model = options.model, parts = parts_of(options), values = {}, sums = {}, epoch = 1,
    step = 0, resumed = false, every = options.every and expect.count("checkpoint: every", options.every, 1),
  }, Checkpoint)
  local states = rehearse(self.parts)
  if not directory then return self end
  self.path = directory .. "/" .. FILE
  processes.join()
  self.origin, self.describe = origin_of(options), describe(options.model)
  local done, message, code = pcall(open_directory, self, options.resume, states)
  if done and not message then return self end
  self:close()
  if not done then error(message, 0) end
  return files.given(nil, message, code)
end

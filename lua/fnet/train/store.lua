--- Store: the finished runs of a sweep in a file, a line of JSON each, so that a second start goes on where the
-- first one ended. Invariant: lines are only added, by one sweep at a time; one that a killed program has cut short
-- is passed over.

local expect = require "fnet.base.expect"
local naming = require "fnet.base.naming"
local core = require "fnet.core"
local files = require "fnet.files"
local json = require "fnet.files.json"
local tree = require "fnet.files.tree"
local origin = require "fnet.save.origin"
local take_lock = require "fnet.base.lock"

local LEAD = '{"seed":' -- what each line begins with
local DEPTH = 40 -- more than settings of tree.pack have

---@class train.Store
---@field path string
---@field figures table<string, number> by the text of settings and seed
---@field damaged integer lines that are cut short
---@field has_script boolean whether the code is in a file, whose versions are told apart
---@field alone boolean false where its file system has no locks
local Store = {}
Store.__index = Store

local function encoded(value, name)
  local text, tensors = tree.pack("sweep: store", value, name, "")
  if #tensors > 0 then core.raise("sweep: store: %s is or has a tensor, which no line of JSON can hold", name) end
  return text
end

-- What a line begins with: it tells the run from all others.
local function key_of(settings, seed)
  local parts = {}
  for i, name in ipairs(naming.sorted(settings)) do
    parts[i] = json.encode(name) .. ":" .. encoded(settings[name], name)
  end
  return ('%s%d,"settings":{%s}'):format(LEAD, seed, table.concat(parts, ","))
end

--- The figure of a run that is in the file; nil where it is not.
---@param settings table
---@param seed integer
---@return number?
function Store:figure(settings, seed) return self.figures[key_of(settings, seed)] end

--- Adds a run.
---@param settings table
---@param seed integer
---@param figure number any, also one that is not finite
---@return any done nil where the environment refused
---@return string? message
function Store:add(settings, seed, figure)
  local line = ('%s%s,"figure":%s,"numerics":%d,"script":"%s"}\n'):format(self.lead, key_of(settings, seed),
    encoded(figure, "figure"), core.numerics, self.script)
  local done, message = self.file:write(line)
  if done then done, message = self.file:flush() end
  self.lead = done and "" or "\n" -- a part of it may be there
  return done, message
end

--- Lets go of the file.
function Store:close()
  self.file:close()
  self.lock:close()
end

Store.__close = Store.close

-- Takes over a line; a fault where it is none of a store's, or of another origin.
local function read_line(self, text)
  local line = json.decode(text, DEPTH)
  if type(line) ~= "table" and text:sub(1, #LEAD) == LEAD:sub(1, #text) then
    self.damaged = self.damaged + 1
    return
  end
  if type(line) ~= "table" or type(line.settings) ~= "table" or math.type(line.seed) ~= "integer" then
    files.fault "is no run of a sweep; name another file"
  end
  if line.numerics ~= core.numerics then
    files.fault("was made with numerics %s, this fnet has %d; name another file", tostring(line.numerics),
      core.numerics)
  end
  if line.script ~= self.script then
    files.fault("was made by another version of the script; name another file, or, where the change does not " ..
      "concern these runs: sed -i s/%s/%s/ %s", tostring(line.script), self.script, self.path)
  end
  local figure = tree.unpack(json.encode(line.figure), {}, "")
  if type(figure) ~= "number" then files.fault "has no figure; name another file" end
  self.figures[('%s%d,"settings":%s'):format(LEAD, line.seed, json.encode(line.settings))] = figure
end

local function read(self, text)
  local number = 0
  for line in text:gmatch "([^\n]*)\n?" do
    number = number + 1
    if line ~= "" then
      local _, problem = files.attempt("", read_line, self, line)
      if problem then core.raise("sweep: store: %s: line %d %s", self.path, number, problem) end
    end
  end
end

--- Opens a store, which need not be there yet, and locks it. Raises where it cannot be used, or holds runs of
-- another version of the script or of the numerics.
---@param path string
---@return train.Store
return function(path)
  expect.path("sweep: store", path)
  local function sound(value, message) return value or core.raise("sweep: store: " .. message) end
  local script = origin.new("sweep", {})["fnet.script"]
  local lock, held = take_lock(path) -- which refuses what is no ordinary file
  local self = setmetatable({
    path = path, figures = {}, damaged = 0, script = script and core.sha256(script):sub(1, 16) or "none",
    has_script = script ~= nil, lock = sound(lock, held), alone = held, file = sound(io.open(path, "a+b")),
  }, Store)
  local text = sound(self.file:read "a")
  self.lead = text:sub(-1) ~= "\n" and text ~= "" and "\n" or ""
  local ok, problem = pcall(read, self, text)
  if ok then return self end
  self:close()
  error(problem, 0)
end

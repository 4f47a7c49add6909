--- Lists of modules: what Sequential, Parallel and the like share. Their parts, `model[1]`, `model[2]`, ..., can be
-- replaced, added at the end and taken away. Invariant: a change that does not fit is refused where it is made, and
-- the model stays as it was. Below the layers that are such lists, above module.lua.

local core = require "fnet.core"
local expect = require "fnet.base.expect"
local contents = require "fnet.nn.contents"
local module = require "fnet.nn.module"
local try = require "fnet.base.try"

local list = {}

local PARTS, PARENT = contents.PARTS, contents.PARENT
local LISTS = {} -- the key of a class that has its parts so
-- Keys of the parts as they were before table.insert or table.remove began to move them, and of the place that they
-- change next.
local BEFORE, NEXT = {}, {}
local OUTERMOST = 32 -- levels that are told of a change, also where modules refer to each other in a circle

-- Raises unless a value is a module, the `noun` i of what.
local function check_part(what, noun, i, part)
  if contents.is_module(part) then return end
  if part == nil then core.raise("%s: %s %d is nil: is its name a variable that exists?", what, noun, i) end
  core.raise("%s: %s %d: expected a layer, got %s", what, noun, i, core.kind(part))
end

--- The parts of a list of modules.
---@param self nn.Module
---@return nn.Module[] parts not to be changed
function list.parts(self) return self[PARTS] or self end

local function adopt_all(self, parts)
  for i, part in ipairs(parts) do contents.adopt(self, part, parts.noun .. " " .. i) end
end

--- Takes the modules of a list as self[1], self[2], ..., and makes them parts of self. Raises where one is none.
---@param self nn.Module
---@param given nn.Module[]
---@param noun string what a part is called: "layer", "branch"
---@param least? integer how many there must be, 1
function list.take(self, given, noun, least)
  local what, count = self.class_name, type(given) == "table" and core.length(given) or 0
  if type(given) ~= "table" or contents.is_module(given) or count < (least or 1) then
    core.raise("%s: expected a table of %slayer%s, { nn.Dense(784, 10), ... }", what,
      least == 0 and "" or "at least one ", least == 0 and "s" or "")
  end
  local parts = { noun = noun }
  for i = 1, count do
    check_part(what, noun, i, given[i])
    parts[i] = given[i]
  end
  for key in pairs(given) do
    if math.type(key) ~= "integer" or key < 1 or key > count then
      core.raise("%s: unexpected field '%s'; layers are listed without names or gaps", what, tostring(key))
    end
  end
  if rawget(getmetatable(self), LISTS) then
    rawset(self, PARTS, parts)
  else -- a class of a script that calls this init: its parts are fields like others
    for i, part in ipairs(parts) do self[i] = part end
  end
  adopt_all(self, parts)
end

-- Everything that follows from the parts of a list, here and in the lists that this one is a part of; raises where
-- two do not fit.
local function settle(self)
  for _ = 1, OUTERMOST do
    if not self then return end
    if self.settle then self:settle() end
    self = rawget(self, PARENT)
  end
end

local function set_parts(self, parts)
  local before = self[PARTS]
  rawset(self, PARTS, parts)
  for _, part in ipairs(before) do
    if rawget(part, PARENT) == self then contents.adopt(nil, part, nil) end
  end
  adopt_all(self, parts)
end

-- The parts with another one, or none, at i; raises where that leaves a gap.
local function parts_with(self, i, part)
  local before, what = self[PARTS], self.class_name
  local count, noun = #before, before.noun
  if part ~= nil then check_part(what, noun, i, part) end
  if i < 1 or i > count + 1 then
    core.raise("%s: the next %s is %d, got %d", what, noun, count + 1, i)
  end
  if part == nil and i < count then
    core.raise("%s: %s %d of %d cannot be nil; table.remove(model, %d) takes it out", what, noun, i, count, i)
  end
  local parts = table.move(before, 1, count, 1, { noun = noun })
  parts[i] = part
  return parts
end

-- Called for self[i] = part. A part that stands beside already is being moved by table.insert or table.remove, one
-- after the other: what they leave half done need not fit; but the last of their changes must, or none is made.
local function put(self, i, part)
  local old, parts = self[PARTS], parts_with(self, i, part)
  local before, following = rawget(self, NEXT) == i and rawget(self, BEFORE) or old, nil
  if part ~= nil then following = old[i + 1] == part and i + 1 or old[i - 1] == part and i - 1 or nil end
  set_parts(self, parts)
  local fits, message = try(settle, self)
  rawset(self, NEXT, following)
  rawset(self, BEFORE, following and before)
  if fits or following then return end
  set_parts(self, before)
  settle(self)
  error(message, 0)
end

--- A class of modules that are lists of others. It may have a method `settle`, which is called when the parts have
-- changed: it notes what follows from them and raises where they do not fit.
---@param name string
---@return table class
function list.class(name)
  local class = module.class(name)
  class[LISTS], class.methods = true, class -- methods: for the completion of names, which follows no function
  function class.__index(self, key)
    local value = class[key] -- first, since a forward is what is asked for most
    if value ~= nil then return value end
    local parts = math.type(key) and rawget(self, PARTS)
    return parts and parts[key]
  end
  function class.__newindex(self, key, value)
    local i = math.type(key) and math.tointeger(key)
    if i and rawget(self, PARTS) then put(self, i, value) else module.assign(self, key, value) end
  end
  function class.__len(self) return #list.parts(self) end
  -- The parts and the fields.
  function class.__pairs(self)
    local all = { table.unpack(self[PARTS]) }
    for _, key in ipairs(self[contents.ORDER]) do all[key] = self[key] end
    return next, all, nil
  end
  --- The parts that are in it now, also where a script put one in the place of another.
  ---@return nn.Module[]
  function class:config()
    expect.method("config", self)
    return { table.unpack(self[PARTS]) }
  end
  --- The class with its parts, one a line.
  ---@return string
  function class:describe()
    expect.method("describe", self)
    local lines = { self.class_name .. " {" }
    for _, part in ipairs(list.parts(self)) do
      lines[#lines + 1] = "  " .. part:describe():gsub("\n", "\n  ") .. ","
    end
    lines[#lines + 1] = "}"
    return table.concat(lines, "\n")
  end
  return class
end

---@class nn.List: nn.Module
---@field [integer] nn.Module|table
local List = list.class "List"

--- Modules in a field of a class of your own, in their order: `self.layers = nn.List { nn.Dense(6, 6), ... }`; also
-- `table.insert(self.layers, layer)`. A plain table does the same, but a list is shown as one where a model is
-- printed. It computes nothing itself: `for _, layer in ipairs(self.layers) do x = layer(x) end`.
---@param modules? nn.Module[] none
function List:init(modules) list.take(self, modules or {}, "layer", 0) end

--- Raises: a list only holds modules.
function List:forward()
  expect.method("forward", self)
  core.raise("%s: a list computes nothing: call the layers in it, or use nn.Sequential", self:name())
end

list.List = List

return list

--- Checks of arguments: options by name, whole numbers, numbers, one of a list. Each raises an error that says
-- what, expected, got, and the nearest known name of a misspelt one.

local core = require "fnet.core"
local naming = require "fnet.base.naming"
local say = require "fnet.base.say"

local expect = {}

local function one_of(what, kind, value, names)
  for _, name in ipairs(names) do
    if name == value then return name end
  end
  if kind == "name" and type(value) ~= "string" then
    core.raise("%s: expected one of %s, got %s", what, table.concat(names, ", "), say.value(value))
  end
  local shown = type(value) == "string" and value or math.type(value) and tostring(value) or core.kind(value)
  core.raise("%s: unknown %s '%s'%s; known are %s", what, kind, shown, naming.hint(value, names),
    table.concat(names, ", "))
end

-- Whether a value is a table of the library's names: it got in by a colon that was written for a dot.
local function is_space(value)
  local class = type(value) == "table" and getmetatable(value)
  return type(class) == "table" and rawget(class, "__space") ~= nil
end

--- A table of options with known names only; an empty one for nil.
---@param what string the function, for the message
---@param options any
---@param known string[] all names, in the order in which a message lists them
---@param switches? string[] the names of those that are true or false
---@param may_be_false? string[] those for which false means something, beside other values
---@return table options
function expect.options(what, options, known, switches, may_be_false)
  if options == nil then return {} end
  if type(options) ~= "table" or is_space(options) then
    core.raise("%s: expected a table of options, got %s", what, core.kind(options))
  end
  for key in pairs(options) do one_of(what, "option", key, known) end
  local fits = {} -- names of the options that may be false
  for _, name in ipairs(switches or {}) do
    fits[name] = options[name] ~= nil and expect.boolean(what .. ": " .. name, options[name]) ~= nil
  end
  for _, name in ipairs(may_be_false or {}) do fits[name] = true end
  for _, name in ipairs(known) do
    if options[name] == false and not fits[name] then
      core.raise("%s: %s: false is none of its values; without the option, its default counts", what, name)
    end
  end
  return options
end

-- A value where a number was expected: a text that looks like one, or an address, would not tell.
local function got(value)
  if type(value) == "string" then return ("the string '%s'"):format(value) end
  if value ~= value then return "nan" end
  local plain = type(value) == "number" or type(value) == "boolean"
  return plain and tostring(value) or core.kind(value)
end

--- A value that a check which is written where it is needed finds right.
---@param fits any what the check says
---@param what string function and argument, such as "fit: loss"
---@param expected string such as "a function of output and target"
---@param value any
---@return any value
function expect.that(fits, what, expected, value)
  if fits then return value end
  core.raise("%s: expected %s, got %s", what, expected, say.value(value))
end

--- A whole number within [low, high], as an integer.
---@param what string function and argument, such as "Dense: units"
---@param value any
---@param low integer
---@param high? integer no limit where nil
---@return integer
function expect.count(what, value, low, high)
  local whole = math.type(value) and math.tointeger(value)
  if whole and whole >= low and whole <= (high or math.maxinteger) then return whole end
  local range = high and (" from %d to %d"):format(low, high) or (" of at least %d"):format(low)
  if low == math.mininteger then range = "" end
  core.raise("%s: expected a whole number%s, got %s", what, range, got(value))
end

--- A number within [low, high].
---@param what string function and argument, such as "Adam: lr"
---@param value any
---@param low number
---@param high number
---@return number
function expect.number(what, value, low, high)
  if type(value) == "number" and value >= low and value <= high then return value end
  core.raise("%s: expected a number from %.10g to %.10g, got %s", what, low, high, got(value))
end

--- True or false.
---@param what string function and argument, such as "SGD: nesterov"
---@param value any
---@return boolean
function expect.boolean(what, value)
  return expect.that(type(value) == "boolean", what, "true or false", value)
end

--- A list without nil in it, at which whoever walks it would end.
---@param what string function and argument, such as "fit: figures"
---@param list table
---@return table list
function expect.list(what, list)
  for i = 1, core.length(list) do
    if list[i] == nil then core.raise("%s: entry %d is nil: is its name a variable that exists?", what, i) end
  end
  return list
end

--- The path of a file: a string without zero bytes, at which the system would end it.
---@param what string the function, for the message
---@param path any
function expect.path(what, path)
  expect.that(type(path) == "string", what, "a path", path)
  if path:find("\0", 1, true) then core.raise(what .. ": the path contains a zero byte") end
end

--- The object of a method: `opt.step()`, written for `opt:step()`, passes none, or another table.
---@param name string the method's
---@param self any
function expect.method(name, self)
  local is_class = type(self) == "table" and rawget(self, "is_module")
  if is_class == nil and self[name] ~= nil then return end
  if is_class then core.raise("%s: expected an object, got %s", name, core.kind(self)) end
  core.raise("%s: expected to be called with a colon, such as object:%s(), got %s for the object", name, name,
    say.value(self))
end

--- The name of a field that is set: Lua's own message about nil and NaN would name none of the script's lines.
---@param what string the object, for the message
---@param key any
function expect.key(what, key)
  if key == nil or key ~= key then core.raise("%s: a field cannot be called %s", what, key and "nan" or "nil") end
end

--- The object and the argument of output_shape: the shape of a sample, where it is known.
---@param self any
---@param input any
function expect.output_shape(self, input)
  expect.method("output_shape", self)
  if input == nil then return end
  local fits = type(input) == "table" and #input <= 8
  for i = 1, fits and #input or 0 do
    fits = fits and (input[i] == "?" or math.type(input[i]) == "integer" and input[i] >= 0)
  end
  expect.that(fits, self:name() .. ": output_shape", "the lengths of a sample's axes, such as { 28, 28, 1 }", input)
end

--- Any value but a table of the library's names.
---@param what string the function, for the message
---@param value any
---@return any value
function expect.value(what, value)
  return expect.that(not is_space(value), what, "a value", value)
end

--- A tensor.
---@param what string the function, for the message
---@param value any
function expect.tensor(what, value)
  if not core.is_tensor(value) then core.refuse_tensor(what, value) end
end

--- The tensor whose method is called: `t.mean(1)`, written for `t:mean(1)`, passes another value.
---@param name string the method's
---@param self any
function expect.self(name, self)
  if not core.is_tensor(self) then core.refuse_tensor(name, self, true) end
end

--- An axis, from 1 to the rank.
---@param what string the function, for the message
---@param axis any
---@param rank integer
---@return integer axis
function expect.axis(what, axis, rank)
  if math.type(axis) and axis >= 1 and axis <= rank and axis % 1 == 0 then return axis end
  local way_out = type(axis) == "table" and "; one axis a call"
    or type(axis) == "number" and axis < 1 and rank > 0 and ("; the last axis is %d"):format(rank)
  core.raise("%s: axis: expected a whole number from 1 to %d, got %s%s", what, rank,
    axis ~= axis and "nan" or type(axis) == "number" and tostring(axis) or core.kind(axis), way_out or "")
end

--- One of a list of names.
---@param what string function and argument, such as "Dense: init"
---@param value any
---@param names string[]
---@return string
function expect.choice(what, value, names) return one_of(what, "name", value, names) end

return expect

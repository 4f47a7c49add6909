--- Series: what a script gives to be drawn, checked and brought into one form, a list of curves in a fixed order.
-- Invariant: an error names the curve and the place of the value that is none.

local core = require "fnet.core"
local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local naming = require "fnet.base.naming"
local say = require "fnet.base.say"

---@class Series
---@field name string "" for one without a name
---@field y table numbers; what is no finite number is a gap
---@field x table? as many numbers; 1, 2, ... where nil
---@field low table? the lower and the upper border of a band around the curve, as many numbers
---@field high table?
---@field count integer
---@field points boolean? points instead of a line; nil: as the options say

local series = {}

local MOST = 1 << 24 -- values of a list with holes
local FIELDS = { "x", "y", "low", "high", "points" }
local NAN = 0 / 0

local function described(what, name) return name == "" and what or ("%s: '%s'"):format(what, core.visible(name)) end

-- The numbers of a list, holes as NaN, and how many they are.
local function list_numbers(what, list)
  local count, last = 0, 0
  for key, value in next, list do
    if math.type(key) ~= "integer" or key < 1 or key > MOST then
      core.raise("%s: expected a list of numbers, got a table with the key %s", what,
        type(key) == "string" and ("'%s'"):format(core.visible(key)) or tostring(key))
    end
    if type(value) ~= "number" then
      core.raise("%s: value %d: expected a number, got %s", what, key, say.value(value))
    end
    count, last = count + 1, math.max(last, key)
  end
  if count == last then return list, count end
  local filled = {}
  for i = 1, last do filled[i] = list[i] or NAN end
  return filled, last
end

-- The numbers of a list or a tensor.
local function numbers(what, value)
  if core.is_tensor(value) then
    if value.rank ~= 1 then
      core.raise("%s: expected a tensor of one axis, got %s; t:flatten() gives one, t:select(axis, index) one row",
        what, say.shape(value.shape))
    end
    return value:detach():totable(), #value
  end
  expect.that(type(value) == "table" and not is.opened(value), what, "a list of numbers or a tensor", value)
  return list_numbers(what, value)
end

-- Whether a table holds one curve by its fields: { x = , y = }.
local function has_fields(value)
  if type(value) ~= "table" or core.is_tensor(value) or rawget(value, "y") == nil then return false end
  for key in next, value do
    local known = false
    for _, field in ipairs(FIELDS) do known = known or key == field end
    if not known then return false end
  end
  return true
end

-- One curve.
local function read_one(what, name, value)
  what = described(what, name)
  local is_list = type(value) == "table" and not core.is_tensor(value) and
    (value[1] ~= nil or next(value) == nil or math.type((next(value))) == "integer")
  if core.is_tensor(value) or is_list or not has_fields(value) then
    expect.that(type(value) == "table" or core.is_tensor(value), what,
      "a list of numbers, a tensor of one axis, or { x = , y = }", value)
    if type(value) == "table" and not is_list then
      expect.options(what, value, FIELDS) -- names what is unknown
      core.raise("%s: y is missing, the numbers that are drawn", what)
    end
    local y, count = numbers(what, value)
    return { name = name, y = y, count = count }
  end
  local curve = { name = name, points = value.points }
  if value.points ~= nil then expect.boolean(what .. ": points", value.points) end
  curve.y, curve.count = numbers(what .. ": y", value.y)
  for _, field in ipairs { "x", "low", "high" } do
    if value[field] ~= nil then
      local list, count = numbers(what .. ": " .. field, value[field])
      if count ~= curve.count then
        core.raise("%s: %s has %d values, y has %d; they have to be as many", what, field, count, curve.count)
      end
      curve[field] = list
    end
  end
  if (curve.low == nil) ~= (curve.high == nil) then
    core.raise("%s: low and high make a band together; %s is missing", what, curve.low and "high" or "low")
  end
  return curve
end

-- A name that compares as its words and numbers do: each number has the count of its digits in front.
local function natural(name)
  return (name:gsub("%d+", function(digits)
    digits = digits:gsub("^0+", "")
    return ("%08d%s"):format(#digits, digits)
  end))
end

-- The names in their order: as asked, else numbers before texts, each ascending, "run 2" before "run 10".
local function in_order(what, given, order)
  local names, known = {}, {}
  for key in next, given do
    expect.that(type(key) == "string" or math.type(key) == "integer", what, "curves by name", key)
    names[#names + 1], known[#known + 1] = key, tostring(key)
  end
  table.sort(names, function(a, b)
    if type(a) ~= type(b) then return type(a) == "number" end
    if type(a) == "number" then return a < b end
    local natural_a, natural_b = natural(a), natural(b)
    if natural_a ~= natural_b then return natural_a < natural_b end
    return a < b -- "1" and "01"
  end)
  if order == nil then return names end
  expect.that(type(order) == "table", what .. ": order", "a list of the curves' names", order)
  local seen, list = {}, {}
  for i, name in ipairs(order) do
    if type(name) ~= "string" and math.type(name) ~= "integer" or given[name] == nil then
      core.raise("%s: order: there is no curve %s%s", what,
        type(name) == "string" and ("'%s'"):format(core.visible(name)) or say.value(name), naming.hint(name, known))
    end
    if seen[name] then core.raise("%s: order: '%s' stands there twice", what, core.visible(tostring(name))) end
    seen[name], list[i] = true, name
  end
  for _, name in ipairs(names) do
    if not seen[name] then
      core.raise("%s: order: '%s' is missing; all curves have to stand there", what, core.visible(tostring(name)))
    end
  end
  return list
end

-- Whether a table is one list of numbers: so are its values, or it is empty.
local function is_one_list(value)
  local key, first = next(value)
  return key == nil or math.type(key) == "integer" and not (type(first) == "table" or core.is_tensor(first))
end

--- The curves of what a script has given.
---@param what string the function, for messages
---@param given any curves by name; or one alone; or an object whose method `curves` gives them, as a History does
---@param order? (string|integer)[] the names, in the order of drawing
---@return Series[]
---@return { x_label: string? } defaults what the object says of its axes
function series.read(what, given, order)
  local defaults = {}
  local class = type(given) == "table" and getmetatable(given)
  if type(class) == "table" and is.callable(rawget(class, "curves")) then given, defaults = given:curves() end
  if not core.is_tensor(given) then
    local fits = type(given) == "table" and not is.array(given)
    expect.that(fits, what, "curves, such as { loss = { 3, 2, 1 } }", given)
  end
  if core.is_tensor(given) or is_one_list(given) or has_fields(given) then
    if order ~= nil then core.raise("%s: order: there is one curve, without a name", what) end
    return { read_one(what, "", given) }, defaults
  end
  local curves = {}
  for i, name in ipairs(in_order(what, given, order)) do
    curves[i] = read_one(what, tostring(name), given[name])
  end
  return curves, defaults
end

--- Lists of values, whatever their shape.
---@param what string the function, for messages
---@param given any tensors of any shape or lists of numbers by name; or one alone
---@param order? (string|integer)[] the names, in the order of drawing
---@return Series[]
function series.read_values(what, given, order)
  local fits = core.is_tensor(given) or type(given) == "table" and not is.array(given)
  expect.that(fits, what, "a tensor, a list of numbers, or several of these by name", given)
  local function flat(value) return core.is_tensor(value) and value:detach():flatten() or value end
  if type(given) == "table" and getmetatable(given) == nil and not is_one_list(given) then
    local list = {}
    for key, value in next, given do
      list[key] = flat(value)
      expect.that(not has_fields(value), described(what, tostring(key)), "a list of numbers or a tensor", value)
    end
    given = list
  end
  return (series.read(what, flat(given), order))
end

return series

--- Forms: what a value out of JSON has to be, declared where it is used and checked before. A form is a function of
-- the value and of its place in the whole, "" at the top, for messages; it leaves by files.fault where the value is
-- another one.
-- Invariant: what a form lets through can be used without another look at its types. Names that a form does not
-- know are left alone: a later version may write more.

local files = require "fnet.files"
local json = require "fnet.files.json"
local naming = require "fnet.base.naming"

local form = {}

--- Looks at a value, and leaves by files.fault where it is another one.
---@alias files.Form fun(value: any, place: string)

local KINDS = { string = "a text", number = "a number", boolean = "true or false", table = "an object" }

local function fault(place, format, ...)
  files.fault("%s" .. format, place == "" and "" or place .. ": ", ...)
end

local function refuse(place, expected, value)
  local kind = value == json.null and "null" or json.is_array(value) and "a list" or KINDS[type(value)]
  fault(place, "expected %s, got %s", expected, kind)
end

local function check_object(value, place)
  if type(value) ~= "table" or value == json.null or json.is_array(value) then refuse(place, "an object", value) end
end

local function inside(place, name) return place == "" and name or place .. "." .. name end

--- A text.
---@param value any
---@param place string
function form.text(value, place)
  if type(value) ~= "string" then refuse(place, "a text", value) end
end

--- True or false.
---@param value any
---@param place string
function form.boolean(value, place)
  if type(value) ~= "boolean" then refuse(place, "true or false", value) end
end

--- What is shown in one word: a text, a number, true or false.
---@param value any
---@param place string
function form.word(value, place)
  if type(value) == "table" then refuse(place, "a text or a number", value) end
end

--- A number.
---@param value any
---@param place string
function form.number(value, place)
  if type(value) ~= "number" then refuse(place, "a number", value) end
end

--- A number within [low, high].
---@param low number
---@param high number
---@return files.Form
function form.between(low, high)
  return function(value, place)
    form.number(value, place)
    if value >= low and value <= high then return end
    fault(place, "expected a number from %g to %g, got %g", low, high, value)
  end
end

--- A whole number of at least `low`.
---@param low integer
---@return files.Form
function form.whole(low)
  return function(value, place)
    if math.type(value) ~= "integer" then refuse(place, "a whole number", value) end
    if value < low then fault(place, "expected a whole number of at least %d, got %d", low, value) end
  end
end

--- A list of such values, of `least` to `most`.
---@param each files.Form
---@param least? integer 0
---@param most? integer any number
---@return files.Form
function form.list(each, least, most)
  return function(value, place)
    if not json.is_array(value) then refuse(place, "a list", value) end
    if #value < (least or 0) or #value > (most or #value) then
      fault(place, "expected a list of %d%s, got one of %d", least or 0, most == least and "" or most
        and (" to %d"):format(most) or " at least", #value)
    end
    for i, inner in ipairs(value) do each(inner, ("%s[%d]"):format(place, i)) end
  end
end

--- Such values by name.
---@param each files.Form
---@return files.Form
function form.names(each)
  return function(value, place)
    check_object(value, place)
    for _, name in ipairs(naming.sorted(value)) do each(value[name], inside(place, name)) end
  end
end

--- An object with a form for each of its fields, which may be missing where they are not needed.
---@param fields table<string, files.Form>
---@param needed? string[]
---@return files.Form
function form.object(fields, needed)
  local names = naming.sorted(fields)
  return function(value, place)
    check_object(value, place)
    for _, name in ipairs(needed or {}) do
      if value[name] == nil then fault(place, "lacks '%s'", name) end
    end
    for _, name in ipairs(names) do
      if value[name] ~= nil then fields[name](value[name], inside(place, name)) end
    end
  end
end

--- What is wrong with a value; nil where nothing is.
---@param value any
---@param check files.Form
---@return string? problem
function form.problem(value, check) return (select(2, files.attempt("", check, value, ""))) end

--- The value of a text of the metadata, JSON of this form. A reader of files.
---@param text string
---@param name string of what it says, in the plural, "metrics"
---@param check files.Form
---@param depth? integer as json.decode has it
---@return any value
function form.decode(text, name, check, depth)
  local value, problem = json.decode(text, depth)
  problem = problem or form.problem(value, check)
  if problem then files.fault("its %s are damaged: %s", name, problem) end
  return value
end

return form

--- Checks of arguments that the library's modules share: options by name, whole numbers, numbers, one of a list,
-- and tables of public names. Every message says what, expected, got, and the nearest known name of a misspelt one.

local core = require "fnet.core"

local check = {}

-- How many letters must be changed, added, dropped or swapped with their neighbour to make b of a (the optimal
-- string alignment distance).
local function distance(a, b)
  local rows = { [0] = {} }
  for j = 0, #b do rows[0][j] = j end
  for i = 1, #a do
    rows[i] = { [0] = i }
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      local best = math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (same and 0 or 1))
      local swapped = i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j)
      rows[i][j] = swapped and math.min(best, rows[i - 2][j - 2] + 1) or best
    end
  end
  return rows[#a][#b]
end

-- What other libraries and plain English call options and their values, small and without "_".
local SYNONYMS = {
  acc = "accuracy", act = "activation", batch = "size", batchsize = "size batch", betas = "beta1 beta2",
  classweight = "weights", criterion = "loss", delimiter = "separator", directory = "dir", eps = "epsilon",
  etamin = "floor", gamma = "factor", he = "he_normal", kaiming = "he_normal", kaimingnormal = "he_normal",
  kaiminguniform = "he_uniform", kernelinitializer = "init", labelsmoothing = "smoothing", learningrate = "lr",
  minlr = "floor", mode = "goal", names = "classes", optimiser = "optim", optimizer = "optim", rate = "lr",
  retaingraph = "retain", rho = "alpha", sep = "separator", std = "deviation", stepsize = "every",
  stratify = "stratified", tmax = "steps", usebias = "bias", val = "valid", validation = "valid",
  validationdata = "valid", xavier = "glorot_uniform", xaviernormal = "glorot_normal",
  xavieruniform = "glorot_uniform",
}

local function bare(name) return (name:lower():gsub("[_%-]", "")) end

-- The known names that stand for this one elsewhere; else the one that is spelt most like it; else none.
local function meant(name, names)
  if type(name) ~= "string" or #name > 64 then return {} end
  local list, best, least = {}, nil, math.max(1, #name // 3) + 1
  local synonyms = " " .. (SYNONYMS[bare(name)] or "") .. " "
  for _, known in ipairs(names) do
    if synonyms:find(" " .. known .. " ", 1, true) then list[#list + 1] = known end
    local far = distance(bare(name), bare(known))
    if far < least and far < #known then best, least = known, far end
  end
  return #list > 0 and list or { best }
end

--- The known name that a misspelt one was probably meant to be, or nil where none is near.
---@param name any
---@param names string[]
---@return string?
function check.nearest(name, names) return meant(name, names)[1] end

local function hint(name, names)
  local near = table.concat(meant(name, names), "' and '")
  return near ~= "" and (" (did you mean '%s'?)"):format(near) or ""
end

--- A table of options with known names only; an empty one for nil.
---@param what string the function, for the message
---@param options any
---@param known string[] all names, in the order in which a message lists them
---@return table options
function check.options(what, options, known)
  if options == nil then return {} end
  if type(options) ~= "table" or core.is_tensor(options) then
    core.raise(("%s: expected a table of options, got %s"):format(what, core.is_tensor(options) and "a tensor" or
      type(options)))
  end
  local names = {}
  for _, name in ipairs(known) do names[name] = true end
  for key in pairs(options) do
    if not names[key] then
      core.raise(("%s: unknown option '%s'%s; known are %s"):format(what, tostring(key), hint(key, known),
        table.concat(known, ", ")))
    end
  end
  return options
end

--- A number as text: the sign of a NaN says nothing, and is left out.
---@param value number
---@param format string such as "%.4f"
---@return string
function check.number_text(value, format) return value ~= value and "nan" or format:format(value) end

-- A value where a number was expected: a text that looks like one, or an address, would not tell.
local function got(value)
  if type(value) == "string" then return ("the string '%s'"):format(value) end
  if value ~= value then return "nan" end
  local plain = type(value) == "number" or type(value) == "boolean"
  return plain and tostring(value) or check.describe(value)
end

--- A whole number within [low, high], as an integer.
---@param what string function and argument, such as "Dense: units"
---@param value any
---@param low integer
---@param high? integer no limit where nil
---@return integer
function check.count(what, value, low, high)
  local whole = math.type(value) and math.tointeger(value)
  if whole and whole >= low and whole <= (high or math.maxinteger) then return whole end
  local range = high and (" from %d to %d"):format(low, high) or (" of at least %d"):format(low)
  if low == math.mininteger then range = "" end
  core.raise(("%s: expected a whole number%s, got %s"):format(what, range, got(value)))
end

--- A number within [low, high].
---@param what string function and argument, such as "Adam: lr"
---@param value any
---@param low number
---@param high number
---@return number
function check.number(what, value, low, high)
  if type(value) == "number" and value >= low and value <= high then return value end
  core.raise(("%s: expected a number from %.10g to %.10g, got %s"):format(what, low, high, got(value)))
end

--- True or false.
---@param what string function and argument, such as "SGD: nesterov"
---@param value any
---@return boolean
function check.boolean(what, value)
  if type(value) == "boolean" then return value end
  core.raise(("%s: expected true or false, got %s"):format(what, check.describe(value)))
end

--- Options that are true or false, where they are given.
---@param what string the function, for the message
---@param options table
---@param names string[]
function check.booleans(what, options, names)
  for _, name in ipairs(names) do
    if options[name] ~= nil then check.boolean(what .. ": " .. name, options[name]) end
  end
end

--- Whether a value can be called: a function, or an object whose class says how.
---@param value any
---@return boolean
function check.is_callable(value)
  if type(value) == "function" then return true end
  local class = type(value) == "table" and getmetatable(value)
  return type(class) == "table" and class.__call ~= nil
end

--- The object of a method: `opt.step()`, written for `opt:step()`, passes none, or another table.
---@param name string the method's
---@param self any
function check.method(name, self)
  if type(self) == "table" and self[name] ~= nil then return end
  core.raise(("%s: expected to be called with a colon, such as object:%s(), got %s for the object"):format(name,
    name, check.describe(self)))
end

--- Whether a value gives batches, as a data set does.
---@param value any
---@return boolean
function check.is_dataset(value) return type(value) == "table" and check.is_callable(value.batches) end

--- A tensor.
---@param what string the function, for the message
---@param value any
function check.tensor(what, value)
  if not core.is_tensor(value) then core.raise(("%s: expected a tensor, got %s"):format(what, type(value))) end
end

--- An axis, from 1 to the rank.
---@param what string the function, for the message
---@param axis any
---@param rank integer
function check.axis(what, axis, rank)
  if math.type(axis) and axis >= 1 and axis <= rank and axis % 1 == 0 then return end
  core.raise(("%s: axis: expected a whole number from 1 to %d, got %s"):format(what, rank,
    axis ~= axis and "nan" or type(axis) == "number" and tostring(axis) or type(axis)))
end

--- One of a list of names.
---@param what string function and argument, such as "Dense: init"
---@param value any
---@param names string[]
---@return string
function check.choice(what, value, names)
  for _, name in ipairs(names) do
    if name == value then return name end
  end
  core.raise(("%s: unknown name '%s'%s; known are %s"):format(what, tostring(value), hint(value, names),
    table.concat(names, ", ")))
end

--- The string keys of a table, sorted.
---@param list table
---@return string[]
function check.names(list)
  local names = {}
  for name in next, list do
    if type(name) == "string" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

--- The same table; reading a name that it does not have raises an error with the nearest one that it has.
---@param what string how a script writes it, such as "fnet.nn"
---@param list table
---@param elsewhere? table<string, string> what other libraries call a name: { Linear = "Dense" }, or words that say
--- what there is instead
---@return table list
function check.named(what, list, elsewhere)
  return setmetatable(list, {
    elsewhere = elsewhere,
    __index = function(_, key)
      local near = elsewhere and elsewhere[key] or check.nearest(key, check.names(list))
      local words = near and (near:find " " and near or ("did you mean %s.%s?"):format(what, near))
      core.raise(("%s has no '%s'%s"):format(what, tostring(key), words and "; " .. words or ""))
    end,
  })
end

--- "[2, 3]", "[batch, 3]": a shape as messages show it.
---@param shape integer[]
---@param lead? string
---@return string
function check.shape_text(shape, lead) return "[" .. (lead or "") .. table.concat(shape, ", ") .. "]" end

--- What a value is, for "got ...": a tensor's type and shape, the class of a layer, or the Lua type.
---@param value any
---@return string
function check.describe(value)
  if core.is_tensor(value) then return value.dtype .. " " .. check.shape_text(value.shape) end
  return type(value)
end

return check

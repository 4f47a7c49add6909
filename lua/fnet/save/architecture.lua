--- What a model is made of, as plain data and back: names of layers from a closed table (the classes in fnet.nn)
-- and the arguments of their constructors, never code. Classes of a script are named, and must be given again.
-- Invariant: decoding data from a stranger calls only constructors of fnet.nn and those that the caller gave; those
-- of fnet take no memory meanwhile or, beside those of a script, memory in proportion to the file.

local core = require "fnet.core"
local files = require "fnet.files"
local keep_random = require "fnet.base.keep_random"
local json = require "fnet.files.json"
local naming = require "fnet.base.naming"
local module = require "fnet.nn.module"
local parameter = require "fnet.nn.parameter"
local try = require "fnet.base.try"

local architecture = {}

-- Beside layers of a script, those of fnet may have so many times the elements of the file, or a few million.
local SIZE_FACTOR, SIZE_LEAST = 64, 1 << 22
local DEEPEST = 64 -- levels of JSON

-- The classes of fnet.nn by name.
local function known_classes()
  local classes = {}
  for name, value in pairs(require "fnet.nn") do
    if type(value) == "table" and rawget(value, "is_module") and value.class_name == name then
      classes[name] = value
    end
  end
  return setmetatable(classes, { __index = function(_, name)
    return name == "OnnxGraph" and require "fnet.onnx.graph" or nil -- loaded with the first model that is one
  end })
end

-- ---- to data ----

local encode_module

-- A value among a constructor's arguments. Tables say what they are: { list = }, { table = }, { layer = }.
local function encode_value(state, value, where)
  local kind = type(value)
  if value == nil then return json.null end
  if module.is_module(value) then return { layer = encode_module(state, value) } end
  if kind == "number" or kind == "boolean" or kind == "string" then return value end
  if kind ~= "table" or core.is_tensor(value) then
    core.raise("save: %s: %s is a %s, which no file can hold; write the layer as a class of your own " ..
      "(nn.module) and give the class to fnet.load", state.name, where, core.is_tensor(value) and "tensor" or kind)
  end
  if #value > 0 then
    local list = json.array {}
    for i = 1, #value do list[i] = encode_value(state, value[i], where .. "[" .. i .. "]") end
    for key in pairs(value) do
      if not list[key] then core.raise("save: %s: %s mixes a list with names", state.name, where) end
    end
    return { list = list }
  end
  local fields = {}
  for key in pairs(value) do
    if type(key) ~= "string" then core.raise("save: %s: %s has a key that is no name", state.name, where) end
  end
  for _, key in ipairs(naming.sorted(value)) do -- in their order layers are counted
    local inner = value[key]
    -- How the start values were drawn no longer matters: the file has the values.
    if not (key == "init" and type(inner) == "function") then
      fields[key] = encode_value(state, inner, where .. "." .. key)
    end
  end
  return { table = fields }
end

function encode_module(state, object)
  if state.numbers[object] then return { again = state.numbers[object] } end
  state.count = state.count + 1
  state.numbers[object] = state.count
  local class = getmetatable(object)
  local own = state.classes[class.class_name] ~= class
  if own and state.own[class.class_name] ~= class then
    if state.own[class.class_name] then
      core.raise("save: two classes are called %s, and a file tells them apart by their names; rename one of them",
        class.class_name)
    end
    state.own[class.class_name] = class
  end
  local arguments, outer = json.array {}, state.name
  local config = table.pack(object:config())
  state.name = object:name()
  for i = 1, config.n do arguments[i] = encode_value(state, config[i], "argument " .. i) end
  state.name = outer
  return { name = class.class_name, own = own or nil, arguments = arguments }
end

--- A model as JSON. Raises where a layer holds what no file can, such as a function.
---@param model nn.Module
---@return string
---@return table<string, table> own the classes of the script that it names
function architecture.encode(model)
  local state = { numbers = {}, count = 0, classes = known_classes(), own = {} }
  return json.encode(encode_module(state, model)), state.own
end

--- Whether a module is of a class of the script.
---@param object nn.Module
---@return boolean
function architecture.is_own(object)
  local class = getmetatable(object)
  return rawget(require "fnet.nn", class.class_name) ~= class
end

-- ---- from data ----

local function damaged(format, ...) files.fault("its architecture " .. format, ...) end

local check_layer

local function is_object(value)
  return type(value) == "table" and value ~= json.null and not json.is_array(value)
end

-- What encode_value gives.
local function check_value(value, own)
  if type(value) ~= "table" or value == json.null then return end
  local several = next(value, (next(value)))
  if value.layer ~= nil and not several then
    check_layer(value.layer, own)
  elseif json.is_array(value.list) and not several then
    for _, inner in ipairs(value.list) do check_value(inner, own) end
  elseif is_object(value.table) and not several then
    for _, name in ipairs(naming.sorted(value.table)) do check_value(value.table[name], own) end
  else
    damaged "holds a table that is neither a list, a table nor a layer"
  end
end

-- What encode_module gives; `own` learns the names of the script's layers.
function check_layer(fields, own)
  if not is_object(fields) then damaged "holds something else in the place of a layer" end
  if fields.again ~= nil then
    return math.type(fields.again) == "integer" or damaged "refers to a layer without a number"
  end
  if type(fields.name) ~= "string" or not json.is_array(fields.arguments) then
    damaged "holds a layer without a name or arguments"
  end
  if fields.own ~= nil and fields.own ~= true then damaged("holds a layer %s of doubtful origin", fields.name) end
  if fields.own then own[fields.name] = true end
  for _, value in ipairs(fields.arguments) do check_value(value, own) end
end

--- The data that `encode` made JSON of, checked through and through. A reader of files: a damaged text is a fault.
---@param text string
---@return table fields name, arguments, own
---@return string[] own the names of the script's own layers in it
function architecture.parse(text)
  local fields, problem = json.decode(text, DEEPEST)
  if problem then damaged("is not valid JSON: %s", problem) end
  local own = {}
  check_layer(fields, own)
  return fields, naming.sorted(own)
end

local decode_module

local function decode_value(state, value)
  if value == json.null then return nil end
  if type(value) ~= "table" then return value end
  if value.layer ~= nil then return decode_module(state, value.layer) end
  local result = {}
  for i, inner in ipairs(value.list or {}) do result[i] = decode_value(state, inner) end
  for _, name in ipairs(naming.sorted(value.table or {})) do
    result[name] = decode_value(state, value.table[name])
  end
  return result
end

function decode_module(state, fields)
  if fields.again ~= nil then
    return state.made[fields.again] or damaged "refers to a layer that comes later"
  end
  state.count = state.count + 1
  local number, arguments = state.count, {}
  local class = (fields.own and state.own or state.classes)[fields.name]
    or damaged("names the layer '%s', which this version of fnet does not have", fields.name)
  for i, value in ipairs(fields.arguments) do arguments[i] = decode_value(state, value) end
  local ok, made = try(class, table.unpack(arguments, 1, #fields.arguments))
  if not ok then damaged("does not fit together: %s", core.error_text(made)) end
  if not module.is_module(made) then core.raise("load: layers.%s gave no layer", fields.name) end
  state.made[number] = made
  return made
end

--- Builds the model that `encode` described. Its tensors are hollow, see parameter.lua, unless a script's layers
-- are in it, which are made as the script makes them, all with fresh weights; the random numbers are left as they
-- were. A reader of files: a damaged text is a fault.
---@param text string
---@param own table<string, function|table> constructors of the script's own layers
---@param elements number the numbers that the file holds, which bound the size of the layers
---@return nn.Module? model nil where layers are missing
---@return string[]? missing the script's own layers that are needed and not given
---@return boolean? hollow
function architecture.decode(text, own, elements)
  local fields, names = architecture.parse(text)
  local missing, hollow = {}, #names == 0
  for _, name in ipairs(names) do
    if not own[name] then missing[#missing + 1] = name end
  end
  if #missing > 0 then return nil, missing end
  local _ <close> = keep_random()
  local _ <close> = hollow and parameter.without_memory()
    or parameter.within(math.max(SIZE_LEAST, SIZE_FACTOR * elements))
  local state = { classes = known_classes(), own = own, made = {}, count = 0 }
  return decode_module(state, fields), nil, hollow
end

return architecture

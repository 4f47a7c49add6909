--- Plain Lua values (nil, booleans, numbers, texts, tensors, and tables of these) as JSON and a list of tensors,
-- and back, to the last bit. Invariant: what comes back has the same tables, keys, kinds of numbers and bits.

local naming = require "fnet.base.naming"
local say = require "fnet.base.say"
local core = require "fnet.core"
local files = require "fnet.files"
local json = require "fnet.files.json"

local tree = {}

local DEPTH_MOST = 12 -- of tables

--- Levels that the JSON of a value has at most.
tree.DEPTH_MOST = 3 * DEPTH_MOST

-- Numbers that JSON lacks.
local odd_numbers = { inf = math.huge, ["-inf"] = -math.huge, nan = 0 / 0 }

local function raise(state, path, what)
  core.raise("%s: %s is %s, which no file can hold", state.what, path, what)
end

local function pack(state, value, path, depth)
  local kind = type(value)
  if value == nil then return json.null end
  if kind == "boolean" then return value end
  if kind == "number" then return value - value == 0 and value or { number = say.number(value, "%g") } end
  if kind == "string" then
    if not utf8.len(value) then raise(state, path, "text that is not UTF-8") end
    return value
  end
  if core.is_tensor(value) then
    state.tensors[#state.tensors + 1] = { name = state.prefix .. path, tensor = value }
    return { tensor = path }
  end
  if kind ~= "table" then raise(state, path, "a " .. kind) end
  if depth == DEPTH_MOST then raise(state, path, "nested too deep") end
  local list, fields = json.array {}, {}
  for i, inner in ipairs(value) do list[i] = pack(state, inner, path .. "." .. i, depth + 1) end
  for key in pairs(value) do
    if type(key) ~= "string" and list[key] == nil then
      raise(state, path, "a table with gaps or keys that are no names")
    end
  end
  for _, key in ipairs(naming.sorted(value)) do -- sorted: equal values make equal files
    fields[key] = pack(state, value[key], path .. "." .. key, depth + 1)
  end
  return { list = #list > 0 and list or nil, table = next(fields) and fields or nil }
end

--- Turns a value into JSON and tensors.
---@param what string the function, for messages
---@param value any
---@param name string how messages call the value, and what the names of its tensors begin with
---@param prefix string goes before the names of the tensors
---@return string text JSON
---@return { name: string, tensor: tensor }[] tensors
function tree.pack(what, value, name, prefix)
  local state = { what = what, prefix = prefix, tensors = {} }
  return json.encode(pack(state, value, name, 1)), state.tensors
end

local function damaged() files.fault "none of ours" end

local function unpack_value(state, value)
  if value == json.null then return nil end
  if type(value) ~= "table" then return value end
  if json.is_array(value) then damaged() end
  if value.number ~= nil then return odd_numbers[value.number] or damaged() end
  if value.tensor ~= nil then return state.tensors[state.prefix .. tostring(value.tensor)] or damaged() end
  local result = {}
  if value.list ~= nil then
    if not json.is_array(value.list) then damaged() end
    for i, inner in ipairs(value.list) do result[i] = unpack_value(state, inner) end
  end
  if value.table ~= nil then
    if type(value.table) ~= "table" or json.is_array(value.table) then damaged() end
    for key, inner in pairs(value.table) do result[key] = unpack_value(state, inner) end
  end
  return result
end

--- The value again; nil and false where the text is none of `pack`, or a tensor is missing.
---@param text string
---@param tensors table<string, tensor>
---@param prefix string
---@return any value
---@return boolean fine
function tree.unpack(text, tensors, prefix)
  local value, problem = files.parse(function()
    return unpack_value({ tensors = tensors, prefix = prefix }, files.sound(json.decode(text, tree.DEPTH_MOST)))
  end)
  return value, problem == nil
end

return tree

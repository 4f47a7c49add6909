--- What a file says of a model besides its tensors, and the model that is made from that again. Layers are
-- described by the arguments that they were made with (architecture.lua); beside those stands what a script has
-- done to the model since: fields that it has set, what it shares, what it has frozen. Invariant: what is described
-- can be made again. A model that cannot is refused before anything is written.

local architecture = require "fnet.save.architecture"
local contents = require "fnet.nn.contents"
local core = require "fnet.core"
local files = require "fnet.files"
local form = require "fnet.files.form"
local is = require "fnet.base.is"
local json = require "fnet.files.json"
local naming = require "fnet.base.naming"
local nested = require "fnet.base.nested"
local state = require "fnet.nn.state"
local tree = require "fnet.files.tree"
local try = require "fnet.base.try"

-- A description has the architecture as JSON, and the settings that each module, by its name, has when it is made
-- anew, as text.
local Description = {}
Description.__index = Description

local DEEPEST = 8 -- tables within tables in a setting

local is_module = contents.is_module

-- Everything in a model by all its names.
local function by_name(model)
  local all, entries = contents.of(model), {}
  for _, list in ipairs { all.modules, all.parameters, all.buffers, all.ties } do
    for _, entry in ipairs(list) do entries[entry.name] = entry end
  end
  return entries
end

-- ---- what is shared ----

-- By each further name of a tensor or a module: the first one.
local function ties_of(model)
  local ties = {}
  for _, tie in ipairs(contents.of(model).ties) do ties[tie.name] = tie.first end
  return ties
end

-- Makes one of what the model has twice; else says what is wrong.
local function tie(entries, name, first)
  local entry, other = entries[name], entries[first]
  if not entry or not other then return ("the model has no '%s'"):format(entry and first or name) end
  local old, new = entry.value, other.value
  if old == new then return end
  local is_inside = first == "" or name:sub(1, #first + 1) == first .. "."
  local fits = is_module(old) and getmetatable(old) == getmetatable(new)
  if core.is_tensor(new) then fits = is.alike(old, new) and entry.is_parameter == other.is_parameter end
  if is_inside or not fits then
    return ("the model has '%s' and '%s', which cannot be the same"):format(name, first)
  end
  local ok, message = try(function() entry.holder[entry.key] = new end)
  if not ok then return core.error_text(message) end
end

local function apply_ties(model, ties)
  local entries = by_name(model)
  for _, name in ipairs(naming.sorted(ties)) do
    local problem = tie(entries, name, ties[name])
    if problem then return problem end
  end
end

-- ---- what is set ----

-- Whether a value is made of numbers, texts and booleans, alone or in plain tables.
local function is_plain(value, depth)
  local kind = type(value)
  if kind == "string" then return utf8.len(value) ~= nil end
  if kind ~= "table" then return kind == "number" or kind == "boolean" end
  if getmetatable(value) or depth == DEEPEST then return false end
  for key, inner in next, value do
    local is_listed = math.type(key) == "integer" and key > 0 and key <= #value
    if not (is_listed or type(key) == "string" and utf8.len(key)) or not is_plain(inner, depth + 1) then
      return false
    end
  end
  return true
end

local function text_of(value) return is_plain(value, 1) and tree.pack("save", value, "setting", "") or nil end

-- The plain values of a module's fields as text.
local function settings_of(module)
  local settings = {}
  for _, key in ipairs(module[contents.ORDER]) do
    if is_plain(key, DEEPEST) then settings[key] = text_of(rawget(module, key)) end
  end
  return settings
end

local function settings_by_name(model)
  local settings = {}
  for _, entry in ipairs(contents.of(model).modules) do settings[entry.name] = settings_of(entry.value) end
  return settings
end

-- What the modules of a model have set otherwise than when they are made anew, or have no more. What a script notes
-- in a layer of the library is not the layer's.
local function changed_settings(model, fresh)
  local list = {}
  for _, entry in ipairs(contents.of(model).modules) do
    local module, before, now = entry.value, fresh[entry.name] or {}, settings_of(entry.value)
    for _, key in ipairs(module[contents.ORDER]) do
      local value = rawget(module, key)
      local is_known = before[key] or getmetatable(module)[key] ~= nil or architecture.is_own(module)
      if is_known and now[key] ~= before[key] and (now[key] or value == nil) then
        list[#list + 1] = { module = entry.name, key = key, value = value }
      end
    end
  end
  return list
end

-- Whether a value may stand in the place of another one of a layer of the library: numbers for a number, a table of
-- such for a table, a text that can be shown for a text.
local function is_same_kind(before, value)
  if type(before) ~= type(value) or type(value) == "string" and core.visible(value) ~= value then return false end
  local _, example = next(type(before) == "table" and before or {})
  for _, inner in next, type(value) == "table" and value or {} do
    if not is_same_kind(example, inner) then return false end
  end
  return true
end

-- Sets it; else says what is wrong.
local function set(module, key, value)
  local before, is_own = rawget(module, key), architecture.is_own(module)
  if before == nil then before = getmetatable(module)[key] end
  if not (is_plain(key, DEEPEST) and (before == nil and is_own or is_plain(before, 1))) then
    return ("has no setting '%s'"):format(tostring(key))
  end
  if not (is_own or value == nil or is_same_kind(before, value)) then
    return ("has a setting '%s' of another kind than the layer's"):format(tostring(key))
  end
  local ok, message = try(function() module[key] = value end)
  if not ok then return core.error_text(message) end
end

local function apply_settings(model, settings)
  local entries = by_name(model)
  for _, setting in ipairs(settings) do
    local name = setting.module
    local module = entries[name] and entries[name].value
    if not is_module(module) then return ("has no module '%s'"):format(name) end
    local problem = set(module, setting.key, setting.value)
    if problem then return ("%s %s"):format(module:name(), problem) end
  end
end

-- ---- what is frozen ----

--- The names of the frozen parameters, as text.
---@param model nn.Module
---@return string
function Description.frozen(model)
  local names = json.array {}
  for _, entry in ipairs(contents.of(model).parameters) do
    if not entry.value.requires_grad then names[#names + 1] = entry.name end
  end
  return json.encode(names)
end

--- The names in such a text. A reader of files: a damaged text is a fault.
---@param text? string what `frozen` gave
---@return string[]? names nil for nil, of an older file
function Description.read_frozen(text)
  return text and form.decode(text, "frozen parameters", form.list(form.text))
end

--- Freezes the parameters of these names, and no others; leaves them as they are where there are no names.
---@param model nn.Module
---@param names? string[]
function Description.freeze(model, names)
  if not names then return end
  local frozen = {}
  for _, name in ipairs(names) do frozen[name] = true end
  for _, entry in ipairs(contents.of(model).parameters) do entry.value.requires_grad = not frozen[entry.name] end
end

-- ---- whether the model can be made again ----

-- Whether two values of a field of the library's are alike; tensors and modules are compared by their names.
local function is_alike(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then
    return rawequal(a, b) or core.is_tensor(a) and core.is_tensor(b)
  end
  if is_module(a) or is_module(b) then return is_module(a) and is_module(b) end
  for key, value in next, a do
    if not is_alike(value, b[key]) then return false end
  end
  for key in next, b do
    if a[key] == nil then return false end
  end
  return true
end

-- The field in which a module differs from the same one made anew, as far as that is seen; nil where there is none.
-- A class of a script may keep what it likes in its fields, but a function in the place of a method is the
-- object's.
local function changed_field(module, anew)
  local class, is_own = getmetatable(module), architecture.is_own(module)
  for _, object in ipairs { module, anew } do
    for _, key in ipairs(object[contents.ORDER]) do
      local now, before = rawget(module, key), rawget(anew, key)
      local replaces = before == nil and type(now) == "function" and type(class[key]) == "function"
      if replaces or not is_own and (before ~= nil or class[key] ~= nil) and not is_alike(now, before) then
        return key
      end
    end
  end
end

-- Why the model that is made anew has not the modules and tensors of this one; nil where it has.
local function other_parts(model, anew)
  local tensors, entries, others = {}, by_name(model), by_name(anew)
  for _, entry in ipairs(contents.of(model).modules) do
    local name, other = entry.name, others[entry.name]
    if other and is_module(other.value) and getmetatable(other.value) ~= getmetatable(entry.value) then
      return ("'%s' is %s there, not %s"):format(name, other.value:describe(), entry.value:describe())
    end
  end
  for _, entry in ipairs(contents.state(model)) do tensors[entry.name] = entry.tensor end
  local matched, problem = state.match(anew, tensors)
  if not matched then return "the file " .. problem end
  for _, pair in ipairs(matched) do
    local name, is_parameter = pair[1].name, pair[1].is_parameter
    if entries[name].is_parameter ~= is_parameter then
      return ("'%s' is %s there"):format(name, is_parameter and "a parameter" or "a buffer")
    end
  end
  for _, entry in ipairs(contents.of(anew).modules) do
    if not entries[entry.name] then return ("it has '%s', which is gone"):format(entry.name) end
  end
end

-- Whether two fields hold the same tensors, alone or in plain tables.
local function same_tensors(a, b)
  local ours, others = nested.tensors(a), nested.tensors(b)
  for i, t in ipairs(ours) do
    if not is.alike(others[i], t) or t:bytes() ~= others[i]:bytes() then return false end
  end
  return #ours == #others
end

-- The field of a script's module whose tensors would have other numbers when it is made anew: they are no part of
-- its state. A field that making it does not fill is none that it begins from.
local function lost_field(module, anew, in_state)
  if not architecture.is_own(module) then return nil end
  for _, key in ipairs(anew[contents.ORDER]) do
    local now, before = rawget(module, key), rawget(anew, key)
    local first = nested.tensors(before)[1]
    if first and not in_state[nested.tensors(now)[1]] and not same_tensors(now, before) then return key end
  end
end

-- The same for the fields that modules have besides.
local function other_fields(model, anew)
  local entries, in_state = by_name(model), {}
  for _, entry in ipairs(contents.state(model)) do in_state[entry.tensor] = true end
  for _, entry in ipairs(contents.of(anew).modules) do
    local now = entries[entry.name].value
    local key = changed_field(now, entry.value)
    if key then return ("the field '%s' of %s is another one there"):format(tostring(key), now:name()) end
    key = lost_field(now, entry.value, in_state)
    if key then
      return ("the tensor in the field '%s' of %s has other numbers there, since it is no part of the state; " ..
        "self:buffer(%q, ...) in its init makes it one"):format(tostring(key), now:name(), tostring(key))
    end
  end
end

-- Raises where a file could not tell something from others by its name.
local function check_names(model)
  for _, name in ipairs(naming.sorted(by_name(model))) do
    if not utf8.len(name) or name == "__metadata__" or name:find "^checkpoint/" then
      core.raise("save: nothing in a file can be called '%s'; give the field another name", name)
    end
  end
end

--- Describes a model. Raises where it is none that can be made again.
---@param model nn.Module
---@return table description
function Description.new(model)
  check_names(model)
  local text, own = architecture.encode(model)
  local anew, problem = files.attempt("", architecture.decode, text, own, math.huge)
  if anew then
    local fresh = settings_by_name(anew)
    problem = apply_ties(anew, ties_of(model)) or other_parts(model, anew)
      or apply_settings(anew, changed_settings(model, fresh)) or other_fields(model, anew)
    if not problem then return setmetatable({ architecture = text, fresh = fresh }, Description) end
  end
  core.raise("save: fnet.load makes each layer anew from its arguments, which would not give this model: %s; " ..
    "put in a layer that is made as this one has become, or a class of your own with a config()", problem)
end

--- What a file says of the model as it is now, by name.
---@param model nn.Module the one that was described
---@return table<string, string>
function Description:metadata(model)
  local ties, settings = ties_of(model), changed_settings(model, self.fresh)
  return {
    ["fnet.architecture"] = self.architecture, ["fnet.frozen"] = Description.frozen(model),
    ["fnet.ties"] = next(ties) and json.encode(ties) or nil,
    ["fnet.settings"] = #settings > 0 and tree.pack("save", settings, "settings", "") or nil,
  }
end

-- ---- from a file ----

-- A list of { module, key, value }.
local function decode_settings(text)
  local settings, fine = tree.unpack(text, {}, "")
  fine = fine and type(settings) == "table"
  for _, setting in ipairs(fine and settings or {}) do
    local key = type(setting) == "table" and type(setting.module) == "string" and setting.key
    fine = fine and (type(key) == "string" or math.type(key) == "integer")
  end
  return fine and settings or files.fault "its settings are damaged"
end

--- Makes the model that a file describes, with weights that are still to come. A reader of files: what is damaged
-- is a fault.
---@param metadata table<string, string>
---@param own table<string, function|table> constructors of the script's own layers
---@param elements number the numbers that the file holds, which bound the size of the layers
---@return nn.Module? model nil where layers are missing
---@return string[]? missing the script's own layers that are needed and not given
---@return boolean? hollow as in architecture.decode
function Description.build(metadata, own, elements)
  local model, missing, hollow = architecture.decode(metadata["fnet.architecture"], own, elements)
  if not model then return nil, missing end
  local ties, settings = metadata["fnet.ties"], metadata["fnet.settings"]
  local problem = ties and apply_ties(model, form.decode(ties, "ties", form.names(form.text)))
  if problem then files.fault("its ties do not fit: %s", problem) end
  problem = settings and apply_settings(model, decode_settings(settings))
  if problem then files.fault("its settings do not fit: %s", problem) end
  Description.freeze(model, Description.read_frozen(metadata["fnet.frozen"]))
  return model, nil, hollow
end

return Description

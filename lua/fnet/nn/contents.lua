--- Contents: what a module has in it, found when it is asked for: tensors and modules in its fields and in the
-- plain tables there, in the order of their first assignment; in a plain table by number, then by name. Above only
-- the core: every walk over a model is this one. Invariant: each tensor and each module is found once, under the
-- first of its names; what it is called further on is noted as a tie.

local core = require "fnet.core"

local is_parameter, is_tensor = core.is_parameter, core.is_tensor

local contents = {}

-- Keys of a module that no name of a user's field can equal: its fields in the order of their first assignment, and
-- as a set; the set of those that hold buffers; its listed parts, with what one of them is called as their `noun`;
-- the module that it is a part of, and what messages call its place there, such as "layer 2".
contents.ORDER, contents.KNOWN, contents.BUFFERS, contents.PARTS, contents.PARENT = {}, {}, {}, {}, {}
contents.PLACE = {}
local ORDER, BUFFERS, PARTS, PARENT = contents.ORDER, contents.BUFFERS, contents.PARTS, contents.PARENT

-- Grows with each module that becomes a part: names that were made before are made again.
contents.adoptions = 0

--- Whether a value is an object of a class made with nn.module.
---@param value any
---@return boolean
function contents.is_module(value)
  local class = type(value) == "table" and getmetatable(value)
  return type(class) == "table" and class.is_module == true
end

local is_module = contents.is_module

--- Makes `child` a part of `parent`, for the names in errors.
---@param parent? nn.Module nil: it is a part no longer
---@param child nn.Module
---@param place? string
function contents.adopt(parent, child, place)
  rawset(child, PARENT, parent)
  rawset(child, contents.PLACE, place)
  contents.adoptions = contents.adoptions + 1
end

local ranks = { number = 1, string = 2, boolean = 3 } -- kinds of keys, in their order

local function key_before(a, b)
  local rank, other = ranks[type(a)], ranks[type(b)]
  if rank ~= other then return rank < other end
  if rank == 3 then return b and not a end
  return a < b
end

-- The keys of a plain table behind which a tensor or a module may be, in their order.
local function keys_of(list, owner, path)
  local keys, count = {}, 0
  for key, value in next, list do
    local kind = type(value)
    if kind == "table" or kind == "userdata" then
      if ranks[type(key)] then
        count = count + 1
        keys[count] = key
      elseif is_module(value) or is_parameter(value) then
        core.raise("%s: %s: a %s stands under a key that is a %s; a part of a model needs a number or a text there",
          owner.class_name, path, is_tensor(value) and "parameter" or value.class_name, type(key))
      end
    end
  end
  if count > 1 then table.sort(keys, key_before) end
  return keys
end

-- A walk tells what it finds: on_tensor(tensor, holder, key, path, is_parameter), which may be missing, and
-- on_part(module, holder, key, path). It has the module that it is in, and the tables that are open, since one may
-- contain itself. One serves many modules, because a walk stands in front of each prediction.
local function walk_of(on_tensor, on_part) return { on_tensor = on_tensor, on_part = on_part, open = {} } end

-- Tells a module that was found right inside another one, and makes it a part of that.
local function tell_part(walk, part, holder, key, path)
  local module = walk.module
  if rawget(part, PARENT) ~= module and part ~= module then
    local parts = rawget(module, PARTS)
    local is_listed = parts and parts[key] == part
    contents.adopt(module, part, is_listed and parts.noun .. " " .. key or path .. tostring(key))
  end
  walk.on_part(part, holder, key, path)
end

-- Tells what the keys of a module, or of a plain table in it, lead to.
local function look(walk, holder, keys, path, is_buffer)
  local module, on_tensor = walk.module, walk.on_tensor
  local buffers = holder == module and module[BUFFERS]
  for i = 1, #keys do
    local key = keys[i]
    local value = rawget(holder, key)
    local kind = type(value)
    if kind == "userdata" then
      local parameter = on_tensor and is_parameter(value)
      if parameter or on_tensor and is_tensor(value) and (is_buffer or buffers and buffers[key]) then
        on_tensor(value, holder, key, path, parameter)
      end
    elseif kind == "table" then
      if is_module(value) then
        tell_part(walk, value, holder, key, path)
      elseif not getmetatable(value) and not walk.open[value] then
        local name = path .. tostring(key)
        walk.open[value] = true
        look(walk, value, keys_of(value, module, name), name .. ".", is_buffer or buffers and buffers[key])
        walk.open[value] = nil
      end
    end
  end
end

-- Tells the tensors of a module itself and the modules right inside, as often as it has them.
local function look_into(walk, module)
  walk.module = module
  local parts = rawget(module, PARTS)
  for i = 1, parts and #parts or 0 do tell_part(walk, parts[i], module, i, "") end
  look(walk, module, module[ORDER], "", false)
end

local function found() return true end

--- Tells the modules and the tensors of a model, each module once; the names that `contents.of` makes cost more
-- than the walk.
---@param model nn.Module
---@param on_tensor? function as of a walk
---@param on_module? fun(module: nn.Module, owner: nn.Module?): any gives what is noted of it, not nil; owner: the
--- module whose part it is, nil of the model itself
---@return table<nn.Module, any> notes of each module, true without on_module
function contents.visit(model, on_tensor, on_module)
  local notes, note, inside = {}, on_module or found, nil
  local walk = walk_of(on_tensor, function(part)
    if not inside then inside = {} end
    inside[#inside + 1] = part
  end)
  local function visit(module, owner)
    notes[module], inside = note(module, owner), nil
    look_into(walk, module)
    local parts = inside
    for i = 1, parts and #parts or 0 do
      local part = parts[i]
      if notes[part] == nil then visit(part, module) end
    end
  end
  visit(model)
  return notes
end

--- A model and the modules in it, each once, in the order of the walk.
---@param model nn.Module
---@return nn.Module[]
function contents.modules(model)
  local list = {}
  contents.visit(model, nil, function(module)
    list[#list + 1] = module
    return true
  end)
  return list
end

--- The tensors of a model, each once, in the order of the walk.
---@param model nn.Module
---@return tensor[] parameters, tensor[] buffers
function contents.tensors(model)
  local parameters, buffers, seen = {}, {}, {}
  contents.visit(model, function(tensor, _, _, _, is_one)
    if seen[tensor] then return end
    seen[tensor] = true
    local list = is_one and parameters or buffers
    list[#list + 1] = tensor
  end)
  return parameters, buffers
end

--- The parameters of a model, each once, in the order of the walk.
---@param model nn.Module
---@return tensor[]
function contents.parameters(model) return (contents.tensors(model)) end

-- An entry is a table: value, the tensor or the module; name, "2.weight", "" of the model itself; holder and key,
-- the module or the plain table that has it, and where there (nil of the model itself); owner, the module whose
-- part or tensor it is; is_parameter, of a tensor: it is trained or frozen, else it is a buffer; first, of a tie:
-- the first name of the same value.

--- The tensors of a module itself and the modules right inside, as often as it has them, by names inside it.
---@param module nn.Module
---@return { tensors: table[], parts: table[] } entries
function contents.own(module)
  local tensors, parts = {}, {}
  look_into(walk_of(function(tensor, holder, key, path, parameter)
    tensors[#tensors + 1] = { value = tensor, name = path .. tostring(key), holder = holder, key = key,
      is_parameter = parameter, owner = module }
  end, function(part, holder, key, path)
    parts[#parts + 1] = { value = part, name = path .. tostring(key), holder = holder, key = key, owner = module }
  end), module)
  return { tensors = tensors, parts = parts }
end

--- All that a model has in it. A module's own tensors come before the modules inside it.
---@param model nn.Module
---@return table<string, table[]> entries modules (the model itself is the first), parameters, buffers and ties,
--- each in the order of the walk
function contents.of(model)
  local all, first, names = { modules = {}, parameters = {}, buffers = {}, ties = {} }, {}, {}
  -- Lists an entry, as a tie what has a name already; whether it is new. Raises where another one has its name.
  local function is_new(entry, path, list)
    local name = path .. entry.name
    if names[name] then
      core.raise("%s: it has '%s' twice, such as under a number and under a text; rename one of them",
        model.class_name, name)
    end
    names[name], entry.name, entry.first = true, name, first[entry.value]
    if entry.first then list = all.ties else first[entry.value] = name end
    list[#list + 1] = entry
    return not entry.first
  end
  local function visit(module, path)
    local own = contents.own(module)
    for _, entry in ipairs(own.tensors) do
      is_new(entry, path, entry.is_parameter and all.parameters or all.buffers)
    end
    for _, entry in ipairs(own.parts) do
      if is_new(entry, path, all.modules) then visit(entry.value, entry.name .. ".") end
    end
  end
  first[model], all.modules[1] = "", { value = model, name = "" }
  visit(model, "")
  return all
end

--- The tensors that a model has learnt, themselves: parameters, then buffers.
---@param model nn.Module
---@return { name: string, tensor: tensor }[]
function contents.state(model)
  local all, list = contents.of(model), {}
  for _, entries in ipairs { all.parameters, all.buffers } do
    for _, entry in ipairs(entries) do list[#list + 1] = { name = entry.name, tensor = entry.value } end
  end
  return list
end

return contents

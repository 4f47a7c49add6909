--- Topics: every public name, with what is said of it and how it is called. For help, search and the pages of
-- `make docs`.
-- Invariant: which names there are is asked of the library itself (its tables and classes), what is said of them is
-- read from its sources; so neither can be older than the other.

local annotations = require "fnet.command.annotations"
local naming = require "fnet.base.naming"
local core = require "fnet.core"

local topics = {}

---@class annotations.Topic
---@field name string as help knows it, such as "nn.Dense"
---@field kind string "function", "class", "namespace" or "value"
---@field call string its parameters: "(inputs, units, options)"; "" for what cannot be called
---@field entry annotations.Entry? what is said of it; a namespace has a header instead
---@field init annotations.Entry? that of what makes an object of a class of layers
---@field header string? of a namespace: what its module says of itself
---@field members string[]? of a namespace: the names in it
---@field class annotations.Entry? of a class: with its fields
---@field methods string[]? of a class: their names

---@class annotations.Index
---@field topics table<string, annotations.Topic> by name
---@field classes table<string, annotations.Topic> those that are classes
---@field modules table what annotations.read gives
---@field elsewhere table<string, { theirs: string, ours: string }[]> by another library's name, bare: the name as
--- it writes it, and the name of a topic or words that say what there is instead

local function parameters_text(f)
  local list, info = {}, debug.getinfo(f, "u")
  for i = 1, info.nparams do
    local name = debug.getlocal(f, i)
    if name ~= "self" then list[#list + 1] = name end
  end
  if info.isvararg then list[#list + 1] = "..." end
  return "(" .. table.concat(list, ", ") .. ")"
end

-- The module whose source a function was compiled from, such as "fnet.nn.dense".
local function module_of(f)
  local path = debug.getinfo(f, "S").source:match "fnet/(.*)%.lua$"
  if not path then return "fnet" end
  path = path:gsub("/?init$", ""):gsub("/", ".")
  return path == "" and "fnet" or "fnet." .. path
end

local function entry_at(modules, f)
  local module, line = modules[module_of(f)], debug.getinfo(f, "S").linedefined
  for _, entry in ipairs(module and module.entries or {}) do
    if entry.line == line then return entry end
  end
end

-- The entry of the line that has the name of a class in quotes, in the source of its methods.
local function entry_of_class(modules, class)
  local method = rawget(class, "init") or rawget(class, "forward")
  local module = method and modules[module_of(method)]
  for _, entry in ipairs(module and module.entries or {}) do
    if entry.code:find('"' .. class.class_name .. '"', 1, true) then return entry end
  end
end

local function is_class(value) return type(value) == "table" and rawget(value, "is_module") == true end

-- What other libraries call the names in a table.
local function add_elsewhere(index, name, class)
  for theirs, ours in pairs(class and class.elsewhere or {}) do
    local key = naming.bare(theirs)
    local list = index.elsewhere[key] or {}
    index.elsewhere[key] = list
    local is_whole = ours:find " " or name == "fnet"
    table.insert(list, { theirs = theirs, ours = is_whole and ours or name .. "." .. ours })
  end
end

local add_fields

local function add(index, name, value)
  local kind = type(value)
  if kind == "function" then
    index.topics[name] = { name = name, kind = "function", entry = entry_at(index.modules, value),
      call = parameters_text(value) }
  elseif is_class(value) then
    local init = rawget(value, "init")
    index.topics[name] = { name = name, kind = "class", entry = entry_of_class(index.modules, value),
      init = init and entry_at(index.modules, init), call = init and parameters_text(init) or "()" }
  elseif kind == "table" then
    add_fields(index, name, value)
  end
end

function add_fields(index, name, fields)
  local topic = { name = name, kind = "namespace", members = {} }
  index.topics[name] = topic
  for _, key in ipairs(naming.sorted(fields)) do
    local value = rawget(fields, key)
    local path = name == "fnet" and key or name .. "." .. key
    topic.members[#topic.members + 1] = path
    add(index, path, value)
    if type(value) == "function" then topic.header = topic.header or index.modules[module_of(value)].header end
  end
  add_elsewhere(index, name, getmetatable(fields))
  local module = index.modules[name == "fnet" and "fnet" or "fnet." .. name]
  if module then topic.header = module.header end
end

-- Numbers and texts, which have no source of their own: what is above "fnet.version =".
local function add_values(index, fields)
  for _, entry in ipairs(index.modules.fnet.entries) do
    if entry.owner == "fnet" and type(rawget(fields, entry.name)) ~= "function" then
      index.topics[entry.name] = { name = entry.name, kind = "value", entry = entry, call = "" }
    end
  end
end

-- What is said of a type: ", optional: 1".
local function about(optional, text)
  return (optional and ", optional" or "") .. (text ~= "" and ": " .. text or "")
end

-- The fields of a class, or of a part of it, each a topic; their names.
local function add_class_fields(index, entry)
  local names = {}
  for i, field in ipairs(entry.fields) do
    names[i] = entry.class .. "." .. field.name
    index.topics[names[i]] = { name = names[i], kind = "value", call = "", entry = { file = entry.file,
      line = entry.line, text = field.type .. about(false, field.text), type = field.type, parameters = {},
      returns = {} } }
  end
  return names
end

-- Fields and methods of tensors: the methods in Lua by their source, those in C by their declarations.
local function add_tensor(index)
  local topic = { name = "tensor", kind = "namespace" }
  index.topics.tensor = topic
  for _, entry in ipairs(index.modules["fnet.tensor"].entries) do
    if entry.class == "tensor" then topic.header, topic.members = entry.text, add_class_fields(index, entry) end
  end
  add_elsewhere(index, "tensor", core.metatable)
  local declared = {}
  for _, entry in ipairs(index.modules["fnet.tensor.methods"].entries) do
    for _, field in ipairs(entry.class == "tensor" and entry.fields or {}) do
      declared[field.name] = { field = field, entry = entry }
    end
  end
  for _, name in ipairs(naming.sorted(core.methods)) do
    local path, declaration = "tensor." .. name, declared[name]
    topic.members[#topic.members + 1] = path
    if declaration then
      local inner, result = declaration.field.type:match "^fun%(self: tensor,?%s*(.-)%):?%s*(.*)$"
      local entry = { file = declaration.entry.file, text = declaration.field.text, parameters = {},
        returns = result ~= "" and { result } or {}, fields = {} }
      local names = {}
      for parameter, mark, kind in inner:gmatch "([%w_.]+)(%??): ([^,]+)" do
        names[#names + 1] = parameter
        table.insert(entry.parameters, { name = parameter, optional = mark == "?", type = kind, text = "" })
      end
      index.topics[path] = { name = path, kind = "function", entry = entry,
        call = "(" .. table.concat(names, ", ") .. ")" }
    else
      add(index, path, core.methods[name])
    end
  end
end

-- Classes by annotation, such as data.Dataset: their methods, and those themselves that are met as results only. A
-- class may be declared in several parts; the first one, by the names of the modules, is that with the fields.
local function add_classes(index)
  for _, name in ipairs(naming.sorted(index.modules)) do
    local module = index.modules[name]
    for _, entry in ipairs(module.entries) do
      local class = entry.class
      if class and class ~= "fnet" and class ~= "tensor" and not class:find "^annotations" then
        local topic = index.topics[class] or { name = class, kind = "class", entry = entry, call = "" }
        topic.class, topic.methods = topic.class or entry, topic.methods or {}
        index.topics[class], index.classes[class] = topic, topic
        add_class_fields(index, entry)
        for _, method in ipairs(module.entries) do
          local is_own = method.owner and method.owner == entry.name and method.code:find "^%s*function"
          if is_own and method.name ~= "init" and not method.name:find "^__" then
            local path = class .. "." .. method.name
            table.insert(topic.methods, path)
            index.topics[path] = { name = path, kind = "function", entry = method,
              call = "(" .. (method.code:match "%((.-)%)" or "") .. ")" }
          end
        end
      end
    end
  end
end

-- The methods that every model has are those of a table, written in more than one file.
local function add_module(index)
  local topic, methods = index.classes["nn.Module"], require("fnet.nn.module").Module
  topic.methods = {}
  for _, name in ipairs(naming.sorted(methods)) do
    local path = "nn.Module." .. name
    if type(methods[name]) == "function" and not name:find "^_" then
      table.insert(topic.methods, path)
      add(index, path, methods[name])
    end
  end
end

local the_index

--- Every public name; made once, from what the library has at the first call.
---@return annotations.Index
function topics.index()
  if the_index then return the_index end
  local fnet = require "fnet"
  local index = { modules = annotations.read(), topics = {}, classes = {}, elsewhere = {} }
  add_fields(index, "fnet", fnet)
  add_values(index, fnet)
  add_tensor(index)
  add_classes(index)
  add_module(index)
  the_index = index
  return index
end

--- What is said of a topic.
---@param topic annotations.Topic
---@return string text
function topics.text(topic)
  if topic.kind == "namespace" then return (topic.header or ""):gsub("^[%l.]+: ", "") end
  if not topic.entry then return "" end
  local text = topic.entry.text
  return text == "" and topic.init and topic.init.text or text
end

--- The first sentence of that.
---@param topic annotations.Topic
---@return string sentence
function topics.sentence(topic)
  local text = topics.text(topic)
  return text:match "^(.-[^.]%.)%s+%u" or text
end

--- Its parameters and results, each a name, a type and what is said of that.
---@param topic annotations.Topic
---@return string[][] rows such as { "axis", "integer", ", optional: 1" }
function topics.rows(topic)
  local rows, source = {}, topic.init or topic.entry or { parameters = {}, returns = {} }
  for i, parameter in ipairs(source.parameters) do
    rows[i] = { parameter.name, parameter.type, about(parameter.optional, parameter.text) }
  end
  for _, result in ipairs(topic.init and {} or source.returns) do
    local kind = annotations.split_type(result)
    rows[#rows + 1] = { "returns", kind, result:sub(#kind + 1) }
  end
  return rows
end

--- The fields of a class in the same way.
---@param class annotations.Topic
---@return string[][] rows
function topics.fields(class)
  local rows = {}
  for i, field in ipairs(class.class.fields) do rows[i] = { field.name, field.type, about(false, field.text) } end
  return rows
end

--- How a script writes it: "nn.Dense(inputs, units, options)", "tensor:sum(axis, keep)", "fnet.seed(seed)".
---@param index annotations.Index
---@param topic annotations.Topic
---@return string
function topics.written(index, topic)
  if topic.kind == "namespace" then return topic.name end
  local owner, last = topic.name:match "^(.*)%.([^.]+)$"
  if not owner then return "fnet." .. topic.name .. topic.call end
  local is_method = topic.kind == "function" and (owner == "tensor" or index.classes[owner])
  return owner .. (is_method and ":" or ".") .. last .. topic.call
end

--- Whether a layer's method is one that every module has, written for this layer: lists leave it out.
---@param index annotations.Index
---@param name string
---@return boolean
function topics.is_usual(index, name)
  local owner, last = name:match "^(nn%.%u%w*)%.(.*)$"
  return owner ~= nil and owner ~= "nn.Module" and index.topics["nn.Module." .. last] ~= nil
end

--- The class whose objects a topic is about: itself, what a function makes, or what a field holds.
---@param index annotations.Index
---@param topic annotations.Topic
---@return annotations.Topic?
function topics.class_of(index, topic)
  if topic.class then return topic end
  local source = topic.init or topic.entry
  return source and index.classes[(source.type or source.returns[1] or ""):match "^[%w_.]+"]
end

return topics

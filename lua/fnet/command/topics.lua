--- Topics: every public name, with what is said of it and how it is called. For help, search and the pages of
-- `make docs`.
-- Invariant: which names there are is asked of the library itself (its tables and classes), what is said of them is
-- read from its sources; so neither can be older than the other.

local activations = require "fnet.nn.activations"
local annotations = require "fnet.command.annotations"
local naming = require "fnet.base.naming"
local objects = require "fnet.command.objects"
local core = require "fnet.core"
local further = require "fnet.tensor.elsewhere"
local layers = require "fnet.nn.elsewhere"
local start_values = require "fnet.nn.init_weights"

local topics = {}

---@class annotations.Topic
---@field name string as help knows it, such as "nn.Dense"
---@field kind string "function", "class", "namespace" or "value"
---@field call string its parameters: "(inputs, units, options)"; "" for what cannot be called
---@field entry annotations.Entry what is said of it; a class of layers has the parameters of what makes an object
---@field members string[]? of a namespace: the names in it
---@field class annotations.Entry? of a class: with its fields
---@field methods string[]? of a class: their names
---@field call_entry annotations.Entry? of a class: how its objects are called, where its source says __call; of
--- tensor: how fnet.tensor is called

---@class annotations.Index
---@field topics table<string, annotations.Topic> by name
---@field classes table<string, annotations.Topic> those that are classes
---@field modules table what annotations.read gives
---@field elsewhere table<string, { theirs: string, ours: string }[]> by another library's name, bare: the name as
--- it writes it, and the name of a topic or words that say what there is instead

local UNSAID = { __index = { text = "", parameters = {}, returns = {} } } -- what an entry leaves out

-- The parameters in a line that defines a function.
local function call_of(entry) return "(" .. (entry and entry.code:match "%((.-)%)" or "") .. ")" end

local function put(index, name, kind, entry, call)
  call = call or kind == "function" and call_of(entry) or ""
  local topic = { name = name, kind = kind, entry = setmetatable(entry or {}, UNSAID), call = call }
  index.topics[name] = topic
  return topic
end

-- A namespace says what its module says of itself: "metrics: figures of ..."
local function put_space(index, name, header, members)
  put(index, name, "namespace", { text = header:gsub("^[%l.]+: (%l)", string.upper) }).members = members
end

-- The module whose source a function was compiled from, such as "fnet.nn.dense".
local function module_of(index, f)
  return index.modules[annotations.module(debug.getinfo(f, "S").source) or "fnet"]
end

-- The entry in the source of a function for which the condition holds.
local function entry_where(index, f, condition)
  local module = f and module_of(index, f)
  for _, entry in ipairs(module and module.entries or {}) do
    if condition(entry) then return entry end
  end
end

local function entry_at(index, f)
  local line = debug.getinfo(f, "S").linedefined
  return entry_where(index, f, function(entry) return entry.line == line end)
end

-- What other libraries call the names in a table.
local function add_elsewhere(index, name, class)
  local elsewhere = class and class.elsewhere or {}
  for _, theirs in ipairs(naming.sorted(elsewhere)) do
    local key, ours = naming.bare(theirs), elsewhere[theirs]
    index.elsewhere[key] = index.elsewhere[key] or {}
    local is_whole = ours:find " " or name == "fnet"
    table.insert(index.elsewhere[key], { theirs = theirs, ours = is_whole and ours or name .. "." .. ours })
  end
end

local function add_function(index, name, f) put(index, name, "function", entry_at(index, f)) end

-- The public functions of a table of methods; their names too, in a list.
local function add_methods(index, owner, methods, names)
  for _, name in ipairs(naming.sorted(methods)) do
    if type(methods[name]) == "function" and not name:find "^_" then
      names[#names + 1] = owner .. "." .. name
      add_function(index, owner .. "." .. name, methods[name])
    end
  end
  return names
end

-- The comment of a class stands above the line that has its name in quotes; how an object is made, above its init.
local function add_layer(index, name, class)
  local init, quoted = rawget(class, "init"), '"' .. class.class_name .. '"'
  local about = entry_where(index, init or rawget(class, "forward"),
    function(entry) return entry.code:find(quoted, 1, true) end) or { text = "" }
  local making = init and entry_at(index, init) or about
  put(index, name, "class", { file = about.file, line = about.line, parameters = making.parameters,
    text = about.text == "" and making.text or about.text }, init and call_of(making) or "()")
end

local function add_fields(index, name, fields)
  local members, module = {}, index.modules[name == "fnet" and "fnet" or "fnet." .. name]
  for _, key in ipairs(naming.sorted(fields)) do
    local value, path = rawget(fields, key), name == "fnet" and key or name .. "." .. key
    members[#members + 1] = path
    if type(value) == "function" then
      add_function(index, path, value)
      module = module or module_of(index, value)
    elseif type(value) == "table" then
      local add = rawget(value, "is_module") == true and add_layer or add_fields
      add(index, path, value)
    end
  end
  put_space(index, name, module and module.header or "", members)
  add_elsewhere(index, name, getmetatable(fields))
end

-- Numbers and texts, which have no source of their own: what is above "fnet.version =".
local function add_values(index, fields)
  for _, entry in ipairs(index.modules.fnet.entries) do
    local value = entry.owner == "fnet" and rawget(fields, entry.name)
    if value and type(value) ~= "function" then
      entry.type = math.type(value) or type(value)
      put(index, entry.name, "value", entry)
    end
  end
end

-- A parameter or a field: its name, its type, and what is said of that.
local function row_of(part)
  local text = part.text ~= "" and ": " .. part.text or ""
  return { part.name, part.type, part.optional and ", optional" .. text or text }
end

-- The fields of a class, or of a part of it, each a topic; their names.
local function add_class_fields(index, entry)
  local names = {}
  for i, field in ipairs(entry.fields) do
    names[i] = entry.class .. "." .. field.name
    put(index, names[i], "value", { file = entry.file, line = entry.line, type = field.type,
      text = table.concat(row_of(field), "", 2) })
  end
  return names
end

-- A method in C, by its declaration as a field.
local function add_declared(index, name, file, field)
  local inner, result = field.type:match "^fun%(self: tensor,?%s*(.-)%):?%s*(.*)$"
  local parameters, names = {}, {}
  for parameter, mark, kind in inner:gmatch "([%w_.]+)(%??): ([^,]+)" do
    names[#names + 1] = parameter
    parameters[#names] = { name = parameter, optional = mark == "?", type = kind, text = "" }
  end
  put(index, name, "function", { file = file, text = field.text, parameters = parameters,
    returns = result ~= "" and { result } or nil }, "(" .. table.concat(names, ", ") .. ")")
end

-- Fields and methods of tensors: the methods in Lua by their source, those in C by their declarations.
local function add_tensor(index)
  local members
  for _, entry in ipairs(index.modules["fnet.tensor"].entries) do
    if entry.class == "tensor" then
      local maker = index.topics.tensor.entry
      members = add_class_fields(index, entry)
      put_space(index, "tensor", entry.text, members)
      index.topics.tensor.call_entry = maker
    end
  end
  add_methods(index, "tensor", core.methods, members)
  for _, entry in ipairs(index.modules["fnet.tensor.methods"].entries) do
    for _, field in ipairs(entry.class == "tensor" and entry.fields or {}) do
      if core.methods[field.name] then add_declared(index, "tensor." .. field.name, entry.file, field) end
    end
  end
  add_elsewhere(index, "tensor", core.metatable)
  add_elsewhere(index, "tensor", { elsewhere = further.tensor })
end

-- The names that strings of a type have, which its annotation does not repeat.
local NAMES = { ["nn.Activation"] = activations.names, ["nn.StartValues"] = start_values.names }

local function with_names(entry)
  local names = NAMES[entry.class]
  return names and entry.alias:gsub("^string", '"' .. table.concat(names(), '"|"') .. '"') or entry.alias
end

-- Classes by annotation, such as data.Dataset: their methods, and those themselves that are met as results only. A
-- class may be declared in several parts; the first one, by the names of the modules, is that with the fields.
local function add_classes(index)
  for _, name in ipairs(naming.sorted(index.modules)) do
    local module = index.modules[name]
    for _, entry in ipairs(module.entries) do
      local class = entry.class
      if class and class ~= "fnet" and class ~= "tensor" and not class:find "^annotations" then
        local topic = index.topics[class] or put(index, class, "class", entry)
        entry.alias = with_names(entry)
        topic.class, topic.methods = topic.class or entry, topic.methods or {}
        index.classes[class] = topic
        add_class_fields(index, entry)
        for _, method in ipairs(module.entries) do
          local is_own = method.owner and method.owner == entry.name and method.code:find "^%s*function"
          if is_own and method.name ~= "init" and not method.name:find "^__" then
            local path = class .. "." .. method.name
            table.insert(topic.methods, path)
            put(index, path, "function", method)
          elseif is_own and method.name == "__call" then
            topic.call_entry = method
          end
        end
      end
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
  add_elsewhere(index, "fnet", { elsewhere = further.functions })
  add_elsewhere(index, "nn", { elsewhere = layers })
  add_values(index, fnet)
  add_tensor(index)
  add_classes(index)
  for _, class in ipairs(naming.sorted(objects)) do add_elsewhere(index, class, { elsewhere = objects[class] }) end
  -- The methods that every model has are those of a table, written in more than one file.
  index.classes["nn.Module"].methods = add_methods(index, "nn.Module", require("fnet.nn.module").Module, {})
  the_index = index
  return index
end

--- The first sentence of what is said of a topic.
---@param topic annotations.Topic
---@return string sentence
function topics.sentence(topic)
  local text = topic.entry.text
  return text:match "^(.-[^.]%.)%s+%u" or text
end

--- Its parameters and results, each a name, a type and what is said of that.
---@param topic annotations.Topic
---@return string[][] rows such as { "axis", "integer", ", optional: 1" }
function topics.rows(topic)
  local rows = {}
  for i, parameter in ipairs(topic.entry.parameters) do rows[i] = row_of(parameter) end
  for _, result in ipairs(topic.entry.returns) do
    local kind, text = annotations.split_type(result)
    rows[#rows + 1] = { "returns", kind, text ~= "" and " " .. text or "" }
  end
  return rows
end

--- The fields of a class in the same way.
---@param class annotations.Topic
---@return string[][] rows
function topics.fields(class)
  local rows = {}
  for i, field in ipairs(class.class.fields) do rows[i] = row_of(field) end
  return rows
end

--- How a script writes it: "nn.Dense(inputs, units, options)", "tensor:sum(axis, keep)", "fnet.seed(seed)".
---@param topic annotations.Topic
---@return string
function topics.written(topic)
  if topic.kind == "namespace" then return topic.name end
  local owner, last = topic.name:match "^(.*)%.([^.]+)$"
  if not owner then return "fnet." .. topic.name .. topic.call end
  local is_method = topic.kind == "function" and (owner == "tensor" or the_index.classes[owner])
  return owner .. (is_method and ":" or ".") .. last .. topic.call
end

--- Whether a layer's method is one that every module has, written for this layer: lists leave it out.
---@param name string
---@return boolean
function topics.is_usual(name)
  local owner, last = name:match "^(nn%.%u%w*)%.(.*)$"
  return owner ~= nil and owner ~= "nn.Module" and the_index.topics["nn.Module." .. last] ~= nil
end

--- The class whose objects a topic is about: itself, what a function makes, or what a field holds.
---@param topic annotations.Topic
---@return annotations.Topic?
function topics.class_of(topic)
  if topic.class then return topic end
  return the_index.classes[(topic.entry.type or topic.entry.returns[1] or ""):match "^[%w_.]+"]
end

return topics

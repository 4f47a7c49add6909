--- Help: the annotations of a public name as text, offline. `fnet.help "nn.Dense"`, `fnet --help nn.Dense`.
-- Invariant: which names there are is asked of the library itself (its tables and classes), what is said of them is
-- read from its sources; so neither can be older than the other.

local annotations = require "fnet.command.annotations"
local naming = require "fnet.base.naming"
local say = require "fnet.base.say"
local core = require "fnet.core"

local help = {}

local WIDTH = 96

-- ---- the index ----

-- A topic: { name =, kind = "function", "class", "namespace" or "value", entry =, call = its parameters as text }.

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

local function typed(kind, optional, text)
  return kind .. (optional and ", optional" or "") .. (text ~= "" and ": " .. text or "")
end

-- The fields of a class, or of a part of it, each a topic; their names.
local function add_class_fields(index, entry)
  local names = {}
  for i, field in ipairs(entry.fields) do
    names[i] = entry.class .. "." .. field.name
    index.topics[names[i]] = { name = names[i], kind = "value", call = "", entry = { file = entry.file,
      line = entry.line, text = typed(field.type, false, field.text), type = field.type, parameters = {},
      returns = {} } }
  end
  return names
end

-- Fields and methods of tensors: the methods in Lua by their source, those in C by their declarations.
local function add_tensor(index)
  local topic = { name = "tensor", kind = "namespace", header = "What tensors have." }
  index.topics.tensor = topic
  for _, entry in ipairs(index.modules["fnet.tensor"].entries) do
    if entry.class == "tensor" then topic.members = add_class_fields(index, entry) end
  end
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

local function build()
  local fnet = require "fnet"
  local index = { modules = annotations.read(), topics = {}, classes = {} }
  add_fields(index, "fnet", fnet)
  add_values(index, fnet)
  add_tensor(index)
  add_classes(index)
  add_module(index)
  return index
end

local the_index
local function index_of()
  the_index = the_index or build()
  return the_index
end

-- ---- text ----

local function wrap(text, indent)
  local lines, line = {}, ""
  for word in text:gmatch "%S+" do
    if #line > 0 and #indent + #line + 1 + #word > WIDTH then
      lines[#lines + 1] = indent .. line
      line = word
    else
      line = line == "" and word or line .. " " .. word
    end
  end
  lines[#lines + 1] = indent .. line
  return table.concat(lines, "\n")
end

-- Rows of two columns, the second one wrapped.
local function columns(rows)
  local width = 0
  for _, row in ipairs(rows) do width = math.max(width, math.min(34, #row[1])) end
  local lines = {}
  for _, row in ipairs(rows) do
    local indent = (" "):rep(width + 4)
    local text = wrap(row[2], indent)
    local head = ("  %-" .. width .. "s  "):format(row[1])
    lines[#lines + 1] = #row[1] > width and head:gsub("%s+$", "") .. "\n" .. text or head .. text:sub(#indent + 1)
    lines[#lines] = lines[#lines]:gsub("%s+$", "")
  end
  return table.concat(lines, "\n")
end

local function first_sentence(text) return text:match "^(.-[^.]%.)%s+%u" or text end

local function summary_of(topic)
  if topic.kind == "namespace" then return (topic.header or ""):gsub("^%l+: ", "") end
  if not topic.entry then return "" end
  local text = topic.entry.text
  if text == "" and topic.init then text = topic.init.text end
  return text
end

-- How a script writes it: "nn.Dense(inputs, units, options)", "tensor:sum(axis, keep)", "fnet.seed(seed)".
local function call_of(index, topic)
  if topic.kind == "namespace" then return topic.name end
  local owner, last = topic.name:match "^(.*)%.([^.]+)$"
  if not owner then return "fnet." .. topic.name .. topic.call end
  local is_method = topic.kind == "function" and (owner == "tensor" or index.classes[owner])
  return owner .. (is_method and ":" or ".") .. last .. topic.call
end

local function listing(index, names)
  local rows = {}
  for i, name in ipairs(names) do
    local topic = index.topics[name]
    rows[i] = { call_of(index, topic), first_sentence(summary_of(topic)) }
  end
  return columns(rows)
end

-- The class whose objects a topic is about: itself, what a function makes, or what a field holds.
local function class_of(index, topic)
  if topic.class then return topic end
  local source = topic.init or topic.entry
  return source and index.classes[(source.type or source.returns[1] or ""):match "^[%w_.]+"]
end

local function describe(index, topic)
  local parts = {}
  if topic.kind == "namespace" then
    parts[1] = wrap(topic.name .. ": " .. summary_of(topic), "")
    parts[2] = listing(index, topic.members)
    return table.concat(parts, "\n\n")
  end
  local entry = topic.entry or { parameters = {}, returns = {} }
  local source = topic.init or entry
  parts[1] = call_of(index, topic)
  local text = summary_of(topic)
  if text ~= "" then parts[#parts + 1] = wrap(text, "  ") end
  local rows = {}
  for _, parameter in ipairs(source.parameters) do
    rows[#rows + 1] = { parameter.name, typed(parameter.type, parameter.optional, parameter.text) }
  end
  for _, result in ipairs(topic.init and {} or source.returns) do rows[#rows + 1] = { "returns", result } end
  if #rows > 0 then parts[#parts + 1] = columns(rows) end
  local class = class_of(index, topic)
  if class == topic then
    rows = {}
    for i, field in ipairs(class.class.fields) do rows[i] = { field.name, typed(field.type, false, field.text) } end
    if #rows > 0 then parts[#parts + 1] = "fields\n" .. columns(rows) end
    if #class.methods > 0 then parts[#parts + 1] = "methods\n" .. listing(index, class.methods) end
    local parent = index.classes[class.class.parent]
    if parent then parts[#parts + 1] = ("What it has from %s: help \"%s\""):format(parent.name, parent.name) end
  elseif class then
    parts[#parts + 1] = ("What %s has: help \"%s\""):format(topic.kind == "value" and "it" or "the result",
      class.name)
  end
  parts[#parts + 1] = entry.line and ("%s:%d"):format(entry.file, entry.line) or entry.file
  return table.concat(parts, "\n\n")
end

-- ---- looking up ----

--- All names that there is help for, sorted.
---@return string[]
function help.names() return naming.sorted(index_of().topics) end

-- The names that end with the words of a key. Fields count only where nothing else has the name.
local function ending_with(index, key)
  local found, fields = {}, {}
  for _, name in ipairs(naming.sorted(index.topics)) do
    if ("." .. name):sub(-#key - 1) == "." .. key then
      local list = index.topics[name].kind == "value" and fields or found
      list[#list + 1] = name
    end
  end
  return #found > 0 and found or fields
end

-- The names that a key may stand for: itself, the end of names ("Dataset.split"), what a class inherits
-- ("optim.Adam.step") or the object in a field has ("model.save"), and what anything has, where the owner is known
-- to nobody but the script ("net.save").
local function candidates(index, key)
  if index.topics[key] then return { key } end
  local found = ending_with(index, key)
  local owner, last = key:match "^(.*)%.([^.]+)$"
  if #found > 0 or not owner then return found end
  local seen = {}
  for _, name in ipairs(candidates(index, owner)) do
    local class = class_of(index, index.topics[name])
    while class and not index.topics[class.name .. "." .. last] do class = index.classes[class.class.parent] end
    if class and not seen[class] then
      seen[class] = true
      found[#found + 1] = class.name .. "." .. last
    end
  end
  local is_variable = #found == 0 and not index.topics[owner] and not owner:find(".", 1, true)
  return is_variable and ending_with(index, last) or found
end

--- What there is to say about a name.
---@param name? string such as "nn.Dense", "tensor.sum", "Dense"; all of fnet where nil
---@return string? text nil where nothing is known by that name
---@return string? message then: what it may have been meant to be
function help.find(name)
  local index = index_of()
  local key = (name or "fnet"):gsub(":", "."):gsub("%(.*$", "")
  if not index.topics[key] then key = key:gsub("^fnet%.", "") end
  local found = candidates(index, key)
  if #found == 1 then return describe(index, index.topics[found[1]]) end
  if #found > 1 then return ("%s is the name of several:\n\n%s"):format(key, listing(index, found)) end
  local words = {}
  for _, path in ipairs(help.names()) do words[#words + 1], words[#words + 2] = path, path:match "[^.]+$" end
  local near = #key > 2 and (naming.nearest(key, words) or naming.nearest(key:match "[^.]*$", words))
  return nil, ("no help on '%s'%s; `help \"fnet\"` lists what there is"):format(name,
    near and (", did you mean '%s'?"):format(near) or "")
end

--- The method that was probably meant where Lua says "attempt to call a nil value (method 'paramters')".
---@param message string
---@return string? name nil for other messages, and where no method's name is near
function help.near_method(message)
  local name = message:match "%(method '([%w_]+)'%)$"
  if not name then return nil end
  local index, known = index_of(), naming.sorted(core.methods)
  for _, class in ipairs(naming.sorted(index.classes)) do
    for _, path in ipairs(index.classes[class].methods) do known[#known + 1] = path:match "[^.]+$" end
  end
  return naming.nearest(name, known)
end

--- What there is to say about a public name: how it is called, with types, shapes, defaults and errors.
---@param name? string such as "nn.Dense", "tensor.sum", "optim"; all of fnet where nil
---@return string text to be printed; raises, with the nearest name, where there is none
function help.help(name)
  if name ~= nil and type(name) ~= "string" then
    core.raise("help: expected a name, such as \"nn.Dense\", got " .. say.value(name))
  end
  local text, message = help.find(name)
  if not text then core.raise("help: " .. message) end
  return text
end

return help

--- Library: fnet's public names as declarations, files of `---@meta` from which language servers such as LuaLS and
-- EmmyLua know parameters, options, results and texts. `fnet init` writes them.
-- Invariant: what they say is what help says, from the same topics; the same fnet gives the same bytes.

local annotations = require "fnet.command.annotations"
local core = require "fnet.core"
local naming = require "fnet.base.naming"
local options_of = require "fnet.command.options_of"
local topics = require "fnet.command.topics"

local MOST = 112 -- columns of a text

---@class command.Library
---@field index annotations.Index
---@field lines string[]
---@field used table<string, boolean> the classes that declarations speak of
---@field options table<string, { name: string, type: string, text: string }[]> of tables of options, by class
---@field open table<string, boolean> those of them that take further names
local Library = {}
Library.__index = Library

function Library:add(format, ...) self.lines[#self.lines + 1] = format:format(...) end

-- A text as a comment.
function Library:comment(text)
  local line = "---"
  for word in text:gmatch "%S+" do
    if #line + 1 + #word > MOST then
      self:add("%s", line)
      line = "---"
    end
    line = line .. " " .. word
  end
  if line ~= "---" then self:add("%s", line) end
end

-- A field that may be nil is declared as one that is there: a script knows when, and would be warned each time.
local function present(kind) return (kind:gsub("%?$", "")) end

-- A result of several possible types is any, for the same reason, but for an object or a table of such, of which
-- servers let everything pass. What an iterator gives is not nil inside of its loop.
local function known(kind)
  if kind:find "^fun%(%)" then return (kind:gsub("%?", ""):gsub("|nil%f[%W]", "")) end
  local object, other = kind:match "^([%a_][%w_.]*)|([%w_.]+[%[%]]*)$"
  if other == "table" or object and other == object .. "[]" then return object .. "|table" end
  return kind:gsub("%b()", ""):find "|" and "any" or kind
end

-- What a parameter or an option takes. A function of a script may take and give more than is asked of it, which
-- servers compare strictly; they know what its parameters are, all the same. Where objects are taken or tables,
-- these are written so that nobody misses the fields of an object in a table.
local function taken(kind)
  if kind:find "%f[%w]fun%(" then kind = "function|" .. kind end
  local has_objects = ("|" .. kind .. "|"):find "|tensor|" or kind:find "|" and kind:find "%l%.%u"
  if not has_objects then return kind end
  return (kind:gsub("%f[%w]table%f[^%w<]", "table<any, any>"):gsub("([%a_][%w_.]*)%[%]", "table<integer, %1>"))
end

-- Notes the classes that a type is made of; gives it back.
function Library:use(kind)
  for name in kind:gmatch "[%a_][%w_.]*" do
    if self.index.classes[name] then self.used[name] = true end
  end
  return kind
end

local function remark(text) return text ~= "" and " # " .. text or "" end

-- ---- functions ----

-- What a function gives: "string? message, integer? code" are two results.
function Library:results(entry)
  local list = {}
  local function take(text)
    local kind, rest = annotations.split_type(text)
    local name, more = rest:match "^([%a_][%w_]*), (.+)$"
    local next_type = more and more:match "^[%w_.]+"
    local is_type = next_type and (annotations.BASIC[next_type] or self.index.classes[next_type])
    if is_type then rest = name else more = nil end
    list[#list + 1] = { type = self:use(known(kind)), text = rest }
    if more then take(more) end
  end
  for _, result in ipairs(entry.returns) do take(result) end
  return list
end

-- Parameters and results of a function: the declaration's lines.
function Library:signature(topic, results)
  local names = {}
  for i, parameter in ipairs(topic.entry.parameters) do
    names[i] = parameter.name
    local options, fields, is_open = options_of(topic, parameter)
    if options then
      self.options[options], self.open[options] = fields, is_open
      for _, field in ipairs(fields) do self:use(field.type) end
    end
    self:add("---@param %s%s %s%s", parameter.name, parameter.optional and "?" or "",
      options or taken(self:use(parameter.type)), remark(parameter.text))
  end
  for _, result in ipairs(results) do
    local is_open = result.text:find "^%.%.%."
    self:add("---@return %s%s%s", result.type, is_open and " ..." or "",
      remark(result.text:gsub("^%.%.%.%s*", "")))
  end
  return table.concat(names, ", ")
end

-- Its own results, where no others are given.
function Library:write_function(path, topic, results)
  self:add ""
  self:comment(topic.entry.text)
  self:add("function %s(%s) end", path, self:signature(topic, results or self:results(topic.entry)))
end

-- How a layer, or a value that can be called, is called.
function Library:write_call(entry)
  local parameters, results = {}, {}
  for i, parameter in ipairs(entry.parameters) do
    parameters[i] = ("%s%s: %s"):format(parameter.name, parameter.optional and "?" or "", self:use(parameter.type))
  end
  for i, result in ipairs(self:results(entry)) do results[i] = result.type end
  self:add("---@overload fun(%s): %s", table.concat(parameters, ", "),
    results[1] and table.concat(results, ", ") or "any")
end

-- ---- classes ----

function Library:write_fields(fields)
  for _, field in ipairs(fields) do
    self:add("---@field %s%s %s%s", field.name, field.optional and "?" or "", self:use(present(field.type)),
      remark(field.text))
  end
end

function Library:write_tensor()
  local fields, marks, methods, text = {}, {}, {}, self.index.topics.tensor.entry.text
  for _, module in ipairs { "fnet.tensor", "fnet.tensor.methods" } do
    for _, entry in ipairs(self.index.modules[module].entries) do
      for _, field in ipairs(entry.class == "tensor" and entry.fields or {}) do
        if not core.methods[field.name] then fields[#fields + 1] = field end
      end
      if entry.class == "tensor" then table.move(entry.marks, 1, #entry.marks, #marks + 1, marks) end
    end
  end
  for _, name in ipairs(naming.sorted(core.methods)) do
    if self.index.topics["tensor." .. name] then methods[#methods + 1] = "tensor." .. name end
  end
  self:add ""
  self:comment(text)
  self:add "---@class tensor"
  self:write_fields(fields)
  for _, mark in ipairs(marks) do self:add("%s", mark) end
  self:add "local fnet_tensor = {}" -- parameters are called tensor
  for _, path in ipairs(methods) do
    self:write_function("fnet_tensor:" .. path:match "[^.]+$", self.index.topics[path])
  end
end

-- The entry that says how an object is called: __call, or a layer's forward, which may be its parent's.
function Library:call_of(name)
  local topic, forward = self.index.classes[name], self.index.topics[name .. ".forward"]
  if name == "nn.Module" or not topic then return nil end -- whose own declaration says that it takes anything
  return topic.call_entry or forward and forward.entry or self:call_of(topic.class.parent)
end

function Library:write_class(name)
  local topic, place = self.index.classes[name], name:gsub("%.", "_")
  local class = topic.class
  self:add ""
  self:comment(class.text)
  if class.alias then return self:add("---@alias %s %s", name, self:use(taken(class.alias))) end
  self:add("---@class %s%s", name, class.parent ~= "" and ": " .. self:use(class.parent) or "")
  self:write_fields(class.fields)
  for _, mark in ipairs(class.marks) do self:add("%s", mark) end
  local call = self:call_of(name)
  if call then self:write_call(call) end
  if #topic.methods == 0 then return end
  self:add("local %s = {}", place)
  for _, path in ipairs(topic.methods) do
    self:write_function(place .. ":" .. path:match "[^.]+$", self.index.topics[path])
  end
end

-- The classes that are spoken of, until no class speaks of another.
function Library:write_classes()
  local written = {}
  repeat
    local count = 0
    for _, name in ipairs(naming.sorted(self.used)) do
      if not written[name] then
        written[name], count = true, count + 1
        self:write_class(name)
      end
    end
  until count == 0
end

-- A table of options. Its names are keys of a table too: a server then finds one that is none of them. Where more
-- names are taken there is nothing to be found. A count that a script computes of what a server does not know is
-- just a number for it.
function Library:write_options(name)
  local names = {}
  for i, field in ipairs(self.options[name]) do names[i] = ('"%s"'):format(field.name) end
  local keys = self.open[name] and "" or (": table<%s, any>"):format(table.concat(names, "|"))
  self:add ""
  self:add("---@class %s%s", name, keys)
  for _, field in ipairs(self.options[name]) do
    local kind = taken(field.type):gsub("%f[%w]integer%f[%W]", "number")
    self:add("---@field %s? %s%s", field.name, kind, remark(field.text))
  end
  if self.open[name] then self:add "---@field [string] any" end
end

-- ---- names ----

-- Whether it is a table of names; fnet.tensor is a function, its topic that of what it makes.
function Library:is_space(path)
  local topic = self.index.topics[path]
  return topic ~= nil and topic.kind == "namespace" and path ~= "tensor"
end

-- A namespace and what is in it. What it holds in namespaces stands before it.
function Library:write_space(name)
  local topic, place = self.index.topics[name], name:gsub("%.", "_")
  local class = (name == "fnet" and "" or "fnet.") .. name
  for _, path in ipairs(topic.members) do
    if self:is_space(path) then self:write_space(path) end
  end
  self:add ""
  self:comment(topic.entry.text)
  self:add("---@class %s", class)
  for _, path in ipairs(topic.members) do
    local member = self.index.topics[path]
    if self:is_space(path) then self:add("---@field %s fnet.%s", path:match "[^.]+$", path) end
    local value = member and member.kind == "value" and member.entry
    if value then self:add("---@field %s %s%s", path, value.type, remark(value.text)) end
  end
  self:add("local %s = {}", place)
  for _, path in ipairs(topic.members) do
    local member = self.index.topics[path]
    if path == "tensor" then
      self:write_function("fnet.tensor", { name = path, entry = member.call_entry })
    elseif member and (member.kind == "function" or member.kind == "class") then
      local made = member.kind == "class" and self:use(self.index.classes[path] and path or "nn.Module")
      self:write_function(place .. "." .. path:match "[^.]+$", member, made and { { type = made, text = "" } })
    end
  end
end

-- What specs call assert, to which `require "fnet.testing"` adds. It makes names of words: assert.is_not.allclose.
-- `same` is its own, and takes more than tensors.
function Library:luassert()
  self.lines = {}
  self:add "---@meta luassert"
  self:add ""
  self:add "---@class luassert"
  self:add "---@overload fun(value: any, message?: any): any"
  self:add "---@field [string] any"
  self:add "local luassert = {}"
  for _, path in ipairs(self.index.topics.testing.members) do
    local name = path:match "[^.]+$"
    if name ~= "same" then self:write_function("luassert." .. name, self.index.topics[path], {}) end
  end
  self:add ""
  self:add "return luassert"
  return self:text()
end

function Library:text() return table.concat(self.lines, "\n") .. "\n" end

--- The declarations.
---@return table<string, string> texts by file: what `require` gives for "fnet", "fnet.testing" and "luassert"
return function()
  local self = setmetatable({ index = topics.index(), lines = {}, used = {}, options = {}, open = {} }, Library)
  self:add "---@meta fnet"
  self:add("-- What fnet %s has, for editors, not to be run; `fnet init --library FOLDER` makes it anew.",
    core.version)
  self:write_tensor()
  self:write_space "fnet"
  self:write_classes()
  for _, name in ipairs(naming.sorted(self.options)) do self:write_options(name) end
  self:add ""
  self:add "return fnet"
  return {
    ["fnet.lua"] = self:text(),
    ["fnet/testing.lua"] = '---@meta fnet.testing\n\nreturn require("fnet").testing\n',
    ["luassert.lua"] = self:luassert(),
  }
end

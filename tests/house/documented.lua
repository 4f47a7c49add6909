--- That help has a text for every public name, and that every annotated method and layer is there: raises with the
-- names that fail. The build runs it, `fnet tests/house/documented.lua`; docs_spec.lua beside it and
-- tests/command/help_spec.lua look closer.

local annotations = require "fnet.command.annotations"
local core = require "fnet.core"
local fnet = require "fnet"
local help = require "fnet.command.help"
require("fnet.base.later").load()

local faults = {}
local function expect(condition, ...) if not condition then faults[#faults + 1] = table.concat { ... } end end

local known = {}
for _, name in ipairs(help.names()) do
  known[name] = true
  local text = help.find(name)
  expect(text:find "^[^\n]+\n\n  %S" or text:find "^[%w_.]+: %S" or text:find "\nfields\n",
    name, ": has no comment that says what it is")
end

local function look(path, fields)
  for key, value in next, fields do
    local name = path .. key
    expect(known[name], name, ": is public, but help does not know it")
    if type(value) == "table" and not rawget(value, "is_module") then look(name .. ".", value) end
  end
end
look("", fnet)
look("tensor.", core.methods)

for module, found in pairs(annotations.read()) do
  for _, entry in ipairs(found.entries) do
    local layer = (entry.class or ""):match "^nn%.(.*)$"
    local is_there = not layer or layer == "Module" or entry.alias or rawget(fnet.nn, layer)
    expect(is_there, module, ": there is no nn.", layer)
    for _, field in ipairs(entry.class == "tensor" and entry.fields or {}) do
      expect(not field.type:find "^fun%(" or core.methods[field.name], module, ": tensors have no ", field.name)
    end
  end
end

table.sort(faults)
if #faults > 0 then error("annotations and code differ\n" .. table.concat(faults, "\n"), 0) end

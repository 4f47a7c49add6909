--- Groups: options for parameters by their names. Invariant: each parameter is in one group, with the options of
-- all patterns that its name fits; which of them stands first in the table says nothing.

local core = require "fnet.core"
local expect = require "fnet.base.expect"
local naming = require "fnet.base.naming"
local is_module = require("fnet.nn.module").is_module

local SHOWN = 8 -- names that a message lists

-- The Lua pattern of one with `*`, which stands for any letters, dots too.
local function lua_pattern(pattern)
  return "^" .. pattern:gsub("%p", "%%%0"):gsub("%%%*", ".*") .. "$"
end

-- The names as a message lists them.
local function listed(entries)
  local names = {}
  for i = 1, math.min(#entries, SHOWN) do names[i] = entries[i].name end
  return table.concat(names, ", ") .. (#entries > SHOWN and (" and %d others"):format(#entries - SHOWN) or "")
end

-- The table { [pattern] = options }, checked, as a sorted list.
local function check_patterns(by_name)
  expect.that(type(by_name) == "table" and next(by_name) ~= nil, "groups: options",
    "a table of options by names, { [\"*.bias\"] = { weight_decay = 0 } }", by_name)
  local list = {}
  for pattern, options in pairs(by_name) do
    expect.that(type(pattern) == "string", "groups: name", "a text such as \"*.bias\"", pattern)
    local place = ("groups: %s"):format(core.visible(pattern))
    expect.that(type(options) == "table" and next(options) ~= nil, place, "a table of options, { lr = 0.1 }",
      options)
    for key in pairs(options) do
      expect.that(type(key) == "string" and key ~= "parameters", place, "options by name, such as lr", key)
    end
  end
  for _, pattern in ipairs(naming.sorted(by_name)) do
    list[#list + 1] = { text = pattern, lua = lua_pattern(pattern), options = by_name[pattern], matches = 0 }
  end
  return list
end

-- Adds the options of a pattern to those of a parameter; two patterns may not say two things of it.
local function add_options(group, origin, pattern, name)
  for _, key in ipairs(naming.sorted(pattern.options)) do
    local value = pattern.options[key]
    if group[key] ~= nil and group[key] ~= value then
      core.raise("groups: %s: %s is %s by '%s' and %s by '%s'; give it in one of them, or narrower names", name,
        key, tostring(group[key]), core.visible(origin[key]), tostring(value), core.visible(pattern.text))
    end
    group[key], origin[key] = value, pattern.text
  end
end

-- The key of what a parameter's options are made of, and these.
local function options_of(name, patterns)
  local options, origin, keys = {}, {}, {}
  for i, pattern in ipairs(patterns) do
    if name:find(pattern.lua) then
      pattern.matches = pattern.matches + 1
      keys[#keys + 1] = i
      add_options(options, origin, pattern, name)
    end
  end
  return table.concat(keys, " "), options
end

--- Groups of a model's parameters, with options by their names: what an optimiser takes in the place of
-- model:parameters(). `optim.AdamW(optim.groups(model, { ["*.bias"] = { weight_decay = 0 } }), { lr = 1e-3 })`.
-- Names are those of model:named_parameters(), such as "1.weight"; `*` stands for any letters. A parameter gets the
-- options of all patterns that its name fits, one without any those of the optimiser.
---@param model nn.Module
---@param options table<string, table> the options of a group, such as lr and weight_decay, by pattern. Raises for a
--- pattern that fits no name, and for two that say different things of one parameter
---@return table[] groups each { parameters = , with its options }, in the order of the first parameter of each
return function(model, options)
  expect.that(is_module(model), "groups", "a model first", model)
  local patterns, groups, by_key = check_patterns(options), {}, {}
  local entries = model:named_parameters()
  for _, entry in ipairs(entries) do
    local key, own = options_of(entry.name, patterns)
    local group = by_key[key]
    if not group then
      group = own
      group.parameters, by_key[key], groups[#groups + 1] = {}, group, group
    end
    table.insert(group.parameters, entry.tensor)
  end
  for _, pattern in ipairs(patterns) do
    if pattern.matches == 0 then
      core.raise("groups: no parameter has the name '%s'; there %s %s; * stands for any letters",
        core.visible(pattern.text), #entries == 1 and "is" or "are", #entries > 0 and listed(entries) or "none")
    end
  end
  return groups
end

--- What report.page was given: each thing under its name, or recognised by what it is. Invariant: what comes out
-- has been checked; nothing is taken for something else, and nothing is left out in silence.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local naming = require "fnet.base.naming"
local say = require "fnet.base.say"
local core = require "fnet.core"
local is_module = require("fnet.nn.module").is_module
local recorder = require "fnet.page.recorder"

local KNOWN = { "history", "runs", "model", "test", "recorder", "sweep", "settings", "title", "script", "pictures",
  "mistakes" }

-- Whether a value is a table that is read like a list of tables.
local function lists_tables(value)
  return type(value) == "table" and not core.is_tensor(value) and type(rawget(value, 1)) == "table"
end

-- What fnet.fit gives, or a list of records that a script has made: { { epoch = 1, loss = 0.5 }, ... }.
local function is_history(value)
  if type(value) ~= "table" then return false end
  if math.type(rawget(value, "epochs")) and type(rawget(value, "columns")) == "table" then return true end
  if not lists_tables(value) or getmetatable(value) ~= nil then return false end
  for name, figure in pairs(value[1]) do
    if type(name) ~= "string" or type(figure) == "table" then return false end
  end
  return next(value[1]) ~= nil
end

local function is_sweep(value)
  return type(value) == "table" and lists_tables(rawget(value, "rows")) and type(rawget(value, "names")) == "table"
    and is.callable(value.text) and is.callable(value.compared)
end

local function is_runs(value) return lists_tables(value) and type(rawget(value[1], "history")) == "table" end

-- Kinds in the order in which a thing is tried; no two fit the same one.
local KINDS = {
  { "model", is_module, "a model" },
  { "recorder", function(value) return recorder.seen_by(value) ~= nil end, "what report.recorder() gives" },
  { "sweep", is_sweep, "what fnet.sweep gives" },
  { "history", function(value) return is_history(value) or type(value) == "table" and next(value) == nil end,
    "what fnet.fit gives, or a list of records such as { epoch = 1, loss = 0.5 }" },
  { "runs", is_runs, "a list of { name = , seed = , history = }" },
  { "test", is.dataset, "a data set" },
}

local TELL = "a history, a model, a data set, a recorder, a sweep or a list of runs; settings and the like have " ..
  "names, such as { settings = { lr = 0.1 } }"

-- Puts things without a name under the name of what they are.
local function name_all(given)
  local named, numbers = {}, {}
  for key, value in pairs(given) do
    if math.type(key) == "integer" then numbers[#numbers + 1] = key else named[key] = value end
  end
  table.sort(numbers)
  for _, number in ipairs(numbers) do
    local value, name = given[number], nil
    for _, kind in ipairs(type(value) == "table" and next(value) ~= nil and KINDS or {}) do
      if not name and kind[2](value) then name = kind[1] end
    end
    if not name then core.raise("page: number %d: expected %s, got %s", number, TELL, say.value(value)) end
    if named[name] ~= nil then
      core.raise("page: number %d: '%s' is there already%s", number, name, name == "history" and
        "; several trainings go by runs = { { name = , history = }, ... }" or "")
    end
    named[name] = value
  end
  return named
end

-- The records of a history, checked: { epoch = , figures }.
local function check_records(what, records)
  for i, record in ipairs(expect.list(what, records)) do
    local place = ("%s: record %d"):format(what, i)
    expect.that(type(record) == "table", place, "a table of figures by name", record)
    for name in pairs(record) do
      expect.that(type(name) == "string", place, "names of figures", name)
    end
    expect.that(record.epoch == nil or type(record.epoch) == "number", place .. ": epoch", "a number", record.epoch)
  end
end

local function check_runs(runs)
  for i, run in ipairs(expect.list("page: runs", runs)) do
    local place = ("page: runs: number %d"):format(i)
    expect.options(place, run, { "name", "seed", "history" })
    expect.that(run.name == nil or type(run.name) == "string", place .. ": name", "a text", run.name)
    expect.that(run.seed == nil or math.type(run.seed) == "integer", place .. ": seed", "a whole number", run.seed)
    expect.that(is_history(run.history) or type(run.history) == "table" and next(run.history) == nil,
      place .. ": history", "what fnet.fit gives, or a list of records", run.history)
    check_records(place, run.history)
  end
end

local PLAIN = { string = true, number = true, boolean = true }

local function check_settings(settings)
  expect.that(type(settings) == "table" and not core.is_tensor(settings), "page: settings",
    "a table of values by name", settings)
  for name, value in pairs(settings) do
    expect.that(type(name) == "string", "page: settings", "names", name)
    expect.that(PLAIN[type(value)], "page: settings: " .. name, "a text, a number or a boolean", value)
  end
end

--- What was given, by name.
---@param given any
---@return table named history, runs, model, test, recorder (what it has seen), sweep, settings, title, script,
--- pictures, mistakes; nil where it is not there, but for the counts
return function(given)
  local fits = type(given) == "table" and getmetatable(given) == nil
  expect.that(fits, "page", "a table of what is to be shown, such as { history, model, test }", given)
  for key, value in pairs(given) do -- names first: a slip there says more than what it leads to
    if math.type(key) ~= "integer" then expect.options("page", { [key] = value }, KNOWN, nil, { "script" }) end
  end
  local named = name_all(given)
  for _, kind in ipairs(KINDS) do
    local value = named[kind[1]]
    expect.that(value == nil or kind[2](value), "page: " .. kind[1], kind[3], value)
  end
  if named.history then check_records("page: history", named.history) end
  if named.runs then check_runs(named.runs) end
  if named.history and named.runs then
    core.raise "page: expected a history or runs, got both; a training of its own is one of the runs"
  end
  if named.test and not named.model then core.raise "page: test: expected a model beside the data set" end
  if named.settings ~= nil then check_settings(named.settings) end
  expect.that(named.title == nil or type(named.title) == "string", "page: title", "a text", named.title)
  named.pictures = expect.count("page: pictures", named.pictures == nil and 1000 or named.pictures, 0, 10000)
  named.mistakes = expect.count("page: mistakes", named.mistakes == nil and 12 or named.mistakes, 0, 1000)
  named.recorder = named.recorder and recorder.seen_by(named.recorder)
  if named.recorder and not named.history and not named.runs and #named.recorder.records > 0 then
    named.history = named.recorder.records
    check_records("page: recorder", named.history)
  end
  if #naming.sorted(named) <= 2 then core.raise("page: expected something to show: " .. TELL) end
  return named
end

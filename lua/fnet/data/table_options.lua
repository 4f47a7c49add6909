--- What data.read_csv is asked for: its options, checked, with their defaults and what they take over from another
-- file's.
-- Invariant: what does not fit together is an error at the caller's line, before the file is opened.

local expect = require "fnet.base.expect"
local core = require "fnet.core"
local csv = require "fnet.files.csv"

local OPTIONS = { "target", "columns", "categorical", "one_hot", "missing", "missing_target", "missing_values",
  "separator", "header", "decimal", "thousands", "like", "unseen", "limit" }
local FROM_LIKE = { "columns", "categorical", "one_hot" } -- come with the other file
local FORMAT = { "missing_values", "separator", "header", "decimal", "thousands" } -- too, but may be said anew
local MISSING_VALUES = { "", "NA", "N/A", "NaN", "nan", "null", "?" }

-- A list of names and numbers of columns, from one of them or a list; none for nil and false.
local function check_names(what, value)
  if value == nil or value == false then return {} end
  if type(value) == "string" or math.type(value) == "integer" then value = { value } end
  if type(value) ~= "table" then
    core.raise("read_csv: %s: expected the name of a column, or a list of them, got %s", what, type(value))
  end
  local seen = {}
  for i, name in ipairs(expect.list("read_csv: " .. what, value)) do
    if type(name) ~= "string" and math.type(name) ~= "integer" then
      core.raise("read_csv: %s[%d]: expected the name or number of a column, got %s", what, i, type(name))
    end
    if seen[name] then core.raise("read_csv: %s: has the column '%s' twice", what, name) end
    seen[name] = true
  end
  return value
end

local function check_character(what, value, otherwise)
  if value == nil then return otherwise end
  if type(value) ~= "string" or not value:find "^[\t%p ]$" or value == '"' then
    core.raise("read_csv: %s: expected one character such as ',' or ';'%s, got %s", what,
      what == "separator" and ", or ' ' for runs of blanks" or "",
      type(value) == "string" and "'" .. value .. "'" or type(value))
  end
  return value
end

-- The texts that stand for a missing value, as keys, and the numbers, however they are written.
local function check_missing_values(value, is_number)
  local texts, numbers = {}, {}
  local function add(what, marker)
    local number = marker
    if type(marker) == "string" then
      texts[marker] = true
      number = is_number(marker)
    else
      local fits = type(marker) == "number" and marker == marker
      expect.that(fits, "read_csv: " .. what, "a text or a number that means a missing value", marker)
    end
    numbers[#numbers + 1] = number
  end
  if type(value) ~= "table" then add("missing_values", value) return texts, numbers end
  for i, marker in ipairs(expect.list("read_csv: missing_values", value)) do
    add(("missing_values[%d]"):format(i), marker)
  end
  return texts, numbers
end

-- What the other file says already is not said again, but for target = false.
local function take_over(options, plan)
  for _, name in ipairs(FROM_LIKE) do
    if options[name] ~= nil then core.raise("read_csv: %s: comes with like; leave it out", name) end
  end
  if options.target ~= nil and options.target ~= false then
    core.raise("read_csv: target: comes with like; leave it out, or say false for a file without it")
  end
  local all = setmetatable({}, { __index = plan.format })
  for name, value in pairs(options) do all[name] = value end
  return all
end

---@class data.table.Options what read_csv works with
---@field target (string|integer)[]
---@field columns (string|integer)[]? all others where nil
---@field categorical (string|integer)[]
---@field one_hot (string|integer)[]
---@field missing string "refuse", "nan", "drop"
---@field missing_target string "refuse", "drop"
---@field missing_texts table<string, boolean>
---@field missing_numbers number[]
---@field unseen string "refuse", "zeros"
---@field limit integer? bytes of the numbers of all records
---@field number fun(text: string): number? as this file writes them
---@field format table what another file may take over

--- The options of read_csv, checked.
---@param options any
---@return data.table.Options
return function(options)
  options = expect.options("read_csv", options, OPTIONS, { "header" }, { "target" })
  local like = options.like
  expect.that(like == nil or type(like) == "table" and rawget(like, "plan"), "read_csv: like",
    "a data set from read_csv", like)
  if options.target == nil and not like then
    core.raise "read_csv: expected target, the name of the column to predict (false: none, y is x)"
  end
  if options.unseen ~= nil and not like then
    core.raise "read_csv: unseen: expected like too, whose categories are the seen ones"
  end
  if like then options = take_over(options, like.plan) end
  local known = { like = like, without_target = options.target == false, header = options.header,
    limit = options.limit and expect.count("read_csv: limit", options.limit, 1),
    separator = check_character("separator", options.separator),
    decimal = check_character("decimal", options.decimal, "."),
    thousands = check_character("thousands", options.thousands) }
  local function choose(name, otherwise, choices)
    local value = options[name]
    if value == nil then value = otherwise end
    known[name] = expect.choice("read_csv: " .. name, value, choices)
  end
  choose("missing", "refuse", { "refuse", "nan", "drop" })
  choose("missing_target", known.missing == "drop" and "drop" or "refuse", { "refuse", "drop" })
  choose("unseen", "refuse", { "refuse", "zeros" })
  if known.thousands == known.decimal then
    core.raise("read_csv: thousands: expected another character than decimal, got '%s' for both; say decimal too",
      known.decimal)
  end
  for _, name in ipairs { "target", "columns", "categorical", "one_hot" } do
    known[name] = check_names(name, options[name])
  end
  if not options.columns then known.columns = nil end -- all
  function known.number(text) return csv.number(text, known.decimal, known.thousands) end
  known.missing_texts, known.missing_numbers =
    check_missing_values(options.missing_values or MISSING_VALUES, known.number)
  known.format = {}
  for _, name in ipairs(FORMAT) do known.format[name] = options[name] end
  return known
end

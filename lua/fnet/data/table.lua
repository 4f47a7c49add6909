--- Tables from CSV files: columns of numbers and of categories become the x and y of a data set.
-- Invariant: a field is a number, a category, or missing, as the options say; anything else is an error that names
-- the file, the line and the column.

local closing = require "fnet.base.closing"
local expect = require "fnet.base.expect"
local naming = require "fnet.base.naming"
local core = require "fnet.core"
local csv = require "fnet.files.csv"
local dataset = require "fnet.data.dataset"
local files = require "fnet.files"

local OPTIONS = { "target", "columns", "categorical", "one_hot", "missing", "missing_values", "separator", "header",
  "decimal", "like" }
local MISSING_VALUES = { "", "NA", "N/A", "NaN", "nan", "null", "?" }
local NAN = 0 / 0
local fault = files.fault
local LARGE = 0x1.ffffffp127 -- from here on float32 rounds to infinity

-- ---- options ----

local function check_names(what, value)
  if value == nil or value == false then return {} end
  if type(value) == "string" or math.type(value) == "integer" then value = { value } end
  if type(value) ~= "table" then
    core.raise("read_csv: %s: expected the name of a column, or a list of them, got %s", what, type(value))
  end
  for i, name in ipairs(value) do
    if type(name) ~= "string" and math.type(name) ~= "integer" then
      core.raise("read_csv: %s[%d]: expected the name or number of a column, got %s", what, i, type(name))
    end
  end
  return value
end

local function check_character(what, value, otherwise)
  if value == nil then return otherwise end
  if type(value) ~= "string" or not value:find "^[\t%p ]$" or value == '"' then
    core.raise("read_csv: %s: expected one character such as ',' or ';', got %s", what,
      type(value) == "string" and "'" .. value .. "'" or type(value))
  end
  return value
end

local function read_options(options)
  options = expect.options("read_csv", options, OPTIONS, { "header" })
  local like = options.like
  local fits = like == nil or type(like) == "table" and like.columns
  expect.that(fits, "read_csv: like", "a data set from read_csv", like)
  if options.target == nil and not like then
    core.raise("read_csv: expected target, the name of the column to predict (false: none, y is x)")
  end
  local known = {}
  for key, value in pairs(options) do known[key] = value end
  for _, name in ipairs { "target", "columns", "categorical", "one_hot" } do
    known[name] = check_names(name, options[name])
  end
  if not options.columns then known.columns = nil end -- all
  known.missing = expect.choice("read_csv: missing", options.missing == nil and "refuse" or options.missing,
    { "refuse", "nan" })
  known.separator = check_character("separator", options.separator)
  known.decimal = check_character("decimal", options.decimal, ".")
  known.markers = {}
  for _, marker in ipairs(check_names("missing_values", options.missing_values or MISSING_VALUES)) do
    known.markers[marker] = true
  end
  return known
end

-- ---- columns ----

-- The numbers of the columns by name.
local function index_columns(names)
  local by_name = {}
  for number, name in ipairs(names) do
    if by_name[name] then fault("line 1: has the column '%s' twice, as %d and %d", name, by_name[name], number) end
    by_name[name] = number
  end
  return by_name
end

local function find_column(context, what, wanted)
  local names = context.names
  return context.by_name[wanted] or names[wanted] and wanted
    or fault("%s: has no column '%s'%s; its columns are %s", what, wanted, naming.hint(wanted, names),
      table.concat(names, ", "))
end

-- The sorted different texts of a column: by value where all are numbers.
local function categories_of(fields, markers)
  local seen, list, numbers = {}, {}, true
  for _, text in ipairs(fields) do
    if not seen[text] and not markers[text] then
      seen[text] = true
      list[#list + 1] = text
      numbers = numbers and tonumber(text) ~= nil
    end
  end
  table.sort(list, function(a, b)
    if numbers and tonumber(a) ~= tonumber(b) then return tonumber(a) < tonumber(b) end
    return a < b
  end)
  return list
end

-- ---- fields ----

local function place(context, column, row)
  return ("line %d, column '%s'"):format(context.lines[row], column.name)
end

-- What stands for a missing value, where there may be one.
local function missing(context, column, row, text)
  if context.missing == "nan" and not column.is_target then return NAN end
  fault("%s: expected a value, got '%s', which is missing; %s", place(context, column, row), text, column.is_target
    and "a target never is: remove the line from the file"
    or "read it with missing = \"nan\", or leave out the row")
end

-- The number that a text is, or nil.
local function number_of(text, decimal)
  if text:find "[xX]" then return nil end
  if decimal == "." then return tonumber(text) end
  return not text:find(".", 1, true) and tonumber((text:gsub("%" .. decimal, "."))) or nil
end

local function refuse_number(context, column, row, text, value)
  local reason = "a column of names belongs into categorical or one_hot"
  if value then reason = "it is too large for float32, which ends at 3.4e38"
  elseif text:find "^%s*[-+]?%d+,%d+%s*$" then reason = "is ',' the decimal = of this file?" end
  fault("%s: expected a number, got '%s'; %s", place(context, column, row), text:sub(1, 40), reason)
end

local function numbers_in(context, column)
  local values, markers, decimal = {}, context.markers, context.decimal
  for row, text in ipairs(context.fields[column.number]) do
    local value = not markers[text] and number_of(text, decimal)
    if not value or value >= LARGE or value <= -LARGE then
      if not markers[text] then refuse_number(context, column, row, text, value) end
      value = missing(context, column, row, text)
    end
    values[row] = value
  end
  return values
end

local function indices_in(context, column)
  local values, known = {}, {}
  for index, name in ipairs(column.categories) do known[name] = index end
  for row, text in ipairs(context.fields[column.number]) do
    local index = known[text]
    if not index then
      if not context.markers[text] then
        fault("%s: '%s' is none of the known categories, %s", place(context, column, row), text:sub(1, 40),
          table.concat(column.categories, ", "))
      end
      index = missing(context, column, row, text)
    end
    values[row] = index
  end
  return values
end

-- One column of x for each number or index, and one for each category of a one_hot column.
local function inputs_of(context, column, into, described)
  local function add(values, name, categories)
    into[#into + 1], described[#described + 1] = values, { name = name, categories = categories }
  end
  if column.kind == "number" then return add(numbers_in(context, column), column.name) end
  local indices = indices_in(context, column)
  if column.kind == "categorical" then return add(indices, column.name, column.categories) end
  for index, category in ipairs(column.categories) do
    local values = {}
    for row = 1, #indices do values[row] = indices[row] == index and 1 or 0 end -- of a missing one: all 0
    add(values, column.name .. "=" .. category)
  end
end

-- ---- the whole ----

-- What each column of the file is for: those of x, and those of y.
local function plan_from_options(context)
  local kinds = {}
  for _, kind in ipairs { "categorical", "one_hot" } do
    for _, name in ipairs(context[kind]) do kinds[find_column(context, kind, name)] = kind end
  end
  local function described(number, kind, is_target)
    local categories = kind ~= "number" and categories_of(context.fields[number], context.markers) or nil
    return { number = number, name = context.names[number], kind = kind, categories = categories,
      is_target = is_target }
  end
  local targets, is_target, inputs = {}, {}, {}
  for _, name in ipairs(context.target) do
    local number = find_column(context, "target", name)
    is_target[number] = true
    targets[#targets + 1] = described(number, kinds[number] and "categorical" or "number", true)
  end
  for _, name in ipairs(context.columns or context.names) do
    local number = find_column(context, "columns", name)
    if not is_target[number] then inputs[#inputs + 1] = described(number, kinds[number] or "number") end
  end
  if #inputs == 0 then fault("has no column besides the target") end
  for _, target in ipairs(targets) do
    if target.kind == "categorical" and #targets > 1 then
      core.raise("read_csv: target: expected one column of categories, or several of numbers")
    end
  end
  return { inputs = inputs, targets = targets }
end

-- The same columns as another file's, wherever they stand here.
local function plan_like(context, plan)
  local function found(list)
    local copy = {}
    for i, column in ipairs(list) do
      copy[i] = { name = column.name, kind = column.kind, categories = column.categories,
        is_target = column.is_target, number = find_column(context, "like", column.name) }
    end
    return copy
  end
  return { inputs = found(plan.inputs), targets = found(plan.targets) }
end

local function columns_as_tensor(columns) return core.tensor(columns, "float32"):transpose(1, 2):contiguous() end

local function targets_of(context, plan, x)
  local first = plan.targets[1]
  if not first then return x end
  if first.kind == "categorical" then
    return core.tensor(indices_in(context, first), "int32"), first.categories
  end
  local columns = {}
  for i, target in ipairs(plan.targets) do columns[i] = numbers_in(context, target) end
  return columns_as_tensor(columns)
end

local function build(text, path, options)
  -- Nearly all that arises here is kept: collecting would double the time.
  local collecting = collectgarbage "isrunning"
  local _ <close> = closing(function() if collecting then collectgarbage "restart" end end)
  collectgarbage "stop"
  local separator = options.separator or options.like and options.like.separator or csv.guess_separator(text)
  local columns, lines = csv.parse(text, separator)
  local names, is_record = {}, options.header == nil
  for c, fields in ipairs(columns) do
    is_record = is_record and number_of(fields[1], options.decimal) ~= nil
    names[c] = options.header == false and tostring(c) or table.remove(fields, 1)
  end
  if is_record then
    fault("line 1: holds numbers, expected names of columns; read a file without them with header = false (names "
      .. "that are numbers: header = true)")
  end
  if options.header ~= false then table.remove(lines, 1) end
  if #lines == 0 then fault("has a header, but no records") end
  local context = setmetatable({ fields = columns, lines = lines, names = names, by_name = index_columns(names) },
    { __index = options })
  local plan = options.like and plan_like(context, options.like.plan) or plan_from_options(context)
  local values, described = {}, {}
  for _, column in ipairs(plan.inputs) do inputs_of(context, column, values, described) end
  local x = columns_as_tensor(values)
  local y, classes = targets_of(context, plan, x)
  local set = dataset.new { x = x, y = y, classes = classes, source = path, name = path:match "[^/]*$" }
  set.columns, set.plan, set.separator = described, plan, separator
  return set
end

--- A data set from a CSV file (RFC 4180: fields in quotes may hold separators, line ends and doubled quotes) or a
-- TSV file, in UTF-8. Its x is float32 [records, columns]: numbers as they are, categories as indices from 1,
-- columns of one_hot as one column of 0 and 1 for each category. set.columns says what each column of x is:
-- { name = , categories = }.
---@param path string
---@param options table target: the column to predict, by name or number; numbers give y as float32 [records, 1] (a
--- list of columns: [records, columns]), a column that is also in categorical gives labels, int32 [records], with
--- set.classes; false: none, y is x. columns: those of x, by default all others. categorical: columns of names,
--- indices from 1 in sorted order. one_hot: such columns, spread out. missing: what such a number or category is:
--- "refuse", an error, the default, or "nan" (one_hot: 0 throughout); targets are never missing. missing_values:
--- texts that mean it, "", NA, N/A, NaN, nan, null, ?. separator: one character; by default the most frequent of ,
--- ; and tab in the first line. header: the first line has names, true; false: columns are "1", "2", ...; by
--- default true, and a first line of numbers alone is an error. decimal: the decimal point, ".". like: a data set
--- from read_csv, usually the training data, whose columns and categories are taken over
---@return data.Dataset? set nil where the file cannot be read or a field does not fit
---@return string? message, integer? code
local function read_csv(path, options)
  expect.path("read_csv", path)
  return files.load(path, build, path, read_options(options))
end

return read_csv

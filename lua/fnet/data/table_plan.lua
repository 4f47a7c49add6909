--- What each column of a table is for, and what its categories are.
-- A column is { name =, number = its place in the file, kind = "number", "categorical" or "one_hot", is_target =,
-- categories = their names in order, known once the file has been read }. A plan has those of x, `inputs`, those of
-- y, `targets`, and how many columns the file has, `width`.
-- Invariant: a name stands for one column, or an error says for which it might; categories have one order, whatever
-- the locale.

local core = require "fnet.core"
local csv = require "fnet.files.csv"
local files = require "fnet.files"
local naming = require "fnet.base.naming"

local table_plan = {}

local NAN = 0 / 0
local LISTED = 20 -- names in a message
local CODES_MOST = 2 ^ 24 -- float32 counts no further
local fault = files.fault

-- ---- which columns ----

-- The names for a message, the first of many.
local function listed(names)
  local text = table.concat(names, ", ", 1, math.min(#names, LISTED))
  return #names <= LISTED and text or ("%s and %d more"):format(text, #names - LISTED)
end

-- The places of the columns with that name.
local function places_of(file, name)
  local places = {}
  for number, other in ipairs(file.names) do
    if other == name then places[#places + 1] = number end
  end
  return places
end

-- The place of the column that an option names, by its name or its number.
local function find_column(file, what, wanted)
  local names = file.names
  if math.type(wanted) == "integer" and names[wanted] then return wanted end
  local places = places_of(file, wanted)
  if #places == 0 then
    local known = {}
    for _, name in ipairs(names) do
      if name ~= "" then known[#known + 1] = name end
    end
    fault("%s: has no column '%s'%s; its columns are %s", what, wanted, naming.hint(wanted, known), listed(known))
  elseif #places > 1 then
    fault("line %d: has the column '%s' twice, as %d and %d; name the one that is meant by its number", file.line,
      wanted, places[1], places[2])
  end
  return places[1]
end

-- All columns but those of no name, which are names of rows or come of separators at the ends of lines.
local function named_columns(file)
  local list = {}
  for number, name in ipairs(file.names) do
    if name ~= "" then
      find_column(file, "columns", name)
      list[#list + 1] = number
    end
  end
  return list
end

--- What each column is for, as the options say.
---@param file table names: string[], line: that of the names
---@param options data.table.Options
---@return table plan
function table_plan.new(file, options)
  local kinds, used = {}, {}
  for _, kind in ipairs { "categorical", "one_hot" } do
    for _, name in ipairs(options[kind]) do
      local number = find_column(file, kind, name)
      if kinds[number] then
        fault("one_hot: the column '%s' is in categorical too, expected one of them", file.names[number])
      end
      kinds[number] = kind
    end
  end
  local function add(list, number, kind, is_target)
    if used[number] then fault("columns: has the column '%s' twice", file.names[number]) end
    used[number] = true
    list[#list + 1] = { name = file.names[number], number = number, kind = kind, is_target = is_target }
  end
  local targets, inputs, is_target = {}, {}, {}
  for _, name in ipairs(options.target) do
    local number = find_column(file, "target", name)
    add(targets, number, kinds[number] and "categorical" or "number", true)
    is_target[number] = true
  end
  for _, name in ipairs(options.columns or named_columns(file)) do
    local number = find_column(file, "columns", name)
    if not is_target[number] then add(inputs, number, kinds[number] or "number") end
  end
  if #inputs == 0 then fault("has no column besides the target") end
  for _, target in ipairs(targets) do
    if target.kind == "categorical" and #targets > 1 then
      core.raise("read_csv: target: expected one column of categories, or several of numbers")
    end
  end
  return { inputs = inputs, targets = targets, width = #file.names }
end

-- Whether the file lacks the targets of the other one. One of nearly the same name is not taken for another column.
local function lacks_targets(file, plan)
  for _, target in ipairs(plan.targets) do
    for _, name in ipairs(file.names) do
      if naming.bare(name) == naming.bare(target.name) then return false end
    end
  end
  return true
end

-- Numbers are all that columns without names have: without the targets, those behind one are others.
local function check_numbers(file, plan)
  if #file.names == plan.width then return end
  for _, target in ipairs(plan.targets) do
    for _, input in ipairs(plan.inputs) do
      if input.number > target.number then
        fault("like: has %d columns, the other file %d, and neither has names for them; expected as many",
          #file.names, plan.width)
      end
    end
  end
end

--- The same columns as another file's, wherever they stand here; no targets where they are not wanted or not there.
---@param file table as for new
---@param options data.table.Options
---@return table plan
function table_plan.like(file, options)
  local plan = options.like.plan
  local function found(list)
    local copy = {}
    for i, column in ipairs(list) do
      local same = file.names[column.number] == column.name and #places_of(file, column.name) > 1
      copy[i] = { name = column.name, kind = column.kind, categories = column.categories,
        is_target = column.is_target, number = same and column.number or find_column(file, "like", column.name) }
    end
    return copy
  end
  if options.header == false then check_numbers(file, plan) end
  local without = options.without_target or lacks_targets(file, plan)
  return { inputs = found(plan.inputs), targets = without and {} or found(plan.targets), width = #file.names }
end

-- ---- categories ----

-- Compares texts by their bytes, as no locale changes it.
local function before(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

-- Sorts categories by value where all are numbers, else by their bytes.
local function sort_categories(list)
  local numbers = {}
  for _, text in ipairs(list) do
    numbers[text] = csv.number(text)
    if not numbers[text] then
      table.sort(list, before)
      return
    end
  end
  table.sort(list, function(a, b)
    if numbers[a] ~= numbers[b] then return numbers[a] < numbers[b] end
    return before(a, b)
  end)
end

-- A table that is asked once for each text. NaN is the code of what means a missing value; `answer` gives others.
local function new_codes(options, answer)
  local codes, missing_numbers = {}, {}
  for text in pairs(options.missing_texts) do codes[text] = NAN end
  for _, number in ipairs(options.missing_numbers) do missing_numbers[number] = true end
  return setmetatable(codes, { __index = function(_, text)
    local number = options.number(text)
    local code = number and missing_numbers[number] and NAN or answer(text)
    codes[text] = code
    return code
  end })
end

--- How a column is filled, for the session: its place, how missing values are taken, and codes for categories, the
-- known ones or new ones in the order in which they are met.
---@param column table
---@param options data.table.Options
---@param place fun(column: table): string where the field stands that is read
---@return table source
function table_plan.source(column, options, place)
  local source = { number = column.number, column = column,
    missing = column.is_target and options.missing_target or options.missing }
  local known = column.categories
  if column.kind == "number" then return source end
  if not known then
    source.met = {}
    source.codes = new_codes(options, function(text)
      if #source.met == CODES_MOST then fault("%s: has more categories than float32 counts", place(column)) end
      table.insert(source.met, text)
      return #source.met
    end)
    return source
  end
  source.codes = new_codes(options, function(text)
    if column.kind == "one_hot" and options.unseen == "zeros" then return 0 end
    fault("%s: '%s' is none of the known categories, %s%s", place(column), text:sub(1, 40), listed(known),
      column.kind == "one_hot" and '; unseen = "zeros" takes it for none of them' or "")
  end)
  for index, text in ipairs(known) do source.codes[text] = index end
  return source
end

--- Gives a column that met new categories those that records have, sorted.
---@param source table
---@param counts integer[] how many records have each code
---@return integer[] map the index of the category with each code; 0 where no record has it
function table_plan.settle(source, counts)
  local index, map, categories = {}, {}, {}
  for code, text in ipairs(source.met) do
    if counts[code] and counts[code] > 0 then table.insert(categories, text) end
  end
  sort_categories(categories)
  for i, text in ipairs(categories) do index[text] = i end
  for code, text in ipairs(source.met) do map[code] = index[text] or 0 end
  source.column.categories = categories
  return map
end

return table_plan

--- Tables from CSV files: columns of numbers and of categories become the x and y of a data set.
-- Invariant: a field is a number, a category, or missing, as the options say; anything else is an error that names
-- the file, the line and the column.

local expect = require "fnet.base.expect"
local csv = require "fnet.files.csv"
local dataset = require "fnet.data.dataset"
local files = require "fnet.files"
local read_options = require "fnet.data.table_options"
local table_plan = require "fnet.data.table_plan"

local fault = files.fault

local LIMIT = 4 << 30 -- bytes of what comes out of a compressed file or a pipe, which may go on for ever

-- ---- what does not fit ----

-- How else numbers are written: decimal points, what parts thousands.
local NOTATIONS = { { "." }, { "," }, { ".", "," }, { ",", "." }, { ".", " " }, { ",", " " }, { ".", "'" } }

-- What would make a number of the text: other options, whose signs it has; nil where none would.
local function other_notations(text, options)
  local function has(sign) return text:find(sign, 1, true) ~= nil end
  local words = {}
  for _, notation in ipairs(NOTATIONS) do
    local decimal, thousands = notation[1], notation[2]
    local fits = (decimal == options.decimal or has(decimal)) and (not thousands or has(thousands))
    if fits and csv.number(text, decimal, thousands) then
      local parts = {}
      if decimal ~= options.decimal then parts[1] = ("decimal = \"%s\""):format(decimal) end
      if thousands then parts[#parts + 1] = ("thousands = \"%s\""):format(thousands) end
      words[#words + 1] = table.concat(parts, " and ")
    end
  end
  return #words > 0 and ("read with %s it would be one"):format(table.concat(words, " or ")) or nil
end

-- Whether blanks part several numbers in the text.
local function is_several(text, options)
  for word in text:gmatch "%S+" do
    if not options.number(word) then return false end
  end
  return text:find "%S%s+%S" ~= nil
end

local function why_no_number(text, options)
  if options.number(text) then return "it is too large for float32, which ends at 3.4e38" end
  local notations = other_notations(text, options)
  if is_several(text, options) then
    return 'read with separator = " ", for runs of blanks, it would be several'
      .. (notations and "; " .. notations or "")
  end
  if text == "" then return 'an empty one is missing only where missing_values has ""' end
  return notations or "a column of names belongs into categorical or one_hot"
end

local function refuse_missing(place, column, text)
  fault("%s: expected a value, got '%s', which is missing; %s", place, text, column.is_target
    and "a target never is: leave out such records with missing_target = \"drop\""
    or "read it with missing = \"nan\", or leave out such records with missing = \"drop\"")
end

local function refuse_count(line, count, file)
  fault("line %d, column %d: expected %d fields, as line %d has, got %d", line, math.min(count, #file.names + 1),
    #file.names, file.line, count)
end

-- ---- the whole ----

local function place_of(session, column) return ("line %d, column '%s'"):format(session:line(), column.name) end

-- Fills the session's table with all records; gives how many were dropped.
local function fill(session, sources, file, options)
  local records, found, number, text = session:fill(#file.names, sources, options.missing_texts,
    options.missing_numbers, options.decimal, options.thousands,
    options.limit or session:open_ended() and LIMIT or nil)
  if records == nil then
    if found == "fields" then refuse_count(session:line(), number, file) end
    local column = text and sources[number].column or files.sound(nil, found, number)
    local place = place_of(session, column)
    if found == "missing" then refuse_missing(place, column, text) end
    fault("%s: expected a number, got '%s'; %s", place, text:sub(1, 40), why_no_number(text, options))
  end
  local dropped = found
  if records > 0 then return dropped end
  if dropped > 0 then fault("has no record without a missing value, of %d", dropped) end
  fault(options.header == false and "is empty, expected records" or "has a header, but no records")
end

-- What a column becomes in a tensor, for the session; nothing for one_hot without categories.
local function add_output(outputs, number, column, map)
  local spread = column.kind == "one_hot" and #column.categories or nil
  if spread ~= 0 then outputs[#outputs + 1] = { column = number, map = map, spread = spread } end
end

-- What each column of x is.
local function describe(inputs)
  local described = {}
  for _, column in ipairs(inputs) do
    if column.kind == "one_hot" then
      for _, category in ipairs(column.categories) do
        described[#described + 1] = { name = column.name .. "=" .. category }
      end
    else
      described[#described + 1] = { name = column.name, categories = column.categories }
    end
  end
  return described
end

local function read(path, options)
  local session <close> = csv.open(path)
  local separator = csv.separate(session, options.separator, options.decimal .. (options.thousands or ""))
  local names, line = csv.header(session, separator, options.header, options.number)
  local file = { names = names, line = line }
  local plan = (options.like and table_plan.like or table_plan.new)(file, options)
  local sources, x_outputs, y_outputs = {}, {}, {}
  for _, columns in ipairs { plan.inputs, plan.targets } do
    for _, column in ipairs(columns) do
      sources[#sources + 1] = table_plan.source(column, options, function(c) return place_of(session, c) end)
    end
  end
  local dropped = fill(session, sources, file, options)
  for number, source in ipairs(sources) do
    local map = source.met and table_plan.settle(source, session:tally(number))
    add_output(source.column.is_target and y_outputs or x_outputs, number, source.column, map)
  end
  local target = plan.targets[1]
  local labels = target ~= nil and target.kind == "categorical"
  local x, y, code = session:finish(x_outputs, target and y_outputs, labels)
  files.sound(x, y, code)
  local set = dataset.new { x = x, y = y or x, classes = target and target.categories, source = path,
    name = path:match "[^/]*$" }
  plan.format = options.format
  plan.format.separator = separator
  set.columns, set.dropped, set.plan = describe(plan.inputs), dropped, plan
  return set
end

--- A data set from a table in a text file: CSV (RFC 4180: fields in quotes may hold separators, line ends and
-- doubled quotes), TSV, or columns parted by runs of blanks; in UTF-8, plain or compressed with gzip. Its x is
-- float32 [records, columns]: numbers as they are (the nearest double, rounded to float32), categories as indices
-- from 1, columns of one_hot as one column of 0 and 1 for each category. set.columns says what each column of x
-- is: { name = , categories = }; set.dropped how many records were left out. Blanks around fields, empty lines,
-- and records of empty fields at the end do not count. A column of no name, or R's names of rows, is no part of x
-- unless columns has its number; names that come twice are refused only where they are asked for.
---@param path string
---@param options table target: string|integer|table|false, the column to predict, by name or number; numbers give y
--- as float32 [records, 1] (a list of columns: [records, columns]), a column that is also in categorical gives
--- labels, int32 [records], with set.classes; false: none, y is x. columns: string|integer|table, those of x, by
--- default all others that have a name. categorical: string|integer|table, columns of names, indices from 1 in
--- sorted order. one_hot: string|integer|table, such columns, spread out. missing: "refuse"|"nan"|"drop", what a
--- missing number or category is: "refuse", an error, the default; "nan" (one_hot: 0 throughout); or "drop", its
--- record is left out, for a missing target too. missing_target: "refuse" or "drop" for targets alone.
--- missing_values: string|number|table, texts and numbers that mean it, "", NA, N/A, NaN, nan, null, ?; a number
--- however it is written, -99 also as -99.0. separator: string, one character, a blank for runs of blanks and tabs;
--- by default the most frequent of , ; and tab in the first line, or blanks. header: boolean, the first line has
--- names; false: columns are "1", "2", ...; by default true, and a first line of numbers alone is an error.
--- decimal: string, the decimal point, ".". thousands: string, what parts whole digits in groups of three, none.
--- like: data.Dataset, one from read_csv, usually the training data, whose columns, categories, separator, header,
--- decimal, thousands and missing_values are taken over; a file without its target, or target = false, gives x
--- alone, y is x. unseen: "refuse"|"zeros", a category of one_hot that like does not have: "refuse", or "zeros", 0
--- in all its columns. limit: integer, bytes that the numbers of all records may take, 4 GiB for a compressed file
--- or a pipe, which need not end, else none
---@return data.Dataset? set nil where the file cannot be read or a field does not fit
---@return string? message, integer? code
local function read_csv(path, options)
  expect.path("read_csv", path)
  return files.attempt(path .. ": ", read, path, read_options(options))
end

return read_csv

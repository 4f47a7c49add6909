--- CSV and its relatives: writes lines; opens a file, plain or compressed with gzip, and finds out what parts its
-- fields and what its columns are called. Records and numbers are read in C, by src/core/csv.h.
-- Invariant: what stands in a file is never taken for something else in silence; a fault names the line.

local core = require "fnet.core"
local files = require "fnet.files"
local kinds = require "fnet.files.kinds"

local csv = {}

-- How UTF-16 begins: with its mark, or with letters of English.
local UTF16 = { "^\xFF\xFE", "^\xFE\xFF", "^[^\0]\0[^\0]\0", "^\0[^\0]\0[^\0]" }

--- The number that a text is: digits with at most one decimal point, perhaps an exponent; nil for any other text.
-- The nearest double, whatever the locale.
---@param text string
---@param decimal? string "."
---@param thousands? string what parts the whole digits in groups of three; nothing where nil
---@return number?
function csv.number(text, decimal, thousands) return core.csv_number(text, decimal, thousands) end

-- How many runs of blanks stand between words of a line, and whether one of them is of several blanks.
local function blank_runs(line)
  local count, wide = 0, false
  for run in (line:match "^%s*(.-)%s*$" or ""):gmatch "[ \t]+" do
    count = count + (run:find " " and 1 or 0)
    wide = wide or #run > 1 and run:find " " ~= nil
  end
  return count, wide
end

--- What parts the fields of a file: the one of comma, semicolon and tab that is most frequent in its first line; or
-- a blank, for runs of blanks and tabs, where its lines have blanks and no comma or semicolon, and no tab either
-- unless some of the blanks stand in a row.
---@param text string the beginning of the file
---@param taken? string characters that stand within numbers
---@return string
function csv.guess_separator(text, taken)
  local lines = {}
  for line in text:gmatch "[^\r\n]+" do
    lines[#lines + 1] = line:gsub('"[^"]*"', '""')
    if #lines == 2 then break end
  end
  local first = lines[1] or ""
  local best, most, commas = ",", 0, false
  for _, separator in ipairs { ",", ";", "\t" } do
    local _, count = first:gsub(separator, "")
    if (taken or ""):find(separator, 1, true) then count = 0 end
    if count > most then best, most = separator, count end
    commas = commas or separator ~= "\t" and count > 0
  end
  if commas then return best end
  local runs, wide = blank_runs(first)
  local fits = runs > 0 and (wide or most == 0) and blank_runs(lines[2] or first) > 0
  return fits and " " or best
end

--- A line of fields (RFC 4180, but for the end: a line feed): in quotes where one has a comma, a quote, an end of
-- line, or a blank at an end.
---@param fields string[]
---@return string
function csv.line(fields)
  local parts = {}
  for i, field in ipairs(fields) do
    local plain = not field:find '[,"\r\n]' and not field:find "^%s" and not field:find "%s$"
    parts[i] = plain and field or '"' .. field:gsub('"', '""') .. '"'
  end
  return table.concat(parts, ",") .. "\n"
end

--- Opens a file, plain or compressed with gzip; to be closed by the variable that holds it.
---@param path string
---@return userdata session its methods are in src/lua/lcsv.c
function csv.open(path) return files.sound(core.csv_open(path)) end

--- Says what parts the fields, before the first is read; a fault where the file is of another kind.
---@param session userdata
---@param separator? string guessed where nil
---@param taken? string as in guess_separator
---@return string separator
function csv.separate(session, separator, taken)
  local beginning = session:beginning()
  for _, pattern in ipairs(UTF16) do
    if beginning:find(pattern) then files.fault "is UTF-16; save it as UTF-8" end
  end
  if not kinds.is_text(beginning) then kinds.refuse(beginning) end -- PAR1 may be the name of a column
  separator = separator or csv.guess_separator(beginning, taken)
  session:separate(separator)
  return separator
end

-- The fields of the next record, none at the end; whether the first stands in quotes.
local function read(session)
  local fields, quoted, code = session:read()
  if fields == nil and quoted then files.sound(nil, quoted, code) end
  return fields, quoted
end

-- R's write.table names the columns, but for the first, which names the rows. A separator too many at the end of
-- each record looks alike: so the name of a row stands in quotes, is no number, or blanks part the fields.
local function names_rows(first, quoted, separator)
  return first[#first] ~= "" and (quoted or separator == " " or first[1] ~= "" and not csv.number(first[1]))
end

--- The names of the columns, after which the session stands at the first record.
---@param session userdata
---@param separator string that of the session
---@param header? boolean false: there are none, columns are "1", "2"; nil: a first line of numbers alone is a fault
---@param is_number fun(text: string): boolean as the file writes numbers
---@return string[] names "" where a column has none
---@return integer line that the names, or else the first record, stand in
function csv.header(session, separator, header, is_number)
  local names = read(session) or files.fault "is empty, expected records"
  local line, numbers = session:line(), header == nil
  for c, field in ipairs(names) do
    numbers = numbers and is_number(field)
    if header == false then names[c] = tostring(c) end
  end
  if header == false then return names, line end
  if numbers then
    files.fault("line %d: holds numbers, expected names of columns; read a file without them with header = false "
      .. "(names that are numbers: header = true)", line)
  end
  local first, quoted = read(session)
  if not first then files.fault "has a header, but no records" end
  if #first == #names + 1 and names_rows(first, quoted, separator) then table.insert(names, 1, "") end
  return names, line
end

return csv

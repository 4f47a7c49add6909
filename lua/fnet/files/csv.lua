--- CSV and TSV: the text of a file (RFC 4180) into records, and each record's fields into columns.
-- Invariant: every record has as many fields as the first; a fault names the file, the line and the column.

local files = require "fnet.files"

local csv = {}

local CAPTURES_MOST = 31 -- fields that one pattern can catch, besides the place behind the record
local BOM = "\xEF\xBB\xBF"

-- Line and column count from 1.
local function fault(line, column, format, ...)
  files.fault("line %d, column %d: " .. format, line, column, ...)
end

-- A quoted field that begins at `at` (its opening quote): the text, the place behind the closing quote, and the
-- number of line ends within; nil where it has no end.
local function quoted(text, at)
  local from = at + 1
  while true do
    local quote = text:find('"', from, true)
    if not quote then return nil end
    if text:byte(quote + 1) ~= 34 then
      local field = text:sub(at + 1, quote - 1)
      local _, lines = field:gsub("\n", "")
      return field:gsub('""', '"'), quote + 1, lines
    end
    from = quote + 2
  end
end

-- The characters of a field without quotes, as a class of a pattern.
local function plain_class(separator) return ('[^\r\n"%%%s]'):format(separator) end

-- A record field by field: its fields, the place of the next record and the number of that one's line.
local function read_record(text, at, line, separator)
  local fields, byte, plain = {}, separator:byte(), "^" .. plain_class(separator) .. "*()"
  while true do
    local column = #fields + 1
    if text:byte(at) == 34 then
      local field, after, lines = quoted(text, at)
      if not field then fault(line, column, "the quotes are never closed") end
      fields[column], at, line = field, after, line + lines
      local next_byte = text:byte(at)
      if next_byte and next_byte ~= byte and next_byte ~= 10 and next_byte ~= 13 then
        fault(line, column, "expected '%s' or the end of the line after the closing quote, got '%s'",
          separator == "\t" and "a tab" or separator, text:sub(at, at):gsub("%c", "?"))
      end
    else
      local after = text:match(plain, at)
      fields[column] = text:sub(at, after - 1)
      at = after
      if text:byte(at) == 34 then
        fault(line, column, fields[column]:find "^ +$" and "spaces before the quote; a field with quotes "
          .. "begins with one: remove the spaces" or "a quote within a field; a field with quotes begins and ends "
          .. "with one, and has them doubled inside")
      end
    end
    local ending = text:byte(at)
    if ending == byte then
      at = at + 1
    elseif not ending then
      return fields, at, line
    elseif ending == 10 then
      return fields, at + 1, line + 1
    elseif text:byte(at + 1) == 10 then
      return fields, at + 2, line + 1
    else
      fault(line, column, "a carriage return without a line feed")
    end
  end
end

-- Raises where a record has not as many fields as the first.
local function check_count(fields, count, line, first_line)
  if #fields == count then return end
  if #fields == 1 and fields[1] == "" then
    files.fault("line %d: is empty, expected %d fields, as line %d has; remove the line", line, count, first_line)
  end
  fault(line, math.min(#fields, count + 1), "expected %d fields, as line %d has, got %d", count, first_line,
    #fields)
end

--- The separator of a file: the one of comma, semicolon and tab that is most frequent in its first line.
---@param text string
---@return string
function csv.guess_separator(text)
  local line = text:match "^[^\r\n]*":gsub('"[^"]*"', "")
  local best, most = ",", 0
  for _, separator in ipairs { ",", ";", "\t" } do
    local _, count = line:gsub(separator, "")
    if count > most then best, most = separator, count end
  end
  return best
end

-- The number of the line that holds the byte at that place.
local function line_of(text, place)
  local _, lines = text:sub(1, place - 1):gsub("\n", "")
  return lines + 1
end

-- Raises where the text from `at` on is not UTF-8 without zero bytes.
local function check_text(text, at)
  local bad = text:find("\0", at, true)
  if bad then files.fault("line %d: holds a zero byte; is it a text file?", line_of(text, bad)) end
  local valid, place = utf8.len(text, at)
  if not valid then
    files.fault("line %d: is not UTF-8 (byte %02X); save the file as UTF-8", line_of(text, place), text:byte(place))
  end
end

--- The fields of a text, column by column; faults are raised. Lines end with LF or CRLF; the last one may lack it;
-- empty lines at the end do not count, others are records of one field, an empty one.
---@param text string UTF-8; a byte order mark in front is skipped
---@param separator string one character of ASCII, no letter or digit
---@return string[][] columns
---@return integer[] lines the line in which each record begins
function csv.parse(text, separator)
  local at, line = text:sub(1, 3) == BOM and 4 or 1, 1
  local last = #text
  while last >= at and (text:byte(last) == 10 or text:byte(last) == 13) do last = last - 1 end
  if last < at then files.fault "is empty, expected records" end
  check_text(text, at)
  local columns, lines, row, first_line = nil, {}, 0, 1
  local pattern -- of a record without quotes and zero bytes, with all its fields as captures
  while at <= last do
    local next_at, next_line
    local fields = pattern and { text:match(pattern, at) }
    if fields and fields[1] then
      next_at, next_line = table.remove(fields), line + 1
    else
      fields, next_at, next_line = read_record(text, at, line, separator)
    end
    if not columns then
      columns, first_line = {}, line
      for c = 1, #fields do columns[c] = {} end
      if #fields <= CAPTURES_MOST then
        local field = "(" .. plain_class(separator) .. "*)"
        pattern = "^" .. field .. ("%" .. separator .. field):rep(#fields - 1) .. "\r?\n()"
      end
    end
    check_count(fields, #columns, line, first_line)
    row = row + 1
    for c = 1, #fields do columns[c][row] = fields[c] end
    lines[row], at, line = line, next_at, next_line
  end
  return columns, lines
end

return csv

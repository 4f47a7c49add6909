--- CSV and TSV: the text of a file (RFC 4180) into records, and each record's fields into columns.
-- Invariant: every record has as many fields as the first; a fault names the file, the line and the column.

local csv = {}

local CAPTURES_MOST = 31 -- fields that one pattern can catch, besides the place behind the record
local BOM = "\xEF\xBB\xBF"

-- The fault as one message, line and column counted from 1.
local function fault(line, column, format, ...)
  return nil, ("line %d, column %d: " .. format):format(line, column, ...)
end

-- A quoted field that begins at `at` (its opening quote): the text, the place behind the closing quote, and the
-- number of line ends within.
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

-- A record field by field: its fields, the place of the next record and the number of that one's line; nil and the
-- fault.
local function read_record(text, at, line, separator)
  local fields, byte, plain = {}, separator:byte(), "^" .. plain_class(separator) .. "*()"
  while true do
    local column = #fields + 1
    if text:byte(at) == 34 then
      local field, after, lines = quoted(text, at)
      if not field then return fault(line, column, "the quotes are never closed") end
      fields[column], at, line = field, after, line + lines
      local next_byte = text:byte(at)
      if next_byte and next_byte ~= byte and next_byte ~= 10 and next_byte ~= 13 then
        return fault(line, column, "expected '%s' or the end of the line after the closing quote, got '%s'",
          separator == "\t" and "a tab" or separator, text:sub(at, at):gsub("%c", "?"))
      end
    else
      local after = text:match(plain, at)
      fields[column] = text:sub(at, after - 1)
      at = after
      if text:byte(at) == 34 then
        return fault(line, column, fields[column]:find "^ +$" and "spaces before the quote; a field with quotes "
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
      return fault(line, column, "a carriage return without a line feed")
    end
  end
end

-- Fills the columns with the record: columns[c][row]. The count of fields must be that of the first record.
local function add(columns, row, fields, line, first_line)
  if #fields ~= #columns then
    if #fields == 1 and fields[1] == "" then
      return nil, ("line %d: is empty, expected %d fields, as line %d has; remove the line"):format(line, #columns,
        first_line)
    end
    return fault(line, math.min(#fields, #columns) + (#fields > #columns and 1 or 0),
      "expected %d fields, as line %d has, got %d", #columns, first_line, #fields)
  end
  for c = 1, #fields do columns[c][row] = fields[c] end
  return true
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

--- The fields of a text, column by column. Lines end with LF or CRLF; the last one may lack it; empty lines at the
-- end do not count, others are records of one field, an empty one.
---@param text string UTF-8; a byte order mark in front is skipped
---@param separator string one character of ASCII, no letter or digit
---@return string[][]? columns
---@return integer[]|string lines the line in which each record begins; the message where columns is nil
function csv.parse(text, separator)
  local at, line = text:sub(1, 3) == BOM and 4 or 1, 1
  local last = #text
  while last >= at and (text:byte(last) == 10 or text:byte(last) == 13) do last = last - 1 end
  if last < at then return nil, "is empty, expected records" end
  local bad = text:find("\0", at, true)
  if bad then return nil, ("line %d: holds a zero byte; is it a text file?"):format(line_of(text, bad)) end
  local valid, place = utf8.len(text, at)
  if not valid then
    return nil, ("line %d: is not UTF-8 (byte %02X); save the file as UTF-8"):format(line_of(text, place),
      text:byte(place))
  end
  local columns, lines, row, first_line = nil, {}, 0, 1
  local pattern -- of a record without quotes and zero bytes, with all its fields as captures
  while at <= last do
    local fields, next_at, next_line
    local caught = pattern and { text:match(pattern, at) }
    if caught and caught[1] then
      next_at, next_line = caught[#caught], line + 1
      caught[#caught] = nil
      fields = caught
    else
      fields, next_at, next_line = read_record(text, at, line, separator)
      if not fields then return nil, next_at end
    end
    if not columns then
      columns, first_line = {}, line
      for c = 1, #fields do columns[c] = {} end
      if #fields <= CAPTURES_MOST then
        local field = "(" .. plain_class(separator) .. "*)"
        pattern = "^" .. field .. ("%" .. separator .. field):rep(#fields - 1) .. "\r?\n()"
      end
    end
    row = row + 1
    local fine, message = add(columns, row, fields, line, first_line)
    if not fine then return nil, message end
    lines[row], at, line = line, next_at, next_line
  end
  return columns, lines
end

return csv

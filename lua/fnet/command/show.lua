--- Values as the interactive mode shows them: what a table holds, on a line or a few. Used by the `fnet` command
--- only.
-- Invariant: it looks into tables with rawget and next alone; only an object's own __tostring is called.

local core = require "fnet.core"

local columns_of = utf8.len

local ROWS = 20 -- of a table, at most
local SHORT = 32 -- columns of an entry; where none has more, they stand side by side

-- At most so many letters of a text.
local function cut(text, most)
  local length = columns_of(text) or #text
  if length <= most then return text end
  most = math.max(0, most - 3)
  return (columns_of(text) and text:sub(1, utf8.offset(text, most + 1) - 1) or text:sub(1, most)) .. "..."
end

-- A string as Lua would write it, on one line, also where it is no text.
local function quoted(text)
  local plain = ("%q"):format(text):gsub("\\\n", "\\n")
  if columns_of(plain) then return core.visible(plain) end
  return (plain:gsub("[\128-\255]", function(byte) return ("\\%d"):format(byte:byte()) end))
end

local RANKS = { number = 1, string = 2, boolean = 3 }

-- The keys of a table besides 1 to #t, in one order: numbers, names, the rest as it comes.
local function sorted_keys(t, length)
  local keys = {}
  for key in next, t do
    if not (math.type(key) == "integer" and key >= 1 and key <= length) then keys[#keys + 1] = key end
  end
  table.sort(keys, function(a, b)
    local first, second = RANKS[type(a)] or 4, RANKS[type(b)] or 4
    if first ~= second then return first < second end
    return first < 3 and a < b or first == 3 and a and not b
  end)
  return keys
end

-- The entries of a table in their order: a function that gives the next key, the text before its value, and value.
local function entries(t)
  local length, keys, i = rawlen(t), nil, 0
  return function()
    i = i + 1
    if i <= length then return i, "", rawget(t, i) end
    keys = keys or sorted_keys(t, length)
    local key = keys[i - length]
    if key == nil then return nil end
    local is_name = type(key) == "string" and key:find "^[%a_][%w_]*$"
    local name = is_name and key or "[" .. (type(key) == "string" and quoted(key) or tostring(key)) .. "]"
    return key, name .. " = ", rawget(t, key)
  end
end

-- How an object speaks for itself, in its first line: the shape of a tensor.
local function own_text(value)
  local metatable = debug.getmetatable(value)
  local speaks = type(metatable) == "table" and rawget(metatable, "__tostring")
  return speaks and tostring(value):match "^[^\n]*"
end

-- Writes a value into `out` until there is no room; `above` has the tables around it.
local function write(out, value, above)
  local function put(text)
    out[#out + 1] = text
    out.room = out.room - (columns_of(text) or #text)
  end
  if type(value) == "string" then return put(quoted(value:sub(1, math.max(0, out.room) + 1))) end
  if type(value) == "function" then return put "function" end
  local text = own_text(value)
  if text then return put(text) end
  if type(value) ~= "table" then return put(tostring(value)) end
  if rawget(value, "class_name") then return put("class " .. tostring(rawget(value, "class_name"))) end
  if above[value] then return put "<a table around it>" end
  above[value] = true
  put "{"
  local first = true
  for _, name, field in entries(value) do
    if out.room < 0 then break end
    put((first and "" or ", ") .. name)
    write(out, field, above)
    first = false
  end
  put "}"
  above[value] = nil
end

-- A value on one line of at most so many columns; whether it is all of it.
local function line_of(value, room, above)
  local out = { room = room }
  write(out, value, above)
  local text = table.concat(out)
  return cut(text, room), out.room >= 0
end

-- The lines of a table that does not fit on one: short entries side by side, others on a line of their own.
local function rows_of(t, width)
  local rows, room, more = { "{" }, 0, 0 -- room: what is left of the last row
  for _, name, value in entries(t) do
    local text, length = "", 0
    if more == 0 then
      text = cut(name .. line_of(value, math.max(8, width - 3 - #name), { [t] = true }), width - 3)
      length = columns_of(text) or #text
    end
    local beside = length <= SHORT and length + 2 <= room
    if more > 0 or not beside and #rows > ROWS then
      more = more + 1
    elseif beside then
      rows[#rows], room = rows[#rows] .. " " .. text .. ",", room - length - 2
    else
      rows[#rows + 1] = "  " .. text .. ","
      room = length <= SHORT and width - length - 3 or 0
    end
  end
  if more > 0 then rows[#rows + 1] = ("  ... %d more"):format(more) end
  rows[#rows + 1] = "}"
  return table.concat(rows, "\n")
end

--- A value as text: a table's entries, keys sorted, shortened; anything else as print shows it.
---@param value any
---@param width integer columns of a line
---@return string
return function(value, width)
  if type(value) ~= "table" or own_text(value) then return tostring(value) end
  local line, is_all = line_of(value, width, {})
  return is_all and line or rows_of(value, width)
end

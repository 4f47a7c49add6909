--- JSON (RFC 8259), read strictly and written in one fixed form. For file headers, which may come from anybody.
-- Invariant: what is read is valid UTF-8, has no key twice and is nested no deeper than the limit; nothing else
-- than tables, strings, numbers and booleans comes out, and json.null for null.

local decimal = require "fnet.base.decimal"
local naming = require "fnet.base.naming"
local core = require "fnet.core"
local files = require "fnet.files"

local json = {}

--- What null becomes, since nil cannot stand in a table.
json.null = setmetatable({}, { __tostring = function() return "null" end })

local Array = { __name = "json array" }

--- Marks a table as an array, so that an empty one is written as [].
---@param list table
---@return table list
function json.array(list) return setmetatable(list, Array) end

--- True for what was an array in the text, or was marked as one.
---@param value any
---@return boolean
function json.is_array(value) return getmetatable(value) == Array end

-- ---- reading ----

local function fail(state, format, ...) files.fault("at byte %d: " .. format, state.at, ...) end

-- The next character that is no space, "" at the end; state.at is there.
local function peek(state)
  state.at = state.text:find("[^ \t\r\n]", state.at) or #state.text + 1
  return state.text:sub(state.at, state.at)
end

-- Whether the sign comes next; it is passed then.
local function accept(state, sign)
  local is_next = peek(state) == sign
  if is_next then state.at = state.at + 1 end
  return is_next
end

local function expect(state, sign)
  if accept(state, sign) then return end
  local got = peek(state)
  fail(state, "expected '%s', got %s", sign, got == "" and "the end" or ("'%s'"):format(got))
end

local escapes = {
  ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t",
}

-- The four digits behind \u, as a number; state.at is at the first of them.
local function hexadecimal(state)
  local digits = state.text:match("^%x%x%x%x", state.at)
  if not digits then fail(state, "expected four hexadecimal digits after \\u") end
  state.at = state.at + 4
  return tonumber(digits, 16)
end

local function escaped(state)
  local letter = state.text:sub(state.at, state.at)
  state.at = state.at + 1
  if letter ~= "u" then return escapes[letter] or fail(state, "unknown escape '\\%s'", letter) end
  local code = hexadecimal(state)
  if code >= 0xD800 and code < 0xDC00 and state.text:sub(state.at, state.at + 1) == "\\u" then
    state.at = state.at + 2
    local low = hexadecimal(state)
    if low < 0xDC00 or low > 0xDFFF then fail(state, "expected the second half of a surrogate pair") end
    return utf8.char(0x10000 + (code - 0xD800) * 0x400 + low - 0xDC00)
  end
  if code >= 0xD800 and code <= 0xDFFF then fail(state, "half a surrogate pair") end
  return utf8.char(code)
end

local function read_string(state)
  expect(state, '"')
  local parts = {}
  while true do
    local stop = state.text:find('["\\%c]', state.at)
    if not stop then
      state.at = #state.text + 1
      fail(state, "a string has no end")
    end
    parts[#parts + 1] = state.text:sub(state.at, stop - 1)
    local sign = state.text:sub(stop, stop)
    state.at = stop + 1
    if sign == '"' then return table.concat(parts) end
    -- \127 is a control character to Lua, but not to JSON.
    if sign == "\\" then parts[#parts + 1] = escaped(state)
    elseif sign == "\127" then parts[#parts + 1] = sign
    else fail(state, "a control character in a string") end
  end
end

local function read_number(state)
  local text, at = state.text, state.at
  local whole = text:match("^%-?[1-9]%d*", at) or text:match("^%-?0%f[%D]", at) or fail(state, "expected a value")
  local rest = text:match("^%.%d+", at + #whole) or ""
  local power = text:match("^[eE][+-]?%d+", at + #whole + #rest) or ""
  local literal = whole .. rest .. power
  local number = decimal.value(literal)
  if number - number ~= 0 then fail(state, "the number %s is too large", literal) end
  state.at = at + #literal
  if text:find("^[%w_.+-]", state.at) then fail(state, "this is no number") end
  return number
end

local read_value

-- What stands between two brackets, with commas between the members; read_member is called at each.
local function read_members(state, opening, closing, read_member)
  expect(state, opening)
  if accept(state, closing) then return end
  repeat read_member() until not accept(state, ",")
  expect(state, closing)
end

local function read_object(state, depth)
  local object = {}
  read_members(state, "{", "}", function()
    peek(state)
    local start = state.at
    local key = read_string(state)
    if object[key] ~= nil then
      state.at = start
      fail(state, "the key '%s' comes twice", key:sub(1, 60))
    end
    expect(state, ":")
    object[key] = read_value(state, depth + 1)
  end)
  return object
end

local function read_array(state, depth)
  local array = json.array {}
  read_members(state, "[", "]", function() array[#array + 1] = read_value(state, depth + 1) end)
  return array
end

local words = { ["true"] = true, ["false"] = false, null = json.null }

function read_value(state, depth)
  if depth > state.depth then fail(state, "nested deeper than %d levels", state.depth) end
  local sign = peek(state)
  if sign == "{" then return read_object(state, depth) end
  if sign == "[" then return read_array(state, depth) end
  if sign == '"' then return read_string(state) end
  local word = state.text:match("^%a+", state.at)
  if word and words[word] ~= nil then
    state.at = state.at + #word
    return words[word]
  end
  return read_number(state)
end

--- Reads one JSON value. Objects become tables, arrays become tables that json.is_array knows.
---@param text string
---@param depth? integer the deepest nesting that is accepted, 32
---@return any value nil where the text is not valid JSON
---@return string? message what is wrong, and at which byte
function json.decode(text, depth)
  local length, position = utf8.len(text)
  if not length then return nil, ("at byte %d: not valid UTF-8"):format(position) end
  return files.parse(function()
    local state = { text = text, at = 1, depth = depth or 32 }
    local value = read_value(state, 1)
    if peek(state) ~= "" then fail(state, "something follows the end of the value") end
    return value
  end)
end

-- ---- writing ----

local short = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r" }

--- A string as JSON, quotes included.
---@param text string UTF-8
---@return string
function json.text(text)
  return '"' .. text:gsub('[%c"\\]', function(c) return short[c] or ("\\u%04x"):format(c:byte()) end) .. '"'
end

local function number_text(value)
  if math.type(value) == "integer" then return ("%d"):format(value) end
  if value - value ~= 0 then core.raise("json: expected a finite number, got " .. tostring(value)) end
  local text = decimal.text("%.17g", value)
  return text:find "[.e]" and text or text .. ".0"
end

--- Writes a value: the keys of objects sorted, floats so that they read back as they were. A table with rawlen
-- above 0, or marked with json.array, is an array. Raises an error for what JSON has no form for.
---@param value any
---@return string
function json.encode(value)
  local kind = type(value)
  if value == json.null then return "null" end
  if kind == "string" then
    if not utf8.len(value) then core.raise("json: expected text in UTF-8") end
    return json.text(value)
  end
  if kind == "number" then return number_text(value) end
  if kind == "boolean" then return tostring(value) end
  if kind ~= "table" then core.raise("json: expected a table, string, number or boolean, got a " .. kind) end
  local parts = {}
  if json.is_array(value) or #value > 0 then
    for i, inner in ipairs(value) do parts[i] = json.encode(inner) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for key in next, value do
    if type(key) ~= "string" then core.raise("json: expected names as keys, got a " .. type(key)) end
  end
  for i, key in ipairs(naming.sorted(value)) do parts[i] = json.encode(key) .. ":" .. json.encode(value[key]) end
  return "{" .. table.concat(parts, ",") .. "}"
end

return json

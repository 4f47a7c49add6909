--- The wire format of protocol buffers (protobuf.dev/programming-guides/encoding): numbers, texts and messages by
-- field number.
-- Invariant: what is read lies inside its message, and takes memory in proportion to its bytes. A field that is not
-- asked for is passed over, as the format wants it; one of another kind than expected is a fault.

local files = require "fnet.files"

local protobuf = {}

local function varint(value)
  local bytes = {}
  repeat
    local low = value & 0x7f
    value = value >> 7
    bytes[#bytes + 1] = string.char(value ~= 0 and low | 0x80 or low)
  until value == 0
  return table.concat(bytes)
end

--- A whole number; negative ones take ten bytes.
---@param field integer
---@param value integer
---@return string
function protobuf.integer(field, value) return varint(field << 3) .. varint(value) end

--- A float.
---@param field integer
---@param value number
---@return string
function protobuf.float(field, value) return varint(field << 3 | 5) .. string.pack("<f", value) end

--- A double.
---@param field integer
---@param value number
---@return string
function protobuf.double(field, value) return varint(field << 3 | 1) .. string.pack("<d", value) end

--- Doubles, packed.
---@param field integer
---@param values number[]
---@return string
function protobuf.doubles(field, values)
  local parts = {}
  for i, value in ipairs(values) do parts[i] = string.pack("<d", value) end
  return protobuf.bytes(field, table.concat(parts))
end

--- A text, bytes, or a message that is encoded already.
---@param field integer
---@param bytes string
---@return string
function protobuf.bytes(field, bytes) return varint(field << 3 | 2) .. varint(#bytes) .. bytes end

-- ---- reading ----

local VARINT, EIGHT, BYTES, FOUR = 0, 1, 2, 5 -- how a field lies in the file

-- The whole number at a place, and the place behind it.
local function read_varint(text, at, last)
  local value, shift = 0, 0
  repeat
    local byte = at <= last and text:byte(at)
    if not byte or shift > 63 then files.fault("is damaged: a number at byte %d does not end", at) end
    value, shift, at = value | (byte & 0x7f) << shift, shift + 7, at + 1
  until byte < 0x80
  return value, at
end

-- Whole numbers one after the other.
local function read_varints(list, text, at, last)
  local value
  while at <= last do
    value, at = read_varint(text, at, last)
    list[#list + 1] = value
  end
end

-- By kind: how one lies in the file, and what becomes of the bytes from `at` to `last`, or of the number.
local readers = {
  integer = { VARINT, function(value) return value end },
  float = { FOUR, function(text, at) return (string.unpack("<f", text, at)) end },
  bytes = { BYTES, function(text, at, last) return text:sub(at, last) end },
  text = { BYTES, function(text, at, last, name)
    local value = text:sub(at, last)
    return utf8.len(value) and value or files.fault("is damaged: %s at byte %d is no text", name, at)
  end },
  -- Where bytes lie that may be many.
  range = { BYTES, function(_, at, last) return { at, last } end },
}

-- A field that takes whole numbers, or numbers of a fixed size as their bytes: one at a time, or packed.
local function read_packed(message, key, kind, text, wire, at, last)
  if kind == "integers" and (wire == BYTES or wire == VARINT) then
    message[key] = message[key] or {}
    return read_varints(message[key], text, at, last)
  end
  local size = kind == "doubles" and EIGHT or kind == "floats" and FOUR
  if size and (wire == BYTES or wire == size) then
    message[key] = (message[key] or "") .. text:sub(at, last)
    return
  end
  files.fault("is damaged: %s at byte %d is of another kind", key, at)
end

-- One field of a message.
local function read_field(message, field, text, wire, at, last)
  local key, kind = field[1], field[2]
  local repeats = field.repeats
  if type(kind) == "table" then
    if wire ~= BYTES then files.fault("is damaged: %s at byte %d is no message", key, at) end
    local inner = protobuf.read(text, kind, at, last)
    if repeats then
      message[key] = message[key] or {}
      table.insert(message[key], inner)
    else
      message[key] = inner
    end
    return
  end
  local reader = readers[kind]
  if not reader then return read_packed(message, key, kind, text, wire, at, last) end
  if reader[1] ~= wire then files.fault("is damaged: %s at byte %d is of another kind", key, at) end
  local value = wire == VARINT and read_varint(text, at, last) or reader[2](text, at, last, key)
  if not repeats then
    message[key] = value
  else
    message[key] = message[key] or {}
    table.insert(message[key], value)
  end
end

--- Reads a message. A reader of files: what is damaged is a fault, which names the byte.
---@param text string the file
---@param form table<integer, table> by field number { name, kind, repeats = true }: the kind is "integer", "float",
--- "text", "bytes", "range" (a table with the first and the last place of the bytes), "integers" (a list), "floats"
--- and "doubles" (the bytes of all, little-endian), or the form of a message
---@param at? integer its first byte, 1
---@param last? integer its last byte
---@return table<string, any> message the fields that are there
function protobuf.read(text, form, at, last)
  local message = {}
  at, last = at or 1, last or #text
  while at <= last do
    local start, tag, content = at, read_varint(text, at, last)
    local number, wire, stop = tag >> 3, tag & 7, nil
    at = content
    if wire == VARINT then
      stop = select(2, read_varint(text, at, last))
    elseif wire == BYTES then
      local length
      length, at = read_varint(text, at, last)
      stop = length >= 0 and length <= last - at + 1 and at + length
    elseif wire == EIGHT or wire == FOUR then
      stop = at + (wire == EIGHT and 8 or 4)
    end
    if number == 0 or not stop or stop > last + 1 then
      files.fault("is damaged: the field at byte %d does not fit into its message", start)
    end
    if form[number] then read_field(message, form[number], text, wire, at, stop - 1) end
    at = stop
  end
  return message
end

return protobuf

--- Reads what TensorBoard reads, strictly, and from the formats' descriptions alone: it shares no code with the
--- writer. Any byte that is not where it belongs is an error.

local events = {}

-- The remainder of one bit at a time, by the polynomial x^32 + x^28 + ... + 1 of CRC-32C, reflected.
local function crc32c(text)
  local value = 0xffffffff
  for byte in text:gmatch "." do
    value = value ~ byte:byte()
    for _ = 1, 8 do value = value % 2 == 1 and (value >> 1) ~ 0x82f63b78 or value >> 1 end
  end
  return value ~ 0xffffffff
end

local function masked(text)
  local value = crc32c(text)
  local turned = (value >> 15) + (value % 32768 << 17)
  return (turned + 0xa282ead8) % 0x100000000
end

-- The texts of a file of TFRecords.
local function records(text)
  local list, at = {}, 1
  while at <= #text do
    local length, sum, body = string.unpack("<I8I4", text, at)
    assert(sum == masked(text:sub(at, at + 7)), "the checksum of a length is wrong")
    local record = text:sub(body, body + length - 1)
    assert(#record == length, "a record is cut short")
    assert(string.unpack("<I4", text, body + length) == masked(record), "the checksum of a record is wrong")
    list[#list + 1], at = record, body + length + 4
  end
  return list
end

local function varint(text, at)
  local value, shift = 0, 0
  local byte
  repeat
    byte, at, shift = text:byte(at), at + 1, shift + 7
    value = value | (byte & 0x7f) << shift - 7
  until byte < 0x80
  assert(shift == 7 or byte ~= 0, "a number is longer than it has to be")
  return value, at
end

-- A message: the values of each field, in order. `fields` says what each number is: { name, form } with "integer",
-- "float", "double", "doubles", "bytes" or the fields of a message.
local function decode(text, fields)
  local message, at = {}, 1
  while at <= #text do
    local key, value
    key, at = varint(text, at)
    local field = assert(fields[key >> 3], "an unknown field " .. (key >> 3))
    local name, form = field[1], field[2]
    local wire = ({ integer = 0, double = 1, float = 5 })[form] or 2
    assert(key & 7 == wire, name .. " has another wire type")
    if wire == 0 then value, at = varint(text, at)
    elseif wire == 1 then value, at = string.unpack("<d", text, at)
    elseif wire == 5 then value, at = string.unpack("<f", text, at)
    else
      local length, first = varint(text, at)
      value, at = text:sub(first, first + length - 1), first + length
      assert(#value == length, name .. " is cut short")
      if type(form) == "table" then value = decode(value, form) end
      if form == "doubles" then
        local list = {}
        for i = 1, #value, 8 do list[#list + 1] = string.unpack("<d", value, i) end
        value = list
      end
    end
    assert(message[name] == nil, name .. " comes twice")
    message[name] = value
  end
  return message
end

local VALUE = {
  [1] = { "tag", "bytes" }, [2] = { "number", "float" },
  [4] = { "image", { { "height", "integer" }, { "width", "integer" }, { "space", "integer" },
    { "png", "bytes" } } },
  [5] = { "histogram", { { "least", "double" }, { "most", "double" }, { "count", "double" }, { "sum", "double" },
    { "squares", "double" }, { "limits", "doubles" }, { "counts", "doubles" } } },
  [8] = { "tensor", { { "type", "integer" }, { "shape", { [2] = { "axis", { { "length", "integer" } } } } },
    [8] = { "text", "bytes" } } },
  [9] = { "metadata", { { "plugin", { { "name", "bytes" } } } } },
}
local EVENT = {
  { "time", "double" }, { "step", "integer" }, { "version", "bytes" },
  [5] = { "summary", { { "value", VALUE } } }, [7] = { "session", { { "status", "integer" } } },
}

--- The events of a file.
---@param path string
---@return table[] events { time, step, version | session | summary = { value = { tag, ... } } }
function events.read(path)
  local file <close> = assert(io.open(path, "rb"))
  local list = records(file:read "a")
  for i, record in ipairs(list) do list[i] = decode(record, EVENT) end
  return list
end

return events

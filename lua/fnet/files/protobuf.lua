--- The wire format of protocol buffers (protobuf.dev/programming-guides/encoding), as far as writing needs it:
-- numbers, texts and messages by field number.

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

return protobuf

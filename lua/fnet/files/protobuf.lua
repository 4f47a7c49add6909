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

--- A text, bytes, or a message that is encoded already.
---@param field integer
---@param bytes string
---@return string
function protobuf.bytes(field, bytes) return varint(field << 3 | 2) .. varint(#bytes) .. bytes end

return protobuf

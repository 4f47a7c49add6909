--- files: safetensors, .npy and .npz, zip, CSV, JSON, protobuf. This file has what their readers share. What the
-- environment refuses is nil, a message and a code.

local files = {}

--- The bytes of a file.
---@param path string
---@return string? bytes
---@return string? message, integer? code
function files.read(path)
  local handle, message, code = io.open(path, "rb")
  if not handle then return nil, message, code end
  local bytes
  bytes, message, code = handle:read("a")
  handle:close()
  if not bytes then return nil, ("%s: %s"):format(path, message), code end
  return bytes
end

--- The bytes that elements of a shape take; nil where no memory has so many. What is empty counts too: the strides
-- of its other axes have to fit.
---@param shape integer[]
---@param size integer of an element, up to 8
---@return integer?
function files.bytes_of(shape, size)
  local span, bytes = 8, size
  for _, length in ipairs(shape) do
    if length > 0 and span > math.maxinteger // length then return nil end
    span, bytes = span * math.max(length, 1), bytes * length
  end
  return bytes
end

return files

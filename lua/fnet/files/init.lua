--- files: safetensors, .npy and .npz, zip, CSV, JSON, protobuf. This file has what their readers share. What the
-- environment refuses is nil, a message and a code.
-- Invariant: a reader leaves by files.fault, however deep it is, where a file is not what it should be; whoever
-- starts one does it with files.attempt or files.load, and gets nil and the message.

local files = {}

local Fault = {}

--- Ends the reading of a file: its content is damaged, or something else than expected.
---@param format string
---@param ... any what the format takes
function files.fault(format, ...) error(setmetatable({ message = format:format(...) }, Fault), 0) end

--- A value, or the fault that stands in its place.
---@param value any nil where there is none
---@param message? string
---@param code? integer errno, where the environment refused
---@return any value
function files.sound(value, message, code)
  if value == nil then error(setmetatable({ message = message, code = code }, Fault), 0) end
  return value
end

local function outcome(lead, ok, result, ...)
  if ok then return result, ... end
  if getmetatable(result) ~= Fault then error(result, 0) end
  return nil, lead .. result.message, result.code
end

--- What a reader gives; nil, the message and perhaps errno where it met a fault.
---@param lead string what the message begins with: the path of the file, the name of a part of it
---@param reader fun(...): any
---@param ... any
---@return any value
---@return string? message, integer? code
function files.attempt(lead, reader, ...) return outcome(lead, pcall(reader, ...)) end

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

--- What a reader makes of the bytes of a file; its faults begin with the path.
---@param path string
---@param reader fun(bytes: string, ...): any
---@param ... any
---@return any value nil where the file cannot be read or has a fault
---@return string? message, integer? code
function files.load(path, reader, ...)
  local bytes, message, code = files.read(path)
  if not bytes then return nil, message, code end
  return files.attempt(path .. ": ", reader, bytes, ...)
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

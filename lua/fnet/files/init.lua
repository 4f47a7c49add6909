--- files: safetensors, .npy and .npz, zip, CSV, JSON, protobuf. This file has what their readers share. What the
-- environment refuses is nil, a message and a code.
-- Invariant: a reader leaves by files.fault, however deep it is, where a file is not what it should be; whoever
-- starts one does it with files.attempt or files.open, and gets nil and the message. What a message quotes of a
-- file is visible: no terminal does what it says.

local expect = require "fnet.base.expect"
local naming = require "fnet.base.naming"
local core = require "fnet.core"

local files = {}

local Fault = {}

files.NO_MEMORY = 12 -- errno

local MESSAGE_MOST = 1200 -- bytes

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

local open = 0 -- readers that are at work: what the outermost one gives is what the script gets

--- What a function gives the script: where that is nil, whoever reports an error that comes of it may tell why.
---@param value any
---@param message? string
---@param code? integer
---@return any value, string? message, integer? code
function files.given(value, message, code)
  if open == 0 then return core.given(value, message, code) end
  return value, message, code
end

-- A message as it is shown: it may quote what a stranger wrote, at any length.
local function shown(message)
  message = core.visible(message)
  if #message <= MESSAGE_MOST then return message end
  return message:sub(1, utf8.offset(message, 0, MESSAGE_MOST) - 1) .. "..."
end

local function outcome(lead, ok, result, ...)
  open = open - 1
  if ok then return result, ... end
  local kind, is_of_lua = core.error_kind(result)
  if kind == "out of memory" and not is_of_lua then
    return files.given(nil, lead .. core.error_text(result), files.NO_MEMORY)
  end
  if getmetatable(result) ~= Fault then error(result, 0) end
  return files.given(nil, lead .. shown(result.message), result.code)
end

--- What a reader gives; nil, the message and perhaps errno where it met a fault, or memory was short.
---@param lead string what the message begins with: the path of the file, the name of a part of it
---@param reader fun(...): any
---@param ... any
---@return any value
---@return string? message, integer? code
function files.attempt(lead, reader, ...)
  open = open + 1
  return outcome(lead, pcall(reader, ...))
end

--- The same of a text: that memory was short says nothing about it, and goes on to whoever started.
---@param reader fun(...): any
---@param ... any
---@return any value nil where it met a fault
---@return string? message
function files.parse(reader, ...)
  local value, message, code = files.attempt("", reader, ...)
  if code == files.NO_MEMORY then error(message, 0) end
  return value, message
end

--- What a reader makes of a file that it reads by parts, so that the memory of the result is enough; its faults
-- begin with the path.
---@param path string
---@param reader fun(input: userdata, ...): any takes what core.open_input gives, which is closed afterwards
---@param ... any
---@return any value nil where the file cannot be read or has a fault
---@return string? message, integer? code
function files.open(path, reader, ...)
  local input <close>, message, code = core.open_input(path)
  if not input then return files.given(nil, message, code) end
  return files.attempt(path .. ": ", reader, input, ...)
end

--- The option `names` of a reader: a list of texts, or nil.
---@param what string the function, for the message
---@param names any
---@return string[]?
function files.names(what, names)
  if names == nil then return nil end
  local fits = type(names) == "table" and not core.is_tensor(names)
  for _, name in pairs(fits and names or {}) do fits = fits and type(name) == "string" end
  return expect.list(what .. ": names", expect.that(fits, what .. ": names", "a list of names", names))
end

--- The parts of a file that were asked for by name; all where nil. A fault names one that is not there.
---@param kind string "array", "tensor"
---@param parts { name: string }[]
---@param names? string[]
---@return { name: string }[] # in the order of the file
function files.pick(kind, parts, names)
  if not names then return parts end
  local known, wanted, chosen = {}, {}, {}
  for i, part in ipairs(parts) do known[i], wanted[part.name] = part.name, false end
  for _, name in ipairs(names) do
    if wanted[name] == nil then
      files.fault("holds no %s '%s'%s; fnet info lists what it holds", kind, name, naming.hint(name, known))
    end
    wanted[name] = true
  end
  for _, part in ipairs(parts) do
    if wanted[part.name] then chosen[#chosen + 1] = part end
  end
  return chosen
end

local SHOWN = 4 -- names in a message

--- Reads one of several parts; where it cannot be read, the fault says how to get at the others.
---@param parts { name: string }[] those that are read
---@param part { name: string } one of them
---@param names? string[] those that were asked for
---@param lead string what the fault begins with
---@param reader fun(...): any
---@param ... any
---@return any value
function files.read_part(parts, part, names, lead, reader, ...)
  local value, message, code = files.attempt(lead, reader, ...)
  if value == nil and not code and not names and #parts > 1 then
    local others = {}
    for _, other in ipairs(parts) do
      if other ~= part and #others <= SHOWN then others[#others + 1] = ("%q"):format(other.name) end
    end
    if others[SHOWN + 1] then others[SHOWN + 1] = "..." end
    message = ("%s; without it: { names = { %s } }"):format(message, table.concat(others, ", "))
  end
  return files.sound(value, message, code)
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

--- safetensors files (github.com/huggingface/safetensors): eight bytes with the length of a JSON header, the header
-- with types, shapes and offsets, the elements. Nothing in such a file is ever run.
-- Invariant: everything that the header claims is checked against the file before anything is allocated for it;
-- what fnet wrote carries the SHA-256 of itself, and does not load without it.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"
local files = require "fnet.files"
local json = require "fnet.files.json"

local safetensors = {}

local HEADER_MOST = 100000000 -- bytes, as the format's own library has it
local AXES_MOST = 8
local CHECKSUM = "fnet.checksum"
local NO_CHECKSUM = ("0"):rep(64)

-- Bytes an element of each type of the format; core.decode calls those that it knows by the same names, in small
-- letters.
local sizes = { F8_E4M3 = 1, F8_E5M2 = 1 }
for encoding, size in pairs(core.encoding_sizes) do sizes[encoding:upper()] = size end
local names_of = { float32 = "F32", float64 = "F64", uint8 = "U8", int32 = "I32" }

-- ---- the header ----

local function whole(value) return math.type(value) == "integer" and value >= 0 end

-- One entry of the header, checked as far as it can be alone; nil and what is wrong.
local function read_entry(name, fields)
  if type(fields) ~= "table" or json.is_array(fields) then return nil, "is not described by an object" end
  for key in pairs(fields) do
    if key ~= "dtype" and key ~= "shape" and key ~= "data_offsets" then
      return nil, ("has the unknown field '%s'"):format(key)
    end
  end
  local size = sizes[fields.dtype]
  if not size then return nil, ("has the unknown type %s"):format(tostring(fields.dtype)) end
  if not json.is_array(fields.shape) then return nil, "has no shape" end
  local offsets = fields.data_offsets
  if not (json.is_array(offsets) and #offsets == 2 and whole(offsets[1]) and whole(offsets[2])) then
    return nil, "has no data_offsets of two whole numbers"
  end
  for _, length in ipairs(fields.shape) do
    if not whole(length) then return nil, "has a shape of something else than whole numbers from 0" end
  end
  local bytes = files.bytes_of(fields.shape, size)
  if not bytes then return nil, "has a shape larger than any memory" end
  if offsets[2] - offsets[1] ~= bytes then
    return nil, ("has the offsets %d to %d, but its shape %s of %s needs %d bytes"):format(offsets[1], offsets[2],
      say.shape(fields.shape), fields.dtype, bytes)
  end
  return { name = name, type = fields.dtype, shape = { table.unpack(fields.shape) }, first = offsets[1],
    last = offsets[2] }
end

-- The entries by their place in the file: one after the other, without holes, up to the end of the file.
local function sort_entries(entries, bytes)
  table.sort(entries, function(a, b)
    if a.first ~= b.first then return a.first < b.first end
    if a.last ~= b.last then return a.last < b.last end
    return a.name < b.name
  end)
  local at = 0
  for _, entry in ipairs(entries) do
    if entry.first ~= at then
      return nil, ("the tensor '%s' begins at byte %d of the data, expected %d: tensors must lie one after the"
        .. " other without holes"):format(entry.name, entry.first, at)
    end
    if entry.last > bytes then
      return nil, ("the tensor '%s' ends at byte %d of the data, but the file has only %d"):format(entry.name,
        entry.last, bytes)
    end
    at = entry.last
  end
  if at ~= bytes then
    return nil, ("%d bytes of data follow the last tensor, which ends at byte %d"):format(bytes - at, at)
  end
  return entries
end

local function read_metadata(fields)
  if fields == nil then return {} end
  if type(fields) ~= "table" or json.is_array(fields) then return nil, "its __metadata__ is not an object" end
  for key, value in pairs(fields) do
    if type(value) ~= "string" then return nil, ("its metadata '%s' is not a text"):format(key) end
  end
  return fields
end

local function parse_header(text, bytes)
  if text:sub(1, 1) ~= "{" then return nil, "its header does not begin with '{'" end
  local object, problem = json.decode(text, 8)
  if not object then return nil, "its header is not valid JSON: " .. problem end
  local entries, metadata, wrong = {}, read_metadata(object.__metadata__)
  if not metadata then return nil, wrong end
  object.__metadata__ = nil
  for name, fields in pairs(object) do
    local entry
    entry, problem = read_entry(name, fields)
    if not entry then return nil, ("the tensor '%s' %s"):format(name, problem) end
    entries[#entries + 1] = entry
  end
  entries, problem = sort_entries(entries, bytes)
  if not entries then return nil, problem end
  return { metadata = metadata, entries = entries, text = text }
end

-- Reads and checks everything but the elements; nil, what is wrong, and errno where the environment refused.
local function read_header(file)
  local lead, problem, code = file:read(8)
  if not lead and problem then return nil, problem, code end
  local size = file:seek("end")
  if not size then return nil, "its size is not known: expected an ordinary file" end
  if not lead or #lead < 8 then
    return nil, ("is %d bytes long, expected at least the 8 bytes of a safetensors file"):format(size)
  end
  local length = string.unpack("<i8", lead)
  if length < 2 or length > HEADER_MOST then
    return nil, ("is no safetensors file: it declares a header of %s bytes, expected 2 to %d"):format(
      length < 0 and "more than 2^63" or length, HEADER_MOST)
  end
  if length > size - 8 then
    return nil, ("declares a header of %d bytes, but only %d follow"):format(length, size - 8)
  end
  file:seek("set", 8)
  local text = file:read(length)
  if not text or #text < length then return nil, "ends inside its header" end
  local header
  header, problem = parse_header(text, size - 8 - length)
  if not header then return nil, problem end
  header.lead = lead
  return header
end

-- ---- the elements ----

local function read_tensor(file, entry, hashed)
  local bytes = entry.last == entry.first and "" or file:read(entry.last - entry.first)
  if not bytes or #bytes < entry.last - entry.first then return nil,
    "ends early: the file changed while it was read" end
  if #entry.shape > AXES_MOST then return nil, ("has %d axes, fnet has up to %d"):format(#entry.shape,
    AXES_MOST) end
  local encoding = entry.type:lower()
  if not core.encoding_sizes[encoding] then return nil,
    ("is of type %s, which fnet cannot convert"):format(entry.type) end
  local tensor, problem = core.decode(bytes, 1, #bytes, encoding, false, entry.shape)
  if not tensor then return nil, problem end
  hashed[#hashed + 1] = names_of[tensor.dtype] == entry.type and tensor or bytes -- where it can, it lets bytes go
  return tensor
end

-- True where x has neither infinities nor NaN: 0 x is 0 then, and NaN otherwise.
local function is_finite(tensor) return not is.float(tensor) or (tensor * 0):sum():item() == 0 end

local function own_keys(metadata)
  for key in pairs(metadata) do
    if key:find "^fnet%." then return true end
  end
  return false
end

-- nil where the checksum is right or not asked for, else what is wrong. It covers the whole file, with zeros in its
-- own place.
local function checksum_problem(header, hashed)
  local expected = header.metadata[CHECKSUM]
  if not expected then
    return own_keys(header.metadata) and "is of fnet, but has no checksum" or nil
  end
  local mark = json.text(CHECKSUM) .. ":" .. json.text(expected)
  local first, last = header.text:find(mark, 1, true)
  if first and #expected == 64 then
    local text = header.text:sub(1, last - 65) .. NO_CHECKSUM .. header.text:sub(last)
    if core.sha256(header.lead, text, table.unpack(hashed)) == expected then return nil end
  end
  return "does not match its checksum: it is damaged, or another program changed it"
end

-- ---- the interface ----

local function open(path, what)
  expect.path(what, path)
  return io.open(path, "rb")
end

--- What a safetensors file holds, without its elements.
---@param path string
---@return { metadata: table<string, string>, entries: { name: string, type: string, shape: integer[] }[] }? header
--- in the order of the file; nil where it cannot be read or is damaged
---@return string? message
---@return integer? code errno, where the environment refused
function safetensors.describe(path)
  local file <close>, problem, code = open(path, "info")
  if not file then return nil, problem, code end
  local header
  header, problem, code = read_header(file)
  if not header then return nil, path .. ": " .. problem, code end
  local entries = {}
  for i, entry in ipairs(header.entries) do
    entries[i] = { name = entry.name, type = entry.type, shape = entry.shape }
  end
  return { metadata = header.metadata, entries = entries }
end

--- Reads the tensors of a safetensors file of any program. F32, F64, U8 and I32 stay what they are; F16 and BF16
-- become float32, BOOL uint8, other whole numbers int32 where they fit.
---@param path string
---@param options? { finite?: boolean, checksum?: boolean } finite: false accepts infinities and NaN; checksum:
--- false accepts a file of fnet whose contents another program changed
---@return table<string, tensor>? tensors by name; nil where the file cannot be read or is damaged
---@return table<string, string>|string metadata, or the message
---@return integer? code errno, where the environment refused
function safetensors.read(path, options)
  options = expect.options("read_tensors", options, { "finite", "checksum" })
  local file <close>, problem, code = open(path, "read_tensors")
  if not file then return nil, problem, code end
  local header
  header, problem, code = read_header(file)
  if not header then return nil, path .. ": " .. problem, code end
  local tensors, hashed = {}, {}
  for _, entry in ipairs(header.entries) do
    tensors[entry.name], problem = read_tensor(file, entry, hashed)
    if not tensors[entry.name] then return nil, ("%s: the tensor '%s' %s"):format(path, entry.name, problem) end
  end
  problem = options.checksum ~= false and checksum_problem(header, hashed)
  if problem then return nil, path .. ": " .. problem end
  for _, entry in ipairs(options.finite ~= false and header.entries or {}) do
    if not is_finite(tensors[entry.name]) then
      return nil, ("%s: the tensor '%s' holds a value that is not finite; { finite = false } accepts it"):format(
        path, entry.name)
    end
  end
  return tensors, header.metadata
end

-- Larger elements first, so that each tensor begins at a multiple of its elements' size.
local function place(tensors)
  local entries = {}
  for i, entry in ipairs(tensors) do
    entries[i] = { name = entry.name, tensor = entry.tensor, number = i,
      size = core.dtypes[entry.tensor.dtype].size }
  end
  table.sort(entries, function(a, b)
    if a.size ~= b.size then return a.size > b.size end
    return a.number < b.number
  end)
  return entries
end

local function header_text(entries, metadata)
  local parts, at = { json.text "__metadata__" .. ":" .. json.encode(metadata) }, 0
  for _, entry in ipairs(entries) do
    local bytes = entry.tensor:count() * entry.size
    parts[#parts + 1] = json.text(entry.name) .. ":" .. json.encode {
      dtype = names_of[entry.tensor.dtype], shape = json.array(entry.tensor.shape),
      data_offsets = { at, at + bytes },
    }
    at = at + bytes
  end
  local text = "{" .. table.concat(parts, ",") .. "}"
  return text .. (" "):rep(-#text % 8)
end

--- Writes tensors and texts in the given order to a safetensors file; the arguments are not checked.
---@param path string
---@param tensors { name: string, tensor: tensor }[] each name once
---@param metadata table<string, string> UTF-8
---@return boolean? done true; nil where the environment refused
---@return string? message
---@return integer? code errno
function safetensors.write_list(path, tensors, metadata)
  -- Two names of ours: no flip of a single bit takes both, and then the checksum is missed.
  local texts, hashed = {}, {}
  for key, value in pairs(metadata) do texts[key] = value end
  texts[CHECKSUM], texts["fnet.version"] = NO_CHECKSUM, core.version
  local entries = place(tensors)
  local text = header_text(entries, texts)
  local lead = string.pack("<I8", #text)
  for i, entry in ipairs(entries) do hashed[i] = entry.tensor end
  local digest = core.sha256(lead, text, table.unpack(hashed))
  local mark = json.text(CHECKSUM) .. ":" .. '"'
  local _, last = text:find(mark, 1, true)
  text = text:sub(1, last) .. digest .. text:sub(last + 65)
  return core.write_file(path, { lead, text, table.unpack(hashed) })
end

-- Raises where the table is not one of texts by name.
local function check_metadata(metadata)
  for key, value in pairs(metadata) do
    if type(key) ~= "string" or type(value) ~= "string" or not utf8.len(key) or not utf8.len(value) then
      core.raise("write_tensors: metadata: expected texts in UTF-8 by name")
    end
    if key:find "^fnet%." then
      core.raise(("write_tensors: metadata: '%s': names with fnet. are fnet's own"):format(key)) end
  end
end

--- Writes tensors to a safetensors file, durably: the file is the old one or the new one, whatever happens
-- meanwhile.
-- The checksum of the whole is added to the metadata as "fnet.checksum".
---@param path string
---@param tensors table<string, tensor> by name; they are stored in the order of their names
---@param metadata? table<string, string> texts in UTF-8, as plain information
---@return boolean? done true; nil where the environment refused
---@return string? message
---@return integer? code errno
function safetensors.write(path, tensors, metadata)
  if type(path) ~= "string" then core.raise("write_tensors: expected a path, got " .. say.value(path)) end
  for i, argument in ipairs { tensors, metadata or {} } do
    if type(argument) ~= "table" or core.is_tensor(argument) then
      core.raise(("write_tensors: expected a table of %s by name, got %s"):format(i == 1 and "tensors" or "texts",
        say.value(argument)))
    end
  end
  local list = {}
  for name, tensor in pairs(tensors) do
    if type(name) ~= "string" or not utf8.len(name) or name == "__metadata__" or not core.is_tensor(tensor) then
      core.raise(("write_tensors: expected tensors by name, got %s = %s"):format(tostring(name),
        say.value(tensor)))
    end
    list[#list + 1] = { name = name, tensor = tensor }
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  check_metadata(metadata or {})
  return safetensors.write_list(path, list, metadata or {})
end

return safetensors

--- safetensors files (github.com/huggingface/safetensors): eight bytes with the length of a JSON header, the header
-- with types, shapes and offsets, the elements. Nothing in such a file is ever run.
-- Invariant: everything that the header claims is checked against the file before anything is allocated for it;
-- what fnet wrote carries the SHA-256 of itself, and does not load without it.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"
local processes = require "fnet.base.processes"
local files = require "fnet.files"
local json = require "fnet.files.json"
local kinds = require "fnet.files.kinds"

local safetensors = {}

local HEADER_MOST = 100000000 -- bytes, as the format's own library has it
local AXES_MOST, AXES_KNOWN = 8, 64 -- of what fnet reads; of NumPy's, which has the most
local OWN = "^fnet%." -- names in the metadata that are ours
local CHECKSUM = "fnet.checksum"
local PIECE = 1 << 20 -- bytes that are hashed at a time, elements that are looked at
local NO_CHECKSUM = ("0"):rep(64)

-- Bits an element of each type of the format; core.encodings has those that fnet can read, by the same names in
-- small letters. A type that is not here is younger than this list: how large its tensors are is not known then.
local BITS = { F4 = 4, F6_E2M3 = 6, F6_E3M2 = 6, F8_E4M3 = 8, F8_E5M2 = 8, F8_E8M0 = 8, F8_E4M3FNUZ = 8,
  F8_E5M2FNUZ = 8, C64 = 64 }
for name, encoding in pairs(core.encodings) do BITS[name:upper()] = 8 * encoding.size end
local names_of = { float32 = "F32", float64 = "F64", uint8 = "U8", int32 = "I32" }

-- ---- the header ----

local function whole(value) return math.type(value) == "integer" and value >= 0 end

-- One entry of the header, checked as far as it can be alone.
local function read_entry(name, fields)
  if type(fields) ~= "table" or json.is_array(fields) then files.fault "is not described by an object" end
  for key in pairs(fields) do
    if key ~= "dtype" and key ~= "shape" and key ~= "data_offsets" then
      files.fault("has the unknown field '%s'", key)
    end
  end
  if type(fields.dtype) ~= "string" then files.fault "has no type" end
  if not json.is_array(fields.shape) then files.fault "has no shape" end
  if #fields.shape > AXES_KNOWN then
    files.fault("has %d axes, which no program has that writes such files", #fields.shape)
  end
  local offsets = fields.data_offsets
  if not (json.is_array(offsets) and #offsets == 2 and whole(offsets[1]) and whole(offsets[2])) then
    files.fault "has no data_offsets of two whole numbers"
  end
  for _, length in ipairs(fields.shape) do
    if not whole(length) then files.fault "has a shape of something else than whole numbers from 0" end
  end
  local bits = BITS[fields.dtype]
  local bytes = files.bytes_of(fields.shape, bits and (bits + 7) // 8 or 1)
  if not bytes then files.fault "has a shape larger than any memory" end
  if bits and bits < 8 then bytes = (bytes * bits + 7) // 8 end
  if bits and offsets[2] - offsets[1] ~= bytes then
    files.fault("has the offsets %d to %d, but its shape %s of %s needs %d bytes", offsets[1], offsets[2],
      say.shape(fields.shape), fields.dtype, bytes)
  end
  return { name = name, type = fields.dtype, shape = { table.unpack(fields.shape) }, first = offsets[1],
    last = offsets[2] }
end

-- Sorts the entries by their place in the file: one after the other, without holes, up to the end of the file.
local function sort_entries(entries, bytes)
  table.sort(entries, function(a, b)
    if a.first ~= b.first then return a.first < b.first end
    if a.last ~= b.last then return a.last < b.last end
    return a.name < b.name
  end)
  local at = 0
  for _, entry in ipairs(entries) do
    if entry.first ~= at then
      files.fault("the tensor '%s' begins at byte %d of the data, expected %d: tensors must lie one after the "
        .. "other without holes", entry.name, entry.first, at)
    end
    if entry.last > bytes then
      files.fault("the tensor '%s' ends at byte %d of the data, but the file has only %d", entry.name, entry.last,
        bytes)
    end
    at = entry.last
  end
  if at ~= bytes then
    files.fault("%d bytes of data follow the last tensor, which ends at byte %d", bytes - at, at)
  end
end

local function check_metadata(fields)
  if type(fields) ~= "table" or json.is_array(fields) then files.fault "its __metadata__ is not an object" end
  for key, value in pairs(fields) do
    if type(value) ~= "string" then files.fault("its metadata '%s' is not a text", key) end
  end
end

local function lead_of(name) return ("the tensor '%s' "):format(name) end

-- What a reader gives for a tensor; a fault names it.
local function of_tensor(name, reader, ...)
  return files.sound(files.attempt(lead_of(name), reader, ...))
end

local function parse_header(text, bytes)
  if text:sub(1, 1) ~= "{" then files.fault "its header does not begin with '{'" end
  local object, problem = json.decode(text, 8)
  if not object then files.fault("its header is not valid JSON: %s", problem) end
  local metadata, entries = object.__metadata__ or {}, {}
  check_metadata(metadata)
  object.__metadata__ = nil
  for name, fields in pairs(object) do entries[#entries + 1] = of_tensor(name, read_entry, name, fields) end
  sort_entries(entries, bytes)
  return { metadata = metadata, entries = entries, text = text }
end

-- Reads and checks everything but the elements.
local function read_header(input)
  files.sound(input:part("plain", 0))
  local lead, size = files.sound(input:bytes(8)), input:size()
  if not size then files.fault "its size is not known: expected an ordinary file" end
  if #lead < 8 then
    kinds.refuse(lead)
    files.fault("is %d bytes long, expected at least the 8 bytes of a safetensors file", size)
  end
  local length = string.unpack("<i8", lead)
  if length < 2 or length > HEADER_MOST then
    kinds.refuse(lead .. files.sound(input:bytes(kinds.LEAD - #lead)))
    files.fault("is no safetensors file: it declares a header of %s bytes, expected 2 to %d",
      length < 0 and "more than 2^63" or length, HEADER_MOST)
  end
  if length > size - 8 then files.fault("declares a header of %d bytes, but only %d follow", length, size - 8) end
  local text = files.sound(input:bytes(length))
  if #text < length then files.fault "ends inside its header" end
  local header = parse_header(text, size - 8 - length)
  header.lead, header.first, header.bytes = lead, 8 + length, size - 8 - length
  return header
end

-- ---- the elements ----

local function read_tensor(input, entry, first)
  if #entry.shape > AXES_MOST then files.fault("has %d axes, fnet has up to %d", #entry.shape, AXES_MOST) end
  local encoding = entry.type:lower()
  if not BITS[entry.type] then files.fault("has the unknown type %s", entry.type) end
  if not core.encodings[encoding] then files.fault("is of type %s, which fnet cannot convert", entry.type) end
  files.sound(input:part("plain", first + entry.first, entry.last - entry.first))
  return files.sound(input:elements(encoding, false, entry.shape))
end

-- Where x has neither infinities nor NaN, 0 x is 0, and NaN otherwise. By pieces, which take little memory.
local function check_finite(tensor)
  local count = is.float(tensor) and tensor:count() or 0
  local flat = tensor:reshape { tensor:count() }
  for first = 1, count, PIECE do
    local zeros = flat:slice(1, first, math.min(first + PIECE - 1, count)) * 0
    if zeros:sum():item() ~= 0 then
      files.fault "holds a value that is not finite; { finite = false } accepts it"
    end
    core.methods.release(zeros)
  end
  return true
end

-- The checksum covers the whole file, with zeros in its own place; files of other programs have none.
local function check_checksum(input, header)
  local expected = header.metadata[CHECKSUM]
  if not expected then
    for key in pairs(header.metadata) do
      if key:find(OWN) then files.fault "is of fnet, but has no checksum" end
    end
    return
  end
  local mark = json.text(CHECKSUM) .. ":" .. json.text(expected)
  local first, last = header.text:find(mark, 1, true)
  if first and #expected == 64 then
    local text = header.text:sub(1, last - 65) .. NO_CHECKSUM .. header.text:sub(last)
    files.sound(input:part("plain", header.first))
    local left, piece = header.bytes, nil
    local function rest()
      if piece then core.methods.release(piece) end
      local count = math.min(left, PIECE)
      left = left - count
      piece = count > 0 and files.sound(input:elements("u8", false, { count })) or nil
      return piece
    end
    if core.sha256(header.lead, text, rest) == expected then return end
  end
  files.fault "does not match its checksum: it is damaged, or another program changed it"
end

-- ---- the interface ----

--- What a safetensors file holds, without its elements.
---@param path string
---@return { metadata: table<string, string>, entries: { name: string, type: string, shape: integer[] }[] }? header
--- in the order of the file; nil where it cannot be read or is damaged
---@return string? message
---@return integer? code errno, where the environment refused
function safetensors.describe(path)
  expect.path("info", path)
  return files.open(path, read_header)
end

--- Faults where a tensor of floats holds infinities or NaN.
---@param name string
---@param tensor tensor
function safetensors.check_finite(name, tensor) of_tensor(name, check_finite, tensor) end

local function read(input, options, names)
  local header, tensors = read_header(input), {}
  local entries = files.pick("tensor", header.entries, names)
  for _, entry in ipairs(entries) do
    tensors[entry.name] = files.read_part(entries, entry, names, lead_of(entry.name), read_tensor, input, entry,
      header.first)
  end
  if options.checksum ~= false then check_checksum(input, header) end
  for _, entry in ipairs(options.finite ~= false and entries or {}) do
    safetensors.check_finite(entry.name, tensors[entry.name])
  end
  return tensors, header.metadata
end

--- Reads the tensors of a safetensors file of any program. F32, F64, U8 and I32 stay what they are; F16 and BF16
-- become float32, BOOL uint8, other whole numbers int32 where they fit.
---@param path string
---@param options? { names?: string[], finite?: boolean, checksum?: boolean } names: a list of the tensors to read,
--- all by default; another one may then be of a type that fnet cannot read; finite: false accepts infinities and
--- NaN; checksum: false accepts a file of fnet whose contents another program changed
---@return table<string, tensor>? tensors by name; nil where the file cannot be read, is damaged, or does not fit
--- into memory
---@return table<string, string>|string metadata or the message
---@return integer? code errno, where the environment refused
function safetensors.read(path, options)
  expect.path("read_tensors", path)
  options = expect.options("read_tensors", options, { "names", "finite", "checksum" },
    { "finite", "checksum" })
  return files.open(path, read, options, files.names("read_tensors", options.names))
end

-- The bytes of an element.
local function size_of(tensor) return core.dtypes[tensor.dtype].size end

-- Larger elements first, so that each tensor begins at a multiple of its elements' size.
local function place(tensors)
  local entries = {}
  for size = 8, 1, -1 do
    for _, entry in ipairs(tensors) do
      if size_of(entry.tensor) == size then entries[#entries + 1] = entry end
    end
  end
  return entries
end

local function header_text(entries, metadata)
  local parts, at = { json.text "__metadata__" .. ":" .. json.encode(metadata) }, 0
  for _, entry in ipairs(entries) do
    local bytes = entry.tensor:count() * size_of(entry.tensor)
    parts[#parts + 1] = json.text(entry.name) .. ":" .. json.encode {
      dtype = names_of[entry.tensor.dtype], shape = json.array { table.unpack(entry.tensor.shape) },
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
  local _, last = text:find(json.text(CHECKSUM) .. ':"', 1, true)
  text = text:sub(1, last) .. digest .. text:sub(last + 65)
  return processes.write_file(path, { lead, text, table.unpack(hashed) })
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
  metadata = metadata or {}
  expect.path("write_tensors", path)
  expect.that(type(tensors) == "table", "write_tensors", "a table of tensors by name", tensors)
  expect.that(type(metadata) == "table", "write_tensors", "a table of texts by name", metadata)
  local list = {}
  for name, tensor in pairs(tensors) do
    if type(name) ~= "string" or not utf8.len(name) or name == "__metadata__" or not core.is_tensor(tensor) then
      core.raise("write_tensors: expected tensors by name, got %s = %s", tostring(name), say.value(tensor))
    end
    list[#list + 1] = { name = name, tensor = tensor }
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  for key, value in pairs(metadata) do
    if type(key) ~= "string" or type(value) ~= "string" or not utf8.len(key) or not utf8.len(value) then
      core.raise("write_tensors: metadata: expected texts in UTF-8 by name")
    end
    if key:find(OWN) then core.raise("write_tensors: metadata: '%s': names with fnet. are fnet's own", key) end
  end
  return safetensors.write_list(path, list, metadata)
end

return safetensors

--- .npy, NumPy's format for one array (numpy.lib.format, versions 1.0 to 3.0), and .npz, a zip archive of them.
-- Invariant: nothing in such a file is ever run; its size is compared with what its header declares before
-- memory is taken for it.

local expect = require "fnet.base.expect"
local say = require "fnet.base.say"
local core = require "fnet.core"
local files = require "fnet.files"
local zip = require "fnet.files.zip"

local npy = {}

local MAGIC = "\x93NUMPY"
local HEADER_MOST = 65536 -- bytes of description; NumPy itself writes fewer than 200
local AXES_MOST = 8
local LIMIT = 4 << 30
local OURS = string.pack("=I2", 1) == string.pack("<I2", 1) and "<" or ">"
local NAMES = { float32 = "f4", float64 = "f8", uint8 = "u1", int32 = "i4" }
local TYPES = { b1 = "bool", u1 = "u8", i1 = "i8", u2 = "u16", i2 = "i16", u4 = "u32", i4 = "i32", u8 = "u64",
  i8 = "i64", f2 = "f16", f4 = "f32", f8 = "f64" }
local KINDS = { O = "Python objects, which would have to be unpickled", c = "complex numbers", S = "byte strings",
  U = "texts", V = "raw bytes or records", M = "dates", m = "time spans" }

-- ---- reading ----

-- The values of a description: a text, a tuple, a list, a word.
local FORMS = { "^['\"]([^'\"]*)['\"]()", "^(%b())()", "^(%b[])()", "^(%a+)()" }

-- The value of the description's type: the encoding of core.decode, and whether it is big-endian.
local function parse_type(text)
  local order, name = text:match "^([<>|=]?)(%a%d+)$"
  if TYPES[name] then return TYPES[name], order == ">" or (order == "=" and OURS == ">") end
  local kind = KINDS[text:match "^[<>|=]?(%a)" or ""]
  if kind then files.fault("holds %s (type '%s'); expected numbers", kind, text) end
  files.fault("has the type '%s'; expected bool, int, uint or float of up to 64 bits", text)
end

local function parse_shape(text)
  local shape = {}
  for word in text:gmatch "[^,]+" do
    local digits = word:match "^%s*(%d+)L?%s*$" -- Python 2 wrote 3L
    local length = digits and #digits < 19 and math.tointeger(tonumber(digits))
    if not length and word:find "%S" then files.fault("has the shape (%s); expected whole numbers", text) end
    shape[#shape + 1] = length
  end
  if #shape > AXES_MOST then files.fault("has %d axes; fnet has at most %d", #shape, AXES_MOST) end
  return shape
end

-- The fields of the description, a Python dictionary of three entries in any order.
local function parse_description(text)
  local body = text:match "^%s*{(.*)}%s*$"
  if not body then files.fault "has a damaged header; expected { ... }" end
  local fields, at = {}, 1
  while true do
    local key, after = body:match("^%s*['\"]([%w_]+)['\"]%s*:%s*()", at)
    if not key then break end
    local value, stop
    for _, form in ipairs(FORMS) do
      if not value then value, stop = body:match(form, after) end
    end
    if not value or fields[key] then files.fault("has a damaged header at '%s'", key) end
    fields[key] = value
    at = body:match("^%s*,()", stop) or stop
  end
  if body:find("%S", at) then files.fault "has a damaged header; expected 'descr', 'fortran_order', 'shape'" end
  for key in pairs(fields) do
    if key ~= "descr" and key ~= "fortran_order" and key ~= "shape" then
      files.fault("has a header with the unknown field '%s'", key)
    end
  end
  return fields
end

-- Type, byte order, shape and order from the description.
local function read_description(text)
  local fields = parse_description(text)
  local fortran = fields.fortran_order
  if fortran ~= "True" and fortran ~= "False" then files.fault "has no 'fortran_order' of True or False" end
  local inside = (fields.shape or ""):match "^%((.*)%)$"
  if not inside then files.fault "has no 'shape' in its header" end
  if not fields.descr then files.fault "has no 'descr' in its header" end
  if fields.descr:find "^%[" then files.fault "holds records of several fields; expected numbers" end
  local array = { fortran = fortran == "True" }
  array.type, array.big_endian = parse_type(fields.descr)
  array.shape = parse_shape(inside)
  return array
end

-- What stands in front of the elements: type, shape, and the place where they begin.
local function read_header(bytes)
  if bytes == "" then files.fault "is empty, expected a .npy file" end
  if bytes:sub(1, 6) ~= MAGIC then files.fault "does not begin as a .npy file does, with 93 NUMPY" end
  local major, minor = bytes:byte(7, 8)
  if not minor then files.fault "ends inside its header" end
  if major < 1 or major > 3 or minor ~= 0 then
    files.fault("is of version %d.%d; expected 1.0, 2.0 or 3.0", major, minor)
  end
  local format = major == 1 and "<I2" or "<I4"
  local first = 9 + string.packsize(format)
  if #bytes < first - 1 then files.fault "ends inside its header" end
  local length = string.unpack(format, bytes, 9)
  if length > HEADER_MOST then
    files.fault("declares a header of %d bytes; the limit is %d", length, HEADER_MOST)
  end
  if #bytes < first - 1 + length then files.fault "ends inside its header" end
  local array = read_description(bytes:sub(first, first - 1 + length))
  array.first = first + length
  return array
end

-- Elements whose first axis runs fastest: the tensor of the reversed shape, seen in reverse.
local function from_fortran(t)
  local rank = t.rank
  for axis = 1, rank // 2 do t = t:transpose(axis, rank + 1 - axis) end
  return t:contiguous()
end

local function reversed(list)
  local other = {}
  for i = #list, 1, -1 do other[#other + 1] = list[i] end
  return other
end

local function tensor_of(bytes)
  local array = read_header(bytes)
  local first = array.first
  local needed = files.bytes_of(array.shape, core.encoding_sizes[array.type])
  if not needed then files.fault("declares the shape %s, more than any memory", say.shape(array.shape)) end
  if #bytes - first + 1 ~= needed then
    files.fault("has %d bytes of elements, but its shape %s needs %d", #bytes - first + 1, say.shape(array.shape),
      needed)
  end
  local fortran = array.fortran and #array.shape > 1
  local shape = fortran and reversed(array.shape) or array.shape
  local t = files.sound(core.decode(bytes, first, #bytes, array.type, array.big_endian, shape))
  return fortran and from_fortran(t) or t
end

--- Reads a .npy file, of either byte order and either order of elements. Types: float32, float64, uint8 and int32
-- stay; bool becomes uint8, float16 float32, other whole numbers int32 where all values fit. Python objects are
-- refused.
---@param path string
---@return tensor? tensor nil where the file cannot be read or is no such file
---@return string? message, integer? code
function npy.read_npy(path)
  expect.path("read_npy", path)
  return files.load(path, tensor_of)
end

--- What a .npy file holds, from its header alone.
---@param path string
---@return { type: string, shape: integer[] }? array nil where the file cannot be read or is no such file
---@return string? message, integer? code
function npy.describe(path)
  local file <close>, message, code = io.open(path, "rb")
  if not file then return nil, message, code end
  return files.attempt(path .. ": ", read_header, file:read(HEADER_MOST + 12) or "")
end

-- What a reader makes of the content of a member.
local function read_member(bytes, member, limit, reader)
  return files.sound(files.attempt(("'%s' "):format(member.name), function()
    return reader(zip.content(bytes, member, limit))
  end))
end

local function arrays_of(bytes)
  local arrays = {}
  for i, member in ipairs(zip.members(bytes)) do
    arrays[i] = read_member(bytes, member, LIMIT, read_header)
    arrays[i].name = member.name:match "^(.+)%.npy$" or member.name
  end
  return arrays
end

local function tensors_of(bytes, limit)
  local tensors = {}
  for _, member in ipairs(zip.members(bytes)) do
    local name = member.name:match "^(.+)%.npy$" or files.fault("holds '%s', which is no .npy", member.name)
    tensors[name] = read_member(bytes, member, limit, tensor_of)
  end
  return tensors
end

--- What each array of a .npz file is. The file is read as a whole, but no tensor is made.
---@param path string
---@return { name: string, type: string, shape: integer[] }[]? arrays nil where the file is damaged or missing
---@return string? message, integer? code
function npy.describe_archive(path) return files.load(path, arrays_of) end

--- Reads a .npz file: every array in it, by name. Types as read_npy has them.
---@param path string
---@param options? table limit: bytes that one array may take when it is unpacked, 4 GiB
---@return table<string, tensor>? tensors nil where the file cannot be read or is damaged
---@return string? message, integer? code
function npy.read_npz(path, options)
  expect.path("read_npz", path)
  options = expect.options("read_npz", options, { "limit" })
  local limit = options.limit == nil and LIMIT or expect.count("read_npz: limit", options.limit, 1)
  return files.load(path, tensors_of, limit)
end

-- ---- writing ----

-- What stands in front of the elements: padded so that they begin at a multiple of 64.
local function header(t)
  local shape = table.concat(t.shape, ", ") .. (t.rank == 1 and "," or "")
  local order = t.dtype == "uint8" and "|" or OURS
  local text = ("{'descr': '%s%s', 'fortran_order': False, 'shape': (%s), }"):format(order, NAMES[t.dtype], shape)
  return MAGIC .. "\1\0" .. string.pack("<s2", text .. (" "):rep(-(#text + 11) % 64) .. "\n")
end

--- Writes a tensor as a .npy file, version 1.0. The file is replaced as a whole, or stays as it was.
---@param path string
---@param t tensor
---@return boolean? true nil where the file cannot be written
---@return string? message, integer? code
function npy.write_npy(path, t)
  expect.path("write_npy", path)
  expect.tensor("write_npy", t)
  return core.write_file(path, { header(t), t })
end

--- Writes tensors as a .npz file, sorted by name. The file is replaced as a whole, or stays as it was.
---@param path string
---@param tensors table<string, tensor> by name
---@param options? table compress: deflate them, as numpy.savez_compressed does, false
---@return boolean? true nil where the file cannot be written
---@return string? message, integer? code
function npy.write_npz(path, tensors, options)
  expect.path("write_npz", path)
  options = expect.options("write_npz", options, { "compress" })
  expect.that(type(tensors) == "table", "write_npz", "a table { name = tensor }", tensors)
  local members = {}
  for name, t in pairs(tensors) do
    if type(name) ~= "string" or name == "" or #name > 60000 then
      core.raise("write_npz: expected names as texts, got %s", name == "" and "an empty one" or tostring(name))
    end
    expect.tensor(("write_npz: '%s'"):format(name), t)
    t = t:contiguous()
    members[#members + 1] = { name = name .. ".npy", pieces = { header(t), t } }
  end
  table.sort(members, function(a, b) return a.name < b.name end)
  return core.write_file(path, zip.archive("write_npz", members, options.compress))
end

return npy

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

-- The value of the description's type: the encoding of core.decode, and whether it is big-endian; nil and why.
local function parse_type(text)
  local order, name = text:match "^([<>|=]?)(%a%d+)$"
  if TYPES[name] then
    return TYPES[name], order == ">" or (order == "=" and OURS == ">")
  end
  local kind = KINDS[text:match "^[<>|=]?(%a)" or ""]
  if kind then return nil, ("holds %s (type '%s'); expected numbers"):format(kind, text) end
  return nil, ("has the type '%s'; expected bool, int, uint or float of up to 64 bits"):format(text)
end

local function parse_shape(text)
  local shape = {}
  for word in text:gmatch "[^,]+" do
    local digits = word:match "^%s*(%d+)L?%s*$" -- Python 2 wrote 3L
    local length = digits and #digits < 19 and math.tointeger(tonumber(digits))
    if not length then
      if word:find "%S" then return nil, ("has the shape (%s); expected whole numbers"):format(text) end
    else
      shape[#shape + 1] = length
    end
  end
  if #shape > AXES_MOST then return nil, ("has %d axes; fnet has at most %d"):format(#shape, AXES_MOST) end
  return shape
end

-- The fields of the description, a Python dictionary of three entries in any order.
local function parse_description(text)
  local body = text:match "^%s*{(.*)}%s*$"
  if not body then return nil, "has a damaged header; expected { ... }" end
  local fields, at = {}, 1
  while true do
    local key, after = body:match("^%s*['\"]([%w_]+)['\"]%s*:%s*()", at)
    if not key then break end
    local value, stop = body:match("^['\"]([^'\"]*)['\"]()", after)
    if not value then value, stop = body:match("^(%b())()", after) end
    if not value then value, stop = body:match("^(%b[])()", after) end
    if not value then value, stop = body:match("^(%a+)()", after) end
    if not value or fields[key] then return nil, ("has a damaged header at '%s'"):format(key) end
    fields[key] = value
    at = body:match("^%s*,()", stop) or stop
  end
  if body:find("%S", at) then return nil, "has a damaged header; expected 'descr', 'fortran_order', 'shape'" end
  for key in pairs(fields) do
    if key ~= "descr" and key ~= "fortran_order" and key ~= "shape" then
      return nil, ("has a header with the unknown field '%s'"):format(key)
    end
  end
  return fields
end

-- Type, byte order, shape and order from the description; nil and what is wrong.
local function read_description(text)
  local fields, problem = parse_description(text)
  if not fields then return nil, problem end
  local fortran = fields.fortran_order
  if fortran ~= "True" and fortran ~= "False" then return nil, "has no 'fortran_order' of True or False" end
  local inside = (fields.shape or ""):match "^%((.*)%)$"
  if not inside then return nil, "has no 'shape' in its header" end
  if (fields.descr or "[]"):find "^%[" then
    if not fields.descr then return nil, "has no 'descr' in its header" end
    return nil, "holds records of several fields; expected numbers"
  end
  local array = { fortran = fortran == "True" }
  array.type, array.big_endian = parse_type(fields.descr)
  if not array.type then return nil, array.big_endian end
  array.shape, problem = parse_shape(inside)
  if not array.shape then return nil, problem end
  return array
end

-- The place of the elements, and the description in front of them.
local function read_header(bytes)
  if bytes:sub(1, 6) ~= MAGIC then
    if bytes == "" then return nil, "is empty, expected a .npy file" end
    return nil, "does not begin as a .npy file does, with 93 NUMPY"
  end
  local major, minor = bytes:byte(7, 8)
  if not minor then return nil, "ends inside its header" end
  if major < 1 or major > 3 or minor ~= 0 then
    return nil, ("is of version %d.%d; expected 1.0, 2.0 or 3.0"):format(major, minor)
  end
  local format = major == 1 and "<I2" or "<I4"
  local first = 9 + string.packsize(format)
  if #bytes < first - 1 then return nil, "ends inside its header" end
  local length = string.unpack(format, bytes, 9)
  if length > HEADER_MOST then
    return nil, ("declares a header of %d bytes; the limit is %d"):format(length, HEADER_MOST)
  end
  if #bytes < first - 1 + length then return nil, "ends inside its header" end
  return bytes:sub(first, first - 1 + length), first + length
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

--- A tensor from the bytes of a .npy file.
---@param bytes string
---@return tensor? tensor
---@return string? message
function npy.decode(bytes)
  local text, first = read_header(bytes)
  if not text then return nil, first end
  local array, problem = read_description(text)
  if not array then return nil, problem end
  local needed = files.bytes_of(array.shape, core.encoding_sizes[array.type])
  if not needed then
    return nil, ("declares the shape %s, more than any memory"):format(say.shape(array.shape))
  end
  if #bytes - first + 1 ~= needed then
    return nil, ("has %d bytes of elements, but its shape %s needs %d"):format(#bytes - first + 1,
      say.shape(array.shape), needed)
  end
  local fortran = array.fortran and #array.shape > 1
  local shape = fortran and reversed(array.shape) or array.shape
  local t
  t, problem = core.decode(bytes, first, #bytes, array.type, array.big_endian, shape)
  return t and fortran and from_fortran(t) or t, problem
end

--- Reads a .npy file, of either byte order and either order of elements. float32, float64, uint8 and int32 stay;
-- bool becomes uint8, float16 float32, other whole numbers int32 where all values fit. Python objects are refused.
---@param path string
---@return tensor? tensor nil where the file cannot be read or is no such file
---@return string? message, integer? code
function npy.read_npy(path)
  expect.path("read_npy", path)
  local bytes, message, code = files.read(path)
  if not bytes then return nil, message, code end
  local t, problem = npy.decode(bytes)
  if not t then return nil, path .. ": " .. problem end
  return t
end

--- What a .npy file holds, from its header alone.
---@param path string
---@return { type: string, shape: integer[] }? array nil where the file cannot be read or is no such file
---@return string? message, integer? code
function npy.describe(path)
  local file <close>, message, code = io.open(path, "rb")
  if not file then return nil, message, code end
  local text, array, problem
  text, problem = read_header(file:read(HEADER_MOST + 12) or "")
  if text then array, problem = read_description(text) end
  if not array then return nil, path .. ": " .. problem end
  return { type = array.type, shape = array.shape }
end

--- What each array of a .npz file is. The file is read as a whole, but no tensor is made.
---@param path string
---@return { name: string, type: string, shape: integer[] }[]? arrays nil where the file is damaged or missing
---@return string? message, integer? code
function npy.describe_archive(path)
  local bytes, message, code = files.read(path)
  if not bytes then return nil, message, code end
  local members, problem = zip.members(bytes)
  if not members then return nil, ("%s: %s"):format(path, problem) end
  local arrays = {}
  for i, member in ipairs(members) do
    local content, text, array
    content, problem = zip.content(bytes, member, LIMIT)
    if content then text, problem = read_header(content) end
    if text then array, problem = read_description(text) end
    if not array then return nil, ("%s: '%s' %s"):format(path, member.name, problem) end
    arrays[i] = { name = member.name:match "^(.+)%.npy$" or member.name, type = array.type, shape = array.shape }
  end
  return arrays
end

--- The tensors in the bytes of a .npz file.
---@param bytes string
---@param limit integer bytes that one array may take when it is unpacked
---@return table<string, tensor>? tensors
---@return string? message
function npy.decode_archive(bytes, limit)
  local members, problem = zip.members(bytes)
  if not members then return nil, problem end
  local tensors = {}
  for _, member in ipairs(members) do
    local content, t
    local name = member.name:match "^(.+)%.npy$"
    if not name then return nil, ("holds '%s', which is no .npy"):format(member.name) end
    content, problem = zip.content(bytes, member, limit)
    if content then t, problem = npy.decode(content) end
    if not t then return nil, ("'%s' %s"):format(member.name, problem) end
    tensors[name] = t
  end
  return tensors
end

--- Reads a .npz file: every array in it, by name. Types as read_npy has them.
---@param path string
---@param options? table limit: bytes that one array may take when it is unpacked, 4 GiB
---@return table<string, tensor>? tensors nil where the file cannot be read or is damaged
---@return string? message, integer? code
function npy.read_npz(path, options)
  expect.path("read_npz", path)
  options = expect.options("read_npz", options, { "limit" })
  local limit = options.limit == nil and LIMIT or expect.count("read_npz: limit", options.limit, 1)
  local bytes, message, code = files.read(path)
  if not bytes then return nil, message, code end
  local tensors, problem = npy.decode_archive(bytes, limit)
  if not tensors then return nil, ("%s: %s"):format(path, problem) end
  return tensors
end

-- ---- writing ----

local function check_tensor(what, t)
  if not core.is_tensor(t) then core.raise(("%s: expected a tensor, got %s"):format(what, type(t))) end
end

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
  check_tensor("write_npy", t)
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
  if type(tensors) ~= "table" or core.is_tensor(tensors) then
    core.raise(("write_npz: expected a table { name = tensor }, got %s"):format(say.value(tensors)))
  end
  local members = {}
  for name, t in pairs(tensors) do
    if type(name) ~= "string" or name == "" or #name > 60000 then
      core.raise(("write_npz: expected names as texts, got %s"):format(name == "" and "an empty one" or
        tostring(name)))
    end
    check_tensor(("write_npz: '%s'"):format(name), t)
    t = t:contiguous()
    members[#members + 1] = { name = name .. ".npy", pieces = { header(t), t } }
  end
  table.sort(members, function(a, b) return a.name < b.name end)
  return core.write_file(path, zip.archive("write_npz", members, options.compress))
end

return npy

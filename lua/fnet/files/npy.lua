--- .npy, NumPy's format for one array (numpy.lib.format, versions 1.0 to 3.0), and .npz, a zip archive of them.
-- Invariant: nothing in such a file is ever run; its size is compared with what its header declares before
-- memory is taken for it.

local expect = require "fnet.base.expect"
local say = require "fnet.base.say"
local core = require "fnet.core"
local processes = require "fnet.base.processes"
local files = require "fnet.files"
local kinds = require "fnet.files.kinds"
local zip = require "fnet.files.zip"

local npy = {}

local MAGIC = "\x93NUMPY"
local HEADER_MOST = 65536 -- bytes of description; NumPy itself writes fewer than 200
local AXES_MOST = 8
local TYPE_MOST = 60 -- bytes of a type that fnet does not know, as it is shown
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

-- The value of the description's type: how elements are encoded, and whether big-endian; nil and why not.
local function parse_type(text)
  local order, name = text:match "^([<>|=]?)(%a%d+)$"
  if TYPES[name] then return TYPES[name], order == ">" or (order == "=" and OURS == ">") end
  if text:find "^%[" then return nil, "holds records of several fields; expected numbers" end
  local kind = KINDS[text:match "^[<>|=]?(%a)" or ""]
  if kind then return nil, ("holds %s (type '%s'); expected numbers"):format(kind, text) end
  return nil, ("has the type '%s'; expected bool, int, uint or float of up to 64 bits"):format(text)
end

local function parse_shape(text)
  local shape = {}
  for word in text:gmatch "[^,]+" do
    local digits = word:match "^%s*(%d+)L?%s*$" -- Python 2 wrote 3L
    local length = digits and #digits < 19 and math.tointeger(tonumber(digits))
    if not length and word:find "%S" then files.fault("has the shape (%s); expected whole numbers", text) end
    shape[#shape + 1] = length
  end
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
  local encoding, order = parse_type(fields.descr:sub(1, TYPE_MOST))
  local shape = parse_shape(inside)
  local problem = not encoding and order
    or #shape > AXES_MOST and ("has %d axes; fnet has at most %d"):format(#shape, AXES_MOST) or nil
  return { type = encoding or fields.descr:sub(1, TYPE_MOST), big_endian = encoding and order, shape = shape,
    problem = problem, fortran = fortran == "True" and #shape > 1 }
end

-- What stands in front of the elements: type, shape, where they begin, and why they cannot be read, if so.
local function read_header(input)
  local function take(count)
    local text = files.sound(input:bytes(count))
    return #text == count and text or files.fault "ends inside its header"
  end
  local lead = files.sound(input:bytes(8))
  if lead == "" then files.fault "is empty, expected a .npy file" end
  if lead:sub(1, 6) ~= MAGIC then
    kinds.refuse(lead .. files.sound(input:bytes(kinds.LEAD - #lead)), "npy")
    files.fault "does not begin as a .npy file does, with 93 NUMPY"
  end
  local major, minor = lead:byte(7, 8)
  if not minor then files.fault "ends inside its header" end
  if major < 1 or major > 3 or minor ~= 0 then
    files.fault("is of version %d.%d; expected 1.0, 2.0 or 3.0", major, minor)
  end
  local format = major == 1 and "<I2" or "<I4"
  local length = string.unpack(format, take(string.packsize(format)))
  if length > HEADER_MOST then
    files.fault("declares a header of %d bytes; the limit is %d", length, HEADER_MOST)
  end
  local array = read_description(take(length))
  array.first = #lead + string.packsize(format) + length
  return array
end

-- The header of an array whose elements can be read and fill the rest of so many bytes; nil: that is not known.
local function read_sound_header(input, size)
  local array = read_header(input)
  if array.problem then files.fault("%s", array.problem) end
  local needed = files.bytes_of(array.shape, core.encodings[array.type].size)
  if not needed then files.fault("declares the shape %s, more than any memory", say.shape(array.shape)) end
  if size and size - array.first ~= needed then
    files.fault("has %d bytes of elements, but its shape %s needs %d", size - array.first, say.shape(array.shape),
      needed)
  end
  if not size then files.sound(input:expect(needed)) end
  return array
end

-- The same elements with the axes in reverse order, without a copy.
local function reversed(t)
  for axis = 1, t.rank // 2 do t = t:transpose(axis, t.rank + 1 - axis) end
  return t
end

-- Elements whose first axis runs fastest, some of the last axis at a time: a piece is a tensor of the reversed
-- shape, seen in reverse.
local PIECES = 32
local function read_fortran(input, array)
  local shape, rank = array.shape, #array.shape
  local whole = core.full(shape, 0, core.encodings[array.type].dtype)
  local last, lengths = shape[rank], {}
  for axis = 1, rank do lengths[axis] = shape[rank + 1 - axis] end
  local step = (last + PIECES - 1) // PIECES
  for first = 1, whole:count() > 0 and last or 0, step do
    lengths[1] = math.min(step, last - first + 1)
    local piece = files.sound(input:elements(array.type, array.big_endian, lengths))
    whole:slice(rank, first, first + lengths[1] - 1):copy(reversed(piece))
    core.methods.release(piece)
  end
  return whole
end

local function read_array(input, size)
  local array = read_sound_header(input, size)
  if array.fortran then return read_fortran(input, array) end
  return files.sound(input:elements(array.type, array.big_endian, array.shape))
end

local function read_file(input)
  files.sound(input:part("plain", 0))
  local t = read_array(input, input:size())
  files.sound(input:finish())
  return t
end

--- Reads a .npy file, of either byte order and either order of elements. Types: float32, float64, uint8 and int32
-- stay; bool becomes uint8, float16 float32, other whole numbers int32 where all values fit. Python objects are
-- refused.
---@param path string
---@return tensor? tensor nil where the file cannot be read, is no such file, or does not fit into memory
---@return string? message, integer? code
function npy.read_npy(path)
  expect.path("read_npy", path)
  return files.open(path, read_file)
end

--- Where the rows of an open .npy file lie.
---@param input userdata of core.open_input
---@return { type: string, big_endian: boolean, shape: integer[], first: integer } array
function npy.rows(input)
  local size = input:size() or files.fault "is no ordinary file, whose rows can be read in any order"
  files.sound(input:part("plain", 0))
  local array = read_sound_header(input, size)
  if #array.shape == 0 then files.fault "holds a single number; expected rows" end
  if array.fortran then
    files.fault("is in Fortran's order, in which rows do not lie together; read it whole with read_npy, or save "
      .. "numpy.ascontiguousarray(x)")
  end
  return array
end

--- What a .npy file holds, from its header alone.
---@param path string
---@return { type: string, shape: integer[] }? array nil where the file cannot be read or is no such file
---@return string? message, integer? code
function npy.describe(path)
  return files.open(path, function(input)
    files.sound(input:part("plain", 0))
    return read_header(input)
  end)
end

local function lead_of(member) return ("'%s' "):format(member.name) end

-- The arrays of an archive, and what else lies in it. An archive without any array is no .npz.
local function read_members(input)
  files.sound(input:part("plain", 0))
  local lead = files.sound(input:bytes(kinds.LEAD))
  if lead:sub(1, 2) ~= "PK" then kinds.refuse(lead, "npz") end
  local members, arrays, others = zip.members(input), {}, {}
  for _, member in ipairs(members) do
    local name = member.name:match "^(.+)%.npy$"
    if name then arrays[#arrays + 1] = { name = name, member = member }
    else others[#others + 1] = member end
  end
  if #members > 0 and #arrays == 0 then
    kinds.refuse(lead, "npz")
    files.fault("holds no .npy file, but '%s'", members[1].name)
  end
  return arrays, others
end

local function describe_arrays(input)
  local arrays = read_members(input)
  for _, array in ipairs(arrays) do
    local header, message = files.attempt(lead_of(array.member), function()
      zip.start(input, array.member, math.maxinteger)
      return read_header(input)
    end)
    array.type, array.shape, array.problem = header and header.type, header and header.shape, message
  end
  return arrays
end

local function read_archive(input, limit, names)
  local tensors, arrays, others = {}, read_members(input)
  for _, member in ipairs(names and {} or others) do -- not to be read, but no array that lost its name
    files.sound(files.attempt(lead_of(member), zip.locate, input, member))
  end
  arrays = files.pick("array", arrays, names)
  for _, array in ipairs(arrays) do
    local member = array.member
    tensors[array.name] = files.read_part(arrays, array, names, lead_of(member), zip.content, input, member,
      limit, read_array)
    limit = limit - zip.inflated(member)
  end
  return tensors
end

--- What each array of a .npz file is, from their headers.
---@param path string
---@return { name: string, type: string?, shape: integer[]?, problem: string? }[]? arrays with a problem where a
--- header cannot be read; nil where the file is damaged or missing
---@return string? message, integer? code
function npy.describe_archive(path) return files.open(path, describe_arrays) end

--- Reads a .npz file: every array in it, by name. Types as read_npy has them. Other files in the archive are passed
-- over.
---@param path string
---@param options? table names: string[], the arrays to read, all by default; another one, such as a list of texts,
--- may then be none that fnet can read; limit: integer, bytes that compressed arrays may take when they are
--- unpacked, all together, 4 GiB
---@return table<string, tensor>? tensors nil where the file cannot be read, is damaged, or does not fit in memory
---@return string? message, integer? code
function npy.read_npz(path, options)
  expect.path("read_npz", path)
  options = expect.options("read_npz", options, { "names", "limit" })
  local names = files.names("read_npz", options.names)
  local limit = options.limit == nil and LIMIT or expect.count("read_npz: limit", options.limit, 1)
  return files.open(path, read_archive, limit, names)
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
  return processes.write_file(path, { header(t), t })
end

--- Writes tensors as a .npz file, sorted by name. The file is replaced as a whole, or stays as it was.
---@param path string
---@param tensors table<string, tensor> by name
---@param options? table compress: deflate them, as numpy.savez_compressed does, false
---@return boolean? true nil where the file cannot be written
---@return string? message, integer? code
function npy.write_npz(path, tensors, options)
  expect.path("write_npz", path)
  options = expect.options("write_npz", options, { "compress" }, { "compress" })
  expect.that(type(tensors) == "table", "write_npz", "a table { name = tensor }", tensors)
  local members = {}
  for name, t in pairs(tensors) do
    if type(name) ~= "string" or name == "" or #name > 60000 or not utf8.len(name)
        or name:find("\0", 1, true) then -- where others end a name
      core.raise("write_npz: expected names as texts in UTF-8, got %s", name == "" and "an empty one"
        or type(name) == "string" and "another text" or tostring(name))
    end
    expect.tensor(("write_npz: '%s'"):format(name), t)
    t = t:contiguous()
    members[#members + 1] = { name = name .. ".npy", pieces = { header(t), t } }
  end
  table.sort(members, function(a, b) return a.name < b.name end)
  return processes.write_file(path, zip.archive(members, options.compress))
end

return npy

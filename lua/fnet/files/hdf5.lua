--- HDF5 (the HDF Group's "File Format Specification", version 3.0), as far as Keras and h5py use it by themselves:
-- a superblock of version 0 or 1, groups with symbol tables, datasets of numbers in one piece. Everything else is a
-- fault that names it.
-- Invariant: no part of the file is read twice, so the work and the memory are in proportion to its size.

local core = require "fnet.core"
local files = require "fnet.files"
local kinds = require "fnet.files.kinds"

local hdf5 = {}

local SUPERBLOCK = 96 -- bytes, with the entry of the root group
local ENTRY = "<i8i8I4" -- of a group's member: name, object header, kind of what follows
local ENTRY_SIZE = 40
local DEEPEST = 32
local DATASPACE, DATATYPE, LAYOUT, FILTERS, CONTINUATION, SYMBOLS = 0x1, 0x3, 0x8, 0xB, 0x10, 0x11
local COMPACT, CONTIGUOUS = 0, 1
local SYMBOLIC_LINK = 2
local SHARED = 2 -- flag of a message that stands elsewhere
local NOWHERE = -1 -- the address of what was never written
local PIECES = "lies in pieces, or is compressed"
local NEWER = "is of a newer form than Keras and h5py write by themselves"

-- By bytes of an element, and of floats the bits of their exponent.
local WHOLE = { [1] = { "u8", "i8" }, [2] = { "u16", "i16" }, [4] = { "u32", "i32" }, [8] = { "u64", "i64" } }
local FLOATS = { [2] = { [5] = "f16", [8] = "bf16" }, [4] = { [8] = "f32" }, [8] = { [11] = "f64" } }

-- Makes the input give so many bytes from an address on, which nobody has read before.
local function start(state, address, count)
  if address < 0 or count < 0 or address > state.size - count then files.fault "points outside the file" end
  state.left = state.left - count
  if state.left < 0 then files.fault "has parts that overlap" end
  files.sound(state.input:part("plain", state.base + address, count))
end

-- Those bytes.
local function take(state, address, count)
  start(state, address, count)
  return files.sound(state.input:bytes(count))
end

local function check_mark(text, mark, what)
  if text:sub(1, #mark) ~= mark then files.fault("has %s that is damaged", what) end
end

-- ---- object headers ----

-- The messages of an object, by type: the text, and its address. The last one of each counts.
local function read_messages(state, address)
  local head, found = take(state, address, 16), {}
  if head:byte(1) ~= 1 then files.fault(NEWER) end
  local count, size = string.unpack("<I2", head, 3), string.unpack("<I4", head, 9)
  local blocks = { { address + 16, size } }
  for _, block in ipairs(blocks) do
    local text, at = take(state, block[1], block[2]), 1
    while count > 0 and at + 7 <= #text do
      local kind, length, flags = string.unpack("<I2I2B", text, at)
      at, count = at + 8, count - 1
      if at + length - 1 > #text then files.fault "has a message that is cut short" end
      if kind == DATATYPE and flags & SHARED ~= 0 then files.fault "has a type of its own name" end
      if kind == CONTINUATION and length >= 16 then
        blocks[#blocks + 1] = { string.unpack("<i8i8", text, at) }
      end
      found[kind] = { text = text:sub(at, at + length - 1), address = block[1] + at - 1 }
      at = at + length
    end
  end
  return found
end

-- ---- datasets ----

local function read_shape(text)
  local version, rank = text:byte(1, 2)
  if version ~= 1 and version ~= 2 then files.fault("has a dataspace of version %d", version or 0) end
  local shape, at = {}, version == 1 and 9 or 5
  if #text < at - 1 + 8 * rank then files.fault "has a dataspace that is cut short" end
  for i = 1, rank do
    shape[i] = string.unpack("<i8", text, at + 8 * (i - 1))
    if shape[i] < 0 then files.fault "has a shape larger than any memory" end
  end
  return shape
end

-- The encoding of core.decode, and whether it is big-endian.
local function read_type(text)
  if #text < 8 then files.fault "has a type that is cut short" end
  local class, flags, size = text:byte(1) & 15, text:byte(2), string.unpack("<I4", text, 5)
  local encoding
  if class == 0 and WHOLE[size] then encoding = WHOLE[size][flags & 8 == 0 and 1 or 2] end
  if class == 1 and FLOATS[size] and #text >= 20 then encoding = FLOATS[size][text:byte(14)] end
  if not encoding then files.fault("holds something else than numbers (class %d, %d bytes)", class, size) end
  return encoding, flags & 1 == 1
end

-- Where the elements lie, for a small dataset in the message itself; and how many bytes there are, if it says so.
local function read_layout(message)
  local text = message.text
  local version, class = text:byte(1, 2)
  if version ~= 3 and version ~= 4 or class ~= COMPACT and class ~= CONTIGUOUS then files.fault(PIECES) end
  if #text < (class == COMPACT and 4 or 18) then files.fault "has a layout that is cut short" end
  if class == CONTIGUOUS then return (string.unpack("<i8", text, 3)) end
  local size = string.unpack("<I2", text, 3)
  if size > #text - 4 then files.fault "has a layout that is cut short" end
  return message.address + 4, size
end

local function read_dataset(state, name, messages)
  if messages[FILTERS] then files.fault(PIECES) end
  if not messages[LAYOUT] or not messages[DATATYPE] then files.fault "has no data" end
  local shape = read_shape(messages[DATASPACE].text)
  local encoding, big_endian = read_type(messages[DATATYPE].text)
  local count = files.bytes_of(shape, core.encodings[encoding].size)
  if not count or #shape > 8 then files.fault "has a shape larger than any memory" end
  local dataset = { name = name, type = encoding, shape = shape }
  if not state.wanted or not state.wanted(name) then return dataset end
  local address, size = read_layout(messages[LAYOUT])
  if address == NOWHERE and count > 0 then files.fault "has no data" end
  if size and size ~= count then files.fault "has data of another length than its shape needs" end
  if size then state.left = state.left + count end -- its message has been read
  start(state, count > 0 and address or 0, count)
  dataset.tensor = files.sound(state.input:elements(encoding, big_endian, shape))
  return dataset
end

-- ---- groups ----

local read_object

-- The names of a group's members, one after the other.
local function read_heap(state, address)
  local head = take(state, address, 32)
  check_mark(head, "HEAP", "a heap of names")
  local size, _, data = string.unpack("<i8i8i8", head, 9)
  return take(state, data, size)
end

-- The entries of a group's B-tree, down to its leaves.
local function read_node(state, address, heap, path, depth)
  if depth > DEEPEST then files.fault "has groups that are nested too deep" end
  local head = take(state, address, 8)
  local count = string.unpack("<I2", head, 7)
  if head:sub(1, 4) == "SNOD" then
    local entries = take(state, address + 8, count * ENTRY_SIZE)
    for i = 0, count - 1 do
      local offset, header, kind = string.unpack(ENTRY, entries, 1 + i * ENTRY_SIZE)
      local name = offset >= 0 and offset < #heap and heap:match("^([^%z]*)%z", offset + 1)
      if not name then files.fault "has a name outside its heap" end
      if kind == SYMBOLIC_LINK then files.fault("has the link '%s' in the place of a dataset", path .. name) end
      read_object(state, header, path .. name, depth + 1)
    end
    return
  end
  check_mark(head, "TREE", "a group")
  local children = take(state, address + 24, count * 16)
  for i = 0, count - 1 do
    read_node(state, string.unpack("<i8", children, 9 + i * 16), heap, path, depth + 1)
  end
end

-- A dataset, or all in a group.
function read_object(state, address, name, depth)
  local messages = read_messages(state, address)
  if messages[DATASPACE] then
    state.list[#state.list + 1] = files.sound(files.attempt(("'%s' "):format(name), read_dataset, state, name,
      messages))
  elseif messages[SYMBOLS] and #messages[SYMBOLS].text >= 16 then
    local tree, heap = string.unpack("<i8i8", messages[SYMBOLS].text)
    read_node(state, tree, read_heap(state, heap), name == "" and "" or name .. "/", depth)
  elseif messages[SYMBOLS] or name == "" then
    files.fault "has a group that is damaged"
  end
end

local function read(input, base, size, wanted)
  local state = { input = input, base = base, size = size, left = size, list = {}, wanted = wanted }
  local head = take(state, 0, SUPERBLOCK)
  local version, _, _, _, _, offsets, lengths = head:byte(9, 15)
  if version > 1 then files.fault(NEWER) end
  local at = version == 0 and 25 or 29 -- of the base address
  if offsets ~= 8 or lengths ~= 8 or string.unpack("<i8", head, at) ~= 0 then
    files.fault "has addresses of an unusual form"
  end
  local _, root = string.unpack("<i8i8", head, at + 32)
  read_object(state, root, "", 0)
  table.sort(state.list, function(a, b) return a.name < b.name end)
  return state.list
end

--- The datasets of a file, in the order of their names; faults are raised, with the way out.
---@param input userdata of core.open_input
---@param base integer where it begins in there, from 0
---@param size integer its bytes
---@param wanted? fun(name: string): boolean whose elements are read too
---@return { name: string, type: string, shape: integer[], tensor: tensor? }[] datasets with the names of their
--- groups in front, "layers/dense/vars/0"
function hdf5.datasets(input, base, size, wanted)
  local list, problem, code = files.attempt("", read, input, base, size, wanted)
  if list then return list end
  if code then files.sound(nil, problem, code) end
  files.fault("is an HDF5 file that fnet does not read: it %s; %s", problem, kinds.KERAS_WAY)
end

return hdf5

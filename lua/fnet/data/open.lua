--- Open: arrays that stay in their file, for data sets larger than memory. A data set takes one where it takes a
-- tensor, and reads the rows of each batch when it needs them.
-- Invariant: a row has the bits that the reader of the whole file gives it; where the file was changed or cut short
-- after it was opened, an error says so.

local expect = require "fnet.base.expect"
local say = require "fnet.base.say"
local core = require "fnet.core"
local files = require "fnet.files"
local idx = require "fnet.files.idx"
local npy = require "fnet.files.npy"

local PIECE = 4 << 20 -- bytes of rows that are hashed at a time

---@class data.Opened
---@field path string
---@field dtype fnet.ElementType of the tensors that `rows` gives
---@field shape integer[] # [count, ...]
---@field rank integer
---@field order tensor|false the rows of the file that a part of it has
local Opened = { opened = true }

-- A row or a method of tensors is asked for: the array has none, and nil would be taken for one further on.
function Opened.__index(_, key)
  local value = Opened[key]
  if value == nil then
    core.raise("an opened file has no '%s'; a data set reads its rows: data.Dataset { x = opened, y = ... }",
      tostring(key))
  end
  return value
end

function Opened:__len() return self.shape[1] end

function Opened:__tostring() return ("%s in %s"):format(say.value(self), self.path) end

--- Some of the rows, as a tensor.
---@param indices tensor int32 [rows], from 1
---@return tensor rows [rows, ...]
function Opened:rows(indices)
  expect.method("rows", self)
  expect.that(core.is_tensor(indices) and indices.rank == 1 and indices.dtype == "int32", "rows",
    "the numbers of rows, int32 [count]", indices)
  if self.order then indices = core.gather(self.order, indices) end
  local array = self.array
  local rows, message = self.input:rows(array.first, array.type, array.big_endian, array.shape, indices)
  return rows or core.raise("%s: %s", self.path, message)
end

--- The same array with some of its rows only; both read from the same open file.
---@param indices tensor int32 [rows], from 1
---@return data.Opened
function Opened:part(indices)
  expect.method("part", self)
  local other = {}
  for key, value in pairs(self) do other[key] = value end
  other.order = self.order and core.gather(self.order, indices) or indices
  other.shape = { #indices, table.unpack(self.shape, 2) }
  return setmetatable(other, Opened)
end

-- A function that gives the rows piece by piece, for core.sha256.
function Opened:pieces()
  local size = core.dtypes[self.dtype].size
  for axis = 2, self.rank do size = size * self.shape[axis] end
  local step, last, piece = math.max(1, PIECE // math.max(1, size)), 0, nil
  return function()
    if piece then core.methods.release(piece) end
    local first = last + 1
    last = math.min(first + step - 1, #self)
    piece = first <= last and self:rows(core.arange(first, last, 1, "int32")) or nil
    return piece
  end
end

--- Closes the file; the collector does it, too.
function Opened:close()
  expect.method("close", self)
  self.input:close()
end

Opened.__close = Opened.close

-- The array whose place in the file `locate(input)` tells.
local function open(path, locate)
  local input, message, code = core.open_input(path)
  if not input then return files.given(nil, message, code) end
  local array
  array, message, code = files.attempt(path .. ": ", function()
    files.sound(input:part("plain", 0))
    if files.sound(input:bytes(2)) == "\x1f\x8b" then
      files.fault "is compressed with gzip, where no row can be read before all others; gunzip it first"
    end
    return locate(input)
  end)
  if not array then
    input:close()
    return nil, message, code
  end
  return setmetatable({ path = path, input = input, array = array, dtype = core.encodings[array.type].dtype,
    shape = { table.unpack(array.shape) }, rank = #array.shape, order = false }, Opened)
end

local public = {}

--- Opens a .npy file whose array is larger than memory. It stands where a data set takes a tensor, as x or as y:
-- `data.Dataset { x = data.open_npy "x.npy", y = data.read_npy "y.npy" }`; each batch then reads its rows from the
-- file, in whatever order, and has the bits that it would have in memory. uint8 stays uint8 until the data set
-- scales a batch; types convert as read_npy does it. The file stays open until :close() or the collector. A batch
-- raises an error where the file was changed or cut short after it was opened.
---@param path string
---@return data.Opened? array nil where the file cannot be opened or is no such file
---@return string? message, integer? code
function public.open_npy(path)
  expect.path("open_npy", path)
  return open(path, npy.rows)
end

--- The same for an IDX file, which must not be compressed. Labels are small, and count from 0 in such a file: read
-- them with `data.read_idx(path, { labels = classes })`.
---@param path string
---@return data.Opened? array nil where the file cannot be opened or is no such file
---@return string? message, integer? code
function public.open_idx(path)
  expect.path("open_idx", path)
  local header, message, code = idx.header(path)
  if not header then return files.given(nil, message, code) end
  return open(path, function(input)
    local has = (input:size() or 0) - header.first
    local needed = files.bytes_of(header.shape, core.encodings[header.type].size)
    if has == needed then return header end
    if not needed then files.fault("declares the shape %s, more than any memory", say.shape(header.shape)) end
    files.fault("has %d bytes of elements, but its shape %s needs %d", has, say.shape(header.shape), needed)
  end)
end

return public

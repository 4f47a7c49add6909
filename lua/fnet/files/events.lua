--- Events: what TensorBoard reads, records of scalars, histograms, pictures and texts, each with its step and its
-- time. Texts of bytes only: who writes them to a file is no matter here.
-- Sources: the frame of a record is TFRecord (tensorflow/core/lib/io/record_writer.h), its checksum CRC-32C (RFC
-- 3720, B.4) as TensorFlow masks it (tensorflow/core/lib/hash/crc32c.h); the field numbers are those of
-- tensorboard/compat/proto: event.proto, summary.proto, histogram.proto, tensor.proto and tensor_shape.proto.

local protobuf = require "fnet.files.protobuf"

local integer, float, double, bytes = protobuf.integer, protobuf.float, protobuf.double, protobuf.bytes

local events = {}

local VERSION = "brain.Event:2" -- what the first record of a file says
local SESSION_START = 1 -- SessionLog.SessionStatus
local DT_STRING = 7 -- DataType
local COLOUR_SPACE = { 1, nil, 3 } -- of grey pictures, and of red, green and blue

-- ---- the frame ----

-- The remainders of all bytes by Castagnoli's polynomial, reflected.
local remainders = {}
for byte = 0, 255 do
  local value = byte
  for _ = 1, 8 do value = value >> 1 ~ (value & 1) * 0x82f63b78 end
  remainders[byte] = value
end

local PIECE = 4096 -- bytes that string.byte gives at once

--- The checksum CRC-32C.
---@param text string
---@return integer
function events.crc32c(text)
  local value = 0xffffffff
  for first = 1, #text, PIECE do
    local list = { text:byte(first, first + PIECE - 1) }
    for i = 1, #list do value = value >> 8 ~ remainders[(value ~ list[i]) & 0xff] end
  end
  return value ~ 0xffffffff
end

-- Of texts that hold checksums themselves.
local function masked(text)
  local value = events.crc32c(text)
  return string.pack("<I4", ((value >> 15 | value << 17 & 0xffffffff) + 0xa282ead8) & 0xffffffff)
end

local function record(text)
  local length = string.pack("<I8", #text)
  return length .. masked(length) .. text .. masked(text)
end

-- ---- messages ----

local function event(time, step, content) return record(double(1, time) .. integer(2, step) .. content) end

-- An event with one value of a summary; `content` is its field.
local function value(time, step, tag, content)
  return event(time, step, bytes(5, bytes(1, bytes(1, tag) .. content)))
end

--- What a file begins with.
---@param time number seconds since 1970
---@return string record
function events.version(time) return record(double(1, time) .. bytes(3, VERSION)) end

--- That a program starts at this step: what earlier files of the directory have from there on does not count.
---@param time number
---@param step integer
---@return string record
function events.session(time, step) return event(time, step, bytes(7, integer(1, SESSION_START))) end

---@param time number
---@param step integer
---@param tag string
---@param number number
---@return string record
function events.scalar(time, step, tag, number) return value(time, step, tag, float(2, number)) end

---@class files.Histogram
---@field least number
---@field most number
---@field count number
---@field sum number
---@field squares number the sum of the squares
---@field limits number[] the upper end of each bucket
---@field counts number[] how many values lie in each

---@param time number
---@param step integer
---@param tag string
---@param histogram files.Histogram
---@return string record
function events.histogram(time, step, tag, histogram)
  return value(time, step, tag, bytes(5, double(1, histogram.least) .. double(2, histogram.most)
    .. double(3, histogram.count) .. double(4, histogram.sum) .. double(5, histogram.squares)
    .. protobuf.doubles(6, histogram.limits) .. protobuf.doubles(7, histogram.counts)))
end

---@param time number
---@param step integer
---@param tag string
---@param height integer
---@param width integer
---@param channels integer 1 or 3
---@param png string the bytes of a PNG file
---@return string record
function events.picture(time, step, tag, height, width, channels, png)
  return value(time, step, tag, bytes(4, integer(1, height) .. integer(2, width)
    .. integer(3, COLOUR_SPACE[channels]) .. bytes(4, png)))
end

--- A text in Markdown: a tensor of one string, which the plugin "text" shows.
---@param time number
---@param step integer
---@param tag string
---@param text string UTF-8
---@return string record
function events.text(time, step, tag, text)
  local one = bytes(2, integer(1, 1)) -- a shape of one axis, of length 1
  return value(time, step, tag, bytes(8, integer(1, DT_STRING) .. bytes(2, one) .. bytes(8, text))
    .. bytes(9, bytes(1, bytes(1, "text"))))
end

return events

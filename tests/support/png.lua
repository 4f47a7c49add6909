--- Writes PNG files of every kind, for the specs of their reader: colour types 0, 2, 3, 4 and 6, all depths,
-- interlaced or not, with chunks of one's own. Used with `require "tests.support.png"`.
-- Source: PNG, third edition (W3C, 2025).

local core = require "fnet.core"

local png = {}

--- Whether this build reads such files: all write them.
png.readable = core.decode_image(core.encode_png(core.full({ 1, 1 }, 0, "uint8"))) ~= nil

local CHANNELS = { [0] = 1, [2] = 3, [3] = 1, [4] = 2, [6] = 4 }
-- Adam7: first column and row, steps between columns and rows (section 8.2).
local PASSES = { { 0, 0, 8, 8 }, { 4, 0, 8, 8 }, { 0, 4, 4, 8 }, { 2, 0, 4, 4 }, { 0, 2, 2, 4 }, { 1, 0, 2, 2 },
  { 0, 1, 1, 2 } }

local function adler32(bytes)
  local a, b = 1, 0
  for i = 1, #bytes do
    a = (a + bytes:byte(i)) % 65521
    b = (b + a) % 65521
  end
  return b << 16 | a
end

--- A chunk.
---@param kind string four letters
---@param content string
---@return string
function png.chunk(kind, content)
  return string.pack(">I4", #content) .. kind .. content .. string.pack(">I4", core.crc32(kind .. content))
end

-- A row of samples as bytes: 16 bits big-endian, fewer than 8 from the left.
local function packed(samples, depth)
  local bytes, value, bits = {}, 0, 0
  for _, sample in ipairs(samples) do
    value, bits = value << depth | sample, bits + depth
    while bits >= 8 do
      bits = bits - 8
      bytes[#bytes + 1] = string.char(value >> bits & 255)
    end
  end
  if bits > 0 then bytes[#bytes + 1] = string.char(value << 8 - bits & 255) end
  return table.concat(bytes)
end

--- A file.
---@param picture table height; width; kind: the colour type; depth: bits a sample; interlaced: boolean; at: a
--- function of row and column, from 1, that returns the samples of that pixel; before, after: chunks around them
---@return string bytes
function png.encode(picture)
  local rows = {}
  for _, pass in ipairs(picture.interlaced and PASSES or { { 0, 0, 1, 1 } }) do
    for y = pass[2], picture.height - 1, pass[4] do
      local samples = {}
      for x = pass[1], picture.width - 1, pass[3] do
        local pixel = { picture.at(y + 1, x + 1) }
        table.move(pixel, 1, CHANNELS[picture.kind], #samples + 1, samples)
      end
      if #samples > 0 then rows[#rows + 1] = "\0" .. packed(samples, picture.depth) end
    end
  end
  local pixels = table.concat(rows)
  local header = string.pack(">I4I4BBBBB", picture.width, picture.height, picture.depth, picture.kind, 0, 0,
    picture.interlaced and 1 or 0)
  return "\x89PNG\r\n\x1a\n" .. png.chunk("IHDR", header) .. table.concat(picture.before or {})
    .. png.chunk("IDAT", "\x78\x9c" .. core.deflate(pixels) .. string.pack(">I4", adler32(pixels)))
    .. table.concat(picture.after or {}) .. png.chunk("IEND", "")
end

return png

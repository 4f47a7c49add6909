--- The IDX reader: what is good is read exactly, and each kind of damage has its own message.

local fnet = require "fnet"
local core = require "fnet.core"
local command = require "tests.support.command"
local support = require "tests.support"

local UINT8, INT8, INT16, INT32, FLOAT32, FLOAT64 = 0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E

local function header(element_type, ...)
  return string.pack(">BBBB" .. ("I4"):rep(select("#", ...)), 0, 0, element_type, select("#", ...), ...)
end

local crc_table = {}
for byte = 0, 255 do
  local crc = byte
  for _ = 1, 8 do crc = crc & 1 == 1 and crc >> 1 ~ 0xEDB88320 or crc >> 1 end
  crc_table[byte] = crc
end

local function crc32(text)
  local crc = 0xFFFFFFFF
  for i = 1, #text do crc = crc_table[(crc ~ text:byte(i)) & 0xFF] ~ crc >> 8 end
  return crc ~ 0xFFFFFFFF
end

-- The parts of a gzip member whose content is stored, not compressed; block: the bytes in one block.
local function gzip_parts(text, block)
  local blocks = {}
  block = block or 65535
  for first = 1, math.max(#text, 1), block do
    local piece = text:sub(first, first + block - 1)
    local last = first + block > #text
    blocks[#blocks + 1] = string.pack("<BI2I2", last and 1 or 0, #piece, #piece ~ 0xFFFF) .. piece
  end
  return {
    start = "\x1f\x8b\x08\x00\0\0\0\0\0\xff",
    data = table.concat(blocks),
    crc = string.pack("<I4", crc32(text)),
    length = string.pack("<I4", #text & 0xFFFFFFFF),
  }
end

local function gzip(text, changes)
  local parts = gzip_parts(text)
  for name, value in pairs(changes or {}) do parts[name] = value end
  return parts.start .. parts.data .. parts.crc .. parts.length
end

-- The elements in order, whatever the rank.
local function elements(tensor)
  local list = {}
  support.each(tensor.shape, function(index) list[#list + 1] = tensor:get(table.unpack(index)) end)
  return list
end

describe("read_idx", function()
  local path

  before_each(function() path = os.tmpname() end)
  after_each(function() os.remove(path) end)

  local function read(bytes, options)
    command.write_file(path, bytes)
    return core.read_idx(path, options)
  end

  describe("reads", function()
    local function sequence(count, convert)
      local list = {}
      for i = 1, count do list[i] = convert(i) end
      return list
    end

    local infinity = math.huge
    local types = {
      { "uint8", UINT8, "B", { 0, 1, 127, 128, 254, 255 }, "uint8" },
      { "int8", INT8, "b", { 0, 1, -1, 127, -128, -2 }, "int32" },
      { "int16", INT16, ">i2", { 0, 1, -1, 32767, -32768, 258 }, "int32" },
      { "int32", INT32, ">i4", { 0, 1, -1, 2147483647, -2147483648, 16909060 }, "int32" },
      { "float32", FLOAT32, ">f", { 0, 1.5, -0.25, infinity, -infinity, 2 ^ -149 }, "float32" },
      { "float64", FLOAT64, ">d", { 0, 0.1, -1 / 3, infinity, -infinity, 2 ^ -1074 }, "float64" },
    }
    for _, case in ipairs(types) do
      local name, code, format, values, dtype = table.unpack(case)
      it("elements of type " .. name, function()
        local packed = {}
        for i, value in ipairs(values) do packed[i] = string.pack(format, value) end
        local bytes = header(code, 2, 3) .. table.concat(packed)
        for _, file in ipairs { bytes, gzip(bytes) } do
          local tensor = assert(read(file))
          assert.equal(dtype, tensor.dtype)
          assert.same({ 2, 3 }, tensor.shape)
          assert.same(values, elements(tensor))
        end
      end)
    end

    it("a NaN as a NaN", function()
      local tensor = assert(read(header(FLOAT32, 1) .. "\x7f\xc0\0\0"))
      assert.is_true(tensor[1] ~= tensor[1])
    end)

    it("zeros, denormals and NaN with all their bits", function()
      for code, list in pairs { [FLOAT32] = { "I4", 0x80000000, 0x807FFFFF, 1, 0x7FC00001, 0xFF800001 },
        [FLOAT64] = { "i8", math.mininteger, math.mininteger + 1, 1, 0x7FF8000000000001, 0x7FF0000000000001 } } do
        local format, count = list[1], #list - 1
        local bytes = string.pack((">" .. format):rep(count), table.unpack(list, 2))
        assert.equal(string.pack(("=" .. format):rep(count), table.unpack(list, 2)),
          assert(read(header(code, count) .. bytes)):bytes())
      end
    end)

    for rank = 1, 8 do
      it("rank " .. rank, function()
        local shape, count = {}, 1
        for axis = 1, rank do
          shape[axis] = axis % 3 + 1
          count = count * shape[axis]
        end
        local values = sequence(count, function(i) return i * 7 % 256 end)
        local bytes = header(UINT8, table.unpack(shape)) .. string.char(table.unpack(values))
        for _, file in ipairs { bytes, gzip(bytes) } do
          local tensor = assert(read(file))
          assert.same(shape, tensor.shape)
          assert.same(values, elements(tensor))
        end
      end)
    end

    it("empty axes", function()
      for _, bytes in ipairs { header(INT16, 0), header(FLOAT64, 3, 0, 2) } do
        for _, file in ipairs { bytes, gzip(bytes) } do
          assert.same({}, elements(assert(read(file))))
        end
      end
    end)

    it("sizes around those of its buffer", function()
      for _, size in ipairs { 262135, 262136, 262137, 262144, 262145, 524280, 524281 } do
        local row = ("0123456789ABCDEF"):rep(size // 16 + 1):sub(1, size)
        local bytes = header(UINT8, size) .. row
        for _, file in ipairs { bytes, gzip(bytes) } do
          local tensor = assert(read(file))
          assert.equal(size, #tensor)
          for _, i in ipairs { 1, 262136, 262137, size - 1, size } do
            if i <= size then assert.equal(row:byte(i), tensor[i]) end
          end
        end
      end
    end)

    it("many small gzip blocks", function()
      local bytes = header(INT16, 1000) .. ("\1\2"):rep(1000)
      local tensor = assert(read(gzip(bytes, { data = gzip_parts(bytes, 3).data })))
      assert.equal(258, tensor[1000])
    end)

    it("the optional fields of a gzip header", function()
      local bytes = header(UINT8, 2) .. "\5\6"
      local start = "\x1f\x8b\x08\x1e\1\2\3\4\2\3" .. "\3\0abc" .. "name\0" .. "a comment\0"
      start = start .. string.pack("<I2", crc32(start) & 0xFFFF)
      assert.same({ 5, 6 }, elements(assert(read(gzip(bytes, { start = start })))))
    end)

    it("gzip data of several members, empty ones too, as bgzip and cat make it", function()
      local bytes = header(UINT8, 2, 3) .. "abcdef"
      for first = 0, #bytes - 1, 3 do
        local parts = gzip(bytes:sub(1, first)) .. gzip "" .. gzip(bytes:sub(first + 1, -2)) .. gzip(bytes:sub(-1))
        assert.same({ 97, 98, 99, 100, 101, 102 }, elements(assert(read(parts .. gzip ""))))
      end
    end)

    it("a file that takes exactly the limit", function()
      assert.is_truthy(read(header(INT8, 4) .. "abcd", { limit = 16 }))
    end)

    it("compressed pictures", function()
      local tensor = assert(core.read_idx("tests/fixtures/fashion/train-images-idx3-ubyte.gz"))
      assert.same({ 600, 28, 28 }, tensor.shape)
      assert.equal(217, tensor:get(1, 15, 15))
    end)

    it("labels, counted from 1", function()
      for _, code in ipairs { UINT8, INT8 } do
        local tensor = assert(read(header(code, 4) .. "\0\9\3\0", { labels = 10 }))
        assert.equal("int32", tensor.dtype)
        assert.same({ 1, 10, 4, 1 }, elements(tensor))
      end
      assert.same({ 1, 300 }, elements(assert(read(header(INT16, 2) .. "\0\0\1\43", { labels = 300 }))))
    end)
  end)

  describe("refuses", function()
    local good = header(UINT8, 2, 3) .. "abcdef"
    local huge = 0xFFFFFFFF
    local type_message = "has element type 0x%02X, expected 0x08, 0x09, 0x0B, 0x0C, 0x0D or 0x0E"
    local start_message = "starts with the bytes %s, expected 00 00 of an IDX file"
    local short_message = "ends after %d bytes, inside the 4 bytes that an IDX file starts with"
    local header_message = "ends after %d bytes, inside its header of %d bytes for %d dimensions"
    local cut_message = "gzip data is cut short: the file ends after %d decompressed bytes"
    local damage_message = "gzip data is damaged after %d decompressed bytes: %s"
    local member_message = "goes on after its gzip data, expected another gzip member or the end of the file"
    local extra_message = "goes on after the %d bytes that its header declares"
    local shape_message = "declares shape [%s] of %s, more bytes than memory has addresses"
    local limit_message = "declares shape [%s] of %s, %d bytes; the limit is %d"
    local body_message = "ends after %d of the %d bytes that its header declares"

    local catalogue = {
      -- the first four bytes
      { "an empty file", "", "is empty, expected an IDX file" },
      { "one byte", "\0", short_message:format(1) },
      { "three bytes", "\0\0\8", short_message:format(3) },
      { "a PNG file", "\x89PNG\r\n\x1a\n", start_message:format "89 50" },
      { "a web page", "<!DOCTYPE html>", start_message:format "3C 21" },
      { "a zlib stream without gzip's header", "\x78\x9c\1\0", start_message:format "78 9C" },
      { "a first byte that is not zero", "\1\0\8\1\0\0\0\0", start_message:format "01 00" },
      { "a second byte that is not zero", "\0\1\8\1\0\0\0\0", start_message:format "00 01" },
      { "little-endian magic", "\1\8\0\0\1\0\0\0a", start_message:format "01 08" },
      { "element type 0", header(0, 1) .. "a", type_message:format(0) },
      { "element type 0x0A", header(0x0A, 1) .. "a", type_message:format(0x0A) },
      { "element type 0x0F", header(0x0F, 1) .. "a", type_message:format(0x0F) },
      { "element type 0xFF", header(0xFF, 1) .. "a", type_message:format(0xFF) },
      { "no dimensions", header(UINT8) .. "a", "has 0 dimensions, expected 1 to 8" },
      { "nine dimensions", header(UINT8, 1, 1, 1, 1, 1, 1, 1, 1, 1), "has 9 dimensions, expected 1 to 8" },
      { "255 dimensions", "\0\0\8\xff", "has 255 dimensions, expected 1 to 8" },

      -- the dimensions
      { "no byte of a dimension", "\0\0\8\1", header_message:format(4, 8, 1) },
      { "a cut dimension", header(UINT8, 1, 2, 3):sub(1, 10), header_message:format(10, 16, 3) },
      { "a shape whose product overflows", header(UINT8, huge, huge, huge),
        shape_message:format("4294967295, 4294967295, 4294967295", "uint8") },
      { "eight of the largest dimensions", header(UINT8, huge, huge, huge, huge, huge, huge, huge, huge),
        shape_message:format(("4294967295, "):rep(7) .. "4294967295", "uint8") },
      { "a size in bytes that overflows", header(FLOAT64, 1 << 31, 1 << 30),
        shape_message:format("2147483648, 1073741824", "float64") },
      { "an overflow that an empty axis hides", header(UINT8, huge, huge, huge, 0),
        shape_message:format("4294967295, 4294967295, 4294967295, 0", "uint8") },
      { "more than 4 GiB", header(UINT8, 65536, 65537),
        limit_message:format("65536, 65537", "uint8", 4295032832, 4294967296) },
      { "more than 4 GiB after conversion", header(INT8, 65536, 65536),
        limit_message:format("65536, 65536", "int32", 17179869184, 4294967296) },
      { "more than a given limit", good, limit_message:format("2, 3", "uint8", 6, 5), { limit = 5 } },

      -- the body
      { "no body", header(UINT8, 2, 3), body_message:format(12, 18) },
      { "a body one byte short", good:sub(1, -2), body_message:format(17, 18) },
      { "half an element", header(FLOAT64, 2) .. ("x"):rep(12), body_message:format(20, 24) },
      { "one byte too many", good .. "g", extra_message:format(18) },
      { "a body behind an empty axis", header(UINT8, 0) .. "a", extra_message:format(8) },
      { "two files in one", good .. good, extra_message:format(18) },

      -- labels
      { "a label that is too large", header(UINT8, 3) .. "\0\9\10", "has label 10 in row 3, expected 0 to 9",
        { labels = 10 } },
      { "a negative label", header(INT8, 3) .. "\0\xff\10", "has label -1 in row 2, expected 0 to 9",
        { labels = 10 } },
      { "the largest label of 32 bits", header(INT32, 1) .. "\x7f\xff\xff\xff",
        "has label 2147483647 in row 1, expected 0 to 2147483646", { labels = 2147483647 } },
      { "labels in two dimensions", good,
        "has shape [2, 3], expected labels in one dimension", { labels = 10 } },
      { "labels with fractions", header(FLOAT32, 1) .. "\0\0\0\0",
        "holds float32, expected whole numbers as labels", { labels = 10 } },
      { "labels that take more than the limit as int32", header(UINT8, 3) .. "\0\0\0",
        limit_message:format("3", "int32", 12, 11), { labels = 10, limit = 11 } },

      -- gzip
      { "only gzip's two bytes", "\x1f\x8b", cut_message:format(0) },
      { "a cut gzip header", gzip(good):sub(1, 9), cut_message:format(0) },
      { "an unknown compression method", "\x1f\x8b\x07" .. gzip(good):sub(4),
        damage_message:format(0, "unknown compression method") },
      { "reserved gzip flags", "\x1f\x8b\x08\xe0" .. gzip(good):sub(5),
        damage_message:format(0, "unknown header flags set") },
      { "a wrong checksum of the gzip header", gzip(good, { start = "\x1f\x8b\x08\2\0\0\0\0\0\xff\0\0" }),
        damage_message:format(0, "header crc mismatch") },
      { "an invalid block", gzip(good, { data = "\7" }), damage_message:format(0, "invalid block type") },
      { "a stored block whose length is wrong", gzip(good, { data = "\1\5\0\0\0hello" }),
        damage_message:format(0, "invalid stored block lengths") },
      { "compressed data cut in the IDX header", gzip(good):sub(1, 20), cut_message:format(5) },
      { "compressed data cut in the body", gzip(good):sub(1, -12), cut_message:format(15) },
      { "no checksum", gzip(good):sub(1, -9), cut_message:format(18) },
      { "a cut checksum", gzip(good):sub(1, -6), cut_message:format(18) },
      { "a cut length", gzip(good):sub(1, -2), cut_message:format(18) },
      { "a wrong checksum", gzip(good, { crc = "\0\0\0\0" }),
        damage_message:format(18, "incorrect data check") },
      { "a wrong length", gzip(good, { length = "\19\0\0\0" }),
        damage_message:format(18, "incorrect length check") },
      { "a second gzip member with more", gzip(good) .. gzip(good), extra_message:format(18) },
      { "a second gzip member that is cut", gzip(good:sub(1, 9)) .. gzip(good:sub(10)):sub(1, -2),
        cut_message:format(18) },
      { "a second gzip member that is damaged", gzip(good:sub(1, 9)) .. gzip(good:sub(10), { crc = "\0\0\0\0" }),
        damage_message:format(18, "incorrect data check") },
      { "one byte after the gzip member", gzip(good) .. "\0", member_message },
      { "an empty gzip member", gzip "", short_message:format(0) },
      { "a compressed file that is too short", gzip(good:sub(1, 5)), header_message:format(5, 12, 2) },
      { "a compressed body that is too short", gzip(good:sub(1, 14)), body_message:format(14, 18) },
      { "a compressed body that is too long", gzip(good .. "g"), extra_message:format(18) },
      { "a compressed body that is far too long", gzip(good .. ("g"):rep(1000000)),
        extra_message:format(18) },
      { "a compressed file inside another", gzip(gzip(good)), start_message:format "1F 8B" },
    }

    for _, case in ipairs(catalogue) do
      local name, bytes, message, options = table.unpack(case, 1, 4)
      it(name, function()
        local tensor, got, code = read(bytes, options)
        assert.is_nil(tensor)
        assert.equal(path .. ": " .. message, got)
        assert.is_nil(code)
      end)
    end

    it("every cut of a good file", function()
      for _, bytes in ipairs { good, gzip(good) } do
        for size = 0, #bytes - 1 do assert.is_nil((read(bytes:sub(1, size)))) end
      end
    end)

    it("every changed bit that changes the content of a compressed file", function()
      local bytes = gzip(good)
      for position = 11, #bytes do -- the ten bytes before are the header; its time and system do not matter
        for bit = 0, 7 do
          local changed = string.char(bytes:byte(position) ~ 1 << bit)
          local tensor = read(bytes:sub(1, position - 1) .. changed .. bytes:sub(position + 1))
          -- The bits after a stored block's type fill up its byte and mean nothing.
          if not (position == 11 and bit >= 3) then assert.is_nil(tensor) end
        end
      end
    end)
  end)

  describe("reports from the system", function()
    it("a missing file", function()
      os.remove(path)
      local tensor, message, code = core.read_idx(path)
      assert.is_nil(tensor)
      assert.equal(path .. ": No such file or directory", message)
      assert.equal(2, code)
    end)

    it("a directory", function()
      local tensor, message, code = core.read_idx("tests/fixtures")
      assert.is_nil(tensor)
      assert.equal("tests/fixtures: Is a directory", message)
      assert.equal("number", type(code))
    end)
  end)

  it("closes its files", function()
    local bytes = gzip(header(UINT8, 1) .. "ab")
    command.write_file(path, bytes)
    for _ = 1, 3000 do assert.is_nil((core.read_idx(path))) end -- more than a process may have open
    assert.is_truthy(io.open(path)):close()
  end)

  describe("raises at the caller's line", function()
    local function raises(pattern, ...)
      local arguments = table.pack(...)
      local fine, message = pcall(function()
        local result = fnet.data.read_idx(table.unpack(arguments, 1, arguments.n))
        return result
      end)
      assert.is_false(fine)
      assert.matches("idx_spec.lua:%d+: ", message)
      assert.is_truthy(message:find(pattern, 1, true), message)
    end

    it("for arguments of the wrong type", function()
      raises("read_idx: expected a path, got nil")
      raises("read_idx: expected a path, got table", {})
      raises("read_idx: the path contains a zero byte", "a\0b")
      raises("read_idx: expected a table of options, got number", "a", 7)
    end)

    it("also of the public function", function()
      local read_idx = require("fnet").data.read_idx
      for _, arguments in ipairs { { 5 }, {}, { "a\0b" }, { "a", 7 }, { "a", { limits = 1 } } } do
        local fine, message = pcall(function() local _ = read_idx(table.unpack(arguments)) end)
        assert.is_false(fine)
        assert.matches("idx_spec.lua:%d+: read_idx: ", message)
      end
    end)

    it("for options that make no sense", function()
      raises("read_idx: unknown option 'limits' (did you mean 'limit'?); known are limit, labels", "a",
        { limits = 1 })
      raises("read_idx: unknown option '1'; known are limit, labels", "a", { 1 })
      for _, value in ipairs { 0, -1, 1.5, 0 / 0, 2 ^ 63, "9", {} } do
        raises("read_idx: limit: expected a whole number of at least 1, got", "a", { limit = value })
        raises("read_idx: labels: expected a whole number from 1 to 2147483647, got", "a", { labels = value })
      end
    end)
  end)
end)

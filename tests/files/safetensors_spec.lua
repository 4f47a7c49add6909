--- safetensors files: round trips, the types of other programs, and everything that is refused before it is used.

local fnet = require "fnet"
local json = require "fnet.files.json"
local safetensors = require "fnet.files.safetensors"
local command = require "tests.support.command"
local support = require "tests.support"

local directory, path
setup(function()
  directory = command.make_directory()
  path = directory .. "/file.safetensors"
end)
teardown(function() command.remove_directory(directory) end)

-- A file with any header, as text or as a table.
local function write(header, data, length)
  local text = type(header) == "string" and header or json.encode(header)
  command.write_file(path, string.pack("<I8", length or #text) .. text .. (data or ""))
end

local function entry(dtype, shape, first, last)
  return { dtype = dtype, shape = json.array(shape), data_offsets = json.array { first, last } }
end

describe("tensors in a file", function()
  it("come back with their types, shapes and bits", function()
    local tensors = {
      float = fnet.tensor { 1.5, -0.0, 1e-45 }, double = fnet.tensor({ { 0.1, 1 / 3 } }, "float64"),
      byte = fnet.tensor({ { 0 }, { 255 } }, "uint8"), whole = fnet.tensor({ -2 ^ 31, 2 ^ 31 - 1 }, "int32"),
      one = fnet.tensor(7), none = fnet.zeros { 0, 3 }, ["an odd \"name\"\n"] = fnet.zeros { 1 },
      view = fnet.arange(1, 6):reshape { 2, 3 }:T(),
    }
    assert.is_true(fnet.write_tensors(path, tensors, { note = "eine Zeile\nnoch eine" }))
    local back, metadata = fnet.read_tensors(path)
    for name, tensor in pairs(tensors) do
      assert.equal(tensor.dtype, back[name].dtype)
      assert.same(tensor.shape, back[name].shape)
      assert.equal(tensor:bytes(), back[name]:bytes())
      back[name] = nil
    end
    assert.same({}, back)
    assert.equal("eine Zeile\nnoch eine", metadata.note)
  end)

  it("begin at multiples of their element's size", function()
    fnet.write_tensors(path, { a = fnet.zeros({ 3 }, "uint8"), b = fnet.zeros { 1 }, c = fnet.zeros({ 1 },
      "float64") })
    local names = {}
    for i, each in ipairs(safetensors.describe(path).entries) do names[i] = each.name end
    assert.same({ "c", "b", "a" }, names)
    local length = string.unpack("<I8", command.read_file(path))
    assert.equal(0, length % 8)
  end)

  it("of the types that other programs write become the nearest of ours", function()
    local f16 = { 0x0000, 0x8000, 0x3C00, 0xC000, 0x7BFF, 0x0001, 0x03FF, 0x0400, 0x3555 }
    local bytes = ""
    for _, bits in ipairs(f16) do bytes = bytes .. string.pack("<I2", bits) end
    bytes = bytes .. string.pack("<I2I2", 0x3F80, 0xC2F7) .. string.pack("<i8i8", -5, 2 ^ 31 - 1)
      .. string.pack("<I2i2i1", 65535, -3, -128) .. "\1"
    write({ half = entry("F16", { 9 }, 0, 18), brain = entry("BF16", { 2 }, 18, 22), long = entry("I64", { 2 }, 22,
      38),
      unsigned = entry("U16", { 1 }, 38, 40), short = entry("I16", { 1 }, 40, 42), tiny = entry("I8", { 1 }, 42,
        43),
      truth = entry("BOOL", {}, 43, 44) }, bytes)
    local t = assert(fnet.read_tensors(path))
    support.holds({ 9 }, { 0, -0.0, 1, -2, 65504, 2.0 ^ -24, 1023 * 2.0 ^ -24, 2.0 ^ -14, 0x0.555p0 }, t.half)
    support.holds({ 2 }, { 1, -123.5 }, t.brain)
    support.holds({ 2 }, { -5, 2 ^ 31 - 1 | 0 }, t.long, "int32")
    support.holds({ 1 }, { 65535 }, t.unsigned, "int32")
    support.holds({ 1 }, { -3 }, t.short, "int32")
    support.holds({ 1 }, { -128 }, t.tiny, "int32")
    support.holds({}, { 1 }, t.truth, "uint8")
  end)

  it("of any float type keep zeros, denormals, infinities and NaN", function()
    local halves = { 0x8000, 0x0001, 0x83FF, 0x7C00, 0xFC00, 0x7E01, 0xFC01 }
    local brains = { 0x8000, 0x0001, 0x807F, 0x7F80, 0xFF80, 0x7FC1, 0xFF81 }
    local bytes = string.pack(("<I2"):rep(14), table.unpack(table.move(brains, 1, 7, 8, { table.unpack(halves) })))
      .. string.pack("<I4I4i8i8", 0x80000001, 0xFF800001, math.mininteger + 1, 0x7FF0000000000001)
    write({ half = entry("F16", { 7 }, 0, 14), brain = entry("BF16", { 7 }, 14, 28), float = entry("F32", { 2 }, 28,
      36), double = entry("F64", { 2 }, 36, 52) }, bytes)
    local t = assert(fnet.read_tensors(path, { finite = false }))
    local function bits(tensor) return { string.unpack(("=I4"):rep(#tensor), tensor:bytes()) } end
    local expected = {}
    for i, brain in ipairs(brains) do expected[i] = brain << 16 end
    assert.same(expected, { table.unpack(bits(t.brain), 1, 7) })
    assert.same({ 0x80000000, 0x33800000, 0xB87FC000, 0x7F800000, 0xFF800000, 0x7FC02000, 0xFF802000 },
      { table.unpack(bits(t.half), 1, 7) })
    assert.equal(bytes:sub(29, 36), t.float:bytes())
    assert.equal(bytes:sub(37), t.double:bytes())
  end)

  it("that are not finite are accepted when asked for", function()
    write({ x = entry("F16", { 2 }, 0, 4) }, string.pack("<I2I2", 0x7C00, 0x7E00))
    local back, message = fnet.read_tensors(path)
    assert.is_nil(back)
    assert.equal(path .. ": the tensor 'x' holds a value that is not finite; { finite = false } accepts it",
      message)
    local values = assert(fnet.read_tensors(path, { finite = false })).x:totable()
    assert.equal(math.huge, values[1])
    assert.is_true(values[2] ~= values[2])
  end)
end)

describe("tensors that are asked for by name", function()
  -- Of many types, two of which fnet reads.
  local function mixed()
    write({ x = entry("F32", { 2 }, 0, 8), e4 = entry("F8_E4M3", { 3 }, 8, 11),
      e5 = entry("F8_E5M2", { 1 }, 11, 12), wave = entry("C64", { 1 }, 12, 20),
      four = entry("F4", { 2, 2 }, 20, 22), six = entry("F6_E2M3", { 4 }, 22, 25),
      scale = entry("F8_E8M0", { 1 }, 25, 26), future = entry("X128", { 5 }, 26, 30),
      deep = entry("U8", { 1, 1, 1, 1, 1, 1, 1, 1, 1 }, 30, 31), ids = entry("I64", { 1 }, 31, 39),
      y = entry("U8", { 2 }, 39, 41), bad = entry("F32", { 1 }, 41, 45) },
      string.pack("<ff", 1, 2) .. ("\0"):rep(23) .. string.pack("<i8", 1 << 40) .. "\7\8"
        .. string.pack("<f", 0 / 0))
  end

  it("are read though others cannot be", function()
    mixed()
    local tensors, metadata = fnet.read_tensors(path, { names = { "y", "x" } })
    support.holds({ 2 }, { 1, 2 }, tensors.x)
    support.holds({ 2 }, { 7, 8 }, tensors.y, "uint8")
    tensors.x, tensors.y = nil, nil
    assert.same({}, tensors)
    assert.same({}, metadata)
    local function refused(message, names)
      assert.same({ nil, path .. ": " .. message }, { fnet.read_tensors(path, { names = names }) })
    end
    refused("the tensor 'e4' is of type F8_E4M3, which fnet cannot convert; without it: "
      .. '{ names = { "x", "e5", "wave", "four", ... } }')
    refused("the tensor 'wave' is of type C64, which fnet cannot convert", { "x", "wave" })
    refused("the tensor 'future' has the unknown type X128", { "future" })
    refused("the tensor 'deep' has 9 axes, fnet has up to 8", { "deep" })
    refused("the tensor 'ids' holds, as element 1, a whole number that int32 cannot hold", { "ids" })
    refused("the tensor 'bad' holds a value that is not finite; { finite = false } accepts it", { "bad" })
    refused("holds no tensor 'Y' (did you mean 'y'?); fnet info lists what it holds", { "Y" })
    support.raises("read_tensors: names: expected a list of names, got string",
      function() fnet.read_tensors(path, { names = "x" }) end)
  end)

  it("are all described", function()
    mixed()
    local types = {}
    for _, each in ipairs(assert(safetensors.describe(path)).entries) do types[each.name] = each.type end
    assert.same({ x = "F32", e4 = "F8_E4M3", e5 = "F8_E5M2", wave = "C64", four = "F4", six = "F6_E2M3",
      scale = "F8_E8M0", future = "X128", deep = "U8", ids = "I64", y = "U8", bad = "F32" }, types)
    write({ four = entry("F4", { 2, 2 }, 0, 3) }, "abc")
    assert.equal(path .. ": the tensor 'four' has the offsets 0 to 3, but its shape [2, 2] of F4 needs 2 bytes",
      select(2, safetensors.describe(path)))
  end)

  it("come from a file that is checked as a whole where fnet wrote it", function()
    assert(fnet.write_tensors(path, { a = fnet.tensor { 1, 2 }, b = fnet.tensor { 3 } }))
    local whole = command.read_file(path)
    support.holds({ 1 }, { 3 }, assert(fnet.read_tensors(path, { names = { "b" } })).b)
    command.write_file(path, (whole:gsub(string.pack("<f", 2):gsub("%W", "%%%0"), string.pack("<f", 4))))
    assert.equal(path .. ": does not match its checksum: it is damaged, or another program changed it",
      select(2, fnet.read_tensors(path, { names = { "b" } })))
    support.holds({ 1 }, { 3 }, assert(fnet.read_tensors(path, { names = { "b" }, checksum = false })).b)
  end)
end)

describe("a file of fnet", function()
  it("goes through Python's safetensors and NumPy and comes back the same", function()
    if not command.python_has "safetensors, numpy" then
      pending "left out: this Python has no safetensors and NumPy; pip install safetensors numpy, set FNET_PYTHON"
      return
    end
    local tensors = { a = fnet.rand { 3, 2 }, b = fnet.rand({ 2 }, 0, 1, "float64"),
      c = fnet.tensor({ -1, 2 ^ 31 - 1 }, "int32"), d = fnet.tensor({ { 0, 255 } }, "uint8") }
    assert(fnet.write_tensors(directory .. "/a.safetensors", tensors))
    assert(fnet.data.write_npy(directory .. "/x.npy", tensors.a))
    local script = command.quote(command.directory .. "/tests/fixtures/safetensors_check.py")
    local result = command.shell(directory, command.python .. " " .. script)
    assert.equal("", result.errors)
    assert.equal("a float32 [3, 2]\nb float64 [2]\nc int32 [2]\nd uint8 [1, 2]\n", result.output)
    local back = assert(fnet.read_tensors(directory .. "/b.safetensors"))
    for name, tensor in pairs(tensors) do assert.equal(tensor:bytes(), back[name]:bytes()) end
    assert.equal(tensors.a:bytes(), fnet.data.read_npy(directory .. "/y.npy"):bytes())
  end)
end)

describe("a damaged file", function()
  local good = entry("U8", { 2 }, 0, 2)
  local cases = {
    ["that is empty"] = { function() command.write_file(path, "") end,
      "is 0 bytes long, expected at least the 8 bytes of a safetensors file" },
    ["with half a length"] = { function() command.write_file(path, "\1\0\0") end,
      "is 3 bytes long, expected at least the 8 bytes of a safetensors file" },
    ["with a huge header"] = { function() write("{}", "", 100000001) end,
      "is no safetensors file: it declares a header of 100000001 bytes, expected 2 to 100000000" },
    ["with a header of more than 2^63 bytes"] = { function() write("{}", "", -1) end,
      "is no safetensors file: it declares a header of more than 2^63 bytes, expected 2 to 100000000" },
    ["with a header beyond its end"] = { function() write("{}", "", 3) end,
      "declares a header of 3 bytes, but only 2 follow" },
    ["with a space before the header"] = { function() write " {}" end, "its header does not begin with '{'" },
    ["with an array as header"] = { function() write "[]" end, "its header does not begin with '{'" },
    ["with broken JSON"] = { function() write '{"a":' end,
      "its header is not valid JSON: at byte 6: expected a value" },
    ["with a name twice"] = { function() write '{"a":1,"a":1}' end,
      "its header is not valid JSON: at byte 8: the key 'a' comes twice" },
    ["with metadata that is no object"] = { function() write '{"__metadata__":[]}' end,
      "its __metadata__ is not an object" },
    ["with metadata that is no text"] = { function() write { __metadata__ = { a = 1 } } end,
      "its metadata 'a' is not a text" },
    ["with a number as tensor"] = { function() write { a = 1 } end,
      "the tensor 'a' is not described by an object" },
    ["with an unknown field"] = { function() write { a = { extra = 1 } } end,
      "the tensor 'a' has the unknown field 'extra'" },
    ["with an unknown type"] = { function() write({ a = entry("F31", { 2 }, 0, 2) }, "ab") end,
      "the tensor 'a' has the unknown type F31" },
    ["with no type"] = { function() write { a = { shape = json.array {} } } end,
      "the tensor 'a' has no type" },
    ["without a shape"] = { function() write { a = { dtype = "U8", data_offsets = { 0, 2 } } } end,
      "the tensor 'a' has no shape" },
    ["without offsets"] = { function() write { a = { dtype = "U8", shape = { 2 } } } end,
      "the tensor 'a' has no data_offsets of two whole numbers" },
    ["with a negative offset"] = { function() write { a = entry("U8", { 2 }, -2, 0) } end,
      "the tensor 'a' has no data_offsets of two whole numbers" },
    ["with a fraction as length"] = { function() write { a = entry("U8", { 1.5 }, 0, 2) } end,
      "the tensor 'a' has a shape of something else than whole numbers from 0" },
    ["with a negative length"] = { function() write { a = entry("U8", { -1 }, 0, 2) } end,
      "the tensor 'a' has a shape of something else than whole numbers from 0" },
    ["with a product beyond 2^63"] = { function() write { a = entry("F32", { 1 << 31, 1 << 31, 4 }, 0, 2) } end,
      "the tensor 'a' has a shape larger than any memory" },
    ["with offsets that do not fit the shape"] = { function() write({ a = entry("F32", { 2 }, 0, 2) }, "ab") end,
      "the tensor 'a' has the offsets 0 to 2, but its shape [2] of F32 needs 8 bytes" },
    ["with offsets the wrong way round"] = { function() write({ a = entry("U8", { 2 }, 2, 0) }, "ab") end,
      "the tensor 'a' has the offsets 2 to 0, but its shape [2] of U8 needs 2 bytes" },
    ["with a hole"] = { function() write({ a = good, b = entry("U8", { 1 }, 3, 4) }, "abcd") end,
      "the tensor 'b' begins at byte 3 of the data, expected 2: tensors must lie one after the other "
      .. "without holes" },
    ["with tensors that overlap"] = { function() write({ a = good, b = entry("U8", { 2 }, 1, 3) }, "abc") end,
      "the tensor 'b' begins at byte 1 of the data, expected 2: tensors must lie one after the other "
      .. "without holes" },
    ["that is cut short"] = { function() write({ a = good }, "a") end,
      "the tensor 'a' ends at byte 2 of the data, but the file has only 1" },
    ["with bytes at the end"] = { function() write({ a = good }, "abc") end,
      "1 bytes of data follow the last tensor, which ends at byte 2" },
    ["with nine axes"] = { function() write({ a = entry("U8", { 1, 1, 1, 1, 1, 1, 1, 1, 2 }, 0, 2) }, "ab") end,
      "the tensor 'a' has 9 axes, fnet has up to 8" },
    ["with a million axes"] = { function()
      local axes = {}
      for i = 1, 1000001 do axes[i] = 1 end
      write({ a = entry("U8", axes, 0, 1) }, "a") end,
      "the tensor 'a' has 1000001 axes, which no program has that writes such files" },
    ["with a name that a terminal would obey"] = { function() write { ["\27[31m\u{202E}"] = 1 } end,
      "the tensor '\\x1B[31m\\u{202E}' is not described by an object" },
    ["with a type that fnet lacks"] = { function() write({ a = entry("F8_E4M3", { 2 }, 0, 2) }, "ab") end,
      "the tensor 'a' is of type F8_E4M3, which fnet cannot convert" },
    ["with a number beyond int32"] = { function() write({ a = entry("U32", { 1 }, 0, 4) }, "\0\0\0\x80") end,
      "the tensor 'a' holds, as element 1, a whole number that int32 cannot hold" },
    ["with the largest number of 64 bits"] = { function()
      write({ a = entry("U64", { 2 }, 0, 16) }, string.pack("<i8i8", 2 ^ 31 - 1 | 0, -1)) end,
      "the tensor 'a' holds, as element 2, a whole number that int32 cannot hold" },
    ["with a number below int32"] = { function()
      write({ a = entry("I64", { 2 }, 0, 16) }, string.pack("<i8i8", -2 ^ 31 | 0, -2 ^ 31 - 1 | 0)) end,
      "the tensor 'a' holds, as element 2, a whole number that int32 cannot hold" },
    ["with an empty shape that overflows"] = { function()
      write { a = entry("F32", { 0, 1 << 31, 1 << 31, 4 }, 0, 0) } end,
      "the tensor 'a' has a shape larger than any memory" },
    ["with a type in small letters"] = { function() write({ a = entry("u8", { 2 }, 0, 2) }, "ab") end,
      "the tensor 'a' has the unknown type u8" },
    ["of fnet without its checksum"] = { function() write { __metadata__ = { ["fnet.version"] = "1" } } end,
      "is of fnet, but has no checksum" },
    ["with a checksum of another form"] = { function() write { __metadata__ = { ["fnet.checksum"] = "1" } } end,
      "does not match its checksum: it is damaged, or another program changed it" },
  }
  for name, case in pairs(cases) do
    it(name .. " is refused", function()
      case[1]()
      local tensors, message, code = fnet.read_tensors(path)
      assert.is_nil(tensors)
      assert.equal(path .. ": " .. case[2], message)
      assert.is_nil(code)
    end)
  end

  it("is refused for every single bit that flips and every length that it is cut to", function()
    assert.is_true(fnet.write_tensors(path, { w = fnet.tensor({ 1, 2 }, "uint8") }))
    local whole = command.read_file(path)
    assert.is_table(fnet.read_tensors(path))
    local accepted = 0
    local function try(content)
      command.write_file(path, content)
      if fnet.read_tensors(path, { finite = false }) then accepted = accepted + 1 end
    end
    for length = 0, #whole - 1 do try(whole:sub(1, length)) end
    for at = 1, #whole do
      for bit = 0, 7 do
        try(whole:sub(1, at - 1) .. string.char(whole:byte(at) ~ 1 << bit) .. whole:sub(at + 1))
      end
    end
    assert.equal(0, accepted)
  end)

  it("that another program changed is accepted when asked for", function()
    fnet.write_tensors(path, { w = fnet.tensor { 1, 2 } })
    local whole = command.read_file(path)
    command.write_file(path, whole:sub(1, -5) .. string.pack("<f", 5))
    assert.matches("does not match its checksum", select(2, fnet.read_tensors(path)))
    support.holds({ 2 }, { 1, 5 }, assert(fnet.read_tensors(path, { checksum = false })).w)
  end)
end)

describe("the environment", function()
  it("that refuses to read gives nil, a message and a code", function()
    assert.same({ nil, directory .. "/none: No such file or directory", 2 },
      { fnet.read_tensors(directory .. "/none") })
    local _, message, code = fnet.read_tensors(directory)
    assert.equal(directory .. ": Is a directory", message)
    assert.equal(21, code)
  end)

  it("that refuses to write gives nil, a message and a code, and leaves no litter", function()
    local none = directory .. "/none/file"
    assert.same({ nil, none .. ": no file can be made in its directory: No such file or directory", 2 },
      { fnet.write_tensors(none, {}) })
    local _, message, code = fnet.write_tensors(directory, {})
    assert.equal(directory .. ": Is a directory", message)
    assert.equal(21, code)
    assert.equal("/dev/null: is a device, a pipe or the like; only an ordinary file can be replaced: name one",
      select(2, fnet.write_tensors("/dev/null", {})))
    local long = directory .. "/" .. ("x"):rep(300)
    assert.equal(long .. ": File name too long", select(2, fnet.write_tensors(long, {})))
    assert.equal("", command.shell(directory, "ls *.part 2>/dev/null").output)
  end)
end)

describe("wrong arguments", function()
  it("raise at the caller's line", function()
    local raises, t = support.raises, fnet.zeros { 1 }
    raises("read_tensors: expected a path, got number", function() fnet.read_tensors(5) end)
    raises("read_tensors: unknown option 'finit' (did you mean 'finite'?); known are names, finite, checksum",
      function() fnet.read_tensors(path, { finit = false }) end)
    raises("write_tensors: expected a path, got nil", function() fnet.write_tensors() end)
    raises("write_tensors: expected a table of tensors by name, got float32 [1]",
      function() fnet.write_tensors(path, t) end)
    raises("write_tensors: expected tensors by name, got 1 = float32 [1]",
      function() fnet.write_tensors(path, { t }) end)
    raises("write_tensors: expected tensors by name, got a = number",
      function() fnet.write_tensors(path, { a = 5 }) end)
    raises("write_tensors: expected a table of texts by name, got string",
      function() fnet.write_tensors(path, { a = t }, "x") end)
    raises("write_tensors: metadata: expected texts in UTF-8 by name",
      function() fnet.write_tensors(path, {}, { a = 1 }) end)
    raises("write_tensors: metadata: 'fnet.seed': names with fnet. are fnet's own",
      function() fnet.write_tensors(path, {}, { ["fnet.seed"] = "1" }) end)
    raises("write_tensors: the path contains a zero byte", function() fnet.write_tensors("a\0b", {}) end)
  end)
end)

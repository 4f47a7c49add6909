--- .npy and .npz files: what NumPy wrote is read as it was, what fnet writes NumPy reads, and damage is an error.
-- The files in tests/fixtures/numpy were recorded by the script there. Where python3 has NumPy, the same script
-- records them anew and NumPy reads fnet's files; where it has not, the specs say so.

local fnet = require "fnet"
local command = require "tests.support.command"
local support = require "tests.support"
local data = fnet.data
local raises = support.raises

local FIXTURES = "tests/fixtures/numpy"

local directory
setup(function() directory = command.make_directory() end)
teardown(function() command.remove_directory(directory) end)

local function sequence(f)
  local list = {}
  for i = 0, 23 do list[#list + 1] = f(i) end
  return list
end

local function check_recorded(where)
  local float, negative = sequence(function(i) return i + 0.0 end), sequence(function(i) return -i end)
  local whole = sequence(function(i) return i end)
  local expected = {
    f4 = { float }, f4_big = { float }, f8 = { sequence(function(i) return i / 3 end), "float64" },
    f8_big = { float, "float64" }, f2 = { sequence(function(i) return i / 4 end) }, u1 = { whole, "uint8" },
    i1 = { negative, "int32" }, i2_big = { negative, "int32" }, u2 = { whole, "int32" }, i4 = { negative, "int32" },
    u4 = { whole, "int32" }, i8 = { negative, "int32" }, u8_big = { whole, "int32" },
    bool = { sequence(function(i) return 1 - i % 2 end), "uint8" }, fortran = { whole, "int32" },
    scalar = { { 3.5 }, "float32", {} }, empty = { {}, "float32", { 0, 3 } },
    row = { { 0, 1, 2, 3, 4 }, "int32", { 5 } },
  }
  for _, name in ipairs { "stored.npz", "deflated.npz" } do
    local tensors = assert(data.read_npz(where .. "/" .. name))
    for key, case in pairs(expected) do
      local t = assert(tensors[key], key)
      if #case[1] == 1 then assert.same({ 3.5, 0 }, { t:item(), t.rank })
      else support.holds(case[3] or { 2, 3, 4 }, case[1], t, case[2]) end
      tensors[key] = nil
    end
    assert.is_nil(next(tensors))
  end
  support.holds({ 2, 3, 4 }, whole, assert(data.read_npy(where .. "/fortran.npy")), "int32")
  support.holds({ 2, 3, 4 }, float, assert(data.read_npy(where .. "/version2.npy")))
  local function refused(file, message)
    local t, got = data.read_npy(where .. "/" .. file)
    assert.is_nil(t)
    assert.equal(("%s/%s: %s"):format(where, file, message), got)
  end
  refused("objects.npy", "holds Python objects, which would have to be unpickled (type '|O'); expected numbers")
  refused("records.npy", "holds records of several fields; expected numbers")
  refused("too_large.npy", "holds, as element 2, a whole number that int32 cannot hold")
end

local function some_tensors()
  return {
    ["layer 1/weight"] = fnet.rand { 3, 4 }:T(), y = fnet.tensor({ 1, -2, 3 }, "int32"),
    bytes = fnet.arange(0, 255, 1, "uint8"):reshape { 16, 16 }, one = fnet.tensor(2.5, "float64"),
    none = fnet.zeros { 2, 0 },
  }
end

local function same(a, b)
  for name, t in pairs(a) do
    assert.same({ t.shape, t.dtype }, { b[name].shape, b[name].dtype })
    assert.is_true(t:equal(b[name]))
  end
  for name in pairs(b) do assert.is_truthy(a[name], name) end
end

-- A .npy file as another program may write it.
local function npy_text(description, shape, content, fortran)
  return "\x93NUMPY\1\0" .. string.pack("<s2", ("{'descr': '%s', 'fortran_order': %s, 'shape': (%s,), }"):format(
    description, fortran and "True" or "False", table.concat(shape, ", "))) .. content
end

-- One element as a file has it.
local function read_one(description, content)
  command.write_file(directory .. "/one.npy", npy_text(description, { 1 }, content))
  return data.read_npy(directory .. "/one.npy")
end

describe("npy and npz", function()
  it("as NumPy wrote them are read as they were", function() check_recorded(FIXTURES) end)

  if not command.python_has "numpy" then
    pending "as NumPy here writes them: left out, this Python has no NumPy: pip install numpy, and set FNET_PYTHON"
  else
    it("as NumPy here writes them are read, and NumPy reads ours", function()
      local result = command.shell(directory, command.python .. " "
        .. command.quote(("%s/%s/record.py"):format(command.directory, FIXTURES)) .. " .")
      assert.same({ 0, "" }, { result.status, result.errors })
      check_recorded(directory)
      local tensors = some_tensors()
      assert(data.write_npz(directory .. "/ours.npz", tensors))
      assert(data.write_npz(directory .. "/packed.npz", tensors, { compress = true }))
      assert(data.write_npy(directory .. "/ours.npy", tensors["layer 1/weight"]))
      result = command.shell(directory, command.python .. [[ -c '
import numpy as np
a, b, w = np.load("ours.npz"), np.load("packed.npz"), np.load("ours.npy")
for name in sorted(a.files):
    assert a[name].dtype == b[name].dtype and (a[name] == b[name]).all()
    print(name, a[name].dtype, a[name].shape)
print((w == a["layer 1/weight"]).all(), a["bytes"][15, 15], a["y"][1])']])
      assert.equal("", result.errors)
      assert.equal("bytes uint8 (16, 16)\nlayer 1/weight float32 (4, 3)\nnone float32 (2, 0)\none float64 ()\n"
        .. "y int32 (3,)\nTrue 255 -2\n", result.output)
    end)
  end

  it("written and read again are the same, bit for bit", function()
    local tensors = some_tensors()
    for _, compress in ipairs { false, true } do
      local path = directory .. "/again.npz"
      assert.is_true(data.write_npz(path, tensors, { compress = compress }))
      local first = command.read_file(path)
      same(tensors, assert(data.read_npz(path)))
      assert(data.write_npz(path, tensors, { compress = compress }))
      assert.equal(first, command.read_file(path)) -- no time, no order of a hash table
    end
    local t = fnet.randn({ 50, 3 }, 0, 1, "float64")
    assert(data.write_npy(directory .. "/t.npy", t))
    assert.is_true(t:equal(assert(data.read_npy(directory .. "/t.npy"))))
    assert.equal(128 + t:count() * 8, #command.read_file(directory .. "/t.npy"))
    assert(data.write_npz(directory .. "/none.npz", {}))
    assert.same({}, (data.read_npz(directory .. "/none.npz")))
  end)

  it("read float16 exactly, denormal numbers, infinity and NaN too", function()
    local cases = { [0x0001] = 2 ^ -24, [0x03FF] = 1023 * 2 ^ -24, [0x0400] = 2 ^ -14, [0x3C00] = 1.0,
      [0x7BFF] = 65504.0, [0x7C00] = math.huge, [0xFC00] = -math.huge, [0xC000] = -2.0, [0x3555] = 1365 / 4096 }
    for bits, value in pairs(cases) do
      assert.equal(value, assert(read_one(">f2", string.pack(">I2", bits)))[1])
      assert.equal(value, assert(read_one("<f2", string.pack("<I2", bits)))[1])
    end
    local nan = read_one(">f2", "\x7E\x01")[1]
    assert.is_true(nan ~= nan)
    for _, case in ipairs { { "i8", -2 ^ 31, true }, { "i8", -2 ^ 31 - 1, false }, { "u4", 2 ^ 31 - 1, true },
      { "u4", 2 ^ 31, false }, { "i4", -2 ^ 31, true }, { "i1", -128, true }, { "i8", math.mininteger, false } } do
      local bytes = string.pack("<i8", math.tointeger(case[2])):sub(1, tonumber(case[1]:sub(2)))
      local t, problem = read_one("<" .. case[1], bytes)
      if case[3] then assert.equal(math.tointeger(case[2]), t[1])
      else assert.matches(": holds, as element 1, a whole number that int32 cannot hold$", problem) end
    end
  end)

  it("keep the bits of special floats, and half a NaN's in float16", function()
    local function bits(description, format, ...)
      local path = directory .. "/special.npy"
      command.write_file(path, ("\x93NUMPY\1\0") .. string.pack("<s2",
        ("{'descr': '%s', 'fortran_order': False, 'shape': (%d,), }"):format(description, select("#", ...)))
        .. string.pack(format:rep(select("#", ...)), ...))
      return assert(data.read_npy(path)):bytes()
    end
    local floats = { 0x80000000, 1, 0x807FFFFF, 0x7F800000, 0xFF800000, 0x7FC00001, 0xFF800001 }
    for _, description in ipairs { "<f4", ">f4" } do
      assert.equal(string.pack(("=I4"):rep(7), table.unpack(floats)),
        bits(description, description:sub(1, 1) .. "I4", table.unpack(floats)))
    end
    local doubles = { math.mininteger, 1, 0x7FF0000000000000, 0x7FF8000000000001, -1 }
    assert.equal(string.pack("=i8i8i8i8i8", table.unpack(doubles)), bits(">f8", ">i8", table.unpack(doubles)))
    assert.equal(string.pack("=I4I4I4I4I4", 0x80000000, 0x33800000, 0xFF800000, 0x7FC02000, 0xFF802000),
      bits("<f2", "<I2", 0x8000, 1, 0xFC00, 0x7E01, 0xFC01))
  end)

  it("come through a pipe as well", function()
    local t = fnet.randn { 300, 200 }
    assert(data.write_npy(directory .. "/piped.npy", t))
    local pipe = command.quote(directory .. "/pipe")
    assert(os.execute(("mkfifo %s && (cat %s >%s &)"):format(pipe, command.quote(directory .. "/piped.npy"), pipe)))
    assert.is_true(t:equal(assert(data.read_npy(directory .. "/pipe"))))
    assert(os.execute(("(cat %s >%s &)"):format(command.quote(directory .. "/piped.npy"), pipe)))
    assert.equal(directory .. "/pipe: is no ordinary file, whose rows can be read in any order",
      select(2, data.open_npy(directory .. "/pipe")))
  end)

  it("refuse whole numbers beyond int32 with their place", function()
    for kind, values in pairs { ["<u8"] = { 7, 2 ^ 31 - 1 | 0, -1 }, [">u8"] = { 7, 8, math.mininteger },
      ["<i8"] = { -2 ^ 31 | 0, 0, -2 ^ 31 - 1 | 0 }, ["<u4"] = { 0, 1, 2 ^ 31 | 0 } } do
      local format = kind:sub(1, 1) .. "i" .. kind:sub(3)
      if kind == "<u4" then format = "<I4" end
      local path = directory .. "/large.npy"
      command.write_file(path, "\x93NUMPY\1\0" .. string.pack("<s2",
        ("{'descr': '%s', 'fortran_order': False, 'shape': (3,), }"):format(kind))
        .. string.pack(format:rep(3), table.unpack(values)))
      assert.same({ nil, path .. ": holds, as element 3, a whole number that int32 cannot hold" },
        { data.read_npy(path) })
    end
  end)
end)

describe("damage of", function()
  local path
  before_each(function() path = directory .. "/damaged" end)

  local function read(reader, bytes)
    command.write_file(path, bytes)
    local value, message, code = reader(path)
    if not value then
      assert.equal(path .. ": ", message:sub(1, #path + 2))
      assert.is_nil(code)
    end
    return value, message and message:sub(#path + 3)
  end

  local function npy(description, content, version)
    local length = string.pack(version == 2 and "<I4" or "<I2", #description)
    return ("\x93NUMPY%c\0%s%s%s"):format(version or 1, length, description, content or "")
  end

  local good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }"
  local function described(changes)
    local text = good:gsub("%%", "%%%%")
    for from, to in pairs(changes) do text = text:gsub(from, to) end
    return npy(text, "\0\0\0\0\0\0\0\0")
  end

  local catalogue = {
    { "an empty file", "", "is empty, expected a .npy file" },
    { "another file", "PK\3\4............", "does not begin as a .npy file does, with 93 NUMPY" },
    { "no version", "\x93NUMPY\1", "ends inside its header" },
    { "version 4", "\x93NUMPY\4\0\0\0\0\0", "is of version 4.0; expected 1.0, 2.0 or 3.0" },
    { "a cut length", "\x93NUMPY\2\0\1\0", "ends inside its header" },
    { "a cut header", npy(good):sub(1, 40), "ends inside its header" },
    { "a huge header", "\x93NUMPY\2\0\xff\xff\xff\x7f",
      "declares a header of 2147483647 bytes; the limit is 65536" },
    { "no dictionary", npy("[1, 2]"), "has a damaged header; expected { ... }" },
    { "code", npy("{'descr': __import__('os'), }"), "has a damaged header at 'descr'" },
    { "an unknown field", described { ["'shape'"] = "'size'" }, "has a header with the unknown field 'size'" },
    { "a field twice", npy("{'shape': (1,), 'shape': (2,)}"), "has a damaged header at 'shape'" },
    { "no shape", described { [", 'shape': %(2,%)"] = "" }, "has no 'shape' in its header" },
    { "a negative shape", described { ["2,"] = "-2," }, "has the shape (-2,); expected whole numbers" },
    { "nine axes", described { ["2,"] = "1,1,1,1,1,1,1,1,1" }, "has 9 axes; fnet has at most 8" },
    { "a shape that overflows", described { ["2,"] = "999999999999,999999999999" },
      "declares the shape [999999999999, 999999999999], more than any memory" },
    { "an overflow behind an empty axis", described { ["2,"] = "0,999999999999,999999999999" },
      "declares the shape [0, 999999999999, 999999999999], more than any memory" },
    { "a shape above its bytes", described { ["2,"] = "3," },
      "has 8 bytes of elements, but its shape [3] needs 12" },
    { "too many bytes", described { ["2,"] = "1," }, "has 8 bytes of elements, but its shape [1] needs 4" },
    { "complex numbers", described { ["<f4"] = "<c8" }, "holds complex numbers (type '<c8'); expected numbers" },
    { "texts", described { ["<f4"] = "<U3" }, "holds texts (type '<U3'); expected numbers" },
    { "long doubles", described { ["<f4"] = "<f16" },
      "has the type '<f16'; expected bool, int, uint or float of up to 64 bits" },
    { "an order that is neither", described { False = "Maybe" }, "has no 'fortran_order' of True or False" },
  }
  for _, case in ipairs(catalogue) do
    it("npy: " .. case[1], function()
      local t, message = read(data.read_npy, case[2])
      assert.same({ nil, case[3] }, { t, message })
    end)
  end

  it("npy: every cut and every changed bit gives an error or a tensor", function()
    local bytes = npy(good, string.pack("<ff", 1.5, 2.5))
    assert.same({ 1.5, 2.5 }, read(data.read_npy, bytes):totable())
    for size = 0, #bytes - 1 do assert.is_nil((read(data.read_npy, bytes:sub(1, size)))) end
    for at = 1, #bytes do
      for bit = 0, 7 do
        local changed = string.char(bytes:byte(at) ~ 1 << bit)
        local t, message = read(data.read_npy, bytes:sub(1, at - 1) .. changed .. bytes:sub(at + 1))
        if not (fnet.is_tensor(t) or #message > 5) then error(("byte %d, bit %d"):format(at, bit)) end
      end
    end
  end)

  for _, compress in ipairs { false, true } do
    it("npz, " .. (compress and "deflated" or "stored") .. ": every cut or changed byte is seen", function()
      local tensors = { a = fnet.tensor { 1, 2, 3 }, b = fnet.tensor({ 7 }, "int32") }
      assert(data.write_npz(path, tensors, { compress = compress }))
      local bytes = command.read_file(path)
      local function read_npz(changed)
        return (read(function(p) return data.read_npz(p, { limit = 1 << 20 }) end, changed))
      end
      for size = 0, #bytes - 1 do assert.is_nil(read_npz(bytes:sub(1, size))) end
      for at = 1, #bytes do
        local changed = string.char(bytes:byte(at) ~ 1 << at % 8)
        local got = read_npz(bytes:sub(1, at - 1) .. changed .. bytes:sub(at + 1))
        if got then same(tensors, got) end -- times and versions do not matter
      end
    end)
  end

  it("npz: each kind has its sentence", function()
    assert(data.write_npz(path, { a = fnet.tensor { 1, 2 }, b = fnet.tensor { 3, 4 } }))
    local bytes = command.read_file(path)
    local second = bytes:find("PK\3\4", 5, true)
    local central = bytes:find("PK\1\2", 1, true)
    local function patched(at, format, value)
      local piece = string.pack(format, value)
      return bytes:sub(1, at - 1) .. piece .. bytes:sub(at + #piece)
    end
    local function refuses(message, changed, options)
      local value, got = read(function(p) return data.read_npz(p, options) end, changed)
      local of_one = changed:find("b.npy", 1, true) and message:sub(1, 1) == "'"
      assert.same({ nil, message .. (of_one and '; without it: { names = { "b" } }' or "") },
        { value, got })
    end
    refuses("is empty, expected a zip archive", "")
    refuses("is no zip archive, or cut short", "hello")
    refuses("has a central directory at another place than it declares", "x" .. bytes)
    refuses("'a.npy' is encrypted", patched(central + 8, "<I2", 1))
    refuses("'a.npy' is compressed by method 12; expected 0 (stored) or 8 (deflated)",
      patched(central + 10, "<I2", 12))
    refuses("'a.npy' has a local header that differs from the central directory",
      patched(central + 10, "<I2", 8))
    refuses("'a.npy' is stored, but declares two sizes", patched(central + 24, "<I4", 0xFFFFFFFF))
    refuses("'a.npy' has a wrong checksum", patched(central + 16, "<I4", 0))
    refuses("'a.npy' is stored, but declares two sizes", patched(central + 24, "<I4", 5))
    refuses("'a.npy' reaches into the central directory", patched(central + 20, "<I4", 100000))
    refuses("'a.npy' has a wrong checksum", patched(second - 1, "B", 77))
    refuses("'a.npy' reaches into 'b.npy'", patched(central + 20, "<I4", 137))
    assert(data.write_npz(path, { a = fnet.zeros { 1000 } }, { compress = true }))
    bytes = command.read_file(path)
    central = bytes:find("PK\1\2", 1, true)
    refuses("'a.npy' declares 4128 bytes; the limit is 100", bytes, { limit = 100 })
    refuses("'a.npy' has 3872 bytes of elements, but its shape [1000] needs 4000",
      patched(central + 24, "<I4", 4000))
    local packed = string.unpack("<I4", bytes, central + 20)
    refuses(("'a.npy' declares 4000000000 bytes, more than can be in %d compressed ones"):format(packed),
      patched(central + 24, "<I4", 4000000000))
    refuses("'a.npy' goes on after its compressed data", (function()
      local longer = bytes:sub(1, central - 1) .. "x" .. bytes:sub(central)
      local place = #longer - 5
      longer = longer:sub(1, place - 1) .. string.pack("<I4", central) .. longer:sub(place + 4)
      return longer:sub(1, central + 20) .. string.pack("<I4", packed + 1) .. longer:sub(central + 25)
    end)())
  end)

  it("paths and arguments is told", function()
    local missing = directory .. "/missing/x.npy"
    local t, message, code = data.read_npy(missing)
    assert.same({ nil, missing .. ": No such file or directory", 2 }, { t, message, code })
    t, message, code = data.read_npz(directory)
    assert.same({ nil, directory .. ": Is a directory", 21 }, { t, message, code })
    t, message, code = data.write_npy(missing, fnet.ones { 1 })
    assert.is_nil(t)
    assert.matches("No such file", message)
    assert.equal(2, code)
    raises("read_npy: expected a path, got nil", function() data.read_npy() end)
    raises("read_npz: the path contains a zero byte", function() data.read_npz("a\0b") end)
    raises("write_npy: expected a tensor, got table; fnet.tensor { ... } makes one of numbers",
      function() data.write_npy(path, { 1 }) end)
    raises("write_npz: expected a table { name = tensor }, got float32 [1]",
      function() data.write_npz(path, fnet.ones { 1 }) end)
    raises("write_npz: 'a': expected a tensor, got number", function() data.write_npz(path, { a = 1 }) end)
    raises("write_npz: expected names as texts in UTF-8, got 1",
      function() data.write_npz(path, { fnet.ones { 1 } }) end)
    raises("write_npz: unknown option 'compressed' (did you mean 'compress'?); known are compress",
      function() data.write_npz(path, {}, { compressed = true }) end)
  end)
end)

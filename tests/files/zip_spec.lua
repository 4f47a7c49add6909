--- .npz as an archive: members that are none of ours, names, zip64, and arrays that fnet cannot read beside those
-- that it can.

local fnet = require "fnet"
local core = require "fnet.core"
local npy = require "fnet.files.npy"
local zip = require "fnet.files.zip"
local command = require "tests.support.command"
local support = require "tests.support"
local data = fnet.data

local directory, path
setup(function()
  directory = command.make_directory()
  path = directory .. "/file.npz"
end)
teardown(function() command.remove_directory(directory) end)

-- What stands in a .npy file.
local function array(description, shape, content)
  return "\x93NUMPY\1\0" .. string.pack("<s2", ("{'descr': %s, 'fortran_order': False, 'shape': (%s,), }"):format(
    description:find "^%[" and description or "'" .. description .. "'", table.concat(shape, ", "))) .. content
end

local function floats(...)
  return array("<f4", { select("#", ...) }, string.pack(("<f"):rep(select("#", ...)), ...))
end

-- An archive of { name, content }; `most` as zip.archive has it.
local function write(members, compress, most)
  local list = {}
  for i, member in ipairs(members) do list[i] = { name = member[1], pieces = { member[2] } } end
  local pieces = zip.archive(list, compress, most)
  command.write_file(path, table.concat(pieces))
  return table.concat(pieces)
end

local function read(options) return data.read_npz(path, options) end

local function refused(message, options)
  local tensors, got, code = read(options)
  assert.same({ nil, path .. ": " .. message }, { tensors, got })
  assert.is_nil(code)
end

local MIXED = {
  { "x.npy", floats(1, 2, 3) }, { "classes.npy", array("<U3", { 2 }, ("\0"):rep(24)) },
  { "when.npy", array("<M8[D]", { 1 }, ("\0"):rep(8)) }, { "objects.npy", array("|O", { 2 }, "pickled") },
  { "records.npy", array("[('a', '<i4'), ('b', '<f8')]", { 1 }, ("\0"):rep(12)) },
  { "wave.npy", array("<c16", { 1 }, ("\0"):rep(16)) },
  { "deep.npy", array("|u1", { 1, 1, 1, 1, 1, 1, 1, 1, 1 }, "x") },
  { "ids.npy", array("<i8", { 2 }, string.pack("<i8i8", 5, 1 << 40)) }, { "format.npy", "no array at all" },
  { "y.npy", array("<i8", { 2 }, string.pack("<i8i8", 0, 1)) },
}

describe("read_npz", function()
  for _, compress in ipairs { false, true } do
    it("reads the arrays that were asked for, whatever else is there, " .. (compress and "deflated" or "stored"),
      function()
        write(MIXED, compress)
        local tensors = assert(read { names = { "y", "x" } })
        support.holds({ 3 }, { 1, 2, 3 }, tensors.x)
        support.holds({ 2 }, { 0, 1 }, tensors.y, "int32")
        tensors.x, tensors.y = nil, nil
        assert.same({}, tensors)
        assert.same({}, (read { names = {} }))
      end)
  end

  it("says which array it cannot read, and how to get at the others", function()
    write(MIXED)
    refused("'classes.npy' holds texts (type '<U3'); expected numbers; without it: "
      .. '{ names = { "x", "when", "objects", "records", ... } }')
    refused("'when.npy' holds dates (type '<M8[D]'); expected numbers", { names = { "when", "y" } })
    refused("'records.npy' holds records of several fields; expected numbers", { names = { "records" } })
    refused("'deep.npy' has 9 axes; fnet has at most 8", { names = { "deep" } })
    refused("'ids.npy' holds, as element 2, a whole number that int32 cannot hold", { names = { "ids" } })
    refused("'format.npy' does not begin as a .npy file does, with 93 NUMPY", { names = { "x", "format" } })
    refused("holds no array 'clases' (did you mean 'classes'?); fnet info lists what it holds",
      { names = { "clases" } })
    write { { "classes.npy", array("<U3", { 2 }, ("\0"):rep(24)) } }
    refused "'classes.npy' holds texts (type '<U3'); expected numbers"
  end)

  it("unpacks no more than the limit, of all arrays together", function()
    write({ { "a.npy", floats(1) }, { "b.npy", floats(2) } }, true)
    local size = #floats(1)
    assert(read { limit = 2 * size })
    refused(("'b.npy' declares %d bytes; the limit is %d; without it: { names = { \"a\" } }"):format(size,
      size - 1), { limit = 2 * size - 1 })
    assert(read { limit = size, names = { "b" } })
    write { { "a.npy", floats(1) }, { "b.npy", floats(2) } }
    assert(read { limit = 1 })
  end)

  it("shows names of strangers as a terminal may see them", function()
    write { { "a\27[31m\u{202E}.npy", "none" }, { "b.npy", floats(2) } }
    refused("'a\\x1B[31m\\u{202E}.npy' does not begin as a .npy file does, with 93 NUMPY; without it: "
      .. '{ names = { "b" } }')
  end)

  it("describes each array from its header", function()
    write(MIXED, true)
    local described = {}
    for i, each in ipairs(assert(npy.describe_archive(path))) do
      described[i] = { each.name, each.type, each.shape or each.problem:match "' (.*)$" }
    end
    assert.same({ { "x", "f32", { 3 } }, { "classes", "<U3", { 2 } }, { "when", "<M8[D]", { 1 } },
      { "objects", "|O", { 2 } }, { "records", "[('a', '<i4'), ('b', '<f8')]", { 1 } }, { "wave", "<c16", { 1 } },
      { "deep", "u8", { 1, 1, 1, 1, 1, 1, 1, 1, 1 } }, { "ids", "i64", { 2 } }, { "format" , nil,
        "does not begin as a .npy file does, with 93 NUMPY" }, { "y", "i64", { 2 } } }, described)
  end)

  it("reads an array beside a damaged one", function()
    local bytes = write { { "good.npy", floats(5) }, { "bad.npy", floats(6) } }
    local place = bytes:find(string.pack("<f", 6), 1, true)
    command.write_file(path, bytes:sub(1, place - 1) .. "\1" .. bytes:sub(place + 1))
    refused "'bad.npy' has a wrong checksum; without it: { names = { \"good\" } }"
    support.holds({ 1 }, { 5 }, assert(read { names = { "good" } }).good)
  end)

  it("passes over folders and files that are no arrays, but not over an archive of such alone", function()
    write { { "folder/", "" }, { "README.txt", "about" }, { "folder/x.npy", floats(1) }, { ".npy", "" } }
    local tensors = assert(read())
    support.holds({ 1 }, { 1 }, tensors["folder/x"])
    assert.is_nil(next(tensors, (next(tensors))))
    write { { "word/document.xml", "<text/>" } }
    refused "holds no .npy file, but 'word/document.xml'"
  end)

  it("refuses names that are no list of texts", function()
    support.raises("read_npz: names: expected a list of names, got string", function() read { names = "x" } end)
    support.raises("read_npz: names: expected a list of names, got table", function() read { names = { 1 } } end)
    support.raises("read_npz: names: expected a list of names, got float32 [1]",
      function() read { names = fnet.ones { 1 } } end)
  end)
end)

describe("names in an archive", function()
  -- Without the flag that says UTF-8, in both headers.
  local function unflagged(bytes)
    local out = bytes:gsub("(PK\3\4..)\0\8", "%1\0\0"):gsub("(PK\1\2....)\0\8", "%1\0\0")
    return out
  end

  it("are written as UTF-8 and flagged where they are not ASCII", function()
    assert(data.write_npz(path, { ["größe"] = fnet.ones { 1 }, plain = fnet.ones { 2 } }))
    local bytes = command.read_file(path)
    local flags = {}
    for flag in bytes:gmatch "PK\3\4..(..)" do flags[#flags + 1] = string.unpack("<I2", flag) end
    for flag in bytes:gmatch "PK\1\2....(..)" do flags[#flags + 1] = string.unpack("<I2", flag) end
    assert.same({ 1 << 11, 0, 1 << 11, 0 }, flags)
    support.holds({ 1 }, { 1 }, assert(read())["größe"])
    for _, name in ipairs { "\xFF", "a\0b" } do
      support.raises("write_npz: expected names as texts in UTF-8, got another text",
        function() data.write_npz(path, { [name] = fnet.ones { 1 } }) end)
    end
  end)

  it("without the flag are in code page 437, or UTF-8 where they are valid as that", function()
    command.write_file(path, unflagged(write { { "gr\x94\xE1e.npy", floats(1) }, { "\xE3.npy", floats(2) } }))
    local tensors = assert(read())
    support.holds({ 1 }, { 1 }, assert(tensors["größe"]))
    support.holds({ 1 }, { 2 }, assert(tensors["π"]))
    command.write_file(path, unflagged(write { { "größe.npy", floats(3) } }))
    support.holds({ 1 }, { 3 }, assert(read())["größe"])
  end)

  it("that are flagged but no UTF-8 are refused", function()
    write { { "gr\x94\xE1e.npy", floats(1) } }
    refused "has a name that is not UTF-8: 'gr??e.npy'"
  end)
end)

describe("zip64", function()
  it("is read as it is written: large sizes, far members, a directory that is both", function()
    local members = { { "a.npy", floats(1, 2) }, { "b.npy", floats(3) }, { "c.npy", floats(4) } }
    local ordinary = write(members)
    for _, compress in ipairs { false, true } do
      for _, most in ipairs { 0, 100, 200, 300 } do
        local bytes = write(members, compress, most)
        assert.is_true(#bytes > #ordinary or compress)
        local tensors = assert(read())
        support.holds({ 2 }, { 1, 2 }, tensors.a)
        support.holds({ 1 }, { 3 }, tensors.b)
        support.holds({ 1 }, { 4 }, tensors.c)
      end
    end
  end)

  it("holds more members than an ordinary archive", function()
    local members, one = {}, floats(1)
    for i = 1, 65536 do members[i] = { ("%05d.npy"):format(i), one } end
    write(members)
    local arrays = assert(npy.describe_archive(path))
    assert.same({ 65536, "65536" }, { #arrays, arrays[65536].name })
    support.holds({ 1 }, { 1 }, assert(read { names = { "65536" } })["65536"])
  end)

  it("that is damaged or cut is refused", function()
    local bytes = write({ { "a.npy", floats(1, 2) }, { "b.npy", floats(3) } }, false, 0)
    for size = 0, #bytes - 1 do
      command.write_file(path, bytes:sub(1, size))
      assert.is_nil((read()))
    end
    for at = 1, #bytes do
      local changed = string.char(bytes:byte(at) ~ 1 << at % 8)
      command.write_file(path, bytes:sub(1, at - 1) .. changed .. bytes:sub(at + 1))
      local tensors, message = read()
      if tensors then
        support.holds({ 2 }, { 1, 2 }, tensors.a)
      else
        assert.equal(path .. ": ", message:sub(1, #path + 2))
      end
    end
  end)

  it("goes to Python's zipfile and comes from it", function()
    if not command.python_has "numpy" then
      pending "left out: this Python has no NumPy; pip install numpy, set FNET_PYTHON"
      return
    end
    write({ { "a.npy", floats(1, 2) }, { "größe.npy", floats(3) } }, true, 0)
    local result = command.shell(directory, command.python .. [[ -c '
import numpy as np, zipfile
a = np.load("file.npz")
print(zipfile.ZipFile("file.npz").testzip(), a["a"].tolist(), a["größe"].tolist())
zipfile.ZIP64_LIMIT = 100
zipfile.ZIP_FILECOUNT_LIMIT = 1
np.savez("theirs.npz", first=np.arange(50), zweite_größe=np.ones(3, "f4"), texts=np.array(["a"]))
with zipfile.ZipFile("theirs.npz", "a") as z:
    z.writestr("README.txt", "hello")']])
    assert.same({ "", "None [1.0, 2.0] [3.0]\n" }, { result.errors, result.output })
    local theirs = assert(data.read_npz(directory .. "/theirs.npz", { names = { "first", "zweite_größe" } }))
    assert.equal(49, theirs.first[50])
    support.holds({ 3 }, { 1, 1, 1 }, theirs["zweite_größe"])
  end)
end)

describe("hashes", function()
  it("take functions that give pieces, as if these stood there", function()
    local function pieces(...)
      local list, at = { ... }, 0
      return function()
        at = at + 1
        return list[at]
      end
    end
    local whole = core.sha256("ab", fnet.tensor { 1, 2 }, "c", "d")
    assert.equal(whole, core.sha256("a", pieces("b", fnet.tensor { 1 }, fnet.tensor { 2 }, "c"), pieces(), "d"))
    assert.equal(core.crc32 "abc", core.crc32(pieces("a", "bc")))
    assert.is_false((pcall(core.sha256, pieces(1))))
    assert.is_false((pcall(core.sha256, function() error "broken" end)))
  end)
end)

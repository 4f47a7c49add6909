--- Files that are no ordinary ones, and files that promise more than they have: each reader refuses them in time,
-- with a sentence, before it takes memory.

local fnet = require "fnet"
local command = require "tests.support.command"
local data = fnet.data

local directory, path
setup(function()
  directory = command.make_directory()
  path = directory .. "/file"
end)
teardown(function() command.remove_directory(directory) end)

local model = fnet.nn.Sequential { fnet.nn.Dense(2, 2) }
local readers = {
  load = fnet.load, read_tensors = fnet.read_tensors, read_idx = data.read_idx, read_npy = data.read_npy,
  read_npz = data.read_npz, read_image = data.read_image, open_npy = data.open_npy, open_idx = data.open_idx,
  read_csv = function(name) return data.read_csv(name, { target = false }) end,
  load_foreign = function(name) return model:load_foreign(name, { from = "keras", names = {} }) end,
}

describe("every reader refuses", function()
  for name, read in pairs(readers) do
    it("a device and a directory: " .. name, function()
      for _, device in ipairs { "/dev/zero", "/dev/null", "/dev/random" } do
        assert.same({ nil, device .. ": is a device; expected a file or a pipe", 19 }, { read(device) })
      end
      assert.same({ nil, directory .. ": Is a directory", 21 }, { read(directory) })
    end)
  end

  for name, read in pairs(readers) do
    it("a file that opens, but whose bytes cannot be read: " .. name, function()
      local result, message, code = read "/proc/self/mem" -- nothing lies at the address 0
      assert.is_nil(result)
      assert.matches("^/proc/self/mem: ", message)
      assert.equal("number", type(code))
    end)
  end

  it("a pipe into which nobody writes", function()
    assert(os.execute("mkfifo " .. command.quote(path)))
    local result, message = fnet.load(path)
    assert.same({ nil, path .. ": is a pipe into which nobody writes" }, { result, message })
    os.remove(path)
  end)
end)

-- A piped file, for the readers that read from the beginning to the end.
local function piped(commands, read)
  assert(os.execute("mkfifo " .. command.quote(path)))
  os.execute(("{ %s; } >%s 2>/dev/null &"):format(commands, command.quote(path)))
  local value, message = read(path)
  os.remove(path)
  return value, message
end

describe("a pipe", function()
  it("is read as a file is", function()
    local picture = fnet.tensor { { 0, 100 }, { 200, 255 } }:byte()
    local png, csv = directory .. "/x.png", directory .. "/x.csv.gz"
    assert(data.write_png(png, picture))
    assert.same(picture:totable(), piped("cat " .. command.quote(png), data.read_image):totable())
    command.write_file(directory .. "/x.csv", "a,b\n1,2\n")
    assert(os.execute("gzip -f " .. command.quote(directory .. "/x.csv")))
    assert.same({ { 1, 2 } }, piped("zcat " .. command.quote(csv), readers.read_csv).x:totable())
  end)

  it("without an end is left where its beginning, or its header, says enough", function()
    assert.equal(path .. ": is of another format, expected a PNG or JPEG picture",
      select(2, piped("cat /dev/zero", data.read_image)))
    local header = "\x93NUMPY\1\0" .. string.pack("<s2",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (5000000000,), }")
    command.write_file(directory .. "/header", header)
    local endless = ("cat %s /dev/zero"):format(command.quote(directory .. "/header"))
    assert.equal(path .. ": declares 5000000000 bytes of elements; the limit for a pipe is 4294967296, save it as "
      .. "a file", select(2, piped(endless, data.read_npy)))
  end)
end)

describe("a file that promises more than it has", function()
  local function refused(message, bytes, read)
    command.write_file(path, bytes)
    local before = collectgarbage "count"
    local result, got = read(path)
    assert.is_nil(result)
    assert.equal(path .. ": " .. message, (got:gsub("in %d+ compressed", "in N compressed")))
    assert.is_true(collectgarbage "count" - before < 4096)
  end

  it("is compared with its size before memory is taken", function()
    local idx = "\0\0\8\1" .. string.pack(">I4", 3 << 30)
    refused("ends after 10 of the 3221225480 bytes that its header declares", idx .. "ab", data.read_idx)
    local core = require "fnet.core"
    local gzip = "\x1f\x8b\8\0\0\0\0\0\0\3" .. core.deflate(idx .. "ab")
      .. string.pack("<I4I4", core.crc32(idx .. "ab"), #idx + 2)
    refused("declares 3221225472 bytes of elements, more than can be in N compressed ones", gzip, data.read_idx)
  end)

  it("may be an empty one, of axes that fit no memory", function()
    refused("declares the shape [0, 2147483648, 1073741824], more than any memory",
      "\0\0\8\3" .. string.pack(">I4I4I4", 0, 1 << 31, 1 << 30), data.open_idx)
  end)

  it("is of a known kind, which IDX says too", function()
    refused("is a .npy file of NumPy's; fnet.data.read_npy reads it", "\x93NUMPY\1\0", data.read_idx)
    refused("is a .npy file of NumPy's; fnet.data.read_npy reads it", "\x93NUMPY\1\0", data.open_idx)
    refused("starts with the bytes 61 62, expected 00 00 of an IDX file", "ab", data.read_idx)
  end)
end)

--- The memory that reading files takes: that of the result and little more, a sentence where it is not there,
-- training from files that are larger than it, and the pool where memory is short.

local fnet = require "fnet"
local command = require "tests.support.command"
local support = require "tests.support"

local MIB = 1 << 20
local ROWS, WIDTH = 49152, 1024 -- 48 MiB of uint8

-- What each file is read with, and what the result takes, in MiB.
local READERS = {
  { "fnet.data.read_npy 'x.npy'", 48 }, { "fnet.data.read_npy 'fortran.npy'", 48 },
  { "fnet.data.read_npy 'wide.npy'", 24 }, { "fnet.data.read_npz('x.npz').x", 48 },
  { "fnet.data.read_npz('packed.npz').x", 48 }, { "fnet.read_tensors('x.safetensors').x", 48 },
  { "fnet.read_tensors('floats.safetensors').x", 48 }, { "fnet.data.read_idx 'x.idx'", 48 },
}

local directory
local idle -- what an fnet that does nothing has taken at most, in KiB: peak of the address space, of the memory
local function path(name) return directory .. "/" .. name end

-- Runs a script under a limit, in KiB, of the address space; nil: none.
local function run(script, limit)
  return command.shell(directory, (limit and ("ulimit -v %d; "):format(limit) or "")
    .. command.line(command.fnet, { "-e", "local fnet = require 'fnet' " .. script }, { FNET_THREADS = "1" }))
end

-- Runs a script to its end; the most address space and the most memory that it took, in KiB.
local function peaks(script)
  local result = run(script .. " print(io.open('/proc/self/status'):read 'a')")
  assert.equal("", result.errors)
  local function figure(name) return tonumber(result.output:match(name .. ":%s*(%d+)")) end
  return { space = figure "VmPeak", memory = figure "VmHWM" }
end

local function npy(description, shape, fortran)
  return "\x93NUMPY\1\0" .. string.pack("<s2", ("{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }"):format(
    description, fortran and "True" or "False", shape))
end

setup(function()
  directory = command.make_directory()
  idle = peaks ""
  local x = fnet.full({ ROWS, WIDTH }, 7, "uint8")
  assert(fnet.data.write_npy(path "x.npy", x))
  assert(fnet.data.write_npz(path "x.npz", { x = x }))
  assert(fnet.data.write_npz(path "packed.npz", { x = x }, { compress = true }))
  assert(fnet.write_tensors(path "x.safetensors", { x = x }))
  assert(fnet.write_tensors(path "floats.safetensors", { x = fnet.ones { ROWS, WIDTH // 4 } }))
  local bytes = x:bytes()
  command.write_file(path "fortran.npy", npy("|u1", ("%d, %d"):format(ROWS, WIDTH), true) .. bytes)
  command.write_file(path "wide.npy", npy("<i8", ("%d,"):format(#bytes // 8))
    .. ("\1\0\0\0\0\0\0\0"):rep(#bytes // 8))
  command.write_file(path "x.idx", "\0\0\8\2" .. string.pack(">I4I4", ROWS, WIDTH) .. bytes)
  command.write_file(path "x.png", "\x89PNG\r\n\x1a\n" .. bytes)
end)
teardown(function() command.remove_directory(directory) end)

-- Whether a limit of the address space can be kept: a sanitizer takes terabytes.
local function limited()
  if idle.space < MIB then return true end
  pending "left out: this build takes too much address space by itself"
end

describe("reading a file", function()
  it("takes the memory of the result, and little more", function()
    if not limited() then return end
    for _, reader in ipairs(READERS) do
      local extra = (peaks(("local t = assert(%s)"):format(reader[1])).memory - idle.memory) / 1024 - reader[2]
      assert.is_true(extra < 8, ("%s: %.1f MiB more than the result"):format(reader[1], extra))
    end
  end)

  it("that does not fit into memory gives nil, and says of which file how much", function()
    if not limited() then return end
    for _, reader in ipairs(READERS) do
      local call = reader[1]:gsub("%.x$", "")
      local result = run("print(" .. call .. ")", idle.space + 12 * 1024)
      assert.equal("", result.errors)
      local name = call:match "'([^']+)'"
      local lead = name:find "npz" and "'x.npy' " or name:find "safetensors" and "the tensor 'x' " or ""
      local expected = ("nil\t%s: %sneeds %d MiB, which do not fit into memory\t12\n"):format(name, lead, reader[2])
      if name == "fortran.npy" then
        expected = "nil\tfortran.npy: full: not enough memory for 48 MiB; use fewer or smaller tensors\t12\n"
      end
      assert.equal(expected, result.output)
    end
    local result = run("print(fnet.data.read_image 'x.png')", idle.space + 12 * 1024)
    assert.equal("nil\tx.png: needs 48 MiB, which do not fit into memory\t12\n", result.output)
  end)
end)

describe("what the pool holds", function()
  it("makes room for a tensor that else would not fit", function()
    if not limited() then return end
    local script = [[
      local core, held = require "fnet.core", fnet.zeros { 128, MIB }
      for mib = 60, 61 do fnet.zeros({ mib, MIB }):release() end
      local full = core.pool()
      local large = fnet.zeros { 160, MIB }
      print(held:count() >> 18, full >> 20, large:count() >> 18, (core.pool()))]]
    local result = run((script:gsub("MIB", MIB // 4)), idle.space + 340 * 1024)
    assert.equal("128\t121\t160\t0\n", result.output, result.errors)
  end)
end)

describe("a file larger than memory", function()
  it("is trained from, and gives the weights that it gives in memory", function()
    if not limited() then return end
    local script = [[
      local nn = fnet.nn
      local set = fnet.data.Dataset { x = assert(%s), y = (fnet.arange(1, %d):gt(20000) + 1):int(),
        scale = 1 / 255 }
      fnet.seed(1)
      local model = nn.Sequential { nn.Dense(%d, 2) }
      fnet.fit(model, { train = set, batch = 512, loss = nn.cross_entropy, optim = fnet.optim.Adam })
      print(require("fnet.core").sha256(model[1].weight, model[1].bias))]]
    local function weights(open, limit)
      local result = run(script:format(open, ROWS, WIDTH), limit)
      assert.matches("^%x+\n$", result.output, nil, result.errors)
      return result.output
    end
    local limit = idle.space + 30 * 1024
    local expected = weights "fnet.data.read_npy 'x.npy'"
    assert.equal(expected, weights("fnet.data.open_npy 'x.npy'", limit))
    assert.equal(expected, weights("fnet.data.open_idx 'x.idx'", limit))
  end)
end)

describe("a limit of memory", function()
  it("is no reason to read what was not asked for", function()
    if not limited() then return end
    local big, small = fnet.zeros({ 48 * MIB }, "uint8"), fnet.ones { 3 }
    assert(fnet.data.write_npz(path "two.npz", { big = big, small = small }))
    local result = run("print(fnet.data.read_npz('two.npz', { names = { 'small' } }).small)",
      idle.space + 12 * 1024)
    assert.equal("tensor float32 [3]\n[1, 1, 1]\n", result.output)
    support.holds({ 3 }, { 1, 1, 1 }, assert(fnet.data.read_npz(path "two.npz")).small)
  end)
end)

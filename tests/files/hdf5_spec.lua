--- HDF5 as Keras and h5py write it (tests/fixtures/keras/record.py), and what is damaged or of another form.

local command = require "tests.support.command"
local core = require "fnet.core"
local files = require "fnet.files"
local fnet = require "fnet"
local hdf5 = require "fnet.files.hdf5"

local FOLDER = "tests/fixtures/keras/"
local WAY = "; in Python, where the model is: safetensors.numpy.save_file({w.path: w.numpy() for w in "
  .. 'model.weights}, "model.safetensors")'

local function all() return true end

describe("an HDF5 file", function()
  local bytes, path
  setup(function() bytes, path = command.read_file(FOLDER .. "model.weights.h5"), os.tmpname() end)
  teardown(function() os.remove(path) end)

  -- The datasets of these bytes; nil and the fault.
  local function read(text, wanted)
    command.write_file(path, text)
    local input <close> = assert(core.open_input(path))
    return files.attempt("", hdf5.datasets, input, 0, #text, wanted)
  end

  -- The message of a fault, between what all have.
  local function fault(changed)
    local list, message = read(changed, all)
    assert.is_nil(list)
    return (message:gsub("^is an HDF5 file that fnet does not read: it ", ""):sub(1, -#WAY - 1))
  end

  -- With a piece changed, at `place` bytes behind the first mark.
  local function patched(mark, place, piece)
    local at = bytes:find(mark, 1, true) + place
    return bytes:sub(1, at - 1) .. piece .. bytes:sub(at + #piece)
  end

  it("gives its datasets, with the names of their groups", function()
    local named, seen = assert(fnet.read_tensors(FOLDER .. "model.safetensors")), {}
    for _, dataset in ipairs(read(bytes, all)) do seen[dataset.name] = dataset end
    assert.equal("f32", seen["layers/dense/vars/0"].type)
    assert.same({ 36, 5 }, seen["layers/dense/vars/0"].shape)
    assert.is_true(named["sequential/dense/kernel"]:equal(seen["layers/dense/vars/0"].tensor))
    assert.is_true(named["sequential/separable_conv2d/bias"]:equal(seen["layers/separable_conv2d/vars/2"].tensor))
    for _, dataset in ipairs(read(bytes)) do assert.is_nil(dataset.tensor) end
  end)

  it("of another form, or damaged, is refused with a sentence", function()
    assert.equal("points outside the file", fault(bytes:sub(1, 95)))
    assert.equal("points outside the file", fault(bytes:sub(1, -2000)))
    assert.equal("is of a newer form than Keras and h5py write by themselves", fault(patched("HDF", 7, "\2")))
    assert.equal("has addresses of an unusual form", fault(patched("HDF", 12, "\4")))
    assert.equal("has a group that is damaged", fault(patched("TREE", 0, "tree")))
    assert.equal("has a heap of names that is damaged", fault(patched("HEAP", 0, "heap")))
    assert.equal("has a name outside its heap", fault(patched("SNOD", 8, string.pack("<i8", 1 << 40))))
    assert.equal("has the link 'layers' in the place of a dataset", fault(patched("SNOD", 8 + 16, "\2")))
    local tree = bytes:find("TREE", 1, true) - 1
    assert.equal("has groups that are nested too deep", fault(patched("TREE", 32, string.pack("<i8", tree))))
  end)

  it("of which any byte is changed gives its numbers, others, or a fault", function()
    math.randomseed(5)
    for at = 1, #bytes, 53 do
      local changed = bytes:sub(1, at - 1) .. string.char(math.random(0, 255)) .. bytes:sub(at + 1)
      local list, message = read(changed, all)
      assert.is_true(list ~= nil or type(message) == "string")
    end
  end)
end)

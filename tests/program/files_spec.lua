--- The commands on files: fnet info, fnet run, fnet eval.

local fnet = require "fnet"
local command = require "tests.support.command"
local nn = fnet.nn

local directory
setup(function()
  directory = command.make_directory()
  fnet.seed(1)
  local _, test = fnet.data.fashion_mnist { dir = "tests/fixtures/fashion" }
  local model = nn.Sequential { nn.Flatten(), nn.Dense(784, 8, { activation = "relu" }), nn.Dense(8, 10) }
  assert(model:save(directory .. "/model.safetensors", { data = test, metrics = { accuracy = 0.5 },
    script = false }))
  assert(model:save(directory .. "/plain.safetensors", { script = false }))
  fnet.data.write_npy(directory .. "/picture.npy", test.x[1])
  fnet.data.write_npy(directory .. "/wide.npy", fnet.zeros({ 3 }, "uint8"))
end)
teardown(function() command.remove_directory(directory) end)

local function run(...)
  return command.shell(directory, command.line(command.fnet, { ... }))
end

describe("fnet info", function()
  it("describes a model", function()
    local result = run("info", "model.safetensors")
    assert.equal(0, result.status)
    assert.matches("^model.safetensors: model %(safetensors%)\n  made with  fnet [%d.]+, numerics %d",
      result.output)
    assert.matches("\n  seed       1\n  data       Fashion%-MNIST, samples %[28, 28%], SHA%-256 %x+\n",
      result.output)
    assert.matches("\n  accuracy   0.5\n  Sequential%(%)\n    Flatten%(%)\n    Dense%(784, 8, "
      .. "{activation = relu}%)\n", result.output)
    assert.matches("\n  2.weight +F32   %[784, 8%]\n", result.output)
    assert.matches("\n  4 tensors, 6370 numbers\n$", result.output)
  end)

  it("describes arrays", function()
    local images = command.directory .. "/tests/fixtures/fashion/t10k-images-idx3-ubyte.gz"
    local result = run("info", "picture.npy", images)
    assert.equal(("picture.npy: .npy, u8 [28, 28]\n%s: IDX, uint8 [200, 28, 28]\n"):format(images), result.output)
  end)

  it("describes archives of arrays", function()
    for _, compress in ipairs { false, true } do
      assert(fnet.data.write_npz(directory .. "/two.npz", { a = fnet.zeros { 2, 3 },
        b = fnet.zeros({ 4 }, "int32") }, { compress = compress }))
      local result = run("info", "two.npz")
      assert.matches("^two.npz: .npz\n  a +f32 +%[2, 3%]\n  b +i32 +%[4%]\n  2 tensors, 10 numbers\n$",
        result.output)
    end
    command.write_file(directory .. "/cut.npz", command.read_file(directory .. "/two.npz"):sub(1, -2))
    local result = run("info", "cut.npz")
    assert.equal("fnet info: cut.npz: is no zip archive, or cut short\n", result.errors)
    assert.equal(1, result.status)
  end)

  it("describes what fnet cannot read, too", function()
    local function array(description) return "\x93NUMPY\1\0" .. string.pack("<s2",
      ("{'descr': '%s', 'fortran_order': False, 'shape': (2, 3), }"):format(description)) end
    command.write_file(directory .. "/mixed.npz", table.concat(require("fnet.files.zip").archive {
      { name = "classes.npy", pieces = { array "<U3" } }, { name = "broken.npy", pieces = { "no array" } },
      { name = "README.txt", pieces = { "about" } }, { name = "x.npy", pieces = { array "<f4" } } }))
    local header = '{"a":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"C64","shape":[],'
      .. '"data_offsets":[2,10]},"c":{"dtype":"F4","shape":[2],"data_offsets":[10,11]}}'
    command.write_file(directory .. "/young.safetensors", string.pack("<s8", header) .. ("\0"):rep(11))
    command.write_file(directory .. "/names.npy", array "<U3")
    local result = run("info", "mixed.npz", "young.safetensors", "names.npy")
    assert.same({ 0, "" }, { result.status, result.errors })
    assert.matches("^mixed.npz: .npz\n  classes +<U3 +%[2, 3%]\n  broken +%? +'broken.npy' does not begin as a "
      .. ".npy file does, with 93 NUMPY\n  x +f32 +%[2, 3%]\n", result.output)
    assert.matches("\n  a +F8_E4M3 +%[2%]\n  b +C64 +%[%]\n  c +F4 +%[2%]\n", result.output)
    assert.matches("\nnames.npy: .npy, <U3 %[2, 3%]\n$", result.output)
  end)

  it("goes on after a file that it cannot read, and fails", function()
    command.write_file(directory .. "/text", "something else")
    local result = run("info", "none", "text", "picture.npy")
    assert.equal(1, result.status)
    assert.matches("fnet info: none: No such file or directory\nfnet info: text: is a text, which fnet does not "
      .. "read\n", result.errors)
    assert.equal("picture.npy: .npy, u8 [28, 28]\n", result.output)
    assert.equal("usage: fnet info file...\n", run("info").errors)
    assert.matches("^usage: fnet %[options%] %[script", run("info", "--help").output)
  end)
end)

describe("fnet info on files of other programs", function()
  it("says what they are, and how fnet can have them", function()
    command.write_file(directory .. "/model.h5", "\x89HDF\r\n\x1a\n\0\0")
    command.write_file(directory .. "/people.tsv", "name\tage\nAda\t36\n")
    command.write_file(directory .. "/photo.jpeg", "\xff\xd8\xff\xe0\0\x10JFIF\0")
    local result = run("info", "model.h5", "people.tsv", "photo.jpeg")
    assert.equal("fnet info: model.h5: is an HDF5 file, as Keras writes it (.h5), which fnet does not read: in "
      .. "Python, where the model is: safetensors.numpy.save_file({w.path: w.numpy() for w in model.weights}, "
      .. '"model.safetensors")\n', result.errors)
    assert.equal("people.tsv: a text, a table by its first line; fnet.data.read_csv reads it\n"
      .. "photo.jpeg: a JPEG picture; fnet.data.read_image reads it\n", result.output)
    assert.equal(1, result.status)
    assert.equal(0, run("info", "people.tsv").status)
  end)
end)

describe("fnet run", function()
  it("says what a model makes of a picture", function()
    local result = run("run", "model.safetensors", "picture.npy")
    assert.equal("", result.errors)
    assert.matches("^picture.npy: [%a/%- ]+, [%d.]+%%\n  T%-shirt/top ", result.output)
    assert.equal(0, result.status)
  end)

  it("says what is missing", function()
    local function fails(message, ...)
      local result = run("run", ...)
      assert.equal("fnet run: " .. message .. "\n", result.errors)
      assert.equal(1, result.status)
    end
    fails("which model and pictures? fnet run model.safetensors picture.png", "model.safetensors")
    fails("none: No such file or directory", "none", "picture.npy")
    fails("plain.safetensors does not say what its samples look like; save it with { data = train }",
      "plain.safetensors", "picture.npy")
    fails("wide.npy: is a sample of [3], the model expects [28, 28]", "model.safetensors", "wide.npy")
  end)
end)

describe("fnet eval", function()
  it("prints the accuracy on test pictures", function()
    local result = run("eval", "model.safetensors", "--data", command.directory .. "/tests/fixtures/fashion")
    assert.matches("^200 pictures from .-\naccuracy [%d.]+%% ± [%d.]+ %(%d+/200%)\n  T%-shirt/top ", result.output)
    assert.equal(0, result.status)
  end)

  it("says what is missing", function()
    assert.equal("fnet eval: which model? fnet eval model.safetensors --data directory\n", run("eval").errors)
    assert.matches("fnet eval: none: No such file", run("eval", "none").errors)
    assert.matches("lacks all four files", (run("eval", "model.safetensors", "--data", "/none").errors
      :gsub("lacks train.-;", "lacks all four files;")))
  end)
end)

describe("fnet", function()
  it("loads no file format, no measuring and no training loop before a script uses one", function()
    local result = run("-l", "fnet", "-e", "for name in pairs(package.loaded) do io.write(name, ' ') end")
    assert.matches("fnet%.nn%.dense ", result.output)
    for _, name in ipairs {
      "fnet.files.safetensors", "fnet.files.json", "fnet.data", "fnet.train", "fnet.command.help",
      "fnet.measure.evaluate", "fnet.measure.meter",
    } do
      assert.is_nil(result.output:find(name .. " ", 1, true), name)
    end
  end)
end)

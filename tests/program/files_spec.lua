--- The commands on files: fnet info, fnet run, fnet eval.

local fnet = require "fnet"
local command = require "tests.support.command"
local png = require "tests.support.png"
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

  it("describes tensors", function()
    assert(fnet.write_tensors(directory .. "/tensors.safetensors", { a = fnet.zeros { 2 } }))
    assert.matches("^tensors.safetensors: tensors %(safetensors%)\n  made with  fnet [%d.]+\n  a +F32   %[2%]\n",
      run("info", "tensors.safetensors").output)
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

  it("shows of a layer's arguments what a line holds", function()
    local long = {}
    for i = 1, 1000 do long[i] = i end
    local Own = nn.module "Own"
    function Own:init(list) self.first = list[1] end
    function Own:forward(x) return x * self.first end
    assert(nn.Sequential { Own { 5, 6 }, Own(long) }:save(directory .. "/long.safetensors"))
    local own = "\n    Own(%s)  -- a layer of the script's own"
    local shown = run("info", "long.safetensors").output
    assert.matches(own:format "{5, 6}" .. own:format "{...}" .. "\n", shown, 1, true)
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

describe("fnet info of a directory", function()
  it("names the files in it that it describes", function()
    local inner = directory .. "/inner"
    command.shell(directory, "mkdir inner inner/inner && printf x > inner/odd && mkfifo inner/pipe")
    local result = run("info", "inner/")
    assert.equal(1, result.status)
    assert.equal("fnet info: inner/: is a directory, expected a file; it has none that fnet describes\n",
      result.errors)
    for i = 1, 7 do fnet.data.write_npy(("%s/%d.npy"):format(inner, 8 - i), fnet.zeros { 2 }) end
    assert.equal("fnet info: inner: is a directory, expected a file; in it: fnet info inner/1.npy inner/2.npy "
      .. "inner/3.npy inner/4.npy inner/5.npy\n", run("info", "inner").errors)
  end)
end)

describe("a model from a stranger", function()
  local safetensors, json = require "fnet.files.safetensors", require "fnet.files.json"
  local layers = json.encode { name = "Sequential", arguments = json.array { { list = json.array {
    { layer = { name = "Flatten", arguments = json.array {} } },
    { layer = { name = "Dense", arguments = json.array { 4, 3 } } } } } } }

  local function write(name, data, metrics)
    assert(safetensors.write_list(directory .. "/" .. name, { { name = "2.weight", tensor = fnet.ones { 4, 3 } },
      { name = "2.bias", tensor = fnet.zeros { 3 } } }, { ["fnet.architecture"] = layers, ["fnet.data"] = data,
      ["fnet.metrics"] = metrics }))
  end

  it("with damaged metadata has a sentence, in info and in run", function()
    write("high.safetensors", nil, '{"a":"high"}')
    write("odd.safetensors", '{"shape":["x"]}')
    local result = run("info", "high.safetensors", "odd.safetensors")
    assert.same({ 1, "" }, { result.status, result.output })
    assert.equal("fnet info: high.safetensors: its metrics are damaged: a: expected a number, got a text\n"
      .. "fnet info: odd.safetensors: its facts about data are damaged: shape[1]: expected a whole number, got a "
      .. "text\n", result.errors)
    assert.equal("fnet run: odd.safetensors: its facts about data are damaged: shape[1]: expected a whole number, "
      .. "got a text\n", run("run", "odd.safetensors", "picture.npy").errors)
  end)

  it("is not run on samples that its layers do not take", function()
    write("large.safetensors", '{"shape":[30000,30000]}')
    assert.equal("fnet run: large.safetensors: its samples are said to be [30000, 30000], which its layers do not "
      .. "take: layer 2, Dense(4, 3) expects 4 inputs, but layer 1, Flatten() gives [batch, 900000000]\n",
      run("run", "large.safetensors", "picture.npy").errors)
  end)

  it("does not tell the terminal what to do", function()
    write("loud.safetensors", [[{"shape":[2,2],"name":"\u001b[2J","classes":["\u001b[31mred","\u202egpj","c\nd"]}]])
    fnet.data.write_npy(directory .. "/four.npy", fnet.zeros { 2, 2 })
    local info = run("info", "loud.safetensors").output
    assert.matches("\n  data       \\x1B%[2J, samples %[2, 2%], SHA%-256 unknown\n", info)
    assert.matches("\n  classes    \\x1B%[31mred, \\u{202E}gpj, c\\nd\n", info)
    local result = run("run", "loud.safetensors", "four.npy")
    assert.equal("", result.errors)
    assert.matches("^four.npy: \\x1B%[31mred, 33.3%%\n  \\x1B%[31mred +", result.output)
    assert.is_nil(result.output:find "\27")
  end)

  it("whose tensors have such names is not obeyed by an error that nobody catches", function()
    assert(fnet.write_tensors(directory .. "/names.safetensors", { ["\27[31m"] = fnet.ones { 1 } }))
    local errors = run("-l", "fnet", "-e",
      "fnet.nn.Dense(1, 1):load_state(assert(fnet.read_tensors 'names.safetensors'))").errors
    assert.matches("has '\\x1B%[31m', which the model does not", errors)
    errors = run("-e", "error('\\27[0m\\n\\tlines stay', 0)").errors
    assert.matches(": \\x1B%[0m\n\tlines stay\n", errors)
  end)

  it("may lie where there is no ordinary file", function()
    assert.equal("fnet info: /dev/zero: is a device; expected a file or a pipe\n", run("info", "/dev/zero").errors)
  end)
end)

describe("fnet info on files of other programs", function()
  it("says what they are, and how fnet can have them", function()
    command.write_file(directory .. "/model.h5", "\x89HDF\r\n\x1a\n\0\0")
    command.write_file(directory .. "/model.pt", "\x80\2\x8a\nl\xfc")
    command.write_file(directory .. "/people.tsv", "name\tage\nAda\t36\n")
    command.write_file(directory .. "/photo.jpeg", "\xff\xd8\xff\xe0\0\x10JFIF\0")
    local result = run("info", "model.h5", "model.pt", "people.tsv", "photo.jpeg")
    assert.equal("fnet info: model.h5: is an HDF5 file that fnet does not read: it points outside the file; in "
      .. "Python, where the model is: safetensors.numpy.save_file({w.path: w.numpy() for w in model.weights}, "
      .. '"model.safetensors")\nfnet info: model.pt: is a Python pickle, as PyTorch and scikit-learn write it, '
      .. "which fnet does not read: reading it would run what is in it. In Python, where the model is: "
      .. 'safetensors.torch.save_file(model.state_dict(), "model.safetensors")\n', result.errors)
    assert.equal("people.tsv: a text, a table by its first line; fnet.data.read_csv reads it\n"
      .. "photo.jpeg: a JPEG picture; fnet.data.read_image reads it\n", result.output)
    assert.equal(1, result.status)
    assert.equal(0, run("info", "people.tsv").status)
    assert(os.execute(("gzip -c %s/people.tsv >%s/people.gz"):format(directory, directory)))
    assert.equal("people.gz: in gzip, a text, a table by its first line\n", run("info", "people.gz").output)
    for _, name in ipairs { "model.weights.h5", "model.keras" } do
      local path = command.directory .. "/tests/fixtures/keras/" .. name
      assert.matches(name .. ": weights of Keras, for model:load_foreign\n.*\n  layers/dense/vars/0 +f32 +"
        .. "%[36, 5%]\n", run("info", path).output)
    end
  end)
end)

describe("fnet run", function()
  it("says what a model makes of a picture", function()
    local result = run("run", "model.safetensors", "picture.npy")
    assert.equal("", result.errors)
    assert.matches("^picture.npy: [%a/%- ]+, [%d.]+%%\n  T%-shirt/top ", result.output)
    assert.equal(0, result.status)
  end)

  -- What is said of each file, without the bars.
  local function verdicts(...)
    local lines = {}
    for line in run("run", ...).output:gmatch "[^\n]+" do
      if not line:find "^ " then lines[#lines + 1] = line end
    end
    return lines
  end

  it("scales bytes as in training, and floats not again", function()
    local _, test = fnet.data.fashion_mnist { dir = command.directory .. "/tests/fixtures/fashion" }
    local x = test:sample(3)
    fnet.data.write_npy(directory .. "/float.npy", x)
    fnet.data.write_npy(directory .. "/double.npy", x:double())
    fnet.data.write_npy(directory .. "/whole.npy", test.x[3]:int())
    fnet.data.write_npy(directory .. "/byte.npy", test.x[3])
    local names = { "float", "double", "whole", "byte" }
    local said = verdicts("model.safetensors", "float.npy", "double.npy", "whole.npy", "byte.npy")
    for i, name in ipairs(names) do assert.equal(name .. said[1]:sub(6), said[i]) end
    local model = assert(fnet.load(directory .. "/model.safetensors"))
    local label = fnet.predict_classes(model, x)
    assert.matches("^float.npy: " .. test.classes[label]:gsub("%-", "%%-") .. ", ", said[1])
  end)

  it("inverts a photo of dark ink on paper, no array, and nothing that the training saw light", function()
    local light = fnet.rand({ 2, 6, 6 }, 150, 255):byte()
    if not png.readable then return pending "left out: built without libpng" end
    assert(fnet.data.write_png(directory .. "/a.png", light[1]))
    local y = fnet.tensor({ 1, 2 }, "int32")
    local model = nn.Sequential { nn.Flatten(), nn.Dense(36, 2) }
    local function save(name, x)
      local set = fnet.data.Dataset { x = x, y = y, scale = 1 / 255, classes = { "left", "right" } }
      assert(model:save(("%s/%s.safetensors"):format(directory, name), { data = set, script = false }))
    end
    save("light", light)
    save("dark", (255 - light:float()):byte())
    fnet.data.write_npy(directory .. "/a.npy", light[1])
    fnet.data.write_npy(directory .. "/i.npy", (255 - light[1]:float()):byte())
    local function said(...) return (verdicts(...)[1]:gsub("^[^:]*: ", "")) end
    assert.not_equal(said("dark.safetensors", "a.npy"), said("dark.safetensors", "i.npy"))
    assert.equal(said("dark.safetensors", "i.npy"), said("dark.safetensors", "a.png"))
    assert.equal(said("light.safetensors", "a.npy"), said("light.safetensors", "a.png"))
  end)

  it("takes a batch, and says which row is meant", function()
    local _, test = fnet.data.fashion_mnist { dir = command.directory .. "/tests/fixtures/fashion" }
    fnet.data.write_npy(directory .. "/batch.npy", test.x:slice(1, 1, 3))
    fnet.data.write_npy(directory .. "/row.npy", test.x[2])
    local said = verdicts("model.safetensors", "batch.npy", "row.npy")
    assert.equal(4, #said)
    assert.equal((said[2]:gsub("^batch.npy%[2%]", "row.npy")), said[4])
    assert.matches("^batch.npy%[1%]: ", said[1])
    fnet.data.write_npy(directory .. "/colours.npy", fnet.full({ 2, 40, 30, 3 }, 7):byte())
    assert.equal(2, #verdicts("model.safetensors", "colours.npy"))
  end)

  it("normalises as the training did", function()
    local set = fnet.data.Dataset { x = fnet.from_bytes("\0\x64\xff\1", { 2, 2 }, "uint8"),
      y = fnet.tensor({ 1, 2 }, "int32"), scale = 0.5, classes = { "left", "right" } }
    set = set:with { transform = fnet.data.normalise { mean = { 50, 20 }, deviation = { 2, 4 } } }
    local model = nn.Sequential { nn.Dense(2, 2), nn.Softmax() }
    fnet.no_grad(function() model[1].weight:copy(fnet.tensor { { 1, -1 }, { 0.5, 0.25 } }) end)
    assert(model:save(directory .. "/norm.safetensors", { data = set, script = false }))
    fnet.data.write_npy(directory .. "/pair.npy", fnet.from_bytes("\x6e\x30", { 2 }, "uint8"))
    local seen = set:with { x = fnet.from_bytes("\x6e\x30\0\0", { 2, 2 }, "uint8") }:sample(1)
    local expected = fnet.no_grad(model, seen)
    assert.same({ ("pair.npy: %s, %.1f%%"):format(expected[1] > 0.5 and "left" or "right",
      100 * expected:max():item()) }, verdicts("norm.safetensors", "pair.npy"))
    set = set:with { transform = function(x, y) return x * 2, y end, random = false }
    assert(model:save(directory .. "/own.safetensors", { data = set, script = false }))
    assert.equal("fnet run: own.safetensors was trained on samples that a function of its script changed; use it "
      .. "in a script\n", run("run", "own.safetensors", "pair.npy").errors)
  end)

  it("gives a network of floats the floats, and bytes where it is clear what they mean", function()
    local function trained_on(x, name)
      local set = fnet.data.Dataset { x = x, y = fnet.ones({ #x }, "int32") }
      local model = nn.Sequential { nn.Flatten(), nn.Dense(4, 2) }
      fnet.no_grad(function() model[2].weight:copy(fnet.tensor { { 1, 0 }, { 2, 0 }, { 0, 3 }, { 0, 4 } }) end)
      assert(model:save(directory .. "/" .. name, { data = set, script = false }))
    end
    trained_on(fnet.rand { 9, 2, 2 }, "unit.safetensors")
    trained_on(fnet.rand({ 9, 2, 2 }, 0, 255), "full.safetensors")
    trained_on(fnet.randn { 9, 2, 2 }, "wide.safetensors")
    fnet.data.write_npy(directory .. "/b.npy", fnet.from_bytes("\0\xff\0\0", { 2, 2 }, "uint8"))
    fnet.data.write_npy(directory .. "/f.npy", fnet.tensor { { 0, 1 }, { 0, 0 } })
    assert.same({ "b.npy: class 1, 88.1%", "f.npy: class 1, 88.1%" },
      verdicts("unit.safetensors", "b.npy", "f.npy"))
    assert.same({ "b.npy: class 1, 100.0%", "f.npy: class 1, 88.1%" },
      verdicts("full.safetensors", "b.npy", "f.npy"))
    local result = run("run", "wide.safetensors", "b.npy", "f.npy")
    assert.matches("^fnet run: b.npy: holds bytes, the model saw floats from %-[%d.]+ to [%d.]+; give those, in a "
      .. ".npy\n$", result.errors)
    assert.matches("^f.npy: class 1, 88.1%%\n", result.output)
  end)

  it("takes indices, which nothing scales", function()
    local set = fnet.data.Dataset { x = fnet.tensor({ { 1, 2 }, { 3, 3 } }, "int32"),
      y = fnet.tensor({ 1, 2 }, "int32"), classes = { "calm", "loud" } }
    local model = nn.Sequential { nn.Embedding(3, 2), nn.Flatten(), nn.Dense(4, 2) }
    assert(model:save(directory .. "/words.safetensors", { data = set, script = false }))
    fnet.data.write_npy(directory .. "/words.npy", set.x)
    fnet.data.write_npy(directory .. "/none.npy", fnet.tensor({ 1, 4 }, "int32"))
    local result = run("run", "words.safetensors", "none.npy", "words.npy", "float.npy")
    assert.matches("^fnet run: none.npy: .-Embedding%(3, 2%).-4.-\nfnet run: float.npy: holds float32, the model "
      .. "was trained on whole numbers\n$", result.errors)
    assert.matches("^words.npy%[1%]: %a+, .-\nwords.npy%[2%]: %a+, ", result.output)
  end)

  it("goes on after a file that is wrong, and fails", function()
    fnet.data.write_npy(directory .. "/nan.npy", fnet.full({ 28, 28 }, 0 / 0))
    fnet.data.write_npy(directory .. "/big.npy", fnet.full({ 28, 28 }, 200))
    fnet.data.write_npy(directory .. "/empty.npy", fnet.zeros({ 0, 28, 28 }, "uint8"))
    fnet.data.write_npy(directory .. "/words.npy", fnet.zeros({ 28, 28 }, "int32") - 1)
    command.write_file(directory .. "/table.csv", "a,b\n1,2\n")
    command.write_file(directory .. "/cut.png", "\x89PNG\r\n\x1a\n")
    local result = run("run", "model.safetensors", "none", "nan.npy", "big.npy", "empty.npy", "words.npy",
      "table.csv", "cut.png", "wide.npy", "picture.npy")
    assert.equal(1, result.status)
    local lines = {}
    for line in result.errors:gmatch "[^\n]+" do lines[#lines + 1] = line end
    assert.equal(8, #lines)
    assert.equal("fnet run: none: No such file or directory", lines[1])
    assert.equal("fnet run: nan.npy: holds a value that is not finite", lines[2])
    assert.equal("fnet run: big.npy: holds floats from 200 to 200, the model saw 0 to 1; bytes (uint8) would be "
      .. "scaled",
      lines[3])
    assert.equal("fnet run: empty.npy: holds no sample", lines[4])
    assert.matches("^fnet run: words.npy: holds ", lines[5])
    assert.equal("fnet run: table.csv: is a text, a table by its first line; fnet.data.read_csv reads it; expected "
      .. "a picture or .npy", lines[6])
    assert.matches("^fnet run: cut.png: ", lines[7])
    assert.equal("fnet run: wide.npy: is a sample of [3], the model expects [28, 28]", lines[8])
    assert.matches("^picture.npy: ", result.output)
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
  -- Four IDX files, as MNIST has them, of random pictures: unpacked, under the names of other programs.
  local function write_idx(folder, labels, dot)
    assert(os.execute("mkdir -p " .. directory .. "/" .. folder))
    for _, part in ipairs { "train", "t10k" } do
      local start = ("%s/%s/%s"):format(directory, folder, part)
      command.write_file(("%s-images%sidx3-ubyte"):format(start, dot),
        string.pack(">I4I4I4I4", 2051, #labels, 28, 28) .. ("\7"):rep(784 * #labels))
      command.write_file(("%s-labels%sidx1-ubyte"):format(start, dot),
        string.pack(">I4I4", 2049, #labels) .. labels)
    end
  end

  it("has the model's names for the classes, and its form of the samples", function()
    write_idx("letters", "\0\1\2\2", ".")
    local bytes = fnet.full({ 2, 784 }, 7):byte()
    local set = fnet.data.Dataset { x = bytes, y = fnet.tensor({ 1, 3 }, "int32"), scale = 1 / 7,
      classes = { "alpha", "beta", "gamma" } }
    set = set:with { transform = fnet.data.normalise { mean = 0.5, deviation = 0.5 } } -- a network sees ones
    local model = nn.Sequential { nn.Dense(784, 3, { init = "zeros" }) }
    fnet.no_grad(function()
      model[1].weight:copy(fnet.full({ 784, 3 }, 1))
      model[1].bias:copy(fnet.tensor { 0, 0, -783.5 + 784 })
    end)
    assert(model:save(directory .. "/letters.safetensors", { data = set, script = false }))
    local result = run("eval", "letters.safetensors", "--data", "letters")
    assert.equal("", result.errors)
    assert.matches("%(2/4%)\n  alpha +0.0%%  %(0/1%)\n  beta +0.0%%  %(0/1%)\n  gamma +100.0%%  %(2/2%)\n$",
      result.output)
    write_idx("many", "\0\1\2\3", "-")
    result = run("eval", "letters.safetensors", "--data", "many")
    assert.equal(1, result.status)
    assert.matches("^fnet eval: fashion_mnist: .*labels%-idx1%-ubyte", result.errors)
  end)

  it("prints the accuracy on test pictures", function()
    local result = run("eval", "model.safetensors", "--data", command.directory .. "/tests/fixtures/fashion")
    assert.matches("^200 pictures from .-\naccuracy [%d.]+%% ± [%d.]+ %(%d+/200%)\n  T%-shirt/top ", result.output)
    assert.equal(0, result.status)
  end)

  it("says what is missing", function()
    assert.equal("fnet eval: which model? fnet eval model.safetensors --data directory\n", run("eval").errors)
    assert.matches("fnet eval: none: No such file", run("eval", "none").errors)
    assert.matches("lacks all four files", (run("eval", "model.safetensors", "--data", "none").errors
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

--- Weights of PyTorch and Keras: names and layouts. The fixture was written by tests/fixtures/pytorch/record.py.

local fnet = require "fnet"
local command = require "tests.support.command"
local core = require "fnet.core"
local support = require "tests.support"
local zip = require "fnet.files.zip"
local nn = fnet.nn

describe("weights that PyTorch wrote", function()
  it("give PyTorch's outputs", function()
    local model = nn.Sequential { nn.Dense(12, 16), nn.BatchNorm(16), nn.ReLU(), nn.Dense(16, 4), nn.Softmax() }
    model:load_foreign(assert(fnet.read_tensors "tests/fixtures/pytorch/model.safetensors"),
      { from = "pytorch", names = { ["1"] = "hidden", ["2"] = "norm", ["4"] = "out" } })
    local samples = assert(fnet.read_tensors "tests/fixtures/pytorch/samples.safetensors")
    assert.allclose(samples.output, fnet.no_grad(model:eval(), samples.input), 1e-5, 1e-5)
  end)

  local NAMES = { ["1"] = "first", ["2"] = "norm", ["4"] = "second", ["8"] = "out" }

  -- The network of the fixture, with what stands in front of it.
  local function convolutions(...)
    local layers = { ... }
    for _, layer in ipairs { nn.Conv2D(2, 6, 3, { stride = 2, padding = 1, groups = 2 }), nn.BatchNorm(6),
      nn.ReLU(), nn.Conv2D(6, 4, { 3, 2 }, { bias = false }), nn.MaxPool2D(2),
      nn.Flatten(), nn.Dropout(), nn.Dense(24, 5) } do
      layers[#layers + 1] = layer
    end
    return nn.Sequential(layers)
  end

  local function tensors() return assert(fnet.read_tensors "tests/fixtures/pytorch/convolutions.safetensors") end

  local function check_convolutions(model, names, flattened)
    model:load_foreign(tensors(), { from = "pytorch", names = names, flattened = flattened })
    local samples = assert(fnet.read_tensors "tests/fixtures/pytorch/convolutions_samples.safetensors")
    local x = samples.input:transpose(2, 3):transpose(3, 4):contiguous() -- channels last
    assert.allclose(samples.output, fnet.no_grad(model:eval(), x), 1e-5, 1e-5)
  end

  it("of convolutions give PyTorch's outputs, and so does a Dense layer after them", function()
    check_convolutions(convolutions(), NAMES, { ["8"] = { 2, 3, 4 } })
    -- The shape of the pictures is known here.
    check_convolutions(convolutions(nn.Reshape(12, 14, 2)),
      { ["2"] = "first", ["3"] = "norm", ["5"] = "second", ["9"] = "out" })
  end)

  it("of a layer that takes flattened pictures need their shape", function()
    local function fails(message, flattened)
      local model, options = convolutions(), { from = "pytorch", names = NAMES, flattened = flattened }
      support.raises(message, function() model:load_foreign(tensors(), options) end)
    end
    local unknown = "load_foreign: '8.weight' takes flattened pictures, which PyTorch has channels first; "
      .. 'say their shape: flattened = { ["8"] = { height, width, channels } }'
    fails(unknown)
    fails(unknown, { ["8"] = { 6, 4 } })
    fails("load_foreign: flattened: '8' has 24 inputs, got pictures of [3, 3, 4]", { ["8"] = { 3, 3, 4 } })
    local shapes = 'load_foreign: flattened: expected shapes by place, such as { ["4"] = { 5, 5, 16 } }, got '
    fails(shapes .. "number", 8)
    fails(shapes .. "[8] = 24", { ["8"] = 24 })
    fails("load_foreign: flattened: '9' is no place of the model; it has tensors at '1', '2', '4', '8'",
      { ["8"] = { 2, 3, 4 }, [9] = { 1, 1, 1 } })
  end)

  it("find the pictures that are flattened, however deep layers lie", function()
    -- Of pictures of 2 x 1 with 3 channels: where PyTorch has fnet's elements, which has the channels last.
    local order = { 1, 3, 5, 2, 4, 6 }
    local kernel, bias = fnet.zeros { 3, 1, 1, 1 }, fnet.zeros { 3 }
    local function state(last)
      return { ["conv.weight"] = kernel, ["conv.bias"] = bias,
        [last .. ".weight"] = fnet.arange(1, 6):reshape { 1, 6 }, [last .. ".bias"] = fnet.zeros { 1 } }
    end
    local model = nn.Sequential {
      nn.Sequential { nn.Reshape(2, 1, 1), nn.Conv2D(1, 3, 1), nn.ReLU(), nn.Flatten() },
      nn.Dropout(), nn.Residual { nn.Tanh(), nn.Sequential { nn.Dense(6, 1), nn.Dense(1, 6) } } }
    local weights = state "out"
    weights["back.weight"], weights["back.bias"] = fnet.ones { 6, 1 }, fnet.arange(1, 6)
    model:load_foreign(weights, { from = "pytorch",
      names = { ["1.2"] = "conv", ["3.2.1"] = "out", ["3.2.2"] = "back" } })
    assert.same(order, support.flat(model[3][2][1].weight))
    assert.same({ 1, 2, 3, 4, 5, 6 }, support.flat(model[3][2][2].bias))
    local normed = nn.Sequential { nn.Reshape(2, 1, 1), nn.Conv2D(1, 3, 1), nn.Flatten(), nn.LayerNorm(6),
      nn.Dense(6, 1) }
    weights = state "out"
    weights["norm.weight"], weights["norm.bias"] = fnet.arange(1, 6), fnet.zeros { 6 }
    normed:load_foreign(weights, { from = "pytorch", names = { [2] = "conv", [4] = "norm", [5] = "out" } })
    assert.same(order, support.flat(normed[4].weight))
    assert.same(order, support.flat(normed[5].weight))
  end)
end)

describe("weights that Keras wrote", function()
  local FOLDER = "tests/fixtures/keras/"

  -- The network of tests/fixtures/keras/record.py: "separable" is two layers.
  local function network()
    return nn.Sequential { nn.Reshape(6, 5, 3), nn.Conv2D(3, 4, 3, { padding = "same", activation = "relu" }),
      nn.BatchNorm(4), nn.Conv2D(4, 8, 3, { padding = "same", groups = 4 }),
      nn.Conv2D(8, 8, 2, { groups = 8, bias = false }), nn.Conv2D(8, 6, 1), nn.AvgPool2D(2, { padding = "same" }),
      nn.LayerNorm(6), nn.Dropout(0.3), nn.Flatten(), nn.Dense(36, 5, { activation = "softmax" }) }
  end

  local NAMES = { [2] = "sequential/conv2d", [3] = "sequential/batch_normalization", [4] = "sequential/wide",
    [5] = "sequential/separable_conv2d", [6] = "sequential/separable_conv2d",
    [8] = "sequential/layer_normalization", [11] = "sequential/dense" }
  local samples
  setup(function() samples = assert(fnet.read_tensors(FOLDER .. "samples.safetensors")) end)

  local function check(model)
    local output = fnet.no_grad(model:eval(), samples.input)
    assert.allclose(samples.output, output, 1e-6, 1e-6)
  end

  it("give Keras's outputs, with its epsilon", function()
    local model = assert(network():load_foreign(FOLDER .. "model.safetensors", { from = "keras", names = NAMES }))
    assert.same({ 1e-3, 1e-3 }, { model[3].epsilon, model[8].epsilon })
    check(model)
  end)

  it("by the numbers that .weights.h5 has give the same", function()
    local named, numbered = assert(fnet.read_tensors(FOLDER .. "model.safetensors")), {}
    local numbers = { kernel = 0, bias = 1, gamma = 0, beta = 1, moving_mean = 2, moving_variance = 3,
      depthwise_kernel = 0, pointwise_kernel = 1 }
    for name, tensor in pairs(named) do
      local layer, key = name:match "sequential/(.*)/(.*)"
      local number = layer == "separable_conv2d" and key == "bias" and 2 or numbers[key]
      numbered[("layers/%s/vars/%d"):format(layer, number)] = tensor
    end
    numbered["optimizer/vars/0"] = fnet.ones { 1 }
    numbered["layers/dropout/seed_generator/vars/0"] = fnet.ones { 2 }
    local names = {}
    for place, name in pairs(NAMES) do names[place] = name:gsub("sequential", "layers") end
    local model = network():load_foreign(numbered, { from = "keras", names = names })
    check(model)
  end)

  -- Their names in Keras's own files: those of classes.
  local CLASSES = { [2] = "layers/conv2d", [3] = "layers/batch_normalization", [4] = "layers/depthwise_conv2d",
    [5] = "layers/separable_conv2d", [6] = "layers/separable_conv2d", [8] = "layers/layer_normalization",
    [11] = "layers/dense" }

  it("are read from Keras's own files", function()
    for _, name in ipairs { "model.weights.h5", "model.keras" } do
      check(assert(network():load_foreign(FOLDER .. name, { from = "keras", names = CLASSES })))
    end
  end)

  it("bring the epsilons that a .keras archive has", function()
    local members = {}
    local input <close> = assert(core.open_input(FOLDER .. "model.keras"))
    for i, member in ipairs(zip.members(input)) do
      local content = zip.content(input, member, 1 << 20, function(part, size) return part:bytes(size) end)
      if member.name == "config.json" then
        local changed
        content, changed = content:gsub('"epsilon": 0.001', '"epsilon": 0.25', 1) -- the batch normalisation's
        assert.equal(1, changed)
      end
      members[i] = { name = member.name, pieces = { content } }
    end
    local path = os.tmpname()
    command.write_file(path, table.concat(zip.archive(members)))
    local model = assert(network():load_foreign(path, { from = "keras", names = CLASSES }))
    assert.same({ 0.25, 1e-3 }, { model[3].epsilon, model[8].epsilon })
    command.write_file(path, (command.read_file(FOLDER .. "model.keras"):gsub("SNOD", "snod", 1)))
    local _, damage = network():load_foreign(path, { from = "keras", names = CLASSES })
    assert.equal(path .. ": 'model.weights.h5' has a wrong checksum", damage)
    members[#members] = nil
    command.write_file(path, table.concat(zip.archive(members)))
    local _, message = network():load_foreign(path, { from = "keras", names = CLASSES })
    assert.matches("is a .keras archive without 'model.weights.h5' as Keras stores it; in Python, where ", message)
    os.remove(path)
  end)

  it("leave an epsilon that the script gives, and a file keeps what they brought", function()
    local weights = { ["n/gamma:0"] = fnet.ones { 1 }, ["n/beta:0"] = fnet.zeros { 1 } }
    local own = nn.Sequential { nn.LayerNorm(1, { epsilon = 1e-5 }) }
    own:load_foreign(weights, { from = "keras", names = { ["1"] = "n" } })
    assert.equal(1e-5, own[1].epsilon)
    local model = nn.Sequential { nn.LayerNorm(1) }
    model:load_foreign({ ["n.weight"] = fnet.ones { 1 }, ["n.bias"] = fnet.ones { 1 } },
      { from = "pytorch", names = { ["1"] = "n" } })
    assert.equal(1e-5, model[1].epsilon)
    model:load_foreign(weights, { from = "keras", names = { ["1"] = "n" } })
    local path = os.tmpname()
    assert(model:save(path))
    assert.equal(1e-3, assert(fnet.load(path))[1].epsilon)
    os.remove(path)
  end)
end)

describe("weights of other libraries", function()
  local zeros = fnet.zeros

  it("that are missing or do not fit raise an error at the caller's line", function()
    local raises, model, t = support.raises, nn.Sequential { nn.Dense(2, 3, { bias = false }) }, zeros { 2, 3 }
    raises("load_foreign: expected a table of tensors by name, or a path, got number",
      function() model:load_foreign(1) end)
    raises("load_foreign: from: unknown name 'torch'; known are pytorch, keras",
      function() model:load_foreign({}, { from = "torch" }) end)
    local names = 'load_foreign: names: expected their names by place, such as { ["2"] = "fc1" }, got '
    raises(names .. "nil", function() model:load_foreign({}, { from = "keras" }) end)
    raises(names .. "[1] = 5", function() model:load_foreign({}, { from = "keras", names = { 5 } }) end)
    raises("load_foreign: names: nothing stands for '1.weight', which the model needs",
      function() model:load_foreign({}, { from = "keras", names = {} }) end)
    raises("load_foreign: '1.weight' needs one of a.weight, a/weight, and there is none",
      function() model:load_foreign({}, { from = "pytorch", names = { ["1"] = "a" } }) end)
    raises("load_foreign: 'a.weight' is [3, 2] in fnet's layout, but '1.weight' is [2, 3]",
      function() model:load_foreign({ ["a.weight"] = t }, { from = "pytorch", names = { ["1"] = "a" } }) end)
    raises("load_foreign: 'a': expected a tensor, got number",
      function() model:load_foreign({ a = 1 }, { from = "pytorch", names = {} }) end)
  end)

  it("that no layer takes raise an error, and nothing is loaded", function()
    local raises, model = support.raises, nn.Sequential { nn.Dense(2, 2, { bias = false }), nn.ReLU() }
    local before = model:sha256()
    local tensors = { ["a.weight"] = zeros { 2, 2 }, ["a.bias"] = zeros { 2 }, ["b.weight"] = zeros { 1 },
      ["a.num_batches_tracked"] = zeros({ 1 }, "int32") }
    raises("load_foreign: names: '3' is no place of the model; it has tensors at '1'; 'a.bias' stays unused by "
      .. "'1', Dense(2, 2, no bias) (strict = false leaves it out); 'b.weight' stays unused (strict = false "
      .. "leaves it out)",
      function() model:load_foreign(tensors, { from = "pytorch", names = { ["1"] = "a", ["3"] = "b" } }) end)
    assert.equal(before, model:sha256())
    for i = 1, 9 do tensors["more" .. i] = zeros { 1 } end
    local _, message = pcall(model.load_foreign, model, tensors, { from = "pytorch", names = { "a", "b" } })
    assert.matches("'more4' stays unused %(strict = false leaves it out%); and 5 more$", message)
  end)

  it("may be left out, and tensors of the model left alone, where the script says so", function()
    local model = nn.Sequential { nn.Dense(2, 2), nn.BatchNorm(2) }
    local bias = fnet.rand { 2 }
    fnet.no_grad(function() model[1].bias:copy(bias) end)
    local self, left = model:load_foreign({ ["a.weight"] = fnet.tensor { { 1, 2 }, { 3, 4 } }, rest = zeros { 1 } },
      { from = "pytorch", names = { ["1"] = "a" }, strict = false })
    assert.equal(model, self)
    assert.same({ missing = { "1.bias", "2.weight", "2.bias", "2.running_mean", "2.running_var" },
      unused = { "rest" } }, left)
    assert.same({ 1, 3, 2, 4 }, support.flat(model[1].weight))
    assert.is_true(bias:equal(model[1].bias:detach()))
    support.raises("load_foreign: names: 'x' is no place of the model; it has tensors at '1', '2'",
      function() model:load_foreign({}, { from = "pytorch", names = { x = "a" }, strict = false }) end)
    support.raises("load_foreign: 'a.bias' is [3] in fnet's layout, but '1.bias' is [2]",
      function() model:load_foreign({ ["a.bias"] = zeros { 3 } },
        { from = "pytorch", names = { ["1"] = "a" }, strict = false }) end)
  end)

  it("come from a path as well", function()
    local path = os.tmpname()
    assert(fnet.data.write_npz(path, { ["a.weight"] = fnet.tensor { { 5, 6 } }, ["a.bias"] = fnet.tensor { 7 } }))
    local model = nn.Dense(2, 1)
    assert.equal(model, (model:load_foreign(path, { from = "pytorch", names = { [""] = "a" } })))
    assert.same({ 5, 6 }, support.flat(model.weight))
    os.remove(path)
    assert.same({ nil, path .. ": No such file or directory", 2 },
      { model:load_foreign(path, { from = "pytorch", names = {} }) })
    command.write_file(path, "GGUF\3\0\0\0\0\0\0\0")
    local _, message = model:load_foreign(path, { from = "pytorch", names = {} })
    assert.equal(path .. ": is a GGUF file of llama.cpp's, which fnet does not read: take the safetensors files of "
      .. "the original model", message)
    os.remove(path)
  end)
end)

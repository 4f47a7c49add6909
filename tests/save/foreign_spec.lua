--- Weights of PyTorch and Keras: names and layouts. The fixture was written by tests/fixtures/pytorch/record.py.

local fnet = require "fnet"
local support = require "tests.support"
local nn = fnet.nn

describe("weights that PyTorch wrote", function()
  it("give PyTorch's outputs", function()
    local model = nn.Sequential { nn.Dense(12, 16), nn.BatchNorm(16), nn.ReLU(), nn.Dense(16, 4), nn.Softmax() }
    model:load_foreign(assert(fnet.read_tensors "tests/fixtures/pytorch/model.safetensors"),
      { from = "pytorch", names = { ["1"] = "hidden", ["2"] = "norm", ["4"] = "out" } })
    local samples = assert(fnet.read_tensors "tests/fixtures/pytorch/samples.safetensors")
    support.near(samples.output.shape, support.flat(samples.output), fnet.no_grad(model:eval(), samples.input),
      1e-5)
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
    support.near(samples.output.shape, support.flat(samples.output), fnet.no_grad(model:eval(), x), 1e-5)
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
    fails(unknown, { ["8"] = 24 })
    fails(unknown, { ["8"] = { 6, 4 } })
    fails("load_foreign: flattened: '8' has 24 inputs, got pictures of [3, 3, 4]", { ["8"] = { 3, 3, 4 } })
    fails('load_foreign: flattened: expected shapes by place, such as { ["4"] = { 5, 5, 16 } }', 8)
  end)
end)

describe("weights that Keras wrote", function()
  it("keep their layout", function()
    local kernel, bias, gamma = fnet.rand { 2, 3 }, fnet.rand { 3 }, fnet.rand { 3 }
    local model = nn.Sequential { nn.Dense(2, 3), nn.BatchNorm(3) }:load_foreign({
      ["dense/kernel"] = kernel, ["dense/bias"] = bias, ["norm.gamma"] = gamma, ["norm.beta"] = bias,
      ["norm.moving_mean"] = bias, ["norm.moving_variance"] = gamma,
    }, { from = "keras", names = { ["1"] = "dense", ["2"] = "norm" } })
    assert.is_true(kernel:equal(model[1].weight))
    assert.is_true(gamma:equal(model[2].running_var))
  end)
end)

describe("weights of other libraries", function()
  it("that are missing or do not fit raise an error at the caller's line", function()
    local raises, model, t = support.raises, nn.Sequential { nn.Dense(2, 3, { bias = false }) }, fnet.zeros { 2, 3 }
    raises("load_foreign: expected a table of tensors by name, got number", function() model:load_foreign(1) end)
    raises("load_foreign: from: unknown name 'torch'; known are pytorch, keras",
      function() model:load_foreign({}, { from = "torch" }) end)
    raises('load_foreign: names: expected their names by place, such as { ["2"] = "fc1" }',
      function() model:load_foreign({}, { from = "keras" }) end)
    raises("load_foreign: names: nothing stands for '1.weight', which the model needs",
      function() model:load_foreign({}, { from = "keras", names = {} }) end)
    raises("load_foreign: '1.weight' needs one of a.weight, a/weight, and there is none",
      function() model:load_foreign({}, { from = "pytorch", names = { ["1"] = "a" } }) end)
    raises("load_state: the state has '1.weight' of shape [3, 2], the model expects [2, 3]",
      function() model:load_foreign({ ["a.weight"] = t }, { from = "pytorch", names = { ["1"] = "a" } }) end)
  end)
end)

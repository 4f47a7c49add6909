--- Weights of PyTorch and Keras: names and layouts. The fixture was written by tests/fixtures/pytorch/record.py.

local fnet = require "fnet"
local support = dofile "tests/support.lua"
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

  it("of convolutions become [height, width, inputs, outputs]", function()
    local theirs = fnet.rand { 5, 2, 3, 4 }
    local Holder = nn.module "Holder"
    function Holder:init()
      local weight = fnet.zeros { 3, 4, 2, 5 }
      weight.requires_grad = true
      self.weight = weight
    end
    local model = nn.Sequential { Holder() }:load_foreign({ ["c.weight"] = theirs },
      { from = "pytorch", names = { ["1"] = "c" } })
    support.each({ 5, 2, 3, 4 }, function(index)
      local o, i, h, w = table.unpack(index)
      assert.equal(theirs:get(o, i, h, w), model[1].weight:get(h, w, i, o))
    end)
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
    raises("load_state: the table has '1.weight' of shape [3, 2], the model expects [2, 3]",
      function() model:load_foreign({ ["a.weight"] = t }, { from = "pytorch", names = { ["1"] = "a" } }) end)
  end)
end)

--- Weights of recurrent layers from PyTorch and Keras: outputs, states and gradients are theirs. The fixtures were
-- written by record_recurrent.py in tests/fixtures/pytorch and in tests/fixtures/keras.

local fnet = require "fnet"
require "fnet.testing"
local nn = fnet.nn

describe("recurrent layers of PyTorch", function()
  local all
  setup(function() all = assert(fnet.read_tensors "tests/fixtures/pytorch/recurrent.safetensors") end)

  -- The tensors under a name, without it.
  local function under(name)
    local list = {}
    for key, tensor in pairs(all) do
      local rest = key:match("^" .. name .. "%.(.*)$")
      if rest then list[rest] = tensor end
    end
    return list
  end

  local function check(name, layer)
    local theirs = under(name)
    local model = nn.Sequential { layer }
    model:load_foreign(under(name .. "%.layer"), { from = "pytorch", names = { "" } })
    local function near(expected, got) assert.allclose(expected, got, 2e-5, 2e-5) end
    local x = theirs.input:clone()
    x.requires_grad = true
    local y, state = layer(x, nil, theirs.lengths)
    local h, c = state, nil
    if name == "lstm" then h, c = table.unpack(state) end
    near(theirs.output, y)
    near(theirs.h, h)
    if c then near(theirs.c, c) end
    ((y * y):sum() + (h ^ 3):sum()):backward()
    near(theirs.gradient, x.grad)
    near(theirs.gradient_weight_ih_l0, layer.weight_1.grad:transpose())
    near(theirs.gradient_weight_hh_l0, layer.state_weight_1.grad:transpose())
  end

  it("give PyTorch's outputs, states and gradients, also of sequences of different lengths", function()
    check("rnn", nn.RNN(3, 4))
    check("relu", nn.RNN(3, 4, { layers = 2, activation = "relu", bias = false }))
    check("lstm", nn.LSTM(3, 4, { layers = 2, bidirectional = true }))
    check("gru", nn.GRU(3, 4, { layers = 2, bidirectional = true }))
  end)

  it("are refused where layers, directions or biases differ", function()
    local function fails(message, layer)
      local model = nn.Sequential { layer }
      local _, got = pcall(model.load_foreign, model, under "lstm%.layer", { from = "pytorch", names = { "" } })
      assert.is_truthy(got:find(message, 1, true), got)
    end
    local deep = nn.LSTM(3, 4, { layers = 3, bidirectional = true })
    fails("load_foreign: '1.weight_3' needs one of weight_ih_l2, and there is none", deep)
    fails("; '1.bias_3' needs one of bias_ih_l2 with bias_hh_l2, and there is none", deep)
    fails("load_foreign: 'bias_hh_l0' stays unused",
      nn.LSTM(3, 4, { layers = 2, bidirectional = true, bias = false }))
    fails("load_foreign: 'weight_ih_l0' is [3, 16] in fnet's layout, but '1.weight_1' is [3, 20]",
      nn.LSTM(3, 5, { layers = 2, bidirectional = true }))
  end)
end)

describe("recurrent layers of Keras", function()
  local FOLDER = "tests/fixtures/keras/"

  it("give Keras's outputs", function()
    local model = nn.Sequential { nn.RNN(3, 4), nn.LSTM(4, 6), nn.GRU(6, 4, { bidirectional = true }),
      nn.LSTM(8, 3, { bidirectional = true }), nn.GRU(6, 5, { last = true }) }
    assert(model:load_foreign(FOLDER .. "recurrent.weights.h5", { from = "keras", names = {
      "layers/simple_rnn", "layers/lstm", "layers/bidirectional", "layers/bidirectional_1", "layers/gru" } }))
    local samples = assert(fnet.read_tensors(FOLDER .. "recurrent.safetensors"))
    assert.allclose(samples.output, fnet.no_grad(model, samples.input), 2e-5, 2e-5)
  end)

  it("of which one lies under its own name are found there too", function()
    local kernel, own, bias = fnet.randn { 2, 12 }, fnet.randn { 3, 12 }, fnet.randn { 12 }
    local model = nn.Sequential { nn.LSTM(2, 3) }
    model:load_foreign({ ["lstm/lstm_cell/kernel"] = kernel, ["lstm/lstm_cell/recurrent_kernel"] = own,
      ["lstm/lstm_cell/bias"] = bias }, { from = "keras", names = { "lstm" } })
    assert.is_true(model[1].weight_1:equal(kernel) and model[1].state_weight_1:equal(own))
    assert.is_true(model[1].bias_1:equal(bias))
  end)

  it("are refused where their formula is another one", function()
    local function fails(message, layer, name, file)
      local model = nn.Sequential { layer }
      local ok, got = pcall(model.load_foreign, model, FOLDER .. file, { from = "keras", names = { name } })
      assert.is_false(ok)
      assert.is_truthy(got:find(message, 1, true), got)
    end
    fails("load_foreign: a GRU of Keras with reset_after = False multiplies in another order than fnet.nn.GRU",
      nn.GRU(3, 5), "layers/gru", "before.weights.h5")
    fails("'1.weight_2' needs one of layers/lstm.weight_2", nn.LSTM(4, 6, { layers = 2 }), "layers/lstm",
      "recurrent.weights.h5")
    fails("'1.weight_1_backward' needs one of layers/lstm.backward_layer/cell/kernel",
      nn.LSTM(4, 6, { bidirectional = true }), "layers/lstm", "recurrent.weights.h5")
  end)
end)

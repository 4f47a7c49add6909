--- Weights of attention, further convolutions and norms from PyTorch and Keras: outputs and gradients are theirs.
-- The fixtures were written by record_layers.py in tests/fixtures/pytorch and in tests/fixtures/keras.

local fnet = require "fnet"
local support = require "tests.support"
local nn = fnet.nn
local flat = support.flat

describe("layers of PyTorch", function()
  local all
  setup(function() all = assert(fnet.read_tensors "tests/fixtures/pytorch/layers.safetensors") end)

  -- The tensors under a name, without it.
  local function under(name)
    local list = {}
    for key, tensor in pairs(all) do
      if key:sub(1, #name + 1) == name .. "." then list[key:sub(#name + 2)] = tensor end
    end
    return list
  end

  local function near(expected, got) support.near(expected.shape, flat(expected), got, 3e-5) end

  -- Their weights in the layer, and gradients of a few of its own tensors by PyTorch's names of these.
  local function check(name, layer, own, call)
    local theirs, model = under(name), nn.Sequential { layer }
    local weights = under(name .. ".layer")
    if next(weights) then model:load_foreign(weights, { from = "pytorch", names = { "" } }) end
    local x = theirs.input:clone()
    x.requires_grad = true
    local y = call and call(layer, x) or layer(x)
    near(theirs.output, y)
    for i = 1, 2 do near(theirs.output[i], call and theirs.output[i] or layer(theirs.input[i])) end
    ;(y * y):sum():backward()
    near(theirs.gradient, x.grad)
    for key, gradient in pairs(own or {}) do near(theirs["gradient_" .. key], gradient()) end
  end

  it("attend as PyTorch does, with masks, and with keys and values from elsewhere", function()
    local layer = nn.MultiHeadAttention(8, 2)
    local own = { in_proj_weight = function() return layer.weight.grad:T() end,
      in_proj_bias = function() return layer.bias.grad end,
      ["out_proj.weight"] = function() return layer.result_weight.grad:T() end }
    local function check_anew(...)
      layer:zero_grad()
      check(...)
    end
    check_anew("attention", layer, own)
    check_anew("causal", layer, own, function(_, x)
      return (layer(x, nil, nil, fnet.arange(1, 5):reshape({ 5, 1 }):ge(fnet.arange(1, 5))))
    end)
    check_anew("padded", layer, own, function(_, x)
      local mask = fnet.tensor { { 1, 1, 1, 1, 1 }, { 1, 1, 1, 0, 0 }, { 1, 0, 0, 0, 0 } }
      return (layer(x, nil, nil, mask:unsqueeze(2)))
    end)
    check_anew("crossed", layer, own, function(_, x)
      return (layer(x, x:slice(2, 2, 4) * 2, x:slice(2, 3, 5) - 1))
    end)
    local causal = nn.MultiHeadAttention(8, 2, { causal = true })
    check("causal", causal)
  end)

  it("of transformers, whose inner layers are found by the name of the outer one", function()
    local first = nn.TransformerLayer(8, 2, { hidden = 12, activation = "gelu" })
    check("encoder_first", first, { ["linear1.weight"] = function() return first.dense_1.weight.grad:T() end,
      ["norm1.weight"] = function() return first.norm_1.weight.grad end })
    local last = nn.TransformerLayer(8, 2, { hidden = 12, norm = "last", causal = true })
    check("encoder_last", last, {
      ["self_attn.in_proj_weight"] = function() return last.attention.weight.grad:T() end,
      ["norm2.bias"] = function() return last.norm_2.bias.grad end })
  end)

  it("normalise, and have slopes", function()
    check("rms", nn.RMSNorm(6, { epsilon = 1e-3 }))
    local prelu = nn.PReLU(6)
    check("prelu", prelu, { weight = function() return prelu.weight.grad end })
    local group = nn.GroupNorm(3, 6, { epsilon = 1e-3 })
    check("group", group, { weight = function() return group.weight.grad end,
      bias = function() return group.bias.grad end })
    check("instance", nn.GroupNorm(6, 6, { sample = "sequence" }))
  end)

  it("convolve sequences, and pictures backwards", function()
    local conv = nn.Conv1D(4, 6, 3, { stride = 2, padding = 1 })
    check("conv1d", conv, { weight = function() return conv.weight.grad:transpose(1, 3) end,
      bias = function() return conv.bias.grad end })
    check("conv1d_groups", nn.Conv1D(4, 6, 2, { groups = 2, bias = false }))
    local transposed = nn.ConvTranspose2D(4, 3, 3, { stride = 2, padding = 1, output_padding = 1 })
    check("transposed", transposed, { bias = function() return transposed.bias.grad end,
      weight = function()
        return transposed.weight.grad:transpose(3, 4):transpose(2, 4):transpose(1, 3)
      end })
    check("transposed_groups", nn.ConvTranspose2D(4, 6, { 2, 3 }, { stride = { 1, 2 }, groups = 2, bias = false }))
  end)

  it("make pictures larger", function()
    check("nearest", nn.Upsample { 2, 3 })
    check("bilinear", nn.Upsample({ 2, 3 }, { mode = "bilinear" }))
  end)

  it("are refused where they do not fit", function()
    local function fails(message, name, layer)
      local model = nn.Sequential { layer }
      local _, got = pcall(model.load_foreign, model, under(name .. ".layer"), { from = "pytorch", names = { "" } })
      assert.is_truthy(got:find(message, 1, true), got)
    end
    fails("'in_proj_bias' stays unused", "attention", nn.MultiHeadAttention(8, 2, { bias = false }))
    fails("'in_proj_weight' is [8, 24] in fnet's layout, but '1.weight' is [4, 12]", "attention",
      nn.MultiHeadAttention(4, 2))
    fails("'linear1.bias' is [12] in fnet's layout, but '1.dense_1.bias' is [32]", "encoder_first",
      nn.TransformerLayer(8, 2))
  end)
end)

describe("layers of Keras", function()
  local FOLDER = "tests/fixtures/keras/"

  local function check(name, model, names)
    local samples = assert(fnet.read_tensors(FOLDER .. "layers.safetensors"))
    assert(model:load_foreign(FOLDER .. name .. ".weights.h5", { from = "keras", names = names }))
    local expected = samples[name .. "_output"]
    support.near(expected.shape, flat(expected), fnet.no_grad(model, samples[name]), 2e-5)
  end

  it("give Keras's outputs", function()
    check("sequences", nn.Sequential { nn.MultiHeadAttention(4, 2), nn.Conv1D(4, 6, 3, { padding = "causal",
      activation = "relu" }), nn.RMSNorm(6) }, { "layers/multi_head_attention", "layers/conv1d",
      "layers/rms_normalization" })
  end)

  it("for pictures too", function()
    check("pictures", nn.Sequential { nn.ConvTranspose2D(4, 6, 3, { stride = 2, padding = "same" }),
      nn.GroupNorm(3, 6), nn.PReLU(), nn.Upsample({ 2, 3 }, { mode = "bilinear" }) }, { "layers/conv2d_transpose",
      "layers/group_normalization", "layers/p_re_lu" })
  end)
end)

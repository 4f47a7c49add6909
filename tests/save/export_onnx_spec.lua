--- Models as ONNX: checked and run by onnx and onnxruntime where Python has them (tests/support/command.lua).

local fnet = require "fnet"
local command = require "tests.support.command"
local support = require "tests.support"
local protobuf = require "fnet.files.protobuf"
local nn = fnet.nn

local directory, checks
setup(function()
  directory = command.make_directory()
  checks = require "tests.support.onnxruntime"(directory)
end)
teardown(function() command.remove_directory(directory) end)

-- A model, which fnet reads again now and onnxruntime at the end.
local function check(model, x, options)
  local results = fnet.no_grad(model, x)
  return checks:add(model, { x }, fnet.is_tensor(results) and { results } or results, options)
end

describe("a model as ONNX", function()
  it("gives the outputs of fnet", function()
    fnet.seed(5)
    local model = nn.Sequential { nn.Flatten(), nn.Dense(6, 9), nn.BatchNorm(9), nn.ReLU(), nn.Dropout(),
      nn.Dense(9, 8, { activation = "tanh", bias = false }), nn.LayerNorm(8), nn.LeakyReLU(0.1), nn.Dense(8, 7),
      nn.ELU(0.7), nn.Dense(7, 7), nn.SELU(), nn.Dense(7, 6, { activation = "sigmoid" }), nn.Softplus(),
      nn.Sequential { nn.Dense(6, 5), nn.Softmax() } }
    local x = fnet.randn { 30, 6 }
    for _ = 1, 3 do model(x) end -- running statistics
    check(model:eval(), x)
  end)

  it("gives the outputs of convolutional networks", function()
    fnet.seed(6)
    local model = nn.Sequential { nn.Reshape(14, 12, 2), nn.Conv2D(2, 4, 3, { padding = "same", bias = false }),
      nn.BatchNorm(4), nn.ReLU(), nn.MaxPool2D(2), -- 7 x 6
      nn.Conv2D(4, 8, { 3, 2 }, { padding = { 0, 1 }, groups = 2, activation = "gelu" }), -- 5 x 7
      nn.Conv2D(8, 8, 3, { padding = "same", stride = 2, groups = 8, activation = "silu" }), -- 3 x 4
      nn.AvgPool2D(3, { stride = 2, padding = 1 }), nn.Dense(8, 6), nn.LayerNorm(6), nn.LogSoftmax(), -- 2 x 2
      nn.Flatten(), nn.Dense(24, 10) }
    local x = fnet.randn { 9, 14 * 12 * 2 }
    for _ = 1, 3 do model(x) end
    check(model:eval(), x)
  end)

  it("takes pictures with their channels last", function()
    fnet.seed(7)
    local model = nn.Sequential { nn.Conv2D(3, 4, 3), nn.MaxPool2D(3, { stride = 2, padding = "same" }),
      nn.GlobalAvgPool(), nn.Softmax() }
    check(model, fnet.randn { 4, 9, 7, 3 }, { input = { 9, 7, 3 } })
  end)

  it("gives the outputs of branches, embeddings and padded means", function()
    fnet.seed(8)
    local model = nn.Sequential { nn.Reshape(4), nn.Embedding(9, 6), nn.Residual {
      nn.LayerNorm(6, { epsilon = 1e-3 }), nn.Dense(6, 8, { activation = "gelu" }), nn.Dense(8, 6) },
      nn.Concat { nn.Dense(6, 5), nn.Sequential { nn.Tanh(), nn.ReLU() }, nn.Residual { nn.Dropout() } },
      nn.Reshape(2, 2, 17), nn.AvgPool2D(2, { stride = 1, padding = 1, count_include_pad = true }), -- 3 x 3
      nn.AvgPool2D(2, { padding = 1 }), nn.Flatten(),
      nn.Parallel { nn.Sequential { nn.Dense(68, 3), nn.LogSoftmax() }, nn.Dense(68, 1) } }:eval()
    local graph = check(model, (fnet.rand { 20, 4 } * 9 + 1):int())
    assert.same({ "output1", "output2" }, { graph.outputs[1].name, graph.outputs[2].name })
  end)

  it("gives the outputs of recurrent layers", function()
    fnet.seed(9)
    local model = nn.Sequential { nn.RNN(3, 4, { activation = "relu", bidirectional = true }), nn.RNN(8, 3),
      nn.LSTM(3, 5, { layers = 2, bidirectional = true }), nn.GRU(10, 4, { bias = false }),
      nn.GRU(4, 3, { layers = 2, bidirectional = true, last = true }), nn.Dense(6, 2) }
    for _, parameter in ipairs(model:parameters()) do
      if parameter.rank == 1 then fnet.no_grad(function() parameter:copy(fnet.randn(parameter.shape)) end) end
    end
    check(model:eval(), fnet.randn { 5, 7, 3 }, { input = { 7, 3 } })
    model = nn.Sequential { nn.Embedding(9, 3), nn.LSTM(3, 4, { last = true }) }
    check(model, (fnet.rand { 5, 6 } * 9 + 1):int(), { input = { 6 } })
    support.raises("export_onnx: the layers do not say what shape a sample has; do, as input = { time, 3 }",
      function() nn.Sequential { nn.LSTM(3, 4) }:export_onnx(directory .. "/no.onnx") end)
    support.raises("export_onnx: layer 1, LSTM(3, 4) expects sequences, a sample { time, 3 }, got one of 1 axes",
      function() nn.Sequential { nn.LSTM(3, 4) }:export_onnx(directory .. "/no.onnx", { input = { 3 } }) end)
  end)

  -- A model whose start values would hide what a layer does with its parameters.
  local function check_shaken(model, x, input)
    for _, parameter in ipairs(model:parameters()) do
      if parameter.rank == 1 then fnet.no_grad(function() parameter:copy(fnet.rand(parameter.shape, -1, 1)) end) end
    end
    check(model:eval(), x, { input = input })
  end

  it("gives the outputs of attention and transformers", function()
    fnet.seed(10)
    check_shaken(nn.Sequential { nn.PositionalEncoding(20, 8), nn.MultiHeadAttention(8, 2),
      nn.MultiHeadAttention(8, 4, { causal = true, bias = false }) }, fnet.randn { 4, 5, 8 }, { 5, 8 })
    check_shaken(nn.Sequential { nn.Embedding(9, 8), nn.PositionalEncoding(6, 8, { learnt = true }),
      nn.TransformerLayer(8, 2), nn.TransformerLayer(8, 2, { norm = "last", activation = "gelu", causal = true,
        dropout = 0.1 }), nn.Dense(8, 3) }, (fnet.rand { 4, 6 } * 9 + 1):int(), { 6 })
  end)

  it("gives the outputs of convolutions of sequences, and back to pictures,", function()
    fnet.seed(11)
    check_shaken(nn.Sequential { nn.Conv1D(3, 4, 3, { activation = "relu" }),
      nn.Conv1D(4, 6, 3, { padding = "causal", groups = 2 }),
      nn.Conv1D(6, 2, 2, { stride = 2, padding = "same", bias = false }) }, fnet.randn { 4, 11, 3 }, { 11, 3 })
    check_shaken(nn.Sequential { nn.ConvTranspose2D(3, 4, 3, { stride = 2, padding = 1, output_padding = 1,
      activation = "gelu" }), nn.ConvTranspose2D(4, 6, { 2, 3 }, { stride = { 3, 2 }, padding = "same",
        groups = 2 }) },
      fnet.randn { 4, 5, 6, 3 }, { 5, 6, 3 })
    check_shaken(nn.Sequential { nn.Upsample(2), nn.Upsample({ 3, 2 }, { mode = "bilinear" }) },
      fnet.randn { 4, 5, 6, 3 }, { 5, 6, 3 })
  end)

  it("gives the outputs of learnt slopes and of every norm", function()
    fnet.seed(12)
    check_shaken(nn.Sequential { nn.Dense(4, 6), nn.PReLU(6), nn.Dense(6, 3), nn.PReLU(), nn.RMSNorm(3) },
      fnet.randn { 5, 4 })
    check_shaken(nn.Sequential { nn.GroupNorm(3, 6) }, fnet.randn { 4, 5, 7, 6 }, { 5, 7, 6 })
    check_shaken(nn.Sequential { nn.GroupNorm(3, 6, { sample = "sequence" }) }, fnet.randn { 4, 5, 6 }, { 5, 6 })
    check_shaken(nn.Sequential { nn.Dense(3, 6), nn.GroupNorm(2, 6, { sample = "row" }) }, fnet.randn { 4, 3 })
  end)

  it("is encoded as the format's documentation shows", function()
    assert.equal("\x08\x96\x01", protobuf.integer(1, 150))
    assert.equal("\x12\x07testing", protobuf.bytes(2, "testing"))
    assert.equal("\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", protobuf.integer(3, -1))
    assert.equal("\x25\x00\x00\x80\x3f", protobuf.float(4, 1))
    assert.equal("\xa0\x01\x00", protobuf.integer(20, 0))
  end)

  it("cannot have layers that it is not told of", function()
    local raises, path = support.raises, directory .. "/x.onnx"
    raises("export_onnx: expected a path, got nil", function() nn.Dense(1, 1):export_onnx() end)
    raises("export_onnx: this model does not say what a sample is; do, as input = { 28, 28, 1 } "
      .. "or, of several, { { 28, 28, 1 }, { 5 } }, or with tensors of samples",
      function() nn.Sequential { nn.Dense(2, 2), nn.Lambda(print) }:export_onnx(path) end)
  end)

  it("gives the same in onnxruntime", function()
    local reason = checks:run()
    if reason then pending(reason) end
  end)
end)

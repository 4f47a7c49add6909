--- Models that others export as ONNX, as modules: what they compute, how they learn, what is refused. The files of
-- PyTorch and Keras are made by tests/fixtures/onnx/record.py.

local fnet = require "fnet"
local command = require "tests.support.command"
local support = require "tests.support"
local nn = fnet.nn

local FIXTURES = command.directory .. "/tests/fixtures/onnx/"

local directory
setup(function() directory = command.make_directory() end)
teardown(function() command.remove_directory(directory) end)

local function inputs_of(samples)
  if samples.input1 then return samples.input0, samples.input1 end
  return samples.input0
end

local function load(name, options)
  return assert(fnet.load_onnx(FIXTURES .. name .. ".onnx", options)),
    assert(fnet.read_tensors(FIXTURES .. name .. ".safetensors"))
end

local function distance(a, b) return (a - b):abs():max():item() end

describe("load_onnx", function()
  for _, name in ipairs { "pytorch_dense_7", "pytorch_dense", "pytorch_pictures", "pytorch_pictures_new",
    "pytorch_tokens", "pytorch_two", "pytorch_lstm", "pytorch_lstm_new", "pytorch_gru", "pytorch_gru_new",
    "pytorch_rnn", "pytorch_rnn_new", "keras_pictures" } do
    it("gives the outputs of the library that exported " .. name, function()
      local model, samples = load(name)
      assert.is_false(model.training)
      local y = fnet.no_grad(model, inputs_of(samples))
      assert.same(samples.output.shape, y.shape)
      assert.is_true(distance(y, samples.output) < 1e-5)
    end)
  end

  it("gives the same bits on every instruction set and number of threads", function()
    local model, samples = load "pytorch_pictures"
    assert.same_everywhere(function() return fnet.sha256(fnet.no_grad(model, samples.input0)) end, { 1, 3 })
  end)

  it("gives a module with the gradients of its formula", function()
    local model, samples = load "pytorch_dense"
    model:to "float64"
    assert.is_true(fnet.gradcheck(function(x) return model(x) end, { samples.input0:slice(1, 1, 2):double() }))
    local loss = model(samples.input0:double()):sum()
    loss:backward()
    for _, parameter in ipairs(model:named_parameters()) do
      assert.is_true(parameter.tensor.grad ~= nil, parameter.name)
    end
  end)

  it("gives a model that is trained, saved, copied and loaded", function()
    local model, samples = load "pytorch_pictures"
    local labels = fnet.tensor({ 1, 2, 3, 4, 5 }, "int32")
    local opt = fnet.optim.Adam(model:parameters(), { lr = 0.01 })
    local first, last
    for _ = 1, 30 do
      local loss = nn.cross_entropy(model(samples.input0):maximum(1e-6):log(), labels)
      opt:zero_grad()
      loss:backward()
      opt:step()
      first, last = first or loss:item(), loss:item()
    end
    assert.is_true(last < first / 4, ("%g to %g"):format(first, last))
    assert.is_true(model:save(directory .. "/model.safetensors"))
    local again = assert(fnet.load(directory .. "/model.safetensors"))
    assert.equal(model:sha256(), again:sha256())
    assert.is_true(again(samples.input0):equal(model(samples.input0)))
    assert.is_true(model:clone()(samples.input0):equal(model(samples.input0)))
  end)

  it("has the weights under the names of the file, and statistics that are not trained", function()
    local model = load "pytorch_pictures"
    local names = {}
    for _, entry in ipairs(model:named_parameters()) do names[entry.name] = true end
    assert.is_true(names["weights.9.weight"] and names["weights.9.bias"])
    for _, entry in ipairs(model:named_buffers()) do names[entry.name] = "buffer" end
    assert.equal("OnnxGraph(" .. #model.graph.nodes .. " operations, opset 13)", model:describe())
    assert.same({ 10 }, model:output_shape())
  end)

  it("takes pictures with their channels last where it is told to, and single samples", function()
    local model, samples = load "pytorch_pictures"
    local turned = load("pytorch_pictures", { channels = "last" })
    local last = samples.input0:transpose(2, 3):transpose(3, 4)
    assert.is_true(turned(last):equal(model(samples.input0)))
    assert.is_true(turned(last[2]):allclose(model(samples.input0)[2]))
    assert.same({ 10 }, model(samples.input0[1]).shape)
    assert.is_true(turned:save(directory .. "/turned.safetensors"))
    assert.is_true(assert(fnet.load(directory .. "/turned.safetensors"))(last):equal(model(samples.input0)))
    local keras, pictures = load("keras_pictures", { channels = "last" }) -- whose file has them last itself
    assert.is_true(distance(keras(pictures.input0), pictures.output) < 1e-5)
    support.raises("OnnxGraph(" .. #model.graph.nodes .. " operations, opset 13): input 'input0': expected "
      .. "[batch, 3, 20, 18], got [5, 20, 18, 3]", function() model(last) end)
  end)

  it("is a part of other models, whose head is trained alone", function()
    local body, samples = load "pytorch_dense"
    local model = nn.Sequential { body:freeze(), nn.ReLU(), nn.Dense(4, 2) }
    local before = body:sha256()
    local opt = fnet.optim.SGD(model:parameters(), { lr = 0.1 })
    nn.cross_entropy(model(samples.input0), fnet.tensor({ 1, 2, 1, 2, 1, 2, 1 }, "int32")):backward()
    opt:step()
    assert.equal(before, body:sha256())
  end)

  it("says what its arguments have to be", function()
    local raises = support.raises
    local model, samples = load "pytorch_two"
    local name = model:describe()
    raises("load_onnx: expected a path, got nil", function() fnet.load_onnx() end)
    raises("load_onnx: unknown option 'channel' (did you mean 'channels'?); known are channels",
      function() fnet.load_onnx("x", { channel = "last" }) end)
    raises("load_onnx: channels: unknown name 'middle'; known are first, last",
      function() fnet.load_onnx("x", { channels = "middle" }) end)
    raises(name .. ": expected 2 inputs, got 1", function() model(samples.input0) end)
    raises(name .. ": input 'input1': expected a tensor, got number", function() model(samples.input0, 3) end)
    raises(name .. ": input 'input1': expected float32, got int32; x:float() converts it",
      function() model(samples.input0, fnet.zeros({ 3, 5 }, "int32")) end)
    raises(name .. ": input 'input1': expected [batch, 5], got [3, 6]",
      function() model(samples.input0, fnet.zeros { 3, 6 }) end)
    local missing, message, code = fnet.load_onnx(directory .. "/nothing.onnx")
    assert.same({ "nil", 2 }, { type(missing), code })
    assert.matches("nothing.onnx: No such file", message, 1, true)
  end)

  it("names the node of an operation that does not fit", function()
    local model, samples = load "pytorch_two"
    assert.error_matches(function() model(samples.input0, samples.input1:slice(1, 1, 2)) end,
      "node %d+, Concat '/Concat'")
  end)
end)

describe("a model that fnet exports as ONNX", function()
  local function check(model, x, options)
    local path = directory .. "/own.onnx"
    assert.is_true(model:eval():export_onnx(path, options))
    local again = assert(fnet.load_onnx(path))
    local expected, got = model(x), again(x)
    if not fnet.is_tensor(expected) then
      for i, y in ipairs(expected) do assert.is_true(distance(y, got[i]) < 1e-5) end
    else
      assert.is_true(distance(expected, got) < 1e-5)
    end
  end

  it("is read again, each layer", function()
    fnet.seed(5)
    check(nn.Sequential { nn.Flatten(), nn.Dense(6, 9), nn.BatchNorm(9), nn.ReLU(), nn.Dropout(),
      nn.Dense(9, 8, { activation = "tanh", bias = false }), nn.LayerNorm(8), nn.LeakyReLU(0.1), nn.Dense(8, 7),
      nn.ELU(0.7), nn.Dense(7, 7), nn.SELU(), nn.Dense(7, 6, { activation = "sigmoid" }), nn.Softplus(),
      nn.Sequential { nn.Dense(6, 5), nn.Softmax() } }, fnet.randn { 30, 6 })
    check(nn.Sequential { nn.Reshape(14, 12, 2), nn.Conv2D(2, 4, 3, { padding = "same", bias = false }),
      nn.BatchNorm(4), nn.ReLU(), nn.MaxPool2D(2),
      nn.Conv2D(4, 8, { 3, 2 }, { padding = { 0, 1 }, groups = 2, activation = "gelu" }),
      nn.Conv2D(8, 8, 3, { padding = "same", stride = 2, groups = 8, activation = "silu" }),
      nn.AvgPool2D(3, { stride = 2, padding = 1 }), nn.Dense(8, 6), nn.LayerNorm(6), nn.LogSoftmax(),
      nn.Flatten(), nn.Dense(24, 10) }, fnet.randn { 9, 14 * 12 * 2 })
    check(nn.Sequential { nn.Conv2D(3, 4, 3), nn.MaxPool2D(3, { stride = 2, padding = "same" }),
      nn.GlobalAvgPool(), nn.Softmax() }, fnet.randn { 4, 9, 7, 3 }, { input = { 9, 7, 3 } })
    check(nn.Sequential { nn.Reshape(4), nn.Embedding(9, 6), nn.Residual {
      nn.LayerNorm(6, { epsilon = 1e-3 }), nn.Dense(6, 8, { activation = "gelu" }), nn.Dense(8, 6) },
      nn.Concat { nn.Dense(6, 5), nn.Sequential { nn.Tanh(), nn.ReLU() }, nn.Residual { nn.Dropout() } },
      nn.Reshape(2, 2, 17), nn.AvgPool2D(2, { stride = 1, padding = 1, count_include_pad = true }),
      nn.AvgPool2D(2, { padding = 1 }), nn.Flatten(),
      nn.Parallel { nn.Sequential { nn.Dense(68, 3), nn.LogSoftmax() }, nn.Dense(68, 1) } },
      (fnet.rand { 20, 4 } * 9 + 1):int())
  end)

  it("is saved and loaded, though the mask of a causal layer holds infinities", function()
    local layer = nn.TransformerLayer(4, 2, { causal = true })
    layer:eval()
    assert(layer:export_onnx(directory .. "/causal.onnx", { input = { 5, 4 } }))
    local graph = assert(fnet.load_onnx(directory .. "/causal.onnx"))
    assert(graph:save(directory .. "/causal.safetensors"))
    local back, x = assert(fnet.load(directory .. "/causal.safetensors")), fnet.randn { 2, 5, 4 }
    assert.is_true(distance(layer(x), graph(x)) < 1e-5)
    assert.is_true(back(x):equal(graph(x)))
  end)
end)

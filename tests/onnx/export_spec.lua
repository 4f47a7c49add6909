--- Models that load_onnx has read as ONNX files again, by themselves and as parts of others: read again by fnet,
-- run by onnxruntime where Python has it.

local fnet = require "fnet"
local command = require "tests.support.command"
local graphs = require "fnet.save.onnx_graph"
local support = require "tests.support"
local nn = fnet.nn

local FIXTURES = command.directory .. "/tests/fixtures/onnx/"

local directory, checks
setup(function()
  directory = command.make_directory()
  checks = require "tests.support.onnxruntime"(directory)
end)
teardown(function() command.remove_directory(directory) end)

local function load(name, options)
  local samples = assert(fnet.read_tensors(FIXTURES .. name .. ".safetensors"))
  return assert(fnet.load_onnx(FIXTURES .. name .. ".onnx", options)), { samples.input0, samples.input1 }
end

-- A step of training, after which no weight is what the file had.
local function train(model, inputs)
  local before = model:sha256()
  local opt = fnet.optim.SGD(model:parameters(), { lr = 0.01 })
  local y = model(table.unpack(inputs))
  y = fnet.is_tensor(y) and y or y[1]
  y:norm():backward()
  opt:step()
  assert.is_true(before ~= model:sha256())
end

describe("a model from an ONNX file, as one again,", function()
  for _, name in ipairs { "pytorch_dense_7", "pytorch_dense", "pytorch_pictures", "pytorch_pictures_new",
    "pytorch_tokens", "pytorch_two", "pytorch_lstm", "pytorch_lstm_new", "pytorch_gru", "pytorch_gru_new",
    "pytorch_rnn", "pytorch_rnn_new", "keras_pictures" } do
    it("has what it has learnt: " .. name, function()
      local model, inputs = load(name)
      train(model, inputs)
      local results = fnet.no_grad(model, table.unpack(inputs))
      results = fnet.is_tensor(results) and { results } or results
      local _, again = checks:add(model, inputs, results, nil, model.graph.opset)
      assert.equal(model:sha256(), again:sha256())
      again.graph.made_with = model.graph.made_with
      assert.same(model.graph, again.graph)
      local got = fnet.no_grad(again, table.unpack(inputs))
      for i, y in ipairs(results) do assert.is_true(y:equal(fnet.is_tensor(got) and got or got[i])) end
    end)
  end

  it("is what it was when it was saved in between", function()
    local model = load "pytorch_pictures"
    assert.is_true(model:save(directory .. "/model.safetensors"))
    local saved = assert(fnet.load(directory .. "/model.safetensors"))
    assert.is_true(model:export_onnx(directory .. "/a.onnx"))
    assert.is_true(saved:export_onnx(directory .. "/b.onnx"))
    assert.equal(command.read_file(directory .. "/a.onnx"), command.read_file(directory .. "/b.onnx"))
  end)

  it("may have a new head, and stand beside other layers", function()
    fnet.seed(4)
    for _, name in ipairs { "pytorch_dense", "pytorch_pictures", "pytorch_pictures_new", "pytorch_lstm_new" } do
      local body, inputs = load(name)
      local y = body(inputs[1])
      local model = nn.Sequential { body, nn.ReLU(), nn.Dense(y.shape[y.rank], 3), nn.Softmax() }
      train(model, inputs)
      local opset = math.max(body.graph.opset, 17)
      checks:add(model, inputs, { fnet.no_grad(model, inputs[1]) }, { input = inputs }, opset)
    end
    local body, inputs = load("pytorch_pictures", { channels = "last" })
    local x = inputs[1]:transpose(2, 3):transpose(3, 4):contiguous()
    local model = nn.Sequential { body, nn.Dense(10, 2) }
    checks:add(model, { x }, { fnet.no_grad(model, x) }) -- the file says what a sample is
  end)

  it("may take several inputs, and indices, as a part of another", function()
    local a, b = load "pytorch_two", load "pytorch_tokens"
    local _, two = load "pytorch_two"
    local _, tokens = load "pytorch_tokens"
    local Two, Tokens = nn.module "Two", nn.module "Tokens"
    function Two:init() self.inner, self.dense = a, nn.Dense(4, 2) end
    function Two:forward(picture, row)
      return self.inner(picture, row):sum(2, true) * self.dense(row:slice(2, 1, 4))
    end
    function Tokens:init() self.inner = b end
    function Tokens:forward(indices) return self.inner((indices + 1):minimum(3):int()):tanh() end
    local model = Two()
    checks:add(model, two, { fnet.no_grad(model, table.unpack(two)) }, { input = two })
    model = Tokens()
    checks:add(model, tokens, { fnet.no_grad(model, tokens[1]) }, { input = tokens[1] }, 18)
  end)

  it("takes grey pictures without channels, and gives whole numbers, as a part of another", function()
    local graph = graphs.new(17)
    graph.place = "small"
    local maps = graph:node("Conv", { "x", graph:tensor("w", fnet.randn { 2, 1, 3, 3 }) })
    local flat = graph:node("Flatten", { maps })
    graph:put("ArgMax", "end", { flat }, { "y" }, { axis = 1, keepdims = 0 })
    command.write_file(directory .. "/grey.onnx", graph:file(
      { { name = "x", shape = { "batch", 1, 6, 5 }, type = graphs.types.float32 } },
      { { name = "y", shape = { "batch" }, type = graphs.types.int64 } }))
    local body = assert(fnet.load_onnx(directory .. "/grey.onnx", { channels = "last" }))
    local Named = nn.module "Named"
    function Named:init() self.body = body end
    function Named:forward(x) return { place = self.body(x), twice = self.body(x):float() * 2 } end
    local named = Named()
    for _, x in ipairs { fnet.randn { 3, 6, 5 }, fnet.randn { 3, 6, 5, 1 }, fnet.randn { 3, 1, 6, 5 } } do
      local y = fnet.no_grad(named, x)
      checks:add(named, { x }, { y.place, y.twice }, { input = x })
    end
  end)

  it("gives the same in onnxruntime", function()
    local reason = checks:run()
    if reason then pending(reason) end
  end)

  it("says what cannot be exported", function()
    local raises, path = support.raises, directory .. "/no.onnx"
    local model = load "pytorch_dense"
    local old = load "pytorch_dense_7"
    local name = model:describe()
    raises("export_onnx: " .. name .. " takes what its file says; leave the option `input` out",
      function() model:export_onnx(path, { input = { 3 } }) end)
    model:to "float64"
    raises("export_onnx: " .. name .. " has '1.weight' as float64, and its file had float32; model:to \"float32\" "
      .. "brings that back", function() model:export_onnx(path) end)
    raises("export_onnx: layer 1, " .. old:describe() .. " has operations of version 7, which cannot stand beside "
      .. "those of version 17; in Python, onnx.version_converter.convert_version(onnx.load(path), 17) makes a file "
      .. "that can", function() nn.Sequential { old, nn.ReLU() }:export_onnx(path, { input = { 3 } }) end)
    local first, second = load "pytorch_rnn", load "pytorch_rnn_new"
    raises("export_onnx: branch 2, " .. second:describe() .. " has operations of version 18, which cannot stand "
      .. "beside those of version 17; in Python, onnx.version_converter.convert_version(onnx.load(path), 17) makes "
      .. "a file that can", function() nn.Parallel { first, second }:export_onnx(path) end)
    local several = load "pytorch_dense"
    several.graph.outputs[2] = several.graph.outputs[1]
    raises("layer 1, " .. name .. ": gives several results, and cannot be exported as a part of a "
      .. "model",
      function() nn.Sequential { several, nn.Flatten() }:export_onnx(path, { input = { 3, 4 } }) end)
  end)
end)

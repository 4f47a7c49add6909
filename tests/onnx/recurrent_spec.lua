--- RNN, LSTM and GRU of ONNX: beside onnxruntime in all their forms, their gradients, and what is refused.

local fnet = require "fnet"
local command = require "tests.support.command"
local functions = require("fnet.onnx.operations").functions
local support = require "tests.support"
local nn = fnet.nn

local directory
setup(function() directory = command.make_directory() end)
teardown(function() command.remove_directory(directory) end)

local GATES = { RNN = 1, LSTM = 4, GRU = 3 }
local TIME, BATCH, INPUTS, UNITS = 4, 2, 3, 5

-- A node, and its inputs X, W, R, B.
local function example(op, attributes)
  local directions = attributes.direction == "bidirectional" and 2 or 1
  local rows = GATES[op] * UNITS
  local shape = attributes.layout == 1 and { BATCH, TIME, INPUTS } or { TIME, BATCH, INPUTS }
  return { attributes = attributes, outputs = { "Y" } }, fnet.randn(shape), fnet.randn { directions, rows, INPUTS },
    fnet.randn { directions, rows, UNITS }, fnet.randn { directions, 2 * rows }
end

describe("a recurrent operation of ONNX", function()
  it("gives the outputs of onnxruntime in each direction, with lengths and states", function()
    if not command.python_has "onnx, onnxruntime, safetensors" then
      pending "left out: this Python has no onnx, onnxruntime and safetensors"
      return
    end
    local script = command.directory .. "/tests/fixtures/onnx_recurrent.py"
    local result = command.shell(directory, ("%s %s ."):format(command.python, command.quote(script)))
    assert.equal("", result.errors)
    local count = 0
    for number = 0, math.huge do
      local path = ("%s/form%d"):format(directory, number)
      local samples = fnet.read_tensors(path .. ".safetensors")
      if not samples then break end
      local model, inputs = assert(fnet.load_onnx(path .. ".onnx")), {}
      for i = 1, #model.graph.inputs do inputs[i] = samples["in" .. i - 1] end
      for i, y in ipairs(fnet.no_grad(model, table.unpack(inputs))) do
        assert.allclose(samples["out" .. i - 1], y, 1e-5, 1e-5)
        count = count + 1
      end
    end
    assert.equal(2 * 2 * 24 + 3 * 12, count)
  end)

  it("has the batch first where it is told so, in the states too", function()
    fnet.seed(3)
    for op in pairs(GATES) do
      local node, x, w, r, b = example(op, { direction = "bidirectional", layout = 1 })
      local h = fnet.randn { BATCH, 2, UNITS }
      local y, last = functions[op](node, x, w, r, b, nil, h)
      node.attributes.layout = 0
      local same, same_last = functions[op](node, x:transpose(1, 2), w, r, b, nil, h:transpose(1, 2))
      assert.same({ BATCH, TIME, 2, UNITS }, y.shape)
      assert.is_true(y:equal(same:transpose(2, 3):transpose(1, 2)))
      assert.is_true(last:equal(same_last:transpose(1, 2)))
    end
  end)

  it("has the gradients of its formula, and the same bits everywhere", function()
    fnet.seed(4)
    for _, op in ipairs { "GRU", "LSTM", "RNN" } do
      local node, x, w, r, b = example(op, { direction = "bidirectional" })
      local lengths = fnet.tensor({ 4, 2 }, "int32")
      assert.gradcheck(function(...) return (functions[op](node, ...)) end,
        { x:double(), w:double(), r:double(), b:double() })
      assert.gradcheck(function(t) return (functions[op](node, t, w:double(), r:double(), b:double(), lengths)) end,
        { x:double() })
      assert.same_everywhere(function() return fnet.sha256((functions[op](node, x, w, r, b))) end, { 1, 3 })
    end
  end)

  it("that fnet exported is read again", function()
    fnet.seed(5)
    local model = nn.Sequential { nn.GRU(3, 4, { layers = 2, bidirectional = true }), nn.LSTM(8, 3),
      nn.RNN(3, 2, { activation = "relu", last = true }) }:eval()
    assert.is_true(model:export_onnx(directory .. "/own.onnx", { input = { 6, 3 } }))
    local again, x = assert(fnet.load_onnx(directory .. "/own.onnx")), fnet.randn { 5, 6, 3 }
    assert.allclose(model(x), again(x), 1e-6, 1e-6)
    assert.is_true(again:save(directory .. "/own.safetensors"))
    assert.is_true(assert(fnet.load(directory .. "/own.safetensors"))(x):equal(again(x)))
  end)

  it("that fnet does not have is refused with the reason", function()
    local function refuses(expected, op, attributes, ...)
      local node, x, w, r, b = example(op, attributes)
      local rest = table.pack(...)
      support.raises(expected, function() functions[op](node, x, w, r, b, table.unpack(rest, 1, rest.n)) end)
    end
    refuses("has the activations Elu; fnet has Tanh or Relu, in both directions the same", "RNN",
      { activations = { "Elu" } })
    refuses("has the activations Sigmoid, Relu; fnet has Sigmoid, Tanh", "GRU",
      { activations = { "Sigmoid", "Relu" } })
    refuses("has the activations Tanh, Relu; fnet has Tanh or Relu, in both directions the same", "RNN",
      { activations = { "Tanh", "Relu" }, direction = "bidirectional" })
    refuses("direction: expected forward, reverse or bidirectional, got 'up'", "LSTM", { direction = "up" })
    refuses("has a clip; fnet's gates have no bounds", "LSTM", { clip = 3.0 })
    refuses("couples its gates (input_forget), which fnet does not", "LSTM", { input_forget = 1 })
    refuses("has peepholes (P), weights of the memory c, which fnet's LSTM has not", "LSTM", {}, nil, nil, nil,
      fnet.ones { 1, 15 })
    refuses("hidden_size says 6, and R is [1, 15, 5]", "GRU", { hidden_size = 6 })
    refuses("initial_h: expected [1, 2, 5], got [2, 1, 5]", "GRU", {}, nil, fnet.zeros { 2, 1, 5 })
    refuses("sequence_lens: expected [2], got [3]", "RNN", {}, fnet.tensor({ 1, 1, 1 }, "int32"))
    refuses("sequence_lens: expected 1 to 4 steps, got 0", "RNN", {}, fnet.tensor({ 1, 0 }, "int32"))
    refuses("sequence_lens: expected 1 to 4 steps, got 5", "GRU", {}, fnet.tensor({ 5, 1 }, "int32"))
    local node, x, w, r = example("LSTM", {})
    support.raises("W: expected [1, 20, 3], got [1, 20, 4]",
      function() functions.LSTM(node, x, fnet.zeros { 1, 20, 4 }, r) end)
    support.raises("X: expected [any, any, any], got [3]",
      function() functions.LSTM(node, fnet.zeros { 3 }, w, r) end)
  end)
end)

--- Convolutions and poolings of ONNX over rows, pictures and volumes, beside onnxruntime where Python has it, and
-- what is refused.

local fnet = require "fnet"
local command = require "tests.support.command"
local graphs = require "fnet.save.onnx_graph"
local operations = require "fnet.onnx.operations"
local support = require "tests.support"

local directory, checks
setup(function()
  directory = command.make_directory()
  checks = require "tests.support.onnxruntime"(directory)
end)
teardown(function() command.remove_directory(directory) end)

-- A file of one node with float inputs, read by load_onnx.
local function model_of(op, attributes, inputs, outputs)
  local graph, taken, names, given = graphs.new(17), {}, {}, {}
  for i, x in ipairs(inputs) do
    names[i] = "x" .. i
    taken[i] = { name = names[i], shape = x.shape, type = graphs.types[x.dtype] }
  end
  local free = {}
  for axis = 1, inputs[1].rank do free[axis] = "?" end
  for i, kind in ipairs(outputs or { "float32" }) do
    given[i] = { name = "y" .. i, type = graphs.types[kind], shape = free }
  end
  local results = {}
  for i, value in ipairs(given) do results[i] = value.name end
  graph:put(op, op, names, results, attributes)
  local path = directory .. "/node.onnx"
  command.write_file(path, graph:file(taken, given))
  return assert(fnet.load_onnx(path))
end

local function node(attributes, outputs)
  return { attributes = attributes, outputs = outputs or { "y" }, opset = 17 }
end

local function check(op, attributes, inputs, outputs)
  local model = model_of(op, attributes, inputs, outputs)
  local results = fnet.no_grad(model, table.unpack(inputs))
  checks:add(model, inputs, fnet.is_tensor(results) and { results } or results)
end

describe("windows of ONNX", function()
  it("are those of onnxruntime: convolutions", function()
    fnet.seed(1)
    local function x(...) return fnet.randn { ... } end
    check("Conv", { strides = { 2 }, dilations = { 3 }, pads = { 2, 1 } }, { x(2, 3, 11), x(4, 3, 3), x(4) })
    check("Conv", { strides = { 2, 1 }, dilations = { 1, 2 }, pads = { 1, 2, 0, 1 }, group = 2 },
      { x(2, 4, 7, 8), x(6, 2, 3, 2), x(6) })
    check("Conv", { strides = { 2, 1, 3 }, dilations = { 2, 1, 2 }, pads = { 1, 2, 0, 1, 0, 2 }, group = 2 },
      { x(2, 4, 6, 5, 7), x(6, 2, 2, 3, 2), x(6) })
    check("Conv", { auto_pad = "SAME_LOWER", strides = { 2, 2, 2 } }, { x(1, 2, 5, 4, 3), x(3, 2, 3, 2, 3) })
    check("ConvTranspose", { strides = { 3 }, pads = { 1, 0 }, output_padding = { 1 } },
      { x(2, 3, 5), x(3, 2, 4), x(2) })
    check("ConvTranspose", { strides = { 2, 3 }, dilations = { 2, 1 }, pads = { 1, 0, 2, 1 }, group = 2 },
      { x(2, 4, 5, 3), x(4, 3, 2, 3), x(6) })
    check("ConvTranspose", { strides = { 2, 1, 3 }, dilations = { 2, 1, 1 }, pads = { 1, 0, 2, 0, 1, 1 }, group = 2,
      output_padding = { 1, 0, 2 } }, { x(2, 4, 3, 4, 2), x(4, 3, 2, 2, 3), x(6) })
  end)

  it("are those of onnxruntime: poolings", function()
    fnet.seed(2)
    local row, picture, volume = fnet.randn { 2, 3, 9 }, fnet.randn { 2, 3, 7, 8 }, fnet.randn { 2, 3, 5, 6, 7 }
    local both = { "float32", "int64" }
    check("MaxPool", { kernel_shape = { 3 }, strides = { 2 }, pads = { 1, 0 }, ceil_mode = 1 }, { row }, both)
    check("MaxPool", { kernel_shape = { 2, 3 }, strides = { 2, 2 }, dilations = { 2, 1 }, pads = { 1, 1, 0, 1 } },
      { picture })
    check("MaxPool", { kernel_shape = { 2, 3 }, strides = { 3, 2 }, pads = { 0, 1, 1, 1 } }, { picture }, both)
    check("MaxPool", { kernel_shape = { 2, 2 }, storage_order = 1 }, { picture }, both)
    check("MaxPool", { kernel_shape = { 2, 3, 2 }, strides = { 1, 2, 3 }, storage_order = 1 }, { volume }, both)
    check("MaxPool", { kernel_shape = { 3, 2, 2 }, strides = { 2, 2, 2 }, dilations = { 1, 2, 1 },
      pads = { 1, 0, 1, 1, 1, 0 }, ceil_mode = 1 }, { volume })
    check("MaxPool", { kernel_shape = { 2, 2, 2 }, auto_pad = "SAME_UPPER", strides = { 2, 2, 2 } }, { volume })
    check("AveragePool", { kernel_shape = { 2, 3, 2 }, strides = { 1, 2, 3 }, pads = { 1, 1, 0, 0, 1, 1 } },
      { volume })
    check("AveragePool", { kernel_shape = { 2, 3, 2 }, pads = { 1, 1, 0, 0, 1, 1 }, count_include_pad = 1 },
      { volume })
    check("AveragePool", { kernel_shape = { 3, 3 }, strides = { 2, 2 }, pads = { 1, 1, 1, 1 }, ceil_mode = 1 },
      { picture })
    check("AveragePool", { kernel_shape = { 3 }, strides = { 2 }, pads = { 1, 1 }, count_include_pad = 1 }, { row })
  end)

  it("give the same in onnxruntime", function()
    local reason = checks:run()
    if reason then pending(reason) end
  end)

  it("count zeros within the padding, not beyond it", function()
    local x = fnet.tensor { { { 1, 2, 3, 4 } } }
    local model = model_of("AveragePool", { kernel_shape = { 3 }, strides = { 2 }, pads = { 1, 0 }, ceil_mode = 1,
      count_include_pad = 1 }, { x })
    assert.same({ { { 1, 3 } } }, model(x):totable())
    local wide = model_of("AveragePool", { kernel_shape = { 2 }, strides = { 3 }, pads = { 1, 1 }, ceil_mode = 1,
      count_include_pad = 1 }, { x })
    assert.same({ { { 0.5, 3.5 } } }, wide(x):totable())
    local over = model_of("AveragePool", { kernel_shape = { 4 }, strides = { 3 }, pads = { 1, 1 }, ceil_mode = 1,
      count_include_pad = 1 }, { x })
    assert.same({ { { 1.5, 7 / 3 } } }, over(x:double()):totable())
  end)

  it("have gradients, and the same bits everywhere", function()
    fnet.seed(3)
    local x, w, b = fnet.randn({ 2, 2, 3, 4, 3 }, 0, 1, "float64"), fnet.randn({ 2, 2, 2, 2, 2 }, 0, 1, "float64"),
      fnet.randn({ 2 }, 0, 1, "float64")
    local conv, back = operations.functions.Conv, operations.functions.ConvTranspose
    local space = node { strides = { 1, 2, 1 }, dilations = { 2, 1, 1 }, pads = { 1, 0, 1, 0, 1, 0 } }
    assert.gradcheck(function(...) return conv(space, ...) end, { x, w, b })
    assert.gradcheck(function(...) return back(space, ...) end, { x, w, b })
    local pool = node { kernel_shape = { 2, 2, 2 }, dilations = { 1, 2, 1 } }
    assert.gradcheck(function(t) return operations.functions.MaxPool(pool, t) end, { x })
    assert.gradcheck(function(t) return operations.functions.AveragePool(pool, t) end, { x })
    local x32, w32, b32 = x:float(), w:float(), b:float()
    assert.same_everywhere(function()
      return fnet.sha256(fnet.concat { conv(space, x32, w32, b32):flatten(), back(space, x32, w32, b32):flatten(),
        operations.functions.AveragePool(pool, x32):flatten() })
    end)
  end)

  it("take batches without samples, and views", function()
    local none = fnet.zeros { 0, 2, 4, 4, 4 }
    local conv = operations.functions.Conv
    assert.same({ 0, 3, 3, 3, 3 }, conv(node {}, none, fnet.zeros { 3, 2, 2, 2, 2 }).shape)
    local back = operations.functions.ConvTranspose
    assert.same({ 0, 3, 5, 5, 5 }, back(node {}, none, fnet.zeros { 2, 3, 2, 2, 2 }).shape)
    local y, places = operations.functions.MaxPool(node({ kernel_shape = { 2, 2, 2 } }, { "y", "z" }), none)
    assert.same({ { 0, 2, 3, 3, 3 }, { 0, 2, 3, 3, 3 } }, { y.shape, places.shape })
    local x, w = fnet.randn { 4, 3, 2, 2, 5 }, fnet.randn { 2, 5, 2, 2, 2 }
    local turned = x:transpose(2, 5)
    assert.is_true(conv(node {}, turned, w):equal(conv(node {}, turned:contiguous(), w)))
  end)

  it("that do not fit are refused", function()
    local f, raises = operations.functions, support.raises
    local x, w = fnet.zeros { 1, 2, 4, 4, 4 }, fnet.zeros { 3, 2, 2, 2, 2 }
    raises("expected an input of [batch, channels] and one, two or three lengths more, got [1, 2]",
      function() f.Conv(node {}, fnet.zeros { 1, 2 }, w) end)
    raises("weights of [3, 2, 2, 2, 2] do not fit an input of [1, 2, 4, 4]",
      function() f.Conv(node {}, fnet.zeros { 1, 2, 4, 4 }, w) end)
    raises("kernel_shape says [2, 2, 3], the weights are [3, 2, 2, 2, 2]",
      function() f.Conv(node { kernel_shape = { 2, 2, 3 } }, x, w) end)
    raises("strides: expected numbers from 1, got 0", function() f.Conv(node { strides = { 1, 0, 1 } }, x, w) end)
    raises("pads: expected 6 numbers, got 2", function() f.Conv(node { pads = { 1, 1 } }, x, w) end)
    local apart = node { dilations = { 4, 1, 1 } }
    raises("its window is larger than [1, 2, 4, 4, 4]", function() f.Conv(apart, x, w) end)
    raises("has no kernel_shape", function() f.MaxPool(node {}, x) end)
    local long = node { kernel_shape = { 2, 2, 5 } }
    raises("its window is larger than [1, 2, 4, 4, 4]", function() f.MaxPool(long, x) end)
    local wide = node { kernel_shape = { 1, 1, 1 << 20 }, pads = { 0, 0, 1 << 20, 0, 0, 1 << 20 } }
    raises("has windows of too many elements", function() f.MaxPool(wide, x) end)
    local same = node { kernel_shape = { 1, 1, 1 }, auto_pad = "SAME" }
    raises("auto_pad: unknown value 'SAME'", function() f.MaxPool(same, x) end)
  end)
end)

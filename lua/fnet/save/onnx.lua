--- A model as an ONNX file (onnx.ai), for onnxruntime and its like.
-- Invariant: between two layers every value has fnet's layout, channels last. ONNX's convolutions and poolings have
-- channels first, so each stands between two transpositions, of which runtimes remove what cancels.

local expect = require "fnet.base.expect"
local core = require "fnet.core"
local processes = require "fnet.base.processes"
local functions = require "fnet.tensor.functions"
local graphs = require "fnet.save.onnx_graph"
local layers = require "fnet.save.layers"
local loaded = require "fnet.save.onnx_loaded"
local tracing = require "fnet.save.tracing"
local Module = require("fnet.nn.module").Module

local OPSET = 17 -- the version of the operations

-- ---- what stands for a layer: function(graph, name of x, step, names of all values) -> name of y ----

local writers = {}

-- One operator; `attributes` are a table, or a function that makes them for a step.
local function operator(name, attributes)
  return function(graph, x, step)
    return graph:node(name, { x }, type(attributes) == "function" and attributes(step) or attributes)
  end
end

local function alpha(step) return { alpha = step.layer.value + 0.0 } end

writers.ReLU = operator "Relu"
writers.LeakyReLU = operator("LeakyRelu", alpha)
writers.ELU = operator("Elu", alpha)
writers.SELU = operator "Selu"
writers.Sigmoid = operator "Sigmoid"
writers.Tanh = operator "Tanh"
writers.Softplus = operator "Softplus"
writers.Softmax = operator("Softmax", { axis = -1 })
writers.LogSoftmax = operator("LogSoftmax", { axis = -1 })
writers.Flatten = operator("Flatten", { axis = 1 })
function writers.GlobalAvgPool(graph, x) return graph:reduce("ReduceMean", x, { 1, 2 }) end

-- Its own input added to what its layers give.
function writers.Residual(graph, x, _, names) return graph:node("Add", { x, names[2] }) end

function writers.Concat(graph, _, _, names) return graph:node("Concat", names, { axis = -1 }) end

-- Indices count from 1 in fnet, and the row for 0 is NaN: so a runtime says what is wrong with one that counts from
-- 0, instead of taking the last row for it.
function writers.Embedding(graph, x, step)
  local weight = step.layer.weight:detach()
  local rows = functions.constructors.concat { core.full({ 1, weight.shape[2] }, 0 / 0), weight }
  return graph:node("Gather", { graph:tensor("weight", rows), x }, { axis = 0 })
end

function writers.SiLU(graph, x) return graph:silu(x) end
function writers.GELU(graph, x) return graph:gelu(x) end

function writers.OnnxGraph(graph, _, step, names) return loaded.embed(graph, step, names) end

function writers.Reshape(graph, x, step)
  return graph:reshape(x, "shape", { -1, table.unpack(step.layer.lengths) })
end

function writers.Dense(graph, x, step)
  local layer = step.layer
  local weight, bias = graph:tensor("weight", layer.weight), layer.bias and graph:tensor("bias", layer.bias)
  if #step.input == 1 then return graph:node("Gemm", { x, weight, bias }) end
  local y = graph:node("MatMul", { x, weight })
  return bias and graph:node("Add", { y, bias }) or y
end

-- ONNX has the channels of its own operator on the second axis, so the formula is written out.
function writers.BatchNorm(graph, x, step)
  local factor, shift = step.layer:evaluation_line()
  return graph:node("Add", { graph:node("Mul", { x, graph:tensor("factor", factor) }),
    graph:tensor("shift", shift) })
end

function writers.LayerNorm(graph, x, step)
  local layer = step.layer
  return graph:node("LayerNormalization", { x, graph:tensor("weight", layer.weight),
    graph:tensor("bias", layer.bias) }, { axis = -1, epsilon = layer.epsilon + 0.0 })
end

function writers.PReLU(graph, x, step)
  return graph:node("PRelu", { x, graph:tensor("weight", step.layer.weight) })
end

function writers.RMSNorm(graph, x, step)
  local mean = graph:reduce("ReduceMean", graph:node("Mul", { x, x }), { -1 }, true)
  local size = graph:node("Sqrt", { graph:node("Add", { mean, graph:number("epsilon", step.layer.epsilon) }) })
  return graph:node("Mul", { graph:node("Div", { x, size }), graph:tensor("weight", step.layer.weight) })
end

-- Each group of a sample becomes a channel, which InstanceNormalization takes by itself.
function writers.GroupNorm(graph, x, step)
  local layer, groups = step.layer, step.layer.groups
  local size = layer.inputs // groups
  local function swap(y) return graph:node("Transpose", { y }, { perm = { 0, 2, 1, 3 } }) end
  x = swap(graph:reshape(x, "apart", { 0, -1, groups, size }))
  local y = graph:node("InstanceNormalization", { graph:reshape(x, "rows", { 0, groups, -1 }),
    graph:tensor("ones", core.full({ groups }, 1)), graph:tensor("zeros", core.full({ groups }, 0)) },
    { epsilon = layer.epsilon + 0.0 })
  y = swap(graph:reshape(y, "groups", { 0, groups, -1, size }))
  y = graph:reshape(y, "together", { 0, table.unpack(step.input) })
  return graph:node("Add", { graph:node("Mul", { y, graph:tensor("weight", layer.weight) }),
    graph:tensor("bias", layer.bias) })
end

function writers.PositionalEncoding(graph, x, step)
  local places = step.layer.weight:detach():slice(1, 1, step.input[#step.input - 1])
  return graph:node("Add", { x, graph:tensor("weight", places) })
end

function writers.MultiHeadAttention(graph, x, step, names)
  local layer = step.layer
  local size = layer.units // layer.heads
  local function part(number, taken, perm)
    local first, last = (number - 1) * layer.units + 1, number * layer.units
    local name = ({ "query", "key", "value" })[number]
    local y = graph:dense(taken, name, layer.weight:detach():slice(2, first, last),
      layer.bias and layer.bias:detach():slice(1, first, last))
    return graph:node("Transpose", { graph:reshape(y, name .. " heads", { 0, 0, layer.heads, size }) },
      { perm = perm })
  end
  local key = names[2] or x
  local asked = graph:node("Div", { part(1, x, { 0, 2, 1, 3 }), graph:number("root", math.sqrt(size)) })
  local scores = graph:node("MatMul", { asked, part(2, key, { 0, 2, 3, 1 }) })
  if layer.causal then
    local queries, keys = step.input[1], (step.inputs[2] or step.input)[1]
    local past = core.arange(1, queries, 1, "int32"):unsqueeze(2):ge(core.arange(1, keys, 1, "int32"))
    scores = graph:node("Where", { graph:mask("past", past), scores, graph:number("nothing", -math.huge) })
  end
  local looks = graph:node("Softmax", { scores }, { axis = -1 })
  local y = graph:node("MatMul", { looks, part(3, names[3] or key, { 0, 2, 1, 3 }) })
  y = graph:reshape(graph:node("Transpose", { y }, { perm = { 0, 2, 1, 3 } }), "joined", { 0, 0, layer.units })
  return graph:dense(y, "result", layer.result_weight, layer.result_bias)
end

-- A sliding window's attributes.
local function window_attributes(step)
  local window = step.layer.window
  local above, below, left, right = window:margins_of(step.input[1], step.input[2])
  return { kernel_shape = window.kernel, strides = window.stride, pads = { above, left, below, right } }
end

-- [height, width, a, b] becomes [b, a, height, width].
local function turned(weight)
  return weight:detach():transpose(1, 4):transpose(2, 3):transpose(3, 4):contiguous()
end

function writers.Conv2D(graph, x, step)
  local layer, attributes = step.layer, window_attributes(step)
  attributes.group = layer.groups
  return graph:channels_first(x, "Conv", { graph:tensor("weight", turned(layer.weight)),
    layer.bias and graph:tensor("bias", layer.bias) }, attributes)
end

function writers.Conv1D(graph, x, step)
  local layer = step.layer
  local before, behind = layer:ends_of(step.input[1])
  local weight = layer.weight:detach():transpose(1, 3):contiguous()
  return graph:channels_first(x, "Conv", { graph:tensor("weight", weight),
    layer.bias and graph:tensor("bias", layer.bias) }, { kernel_shape = { layer.window.kernel[2] },
    strides = { layer.window.stride[2] }, pads = { before, behind }, group = layer.groups }, 3)
end

-- What the kernel leaves over at the end is output_padding.
function writers.ConvTranspose2D(graph, x, step)
  local layer, input, output = step.layer, step.input, step.output
  local kernel, stride = layer.window.kernel, layer.window.stride
  local above, below, left, right = layer.window:margins_of(output[1], output[2])
  local rest, pads = {}, { above, left, below, right }
  for axis = 1, 2 do
    rest[axis] = output[axis] - (stride[axis] * (input[axis] - 1) + kernel[axis] - pads[axis] - pads[axis + 2])
  end
  return graph:channels_first(x, "ConvTranspose", { graph:tensor("weight", turned(layer.weight)),
    layer.bias and graph:tensor("bias", layer.bias) }, { kernel_shape = kernel, strides = stride, pads = pads,
    output_padding = rest, group = layer.groups })
end

function writers.Upsample(graph, x, step)
  local layer, is_nearest = step.layer, step.layer.mode == "nearest"
  local scales = graph:numbers("scales", { 1, 1, layer.scale[1], layer.scale[2] })
  return graph:channels_first(x, "Resize", { "", scales }, is_nearest
    and { mode = "nearest", coordinate_transformation_mode = "asymmetric", nearest_mode = "floor" }
    or { mode = "linear", coordinate_transformation_mode = "half_pixel" })
end

function writers.MaxPool2D(graph, x, step)
  return graph:channels_first(x, "MaxPool", {}, window_attributes(step))
end

function writers.AvgPool2D(graph, x, step)
  local attributes = window_attributes(step)
  attributes.count_include_pad = step.layer.count_include_pad and 1 or 0
  return graph:channels_first(x, "AveragePool", {}, attributes)
end

for _, kind in ipairs { "RNN", "LSTM", "GRU" } do
  writers[kind] = function(...) return (require("fnet.save.onnx_recurrent")(...)) end
end

-- What stands for a step of a model that was traced: a constant, or an operation of tensors.
local function write_traced(graph, step, names)
  if step.tensor then
    local value = graph:tensor("value", step.tensor)
    return step.is_repeated and graph:repeated(value, step.output, names[1]) or value
  end
  local arguments = {}
  for i = 1, step.arguments.n do
    arguments[i] = step.operands[i] and names[step.operands[i]] or step.arguments[i]
  end
  return step.write(graph, arguments, step)
end

-- An input or an output of the file.
local function value_of(name, shape, dtype)
  return { name = name, shape = { "batch", table.unpack(shape) }, type = graphs.types[dtype] }
end

-- The inputs of a model: name and type.
local function inputs_of(program)
  return program.inputs or { { name = "input", dtype = program.takes_indices and "int32" or "float32" } }
end

local function write_program(program, opset)
  local graph = graphs.new(opset)
  local names, inputs, outputs = {}, {}, {} -- names of values
  for i, input in ipairs(inputs_of(program)) do
    if input.dtype ~= "float32" and input.dtype ~= "int32" then
      core.raise("export_onnx: input '%s': expected float32 or int32, got %s", input.name, input.dtype)
    end
    names[i], inputs[i] = input.name, value_of(input.name, program.shapes[i], input.dtype)
  end
  for i, step in ipairs(program.steps) do
    graph.place = ("%d %s"):format(i, step.kind)
    local taken = {}
    for k, value in ipairs(step.values) do taken[k] = names[value] end
    names[step.value] = step.layer and writers[step.kind](graph, taken[1], step, taken)
      or write_traced(graph, step, names)
  end
  for i, value in ipairs(program.results) do
    local name = program.names and program.names[i] or #program.results == 1 and "output" or "output" .. i
    graph:put("Identity", "end " .. i, { names[value] }, { name }, {})
    outputs[i] = value_of(name, program.shapes[value], program.kinds and program.kinds[i] or "float32")
  end
  return graph:file(inputs, outputs)
end

-- The file of a model; one with classes of a script is traced.
local function file_of(model, input)
  if model.class_name == "OnnxGraph" then return loaded.file(model, input) end
  local opset = loaded.opset(model, OPSET)
  if not tracing.is_needed(model, writers, input) then
    return write_program(layers.program("export_onnx", model, writers, input), opset)
  end
  local program, again = tracing.twice("export_onnx", model, writers, require "fnet.save.onnx_operations",
    input or loaded.input_of(model))
  local file = write_program(program, opset)
  if file == write_program(again, opset) then return file end
  core.raise("export_onnx: %s computes otherwise for other samples, or another number of them; what no operation "
    .. "has recorded cannot be exported: item, a table of numbers, positions and lengths that depend on the "
    .. "samples, random numbers, a length of the batch", model:name())
end

--- Writes the model as an ONNX file, opset 17: input [batch, sample], output [batch, ...], both float32, of any
-- batch and in fnet's layout, pictures with their channels last. The indices that an Embedding takes are int32 and
-- count from 1. Several inputs are input1, input2, ..., several results output1, output2, ..., or have the names
-- that the model has for them. A class of the script's own is watched at work, twice, with random samples: fnet's
-- layers in it and the operations of tensors between them are what is written. A model of fnet.load_onnx has the
-- inputs, the outputs and the opset of its file; as a layer it needs opset 13 or newer. What cannot be exported
-- raises an error, which names it and what can.
---@param path string
---@param options? table input: tensor|table, the shape of a sample, { height, width, channels }, which layers say
--- themselves unless the first one is a convolution, a pooling or an embedding; of several inputs a list of shapes,
--- or shapes by name, { picture = { 28, 28, 1 }, row = { 5 } }; a tensor of samples, [batch, ...], stands for its
--- shape and type: of indices in a class of the script's own it is needed
---@return boolean? done true; nil where the environment refused
---@return string? message
---@return integer? code errno
function Module:export_onnx(path, options)
  expect.method("export_onnx", self)
  expect.path("export_onnx", path)
  options = expect.options("export_onnx", options, { "input" })
  return processes.write_file(path, { (core.no_grad(file_of, self, options.input)) })
end

return writers

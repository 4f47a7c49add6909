--- A model as an ONNX file (onnx.ai, opset 17), for onnxruntime and its like. The field numbers are those of
-- onnx.proto3.

local check = require "fnet.check"
local core = require "fnet.core"
local protobuf = require "fnet.export.protobuf"
local steps_of = require "fnet.export.layers"
local Module = require("fnet.nn.module").Module

local integer, float, bytes = protobuf.integer, protobuf.float, protobuf.bytes

local IR_VERSION, OPSET, FLOAT = 8, 17, 1

local function tensor_proto(name, tensor)
  local dims = {}
  for i, length in ipairs(tensor.shape) do dims[i] = integer(1, length) end
  return table.concat(dims) .. integer(2, FLOAT) .. bytes(8, name) .. bytes(9, tensor:bytes())
end

-- Attributes of a node: a float becomes f, a whole number i.
local function attribute_proto(name, value)
  if math.type(value) == "integer" then return bytes(1, name) .. integer(3, value) .. integer(20, 2) end
  return bytes(1, name) .. float(2, value) .. integer(20, 1)
end

-- [batch, width] of float32.
local function value_proto(name, width)
  local shape = bytes(1, bytes(2, "batch")) .. bytes(1, integer(1, width))
  return bytes(1, name) .. bytes(2, bytes(1, integer(1, FLOAT) .. bytes(2, shape)))
end

-- What stands for a layer: ONNX's name and attributes, and the names and tensors of what it takes besides x.
local operators = {
  Dense = function(step)
    return "Gemm", {}, { { "weight", step.weight }, step.bias and { "bias", step.bias } or nil }
  end,
  Flatten = function() return "Flatten", { axis = 1 } end,
  ReLU = function() return "Relu" end,
  LeakyReLU = function(step) return "LeakyRelu", { alpha = step.layer.value + 0.0 } end,
  ELU = function(step) return "Elu", { alpha = step.layer.value + 0.0 } end,
  SELU = function() return "Selu" end,
  Sigmoid = function() return "Sigmoid" end,
  Tanh = function() return "Tanh" end,
  Softplus = function() return "Softplus" end,
  Softmax = function() return "Softmax", { axis = -1 } end,
  LogSoftmax = function() return "LogSoftmax", { axis = -1 } end,
  BatchNorm = function(step)
    local layer = step.layer
    return "BatchNormalization", { epsilon = layer.epsilon + 0.0 }, { { "weight", layer.weight },
      { "bias", layer.bias }, { "mean", layer.running_mean }, { "variance", layer.running_var } }
  end,
  LayerNorm = function(step)
    local layer = step.layer
    return "LayerNormalization", { axis = -1, epsilon = layer.epsilon + 0.0 },
      { { "weight", layer.weight }, { "bias", layer.bias } }
  end,
}

local function graph_proto(steps)
  local nodes, initializers, from = {}, {}, "input"
  for i, step in ipairs(steps) do
    local operator, attributes, tensors = operators[step.kind](step)
    local to = i == #steps and "output" or ("x%d"):format(i)
    local node = { bytes(1, from) }
    for _, entry in ipairs(tensors or {}) do
      local name = ("%d.%s"):format(i, entry[1])
      node[#node + 1] = bytes(1, name)
      initializers[#initializers + 1] = bytes(5, tensor_proto(name, entry[2]:detach()))
    end
    node[#node + 1] = bytes(2, to) .. bytes(3, ("%d %s"):format(i, step.kind)) .. bytes(4, operator)
    for _, name in ipairs(check.names(attributes or {})) do
      node[#node + 1] = bytes(5, attribute_proto(name, attributes[name]))
    end
    nodes[i] = bytes(1, table.concat(node))
    from = to
  end
  local inputs
  for _, step in ipairs(steps) do inputs = inputs or step.inputs end
  return table.concat(nodes) .. bytes(2, "fnet") .. table.concat(initializers)
    .. bytes(11, value_proto("input", inputs)) .. bytes(12, value_proto("output", steps[#steps].width))
end

--- Writes the model as an ONNX file, opset 17: input [batch, features], output [batch, units], both float32 and of
-- any
-- batch. Dense, Flatten, Dropout (as nothing), BatchNorm, LayerNorm, the activations but GELU and SiLU, and
-- Sequential can be exported; anything else raises an error that names it.
---@param path string
---@return boolean? done true; nil where the environment refused
---@return string? message
---@return integer? code errno
function Module:export_onnx(path)
  if type(path) ~= "string" then core.raise("export_onnx: expected a path, got " .. check.describe(path)) end
  local graph = graph_proto(steps_of("export_onnx", self, operators))
  return core.write_file(path, { integer(1, IR_VERSION) .. bytes(2, "fnet") .. bytes(3, core.version) .. bytes(7,
    graph)
    .. bytes(8, bytes(1, "") .. integer(2, OPSET)) })
end

return operators

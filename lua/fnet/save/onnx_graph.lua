--- A graph of ONNX that grows, and its messages (onnx.proto3): for onnx.lua, which says what stands for a layer.
-- Invariant: nodes stand in the order in which values are made, and each value has a name of its own.

local core = require "fnet.core"
local naming = require "fnet.base.naming"
local protobuf = require "fnet.files.protobuf"

local integer, float, bytes = protobuf.integer, protobuf.float, protobuf.bytes

-- ---- messages ----

-- ONNX's numbers of types, by fnet's names of them, and of those that ONNX wants in places where fnet has others.
local TYPES = { float32 = 1, uint8 = 2, int32 = 6, int64 = 7, bool = 9, float64 = 11 }

-- From which version of the operations on, the version of the format that has them.
local FORMATS = { { 21, 10 }, { 19, 9 }, { 0, 8 } }

-- A repeated field.
local function repeated(encode, number, values)
  local parts = {}
  for i, value in ipairs(values) do parts[i] = encode(number, value) end
  return table.concat(parts)
end

local function tensor_proto(name, shape, data_type, data)
  return repeated(integer, 1, shape) .. integer(2, data_type) .. bytes(8, name) .. bytes(9, data)
end

-- An attribute of a node: a float becomes f, a whole number i, a text s, a list floats, ints or strings, a message
-- { proto = } of a tensor t.
local function attribute_proto(name, value)
  local start = bytes(1, name)
  if type(value) == "string" then return start .. bytes(4, value) .. integer(20, 3) end
  if math.type(value) == "integer" then return start .. integer(3, value) .. integer(20, 2) end
  if type(value) == "number" then return start .. float(2, value) .. integer(20, 1) end
  if value.proto then return start .. bytes(5, value.proto) .. integer(20, 4) end
  if type(value[1]) == "string" then return start .. repeated(bytes, 9, value) .. integer(20, 8) end
  if math.type(value[1]) == "float" then return start .. repeated(float, 7, value) .. integer(20, 6) end
  return start .. repeated(integer, 8, value) .. integer(20, 7)
end

-- A length is a number, a name, or "?" where it has none; without a shape nothing is said of it.
local function value_proto(name, shape, data_type)
  local dims = {}
  for i, length in ipairs(shape or {}) do
    dims[i] = length == "?" and "" or type(length) == "string" and bytes(2, length) or integer(1, length)
  end
  return bytes(1, name) .. bytes(2, bytes(1, integer(1, data_type)
    .. (shape and bytes(2, repeated(bytes, 1, dims)) or "")))
end

local Graph = {}
Graph.__index = Graph

-- ---- nodes ----

--- A node as it is.
---@param operator string
---@param name string
---@param inputs string[] "" for one that is left out
---@param outputs string[]
---@param attributes table<string, any>
function Graph:put(operator, name, inputs, outputs, attributes)
  local list = {}
  for i, key in ipairs(naming.sorted(attributes)) do list[i] = attribute_proto(key, attributes[key]) end
  self.nodes[#self.nodes + 1] = repeated(bytes, 1, inputs) .. repeated(bytes, 2, outputs) .. bytes(3, name)
    .. bytes(4, operator) .. repeated(bytes, 5, list)
end

--- A node with the inputs by name.
---@param operator string
---@param inputs string[]
---@param attributes? table<string, any>
---@param output_number? integer which of its outputs is meant, the first
---@return string output
function Graph:node(operator, inputs, attributes, output_number)
  local outputs, number = {}, #self.nodes + 1
  for i = 1, (output_number or 1) - 1 do outputs[i] = ("#%d.%d"):format(number, i) end
  outputs[#outputs + 1] = "#" .. number -- as no script calls an input
  self:put(operator, ("%s %d"):format(self.place, number), inputs, outputs, attributes or {})
  return outputs[#outputs]
end

-- ---- constants ----

--- A constant under that name, or that name with a number where there is one.
---@param name string what it is at this place
---@param shape integer[]
---@param data_type string of fnet, or "int64", "bool"
---@param data string its bytes
---@return string name
function Graph:constant(name, shape, data_type, data)
  name = ("%s %s"):format(self.place, name)
  if self.known[name] then name = ("%s %d"):format(name, #self.constants) end
  self.known[name] = true
  self:put_constant(name, shape, TYPES[data_type], data)
  return name
end

--- A constant as it is.
---@param name string
---@param shape integer[]
---@param number integer of its type
---@param data string
function Graph:put_constant(name, shape, number, data)
  self.constants[#self.constants + 1] = tensor_proto(name, shape, number, data)
end

function Graph:tensor(name, tensor)
  return self:constant(name, tensor.shape, tensor.dtype, tensor:detach():bytes())
end

function Graph:integers(name, values)
  return self:constant(name, { #values }, "int64", string.pack(("<" .. ("i8"):rep(#values)), table.unpack(values)))
end

function Graph:numbers(name, values)
  return self:constant(name, { #values }, "float32", string.pack(("<" .. ("f"):rep(#values)), table.unpack(values)))
end

-- Truth values.
function Graph:mask(name, tensor) return self:constant(name, tensor.shape, "bool", tensor:byte():bytes()) end

function Graph:number(name, value, dtype)
  return self:constant(name, {}, dtype or "float32", core.full({}, value, dtype or "float32"):bytes())
end

-- ---- what several layers and operations need ----

-- x as another type: fnet's name of it, "int64" or "bool", or ONNX's number.
function Graph:cast(x, data_type) return self:node("Cast", { x }, { to = TYPES[data_type] or data_type }) end

-- Positions that count from 0 as fnet has them, and the other way round.
function Graph:from_one(x) return self:node("Add", { self:cast(x, "int32"), self:number("one", 1, "int32") }) end
function Graph:from_zero(x) return self:node("Sub", { self:cast(x, "int32"), self:number("one", 1, "int32") }) end

-- Something that ONNX does with channels first, of pictures or, of rank 3, of sequences.
function Graph:channels_first(x, operator, inputs, attributes, rank)
  local is_sequence = rank == 3
  x = self:node("Transpose", { x }, { perm = is_sequence and { 0, 2, 1 } or { 0, 3, 1, 2 } })
  x = self:node(operator, { x, table.unpack(inputs) }, attributes)
  return self:node("Transpose", { x }, { perm = is_sequence and { 0, 2, 1 } or { 0, 2, 3, 1 } })
end

-- A reduction along axes from 0, or all: those were an attribute, of sums up to version 12, of others up to 17.
function Graph:reduce(operator, x, axes, keeps)
  local keepdims = keeps and 1 or 0
  if axes and (operator == "ReduceSum" or self.opset > 17) then
    return self:node(operator, { x, self:integers("axes", axes) }, { keepdims = keepdims })
  end
  return self:node(operator, { x }, { axes = axes, keepdims = keepdims })
end

-- x w + b of the last axis.
function Graph:dense(x, name, weight, bias)
  local y = self:node("MatMul", { x, self:tensor(name, weight) })
  return bias and self:node("Add", { y, self:tensor(name .. " bias", bias) }) or y
end

function Graph:silu(x) return self:node("Mul", { x, self:node("Sigmoid", { x }) }) end

-- x (1 + erf(x / sqrt(2))) / 2; an operator of its own only from opset 20 on.
function Graph:gelu(x)
  local erf = self:node("Erf", { self:node("Mul", { x, self:number("root", math.sqrt(0.5)) }) })
  local share = self:node("Mul", { self:node("Add", { erf, self:number("one", 1) }), self:number("half", 0.5) })
  return self:node("Mul", { x, share })
end

-- A row of that shape for each sample of an input.
function Graph:repeated(row, shape, input)
  local batch = self:node("Shape", { input }, { start = 0, ["end"] = 1 })
  return self:node("Expand", { row, self:node("Concat", { batch, self:integers("shape", shape) }, { axis = 0 }) })
end

-- x in another shape; 0 is a length that stays, -1 what is left.
function Graph:reshape(x, name, lengths) return self:node("Reshape", { x, self:integers(name, lengths) }) end

-- ---- the file ----

--- The whole file.
---@param inputs { name: string, shape: (integer|string)[]?, type: integer }[]
---@param outputs { name: string, shape: (integer|string)[]?, type: integer }[]
---@return string bytes
function Graph:file(inputs, outputs)
  local function values(list)
    local protos = {}
    for i, value in ipairs(list) do protos[i] = value_proto(value.name, value.shape, value.type) end
    return protos
  end
  local graph = repeated(bytes, 1, self.nodes) .. bytes(2, "fnet") .. repeated(bytes, 5, self.constants)
    .. repeated(bytes, 11, values(inputs)) .. repeated(bytes, 12, values(outputs))
  local version
  for _, row in ipairs(FORMATS) do version = version or self.opset >= row[1] and row[2] end
  return integer(1, version) .. bytes(2, "fnet") .. bytes(3, core.version) .. bytes(7, graph)
    .. bytes(8, bytes(1, "") .. integer(2, self.opset))
end

return {
  types = TYPES, tensor_proto = tensor_proto,
  --- An empty graph of operations of that version.
  ---@param opset integer
  ---@return table
  new = function(opset) return setmetatable({ nodes = {}, constants = {}, known = {}, opset = opset }, Graph) end,
}

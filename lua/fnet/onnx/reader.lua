--- An ONNX file (onnx.ai, onnx.proto3) as a plain description of its graph, and its tensors. Nothing of it is
-- executed here, and no operation is known: operations.lua has these, graph.lua checks the description.
-- Invariant: a reader of files. What is damaged, and what fnet cannot hold, is a fault that says what; memory is
-- taken in proportion to the file.

local core = require "fnet.core"
local files = require "fnet.files"
local kinds = require "fnet.files.kinds"
local protobuf = require "fnet.files.protobuf"
require "fnet.tensor" -- the methods of tensors

local reader = {}

local RANK_MOST, LENGTH_MOST = 8, (1 << 31) - 1
local OLDEST, NEWEST = 7, 21
local FLOAT, INT64 = 1, 7
local EXTERNAL = 1 -- the place of a tensor that lies in another file
local OWN_DOMAINS = { [""] = true, ["ai.onnx"] = true }

-- Beyond this a whole number stands for "without end", as exporters write it in the bounds of a Slice.
local ENDLESS = 1 << 62
local INT_LEAST, INT_MOST = -(1 << 31), (1 << 31) - 1
local UNPACKED_MOST = 4096 -- so many 64-bit numbers may be bounds

--- By the number that ONNX has for it: its name there, as files encode it, fnet's type.
---@type table<integer, { name: string, encoding: string?, dtype: string?, pack: string? }>
reader.TYPES = {
  [1] = { name = "float", encoding = "f32", dtype = "float32", pack = "<f" },
  [2] = { name = "uint8", encoding = "u8", dtype = "uint8", pack = "<B" },
  [3] = { name = "int8", encoding = "i8", dtype = "int32", pack = "<b" },
  [4] = { name = "uint16", encoding = "u16", dtype = "int32", pack = "<I2" },
  [5] = { name = "int16", encoding = "i16", dtype = "int32", pack = "<i2" },
  [6] = { name = "int32", encoding = "i32", dtype = "int32", pack = "<i4" },
  [7] = { name = "int64", encoding = "i64", dtype = "int32", pack = "<i8" },
  [8] = { name = "string" },
  [9] = { name = "bool", encoding = "u8", dtype = "uint8", pack = "<B" },
  [10] = { name = "float16", encoding = "f16", dtype = "float32" },
  [11] = { name = "double", encoding = "f64", dtype = "float64", pack = "<d" },
  [12] = { name = "uint32", encoding = "u32", dtype = "int32", pack = "<I4" },
  [13] = { name = "uint64", encoding = "u64", dtype = "int32", pack = "<i8" },
  [16] = { name = "bfloat16", encoding = "bf16", dtype = "float32" },
}

-- ---- messages: the fields that are read, by their numbers in onnx.proto3 ----

local TENSOR = {
  [1] = { "dims", "integers" }, [2] = { "data_type", "integer" }, [4] = { "float_data", "floats" },
  [5] = { "int32_data", "integers" }, [7] = { "int64_data", "integers" }, [8] = { "name", "text" },
  [9] = { "raw_data", "range" }, [10] = { "double_data", "doubles" }, [11] = { "uint64_data", "integers" },
  [14] = { "data_location", "integer" },
}
local ATTRIBUTE = {
  [1] = { "name", "text" }, [2] = { "f", "float" }, [3] = { "i", "integer" }, [4] = { "s", "text" },
  [5] = { "t", TENSOR }, [7] = { "floats", "floats" }, [8] = { "ints", "integers" },
  [9] = { "strings", "text", repeats = true }, [20] = { "type", "integer" },
}
local NODE = {
  [1] = { "input", "text", repeats = true }, [2] = { "output", "text", repeats = true }, [3] = { "name", "text" },
  [4] = { "op_type", "text" }, [5] = { "attribute", ATTRIBUTE, repeats = true }, [7] = { "domain", "text" },
}
local DIMENSION = { [1] = { "dim_value", "integer" }, [2] = { "dim_param", "text" } }
local SHAPE = { [1] = { "dim", DIMENSION, repeats = true } }
local TENSOR_TYPE = { [1] = { "elem_type", "integer" }, [2] = { "shape", SHAPE } }
local VALUE = { [1] = { "name", "text" }, [2] = { "type", { [1] = { "tensor_type", TENSOR_TYPE } } } }
local GRAPH = {
  [1] = { "node", NODE, repeats = true }, [5] = { "initializer", TENSOR, repeats = true },
  [11] = { "input", VALUE, repeats = true }, [12] = { "output", VALUE, repeats = true },
  [15] = { "sparse_initializer", "range", repeats = true },
}
local OPSET = { [1] = { "domain", "text" }, [2] = { "version", "integer" } }
local MODEL = {
  [1] = { "ir_version", "integer" }, [2] = { "producer_name", "text" }, [3] = { "producer_version", "text" },
  [7] = { "graph", GRAPH }, [8] = { "opset_import", OPSET, repeats = true },
  [25] = { "functions", "range", repeats = true },
}

-- ---- tensors ----

local function shape_of(proto, what)
  local shape, count = {}, 1
  for i, length in ipairs(proto.dims or {}) do
    if i > RANK_MOST then files.fault("has %s of more than %d axes", what, RANK_MOST) end
    if length < 0 or length > LENGTH_MOST then files.fault("has %s with an axis of %d", what, length) end
    shape[i], count = length, count * math.max(length, 1.0)
  end
  if count > LENGTH_MOST * 1024.0 then files.fault("has %s with more numbers than any file", what) end
  return shape, #shape > 0 and math.min(table.unpack(shape)) == 0 and 0 or math.tointeger(count)
end

-- A 64-bit number as fnet holds it: those that stand for "without end" become the outermost ones.
local function narrow(value, kind, what)
  if kind.name == "uint64" and value < 0 then value = ENDLESS end
  if value >= INT_LEAST and value <= INT_MOST then return value end
  if value >= ENDLESS or value <= -ENDLESS then return value > 0 and INT_MOST or INT_LEAST end
  files.fault("has %s with the number %d; fnet's whole numbers are int32, %d to %d", what, value, INT_LEAST,
    INT_MOST)
end

local function whole_tensor(values, shape, kind, what)
  for i, value in ipairs(values) do values[i] = narrow(value, kind, what) end
  return core.tensor(values, kind.dtype == "uint8" and "uint8" or "int32"):reshape(shape)
end

-- The bits of 16-bit floats that a file has as whole numbers.
local function half_float(bits, kind)
  if kind.encoding == "bf16" then return (string.unpack("<f", string.pack("<I4", (bits & 0xffff) << 16))) end
  local sign, exponent, fraction = bits >> 15 & 1, bits >> 10 & 31, bits & 1023
  local size = exponent == 0 and fraction * 2.0 ^ -24 or (1 + fraction / 1024) * 2.0 ^ (exponent - 15)
  if exponent == 31 then size = fraction == 0 and math.huge or 0 / 0 end
  return sign == 1 and -size or size
end

-- The elements from the bytes where they lie.
local function raw_tensor(state, range, shape, count, kind, what)
  local first, length = range[1], range[2] - range[1] + 1
  local size = kind.pack and string.packsize(kind.pack) or 2
  if length ~= count * size then
    files.fault("has %s of %d numbers of %s in %d bytes", what, count, kind.name, length)
  end
  if count == 0 then return core.full(shape, 0, kind.dtype) end
  if size == 8 and kind.dtype == "int32" and count <= UNPACKED_MOST then
    local values = {}
    for i = 1, count do values[i] = string.unpack("<i8", state.text, first + (i - 1) * 8) end
    return whole_tensor(values, shape, kind, what)
  end
  files.sound(state.input:part("plain", first - 1, length))
  local tensor = files.sound(state.input:elements(kind.encoding, false, shape))
  return tensor:to(kind.dtype)
end

-- The elements from a field of numbers.
local function listed_tensor(proto, shape, count, kind, what)
  local bytes = kind.name == "float" and (proto.float_data or "")
    or kind.name == "double" and (proto.double_data or "")
  if bytes then
    if #bytes ~= count * string.packsize(kind.pack) then
      files.fault("has %s of %d numbers with %d bytes of them", what, count, #bytes)
    end
    return core.from_bytes(bytes, shape, kind.dtype)
  end
  local wide = kind.name == "int64" and proto.int64_data or proto.uint64_data
  local values = wide or proto.int32_data or {}
  if #values ~= count then files.fault("has %s of %d numbers with %d of them", what, count, #values) end
  if count == 0 then return core.full(shape, 0, kind.dtype) end
  if kind.dtype == "float32" then
    for i, bits in ipairs(values) do values[i] = half_float(bits, kind) end
    return core.tensor(values):reshape(shape)
  end
  for _, value in ipairs(values) do
    if kind.dtype == "uint8" and (value < 0 or value > 255) then
      files.fault("has %s of %s with the number %d", what, kind.name, value)
    end
  end
  return whole_tensor(values, shape, kind, what)
end

-- A tensor, and the number of its type.
local function read_tensor(state, proto, what)
  local kind = reader.TYPES[proto.data_type]
  if not kind or not kind.dtype then
    files.fault("has %s of %s, which fnet has no tensors of", what, kind and "texts" or
      ("the type %s"):format(proto.data_type))
  end
  if proto.data_location == EXTERNAL then
    files.fault("has %s in a file beside it; in Python, onnx.save(onnx.load(path), path) puts all into one", what)
  end
  local shape, count = shape_of(proto, what)
  if proto.raw_data then return raw_tensor(state, proto.raw_data, shape, count, kind, what), proto.data_type end
  return listed_tensor(proto, shape, count, kind, what), proto.data_type
end

-- ---- the graph ----

local function floats_of(bytes)
  local list = {}
  for at = 1, #bytes, 4 do list[#list + 1] = string.unpack("<f", bytes, at) end
  return list
end

-- By AttributeProto's types.
local ATTRIBUTES = {
  function(attribute) return attribute.f or 0.0 end,
  function(attribute) return attribute.i or 0 end,
  function(attribute) return attribute.s or "" end,
  [6] = function(attribute) return floats_of(attribute.floats or "") end,
  [7] = function(attribute) return attribute.ints or {} end,
  [8] = function(attribute) return attribute.strings or {} end,
}

-- The attributes of a node that fnet can hold; `unread` names one that it cannot.
local function attributes_of(state, proto, label)
  local attributes, unread = {}, nil
  for _, attribute in ipairs(proto.attribute or {}) do
    local name = attribute.name or ""
    local kind = attribute.type or 0
    if kind == 4 and attribute.t then
      local tensor, number = read_tensor(state, attribute.t, ("%s: %s"):format(label, name))
      attributes[name] = { tensor = tensor, type = number }
    elseif ATTRIBUTES[kind] then
      attributes[name] = ATTRIBUTES[kind](attribute)
    else
      unread = name
    end
  end
  return attributes, unread
end

-- Constant: the tensor that it gives, and the number of its type.
local function constant_of(attributes, label)
  local value = attributes.value
  if value then return value.tensor, value.type end
  local number = attributes.value_float or attributes.value_int
  local list = attributes.value_floats or attributes.value_ints
  if not number and not list then files.fault("has %s, whose value fnet has no tensors of", label) end
  local values = list or { number }
  local is_float = attributes.value_float or attributes.value_floats
  if is_float then
    local tensor = #values > 0 and core.tensor(values) or core.full({ 0 }, 0)
    return list and tensor or tensor:reshape {}, FLOAT
  end
  local shape = list and { #values } or {}
  if #values == 0 then return core.full(shape, 0, "int32"), INT64 end
  return whole_tensor({ table.unpack(values) }, shape, reader.TYPES[INT64], label), INT64
end

-- `fields` says of the tensor what the file does: its type, and whether it is trained, or a node has it.
local function add_tensor(state, name, tensor, fields)
  if name == "" then files.fault "has a tensor without a name" end
  if state.tensors[name] then files.fault("has two tensors '%s'", name) end
  state.tensors[name] = tensor
  fields.name, fields.shape, fields.dtype = name, { table.unpack(tensor.shape) }, tensor.dtype
  table.insert(state.graph.tensors, fields)
end

local function add_node(state, proto, number)
  local op = proto.op_type or ""
  local label = ("node %d, %s%s"):format(number, op, proto.name and (" '%s'"):format(proto.name) or "")
  if not OWN_DOMAINS[proto.domain or ""] then
    files.fault("has the operation '%s' of '%s', which is none of ONNX's own", op, proto.domain)
  end
  local attributes, unread = attributes_of(state, proto, label)
  if op == "Constant" and proto.output and proto.output[1] then
    local tensor, kind = constant_of(attributes, label)
    return add_tensor(state, proto.output[1], tensor, { type = kind, is_node = true })
  end
  for _, value in pairs(attributes) do
    if type(value) == "table" and value.tensor then -- of a ConstantOfShape: one number
      value.number, value.dtype, value.tensor = value.tensor:count() == 1 and value.tensor:reshape({}):item(),
        value.tensor.dtype, nil
      if not value.number then files.fault("has %s with an attribute of several numbers", label) end
    end
  end
  local inputs = proto.input or {}
  while inputs[#inputs] == "" do inputs[#inputs] = nil end
  table.insert(state.graph.nodes, { op = op, name = proto.name or "", inputs = inputs, outputs = proto.output or {},
    attributes = attributes, unread = unread })
end

-- { name, dtype, type, shape }: a length of the shape is a number, or a text where it is free.
local function value_of(proto, what)
  local tensor_type = proto.type and proto.type.tensor_type
  local kind = tensor_type and reader.TYPES[tensor_type.elem_type]
  if not kind or not kind.dtype then
    files.fault("has the %s '%s', which is no tensor of numbers", what, proto.name or "")
  end
  local shape = tensor_type.shape and {}
  for i, dimension in ipairs(shape and tensor_type.shape.dim or {}) do
    if i > RANK_MOST then files.fault("has the %s '%s' of more than %d axes", what, proto.name, RANK_MOST) end
    local length = dimension.dim_value
    shape[i] = length and length > 0 and length or dimension.dim_param or "?"
  end
  return { name = proto.name or "", dtype = kind.dtype, type = tensor_type.elem_type, shape = shape }
end

local function opset_of(model)
  for _, opset in ipairs(model.opset_import or {}) do
    if OWN_DOMAINS[opset.domain or ""] then return opset.version or 1 end
  end
  files.fault "is no ONNX model: it says no version of its operations"
end

-- Weights are what layers multiply by and add; what describes a layer, such as bounds, is no weight. By operation:
-- the inputs that are trained.
local TRAINED = {
  Conv = { 2, 3 }, ConvTranspose = { 2, 3 }, Gemm = { 2, 3 }, MatMul = { 1, 2 }, Gather = { 1 }, PRelu = { 2 },
  BatchNormalization = { 2, 3 }, InstanceNormalization = { 2, 3 }, LayerNormalization = { 2, 3 },
  GroupNormalization = { 2, 3 }, Add = { 1, 2 }, Mul = { 1, 2 }, Sub = { 1, 2 }, RNN = { 2, 3, 4 },
  LSTM = { 2, 3, 4 }, GRU = { 2, 3, 4 },
}

-- The names of the tensors that are weights.
local function weights_of(nodes)
  local names = {}
  for _, node in ipairs(nodes) do
    for _, place in ipairs(TRAINED[node.op] or {}) do names[node.inputs[place] or ""] = true end
  end
  return names
end

local function read_graph(state, model)
  local proto, graph = model.graph or files.fault "is no ONNX model: it has no graph", state.graph
  if proto.sparse_initializer then files.fault "has sparse tensors, which fnet has not" end
  if model.functions then files.fault "has functions of its own; onnx.inliner.inline_local_functions opens them" end
  graph.opset = opset_of(model)
  if graph.opset < OLDEST or graph.opset > NEWEST then
    files.fault("has operations of version %d; fnet reads %d to %d: in Python, "
      .. "onnx.version_converter.convert_version(onnx.load(path), 17)", graph.opset, OLDEST, NEWEST)
  end
  for number, node in ipairs(proto.node or {}) do add_node(state, node, number) end
  local is_weight = weights_of(graph.nodes)
  for _, tensor in ipairs(proto.initializer or {}) do
    local name = tensor.name or ""
    local value, number = read_tensor(state, tensor, ("the tensor '%s'"):format(name))
    local is_float = value.dtype == "float32" or value.dtype == "float64"
    local is_trained = is_float and value.rank > 0 and is_weight[name] == true
    add_tensor(state, name, value, { type = number, trained = is_trained })
  end
  for _, input in ipairs(proto.input or {}) do
    if not state.tensors[input.name or ""] then table.insert(graph.inputs, value_of(input, "input")) end
  end
  for _, output in ipairs(proto.output or {}) do table.insert(graph.outputs, value_of(output, "output")) end
  graph.made_with = ("%s %s"):format(model.producer_name or "?", model.producer_version or ""):gsub("%s+$", "")
  return graph, state.tensors
end

local function read_model(input)
  local size = input:size() or files.fault "is a pipe; save it as a file"
  files.sound(input:part("plain", 0, size))
  local text = files.sound(input:bytes(size))
  if text == "" then files.fault "is empty" end
  local kind = kinds.of(text)
  if kind and kind.key ~= "onnx" then kinds.refuse(text) end
  local state = { text = text, input = input, tensors = {},
    graph = { inputs = {}, outputs = {}, nodes = {}, tensors = {} } }
  local graph, tensors = read_graph(state, protobuf.read(text, MODEL))
  return { graph = graph, tensors = tensors }
end

--- Reads a file.
---@param path string
---@return { graph: table, tensors: table<string, tensor> }? model nil where it cannot be read or is damaged
---@return string? message, integer? code
function reader.read(path) return files.open(path, read_model) end

--- The tensor of a file that holds one TensorProto, as ONNX's own tests do (test_data_set_0/input_0.pb).
---@param path string
---@return tensor? nil where the file cannot be read or is damaged
---@return string? message, integer? code
function reader.read_tensor(path)
  return files.open(path, function(input)
    local size = input:size() or files.fault "is a pipe; save it as a file"
    files.sound(input:part("plain", 0, size))
    local state = { text = files.sound(input:bytes(size)), input = input }
    return (read_tensor(state, protobuf.read(state.text, TENSOR), "a tensor"))
  end)
end

return reader

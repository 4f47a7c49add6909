--- A graph that fnet.load_onnx has read, written as ONNX again, for onnx.lua: by itself as the file had it, or as
-- a layer of a model, whose values then have other names.
-- Invariant: nodes, names, types and the version of the operations are those of the file, the weights those that
-- the model has now.

local core = require "fnet.core"
local graphs = require "fnet.save.onnx_graph"
local operations = require "fnet.onnx.operations"
local reader = require "fnet.onnx.reader"

local loaded = {}

local OLDEST_BESIDE = 13 -- from here up to 17 what nodes say means what it means in 17

-- ONNX's type of a value as it is written: 16-bit floats have become float32.
local function type_of(entry)
  local kind = reader.TYPES[entry.type]
  return kind.dtype == "float32" and graphs.types.float32 or entry.type, kind
end

local function data_of(tensor, kind, layer, name)
  if tensor.dtype ~= kind.dtype then
    core.raise("export_onnx: %s has '%s' as %s, and its file had %s; model:to \"float32\" brings that back",
      layer:name(), name, tensor.dtype, kind.dtype)
  end
  tensor = tensor:detach():contiguous()
  if kind.dtype ~= "int32" or kind.name == "int32" then return tensor:bytes() end
  local parts = tensor:flatten():totable()
  for i, number in ipairs(parts) do parts[i] = string.pack(kind.pack, number) end
  return table.concat(parts)
end

-- Attributes as they are written; a list without numbers says nothing but where it stands for whole ones.
local function attributes_of(node)
  local attributes = {}
  for name, value in next, node.attributes do
    if type(value) == "table" and value.number then
      local bytes = core.full({ 1 }, value.number, value.dtype)
      local number, kind = type_of(value)
      value = { proto = graphs.tensor_proto("", { 1 }, number, data_of(bytes, kind)) }
    end
    if type(value) ~= "table" or value.proto or #value > 0 or operations.takes_integers(name) then
      attributes[name] = value
    end
  end
  return attributes
end

-- Adds tensors and nodes to a graph; `rename` gives the names there.
local function write(graph, layer, rename)
  local function names_of(list)
    local names = {}
    for i, name in ipairs(list) do names[i] = name == "" and "" or rename(name) end
    return names
  end
  for _, entry in ipairs(layer.graph.tensors) do
    local tensor = layer.weights[entry.name] or layer.constants[entry.name]
    local name, number, kind = rename(entry.name), type_of(entry)
    local data = data_of(tensor, kind, layer, entry.name)
    if entry.is_node then
      graph:put("Constant", name, {}, { name }, { value = { proto = graphs.tensor_proto("", tensor.shape, number,
        data) } })
    else
      graph:put_constant(name, tensor.shape, number, data)
    end
  end
  for _, node in ipairs(layer.graph.nodes) do
    graph:put(node.op, rename(node.name), names_of(node.inputs), names_of(node.outputs), attributes_of(node))
  end
end

--- The file of a model that is such a graph.
---@param layer nn.OnnxGraph
---@param input any the option, which must be nil
---@return string
function loaded.file(layer, input)
  if input ~= nil then
    core.raise("export_onnx: %s takes what its file says; leave the option `input` out", layer:name())
  end
  local graph = graphs.new(layer.graph.opset)
  write(graph, layer, function(name) return name end)
  local function written(values)
    local list = {}
    for i, value in ipairs(values) do
      list[i] = { name = value.name, shape = value.shape, type = (type_of(value)) }
    end
    return list
  end
  return graph:file(written(layer.graph.inputs), written(layer.graph.outputs))
end

-- ---- as a layer ----

--- The version of the operations of a model's file: that of the graphs in it, beside which others are written.
---@param model nn.Module
---@param usual integer the version without any, which takes those from OLDEST_BESIDE on
---@return integer
function loaded.opset(model, usual)
  local opset
  for _, layer in ipairs(model:modules()) do
    if layer.class_name == "OnnxGraph" then
      local own = layer.graph.opset
      local version = own > usual and own or usual
      if own < OLDEST_BESIDE or opset and opset ~= version then
        core.raise("export_onnx: %s has operations of version %d, which cannot stand beside those of version %d; "
          .. "in Python, onnx.version_converter.convert_version(onnx.load(path), %d) makes a file that can",
          layer:name(), own, opset or usual, opset or usual)
      end
      opset = version
    end
  end
  return opset or usual
end

-- Whether samples of that shape are what the file takes.
local function fits(shape, declared)
  for i, length in ipairs(shape) do
    if type(declared[i + 1]) == "number" and declared[i + 1] ~= length then return false end
  end
  return #shape + 1 == #declared
end

-- Pictures with their channels last as the file has them; see OnnxGraph:forward.
local function channels_first(graph, x, shape, declared)
  local height, width, channels = table.unpack(shape)
  if #shape == 2 and declared[2] == 1 and fits({ 1, height, width }, declared) then
    return graph:reshape(x, "channel", { 0, 1, height, width })
  end
  if #shape == 3 and fits({ channels, height, width }, declared) then
    return graph:node("Transpose", { x }, { perm = { 0, 3, 1, 2 } })
  end
  return x
end

--- The nodes of such a layer, see writers in onnx.lua.
---@param graph table
---@param step save.Step
---@param taken string[] the names of its inputs
---@return string y
function loaded.embed(graph, step, taken)
  local layer, place, names = step.layer, graph.place, {}
  for i, input in ipairs(layer.graph.inputs) do
    local x, number, kind = taken[i], type_of(input)
    if layer.graph.channels == "last" and input.shape then
      x = channels_first(graph, x, step.inputs[i], input.shape)
    end
    local is_float = core.dtypes[kind.dtype].float
    names[input.name] = number == graphs.types[is_float and "float32" or "int32"] and x or graph:cast(x, number)
  end
  write(graph, layer, function(name) return names[name] or ("%s/%s"):format(place, name) end)
  local output = layer.graph.outputs[1]
  local y, number, kind = names[output.name] or ("%s/%s"):format(place, output.name), type_of(output)
  return number == graphs.types[kind.dtype] and y or graph:cast(y, kind.dtype)
end

--- What a sample of a model is, where a graph that takes one input begins it and its file says so.
---@param model nn.Module
---@return integer[]? shape
function loaded.input_of(model)
  while model and model.class_name == "Sequential" do model = model[1] end
  if not model or model.class_name ~= "OnnxGraph" then return nil end
  local input = model.graph.inputs[1]
  if #model.graph.inputs > 1 or not input.shape or not core.dtypes[input.dtype].float then return nil end
  local shape = { table.unpack(input.shape, 2) }
  for _, length in ipairs(shape) do
    if type(length) ~= "number" then return nil end
  end
  if model.graph.channels == "last" and #shape == 3 then shape = { shape[2], shape[3], shape[1] } end
  return #shape > 0 and shape or nil
end

return loaded

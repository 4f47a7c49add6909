--- nn.OnnxGraph: a model that an ONNX file describes, as a module. The graph is plain data, its nodes are
-- carried out one after the other by operations of tensors, so that gradients go through it as through any module.
-- Invariant: each part of the description is checked before it is used, because it may come from a stranger's file.

local core = require "fnet.core"
local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local module = require "fnet.nn.module"
local naming = require "fnet.base.naming"
local nn = require "fnet.nn"
local operations = require "fnet.onnx.operations"
local parameter = require "fnet.nn.parameter"
local reader = require "fnet.onnx.reader"
local say = require "fnet.base.say"
local try = require "fnet.base.try"

---@class nn.OnnxGraph: nn.Module
---@field weights table<string, tensor> what is trained, by the names of the file
---@field constants table<string, tensor> what is not: statistics, shapes, bounds
local OnnxGraph = module.class "OnnxGraph"

local STEPS = {} -- the key of the nodes in the form in which they are carried out, which no field can have

-- ---- the description ----

local function check(fits, format, ...)
  if not fits then core.raise("OnnxGraph: its description is damaged: " .. format, ...) end
end

local function is_text(value) return type(value) == "string" end

local function check_list(list, what, fits)
  check(type(list) == "table", "expected a list of %s", what)
  for i = 1, #list do check(fits(list[i]), "expected a list of %s, got %s", what, core.kind(list[i])) end
  return list
end

local function is_value(value)
  if type(value) ~= "table" or not is_text(value.name) then return false end
  local kind = reader.TYPES[value.type]
  if not kind or not kind.dtype or kind.dtype ~= value.dtype then return false end
  for _, length in ipairs(type(value.shape) == "table" and value.shape or {}) do
    if not (is_text(length) or math.type(length) == "integer" and length >= 0) then return false end
  end
  return value.shape == nil or type(value.shape) == "table" and #value.shape <= 8
end

-- What messages call a node.
local function label_of(node, number)
  return ("node %d, %s%s"):format(number, node.op, node.name ~= "" and (" '%s'"):format(node.name) or "")
end

-- Checks a node; raises where it cannot be carried out.
local function check_node(node, label)
  local f = operations.functions[node.op]
  if not f then
    core.raise("OnnxGraph: %s: fnet has no operation '%s'; it has %s", label, node.op,
      table.concat(naming.sorted(operations.functions), ", "))
  end
  if node.unread ~= nil then
    core.raise("OnnxGraph: %s: has the attribute '%s' of a kind that fnet does not read", label,
      tostring(node.unread))
  end
  local info, count = debug.getinfo(f, "u"), #node.inputs
  local most = info.isvararg and math.huge or info.nparams - 1
  local least = operations.REQUIRED[node.op] or 1
  local given = 0
  for i = 1, math.min(least, count) do given = given + (node.inputs[i] ~= "" and 1 or 0) end
  if given < least or count > most then
    core.raise("OnnxGraph: %s: expected %s%d inputs, got %d", label, most > least and "at least " or "", least,
      count)
  end
  for _, name in ipairs(naming.sorted(node.attributes)) do
    local ok, message = try(operations.check_attribute, name, node.attributes[name])
    if not ok then core.raise("OnnxGraph: %s: %s", label, core.error_text(message)) end
  end
end

local function check_graph(graph)
  check(type(graph) == "table", "it is no table")
  check(math.type(graph.opset) == "integer", "it says no version of its operations")
  local known = {}
  local function define(name)
    check(not known[name], "'%s' is there twice", name)
    known[name] = true
  end
  for _, tensor in ipairs(check_list(graph.tensors, "tensors", is_value)) do
    check(tensor.shape, "a tensor '%s' without a shape", tensor.name)
    define(tensor.name)
  end
  for _, input in ipairs(check_list(graph.inputs, "inputs", is_value)) do define(input.name) end
  for number, node in ipairs(check_list(graph.nodes, "nodes", function(entry) return type(entry) == "table" end)) do
    check(is_text(node.op) and is_text(node.name) and type(node.attributes) == "table", "node %d is none", number)
    local label = label_of(node, number)
    check_list(node.inputs, "names", is_text)
    check_list(node.outputs, "names", is_text)
    check_node(node, label)
    for _, name in ipairs(node.inputs) do
      check(name == "" or known[name], "%s takes '%s', which nothing before it gives", label, name)
    end
    for _, name in ipairs(node.outputs) do
      if name ~= "" then define(name) end
    end
  end
  check(#check_list(graph.outputs, "outputs", is_value) > 0, "it gives nothing")
  for _, output in ipairs(graph.outputs) do check(known[output.name], "nothing gives '%s'", output.name) end
  check(graph.channels == nil or graph.channels == "last" or graph.channels == "first", "its channels")
end

--- A graph from its description, with weights that are still to come: fnet.load_onnx and fnet.load make it.
---@param graph table opset: integer; inputs, outputs, nodes, tensors: table, plain data; channels: "last" or
--- "first"
function OnnxGraph:init(graph)
  check_graph(graph)
  local weights, constants = {}, {}
  for _, tensor in ipairs(graph.tensors) do
    local list = tensor.trained and weights or constants
    local make = tensor.trained and parameter.constant or parameter.buffer
    list[tensor.name] = make(tensor.shape, 0, tensor.dtype)
  end
  self.weights = weights
  self:buffer("constants", constants)
  self.graph = graph
end

-- ---- carrying it out ----

-- The nodes with their functions, and after which of them each value is needed no more.
local function steps_of(self)
  local steps = rawget(self, STEPS)
  if steps then return steps end
  local graph, last = self.graph, {}
  steps = {}
  for number, node in ipairs(graph.nodes) do
    steps[number] = { f = operations.functions[node.op], label = label_of(node, number), opset = graph.opset,
      attributes = node.attributes, inputs = node.inputs, outputs = node.outputs, done = {} }
    for _, name in ipairs(node.inputs) do last[name] = number end
    for _, name in ipairs(node.outputs) do last[name] = number end
  end
  for _, output in ipairs(graph.outputs) do last[output.name] = nil end
  for _, name in ipairs(naming.sorted(last)) do table.insert(steps[last[name]].done, name) end
  rawset(self, STEPS, steps)
  return steps
end

local function carry_out(self, step, values)
  local arguments = {}
  for i, name in ipairs(step.inputs) do arguments[i] = values[name] end
  local results = table.pack(try(step.f, step, table.unpack(arguments, 1, #step.inputs)))
  if not results[1] then
    local message, name = core.error_text(results[2]), self:name() .. ": " -- which the outer message has, too
    if message:sub(1, #name) == name then message = message:sub(#name + 1) end
    core.raise("%s: %s", step.label, message)
  end
  for i, name in ipairs(step.outputs) do
    if name ~= "" and results[i + 1] == nil then
      core.raise("%s: fnet has %d of its %d results", step.label, results.n - 1, #step.outputs)
    end
    values[name] = results[i + 1]
  end
  for _, name in ipairs(step.done) do values[name] = nil end
end

-- ---- inputs ----

-- Pictures with their channels last become what the file takes; grey ones may be without channels.
local function channels_first(x, shape)
  if #shape ~= 4 then return x end
  if shape[2] == 1 and x.shape[x.rank] ~= 1 then x = x:unsqueeze(x.rank + 1) end
  if x.rank < 3 then return x end
  return x:transpose(x.rank - 1, x.rank):transpose(x.rank - 2, x.rank - 1)
end

-- The tensor with all axes of the declared shape, and whether it was a single sample; nil where it does not fit.
local function fit(x, shape)
  local is_single = x.rank == #shape - 1
  if is_single then x = x:unsqueeze(1) end
  if x.rank ~= #shape then return nil end
  for i, length in ipairs(shape) do
    if not (is_text(length) or length == x.shape[i]) then return nil end
  end
  return x, is_single
end

-- One input as the graph takes it, and whether it was a single sample.
local function take(self, input, x)
  local name = self:name()
  if not core.is_tensor(x) then
    core.raise("%s: input '%s': expected a tensor, got %s", name, input.name, core.kind(x))
  end
  local wants_float, has_float = core.dtypes[input.dtype].float, is.float(x)
  if wants_float ~= has_float then
    core.raise("%s: input '%s': expected %s, got %s; x:%s() converts it", name, input.name, input.dtype, x.dtype,
      wants_float and "float" or "int")
  end
  if not has_float then x = x:to(input.dtype) end
  local shape = input.shape
  if not shape then return x, false end
  local fitting, is_single = fit(self.graph.channels == "last" and channels_first(x, shape) or x, shape)
  if not fitting then fitting, is_single = fit(x, shape) end -- a file of Keras has the channels last itself
  if not fitting then
    local fixed = x.rank == #shape and math.type(shape[1]) == "integer" and shape[1] ~= x.shape[1]
    core.raise("%s: input '%s': expected %s, got %s%s", name, input.name, say.shape(shape), say.shape(x.shape),
      fixed and "; the file was exported for batches of that size: export it with a free first axis (dynamic_axes)"
        or "")
  end
  return fitting, is_single
end

--- Carries the graph out. Shapes are those of the file, pictures with their channels on the second axis, unless
-- load_onnx was told `channels = "last"`; a single sample is taken where there is one input. Indices count
-- from 0, as the file has them. Batch normalisation uses the file's statistics and nothing is dropped, in training
-- mode, too.
---@param ... tensor the inputs in the order of the file
---@return tensor|tensor[] y a list where the file has several outputs
function OnnxGraph:forward(...)
  local graph = self.graph
  if select("#", ...) ~= #graph.inputs then
    core.raise("%s: expected %d inputs, got %d", self:name(), #graph.inputs, select("#", ...))
  end
  local values, single = {}, false
  for name, tensor in next, self.weights do values[name] = tensor end
  for name, tensor in next, self.constants do values[name] = tensor end
  for i, input in ipairs(graph.inputs) do values[input.name], single = take(self, input, (select(i, ...))) end
  for _, step in ipairs(steps_of(self)) do carry_out(self, step, values) end
  local results = {}
  for i, output in ipairs(graph.outputs) do
    local y = values[output.name]
    if single and #graph.inputs == 1 and y.rank > 0 and y.shape[1] == 1 then y = y:select(1, 1) end
    results[i] = y
  end
  return #results == 1 and results[1] or results
end

--- What the file says of its output.
---@param input? (integer|string)[]
---@return (integer|string)[]?
function OnnxGraph:output_shape(input)
  expect.output_shape(self, input)
  local shape = #self.graph.outputs == 1 and self.graph.outputs[1].shape
  if not shape or #shape == 0 then return nil end
  local sample = { table.unpack(shape, 2) }
  for _, length in ipairs(sample) do
    if is_text(length) then return nil end
  end
  return sample
end

function OnnxGraph:describe()
  expect.method("describe", self)
  return ("OnnxGraph(%d operations, opset %d)"):format(#self.graph.nodes, self.graph.opset)
end

nn.OnnxGraph = OnnxGraph

return OnnxGraph

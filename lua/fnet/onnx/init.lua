--- onnx: models that other libraries export. This file is fnet.load_onnx, and what `fnet info` says of such a file.

local core = require "fnet.core"
local expect = require "fnet.base.expect"
local files = require "fnet.files"
local module = require "fnet.nn.module"
local modes = require "fnet.nn.modes"
local naming = require "fnet.base.naming"
local OnnxGraph = require "fnet.onnx.graph"
local operations = require "fnet.onnx.operations"
local parameter = require "fnet.nn.parameter"
local reader = require "fnet.onnx.reader"
local try = require "fnet.base.try"

local onnx = {}

-- The module of a description, without memory for its tensors.
local function hollow(graph)
  local _ <close> = parameter.without_memory()
  return OnnxGraph(graph)
end

local function build(model, channels)
  model.graph.channels = channels
  local ok, result = try(hollow, model.graph)
  if not ok then files.fault("%s", (core.error_text(result):gsub("^OnnxGraph: ", ""))) end
  module.replace(result, function(entry) return model.tensors[entry.key] end)
  return modes.rest(result)
end

--- Loads an ONNX model (onnx.ai) as a module, opsets 7 to 21: it is called, trained, saved with model:save, loaded
-- again with fnet.load, and written as ONNX again with model:export_onnx. It takes and gives what the file says:
-- pictures have their channels on the second axis, [batch, channels, height, width], unless `channels = "last"`
-- turns them, as fnet has them everywhere; indices and class numbers count from 0. Its parameters are the file's
-- weights by their names there, such as "weights.fc1.weight"; it is in evaluation mode. Nothing of a file is passed
-- over: an operation that fnet does not have is refused, by its name.
---@param path string
---@param options? table channels: "last" takes pictures of [batch, height, width, channels] whatever the file has,
--- grey ones without channels, too; "first"
---@return nn.OnnxGraph? model nil where the file cannot be read, is damaged, or has what fnet does not have
---@return string? message
---@return integer? code errno, where the environment refused
function onnx.load(path, options)
  expect.path("load_onnx", path)
  options = expect.options("load_onnx", options, { "channels" })
  local channels = options.channels
  if channels ~= nil then expect.choice("load_onnx: channels", channels, { "first", "last" }) end
  local model, message, code = reader.read(path)
  if not model then return nil, message, code end
  return files.attempt(path .. ": ", build, model, channels)
end

--- What is in an ONNX file, for `fnet info`.
---@param path string
---@return { graph: table, operations: { name: string, count: integer }[], missing: string[] }? nil where it
--- cannot be read; missing are the operations that fnet does not have
---@return string? message, integer? code
function onnx.describe(path)
  local model, message, code = reader.read(path)
  if not model then return nil, message, code end
  local counts, list, missing = {}, {}, {}
  for _, node in ipairs(model.graph.nodes) do counts[node.op] = (counts[node.op] or 0) + 1 end
  for i, name in ipairs(naming.sorted(counts)) do
    list[i] = { name = name, count = counts[name] }
    if not operations.functions[name] then missing[#missing + 1] = name end
  end
  return { graph = model.graph, operations = list, missing = missing }
end

return onnx

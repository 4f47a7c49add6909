--- save: models as files. This file is model:save and fnet.load. A file holds tensors and, as metadata, the
-- architecture and what is known about how the model came to be (format: lua/fnet/files/safetensors.lua).
-- Invariant: loading runs no code of the file; a file that is damaged, or is no model, gives nil and a sentence.

local contents = require "fnet.nn.contents"
local description = require "fnet.save.description"
local expect = require "fnet.base.expect"
local core = require "fnet.core"
local files = require "fnet.files"
local is = require "fnet.base.is"
local modes = require "fnet.nn.modes"
local module = require "fnet.nn.module"
local origin = require "fnet.save.origin"
local safetensors = require "fnet.files.safetensors"
local state = require "fnet.nn.state"

local model_file = {}

-- A checkpoint is a model file with more in it: this entry of the metadata, and tensors whose names begin so.
model_file.CHECKPOINT = "fnet.checkpoint"
model_file.CHECKPOINT_PREFIX = "checkpoint/"
-- Instead of the architecture: why a checkpoint has none.
model_file.UNDESCRIBED = "fnet.undescribed"

--- Writes the model to a safetensors file, which fnet.load and every other reader of that format can read. The file
-- is the old one or the new one, whatever happens meanwhile, and is on the disk when this returns. Before, a model
-- is made anew from its layers and their arguments and compared with this one: what a script has set
-- (`model[2].rate = 0.1`), shared or frozen since is written as well. Raises where fnet.load could not give this
-- model back, because a layer holds what no file can, such as a function, or is not what its arguments make, such
-- as one whose bias was taken away.
---@param path string
---@param options? table data: data.Dataset, the training set, whose hash, classes and shape of a sample are noted;
--- metrics: table, numbers to note; script: string|false, path of the script to note as text, false for none, the
--- running one by default; vocabulary: data.Vocabulary, what makes the tokens of a text (data.vocabulary)
---@return boolean? done true; nil where the environment refused
---@return string? message
---@return integer? code errno
function module.Module:save(path, options)
  expect.method("save", self)
  expect.path("save", path)
  options = expect.options("save", options, { "data", "metrics", "script", "vocabulary" }, nil, { "script" })
  local metadata = origin.new("save", options)
  for key, text in pairs(description.new(self):metadata(self)) do metadata[key] = text end
  return safetensors.write_list(path, contents.state(self), metadata)
end

local function check_layers(layers)
  expect.that(type(layers) == "table", "load: layers", "classes by name, { Residual = Residual }", layers)
  for name, make in pairs(layers) do
    if type(name) ~= "string" or type(make) ~= "function" and type(make) ~= "table" then
      core.raise("load: layers: expected classes by name, { Residual = Residual }")
    end
  end
  return layers
end

--- The tensors that belong to the model, of a model's file or of a checkpoint's.
---@param tensors table<string, tensor>
---@return table<string, tensor>
function model_file.weights(tensors)
  local weights, prefix = {}, model_file.CHECKPOINT_PREFIX
  for name, tensor in pairs(tensors) do
    if name:sub(1, #prefix) ~= prefix then weights[name] = tensor end
  end
  return weights
end

-- Faults where a weight is not finite. What is no parameter may be infinite, as a mask is whose -infinity stands
-- for what attention does not see.
local function check_finite(matched)
  for _, pair in ipairs(matched) do
    local entry, tensor = pair[1], pair[2]
    safetensors.check_finite(entry.name, entry.is_parameter and tensor or tensor:clamp(-1, 1))
  end
end

-- The model of a file, and what is known about it.
local function build(path, metadata, tensors, layers, finite)
  if not metadata["fnet.architecture"] then
    files.fault("holds tensors but no architecture%s; build the model and give it the tensors of fnet.read_tensors",
      metadata[model_file.UNDESCRIBED] and " (" .. metadata[model_file.UNDESCRIBED] .. ")"
        or ", so another program wrote it")
  end
  local elements = 0
  for _, tensor in pairs(tensors) do elements = elements + tensor:count() end
  local about = origin.read(metadata)
  local model, missing, hollow = description.build(metadata, layers, elements)
  if missing then
    core.raise("load: %s needs layers that are not part of fnet; a script gives fnet.load their classes: " ..
      "{ layers = { %s } }", path, core.visible(table.concat(missing, " = ..., ") .. " = ..."))
  end
  local matched, problem = state.match(model, tensors)
  if not matched then files.fault("%s", problem) end
  if finite ~= false then check_finite(matched) end
  local given = {}
  for _, pair in ipairs(matched) do given[pair[1].value] = pair[2] end
  module.replace(model, function(entry)
    local before, tensor = entry.value, given[entry.value]
    local dtype = is.float(tensor) and tensor.dtype or before.dtype
    if hollow then return tensor:to(dtype) end
    return dtype ~= before.dtype and before:detach():to(dtype)
  end)
  if not hollow then model:load_state(tensors) end
  return modes.rest(model), about
end

--- Loads a model that model:save wrote, or that of a checkpoint. It is in evaluation mode; model:train() prepares
-- it for more training.
-- Raises where the model has layers of a script and their classes are not given.
---@param path string
---@param options? table layers: table<string, nn.Module>, classes of your own by name, { Residual = Residual };
--- finite: false accepts NaN, and infinities among the parameters; checksum: false accepts a file that another
--- program changed
---@return nn.Module? model nil where the file cannot be read, is damaged or is no model
---@return table|string about version, numerics, seed, script, metrics, data (name, classes, sha256, scale, ...),
--- vocabulary, each where the file has it; or the message
---@return integer? code errno, where the environment refused
function model_file.load(path, options)
  expect.path("load", path)
  options = expect.options("load", options, { "layers", "finite", "checksum" }, { "finite", "checksum" })
  local layers = check_layers(options.layers == nil and {} or options.layers)
  local tensors, metadata, code = safetensors.read(path, { finite = false, checksum = options.checksum })
  if not tensors then return nil, metadata, code end
  if metadata[model_file.CHECKPOINT] then tensors = model_file.weights(tensors) end
  return files.attempt(path .. ": ", build, path, metadata, tensors, layers, options.finite)
end

return model_file

--- `fnet info file...`: what a file of tensors is, from its header: models, checkpoints, other safetensors files,
-- .npy, .npz and IDX. No element is read, nothing in the file is run. Of other files the kind.

local naming = require "fnet.base.naming"
local say = require "fnet.base.say"
local architecture = require "fnet.save.architecture"
local columns = require "fnet.base.columns"
local command = require "fnet.command.model"
local core = require "fnet.core"
local files = require "fnet.files"
local form = require "fnet.files.form"
local idx = require "fnet.files.idx"
local json = require "fnet.files.json"
local keras = require "fnet.save.keras"
local kinds = require "fnet.files.kinds"
local model_file = require "fnet.save"
local npy = require "fnet.files.npy"
local origin = require "fnet.save.origin"
local safetensors = require "fnet.files.safetensors"
local tree = require "fnet.files.tree"

-- The place of a training in a checkpoint's state.
local POSITION = form.object({ table = form.object({ epoch = form.whole(0), step = form.whole(0) },
  { "epoch", "step" }) }, { "table" })

local TABLE_MOST = 400 -- bytes of an argument that is shown: that of an ONNX graph is all of it

-- "Dense(784, 128, {bias = false})" from what architecture.parse gave.
local function value_text(value)
  if value == json.null then return "nil" end
  if type(value) ~= "table" then return tostring(value) end
  if value.layer ~= nil then return value.layer.name or "layer " .. value.layer.again end
  local parts = {}
  for _, inner in ipairs(value.list or {}) do parts[#parts + 1] = value_text(inner) end
  for _, name in ipairs(naming.sorted(value.table or {})) do
    parts[#parts + 1] = ("%s = %s"):format(name, value_text(value.table[name]))
  end
  local text = table.concat(parts, ", ")
  return "{" .. (#text <= TABLE_MOST and text or "...") .. "}"
end

-- The layers, one a line, those inside others indented.
local function architecture_lines(layer, indent, lines)
  if layer.again ~= nil then
    lines[#lines + 1] = ("%slayer %d again"):format(indent, layer.again)
    return
  end
  local texts, inner = {}, {}
  for _, argument in ipairs(layer.arguments) do
    local first = type(argument) == "table" and argument.list and argument.list[1]
    if type(first) == "table" and first.layer ~= nil then inner = argument.list
    else texts[#texts + 1] = value_text(argument) end
  end
  lines[#lines + 1] = ("%s%s(%s)%s"):format(indent, layer.name, table.concat(texts, ", "),
    layer.own and "  -- a layer of the script's own" or "")
  for _, each in ipairs(inner) do
    if type(each) == "table" and each.layer ~= nil then architecture_lines(each.layer, indent .. "  ", lines)
    else lines[#lines + 1] = indent .. "  " .. value_text(each) end
  end
end

local function tensor_lines(entries, lines)
  local count, rows = 0, {}
  for _, entry in ipairs(entries) do
    local elements = entry.shape and 1 or 0
    for _, length in ipairs(entry.shape or {}) do elements = elements * length end
    count = count + elements
    rows[#rows + 1] = { "  " .. entry.name, entry.type or "?", entry.shape and say.shape(entry.shape)
      or entry.problem }
  end
  table.move(columns(rows, { -34, -5, -1 }), 1, #rows, #lines + 1, lines)
  lines[#lines + 1] = ("  %d tensors, %d numbers"):format(#entries, count)
  return lines
end

local function origin_lines(about, lines)
  local function add(name, text) if text then lines[#lines + 1] = ("  %-10s %s"):format(name, text) end end
  local numerics = about.numerics and (", numerics %d"):format(about.numerics) or "" -- tensors alone have none
  add("made with", about.version and ("fnet %s%s"):format(about.version, numerics))
  add("seed", about.seed)
  local data = about.data
  add("data", data and ("%s, samples %s, SHA-256 %s"):format(data.name or "without a name",
    data.shape and say.shape(data.shape) or "of unknown shape", data.sha256 or "unknown"))
  local classes = {}
  for i, name in ipairs(data and data.classes or {}) do classes[i] = tostring(name) end
  add("classes", #classes > 0 and table.concat(classes, ", "))
  add("tokens", about.vocabulary and tostring(about.vocabulary))
  for _, name in ipairs(naming.sorted(about.metrics or {})) do add(name, ("%.6g"):format(about.metrics[name])) end
  add("script", about.script and ("%d bytes of text"):format(#about.script))
end

local function header_lines(path, header)
  local metadata, lines = header.metadata, {}
  local checkpoint, layers = metadata[model_file.CHECKPOINT], metadata["fnet.architecture"]
  lines[1] = ("%s: %s (safetensors)"):format(path, checkpoint and "checkpoint" or layers and "model" or "tensors")
  origin_lines(origin.read(metadata), lines)
  if checkpoint then
    local position = form.decode(checkpoint, "facts about training", POSITION, tree.DEPTH_MOST).table
    lines[#lines + 1] = ("  %-10s epoch %d, step %d"):format("at", position.epoch, position.step)
  end
  if layers then architecture_lines(architecture.parse(layers), "  ", lines) end
  return tensor_lines(header.entries, lines)
end

local function safetensors_lines(path)
  local header, message = safetensors.describe(path)
  if not header then return nil, message end
  return files.attempt(path .. ": ", header_lines, path, header)
end

local function idx_lines(path)
  local array, message = idx.header(path)
  if not array then return nil, message end
  return { ("%s: IDX, %s %s"):format(path, array.dtype, say.shape(array.shape)) }
end

local function npy_lines(path)
  local array, message = npy.describe(path)
  if not array then return nil, message end
  return { ("%s: .npy, %s %s"):format(path, array.type, say.shape(array.shape)) }
end

local function npz_lines(path)
  local arrays, message = npy.describe_archive(path)
  if not arrays then return nil, message end
  return tensor_lines(arrays, { path .. ": .npz" })
end

local function keras_lines(path)
  local datasets, message = keras.describe(path)
  if not datasets then return nil, message end
  return tensor_lines(datasets, { path .. ": weights of Keras, for model:load_foreign" })
end

-- Inputs, outputs, operations and tensors of an ONNX model.
local function onnx_lines(path)
  local onnx = require "fnet.onnx"
  local model, message = onnx.describe(path)
  if not model then return nil, message end
  local graph, counts, entries = model.graph, {}, {}
  local lines = { ("%s: ONNX model, opset %d, made with %s"):format(path, graph.opset, graph.made_with) }
  for _, values in ipairs { { "takes", graph.inputs }, { "gives", graph.outputs } } do
    for _, value in ipairs(values[2]) do
      lines[#lines + 1] = ("  %s %s, %s %s"):format(values[1], value.name, value.dtype,
        value.shape and say.shape(value.shape) or "of any shape")
    end
  end
  for i, operation in ipairs(model.operations) do
    counts[i] = ("%s%s"):format(operation.name, operation.count > 1 and " x " .. operation.count or "")
  end
  lines[#lines + 1] = "  operations " .. table.concat(counts, ", ")
  if #model.missing > 0 then lines[#lines + 1] = "  of which fnet has no " .. table.concat(model.missing, ", ") end
  for i, tensor in ipairs(graph.tensors) do
    entries[i] = { name = tensor.name, type = tensor.dtype, shape = tensor.shape }
  end
  return tensor_lines(entries, lines)
end

-- Of what else is compressed by gzip only the kind is said.
local function gzip_lines(path)
  local kind, message = files.open(path, function(input)
    files.sound(input:part("any", 0))
    return kinds.of(files.sound(input:bytes(kinds.LEAD))) or { key = "idx" } -- whose reader says what is wrong
  end)
  if not kind then return nil, message end
  if kind.key == "idx" then return idx_lines(path) end
  return { ("%s: in gzip, %s"):format(path, kind.what) }
end

local own = { safetensors = safetensors_lines, npy = npy_lines, npz = npz_lines, keras = keras_lines,
  onnx = onnx_lines, idx = idx_lines, gzip = gzip_lines }

local SHOWN_MOST = 5

-- Why a directory is none of the files that this command takes, with those in it that are.
local function refuse_directory(path)
  local names, message = core.list_directory(path)
  if not names then return nil, message end
  table.sort(names)
  local found = {}
  for _, name in ipairs(names) do
    local inner = path:gsub("/$", "") .. "/" .. name
    local lead = kinds.lead(inner)
    local kind = lead and kinds.of(lead)
    if kind and own[kind.key] then found[#found + 1] = inner end
    if #found == SHOWN_MOST then break end
  end
  return nil, ("%s: is a directory, expected a file; %s"):format(path, #found == 0
    and "it has none that fnet describes" or "in it: fnet info " .. table.concat(found, " "))
end

local function describe(path)
  if core.is_directory(path) then return refuse_directory(path) end
  local lead, message = kinds.lead(path)
  if not lead then return nil, message end
  local kind = kinds.of(lead)
  if kind and own[kind.key] then return own[kind.key](path) end
  if kind and kind.reader then return { ("%s: %s; %s reads it"):format(path, kind.what, kind.reader) } end
  return safetensors_lines(path)
end

--- Prints what each file is.
---@param arguments string[] the paths, from 1
---@return boolean succeeded false where one of them cannot be read
return function(arguments)
  if #arguments == 0 then
    io.stderr:write("usage: fnet info file...\n")
    return false
  end
  local fine = true
  for _, path in ipairs(arguments) do
    local lines, message = describe(path)
    for _, line in ipairs(lines or {}) do print(core.visible(line)) end
    if not lines then fine = command.fail("info", "%s", message) end
  end
  return fine
end

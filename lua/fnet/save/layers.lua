--- A model as a list of simple steps, for the exporters: containers are opened, a layer's activation becomes a step
-- of its own, what does nothing when a model is used is left out, and each step knows the shapes of a sample.

local activations = require "fnet.nn.activations"
local expect = require "fnet.base.expect"
local naming = require "fnet.base.naming"
local say = require "fnet.base.say"
local core = require "fnet.core"

-- The layer that a layer's option `activation` stands for; nil where it has none.
local function activation_of(what, layer, place)
  if layer.class_name ~= "Dense" and layer.class_name ~= "Conv2D" or not layer.apply then return nil end
  local config = table.pack(layer:config())
  local activation = activations.resolve(what, config[config.n].activation)
  if activation.module then return activation.module end
  if activation.class then return activation.class() end
  core.raise("%s: %s: its activation cannot be exported", what, place)
end

local function add(what, list, layer, place)
  local kind = layer.class_name
  if kind == "Sequential" then
    for i = 1, #layer do
      add(what, list, layer[i], ("%slayer %d, "):format(place, i))
    end
    return
  end
  if kind == "Dropout" then return end
  local text = place .. layer:describe():gsub("\n.*", " ... }")
  list[#list + 1] = { kind = kind, layer = layer, text = text }
  local activation = activation_of(what, layer, text)
  if activation then add(what, list, activation, text .. ", its activation ") end
end

-- What the layers say of the shape of a sample; nil where pictures of any size would do.
local function input_shape(list)
  for _, step in ipairs(list) do
    local layer, kind = step.layer, step.kind
    if kind == "Reshape" then return { layer.count_of_sample } end
    if kind == "Flatten" then return layer.features and { layer.features } end
    if kind:find "2D$" or kind == "GlobalAvgPool" then return nil end
    if layer.inputs then return { layer.inputs } end
  end
end

local function shape_option(what, lengths)
  if lengths == nil then return nil end
  expect.that(type(lengths) == "table" and #lengths > 0, what .. ": input",
    "the lengths of a sample, such as { 28, 28, 1 }", lengths)
  local shape = {}
  for i, length in ipairs(lengths) do shape[i] = expect.count(what .. ": input " .. i, length, 1, 1 << 31) end
  return shape
end

local function check_state(what, step)
  for _, entry in ipairs(step.layer:state()) do
    if entry.tensor.dtype ~= "float32" then
      core.raise("%s: %s has weights of %s, expected float32", what, step.text, entry.tensor.dtype)
    end
  end
end

local layers = {}

--- The kinds of layers that an exporter can do.
---@param known table<string, any> what the exporter's module returns: by kind
---@return string list "Sequential, Dropout, AvgPool2D, ..."
function layers.names(known) return "Sequential, Dropout, " .. table.concat(naming.sorted(known), ", ") end

--- The steps of a model, in order.
---@param what string the exporter, for messages
---@param model nn.Module
---@param known table<string, any> by the kinds that the exporter can do. Raises for another one, by its name
---@param input? integer[] the shape of a sample; what the model's layers say of it
---@return { kind: string, text: string, layer: nn.Module, input: integer[], output: integer[] }[] steps with the
--- shapes of a sample. Raises where they do not fit
function layers.steps(what, model, known, input)
  local list = {}
  add(what, list, model, "")
  for _, step in ipairs(list) do
    if not known[step.kind] then
      core.raise("%s: %s cannot be exported; what can: %s", what, step.text, layers.names(known))
    end
    check_state(what, step)
  end
  local shape = shape_option(what, input) or input_shape(list)
  if not shape or #list == 0 then
    core.raise("%s: the layers do not say what shape a sample has; do, as input = { height, width, channels }",
      what)
  end
  for _, step in ipairs(list) do
    local inputs = step.layer.inputs
    if inputs and shape[#shape] ~= inputs then
      core.raise("%s: %s expects %d inputs, got a sample of %s", what, step.text, inputs, say.shape(shape))
    end
    step.input, step.output = shape, step.layer:output_shape(shape)
    shape = step.output
  end
  return list
end

return layers

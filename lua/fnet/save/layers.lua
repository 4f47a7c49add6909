--- A model as a list of simple steps, for the exporters: containers are opened, a layer's activation becomes a step
-- of its own, what does nothing when a model is used is left out, and each step knows the shapes of a sample.
-- Values are numbered: 1 is the sample, each step makes a new one of those that it names. Branches so become steps
-- that take the same value, and the containers that join them steps that take several.

local activations = require "fnet.nn.activations"
local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local naming = require "fnet.base.naming"
local nn = require "fnet.nn"
local say = require "fnet.base.say"
local core = require "fnet.core"
local title = require("fnet.nn.module").title

---@class save.Step
---@field kind string the layer's class; a Residual's step adds its two values, a Concat's joins its values
---@field text string the layer's name, for messages
---@field layer nn.Module
---@field values integer[] what it takes
---@field value integer what it makes
---@field input integer[] the shape of what the layer takes, of a sample; `inputs` has those of all its values
---@field output integer[] the shape of its result

---@class save.Program
---@field steps save.Step[] # in order
---@field shapes integer[][] of a sample, by value
---@field results integer[] the values that the model gives: one, or those of a Parallel
---@field takes_indices boolean? the sample consists of the indices of an Embedding
---@field inputs? table[] of a model that was traced, see tracing.lua: values 1, 2, ... with name and dtype
---@field names? string[] of a model that was traced: of its results
---@field kinds? string[] of a model that was traced: the types of its results

-- Kinds that become no step of their own.
local OPENED = { "Sequential", "Dropout", "Parallel" }

-- Kinds whose steps leave numbers as they are.
local VIEWS = { Flatten = true, Reshape = true }

-- Kinds that take sequences { time, inputs }.
local SEQUENTIAL = { RNN = true, LSTM = true, GRU = true, Conv1D = true, MultiHeadAttention = true,
  PositionalEncoding = true }

-- Beside those and windows, kinds that say nothing of the shape of a sample.
local OF_ANY_SIZE = { GlobalAvgPool = true, Embedding = true, GroupNorm = true, Upsample = true }

-- Kinds with an option `activation`.
local ACTIVATED = { Dense = true, Conv1D = true, Conv2D = true, ConvTranspose2D = true }

local classes -- of fnet.nn by name, those too that no script has named; once they are asked for

-- Only fnet's own layers do what the name of their class says; one with a forward of its own does not.
local function is_own(layer)
  if not classes then
    classes = {}
    for name, class in pairs(nn) do classes[name] = class end
  end
  local kind = layer.class_name
  return (classes[kind] or rawget(nn, kind)) == getmetatable(layer) and rawget(layer, "forward") == nil
end

-- The layer that a layer's option `activation` stands for; nil where it has none.
local function activation_of(what, layer, place)
  if not ACTIVATED[layer.class_name] or not layer.apply then return nil end
  local config = table.pack(layer:config())
  local activation = activations.resolve(what, config[config.n].activation)
  if activation.module then return activation.module end
  if activation.class then return activation.class() end
  core.raise("%s: %s: its activation cannot be exported", what, place)
end

-- ---- opening containers ----

-- The names of what an exporter can do.
local function names_of(known)
  return table.concat(OPENED, ", ") .. (known.MultiHeadAttention and ", TransformerLayer, " or ", ")
    .. table.concat(naming.sorted(known), ", ")
end

local function add_step(builder, layer, kind, text, values)
  local what, steps = builder.what, builder.steps
  if not is_own(layer) or not builder.known[kind] then
    core.raise("%s: %s%s cannot be exported; what can: %s", what, text,
      is_own(layer) and "" or ", which is of the script's own,", names_of(builder.known))
  end
  for _, parameter in ipairs(layer:parameters()) do
    if parameter.dtype ~= "float32" then
      core.raise("%s: %s has weights of %s, expected float32", what, text, parameter.dtype)
    end
  end
  local step = { kind = kind, layer = layer, text = text, values = values, value = #steps + builder.inputs + 1 }
  steps[#steps + 1] = step
  return { step.value }
end

local open -- function(builder, layer, values) -> values: the steps of a layer that takes the values

-- The single value that a layer needs where a Parallel in front of it gives several.
local function single(builder, text, values)
  if #values == 1 then return values[1] end
  core.raise("%s: %s takes a list of tensors, which cannot be exported; nn.Concat joins the results of its "
    .. "branches", builder.what, text)
end

local openers = {}

function openers.Dropout(_, _, values) return values end

function openers.Sequential(builder, layer, values)
  for i = 1, #layer do values = open(builder, layer[i], values) end
  return values
end

function openers.Parallel(builder, layer, values)
  local results = {}
  for i = 1, #layer do
    for _, value in ipairs(open(builder, layer[i], values)) do results[#results + 1] = value end
  end
  return results
end

function openers.Residual(builder, layer, values)
  local value = single(builder, layer:name(), openers.Sequential(builder, layer, values))
  return add_step(builder, layer, "Residual", layer:name(), { values[1], value })
end

function openers.TransformerLayer(builder, layer, values)
  local is_first = layer.norm == "first"
  local function add(x, y)
    return add_step(builder, layer, "Residual", layer:name(), { x[1], y[1] })
  end
  local x = add(values, open(builder, layer.attention, is_first and open(builder, layer.norm_1, values) or values))
  if not is_first then x = open(builder, layer.norm_1, x) end
  local hidden = open(builder, layer.dense_1, is_first and open(builder, layer.norm_2, x) or x)
  x = add(x, open(builder, layer.dense_2, hidden))
  return is_first and x or open(builder, layer.norm_2, x)
end

function openers.Concat(builder, layer, values)
  return add_step(builder, layer, "Concat", layer:name(), openers.Parallel(builder, layer, values))
end

function open(builder, layer, values)
  local text, opener = layer:name(), is_own(layer) and openers[layer.class_name]
  local value = single(builder, text, values)
  if opener then return opener(builder, layer, { value }) end
  values = add_step(builder, layer, layer.class_name, text, { value })
  local activation = activation_of(builder.what, layer, text)
  if not activation then return values end
  text = text .. ", its activation " .. title(activation)
  return add_step(builder, activation, activation.class_name, text, values)
end

-- ---- shapes ----

-- What the layers say of the shape of a sample; nil where they say nothing.
local function input_shape(steps)
  local features -- of a normalisation, before which anything may stand
  for _, step in ipairs(steps) do
    local layer, kind = step.layer, step.kind
    if kind == "Reshape" then return { layer.count_of_sample } end
    if kind == "Flatten" then return layer.features and { layer.features } end
    if kind:find "2D$" or OF_ANY_SIZE[kind] or SEQUENTIAL[kind] then return nil end
    features = features or layer.inputs
    if layer.inputs and not kind:find "Norm$" then break end
  end
  return features and { features }
end

local function shape_option(what, lengths)
  if lengths == nil then return nil end
  expect.that(type(lengths) == "table" and #lengths > 0, what .. ": input",
    "the lengths of a sample, such as { 28, 28, 1 }", lengths)
  local shape = {}
  for i = 1, core.length(lengths) do shape[i] = expect.count(what .. ": input " .. i, lengths[i], 1, 1 << 31) end
  return shape
end

-- The shape of what a Residual or a Concat makes of its values.
local joined = {}

function joined.Residual(what, step, shapes)
  local input, inner = shapes[step.values[1]], shapes[step.values[2]]
  if not is.same_shape(input, inner) then
    core.raise("%s: %s: its input %s cannot be added to what its layers give, %s", what, step.text,
      say.shape(input), say.shape(inner))
  end
  return input
end

function joined.Concat(what, step, shapes)
  local shape = { table.unpack(shapes[step.values[1]]) }
  for i = 2, #step.values do
    local other = shapes[step.values[i]]
    if not is.same_shape(shape, other, 1) then
      core.raise("%s: %s: branches give %s and %s; all axes but the last must be equal", what, step.text,
        say.shape(shape), say.shape(other))
    end
    shape[#shape] = shape[#shape] + other[#other]
  end
  return shape
end

-- Adds to the shapes of the inputs those of the values that the steps make; a traced one knows its own.
local function follow_shapes(what, steps, shapes)
  for _, step in ipairs(steps) do
    local input, inputs = shapes[step.values[1]], step.layer and step.layer.inputs
    step.inputs = {}
    for i, value in ipairs(step.values) do step.inputs[i] = shapes[value] end
    if joined[step.kind] then
      step.output = joined[step.kind](what, step, shapes)
    elseif step.layer then
      if inputs and input[#input] ~= inputs then
        core.raise("%s: %s expects %d inputs, got a sample of %s", what, step.text, inputs, say.shape(input))
      end
      step.output = step.output or step.layer:output_shape(input)
    end
    step.input, shapes[step.value] = input, step.output
  end
  return shapes
end

-- Whether the sample consists of indices: an Embedding takes it, perhaps in another shape.
local function takes_indices(what, steps)
  local found, indices = false, { true } -- by value
  for _, step in ipairs(steps) do
    local value = step.values[1]
    if step.kind == "Embedding" and not indices[value] then
      core.raise("%s: %s takes indices, and what stands before it gives other numbers", what, step.text)
    end
    found, indices[step.value] = found or step.kind == "Embedding", indices[value] and VIEWS[step.kind]
  end
  for _, step in ipairs(found and steps or {}) do
    if indices[step.values[1]] and step.kind ~= "Embedding" and not VIEWS[step.kind] then
      core.raise("%s: %s cannot take indices, as an Embedding beside it does", what, step.text)
    end
  end
  return found
end

local layers = {}

--- The steps of a model.
---@param what string the exporter, for messages
---@param model nn.Module
---@param known table<string, any> by the kinds that the exporter can do. Raises for another one, by its name
---@param input? integer[] the shape of a sample; what the model's layers say of it
---@return save.Program program raises where shapes do not fit
function layers.program(what, model, known, input)
  local builder = { what = what, known = known, steps = {}, inputs = 1 }
  local results = open(builder, model, { 1 })
  local steps = builder.steps
  local shape = shape_option(what, input) or input_shape(steps)
  if not shape or #steps == 0 then
    local kind, layer = steps[1] and steps[1].kind, steps[1] and steps[1].layer
    local form = kind == "Embedding" and "length"
      or (SEQUENTIAL[kind] and "time, " or "height, width, ")
      .. (layer and layer.inputs or SEQUENTIAL[kind] and "inputs" or "channels")
    core.raise("%s: the layers do not say what shape a sample has; do, as input = { %s }", what, form)
  end
  local indices = takes_indices(what, steps)
  return { steps = steps, shapes = follow_shapes(what, steps, { shape }), results = results,
    takes_indices = indices }
end

-- For tracing.lua, which finds the steps of other models.
layers.open, layers.add_step, layers.follow_shapes, layers.is_own = open, add_step, follow_shapes, is_own

--- Whether the layer's class is taken apart into the layers inside.
---@param kind string
---@return boolean
function layers.is_opened(kind) return openers[kind] ~= nil end

return layers

--- A model as one C99 file: its weights and a function `predict`, without allocation, with no library but C's.
-- Invariant: with float32 weights the function gives the bits that fnet gives; the functions that see to it are in
-- c_parts.lua. What lies where in memory is planned in c_memory.lua.

local closing = require "fnet.base.closing"
local decimal = require "fnet.base.decimal"
local expect = require "fnet.base.expect"
local say = require "fnet.base.say"
local core = require "fnet.core"
local processes = require "fnet.base.processes"
local memory = require "fnet.save.c_memory"
local parts = require "fnet.save.c_parts"
local evaluate = require("fnet.measure.evaluate").evaluate_classifier
local layers = require "fnet.save.layers"
local snapshot = require "fnet.nn.snapshot"
local Module = require("fnet.nn.module").Module

local HEAD = [[
/* A neural network, written by fnet %s:
%s
   void predict(const float *input, float *output);
     input:  %d numbers, %s
     output: %d numbers%s
   void predict_using(const float *input, float *output, float *memory);
     the same with memory of the caller's, PREDICT_MEMORY numbers
   predict has its %d bytes of memory %s. To be compiled as C99 or later, without -ffast-math. */
#include <math.h>

#define PREDICT_INPUTS %d
#define PREDICT_OUTPUTS %d
#define PREDICT_MEMORY %d

void predict(const float *input, float *output);
void predict_using(const float *input, float *output, float *memory);
]]

local FOOT = [[

void predict_using(const float *input, float *output, float *memory) {
%s}

void predict(const float *input, float *output) {
    %sfloat memory[PREDICT_MEMORY];
    predict_using(input, output, memory);
}
]]

local STACK_MOST = 16384 -- bytes that predict may have on the stack, which is 8 MiB here and a few KiB there

-- Those that 8 bits can hold.
local has_weights = { Dense = true, Conv1D = true, Conv2D = true, ConvTranspose2D = true }

-- ---- weights ----

-- Numbers as C has them, eight in each line.
local function lines_of(values, show)
  local texts = {}
  for i, value in ipairs(values) do
    texts[i] = (i % 8 ~= 1 and ", " or i == 1 and "    " or ",\n    ") .. show(value)
  end
  return table.concat(texts)
end

local function float_text(value)
  if value - value ~= 0 then core.raise "export_c: a weight is not finite" end
  return decimal.text("%a", value) .. "f"
end

-- A number of Lua's as the float that fnet's kernels make of it.
local function single_text(value) return float_text(core.tensor { value }:item()) end

local function whole_text(value) return ("%d"):format(value) end

-- 8-bit weights [..., units]: for each unit the scale is its largest weight / 127; the weight is the nearest
-- multiple. The whole numbers and the scales come as [inputs, units] and [1, units].
local function quantise(weight)
  local units = weight.shape[weight.rank]
  weight = weight:reshape { weight:count() // units, units }
  local scale = weight:abs():max(1, true) / 127
  scale = scale + scale:eq(0) -- a unit without weights: any scale
  local ratio = weight / scale
  local whole = (ratio:abs() + 0.5):int():float() * ratio:sign()
  return whole:clamp(-127, 127), scale
end

-- Gives the model the weights that 8 bits stand for.
local function use_quantised(steps)
  local replaced = {}
  for _, step in ipairs(steps) do
    local weight = has_weights[step.kind] and step.layer.weight
    if weight then
      local whole, scale = quantise(weight:detach())
      replaced[weight] = (whole * scale):reshape(weight.shape)
    end
  end
  for weight, value in pairs(replaced) do weight:copy(value) end
end

-- ---- the file ----

-- Adds an array to the file, a list of the texts of its arrays; gives its name.
local function add_array(file, name, tensor, whole)
  name = name .. #file + 1
  file[#file + 1] = ("\nstatic const %s %s[%d] = { /* %s */\n%s};\n"):format(
    whole and "signed char" or "float", name, tensor:count(), say.shape(tensor.shape),
    lines_of(tensor:reshape { tensor:count() }:totable(), whole and whole_text or float_text))
  return name
end

-- Adds a layer's weights and bias; gives the arguments of its function that name them.
local function add_weights(file, layer)
  local weight, names = layer.weight:detach(), {}
  if file.int8 then
    local whole, scale = quantise(weight)
    names[1], names[2] = add_array(file, "weight", whole, true), add_array(file, "scale", scale)
  else
    names[1] = add_array(file, "weight", weight)
  end
  names[#names + 1] = layer.bias and add_array(file, "bias", layer.bias:detach()) or "0"
  return table.concat(names, ", ")
end

local function product(lengths)
  local count = 1
  for _, length in ipairs(lengths) do count = count * length end
  return count
end

-- Both axes of a sliding window: sizes of the picture, zeros in front, places.
local function window_text(window, input, above, left, output)
  return ("(struct window){%d, %d, %d, %d, %d},\n        (struct window){%d, %d, %d, %d, %d}"):format(
    input[1], window.kernel[1], window.stride[1], above, output[1],
    input[2], window.kernel[2], window.stride[2], left, output[2])
end

local function window_of(step)
  local window, input = step.layer.window, step.input
  local above, _, left = window:margins_of(input[1], input[2])
  return window_text(window, input, above, left, step.output)
end

-- What can be exported: function(file, step, input, output, inputs) -> statements. input and output are where the
-- numbers lie, inputs those of a step that takes several.
local calls = {}

-- Kinds whose result is their input, and those that change numbers where they are.
local manners = { Flatten = "view", Reshape = "view", Softmax = "change", LogSoftmax = "change",
  BatchNorm = "change", LayerNorm = "change", RMSNorm = "change", GroupNorm = "change", Residual = "change",
  PReLU = "change", PositionalEncoding = "change" }

function calls.Flatten() return "" end
calls.Reshape = calls.Flatten

-- A statement: the call of a function with these arguments, whole numbers and texts.
local function call(name, ...) return ("    %s(%s);\n"):format(name, table.concat({ ... }, ", ")) end

for kind, name in pairs { ReLU = "relu", LeakyReLU = "leaky_relu", ELU = "elu", SELU = "selu", Sigmoid = "sigmoid",
  SiLU = "silu", Tanh = "hyperbolic_tangent", Softplus = "softplus", GELU = "gelu" } do
  manners[kind] = "change"
  calls[kind] = function(_, step, _, output)
    local count, value = product(step.output), step.layer.value
    if not value then return call(name, count, output) end
    return call(name, count, single_text(value), output)
  end
end

-- Rows of features, the last axis.
local function rows_of(shape) return product(shape) // shape[#shape], shape[#shape] end

for kind, name in pairs { Softmax = "softmax", LogSoftmax = "log_softmax" } do
  calls[kind] = function(_, step, _, output)
    local rows, features = rows_of(step.output)
    return call(name, rows, features, output)
  end
end

function calls.BatchNorm(file, step, _, output)
  local rows, features = rows_of(step.output)
  local factor, shift = step.layer:evaluation_line()
  return call("batch_norm", rows, features, add_array(file, "factor", factor), add_array(file, "shift", shift),
    output)
end

function calls.LayerNorm(file, step, _, output)
  local rows, features = rows_of(step.output)
  local layer = step.layer
  return call("layer_norm", rows, features, add_array(file, "weight", layer.weight:detach()),
    layer.bias and add_array(file, "bias", layer.bias:detach()) or "0", ("%a"):format(layer.epsilon), output)
end
calls.RMSNorm = calls.LayerNorm

function calls.GroupNorm(file, step, _, output)
  local places, features = rows_of(step.output)
  local layer = step.layer
  return call("group_norm", places, features, layer.groups, add_array(file, "weight", layer.weight:detach()),
    add_array(file, "bias", layer.bias:detach()), ("%a"):format(layer.epsilon), output)
end

function calls.Residual(_, step, input, output) return call("add", product(step.output), input, output) end

function calls.Concat(_, step, _, output, inputs, shapes)
  local texts, rows, width = {}, rows_of(step.output)
  local before = 0
  for i, input in ipairs(inputs) do
    local own = shapes[i][#shapes[i]]
    texts[i] = call("join", rows, own, width, input, before == 0 and output or ("%s + %d"):format(output, before))
    before = before + own
  end
  return table.concat(texts)
end

function calls.Embedding(file, step, input, output)
  local layer = step.layer
  return call("embedding", product(step.input), layer.symbols, layer.units,
    add_array(file, "weight", layer.weight:detach()), input, output)
end

local CHAIN_MOST = 4096

-- The function for chains of so many products, which fnet cuts where they are long (src/core/chain.h).
local function for_chains(name, length) return length > CHAIN_MOST and name .. "_long" or name end

function calls.Dense(file, step, input, output)
  local rows, features = rows_of(step.input)
  return call(for_chains("dense", features), rows, features, step.layer.units, add_weights(file, step.layer), input,
    output)
end

-- A convolution, in which each unit has so many weights.
local function convolution(file, layer, window, input, output)
  return call(for_chains("conv2d", layer.weight:count() // layer.units), window, layer.inputs, layer.units,
    layer.groups, add_weights(file, layer), input, output)
end

function calls.Conv2D(file, step, input, output)
  return convolution(file, step.layer, window_of(step), input, output)
end

-- A sequence is a picture that is one row high.
function calls.Conv1D(file, step, input, output)
  local layer, time = step.layer, step.input[1]
  local window = window_text(layer.window, { 1, time }, 0, layer:ends_of(time), { 1, step.output[1] })
  return convolution(file, layer, window, input, output)
end

function calls.ConvTranspose2D(file, step, input, output)
  local layer = step.layer
  local above, _, left = layer.window:margins_of(step.output[1], step.output[2])
  local kernel = layer.window.kernel
  if kernel[1] * kernel[2] * layer.inputs > CHAIN_MOST then
    core.raise("export_c: %s has sums of more than %d products, which cannot be exported", step.text, CHAIN_MOST)
  end
  return call("conv2d_transposed", window_text(layer.window, step.input, above, left, step.output), layer.inputs,
    layer.units, layer.groups, add_weights(file, layer), input, output)
end

function calls.Upsample(_, step, input, output)
  local layer, picture = step.layer, step.input
  return call("upsample", picture[1], picture[2], picture[3], layer.scale[1], layer.scale[2],
    layer.mode == "bilinear" and 1 or 0, input, output)
end

function calls.PReLU(file, step, _, output)
  local slopes = step.layer.weight:detach()
  return call("learnt_slopes", product(step.output), slopes:count(), add_array(file, "slope", slopes), output)
end

function calls.PositionalEncoding(file, step, _, output)
  local places = step.layer.weight:detach():slice(1, 1, step.input[#step.input - 1]):contiguous()
  return step.input[3] and core.raise("export_c: %s takes sequences, { time, %d }", step.text, step.layer.inputs)
    or call("add", places:count(), add_array(file, "place", places), output)
end

function calls.MaxPool2D(_, step, input, output)
  return call("max_pool", window_of(step), step.input[3], input, output)
end

function calls.AvgPool2D(_, step, input, output)
  local kernel = step.layer.window.kernel
  return call("average_pool", window_of(step), step.input[3],
    step.layer.count_include_pad and kernel[1] * kernel[2] or 0, input, output)
end

function calls.GlobalAvgPool(_, step, input, output)
  local height, width, channels = table.unpack(step.input)
  return call("global_average", height * width, channels, input, output)
end

-- The functions that the calls need: those that they name, and those that these name, which stand further up.
local function functions_for(text, int8)
  local parameters = int8 and "const signed char *weights, const float *scale" or "const float *weights"
  local element = int8 and "(float)weights%1 * scale[j]" or "weights%1"
  local used = ""
  for i = #parts, 1, -1 do
    local part = parts[i]
    if (used .. text):find("%f[%w_]" .. part.name .. "%f[^%w_]") then
      used = "\n" .. part.text:gsub("WEIGHTS", parameters):gsub("WEIGHT(%b[])", element) .. used
    end
  end
  return used
end

-- The statements of a program, in order; and how much memory they need.
local function body_of(file, program)
  local rooms, size, copied = memory.plan(program, manners)
  local body = {}
  local function place_of(value)
    local offset = rooms[value].offset
    return not offset and "input" or offset == 0 and "memory" or ("memory + %d"):format(offset)
  end
  for i, step in ipairs(program.steps) do
    local inputs, shapes = {}, {}
    for k, value in ipairs(step.values) do inputs[k], shapes[k] = place_of(value), program.shapes[value] end
    local output = place_of(step.value)
    if copied[i] then body[#body + 1] = call("copy", product(step.output), inputs[#inputs], output) end
    body[#body + 1] = calls[step.kind](file, step, inputs[1], output, inputs, shapes)
  end
  local written = 0
  for _, value in ipairs(program.results) do
    local count = product(program.shapes[value])
    body[#body + 1] = call("copy", count, place_of(value), written == 0 and "output" or "output + " .. written)
    written = written + count
  end
  if size == 0 then table.insert(body, 1, "    (void)memory;\n") end
  return table.concat(body), math.max(size, 1), written
end

local function source_of(model, program, int8)
  local file = { int8 = int8 }
  local text, size, outputs = body_of(file, program)
  local inputs, lengths, is_static = product(program.shapes[1]), {}, 4 * size > STACK_MOST
  for i, value in ipairs(program.results) do lengths[i] = product(program.shapes[value]) end
  local meaning = program.takes_indices and "indices that count from 1" or "as the network saw them in training"
  local order = #lengths > 1 and ", one result after the other: " .. table.concat(lengths, ", ") or ""
  local kept = is_static and "for good, so only one thread at a time may call it" or "on the stack"
  local description = "     " .. model:describe():gsub("%*/", "* /"):gsub("\n", "\n     ")
  local head = HEAD:format(core.version, description, inputs, meaning, outputs, order, 4 * size, kept, inputs,
    outputs, size)
  return head .. functions_for(text, int8) .. table.concat(file) .. FOOT:format(text, is_static and "static " or "")
end

-- The accuracy with weights of 8 bits; the model then has its own again.
local function accuracy_of_int8(model, steps, data)
  local own = snapshot(model)
  own:take()
  local _ <close> = closing(function() own:restore() end)
  core.no_grad(use_quantised, steps)
  return evaluate(model, data).accuracy
end

--- Writes the model as one C99 file with a function `predict`, which needs nothing but the C library. With float32
-- weights it gives the bits that fnet gives in evaluation mode, whatever the compiler fuses, but not with
-- -ffast-math. Up to 16 KiB of memory lie on the stack; beyond, predict has static memory, and one thread at a time
-- may call it; predict_using takes the caller's. The results of an nn.Parallel follow each other in the output. A
-- layer that cannot be exported raises an error, which names it and those that can.
---@param path string
---@param options? table weights: "float32", or "int8" for weights of 8 bits with one scale a unit; data:
--- data.Dataset, on which the accuracy of both is measured; input: integer[], the shape of a sample, { height,
--- width, channels }; the layers say it unless the first one is a convolution, a pooling or an embedding
---@return table? report weights; accuracy: of the exported model, and accuracy_float32, where there is data; nil
--- where the environment refused
---@return string? message
---@return integer? code errno
function Module:export_c(path, options)
  expect.method("export_c", self)
  expect.path("export_c", path)
  options = expect.options("export_c", options, { "weights", "data", "input" })
  local weights = expect.choice("export_c: weights", options.weights == nil and "float32" or options.weights,
    { "float32", "int8" })
  local program = layers.program("export_c", self, calls, options.input)
  local int8 = weights == "int8"
  local text = core.no_grad(source_of, self, program, int8)
  local report = { weights = weights }
  if options.data ~= nil then
    report.accuracy_float32 = evaluate(self, options.data).accuracy
    report.accuracy = int8 and accuracy_of_int8(self, program.steps, options.data) or report.accuracy_float32
  end
  local done, message, code = processes.write_file(path, { text })
  if not done then return nil, message, code end
  return report
end

return calls

--- A model as one C99 file: its weights and a function `predict`, without allocation, with no library but C's.
-- Invariant: with float32 weights the function gives the bits that fnet gives; the functions that see to it are in
-- c_parts.lua.

local closing = require "fnet.base.closing"
local expect = require "fnet.base.expect"
local say = require "fnet.base.say"
local core = require "fnet.core"
local parts = require "fnet.save.c_parts"
local evaluate = require("fnet.measure.evaluate").evaluate_classifier
local layers = require "fnet.save.layers"
local snapshot = require "fnet.nn.snapshot"
local Module = require("fnet.nn.module").Module

local HEAD = [[
/* A neural network, written by fnet %s:
%s
   void predict(const float *input, float *output);
     input:  %d numbers, as the network saw them in training
     output: %d numbers
   It keeps %d bytes on the stack. To be compiled as C99 or later without contraction of a * b + c
   (cc -std=c99 -ffp-contract=off). */
#include <math.h>

#define PREDICT_INPUTS %d
#define PREDICT_OUTPUTS %d

void predict(const float *input, float *output);
]]

local FOOT = [[

void predict(const float *input, float *output) {
    float one[%d], *from = one;
%s    for (int i = 0; i < PREDICT_INPUTS; i++) from[i] = input[i];
%s    for (int i = 0; i < PREDICT_OUTPUTS; i++) output[i] = from[i];
}
]]

local has_weights = { Dense = true, Conv2D = true } -- those that 8 bits can hold

-- ---- weights ----

-- Numbers as C has them, eight in each line.
local function rows(values, show)
  local texts = {}
  for i, value in ipairs(values) do
    texts[i] = (i % 8 ~= 1 and ", " or i == 1 and "    " or ",\n    ") .. show(value)
  end
  return table.concat(texts)
end

local function float_text(value)
  if value - value ~= 0 then core.raise "export_c: a weight is not finite" end
  return ("%a"):format(value) .. "f"
end

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
    rows(tensor:reshape { tensor:count() }:totable(), whole and whole_text or float_text))
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

-- Both axes of a sliding window.
local function window_text(step)
  local window, input, output = step.layer.window, step.input, step.output
  local above, _, left = window:margins_of(input[1], input[2])
  return ("(struct window){%d, %d, %d, %d, %d},\n        (struct window){%d, %d, %d, %d, %d}"):format(
    input[1], window.kernel[1], window.stride[1], above, output[1],
    input[2], window.kernel[2], window.stride[2], left, output[2])
end

-- What can be exported: function(file, step, count, features) -> call, and true where the call reads one buffer and
-- writes the other; without that it changes the numbers where they are.
local calls = {}

-- The numbers stay as they lie.
function calls.Flatten() end
calls.Reshape = calls.Flatten

for kind, name in pairs { ReLU = "relu", LeakyReLU = "leaky_relu", ELU = "elu", SELU = "selu", Sigmoid = "sigmoid",
  SiLU = "silu", Tanh = "hyperbolic_tangent", Softplus = "softplus", GELU = "gelu" } do
  calls[kind] = function(_, step, count)
    local value = step.layer.value
    local number = value and float_text(core.tensor { value }:item()) .. ", " or ""
    return ("%s(%d, %sfrom)"):format(name, count, number)
  end
end

function calls.Softmax(_, _, count, features)
  return ("softmax(%d, %d, from)"):format(count // features, features)
end

function calls.BatchNorm(file, step, count, features)
  local factor, shift = step.layer:evaluation_line()
  return ("batch_norm(%d, %d, %s, %s, from)"):format(count // features, features,
    add_array(file, "factor", factor), add_array(file, "shift", shift))
end

function calls.Dense(file, step, count, features)
  return ("dense(%d, %d, %d, %s, from, to)"):format(count // features, features, step.layer.units,
    add_weights(file, step.layer)), true
end

function calls.Conv2D(file, step)
  local layer = step.layer
  return ("conv2d(%s, %d, %d, %d, %s, from, to)"):format(window_text(step), layer.inputs, layer.units, layer.groups,
    add_weights(file, layer)), true
end

for kind, name in pairs { MaxPool2D = "max_pool", AvgPool2D = "average_pool" } do
  calls[kind] = function(_, step)
    return ("%s(%s, %d, from, to)"):format(name, window_text(step), step.input[3]), true
  end
end

function calls.GlobalAvgPool(_, step)
  local height, width, channels = table.unpack(step.input)
  return ("global_average(%d, %d, from, to)"):format(height * width, channels), true
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

local function source_of(model, steps, int8)
  local inputs, outputs = product(steps[1].input), product(steps[#steps].output)
  local file, body = { int8 = int8 }, {}
  local widest, two_buffers = inputs, false
  for _, step in ipairs(steps) do
    local call, across = calls[step.kind](file, step, product(step.input), step.input[#step.input])
    widest, two_buffers = math.max(widest, product(step.output)), two_buffers or across
    if call then body[#body + 1] = ("    %s;\n"):format(call) end
    if across then body[#body + 1] = "    swap = from, from = to, to = swap;\n" end
  end
  local text = table.concat(body)
  local description = "     " .. model:describe():gsub("%*/", "* /"):gsub("\n", "\n     ")
  return HEAD:format(core.version, description, inputs, outputs, 2 * 4 * widest, inputs, outputs)
    .. functions_for(text, int8) .. table.concat(file)
    .. FOOT:format(widest, two_buffers and ("    float two[%d], *to = two, *swap;\n"):format(widest) or "", text)
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
-- weights it gives the bits that fnet gives in evaluation mode. A layer that cannot be exported raises an error,
-- which names it and those that can.
---@param path string
---@param options? table weights: "float32", or "int8" for weights of 8 bits with one scale a unit; data: a data
--- set, on which the accuracy of both is measured; input: the shape of a sample, { height, width, channels }; the
--- layers say it unless the first one is a convolution or a pooling
---@return table? report weights; accuracy: of the exported model, and accuracy_float32, where there is data; nil
--- where the environment refused
---@return string? message
---@return integer? code errno
function Module:export_c(path, options)
  expect.method("export_c", self)
  expect.that(type(path) == "string", "export_c", "a path", path)
  options = expect.options("export_c", options, { "weights", "data", "input" })
  local weights = expect.choice("export_c: weights", options.weights == nil and "float32" or options.weights,
    { "float32", "int8" })
  local steps = layers.steps("export_c", self, calls, options.input)
  local int8 = weights == "int8"
  local text = core.no_grad(source_of, self, steps, int8)
  local report = { weights = weights }
  if options.data ~= nil then
    report.accuracy_float32 = evaluate(self, options.data).accuracy
    report.accuracy = int8 and accuracy_of_int8(self, steps, options.data) or report.accuracy_float32
  end
  local done, message, code = core.write_file(path, { text })
  if not done then return nil, message, code end
  return report
end

return calls

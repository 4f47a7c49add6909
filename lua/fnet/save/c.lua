--- A model as one C99 file: its weights and a function `predict`, without allocation, with no library but C's.
-- Invariant: with float32 weights the function gives the bits that fnet gives; the functions that see to it are in
-- c_parts.lua.

local expect = require "fnet.base.expect"
local say = require "fnet.base.say"
local core = require "fnet.core"
local parts = require "fnet.save.c_parts"
local evaluate = require("fnet.measure.classifier").evaluate
local layers = require "fnet.save.layers"
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

-- Numbers as C has them, some in each line.
local function rows(values, show)
  local lines, line = {}, {}
  for i, value in ipairs(values) do
    line[#line + 1] = show(value)
    if #line == 8 or i == #values then
      lines[#lines + 1] = "    " .. table.concat(line, ", ")
      line = {}
    end
  end
  return table.concat(lines, ",\n")
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

-- The tensors that int8 weights stand for.
local function quantised_state(model, steps)
  local replaced, tensors = {}, {}
  for _, step in ipairs(steps) do
    local weight = has_weights[step.kind] and step.layer.weight
    if weight then
      local whole, scale = quantise(weight:detach())
      replaced[weight] = (whole * scale):reshape(weight.shape)
    end
  end
  for _, entry in ipairs(model:state()) do
    tensors[entry.name] = replaced[entry.tensor] or entry.tensor:detach()
  end
  return tensors
end

-- ---- the file ----

-- A file that grows: `parts` are its texts, `number` counts the arrays.
local File = {}
File.__index = File

-- Adds an array; its name.
function File:array(name, tensor, whole)
  self.number = self.number + 1
  name = name .. self.number
  self.parts[#self.parts + 1] = ("\nstatic const %s %s[%d] = { /* %s */\n%s};\n"):format(
    whole and "signed char" or "float", name, tensor:count(), say.shape(tensor.shape),
    rows(tensor:reshape { tensor:count() }:totable(), whole and whole_text or float_text))
  return name
end

-- Adds a layer's weights and bias; the arguments of its function that name them.
function File:weights(layer)
  local weight, names = layer.weight:detach(), {}
  if self.int8 then
    local whole, scale = quantise(weight)
    names[1], names[2] = self:array("weight", whole, true), self:array("scale", scale)
  else
    names[1] = self:array("weight", weight)
  end
  names[#names + 1] = layer.bias and self:array("bias", layer.bias:detach()) or "0"
  return table.concat(names, ", ")
end

local function product(lengths, last)
  local count = 1
  for i = 1, last or #lengths do count = count * lengths[i] end
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

-- Steps that change the numbers where they are: function(file, step, count, features) -> call.
local in_place = {}

for _, part in ipairs(parts) do
  in_place[part.name] = part.call and function(_, step, count)
    local value = step.layer.value
    return ("%s(%d, %sfrom)"):format(part.call, count,
      value and float_text(core.tensor { value }:item()) .. ", " or "")
  end
end

function in_place.Softmax(_, _, count, features)
  return ("softmax(%d, %d, from)"):format(count // features, features)
end

function in_place.BatchNorm(file, step, count, features)
  local factor, shift = step.layer:evaluation_line()
  return ("batch_norm(%d, %d, %s, %s, from)"):format(count // features, features, file:array("factor", factor),
    file:array("shift", shift))
end

-- Steps that read one buffer and write the other.
local across = {}

function across.Dense(file, step, count, features)
  return ("dense(%d, %d, %d, %s, from, to)"):format(count // features, features, step.layer.units,
    file:weights(step.layer))
end

function across.Conv2D(file, step)
  local layer = step.layer
  return ("conv2d(%s, %d, %d, %d, %s, from, to)"):format(window_text(step), layer.inputs, layer.units, layer.groups,
    file:weights(layer))
end

function across.MaxPool2D(_, step)
  return ("max_pool(%s, %d, from, to)"):format(window_text(step), step.input[3])
end

function across.AvgPool2D(_, step)
  return ("average_pool(%s, %d, from, to)"):format(window_text(step), step.input[3])
end

function across.GlobalAvgPool(_, step)
  return ("global_average(%d, %d, from, to)"):format(product(step.input, 2), step.input[3])
end

-- What can be exported. Flatten and Reshape leave the numbers as they lie.
local known = { Flatten = true, Reshape = true }
for _, kinds in ipairs { in_place, across } do
  for kind in pairs(kinds) do known[kind] = true end
end

local function source_of(model, steps, int8)
  local inputs, outputs = product(steps[1].input), product(steps[#steps].output)
  local widest, used = inputs, {}
  for _, step in ipairs(steps) do
    widest = math.max(widest, product(step.output))
    used[step.kind] = true
  end
  local description = "     " .. model:describe():gsub("%*/", "* /"):gsub("\n", "\n     ")
  local file = setmetatable({ number = 0, int8 = int8 }, File)
  file.parts = { HEAD:format(core.version, description, inputs, outputs, 2 * 4 * widest, inputs, outputs) }
  local parameters = int8 and "const signed char *weights, const float *scale" or "const float *weights"
  local element = int8 and "(float)weights%1 * scale[j]" or "weights%1"
  for i = #parts, 1, -1 do
    for _, name in ipairs(used[parts[i].name] and parts[i].needs or {}) do used[name] = true end
  end
  for _, part in ipairs(parts) do
    if used[part.name] then
      file.parts[#file.parts + 1] = part.text:gsub("WEIGHTS", parameters):gsub("WEIGHT(%b[])", element)
    end
  end
  local body, buffers = {}, 1
  for _, step in ipairs(steps) do
    local count, features = product(step.input), step.input[#step.input]
    if in_place[step.kind] then
      body[#body + 1] = ("    %s;\n"):format(in_place[step.kind](file, step, count, features))
    elseif across[step.kind] then
      buffers = 2
      body[#body + 1] = ("    %s;\n    swap = from, from = to, to = swap;\n"):format(
        across[step.kind](file, step, count, features))
    end
  end
  file.parts[#file.parts + 1] = FOOT:format(widest,
    buffers == 2 and ("    float two[%d], *to = two, *swap;\n"):format(widest) or "", table.concat(body))
  return table.concat(file.parts)
end

-- The accuracy with the given tensors in the model, which then has its own again.
local function accuracy_with(model, tensors, data)
  local own = {}
  for _, entry in ipairs(model:state()) do own[entry.name] = entry.tensor:detach():clone() end
  model:load_state(tensors)
  local ok, result = pcall(evaluate, model, data)
  model:load_state(own)
  if not ok then error(result, 0) end
  return result.accuracy
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
  expect.that(type(path) == "string", "export_c", "a path", path)
  options = expect.options("export_c", options, { "weights", "data", "input" })
  local weights = expect.choice("export_c: weights", options.weights == nil and "float32" or options.weights,
    { "float32", "int8" })
  local steps = layers.steps("export_c", self, known, options.input)
  local int8 = weights == "int8"
  local text = core.no_grad(source_of, self, steps, int8)
  local report = { weights = weights }
  if options.data ~= nil then
    report.accuracy_float32 = evaluate(self, options.data).accuracy
    report.accuracy = int8 and accuracy_with(self, core.no_grad(quantised_state, self, steps), options.data)
      or report.accuracy_float32
  end
  local done, message, code = core.write_file(path, { text })
  if not done then return nil, message, code end
  return report
end

return known

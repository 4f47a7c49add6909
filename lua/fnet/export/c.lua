--- A model as one C99 file: its weights and a function `predict`, without allocation and without any library but
-- C's.
-- Invariant: with float32 weights the function gives the bits that fnet gives. It takes the same steps in the same
-- order: chains of fmaf, sums in 16 lanes, and exp as in src/kernels/template/math.inc.

local check = require "fnet.check"
local core = require "fnet.core"
local evaluate = require("fnet.nn.evaluate").evaluate
local steps_of = require "fnet.export.layers"
local Module = require("fnet.nn.module").Module

local HEAD = [[
/* A neural network, written by fnet %s:
%s
   void predict(const float *input, float *output);
     input:  %d numbers, as the network saw them in training
     output: %d numbers
   To be compiled as C99 or later without contraction of a * b + c (cc -std=c99 -ffp-contract=off). */
#include <math.h>

#define PREDICT_INPUTS %d
#define PREDICT_OUTPUTS %d

void predict(const float *input, float *output);
]]

-- What the kinds of steps need, each at most once and in this order.
local PARTS = {
  { "exponential", { Softmax = true, Sigmoid = true, Tanh = true }, [[

/* exp(x) = scale * part + scale, for x that a float can show. */
static void exp_parts(double x, double *scale, double *part) {
    x = -150 > x ? -150 : x;
    x = 130 < x ? 130 : x;
    double n = rint(x * 0x1.71547652b82fep+0), r = fma(n, -0x1.62e42fefa39efp-1, x);
    double p = 1.0 / 362880;
    p = fma(p, r, 1.0 / 40320);
    p = fma(p, r, 1.0 / 5040);
    p = fma(p, r, 1.0 / 720);
    p = fma(p, r, 1.0 / 120);
    p = fma(p, r, 1.0 / 24);
    p = fma(p, r, 1.0 / 6);
    p = fma(p, r, 0.5);
    *part = fma(p * r, r, r);
    *scale = ldexp(1, (int)n);
}
]] },
  { "exp", { Softmax = true, Sigmoid = true }, [[

static double exponential(double x) {
    double scale, part;
    if (x != x) return x;
    exp_parts(x, &scale, &part);
    return fma(scale, part, scale);
}
]] },
  { "ReLU", { ReLU = true }, [[

static void relu(int n, float *x) {
    for (int i = 0; i < n; i++) x[i] = x[i] > 0 || x[i] != x[i] ? x[i] : 0;
}
]] },
  { "Sigmoid", { Sigmoid = true }, [[

static void sigmoid(int n, float *x) {
    for (int i = 0; i < n; i++) x[i] = (float)(1 / (1 + exponential(0 - (double)x[i])));
}
]] },
  { "Tanh", { Tanh = true }, [[

static void hyperbolic_tangent(int n, float *x) {
    for (int i = 0; i < n; i++) {
        double scale, part, size = fabs((double)x[i]);
        if (x[i] != x[i]) continue;
        exp_parts(size + size, &scale, &part);
        double e = fma(scale, part, scale - 1);
        x[i] = copysignf((float)(e / (e + 2)), x[i]);
    }
}
]] },
  { "Softmax", { Softmax = true }, [[

/* 16 lanes, each a cascade of accumulators of 64 elements; joined as a tree. */
static float sum(int n, const float *x) {
    float lane[16];
    for (int l = 0; l < 16; l++) {
        float first = 0, second = 0, third = 0;
        int count = 0;
        for (int i = l; i < n; i += 16) {
            first += x[i];
            if (++count % 64 != 0) continue;
            second += first;
            first = 0;
            if (count % 4096 != 0) continue;
            third += second;
            second = 0;
        }
        lane[l] = third + (second + first);
    }
    for (int half = 8; half > 0; half /= 2)
        for (int l = 0; l < half; l++) lane[l] += lane[l + half];
    return lane[0];
}

static void softmax(int n, float *x) {
    float most = x[0];
    for (int i = 1; i < n; i++) most = x[i] > most ? x[i] : most;
    for (int i = 0; i < n; i++) {
        float shifted = x[i] - most;
        x[i] = (float)exponential(shifted);
    }
    float total = sum(n, x);
    for (int i = 0; i < n; i++) x[i] /= total;
}
]] },
}

local calls = { ReLU = "relu", Sigmoid = "sigmoid", Tanh = "hyperbolic_tangent", Softmax = "softmax" }
local known = { Dense = true, Flatten = true, ReLU = true, Sigmoid = true, Tanh = true, Softmax = true }

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

-- 8-bit weights: for each unit the scale is its largest weight / 127; the weight is the nearest multiple.
local function quantise(weight)
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
    if step.weight then
      local whole, scale = quantise(step.weight:detach())
      replaced[step.weight] = whole * scale
    end
  end
  for _, entry in ipairs(model:state()) do
    tensors[entry.name] = replaced[entry.tensor] or entry.tensor:detach()
  end
  return tensors
end

local function add_dense(parts, step, number, int8)
  local function add(format, ...) parts[#parts + 1] = format:format(...) end
  local inputs, units = step.inputs, step.outputs
  local weight = step.weight:detach()
  add("\nstatic const %s weight%d[%d] = { /* [%d, %d] */\n%s};\n", int8 and "signed char" or "float", number,
    inputs * units, inputs, units,
    rows((int8 and quantise(weight) or weight):reshape { inputs * units }:totable(),
      int8 and function(value) return ("%d"):format(value) end or float_text))
  if int8 then
    local _, scale = quantise(weight)
    add("static const float scale%d[%d] = {\n%s};\n", number, units, rows(scale:reshape { units }:totable(),
      float_text))
  end
  if step.bias then
    add("static const float bias%d[%d] = {\n%s};\n", number, units, rows(step.bias:totable(), float_text))
  end
  add([[

static void dense%d(const float *x, float *y) {
    for (int j = 0; j < %d; j++) y[j] = %s;
    for (int k = 0; k < %d; k++)
        for (int j = 0; j < %d; j++) {
            float w = %s;
            y[j] = fmaf(x[k], w, y[j]);
        }
}
]], number, units, step.bias and ("bias%d[j]"):format(number) or "0", inputs, units,
    (int8 and "(float)weight%d[k * %d + j] * scale%d[j]" or "weight%d[k * %d + j]"):format(number, units, number))
end

-- ---- the file ----

local function source_of(model, steps, int8)
  local used, widest, inputs = {}, 0, nil
  for _, step in ipairs(steps) do
    used[step.kind] = true
    inputs = inputs or step.inputs
    widest = math.max(widest, step.width or 0, step.inputs or 0)
  end
  local outputs = steps[#steps].width
  local description = "     " .. tostring(model):gsub("%*/", "* /"):gsub("\n", "\n     ")
  local parts = { HEAD:format(core.version, description, inputs, outputs, inputs, outputs) }
  for _, part in ipairs(PARTS) do
    for kind in pairs(part[2]) do
      if used[kind] then
        parts[#parts + 1] = part[3]
        break
      end
    end
  end
  local body, number, width = {}, 0, inputs
  for _, step in ipairs(steps) do
    if step.kind == "Dense" then
      number = number + 1
      add_dense(parts, step, number, int8)
      body[#body + 1] = ("    dense%d(from, to);\n    swap = from, from = to, to = swap;\n"):format(number)
      width = step.outputs
    elseif calls[step.kind] then
      body[#body + 1] = ("    %s(%d, from);\n"):format(calls[step.kind], width)
    end
  end
  parts[#parts + 1] = ([[

void predict(const float *input, float *output) {
    float one[%d], two[%d], *from = one, *to = two, *swap;
    for (int i = 0; i < PREDICT_INPUTS; i++) from[i] = input[i];
%s    for (int i = 0; i < PREDICT_OUTPUTS; i++) output[i] = from[i];
}
]]):format(widest, widest, table.concat(body))
  return table.concat(parts)
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
-- weights it gives the bits that fnet gives. Dense, Flatten, ReLU, Sigmoid, Tanh, Softmax, Dropout and Sequential
-- can
-- be exported; anything else raises an error that names it.
---@param path string
---@param options? table weights: "float32", or "int8" for weights of 8 bits with one scale a unit; data: a data
--- set, on
--- which the accuracy of both is measured
---@return table? report weights; accuracy: of the exported model, and accuracy_float32, where there is data; nil
--- where
--- the environment refused
---@return string? message
---@return integer? code errno
function Module:export_c(path, options)
  if type(path) ~= "string" then core.raise("export_c: expected a path, got " .. check.describe(path)) end
  options = check.options("export_c", options, { "weights", "data" })
  local weights = check.choice("export_c: weights", options.weights == nil and "float32" or options.weights,
    { "float32", "int8" })
  local steps = steps_of("export_c", self, known)
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

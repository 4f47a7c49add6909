--- A model as one HTML file: the network itself, computed by the page, which shows what it makes of a drawing, of a
-- photo, of samples or of numbers. This file says how each layer is exported; what the page knows of samples is in
-- html_samples.lua, what computes in html_network.lua, what people see in html_page.lua and its parts.
-- Invariant: the page asks for nothing outside itself, and equal models and data give equal bytes.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local core = require "fnet.core"
local json = require "fnet.files.json"
local page = require "fnet.save.html_page"
local processes = require "fnet.base.processes"
local samples = require "fnet.save.html_samples"
local say = require "fnet.base.say"
local layers = require "fnet.save.layers"
local Module = require("fnet.nn.module").Module

local OPTIONS = { "data", "classes", "samples", "title", "input", "standardise" }

-- ---- what stands for a layer: function(step, add) -> its fields; add(name, tensor) gives it weights ----

local writers = {}

for _, kind in ipairs { "ReLU", "SELU", "Sigmoid", "SiLU", "Tanh", "Softplus", "GELU", "Softmax", "LogSoftmax",
  "Residual", "Concat", "GlobalAvgPool" } do
  writers[kind] = function() return { layer = kind } end
end

for _, kind in ipairs { "LeakyReLU", "ELU" } do
  writers[kind] = function(step) return { layer = kind, value = core.tensor { step.layer.value }:item() } end
end

-- The same numbers: a step without a layer.
function writers.Flatten() return {} end
writers.Reshape = writers.Flatten

function writers.Dense(step, add)
  add("weight", step.layer.weight)
  if step.layer.bias then add("bias", step.layer.bias) end
  return { layer = "Dense", units = step.layer.units }
end

function writers.BatchNorm(step, add)
  local factor, shift = step.layer:evaluation_line()
  add("factor", factor)
  add("shift", shift)
  return { layer = "BatchNorm" }
end

function writers.LayerNorm(step, add)
  add("weight", step.layer.weight)
  add("bias", step.layer.bias)
  return { layer = "LayerNorm", epsilon = step.layer.epsilon }
end

-- Both axes of a sliding window, and the channels of what it slides over.
local function window_of(step, fields)
  local window, input, output = step.layer.window, step.input, step.output
  local above, _, left = window:margins_of(input[1], input[2])
  for axis, name in ipairs { "rows", "columns" } do
    fields[name] = { size = input[axis], kernel = window.kernel[axis], stride = window.stride[axis],
      before = axis == 1 and above or left, count = output[axis] }
  end
  fields.layer, fields.channels = step.kind, input[3]
  return fields
end

function writers.Conv2D(step, add)
  add("weight", step.layer.weight)
  if step.layer.bias then add("bias", step.layer.bias) end
  return window_of(step, { units = step.layer.units, groups = step.layer.groups })
end

function writers.MaxPool2D(step) return window_of(step, {}) end

function writers.AvgPool2D(step)
  local kernel = step.layer.window.kernel
  return window_of(step, { whole = step.layer.count_include_pad and kernel[1] * kernel[2] or 0 })
end

-- The network as html_network.lua takes it.
local function describe(program)
  local pieces, count, steps = {}, 0, json.array {}
  for i, step in ipairs(program.steps) do
    local tensors = {}
    local function add(name, tensor)
      tensor = tensor:detach()
      local sum = tensor:double():abs():sum():item()
      if sum - sum ~= 0 then core.raise("export_html: %s has a weight that is not finite", step.text) end
      pieces[#pieces + 1] = tensor:contiguous():bytes()
      tensors[name], count = { count, tensor:count() }, count + tensor:count()
    end
    local fields = writers[step.kind](step, add)
    local takes = {}
    for k, value in ipairs(step.values) do takes[k] = value - 1 end -- values count from 0 there
    fields.takes, fields.tensors = json.array(takes), tensors
    fields.shape, steps[i] = json.array { table.unpack(step.output) }, fields
  end
  return { steps = steps, weights = core.base64(table.concat(pieces)), result = program.results[1] - 1 }
end

-- ---- what they mean ----

-- The names of what the model tells apart; nil where its results are plain numbers.
local function classes_of(program, options, about, set, outputs)
  local names = options.classes
  if names == nil then names = about and about.classes or set and set.classes end
  local list = json.array {}
  if names ~= nil then
    expect.that(type(names) == "table", "export_html: classes", "a list of names", names)
    for i, name in ipairs(names) do
      expect.that(type(name) == "string" or math.type(name), "export_html: classes: name " .. i, "a text", name)
      list[i] = core.visible(tostring(name))
    end
    if #list == outputs then return list end
    core.raise("export_html: classes: expected %d names, one for each of the model's outputs, got %d", outputs,
      #list)
  end
  local last = program.steps[#program.steps].kind
  local tells_apart = last == "Softmax" or last == "LogSoftmax" or set and is.labels(set.y)
  if not tells_apart or outputs < 2 then return nil end
  for i = 1, outputs do list[i] = "class " .. i end
  return list
end

-- How many numbers the model gives; raises where that is no single row of them.
local function outputs_of(program)
  local shape = program.shapes[program.results[1]]
  if #program.results > 1 then
    core.raise("export_html: a page shows one row of numbers, the model gives %d results", #program.results)
  elseif #shape ~= 1 then
    core.raise("export_html: a page shows one row of numbers, the model gives %s", say.shape(shape))
  end
  return shape[1]
end

local function text_of(model, options)
  local about, set = samples.about(options.data)
  local input = options.input
  if input == nil then input = about and about.shape end
  local program = layers.program("export_html", model, writers, input)
  local outputs = outputs_of(program)
  local classes = classes_of(program, options, about, set, outputs)
  local title = options.title
  if title == nil then title = set and set.name or about and about.name or "A network" end
  expect.that(type(title) == "string", "export_html: title", "a text", title)
  local content = samples.of(about, set, program.shapes[1], outputs, classes, options)
  content.classes, content.outputs = classes, outputs
  content.network = describe(program)
  content.adds_up = program.steps[#program.steps].kind == "Softmax" -- the results are probabilities already
  return page(title, content, { summary = model:summary(), sha256 = model:sha256() })
end

--- Writes the model as one HTML file that runs in a browser, without a server and without a request. Of a model of
-- pictures the page has a place to draw or to drop a photo, and bars that move with it; of one of numbers a field
-- for each. The results are those of fnet but for a few last bits. A layer that cannot be exported raises an error,
-- which names it and those that can.
---@param path string
---@param options? table data: data.Dataset|table, such as the test set, whose form the page's pictures get, with
--- classes and samples to step through; or what fnet.load says of one, about.data. classes: string[], names.
--- samples: integer, how many, the first 100. title: string, of the page, by default the data set's name. input:
--- integer[], the shape of a sample, { height, width } or { height, width, 3 } of pictures; the data or the layers
--- say it, unless these know only the number of pixels. standardise: data.Standardise, what data.standardise gave,
--- so that fields and results have the units of the table
---@return boolean? done true; nil where the environment refused
---@return string? message
---@return integer? code errno
function Module:export_html(path, options)
  expect.method("export_html", self)
  expect.path("export_html", path)
  options = expect.options("export_html", options, OPTIONS)
  return processes.write_file(path, { core.no_grad(text_of, self, options) })
end

return writers

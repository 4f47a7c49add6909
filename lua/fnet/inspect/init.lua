--- inspect: what happens inside a model. This file is fnet.check: what a model is before it is trained: shapes,
-- parameters, memory, gradients, time. Invariant: the model, but for its gradients, which are dropped, and the
-- random numbers are afterwards as they were.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local say = require "fnet.base.say"
local columns = require "fnet.base.columns"
local core = require "fnet.core"
local compare_gradients = require "fnet.inspect.gradients"
local keep_random = require "fnet.base.keep_random"
local nested = require "fnet.base.nested"
local observer = require "fnet.base.observer"
local modes = require "fnet.nn.modes"
local outside = require "fnet.nn.outside"
local snapshot = require "fnet.nn.snapshot"
local trace = require "fnet.inspect.trace"
local is_module = require("fnet.nn.module").is_module
local try = require "fnet.base.try"

local REPEATS = 5

---@class fnet.Check
---@field layers table[] # in the order of the computation: name, shape (of what it gives for the sample),
--- parameters, error (the largest difference between its gradients and central differences), failure (what
--- differs) or unknown (why that cannot be told), elements (compared) and all_elements (of its inputs, for a tiny
--- batch, and parameters)
---@field parameters integer numbers that are trained, or frozen
---@field memory { parameters: integer, gradients: integer, activations: integer } bytes
---@field gradients boolean false where a layer's are wrong, or none could be checked
---@field problem string? why the gradients could not be checked
---@field outside string? what gradients reach though neither the model nor an optimiser has it, and the way out
---@field seconds number a step: forward and backward
---@field steps integer? steps of an epoch, where a data set was given
local Inspection = {}
Inspection.__index = Inspection

local function bytes_of(t) return t:count() * core.dtypes[t.dtype].size end

local function byte_text(bytes)
  if bytes < 1e3 then return ("%d bytes"):format(bytes) end
  if bytes < 1e6 then return ("%.1f kB"):format(bytes / 1e3) end
  return bytes < 1e9 and ("%.1f MB"):format(bytes / 1e6) or ("%.2f GB"):format(bytes / 1e9)
end

local function time_text(seconds)
  if seconds < 1e-3 then return ("%.0f us"):format(seconds * 1e6) end
  if seconds < 1 then return ("%.3g ms"):format(seconds * 1e3) end
  return seconds < 120 and ("%.3g s"):format(seconds) or ("%.0f min"):format(seconds / 60)
end

local function own_count(module)
  local count = 0
  for _, parameter in ipairs(trace.own_parameters(module)) do count = count + parameter.tensor:count() end
  return count
end

-- Fills in the layers, with the shapes of what they give, and the bytes of those.
local function trace_layers(self, model, arguments)
  local seen, bytes = {}, 0
  modes.with(model, false, core.no_grad, trace.modules, model, function(module, output, input)
    local has_output = core.is_tensor(output)
    -- Views take no memory.
    local is_view = has_output and core.is_tensor(input) and module.class_name == "Flatten"
    if has_output and not is_view and #module:modules() == 1 then bytes = bytes + bytes_of(output) end
    if seen[module] or not trace.computes(module) then return end
    seen[module] = true
    table.insert(self.layers, { name = module:name(), parameters = own_count(module),
      shape = has_output and output.shape or nil })
  end, model, table.unpack(arguments, 1, arguments.n))
  self.memory.activations = bytes
end

-- The same; where the model takes no sample alone but would take it as a batch of one, its error says so.
local function trace_first(self, model, arguments)
  local ok, message = try(trace_layers, self, model, arguments)
  if ok then return end
  local first = arguments[1]
  if core.is_tensor(first) and first.rank < 8 and try(modes.with, model, false, core.no_grad, model,
      first:unsqueeze(1), table.unpack(arguments, 2, arguments.n)) then
    message = tostring(message) .. "; the model takes this sample as a batch of one, sample:unsqueeze(1)"
  end
  error(message, 0)
end

-- The sum of all that the model gives for the batch and that gradients go back from; nil for none.
local function total_of(model, arguments)
  local total
  local results = table.pack(model(table.unpack(arguments, 1, arguments.n)))
  for _, output in ipairs(nested.tensors(results)) do
    if output.requires_grad then total = total and total + output:sum() or output:sum() end
  end
  return total
end

-- Forward and backward of the batch, several times: the median of the times; and what is wrong with the leaves that
-- gradients reach.
local function measure(model, arguments)
  local kept, times, leaves, problem = snapshot(model), {}, {}, nil
  kept:take()
  local _ <close> = keep_random()
  modes.with(model, true, function()
    for i = 1, REPEATS do
      local started = core.clock()
      local total = total_of(model, arguments)
      if i == 1 and total then
        leaves = core.leaves(total)
        problem = outside.find(leaves, model, arguments, function() return total_of(model, arguments) end)
      end
      model:zero_grad()
      if total then total:backward() end
      times[i] = core.clock() - started
    end
    core.zero_grad(leaves)
  end)
  kept:restore()
  table.sort(times)
  return times[REPEATS // 2 + 1], problem
end

-- What is found about the gradients, in a line, and another for each layer of which there is more to say.
local function gradient_lines(self)
  local worst, lines, all = nil, {}, "all layers"
  local compared, elements = 0, 0
  for _, layer in ipairs(self.layers) do
    compared, elements = compared + (layer.elements or 0), elements + (layer.all_elements or 0)
    if layer.error then worst = math.max(worst or 0, layer.error) end
    if layer.unknown then all = "all other layers" end
    local remark = layer.failure or layer.unknown
    if remark then lines[#lines + 1] = ("  %s: %s"):format(layer.name, remark) end
  end
  local text = "WRONG"
  if self.problem then text = "cannot be checked: " .. self.problem
  elseif self.gradients and #lines > 0 and not worst then text = "unknown"
  elseif self.gradients then
    text = ("those of %s agree with central differences (float64), to %.0e, at %s%d elements"):format(all,
      worst or 0, compared < elements and ("%d of "):format(compared) or "", elements)
  end
  table.insert(lines, 1, "gradients: " .. text)
  return table.concat(lines, "\n")
end

-- The table of layers, and a line each on memory, gradients and time.
function Inspection:__tostring()
  local rows = { { "layer", "output shape", "parameters", " gradient error" } }
  for _, layer in ipairs(self.layers) do
    rows[#rows + 1] = { layer.name, layer.shape and say.shape(layer.shape) or "-", layer.parameters,
      layer.failure and " WRONG" or layer.unknown and " unknown" or layer.error and (" %.0e"):format(layer.error)
      or " -" }
  end
  rows[#rows + 1] = { "total", "", self.parameters, "" }
  local lines = columns(rows, { -36, -20, 12, -1 })
  lines[#lines] = lines[#lines] .. "\n"
  local memory = self.memory
  lines[#lines + 1] = ("memory: parameters %s, gradients %s, results of the layers %s"):format(
    byte_text(memory.parameters), byte_text(memory.gradients), byte_text(memory.activations))
  lines[#lines + 1] = gradient_lines(self)
  if self.outside then lines[#lines + 1] = "outside the model: " .. self.outside end
  lines[#lines + 1] = self.seconds and ("time: forward and backward of this batch %s%s"):format(
    time_text(self.seconds), self.steps and (", about %s for an epoch of %d steps, without the optimiser"):format(
      time_text(self.seconds * self.steps), self.steps) or "")
  return table.concat(lines, "\n")
end

-- The inputs of a model in a batch, and the steps of an epoch of a data set.
local function batch_of(x, size)
  local tensors = nested.tensors(x)
  for _, t in ipairs(tensors) do
    if t:count() == 0 then core.raise("check: the sample is empty, " .. say.value(t)) end
  end
  if #tensors > 0 then return { x }, nil end
  expect.that(is.dataset(x), "check", "a tensor, a table of tensors or a data set", x)
  local batch = x:batches { size = size }()
  if not batch then core.raise("check: the data set is empty") end
  batch = nested.map(batch, function(t) return t:clone() end)
  local inputs = is.tensor_list(batch) and batch or { batch }
  return inputs, x.batch_count and x:batch_count(size)
end

--- What fnet.check does, for the arguments of a call as table.pack gives them.
---@param model nn.Module
---@param arguments table a batch, one sample or a data set first; then what else the model takes
---@param options? table
---@return fnet.Check
local function inspect(model, arguments, options)
  expect.that(is_module(model), "check", "a model first", model)
  options = expect.options("check", options, { "batch", "gradients" }, { "gradients" })
  local size = options.batch == nil and 32 or expect.count("check: batch", options.batch, 1)
  local inputs, steps = batch_of(arguments[1], size)
  local _ <close> = observer.watch(nil) -- this is no training
  local count = #inputs
  table.move(arguments, 2, arguments.n, count + 1, inputs)
  inputs.n = count + arguments.n - 1
  arguments = inputs
  local self = setmetatable({ layers = {}, parameters = model:count(), memory = {}, steps = steps },
    Inspection)
  trace_first(self, model, arguments)
  local bytes = 0
  for _, parameter in ipairs(model:parameters()) do bytes = bytes + bytes_of(parameter) end
  self.memory.parameters, self.memory.gradients = bytes, bytes
  self.gradients = true
  if options.gradients ~= false then
    local results = {}
    local ok, list = try(compare_gradients, model, arguments)
    if not ok then self.gradients, self.problem = false, tostring(list) end
    for _, result in ipairs(ok and list or {}) do results[result.name] = results[result.name] or result end
    for _, layer in ipairs(self.layers) do
      local result = results[layer.name] or {}
      layer.error, layer.failure, layer.unknown = result.error, result.failure, result.unknown
      layer.elements, layer.all_elements = result.elements, result.all_elements
      self.gradients = self.gradients and not result.failure
    end
  end
  self.seconds, self.outside = measure(model, arguments)
  return self
end

--- Follows a sample through a model: the shape after each layer, the parameters, the memory, whether the gradients
-- of each layer agree with central differences (in float64, for a tiny batch of random numbers), and how long a
-- step takes. Nothing is trained. A model that takes more than the sample is called with what follows that:
-- `fnet.check(model, letters, h, c)`, and one that takes a table of tensors with that.
---@param model nn.Module
---@param sample tensor|tensor[]|data.Dataset a batch or one sample as the model takes it, or a data set; not empty
---@param ... any what else the model takes; after that, as a plain table, options: batch: samples of a batch of the
--- data set, 32; gradients: boolean, true
---@return fnet.Check result to be printed
local function check(model, sample, ...)
  local arguments, options = table.pack(sample, ...), nil
  while arguments.n > 1 and arguments[arguments.n] == nil do arguments.n = arguments.n - 1 end
  local last = arguments[arguments.n]
  if arguments.n > 1 and type(last) == "table" and not getmetatable(last) and #nested.tensors(last) == 0 then
    options, arguments.n = last, arguments.n - 1
  end
  return inspect(model, arguments, options)
end

return { check = check, inspect = inspect, time_text = time_text, byte_text = byte_text, bytes_of = bytes_of }

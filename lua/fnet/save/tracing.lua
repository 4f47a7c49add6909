--- A model as a list of steps, as layers.lua has them, found by watching it at work: for classes of a script, whose
-- forward may take and give several tensors. fnet's layers become steps of their own, operations of tensors
-- between them those that the tape has recorded, or noting.lua; what nothing has recorded is a constant, and what
-- depends on no sample.
-- Invariant: a model is traced twice, with other numbers and another batch. What differs between the two depends on
-- the samples in a way that no list of steps can have, so the exporter compares, and refuses.

local core = require "fnet.core"
local expect = require "fnet.base.expect"
local feed = require "fnet.nn.feed"
local keep_random = require "fnet.base.keep_random"
local layers = require "fnet.save.layers"
local modes = require "fnet.nn.modes"
local naming = require "fnet.base.naming"
local noting = require "fnet.save.noting"
local observer = require "fnet.base.observer"
local say = require "fnet.base.say"

local tracing = {}

-- The keys of several inputs or results: 1 .. count of a list, or the names, sorted.
local function keys_of(what, expected, several)
  local names, count, total = naming.sorted(several), core.length(several), 0
  for _ in next, several do total = total + 1 end
  if total == 0 then core.raise("%s: expected %s, got an empty table", what, expected) end
  if total ~= (count > 0 and count or #names) then
    core.raise("%s: expected a list without gaps, or a table by name, got one with a gap or other keys", what)
  end
  if count == 0 then return names end
  local places = {}
  for i = 1, count do places[i] = i end
  return places
end

-- ---- inputs ----

-- One input from what the option says: the lengths of a sample, or a tensor of samples.
local function input_of(what, name, given)
  if core.is_tensor(given) then
    expect.that(given.rank > 0 and #given > 0, what, "samples, [batch, ...]", given)
    return { name = name, shape = { table.unpack(given.shape, 2) }, dtype = given.dtype, samples = given }
  end
  expect.that(type(given) == "table" and #given > 0, what, "the lengths of a sample, or a tensor of samples", given)
  local shape = {}
  for i = 1, core.length(given) do shape[i] = expect.count(("%s %d"):format(what, i), given[i], 1, 1 << 31) end
  return { name = name, shape = shape, dtype = "float32" }
end

--- The inputs that the option `input` describes: one, a list of several, or several by name.
---@param what string the exporter, for messages
---@param given any
---@return { name: string, shape: integer[], dtype: string, samples: tensor? }[] inputs
---@return boolean by_name the model takes them as one table
function tracing.inputs(what, given)
  if given == nil then
    core.raise("%s: this model does not say what a sample is; do, as input = { 28, 28, 1 } or, "
      .. "of several, { { 28, 28, 1 }, { 5 } }, or with tensors of samples", what)
  end
  what = what .. ": input"
  if core.is_tensor(given) or type(given) ~= "table" or math.type(given[1]) then
    return { input_of(what, "input", given) }, false
  end
  local list, by_name = {}, false
  for i, key in ipairs(keys_of(what, "the lengths of a sample, or a table of them", given)) do
    by_name = type(key) == "string"
    list[i] = input_of((by_name and "%s '%s'" or "%s %d"):format(what, key), by_name and key or "input" .. i,
      given[key])
  end
  return list, by_name
end

-- How many samples a model is traced with: two numbers that lengths of a sample are seldom multiples of.
local BATCHES = { 7, 11 }

-- So many samples of an input: random numbers, or rows of those that were given, from the end for the other batch.
local function draw(input, batch)
  if core.dtypes[input.dtype].float then
    local x = core.normal({ batch, table.unpack(input.shape) }, 0, 1):to(input.dtype)
    x.requires_grad = true
    return x
  end
  local rows, count = {}, #input.samples
  for i = 1, batch do rows[i] = batch == BATCHES[1] and (i - 1) % count + 1 or count - (i - 1) % count end
  return core.gather(input.samples, core.tensor(rows, "int32"), 1)
end

-- ---- the walk ----

-- A step of an operation that the tape has recorded, or of a constant.
local function add_operation(builder, kind, fields)
  local steps = builder.steps
  fields.kind, fields.value, fields.values = kind, #steps + builder.inputs + 1, fields.values or {}
  steps[#steps + 1] = fields
  return fields.value
end

-- What scripts call operations that have other names in fnet.core.
local PUBLIC = {
  concat2 = "concat", order = "sort", put_along = "scatter_add", scan = "cumsum", scatter = "scatter_add",
  take_along = "take_along_axis", triangle = "tril",
}

local function refuse_operation(builder, t, rule)
  local names = {}
  for name in next, builder.operations do names[PUBLIC[name] or name] = true end
  rule = type(rule) == "string" and rule or "an operation of its own"
  core.raise("%s: %s computes %s with '%s', which cannot be exported; what can: %s, what is made of these, and "
    .. "fnet's layers", builder.what, builder.text, say.shape(t.shape), rule,
    table.concat(naming.sorted(names), ", "))
end

local resolve -- function(builder, tensor) -> value

local function resolve_operation(builder, t, rule, ...)
  local write = builder.operations[rule] or refuse_operation(builder, t, rule)
  local arguments, values = table.pack(...), {}
  for i = 1, arguments.n do
    if core.is_tensor(arguments[i]) then values[i] = resolve(builder, arguments[i]) end
  end
  return add_operation(builder, rule, { write = write, arguments = arguments, operands = values,
    result = t, batch = builder.batch, output = { table.unpack(t.shape, 2) } })
end

-- The operation that made a tensor and its arguments, as table.pack gives them.
local function recorded(builder, t) return builder.noted.results[t] or table.pack(core.recorded(t)) end

-- Whether a tensor was computed from an input or a layer's result; what was not, such as a weight in another
-- shape, may have lengths that only look like the batch's.
local function depends(builder, t)
  local answer = builder.depends[t]
  if answer == nil then
    local made = recorded(builder, t)
    answer = builder.ids[t] ~= nil
    for i = 2, made.n do answer = answer or core.is_tensor(made[i]) and depends(builder, made[i]) end
    builder.depends[t] = answer
  end
  return answer
end

function resolve(builder, t)
  local value = builder.ids[t]
  if value then return value end
  if depends(builder, t) then
    local made = recorded(builder, t)
    value = resolve_operation(builder, t, table.unpack(made, 1, made.n))
  else
    value = add_operation(builder, "constant", { tensor = t, output = { table.unpack(t.shape, 2) } })
  end
  builder.ids[t] = value
  return value
end

-- Of the layers that take several values, how many.
local MOST_VALUES = { MultiHeadAttention = 3, OnnxGraph = math.huge }

-- The step, or the steps, of one of fnet's layers with these arguments.
local function add_layer(builder, layer, ...)
  local arguments, values = table.pack(...), {}
  for i = 1, arguments.n do
    if core.is_tensor(arguments[i]) then
      values[#values + 1] = resolve(builder, arguments[i])
    elseif arguments[i] ~= nil then
      core.raise("%s: is called with %s, which cannot be exported", builder.what, core.kind(arguments[i]))
    end
  end
  if #values == 1 and layer.class_name ~= "OnnxGraph" then return layers.open(builder, layer, values) end
  if #values > (MOST_VALUES[layer.class_name] or 0) or arguments.n > #values then
    core.raise("%s: is called with more than its input, which cannot be exported", builder.what)
  end
  return layers.add_step(builder, layer, layer.class_name, layer:name(), values)
end

-- At which place a layer may be given a mask.
local MASKS = { MultiHeadAttention = 4, TransformerLayer = 2 }

-- Whether a layer with these arguments becomes a step, or several; with a mask those of its own operations.
local function is_step(builder, layer, ...)
  local kind = layer.class_name
  if not layers.is_own(layer) or MASKS[kind] and select(MASKS[kind], ...) ~= nil then return false end
  return kind == "TransformerLayer" or builder.known[kind] ~= nil and not layers.is_opened(kind)
end

local detach = core.methods.detach

local function watch(builder)
  return function(layer, ...)
    if not is_step(builder, layer, ...) then return layer:forward(...) end
    local value = add_layer(builder, layer, ...)[1]
    local _ <close> = observer.watch() -- what is inside the layer is no step
    local _ <close> = builder.noted:pause()
    local results = table.pack(layer:forward(...))
    if not core.is_tensor(results[1]) then
      core.raise("%s: gives several results, and cannot be exported as a part of a model", builder.what)
    end
    local y = detach(results[1])
    if core.dtypes[y.dtype].float then y.requires_grad = true end -- so that the tape records what is made of it
    builder.ids[y], results[1] = value, y
    builder.steps[value - builder.inputs].output = { table.unpack(y.shape, 2) }
    return table.unpack(results, 1, results.n)
  end
end

-- Raises where no step and no result takes an input: it was forgotten, or its whole numbers went through
-- operations, which the tape does not record.
local function check_used(builder, inputs, results)
  local used = {}
  for _, value in ipairs(results) do used[value] = true end
  for _, step in ipairs(builder.steps) do
    for _, value in pairs(step.operands or step.values) do used[value] = true end
  end
  for i, input in ipairs(inputs) do
    if not used[i] then
      core.raise("%s: %s makes nothing of the input '%s' that can be exported", builder.what, builder.text,
        input.name)
    end
  end
end

-- The tensors that a model gives, and their names.
local function results_of(builder, y)
  if core.is_tensor(y) then return { y }, { "output" } end
  local what, expected = builder.what .. ": " .. builder.text, "a tensor, or a table of them, from it"
  expect.that(type(y) == "table", what, expected, y)
  local list, names = {}, {}
  for i, key in ipairs(keys_of(what, expected, y)) do
    names[i] = type(key) == "string" and key or "output" .. i
    list[i] = expect.that(core.is_tensor(y[key]), ("%s: result '%s'"):format(what, names[i]), "a tensor", y[key])
  end
  return list, names
end

--- The steps of a model at work.
---@param what string the exporter, for messages
---@param model nn.Module
---@param known table<string, any> by the kinds of layers that the exporter can do
---@param operations table<string, any> what stands for operations of tensors, by their names
---@param inputs table[] see tracing.inputs
---@param by_name boolean
---@param batch integer
---@return save.Program
function tracing.program(what, model, known, operations, inputs, by_name, batch)
  local builder = { what = what, known = known, operations = operations, steps = {}, inputs = #inputs, ids = {},
    depends = {}, batch = batch, text = model:name() }
  local samples, shapes, named = {}, {}, {}
  for i, input in ipairs(inputs) do
    samples[i], shapes[i] = draw(input, batch), input.shape
    builder.ids[samples[i]], named[input.name] = i, samples[i]
  end
  local y
  do
    local noted, _ <close> = noting.watch(what, operations, function(t) return depends(builder, t) end)
    builder.noted = noted
    local _ <close> = observer.watch { run = watch(builder) }
    y = modes.with(model, false, core.enable_grad, feed, model, by_name and named or samples)
  end
  local list, names = results_of(builder, y)
  local results, kinds = {}, {}
  for i, result in ipairs(list) do
    local kind = result.dtype
    if result.rank == 0 or #result ~= batch or kind ~= "float32" and kind ~= "int32" then
      core.raise("%s: %s: result '%s': expected float32 or int32 [batch, ...], got %s for a batch of %d", what,
        builder.text, names[i], core.kind(result), batch)
    end
    kinds[i] = kind
    if named[names[i]] then
      core.raise("%s: %s: '%s' is the name of an input and of a result; ONNX needs two", what, builder.text,
        names[i])
    end
    results[i] = resolve(builder, result)
  end
  check_used(builder, inputs, results)
  layers.follow_shapes(what, builder.steps, shapes)
  return { steps = builder.steps, shapes = shapes, results = results, kinds = kinds, inputs = inputs,
    names = names }
end

--- Whether a model has to be traced: something in it is no layer that the exporter can do, or it takes several
-- inputs.
---@param model nn.Module
---@param known table<string, any>
---@param input any the option
---@return boolean
function tracing.is_needed(model, known, input)
  if core.is_tensor(input) or type(input) == "table" and not math.type(input[1]) then return true end
  for _, module in ipairs(model:modules()) do
    local kind = module.class_name
    if not layers.is_own(module) or kind == "Lambda" or kind == "OnnxGraph" then return true end
    if not (known[module.class_name] or layers.is_opened(module.class_name)) then return true end
  end
  return false
end

-- Whether the tensor has a row for each sample, all of them equal.
local function has_equal_rows(t, batch)
  return t ~= nil and t.rank > 0 and #t == batch and t:slice(1, 1, 1):expand(t.shape):equal(t)
end

-- A constant with as many equal rows as there are samples, such as a token for each or the first state of a loop,
-- is a row that is repeated. It is found in both programs: in one it may have such a length by chance.
local function find_repeated(program, again)
  for i, step in ipairs(program.steps) do
    local other = again.steps[i] or {}
    if has_equal_rows(step.tensor, BATCHES[1]) and has_equal_rows(other.tensor, BATCHES[2]) then
      for _, own in ipairs { step, other } do own.tensor, own.is_repeated = own.tensor:slice(1, 1, 1), true end
    end
  end
end

--- The steps of a model, found twice.
---@param what string
---@param model nn.Module
---@param known table<string, any>
---@param operations table<string, any>
---@param input any the option
---@return save.Program program
---@return save.Program again what has to give the same
function tracing.twice(what, model, known, operations, input)
  local inputs, by_name = tracing.inputs(what, input)
  local _ <close> = keep_random()
  local program = tracing.program(what, model, known, operations, inputs, by_name, BATCHES[1])
  local again = tracing.program(what, model, known, operations, inputs, by_name, BATCHES[2])
  find_repeated(program, again)
  return program, again
end

return tracing

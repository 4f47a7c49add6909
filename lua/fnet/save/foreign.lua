--- Weights of other libraries: model:load_foreign. Their names and layouts stand in foreign_layout.lua.
-- Invariant: a model takes all tensors or none; what would stay unused or untouched is said.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local layouts = require "fnet.save.foreign_layout"
local keras = require "fnet.save.keras"
local naming = require "fnet.base.naming"
local say = require "fnet.base.say"
local core = require "fnet.core"
local kinds = require "fnet.files.kinds"
local npy = require "fnet.files.npy"
local safetensors = require "fnet.files.safetensors"
local module = require "fnet.nn.module"
local Module = module.Module

local PROBLEMS_MOST = 6 -- that a message lists

-- ---- places ----

-- What stands at a place of the model, such as "2.1"; nil where nothing does.
local function part_at(model, place)
  for part in place:gmatch "[^.]+" do
    model = type(model) == "table" and model[math.tointeger(tonumber(part)) or part]
  end
  return model or nil
end

-- What the model has learnt, themselves: { name, tensor }.
local function tensors_of(model)
  local list = model:named_parameters()
  for _, entry in ipairs(model:named_buffers()) do list[#list + 1] = entry end
  return list
end

-- The places that have tensors, in order; and each with true.
local function places_of(model)
  local places, known = {}, {}
  for _, entry in ipairs(tensors_of(model)) do
    local place = entry.name:match "^(.-)%.?[^.]+$"
    if not known[place] then places[#places + 1], known[place] = place, true end
  end
  return places, known
end

-- An option by place, where a place may be a number. Adds places that the model does not have to the problems.
local function by_place(what, model, option, fits, example, problems)
  local list, places, known = {}, places_of(model)
  expect.that(type(option) == "table", "load_foreign: " .. what, example, option)
  for place, value in pairs(option) do
    local text = math.type(place) == "integer" and tostring(place) or place
    if type(text) ~= "string" or type(value) ~= fits then
      core.raise("load_foreign: %s: expected %s, got [%s] = %s", what, example, tostring(place), tostring(value))
    end
    list[text] = value
  end
  for _, place in ipairs(naming.sorted(list)) do
    if not known[place] and not module.is_module(part_at(model, place)) then
      problems[#problems + 1] = ("%s: '%s' is no place of the model; it has tensors at '%s'"):format(what, place,
        table.concat(places, "', '"))
    end
  end
  return list
end

-- Adds the names of the layers inside those that have such a name: a layer of theirs may be several of ours.
local function add_inside(model, library, names)
  for _, place in ipairs(library.inside and naming.sorted(names) or {}) do
    local layer = part_at(model, place)
    for key, theirs in pairs(module.is_module(layer) and library.inside(layer) or {}) do
      local full = (place == "" and "" or place .. ".") .. key
      names[full] = names[full] or (names[place] == "" and "" or names[place] .. ".") .. theirs
    end
  end
end

-- ---- layouts ----

-- The shape {height, width, channels} of what a layer of PyTorch's takes flattened, if it does.
local function pictures_of(place, layer, shape)
  if not shape then return nil end
  local count = 1
  for i = 1, 3 do
    local length = math.type(shape[i]) == "integer" and shape[i] or 0
    if length < 1 then
      core.raise("load_foreign: '%s.weight' takes flattened pictures, which PyTorch has channels first; " ..
        'say their shape: flattened = { ["%s"] = { height, width, channels } }', place, place)
    end
    count = count * length
  end
  if count ~= layer.inputs then
    core.raise("load_foreign: flattened: '%s' has %d inputs, got pictures of %s", place, layer.inputs,
      say.shape(shape))
  end
  return shape
end

-- Their tensor for one of ours: the first candidate that is there and fits; one made of several of theirs is a list
-- of their names, and says how in `make`. Gives it in fnet's layout, and the names; or nil, the names of one that
-- does not fit, and what is wrong.
local function find(tensors, theirs, candidates, entry, convert)
  local tried, misfit, problem = {}, nil, nil
  for _, candidate in ipairs(candidates) do
    local parts = type(candidate) == "table" and candidate or { candidate }
    for _, separator in ipairs(theirs == "" and { "" } or { ".", "/" }) do
      local full, found = {}, {}
      for i, name in ipairs(parts) do
        full[i] = theirs .. separator .. name
        found[#found + 1] = tensors[full[i]]
      end
      local converted = #found == #parts and (parts.make or convert)(table.unpack(found)) or nil
      if converted and is.same_shape(converted.shape, entry.tensor.shape) then return converted, full end
      if converted and not misfit then
        misfit, problem = full, ("'%s' is %s in fnet's layout, but '%s' is %s"):format(
          table.concat(full, "' with '"), say.shape(converted.shape), entry.name, say.shape(entry.tensor.shape))
      end
      if not full[1]:find ":0$" then tried[#tried + 1] = table.concat(full, " with ") end
    end
  end
  return nil, misfit, problem
    or ("'%s' needs one of %s, and there is none"):format(entry.name, table.concat(tried, ", "))
end

-- ---- what is left over ----

-- The tensors that no layer took, but for those that are no weights; and a sentence about each.
local function left_over(model, tensors, library, names, used)
  local places, list, problems = {}, {}, {}
  for place, theirs in pairs(names) do places[theirs] = place end
  for _, name in ipairs(naming.sorted(tensors)) do
    if not used[name] and not layouts.is_ignored(library, name) then
      local place = places[name:match "^(.*)[./]" or ""]
      local layer = place and part_at(model, place)
      list[#list + 1] = name
      problems[#problems + 1] = ("'%s' stays unused%s (strict = false leaves it out)"):format(name,
        module.is_module(layer) and (" by '%s', %s"):format(place, module.title(layer)) or "")
    end
  end
  return list, problems
end

-- For each tensor of ours theirs, in fnet's layout; which of theirs were used; their name of each layer that got
-- one; ours that have none, by name and with a sentence each: such a tensor stands for itself; and a sentence for
-- each that does not fit.
local function match(model, tensors, library, names, flattened)
  local matched = { state = {}, used = {}, taken = {}, missing = {}, problems = {}, misfits = {} }
  local found = library.channels_first and layouts.flattened(model) or {}
  for _, entry in ipairs(tensors_of(model)) do
    local place, key = entry.name:match "^(.-)%.?([^.]+)$"
    local theirs, layer = names[place], part_at(model, place)
    local tensor, full, problem
    if theirs then
      tensor, full, problem = find(tensors, theirs, library.candidates(layer, key), entry, function(value)
        return library.convert(value, layer, pictures_of(place, layer, flattened[place] or found[layer]))
      end)
    end
    matched.state[entry.name] = tensor or entry.tensor
    for _, name in ipairs(full or {}) do matched.used[name] = true end
    if tensor then
      matched.taken[layer] = theirs
    elseif full then
      matched.misfits[#matched.misfits + 1] = problem
    else
      matched.missing[#matched.missing + 1] = entry.name
      matched.problems[#matched.problems + 1] = problem
        or ("names: nothing stands for '%s', which the model needs"):format(entry.name)
    end
  end
  return matched
end

local function raise_problems(problems)
  local shown = table.move(problems, 1, math.min(#problems, PROBLEMS_MOST), 1, {})
  if #problems > #shown then shown[#shown + 1] = ("and %d more"):format(#problems - #shown) end
  core.raise("load_foreign: %s", table.concat(shown, "; "))
end

-- ---- the interface ----

-- The tensors of a file by its first bytes; and of a .keras archive the epsilons of its layers.
local function read_tensors(path, library)
  expect.path("load_foreign", path)
  local lead, message, code = kinds.lead(path)
  if not lead then return nil, message, code end
  local kind = kinds.of(lead)
  if kind and kind.key == "keras" then
    return keras.read(path, function(name) return not layouts.is_ignored(library, name) end)
  end
  local read = kind and kind.key == "npz" and npy.read_npz or safetensors.read
  local tensors
  tensors, message, code = read(path)
  if not tensors then return nil, message, code end
  return tensors, {}
end

--- Copies weights that another library wrote into the model, changed to fnet's layout: all of the model's and all
-- of theirs, as load_state_dict does it there. From Keras, a BatchNorm or LayerNorm that was declared
-- without epsilon takes that of a .keras archive, else Keras's default, 0.001. A SeparableConv2D is two Conv2D of
-- one name. PyTorch's AvgPool2d with padding is nn.AvgPool2D with count_include_pad = true.
---@param tensors table<string, tensor>|string of fnet.read_tensors or fnet.data.read_npz, or the path of such a
--- file, or of Keras's .weights.h5, .h5 and .keras, whose names `fnet info` shows
---@param options table from: "pytorch" or "keras"; names: table<string, string>, their names of the model's layers,
--- by place, such as { ["2"] = "features.0", ["4"] = "classifier" }; flattened: table<string, integer[]>, shapes of
--- the pictures that a Dense layer of PyTorch takes flattened, by place, { ["8"] = { height, width, channels } },
--- where the model does not say them; strict: false leaves out tensors of theirs that no layer takes, and leaves
--- alone those of the model that have none, true. Raises where a tensor would stay unused or one is missing; with
--- strict = false too where one does not fit, or names has no such place
---@return nn.Module? self nil where a file cannot be read
---@return table|string left what strict = false passed over: missing, names of the model's; unused, names of
--- theirs; or the message
---@return integer? code errno
function Module:load_foreign(tensors, options)
  expect.method("load_foreign", self)
  expect.that(type(tensors) == "table" or type(tensors) == "string", "load_foreign",
    "a table of tensors by name, or a path", tensors)
  options = expect.options("load_foreign", options, { "from", "names", "flattened", "strict" }, { "strict" })
  local library = layouts.libraries[expect.choice("load_foreign: from", options.from, { "pytorch", "keras" })]
  local epsilons = {}
  if type(tensors) == "string" then
    local code
    tensors, epsilons, code = read_tensors(tensors, library)
    if not tensors then return nil, epsilons, code end
  end
  for name, tensor in pairs(tensors) do expect.tensor(("load_foreign: '%s'"):format(tostring(name)), tensor) end

  local problems = {}
  local names = by_place("names", self, options.names, "string",
    'their names by place, such as { ["2"] = "fc1" }', problems)
  add_inside(self, library, names)
  local flattened = by_place("flattened", self, options.flattened or {}, "table",
    'shapes by place, such as { ["4"] = { 5, 5, 16 } }', problems)
  local matched = match(self, tensors, library, names, flattened)
  local unused, unused_problems = left_over(self, tensors, library, names, matched.used)
  table.move(matched.misfits, 1, #matched.misfits, #problems + 1, problems)
  if options.strict ~= false then
    table.move(matched.problems, 1, #matched.problems, #problems + 1, problems)
    table.move(unused_problems, 1, #unused_problems, #problems + 1, problems)
  end
  if #problems > 0 then raise_problems(problems) end
  self:load_state(matched.state)
  for layer, theirs in pairs(matched.taken) do
    local is_default = layer.epsilon and layer.epsilon == layer.default_epsilon
    if is_default then layer.epsilon = epsilons[theirs] or library.epsilon or layer.epsilon end
  end
  return self, { missing = matched.missing, unused = unused }
end

return Module.load_foreign

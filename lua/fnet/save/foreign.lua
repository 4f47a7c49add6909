--- Weights of other libraries: their names and their layouts. PyTorch has dense weights as [units, inputs] and
-- convolution weights as [outputs, inputs, height, width], and flattens pictures with their channels first; Keras
-- has all that as fnet does.

local expect = require "fnet.base.expect"
local say = require "fnet.base.say"
local core = require "fnet.core"
local Module = require("fnet.nn.module").Module

-- What another library calls a layer's tensor; several names where its layers differ.
local keys = {
  pytorch = { weight = { "weight" }, bias = { "bias" }, running_mean = { "running_mean" },
    running_var = { "running_var" } },
  keras = { weight = { "kernel", "gamma", "embeddings" }, bias = { "bias", "beta" },
    running_mean = { "moving_mean" }, running_var = { "moving_variance" } },
}

local function layer_at(model, place)
  for part in place:gmatch "[^.]+" do model = model[math.tointeger(tonumber(part)) or part] end
  return model
end

-- The shape of the pictures that a Flatten in front of the layer at `place` takes, as far as the model says; nil
-- where there is no such Flatten.
local function flattened_shape(model, place)
  local outer, last = place:match "^(.-)%.?([^.]+)$"
  local parent, i = layer_at(model, outer or ""), math.tointeger(tonumber(last))
  if not i or parent.class_name ~= "Sequential" then return nil end
  repeat i = i - 1 until i < 1 or parent[i].class_name ~= "Dropout"
  if i < 2 or parent[i].class_name ~= "Flatten" then return nil end
  local shape = parent.shapes[i - 1]
  return shape and #shape == 3 and shape or nil
end

-- The shape {height, width, channels} of what a Dense layer takes flattened, if it does.
local function pictures_of(model, place, layer, given)
  local shape = given or flattened_shape(model, place)
  if not shape then return nil end
  local count = 1
  for i = 1, 3 do
    local length = type(shape) == "table" and math.type(shape[i]) == "integer" and shape[i] or 0
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

-- A PyTorch tensor in fnet's layout; `pictures` is the shape that a Dense layer takes flattened.
local function from_pytorch(tensor, layer, key, pictures)
  if key ~= "weight" then return tensor end
  if tensor.rank == 2 and layer.class_name == "Dense" then
    local units, inputs = table.unpack(tensor.shape)
    if not pictures or inputs ~= layer.inputs then return tensor:T():contiguous() end
    local height, width, channels = table.unpack(pictures)
    return tensor:reshape({ units, channels, height, width }):transpose(1, 4):transpose(1, 3):transpose(2, 3)
      :contiguous():reshape { inputs, units }
  end
  if tensor.rank == 4 then return tensor:transpose(1, 3):transpose(2, 4):transpose(3, 4):contiguous() end
  return tensor
end

-- The tensor that stands for `key` of their layer; nil and the names that were tried.
local function find(tensors, theirs, candidates)
  local tried = {}
  for _, name in ipairs(candidates) do
    for _, separator in ipairs { ".", "/" } do
      local full = theirs .. separator .. name
      if tensors[full] then return tensors[full] end
      tried[#tried + 1] = full
    end
  end
  return nil, tried
end

--- Copies weights that another library wrote into the model, changed to fnet's layout.
---@param tensors table<string, tensor> of fnet.read_tensors or fnet.data.read_npz
---@param options table from: "pytorch" or "keras"; names: their names of the model's layers, by place, such as
--- { ["2"] = "features.0", ["4"] = "classifier" }; flattened: shapes of the pictures that a Dense layer of PyTorch
--- takes flattened, by place, { ["8"] = { height, width, channels } }, where the model does not say them. Raises
--- where a layer has no name there, a tensor is missing or does not fit
---@return nn.Module self
function Module:load_foreign(tensors, options)
  expect.method("load_foreign", self)
  expect.that(type(tensors) == "table", "load_foreign", "a table of tensors by name", tensors)
  options = expect.options("load_foreign", options, { "from", "names", "flattened" })
  local from = expect.choice("load_foreign: from", options.from, { "pytorch", "keras" })
  if type(options.names) ~= "table" then
    core.raise('load_foreign: names: expected their names by place, such as { ["2"] = "fc1" }')
  end
  local flattened = options.flattened == nil and {} or options.flattened
  if type(flattened) ~= "table" then
    core.raise('load_foreign: flattened: expected shapes by place, such as { ["4"] = { 5, 5, 16 } }')
  end
  local state = {}
  for _, entry in ipairs(self:state()) do
    local place, key = entry.name:match "^(.-)%.?([^.]+)$"
    local theirs, candidates = options.names[place], keys[from][key]
    if not theirs or not candidates then
      core.raise("load_foreign: names: nothing stands for '%s', which the model needs", entry.name)
    end
    local tensor, tried = find(tensors, theirs, candidates)
    if not tensor then
      core.raise("load_foreign: '%s' needs one of %s, and there is none", entry.name, table.concat(tried, ", "))
    end
    if from == "pytorch" then
      local layer = layer_at(self, place)
      local pictures = layer.class_name == "Dense" and pictures_of(self, place, layer, flattened[place])
      tensor = from_pytorch(tensor, layer, key, pictures)
    end
    state[entry.name] = tensor
  end
  return self:load_state(state)
end

return Module.load_foreign

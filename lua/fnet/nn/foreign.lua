--- Weights of other libraries: their names and their layouts. PyTorch has dense weights as [units, inputs] and
-- convolution weights as [outputs, inputs, height, width]; Keras has them as fnet does.

local check = require "fnet.check"
local core = require "fnet.core"
local Module = require("fnet.nn.module").Module

-- What another library calls a layer's tensor; several names where its layers differ.
local keys = {
  pytorch = { weight = { "weight" }, bias = { "bias" }, running_mean = { "running_mean" },
    running_var = { "running_var" } },
  keras = { weight = { "kernel", "gamma", "embeddings" }, bias = { "bias", "beta" },
    running_mean = { "moving_mean" }, running_var = { "moving_variance" } },
}

-- A PyTorch tensor in fnet's layout.
local function from_pytorch(tensor, layer, key)
  if key ~= "weight" then return tensor end
  if tensor.rank == 2 and layer.class_name == "Dense" then return tensor:T():contiguous() end
  if tensor.rank == 4 then return tensor:transpose(1, 3):transpose(2, 4):transpose(3, 4):contiguous() end
  return tensor
end

local function layer_at(model, place)
  for part in place:gmatch "[^.]+" do model = model[math.tointeger(tonumber(part)) or part] end
  return model
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
--- { ["2"] = "features.0", ["4"] = "classifier" }. Raises where a layer has no name there, a tensor is missing or
--- does not fit
---@return nn.Module self
function Module:load_foreign(tensors, options)
  if type(tensors) ~= "table" or core.is_tensor(tensors) then
    core.raise("load_foreign: expected a table of tensors by name, got " .. check.describe(tensors))
  end
  options = check.options("load_foreign", options, { "from", "names" })
  local from = check.choice("load_foreign: from", options.from, { "pytorch", "keras" })
  if type(options.names) ~= "table" then
    core.raise('load_foreign: names: expected their names by place, such as { ["2"] = "fc1" }')
  end
  local state = {}
  for _, entry in ipairs(self:state()) do
    local place, key = entry.name:match "^(.*)%.([^.]+)$"
    if not place then place, key = "", entry.name end
    local theirs, candidates = options.names[place], keys[from][key]
    if not theirs or not candidates then
      core.raise(("load_foreign: names: nothing stands for '%s', which the model needs"):format(entry.name))
    end
    local tensor, tried = find(tensors, theirs, candidates)
    if not tensor then
      core.raise(("load_foreign: '%s' needs one of %s, and there is none"):format(entry.name, table.concat(tried,
        ", ")))
    end
    state[entry.name] = from == "pytorch" and from_pytorch(tensor, layer_at(self, place), key) or tensor
  end
  return self:load_state(state)
end

return Module.load_foreign

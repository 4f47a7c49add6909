--- What other libraries call the tensors of a layer, and how these lie: for foreign.lua. PyTorch has dense weights
-- as [units, inputs] and convolution weights as [outputs, inputs, height, width], transposed ones as [inputs,
-- outputs, ...]: of both fnet has the first two last, the other way round. It flattens pictures with their channels
-- first. Keras has all that as fnet does, but for depthwise kernels, [height, width, inputs, multiplier].

local attention = require "fnet.save.foreign_attention"
local recurrent = require "fnet.save.foreign_recurrent"

local layouts = {}

local is_norm = { BatchNorm = true, LayerNorm = true }

-- ---- PyTorch ----

local pytorch = {
  channels_first = true, -- in the pictures that it flattens
  ignored = { "num_batches_tracked$" }, -- a count that PyTorch's training keeps
}

--- Their names for a layer's tensor, the likeliest first; of one that is made of several, a list of these with
--- `make`, a function of their tensors that gives ours.
---@param layer table
---@param key string "weight", "bias", ...
---@return (string|table)[]
function pytorch.candidates(layer, key)
  return recurrent.pytorch(layer, key) or attention.pytorch(layer, key) or { key }
end

--- Their names, within that of a layer, of the layers in it; nil of one that has none, or of its own.
---@param layer table
---@return table<string, string>?
function pytorch.inside(layer) return attention.pytorch_inside[layer.class_name] end

--- A tensor of theirs in fnet's layout.
---@param tensor tensor
---@param layer table the layer that it is for
---@param pictures? integer[] the shape {height, width, channels} of the pictures that the layer takes flattened
---@return tensor
function pytorch.convert(tensor, layer, pictures)
  if tensor.rank == 4 then return tensor:transpose(1, 3):transpose(2, 4):transpose(3, 4):contiguous() end
  if layer.class_name == "Conv1D" and tensor.rank == 3 then return tensor:transpose(1, 3):contiguous() end
  local is_dense = layer.class_name == "Dense" and tensor.rank == 2
  local takes_rows = is_dense or is_norm[layer.class_name] -- whose last axis is that of the input
  if pictures and takes_rows and tensor.shape[tensor.rank] == layer.inputs then -- channels last
    local height, width, channels = table.unpack(pictures)
    tensor = tensor:reshape({ -1, channels, height, width }):transpose(2, 3):transpose(3, 4):contiguous()
      :reshape(tensor.shape)
  end
  return is_dense and tensor:T():contiguous() or tensor
end

-- ---- Keras ----

local keras = {
  -- What an optimiser, metrics and Dropout remember.
  ignored = { "^optimizer/", "^optimizer_weights/", "^metrics/", "seed_generator" },
  epsilon = 1e-3, -- of BatchNormalization and LayerNormalization, where they are not told otherwise (keras.io)
}

-- By key: names, and behind them the numbers that .weights.h5 has instead.
local norm_names = { weight = { "gamma", "vars/0" }, bias = { "beta", "vars/1" },
  running_mean = { "moving_mean", "vars/2" }, running_var = { "moving_variance", "vars/3" } }
local other_names = {
  weight = { "kernel", "embeddings", "depthwise_kernel", "pointwise_kernel", "vars/0", "vars/1" },
  bias = { "bias", "vars/1", "vars/2" }, -- 2: a separable convolution has two kernels
}
local names_by_class = { BatchNorm = norm_names, LayerNorm = norm_names, GroupNorm = norm_names,
  RMSNorm = { weight = { "scale", "vars/0" } }, PReLU = { weight = { "alpha", "vars/0" } } }

function keras.candidates(layer, key)
  local of_several = recurrent.keras(layer, key) or attention.keras(layer, key)
  if of_several then return of_several end
  local names = (names_by_class[layer.class_name] or other_names)[key] or { key }
  local list = {}
  for i, name in ipairs(names) do list[2 * i - 1], list[2 * i] = name, name .. ":0" end -- :0 from Keras 2
  return list
end

function keras.convert(tensor, layer)
  local shape = tensor.shape
  if layer.class_name == "PReLU" and tensor:count() == shape[#shape] then return tensor:reshape { -1 } end
  local is_depthwise = layer.class_name == "Conv2D" and #shape == 4 and shape[3] == layer.groups
    and layer.groups == layer.inputs
  return is_depthwise and tensor:reshape { shape[1], shape[2], 1, shape[3] * shape[4] } or tensor
end

layouts.libraries = { pytorch = pytorch, keras = keras }

--- Whether a tensor of theirs is no weight.
---@param library table of layouts.libraries
---@param name string
---@return boolean
function layouts.is_ignored(library, name)
  for _, pattern in ipairs(library.ignored) do
    if name:find(pattern) then return true end
  end
  return false
end

-- ---- flattened pictures ----

local follow

-- By the class of a layer: function(layer, shape, flat, found) -> shape, flat: the shape of a sample, and of the
-- pictures that it is flattened from, as far as the model says.
local followers = {}

function followers.Sequential(layer, shape, flat, found)
  for i = 1, #layer do shape, flat = follow(layer[i], shape, flat, found) end
  return shape, flat
end
followers.Residual = followers.Sequential

function followers.Concat(layer, shape, flat, found)
  for i = 1, #layer do follow(layer[i], shape, flat, found) end
  return layer:output_shape(shape), nil
end
followers.Parallel = followers.Concat

function followers.Flatten(layer, shape)
  return layer:output_shape(shape), shape and #shape == 3 and shape or nil
end

function follow(layer, shape, flat, found)
  found[layer] = flat
  local follower = followers[layer.class_name]
  if follower then return follower(layer, shape, flat, found) end
  local keeps = layer.keeps_shape or is_norm[layer.class_name]
  return layer:output_shape(shape), keeps and flat or nil
end

--- The layers that take flattened pictures, with the shapes {height, width, channels} of these, in which "?" stands
-- for what the model does not say.
---@param model nn.Module
---@return table<nn.Module, (integer|string)[]>
function layouts.flattened(model)
  local found = {}
  follow(model, nil, nil, found)
  return found
end

return layouts

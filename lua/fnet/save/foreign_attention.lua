--- What other libraries call the tensors of attention, and how they become fnet's: for foreign_layout.lua. PyTorch
-- has the three weights one below the other, [3 * units, units]. Keras has each by itself, [units, heads, size],
-- and the one that joins the heads as [heads, size, units].

local functions = require "fnet.tensor.functions"

local concat = functions.constructors.concat

local attention = {}

local function transpose(tensor) return tensor:T():contiguous() end

local pytorch_names = {
  weight = { "in_proj_weight", make = transpose }, bias = { "in_proj_bias" },
  result_weight = { "out_proj.weight", make = transpose }, result_bias = { "out_proj.bias" },
}

--- PyTorch's names for a tensor of an attention; nil for other layers.
---@param layer table
---@param key string
---@return table[]?
function attention.pytorch(layer, key)
  local name = layer.class_name == "MultiHeadAttention" and pytorch_names[key]
  return name and { name } or nil
end

-- By class of fnet's: PyTorch's names of the layers inside.
attention.pytorch_inside = {
  TransformerLayer = { attention = "self_attn", norm_1 = "norm1", dense_1 = "linear1", dense_2 = "linear2",
    norm_2 = "norm2" },
}

-- [units, heads, size] as columns; biases [heads, size] as one row.
local function columns(...)
  local list = {}
  for i, tensor in ipairs { ... } do
    list[i] = tensor.rank == 3 and tensor:reshape { tensor.shape[1], -1 } or tensor:reshape { -1 }
  end
  return concat(list, list[1].rank)
end

local function rows(tensor) return tensor.rank == 3 and tensor:reshape { -1, tensor.shape[3] } or tensor end

-- What Keras calls a kind of tensor, and the number that .weights.h5 has instead.
local kinds = { weight = { "kernel", 0 }, bias = { "bias", 1 } }

--- Keras's names for a tensor of an attention; nil for other layers.
---@param layer table
---@param key string
---@return table[]?
function attention.keras(layer, key)
  if layer.class_name ~= "MultiHeadAttention" then return nil end
  local is_result, kind = key:find "^result_", kinds[key:match "%l+$"]
  local list = {}
  for _, form in ipairs { { kind[1], "", "attention_output" }, { "vars/" .. kind[2], "_dense", "output_dense" } } do
    local word, ending, result = table.unpack(form)
    local parts = { make = is_result and rows or columns }
    for i, name in ipairs(is_result and { result } or { "query", "key", "value" }) do
      parts[i] = name .. (is_result and "" or ending) .. "/" .. word
    end
    list[#list + 1] = parts
  end
  return list
end

return attention

--- What other libraries call the tensors of recurrent layers, and how they become fnet's: for foreign_layout.lua.
-- PyTorch has two biases, of input and state, which are added but for the candidate of a GRU, and weights
-- as [gates * units, inputs]. Keras has fnet's layout, a GRU with its gates in the order z, r, n and both biases in
-- one tensor [2, 3 * units], and a layer of its own for each of several layers.

local functions = require "fnet.tensor.functions"
local core = require "fnet.core"

local concat = functions.constructors.concat

local recurrent = {}

local KINDS = { RNN = "simple_rnn", LSTM = "lstm", GRU = "gru" } -- what Keras calls them

-- "state_weight_2_backward" as "state_weight", 2, true; nil of a layer that is none of these.
local function parts_of(layer, key)
  if not (KINDS[layer.class_name] and layer.passes) then return nil end
  local name, number, back = key:match "^([%l_]-)_(%d+)(.*)$"
  return name, math.tointeger(tonumber(number)), back ~= ""
end

local function transpose(tensor) return tensor.rank == 2 and tensor:T():contiguous() or tensor end

-- Of the last axis the first two gates, of three.
local function without_candidate(tensor)
  local units = tensor.shape[tensor.rank] // 3
  return tensor:slice(tensor.rank, 1, 2 * units), tensor:slice(tensor.rank, 2 * units + 1)
end

-- The biases of a GRU: of all gates, and of the candidate's sum of the state.
local function gru_bias(of_input, of_state)
  local input, candidate = without_candidate(of_input)
  return concat { input + without_candidate(of_state), candidate }
end
local function gru_state_bias(of_state) return (select(2, without_candidate(of_state))):contiguous() end

--- PyTorch's names for a tensor of a recurrent layer; nil for other layers.
---@param layer table
---@param key string
---@return table[]?
function recurrent.pytorch(layer, key)
  local name, number, back = parts_of(layer, key)
  if not name then return nil end
  local ending = ("_l%d%s"):format(number - 1, back and "_reverse" or "")
  local is_gru = layer.class_name == "GRU"
  if name == "weight" then return { { "weight_ih" .. ending, make = transpose } } end
  if name == "state_weight" then return { { "weight_hh" .. ending, make = transpose } } end
  if name == "state_bias" then return { { "bias_hh" .. ending, make = gru_state_bias } } end
  return { { "bias_ih" .. ending, "bias_hh" .. ending, make = is_gru and gru_bias or core.methods.add } }
end

-- Gates z, r, n as r, z, n.
local function swap(tensor)
  local axis, units = tensor.rank, tensor.shape[tensor.rank] // 3
  return concat({ tensor:slice(axis, units + 1, 2 * units), tensor:slice(axis, 1, units),
    tensor:slice(axis, 2 * units + 1) }, axis)
end

local function keras_gru_biases(tensor)
  if tensor.rank ~= 2 or tensor.shape[1] ~= 2 then
    core.raise "load_foreign: a GRU of Keras with reset_after = False multiplies in another order than fnet.nn.GRU"
  end
  tensor = swap(tensor)
  return tensor[1], tensor[2]
end

-- Of a GRU, by name.
local gru_makers = {
  weight = swap, state_weight = swap,
  bias = function(tensor) return gru_bias(keras_gru_biases(tensor)) end,
  state_bias = function(tensor) return gru_state_bias((select(2, keras_gru_biases(tensor)))) end,
}

-- By name: what Keras calls it, and the number that .weights.h5 has instead.
local keras_names = { weight = { "kernel", 0 }, state_weight = { "recurrent_kernel", 1 }, bias = { "bias", 2 },
  state_bias = { "bias", 2 } }

--- Keras's names for a tensor of a recurrent layer; nil for other layers.
---@param layer table
---@param key string
---@return (string|table)[]?
function recurrent.keras(layer, key)
  local name, number, back = parts_of(layer, key)
  if not name then return nil end
  if number > 1 then return { key } end
  local kind, make = KINDS[layer.class_name], layer.class_name == "GRU" and gru_makers[name] or nil
  local full, short = keras_names[name][1], "vars/" .. keras_names[name][2]
  local direction = back and "backward_" or "forward_"
  local wrapped, alone = { direction .. "layer/cell/", direction .. kind .. "/" .. kind .. "_cell/" },
    { "cell/", kind .. "_cell/" }
  local list = {}
  for _, where in ipairs(layer.directions == 2 and wrapped or alone) do
    for _, word in ipairs { full, short } do list[#list + 1] = { where .. word, make = make } end
  end
  return list
end

return recurrent

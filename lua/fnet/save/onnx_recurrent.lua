--- RNN, LSTM and GRU as ONNX's operators of these names: for onnx.lua. ONNX has the time first, the gates of an
-- LSTM in the order i, o, f, g and those of a GRU z, r, n, weights as [directions, gates * units, inputs], and a
-- bias of the state for each gate.

local core = require "fnet.core"
local functions = require "fnet.tensor.functions"

local concat, stack = functions.constructors.concat, functions.constructors.stack

-- By kind: ONNX's operator, and which gate of fnet's comes at each place.
local forms = {
  tanh = { "RNN", { 1 } }, relu = { "RNN", { 1 } }, lstm = { "LSTM", { 1, 4, 2, 3 } }, gru = { "GRU", { 2, 1, 3 } },
}

-- The gates of [..., gates * units] in ONNX's order.
local function reorder(t, order)
  local axis, units, parts = t.rank, t.shape[t.rank] // #order, {}
  for i, gate in ipairs(order) do parts[i] = t:slice(axis, (gate - 1) * units + 1, gate * units) end
  return concat(parts, axis)
end

-- ONNX's W, R and B of one layer, of its passes by name.
local function tensors_of(layer, names, order)
  local weights, state_weights, biases = {}, {}, {}
  for i, name in ipairs(names) do
    weights[i] = reorder(layer["weight_" .. name]:detach(), order):transpose()
    state_weights[i] = reorder(layer["state_weight_" .. name]:detach(), order):transpose()
    local bias, state_bias = layer["bias_" .. name], layer["state_bias_" .. name]
    local zeros = core.full({ layer.units * #order }, 0)
    local of_state = state_bias and zeros:slice(1, 1, #zeros - layer.units)
    biases[i] = concat { bias and reorder(bias:detach(), order) or zeros,
      of_state and concat { of_state, state_bias:detach() } or zeros }
  end
  return stack(weights):contiguous(), stack(state_weights):contiguous(), stack(biases)
end

--- The nodes of a layer, see writers in onnx.lua.
---@param graph table
---@param x string the name of its input
---@param step save.Step
---@return string y
return function(graph, x, step)
  local layer = step.layer
  if #step.input ~= 2 then
    core.raise("export_onnx: %s expects sequences, a sample { time, %d }, got one of %d axes", step.text,
      layer.inputs, #step.input)
  end
  local operator, order = table.unpack(forms[layer.kind])
  local is_both = layer.directions == 2
  local attributes = { hidden_size = layer.units, direction = is_both and "bidirectional" or "forward" }
  if layer.kind == "gru" then attributes.linear_before_reset = 1 end
  if layer.kind == "relu" then attributes.activations = { "Relu", is_both and "Relu" or nil } end
  for number = 1, layer.layers do
    local names = { tostring(number), is_both and number .. "_backward" or nil }
    local w, r, b = tensors_of(layer, names, order)
    local inputs = { graph:node("Transpose", { x }, { perm = { 1, 0, 2 } }), graph:tensor("W" .. number, w),
      graph:tensor("R" .. number, r), graph:tensor("B" .. number, b) }
    local is_last = layer.last and number == layer.layers
    local y = graph:node(operator, inputs, attributes, is_last and 2 or 1)
    y = graph:node("Transpose", { y }, { perm = is_last and { 1, 0, 2 } or { 2, 0, 1, 3 } })
    local lengths = { 0, layer.units * layer.directions }
    if not is_last then table.insert(lengths, 2, step.input[1]) end
    local shape = graph:integers("shape" .. number, lengths)
    x = graph:node("Reshape", { y, shape })
  end
  return x
end

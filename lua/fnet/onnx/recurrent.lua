--- Operations of ONNX that go through sequences step by step: RNN, LSTM, GRU.
-- Invariant: nn.RNN, nn.LSTM and nn.GRU compute them, with the gates in their order. A GRU that resets the state
-- before its product, as ONNX's does unless told otherwise, is made of other operations. All else is refused.

local core = require "fnet.core"
local functions = require "fnet.tensor.functions"
local say = require "fnet.base.say"
local forward = require("fnet.nn.recurrent").forward
local values = require "fnet.onnx.values"

local concat, stack = functions.constructors.concat, functions.constructors.stack

local operations = {}

-- Which gate of ONNX's comes at each place of fnet's.
local ORDERS = { RNN = { 1 }, LSTM = { 1, 3, 4, 2 }, GRU = { 2, 1, 3 } }

-- fnet's kinds: those that go without saying, and by the functions that each direction has.
local DEFAULTS = { RNN = "tanh", LSTM = "lstm", GRU = "gru" }
local KINDS = {
  RNN = { Tanh = "tanh", Relu = "relu" }, LSTM = { ["Sigmoid, Tanh, Tanh"] = "lstm" },
  GRU = { ["Sigmoid, Tanh"] = "gru" },
}

-- By direction, which passes go back.
local DIRECTIONS = { forward = { false }, reverse = { true }, bidirectional = { false, true } }

-- ---- the description ----

-- The kind of a node; raises where fnet has none such.
local function kind_of(op, attributes, directions)
  if attributes.clip and attributes.clip ~= 0 then core.raise "has a clip; fnet's gates have no bounds" end
  if attributes.input_forget == 1 then core.raise "couples its gates (input_forget), which fnet does not" end
  local names, kinds = attributes.activations or {}, KINDS[op]
  if #names == 0 then return DEFAULTS[op] end
  local count = #names // directions
  local kind = kinds[table.concat(names, ", ", 1, count)]
  local again = directions == 1 or kinds[table.concat(names, ", ", count + 1)] == kind
  if kind and again then return kind end
  core.raise("has the activations %s; fnet has %s", table.concat(names, ", "),
    op == "RNN" and "Tanh or Relu, in both directions the same" or next(kinds))
end

local function check_shape(t, name, shape)
  local fits = t.rank == #shape
  for axis, length in ipairs(shape) do fits = fits and (length == "any" or t.shape[axis] == length) end
  if not fits then core.raise("%s: expected %s, got %s", name, say.shape(shape), say.shape(t.shape)) end
end

local function check_lengths(lengths, batch, time)
  check_shape(lengths, "sequence_lens", { batch })
  for _, length in ipairs(values.list(lengths)) do
    if length < 1 or length > time then
      core.raise("sequence_lens: expected 1 to %d steps, got %d", time, length)
    end
  end
end

-- The gates of [..., gates * units], in fnet's order.
local function reorder(t, order)
  local axis, units, parts = t.rank, t.shape[t.rank] // #order, {}
  for i, gate in ipairs(order) do parts[i] = t:slice(axis, (gate - 1) * units + 1, gate * units) end
  return concat(parts, axis)
end

-- A layer of fnet's without being one: what its forward looks at.
local function layer_of(op, node, x, w, r, b)
  local attributes, order = node.attributes, ORDERS[op]
  local backward = DIRECTIONS[attributes.direction or "forward"]
    or core.raise("direction: expected forward, reverse or bidirectional, got '%s'", attributes.direction)
  check_shape(x, "X", { "any", "any", "any" })
  check_shape(r, "R", { #backward, "any", "any" })
  local units, gates = r.shape[3], #order
  check_shape(r, "R", { #backward, gates * units, units })
  check_shape(w, "W", { #backward, gates * units, x.shape[3] })
  if b then check_shape(b, "B", { #backward, 2 * gates * units }) end
  if attributes.hidden_size and attributes.hidden_size ~= units then
    core.raise("hidden_size says %d, and R is %s", attributes.hidden_size, say.shape(r.shape))
  end
  local layer = { kind = kind_of(op, attributes, #backward), inputs = x.shape[3], units = units,
    directions = #backward, passes = {}, dropout = 0, name = function() return "fnet's " .. op end }
  for k, reversed in ipairs(backward) do
    layer.passes[k] = { layer = 1, reversed = reversed, name = k }
    layer["weight_" .. k] = reorder(w:select(1, k):transpose(), order)
    layer["state_weight_" .. k] = reorder(r:select(1, k):transpose(), order)
    if b then
      local of_input, of_state = b:select(1, k):chunk(2, 1)
      if op == "GRU" and attributes.linear_before_reset == 1 then -- the candidate's has its own place
        local first = 2 * units
        layer["state_bias_" .. k] = of_state:slice(1, first + 1)
        of_state = of_state:slice(1, 1, first):unslice(1, 1, gates * units)
      end
      layer["bias_" .. k] = reorder(of_input + of_state, order)
    end
  end
  return layer
end

-- ---- a GRU that resets first: n = tanh(x w + b + (r h) u) ----

-- A pass: the state after each step, zeros behind the end of a sequence, and the one at the end.
local function reset_first(layer, pass, x, h, lengths)
  local batch, time, units, name = x.shape[1], x.shape[2], layer.units, pass.name
  local sums = core.dense(x, layer["weight_" .. name], layer["bias_" .. name])
  local weight = layer["state_weight_" .. name]
  local of_gates, of_candidate = weight:slice(2, 1, 2 * units), weight:slice(2, 2 * units + 1)
  local states = {}
  for k = 1, time do
    local step = pass.reversed and time + 1 - k or k
    local sum = sums:select(2, step)
    local reset, kept = (sum:slice(2, 1, 2 * units) + h:matmul(of_gates)):sigmoid():chunk(2, 2)
    local candidate = (sum:slice(2, 2 * units + 1) + (reset * h):matmul(of_candidate)):tanh()
    local after = (1 - kept) * candidate + kept * h
    local is_inside = lengths and lengths:ge(step):reshape { batch, 1 }
    states[step] = is_inside and core.where(is_inside, after, 0) or after
    h = is_inside and core.where(is_inside, after, h) or after
  end
  return stack(states, 2), h
end

-- What nn.GRU's forward gives.
local function all_reset_first(layer, x, state, lengths)
  if x.shape[2] == 0 then core.raise "expected sequences of at least one step" end
  local results, last = {}, {}
  for k, pass in ipairs(layer.passes) do
    local h = state and state:select(2, k) or core.full({ x.shape[1], layer.units }, 0, x.dtype)
    results[k], last[k] = reset_first(layer, pass, x, h, lengths)
  end
  return concat(results, 3), stack(last, 2)
end

-- ---- the operations ----

-- The sequences come as [time, batch, inputs], with layout = 1 as [batch, time, inputs], and states alike.
local function run(op, node, x, w, r, b, lengths, h, c)
  local layer, batch_first = layer_of(op, node, x, w, r, b), node.attributes.layout == 1
  local function turn(t) return t and not batch_first and t:transpose(1, 2) or t end
  x = turn(x)
  local shape = { x.shape[1], layer.directions, layer.units }
  local state_shape = batch_first and shape or { shape[2], shape[1], shape[3] }
  if h then check_shape(h, "initial_h", state_shape) end
  if c then check_shape(c, "initial_c", state_shape) end
  if lengths then check_lengths(lengths, shape[1], x.shape[2]) end
  local state = turn(h)
  if op == "LSTM" and (h or c) then
    local zeros = not (h and c) and core.full(shape, 0, x.dtype)
    state = { state or zeros, turn(c) or zeros }
  end
  local resets_first = op == "GRU" and node.attributes.linear_before_reset ~= 1
  local y, last = (resets_first and all_reset_first or forward)(layer, x, state, lengths)
  y = y:reshape { shape[1], x.shape[2], shape[2], shape[3] }
  y = batch_first and y or values.permute(y, { 2, 3, 1, 4 })
  if op == "LSTM" then return y, turn(last[1]), turn(last[2]) end
  return y, turn(last)
end

function operations.RNN(node, x, w, r, b, lengths, h) return run("RNN", node, x, w, r, b, lengths, h) end

function operations.GRU(node, x, w, r, b, lengths, h) return run("GRU", node, x, w, r, b, lengths, h) end

function operations.LSTM(node, x, w, r, b, lengths, h, c, peepholes)
  if peepholes and peepholes:abs():sum():item() ~= 0 then
    core.raise "has peepholes (P), weights of the memory c, which fnet's LSTM has not"
  end
  return run("LSTM", node, x, w, r, b, lengths, h, c)
end

return operations

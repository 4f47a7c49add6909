--- RNN, LSTM and GRU: layers that go through sequences step by step and carry a state from one step to the next.
-- Invariant: whatever the kind, a layer is a list of passes, one for each of its layers and directions, in which
-- the kernel takes all steps of all sequences at once (src/core/recurrent.c).

local decimal = require "fnet.base.decimal"
local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"
local functions = require "fnet.tensor.functions"
local module = require "fnet.nn.module"
local parameter = require "fnet.nn.parameter"

local concat, stack = functions.constructors.concat, functions.constructors.stack

-- How many gates a kind has, each as wide as the state.
local gate_counts = { tanh = 1, relu = 1, lstm = 4, gru = 3 }

-- ---- parameters ----

-- The bias of an LSTM's gates: 1 for the one that forgets, so that a new layer remembers.
local function remembering(shape)
  local units = shape[1] // 4
  return concat { core.full({ units }, 0), core.full({ units }, 1), core.full({ 2 * units }, 0) }
end

-- Adds the parameters of a pass, whose names end in its layer and direction.
local function add_pass(self, layer, reversed, options)
  local what, units, kind = self.class_name, self.units, self.kind
  local pass = { layer = layer, reversed = reversed, name = layer .. (reversed and "_backward" or "") }
  local inputs = layer == 1 and self.inputs or units * self.directions
  local columns = gate_counts[kind] * units
  self["weight_" .. pass.name] = parameter.weight(what, { inputs, columns }, options.init)
  self["state_weight_" .. pass.name] = parameter.weight(what .. ": state", { units, columns },
    options.state_init or "orthogonal")
  if options.bias ~= false then
    self["bias_" .. pass.name] = kind == "lstm" and parameter.weight(what, { columns }, remembering)
      or parameter.constant({ columns }, 0)
    if kind == "gru" then self["state_bias_" .. pass.name] = parameter.constant({ units }, 0) end
  end
  table.insert(self.passes, pass)
end

local LAYERS_MOST = 1000 -- far more than ever learnt; a file that asks for more is no model
local NAMES = { "layers", "bidirectional", "dropout", "bias", "init", "state_init", "last" }

local function describe(self, options)
  local words = { ("%d, %d"):format(self.inputs, self.units) }
  if self.layers > 1 then words[#words + 1] = self.layers .. " layers" end
  if self.directions == 2 then words[#words + 1] = "bidirectional" end
  if self.kind == "relu" then words[#words + 1] = "relu" end
  if self.dropout > 0 then words[#words + 1] = "dropout " .. decimal.text("%g", self.dropout) end
  if options.bias == false then words[#words + 1] = "no bias" end
  if self.last then words[#words + 1] = "last" end
  return ("%s(%s)"):format(self.class_name, table.concat(words, ", "))
end

local function set_up(self, kind, inputs, units, options, more)
  local what = self.class_name
  self.kind = kind
  self.inputs, self.units = expect.count(what .. ": inputs", inputs, 1), expect.count(what .. ": units", units, 1)
  local names = table.move(NAMES, 1, #NAMES, 1, {})
  names[#names + 1] = more
  options = expect.options(what, options, names, { "bidirectional", "bias", "last" })
  self.layers = expect.count(what .. ": layers", options.layers or 1, 1, LAYERS_MOST)
  self.directions = options.bidirectional and 2 or 1
  self.dropout = expect.number(what .. ": dropout", options.dropout or 0, 0, 1)
  if self.dropout > 0 and self.layers == 1 then
    core.raise("%s: dropout lies between layers, and there is one; fnet.nn.Dropout(%g) after it drops its results",
      what, self.dropout)
  end
  self.last = options.last or false
  self.passes = {}
  for layer = 1, self.layers do
    for direction = 1, self.directions do add_pass(self, layer, direction == 2, options) end
  end
  self.text = describe(self, options)
end

-- ---- forward ----

-- Sequences as a batch.
local function take_input(self, x)
  local dtype = self.weight_1.dtype
  local fits = is.float(x) and (x.rank == 2 or x.rank == 3) and x.shape[x.rank] == self.inputs
  if not fits or x.dtype ~= dtype or x.shape[x.rank - 1] == 0 then
    core.raise("%s: expected %s sequences of at least one step, [batch, time, %d] or one [time, %d], got %s",
      self:name(), dtype, self.inputs, self.inputs, say.value(x))
  end
  return x.rank == 2 and x:unsqueeze(1) or x
end

-- The lengths as int32, and the rows of [batch * time, units] in which the sequences end.
local function take_lengths(self, lengths, batch, time)
  if lengths == nil then return nil end
  local is_tensor = core.is_tensor(lengths)
  local list = is_tensor and lengths.rank == 1 and not is.float(lengths) and lengths:totable() or lengths
  if type(list) ~= "table" or #list ~= batch then
    core.raise("%s: lengths: expected %d whole numbers, one a sequence, as a table or a tensor of int32, got %s",
      self:name(), batch, is_tensor and say.value(lengths) or type(list) == "table" and #list .. " of them"
      or core.kind(lengths))
  end
  local numbers, ends = {}, {}
  for i = 1, batch do
    numbers[i] = expect.count(("%s: lengths: number %d"):format(self:name(), i), list[i], 1, time)
    ends[i] = (i - 1) * time + numbers[i]
  end
  if batch == 0 then return nil end
  return core.tensor(numbers, "int32"), core.tensor(ends, "int32")
end

-- Zeros in the place of what stands behind the ends: no gradient of a weight may meet a NaN there.
local function without_rest(x, lengths)
  local batch, time = x.shape[1], x.shape[2]
  local counts = core.arange(1, time, 1, "int32"):reshape { 1, time, 1 }
  return core.where(counts:le(lengths:reshape { batch, 1, 1 }), x, 0)
end

-- A part of the state, [batch, passes, units] or, of a single sequence, [passes, units], cut into one a pass.
local function take_part(self, part, what, x, is_single)
  local shape = { x.shape[1], #self.passes, self.units }
  if is_single then table.remove(shape, 1) end
  if not core.is_tensor(part) or part.dtype ~= x.dtype or not is.same_shape(part.shape, shape) then
    core.raise("%s: state: expected %s %s%s, got %s", self:name(), x.dtype, say.shape(shape), what, say.value(part))
  end
  local list = {}
  for k = 1, #self.passes do list[k] = is_single and part:select(1, k):unsqueeze(1) or part:select(2, k) end
  return list
end

-- The states h and, of an LSTM, c with which each pass begins.
local function take_state(self, state, x, is_single)
  local is_lstm = self.kind == "lstm"
  if state == nil then
    local zeros, list = core.full({ x.shape[1], self.units }, 0, x.dtype), {}
    for k = 1, #self.passes do list[k] = zeros end
    return list, is_lstm and list or {}
  end
  if not is_lstm then return take_part(self, state, "", x, is_single), {} end
  if type(state) ~= "table" or core.length(state) ~= 2 then
    core.raise("%s: state: expected a table of two tensors, { h, c }, got %s", self:name(), say.value(state))
  end
  return take_part(self, state[1], " for h", x, is_single), take_part(self, state[2], " for c", x, is_single)
end

-- One pass over sequences [batch, time, inputs]: the state after each step, [batch, time, units], and what h and,
-- of an LSTM, c are at the end.
local function run_pass(self, pass, x, h, c, lengths, ends)
  local name, batch, time = pass.name, x.shape[1], x.shape[2]
  local weight, bias = self["weight_" .. name], self["bias_" .. name]
  local gates = core.dense(x, weight, bias, self:name()) -- whose place the kernel takes, going on from there
  local rows = core.recurrent(gates, x, weight, bias, self.kind, pass.reversed, lengths,
    self["state_weight_" .. name], self["state_bias_" .. name], h, c)
  core.discard(gates, rows)
  local states = self.kind == "lstm" and rows:slice(1, 1, batch * time) or rows
  local y = states:reshape { batch, time, self.units }
  local last = pass.reversed and y:select(2, 1) or ends and core.gather(states, ends, 1) or y:select(2, time)
  return y, last, self.kind == "lstm" and rows:slice(1, batch * time + 1) or nil
end

-- A list of what the passes end with as [batch, passes, units], and without the batch of a single sequence.
local function join(list, is_single)
  local joined = stack(list, 2)
  return is_single and joined:squeeze(1) or joined
end

-- Of a layer, or of what has its fields.
local function forward(self, x, state, lengths)
  if x == nil then expect.method("forward", self) end
  local batch = take_input(self, x)
  local is_single = batch ~= x
  local h, c = take_state(self, state, batch, is_single)
  local ends
  lengths, ends = take_lengths(self, lengths, batch.shape[1], batch.shape[2])
  if lengths then batch = without_rest(batch, lengths) end
  local results, last_h, last_c = {}, {}, {}
  for k, pass in ipairs(self.passes) do
    if not pass.reversed and k > 1 then -- a new layer
      batch = #results > 1 and concat(results, 3) or results[1]
      if self.training and self.dropout > 0 then batch = batch * core.dropout_mask(batch, self.dropout) end
    end
    if not pass.reversed then results = {} end
    results[#results + 1], last_h[k], last_c[k] = run_pass(self, pass, batch, h[k], c[k], lengths, ends)
  end
  local y
  if self.last then
    local first = #last_h - self.directions + 1 ---@type integer
    y = concat({ table.unpack(last_h, first) }, 2)
  else
    y = #results > 1 and concat(results, 3) or results[1]
  end
  state = join(last_h, is_single)
  if self.kind == "lstm" then state = { state, join(last_c, is_single) } end
  return is_single and y:select(1, 1) or y, state
end

-- ---- the classes ----

local function recurrent_class(name)
  local class = module.class(name)
  class.passes_on = true
  function class:output_shape(input)
    expect.output_shape(self, input)
    local features = self.units * self.directions
    return self.last and { features } or { input and #input == 2 and input[1] or "?", features }
  end
  function class:describe()
    expect.method("describe", self)
    return self.text
  end
  return class
end

---@class nn.RNN: nn.Module
---@field weight_1 tensor # [inputs, units] of layer 1; those of the way back are called weight_1_backward, and so
--- on
---@field state_weight_1 tensor # [units, units]
---@field bias_1 tensor? # [units]
local RNN = recurrent_class "RNN"

--- A simple recurrent layer (Elman, 1990): h = tanh(x w + b + h u), from the first step of a sequence to the last.
-- Weights w start as Glorot-uniform, u as orthogonal, biases b as zeros.
---@param inputs integer features of a step
---@param units integer features of the state
---@param options? table layers: integer, how many, each on the states of the one before, 1; bidirectional: true
--- adds in each layer a pass from the last step to the first, whose states come behind the others; dropout: the
--- rate at which, in training mode, what one layer gives the next is dropped, 0; last: true gives the state at the
--- end of each sequence alone, for what follows in a Sequential; activation: "tanh" or "relu"; bias: boolean, true;
--- init, state_init: nn.StartValues, for w and u
function RNN:init(inputs, units, options)
  local activation = type(options) == "table" and options.activation
  local kind = activation and expect.choice("RNN: activation", activation, { "tanh", "relu" }) or "tanh"
  set_up(self, kind, inputs, units, options, "activation")
end

--- The states after each step. Raises, with the layer's place, where shapes do not fit.
---@param x tensor # [batch, time, inputs], or one sequence [time, inputs]
---@param state? tensor # [batch, layers * directions, units] at the start, zeros; without the batch for one
--- sequence
---@param lengths? integer[]|tensor how many steps of each sequence count, [batch]: those behind give zeros, and
--- change nothing; all
---@return tensor y [batch, time, directions * units]; [batch, directions * units] with the option last
---@return tensor state like the one at the start, at the end of each sequence (of the way back: at its first step)
function RNN:forward(x, state, lengths)
  local y, after = forward(self, x, state, lengths)
  return y, after
end

---@class nn.LSTM: nn.Module
---@field weight_1 tensor # [inputs, 4 * units] of layer 1: the gates i, f, g, o side by side; those of the way back
--- are called weight_1_backward, and so on
---@field state_weight_1 tensor # [units, 4 * units]
---@field bias_1 tensor? # [4 * units], 1 for f and 0 for the others at the start
local LSTM = recurrent_class "LSTM"

--- Long short-term memory (Hochreiter and Schmidhuber, 1997; Gers and others, 2000): with i, f, g, o the four parts
-- of x w + b + h u, c = sigmoid(f) c + sigmoid(i) tanh(g) and h = sigmoid(o) tanh(c). Weights w start as
-- Glorot-uniform, u as orthogonal, b as zeros and, for f, ones (Jozefowicz and others, 2015).
---@param inputs integer features of a step
---@param units integer features of the state
---@param options? table layers, bidirectional, dropout, last, bias, init, state_init: as for nn.RNN
function LSTM:init(inputs, units, options) set_up(self, "lstm", inputs, units, options) end

--- The states h after each step. Raises, with the layer's place, where shapes do not fit.
---@param x tensor # [batch, time, inputs], or one sequence [time, inputs]
---@param state? tensor[] h and c at the start, both [batch, layers * directions, units], zeros; without the batch
--- for one sequence
---@param lengths? integer[]|tensor how many steps of each sequence count, [batch]: those behind give zeros, and
--- change nothing; all
---@return tensor y [batch, time, directions * units]; [batch, directions * units] with the option last
---@return tensor[] state h and c at the end of each sequence (of the way back: at its first step)
function LSTM:forward(x, state, lengths)
  local y, after = forward(self, x, state, lengths)
  return y, after
end

---@class nn.GRU: nn.Module
---@field weight_1 tensor # [inputs, 3 * units] of layer 1: the gates r, z, n side by side; those of the way back
--- are called weight_1_backward, and so on
---@field state_weight_1 tensor # [units, 3 * units]
---@field bias_1 tensor? # [3 * units]
---@field state_bias_1 tensor? # [units], of n
local GRU = recurrent_class "GRU"

--- Gated recurrent units (Cho and others, 2014), reset after the product, as in PyTorch and Keras (reset_after):
-- with r, z, n the three parts of x w + b and of h u, r = sigmoid(r + r'), z = sigmoid(z + z'),
-- n = tanh(n + r (n' + b')) and h = (1 - z) n + z h. Weights w start as Glorot-uniform, u as orthogonal, the biases
-- b and b' as zeros.
---@param inputs integer features of a step
---@param units integer features of the state
---@param options? table layers, bidirectional, dropout, last, bias, init, state_init: as for nn.RNN
function GRU:init(inputs, units, options) set_up(self, "gru", inputs, units, options) end

--- The states after each step. Raises, with the layer's place, where shapes do not fit.
---@param x tensor # [batch, time, inputs], or one sequence [time, inputs]
---@param state? tensor # [batch, layers * directions, units] at the start, zeros; without the batch for one
--- sequence
---@param lengths? integer[]|tensor how many steps of each sequence count, [batch]: those behind give zeros, and
--- change nothing; all
---@return tensor y [batch, time, directions * units]; [batch, directions * units] with the option last
---@return tensor state like the one at the start, at the end of each sequence (of the way back: at its first step)
function GRU:forward(x, state, lengths)
  local y, after = forward(self, x, state, lengths)
  return y, after
end

return { RNN = RNN, LSTM = LSTM, GRU = GRU, forward = forward }

--- TransformerLayer: attention, then two dense layers at each place, both around a sum with what came in; and
-- PositionalEncoding, which tells the places of a sequence apart before it.

local decimal = require "fnet.base.decimal"
local expect = require "fnet.base.expect"
local say = require "fnet.base.say"
local core = require "fnet.core"
local module = require "fnet.nn.module"
local parameter = require "fnet.nn.parameter"
local Dense = require "fnet.nn.dense"
local Dropout = require "fnet.nn.dropout"
local LayerNorm = require("fnet.nn.norm").LayerNorm
local MultiHeadAttention = require "fnet.nn.attention"

---@class nn.TransformerLayer: nn.Module
---@field attention nn.MultiHeadAttention
---@field norm_1 nn.LayerNorm of the attention
---@field dense_1 nn.Dense units to hidden, with the activation
---@field dense_2 nn.Dense hidden to units
---@field norm_2 nn.LayerNorm of the dense layers
---@field dropout nn.Dropout of what is added
local TransformerLayer = module.class "TransformerLayer"
TransformerLayer.passes_on = true

--- A layer of a transformer (Vaswani and others, 2017): x = x + attention(norm_1(x)), then
-- y = x + dense_2(activation(dense_1(norm_2(x)))), with the norms first (Xiong and others, 2020); with norm =
-- "last" x = norm_1(x + attention(x)) and y = norm_2(x + dense_2(activation(dense_1(x)))), as in the paper.
-- PyTorch's TransformerEncoderLayer is the latter, and with norm_first the former.
---@param units integer features of a place, in and out; a multiple of the heads
---@param heads integer of the attention
---@param options? table hidden: integer, features between the dense layers, 4 * units; norm: "first" or "last",
--- "first"; activation: nn.Activation, "relu"; causal: true lets each place see itself and those before it alone,
--- false; dropout: the rate for looks, for what the activation gives, and for what is added, 0; epsilon: of the
--- norms, 1e-5
function TransformerLayer:init(units, heads, options)
  local what = "TransformerLayer"
  options = expect.options(what, options, { "hidden", "norm", "activation", "causal", "dropout", "epsilon" },
    { "causal" })
  local count = expect.count(what .. ": units", units, 1)
  local hidden = expect.count(what .. ": hidden", options.hidden or 4 * count, 1)
  local rate = expect.number(what .. ": dropout", options.dropout or 0, 0, 1)
  self.inputs, self.units, self.hidden = count, count, hidden
  self.norm = expect.choice(what .. ": norm", options.norm or "first", { "first", "last" })
  self.attention = MultiHeadAttention(count, heads, { causal = options.causal, dropout = rate })
  self.norm_1 = LayerNorm(count, { epsilon = options.epsilon })
  self.dense_1 = Dense(count, hidden, { activation = options.activation or "relu" })
  self.dense_2 = Dense(hidden, count)
  self.norm_2 = LayerNorm(count, { epsilon = options.epsilon })
  self.dropout = Dropout(rate)
end

--- What the layer makes of sequences. Raises, with the layer's place, where shapes do not fit.
---@param x tensor # [batch, time, units], or one sequence [time, units]
---@param mask? tensor what may be seen, as for nn.MultiHeadAttention; all
---@return tensor y of the same shape
function TransformerLayer:forward(x, mask)
  if x == nil then expect.method("forward", self) end
  local is_first = self.norm == "first"
  local seen = is_first and self.norm_1(x) or x
  local looked = self.attention(seen, nil, nil, mask)
  x = x + self.dropout(looked)
  if not is_first then x = self.norm_1(x) end
  local hidden = self.dropout(self.dense_1(is_first and self.norm_2(x) or x))
  local y = x + self.dropout(self.dense_2(hidden))
  if not is_first then y = self.norm_2(y) end
  return y
end

function TransformerLayer:output_shape(input)
  expect.output_shape(self, input)
  return input or { "?", self.units }
end

function TransformerLayer:describe()
  expect.method("describe", self)
  return ("TransformerLayer(%d, %d%s%s%s%s)"):format(self.units, self.attention.heads,
    self.hidden ~= 4 * self.units and ", hidden " .. self.hidden or "",
    self.norm == "last" and ", norm last" or "", self.attention.causal and ", causal" or "",
    self.dropout.rate > 0 and ", dropout " .. decimal.text("%g", self.dropout.rate) or "")
end

---@class nn.PositionalEncoding: nn.Module
---@field weight tensor # [length, units], a buffer, or a parameter where it is learnt
local PositionalEncoding = module.class "PositionalEncoding"
PositionalEncoding.passes_on = true

-- sin(place / 10000^(2 i / units)) and, beside it, the cosine; places count from 0.
local function waves(shape)
  local length, units = shape[1], shape[2]
  local pairs_of = (units + 1) // 2
  local rates = (core.arange(0, pairs_of - 1, 1, "float64") * (-2 * math.log(10000) / units)):exp()
  local angles = core.arange(0, length - 1, 1, "float64"):reshape { length, 1 } * rates
  local both = core.concat2(angles:sin():unsqueeze(3), angles:cos():unsqueeze(3), 3)
  return both:reshape({ length, 2 * pairs_of }):slice(2, 1, units):to("float32"):contiguous()
end

--- x + w, where row t of w says which place t is: sines and cosines of units / 2 wavelengths (Vaswani and others,
-- 2017, section 3.5), or learnt numbers.
---@param length integer the most places that a sequence has
---@param units integer features of a place
---@param options? table learnt: true makes w a parameter, false; init: nn.StartValues, of a learnt one, of the
--- shape {length, units}, normal with deviation 0.02
function PositionalEncoding:init(length, units, options)
  local what = "PositionalEncoding"
  self.length, self.inputs = expect.count(what .. ": length", length, 1), expect.count(what .. ": units", units, 1)
  options = expect.options(what, options, { "learnt", "init" }, { "learnt" })
  local shape = { self.length, self.inputs }
  if options.learnt then
    self.weight = parameter.weight(what, shape, options.init or function() return core.normal(shape, 0, 0.02) end)
  elseif options.init ~= nil then
    core.raise("%s: init is of a learnt encoding; say learnt = true too", what)
  else
    self:buffer("weight", parameter.buffer(shape, waves))
  end
end

--- The places told apart. Raises, with the layer's place, where the shapes do not fit.
---@param x tensor # [..., time, units], at most `length` places
---@return tensor y of the same shape
function PositionalEncoding:forward(x)
  if x == nil then expect.method("forward", self) end
  local shape, weight = core.is_tensor(x) and x.shape or {}, self.weight
  local time = shape[#shape - 1] or -1
  if #shape < 2 or x.dtype ~= weight.dtype or shape[#shape] ~= self.inputs or time > self.length then
    core.raise("%s: expected %s sequences [..., time, %d] of at most %d places, got %s", self:name(), weight.dtype,
      self.inputs, self.length, say.value(x))
  end
  if time == 0 then return x end
  return x + weight:slice(1, 1, time)
end

function PositionalEncoding:output_shape(input)
  expect.output_shape(self, input)
  return input or { "?", self.inputs }
end

function PositionalEncoding:describe()
  expect.method("describe", self)
  return ("PositionalEncoding(%d, %d%s)"):format(self.length, self.inputs,
    core.is_parameter(self.weight) and ", learnt" or "")
end

return { TransformerLayer = TransformerLayer, PositionalEncoding = PositionalEncoding }

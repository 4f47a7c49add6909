--- MultiHeadAttention: each place of a sequence asks all places, and takes from each as much as its answer is
-- clear.

local decimal = require "fnet.base.decimal"
local expect = require "fnet.base.expect"
local say = require "fnet.base.say"
local core = require "fnet.core"
local functions = require "fnet.tensor.functions"
local module = require "fnet.nn.module"
local parameter = require "fnet.nn.parameter"

---@class nn.MultiHeadAttention: nn.Module
---@field weight tensor # [units, 3 * units]: of queries, keys and values side by side
---@field bias tensor? # [3 * units]
---@field result_weight tensor # [units, units]
---@field result_bias tensor? # [units]
local MultiHeadAttention = module.class "MultiHeadAttention"
MultiHeadAttention.passes_on = true

-- One of the three weights side by side, of its own fans.
local function three(make)
  return function(shape)
    local list = {}
    for i = 1, 3 do
      list[i] = parameter.weight("MultiHeadAttention", { shape[1], shape[2] // 3 }, make):detach()
    end
    return functions.constructors.concat(list, 2)
  end
end

--- softmax(q k^T / sqrt(size)) v in each head, where q, k and v are three dense layers of queries, keys and values,
-- of which each head has size = units / heads features; a dense layer joins the heads (Vaswani and others, 2017,
-- section 3.2). The weights start as Glorot-uniform, each of the four by itself, the biases as zeros.
---@param units integer features of a place, in and out; a multiple of the heads
---@param heads integer different ways to look
---@param options? table causal: true lets each place see itself and those before it alone, false; dropout: the rate
--- at which, in training mode, a look at a place is dropped, 0; bias: boolean, true; init: nn.StartValues, of the
--- shape {units, units}, "glorot_uniform"
function MultiHeadAttention:init(units, heads, options)
  local what = "MultiHeadAttention"
  self.inputs = expect.count(what .. ": units", units, 1)
  self.units, self.heads = self.inputs, expect.count(what .. ": heads", heads, 1)
  if self.units % self.heads ~= 0 then
    core.raise("%s: units must be a multiple of the %d heads, got %d", what, self.heads, self.units)
  end
  options = expect.options(what, options, { "causal", "dropout", "bias", "init" }, { "causal", "bias" })
  self.causal = options.causal or false
  self.dropout = expect.number(what .. ": dropout", options.dropout or 0, 0, 1)
  self.weight = parameter.weight(what, { self.units, 3 * self.units }, three(options.init))
  self.result_weight = parameter.weight(what, { self.units, self.units }, options.init)
  if options.bias ~= false then
    self.bias = parameter.constant({ 3 * self.units }, 0, self.weight.dtype)
    self.result_bias = parameter.constant({ self.units }, 0, self.weight.dtype)
  end
end

-- ---- what comes in ----

-- Sequences as a batch.
local function take(self, what, x, batch, is_single)
  local dtype, fits = self.weight.dtype, core.is_tensor(x) and (x.rank == 3 or x.rank == 2)
  fits = fits and x.dtype == dtype and x.shape[x.rank] == self.units
  if fits and batch then fits = (x.rank == 2) == is_single and (is_single or x.shape[1] == batch) end
  if not fits then
    local form = batch and (is_single and "[time, %d]" or "[%d, time, %d]") or "[batch, time, %d] or one [time, %d]"
    form = batch and not is_single and form:format(batch, self.units) or form:format(self.units, self.units)
    core.raise("%s: %s: expected %s sequences %s, got %s", self:name(), what, dtype, form, say.value(x))
  end
  return x.rank == 2 and x:unsqueeze(1) or x
end

-- What may be seen, such that it is repeated to [batch, heads, queries, keys]; nil where that is all.
local function take_mask(self, mask, batch, queries, keys)
  if mask ~= nil then
    local given = core.is_tensor(mask) and mask.shape or {}
    local lead = { batch, self.heads, queries, keys }
    local fits = #given >= 2 and #given <= 4
    local place = #given == 3 and { batch, queries, keys } or { table.unpack(lead, 5 - #given) }
    for axis, length in ipairs(given) do
      fits = fits and (length == place[axis] or length == 1 and axis < #given)
    end
    if not fits then
      local padded = #given == 2 and given[1] == batch and given[2] == keys
      core.raise("%s: mask: expected [%d, %d], queries by keys, 1 where a key may be seen and 0 elsewhere, or " ..
        "[%d, 1 or %d, %d] or [%d, 1 or %d heads, 1 or %d, %d], got %s%s", self:name(), queries, keys, batch,
        queries, keys, batch, self.heads, queries, keys, say.value(mask),
        padded and "; that of padded sequences is mask:unsqueeze(2)" or "")
    end
    local least = mask:count() > 0 and mask:min():item() or 0
    if least ~= least or least < 0 then
      core.raise("%s: mask: expected 1 where a key may be seen and 0 elsewhere, got %s; a mask that is added to " ..
        "the scores is m:eq(0) here", self:name(), say.number(least, "%g"))
    end
    mask = mask:detach():ne(0)
    if #given == 3 then mask = mask:unsqueeze(2) end
  end
  if self.causal then
    local places = core.arange(1, math.max(queries, keys), 1, "int32")
    local past = places:slice(1, 1, queries):unsqueeze(2):ge(places:slice(1, 1, keys))
    mask = mask and mask * past or past
  end
  if mask and mask:count() > 0 and mask:max(mask.rank):min():item() == 0 then
    core.raise("%s: mask: a query may see no key at all; where it is of no use, let it see itself", self:name())
  end
  return mask
end

-- ---- forward ----

-- The dense layers first to last of the three: [batch, time, (last - first + 1) * units].
local function project(self, x, first, last)
  local low, high = (first - 1) * self.units + 1, last * self.units
  local weight, bias = self.weight, self.bias
  if last - first < 2 then
    weight, bias = weight:slice(2, low, high), bias and bias:slice(1, low, high)
  end
  return core.dense(x, weight, bias, self:name())
end

-- Part i of the columns, [batch, time, parts * units], as [batch, heads, time, size]: a view.
local function part(self, columns, i)
  local shape = columns.shape
  return columns:slice(3, (i - 1) * self.units + 1, i * self.units)
    :reshape({ shape[1], shape[2], self.heads, self.units // self.heads }):transpose(2, 3)
end

--- What each query takes from the values. Raises, with the layer's place, where shapes do not fit, and where a mask
-- lets a query see nothing.
---@param query tensor # [batch, queries, units], or one sequence [queries, units]
---@param key? tensor # [batch, keys, units], or [keys, units]; the query
---@param value? tensor of the key's shape; the key
---@param mask? tensor what may be seen, numbers other than 0: [queries, keys], [batch, queries, keys] or [batch,
--- heads, queries, keys], where all axes but the last may be 1; all. One of padded sequences: [batch, 1, keys].
--- PyTorch's masks of booleans say the opposite, what may not be seen
---@return tensor y like the query
---@return tensor looks [batch, heads, queries, keys], or [heads, queries, keys]: how much of each value is taken
function MultiHeadAttention:forward(query, key, value, mask)
  if query == nil then expect.method("forward", self) end
  local q = take(self, "query", query)
  local is_single, batch = q ~= query, q.shape[1]
  local k = key == nil and q or key == query and q or take(self, "key", key, batch, is_single)
  local v = (value == nil or value == key) and k or take(self, "value", value, batch, is_single)
  local queries, keys = q.shape[2], k.shape[2]
  if v.shape[2] ~= keys or keys == 0 then
    core.raise("%s: expected as many values as keys, at least one, got %d and %d", self:name(), v.shape[2], keys)
  end
  mask = take_mask(self, mask, batch, queries, keys)
  local asked, told, taken
  if q == k and k == v then
    local all = project(self, q, 1, 3)
    asked, told, taken = part(self, all, 1), part(self, all, 2), part(self, all, 3)
  else
    asked = part(self, project(self, q, 1, 1), 1)
    local both = k == v and project(self, k, 2, 3)
    told = part(self, both or project(self, k, 2, 2), 1)
    taken = both and part(self, both, 2) or part(self, project(self, v, 3, 3), 1)
  end
  local scores = (asked / math.sqrt(self.units // self.heads)):matmul(told:transpose(3, 4))
  if mask then scores = core.where(mask, scores, -math.huge) end
  local looks = core.softmax(scores)
  if self.training and self.dropout > 0 then looks = looks * core.dropout_mask(looks, self.dropout) end
  local joined = looks:matmul(taken):transpose(2, 3):reshape { batch, queries, self.units }
  local y = core.dense(joined, self.result_weight, self.result_bias, self:name())
  if is_single then return y:select(1, 1), looks:select(1, 1) end
  return y, looks
end

function MultiHeadAttention:output_shape(input)
  expect.output_shape(self, input)
  return input or { "?", self.units }
end

function MultiHeadAttention:describe()
  expect.method("describe", self)
  return ("MultiHeadAttention(%d, %d%s%s%s)"):format(self.units, self.heads, self.causal and ", causal" or "",
    self.dropout > 0 and ", dropout " .. decimal.text("%g", self.dropout) or "", self.bias and "" or ", no bias")
end

return MultiHeadAttention

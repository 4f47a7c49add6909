--- Operations of tensors in classes of a script's own as ONNX, each by itself: read again by fnet, run by
-- onnxruntime where Python has it.

local fnet = require "fnet"
local command = require "tests.support.command"
local naming = require "fnet.base.naming"
require "tests.support"
local nn = fnet.nn

local directory, checks
setup(function()
  directory = command.make_directory()
  checks = require "tests.support.onnxruntime"(directory)
end)
teardown(function() command.remove_directory(directory) end)

local Own = nn.module "Own"
function Own:init(f) self.f = f end
function Own:forward(...) return self.f(...) end

local four = fnet.tensor({ 2, 4, 1, 3, 4, 1 }, "int32")
local weights = fnet.tensor { { 1, -2, 3, 0.5 }, { 2, 0, -1, 4 }, { -3, 1, 1, 2 } }

-- By name: a function of x, numbers between -3 and 3 of [batch, 4, 3], and tokens, 1 to 4 of [batch, 4].
local exported = {
  -- element by element
  abs = function(x) return x:abs() end,
  acos = function(x) return (x / 4):acos() end,
  add = function(x) return x + x:select(3, 1):unsqueeze(3) end,
  asin = function(x) return (x / 4):asin() end,
  atan = function(x) return x:atan() end,
  ceil = function(x) return x:ceil() end,
  clamp = function(x) return x:clamp(-1, 0.5) end,
  clone = function(x) return x:clone() end,
  contiguous = function(x) return x:transpose(2, 3):contiguous() end,
  cos = function(x) return x:cos() end,
  cosh = function(x) return x:cosh() end,
  detach = function(x) return x:detach() * 2 end,
  div = function(x) return 1 / x end,
  double = function(x) return (x:double() / 3):float() end,
  elu = function(x) return x:elu(0.3) end,
  exp = function(x) return x:exp() end,
  exp2 = function(x) return x:exp2() end,
  expm1 = function(x) return x:expm1() end,
  floor = function(x) return x:floor() end,
  gate = function(x) return x:gate(x:flip(2)) end,
  gelu = function(x) return x:gelu() end,
  int = function(x) return x:int():float() end,
  isfinite = function(x) return (1 / x:relu()):isfinite() end,
  isinf = function(x) return (1 / x:relu()):isinf() end,
  isnan = function(x) return x:log():isnan() end,
  leaky_relu = function(x) return x:leaky_relu(0.2) + x:leaky_relu(fnet.tensor { 0.1, 0.2, 0.3 }) end,
  log = function(x) return x:abs():log() end,
  log10 = function(x) return x:abs():log10() end,
  log1p = function(x) return x:abs():log1p() end,
  log2 = function(x) return x:abs():log2() end,
  maximum = function(x) return x:maximum(0.5):maximum(x:flip(3)) end,
  minimum = function(x) return x:minimum(0.5):minimum(x:flip(3)) end,
  mul = function(x) return x * -x end,
  pow = function(x) return x:abs() ^ 1.5 + 2 ^ x end,
  relu = function(x) return x:relu() end,
  round = function(x) return (x * 2):round() end,
  selu = function(x) return x:selu() end,
  sigmoid = function(x) return x:sigmoid() end,
  sign = function(x) return x:sign() end,
  silu = function(x) return x:silu() end,
  sin = function(x) return x:sin() end,
  sinh = function(x) return x:sinh() end,
  softplus = function(x) return x:softplus() end,
  sqrt = function(x) return x:abs():sqrt() end,
  sub = function(x) return 2 - x end,
  tan = function(x) return (x / 2):tan() end,
  tanh = function(x) return x:tanh() end,
  trunc = function(x) return (x * 2):trunc() end,
  where = function(x) return fnet.where(x:gt(0), x, x * 0.1) end,
  -- comparisons
  all = function(x, tokens) return x:gt(-2.5):all(2) + tokens:ne(3):all(2, true) end,
  any = function(x, tokens) return x:gt(2.5):any(3, true) + tokens:eq(3):any(2):unsqueeze(2):unsqueeze(2) end,
  comparisons = function(x, tokens)
    local y = x:lt(0) + x:le(1) * 2 + x:gt(2) * 4 + x:ge(-1) * 8
    return y + (tokens:eq(2) + tokens:ne(4) * 16):unsqueeze(3) + x:eq(x:max(2, true)) * 32
  end,
  masked_fill = function(x, tokens) return x:masked_fill(tokens:eq(1):unsqueeze(3), -9) end,
  -- along axes
  argmax = function(x) return x:argmax(3):float() + x:argmin(2, true):float():sum(3) end,
  cumsum = function(x) return x:cumsum(2) - x:cumsum(3) end,
  log_softmax = function(x) return x:log_softmax() + x:log_softmax(2) end,
  logsumexp = function(x) return x:logsumexp(3) + x:logsumexp({ 2, 3 }, true):squeeze(3) end,
  max = function(x) return x:max(3) - x:min(2, true):sum(3) end,
  mean = function(x) return x:mean(2, true) - x:mean { 2, 3 }:reshape { -1, 1, 1 } end,
  median = function(x) return x:median(2) + x:median({ 2, 3 }, true):squeeze(3) end,
  norm = function(x) return x:norm(2, 3) + x:norm(1, 3) + x:norm(math.huge, 3) + x:norm(3, 3) end,
  prod = function(x) return x:prod(2) + x:prod({ 2, 3 }, true):squeeze(3) end,
  quantile = function(x) return x:quantile(0.3, 2) end,
  softmax = function(x) return x:softmax() + x:softmax(2) end,
  std = function(x) return x:std(3) + x:std({ 2, 3 }, true, 0):squeeze(3) end,
  sum = function(x, tokens) return x:sum(3) - x:sum { 2, 3 }:unsqueeze(2) + tokens:sum(2, true) end,
  var = function(x) return x:var(2) * x:var(2, false, 0) end,
  -- by index
  argsort = function(x) return x:argsort { axis = 2, descending = true }:float() end,
  gather = function(x, tokens) return x:gather(four, 2) * weights:transpose():gather(tokens):sum { 2, 3 }
    :reshape { -1, 1, 1 } end,
  one_hot = function(x, tokens) return tokens:one_hot(4):matmul(x) + tokens:one_hot(5):slice(3, 2, 4) end,
  pick = function(x, tokens) return x:pick(tokens:slice(2, 2), 2) + x:transpose():pick(tokens:slice(2, 1, 3)) end,
  scatter_add = function(x, tokens)
    local zeros = x * 0
    return zeros:scatter_add(four:slice(1, 1, 4), x, 2) + zeros:slice(2, 1, 1):pad { 0, { 0, 3 }, 0 }
      :scatter_add(tokens:unsqueeze(3):gather(fnet.tensor({ 1, 1, 1 }, "int32"), 3), x, 2)
  end,
  sort = function(x) return (x:sort { descending = true }) - (x:sort { axis = 2 }) end,
  take_along_axis = function(x, tokens)
    return x:take_along_axis(tokens:unsqueeze(3):expand { #x, 4, 3 }, 2)
  end,
  topk = function(x)
    local most, places = x:topk(2, { axis = 2 })
    return most * places + (x:topk(2, { axis = 2, smallest = true }))
  end,
  -- products
  einsum = function(x) return fnet.einsum("bij,jk->bik", x, weights) end,
  matmul = function(x) return x:matmul(weights) + x:matmul(x:transpose()) end,
  -- views and joints
  chunk = function(x)
    local a, b = x:chunk(2, 2)
    return a * b
  end,
  concat = function(x) return fnet.concat({ x, x * 2, x }, 2) end,
  expand = function(x) return x:unsqueeze(3):expand { #x, 4, 2, 3 } end,
  flatten = function(x) return x:flatten(2) end,
  flip = function(x) return x:flip(2) end,
  pad = function(x) return x:pad({ 0, 1, { 2, 0 } }, 0.5) end,
  reshape = function(x) return x:transpose(1, 2):reshape { 4, -1, 3, 1 }:transpose(1, 2):reshape { -1, 12 } end,
  roll = function(x) return x:roll(1, 2) end,
  slice = function(x) return x:slice(2, 2, 3) end,
  stack = function(x) return fnet.stack({ x, -x }, 2) end,
  tile = function(x) return x:tile { 1, 2, 3 } end,
  transpose = function(x) return x:T() end,
  tril = function(x) return x:tril() + x:triu(1) * 2 end,
  unslice = function(x) return x:unslice(2, 2, 6, 7) end,
}

describe("an operation of tensors as ONNX", function()
  local x, tokens
  setup(function()
    fnet.seed(3)
    x, tokens = fnet.rand({ 5, 4, 3 }, -3, 3), (fnet.rand { 5, 4 } * 4 + 1):int()
  end)

  for _, name in ipairs(naming.sorted(exported)) do
    it("computes the same: " .. name, function()
      local f = exported[name]
      local takes_tokens = debug.getinfo(f, "u").nparams == 2
      local model = Own(f)
      local inputs = takes_tokens and { x, tokens } or { x }
      checks:add(model, inputs, { fnet.no_grad(model, table.unpack(inputs)) }, { input = inputs })
    end)
  end

  it("gives the same in onnxruntime", function()
    local reason = checks:run()
    if reason then pending(reason) end
  end)
end)

--- The rule of every operation: how a gradient goes back through it.
-- A rule is called as rule(dy, y, arguments..., saved) with the gradient of the result y and returns one gradient
-- an argument (nil for those without). Rules are made of operations, so they can be differentiated again;
-- where a faster kernel exists it is used when nothing is being recorded. What a rule marks with `last_use`, dy or
-- a tensor that it has made, it does not look at again: an operation may write its result into the same memory.

local core = require "fnet.core"

local methods, is_tensor, wants, fits, last_use = core.methods, core.is_tensor, core.wants, core.fits, core.last_use

-- The sum of dy over the axes along which `like` was repeated, in like's type; nil when like wants no gradient.
local function fit(dy, like)
  local fitting = fits(dy, like)
  if fitting ~= false then return fitting end
  local shape, target = dy.shape, like.shape
  local extra = #shape - #target
  for _ = 1, extra do dy = dy:sum(1) end
  for axis = 1, #target do
    if target[axis] == 1 and shape[axis + extra] ~= 1 then dy = dy:sum(axis, true) end
  end
  return dy:to(like.dtype)
end

-- dy of a reduction, with the reduced axis back in place and repeated to the shape of x. `axis` is one, a list, or
-- nil for all.
local function spread(dy, x, axis)
  local shape = x.shape
  local one = {}
  for i = 1, #shape do one[i] = (axis == nil or i == axis) and 1 or shape[i] end
  if type(axis) == "table" then
    for _, i in ipairs(axis) do one[i] = 1 end
  end
  return dy:reshape(one):expand(shape)
end

-- How many elements each result of a reduction is made of.
local function reduced_count(x, axis)
  if axis == nil then return x:count() end
  if type(axis) ~= "table" then return x.shape[axis] end
  local count = 1
  for _, i in ipairs(axis) do count = count * x.shape[i] end
  return count
end

local rules = { accumulate = methods.add, copy = methods.clone }

local function zeros(like) return core.full(like.shape, 0, like.dtype) end

-- A gradient that depends on nothing.
function rules.constant(_, _, x) return zeros(x) end
for _, name in ipairs { "sign", "floor", "ceil", "round", "trunc" } do rules[name] = rules.constant end

function rules.neg(dy) return -dy end
function rules.abs(dy, _, x) return dy * x:sign() end
-- The slope at 0, which is infinite, counts as 0: so the norm of zeros, written as a square root, has a gradient.
function rules.sqrt(dy, y)
  local zero = y:eq(0)
  return dy * (1 - zero) / (y * 2 + zero)
end
function rules.exp(dy, y) return last_use(dy) * y end
function rules.log(dy, _, x) return dy / x end
function rules.expm1(dy, _, x) return dy * x:exp() end
function rules.exp2(dy, y) return dy * (y * math.log(2)) end
function rules.log1p(dy, _, x) return dy / (x + 1) end
function rules.log2(dy, _, x) return dy / (x * math.log(2)) end
function rules.log10(dy, _, x) return dy / (x * math.log(10)) end
function rules.sin(dy, _, x) return dy * x:cos() end
function rules.cos(dy, _, x) return dy * -x:sin() end
function rules.tan(dy, y) return dy * (y * y + 1) end
function rules.asin(dy, _, x) return dy / ((1 - x) * (1 + x)):sqrt() end
function rules.acos(dy, _, x) return -(dy / ((1 - x) * (1 + x)):sqrt()) end
function rules.atan(dy, _, x) return dy / (x * x + 1) end
function rules.sinh(dy, _, x) return dy * x:cosh() end
function rules.cosh(dy, _, x) return dy * x:sinh() end
function rules.tanh(dy, y) return core.tanh_backward(last_use(dy), y) end
function rules.sigmoid(dy, y) return core.sigmoid_backward(last_use(dy), y) end
function rules.tanh_backward(g, _, dy, y)
  return wants(dy) and fit(core.tanh_backward(g, y), dy) or nil, wants(y) and fit(g * dy * (y * -2), y) or nil
end
function rules.sigmoid_backward(g, _, dy, y)
  return wants(dy) and fit(core.sigmoid_backward(g, y), dy) or nil, wants(y) and fit(g * dy * (1 - y * 2), y) or nil
end
function rules.relu(dy, y) return last_use(dy):gate(y) end
function rules.softplus(dy, _, x) return dy * last_use(x:sigmoid()) end
function rules.silu(dy, _, x) return dy * last_use(core.silu_slope(x)) end
function rules.silu_slope(dy, _, x)
  local s = x:sigmoid()
  return dy * (s * (1 - s) * (x * (1 - s * 2) + 2))
end
function rules.gelu(dy, _, x) return dy * last_use(core.gelu_slope(x)) end
function rules.gelu_slope(dy, _, x)
  local square = x * x
  return dy * ((square * -0.5):exp() * (2 - square) * (1 / math.sqrt(2 * math.pi)))
end
-- The slope at 0 is that of the negative side, as in PyTorch.
function rules.leaky_relu(dy, _, x, slope)
  if not (core.recording() or is_tensor(slope)) then return core.leaky_relu_backward(last_use(dy), x, slope) end
  local above = x:gt(0)
  return wants(x) and fit(core.where(above, dy, dy * slope), x) or nil,
    wants(slope) and fit(core.where(above, 0, dy * x), slope) or nil
end
function rules.elu(dy, y, x, alpha)
  if not (core.recording() or is_tensor(alpha)) and alpha >= 0 then
    return core.elu_backward(last_use(dy), y, alpha)
  end
  local above = x:gt(0)
  return wants(x) and fit(core.where(above, dy, dy * (y + alpha)), x) or nil,
    wants(alpha) and fit(core.where(above, 0, dy * core.elu(x, 1)), alpha) or nil
end
function rules.where(dy, _, condition, a, b)
  return nil, wants(a) and fit(core.where(condition, dy, 0), a) or nil,
    wants(b) and fit(core.where(condition, 0, dy), b) or nil
end
function rules.gate(dy, _, a, b) return fit(dy:gate(b), a), wants(b) and zeros(b) or nil end

function rules.add(dy, _, a, b) return fit(dy, a), fit(dy, b) end
function rules.sub(dy, _, a, b) return fit(dy, a), wants(b) and fit(-dy, b) or nil end
function rules.mul(dy, _, a, b)
  local both = wants(b)
  local da = wants(a) and fit((both and dy or last_use(dy)) * b, a) or nil
  return da, both and fit(last_use(dy) * a, b) or nil
end
function rules.div(dy, y, a, b)
  local db = wants(b) and fit(-(dy * y / b), b) or nil
  return wants(a) and fit(last_use(dy) / b, a) or nil, db
end
-- The slopes of a^0 and of 0^b (b > 0, in a and in b) are 0 where the formulas would give 0 * infinity or infinity.
function rules.pow(dy, y, a, b)
  local da, db
  if wants(a) then
    local less = is_tensor(b) and b - b:ne(0) or b ~= 0 and b - 1 or 0
    local slope = b * methods.pow(a, less)
    if is_tensor(b) or b > 0 and b < 1 then
      local root = is_tensor(b) and b:gt(0) * b:lt(1) or 1
      local steep = a:eq(0) * root
      slope = b * methods.pow(a + steep, less) * (1 - steep)
    end
    da = fit(dy * slope, a)
  end
  if wants(b) then
    local base = is_tensor(a) and a or core.tensor(a, y.dtype)
    db = fit(dy * (y * methods.log(base + base:eq(0))), b)
  end
  return da, db
end
-- The distance of the point from 0, 0 without its square, which may be too large or too small. There the slopes
-- count as 0.
function rules.atan2(dy, y, a, b)
  local distance = y:sin() * a + y:cos() * b
  distance = distance + distance:eq(0)
  return wants(a) and fit(dy * (b / distance / distance), a) or nil,
    wants(b) and fit(dy * (-a / distance / distance), b) or nil
end

-- Where both are equal each gets half.
local function share(dy, a, b, larger)
  local first = larger:gt(0) + larger:eq(0) * 0.5
  return wants(a) and fit(dy * first, a) or nil, wants(b) and fit(dy * (1 - first), b) or nil
end
function rules.maximum(dy, _, a, b) return share(dy, a, b, core.no_grad(methods.sub, a, b)) end
function rules.minimum(dy, _, a, b) return share(dy, a, b, core.no_grad(methods.sub, b, a)) end

function rules.sum(dy, _, x, axis) return spread(dy, x, axis):to(x.dtype) end
function rules.mean(dy, _, x, axis)
  return spread(dy / reduced_count(x, axis), x, axis)
end

-- How far x is from its mean, and what the squares are divided by.
local function distance(x, axis, correction)
  local count = reduced_count(x, axis)
  return x - x:mean(axis, axis ~= nil), math.max(count - (correction or 1), 0)
end
function rules.var(dy, _, x, axis, _, correction)
  local apart, count = distance(x, axis, correction)
  return spread(dy, x, axis) * (apart * (2 / count))
end
-- Where nothing is apart from the mean the deviation has no slope, and 0 is one between those around it.
function rules.std(dy, y, x, axis, _, correction)
  local apart, count = distance(x, axis, correction)
  local zero = y:eq(0)
  return spread(dy * (1 - zero) / count, x, axis) * (apart / spread(y + zero, x, axis))
end
function rules.norm(dy, y, x, axis) return spread(dy, x, axis) * (x / spread(y + y:eq(0), x, axis)) end

-- Elements that reach the extreme share its gradient.
function rules.max(dy, y, x, axis)
  local hit = x:eq(spread(y:detach(), x, axis))
  local hits = hit:sum(axis, true):expand(x.shape)
  return spread(dy, x, axis) * (hit / hits)
end
rules.min = rules.max

-- t by one place further along an axis, or one back; what comes in is 0.
local function shift(t, axis, back)
  local n = t.shape[axis]
  if n < 2 then return zeros(t) end
  if back then return t:slice(axis, 2, n):unslice(axis, 1, n) end
  return t:slice(axis, 1, n - 1):unslice(axis, 2, n)
end

-- Running products by one place further along an axis, or one back: what comes in is the product of nothing.
local function shift_product(y, axis, back)
  local one = zeros(y:slice(axis, 1, 1)) + 1
  return shift(y, axis, back) + one:unslice(axis, back and y.shape[axis] or 1, y.shape[axis])
end

-- y[i] = a[i] y[i - 1] + b[i]. The gradient of b, g[i] = dy[i] + a[i + 1] g[i + 1], is a scan the other way round,
-- and that of a[i] is g[i] y[i - 1]: no division, so zeros among the factors do not matter.
function rules.scan(dy, y, a, b, axis, reversed, what)
  if dy:count() == 0 then return wants(a) and zeros(a) or nil, wants(b) and zeros(b) or nil end
  local slope = core.scan(a and shift(a, axis, not reversed), dy, axis, not reversed, what)
  if not wants(a) then return nil, slope end
  return slope * (b and shift or shift_product)(y, axis, reversed), wants(b) and slope or nil
end

-- As of the last element of the running product.
function rules.prod(dy, _, x, axis, keep)
  if x:count() == 0 then return zeros(x) end
  local n = x.shape[axis]
  local last = (keep and dy or dy:unsqueeze(axis)):unslice(axis, n, n)
  local slope = core.scan(shift(x, axis, true), last, axis, true, "prod")
  return slope * shift_product(core.scan(x, nil, axis, false, "prod"), axis, false)
end

function rules.reshape(dy, _, x) return dy:reshape(x.shape) end
rules.flatten = rules.reshape
function rules.transpose(dy, _, _, a, b) return dy:transpose(a, b) end
function rules.slice(dy, _, x, axis, first) return dy:unslice(axis, first, x.shape[axis]) end
function rules.unslice(dy, _, x, axis, first) return dy:slice(axis, first, first + x.shape[axis] - 1) end
function rules.select(dy, _, x, axis, index)
  local shape = x.shape
  local length = shape[axis]
  shape[axis] = 1
  return dy:reshape(shape):unslice(axis, index, length)
end
function rules.expand(dy, _, x) return fit(dy, x) end
function rules.clone(dy) return dy end
function rules.contiguous(dy) return dy end
function rules.to(dy, _, x) return dy:to(x.dtype) end

function rules.matmul(dy, _, a, b)
  return wants(a) and fit(core.matmul(dy, b:transpose()), a) or nil,
    wants(b) and fit(core.matmul(a:transpose(), dy), b) or nil
end

function rules.dense(dy, _, x, w, b)
  if not core.recording() then return core.dense_backward(dy, x, w, b) end
  local dx, rows, slopes = nil, x, dy
  if x.rank ~= 2 then
    rows, slopes = x:reshape { -1, #w }, dy:reshape { -1, w.shape[2] }
  end
  if wants(x) then
    dx = core.matmul(slopes, w:transpose())
    if rows ~= x then dx = dx:reshape(x.shape) end
  end
  return dx, wants(w) and core.matmul(rows:transpose(), slopes) or nil,
    wants(b) and slopes:sum(1) or nil
end

-- The height and width of a picture, or of each of a batch.
local function size_of(x)
  local shape = x.shape
  return shape[#shape - 2], shape[#shape - 1]
end

-- A convolution, its gradient with respect to the input and the one with respect to the weights are one trilinear
-- form of (x, w, dy) with one factor taken away, so that each is the others' derivative.
function rules.conv2d(dy, _, x, w, b, _, ...)
  local field, height, width = w.shape, size_of(x)
  return wants(x) and core.conv2d_input(dy, w, height, width, ...) or nil,
    wants(w) and core.conv2d_weight(x, dy, field[1], field[2], ...) or nil,
    wants(b) and dy:reshape({ -1, field[4] }):sum(1) or nil
end
function rules.conv2d_input(g, _, dy, w, _, _, ...)
  local field = w.shape
  return wants(dy) and core.conv2d(g, w, nil, nil, ...) or nil,
    wants(w) and core.conv2d_weight(g, dy, field[1], field[2], ...) or nil
end
function rules.conv2d_weight(g, _, x, dy, _, _, ...)
  local height, width = size_of(x)
  return wants(x) and core.conv2d_input(dy, g, height, width, ...) or nil,
    wants(dy) and core.conv2d(x, g, nil, nil, ...) or nil
end

-- Poolings: the geometry is eight numbers, and behind them stands, for maxima, where each of them came from.
function rules.max_pool(dy, _, x, _, ...)
  local height, width = size_of(x)
  return core.max_pool_input(dy, height, width, ...)
end
function rules.max_pool_input(g, _, _, _, _, ...) return core.pool_pick(g, nil, ...) end
rules.pool_pick = rules.max_pool
function rules.avg_pool(dy, _, x, _, ...)
  local height, width = size_of(x)
  return core.avg_pool_input(dy, height, width, ...)
end
function rules.avg_pool_input(g, _, _, _, _, ...) return core.avg_pool(g, nil, ...) end

function rules.gather(dy, _, x, indices, axis)
  axis = axis or 1
  if indices.rank ~= 1 then
    local shape = x.shape
    shape[axis] = indices:count()
    dy, indices = dy:reshape(shape), indices:reshape { -1 }
  end
  return core.scatter(dy, indices, axis, x.shape[axis])
end
function rules.scatter(dy, _, _, indices, axis) return core.gather(dy, indices, axis) end
function rules.take_along(dy, _, x, indices, axis) return core.put_along(dy, indices, axis, x.shape[axis]) end
function rules.put_along(dy, _, _, indices, axis) return core.take_along(dy, indices, axis) end
function rules.pick(dy, _, x, indices, axis)
  axis = axis or x.rank
  return core.put_along(dy:unsqueeze(axis), indices:unsqueeze(axis), axis, x.shape[axis])
end
function rules.flip(dy, _, _, axis) return core.flip(dy, axis) end
function rules.triangle(dy, _, _, upper, diagonal, what) return core.triangle(dy, upper, diagonal, what) end
function rules.concat2(dy, _, a, b, axis)
  local n = a.shape[axis]
  return dy:slice(axis, 1, n), dy:slice(axis, n + 1, n + b.shape[axis])
end

function rules.softmax(dy, y)
  if not core.recording() then return core.softmax_backward(y, last_use(dy)) end
  return y * (dy - (dy * y):sum(y.rank, true))
end

function rules.cross_entropy(dy, _, logits, labels, probability)
  if not core.recording() then return core.cross_entropy_backward(dy, probability, labels) end
  local rows = logits:count() // logits.shape[logits.rank]
  return (core.softmax(logits) - core.one_hot(labels, logits, "cross_entropy")) * (dy / rows)
end

function rules.class_costs(dy, _, target, logits, exponential)
  if not core.recording() then return nil, core.class_costs_backward(dy, target, exponential) end
  local axis, direct = logits.rank, dy * target
  local slope = (logits - logits:detach():max(axis, true)):exp()
  return nil, slope * (direct:sum(axis, true) / slope:sum(axis, true)) - direct
end

-- The gradients of (x - mean) / sqrt(variance + epsilon) * w + b with respect to x, w, b, from operations; mean and
-- variance are taken along an axis, which w and b do not have.
local function normalised_slopes(dy, x, w, epsilon, axis, others)
  local centred = x - x:mean(axis, true)
  local inverse = 1 / ((centred * centred):mean(axis, true) + epsilon):sqrt()
  local z, g = centred * inverse, dy * w
  local dx = (g - g:mean(axis, true) - z * (g * z):mean(axis, true)) * inverse
  return dx, (dy * z):sum(others), dy:sum(others)
end

function rules.batch_norm(dy, _, x, w, _, mean, inverse, epsilon)
  local rows = x:count() // #mean
  if core.recording() then
    local dx, dw, db = normalised_slopes(dy:reshape { rows, #mean }, x:reshape { rows, #mean }, w, epsilon, 1, 1)
    return dx:reshape(x.shape), dw, db
  end
  local dw, db = core.batch_norm_weight(x, dy, mean, inverse), dy:reshape { rows, #mean }:sum(1)
  local dx = wants(x) and core.batch_norm_backward(x, dy, mean, inverse, db / rows, dw / rows, w) or nil
  return dx, dw, db
end

function rules.layer_norm(dy, _, x, w, _, epsilon, saved)
  local matrix = { x:count() // #w, #w }
  if core.recording() then
    local dx, dw, db = normalised_slopes(dy:reshape(matrix), x:reshape(matrix), w, epsilon, 2, 1)
    return dx:reshape(x.shape), dw, db
  end
  local dx, dw = core.layer_norm_backward(dy, x, w, saved)
  return dx, dw, dy:reshape(matrix):sum(1)
end

function rules.rms_norm(dy, _, x, w, epsilon, saved)
  if not core.recording() then return core.rms_norm_backward(dy, x, w, saved) end
  local inverse = 1 / ((x * x):mean(x.rank, true) + epsilon):sqrt()
  local z, g = x * inverse, dy * w
  return (g - z * (g * z):mean(x.rank, true)) * inverse, (dy * z):reshape { x:count() // #w, #w }:sum(1)
end

function rules.group_norm(dy, _, x, w, _, groups, epsilon, batch, saved)
  if core.recording() then
    local n = #w
    local matrix = { groups, n // groups }
    local places = x:count() // math.max(batch * n, 1)
    local shape = { batch, places, groups, n // groups }
    local dx, dw, db = normalised_slopes(dy:reshape(shape), x:reshape(shape), w:reshape(matrix), epsilon, { 2, 4 },
      { 1, 2 })
    return dx:reshape(x.shape), dw:reshape { n }, db:reshape { n }
  end
  return core.group_norm_backward(dy, x, w, groups, saved)
end

-- `gates` were x w + b, but hold the gates now: second derivatives begin from x, w and b themselves.
function rules.recurrent(dy, y, gates, x, w, b, kind, reversed, lengths, weight, bias, h, c, extra)
  if core.recording() then
    return require "fnet.tensor.recurrent"(dy, x, w, b, kind, reversed, lengths, weight, bias, h, c)
  end
  local slopes, told, before, dh, dc =
    core.recurrent_backward(dy, y, gates, kind, reversed, lengths, weight, bias, h, c, extra)
  local dweight
  if wants(weight) then
    local units = #weight
    local states, rows = before:reshape({ -1, units }):transpose(), slopes:reshape { -1, weight.shape[2] }
    if told then -- GRU: the candidate's sum of the state has a slope of its own
      dweight = core.concat2(core.matmul(states, rows:slice(2, 1, 2 * units)),
        core.matmul(states, told:reshape { -1, units }), 2)
    else
      dweight = core.matmul(states, rows)
    end
  end
  local dbias = wants(bias) and told:reshape({ -1, #weight }):sum(1) or nil
  core.discard(before, dy) -- its memory is used again
  core.discard(told, dy)
  return wants(gates) and slopes or nil, nil, nil, nil, nil, nil, nil, dweight, dbias, wants(h) and dh or nil,
    wants(c) and dc or nil
end

core.rules(rules)

return rules

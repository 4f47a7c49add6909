--- Losses: each the mean over a batch, as a tensor of one element, differentiable as often as one likes.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"
local divisor = require "fnet.nn.divisor"

local loss = {}

-- The logits that cross_entropy computes with. What is known to hold probabilities is never taken for logits.
local function logits_of(output)
  local maker, logits, axis = core.made_by(output)
  if maker ~= "softmax" or logits and axis == output.rank then return logits or output end
  if logits then
    core.raise("cross_entropy: expected logits or a softmax over the last axis, got a softmax over axis %d of " ..
      "%s; transpose it, so that the classes are the last axis", axis, say.shape(output.shape))
  end
  core.raise("cross_entropy: expected logits or whole rows of a softmax, got %s of probabilities that a softmax " ..
    "made, taken apart, joined or changed; do so with the logits before the softmax", say.value(output))
end

-- weight * cost, where a weight of 0 leaves out a cost that is infinite.
local function weighted(weight, cost)
  if cost:detach():max():item() ~= math.huge then return weight * cost end
  return weight * core.where(weight:eq(0) * cost:eq(math.huge), 0, cost)
end

-- Class weights as a tensor [classes] of the output's type.
local function weights_of(value, output)
  local classes = output.shape[output.rank]
  local weights = type(value) == "table" and core.tensor(value, output.dtype) or value
  expect.that(core.is_tensor(weights) and weights.rank == 1 and #weights == classes, "cross_entropy: weights",
    ("one for each of the %d classes"):format(classes), weights)
  if weights:min():item() < 0 then
    core.raise("cross_entropy: weights: expected none below 0, got %g for class %d", weights:min():item(),
      weights:argmin():item())
  end
  return weights:to(output.dtype)
end

-- The part of a target that all classes share; a class with the logit -inf, which is none, gets nothing of it.
local function shares(logits, smoothing)
  local classes = logits.shape[logits.rank]
  local possible = logits:ne(-math.huge)
  return possible * (classes / possible:sum(logits.rank, true)) * (smoothing / classes)
end

-- The same with distributions for labels, smoothing or weights: sum(weight * target * -log(softmax)) / norm; and
-- the norm.
local function weighted_cross_entropy(output, labels, options)
  local target, norm = labels, output:count() // output.shape[output.rank]
  local weights = options.weights ~= nil and weights_of(options.weights, output)
  if not is.float(labels) then
    target = core.one_hot(labels, output, "cross_entropy")
    norm = weights and (target * weights):sum():item() or norm
  end
  local smoothing = options.smoothing
  if smoothing ~= nil then
    expect.number("cross_entropy: smoothing", smoothing, 0, 1)
    target = target * (1 - smoothing) + shares(output, smoothing)
  end
  if weights then target = target * weights end
  local total = weighted(target, -output:log_softmax()):sum()
  return norm == 0 and total or total / norm, norm -- 0 where all labels have the weight 0
end

-- The rows whose label is not `ignored`, and their labels.
local function rows_but(ignored, output, labels)
  expect.count("cross_entropy: ignore", ignored, math.mininteger)
  if not core.is_tensor(labels) or is.float(labels) then
    core.raise("cross_entropy: ignore: expected a tensor of labels beside it, got " .. say.value(labels))
  end
  local each, classes = output.shape, output.shape[output.rank]
  local rows = output:count() // classes
  each[#each] = nil
  local fits = labels.rank == 1 and #labels == rows or is.same_shape(labels.shape, each)
  if not fits then core.one_hot(labels, output, "cross_entropy") end -- raises
  local kept = core.labels_but(ignored, labels, classes)
  return core.gather(output:reshape { rows, classes }, kept), core.gather(labels:flatten(), kept)
end

--- Cross-entropy, the mean over the rows of -log(probability of the right class). Takes logits, or the result of
-- a softmax, also behind views and copies: then the logits it was made from are used (log-sum-exp), so that no
-- probability rounds to zero. A class with the logit -inf is none: it costs nothing where its target is 0.
---@param output tensor [batch, ..., classes] or [classes]; with distributions two classes at least
---@param labels tensor|integer [batch], or the output's shape without its last axis, int32 or uint8, from 1 to
--- classes; a number for one sample; or distributions of the output's shape, floats whose rows sum to 1
---@param options? table smoothing: 0, the part of each target that all classes share but those with the logit -inf
--- (Szegedy and others, 2016, section 7); weights: a number for each class. With labels the mean is then divided by
--- the sum of the weights of the batch's labels, with distributions by the number of rows, both as in PyTorch, but
--- that the loss is 0 where all those weights are;
--- ignore: a label, such as 0 for padding, whose rows do not count; the loss is 0 where no row does
---@return tensor loss one element
function loss.cross_entropy(output, labels, options)
  local logits = logits_of(output)
  local distribution = is.float(labels) and core.is_tensor(logits) and labels.rank == logits.rank
  if options == nil and not distribution then return core.cross_entropy(logits, labels) end
  expect.tensor("cross_entropy", output)
  options = expect.options("cross_entropy", options, { "smoothing", "weights", "ignore" })
  expect.that(is.float(logits) and logits.rank > 0 and logits:count() > 0, "cross_entropy",
    "at least one row and one class of floats", logits)
  if distribution and not is.same_shape(labels.shape, logits.shape) then
    core.raise("cross_entropy: expected labels [batch], or distributions of the shape of the output %s, got %s",
      say.shape(logits.shape), say.value(labels))
  end
  if distribution and logits.shape[logits.rank] == 1 then
    core.raise("cross_entropy: expected an output for each class, at least two, got " .. say.value(logits) ..
      "; a single logit with targets of 0 and 1 has binary_cross_entropy")
  end
  if options.ignore ~= nil then
    logits, labels = rows_but(options.ignore, logits, labels)
    if #labels == 0 then return divisor.note(logits:sum(), 0) end -- of nothing, and on the tape
  end
  local mean, norm
  if not distribution and options.smoothing == nil and options.weights == nil then
    mean, norm = core.cross_entropy(logits, labels), #labels
  else
    mean, norm = weighted_cross_entropy(logits, labels, options)
  end
  local by_rows = options.ignore == nil and (options.weights == nil or distribution)
  return by_rows and mean or divisor.note(mean, norm)
end

-- Raises unless both are tensors of one shape with something in them.
local function check_pair(what, output, target)
  if not (core.is_tensor(output) and core.is_tensor(target)) then
    core.raise("%s: expected two tensors, got %s and %s", what, say.value(output), say.value(target))
  end
  local a, b = output.shape, target.shape
  if not is.same_shape(a, b) then
    local column = #a == #b + 1 and a[#a] == 1 and is.same_shape({ table.unpack(a, 1, #b) }, b)
    core.raise("%s: expected equal shapes, got %s and %s%s", what, say.shape(a), say.shape(b),
      column and ("; output:squeeze(%d) drops the axis of length 1"):format(#a) or "")
  end
  if output:count() == 0 then core.raise("%s: expected at least one element, got %s", what, say.shape(a)) end
end

--- Binary cross-entropy of logits (not of probabilities: leave out the Sigmoid, or use it only to predict): the
-- mean over all elements of -target log(sigmoid(x)) - (1 - target) log(1 - sigmoid(x)).
---@param output tensor logits; the result of a sigmoid or softmax raises an error, also behind views and copies
---@param target tensor of the same shape, 0 or 1, or a probability
---@return tensor loss one element
function loss.binary_cross_entropy(output, target)
  check_pair("binary_cross_entropy", output, target)
  local maker = core.made_by(output)
  if maker then
    core.raise("binary_cross_entropy: expected logits, got the result of a %s; leave the %s out of the model, " ..
      "and apply it to predict: model(x):%s()", maker, maker == "sigmoid" and "Sigmoid" or "Softmax", maker)
  end
  local low, high = target:min():item(), target:max():item()
  if low < 0 or high > 1 then
    local value = low < 0 and low or high
    core.raise("binary_cross_entropy: expected targets of 0 or 1, or probabilities, got %g%s", value,
      value == 2 and "; subtract 1 from labels that count from 1" or "")
  end
  -- log(sigmoid(x)) = -softplus(-x): no probability rounds to 0 or 1
  return (weighted(target, (-output):softplus()) + weighted(1 - target, output:softplus())):mean()
end

--- Mean squared error: the mean over all elements of (output - target)^2.
---@param output tensor
---@param target tensor of the same shape
---@return tensor loss one element
function loss.mse(output, target)
  check_pair("mse", output, target)
  local difference = output - target
  return (difference * difference):mean()
end

--- Mean absolute error: the mean over all elements of |output - target|.
---@param output tensor
---@param target tensor of the same shape
---@return tensor loss one element
function loss.mae(output, target)
  check_pair("mae", output, target)
  return (output - target):abs():mean()
end

--- Huber's loss (1964): squared for small differences d, linear for large ones; the mean over all elements of
-- d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2).
---@param output tensor
---@param target tensor of the same shape
---@param options? table delta: 1
---@return tensor loss one element
function loss.huber(output, target, options)
  options = expect.options("huber", options, { "delta" })
  local delta = options.delta == nil and 1 or expect.number("huber: delta", options.delta, 1e-30, math.huge)
  check_pair("huber", output, target)
  local difference = output - target
  local limited = difference:clamp(-delta, delta)
  return (limited * (difference - limited * 0.5)):mean()
end

return loss

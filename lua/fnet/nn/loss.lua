--- Losses: each the mean over a batch, as a tensor of one element, differentiable as often as one likes.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"

local loss = {}

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

-- The same with distributions for labels, smoothing or weights: -sum(weight * target * log(softmax)) / norm.
local function weighted_cross_entropy(output, labels, options)
  options = expect.options("cross_entropy", options, { "smoothing", "weights" })
  local target, norm = labels, output:count() // output.shape[output.rank]
  local weights = options.weights ~= nil and weights_of(options.weights, output)
  if not is.float(labels) then
    target = core.one_hot(labels, output, "cross_entropy")
    norm = weights and (target * weights):sum() or norm
  end
  local smoothing = options.smoothing
  if smoothing ~= nil then
    expect.number("cross_entropy: smoothing", smoothing, 0, 1)
    target = target * (1 - smoothing) + smoothing / output.shape[output.rank]
  end
  if weights then target = target * weights end
  return -(output:log_softmax() * target):sum() / norm
end

--- Cross-entropy, the mean over the batch of -log(probability of the right class). Takes logits, or the result of
-- a softmax: then the logits it was made from are used (log-sum-exp), so that no probability rounds to zero.
---@param output tensor [batch, classes] or [classes]; with distributions two classes at least
---@param labels tensor|integer [batch], int32 or uint8, from 1 to classes; a number for one sample; or
--- distributions of the output's shape, floats whose rows sum to 1
---@param options? table smoothing: 0, the part of each target that all classes share (Szegedy and others, 2016,
--- section 7); weights: a number for each class. With labels the mean is then divided by the sum of the weights of
--- the batch's labels, with distributions by the number of rows, both as in PyTorch
---@return tensor loss one element
function loss.cross_entropy(output, labels, options)
  local logits = core.logits(output) or output
  local distribution = is.float(labels) and core.is_tensor(logits) and labels.rank == logits.rank
  if options == nil and not distribution then return core.cross_entropy(logits, labels) end
  expect.tensor("cross_entropy", output)
  expect.that(is.float(logits) and logits.rank > 0 and #logits > 0, "cross_entropy", "at least one row of floats",
    logits)
  if distribution and not is.same_shape(labels.shape, logits.shape) then
    core.raise("cross_entropy: expected labels [batch], or distributions of the shape of the output %s, got %s",
      say.shape(logits.shape), say.value(labels))
  end
  if distribution and logits.shape[logits.rank] == 1 then
    core.raise("cross_entropy: expected an output for each class, at least two, got " .. say.value(logits) ..
      "; a single logit with targets of 0 and 1 has binary_cross_entropy")
  end
  return weighted_cross_entropy(logits, labels, options)
end

-- Raises unless both are tensors of one shape with something in them.
local function check_pair(what, output, target)
  if not (core.is_tensor(output) and core.is_tensor(target)) then
    core.raise("%s: expected two tensors, got %s and %s", what, say.value(output), say.value(target))
  end
  local a, b = output.shape, target.shape
  if not is.same_shape(a, b) then
    core.raise("%s: expected equal shapes, got %s and %s", what, say.shape(a), say.shape(b))
  end
  if output:count() == 0 then core.raise("%s: expected at least one element, got %s", what, say.shape(a)) end
end

--- Binary cross-entropy of logits (not of probabilities: leave out the Sigmoid, or use it only to predict): the
-- mean over all elements of -target log(sigmoid(x)) - (1 - target) log(1 - sigmoid(x)).
---@param output tensor logits; the result of a sigmoid raises an error
---@param target tensor of the same shape, 0 or 1, or a probability
---@return tensor loss one element
function loss.binary_cross_entropy(output, target)
  check_pair("binary_cross_entropy", output, target)
  if core.is_sigmoid(output) then
    core.raise("binary_cross_entropy: expected logits, got the result of a sigmoid; leave the Sigmoid out of " ..
      "the model, and apply it to predict: model(x):sigmoid()")
  end
  local low, high = target:min():item(), target:max():item()
  if low < 0 or high > 1 then
    local value = low < 0 and low or high
    core.raise("binary_cross_entropy: expected targets of 0 or 1, or probabilities, got %g%s", value,
      value == 2 and "; subtract 1 from labels that count from 1" or "")
  end
  -- log(sigmoid(x)) = -softplus(-x): no probability rounds to 0 or 1
  return (target * (-output):softplus() + (1 - target) * output:softplus()):mean()
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

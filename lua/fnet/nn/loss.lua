--- Losses: each the mean over a batch, as a tensor of one element, differentiable as often as one likes; or the
-- sum, or the loss of each row or element.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"
local divisor = require "fnet.nn.divisor"
local reduction = require "fnet.nn.reduction"

local loss = {} -- no function of it ends in a tail call, so that messages find its name

-- The logits that a loss of whole distributions computes with. What is known to hold probabilities is never taken
-- for logits.
local function logits_of(what, output)
  local maker, logits, axis = core.made_by(output)
  if maker ~= "softmax" or logits and axis == output.rank then return logits or output end
  if logits then
    core.raise("%s: expected logits or a softmax over the last axis, got a softmax over axis %d of %s; " ..
      "transpose it, so that the classes are the last axis", what, axis, say.shape(output.shape))
  end
  core.raise("%s: expected logits or whole rows of a softmax, got %s of probabilities that a softmax made, " ..
    "taken apart, joined or changed; do so with the logits before the softmax", what, say.value(output))
end

-- weight * cost, where a weight of 0 leaves out a cost that is infinite.
local function weighted(weight, cost)
  if cost:detach():max():item() ~= math.huge then return weight * cost end
  return weight * core.where(weight:eq(0) * cost:eq(math.huge), 0, cost)
end

-- What the classes of a target cost: target * -log(softmax(logits)), in one pass where the target learns nothing.
local function class_costs(target, logits)
  if target.requires_grad or target.dtype ~= logits.dtype then return weighted(target, -logits:log_softmax()) end
  return (core.class_costs(target, logits))
end

-- Class weights as a tensor [classes] of the output's type.
local function weights_of(value, output)
  local classes = output.shape[output.rank]
  local weights = type(value) == "table" and core.tensor(value, output.dtype) or value
  expect.that(core.is_tensor(weights) and weights.rank == 1 and #weights == classes, "cross_entropy: weights",
    ("one for each of the %d classes"):format(classes), weights)
  local least, most = weights:min():item(), weights:max():item()
  if not (least >= 0 and most < math.huge) then
    core.raise("cross_entropy: weights: expected finite ones of at least 0, got %s for class %d",
      say.number(least < 0 and least or most, "%g"), (least < 0 and weights:argmin() or weights:argmax()):item())
  end
  return weights:to(output.dtype)
end

-- The part of a target that all classes share; a class with the logit -inf, which is none, gets nothing of it.
local function shares(logits, smoothing)
  local classes = logits.shape[logits.rank]
  if logits:detach():min():item() > -math.huge then return smoothing / classes end
  local possible = logits:ne(-math.huge)
  return possible * (classes / possible:sum(logits.rank, true)) * (smoothing / classes)
end

-- The costs of all classes with distributions for labels, smoothing or weights, weight * target * -log(softmax);
-- and what the mean of the rows' sums divides by.
local function weighted_costs(output, labels, options)
  local norm, smoothing = output:count() // output.shape[output.rank], options.smoothing
  local weights = options.weights ~= nil and weights_of(options.weights, output)
  local target = is.float(labels) and labels or core.one_hot(labels, output, "cross_entropy")
  local plain = weights and target * weights
  if weights and target ~= labels then norm = plain:sum():item() end
  if smoothing == nil then return class_costs(plain or target, output), norm end
  expect.number("cross_entropy: smoothing", smoothing, 0, 1)
  local share = shares(output, smoothing)
  if target ~= labels and type(share) == "number" then
    local values = core.tensor({ 0, 1 }, output.dtype) * (1 - smoothing) + share
    target = core.one_hot(labels, output, "cross_entropy", values[2], values[1])
  else
    target = target * (1 - smoothing) + share
  end
  return class_costs(weights and target * weights or target, output), norm
end

-- The positions of the rows whose label is not `ignored` (nil: of all), checked, and all labels as a list.
local function rows_but(ignored, output, labels)
  local each, classes = output.shape, output.shape[output.rank]
  local rows = output:count() // classes
  each[#each] = nil
  local fits = core.is_tensor(labels) and not is.float(labels)
    and (labels.rank == 1 and #labels == rows or is.same_shape(labels.shape, each))
  if not fits then core.one_hot(labels, output, "cross_entropy") end -- raises, but for a number
  if not core.is_tensor(labels) then labels = core.tensor({ labels }, "int32") end
  return core.labels_but(ignored or math.mininteger, labels, classes), labels:flatten():int()
end

-- The losses of rows [rows, classes] with one label each.
local function label_costs(logits, labels)
  return class_costs(core.one_hot(labels, logits, "cross_entropy"), logits):pick(labels)
end

-- The losses one by one, in the shape of the output without its last axis: 0 where the label is ignored.
local function each_row(logits, labels, options, is_plain)
  local shape, classes = logits.shape, logits.shape[logits.rank]
  shape[#shape] = nil
  if is.float(labels) then return (weighted_costs(logits, labels, options)):sum(logits.rank) end
  local kept, list = rows_but(options.ignore, logits, labels)
  logits = logits:reshape { #list, classes }
  local rows, of_kept = core.gather(logits, kept), core.gather(list, kept)
  if #kept == 0 then return core.full(shape, 0, logits.dtype) + rows:sum() end -- of nothing, and on the tape
  local costs = is_plain and label_costs(rows, of_kept) or (weighted_costs(rows, of_kept, options)):sum(2)
  return core.scatter(costs, kept, 1, #list):reshape(shape)
end

-- The mean, and what it was divided by.
local function mean_of_rows(logits, labels, options, is_plain)
  if options.ignore ~= nil then
    local kept, list = rows_but(options.ignore, logits, labels)
    logits = core.gather(logits:reshape { #list, logits.shape[logits.rank] }, kept)
    if #kept == 0 then return logits:sum(), 0 end -- of nothing, and on the tape
    labels = core.gather(list, kept)
  end
  if is_plain then return core.cross_entropy(logits, labels), logits:count() // logits.shape[logits.rank] end
  local costs, norm = weighted_costs(logits, labels, options)
  local sum = costs:sum()
  core.discard(costs, sum) -- its memory is used again
  return norm == 0 and sum or sum / norm, norm -- 0 where all labels have the weight 0
end

--- Cross-entropy, the mean over the rows of -log(probability of the right class). Takes logits, or the result of
-- a softmax, also behind views and copies: then the logits it was made from are used (log-sum-exp), so that no
-- probability rounds to zero. A class with the logit -inf is none: it costs nothing where its target is 0.
---@param output tensor # [batch, ..., classes] or [classes]; with distributions two classes at least
---@param labels tensor|integer # [batch], or the output's shape without its last axis, int32 or uint8, from 1 to
--- classes; a number for one sample; or distributions of the output's shape, floats whose rows sum to 1
---@param options? table smoothing: 0, the part of each target that all classes share but those with the logit -inf
--- (Szegedy and others, 2016, section 7); weights: tensor|number[], one for each class. With labels the mean is
--- then divided by the sum of the weights of the batch's labels, with distributions by the number of rows, both as
--- in PyTorch, but that the loss is 0 where all those weights are; ignore: number, a label, such as 0 for padding,
--- whose rows do not count; the loss is 0 where no row does; reduction: "mean", "sum" of the rows, or "none": the
--- loss of each row, 0 where it is ignored
---@return tensor loss one element; with reduction = "none" the output's shape without its last axis
function loss.cross_entropy(output, labels, options)
  local logits = logits_of("cross_entropy", output)
  local distribution = is.float(labels) and core.is_tensor(logits) and labels.rank == logits.rank
  if options == nil and not distribution then return core.cross_entropy(logits, labels) end
  expect.tensor("cross_entropy", output)
  options = expect.options("cross_entropy", options, { "smoothing", "weights", "ignore", "reduction" })
  local how = reduction.option("cross_entropy", options.reduction)
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
    expect.count("cross_entropy: ignore", options.ignore, math.mininteger)
    if not core.is_tensor(labels) or is.float(labels) then
      core.raise("cross_entropy: ignore: expected a tensor of labels beside it, got " .. say.value(labels))
    end
  end
  local is_plain = not distribution and options.smoothing == nil and options.weights == nil
  if how ~= "mean" then return reduction.of(each_row(logits, labels, options, is_plain), how) end
  local mean, norm = mean_of_rows(logits, labels, options, is_plain)
  local by_rows = options.ignore == nil and (options.weights == nil or distribution)
  return by_rows and mean or divisor.note(mean, norm)
end

--- The Kullback-Leibler divergence of the output's distribution from the target's, in nats: the mean over the rows
-- of sum(target * (log(target) - log(softmax(output)))), with 0 log 0 = 0 (Kullback, Leibler, 1951). Cross-entropy
-- less the entropy of the target, so that it is 0 where both are the same: for distillation
-- (`nn.kl_divergence(student(x), teacher(x):detach():softmax())`) and for policies. The mean is over rows,
-- PyTorch's "batchmean".
---@param output tensor # [batch, ..., classes] or [classes]: logits, or the result of a softmax or log_softmax
---@param target tensor probabilities of the same shape, whose rows sum to 1
---@param options? table reduction: "mean", "sum" of the rows, or "none": each row's
---@return tensor loss one element; with reduction = "none" the output's shape without its last axis
function loss.kl_divergence(output, target, options)
  reduction.check_pair("kl_divergence", output, target)
  options = expect.options("kl_divergence", options, { "reduction" })
  local logits = logits_of("kl_divergence", output)
  if not is.float(logits) or not is.float(target) or logits.rank == 0 then
    core.raise("kl_divergence: expected floats [batch, classes] and probabilities of that shape, got %s and %s",
      say.value(output), say.value(target))
  end
  local low = target:detach():min():item()
  if low < 0 then
    core.raise("kl_divergence: expected probabilities for the target, got %g; logits become such by :softmax()",
      low)
  end
  local own = target * core.where(target:eq(0), 1, target):log()
  local each = (class_costs(target, logits) + own):sum(logits.rank)
  return reduction.of(each, reduction.option("kl_divergence", options.reduction))
end

local function binary_costs(output, target)
  local low, high = target:min():item(), target:max():item()
  if low < 0 or high > 1 then
    local value = low < 0 and low or high
    core.raise("binary_cross_entropy: expected targets of 0 or 1, or probabilities, got %g%s", value,
      value == 2 and "; subtract 1 from labels that count from 1" or "")
  end
  -- log(sigmoid(x)) = -softplus(-x): no probability rounds to 0 or 1
  return weighted(target, (-output):softplus()) + weighted(1 - target, output:softplus())
end

--- Binary cross-entropy of logits (not of probabilities: leave out the Sigmoid, or use it only to predict): the
-- mean over all elements of -target log(sigmoid(x)) - (1 - target) log(1 - sigmoid(x)).
---@param output tensor logits; the result of a sigmoid or softmax raises an error, also behind views and copies
---@param target tensor of the same shape, 0 or 1, or a probability
---@param options? table reduction: "mean", "sum" or "none": each element's; ignore: number, a target, such as -1,
--- whose elements do not count
---@return tensor loss one element; with reduction = "none" of the output's shape
function loss.binary_cross_entropy(output, target, options)
  local maker = core.is_tensor(output) and core.made_by(output)
  if maker then
    core.raise("binary_cross_entropy: expected logits, got the result of a %s; leave the %s out of the model, " ..
      "and apply it to predict: model(x):%s()", maker, maker == "sigmoid" and "Sigmoid" or "Softmax", maker)
  end
  return (reduction.elements("binary_cross_entropy", output, target, options, binary_costs))
end

local function squares(output, target)
  local difference = output - target
  return difference * difference
end

--- Mean squared error: the mean over all elements of (output - target)^2.
---@param output tensor
---@param target tensor of the same shape
---@param options? table reduction: "mean", "sum" or "none": each element's; ignore: number, a target whose elements
--- do not count, such as a number that stands for a missing value
---@return tensor loss one element; with reduction = "none" of the output's shape
function loss.mse(output, target, options)
  return (reduction.elements("mse", output, target, options, squares))
end

local function distances(output, target) return (output - target):abs() end

--- Mean absolute error: the mean over all elements of |output - target|.
---@param output tensor
---@param target tensor of the same shape
---@param options? table reduction, ignore: as for mse
---@return tensor loss one element; with reduction = "none" of the output's shape
function loss.mae(output, target, options)
  return (reduction.elements("mae", output, target, options, distances))
end

local HUBER = { "delta", "reduction", "ignore" }

local function huber_costs(output, target, options)
  local delta = options.delta == nil and 1 or expect.number("huber: delta", options.delta, 1e-30, math.huge)
  local difference = output - target
  local limited = difference:clamp(-delta, delta)
  return limited * (difference - limited * 0.5)
end

--- Huber's loss (1964): squared for small differences d, linear for large ones; the mean over all elements of
-- d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2).
---@param output tensor
---@param target tensor of the same shape
---@param options? table delta: 1; reduction, ignore: as for mse
---@return tensor loss one element; with reduction = "none" of the output's shape
function loss.huber(output, target, options)
  return (reduction.elements("huber", output, target, options, huber_costs, HUBER))
end

return loss

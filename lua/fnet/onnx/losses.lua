--- The losses of ONNX: classes are on the second axis and count from 0.

local core = require "fnet.core"
local is = require "fnet.base.is"
local say = require "fnet.base.say"
local values = require "fnet.onnx.values"

local operations = {}

-- Raises unless there are numbers [batch, classes, ...], labels [batch, ...] and a weight for each class, if any.
local function check(x, labels, weight)
  local shape, expected = x.shape, x.shape
  local classes = shape[2] and table.remove(expected, 2)
  if not classes or not values.is_whole(labels) or x:count() == 0 or not is.same_shape(labels.shape, expected) then
    core.raise("labels %s of %s do not fit %s", labels.dtype, say.shape(labels.shape), say.shape(shape))
  end
  if weight and (weight.rank ~= 1 or #weight ~= classes) then
    core.raise("weights of %s do not fit %d classes", say.shape(weight.shape), classes)
  end
end

-- Of log-probabilities: their sum at the labels, weighted by class, negative.
local function likelihood_loss(node, x, labels, weight)
  local shape, label_shape, classes = x.shape, labels.shape, x.shape[2]
  local reduction, ignored = node.attributes.reduction or "mean", node.attributes.ignore_index
  local order = { 1 }
  for axis = 3, #shape do order[axis - 1] = axis end
  order[#shape] = 2
  local rows = values.permute(x, order):reshape { labels:count(), classes }
  labels = labels:reshape { labels:count() }
  local counts = ignored and labels:ne(ignored) or core.full(labels.shape, 1)
  local places = (core.where(counts, labels, 0):double() + 1):int()
  local share = weight and weight:gather(places) * counts or counts:to(x.dtype)
  local losses = core.where(counts, -rows:pick(places, 2), 0) * share
  if reduction == "none" then return losses:reshape(label_shape) end
  if reduction == "sum" then return losses:sum() end
  if reduction ~= "mean" then core.raise("unknown reduction '%s'", reduction) end
  return losses:sum() / share:sum()
end

function operations.NegativeLogLikelihoodLoss(node, x, labels, weight)
  check(x, labels, weight)
  return likelihood_loss(node, x, labels, weight)
end

function operations.SoftmaxCrossEntropyLoss(node, x, labels, weight)
  check(x, labels, weight)
  local logarithm = x:log_softmax(2)
  return likelihood_loss(node, logarithm, labels, weight), logarithm
end

return operations

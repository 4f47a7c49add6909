--- Margin: losses of how far vectors and scores are apart: hinge, cosine, triplet. Invariant: where a length has no
-- slope, at the vector 0, its gradient is 0; squares of the largest and the least numbers neither overflow nor
-- vanish.

local core = require "fnet.core"
local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local reduction = require "fnet.nn.reduction"
local say = require "fnet.base.say"

local margin = {}

local HINGE = { "margin", "squared", "reduction", "ignore" }

local function margin_option(what, options)
  return options.margin == nil and 1 or expect.number(what .. ": margin", options.margin, 0, math.huge)
end

-- ---- hinge ----

local function above_0(costs, squared)
  costs = costs:maximum(0)
  return squared and costs * costs or costs
end

local function sign_costs(output, target, options)
  local is_sign = target:eq(1) + target:eq(-1)
  if is_sign:min():item() == 0 then
    local value = target:flatten()[is_sign:flatten():argmin():item()]
    core.raise("hinge: expected targets of -1 and 1, got %g%s", value,
      value == 0 and "; targets of 0 and 1 become such by 2 * y - 1" or "")
  end
  return above_0(margin_option("hinge", options) - output * target, options.squared)
end

-- The losses of rows with a label each.
local function label_costs(output, labels, options)
  local width, squared = margin_option("hinge", options), options.squared
  local rank, hot = output.rank, core.one_hot(labels, output, "hinge")
  local right = core.where(hot, output, 0):sum(rank, true)
  return core.where(hot, 0, above_0(width - right + output, squared)):sum(rank) / output.shape[rank]
end

--- The hinge loss of support vector machines. With targets of -1 and 1: the mean over all elements of
-- max(0, margin - target * output) (Cortes, Vapnik, 1995). With labels: the mean over the rows of the sum over the
-- other classes of max(0, margin - right output + other output), divided by the number of classes (Weston,
-- Watkins, 1999), PyTorch's MultiMarginLoss.
---@param output tensor scores of any shape, with labels [batch, ..., classes] or [classes]
---@param target tensor|integer -1 or 1, of the output's shape; or labels from 1, int32 or uint8, [batch] or the
--- output's shape without its last axis; a number for one sample
---@param options? table margin: 1; squared: each part squared, false; reduction: "mean", "sum" or "none": each
--- element's, with labels each row's; ignore: number, with -1 and 1 a target, such as 0, whose elements do not
--- count
---@return tensor loss one element; with reduction = "none" of the output's shape, with labels without its last axis
function margin.hinge(output, target, options)
  if not is.float(output) then
    core.raise("hinge: expected scores of floats and targets, got %s and %s", say.value(output), say.value(target))
  end
  local same = core.is_tensor(target) and is.same_shape(target.shape, output.shape)
  if same or is.float(target) then
    return (reduction.elements("hinge", output, target, options, sign_costs, HINGE))
  end
  options = expect.options("hinge", options, HINGE, { "squared" })
  if options.ignore ~= nil then core.raise("hinge: ignore is for targets of -1 and 1; labels have none") end
  if output.rank == 0 or output:count() == 0 then
    core.raise("hinge: expected at least one row and one class, got " .. say.value(output))
  end
  return reduction.of(label_costs(output, target, options), reduction.option("hinge", options.reduction))
end

-- ---- lengths ----

-- Vectors divided by their largest number, so that squares stay in range; and that number.
local function scaled(x)
  local most = x:detach():abs():max(x.rank, true)
  local scale = core.where(most:gt(0) * most:lt(math.huge), most, 1)
  return x / scale, scale
end

-- The lengths of vectors, the last axis: [..., 1].
local function length(x)
  local square = (x * x):sum(x.rank, true)
  local has_length = square:ne(0) -- a NaN, too
  return core.where(has_length, square, 1):sqrt() * has_length
end

-- Raises unless all are tensors of floats of one shape that hold vectors.
local function check_vectors(what, first, ...)
  for i = 1, select("#", ...) do reduction.check_pair(what, first, (select(i, ...))) end
  for _, x in ipairs { first, ... } do
    if not is.float(x) or x.rank == 0 then
      core.raise("%s: expected vectors of floats [batch, features] or [features], got %s", what, say.value(x))
    end
  end
end

--- The cosine distance of the vectors along the last axis: the mean over the rows of 1 - a . b / (|a| |b|), 0 where
-- both have one direction, 2 where opposite ones; 1, with gradients of 0, where one of them is 0. The similarity of
-- each pair is `1 - nn.cosine(a, b, { reduction = "none" })`; pairs that are to differ cost
-- `(1 - margin - distance):maximum(0)`.
---@param output tensor # [batch, ..., features] or [features]
---@param target tensor of the same shape
---@param options? table reduction: "mean", "sum" of the rows, or "none": each row's
---@return tensor loss one element; with reduction = "none" the output's shape without its last axis
function margin.cosine(output, target, options)
  check_vectors("cosine", output, target)
  options = expect.options("cosine", options, { "reduction" })
  local how = reduction.option("cosine", options.reduction)
  local a, b = scaled(output), scaled(target)
  local lengths = length(a) * length(b)
  local is_none = lengths:eq(0)
  local similar = core.where(is_none, 0, (a * b):sum(a.rank, true) / core.where(is_none, 1, lengths))
  return reduction.of((1 - similar):squeeze(a.rank), how)
end

-- The distances of vectors: [...].
local function distance(a, b)
  local difference, scale = scaled(a - b)
  return (length(difference) * scale):squeeze(a.rank)
end

--- The triplet loss: an anchor is to be nearer to what it resembles than to what it does not, by a margin: the mean
-- over the rows of max(0, |anchor - positive| - |anchor - negative| + margin), Euclidean distances along the last
-- axis (Balntas and others, 2016). A model that gives three vectors learns so by fit:
-- `loss = function(v) return nn.triplet(v[1], v[2], v[3]) end`.
---@param anchor tensor # [batch, ..., features] or [features]
---@param positive tensor of the same shape
---@param negative tensor of the same shape
---@param options? table margin: 1; reduction: "mean", "sum" of the rows, or "none": each row's
---@return tensor loss one element; with reduction = "none" the anchor's shape without its last axis
function margin.triplet(anchor, positive, negative, options)
  check_vectors("triplet", anchor, positive, negative)
  options = expect.options("triplet", options, { "margin", "reduction" })
  local width, how = margin_option("triplet", options), reduction.option("triplet", options.reduction)
  return reduction.of((distance(anchor, positive) - distance(anchor, negative) + width):maximum(0), how)
end

return margin

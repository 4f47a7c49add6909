--- Draw: which samples an epoch has, where some are to come more often than others. Invariant: a sample comes as
-- often as its share of the weights says, rounded down or up; which of the two, and the order, are random.

local core = require "fnet.core"
local expect = require "fnet.base.expect"
local rows_of = require "fnet.data.rows"

local draw = {}

-- The weights as a list of numbers, checked.
local function check_weights(weights, total)
  local what = "batches: weights"
  local is_list = type(weights) == "table" and getmetatable(weights) == nil
  expect.that(is_list or core.is_tensor(weights) and weights.rank == 1, what,
    "a list or a tensor of one number a sample", weights)
  if #weights ~= total then
    core.raise("%s: expected %d, one for each sample, got %d", what, total, #weights)
  end
  local list, sum = is_list and weights or weights:totable(), 0.0
  for i, weight in ipairs(list) do
    if type(weight) ~= "number" or not (weight >= 0 and weight < math.huge) then
      core.raise("%s: sample %d: expected a finite number of at least 0, got %s", what, i, tostring(weight))
    end
    sum = sum + weight
  end
  if #list ~= total then core.raise("%s: sample %d: expected a number, got nil", what, #list + 1) end
  if not (sum > 0 and sum < math.huge) then
    core.raise("%s: expected a finite sum above 0, got %s", what, tostring(sum))
  end
  return list
end

-- Weights by which all classes come equally often.
local function balance(dataset)
  local labels, counts = rows_of.labels("batches: balanced", dataset), {}
  for _, label in ipairs(labels) do counts[label] = (counts[label] or 0) + 1 end
  for i, label in ipairs(labels) do labels[i] = 1 / counts[label] end
  return labels
end

-- So many positions by systematic sampling (Madow and Madow, 1944): equally spaced marks, the first one random, on
-- a line where each sample takes its weight; in a random order of the samples, so that neighbours have no part in
-- it.
local function systematic(weights, source)
  local total, sum, last = #weights, 0.0, nil
  local order = source.permutation(total):totable()
  for _, i in ipairs(order) do
    if weights[i] > 0 then sum, last = sum + weights[i], i end
  end
  local first, drawn, reached = source.uniform({ 1 }, 0, 1, "float64"):item(), {}, 0.0
  for _, i in ipairs(order) do
    reached = reached + weights[i]
    while #drawn < total and (first + #drawn) * (sum / total) < reached do drawn[#drawn + 1] = i end
  end
  for k = #drawn + 1, total do drawn[k] = last end -- marks that rounding has put behind the end
  return core.tensor(drawn, "int32")
end

--- The positions of an epoch's samples in a data set: as many as it has, in random order.
---@param dataset data.Dataset
---@param options table of `batches`: weights or balanced
---@param source table what draws random numbers, as core does
---@return tensor positions int32
function draw.order(dataset, options, source)
  if options.weights ~= nil and options.balanced then
    core.raise "batches: weights and balanced are two ways to say how often samples come; leave out one"
  elseif options.shuffle == false then
    core.raise("batches: %s draws samples at random; leave out shuffle = false",
      options.balanced and "balanced" or "weights")
  end
  local total = #dataset
  if total == 0 then return source.permutation(0) end
  local weights = options.balanced and balance(dataset) or check_weights(options.weights, total)
  return core.gather(systematic(weights, source), source.permutation(total))
end

--- What tells weights from others, for a checkpoint.
---@param weights any of the options of `batches`, checked or from a file
---@return string?
function draw.digest(weights)
  if weights == nil then return nil end
  return core.sha256((core.is_tensor(weights) and weights:to "float64" or core.tensor(weights, "float64")))
end

return draw

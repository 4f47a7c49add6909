--- Ranking: how well outputs put positive samples before negative ones: the area under the ROC curve, average
-- precision. Invariant: equal outputs are one group, whose order changes nothing; counts are exact.

local core = require "fnet.core"
local classes = require "fnet.measure.classes"
local is = require "fnet.base.is"
local say = require "fnet.base.say"
local single = require "fnet.measure.single"

local ranking = {}

-- The scores of the positive samples and those of the others.
local function part(what, scores, truths, place)
  local positive, negative = {}, {}
  local list, right = scores:totable(), truths:totable()
  for i, score in ipairs(list) do
    if score ~= score then
      core.raise("%s: row %d of the output holds a nan, which has no place in an order", what, i)
    end
    table.insert(right[i] == 1 and positive or negative, score)
  end
  return { positive = positive, negative = negative, place = place }
end

-- The parts of outputs and targets: columns with targets of 0 and 1, or classes against the rest.
local function parts_of(what, output, target)
  local list = {}
  if not is.float(output) or output.rank == 0 or not core.is_tensor(target) then
    core.raise("%s: expected outputs of floats and targets, got %s and %s", what, say.value(output),
      say.value(target))
  end
  local last = output.shape[output.rank]
  local column = output.rank == 2 and last == 1 and is.same_shape(target.shape, { #output })
  if output.rank < 3 and (column or is.same_shape(target.shape, output.shape)) then
    local width = output:count() // math.max(1, #output)
    output, target = output:double(), single.truths(what, target):double()
    if width == 1 then return { part(what, output:flatten(), target:flatten()) } end
    for k = 1, width do
      list[k] = part(what, output:select(2, k), target:select(2, k), ("column %d of the targets"):format(k))
    end
    return list
  end
  classes.check(what, output)
  local hot = core.one_hot(target, output, what):reshape { -1, last }
  output = output:double():reshape { -1, last }
  local probabilities = #output > 0 and classes.probabilities(output) or output
  if last == 2 then
    local second = probabilities:select(2, 2)
    -- of two logits the difference, which keeps apart what probabilities round to 1
    if not rawequal(probabilities, output) then second = output:select(2, 2) - output:select(2, 1) end
    return { part(what, second, hot:select(2, 2)) }
  end
  for k = 1, last do list[#list + 1] = part(what, probabilities:select(2, k), hot:select(2, k), false) end
  return list
end

-- Visits the groups of equal scores, the highest first, with the numbers of positive and of negative ones.
local function each_group(scores, visit)
  local positive, negative = scores.positive, scores.negative
  table.sort(positive)
  table.sort(negative)
  local p, n = #positive, #negative
  while p + n > 0 do
    local score = math.max(positive[p] or -math.huge, negative[n] or -math.huge)
    local hits, misses = p, n
    while positive[p] == score do p = p - 1 end
    while negative[n] == score do n = n - 1 end
    visit(hits - p, misses - n)
  end
end

-- The mean of a figure over the parts; a class that does not occur, or alone, has none.
local function mean_over(what, output, target, figure_of)
  local sum, count = 0, 0
  for _, scores in ipairs(parts_of(what, output, target)) do
    if #scores.positive > 0 and #scores.negative > 0 then
      sum, count = sum + figure_of(scores), count + 1
    elseif scores.place ~= false then
      core.raise("%s: expected positive and negative targets%s, got %d and %d", what,
        scores.place and " in " .. scores.place or "", #scores.positive, #scores.negative)
    end
  end
  if count == 0 then core.raise("%s: expected labels of at least two classes, got fewer", what) end
  return sum / count
end

--- The area under the ROC curve.
---@param output tensor
---@param target tensor
---@return number
function ranking.auc(output, target)
  return mean_over("auc", output, target, function(scores)
    local area, before = 0, 0
    each_group(scores, function(hits, misses)
      area, before = area + misses * (before + hits / 2), before + hits
    end)
    return area / (#scores.positive * #scores.negative)
  end)
end

--- Average precision.
---@param output tensor
---@param target tensor
---@return number
function ranking.average_precision(output, target)
  return mean_over("average_precision", output, target, function(scores)
    local sum, right, all = 0, 0, 0
    each_group(scores, function(hits, misses)
      right, all = right + hits, all + hits + misses
      sum = sum + hits * right / all
    end)
    return sum / #scores.positive
  end)
end

return ranking

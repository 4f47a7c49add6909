--- Calibration: whether a classifier is right as often as it says. Invariant: each row is in one bin, one on an
-- edge in the lower.

local core = require "fnet.core"
local classes = require "fnet.measure.classes"
local expect = require "fnet.base.expect"

-- The bin of a probability.
local function bin_of(probability, bins)
  local bin = math.max(1, math.min(bins, math.ceil(probability * bins)))
  if bin > 1 and probability <= (bin - 1) / bins then bin = bin - 1 end -- the product was rounded
  return bin < bins and probability > bin / bins and bin + 1 or bin
end

--- The expected calibration error, and the bins that it is made of.
---@param output tensor # [batch, ..., classes]
---@param target tensor labels
---@param bins integer
---@return number error
---@return { count: integer, confidence: number, accuracy: number }[] list those that are not empty, by confidence
return function(output, target, bins)
  local last = output.shape[output.rank]
  classes.check("calibration_error", output)
  core.correct(output, target, "calibration_error") -- checks the labels
  output = output:double():reshape { -1, last }
  expect.that(#output > 0, "calibration_error", "at least one row", output)
  local said = classes.said("calibration_error", output)
  local hits, sure = said:eq(target:reshape { -1 }):totable(), classes.probabilities(output):max(2):totable()
  local sums, list, total = {}, {}, 0
  for i, probability in ipairs(sure) do
    if probability ~= probability then -- logits with one have no softmax
      core.raise("calibration_error: row %d of the output holds an infinity, so it has no probabilities", i)
    end
    local bin = bin_of(probability, bins)
    local sum = sums[bin] or { count = 0, confidence = 0, accuracy = 0 }
    sum.count, sum.confidence = sum.count + 1, sum.confidence + probability
    sum.accuracy, sums[bin] = sum.accuracy + hits[i], sum
  end
  for bin = 1, bins do
    local sum = sums[bin]
    if sum then
      total = total + math.abs(sum.accuracy - sum.confidence)
      sum.confidence, sum.accuracy = sum.confidence / sum.count, sum.accuracy / sum.count
      list[#list + 1] = sum
    end
  end
  return total / #output, list
end

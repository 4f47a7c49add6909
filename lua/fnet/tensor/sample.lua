--- Draws from distributions that tensors hold: positions in proportion to weights, and 1 with a probability.

local expect = require "fnet.base.expect"
local generator = require "fnet.base.generator"
local core = require "fnet.core"

local methods = core.methods

--- Positions along the last axis, from 1, drawn in proportion to the weights there, such as probabilities; they
-- need not add up to 1. Position k is drawn where a uniform number times their sum falls to it among sums of
-- weights, in double precision. Logits are made weights by logits:softmax(). Never on the tape.
---@param count? integer draws from each row; one, without an axis for it, where left out
---@param options? table replace: whether a position may be drawn again, true; without, each draw is in proportion
--- to those that are left, and there have to be as many above 0; generator: fnet.Generator, whose numbers are
--- taken, fnet's own
---@return tensor int32 [..., count], or [...] without a count
function methods:sample(count, options)
  expect.self("sample", self)
  if type(count) == "table" and options == nil then count, options = nil, count end
  options = expect.options("sample", options, { "replace", "generator" }, { "replace" })
  local shape = self.shape
  shape[math.max(#shape, 1)] = count == nil and 1 or expect.count("sample: count", count, 0)
  local source = generator.source("sample", options.generator)
  local positions = core.sample(self:detach(), source.uniform(shape, 0, 1, "float64"), options.replace ~= false)
  return count == nil and positions:select(positions.rank, 1) or positions
end

--- 1 with the probability that each element says, else 0, in the type of the probabilities. Never on the tape.
---@param options? table generator: fnet.Generator, whose numbers are taken, fnet's own
---@return tensor
function methods:bernoulli(options)
  expect.self("bernoulli", self)
  options = expect.options("bernoulli", options, { "generator" })
  local source, probabilities = generator.source("bernoulli", options.generator), self:detach()
  local outside = self:count() - (probabilities:ge(0) * probabilities:le(1)):sum():item()
  if outside ~= 0 then
    core.raise("bernoulli: expected probabilities from 0 to 1, got %d that are not; of logits they are " ..
      "logits:sigmoid()", outside)
  end
  return source.uniform(self.shape, 0, 1, "float64"):lt(probabilities:double()):to(self.dtype)
end

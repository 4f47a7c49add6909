--- Mistakes: the samples that a classifier gets wrong, those first of which it is most certain. Invariant: equal
-- probabilities come in the order of the samples, so the list depends on model and data alone.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local core = require "fnet.core"
local check_classifier = require "fnet.measure.classifier"
local classes = require "fnet.measure.classes"
local is_module = require("fnet.nn.module").is_module
local pass = require "fnet.measure.pass"

local function worse(a, b)
  if a.probability ~= b.probability then return a.probability > b.probability end
  return a.index < b.index
end

--- The worst mistakes of a classifier: the samples whose largest output is not that of their label, the most
-- certain first. report.mistakes shows them. An output with a NaN, which says no class, raises an error.
---@param model nn.Module gives [batch, classes], two classes at least: probabilities, or logits, whose softmax is
--- then taken
---@param dataset data.Dataset with labels
---@param count? integer at most so many, 10
---@param options? table size: integer, samples at a time, 1000
---@return { index: integer, label: integer, guess: integer, probability: number }[] mistakes index: the sample's
--- number in the data set; label: its class; guess: the class that the model takes it for, with this probability;
--- equal probabilities in the order of the samples
---@return integer total mistakes that there are
---@return integer samples
local function mistakes(model, dataset, count, options)
  expect.that(is_module(model), "mistakes", "a model first", model)
  expect.that(is.dataset(dataset), "mistakes", "a data set after the model", dataset)
  count = count == nil and 10 or expect.count("mistakes: count", count, 1)
  options = expect.options("mistakes", options, { "size" })
  local list, samples = {}, 0
  local function visit(output, y)
    if samples == 0 then check_classifier("mistakes", dataset, output, y) end
    local said = classes.said("mistakes", output, samples):totable()
    local largest, labels = classes.probabilities(output):max(2):totable(), y:totable()
    for i, guess in ipairs(said) do
      if largest[i] ~= largest[i] then -- logits with one have no softmax
        core.raise("mistakes: row %d of the output holds an infinity, so it has no probabilities", samples + i)
      end
      if guess ~= labels[i] then
        list[#list + 1] = { index = samples + i, label = labels[i], guess = guess, probability = largest[i] }
      end
    end
    samples = samples + #labels
  end
  pass("mistakes", model, dataset, { size = options.size, visit = visit })
  table.sort(list, worse)
  return table.move(list, 1, math.min(count, #list), 1, {}), #list, samples
end

return mistakes

--- Renew: the running statistics of batch normalisation, computed anew for the weights that a model has now.
-- Invariant: they are means over all rows of the data set; what they were before leaves no trace.

local core = require "fnet.core"
local expect = require "fnet.base.expect"
local feed = require "fnet.nn.feed"
local is = require "fnet.base.is"
local modes = require "fnet.nn.modes"
local contents = require "fnet.nn.contents"
local meter = require "fnet.measure.meter"
local snapshot = require "fnet.nn.snapshot"
local BatchNorm = require("fnet.nn.norm").BatchNorm
local is_module = require("fnet.nn.module").is_module
local closing = require "fnet.base.closing"

-- The layers whose statistics a pass in training mode moves.
local function moving_layers(model)
  local list = {}
  for _, module in ipairs(contents.modules(model)) do
    local is_frozen = getmetatable(module) == BatchNorm and
      not (module.weight.requires_grad or module.bias.requires_grad)
    if getmetatable(module) == BatchNorm and module.training and not is_frozen then list[#list + 1] = module end
  end
  return list
end

-- One pass; each batch counts by its rows.
local function pass(model, set, batch)
  local layers, momenta, rows = moving_layers(model), {}, 0
  if #layers == 0 then
    core.raise("renew_statistics: the model has no BatchNorm whose statistics move; one that is frozen, or in " ..
      "evaluation mode by eval(), keeps them")
  end
  for i, layer in ipairs(layers) do momenta[i] = layer.momentum end
  local before, is_done = snapshot(model), false
  before:take()
  local _ <close> = closing(function()
    for i, layer in ipairs(layers) do layer.momentum = momenta[i] end
    if not is_done then before:restore() end
  end)
  for _, layer in ipairs(layers) do -- from which the first batch moves them all the way
    layer.running_mean:fill(0)
    layer.running_var:fill(0)
  end
  for x, y in set:batches(batch) do
    local count = meter.rows(y)
    rows = rows + count
    for _, layer in ipairs(layers) do layer.momentum = count / rows end
    core.no_grad(feed, model, x)
  end
  if rows == 0 then
    core.raise("renew_statistics: the data set gave no batch, so there is nothing to compute from (%s)",
      tostring(set))
  end
  is_done = true
end

--- Computes the running statistics of all BatchNorm layers anew, in one pass over a data set in training mode,
-- which learns nothing: for weights that were not trained themselves, such as averaged ones, or changed otherwise.
-- `average:swap() fnet.renew_statistics(model, train) model:save(path)`. The running mean and variance of a layer
-- become the means of those of the batches, each by its rows, as update_bn of PyTorch does it for equal batches.
-- Dropout drops meanwhile, and takes random numbers, as in training. Statistics are the model's own: average:swap()
-- back leaves them.
---@param model nn.Module
---@param set data.Dataset such as the training set
---@param batch? integer|table samples a batch, 256, or the options of `batches`
---@return nn.Module model
return function(model, set, batch)
  expect.that(is_module(model), "renew_statistics", "a model first", model)
  expect.that(is.dataset(set), "renew_statistics", "a data set, such as the training set", set)
  if batch == nil then batch = 256 end
  if type(batch) ~= "table" then batch = { size = expect.count("renew_statistics: batch", batch, 1) } end
  modes.with(model, true, pass, model, set, batch)
  return model
end

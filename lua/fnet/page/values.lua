--- Values on a page: what a network predicts of a data set whose targets are numbers, one a sample, against what
-- they are.

local is = require "fnet.base.is"
local core = require "fnet.core"
local chart = require "fnet.chart"
local chart_svg = require "fnet.chart.svg"
local metrics = require "fnet.measure"
local parts = require "fnet.page.parts"
local predict = require("fnet.measure.evaluate").predict
local series = require "fnet.chart.series"

local SIZE = { width = 640, height = 420 } -- of the drawing

-- The targets, if they are numbers, one a sample, and there are two at least; nil where they are something else.
local function targets_of(dataset)
  local targets = is.callable(dataset.tensors) and select(2, dataset:tensors())
  if not core.is_tensor(targets) or not is.float(targets) or #targets < 2 then return nil end
  if targets.rank == 1 or targets.rank == 2 and targets.shape[2] == 1 then return targets end
end

--- The section, and the coefficient of determination.
---@param network nn.Module
---@param dataset data.Dataset
---@return { name: string, title: string, html: string }? section nil where the targets are no such numbers
---@return number? r2
return function(network, dataset)
  local targets = targets_of(dataset)
  local output = targets and predict(network, dataset, { size = 1000 })
  if not core.is_tensor(output) or not is.same_shape(output.shape, targets.shape) then return nil end
  local x, y = targets:reshape { #targets }, output:reshape { #output }
  local low, high = x:min():item(), x:max():item()
  local curves = {
    predicted = { x = x:totable(), y = y:totable(), points = true },
    exact = { x = { low, high }, y = { low, high } },
  }
  local drawn = chart.new(series.read("page", curves, { "predicted", "exact" }),
    { x_label = "target", y_label = "prediction" }, SIZE.width)
  local picture = chart_svg.paint(drawn, SIZE):gsub(' xmlns="[^"]*"', "", 1)
  local text = "Each point is a sample: where it lies on the line, the prediction is exact."
  return parts.section("values", "What is predicted", parts.note(text) ..
    '<figure class="values">' .. picture .. "</figure>\n"), metrics.r2(y, x)
end

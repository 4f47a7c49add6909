--- Classifier: that a model is one for the labels of a data set, which is looked at with the first batch.

local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"
local classes = require "fnet.measure.classes"
local cross_entropy = require("fnet.nn.loss").cross_entropy
local rows_of = require "fnet.data.rows"
local check_labels = require "fnet.measure.labels"

--- Raises unless the model gives an output for each class, and all labels of the data set are such.
---@param what string the function, for the message
---@param dataset data.Dataset
---@param output any what the model gave for the first batch
---@param y any the targets of the first batch
---@param otherwise? string what there is for a model of other targets, for the message
return function(what, dataset, output, y, otherwise)
  if not is.labels(y) then
    local way = is.several(y) and "; f(output, y) of these targets can be the loss, fnet.evaluate(model, set, " ..
      "{ loss = f })" or "; labels are converted with :int()" .. (otherwise and
      ", and for a model of other targets there is " .. otherwise or "")
    core.raise("%s: expected labels [batch] as int32 or uint8, got %s%s", what, rows_of.text(y), way)
  end
  if not core.is_tensor(output) or output.rank ~= 2 then
    core.raise("%s: expected a model that gives [batch, classes], it gives %s", what, say.value(output))
  end
  classes.check(what, output)
  check_labels(what, dataset, output, y, cross_entropy)
end

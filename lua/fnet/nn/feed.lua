--- Feed: a model with the samples of a batch. Invariant: a list of tensors becomes the arguments of the model, one
-- after the other.

local is = require "fnet.base.is"

--- What the model gives.
---@param model nn.Module
---@param x tensor|tensor[] samples, or a list of them where the model has several inputs
---@return any output
return function(model, x)
  if type(x) == "table" and is.tensor_list(x) then return (model(table.unpack(x))) end -- the first is quick
  return (model(x))
end

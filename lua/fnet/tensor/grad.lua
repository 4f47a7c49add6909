--- Gradients as values: what fnet.grad gives.

local expect = require "fnet.base.expect"
local say = require "fnet.base.say"
local core = require "fnet.core"

local public = {}

--- The gradients of y with respect to some tensors, as values: `.grad` of every tensor stays as it is. The tensors
-- may also be results on the way to y. Inside a function that is not recorded, such as the backward of an
-- operation, fnet.enable_grad records what y is computed from.
---@param y tensor
---@param inputs tensor|tensor[] y has to depend on each, and each to require gradients
---@param options? table gradient: tensor, of y, needed when it has several elements; retain: boolean, keep the tape
--- for another; create_graph: boolean, record the gradients themselves, for second derivatives (implies retain)
---@return tensor|tensor[] gradients one for a tensor, a list for a list, of the shapes of the inputs
function public.grad(y, inputs, options)
  if type(y) == "number" then
    core.raise "grad: expected a tensor, got number; t:select(1, i) is an element with its history, t[i] a number"
  end
  expect.tensor("grad", y)
  options = expect.options("grad", options, { "gradient", "retain", "create_graph" },
    { "retain", "create_graph" })
  if options.gradient ~= nil then expect.tensor("grad: gradient", options.gradient) end
  local list = core.is_tensor(inputs) and { inputs } or
    expect.that(type(inputs) == "table" and core.length(inputs) > 0, "grad: inputs",
      "a tensor or a list of at least one", inputs)
  local asked, gradients = {}, {}
  for i = 1, core.length(list) do
    local input = list[i]
    expect.tensor(("grad: input %d"):format(i), input)
    if not input.requires_grad then
      core.raise("grad: input %d, %s, does not require gradients; set its requires_grad = true before y is " ..
        "computed", i, say.shape(input.shape))
    end
    asked[input] = false
  end
  core.backward(y, options.gradient, options.retain or options.create_graph, options.create_graph, asked)
  for i, input in ipairs(list) do
    gradients[i] = asked[input] or
      core.raise("grad: y does not depend on input %d, %s; leave it out, its gradient is 0", i,
        say.shape(input.shape))
  end
  return core.is_tensor(inputs) and gradients[1] or gradients
end

return public

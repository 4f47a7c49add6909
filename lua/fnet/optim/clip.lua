--- Limits for gradients, between backward and step.

local expect = require "fnet.base.expect"
local core = require "fnet.core"
local optimizer = require "fnet.optim.optimizer"

local function check_list(what, parameters)
  optimizer.check_list(what, parameters)
  optimizer.check_tensors(what, parameters)
end

local clip = {}

--- Scales all gradients by one factor where their Euclidean norm, taken as one vector, is above `most` (Pascanu and
-- others, 2013). The norm: the squares of each gradient summed in the library's order of sums, those sums added in
-- the order of the parameters in double precision. Gradients whose norm is not finite stay as they are.
---@param parameters tensor[] such as model:parameters(); those without a gradient count as 0
---@param most number above 0
---@return number norm before the scaling
function clip.norm(parameters, most)
  check_list("clip_norm", parameters)
  expect.number("clip_norm: most", most, 0, math.huge)
  local norm = core.gradient_norm(parameters)
  if norm > most and norm < math.huge then core.change_gradients(parameters, most / norm, false) end
  return norm
end

--- Limits every element of every gradient to [-most, most].
---@param parameters tensor[] such as model:parameters()
---@param most number at least 0
function clip.value(parameters, most)
  check_list("clip_value", parameters)
  core.change_gradients(parameters, expect.number("clip_value: most", most, 0, math.huge), true)
end

return clip

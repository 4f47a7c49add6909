--- Limits for gradients, between backward and step.

local expect = require "fnet.base.expect"
local core = require "fnet.core"
local optimizer = require "fnet.optim.optimizer"

local clip = {}

--- Scales all gradients by one factor where their Euclidean norm, taken as one vector, is above `most` (Pascanu and
-- others, 2013). The norm: the squares of each gradient summed in double precision, those sums added in the order
-- of the parameters; it is finite for all finite float32 gradients. Where one is not finite, all stay as they are.
---@param parameters tensor[] such as model:parameters(), a tensor that is listed twice counts once; those that are
--- frozen or without a gradient count as 0
---@param most number above 0
---@return number norm before the scaling
function clip.norm(parameters, most)
  parameters = optimizer.tensors_of("clip_norm", parameters)
  expect.number("clip_norm: most", most, 0, math.huge)
  local norm = core.gradient_norm(parameters)
  if norm > most and norm < math.huge then core.change_gradients(parameters, most / norm, false) end
  return norm
end

--- Limits every element of every gradient to [-most, most].
---@param parameters tensor[] such as model:parameters()
---@param most number at least 0
function clip.value(parameters, most)
  parameters = optimizer.tensors_of("clip_value", parameters)
  core.change_gradients(parameters, expect.number("clip_value: most", most, 0, math.huge), true)
end

return clip

--- Stochastic gradient descent with momentum (Polyak, 1964).

local core = require "fnet.core"
local optimizer = require "fnet.optim.optimizer"

---@class optim.SGD
---@field lr number the learning rate; may be changed between steps
local SGD, new = optimizer.class("SGD", { { "lr", 1e-2, 0, math.huge }, { "momentum", 0, 0, 1 } })

--- Changes every parameter that has a gradient.
function SGD:step()
  if self.momentum > 0 and not self.velocities then self.velocities = optimizer.zeros_like(self.parameters) end
  core.sgd(self.parameters, self.velocities, self.lr, self.momentum)
end

--- v = momentum v + gradient; p = p - lr v.
---@param parameters tensor[]
---@param options? table lr: 1e-2; momentum: 0
---@return optim.SGD
return function(parameters, options) return new(parameters, options) end

--- Adam (Kingma and Ba, 2015, algorithm 1 in the form of section 2's last paragraph).

local core = require "fnet.core"
local optimizer = require "fnet.optim.optimizer"

---@class optim.Adam
---@field lr number the learning rate; may be changed between steps
local Adam, new = optimizer.class("Adam", {
  { "lr", 1e-3, 0, math.huge }, { "beta1", 0.9, 0, 1 }, { "beta2", 0.999, 0, 1 }, { "epsilon", 1e-8, 0, 1 },
})

--- Changes every parameter that has a gradient.
function Adam:step()
  if not self.moments1 then
    self.moments1 = optimizer.zeros_like(self.parameters)
    self.moments2 = optimizer.zeros_like(self.parameters)
    self.steps, self.power1, self.power2 = 0, 1.0, 1.0
  end
  -- Powers by repeated multiplication: the C library's pow differs between machines.
  self.steps = self.steps + 1
  self.power1, self.power2 = self.power1 * self.beta1, self.power2 * self.beta2
  local root = math.sqrt(1 - self.power2)
  core.adam(self.parameters, self.moments1, self.moments2, self.lr * root / (1 - self.power1), self.beta1,
    self.beta2, self.epsilon * root)
end

--- p = p - lr m' / (sqrt(v') + epsilon), with m and v the decaying means of the gradient and of its square, and m',
-- v' corrected for their start at zero.
---@param parameters tensor[]
---@param options? table lr: 1e-3; beta1: 0.9; beta2: 0.999; epsilon: 1e-8
---@return optim.Adam
return function(parameters, options) return new(parameters, options) end

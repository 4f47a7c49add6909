--- Reshape: the same elements in another shape.

local expect = require "fnet.base.expect"
local say = require "fnet.base.say"
local core = require "fnet.core"
local module = require "fnet.nn.module"

---@class nn.Reshape: nn.Module
local Reshape = module.class "Reshape"
Reshape.passes_on = true

--- Samples in another shape, their elements in the same order: nn.Reshape(28, 28, 1) gives pictures the axis of
-- channels that convolutions need.
---@param ... integer the lengths of a sample's axes
function Reshape:init(...)
  local lengths = { ... }
  if #lengths == 0 or select("#", ...) > 7 then
    core.raise(("Reshape: expected 1 to 7 lengths, such as nn.Reshape(28, 28, 1), got %d"):format(
      select("#", ...)))
  end
  self.count_of_sample = 1
  for i = 1, select("#", ...) do
    lengths[i] = expect.count("Reshape: length " .. i, lengths[i], 1, 1 << 31)
    self.count_of_sample = self.count_of_sample * lengths[i]
  end
  self.lengths = lengths
end

--- The samples in the new shape. A tensor whose first axis is no batch is one sample, if it has so many elements.
---@param x tensor [batch, ...], or one sample
---@return tensor y [batch, lengths], or [lengths]
function Reshape:forward(x)
  if not core.is_tensor(x) then
    core.raise(("%s: expected a tensor, got %s"):format(self:name(), type(x)))
  end
  local count, size = x:count(), self.count_of_sample
  if x.rank > 0 and count == #x * size then return x:reshape { #x, table.unpack(self.lengths) } end
  if count == size then return x:reshape(self.lengths) end
  core.raise(("%s: expected %d elements a sample, got %s"):format(self:name(), size, say.shape(x.shape)))
end

function Reshape:output_shape(input)
  local count = 1
  for _, length in ipairs(input or {}) do count = count and length ~= "?" and count * length end
  if input and count and count ~= self.count_of_sample then
    core.raise(("%s: expected %d elements a sample, got %s"):format(self:name(), self.count_of_sample,
      say.shape(input, "batch, ")))
  end
  return { table.unpack(self.lengths) }
end

function Reshape:describe() return "Reshape(" .. table.concat(self.lengths, ", ") .. ")" end

return Reshape

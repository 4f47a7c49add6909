--- Snapshot: a copy of what a model has learnt (its state), taken and put back in place. The copy's memory is used
-- again by the next one.

local core = require "fnet.core"
local contents = require "fnet.nn.contents"

local Snapshot = {}
Snapshot.__index = Snapshot

local copy = core.methods.copy

local function transfer(to, from)
  for i = 1, #from do copy(to[i], from[i]) end
end

--- Makes the copy that of the model as it is now.
function Snapshot:take()
  if not self.copies then
    self.copies = {}
    for i, tensor in ipairs(self.tensors) do self.copies[i] = core.full(tensor.shape, 0, tensor.dtype) end
  end
  core.no_grad(transfer, self.copies, self.tensors)
end

--- Gives the model the values of the copy.
function Snapshot:restore() core.no_grad(transfer, self.tensors, self.copies) end

--- A snapshot, not yet taken.
---@param model nn.Module
---@return table snapshot
return function(model)
  local tensors = {}
  for i, entry in ipairs(contents.state(model)) do tensors[i] = entry.tensor end
  return setmetatable({ tensors = tensors }, Snapshot)
end

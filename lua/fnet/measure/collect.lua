--- Gather: what a model gives piece by piece, as one tensor. Invariant: the memory is taken once, by the first
-- piece.

local say = require "fnet.base.say"
local core = require "fnet.core"

--- A function that takes the next piece, some rows, and returns the tensor of all rows.
---@param what string the function, for messages
---@param rows integer those of all pieces together
---@return fun(piece: tensor): tensor
return function(what, rows)
  local all, at
  return function(piece)
    if not core.is_tensor(piece) or piece.rank == 0 then
      core.raise(("%s: expected a model that gives a tensor [batch, ...], it gives %s"):format(what,
        say.value(piece)))
    end
    if not all then
      local shape = piece.shape
      shape[1] = rows
      all, at = core.full(shape, 0, piece.dtype), 0
    end
    all:slice(1, at + 1, at + #piece):copy(piece)
    at = at + #piece
    return all
  end
end

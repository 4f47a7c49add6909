--- Collect: rows that come in pieces, as one tensor, or as several where the pieces are lists or have names.
-- Invariant: where the number of rows is known, the memory is taken once, by the first piece.

local is = require "fnet.base.is"
local naming = require "fnet.base.naming"
local say = require "fnet.base.say"
local core = require "fnet.core"

local function collect_tensor(what, rows)
  local all, count = nil, 0
  return function(piece)
    if not core.is_tensor(piece) or piece.rank == 0 then
      core.raise("%s: expected a model that gives a tensor [batch, ...], it gives %s", what, say.value(piece))
    end
    local before, shape = count, piece.shape
    count = count + #piece
    if not all or count > #all then
      local smaller = all
      shape[1] = math.max(rows, count, 2 * before)
      all = core.full(shape, 0, piece.dtype)
      if smaller then all:slice(1, 1, before):copy(smaller:slice(1, 1, before)) end
    end
    all:slice(1, before + 1, count):copy(piece:detach())
    return count == #all and all or all:slice(1, 1, count)
  end
end

--- A function that takes the next piece, some rows, and returns the tensor of all rows so far.
---@param what string the function, for messages
---@param rows integer those of all pieces together, as far as that is known
---@return fun(piece: tensor|table): tensor|table
return function(what, rows)
  local whole, parts = collect_tensor(what, rows), {}
  return function(piece)
    if not is.several(piece) then return whole(piece) end
    local all = {}
    for _, key in ipairs(naming.keys(piece)) do
      parts[key] = parts[key] or collect_tensor(what, rows)
      all[key] = parts[key](piece[key])
    end
    return all
  end
end

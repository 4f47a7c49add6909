--- The axes of a reduction that is made of other operations: one, a list of different ones, or nil for all.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local core = require "fnet.core"

local axes = {}

--- Raises unless the axes are those of x, and `keep` a boolean or nil.
---@param what string the function, for the message
---@param x tensor
---@param axis? integer|integer[]
---@param keep? boolean
function axes.check(what, x, axis, keep)
  if keep ~= nil and type(keep) ~= "boolean" then
    core.raise("%s: keep: expected true or false, got %s; several axes are a list, {1, 2}", what, core.kind(keep))
  end
  if type(axis) ~= "table" then
    if axis ~= nil then expect.axis(what, axis, x.rank) end
    return
  end
  if next(axis) == nil then
    core.raise("%s: expected at least one axis, got an empty list; without it, all axes", what)
  end
  local count, seen = core.length(axis), {}
  if count == 0 then
    core.raise("%s: expected an axis or a list of axes such as {1, 3}, got a table with other keys", what)
  end
  for i = 1, count do
    local one = expect.axis(what, axis[i], x.rank)
    if seen[one] then core.raise("%s: axis %d is there twice", what, one) end
    seen[one] = true
  end
end

--- The axis that a function works along, the last one where none is given.
---@param what string the function, for the message
---@param x tensor
---@param axis? integer
---@return integer
function axes.one(what, x, axis)
  if x.rank == 0 then core.raise("%s: expected a tensor with an axis, got %s", what, core.kind(x)) end
  return expect.axis(what, axis or x.rank, x.rank)
end

--- x with the axes that are reduced as one, the last, in their order in x.
---@param x tensor
---@param axis? integer|integer[] as axes.check wants them
---@param keep? boolean
---@return tensor joined
---@return integer[] shape of what comes of the reduction
function axes.join(x, axis, keep)
  local reduced, shape, lengths, order, behind, n = {}, {}, x.shape, {}, {}, 1
  for _, i in ipairs(type(axis) == "table" and axis or { axis }) do reduced[i] = true end
  local joined = {}
  for i, length in ipairs(lengths) do
    if axis == nil or reduced[i] then
      n, behind[#behind + 1] = n * length, i
      if keep then shape[#shape + 1] = 1 end
    else
      order[#order + 1], joined[#joined + 1], shape[#shape + 1] = i, length, length
    end
  end
  table.move(behind, 1, #behind, #order + 1, order)
  local place = {} -- of each axis of x, while they are moved
  for i = 1, #lengths do place[i] = i end
  for i, wanted in ipairs(order) do
    local at = i
    while place[at] ~= wanted do at = at + 1 end
    if at ~= i then x, place[i], place[at] = x:transpose(i, at), place[at], place[i] end
  end
  joined[#joined + 1] = n
  return is.same_shape(x.shape, joined) and x or x:reshape(joined), shape
end

return axes

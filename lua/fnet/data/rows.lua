--- Rows: what is done to the samples or to the targets of a data set, which are a tensor, or a list of tensors with
-- as many rows each: several inputs, several targets. An array that stays in its file, of open.lua, is as good.
-- Invariant: what is done to one is done to each of a list.

local is = require "fnet.base.is"
local say = require "fnet.base.say"

local core = require "fnet.core"

local rows = {}

--- f of the tensor, or a list of what f gives for each tensor of a list.
---@param values tensor|tensor[]
---@param f fun(t: tensor, ...): any
---@param ... any what else f takes
---@return any
function rows.each(values, f, ...)
  if type(values) ~= "table" or not is.tensor_list(values) then return f(values, ...) end -- the first is quick
  local list = {}
  for i, t in ipairs(values) do list[i] = f(t, ...) end
  return list
end

--- How many rows there are.
---@param values tensor|tensor[]
---@return integer
function rows.count(values) return #(is.tensor_list(values) and values[1] or values) end

--- The tensors as a list.
---@param values tensor|tensor[]
---@return tensor[]
function rows.list(values) return is.tensor_list(values) and values or { values } end

--- Whether one of the tensors stays in its file.
---@param values tensor|tensor[]
---@return boolean
function rows.in_file(values)
  for _, t in ipairs(rows.list(values)) do
    if is.opened(t) then return true end
  end
  return false
end

--- Some of the rows, in memory.
---@param t tensor
---@param indices tensor int32
---@return tensor
function rows.gather(t, indices)
  if is.opened(t) then return t:rows(indices) end
  return core.gather(t, indices)
end

--- The same where the tensor is; what stays in its file stays there.
---@param t tensor
---@param indices tensor int32
---@return tensor
function rows.part(t, indices)
  if is.opened(t) then return t:part(indices) end
  return core.gather(t, indices)
end

--- "float32 [8, 3]", or "float32 [8, 4, 4] and float32 [8, 3]".
---@param values tensor|tensor[]
---@param count? integer of rows, where it is a part that is meant
---@return string
function rows.text(values, count)
  local texts = {}
  for i, t in ipairs(rows.list(values)) do
    texts[i] = count and ("%s %s"):format(t.dtype, say.shape { count, table.unpack(t.shape, 2) }) or say.value(t)
  end
  return table.concat(texts, " and ")
end

return rows

--- Rows: what is done to the samples or to the targets of a data set, which are a tensor, or several with as many
-- rows each, in a list or by name: several inputs, several targets. An array that stays in its file, of open.lua,
-- is as good. Invariant: what is done to one is done to each, in the order of the list or of the names.

local is = require "fnet.base.is"
local naming = require "fnet.base.naming"
local say = require "fnet.base.say"

local core = require "fnet.core"

local rows = {}

--- f of the tensor, or a table of what f gives for each of several, under the same keys.
---@param values tensor|table
---@param f fun(t: tensor, ...): any
---@param ... any what else f takes
---@return any
function rows.each(values, f, ...)
  if type(values) ~= "table" or not is.several(values) then return f(values, ...) end -- the first is quick
  local results = {}
  for _, key in ipairs(naming.keys(values)) do results[key] = f(values[key], ...) end
  return results
end

--- How many rows there are.
---@param values tensor|table
---@return integer
function rows.count(values) return #rows.list(values)[1] end

--- The tensors as a list, those with names in the order of these.
---@param values tensor|table
---@return tensor[]
function rows.list(values)
  if not is.several(values) then return { values } end
  local list = {}
  for i, key in ipairs(naming.keys(values)) do list[i] = values[key] end
  return list
end

--- Whether one of the tensors stays in its file.
---@param values tensor|table
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

--- "float32 [8, 3]", or "float32 [8, 4, 4] and float32 [8, 3]", or "picture float32 [8, 4, 4] and ...".
---@param values tensor|table
---@param count? integer of rows, where it is a part that is meant
---@return string
function rows.text(values, count)
  local texts = {}
  local keys = is.several(values) and naming.keys(values) or {}
  for i, t in ipairs(rows.list(values)) do
    texts[i] = count and ("%s %s"):format(t.dtype, say.shape { count, table.unpack(t.shape, 2) }) or say.value(t)
    if type(keys[i]) == "string" then texts[i] = core.visible(keys[i]) .. " " .. texts[i] end
  end
  return table.concat(texts, " and ")
end

--- The labels of a data set's samples as a list. Raises where the targets are none, or several.
---@param what string the function or option that goes by labels, for the message
---@param dataset data.Dataset
---@return integer[]
function rows.labels(what, dataset)
  local y, way = dataset.y, ""
  if is.labels(y) then return y:totable() end
  for _, key in ipairs(is.several(y) and naming.keys(y) or {}) do
    if is.labels(y[key]) then
      way = ("; set:with { y = %s } has one target"):format(naming.part("set.y", key))
      break
    end
  end
  core.raise("%s: expected labels, int32 [count], got %s%s", what, rows.text(y), way)
end

return rows

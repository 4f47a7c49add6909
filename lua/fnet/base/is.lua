--- Questions about values: what one is, what it can do, whether two shapes are equal.

local core = require "fnet.core"

local is = {}

--- Whether a value is a tensor of floats, of either size.
---@param value any
---@return boolean
function is.float(value) return core.is_tensor(value) and core.dtypes[value.dtype].float end

--- Whether a value is a tensor of class labels: whole numbers, one a row.
---@param value any
---@return boolean
function is.labels(value) return core.is_tensor(value) and value.rank == 1 and not is.float(value) end

--- Whether a value is a tensor, or an array that stays in its file (data.open_npy): it has a type and a shape.
---@param value any
---@return boolean
function is.array(value) return core.is_tensor(value) or is.opened(value) end

--- Whether a value is an array whose rows come when they are asked for: one that stays in its file, or stretches of
--- a series.
---@param value any
---@return boolean
function is.opened(value)
  if type(value) ~= "table" then return false end
  local class = getmetatable(value)
  return type(class) == "table" and rawget(class, "opened") == true
end

--- Whether a value is a list of tensors, such as several inputs of a model: a plain table that begins with one.
---@param value any
---@return boolean
function is.tensor_list(value)
  return type(value) == "table" and getmetatable(value) == nil and is.array(value[1])
end

--- Whether a value is several tensors, as inputs, targets and results of models may be: such a list, or a plain
-- table that has tensors by name, { picture = , row = }.
---@param value any
---@return boolean
function is.several(value)
  if type(value) ~= "table" or getmetatable(value) ~= nil then return false end
  for _, t in next, value do
    if is.array(t) then return true end
  end
  return false
end

--- Whether a value can be called: a function, or an object whose class says how.
---@param value any
---@return boolean
function is.callable(value)
  if type(value) == "function" then return true end
  local class = type(value) == "table" and getmetatable(value)
  return type(class) == "table" and class.__call ~= nil
end

--- Whether a value gives batches, as a data set does.
---@param value any
---@return boolean
function is.dataset(value) return type(value) == "table" and is.callable(value.batches) end

--- Whether two shapes are the same.
---@param a (integer|string)[]
---@param b (integer|string)[]
---@param but? integer so many last axes may differ in length, 0
---@return boolean
function is.same_shape(a, b, but)
  for i = 1, #a - (but or 0) do
    if a[i] ~= b[i] then return false end
  end
  return #a == #b
end

--- Whether a value is a tensor of the type and the shape of another one.
---@param value any
---@param tensor tensor
---@return boolean
function is.alike(value, tensor)
  return core.is_tensor(value) and value.dtype == tensor.dtype and is.same_shape(value.shape, tensor.shape)
end

return is

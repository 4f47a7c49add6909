--- Questions about what a value can do.

local is = {}

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

return is

--- Closing: `local _ <close> = closing(f)` calls f at the end of the block, however it is left.

---@param f fun()
---@return table value to be closed
return function(f) return setmetatable({}, { __close = function() f() end }) end

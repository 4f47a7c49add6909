---@meta fnet.core
-- The functions in C that the library is made of (src/lua), for editors and for the check of the library's own
-- annotations. Only what these need is declared; each function says what it takes where it is registered.

---@class fnet.core
---@field [string] any
local core = {}

-- Raises an error at the line of the script.
---@param format string
---@param ... any
---@return never
function core.raise(format, ...) end

---@param seed? integer
---@param stream? integer
---@return integer seed, integer stream
function core.random_state(seed, stream) end

---@param path string
---@return userdata? lock, boolean|string held, integer? code
function core.lock_file(path) end

return core

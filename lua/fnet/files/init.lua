--- Files as a whole, for the readers of lua/fnet/data: what the environment refuses is nil, a message and a code.

local core = require "fnet.core"

local file = {}

--- Raises unless the path is a string without zero bytes.
---@param what string the public function, for the message
---@param path any
function file.check_path(what, path)
  if type(path) ~= "string" then core.raise(("%s: expected a path, got %s"):format(what, type(path))) end
  if path:find("\0", 1, true) then core.raise(what .. ": the path contains a zero byte") end
end

--- The bytes of a file.
---@param path string
---@return string? bytes
---@return string? message, integer? code
function file.read(path)
  local handle, message, code = io.open(path, "rb")
  if not handle then return nil, message, code end
  local bytes
  bytes, message, code = handle:read("a")
  handle:close()
  if not bytes then return nil, ("%s: %s"):format(path, message), code end
  return bytes
end

return file

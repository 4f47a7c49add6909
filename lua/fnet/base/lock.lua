--- Lock: the lock of a file, held until its owner closes it or is collected. What an error has left behind keeps a
-- lock that nobody can close any more, so the collector looks before one is refused.

local core = require "fnet.core"

---@param path string
---@return userdata? lock to be closed
---@return boolean|string held false where the file system has no locks; or the message
---@return integer? code errno, where the environment refused
return function(path)
  local lock, held = core.lock_file(path)
  if lock then return lock, held end
  collectgarbage()
  return core.lock_file(path)
end

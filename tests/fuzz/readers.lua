--- What the targets of readers share: each of them reads a file, or gives nil and a sentence about it.

local readers = {}

--- Raises where a reader answers otherwise.
---@param path string of the file
---@param value any what the reader gave
---@param message any
---@return any value nil where it refused
function readers.answer(path, value, message)
  if value ~= nil then return value end
  if type(message) ~= "string" or message:sub(1, #path + 2) ~= path .. ": " or #message < #path + 8 then
    error("a refusal without its reason: " .. tostring(message))
  end
  return nil
end

return readers

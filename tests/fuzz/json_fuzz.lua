--- The reader of JSON. What it has read, it writes, and reads again as the same.

local json = require "fnet.files.json"

return function(_, bytes)
  local value, message = json.decode(bytes)
  if value == nil then
    assert(type(message) == "string" and message:find "^at byte %d+: ", message)
    return
  end
  local text = json.encode(value)
  local again, problem = json.decode(text)
  assert(again ~= nil, problem)
  assert(json.encode(again) == text, text)
end

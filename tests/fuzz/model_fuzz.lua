--- fnet.load, with the checksum of the file and without: whoever damages a file may put that right too.

local fnet = require "fnet"
local answer = require "tests.fuzz.readers".answer

return function(path)
  answer(path, fnet.load(path))
  local model = answer(path, fnet.load(path, { checksum = false, finite = false }))
  if model then tostring(model) end
end

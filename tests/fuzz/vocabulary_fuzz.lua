--- Vocabularies. What was read is written so that it is read as the same, and its tokens have their numbers.

local fnet = require "fnet"
local answer = require "tests.fuzz.readers".answer
local vocabulary = require "fnet.data.vocabulary"

return function(path)
  local v = answer(path, fnet.data.read_vocabulary(path))
  if not v then return end
  for i, token in ipairs(v.tokens) do assert(v:number(token) == i) end
  local text = vocabulary.text_of(v)
  assert(vocabulary.text_of(vocabulary.read_text(text)) == text)
  assert(type(v:decode(fnet.tensor({ 1, 2, #v }, "int32"))) == "string")
end

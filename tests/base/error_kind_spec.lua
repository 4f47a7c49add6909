--- Kinds of errors: what code asks for instead of reading a message.

local core = require "fnet.core"
local fnet = require "fnet"
local support = require "tests.support"
local nn = fnet.nn

local function message_of(f, ...)
  local ok, message = pcall(f, ...)
  assert.is_false(ok)
  return message
end

describe("fnet.error_kind", function()
  local labels = message_of(nn.cross_entropy, fnet.zeros { 1, 2 }, fnet.tensor({ 3 }, "int32"))

  it("knows labels, Ctrl-C and a lack of memory", function()
    assert.equal("label out of range", fnet.error_kind(labels))
    assert.equal("interrupted", fnet.error_kind(message_of(support.interrupt)))
    assert.equal("out of memory", fnet.error_kind(message_of(fnet.zeros, { 1 << 20, 1 << 18 })))
    assert.equal("out of memory", fnet.error_kind(message_of(error, "not enough memory", 0))) -- Lua's own
  end)

  it("is nil for every other error, whatever its words", function()
    assert.is_nil(fnet.error_kind(message_of(fnet.zeros, { -1 })))
    assert.is_nil(fnet.error_kind(message_of(error, "label 3 in row 1 is outside 1..2", 0)))
    assert.is_nil(fnet.error_kind(message_of(error, "was interrupted", 0)))
    for _, value in ipairs { 1, true, {} } do assert.is_nil(fnet.error_kind(value)) end
    assert.is_nil(fnet.error_kind())
  end)

  it("is that of the error also where a script raises it again with words in front", function()
    local again = message_of(function() error("row 7: " .. labels) end)
    assert.matches("error_kind_spec.lua:%d+: row 7: ", again)
    assert.equal("label out of range", fnet.error_kind(again))
  end)

  it("is kept for the latest errors", function()
    for _ = 1, 15 do pcall(fnet.zeros, { -1 }) end
    assert.is_nil(fnet.error_kind "unheard of")
    local message = message_of(support.interrupt)
    for _ = 1, 15 do pcall(fnet.zeros, { -1 }) end
    assert.equal("interrupted", fnet.error_kind(message))
  end)
end)

describe("the text of an error", function()
  it("is the message without the position that the library put in front", function()
    local message = message_of(function() fnet.zeros { -1 } end)
    local position, text = message:match "^(.-error_kind_spec%.lua:%d+: )(.*)$"
    assert.equal(text, core.error_text(position .. text))
    assert.equal("a.lua:1: not ours", core.error_text "a.lua:1: not ours")
    assert.equal("12", core.error_text(12))
  end)
end)

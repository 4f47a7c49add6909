--- Protocol buffers read: what protobuf.lua writes, in every kind; what is damaged is refused with its place.

require "fnet"
local files = require "fnet.files"
local protobuf = require "fnet.files.protobuf"

local INNER = { [1] = { "name", "text" } }
local FORM = {
  [1] = { "count", "integer" }, [2] = { "share", "float" }, [3] = { "name", "text" }, [4] = { "inner", INNER },
  [5] = { "list", "integers" }, [6] = { "parts", INNER, repeats = true }, [7] = { "where", "range" },
  [8] = { "floats", "floats" }, [9] = { "doubles", "doubles" }, [10] = { "bytes", "bytes" },
  [11] = { "names", "text", repeats = true },
}

local function read(text) return files.attempt("", protobuf.read, text, FORM) end

describe("a message", function()
  it("has what was written", function()
    local text = protobuf.integer(1, -5) .. protobuf.float(2, 0.5) .. protobuf.bytes(3, "n\xC3\xA4me")
      .. protobuf.bytes(4, protobuf.bytes(1, "in")) .. protobuf.bytes(5, "\1\172\2") .. protobuf.integer(5, 7)
      .. protobuf.bytes(6, "") .. protobuf.bytes(6, protobuf.bytes(1, "two")) .. protobuf.float(8, 1)
      .. protobuf.bytes(8, string.pack("<f", 2)) .. protobuf.doubles(9, { 3 }) .. protobuf.bytes(10, "\255")
      .. protobuf.bytes(11, "a") .. protobuf.bytes(11, "b") .. protobuf.integer(99, 1)
    assert.same({ count = -5, share = 0.5, name = "n\xC3\xA4me", inner = { name = "in" }, list = { 1, 300, 7 },
      parts = { {}, { name = "two" } }, floats = string.pack("<ff", 1, 2), doubles = string.pack("<d", 3),
      bytes = "\255", names = { "a", "b" } }, read(text))
    assert.same({ where = { 3, 5 } }, read(protobuf.bytes(7, "xyz")))
    assert.same({}, read "")
  end)

  it("that is damaged is refused, with the byte", function()
    for text, message in pairs {
      ["\8"] = "is damaged: a number at byte 2 does not end",
      ["\8\255\255\255\255\255\255\255\255\255\255\1"] = "is damaged: a number at byte 12 does not end",
      ["\26\5ab"] = "is damaged: the field at byte 1 does not fit into its message",
      ["\26\255\255\255\255\255\255\255\255\255\1"] =
        "is damaged: the field at byte 1 does not fit into its message",
      ["\0\1"] = "is damaged: the field at byte 1 does not fit into its message",
      ["\11"] = "is damaged: the field at byte 1 does not fit into its message", -- a group
      ["\21\0\0"] = "is damaged: the field at byte 1 does not fit into its message",
      ["\26\1\255"] = "is damaged: name at byte 3 is no text",
      ["\10\1a"] = "is damaged: count at byte 3 is of another kind",
      ["\32\1"] = "is damaged: inner at byte 2 is no message",
      ["\34\3\10\5a"] = "is damaged: the field at byte 3 does not fit into its message",
      ["\64\1"] = "is damaged: floats at byte 2 is of another kind",
    } do
      assert.equal(message, (select(2, read(text))))
    end
  end)
end)

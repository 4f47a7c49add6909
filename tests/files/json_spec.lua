--- JSON: the values that come out, the form that goes in, and everything that is refused.

local fnet = require "fnet"
local json = require "fnet.files.json"
local support = require "tests.support"

describe("reading JSON", function()
  it("gives tables, texts, numbers and booleans", function()
    local value = assert(json.decode [[ {"a":[1, -2.5e-1, true, false, null, "x"], "b" : {}, "c":[] } ]])
    assert.same({ 1, -0.25, true, false, json.null, "x" }, { table.unpack(value.a) })
    assert.equal("integer", math.type(value.a[1]))
    assert.is_true(json.is_array(value.a))
    assert.is_true(json.is_array(value.c))
    assert.is_false(json.is_array(value.b))
    assert.equal("null", tostring(json.null))
    assert.equal(0, json.decode "0")
    assert.equal(0, json.decode "-0")
    assert.equal(1e300, json.decode "1e300")
    assert.equal("float", math.type(json.decode "123456789012345678901234567890"))
  end)

  it("resolves escapes", function()
    assert.equal('"\\/\b\f\n\r\tA\u{e9}\u{1F600}\127', json.decode([["\"\\\/\b\f\n\r\t\u0041\u00e9\uD83D\uDE00]]
      .. '\127"'))
  end)

  local refused = {
    [""] = "at byte 1: expected a value", ["{"] = "at byte 2: expected '\"', got the end",
    ["[1,]"] = "at byte 4: expected a value", ["[1 2]"] = "at byte 4: expected ']', got '2'",
    ['{"a":1,}'] = "at byte 8: expected '\"', got '}'", ['{"a" 1}'] = "at byte 6: expected ':', got '1'",
    ['{"a":1,"a":2}'] = "at byte 8: the key 'a' comes twice",
    ['{"a":null,"\\u0061":2}'] = "at byte 11: the key 'a' comes twice",
    ["01"] = "at byte 1: expected a value", ["1."] = "at byte 2: this is no number",
    ["+1"] = "at byte 1: expected a value", [".5"] = "at byte 1: expected a value",
    ["1e"] = "at byte 2: this is no number", ["0x10"] = "at byte 2: this is no number",
    ["1e999"] = "at byte 1: the number 1e999 is too large",
    ["NaN"] = "at byte 1: expected a value", ["nil"] = "at byte 1: expected a value",
    ["true false"] = "at byte 6: something follows the end of the value",
    ['"a'] = "at byte 3: a string has no end", ['"a\nb"'] = "at byte 4: a control character in a string",
    ['"\0"'] = "at byte 3: a control character in a string",
    ['"\\x"'] = "at byte 4: unknown escape '\\x'",
      ['"\\u12g4"'] = "at byte 4: expected four hexadecimal digits after \\u",
    ['"\\ud800"'] = "at byte 8: half a surrogate pair", ['"\\udc00"'] = "at byte 8: half a surrogate pair",
    ['"\\ud800\\u0041"'] = "at byte 14: expected the second half of a surrogate pair",
    ['"\xff"'] = "at byte 2: not valid UTF-8", ['"\xed\xa0\x80"'] = "at byte 2: not valid UTF-8",
    ["\xEF\xBB\xBF1"] = "at byte 1: expected a value", ["// 1"] = "at byte 1: expected a value",
  }
  for text, message in pairs(refused) do
    it("refuses " .. ("%q"):format(text), function()
      local value, got = json.decode(text)
      assert.is_nil(value)
      assert.equal(message, got)
    end)
  end

  it("stops at the limit of the depth, however deep the text", function()
    assert.is_table(json.decode(("["):rep(5) .. ("]"):rep(5), 5))
    assert.equal("at byte 6: nested deeper than 5 levels", select(2, json.decode(("["):rep(6) .. ("]"):rep(6), 5)))
    assert.equal("at byte 33: nested deeper than 32 levels", select(2, json.decode(("["):rep(1e6))))
    assert.equal("at byte 161: nested deeper than 32 levels", select(2, json.decode(('{"a":'):rep(1e5))))
  end)
end)

describe("writing JSON", function()
  it("has one form, with sorted keys", function()
    assert.equal('{"a":[1,true,"x"],"b":{},"c":[],"d":null}',
      json.encode { b = {}, a = { 1, true, "x" }, c = json.array {}, d = json.null })
  end)

  it("keeps every bit of a number, and its kind", function()
    for _, value in ipairs { 0.1, 1 / 3, 1.0, -0.0, 5e-324, 1.7976931348623157e308, 2 ^ 53, math.maxinteger,
      math.mininteger, 7 } do
      local back = json.decode(json.encode(value))
      assert.equal(math.type(value), math.type(back))
      assert.equal(string.pack("n", value), string.pack("n", back))
    end
  end)

  it("refuses what JSON has no form for, at the caller's line", function()
    support.raises("json: expected a finite number, got inf", function() json.encode { math.huge } end)
    support.raises("json: expected text in UTF-8", function() json.encode "\xff" end)
    support.raises("json: expected names as keys, got a number", function() json.encode { [3] = 1 } end)
    support.raises("json: expected a table, string, number or boolean, got a function",
      function() json.encode(print) end)
    support.raises("json: expected a table, string, number or boolean, got a userdata",
      function() json.encode(fnet.zeros { 1 }) end)
  end)
end)

--- Pages of one file: what they quote stays text, and their policy names what they run.

local core = require "fnet.core"
local html = require "fnet.files.html"
local json = require "fnet.files.json"

-- The digest of a text, from its bytes in base64 back to hexadecimal digits.
local function digest_in(policy, directive)
  local text, letters = policy:match(directive .. " 'sha256%-([%w+/]+)=?=?'"), {}
  local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
  local value, bits = 0, 0
  for letter in text:gmatch "." do
    value, bits = value << 6 | alphabet:find(letter, 1, true) - 1, bits + 6
    if bits >= 8 then
      bits = bits - 8
      letters[#letters + 1] = ("%02x"):format(value >> bits & 255)
    end
  end
  return table.concat(letters)
end

describe("the text of a page", function()
  it("is text, whatever its letters are", function()
    assert.equal("&lt;b&gt; &amp;amp; &quot;a&quot; &#39;b&#39;", html.text [[<b> &amp; "a" 'b']])
    assert.equal("a\\nb\\x1B\\u{202E}c\\x00\\xFF", html.text "a\nb\27\u{202E}c\0\xFF")
    assert.equal("a\n\tb\\r&lt;", html.text("a\n\tb\r<", true))
    assert.equal("Ähre, 日本", html.text "Ähre, 日本")
  end)

  it("cannot end the script that it is data of", function()
    local value = { name = "</script><!--<script>&amp;", list = json.array { 1, 0.5, true } }
    local text = html.data("numbers", value)
    local inner = text:match '^<script type="application/json" id="numbers">(.*)</script>\n$'
    assert.is_nil(inner:find "[<>&]")
    assert.same(value, json.decode(inner))
  end)

  it("is visible there, too", function()
    local text = html.data("numbers", { ["a\u{202E}"] = { "\27\xFF", json.null } })
    assert.is_truthy(text:find([[{"a\\u{202E}":["\\x1B\\xFF",null]}]], 1, true))
  end)
end)

describe("a page", function()
  local page = { title = "a <b>", style = "p{color:red}", script = "'use strict';", body = "<p>c</p>\n" }

  it("allows what stands in it, by its digest, and pictures that are data", function()
    local text = html.page(page)
    local policy = text:match 'Content%-Security%-Policy" content="([^"]*)"'
    assert.equal("default-src 'none'", policy:match "^[^;]+")
    assert.equal(core.sha256(page.script), digest_in(policy, "script%-src"))
    assert.equal(core.sha256(page.style), digest_in(policy, "style%-src"))
    assert.is_truthy(text:find("<style>p{color:red}</style>", 1, true))
    assert.is_truthy(text:find("<script>'use strict';</script>", 1, true))
    assert.is_truthy(text:find("<title>a &lt;b&gt;</title>", 1, true))
    assert.is_nil(text:find "https?:")
    assert.is_nil(policy:find "unsafe")
    assert.equal(text, html.page(page))
  end)

  it("without a script runs none", function()
    local text = html.page { title = "", style = "", body = "" }
    assert.is_nil(text:find "<script")
    assert.is_nil(text:find "script%-src")
  end)
end)

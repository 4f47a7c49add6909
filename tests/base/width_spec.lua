--- How many columns terminals give to a text, and what is made of it: cut texts, columns.

local columns = require "fnet.base.columns"
local width = require "fnet.base.width"
local letters = require "fnet.chart.letters"

describe("the width of a text", function()
  it("is two columns for a wide letter, none for a mark on a letter, one for all others", function()
    local cases = {
      [""] = 0, abc = 3, ["größe"] = 5, ["日本語"] = 6, ["한글"] = 4, ["ﾃｽﾄ"] = 3, ["ＡＢ"] = 4, ["e\u{301}a"] = 2,
      ["⣿─█▀"] = 4, ["𝛼"] = 1, ["🐎"] = 2, ["𠮷"] = 2, ["a\u{200D}b"] = 2, ["±…—"] = 3, ["\255\254"] = 2,
    }
    for text, expected in pairs(cases) do assert.equal(expected, width.of(text), text) end
  end)

  it("cuts a text where the next letter has no room, and never between a letter and its mark", function()
    for _, case in ipairs { { "日本語", 4, "日本", "語" }, { "日本語", 5, "日本", "語" }, { "日本", 1, "", "日本" },
      { "e\u{301}a", 1, "e\u{301}", "a" }, { "abc", 3, "abc", "" }, { "\255\254a", 2, "\255\254", "a" } } do
      assert.same({ case[3], case[4] }, { width.parted(case[1], case[2]) })
    end
    assert.same({ "日", "e\u{301}", "x" }, width.letters "日e\u{301}x")
    assert.equal("日..", letters.cut("日本語", 5))
    assert.same({ "日本", "語 a" }, letters.wrap("日本語 a", 4))
    assert.same({ "?", "a", "?" }, letters.wrap("日a日", 1)) -- ends, where no letter fits
    assert.same({ "abc", "def", "gh", "ij" }, letters.wrap("abcdefgh ij", 3))
    assert.equal("日  ", letters.pad("日", 4))
  end)

  it("is that of cells in columns", function()
    assert.same({ "日本 1", "abc  2" }, columns({ { "日本", 1 }, { "abc", 2 } }, { -1, 1 }))
  end)
end)

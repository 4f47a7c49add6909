--- Pictures in colour, and several in a grid.

local fnet = require "fnet"
local raises = require("tests.support").raises
local terminal = require "tests.support.terminal"
local report = fnet.report

describe("a picture in colour", function()
  local picture = fnet.tensor { { { 1, 0, 0 }, { 0, 0, 1 } }, { { 1, 0, 0 }, { 1, 1, 1 } } }

  it("is its brightness in plain characters", function()
    assert.equal("-+", terminal.pretend(nil, {}, function() return report.picture(picture) end))
  end)

  it("has 256 colours on a terminal, and all where it says so", function()
    local function drawn(environment)
      return terminal.pretend(80, environment, function() return report.picture(picture) end)
    end
    assert.equal("\27[38;5;196;48;5;196m▀\27[38;5;21;48;5;231m▀\27[0m", drawn {})
    assert.equal("\27[38;2;255;0;0;48;2;255;0;0m▀\27[38;2;0;0;255;48;2;255;255;255m▀\27[0m",
      drawn { COLORTERM = "truecolor" })
    assert.equal("\27[48;5;196m \27[48;5;105m \27[0m", drawn { LANG = "C" })
    assert.equal("-+", drawn { NO_COLOR = "1", COLORTERM = "truecolor" })
  end)

  it("has all greys where there are all colours", function()
    assert.equal("\27[38;2;128;128;128;48;2;255;255;255m▀\27[0m", terminal.pretend(80, { COLORTERM = "24bit" },
      function() return report.picture(fnet.tensor { { 0.5 }, { 1 } }) end))
  end)

  it("says a colour once where it goes on", function()
    assert.equal("\27[38;5;255;48;5;255m▀▀▀▀\27[0m",
      terminal.pretend(80, {}, function() return report.picture(fnet.ones { 2, 4 }) end))
  end)
end)

describe("a picture", function()
  it("of bytes has 255 for white, and may have an axis for its one channel", function()
    local bytes = fnet.tensor({ { 0, 128, 255 }, { 0, 128, 255 } }, "uint8")
    assert.equal(" +@", report.picture(bytes))
    assert.equal(" +@", report.picture(bytes:reshape { 2, 3, 1 }))
    assert.equal(" +@", report.picture(bytes:double() / 255))
  end)

  it("is cut to what is on it", function()
    local dot = fnet.zeros { 6, 5 }
    dot:set(1, 3, 2)
    dot:set(-1, 4, 4)
    assert.equal("=  ", report.picture(dot, { cut = true }))
    local red = fnet.zeros { 4, 4, 3 }
    red:set(1, 2, 3, 1)
    assert.equal(1, #report.picture(red, { cut = true }))
    assert.equal("  ", report.picture(fnet.zeros { 2, 2 }, { cut = true }), "dark all over: nothing is cut")
    assert.equal("?", report.picture(fnet.tensor { { 0, 0 / 0 }, { 0, 0 } }, { cut = true }))
    raises("picture: cut: expected true or false, got number", function() report.picture(dot, { cut = 1 }) end)
  end)

  it("marks what is no number", function()
    local broken = fnet.tensor { { 0 / 0, 1 }, { 1, 1 } }
    assert.equal("?@", report.picture(broken))
    assert.matches("^\27%[38;5;196;48;5;255m▀",
      terminal.pretend(80, {}, function() return report.picture(broken) end))
  end)

  it("is smaller on a terminal that has no room for it, and whole elsewhere", function()
    local wide = fnet.rand { 60, 100 }
    assert.equal(100, terminal.width(report.picture(wide)))
    local drawn = terminal.pretend(40, {}, function() return report.picture(wide) end)
    assert.same({ 40, 11 }, { terminal.width(drawn), select(2, drawn:gsub("\n", "")) })
  end)

  it("with nothing in it is refused", function()
    raises("picture: expected a tensor [height, width] or [height, width, 3], got [0, 3]",
      function() report.picture(fnet.zeros { 0, 3 }) end)
  end)
end)

describe("pictures", function()
  it("stand side by side, with captions below", function()
    local list = { fnet.ones { 4, 6 }, fnet.zeros { 2, 3 }, fnet.ones { 2, 6 } }
    assert.equal("@@@@@@                              @@@@@@\n@@@@@@\n" ..
      "one               two words         here the line is\n                                    full",
      report.pictures(list, { captions = { "one", "two words", "here the line is full" } }))
    assert.equal("@@@@@@\n@@@@@@\n\n\n\n@@@@@@", report.pictures(list, { columns = 1 }))
  end)

  it("are as many in a row as the screen has room for", function()
    for columns, each in pairs { [40] = 3, [80] = 6, [200] = 15 } do
      local drawn = terminal.pretend(columns, {}, function() return report.pictures(fnet.rand { 17, 12, 11 }) end)
      assert.is_true(terminal.width(drawn) <= columns)
      assert.equal(each, (terminal.width(drawn) + 2) // 13)
    end
    assert.equal(80, terminal.width(report.pictures(fnet.rand { 2, 10, 100 })))
  end)

  it("become smaller where more are asked for than there is room", function()
    local drawn = report.pictures(fnet.rand { 20, 28, 28 }, { columns = 10 })
    assert.is_true(terminal.width(drawn) <= 80)
    assert.equal(78, terminal.width(report.pictures(fnet.ones { 20, 28, 28 }, { columns = 10 })))
  end)

  it("cut a caption where a word has no room, and show what terminals must not hear", function()
    local drawn = report.pictures({ fnet.ones { 2, 4 } }, { captions = { "Donaudampfschiffe \27[31m" } })
    assert.equal("@@@@\nDonaudampfschiff\ne \\x1B[31m", drawn)
  end)

  it("are nothing but text in a pipe, also those with colours", function()
    assert.is_nil(report.pictures(fnet.rand { 3, 4, 4, 3 }):find "\27")
    assert.is_nil(report.pictures(fnet.rand { 3, 4, 4, 1 }):find "\27")
  end)

  it("are refused with what is wrong", function()
    local kinds = "pictures: expected a list of pictures, or a tensor [count, height, width] or "
      .. "[count, height, width, 3], got "
    raises(kinds .. "float32 [2, 3]; report.picture shows one", function() report.pictures(fnet.ones { 2, 3 }) end)
    raises(kinds .. "float32 [0, 2, 2]", function() report.pictures(fnet.ones { 0, 2, 2 }) end)
    raises("pictures: expected a list of pictures, or a tensor [count, height, width], got nil",
      function() report.pictures() end)
    raises("pictures: expected a tensor [height, width] or [height, width, 3], got [2, 2, 2]",
      function() report.pictures(fnet.ones { 3, 2, 2, 2 }) end)
    raises("pictures: picture 2: expected a tensor [height, width] or [height, width, 3], got number",
      function() report.pictures { fnet.ones { 2, 2 }, 7 } end)
    local two = fnet.ones { 2, 2, 2 }
    raises("pictures: captions: expected 2 texts, one for each picture, got 1",
      function() report.pictures(two, { captions = { "a" } }) end)
    raises("pictures: caption 1: expected a text, got nil",
      function() report.pictures(two, { captions = { nil, "b" } }) end)
    raises("pictures: picture 1: expected a tensor [height, width] or [height, width, 3], got nil",
      function() report.pictures { nil, fnet.ones { 2, 2 } } end)
    raises("pictures: caption 2: expected a text, got boolean",
      function() report.pictures(two, { captions = { "a", true } }) end)
    raises("pictures: columns: expected a whole number from 1 to 27, got 28",
      function() report.pictures(two, { columns = 28 }) end)
    raises("pictures: unknown option 'titles'; known are captions, columns",
      function() report.pictures(two, { titles = {} }) end)
  end)
end)

--- What the place can show to which a text goes, and the colours on it.

local command = require "tests.support.command"
local colours = require "fnet.chart.colours"

local directory = command.make_directory()
teardown(function() command.remove_directory(directory) end)

local function seen(environment)
  local line = command.line(command.fnet, { "-e", [[local s = require("fnet.chart.screen").of(1)
    print(s.terminal, s.columns, s.colour, s.unicode)]] })
  return command.shell(directory, ("env -u LC_ALL -u LC_CTYPE -u LANG -u COLUMNS -u NO_COLOR -u TERM %s %s"):format(
    environment, line)).output
end

describe("a screen", function()
  it("has letters beyond ASCII unless the locale or the terminal says otherwise", function()
    for environment, unicode in pairs {
      [""] = true, ["LANG=C"] = false, ["LANG=de_DE.UTF-8"] = true, ["LANG=C.utf8"] = true,
      ["LC_ALL=POSIX LANG=C.UTF-8"] = false, ["LC_CTYPE=C.UTF-8 LANG=C"] = true, ["LANG=de_DE.ISO-8859-1"] = false,
      ["LC_ALL= LANG=C.UTF-8"] = true, ["TERM=linux LANG=C.UTF-8"] = false,
    } do
      assert.equal(("false\t80\tfalse\t%s\n"):format(unicode), seen(environment), environment)
    end
  end)
end)

describe("colours", function()
  local WEIGHTS = { 0.2126, 0.7152, 0.0722 }

  -- WCAG 2.1, relative luminance
  local function luminance(colour)
    local sum = 0
    for i, part in ipairs { colours.parts(colour) } do
      local value = part / 255
      sum = sum + WEIGHTS[i] * (value <= 0.03928 and value / 12.92 or ((value + 0.055) / 1.055) ^ 2.4)
    end
    return sum
  end

  it("can be told from white and from black", function()
    for _, colour in ipairs(colours.series) do
      local light = luminance(colour)
      assert.is_true(1.05 / (light + 0.05) >= 3, colour)
      assert.is_true((light + 0.05) / 0.05 >= 3, colour)
    end
  end)

  it("are others for each of ten classes, and come again after the last", function()
    local known = {}
    for number = 1, 10 do
      local colour = colours.of(number)
      assert.is_nil(known[colour], colour)
      known[colour] = true
    end
    assert.equal(colours.of(1), colours.of(#colours.series + 1))
  end)

  it("have a neighbour among a terminal's", function()
    assert.equal(16, colours.of_terminal "#000000")
    assert.equal(231, colours.of_terminal "#ffffff")
    assert.equal(196, colours.of_terminal "#ff0000")
    assert.equal(16 + 36 + 6 * 2 + 3, colours.of_terminal "#5f87af")
  end)
end)

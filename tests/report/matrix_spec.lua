--- Matrices as shades, and the confusion matrix in colour.

local fnet = require "fnet"
local raises = require("tests.support").raises
local terminal = require "tests.support.terminal"
local report = fnet.report

describe("a matrix", function()
  local signed = fnet.tensor { { -2, 0, 1 }, { 0.2, 2, 0 / 0 } }

  it("is a shade for each value, with its sign where values have one", function()
    assert.equal("-@  ++\n+.+@??\nshades from 0 to 2, or to -2 with a minus: ' .:-=+*#%@'", report.matrix(signed))
    assert.equal("  ++\n@@::\nshades from 0 to 4: ' .:-=+*#%@'",
      report.matrix(fnet.tensor { { 0, 2 }, { 4, 1 } }))
    assert.equal("\nshades from 0 to 0: ' .:-=+*#%@'", report.matrix(fnet.zeros { 1, 2 }))
  end)

  it("has names beside and above", function()
    local text = report.matrix(fnet.ones { 2, 2 }, {
      rows = { "first", 2 }, columns = { "ab", "a much longer name" },
    })
    assert.equal("        a\n\n        m\n        u\n        c\n        h\n\n        l\n        o\n        n\n" ..
      "      a .\n      b .\nfirst @@@@\n2     @@@@\nshades from 0 to 1: ' .:-=+*#%@'", text)
  end)

  it("takes the ends that it is given", function()
    local text = report.matrix(fnet.tensor { { 5, 10, -100 } }, { low = 5, high = 15 })
    assert.equal("  ++\nshades from 5 to 15: ' .:-=+*#%@'", text)
    assert.matches("^%+%.\nshades from 0 to 10, or to %-10 ",
      report.matrix(fnet.tensor { { 1, -0.1 } }, { high = 10 }))
  end)

  it("is coloured on a terminal: blue below zero, orange above, grey where nothing is below", function()
    local function drawn(value)
      return terminal.pretend(80, {}, function() return report.matrix(fnet.tensor(value)) end)
    end
    assert.matches("^\27%[48;5;195m  \27%[48;5;16m  \27%[48;5;230m  \27%[48;5;196m  \27%[0m\n%-1 .+ 1$",
      drawn { { -1, 0, 1, 0 / 0 } })
    assert.matches("^\27%[48;5;232m  \27%[48;5;255m  \27%[0m\n0 .+ 3$", drawn { { 0, 3 } })
  end)

  it("that is too large becomes smaller, and says so", function()
    local text = report.matrix(fnet.ones { 50, 400 }, { columns = fnet.ones({ 400 }):totable() })
    assert.equal(80, terminal.width(text))
    assert.matches("\n%[50, 400%] drawn as %[10, 80%]\nthe names have no room here\nshades from 0 to 1: ", text)
    for _, columns in ipairs { 40, 80, 200 } do
      local drawn = terminal.pretend(columns, {}, function() return report.matrix(fnet.randn { 30, 300 }) end)
      assert.equal(columns, terminal.width(drawn))
    end
    local odd = report.matrix(fnet.randn { 3, 60 })
    assert.same({ 60, 3 }, { terminal.width(odd), select(2, odd:gsub("\n", "")) + 1 })
  end)

  it("of values at the ends of what there is, is drawn", function()
    assert.matches("^%-@%+@\n", report.matrix(fnet.tensor({ { -1e300, 1e300 } }, "float64")))
    assert.matches("^@@##\n", report.matrix(fnet.tensor { { math.huge, 3 }, { 4, 0 } }))
    assert.matches("^%?%?\n", report.matrix(fnet.tensor { { 0 / 0 } }))
  end)

  it("is refused with what is wrong", function()
    raises("matrix: expected a tensor [rows, columns] with at least one value, got float32 [3]",
      function() report.matrix(fnet.ones { 3 }) end)
    raises("matrix: expected a tensor [rows, columns] with at least one value, got float32 [0, 3]",
      function() report.matrix(fnet.ones { 0, 3 }) end)
    raises("matrix: rows: expected 3 names, got 1",
      function() report.matrix(fnet.ones { 3, 1 }, { rows = { 1 } }) end)
    raises("matrix: rows: name 1: expected a text, got nil",
      function() report.matrix(fnet.ones { 2, 1 }, { rows = { nil, "b" } }) end)
    raises("matrix: columns: name 1: expected a text, got table",
      function() report.matrix(fnet.ones { 3, 1 }, { columns = { {} } }) end)
    raises("matrix: expected a low below high, got 2 and 1",
      function() report.matrix(fnet.ones { 3, 1 }, { low = 2 }) end)
    raises("matrix: high: expected a number from -1e+300 to 1e+300, got nan",
      function() report.matrix(fnet.ones { 3, 1 }, { high = 0 / 0 }) end)
  end)
end)

describe("a confusion matrix", function()
  local output = fnet.tensor { { 1, 0 }, { 1, 0 }, { 1, 0 }, { 0, 1 } }
  local confusion = fnet.metrics.confusion(output, fnet.tensor({ 1, 1, 2, 2 }, "int32"),
    { classes = { "a\27[31m", "a name that is long" } })

  it("is what print gives where there are no colours", function()
    assert.equal(tostring(confusion), report.confusion(confusion))
    for environment, columns in pairs { NO_COLOR = 80, [1] = nil } do
      assert.equal(tostring(confusion),
        terminal.pretend(columns, { [environment] = "1" }, function() return report.confusion(confusion) end))
    end
  end)

  it("has right answers on blue and wrong ones on orange, and is otherwise the same", function()
    local drawn = terminal.pretend(80, {}, function() return report.confusion(confusion) end)
    assert.equal(tostring(confusion), (drawn:gsub("\27%[[%d;]*m", "")))
    assert.matches("\n  1 a\\x1B%[31m +\27%[97;48;5;32m2\27%[0m 0\n", drawn)
    assert.matches("long \27%[97;48;5;130m1\27%[0m \27%[97;48;5;25m1\27%[0m\n", drawn)
  end)

  it("is shades where the counts have no room", function()
    local labels = fnet.arange(1, 12, 1, "int32")
    local many = fnet.metrics.confusion(fnet.randn { 12, 12 }, labels)
    for _, environment in ipairs { {}, { NO_COLOR = "1" } } do
      local drawn = terminal.pretend(40, environment, function() return report.confusion(many) end)
      assert.is_true(terminal.width(drawn) <= 40)
      assert.matches("support\n1 1 +%d%.%d%d%d%d %d", drawn)
      assert.matches("\naccuracy [%d.]+%% %(%d+/12%)$", drawn)
    end
  end)

  it("is told from other things", function()
    raises("confusion: expected the result of fnet.metrics.confusion(model, set), got table",
      function() report.confusion { counts = {} } end)
    raises("confusion: expected the result of fnet.metrics.confusion(model, set), got float32 [2, 2]",
      function() report.confusion(fnet.ones { 2, 2 }) end)
  end)
end)

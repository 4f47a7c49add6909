--- The worst mistakes of a classifier, as pictures and as a table.

local fnet = require "fnet"
local raises = require("tests.support").raises
local terminal = require "tests.support.terminal"
local nn, data, report = fnet.nn, fnet.data, fnet.report

-- A model that answers the number of each sample's first pixel, from 1, with the certainty of its second one.
local function reader()
  return nn.Lambda(function(x)
    local rows = x:reshape { #x, -1 }
    local guess, certainty = rows:select(2, 1):int():totable(), rows:select(2, 2):totable()
    local list = {}
    for i, class in ipairs(guess) do
      local rest = math.log((1 - certainty[i]) / 2)
      list[i] = { rest, rest, rest }
      list[i][class] = math.log(certainty[i])
    end
    return fnet.tensor(list)
  end)
end

local CLASSES = { "shirt", "coat", "bag \27[31m" }

local function set_of(rows, labels, more)
  local fields = { x = fnet.tensor(rows), y = fnet.tensor(labels, "int32"), classes = CLASSES }
  for key, value in pairs(more or {}) do fields[key] = value end
  return data.Dataset(fields)
end

local pictures = set_of({ { { 1, 0.98 } }, { { 2, 0.75 } }, { { 2, 0.875 } }, { { 3, 0.6 } } }, { 2, 1, 2, 1 })

describe("the report of mistakes", function()
  it("shows pictures, what the model says, how sure it is, and what is right", function()
    assert.equal("3 mistakes in 4 samples, the most certain first\n\n" ..
      "==                =-                =:\n" ..
      "1: says shirt     2: says coat      4: says bag\n" ..
      "98%, is coat      75%, is shirt     \\x1B[31m 60%, is\n" ..
      "                                    shirt", report.mistakes(reader(), pictures))
    assert.matches("^1 of 3 mistakes in 4 samples, the most certain first\n\n[^\n]*\n1: says",
      report.mistakes(reader(), pictures, 1))
  end)

  it("says so where there is none, and where there is one", function()
    assert.equal("no mistakes in 1 sample", report.mistakes(reader(), pictures:slice(3, 3)))
    assert.matches("^1 mistake in 2 samples\n\n", report.mistakes(reader(), pictures:slice(2, 3)))
  end)

  it("knows classes by their numbers where they have no names, and by those that it is given", function()
    local nameless = data.Dataset { x = pictures.x, y = pictures.y }
    assert.matches("1: says class", report.mistakes(reader(), nameless))
    assert.matches("1: says A 98%%,\nis B$",
      report.mistakes(reader(), nameless, 1, { classes = { "A", "B", "C" } }))
  end)

  it("shows pictures as they were before a transform", function()
    local changed = pictures:with { transform = function(x, y) return x * 1, y end }
    assert.equal(report.mistakes(reader(), pictures), report.mistakes(reader(), changed))
    local drawn = set_of({ 1, 2, 3, 4 }, { 2, 1, 2, 1 }):with { transform = function(x, y)
      return pictures.x:gather(x:int()), y
    end, random = false }
    assert.equal(report.mistakes(reader(), pictures), report.mistakes(reader(), drawn))
  end)

  it("makes a table of other samples, as wide as the screen", function()
    local rows = set_of({ { 1, 0.98, 0.5, 1e9 }, { 2, 0.75, -1, 2 } }, { 2, 1 })
    local text = "2 mistakes in 2 samples, the most certain first\n\n" ..
      "sample  says   certain  is     x1    x2   x3     x4\n" ..
      "     1  shirt    98.0%  coat    1  0.98  0.5  1e+09\n" ..
      "     2  coat     75.0%  shirt   2  0.75   -1      2"
    assert.equal(text, report.mistakes(reader(), rows))
    local narrow = terminal.pretend(40, {}, function() return report.mistakes(reader(), rows) end)
    assert.is_true(terminal.width(narrow) <= 40)
    assert.matches("\n     2  coat     75%.0%%  shirt   2  0%.75\n2 more columns have no room here$", narrow)
    assert.matches("\n1: says", report.mistakes(reader(), rows, 2, { shape = { 2, 2 } }))
  end)

  it("calls columns and categories of a table by their names", function()
    local rows = set_of({ { 1, 0.98 } }, { 2 })
    rows.columns = { { name = "size", categories = { "small", "large" } }, { name = "weight\n" } }
    assert.matches("size  weight\\n\n.* small      0%.98$", report.mistakes(reader(), rows))
  end)

  it("shows the picture among several inputs", function()
    local two = data.Dataset { x = { fnet.ones { 4, 3 }, pictures.x }, y = pictures.y, classes = CLASSES }
    local Second = nn.module "Second"
    function Second:init() self.reader = reader() end
    function Second:forward(_, picture) return self.reader(picture) end
    assert.equal(report.mistakes(reader(), pictures), report.mistakes(Second(), two))
    local named = data.Dataset { x = { drawn = pictures.x, row = fnet.ones { 4, 3 } }, y = pictures.y,
      classes = CLASSES }
    function Second:forward(x) return self.reader(x.drawn) end
    assert.equal(report.mistakes(reader(), pictures), report.mistakes(Second(), named))
  end)

  it("shows the values of samples by name", function()
    local rows = data.Dataset { x = { size = fnet.tensor { { 1 }, { 2 } }, part = fnet.tensor { { 0.98, 3 },
      { 0.75, 4 } } }, y = fnet.tensor({ 2, 1 }, "int32"), classes = CLASSES }
    local model = nn.Lambda(function(x) return reader()(fnet.concat({ x.size, x.part }, 2)) end)
    assert.matches("  is     part1  part2  size1\n", report.mistakes(model, rows))
  end)

  it("refuses what is wrong", function()
    raises("mistakes: expected a model first, got nil", function() report.mistakes(nil, pictures) end)
    raises("mistakes: unknown option 'colums' (did you mean 'columns'?); known are columns, shape, classes, size",
      function() report.mistakes(reader(), pictures, 1, { colums = 2 }) end)
    raises("mistakes: shape: expected samples of 4 elements, got [1, 2]",
      function() report.mistakes(reader(), pictures, 1, { shape = { 2, 2 } }) end)
    raises("mistakes: classes: expected a list of names, got string",
      function() report.mistakes(reader(), pictures, 1, { classes = "a" }) end)
    raises("mistakes: classes: name 1: expected a text, got table",
      function() report.mistakes(reader(), pictures, 1, { classes = { {} } }) end)
  end)
end)

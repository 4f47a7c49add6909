--- Curves and histograms as text: where known curves land, what stands around them, and what is refused.

local fnet = require "fnet"
local terminal = require "tests.support.terminal"
local width = require "fnet.base.width"
local report = fnet.report

local NAN = 0 / 0

-- As text for no terminal, with options on top.
local function plot(curves, options)
  local list = { columns = 40, rows = 4, style = "ascii", colour = false }
  for key, value in pairs(options or {}) do list[key] = value end
  return report.plot(curves, list)
end

local function histogram(values, options)
  local list = { columns = 40, rows = 4, style = "ascii", colour = false }
  for key, value in pairs(options or {}) do list[key] = value end
  return report.histogram(values, list)
end

local function lines_of(text)
  local lines = {}
  for line in (text .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = line end
  return lines
end

-- The message of an error at the caller's line.
local function refused(f, ...)
  local arguments = table.pack(...)
  local ok, message = pcall(function()
    local text = f(table.unpack(arguments, 1, arguments.n))
    return text
  end)
  assert.is_false(ok)
  return message:match "^tests/report/plot_spec%.lua:%d+: (.*)$" or "at no line of this file: " .. message
end

describe("a plot", function()
  it("has axes with round marks, a title, labels and a legend", function()
    assert.equal(table.concat({
      "                  A line",
      "height",
      "  |                                *****",
      "2 +                       *********",
      "  |              *********",
      "  |     *********",
      "0 +*****",
      "  ++-----------------+-----------------+",
      "   0                 1                 2",
      "                   time",
      "   *** up",
    }, "\n"), plot({ up = { x = { 0, 1, 2 }, y = { 0, 1.25, 2.5 } } },
      { rows = 5, title = "A line", x_label = "time", y_label = "height" }))
  end)

  it("has eight dots a letter in braille, and dashes that tell curves apart", function()
    assert.equal(table.concat({
      "  │⠒⠢⠤⠤⢄⣀⣀⡀                      ⡀⢀ ⠄⠠ ⠂",
      "2 ┤       ⠈⠉⠉⠒⠒⠒⠤⠤⢄⣀⣀⡀⢀ ⡀⠠ ⠂⠐ ⠁⠈",
      "  │       ⢀ ⡀⠠ ⠄⠐ ⠂⠈ ⠉⠉⠉⠑⠒⠒⠤⠤⠤⣀⣀⡀",
      "0 ┤⠄⠐ ⠂⠈ ⠁                      ⠈⠉⠉⠑⠒⠒⠢⠤",
      "  └┬───────────────────────────────────┬",
      "   1                                   2",
      "   ⠤⠤⠤ a   ⠄⠠  b",
    }, "\n"), plot({ b = { 0, 3 }, a = { 3, 0 } }, { style = "braille" }))
  end)

  it("has another mark for each of ten classes", function()
    local curves, seen = {}, {}
    for class = 0, 9 do curves["class " .. class] = { x = { class }, y = { class }, points = true } end
    for mark, name in plot(curves):gmatch "(%p)  class (%d)" do
      assert.is_nil(seen[mark], name)
      seen[mark] = name
    end
    assert.same({ "0", "9" }, { seen["*"], seen["$"] })
  end)

  it("has points, beside lines, and a band by its borders", function()
    assert.equal(table.concat({
      "4 +                                   o",
      "  |        **           o",
      "2 +          ****",
      "0 + o            **",
      "  +-+-------------+------------+--------",
      "    0             2            4",
      "   *** a    o  b",
    }, "\n"), plot { b = { x = { 0, 3, 5 }, y = { 0, 3, 4 }, points = true }, a = { 3, 0 } })
    local lines = lines_of(plot({ x = { 0, 1 }, y = { 1, 1 }, low = { 0, 0 }, high = { 2, 2 } }, { rows = 5 }))
    for row, marks in ipairs { 10, 0, 37, 0, 10 } do
      assert.equal(marks, select(2, lines[row]:gsub("%*", "")), lines[row])
    end
  end)

  it("has a mark for each point in braille, too, which no line hides", function()
    local lines = lines_of(plot({ z = { x = { 0, 2 }, y = { 0, 2 }, points = true }, a = { 2, 2, 0 },
      b = { x = { 1 }, y = { 0 }, points = true } }, { style = "braille" }))
    assert.matches("^2 ┤ *⠐.+⠒%+", lines[1])
    assert.matches("^0 ┤ %+ +o", lines[4])
    assert.equal("   ⠤⠤⠤ a    o  b    +  z", lines[#lines])
  end)

  it("has no line that is wider than asked, also of names in wide letters", function()
    for _, style in ipairs { "braille", "ascii" } do
      local text = plot({ [("日本"):rep(20)] = { 1, 2 }, [("語e\u{301}"):rep(30)] = { 2, 1 } },
        { title = ("日本 "):rep(30), x_label = ("日本"):rep(30), y_label = ("日本"):rep(30), style = style })
      for _, line in ipairs(lines_of(text)) do assert.is_true(width.of(line) <= 40, line) end
    end
  end)

  it("takes lists, tensors, lists of lists, pairs, and has a History's columns as they are", function()
    local expected = plot { 1, 4, 9 }
    assert.equal(expected, plot(fnet.tensor { 1, 4, 9 }))
    assert.equal(expected, plot(fnet.tensor({ 1, 4, 9 }, "int32")))
    assert.equal(expected, plot { y = { 1, 4, 9 } })
    assert.equal(expected, plot { x = fnet.tensor { 1, 2, 3 }, y = { 1, 4, 9 } })
    assert.equal(plot { ["1"] = { 1, 4 }, ["2"] = fnet.tensor { 9, 0 } }, plot { { 1, 4 }, fnet.tensor { 9, 0 } })
  end)

  it("sorts curves by name, numbers first, unless told otherwise", function()
    local names = {}
    for i = 1, 30 do names[i] = ("c%02d"):format(i * 7 % 30) end
    local expected
    for start = 1, 30 do -- another order of insertion each time
      local curves = {}
      for i = 0, 29 do curves[names[(start + i - 1) % 30 + 1]] = { 1, 2 } end
      expected = expected or plot(curves)
      assert.equal(expected, plot(curves))
    end
    assert.matches("c00.*c01.*c29", expected)
    local ten = {}
    for i = 1, 10 do ten[i] = { i } end
    assert.matches(" 1   .* 2   .* 9   .* 10$", plot(ten, { columns = 200 }))
    local runs = { ["run 10"] = { 1 }, ["run 2"] = { 2 }, ["run 02"] = { 2 }, ["run"] = { 3 }, ["run 9 b"] = { 4 } }
    assert.matches(" run  .* run 02 .* run 2  .* run 9 b .* run 10$", plot(runs, { columns = 200 }))
    assert.matches("b   [+o *]* a$", plot({ a = { 1, 2 }, b = { 2, 1 } }, { order = { "b", "a" } }))
  end)

  it("keeps every peak of many points", function()
    local values = fnet.zeros { 100000 }
    values:slice(1, 77777, 77777):fill(5)
    local lines = lines_of(plot(values, { columns = 60, rows = 5 }))
    local _, marks = lines[1]:gsub("%*", "")
    assert.equal(1, marks)
    assert.near(3 + 57 * 0.77777, lines[1]:find "%*", 1.5)
    local scattered = plot({ x = fnet.arange(1, 100000), y = values }, { points = true, columns = 60, rows = 5 })
    assert.equal(1, select(2, lines_of(scattered)[1]:gsub("%*", "")))
  end)

  it("leaves gaps where a value is no finite number, and counts them", function()
    local text = plot { a = { 1, NAN, 1, math.huge, 1, 1 } }
    local lines = lines_of(text)
    assert.equal("2 of 6 values of 'a' are nan or", lines[#lines - 1])
    assert.equal("infinite, and left out", lines[#lines])
    assert.equal(1 + 1 + 8, select(2, text:gsub("%*", "")) - 3) -- two points, a line of a fifth, less the legend
    assert.equal(plot { 1, NAN, 3 }, plot { [1] = 1, [3] = 3 })
    assert.matches("\n1 of 2 values is not above 0", plot({ 0, 1 }, { log = "y" }))
    assert.matches("\n1 of 2 values is nan or infinite", plot { x = { 1, NAN }, y = { 1, 1 } })
  end)

  it("draws what is empty, of one point, or constant", function()
    for _, nothing in ipairs { {}, fnet.zeros { 0 }, { a = {} }, { x = {}, y = {} } } do
      assert.matches("\nthere is nothing to draw$", plot(nothing))
    end
    assert.equal(1, select(2, plot({ 7 }):gsub("%*", "")))
    assert.matches("\n *7%.0 %+%*+\n", plot({ 7, 7, 7 }, { rows = 5 }))
    assert.matches("\n +0 +1 +2$", plot { 3 }) -- the first epoch alone
    assert.matches("\n1 of 1 values is nan or infinite", plot { NAN })
  end)

  it("draws the largest and the smallest numbers", function()
    local texts = {
      ["1e308"] = { -1.7e308, 1.7e308 }, ["1e300"] = { 0, 1e300 }, ["1e%-320"] = { 0, 1e-320 },
      ["1e%-323"] = { 5e-324, 5e-324 }, ["9007199254740992"] = { 2 ^ 53, 2 ^ 53 }, ["1e10"] = { 10000000000, 3 },
      ["1e%-7"] = { 1e-7, 2e-7 },
    }
    for mark, values in pairs(texts) do
      for _, log in ipairs { "none", "x", "y", "xy" } do
        local text = plot(values, { log = log ~= "none" and log or nil, rows = 9 })
        assert.is_nil(text:find "nan%f[%A]" and not text:find "is nan", text)
        if log == "none" and mark ~= "9007199254740992" then assert.matches(mark, text) end
        assert.is_true(terminal.width(text) <= 40, text)
      end
    end
  end)

  it("has logarithmic axes", function()
    local lines = lines_of(plot({ x = { 1, 10, 100, 1000, 10000 }, y = { 1, 10, 100, 1000, 10000 } },
      { log = "xy", rows = 9 }))
    local last = 0
    for row = 9, 1, -1 do -- a straight line
      local first = lines[row]:find("*", 1, true)
      assert.is_true(first > last, lines[row])
      last = first
    end
    assert.matches("10000 %+ ", lines[1])
    assert.matches("^ +1 +100 +10000$", lines[11])
    assert.matches("5 %+.*2 %+.*1 %+", plot({ 1, 5 }, { log = "y", rows = 12 }))
  end)

  it("has the ends that are asked for, and cuts off what is beyond", function()
    local lines = lines_of(plot({ 0, 10 }, { x_range = { low = 0, high = 3 }, y_range = { low = 4, high = 6 } }))
    assert.matches("^ +0 +1 +2 +3$", lines[6])
    assert.matches("^6", lines[1])
    assert.matches("^4", lines[4])
    assert.equal(3 + 18, lines[4]:find("*", 1, true), lines[4]) -- y = 4 at x = 1.4
    assert.matches("\n2 of 2 values are beyond the ends of the\naxes$", plot({ 1, 2 }, { y_range = { low = 5 } }))
  end)

  it("draws an axis where one end is fixed beyond all values", function()
    for _, ends in ipairs { { high = -1.4e263 }, { low = 1.4e263 }, { low = 1.7976931348623157e308 },
      { high = -1.7976931348623157e308 }, { low = 7 }, { high = 0 } } do
      local text = plot({ 1, 2, 3 }, { y_range = ends, rows = 9 })
      assert.matches("beyond the ends", text)
      assert.is_true(select(2, text:gsub("%d %+", "")) >= 2, text)
      assert.matches("beyond the ends", plot({ 1, 2, 3 }, { x_range = ends }))
    end
    assert.matches("beyond the ends", plot({ 1, 2, 3 }, { log = "xy", y_range = { low = 1e308 } }))
  end)

  it("is never wider than asked, nor told what to do by a name", function()
    local long = ("name "):rep(80)
    local curves = { [long] = { 1e-9, 1 }, ["\27[31m\n\0"] = { 2, 1e9 }, ["üß漢"] = { 3, NAN } }
    for _, style in ipairs { "ascii", "braille" } do
      for columns = 40, 200, 20 do
        local text = plot(curves, { style = style, columns = columns, title = long, x_label = "\r" .. long,
          y_label = long .. "\7" })
        assert.is_true(terminal.width(text) <= columns, text)
        assert.is_nil(text:find "[\0-\9\11-\31]")
        assert.is_truthy(utf8.len(text))
      end
    end
  end)

  it("has the colours and the letters of the place that it is for", function()
    local curves = { a = { 1, 2 }, b = { 2, 1 } }
    local function on(columns, environment) return terminal.pretend(columns, environment, function()
      return report.plot(curves, { rows = 3 })
    end) end
    local coloured = on(60, { LANG = "C.UTF-8" })
    assert.matches("\27%[38;5;%d+m", coloured)
    assert.equal(60, terminal.width(coloured))
    for line in coloured:gmatch "[^\n]+" do -- each line ends as it began
      assert.is_true(not line:find "\27" or line:find "\27%[0m[^\27]*$" ~= nil, line)
    end
    assert.is_nil(on(60, { NO_COLOR = "1" }):find "\27")
    assert.is_nil(on(nil, {}):find "\27")
    assert.matches("⠤", on(nil, {}))
    assert.is_nil(on(60, { LANG = "C" }):gsub("\27%[[%d;]*m", ""):find "[^\n -~]")
    assert.equal(80, terminal.width(on(nil, {})))
    assert.equal(200, terminal.width(on(500, {})))
    assert.equal(40, terminal.width(on(10, {})))
    assert.matches("\27", report.plot(curves, { colour = true }))
  end)

  it("refuses, at the caller's line, what it cannot draw", function()
    local cases = {
      ["expected curves, such as { loss = { 3, 2, 1 } }, got nil"] = { nil },
      ["expected curves, such as { loss = { 3, 2, 1 } }, got number"] = { 5 },
      ["expected a tensor of one axis, got [2, 2]; t:flatten() gives one, t:select(axis, index) one row"] =
        { fnet.zeros { 2, 2 } },
      ["'a': expected a list of numbers, a tensor of one axis, or { x = , y = }, got string"] = { { a = "b" } },
      ["'a': value 2: expected a number, got string"] = { { a = { 1, "2" } } },
      ["'a': x has 2 values, y has 1; they have to be as many"] = { { a = { x = { 1, 2 }, y = { 1 } } } },
      ["'a': y is missing, the numbers that are drawn"] = { { a = { x = { 1 } } } },
      ["'a': low and high make a band together; high is missing"] = { { a = { y = { 1 }, low = { 1 } } } },
      ["'a': unknown option 'z'; known are x, y, low, high, points"] = { { a = { z = { 1 } } } },
      ["'a': points: expected true or false, got number"] = { { a = { y = { 1 }, points = 1 } } },
      ["'a': expected a list of numbers, got a table with the key 1099511627776"] = { { a = { [1 << 40] = 1 } } },
      ["expected a list of numbers, got a table with the key 'foo'"] = { { 1, foo = 2 } },
      ["expected curves by name, got table"] = { { [{}] = { 1 } } },
      ["order: 'b' is missing; all curves have to stand there"] = { { a = { 1 }, b = { 1 } }, { order = { "a" } } },
      ["order: there is no curve 'loos' (did you mean 'loss'?)"] = { { loss = { 1 } }, { order = { "loos" } } },
      ["order: 'a' stands there twice"] = { { a = { 1 } }, { order = { "a", "a" } } },
      ["order: there is one curve, without a name"] = { { 1 }, { order = { "a" } } },
      ["columns: expected a whole number from 40 to 200, got 4"] = { { 1 }, { columns = 4 } },
      ["rows: expected a whole number from 3 to 200, got 2"] = { { 1 }, { rows = 2 } },
      ["title: expected a text, got number"] = { { 1 }, { title = 4 } },
      ["log: expected one of x, y, xy, got boolean"] = { { 1 }, { log = true } },
      ["log: unknown name 'z'; known are x, y, xy"] = { { 1 }, { log = "z" } },
      ["style: unknown name 'blocks'; known are braille, ascii"] = { { 1 }, { style = "blocks" } },
      ["x_range: low: expected a number from -inf to inf, got nan"] = { { 1 }, { x_range = { low = NAN } } },
      ["x_range: low: expected a finite number, got -inf"] = { { 1 }, { x_range = { low = -math.huge } } },
      ["y_range: expected low below high, got 2 and 1"] = { { 1 }, { y_range = { low = 2, high = 1 } } },
      ["y_range: low: expected a number above 0 for a logarithmic axis, got 0"] =
        { { 1 }, { log = "y", y_range = { low = 0 } } },
      ['width is that of a picture in a file; path = "curve.svg" names one, columns and rows are those of text'] = {
        { 1 }, { width = 300 } },
      ["columns is that of text; a picture in a file has width and height"] =
        { { 1 }, { path = "a.svg", columns = 60 } },
      ["path: expected a name that ends in .svg or .png, got 'a.pdf'"] = { { 1 }, { path = "a.pdf" } },
      ["path: expected a name that ends in .svg or .png, got 'svg'"] = { { 1 }, { path = "svg" } },
      ["height: expected a whole number from 100 to 8192, got 10"] = { { 1 }, { path = "a.svg", height = 10 } },
    }
    for message, arguments in pairs(cases) do
      assert.equal("plot: " .. message, refused(report.plot, arguments[1], arguments[2]))
    end
    assert.matches("^plot: unknown option 'colums' %(did you mean 'columns'%?%)", refused(report.plot, { 1 },
      { colums = 4 }))
  end)
end)

describe("a histogram", function()
  it("counts in bins with round edges; whole numbers stand in the middle of theirs", function()
    assert.equal(table.concat({
      "count",
      "  |                         ############",
      "  |                         ############",
      "2 +############             ############",
      "  |############             ############",
      "  |#####################################",
      "0 +#####################################",
      "  +------+-----------+-----------+------",
      "         1           2           3",
    }, "\n"), histogram({ 1, 1, 2, 3, 3, 3 }, { rows = 6 }))
  end)

  it("counts each value once, whatever the bins", function()
    local bins = require "fnet.chart.bins"
    local function takes(value) return value - value == 0 end
    fnet.seed(1)
    for _, values in ipairs { fnet.randn({ 999 }), fnet.rand({ 999 }):double() * 1e300,
      fnet.randn({ 999 }):double() * 1e-300, fnet.rand({ 999 }, 0, 9):int(), fnet.full({ 999 }, 0.1),
      fnet.randn({ 999 }) + 1e7 } do
      local list = values:double():totable()
      for _, number in ipairs { 0, 1, 7, 1000 } do
        local edges, counts, outside = bins.count({ { y = list, count = 999 } }, takes, false, {},
          number > 0 and number or nil)
        local total = 0
        for i, count in ipairs(counts[1]) do
          total = total + count
          assert.is_true(edges[i] <= edges[i + 1])
        end
        assert.equal(999, total)
        assert.equal(0, outside[1])
        if number > 0 then assert.equal(number, #counts[1]) else assert.is_true(#counts[1] <= 202) end
      end
    end
    local edges, counts = bins.count({ { y = { 0, 1, 2, 3, 4 }, count = 5 } }, takes, false, {}, 2)
    assert.same({ { 0, 2, 4 }, { { 2, 3 } } }, { edges, counts }) -- the last one has its right edge
  end)

  it("says what it left out, and what is beyond the range", function()
    local text = histogram { 1, NAN, 2, math.huge, 2 }
    assert.matches("2 of 5 values are nan or infinite", text)
    assert.matches("\n2 of 3 values are beyond the range", histogram({ 1, 2, 3 }, { x_range = { high = 1.5 } }))
    assert.matches("\n1 of 3 values is not above 0", histogram({ 1, 2, 0 }, { log = "x" }))
    assert.matches("\nthere is nothing to draw$", histogram {})
    assert.matches("\nthere is nothing to draw$", histogram { NAN })
  end)

  it("takes tensors of any shape, and several by name", function()
    assert.equal(histogram { 1, 2, 3, 4 }, histogram(fnet.tensor { { 1, 2 }, { 3, 4 } }))
    local weight = fnet.nn.Dense(3, 4).weight
    assert.equal(histogram(weight:detach():flatten():totable()), histogram(weight))
    assert.matches("%*%*%* a   ooo b$", histogram { a = fnet.ones { 2, 2 }, b = { 1, 2 } })
    assert.equal(8 * 37, select(2, histogram({ 1, 1 }, { rows = 8, y_range = { high = 2 } }):gsub("#", "")))
  end)

  it("refuses what it cannot count", function()
    for message, arguments in pairs {
      ["histogram: bins: expected a whole number from 1 to 1000, got 0"] = { { 1 }, { bins = 0 } },
      ["histogram: points are those of report.plot"] = { { 1 }, { points = true } },
      ["histogram: expected a tensor, a list of numbers, or several of these by name, got nil"] = { nil },
      ["histogram: 'a': value 1: expected a number, got string"] = { { a = { "x" } } },
      ["histogram: 'a': expected a list of numbers or a tensor, got table"] = { { a = { y = { 1 } } } },
    } do
      assert.equal(message, refused(report.histogram, arguments[1], arguments[2]))
    end
  end)
end)

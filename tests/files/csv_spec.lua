--- CSV files: fields and columns, categories, what is missing, and where a fault is; standardising.

local fnet = require "fnet"
local csv = require "fnet.files.csv"
local files = require "fnet.files"
local command = require "tests.support.command"
local support = require "tests.support"
local data = fnet.data
local raises = support.raises

local path
before_each(function() path = os.tmpname() end)
after_each(function() os.remove(path) end)

local function read(text, options)
  command.write_file(path, text)
  return data.read_csv(path, options)
end

local function refused(message, text, options)
  local set, got, code = read(text, options)
  assert.same({ nil, path .. ": " .. message, nil }, { set, got, code })
end

describe("csv.parse", function()
  local function parse(text, separator) return (csv.parse(text, separator or ",")) end

  it("splits records into fields, whatever ends the lines", function()
    local expected = { { "a", "1", "" }, { "b", "", "3" } }
    for _, text in ipairs { "a,b\n1,\n,3\n", "a,b\r\n1,\r\n,3", "\xEF\xBB\xBFa,b\n1,\n,3\n\n\n" } do
      assert.same(expected, parse(text))
    end
    assert.same(expected, parse("a\tb\n1\t\n\t3", "\t"))
    assert.same({ { "x", "y" } }, parse "x\ny")
  end)

  it("takes quotes as RFC 4180 has them", function()
    assert.same({ { "a,b", "" }, { 'say "hi"', "line\nend" } }, parse '"a,b","say ""hi"""\n"","line\nend"\n')
    assert.same({ { "x" }, { "" } }, parse 'x,""')
    local _, lines = csv.parse('a\n"1\n2\n3"\nb', ",")
    assert.same({ 1, 2, 5 }, lines)
  end)

  it("takes any number of fields", function()
    for _, count in ipairs { 1, 2, 30, 31, 32, 33, 300 } do
      local record = ("x,"):rep(count - 1) .. "x"
      local columns = parse(record .. "\n" .. record)
      assert.equal(count, #columns)
      assert.same({ "x", "x" }, columns[count])
    end
  end)

  it("says where a fault is", function()
    local function fails(message, text)
      assert.same({ nil, message }, { files.attempt("", csv.parse, text, ",") })
    end
    fails("is empty, expected records", "")
    fails("is empty, expected records", "\n\r\n")
    fails("line 2: holds a zero byte; is it a text file?", "a\nb\0")
    fails("line 2: is not UTF-8 (byte E4); save the file as UTF-8", "a\nK\xE4se")
    fails("line 2, column 2: the quotes are never closed", 'a,b\nc,"d\n')
    fails("line 2, column 1: expected ',' or the end of the line after the closing quote, got 'x'", 'a\n"b"x')
    fails("line 1, column 2: a quote within a field; a field with quotes begins and ends with one, "
      .. "and has them doubled inside", 'a,b"c"')
    fails("line 2, column 2: spaces before the quote; a field with quotes begins with one: remove the spaces",
      'a, b\n1, "x"')
    fails("line 3, column 2: expected 3 fields, as line 1 has, got 2", "a,b,c\n1,2,3\n4,5\n")
    fails("line 2, column 3: expected 2 fields, as line 1 has, got 3", "a,b\n1,2,3")
    fails("line 2, column 1: expected 2 fields, as line 1 has, got 1", "a,b\n1\n1,2")
    fails("line 2: is empty, expected 2 fields, as line 1 has; remove the line", "a,b\n\n1,2")
    assert.same({ { "a", "", "1" } }, parse "a\n\n1")
    fails("line 1, column 1: a carriage return without a line feed", "a\rb")
  end)

  it("gives an error or columns for every cut and every changed byte", function()
    local text = 'a,"b ""x""",c\r\n1,"2\n3",4\r\n,,""\n'
    for size = 0, #text do
      for _, piece in ipairs { "", '"', ",", "\n", "\r", "\0", "\xFF" } do
        for _, hostile in ipairs { text:sub(1, size) .. piece, text:sub(1, size) .. piece .. text:sub(size + 2) } do
          local columns, message = files.attempt("", csv.parse, hostile, ",")
          if not columns then assert.is_true(#message > 5)
          else for c = 2, #columns do assert.equal(#columns[1], #columns[c]) end end
        end
      end
    end
  end)
end)

describe("read_csv", function()
  local animals = "weight;kind;legs;owner\n1.5;cat;4;Ann\n0.5;bird;2;Bob\n?;cat;4;Ann\n"

  it("gives numbers, indices, 0 and 1, and labels with their names", function()
    local set = assert(read(animals, { target = "kind", categorical = { "kind", "owner" }, missing = "nan" }))
    assert.same({ "int32", { 3 }, { 2, 1, 2 }, { "bird", "cat" } },
      { set.y.dtype, set.y.shape, set.y:totable(), set.classes })
    assert.same({ { name = "weight" }, { name = "legs" }, { name = "owner", categories = { "Ann", "Bob" } } },
      set.columns)
    assert.same({ { 1.5, 4.0, 1.0 }, { 0.5, 2.0, 2.0 } }, set.x:slice(1, 1, 2):totable())
    assert.is_true(set.x:get(3, 1) ~= set.x:get(3, 1))
    set = assert(read(animals, { target = "legs", columns = { "owner", "kind" }, one_hot = "kind",
      categorical = "owner" }))
    support.holds({ 3, 3 }, { 1.0, 0.0, 1.0, 2.0, 1.0, 0.0, 1.0, 0.0, 1.0 }, set.x)
    support.holds({ 3, 1 }, { 4.0, 2.0, 4.0 }, set.y)
    assert.equal("kind=bird", set.columns[2].name)
  end)

  it("takes files without a header, several targets, other decimal points, and none at all", function()
    local set = assert(read("1,5;2;7\n3,5;4;8\n", { header = false, target = { 1, 2 }, decimal = ",",
      separator = ";" }))
    support.holds({ 2, 2 }, { 1.5, 2.0, 3.5, 4.0 }, set.y)
    support.holds({ 2, 1 }, { 7.0, 8.0 }, set.x)
    set = assert(read("a\tb\n1\t2\n", { target = false }))
    assert.is_true(set.x:equal(set.y))
  end)

  it("takes numbers that mean missing for missing", function()
    local set = assert(read("x,y\n-999,1\n2,-999\n", { target = false, missing = "nan", missing_values = "-999" }))
    assert.is_true(set.x:get(1, 1) ~= set.x:get(1, 1))
    assert.same({ 2.0, 1.0 }, { set.x:get(2, 1), set.x:get(1, 2) })
  end)

  it("asks what a first line of numbers is", function()
    refused("line 1: holds numbers, expected names of columns; read a file without them with header = false (names "
      .. "that are numbers: header = true)", "1,2,3\n4,5,6\n", { target = 3 })
    assert.equal(2, #assert(read("1,2,3\n4,5,6\n", { target = 3, header = false })))
    local set = assert(read("2019,2020\n4,5\n", { target = "2020", header = true }))
    assert.same({ 1, "2019" }, { #set, set.columns[1].name })
  end)

  it("reads another file like the first: columns by name, the same categories", function()
    local train = assert(read(animals, { target = "kind", categorical = "kind", one_hot = "owner",
      missing = "nan" }))
    local test = assert(read("owner;legs;kind;weight\nBob;2;cat;7\n", { like = train }))
    support.holds({ 1, 4 }, { 7.0, 2.0, 0.0, 1.0 }, test.x)
    assert.equal(2, test.y[1])
    refused("line 2, column 'kind': 'dog' is none of the known categories, bird, cat",
      "owner;legs;kind;weight\nBob;2;dog;7\n", { like = train })
  end)

  it("sorts categories that are numbers by value", function()
    local set = assert(read("x,y\n1,10\n2,9\n3,10\n", { target = "y", categorical = "y" }))
    assert.same({ "9", "10" }, set.classes)
  end)

  it("says what does not fit, and where", function()
    refused("line 3, column 'x': expected a number, got 'many'; a column of names belongs into categorical or "
      .. "one_hot", "x,y\n1,2\nmany,3\n", { target = "y" })
    refused("line 2, column 'x': expected a number, got '1,5'; is ',' the decimal = of this file?", "x;y\n1,5;2\n",
      { target = "y" })
    refused("line 2, column 'x': expected a value, got 'NA', which is missing; read it with missing = \"nan\", or "
      .. "leave out the row", "x,y\nNA,2\n", { target = "y" })
    for _, categorical in ipairs { "y", {} } do
      refused("line 2, column 'y': expected a value, got '', which is missing; a target never is: remove the line "
        .. "from the file", "x,y\n1,\n2,3\n", { target = "y", missing = "nan", categorical = categorical })
    end
    for _, text in ipairs { "1e400", "-3.4028236e38" } do
      refused(("line 2, column 'x': expected a number, got '%s'; it is too large for float32, which ends at 3.4e38")
        :format(text), "x,y\n" .. text .. ",2\n", { target = "y" })
    end
    assert.equal("3.4028234663853e+38", ("%.14g"):format(read("x,y\n3.4028235e38,2\n", { target = "y" }).x:item()))
    for _, text in ipairs { "0x10", "inf", "1 2", "--1" } do
      local set, message = read("x,y\n" .. text .. ",2\n", { target = "y" })
      assert.is_nil(set)
      assert.matches("line 2, column 'x': expected a number, got '" .. text:gsub("%p", "%%%0"), message)
    end
    refused("target: has no column 'why' (did you mean 'who'?); its columns are x, who", "x,who\n1,2\n",
      { target = "why" })
    refused("has a header, but no records", "x,y\n", { target = "y" })
    refused("has no column besides the target", "y\n1\n", { target = "y" })
    refused("line 1: has the column 'x' twice, as 1 and 2", "x,x\n1,2\n", { target = "x" })
    refused("line 2, column 2: the quotes are never closed", 'x,y\n1,"2\n', { target = "y" })
    local set, message, code = data.read_csv("/nonexistent.csv", { target = "y" })
    assert.same({ nil, "/nonexistent.csv: No such file or directory", 2 }, { set, message, code })
  end)

  it("refuses wrong options at the caller's line", function()
    raises("read_csv: expected a path, got nil", function() data.read_csv() end)
    raises("read_csv: expected target, the name of the column to predict (false: none, y is x)",
      function() data.read_csv("x.csv") end)
    raises("read_csv: missing: unknown name 'mean'; known are refuse, nan",
      function() data.read_csv("x.csv", { target = "y", missing = "mean" }) end)
    raises("read_csv: separator: expected one character such as ',' or ';', got 'ab'",
      function() data.read_csv("x.csv", { target = "y", separator = "ab" }) end)
    raises("read_csv: categorical: expected the name of a column, or a list of them, got boolean",
      function() data.read_csv("x.csv", { target = "y", categorical = true }) end)
    raises("read_csv: like: expected a data set from read_csv, got table",
      function() data.read_csv("x.csv", { like = {} }) end)
    local ok, message = pcall(data.read_csv, "x.csv", { targets = "y" })
    assert.is_false(ok)
    assert.matches("unknown option 'targets' %(did you mean 'target'%?%)", message)
  end)
end)

describe("standardise", function()
  it("uses the statistics of the training data, and the mean for what is missing", function()
    local nan = 0 / 0
    local train = data.Dataset { x = fnet.tensor { { 1, 5 }, { 3, 5 }, { nan, 5 } },
      y = fnet.tensor { { 10 }, { 30 }, { 20 } } }
    local scaled = data.standardise(train, { targets = true })
    support.holds({ 3, 2 }, { -1.0, 0.0, 1.0, 0.0, 0.0, 0.0 }, scaled(train).x)
    local test = data.Dataset { x = fnet.tensor { { 4, 6 } }, y = fnet.tensor { { 20 } } }
    support.holds({ 1, 2 }, { 2.0, 1.0 }, scaled(test).x)
    support.holds({ 1, 1 }, { 0.0 }, scaled(test).y)
    support.holds({ 2 }, { 2.0, 1.0 }, scaled(fnet.tensor { 4, 6 }))
    support.near({ 3, 1 }, { 10, 30, 20 }, scaled:restore(scaled(train).y), 1e-6)
    assert.equal(1.0, train.x:get(1, 1))
  end)

  it("of a part sees only the part, and leaves categories alone", function()
    local set = assert(read("a,b,y\n1,u,1\n3,v,2\n100,v,3\n", { target = "y", categorical = "b" }))
    local scaled = data.standardise(set:slice(1, 2))
    support.holds({ 3, 2 }, { -1.0, 1.0, 1.0, 2.0, 98.0, 2.0 }, scaled(set).x)
    assert.equal(2, #scaled(set:slice(1, 2)))
  end)

  it("refuses what it cannot fit", function()
    local pictures = data.Dataset { x = fnet.ones { 3, 2, 2 }, y = fnet.tensor({ 1, 2, 1 }, "int32") }
    raises("standardise: expected a data set with samples [features], got samples of float32 [3, 2, 2]",
      function() data.standardise(pictures) end)
    local set = data.Dataset { x = fnet.ones { 3, 2 }, y = fnet.tensor({ 1, 2, 1 }, "int32") }
    raises("standardise: targets: expected floats [count, targets], got int32 [3]",
      function() data.standardise(set, { targets = true }) end)
    local scaled = data.standardise(set)
    raises("standardise: x: expected a tensor [..., 2], got float32 [3]", function() scaled(fnet.ones { 3 }) end)
    raises("restore: the targets were not standardised; ask for { targets = true }",
      function() scaled:restore(fnet.ones { 2 }) end)
  end)
end)

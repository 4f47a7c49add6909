--- Tables: columns of numbers and of categories, what is missing, another file read like the first, and what does
-- not fit.

local fnet = require "fnet"
local core = require "fnet.core"
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

-- The values of a tensor, "nan" where one is missing.
local function values(t)
  local list = t:reshape { t:count() }:totable()
  for i, value in ipairs(list) do if value ~= value then list[i] = "nan" end end
  return list
end

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
    refused("line 2, column 'x': expected a number, got '1,5'; read with decimal = \",\" it would be one",
      "x;y\n1,5;2\n", { target = "y" })
    refused("line 2, column 'x': expected a value, got 'NA', which is missing; read it with missing = \"nan\", or "
      .. "leave out such records with missing = \"drop\"", "x,y\nNA,2\n", { target = "y" })
    for _, categorical in ipairs { "y", {} } do
      refused("line 2, column 'y': expected a value, got '', which is missing; a target never is: leave out such "
        .. "records with missing_target = \"drop\"", "x,y\n1,\n2,3\n",
        { target = "y", missing = "nan", categorical = categorical })
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
    refused("target: has no column '4'; its columns are x, y", "x,,y\n1,2,3\n", { target = 4 })
    refused("has a header, but no records", "x,y\n", { target = "y" })
    refused("has no column besides the target", "y\n1\n", { target = "y" })
    refused("line 1: has the column 'x' twice, as 1 and 2; name the one that is meant by its number",
      "x,x\n1,2\n", { target = "x" })
    refused("line 2, column 2: the quotes are never closed", 'x,y\n1,"2\n', { target = "y" })
    local missing = command.absent()
    local set, message, code = data.read_csv(missing, { target = "y" })
    assert.same({ nil, missing .. ": No such file or directory", 2 }, { set, message, code })
  end)

  it("refuses wrong options at the caller's line", function()
    raises("read_csv: expected a path, got nil", function() data.read_csv() end)
    raises("read_csv: expected target, the name of the column to predict (false: none, y is x)",
      function() data.read_csv("x.csv") end)
    raises("read_csv: missing: unknown name 'mean'; known are refuse, nan, drop",
      function() data.read_csv("x.csv", { target = "y", missing = "mean" }) end)
    raises("read_csv: separator: expected one character such as ',' or ';', or ' ' for runs of blanks, got 'ab'",
      function() data.read_csv("x.csv", { target = "y", separator = "ab" }) end)
    raises("read_csv: categorical: expected the name of a column, or a list of them, got boolean",
      function() data.read_csv("x.csv", { target = "y", categorical = true }) end)
    raises("read_csv: like: expected a data set from read_csv, got table",
      function() data.read_csv("x.csv", { like = {} }) end)
    local ok, message = pcall(data.read_csv, "x.csv", { targets = "y" })
    assert.is_false(ok)
    assert.matches("unknown option 'targets' %(did you mean 'target'%?%)", message)
    for name, own in pairs { na_values = "missing_values", usecols = "columns", handle_unknown = "unseen" } do
      local _, hint = pcall(data.read_csv, "x.csv", { [name] = "y" })
      assert.matches(("unknown option '%s' %%(did you mean '%s'%%?%%)"):format(name, own), hint)
    end
  end)

  it("takes numbers that mean a missing value however they are written", function()
    for _, marker in ipairs { -99, -99.0, "-99", { -99 }, { "-99.0" }, { "x", -99 } } do
      local set = assert(read("y,a,b,c\n1,-99,100,p\n2,-99.0,200,-99\n3,5,-9.9e1,q\n",
        { target = "y", missing = "nan", missing_values = marker, categorical = "c" }))
      assert.same({ "nan", 100, 1, "nan", 200, "nan", 5, "nan", 2 }, values(set.x))
    end
    local set = assert(read("a;y\n-1.200,0;1\n-1200;2\n", { target = "y", missing = "nan", decimal = ",",
      thousands = ".", missing_values = "-1.200" }))
    assert.same({ "nan", "nan" }, values(set.x))
    refused("line 2, column 'a': expected a number, got ''; an empty one is missing only where missing_values has "
      .. '""', "y,a\n1,\n", { target = "y", missing = "nan", missing_values = -99 })
  end)

  it("drops records with a missing value, and says how many", function()
    local text = "y,a,b,c,unused\n1,2,u,v,\n,2,u,v,1\n3,?,u,v,1\n4,5,NA,rare,1\n5,6,w,,1\n6,7,w,v,NA\n"
      .. ",,,,\n,,,,\n"
    local options = { target = "y", columns = { "a", "b", "c" }, categorical = "b", one_hot = "c",
      missing = "drop" }
    local set = assert(read(text, options))
    support.holds({ 2, 3 }, { 2.0, 1.0, 1.0, 7.0, 2.0, 1.0 }, set.x) -- none for "rare"
    support.holds({ 2, 1 }, { 1.0, 6.0 }, set.y)
    assert.same({ 4, { "u", "w" } }, { set.dropped, set.columns[2].categories })
    assert.matches(": 2 samples of float32 %[2, 3%], targets float32 %[2, 1%]; 4 dropped for a missing value$",
      tostring(set))
    options.missing, options.missing_target = "nan", "drop"
    set = assert(read(text, options))
    assert.same({ 5, 1 }, { #set, set.dropped })
    assert.same({ 2, 1, 0, 1, "nan", 1, 0, 1, 5, "nan", 1, 0, 6, 2, 0, 0, 7, 2, 0, 1 }, values(set.x))
    assert.equal(0, assert(read("y,a\n1,2\n", { target = "y", missing = "drop" })).dropped)
    refused("has no record without a missing value, of 2", "y,a\n1,\n,2\n", { target = "y", missing = "drop" })
    refused("line 3, column 'a': expected a number, got 'u'; a column of names belongs into categorical or one_hot",
      "y,a\n1,2\n,u\n", { target = "y", missing = "drop" })
  end)

  it("takes labels too with missing = \"drop\"", function()
    local set = assert(read("k,a\nv,1\n,2\nu,3\nv,?\n", { target = "k", categorical = "k", missing = "drop" }))
    assert.same({ "int32", { 2, 1 }, { "u", "v" }, 2 }, { set.y.dtype, set.y:totable(), set.classes, set.dropped })
  end)

  it("passes over empty records at the end, and takes those before for missing values", function()
    local options = { target = "T", columns = { "CO", "RH" }, decimal = ",", missing = "nan" }
    local text = "T;CO;RH;;\r\n13,6;2,6;48,9;;\r\n13,3;2;47,7;;\r\n"
    local set = assert(read(text .. ";;;;\r\n;;;;\r\n", options))
    assert.allclose(support.filled({ 2, 2 }, { 2.6, 48.9, 2, 47.7 }), set.x, 1e-6, 1e-6)
    refused("line 4, column 'T': expected a value, got '', which is missing; a target never is: leave out such "
      .. "records with missing_target = \"drop\"", text .. ";;;;\r\n;;;;\r\n1,5;1;1;;\r\n", options)
    options.missing_target = "drop"
    set = assert(read(text .. ";;;;\r\n;;;;\r\n1,5;1;1;;\r\n;;;;\r\n", options))
    assert.same({ 3, 2 }, { #set, set.dropped })
    set = assert(read("a,b\n1,2\n,\n3,4\n,\n", { target = false, missing = "nan" }))
    assert.same({ 1, 2, "nan", "nan", 3, 4 }, values(set.x))
  end)

  it("leaves columns of no name out, and refuses names that come twice only where they are meant", function()
    local set = assert(read(",x,y,,x\n1,2,3,,4\n5,6,7,,8\n", { target = "y", columns = { 2, 5 } }))
    support.holds({ 2, 2 }, { 2.0, 4.0, 6.0, 8.0 }, set.x)
    refused("line 1: has the column 'x' twice, as 2 and 5; name the one that is meant by its number",
      ",x,y,,x\n1,2,3,,4\n", { target = "y" })
    set = assert(read(",x,y,\n1,2,3,\n", { target = "y" }))
    assert.same({ { name = "x" } }, set.columns)
    support.holds({ 1, 1 }, { 1.0 }, read(",x,y,\n1,2,3,\n", { target = "y", columns = 1 }).x)
    local test = assert(read("y,x,x\n1,2,3\n", { target = "y", columns = 3 }))
    support.holds({ 1, 1 }, { 9.0 }, read("y,x,x\n7,8,9\n", { like = test }).x)
  end)

  it("takes the first column for names of rows where R wrote the file", function()
    for _, text in ipairs { '"y","a"\n"1",5,6\n"2",7,8\n', '"y" "a"\n"1" 5 6\n"2" 7 8\n',
      "y a\n1 5 6\n2 7 8\n", "y,a\nMazda RX4,5,6\nFiat 128,7,8\n" } do
      local set = assert(read(text, { target = "y" }))
      support.holds({ 2, 1 }, { 6.0, 8.0 }, set.x)
      support.holds({ 2, 1 }, { 5.0, 7.0 }, set.y)
    end
    for _, text in ipairs { "y,a\n1,5,6\n", '"y","a"\n"1",5,\n' } do
      refused("line 2, column 3: expected 2 fields, as line 1 has, got 3", text, { target = "y" })
    end
  end)

  it("takes blanks, tabs and quotes as they come with old tables", function()
    local text = "18.0   8   307.0  \t\"a b\"\n15.0   8   ?      \t\"c d\"\n"
    local options = { target = 1, header = false, missing = "nan", categorical = 4 }
    for _, separator in ipairs { false, " " } do
      options.separator = separator or nil
      local set = assert(read(text, options))
      assert.same({ 8, 307, 1, 8, "nan", 2 }, values(set.x))
      assert.same({ "a b", "c d" }, set.columns[3].categories)
    end
    local set = assert(read("age, job, pay\n39, clerk, <=50K\n 50 , clerk , >50K\n", { target = "pay",
      categorical = { "job", "pay" } }))
    assert.same({ { "<=50K", ">50K" }, { "clerk" }, 50 },
      { set.classes, set.columns[2].categories, set.x:get(2, 1) })
  end)

  it("reads what is compressed with gzip, and old Macintosh files", function()
    local text = "a,b\r1,2\r3,4\r"
    local packed = "\x1f\x8b\8\0\0\0\0\0\0\3" .. core.deflate(text)
      .. string.pack("<I4I4", core.crc32(text), #text)
    for _, content in ipairs { text, packed } do
      support.holds({ 2, 1 }, { 1.0, 3.0 }, assert(read(content, { target = "b" })).x)
    end
    local set, message = read(packed:sub(1, -5), { target = "b" })
    assert.is_nil(set)
    assert.matches("gzip data is cut short: the file ends after 12 decompressed bytes$", message)
    refused("is UTF-16; save it as UTF-8", "\xFF\xFEa\0,\0b\0\n\0", { target = "b" })
  end)

  it("takes decimal commas and thousands, and says which are met", function()
    local set = assert(read('x;y\n"1.234,5";1.000\n-7;2\n', { target = "y", decimal = ",", thousands = "." }))
    support.holds({ 2, 1 }, { 1234.5, -7.0 }, set.x)
    support.holds({ 2, 1 }, { 1000.0, 2.0 }, set.y)
    assert.equal(7.5, read('x,y\n" 7.5 ",2\n', { target = "y" }).x:item())
    assert.equal(1500.0, read('x,y\n"1,500",2\n', { target = "y", thousands = "," }).x:item())
    support.holds({ 1, 2 }, { 1.5, 2.5 }, read("1,5;2,5;3,5\n", { header = false, target = 3, decimal = "," }).x)
    for text, words in pairs {
      ["1,5"] = 'read with decimal = "," it would be one',
      ["1,234"] = 'read with decimal = "," or thousands = "," it would be one',
      ["1,234.5"] = 'read with thousands = "," it would be one',
      ["1.234,5"] = 'read with decimal = "," and thousands = "." it would be one',
      ["1 234,5"] = 'read with decimal = "," and thousands = " " it would be one',
      ["1'234.5"] = 'read with thousands = "\'" it would be one',
      ["12 345"] = 'read with separator = " ", for runs of blanks, it would be several; read with thousands = " " '
        .. "it would be one",
      ["1.5 2.5"] = 'read with separator = " ", for runs of blanks, it would be several',
    } do
      refused(("line 2, column 'x': expected a number, got '%s'; %s"):format(text, words),
        "x;y\n" .. text .. ";2\n", { target = "y", separator = ";" })
    end
    refused("line 2, column 'x': expected a number, got '1.5'; read with decimal = \".\" it would be one",
      "x;y\n1.5;2\n", { target = "y", decimal = "," })
  end)

  it("reads numbers to the nearest float32 of the nearest double, whatever the locale", function()
    local texts = { "0.1", "16777217", "1e-45", "1.17549435e-38", "123456789.123456789", "3.4028235e38",
      "0.1000000014901161193847656251" }
    local expected = {}
    for i, text in ipairs(texts) do expected[i] = support.single(tonumber(text)) end
    local before = os.setlocale(nil)
    for _, locale in ipairs { "C", "de_DE.UTF-8", "fr_FR.UTF-8" } do
      if os.setlocale(locale) then -- else the system does not have it
        local set = read("x,k\n" .. table.concat(texts, ",b\n") .. ",A\n", { target = "k", categorical = "k" })
        os.setlocale(before)
        assert.same({ expected, { "A", "b" } }, { set.x:reshape { #texts }:totable(), set.classes })
      end
    end
  end)

  it("reads a file without its target like the training data", function()
    local train = assert(read("Id,Zone,Area,Price\n1,RL,100,5\n2,RM,200,6\n3,C,150,7\n",
      { target = "Price", columns = { "Zone", "Area" }, one_hot = "Zone" }))
    local text = "Id,Zone,Area\n4,RM,120\n5,RL,130\n"
    for _, options in ipairs { { like = train }, { like = train, target = false } } do
      local test = assert(read(text, options))
      support.holds({ 2, 4 }, { 0.0, 0.0, 1.0, 120.0, 0.0, 1.0, 0.0, 130.0 }, test.x)
      assert.is_true(test.x:equal(test.y))
    end
    assert.is_true(read("Zone,Area,Price\nC,1,?\n", { like = train, target = false }).x:equal(
      fnet.tensor { { 1, 0, 0, 1 } }))
    support.holds({ 1, 1 }, { 8.0 }, read("Price,Area,Zone\n8,1,C\n", { like = train }).y)
    refused("like: has no column 'Price' (did you mean 'price'?); its columns are Zone, Area, price",
      "Zone,Area,price\nC,1,2\n", { like = train })
    refused("like: has no column 'Zone'; its columns are Area", "Area\n1\n", { like = train })
  end)

  it("takes a category that it has not seen for none of the known ones where that is asked for", function()
    local train = assert(read("k,i,y\nu,p,1\nv,q,2\n", { target = "y", one_hot = "k", categorical = "i" }))
    refused("line 2, column 'k': 'w' is none of the known categories, u, v; unseen = \"zeros\" takes it for none "
      .. "of them", "k,i\nw,p\n", { like = train })
    local test = assert(read("k,i\nw,p\nv,q\nw,q\n", { like = train, unseen = "zeros" }))
    support.holds({ 3, 3 }, { 0.0, 0.0, 1.0, 0.0, 1.0, 2.0, 0.0, 0.0, 2.0 }, test.x)
    refused("line 2, column 'i': 'r' is none of the known categories, p, q", "k,i\nw,r\n",
      { like = train, unseen = "zeros" })
    refused("line 2, column 'k': expected a value, got '', which is missing; read it with missing = \"nan\", or "
      .. "leave out such records with missing = \"drop\"", "k,i\n,p\n", { like = train, unseen = "zeros" })
  end)

  it("lists the first of many names in a message", function()
    local lines = { "k,y" }
    for i = 1, 25 do lines[i + 1] = ("%d,1"):format(i) end
    local train = assert(read(table.concat(lines, "\n"), { target = "y", categorical = "k" }))
    local set, message = read("k,y\n26,1\n", { like = train })
    assert.is_nil(set)
    assert.matches("known categories, 1, 2, 3, .*, 19, 20 and 5 more$", message)
  end)

  it("takes over how the first file is written", function()
    local train = assert(read("1,5;-9;2\n-9,0;1;3\n", { header = false, target = 3, decimal = ",", missing = "nan",
      missing_values = -9 }))
    local test = assert(read("2,5;7\n", { like = train }))
    support.holds({ 1, 2 }, { 2.5, 7.0 }, test.x)
    assert.same({ "nan", 1 }, values(read("-9;1\n", { like = train, missing = "nan" }).x))
    refused("line 1, column '1': expected a value, got '-9', which is missing; read it with missing = \"nan\", or "
      .. "leave out such records with missing = \"drop\"", "-9;1\n", { like = train })
    local first = assert(read("1,2,3\n", { header = false, target = 1 }))
    refused("like: has 2 columns, the other file 3, and neither has names for them; expected as many", "2,3\n",
      { like = first })
  end)

  it("sorts categories by their bytes, and of numbers by value", function()
    local set = assert(read("x,y\nb,1.50\n\xC3\xA4,1e1\nB,-2\nab,1.5\n",
      { target = false, categorical = { "x", "y" } }))
    assert.same({ { "B", "ab", "b", "\xC3\xA4" }, { "-2", "1.5", "1.50", "1e1" } },
      { set.columns[1].categories, set.columns[2].categories })
  end)

  it("keeps order and values over many blocks of rows", function()
    local lines = { "y,a,k" }
    for i = 1, 200000 do lines[i + 1] = ("%d,%d,%s"):format(i, i % 1000, i % 3 == 0 and "u" or "v") end
    local set = assert(read(table.concat(lines, "\n"), { target = "y", one_hot = "k" }))
    assert.equal(200000, #set)
    for _, i in ipairs { 1, 87381, 87382, 131072, 131073, 200000 } do
      assert.same({ i, i % 1000, i % 3 == 0 and 1 or 0, i % 3 == 0 and 0 or 1 },
        { set.y:get(i, 1), set.x:get(i, 1), set.x:get(i, 2), set.x:get(i, 3) })
    end
    assert.equal(66666.0, set.x:slice(2, 2, 2):sum():item())
  end)

  it("ends at the limit", function()
    local text = "a,b\n1,2\n3,4\n5,6\n"
    assert.equal(3, #read(text, { target = "b", limit = 3 * 8 }))
    refused("line 4: the 2 records before take all bytes of the limit; { limit = bytes } sets another", text,
      { target = "b", limit = 3 * 8 - 1 })
    raises("read_csv: limit: expected a whole number of at least 1, got 0",
      function() data.read_csv(path, { target = "b", limit = 0 }) end)
  end)

  it("refuses what does not go together", function()
    local set = assert(read("k,y\nu,1\n", { target = "y", one_hot = "k" }))
    raises("read_csv: columns: comes with like; leave it out",
      function() data.read_csv("x.csv", { like = set, columns = "k" }) end)
    raises("read_csv: target: comes with like; leave it out, or say false for a file without it",
      function() data.read_csv("x.csv", { like = set, target = "y" }) end)
    raises("read_csv: unseen: expected like too, whose categories are the seen ones",
      function() data.read_csv("x.csv", { target = "y", unseen = "zeros" }) end)
    raises("read_csv: thousands: expected another character than decimal, got '.' for both; say decimal too",
      function() data.read_csv("x.csv", { target = "y", thousands = "." }) end)
    raises("read_csv: missing_values[2]: expected a text or a number that means a missing value, got boolean",
      function() data.read_csv("x.csv", { target = "y", missing_values = { "", true } }) end)
    raises("read_csv: columns: has the column 'a' twice",
      function() data.read_csv("x.csv", { target = "y", columns = { "a", "a" } }) end)
    refused("columns: has the column 'k' twice", "k,y\nu,1\n", { target = "y", columns = { "k", 1 } })
    refused("one_hot: the column 'k' is in categorical too, expected one of them", "k,y\nu,1\n",
      { target = "y", categorical = "k", one_hot = 1 })
  end)
end)

--- The reader of CSV: records and fields, whatever ends lines and parts fields; numbers, gzip, where a fault is.

require "fnet"
local core = require "fnet.core"
local csv = require "fnet.files.csv"
local files = require "fnet.files"
local command = require "tests.support.command"

local path
before_each(function() path = os.tmpname() end)
after_each(function() os.remove(path) end)

-- All records of the file, and the lines in which they begin.
local function read_all(separator)
  local session <close> = csv.open(path)
  csv.separate(session, separator)
  local records, lines = {}, {}
  while true do
    local fields, message = session:read()
    if not fields then
      if message then files.fault("%s", message) end
      return records, lines
    end
    records[#records + 1], lines[#lines + 1] = fields, session:line()
  end
end

local function records_of(text, separator)
  command.write_file(path, text)
  return files.attempt("", read_all, separator or ",")
end

-- The text as a member of gzip.
local function gzip(text)
  return "\x1f\x8b\8\0\0\0\0\0\0\3" .. core.deflate(text) .. string.pack("<I4I4", core.crc32(text), #text)
end

describe("the CSV reader", function()
  it("splits records into fields, whatever ends the lines", function()
    local expected = { { "a", "b" }, { "1", "" }, { "", "3" } }
    for _, text in ipairs { "a,b\n1,\n,3\n", "a,b\r\n1,\r\n,3", "a,b\r1,\r,3\r", "a,b\n1,\r\n,3\r",
      "\xEF\xBB\xBFa,b\n1,\n,3\n\n\n" } do
      assert.same(expected, records_of(text))
    end
    assert.same(expected, records_of("a\tb\n1\t\n\t3", "\t"))
    assert.same({ { "x" }, { "y" } }, records_of "x\ny")
  end)

  it("passes over empty lines, but where records have one field", function()
    local records, lines = records_of "\n\na,b\n \t\n1,2\r\n\r\n\r\n3,4\n\n"
    assert.same({ { "a", "b" }, { "1", "2" }, { "3", "4" } }, records)
    assert.same({ 3, 5, 8 }, lines)
    assert.same({ { "a" }, { "" }, { "1" } }, records_of "a\n\n1")
    assert.same({ { "a", "b" }, { "", "" }, { "1", "2" } }, records_of "a,b\n,\n1,2")
  end)

  it("takes quotes as RFC 4180 has them", function()
    assert.same({ { "a,b", 'say "hi"' }, { "", "line\nend" } }, records_of '"a,b","say ""hi"""\n"","line\nend"\n')
    assert.same({ { "x", "" } }, records_of 'x,""')
    assert.same({ { '"', '""' } }, records_of '"""",""""""')
    local _, lines = records_of 'a\n"1\n2\r\n3\r"\nb'
    assert.same({ 1, 2, 6 }, lines)
  end)

  it("trims blanks around fields, but within quotes", function()
    assert.same({ { "a b", "c", " d ", "" } }, records_of ' a b,\tc , " d "\t,  ')
    assert.same({ { "a", "", "b" } }, records_of(" a \t \tb", "\t"))
  end)

  it("parts fields by runs of blanks and tabs", function()
    assert.same({ { "18.0", "8", "a b" }, { "15.", "?", "c" } },
      records_of('18.0   8\t \t"a b"\n  15. ?\tc  \n', " "))
    assert.same({ { "1" }, { "2" } }, records_of("1\n  \n2 ", " "))
  end)

  it("takes any number of fields, and records longer than its buffer", function()
    for _, count in ipairs { 1, 2, 31, 32, 33, 300, 70000 } do
      local record = ("x,"):rep(count - 1) .. "x"
      local records = records_of(record .. "\n" .. record)
      assert.same({ 2, count, count, "x" }, { #records, #records[1], #records[2], records[2][count] })
    end
    for _, size in ipairs { 1 << 17, (1 << 18) - 1, 1 << 18, 1 << 20 } do
      local long = ("ab\r\n"):rep(size // 4)
      local records, lines = records_of(('x,1\r\n"%s",2\r\ny,3'):format(long))
      assert.same({ { "x", "1" }, { long, "2" }, { "y", "3" } }, records)
      assert.same({ 1, 2, 3 + size // 4 }, lines)
    end
  end)

  it("gives the same records wherever its buffer ends", function()
    local record, expected = 'a,"b ""x""\r\n",\xC3\xA9\r\n', { "a", 'b "x"\r\n', "\xC3\xA9" }
    for shift = 0, #record do
      local records = records_of(("x"):rep(shift) .. ",,\r\n" .. record:rep(30000))
      assert.equal(30001, #records)
      for i = 2, #records do
        for c = 1, 3 do
          if records[i][c] ~= expected[c] then assert.same(expected, records[i]) end
        end
      end
    end
  end)

  it("says where a fault is", function()
    local function fails(message, text, separator)
      assert.same({ nil, message }, { records_of(text, separator) })
    end
    fails("line 2: holds a zero byte; is it a text file?", "a\nb\0")
    fails("line 4: holds a zero byte; is it a text file?", 'a\n"\n\nb\0')
    for text, byte in pairs { ["K\xE4se"] = "E4", ["\xC3"] = "C3", ["\xED\xA0\x80"] = "ED", ["\xC0\x80"] = "C0",
      ["\xF4\x90\x80\x80"] = "F4", ["\xE2\x82"] = "E2", ["1234567\x80"] = "80" } do
      fails(("line 2: is not UTF-8 (byte %s); save the file as UTF-8"):format(byte), "a\n" .. text)
      fails(("line 2: is not UTF-8 (byte %s); save the file as UTF-8"):format(byte), "a\n" .. text .. "\nb")
    end
    fails("line 2, column 2: the quotes are never closed", 'a,b\nc,"d\n')
    fails("line 2, column 1: expected ',' or the end of the line after the closing quote, got 'x'", 'a\n"b"x')
    fails("line 3, column 2: expected a tab or the end of the line after the closing quote, got '?'",
      'a\tb\n1\t"\n" \1', "\t")
    fails("line 2, column 2: expected a blank or the end of the line after the closing quote, got 'x'",
      '"b""c" d\r\n1 "d"x', " ")
    fails("line 1, column 2: a quote within a field; a field with quotes begins and ends with one, "
      .. "and has them doubled inside", 'a,b"c"')
  end)

  it("reads gzip, of several members too", function()
    local text = "a,b\n" .. ("1,2\n"):rep(1000)
    local expected = records_of(text)
    for cut = 0, 8 do
      local records = records_of(gzip(text:sub(1, cut)) .. gzip(text:sub(cut + 1)))
      assert.same(expected, records)
    end
    assert.same({ nil, ("gzip data is cut short: the file ends after %d decompressed bytes"):format(#text) },
      { records_of(gzip(text):sub(1, -2)) })
    assert.same({ nil, "goes on after its gzip data, expected another gzip member or the end of the file" },
      { records_of(gzip(text) .. "more") })
    assert.same({ nil, "gzip data is damaged after 4 decompressed bytes: incorrect data check" },
      { records_of((gzip "a,b\n":gsub("....$", "\1\0\0\0"):gsub("....(....)$", "\0\0\0\0%1"))) })
  end)

  it("refuses a record without an end", function()
    assert.same({ nil, "line 2: a record has more than 16777216 bytes; is it a table?" },
      { records_of("a,b\n" .. ("1"):rep(33 << 20)) })
  end)

  it("names what is no text in UTF-8", function()
    for beginning, words in pairs {
      ["\xFF\xFEa\0"] = "is UTF-16; save it as UTF-8", ["\xFE\xFF\0a"] = "is UTF-16; save it as UTF-8",
      ["a\0,\0b\0"] = "is UTF-16; save it as UTF-8", ["\0a\0,\0b"] = "is UTF-16; save it as UTF-8",
      ["PK\3\4" .. ("\0"):rep(22) .. "\8\0\0\0mimetype"] =
        "is a document of LibreOffice's, which fnet does not read: export the table as CSV",
      ["BZh91AY&SY\0"] = "is compressed by bzip2, which fnet does not read: unpack it: bunzip2",
      ["\xFD7zXZ\0"] = "is compressed by xz, which fnet does not read: unpack it: unxz",
      ["\x28\xB5\x2F\xFD\4"] = "is compressed by Zstandard, which fnet does not read: unpack it: unzstd",
      ["PAR1\21"] = "is a Parquet table, which fnet does not read: in Python: "
        .. 'pandas.read_parquet("table.parquet").to_csv("table.csv", index=False)',
      ["\x93NUMPY\1\0"] = "is a .npy file of NumPy's; fnet.data.read_npy reads it",
    } do
      assert.same({ nil, words }, { records_of(beginning) })
    end
    assert.same({ { "PAR1", "BZh9" } }, records_of "PAR1,BZh9")
  end)

  it("gives what the system says of a file that it refuses", function()
    assert.same({ nil, "No such file or directory", 2 }, { files.attempt("", csv.open, command.absent()) })
    assert.same({ nil, "Is a directory", 21 }, { files.attempt("", csv.open, "/") })
  end)

  it("gives a fault or records for every cut and every changed byte", function()
    local text = 'a,"b ""x""",c\r\n1,"2\n3",4\r\n,,""\n'
    for size = 0, #text do
      for _, piece in ipairs { "", '"', ",", "\n", "\r", "\0", "\xFF", " " } do
        for _, hostile in ipairs { text:sub(1, size) .. piece, text:sub(1, size) .. piece .. text:sub(size + 2) } do
          local records, message = records_of(hostile)
          assert.is_true(records ~= nil or #message > 5)
        end
      end
    end
  end)
end)

-- A second opinion: the records of a text, character by character; nil where it has a fault.
local function simple_records(text)
  local records, fields, at, quoted = {}, {}, 1, false
  local function finish_field(field)
    fields[#fields + 1] = quoted and field or field:match "^[ \t]*(.-)[ \t]*$"
    quoted = false
  end
  local function finish_record()
    if #fields > 1 or fields[1] ~= "" or records[1] and #records[1] == 1 then records[#records + 1] = fields end
    fields = {}
  end
  text = text:gsub("\r\n", "\n"):gsub("\r", "\n")
  while at <= #text do
    local field
    local open = text:match("^[ \t]*()\"", at)
    if open then
      local close = open
      repeat
        close = text:find('"', close + 1, true)
        if not close then return nil end
        local double = text:sub(close, close + 1) == '""'
        if double then close = close + 1 end
      until not double
      quoted, field = true, text:sub(open + 1, close - 1):gsub('""', '"')
      at = text:match("^[ \t]*()", close + 1)
      if not text:find("^[,\n]", at) and at <= #text then return nil end
    else
      field, at = text:match("^([^,\n\"]*)()", at)
      if text:sub(at, at) == '"' then return nil end
    end
    finish_field(field)
    local ending = text:sub(at, at)
    at = at + 1
    if ending ~= "," then finish_record()
    elseif at > #text then
      finish_field ""
      finish_record()
    end
  end
  return records
end

describe("random texts", function()
  it("become the records that a simpler reader finds", function()
    local state = 20170825
    local function choose(count)
      state = (state * 6364136223846793005 + 1442695040888963407) & math.maxinteger
      return (state >> 33) % count + 1
    end
    local pieces = { "a", "12", ",", ",", "\n", "\r\n", "\r", '"', '""', '"b"', " ", "\t", "\xC3\xA9", '",', ',"' }
    local faults = 0
    for _ = 1, 3000 do
      local text = {}
      for i = 1, choose(12) do text[i] = pieces[choose(#pieces)] end
      text = table.concat(text)
      local expected, records = simple_records(text), records_of(text)
      if not expected then faults = faults + 1 end
      -- a line end within quotes stays as it is in the file
      for _, record in ipairs(records or {}) do
        for c, field in ipairs(record) do record[c] = field:gsub("\r\n", "\n"):gsub("\r", "\n") end
      end
      assert.same(expected, records, ("%q"):format(text))
    end
    assert.is_true(faults > 300 and faults < 2700)
  end)
end)

describe("csv.number", function()
  it("gives the nearest double", function()
    for _, text in ipairs { "0", "-0", "1", "+1", "007", "1.", ".5", "-.5e1", "1E5", "1e-5", "123456789012345678",
      "9007199254740993", "9007199254740992.5", "1e22", "1e23", "1e27", "1e28", "1e-27", "1e-28", "8.5e-5",
      "0.1", "2.2250738585072011e-308", "4.9e-324", "2.4703282292062327e-324", "2.4703282292062328e-324",
      "1.7976931348623158e308", "1.7976931348623159e308", "1e400", "-1e400", "1e-400", "0e999999999999",
      "0.000000000000000000000000000001", "18446744073709551615", "18446744073709551616",
      "179769313486231580793728971405301e276", "1" .. ("0"):rep(400) .. "e-400" } do
      assert.equal(tonumber(text) + 0.0, csv.number(text), text)
    end
    local halfway = "1." .. ("0"):rep(15) .. "11102230246251565404236316680908203125" -- 1 + 2^-53
    assert.equal(1.0, csv.number(halfway))
    assert.equal(1 + 2.0 ^ -52, csv.number(halfway .. ("0"):rep(900) .. "1"))
    assert.equal(1.0, csv.number(halfway .. ("0"):rep(900)))
  end)

  it("takes decimal points and thousands of all kinds", function()
    assert.equal(1234.5, csv.number("1,234.5", ".", ","))
    assert.equal(-1234567.25, csv.number("-1.234.567,25", ",", "."))
    assert.equal(12345.0, csv.number("12 345", ",", " "))
    assert.equal(1234567.0, csv.number("1234567", ".", ","))
    assert.equal(12.5, csv.number("12,5", ","))
    for _, text in ipairs { "1,23", "1,2345", ",123", "1234,567", "1,,234", "1,234,", "1,23,456", "1.5,000" } do
      assert.is_nil(csv.number(text, ".", ","), text)
    end
    assert.is_nil(csv.number("1.5", ","))
  end)

  it("takes nothing else", function()
    for _, text in ipairs { "", " ", "1 ", " 1", "-", "+-1", "e5", ".", "-.e1", "1e", "1e+", "1.5.2", "0x10", "inf",
      "nan", "1_000", "1f", "12a", "--1", "1e5.0", "\xC2\xBD" } do
      assert.is_nil(csv.number(text), text)
    end
  end)

  it("agrees with Lua on random texts", function()
    local state = 1
    local function choose(count)
      state = (state * 6364136223846793005 + 1442695040888963407) & math.maxinteger
      return (state >> 33) % count
    end
    for _ = 1, 20000 do
      local digits = {}
      for i = 1, 1 + choose(24) do digits[i] = choose(10) end
      table.insert(digits, 1 + choose(#digits), ".")
      local text = table.concat(digits) .. (choose(2) == 0 and "e" .. choose(80) - 40 or "")
      if csv.number(text) ~= tonumber(text) then assert.equal(tonumber(text), csv.number(text), text) end
    end
  end)
end)

describe("csv.guess_separator", function()
  it("takes the most frequent of comma, semicolon and tab in the first line", function()
    for text, separator in pairs {
      ["a,b;c,d\n;;;;"] = ",", ["a;b"] = ";", ["a\tb c"] = "\t", ["one"] = ",", [""] = ",", ['"a;b;c",d'] = ",",
      ["a b,c"] = ",", ["first name\tlast name\n"] = "\t",
    } do
      assert.equal(separator, csv.guess_separator(text), text)
    end
    assert.equal(";", csv.guess_separator("1,5;2,5;3,5", ","))
  end)

  it("takes blanks where nothing else parts the fields", function()
    for _, text in ipairs { '18.0   8   307.0  \t"a, b"\n15.0   8   ?  \t"c"\n', "a b c\n1 2 3",
      '"x" "y"\n"1" 2 3', " 1.5  2.5\n 3.5  4.5", "a  b\tc\n1  2\t3" } do
      assert.equal(" ", csv.guess_separator(text), text)
    end
    assert.equal(",", csv.guess_separator "a title\n1\n2\n")
  end)
end)

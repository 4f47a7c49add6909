--- Pictures from PNG and JPEG files: every kind gives the pixels that the formats' definitions say; damage gives an
-- error or pixels, never more. Where a library was not built in, its specs check the message that says so.

local fnet = require "fnet"
local core = require "fnet.core"
local command = require "tests.support.command"
local png = require "tests.support.png"
local support = require "tests.support"
local data = fnet.data
local raises = support.raises

local directory
setup(function() directory = command.make_directory() end)
teardown(function() command.remove_directory(directory) end)

local has_png = png.readable
local has_jpeg = data.read_image("tests/fixtures/images/grey.jpg") ~= nil

local function picture(height, width, channels)
  local shape = { height, width, channels }
  return fnet.rand(shape, 0, 255.99):byte()
end

local function write(bytes)
  local path = directory .. "/picture"
  command.write_file(path, bytes)
  return path
end

local function read(bytes, options) return assert(data.read_image(write(bytes), options)) end

-- EXIF data with an orientation, behind another entry.
local function exif(orientation, little)
  local e = little and "<" or ">"
  return (little and "II" or "MM") .. string.pack(e .. "I2I4I2I2I2I4I4I2I2I4I2I2I4", 42, 8, 2,
    0x010f, 2, 4, 0x61626300, 0x0112, 3, 1, orientation, 0, 0)
end

-- The rows and columns of t as EXIF's orientations define them: by where the first row and the first column of what
-- lies in the file belong.
local function seen(t, orientation)
  local height, width = table.unpack(t.shape)
  local place = {
    function(y, x) return y, x end, function(y, x) return y, width + 1 - x end,
    function(y, x) return height + 1 - y, width + 1 - x end, function(y, x) return height + 1 - y, x end,
    function(y, x) return x, y end, function(y, x) return x, height + 1 - y end,
    function(y, x) return width + 1 - x, height + 1 - y end, function(y, x) return width + 1 - x, y end,
  }
  local rows = {}
  for i = 1, orientation < 5 and height or width do rows[i] = {} end
  for y = 1, height do
    for x = 1, width do
      local i, j = place[orientation](y, x)
      rows[i][j] = t.rank == 3 and t[y][x]:totable() or t[y][x]
    end
  end
  return rows
end

describe("PNG", function()
  if not has_png then
    it("is named as missing, with the way out", function()
      local _, message = data.read_image(write "\x89PNG\r\n\x1a\n")
      assert.matches("built without libpng; install it %(Debian: libpng%-dev%) and build fnet again", message)
    end)
    return
  end

  it("pictures written and read are the same", function()
    local path = directory .. "/a.png"
    for _, shape in ipairs { { 5, 7 }, { 4, 3, 3 }, { 1, 1 }, { 1, 300, 3 } } do
      local t = picture(table.unpack(shape))
      assert.is_true(data.write_png(path, t))
      local again = assert(data.read_image(path))
      assert.same(shape, again.shape)
      assert.is_true(again:equal(t))
    end
    assert(data.write_png(path, fnet.tensor { { 0, 0.5, 1, 2, -1 } }))
    assert.same({ { 0, 128, 255, 255, 0 } }, data.read_image(path):totable())
    assert(data.write_png(path, fnet.tensor { { { 0 }, { 1 } } })) -- one channel
    assert.same({ { 0, 255 } }, data.read_image(path):totable())
  end)

  local DEPTHS = { [0] = { 1, 2, 4, 8, 16 }, [2] = { 8, 16 }, [3] = { 1, 2, 4, 8 }, [4] = { 8, 16 },
    [6] = { 8, 16 } }

  -- A picture of that kind, and its pixels: eight bits, alpha over a background of that grey.
  local function sample(kind, depth, interlaced, transparent, background)
    local height, width, most = 11, 13, (1 << depth) - 1
    local function value(y, x, c) return (y * 977 + x * 3181 + c * 20011 + y * x * 57) * 31 % (most + 1) end
    local palette, alphas, before = {}, {}, {}
    local clear = { value(3, 5, 1), value(3, 5, 2), value(3, 5, 3) }
    if kind == 3 then
      for i = 0, most do
        palette[i] = { i * 71 % 256, i * 13 % 256, 255 - i }
        alphas[i] = transparent and i <= most // 2 and i * 53 % 256 or 255
      end
      local colours, opacity = "", ""
      for i = 0, most do colours = colours .. string.char(table.unpack(palette[i])) end
      for i = 0, most // 2 do opacity = opacity .. string.char(alphas[i]) end
      before = { png.chunk("PLTE", colours), transparent and png.chunk("tRNS", opacity) or nil }
    elseif transparent then
      before = { png.chunk("tRNS", string.pack(">I2I2I2", table.unpack(clear)):sub(1, kind == 0 and 2 or 6)) }
    end
    local function at(y, x) return value(y, x, 1), value(y, x, 2), value(y, x, 3), value(y, x, 4) end
    local function eight(v) return depth == 16 and v >> 8 or v * 255 // most end
    local function shown(v, alpha) return math.floor((v * alpha + background * (255 - alpha)) / 255 + 0.5) end
    local rows = {}
    for y = 1, height do
      rows[y] = {}
      for x = 1, width do
        local s, pixel = { at(y, x) }, {}
        local colours = kind == 3 and palette[s[1]] or { eight(s[1]), eight(s[2]), eight(s[3]) }
        local alpha = kind >= 4 and eight(s[kind == 4 and 2 or 4]) or kind == 3 and alphas[s[1]] or 255
        if transparent and (kind == 0 and s[1] == clear[1] or kind == 2 and s[1] == clear[1] and s[2] == clear[2]
          and s[3] == clear[3]) then alpha = 0 end
        for c = 1, 3 do pixel[c] = shown(colours[c], alpha) end
        rows[y][x] = (kind == 0 or kind == 4) and pixel[1] or pixel
      end
    end
    return { height = height, width = width, kind = kind, depth = depth, interlaced = interlaced, at = at,
      before = before }, rows
  end

  it("of every kind have the pixels that the format defines", function()
    for kind, depths in pairs(DEPTHS) do
      for _, depth in ipairs(depths) do
        for _, interlaced in ipairs { false, true } do
          for _, transparent in ipairs { false, kind < 4 or nil } do
            for _, background in ipairs { 255, 0, 90 } do
              local file, rows = sample(kind, depth, interlaced, transparent, background)
              local t = read(png.encode(file), { background = background ~= 255 and background or nil })
              assert.same(rows, t:totable(), ("type %d, %d bits"):format(kind, depth))
            end
          end
        end
      end
    end
  end)

  it("keep their values whatever they say of colours, but where gamma is asked for", function()
    local file = { height = 1, width = 5, kind = 0, depth = 8, at = function(_, x) return (x - 1) * 60 end }
    local plain = png.encode(file)
    file.before = { png.chunk("gAMA", string.pack(">I4", 100000)), png.chunk("sBIT", "\5"),
      png.chunk("iCCP", "broken"), png.chunk("tEXt", "Title\0none") }
    local linear = png.encode(file)
    assert.same({ { 0, 60, 120, 180, 240 } }, read(linear):totable())
    assert.same({ { 0, 60, 120, 180, 240 } }, read(plain, { gamma = true }):totable())
    local converted = read(linear, { gamma = true }):totable()[1]
    for i = 1, 5 do assert.near(255 * ((i - 1) * 60 / 255) ^ (1 / 2.2), converted[i], 1) end
  end)

  it("stand as their EXIF data say, before or behind the pixels", function()
    local function at(y, x) return 40 * y, 90 * x, y + x end
    local file = { height = 3, width = 2, kind = 2, depth = 8, at = at }
    local t = read(png.encode(file))
    for orientation = 1, 8 do
      local chunk = { png.chunk("eXIf", exif(orientation, orientation % 2 == 0)) }
      file.before, file.after = chunk, nil
      assert.same(seen(t, orientation), read(png.encode(file)):totable())
      file.before, file.after = nil, chunk
      assert.same(seen(t, orientation), read(png.encode(file)):totable())
      assert.is_true(t:equal(read(png.encode(file), { orientation = false })))
    end
  end)

  it("that are cut or changed give an error or a picture", function()
    local bytes = core.encode_png(picture(6, 6, 3))
    for size = 0, #bytes - 13 do assert.is_nil((core.decode_image(bytes:sub(1, size)))) end -- 12: the end's mark
    for at = 1, #bytes do
      local changed = bytes:sub(1, at - 1) .. string.char(bytes:byte(at) ~ 1 << at % 8) .. bytes:sub(at + 1)
      local t, message = core.decode_image(changed)
      assert.is_true(fnet.is_tensor(t) or #message > 5)
    end
  end)

  it("that are larger than they can be are refused before memory is taken", function()
    local function claim(height, width)
      local whole = png.encode { height = 1, width = 1, kind = 2, depth = 8, at = function() return 1, 2, 3 end }
      local header = png.chunk("IHDR", string.pack(">I4I4BBBBB", width, height, 8, 2, 0, 0, 0))
      return whole:sub(1, 8) .. header .. whole:sub(34)
    end
    local path = write(claim(8000, 8000))
    assert.same({ nil, path .. ": is damaged: its 69 bytes are too few for the 8000 x 8000 pixels that it "
      .. "declares" }, { data.read_image(path) })
    path = write(claim(60000, 40000))
    assert.same({ nil, path .. ": has 40000 x 60000 pixels; the limit is 67108864 pixels" },
      { data.read_image(path) })
  end)
end)

describe("JPEG", function()
  if not has_jpeg then
    it("is named as missing, with the way out", function()
      local _, message = data.read_image "tests/fixtures/images/grey.jpg"
      assert.matches("built without libjpeg; install it %(Debian: libjpeg%-dev%) and build fnet again", message)
    end)
    return
  end

  -- The bytes of a file, with a segment behind the beginning.
  local function with_segment(path, content)
    local bytes = command.read_file(path)
    return bytes:sub(1, 2) .. "\xff\xe1" .. string.pack(">I2", #content + 2) .. content .. bytes:sub(3)
  end

  it("pictures are read, grey and in colour, in several scans too", function()
    local grey = assert(data.read_image "tests/fixtures/images/grey.jpg")
    assert.same({ 10, 12 }, grey.shape)
    for _, name in ipairs { "colour", "progressive", "scans" } do
      local colour = assert(data.read_image("tests/fixtures/images/" .. name .. ".jpg"))
      assert.same({ 10, 12, 3 }, colour.shape)
      for y = 1, 10 do
        for x = 1, 12 do
          assert.near(20 * (x - 1), grey:get(y, x), 6)
          assert.near(20 * (x - 1), colour:get(y, x, 1), 12)
          assert.near(25 * (y - 1), colour:get(y, x, 2), 12)
          assert.near(128, colour:get(y, x, 3), 12)
        end
      end
    end
  end)

  it("in printer's colours become red, green and blue", function()
    for _, name in ipairs { "cmyk", "ycck" } do
      local t = assert(data.read_image("tests/fixtures/images/" .. name .. ".jpg"))
      assert.same({ 10, 12, 3 }, t.shape)
      for y = 1, 10 do
        for x = 1, 12 do
          local light = (255 - 5 * (x - 1)) / 255 -- of black; no ink is 255
          assert.near(20 * (x - 1) * light, t:get(y, x, 1), 14)
          assert.near(25 * (y - 1) * light, t:get(y, x, 2), 14)
          assert.near(128 * light, t:get(y, x, 3), 14)
        end
      end
    end
  end)

  it("pictures stand as their EXIF data say", function()
    for _, name in ipairs { "grey", "colour" } do
      local path = "tests/fixtures/images/" .. name .. ".jpg"
      local t = assert(data.read_image(path))
      for orientation = 1, 8 do
        local bytes = with_segment(path, "Exif\0\0" .. exif(orientation, orientation % 2 == 1))
        assert.same(seen(t, orientation), read(bytes):totable())
        assert.is_true(t:equal(read(bytes, { orientation = false })))
      end
    end
  end)

  it("pictures with EXIF data that say nothing of it, or are damaged, lie as in the file", function()
    local path = "tests/fixtures/images/colour.jpg"
    local t = assert(data.read_image(path))
    local whole = exif(6, true)
    local contents = { "http://ns.adobe.com/xap/1.0/\0", "Exif\0", "Exif\0\0", "Exif\0\0II*\0\255\255\255\255",
      "Exif\0\0" .. exif(0, true), "Exif\0\0" .. exif(9, false) }
    for size = 1, #whole - 5 do contents[#contents + 1] = "Exif\0\0" .. whole:sub(1, size) end
    for _, content in ipairs(contents) do assert.is_true(t:equal(read(with_segment(path, content)))) end
  end)

  it("that are cut or changed give an error or a picture", function()
    for _, name in ipairs { "colour", "progressive", "cmyk" } do
      local bytes = command.read_file("tests/fixtures/images/" .. name .. ".jpg")
      for size = 0, #bytes - 3 do assert.is_nil((core.decode_image(bytes:sub(1, size)))) end
      for at = 1, #bytes do
        local changed = bytes:sub(1, at - 1) .. string.char(bytes:byte(at) ~ 1 << at % 8) .. bytes:sub(at + 1)
        local t, message = core.decode_image(changed)
        assert.is_true(fnet.is_tensor(t) or #message > 5)
      end
    end
  end)

  it("with bytes too many, which cost no pixels, are read", function()
    local path = "tests/fixtures/images/colour.jpg"
    local bytes, t = command.read_file(path), assert(data.read_image(path))
    assert.is_true(t:equal(read(bytes .. ("more"):rep(100))))
    assert.is_true(t:equal(read(bytes:sub(1, -3) .. ("\1\2\3"):rep(9) .. bytes:sub(-2))))
  end)

  it("with hundreds of scans, which would take their time, are refused", function()
    local bytes = command.read_file "tests/fixtures/images/scans.jpg"
    local last = bytes:match ".*()\xff\xda"
    local function with(count) return bytes:sub(1, last - 1) .. bytes:sub(last, -3):rep(count) .. bytes:sub(-2) end
    assert.is_true(read(bytes):equal(read(with(400))))
    assert.same({ nil, "is no JPEG picture that can be read: it has more than 500 scans" },
      { core.decode_image(with(600)) })
  end)

  it("that declare more pixels than they can have are refused before memory is taken", function()
    local bytes = command.read_file "tests/fixtures/images/colour.jpg"
    local at = bytes:find("\xff\xc0", 1, true) + 5 -- marker, length, depth
    local path = write(bytes:sub(1, at - 1) .. string.pack(">I2I2", 8000, 7000) .. bytes:sub(at + 4))
    assert.same({ nil, ("%s: is damaged: its %d bytes are too few for the 7000 x 8000 pixels that it declares")
      :format(path, #bytes) }, { data.read_image(path) })
    path = write(bytes:sub(1, at - 1) .. string.pack(">I2I2", 60000, 60000) .. bytes:sub(at + 4))
    assert.same({ nil, path .. ": has 60000 x 60000 pixels; the limit is 67108864 pixels" },
      { data.read_image(path) })
  end)
end)

describe("read_image", function()
  it("says what it cannot read", function()
    for bytes, words in pairs {
      GIF89a = "is a GIF picture, which fnet does not read: save it as PNG or JPEG",
      ["\x93NUMPY\1\0"] = "is a .npy file of NumPy's; fnet.data.read_npy reads it",
      ["\0\1"] = "is of another format, expected a PNG or JPEG picture",
    } do
      local path = write(bytes)
      assert.same({ nil, path .. ": " .. words }, { data.read_image(path) })
    end
    assert.same({ nil, write "" .. ": is empty, expected a PNG or JPEG picture" }, { data.read_image(write "") })
    local missing = directory .. "/missing"
    assert.same({ nil, missing .. ": No such file or directory", 2 }, { data.read_image(missing) })
    assert.same({ nil, directory .. ": Is a directory", 21 }, { data.read_image(directory) })
    raises("read_image: expected a path, got nil", function() data.read_image() end)
    raises("read_image: background: expected a whole number from 0 to 255, got 256",
      function() data.read_image("x", { background = 256 }) end)
    raises("read_image: unknown option 'exif'; known are background, gamma, orientation",
      function() data.read_image("x", { exif = true }) end)
    raises("write_png: expected numbers, got a picture with nan, 2 times",
      function() data.write_png("x.png", fnet.tensor { { 0, 0 / 0 }, { 0 / 0, 1 } }) end)
    raises("write_png: expected a picture [height, width] or [height, width, 3], got float32 [2]",
      function() data.write_png("x.png", fnet.ones { 2 }) end)
  end)

  it("reads from a pipe as well", function()
    local path = has_png and write(core.encode_png(picture(200, 300, 3))) or "tests/fixtures/images/grey.jpg"
    if not (has_png or has_jpeg) then return assert.is_nil((data.read_image(path))) end
    local pipe = directory .. "/pipe"
    assert(os.execute(("mkfifo %s && { cat %s >%s & }"):format(pipe, path, pipe)))
    assert.is_true(data.read_image(path):equal(assert(data.read_image(pipe))))
  end)
end)

--- Pictures: PNG and JPEG files, folders of them, other sizes; damage gives an error or pixels, never more.
-- Where a library was not built in, its specs check the message that says so.

local fnet = require "fnet"
local core = require "fnet.core"
local command = require "tests.support.command"
local support = require "tests.support"
local data = fnet.data
local raises = support.raises

local directory
setup(function() directory = command.make_directory() end)
teardown(function() command.remove_directory(directory) end)

local has_png = core.encode_png(fnet.zeros({ 1, 1 }, "uint8")) ~= nil
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
end)

describe("JPEG", function()
  if not has_jpeg then
    it("is named as missing, with the way out", function()
      local _, message = data.read_image "tests/fixtures/images/grey.jpg"
      assert.matches("built without libjpeg; install it %(Debian: libjpeg%-dev%) and build fnet again", message)
    end)
    return
  end

  it("pictures are read, grey and in colour", function()
    local grey = assert(data.read_image "tests/fixtures/images/grey.jpg")
    local colour = assert(data.read_image "tests/fixtures/images/colour.jpg")
    assert.same({ { 10, 12 }, { 10, 12, 3 } }, { grey.shape, colour.shape })
    for y = 1, 10 do
      for x = 1, 12 do
        assert.near(20 * (x - 1), grey:get(y, x), 6)
        assert.near(20 * (x - 1), colour:get(y, x, 1), 12)
        assert.near(25 * (y - 1), colour:get(y, x, 2), 12)
        assert.near(128, colour:get(y, x, 3), 12)
      end
    end
  end)

  it("that are cut or changed give an error or a picture", function()
    local bytes = command.read_file "tests/fixtures/images/colour.jpg"
    for size = 0, #bytes - 3 do assert.is_nil((core.decode_image(bytes:sub(1, size)))) end
    for at = 1, #bytes do
      local changed = bytes:sub(1, at - 1) .. string.char(bytes:byte(at) ~ 1 << at % 8) .. bytes:sub(at + 1)
      local t, message = core.decode_image(changed)
      assert.is_true(fnet.is_tensor(t) or #message > 5)
    end
  end)
end)

describe("read_image", function()
  it("says what it cannot read", function()
    local path = write "GIF89a"
    assert.same({ nil, path .. ": is of another format, expected a PNG or JPEG picture" },
      { data.read_image(path) })
    assert.same({ nil, write "" .. ": is empty, expected a PNG or JPEG picture" }, { data.read_image(write "") })
    assert.same({ nil, "/nonexistent: No such file or directory", 2 }, { data.read_image "/nonexistent" })
    raises("read_image: expected a path, got nil", function() data.read_image() end)
    raises("write_png: expected a picture [height, width] or [height, width, 3], got float32 [2]",
      function() data.write_png("x.png", fnet.ones { 2 }) end)
  end)
end)

describe("resize", function()
  it("averages areas where an axis gets shorter", function()
    local t = fnet.tensor { { 1, 3, 5, 7 }, { 1, 3, 5, 7 } }
    support.near({ 1, 2 }, { 2, 6 }, data.resize(t, 1, 2), 1e-6)
    support.near({ 1, 3 }, { (1 + 3 / 3) / (4 / 3), 4, (5 / 3 + 7) / (4 / 3) }, data.resize(t, 1, 3), 1e-6)
    assert.same({ { 2, 6 } }, data.resize(t:byte(), 1, 2):totable())
  end)

  it("is linear where an axis gets longer, and keeps the mean and the channels", function()
    support.near({ 1, 4 }, { 0, 1, 3, 4 }, data.resize(fnet.tensor { { 0, 4 } }, 1, 4), 1e-6)
    local t = picture(9, 13, 3):float()
    local small = data.resize(t, 4, 5)
    assert.same({ 4, 5, 3 }, small.shape)
    for c = 1, 3 do assert.near(t:select(3, c):mean():item(), small:select(3, c):mean():item(), 1e-3) end
    assert.is_true(data.resize(t, 9, 13):allclose(t))
    raises("resize: height: expected a whole number from 1 to 65535, got 0", function() data.resize(t, 0, 5) end)
  end)
end)

describe("grey", function()
  it("weighs the colours as BT.601 does", function()
    local t = fnet.tensor({ { { 255, 0, 0 }, { 0, 255, 0 }, { 0, 0, 255 }, { 9, 9, 9 } } }, "uint8")
    assert.same({ { 76, 150, 29, 9 } }, data.grey(t):totable())
    assert.equal(t:select(3, 1).rank, data.grey(t:select(3, 1)).rank)
  end)
end)

describe("read_images", function()
  it("makes a data set of a folder for each class", function()
    if not has_png then return assert.is_nil((core.encode_png(fnet.zeros({ 1, 1 }, "uint8")))) end
    local root = directory .. "/pets"
    assert(core.make_directory(root))
    for _, class in ipairs { "dog", "cat" } do
      assert(core.make_directory(root .. "/" .. class))
      for i = 1, 2 do
        local shade = fnet.full({ 4, 6 }, class == "cat" and i or 100 + i, "uint8")
        assert(data.write_png(("%s/%s/%d.png"):format(root, class, i), shade))
      end
      command.write_file(root .. "/" .. class .. "/notes.txt", "no picture")
    end
    local set = assert(data.read_images(root))
    assert.same({ { "cat", "dog" }, { 4, 4, 6 }, { 1, 1, 2, 2 } }, { set.classes, set.x.shape, set.y:totable() })
    assert.same({ 1, 2, 101, 102 }, set.x:select(2, 1):select(2, 1):totable())
    assert.near(102 / 255, set:sample(4):get(1, 1), 1e-6)
    assert.same({ 4, 2, 3 }, assert(data.read_images(root, { height = 2, width = 3 })).x.shape)
    assert(data.write_png(root .. "/dog/3.png", fnet.zeros({ 3, 3, 3 }, "uint8")))
    local none, message = data.read_images(root)
    assert.same({ nil, root .. "/dog/3.png: is a picture [3, 3, 3], but the first one is [4, 6]; give { height = , "
      .. "width = } to resize all, { grey = true } to drop the colours" }, { none, message })
    assert.equal(5, #assert(data.read_images(root, { height = 2, width = 3, grey = true })))
  end)

  it("says what is missing", function()
    assert.same({ nil, "/nonexistent: No such file or directory", 2 }, { data.read_images "/nonexistent" })
    local empty = command.make_directory()
    assert.same({ nil, empty .. ": holds no folder with PNG or JPEG files; expected one for each class" },
      { data.read_images(empty) })
    command.remove_directory(empty)
    raises("read_images: expected both height and width, or neither",
      function() data.read_images("x", { height = 3 }) end)
  end)
end)

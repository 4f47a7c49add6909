--- Folders of pictures as data sets: order, classes and sizes of another set, and what is done about bad files.

local closing = require "fnet.base.closing"
local core = require "fnet.core"
local fnet = require "fnet"
local command = require "tests.support.command"
local png = require "tests.support.png"
local support = require "tests.support"
local data = fnet.data
local raises = support.raises

if not png.readable then
  describe("read_images", function()
    it("needs libpng for its specs", function()
      assert.matches("libpng", select(2, core.decode_image(core.encode_png(fnet.zeros({ 1, 1 }, "uint8")))))
    end)
  end)
  return
end

local root
before_each(function() root = command.make_directory() end)
after_each(function() command.remove_directory(root) end)

-- Writes root/folder/name, a picture or other bytes.
local function put(folder, name, content)
  assert(core.make_directory(root .. "/" .. folder))
  local path = ("%s/%s/%s"):format(root, folder, name)
  if type(content) == "string" then command.write_file(path, content) else assert(data.write_png(path, content)) end
  return path
end

local function shade(value, shape) return fnet.full(shape or { 4, 6 }, value, "uint8") end

local function pets()
  for _, class in ipairs { "dog", "cat" } do
    for i = 1, 2 do put(class, i .. ".png", shade(class == "cat" and i or 100 + i)) end
    put(class, "notes.txt", "no picture")
  end
end

describe("read_images", function()
  it("makes a data set of a folder for each class", function()
    pets()
    local set, more = data.read_images(root)
    assert.is_nil(more)
    assert.same({ { "cat", "dog" }, { 4, 4, 6 }, { 1, 1, 2, 2 } }, { set.classes, set.x.shape, set.y:totable() })
    assert.same({ 1, 2, 101, 102 }, set.x:select(2, 1):select(2, 1):totable())
    assert.near(102 / 255, set:sample(4):get(1, 1), 1e-6)
    assert.same({ 4, 2, 3 }, assert(data.read_images(root, { height = 2, width = 3 })).x.shape)
    local path = put("dog", "3.png", shade(0, { 3, 3, 3 }))
    assert.same({ nil, path .. ": is a picture [3, 3, 3], but the first one is [4, 6]; { height = , width = } "
      .. "resizes all, { grey = true } drops the colours, { colour = true } gives all of them three channels" },
      { data.read_images(root) })
    assert.equal(5, #assert(data.read_images(root, { height = 2, width = 3, grey = true })))
    assert.same({ 5, 2, 3, 3 }, assert(data.read_images(root, { height = 2, width = 3, colour = true })).x.shape)
  end)

  it("gives what read_image, grey, colour and resize give", function()
    local t = fnet.rand({ 9, 11, 3 }, 0, 255.99):byte()
    local path = put("a", "t.png", t)
    assert.is_true(assert(data.read_images(root)).x[1]:equal(data.read_image(path)))
    assert.is_true(assert(data.read_images(root, { height = 5, width = 20 })).x[1]:equal(data.resize(t, 5, 20)))
    local grey = assert(data.read_images(root, { height = 5, width = 20, grey = true })).x[1]
    assert.is_true(grey:equal(data.resize(data.grey(t), 5, 20)))
  end)

  it("takes classes, size and colours over from the training data", function()
    pets()
    put("owl", "1.png", shade(9, { 5, 5 }))
    local train = assert(data.read_images(root, { height = 4, width = 6, colour = true }))
    command.remove_directory(root)
    assert(core.make_directory(root))
    put("owl", "1.png", shade(7, { 9, 9 }))
    put("dog", "1.png", shade(8))
    assert(core.make_directory(root .. "/empty"))
    local test = assert(data.read_images(root, { like = train:split(0.5) }))
    assert.same({ { "cat", "dog", "owl" }, { 2, 3 }, { 2, 4, 6, 3 } },
      { test.classes, test.y:totable(), test.x.shape })
    local named = assert(data.read_images(root, { classes = { "owl", "dog" }, height = 1, width = 1 }))
    assert.same({ { "owl", "dog" }, { 2, 1 } }, { named.classes, named.y:totable() }) -- files: dog's, owl's
    put("dogs", "1.png", shade(8))
    local expected = root .. "/dogs: holds pictures, but there is no class of that name"
    assert.same({ nil, expected .. " (did you mean 'dog'?); known are cat, dog, owl" },
      { data.read_images(root, { like = train }) })
  end)

  it("names what cannot be read, and can leave it out", function()
    pets()
    local cut = put("cat", "1a.png", core.encode_png(shade(5)):sub(1, 40))
    local other = put("dog", "0.jpg", "GIF89a")
    local set, message = data.read_images(root)
    assert.is_nil(set)
    assert.matches("^" .. cut:gsub("%p", "%%%0") .. ": is a damaged PNG picture: ", message)
    local skipped
    set, skipped = data.read_images(root, { skip = true })
    assert.same({ { 1, 2, 101, 102 }, { 1, 1, 2, 2 } },
      { set.x:select(2, 1):select(2, 1):totable(), set.y:totable() })
    assert.same({ message, other .. ": is a GIF picture, which fnet does not read: save it as PNG or JPEG" },
      skipped)
    assert.equal(64, #set:sha256())
    os.remove(cut)
    os.remove(other)
    assert.same({}, (select(2, data.read_images(root, { skip = true }))))
  end)

  it("takes little more memory than the result does", function()
    for i = 1, 60 do put("a", i .. ".png", fnet.rand({ 300, 200 + i, 3 }, 0, 255.99):byte()) end -- 11 MB
    core.pool(true)
    collectgarbage()
    local _ <close> = closing(function() collectgarbage "restart" end)
    collectgarbage "stop" -- then only read_images calls the collector
    local before = collectgarbage "count"
    assert.equal(60, #assert(data.read_images(root, { height = 20, width = 20 })))
    assert.is_true(collectgarbage "count" - before < 20000) -- KiB
  end)

  it("says what is missing", function()
    local missing = root .. "/missing"
    assert.same({ nil, missing .. ": No such file or directory", 2 }, { data.read_images(missing) })
    assert.same({ nil, root .. ": holds no folder with PNG or JPEG files; expected one for each class" },
      { data.read_images(root) })
    put("a", "b.png", "GIF89a")
    assert.same({ nil, ("%s: none of its 1 pictures can be read: %s/a/b.png: is a GIF picture, which fnet does "
      .. "not read: save it as PNG or JPEG"):format(root, root) }, { data.read_images(root, { skip = true }) })
  end)

  it("refuses options that contradict each other", function()
    local plain = data.Dataset { x = fnet.zeros { 2, 3 }, y = fnet.zeros { 2 } }
    pets()
    local train = assert(data.read_images(root))
    raises("read_images: expected both height and width, or neither",
      function() data.read_images("x", { height = 3 }) end)
    raises("read_images: expected grey or colour, not both",
      function() data.read_images("x", { grey = true, colour = true }) end)
    raises("read_images: expected like or height, not both: height is that of the data set",
      function() data.read_images("x", { like = train, height = 3, width = 3 }) end)
    raises("read_images: like: expected a data set from read_images, got table",
      function() data.read_images("x", { like = plain }) end)
    raises("read_images: classes: expected a list of names, got table",
      function() data.read_images("x", { classes = {} }) end)
    raises("read_images: classes: has 'dog' twice",
      function() data.read_images("x", { classes = { "dog", "cat", "dog" } }) end)
    raises("read_images: background: expected a whole number from 0 to 255, got -1",
      function() data.read_images("x", { background = -1 }) end)
  end)
end)

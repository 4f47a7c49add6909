--- Arrays that stay in their file: the same bits as in memory, in every way in which a data set gives them; and
-- files that cannot be opened, or do not stay as they were.

local fnet = require "fnet"
local command = require "tests.support.command"
local support = require "tests.support"
local data, nn = fnet.data, fnet.nn
local raises = support.raises

local directory
setup(function() directory = command.make_directory() end)
teardown(function() command.remove_directory(directory) end)

-- The tensor in a file, opened.
local function opened(t, name)
  local path = ("%s/%s.npy"):format(directory, name or "t")
  assert(data.write_npy(path, t))
  return assert(data.open_npy(path)), path
end

local function npy_text(description, shape, content, fortran)
  return "\x93NUMPY\1\0" .. string.pack("<s2", ("{'descr': '%s', 'fortran_order': %s, 'shape': (%s,), }"):format(
    description, fortran and "True" or "False", table.concat(shape, ", "))) .. content
end

local function int32(...) return fnet.tensor({ ... }, "int32") end

-- 60 pictures with labels, in memory and opened.
local function pictures()
  fnet.seed(2)
  local x = (fnet.rand { 60, 6, 5 } * 255):to "uint8"
  local labels = {}
  for i = 1, 60 do labels[i] = 1 + i * i % 3 end
  local y = int32(table.unpack(labels))
  local options = { classes = { "a", "b", "c" }, scale = 1 / 255 }
  local function set(samples, targets)
    return data.Dataset { x = samples, y = targets, classes = options.classes, scale = options.scale }
  end
  return set(x, y), set(opened(x, "x"), opened(y, "y"))
end

-- All that a loop gives, as text.
local function bits(set, options)
  local parts = {}
  for x, y in set:batches(options) do
    for _, t in ipairs(type(x) == "table" and x or { x }) do
      parts[#parts + 1] = t.dtype .. table.concat(t.shape, ",") .. t:bytes()
    end
    parts[#parts + 1] = y.dtype .. y:bytes()
  end
  return table.concat(parts, "|")
end

describe("a data set of opened files", function()
  it("gives the bits of one in memory: in order, shuffled, in parts, through transforms", function()
    local memory, file = pictures()
    local function same(f)
      fnet.seed(7)
      local expected = f(memory)
      fnet.seed(7)
      assert.is_true(expected == f(file))
    end
    local transforms = { data.random_shift(1), data.horizontal_flip(),
      data.normalise { mean = 0.5, deviation = 0.2 } }
    local function doubled(x, y) return x * 2, y end
    same(function(set) return bits(set, { size = 7 }) end)
    same(function(set) return bits(set, { size = 7, shuffle = true, drop_last = true }) end)
    same(function(set) return bits(set:slice(5, 44):slice(2, 30), { shuffle = true }) end)
    same(function(set)
      local first, rest = set:split(0.7)
      return bits(first, { shuffle = true }) .. bits(rest)
    end)
    same(function(set) return bits((set:split(20, { stratified = true }))) end)
    same(function(set)
      local parts = {}
      for train, valid in set:folds(4) do parts[#parts + 1] = bits(train) .. bits(valid, { shuffle = true }) end
      return table.concat(parts)
    end)
    same(function(set) return bits(set:with { transform = transforms }, { size = 9, shuffle = true }) end)
    same(function(set)
      return bits(set:with { transform = { doubled, data.random_erasing() } }, { shuffle = true })
    end)
    same(function(set) return bits(set:with { transform = data.mix_up(0.4) }, { shuffle = true }) end)
    same(function(set) return set:with({ rows = int32(60, 1, 1, 7) }):sample(3):bytes() end)
    same(function(set)
      return set:sha256() .. set:slice(3, 9):sha256() .. tostring(set) .. tostring(set:balance())
    end)
    same(function(set)
      local statistics = set:statistics()
      return table.concat(statistics.mean, " ") .. table.concat(statistics.deviation, " ")
    end)
  end)

  it("trains the same weights, is evaluated and predicted, and goes on from a checkpoint of the other", function()
    local memory, file = pictures()
    local function train(set, checkpoint, epochs)
      fnet.seed(3)
      local part, valid = set:split(0.8)
      part = part:with { transform = data.random_shift(1) }
      local model = nn.Sequential { nn.Flatten(), nn.Dense(30, 3) }
      local history = fnet.fit(model, { train = part, valid = valid, loss = nn.cross_entropy,
        optim = fnet.optim.Adam, epochs = epochs, batch = 8, metrics = { "accuracy" }, checkpoint = checkpoint })
      return model, history
    end
    local function weights(model) return model[2].weight:bytes() .. model[2].bias:bytes() end
    local expected, history = train(memory, nil, 3)
    local model, opened_history = train(file, nil, 3)
    assert.is_true(weights(expected) == weights(model))
    assert.equal(history[3].valid_loss, opened_history[3].valid_loss)
    assert.equal(fnet.evaluate(model, memory).loss, fnet.evaluate(model, file).loss)
    assert.is_true(fnet.predict(model, memory):equal(fnet.predict(model, file, { size = 11 })))
    train(memory, directory .. "/run", 1)
    assert.is_true(weights(expected) == weights((train(file, { directory .. "/run", resume = true }, 3))))
    assert(model:save(directory .. "/model.safetensors", { data = file, script = false }))
    assert.is_table(fnet.load(directory .. "/model.safetensors"))
  end)

  it("takes what an array in memory may be: a list of inputs, targets of many numbers, float64, whole numbers",
    function()
      local x, table_of = fnet.randn { 12, 4 }, fnet.randn({ 12, 2 }, 0, 1, "float64")
      local targets, ids = fnet.randn { 12, 3 }, fnet.arange(101, 112, 1, "int32"):reshape { 12, 1 }
      local memory = data.Dataset { x = { x, table_of, ids }, y = targets }
      local file = data.Dataset { x = { opened(x, "a"), table_of, (opened(ids, "b")) }, y = (opened(targets, "c")) }
      local function plain(...) return ... end
      for _, transform in ipairs { false, plain } do
        local function given(set) return set:with { transform = transform } end
        assert.is_true(bits(given(memory), { size = 5 }) == bits(given(file), { size = 5 }))
      end
      assert.equal(memory:sha256(), file:sha256())
      assert.is_true(bits(memory:slice(3, 5)) == bits(file:slice(3, 5)))
      assert.is_true(memory:with({ x = x }):sha256() == file:with({ x = (opened(x, "d")) }):sha256())
    end)

  it("leaves its samples where they are, but has labels in memory", function()
    local _, file = pictures()
    assert.is_true(fnet.is_tensor(file.y))
    assert.is_false(fnet.is_tensor(file.x))
    local part = file:slice(11, 20)
    assert.same({ 10, 6, 5 }, part.x.shape)
    assert.equal("uint8 [10, 6, 5] in " .. directory .. "/x.npy", tostring(part.x))
    assert.is_true(part.x:rows(int32(2)):equal(file.x:rows(int32(12))))
    assert.equal(60, #file.x)
    raises("standardise: expected samples in memory, these stay in their file; standardise each batch: "
      .. "train:with { transform = data.normalise(train:statistics()) }", function() data.standardise(file) end)
  end)

  it("says which label has no name, and how many rows there are", function()
    local x = opened(fnet.zeros { 3, 2 }, "x")
    raises("Dataset: expected as many targets as samples, got x of float32 [3, 2] and y of float32 [2]",
      function() data.Dataset { x = x, y = fnet.zeros { 2 } } end)
    raises("Dataset: classes: expected a name for each label, got 1, and label 0 in row 2; labels count from 1 in "
      .. "fnet, so add 1 to labels that count from 0",
      function() data.Dataset { x = x, y = opened(int32(1, 0, 1), "y"), classes = { "a" } } end)
  end)
end)

describe("an opened file", function()
  it("gives rows of any type as the reader of the whole file gives them", function()
    local path = directory .. "/types.npy"
    local content = ""
    for i = 1, 40 do content = content .. string.char(i * 37 % 128) end
    local sizes = { ["|b1"] = 1, ["|u1"] = 1, ["|i1"] = 1, ["<u2"] = 2, [">i2"] = 2, ["<f2"] = 2, [">f4"] = 4,
      ["<f4"] = 4, ["<i4"] = 4, [">i4"] = 4, ["<f8"] = 8, [">f8"] = 8 }
    for description, size in pairs(sizes) do
      command.write_file(path, npy_text(description, { 40 // size }, content))
      local whole, array = assert(data.read_npy(path)), assert(data.open_npy(path))
      local rows = int32(5, 1, 2, 3, 3, 4)
      assert.equal(whole.dtype, array.dtype)
      assert.same({ 40 // size }, array.shape)
      assert.equal(whole:gather(rows):bytes(), array:rows(rows):bytes())
      assert.same({ 0 }, array:rows(fnet.zeros({ 0 }, "int32")).shape)
    end
    command.write_file(path, npy_text("<i8", { 3, 2 }, string.pack("<i8i8i8i8i8i8", 1, 2, 3, 1 << 40, 5, 6)))
    local array <close> = assert(data.open_npy(path))
    support.holds({ 2, 2 }, { 5, 6, 1, 2 }, array:rows(int32(3, 1)), "int32")
    raises(path .. ": holds, in row 2, a whole number that int32 cannot hold",
      function() array:rows(int32(1, 2, 3)) end)
    raises("rows: index 4 at position 2 is outside 1..3 (indices count from 1)",
      function() array:rows(int32(1, 4)) end)
    raises("rows: expected the numbers of rows, int32 [count], got number", function() array:rows(1) end)
  end)

  it("is an IDX file, too", function()
    local path = directory .. "/file.idx"
    command.write_file(path, "\0\0\8\3" .. string.pack(">I4I4I4", 2, 2, 3) .. "abcdefghijkl")
    local array = assert(data.open_idx(path))
    support.holds({ 1, 2, 3 }, { 103, 104, 105, 106, 107, 108 }, array:rows(int32(2)), "uint8")
    command.write_file(path, "\0\0\x0B\2" .. string.pack(">I4I4i2i2", 2, 1, -5, 300))
    support.holds({ 2, 1 }, { 300, -5 }, assert(data.open_idx(path)):rows(int32(2, 1)), "int32")
  end)

  it("that cannot be read by rows is refused when it is opened", function()
    local path = directory .. "/refused"
    local function refused(open, content, message, code)
      if content then command.write_file(path, content) end
      local array, got, number = open(path)
      assert.same({ nil, path .. ": " .. message }, { array, got })
      assert.equal(code, number)
    end
    local images = command.read_file "tests/fixtures/fashion/t10k-images-idx3-ubyte.gz"
    local compressed = "is compressed with gzip, where no row can be read before all others; gunzip it first"
    refused(data.open_idx, images, compressed)
    refused(data.open_npy, images, compressed)
    refused(data.open_npy, npy_text("<f4", { 2, 3 }, ("\0"):rep(24), true), "is in Fortran's order, in which rows "
      .. "do not lie together; read it whole with read_npy, or save numpy.ascontiguousarray(x)")
    refused(data.open_npy, npy_text("<U3", { 1 }, ("\0"):rep(12)), "holds texts (type '<U3'); expected numbers")
    refused(data.open_npy, npy_text("<f4", { 2 }, "four"), "has 4 bytes of elements, but its shape [2] needs 8")
    refused(data.open_npy, npy_text("<f4", { 1 }, "four five"),
      "has 9 bytes of elements, but its shape [1] needs 4")
    refused(data.open_npy, "PK\3\4", "does not begin as a .npy file does, with 93 NUMPY")
    refused(data.open_npy, "", "is empty, expected a .npy file")
    refused(data.open_idx, "\0\0\8\1\0\0\0\3ab", "has 2 bytes of elements, but its shape [3] needs 3")
    refused(data.open_idx, "", "is empty, expected an IDX file")
    assert(data.write_npy(path, fnet.tensor(1)))
    refused(data.open_npy, nil, "holds a single number; expected rows")
    os.remove(path)
    refused(data.open_npy, nil, "No such file or directory", 2)
    refused(data.open_idx, nil, "No such file or directory", 2)
    assert.same({ nil, directory .. ": Is a directory", 21 }, { data.open_npy(directory) })
    raises("open_npy: expected a path, got nil", function() data.open_npy() end)
    raises("open_idx: the path contains a zero byte", function() data.open_idx "a\0b" end)
  end)

  it("has no rows and methods of a tensor", function()
    local x = opened(fnet.randn { 4, 2 }, "strict")
    for _, key in ipairs { 1, "mean" } do
      raises(("an opened file has no '%s'; a data set reads its rows: data.Dataset { x = opened, y = ... }")
        :format(key), function() return x[key] end)
    end
  end)

  it("that is changed, cut short or closed meanwhile raises an error", function()
    local x, path = opened(fnet.randn { 50, 8 }, "changing")
    local set = data.Dataset { x = x, y = fnet.zeros { 50 } }
    local changed = path .. ": was changed after it was opened; open it anew"
    local iterator = set:batches { size = 10 }
    assert.is_truthy(iterator())
    local file <close> = assert(io.open(path, "r+b"))
    file:seek("set", 200)
    file:write("other")
    file:flush()
    raises(changed, function() iterator() end)
    local again <close> = assert(data.open_npy(path))
    assert(os.execute("truncate -s 300 " .. command.quote(path)))
    raises(changed, function() again:rows(int32(1)) end)
    again:close()
    raises(path .. ": is closed", function() again:rows(int32(1)) end)
  end)

  it("goes on with the old file where another one took its name", function()
    local x, path = opened(fnet.ones { 2, 2 }, "replaced")
    assert(data.write_npy(path, fnet.zeros { 2, 2 }))
    support.holds({ 1, 2 }, { 1, 1 }, x:rows(int32(1)))
  end)

  it("is closed by the collector, also where thousands are open", function()
    local _, path = opened(fnet.ones { 2, 2 }, "many")
    for _ = 1, 1500 do assert(data.open_npy(path)) end -- more than a process may usually have open
  end)
end)

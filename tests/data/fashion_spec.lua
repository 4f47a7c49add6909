--- fashion_mnist: where it looks for the data set, what it checks, and what it returns.

local fnet = require "fnet"
local command = require "tests.support.command"

local FIXTURES = "tests/fixtures/fashion"
local PACKAGE = "/usr/share/datasets/fashion-mnist"

local function holds_data(directory)
  local file = io.open(directory .. "/train-images-idx3-ubyte.gz", "rb")
  if file then file:close() end
  return file ~= nil
end

describe("fashion_mnist", function()
  local fashion_mnist = fnet.data.fashion_mnist
  local getenv, script = os.getenv, arg[0]
  local directory, environment

  before_each(function()
    directory = command.make_directory()
    environment = {}
    rawset(os, "getenv", function(name)
      if name:find "^FNET_" then return environment[name] end
      return getenv(name)
    end)
  end)

  after_each(function()
    rawset(os, "getenv", getenv)
    rawset(arg, 0, script)
    command.remove_directory(directory)
  end)

  -- Copies the small data set into a new directory below the temporary one.
  local function copy(name)
    local path = directory .. "/" .. name
    assert(os.execute(("mkdir -p %s && cp %s/*.gz %s"):format(path, command.quote(FIXTURES), path)))
    return path
  end

  local function fails(message, options)
    local fine, got = pcall(function()
      local train = fashion_mnist(options)
      return train
    end)
    assert.is_false(fine)
    local position = got:match "^(.-fashion_spec%.lua:%d+: )" or ""
    assert.equal("fashion_mnist: " .. message, got:sub(#position + 1))
    assert.is_true(#position > 0, got)
  end

  describe("returns", function()
    it("the pictures, the labels from 1 and the names of the classes", function()
      local train, test = fashion_mnist { dir = FIXTURES }
      assert.same({ 600, 28, 28 }, train.x.shape)
      assert.same({ 200, 28, 28 }, test.x.shape)
      assert.equal("uint8", train.x.dtype)
      assert.same({ 600 }, train.y.shape)
      assert.same({ 200 }, test.y.shape)
      local first, names = {}, {}
      for i = 1, 5 do
        first[i] = train.y[i]
        names[i] = test.classes[test.y[i]]
      end
      assert.same({ 10, 1, 1, 4, 1 }, first)
      assert.same({ "Ankle boot", "Pullover", "Trouser", "Trouser", "Shirt" }, names)
      assert.equal(10, #train.classes)
      assert.equal(FIXTURES, train.source)
      assert.equal("Fashion-MNIST", test.name)
    end)

    it("MNIST with its digits, and other data sets with the names that are given", function()
      local function write(labels)
        for _, part in ipairs { "train", "t10k" } do
          command.write_file(("%s/%s-images.idx3-ubyte"):format(directory, part),
            string.pack(">I4I4I4I4", 2051, #labels[part], 28, 28) .. ("\0"):rep(784 * #labels[part]))
          command.write_file(("%s/%s-labels.idx1-ubyte"):format(directory, part),
            string.pack(">I4I4", 2049, #labels[part]) .. labels[part])
        end
      end
      write { train = "\5\0\4\1\9\2\1\3\1\4\3\5\3\6", t10k = "\7\2\1\0\4\1\4\9\5\9\0\6\9" }
      local train, test = fashion_mnist { dir = directory }
      assert.same({ "MNIST", "MNIST" }, { train.name, test.name })
      assert.same({ "5", "7" }, { train.classes[train.y[1]], test.classes[test.y[1]] })
      local own = fashion_mnist { dir = directory,
        classes = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" } }
      assert.equal("f", own.classes[own.y[1]])
      assert.is_nil(own.name)
      fails("classes: expected a list of names, got number", { dir = directory, classes = 10 })
      write { train = "\5\0\4\1\9\2\1\3\1\4\3\6", t10k = "\7\2" }
      train, test = fashion_mnist { dir = directory }
      assert.same({ "Fashion-MNIST", "Fashion-MNIST" }, { train.name, test.name })
    end)

    it("the 70,000 pictures of the whole data set", function()
      if not holds_data(PACKAGE) then return pending "the package is not installed" end
      local train, test = fashion_mnist { dir = PACKAGE }
      assert.equal(60000, #train.x)
      assert.equal(10000, #test.x)
      for part, each in pairs { [train] = 6000, [test] = 1000 } do
        local counts = {}
        for class = 1, 10 do counts[class] = 0 end
        for i = 1, #part.y do counts[part.y[i]] = counts[part.y[i]] + 1 end
        for class = 1, 10 do assert.equal(each, counts[class]) end
      end
    end)
  end)

  describe("looks", function()
    -- Everything it finds there is the small data set, so the source tells the places apart.
    local function source(options) return fashion_mnist(options).source end

    it("in the directory given, before $FNET_DATA", function()
      environment.FNET_DATA = copy "environment"
      local given = copy "given"
      assert.equal(given, source { dir = given })
      assert.equal(given .. "/", source { dir = given .. "/" })
    end)

    it("in $FNET_DATA, before the script's directory", function()
      environment.FNET_DATA = copy "environment"
      copy "project/data"
      rawset(arg, 0, directory .. "/project/run.lua")
      assert.equal(environment.FNET_DATA, source())
      environment.FNET_DATA = ""
      assert.equal(directory .. "/project/data", source())
    end)

    it("beside the script, then beside the script's directory", function()
      local outer = copy "project/data"
      rawset(arg, 0, directory .. "/project/examples/run.lua")
      assert.equal(outer, source {})
      assert.equal(copy "project/examples/data", source {})
    end)

    it("where the package has its files", function()
      if holds_data "data" then return pending "data/ holds the data set, and comes first" end
      environment.FNET_DATASET_DIR = copy "package"
      rawset(arg, 0, directory .. "/project/run.lua")
      assert.equal(environment.FNET_DATASET_DIR, source())
    end)

    it("for plain files too", function()
      local path = copy "plain"
      assert(os.execute("gzip -d " .. path .. "/train-*.gz"))
      local train, test = fashion_mnist { dir = path }
      assert.equal(600, #train.x)
      assert.equal(200, #test.x)
    end)
  end)

  describe("reports", function()
    it("every place where it looked", function()
      if holds_data "data" then return pending "data/ holds the data set" end
      environment.FNET_DATASET_DIR = directory .. "/package"
      local incomplete = copy "project/data"
      os.remove(incomplete .. "/t10k-labels-idx1-ubyte.gz")
      rawset(arg, 0, directory .. "/project/examples/run.lua")
      fails("no directory holds the data set:\n"
        .. "  " .. directory .. "/project/examples/data lacks all four files\n"
        .. "  " .. directory .. "/project/data lacks t10k-labels-idx1-ubyte.gz\n"
        .. "  data lacks all four files\n"
        .. "  " .. directory .. "/package lacks all four files\n"
        .. "Run `make data`, or name the directory in { dir = ... } or in $FNET_DATA")
    end)

    it("what a directory lacks that somebody named", function()
      local path = copy "incomplete"
      os.remove(path .. "/train-images-idx3-ubyte.gz")
      os.remove(path .. "/t10k-labels-idx1-ubyte.gz")
      local rest = " lacks train-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz; fetch the files with "
        .. "`make data`, or name another directory"
      fails(path .. " (named by dir)" .. rest, { dir = path })
      environment.FNET_DATA = path
      fails(path .. " (named by $FNET_DATA)" .. rest)
    end)

    it("options that make no sense", function()
      fails("expected a table of options, got string", "data")
      fails("unknown option 'directory' (did you mean 'dir'?); known are dir, classes", { directory = "data" })
      fails("dir: expected the path of a directory, got number", { dir = 7 })
    end)
  end)

  describe("refuses", function()
    local path

    before_each(function() path = copy "damaged" end)

    -- Puts another file in the place of one of the four.
    local function replace(name, bytes)
      os.remove(path .. "/" .. name .. ".gz")
      command.write_file(path .. "/" .. name, bytes)
      return path .. "/" .. name
    end

    it("a damaged file", function()
      local name = path .. "/train-images-idx3-ubyte.gz"
      command.write_file(name, command.read_file(name):sub(1, 5000))
      local fine, message = pcall(fashion_mnist, { dir = path })
      assert.is_false(fine)
      assert.is_truthy(message:find(name .. ": gzip data is cut short: the file ends after ", 1, true))
    end)

    it("a directory in place of a file", function()
      os.remove(path .. "/t10k-labels-idx1-ubyte.gz")
      assert(os.execute("mkdir " .. path .. "/t10k-labels-idx1-ubyte.gz"))
      fails(path .. "/t10k-labels-idx1-ubyte.gz: Is a directory", { dir = path })
    end)

    it("pictures of another size or type", function()
      local name = replace("train-images-idx3-ubyte", string.pack(">BBBBI4I4I4", 0, 0, 8, 3, 1, 28, 27)
        .. ("\0"):rep(28 * 27))
      fails(name .. ": expected pictures [count, 28, 28] of uint8, got [1, 28, 27] of uint8", { dir = path })
      replace("train-images-idx3-ubyte", "\0\0\9\1\0\0\0\0")
      fails(name .. ": expected pictures [count, 28, 28] of uint8, got [0] of int32", { dir = path })
    end)

    it("labels that no class has", function()
      local name = replace("t10k-labels-idx1-ubyte", "\0\0\8\1\0\0\0\200" .. ("\1"):rep(36) .. "\12"
        .. ("\3"):rep(163))
      fails(name .. ": has label 12 in row 37, expected 0 to 9", { dir = path })
    end)

    it("another number of labels than of pictures", function()
      local name = replace("train-labels-idx1-ubyte", "\0\0\8\1\0\0\0\3\1\2\3")
      fails(path .. "/train-images-idx3-ubyte.gz holds 600 pictures, but " .. name .. " 3 labels",
        { dir = path })
    end)
  end)
end)

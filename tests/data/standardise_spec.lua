--- Standardising columns: the statistics of the training data, what is missing, categories, and misuse.

local fnet = require "fnet"
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
    assert.allclose(support.filled({ 3, 1 }, { 10, 30, 20 }), scaled:restore(scaled(train).y), 1e-6, 1e-6)
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

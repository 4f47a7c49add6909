--- data.sequences and data.mask: samples of different lengths in padded batches.

local fnet = require "fnet"
local support = require "tests.support"
local data, nn = fnet.data, fnet.nn

local function ints(values) return fnet.tensor(values, "int32") end

-- Sequences of 1 to count steps; their values tell the sequence and the step.
local function new_list(count, features)
  local list = {}
  for i = 1, count do
    local steps = fnet.arange(1, i):reshape { i, 1 } + 100 * i
    list[i] = steps + fnet.zeros { i, features }
  end
  return list
end

describe("data.sequences", function()
  it("pads each batch to its longest, and gives the lengths", function()
    local set = data.Dataset { x = { data.sequences(new_list(4, 2)) }, y = ints { 1, 2, 1, 2 } }
    local batches = {}
    for x, y in set:batches { size = 2 } do
      batches[#batches + 1] = { x[1]:totable(), x[2]:totable(), y:totable() }
    end
    assert.same({ { { { 101, 101 }, { 0, 0 } }, { { 201, 201 }, { 202, 202 } } }, { 1, 2 }, { 1, 2 } }, batches[1])
    assert.same({ { { 301, 301 }, { 302, 302 }, { 303, 303 }, { 0, 0 } },
      { { 401, 401 }, { 402, 402 }, { 403, 403 }, { 404, 404 } } }, batches[2][1])
    assert.same({ 3, 4 }, batches[2][2])
    assert.equal("data set: 4 samples of float32 [4, 4, 2] and int32 [4], targets int32 [4]", tostring(set))
  end)

  it("takes tokens, labels of each step, empty ones, and the first steps of long ones", function()
    local list = { ints { 5, 6, 7 }, fnet.zeros({ 0 }, "int32"), ints { 8 } }
    local array, lengths = data.sequences(list, { pad = 1, most = 2 })
    assert.same({ 2, 0, 1 }, lengths:totable())
    assert.same({ { 5, 6 }, { 1, 1 }, { 8, 1 } }, array:rows(ints { 1, 2, 3 }):totable())
    assert.same({ 1, 0 }, array:rows(ints { 2 }).shape)
    assert.same({ 0, 0 }, array:rows(fnet.zeros({ 0 }, "int32")).shape)
    list[1]:fill(0) -- the array has copied them
    assert.same({ { 8, 1 }, { 5, 6 } }, array:part(ints { 3, 1 }):rows(ints { 1, 2 }):totable())
    assert.same({ { { 1, 2 }, { 3, 4 } }, { { 5, 6 }, { 0, 0 } } }, (data.sequences {
      fnet.tensor { { 1, 3 }, { 2, 4 } }:transpose(), fnet.tensor { { 5, 6 } },
    }):rows(ints { 1, 2 }):totable())
  end)

  it("trains a model of two inputs, equal in bits everywhere", function()
    local Mean = nn.module "Mean"
    function Mean:init() self.embedding, self.dense = nn.Embedding(9, 4), nn.Dense(4, 2) end
    function Mean:forward(x, lengths)
      local mask = data.mask(lengths, x.shape[2])
      local sum = (self.embedding(x) * mask:reshape { #x, -1, 1 }):sum(2)
      return self.dense(sum / lengths:float():reshape { #x, 1 })
    end
    assert.same_everywhere(function()
      fnet.seed(2)
      local list, labels = {}, {}
      for i = 1, 30 do
        labels[i] = i % 2 + 1
        list[i] = (fnet.rand({ i % 7 + 1 }, 2, 6) + 4 * (i % 2)):int()
      end
      local set = data.Dataset { x = { data.sequences(list, { pad = 1 }) }, y = ints(labels) }
      local model = Mean()
      local history = fnet.fit(model, { train = set, valid = set:slice(1, 9), loss = nn.cross_entropy, epochs = 8,
        optim = function(parameters) return fnet.optim.Adam(parameters, { lr = 0.1 }) end, metrics = { "accuracy" },
        batch = 8 })
      assert.is_true(history[8].valid_accuracy > 0.9)
      return model:sha256(), fnet.sha256(fnet.predict(model, set))
    end, { 1, 2 })
  end)

  it("refuses what it cannot do", function()
    local raises = support.raises
    raises("sequences: expected a list of at least one tensor, each [steps, ...], got table",
      function() data.sequences {} end)
    raises("sequences: entry 2: expected float32 [steps, 2] as entry 1, but for the number of steps, got " ..
      "float32 [1, 3]", function() data.sequences { fnet.ones { 3, 2 }, fnet.ones { 1, 3 } } end)
    raises("sequences: entry 2: expected int32 [steps] as entry 1, but for the number of steps, got float32 [1]",
      function() data.sequences({ ints { 1 }, fnet.ones { 1 } }, { pad = 0 }) end)
    raises("sequences: entry 2: expected a tensor [steps, ...], got nil",
      function() data.sequences { ints { 1 }, nil, ints { 1 } } end)
    raises("sequences: pad: expected a whole number from 0 to 255 for uint8, got 256",
      function() data.sequences({ fnet.zeros({ 1 }, "uint8") }, { pad = 256 }) end)
    raises("sequences: entry 1: expected a tensor [steps, ...], got table", function() data.sequences { { 1 } } end)
    raises("sequences: pad: what is to stand behind the end of whole numbers? vocabulary.padding for tokens; " ..
      "for labels a number that the loss ignores, such as 0 with cross_entropy's ignore = 0",
      function() data.sequences { ints { 1 } } end)
    raises("sequences: most: expected a whole number of at least 1, got 0",
      function() data.sequences({ fnet.ones { 1 } }, { most = 0 }) end)
    raises("sequences: unknown option 'value'; known are pad, most",
      function() data.sequences({ fnet.ones { 1 } }, { value = 0 }) end)
  end)
end)

describe("data.mask", function()
  it("is 1 for the steps that are there", function()
    assert.same({ { 1, 1, 0 }, { 0, 0, 0 }, { 1, 1, 1 } }, data.mask(ints { 2, 0, 3 }):totable())
    assert.same({ { 1, 0, 0, 0 } }, data.mask(ints { 1 }, 4):totable())
    assert.same({ 2, 0 }, data.mask(ints { 0, 0 }).shape)
    assert.same({ 0, 5 }, data.mask(fnet.zeros({ 0 }, "int32"), 5).shape)
  end)

  it("refuses what are no lengths", function()
    local raises = support.raises
    raises("mask: expected lengths, int32 [count], got float32 [2]", function() data.mask(fnet.ones { 2 }) end)
    raises("mask: steps: expected a whole number of at least 3, got 2", function() data.mask(ints { 3 }, 2) end)
    raises("mask: a length is below 0", function() data.mask(ints { -1 }) end)
  end)
end)

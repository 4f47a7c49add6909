--- fit says before its first step which leaves gradients reach though neither the model nor an optimiser has them.

local fnet = require "fnet"
local support = require "tests.support"
local nn, optim, data = fnet.nn, fnet.optim, fnet.data
local raises = support.raises

local WAY_OUT = ": gradients reach %s, but no model and no optimiser has %s; make %s part of the model (a field of "
  .. "an nn.module class), give %s to an optimiser, or freeze %s (requires_grad = false)"

local function sentence(what, many) return "fit: " .. what .. WAY_OUT:gsub("%%s", many and "them" or "it") end

local set
before_each(function()
  fnet.seed(2)
  set = data.Dataset { x = fnet.rand { 24, 3 }, y = fnet.rand { 24, 1 } }
end)

-- Fits for two epochs of several steps.
local function fit(model, options)
  local all = { train = set, loss = nn.mse, optim = optim.SGD, epochs = 2, batch = 8 }
  for key, value in pairs(options or {}) do all[key] = value end
  return fnet.fit(model, all)
end

local function capturing(inner)
  local captured = nn.Lambda(function(x) return inner(x) end)
  return nn.Sequential { nn.Dense(3, 3), nn.BatchNorm(3), captured, nn.Dense(3, 1) }
end

describe("fit names", function()
  it("what a layer has captured, and leaves the model as it was", function()
    local model = capturing(nn.Dense(3, 3))
    local before = model:sha256()
    local what = sentence("layer 3, Lambda() is computed with weight of Dense(3, 3) and bias of Dense(3, 3)", true)
    raises(what, function() fit(model) end)
    assert.equal(before, model:sha256())
    raises(what, function() fit(model) end) -- each run begins with that
  end)

  it("what the loss has captured, a layer or a tensor", function()
    local head, factor = nn.Dense(1, 1), fnet.ones { 1 }
    factor.requires_grad = true
    local model = nn.Dense(3, 1)
    raises(sentence("the loss is computed with weight of Dense(1, 1) and bias of Dense(1, 1)", true),
      function() fit(model, { loss = function(output, y) return nn.mse(head(output), y) end }) end)
    raises(sentence "the loss is computed with float32 [1]",
      function() fit(model, { loss = function(output, y) return nn.mse(output * factor, y) end }) end)
  end)
end)

it("fit names it in a model of several inputs too", function()
  local Pair = nn.module "Pair"
  local inner = nn.Dense(2, 1)
  function Pair:init() self.left = nn.Dense(3, 1) end
  function Pair:forward(a, b) return self.left(a) + inner(b) end
  set = data.Dataset { x = { fnet.rand { 24, 3 }, fnet.rand { 24, 2 } }, y = fnet.rand { 24, 1 } }
  set.x[1].requires_grad = true
  raises(sentence("Pair() is computed with weight of Dense(2, 1) and bias of Dense(2, 1)", true),
    function() fit(Pair()) end)
end)

describe("fit says nothing of", function()
  it("what an optimiser has, its own or another one", function()
    local inner = nn.Dense(3, 3)
    local model = capturing(inner)
    local list = model:parameters()
    table.move(inner:parameters(), 1, 2, #list + 1, list)
    local before = inner.weight:clone()
    fit(model, { optim = optim.SGD(list) })
    assert.is_false(before:equal(inner.weight))

    local generator, discriminator = nn.Dense(3, 2), nn.Dense(2, 1)
    assert(optim.SGD(discriminator:parameters()))
    fit(generator, { loss = function(output) return discriminator(output):mean() end })
  end)

  it("weights of the model that its optimiser lacks, frozen ones, and what is cut off", function()
    local model = nn.Sequential { nn.Dense(3, 4), nn.Dense(4, 1) }
    fit(model, { optim = optim.SGD(model[2]:parameters()) })
    local inner = nn.Dense(3, 3)
    local cut = nn.Lambda(function(x) return fnet.no_grad(inner, x) end)
    fit(nn.Sequential { cut, nn.Dense(3, 1) })
    for _, p in ipairs(inner:parameters()) do p.requires_grad = false end
    fit(capturing(inner))
  end)

  it("data that want their gradients", function()
    set.x.requires_grad = true
    fit(nn.Dense(3, 1))
  end)

  it("an optimiser of the script's own, with or without a list", function()
    local model, inner = nn.Dense(3, 1), nn.Dense(3, 3)
    local own = {}
    function own:step() self.taken = (self.taken or 0) + 1 end
    function own:zero_grad() model:zero_grad() end
    fit(model, { optim = own })
    assert.equal(6, own.taken)
    model = capturing(inner)
    raises(sentence("layer 3, Lambda() is computed with weight of Dense(3, 3) and bias of Dense(3, 3)", true),
      function() fit(model, { optim = own }) end)
    own.parameters = { model[1].weight, inner.weight, inner.bias }
    fit(model, { optim = own })
  end)
end)

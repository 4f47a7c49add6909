--- Losses of rows and elements, their means and sums, against values recorded from PyTorch; divergences, hinges,
-- cosines and triplets; what they leave out, and what they refuse.

local fnet = require "fnet"
local nn = fnet.nn
local support = require "tests.support"
local raises = support.raises

local recorded = dofile "tests/fixtures/pytorch_losses.lua"

local function int(values) return fnet.tensor(values, "int32") end

-- The recorded tensors in a type.
local function given(dtype)
  local list = { labels = int(recorded.labels), weights = recorded.weights }
  for _, name in ipairs { "x", "y", "z", "distributions", "bits", "signs" } do
    list[name] = fnet.tensor(recorded[name], dtype)
  end
  return list
end

-- By name: a loss of x with a reduction, and what else is given.
local LOSSES = {
  plain = function(x, how, of) return nn.cross_entropy(x, of.labels, { reduction = how }) end,
  weighted = function(x, how, of)
    return nn.cross_entropy(x, of.labels, { weights = of.weights, smoothing = 0.3, reduction = how })
  end,
  ignored = function(x, how, of) return nn.cross_entropy(x, of.labels, { ignore = 1, reduction = how }) end,
  distribution = function(x, how, of) return nn.cross_entropy(x, of.distributions, { reduction = how }) end,
  binary = function(x, how, of) return nn.binary_cross_entropy(x, of.bits, { reduction = how }) end,
  mse = function(x, how, of) return nn.mse(x, of.y, { reduction = how }) end,
  mae = function(x, how, of) return nn.mae(x, of.y, { reduction = how }) end,
  huber = function(x, how, of) return nn.huber(x, of.y, { reduction = how }) end,
  kl = function(x, how, of) return nn.kl_divergence(x, of.distributions, { reduction = how }) end,
  cosine = function(x, how, of) return nn.cosine(x, of.y, { reduction = how }) end,
  triplet = function(x, how, of) return nn.triplet(x, of.y, of.z, { reduction = how }) end,
  triplet_wide = function(x, how, of) return nn.triplet(x, of.y, of.z, { margin = 7.5, reduction = how }) end,
  hinge = function(x, how, of) return nn.hinge(x, of.signs, { reduction = how }) end,
  hinge_squared = function(x, how, of)
    return nn.hinge(x, of.signs, { margin = 0.5, squared = true, reduction = how })
  end,
  hinge_labels = function(x, how, of) return nn.hinge(x, of.labels, { reduction = how }) end,
  hinge_labels_squared = function(x, how, of)
    return nn.hinge(x, of.labels, { margin = 2.5, squared = true, reduction = how })
  end,
}

local function close(expected, t, relative, absolute)
  assert.is_true(t:double():allclose(fnet.tensor(expected, "float64"), relative, absolute))
end

describe("a loss with a reduction", function()
  local count = 0
  for name, loss in pairs(LOSSES) do
    for _, how in ipairs { "none", "mean", "sum" } do
      local of, expected = given "float64", recorded.losses[name .. "_" .. how]
      count = count + 1

      it(("has PyTorch's value and gradient: %s, %s"):format(name, how), function()
        local x = of.x:clone()
        x.requires_grad = true
        local value = loss(x, how, of)
        local values = type(expected.value) == "table" and expected.value or { expected.value }
        assert.same(how == "none" and fnet.tensor(values).shape or {}, value.shape)
        close(values, how == "none" and value or value:reshape { 1 }, 1e-13, 1e-14);
        (value * value):sum():backward()
        close(expected.gradient, x.grad, 1e-11, 1e-13)
        local single = loss(given("float32").x, how, given "float32")
        assert.equal("float32", single.dtype)
        close(values, how == "none" and single or single:reshape { 1 }, 2e-5, 1e-5)
      end)

      it(("is one of differences, from a view too: %s, %s"):format(name, how), function()
        local function f(x) return loss(x, how, of) end
        local off = of.x * 0.3 + 0.01 -- no corner of a maximum
        assert.is_true(fnet.gradcheck(f, { off }))
        local view = of.x:T():clone():T()
        assert.is_true(f(view):equal(f(of.x)))
      end)
    end
  end

  it("was recorded for each case", function()
    local all = 0
    for _ in pairs(recorded.losses) do all = all + 1 end
    assert.equal(count, all)
  end)

  it("has second derivatives", function()
    for _, name in ipairs { "plain", "weighted", "ignored", "kl", "cosine", "triplet_wide", "hinge_squared" } do
      local of = given "float64"
      local function gradient(x)
        local loss = LOSSES[name](x, "none", of)
        return (loss * fnet.arange(1, loss:count()):double():reshape(loss.shape)):sum()
      end
      -- The derivative of |gradient|^2 along a direction against a difference.
      local function square(x)
        local at = x:detach():clone()
        at.requires_grad = true
        gradient(at):backward { create_graph = true }
        local g = at.grad
        at.grad = nil
        return (g * g):sum(), at
      end
      local point, direction = of.x * 0.3 + 0.01, of.z * 0.25
      local value, at = square(point)
      value:backward()
      local h = 1e-6
      local difference = (square(point + direction * h) - square(point - direction * h)):item() / (2 * h)
      local slope = at.grad and (at.grad * direction):sum():item() or 0
      assert.near(difference, slope, 1e-5 * math.max(1, math.abs(difference)), name)
    end
  end)

  it("has the same bits everywhere", function()
    fnet.seed(4)
    local x, y = fnet.randn { 67, 33 }, fnet.randn { 67, 33 }
    local labels = y:argmax(2)
    local other = y:gather(fnet.arange(67, 1, -1, "int32")) * 2
    assert.same_everywhere(function()
      local parts = {}
      for _, f in ipairs {
        function(a) return nn.cross_entropy(a, labels, { reduction = "none" }) end,
        function(a) return nn.kl_divergence(a, y:softmax(), { reduction = "none" }) end,
        function(a) return nn.cosine(a, y, { reduction = "none" }) end,
        function(a) return nn.triplet(a, y, other, { reduction = "none" }) end,
        function(a) return nn.hinge(a, labels, { reduction = "none" }) end,
      } do
        local a = x:clone()
        a.requires_grad = true
        local value = f(a)
        value:sum():backward()
        parts[#parts + 1], parts[#parts + 2] = fnet.sha256(value:detach(), a.grad), "."
      end
      return table.concat(parts)
    end, { 1, 3 })
  end)
end)

describe("cross_entropy of each row", function()
  fnet.seed(7)
  local x, labels = fnet.randn { 2, 3, 4 }, int { { 1, 0, 4 }, { 0, 2, 3 } }

  it("has the shape of the labels, 0 where one is ignored, and the mean of the others", function()
    local each = nn.cross_entropy(x, labels, { ignore = 0, reduction = "none" })
    assert.same({ 2, 3 }, each.shape)
    assert.same({ 0.0, 0.0 }, { each:get(1, 2), each:get(2, 1) })
    assert.near(nn.cross_entropy(x, labels, { ignore = 0 }):item(), each:sum():item() / 4, 1e-6)
    assert.near(nn.cross_entropy(x[1][3], 4):item(), each:get(1, 3), 1e-6)
    assert.is_true(each:equal(nn.cross_entropy(x:softmax(), labels:byte(), { ignore = 0, reduction = "none" })))
    local strided = labels:T():clone():T()
    assert.is_true(each:equal(nn.cross_entropy(x, strided, { ignore = 0, reduction = "none" })))
  end)

  it("takes one sample, also by a number", function()
    local one = nn.cross_entropy(x[1][3], 4, { reduction = "none" })
    assert.same({}, one.shape)
    assert.near(nn.cross_entropy(x[1][3], 4):item(), one:item(), 1e-6)
  end)

  it("is 0 and on the tape where no row counts, whatever stands there", function()
    local broken = fnet.full({ 2, 4 }, 0 / 0)
    broken.requires_grad = true
    for _, how in ipairs { "none", "sum", "mean" } do
      broken:zero_grad()
      local loss = nn.cross_entropy(broken, int { 0, 0 }, { ignore = 0, reduction = how })
      assert.equal(0, loss:detach():abs():max():item())
      loss:sum():backward()
      assert.equal(0, broken.grad:abs():sum():item())
    end
  end)

  it("says what is wrong", function()
    raises("cross_entropy: label 0 in row [1, 2] is outside 1..4; labels count from 1 in fnet, so add 1 to " ..
      "labels that count from 0", function() nn.cross_entropy(x, labels, { reduction = "none" }) end)
    raises("cross_entropy: expected one label a row, [2, 3] or [6], got [3, 2]; labels:flatten() makes a list " ..
      "of them", function() nn.cross_entropy(x, labels:T(), { reduction = "none" }) end)
    raises("cross_entropy: label 5 in row 1 is outside 1..4; has the model as many outputs as there are classes?",
      function() nn.cross_entropy(x[1][1], 5, { reduction = "none" }) end)
    raises("cross_entropy: reduction: unknown name 'avg'; known are mean, sum, none",
      function() nn.cross_entropy(x, labels, { reduction = "avg" }) end)
  end)
end)

describe("elements whose target is ignored", function()
  it("count in no loss and get no gradient, whatever the output is there", function()
    local nan = 0 / 0
    for name, targets in pairs { mse = { 1, -9, 0 }, mae = { 1, -9, 0 }, huber = { 1, -9, 0 },
      binary_cross_entropy = { 1, -9, 0 }, hinge = { 1, -9, -1 } } do
      local target = fnet.tensor(targets)
      local x = fnet.tensor { 0.25, nan, -2 }
      x.requires_grad = true
      local loss = nn[name](x, target, { ignore = -9 })
      local kept = int { 1, 3 }
      assert.near(nn[name](x:gather(kept), target:gather(kept)):item(), loss:item(), 1e-7, name)
      loss:backward()
      assert.equal(0, x.grad[2], name)
      assert.equal(0, nn[name](x, target, { ignore = -9, reduction = "none" })[2], name)
      assert.equal(0, nn[name](x:slice(1, 2, 2), target:slice(1, 2, 2), { ignore = -9 }):item(), name)
    end
  end)

  it("are counted by shards as by the whole batch", function()
    fnet.seed(2)
    local x, y = fnet.randn { 12, 3 }, fnet.randn { 12, 2 }
    y = fnet.where(y:gt(0.8), -9, y)
    local function loss(output, target) return nn.mse(output, target, { ignore = -9 }) end
    local model = nn.Dense(3, 2)
    loss(model(x), y):backward()
    local whole = model.weight.grad:clone()
    model:zero_grad()
    fnet.shards(model, 4):backward(function(a, b) return loss(model(a), b) end, x, y)
    assert.is_true(model.weight.grad:allclose(whole, 1e-5, 1e-6))
    local function sum(a, b) return nn.mse(model(a), b, { reduction = "sum" }) end
    raises("shards: backward: the loss is a sum (reduction = \"sum\"), and shards join means; leave out the " ..
      "reduction, or divide the sum by the rows", function() fnet.shards(model, 4):backward(sum, x, y) end)
  end)

  it("are told by a number", function()
    raises("mse: ignore: expected a number from -inf to inf, got nan",
      function() nn.mse(fnet.ones { 1 }, fnet.ones { 1 }, { ignore = 0 / 0 }) end)
    raises("hinge: ignore is for targets of -1 and 1; labels have none",
      function() nn.hinge(fnet.ones { 1, 2 }, int { 1 }, { ignore = 1 }) end)
  end)
end)

describe("distances of vectors", function()
  it("have gradients of 0 where a vector is 0, or two are the same", function()
    local zero, one = fnet.zeros { 2, 3 }, fnet.ones { 2, 3 }
    zero.requires_grad = true
    local loss = nn.cosine(zero, one)
    assert.equal(1, loss:item())
    loss:backward()
    assert.equal(0, zero.grad:abs():sum():item())
    local a = fnet.ones { 2, 3 }
    a.requires_grad = true
    nn.triplet(a, one, one * 1.25):backward()
    assert.equal(0, (a.grad * 0):sum():item())
    assert.equal(1, nn.triplet(one, one, one):item())
  end)

  it("hold for the largest and the least numbers, and let NaN through", function()
    for _, size in ipairs { 1e-38, 1e-20, 1, 1e18, 3e38 } do
      local a = fnet.tensor { { size, 0 } }
      assert.near(1 - math.sqrt(0.5), nn.cosine(a, fnet.tensor { { size, size } }):item(), 1e-6)
      assert.near(size / 4, nn.triplet(a, a * 0.25, a * 0.5, { margin = 0 }):item(), size * 1e-6)
    end
    for _, f in ipairs { nn.cosine, function(a, b) return nn.triplet(a, b, b) end } do
      local value = f(fnet.tensor { { 0 / 0, 1 } }, fnet.ones { 1, 2 }):item()
      assert.is_true(value ~= value)
    end
  end)

  it("are learnt by fit from three outputs", function()
    fnet.seed(1)
    local Twin = nn.module "Twin"
    function Twin:init() self.encode = nn.Dense(4, 2) end
    function Twin:forward(a, b, c) return { self.encode(a), self.encode(b), self.encode(c) } end
    local a, noise = fnet.randn { 60, 4 }, fnet.randn { 60, 4 }
    local set = fnet.data.Dataset { x = { a, a + noise * 0.1, noise }, y = fnet.zeros { 60 } }
    local model = Twin()
    local history = fnet.fit(model, { train = set, epochs = 20, optim = fnet.optim.Adam(model:parameters()),
      loss = function(v) return nn.triplet(v[1], v[2], v[3]) end })
    assert.is_true(history[20].loss < history[1].loss)
  end)
end)

describe("a divergence", function()
  it("is 0 for the same distribution, and takes what a softmax gave for its logits", function()
    local x = fnet.randn { 5, 4 }
    assert.near(0, nn.kl_divergence(x, x:softmax()):item(), 1e-6)
    local q = fnet.tensor { { 0.5, 0.5, 0, 0 } }
    local one = x:slice(1, 1, 1)
    assert.near(nn.kl_divergence(one, q):item(), nn.kl_divergence(one:softmax(), q):item(), 1e-7)
    local none = fnet.tensor { { 1, 2, -math.huge, 0 } } -- a class that is none
    assert.near(math.log(0.5) - (3 - 2 * math.log(math.exp(1) + math.exp(2) + 1)) / 2,
      nn.kl_divergence(none, q):item(), 1e-6)
  end)

  it("gives the target a gradient", function()
    local a, b = fnet.randn { 3, 4 }, fnet.randn { 3, 4 }
    assert.is_true(fnet.gradcheck(function(x, y) return nn.kl_divergence(x, y:softmax() * 1) end, { a, b }))
  end)

  it("says what is wrong", function()
    raises("kl_divergence: expected probabilities for the target, got -2; logits become such by :softmax()",
      function() nn.kl_divergence(fnet.ones { 1, 2 }, fnet.tensor { { -2, 1 } }) end)
    raises("kl_divergence: expected equal shapes, got [1, 2] and [2]",
      function() nn.kl_divergence(fnet.ones { 1, 2 }, fnet.ones { 2 }) end)
    raises("kl_divergence: expected floats [batch, classes] and probabilities of that shape, got float32 [1, 2] " ..
      "and int32 [1, 2]", function() nn.kl_divergence(fnet.ones { 1, 2 }, int { { 1, 2 } }) end)
  end)
end)

describe("wrong arguments", function()
  it("are refused with a sentence", function()
    local x = fnet.ones { 2, 3 }
    raises("hinge: expected targets of -1 and 1, got 0; targets of 0 and 1 become such by 2 * y - 1",
      function() nn.hinge(x, fnet.zeros { 2, 3 }) end)
    raises("hinge: expected targets of -1 and 1, got 0.5", function() nn.hinge(x, fnet.full({ 2, 3 }, 0.5)) end)
    raises("hinge: label 4 in row 1 is outside 1..3; has the model as many outputs as there are classes?",
      function() nn.hinge(x, int { 4, 1 }) end)
    raises("hinge: expected scores of floats and targets, got nil and nil", function() nn.hinge() end)
    raises("hinge: expected equal shapes, got [2, 3] and [2]", function() nn.hinge(x, fnet.ones { 2 }) end)
    raises("hinge: expected at least one row and one class, got float32 [0, 3]",
      function() nn.hinge(fnet.zeros { 0, 3 }, fnet.zeros({ 0 }, "int32")) end)
    raises("hinge: margin: expected a number from 0 to inf, got -1",
      function() nn.hinge(x, x, { margin = -1 }) end)
    raises("cosine: expected two tensors, got float32 [2, 3] and nil", function() nn.cosine(x) end)
    raises("cosine: expected vectors of floats [batch, features] or [features], got int32 [2, 3]",
      function() nn.cosine(x:int(), x:int()) end)
    raises("triplet: expected two tensors, got float32 [2, 3] and nil", function() nn.triplet(x, x) end)
    raises("triplet: expected equal shapes, got [2, 3] and [2, 2]",
      function() nn.triplet(x, x, fnet.ones { 2, 2 }) end)
    raises("cosine: expected at least one element, got [0, 3]",
      function() nn.cosine(fnet.zeros { 0, 3 }, fnet.zeros { 0, 3 }) end)
  end)
end)

--- Losses against values recorded from PyTorch and formulas in double precision, their gradients, and what they
-- refuse.

local fnet = require "fnet"
require "fnet.testing"
local nn = fnet.nn

local recorded = dofile "tests/fixtures/pytorch_training.lua"

-- Calls f, which must raise an error at a line of this file.
local function fails(message, f, ...)
  local ok, got = pcall(f, ...)
  assert.is_false(ok)
  local position, text = got:match "^(.-loss_spec%.lua:%d+: )(.*)$"
  assert.is_truthy(position, got)
  assert.equal(message, text)
end

local function double(values) return fnet.tensor(values, "float64") end

local labels = fnet.tensor(recorded.labels, "int32")
local distributions, bits = double(recorded.distributions), double(recorded.bits)

local LOSSES = {
  plain = function(x) return nn.cross_entropy(x, labels) end,
  smoothed = function(x) return nn.cross_entropy(x, labels, { smoothing = 0.1 }) end,
  weighted = function(x) return nn.cross_entropy(x, labels, { weights = recorded.weights }) end,
  weighted_smoothed = function(x)
    return nn.cross_entropy(x, labels, { weights = fnet.tensor(recorded.weights), smoothing = 0.3 })
  end,
  distribution = function(x) return nn.cross_entropy(x, distributions) end,
  distribution_weighted_smoothed = function(x)
    return nn.cross_entropy(x, distributions, { weights = recorded.weights, smoothing = 0.3 })
  end,
  binary = function(x) return nn.binary_cross_entropy(x, bits) end,
  mse = function(x) return nn.mse(x, distributions) end,
  huber = function(x) return nn.huber(x, distributions * 0.9) end,
  huber_wide = function(x) return nn.huber(x, distributions * 0.9, { delta = 2.5 }) end,
}

describe("a loss", function()
  local count = 0
  for name, expected in pairs(recorded.losses) do
    count = count + 1
    it("has PyTorch's value and first and second derivatives: " .. name, function()
      local x = double(recorded.x)
      x.requires_grad = true
      local loss = LOSSES[name](x)
      assert.near(expected.value, loss:item(), 1e-14 * math.max(1, expected.value))
      loss:backward { create_graph = true }
      local gradient = x.grad
      assert.allclose(double(expected.gradient), gradient, 1e-12, 1e-15)
      x:zero_grad();
      (gradient * gradient):sum():backward()
      assert.allclose(double(expected.second), x.grad, 1e-10, 1e-14)
    end)

    it("is the same in float32, and its gradients are those of differences: " .. name, function()
      local x = fnet.tensor(recorded.x)
      local loss = LOSSES[name](x)
      assert.near(expected.value, loss:item(), 1e-5 * math.max(1, expected.value))
      assert.gradcheck(LOSSES[name], { double(recorded.x) + 0.01 })
    end)
  end

  it("was recorded for each case", function()
    for name in pairs(LOSSES) do assert.is_truthy(recorded.losses[name], name) end
    assert.is_true(count >= 10)
  end)
end)

describe("cross_entropy with options", function()
  local x = fnet.tensor(recorded.x)

  it("takes a softmax for its logits, a single sample, and a log-softmax", function()
    local options = { smoothing = 0.2, weights = { 1, 2, 3 } }
    local expected = nn.cross_entropy(x, labels, options):item()
    assert.equal(expected, nn.cross_entropy(x:softmax(), labels, options):item())
    assert.near(expected, nn.cross_entropy(x:log_softmax(), labels, options):item(), 1e-6)
    assert.near(nn.cross_entropy(x:slice(1, 2, 2), labels:slice(1, 2, 2), options):item(),
      nn.cross_entropy(x[2], labels[2], options):item(), 1e-7)
    local q = fnet.tensor { 0.25, 0.5, 0.25 }
    assert.near(nn.cross_entropy(x:slice(1, 1, 1), q:reshape { 1, 3 }):item(), nn.cross_entropy(x[1], q):item(),
      1e-7)
  end)

  it("gives what plain labels give where the options say nothing", function()
    local expected = nn.cross_entropy(x, labels):item()
    assert.near(expected, nn.cross_entropy(x, labels, {}):item(), 1e-6)
    assert.near(expected, nn.cross_entropy(x, labels, { smoothing = 0, weights = { 2, 2, 2 } }):item(), 1e-6)
    assert.near(expected, nn.cross_entropy(x, fnet.eye(3):gather(labels)):item(), 1e-6)
  end)

  it("gives bit for bit what the smoothed and weighted distributions give", function()
    for _, dtype in ipairs { "float32", "float64" } do
      local logits, list = fnet.randn({ 30, 7 }):to(dtype), fnet.rand({ 30 }, 1, 7.99):int()
      local weights = fnet.rand({ 7 }):to(dtype)
      for _, smoothing in ipairs { 0, 0.1, 0.3, 1 } do
        local options = { smoothing = smoothing, reduction = "sum" }
        local target = fnet.eye(7):to(dtype):gather(list) * (1 - smoothing) + smoothing / 7
        local function of(shares) return nn.cross_entropy(logits, shares, { reduction = "sum" }) end
        assert.equal(of(target):bytes(), nn.cross_entropy(logits, list, options):bytes())
        options.weights = weights
        assert.equal(of(target * weights):bytes(), nn.cross_entropy(logits, list, options):bytes())
      end
    end
  end)

  it("is finite at logits of +-10,000", function()
    local far = fnet.tensor { { 10000, -10000, 0 } }
    far.requires_grad = true
    local loss = nn.cross_entropy(far, fnet.tensor({ 2 }, "int32"), { smoothing = 0.3 })
    assert.near(0.8 * 20000 + 0.1 * 10000, loss:item(), 1e-2)
    loss:backward()
    assert.allclose(fnet.tensor { { 0.9, -0.8, -0.1 } }, far.grad, 1e-6, 1e-6)
  end)

  it("gives distributions gradients, too", function()
    assert.gradcheck(function(a, b) return nn.cross_entropy(a, b:softmax() * 1) end,
      { fnet.randn { 3, 4 }, fnet.randn { 3, 4 } })
  end)

  it("refuses wrong ones", function()
    local ce = nn.cross_entropy
    fails("cross_entropy: expected a tensor, got nil", ce, nil, labels)
    fails("cross_entropy: label 4 in row 1 is outside 1..3; has the model as many outputs as there are classes?",
      ce, x, fnet.full({ 4 }, 4, "int32"), { smoothing = 0.1 })
    fails("cross_entropy: smoothing: expected a number from 0 to 1, got 2", ce, x, labels, { smoothing = 2 })
    fails("cross_entropy: unknown option 'smoothin' (did you mean 'smoothing'?); known are smoothing, weights, " ..
      "ignore, reduction", ce, x, labels, { smoothin = 1 })
    fails("cross_entropy: weights: expected one for each of the 3 classes, got float32 [2]", ce, x, labels,
      { weights = { 1, 2 } })
    fails("cross_entropy: weights: expected one for each of the 3 classes, got number", ce, x, labels,
      { weights = 1 })
    fails("cross_entropy: weights: expected finite ones of at least 0, got -2 for class 3", ce, x, labels,
      { weights = { 1, 1, -2 } })
    fails("cross_entropy: weights: expected finite ones of at least 0, got nan for class 2", ce, x, labels,
      { weights = { 1, 0 / 0, 2 } })
    fails("cross_entropy: weights: expected finite ones of at least 0, got inf for class 1", ce, x, labels,
      { weights = { math.huge, 1, 2 } })
    fails("cross_entropy: expected labels [batch], or distributions of the shape of the output [4, 3], got float32 "
      .. "[3, 4]", ce, x, fnet.ones { 3, 4 })
    fails("cross_entropy: expected at least one row and one class of floats, got int32 [2, 3]", ce,
      fnet.ones({ 2, 3 }, "int32"), labels, { smoothing = 0.1 })
    fails("cross_entropy: expected at least one row and one class of floats, got float32 [0, 3]", ce,
      fnet.ones { 0, 3 }, fnet.ones { 0, 3 })
  end)
end)

describe("a loss of two tensors", function()
  it("computes its formula", function()
    local output, target = fnet.tensor { { 1, 2 }, { 3, -4 } }, fnet.tensor { { 2, 0 }, { 3, 8 } }
    assert.equal((1 + 2 + 0 + 12) / 4, nn.mae(output, target):item())
    assert.equal((0.5 + 1.5 + 0 + 11.5) / 4, nn.huber(output, target):item())
    assert.equal((0.5 + 2 + 0 + 3 * (12 - 1.5)) / 4, nn.huber(output, target, { delta = 3 }):item())
    assert.gradcheck(nn.mae, { output, target })
  end)

  it("binary cross-entropy is precise for sure and right, finite for sure and wrong", function()
    local far = fnet.tensor { 30, -30, 0 }
    far.requires_grad = true
    local right = fnet.tensor({ 1, 0, 1 }, "uint8")
    local loss = nn.binary_cross_entropy(far, right)
    assert.near((2 * math.exp(-30) + math.log(2)) / 3, loss:item(), 1e-7)
    loss:backward()
    assert.allclose(fnet.tensor { 0, 0, -0.5 / 3 }, far.grad, 1e-5, 1e-10)
    assert.near(math.exp(-30), nn.binary_cross_entropy(far:slice(1, 1, 1), right:slice(1, 1, 1)):item(), 1e-18)
    assert.near(1e6, nn.binary_cross_entropy(fnet.tensor { -1e6 }, fnet.tensor { 1 }):item(), 1)
  end)

  it("refuses other shapes and other things", function()
    for _, name in ipairs { "mse", "mae", "huber", "binary_cross_entropy" } do
      fails(name .. ": expected equal shapes, got [2, 1] and [2]; output:squeeze(2) drops the axis of length 1",
        nn[name], fnet.ones { 2, 1 }, fnet.ones { 2 })
      fails(name .. ": expected equal shapes, got [2, 1] and [3]", nn[name], fnet.ones { 2, 1 }, fnet.ones { 3 })
      fails(name .. ": expected two tensors, got number and nil", nn[name], 1)
      fails(name .. ": expected at least one element, got [0, 1]", nn[name], fnet.ones { 0, 1 }, fnet.ones { 0, 1 })
    end
    fails("huber: delta: expected a number from 1e-30 to inf, got 0", nn.huber, fnet.ones { 1 }, fnet.ones { 1 },
      { delta = 0 })
  end)
end)

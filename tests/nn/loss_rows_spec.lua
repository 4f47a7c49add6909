--- Which classes and which rows a loss counts: classes with the logit -inf, rows with a label that is ignored, and
-- rows along several axes.

local fnet = require "fnet"
require "fnet.testing"
local nn = fnet.nn
local raises = require("tests.support").raises

local INF = math.huge

local function int(values) return fnet.tensor(values, "int32") end

-- The loss and its gradient.
local function both(loss, output, ...)
  local x = output:clone()
  x.requires_grad = true
  local value = loss(x, ...)
  value:backward()
  return value:item(), x.grad
end

local function is_finite(t) return (t * 0):sum():item() == 0 end

describe("cross_entropy with a class that is none, a logit of -inf", function()
  local x = fnet.tensor { { 2, -INF, 1, 0 }, { -INF, 3, -INF, 1 }, { 0, 1, 2, 3 } }
  local labels = int { 3, 2, 1 }
  local plain, slopes = both(nn.cross_entropy, x, labels)

  it("costs nothing, however the targets are given", function()
    for name, arguments in pairs {
      ["weights that are equal"] = { labels, { weights = { 1, 1, 1, 1 } } },
      ["no smoothing"] = { labels, { smoothing = 0 } },
      distributions = { fnet.eye(4):gather(labels) },
      ["distributions with weights"] = { fnet.eye(4):gather(labels), { weights = { 1, 1, 1, 1 } } },
      ["an ignored label that does not occur"] = { labels, { ignore = 0 } },
    } do
      local value, gradient = both(nn.cross_entropy, x, table.unpack(arguments))
      assert.near(plain, value, 1e-6, name)
      assert.allclose(slopes, gradient, 1e-5, 1e-7, name)
    end
  end)

  it("takes part in no weighted mean", function()
    -- -log(softmax) by hand: the rows have losses a, b, c and the labels 3, 2, 1
    local a, b = math.log(math.exp(1) + 1 + math.exp(-1)), math.log(1 + math.exp(-2))
    local c = math.log(1 + math.exp(1) + math.exp(2) + math.exp(3))
    local value, gradient = both(nn.cross_entropy, x, labels, { weights = { 1, 3, 2, 5 } })
    assert.near((2 * a + 3 * b + c) / 6, value, 1e-6)
    assert.is_true(is_finite(gradient))
    assert.equal(0, gradient:get(1, 2))
  end)

  it("leaves a loss of 0 where each row is of one with the weight 0", function()
    for _, output in ipairs { fnet.zeros { 2, 4 }, x:slice(1, 1, 2) } do
      local value, gradient = both(nn.cross_entropy, output, int { 2, 2 }, { weights = { 1, 0, 1, 1 } })
      assert.equal(0, value)
      assert.is_true(gradient:equal(gradient * 0))
    end
  end)

  it("gets no share of smoothing, which the other classes of the row divide", function()
    local value, gradient = both(nn.cross_entropy, x, labels, { smoothing = 0.3 })
    local target = fnet.tensor { { 0.1, 0, 0.8, 0 }, { 0, 0.85, 0, 0.15 }, { 0.775, 0.075, 0.075, 0.075 } }
    target:set(0.1, 1, 4)
    local expected, expected_slopes = both(nn.cross_entropy, x, target)
    assert.near(expected, value, 1e-6)
    assert.allclose(expected_slopes, gradient, 1e-5, 1e-7)
    assert.is_true(is_finite(gradient))
  end)

  it("costs infinitely much as the right one, with gradients all the same", function()
    for _, options in ipairs { false, { weights = { 1, 1, 1, 1 } }, { smoothing = 0.1 } } do
      local value, gradient = both(nn.cross_entropy, x, int { 2, 2, 2 }, options or nil)
      assert.equal(INF, value)
      assert.is_true(is_finite(gradient))
    end
  end)

  it("lets NaN through", function()
    local broken = fnet.tensor { { 0 / 0, 1 }, { 1, 2 } }
    for _, options in ipairs { {}, { smoothing = 0.1 }, { weights = { 1, 1 } } } do
      local value = nn.cross_entropy(broken, int { 2, 1 }, options):item()
      assert.is_true(value ~= value)
    end
  end)

  it("gives distributions that are learnt their gradient where they are 0", function()
    local target = fnet.tensor { { 1, 0 } }
    target.requires_grad = true
    nn.cross_entropy(fnet.tensor { { 2, 1 } }, target):backward()
    assert.allclose(-fnet.tensor({ { 2, 1 } }):log_softmax(), target.grad, 1e-6)
  end)

  it("changes no bit where there is none", function()
    fnet.seed(3)
    local logits = fnet.randn { 64, 10 } * 5
    local y = logits:argmin(2)
    local target = fnet.eye(10):gather(y) * (1 - 0.1) + 0.1 / 10
    local by_hand = -(logits:log_softmax() * target):sum() / 64
    assert.equal(by_hand:item(), nn.cross_entropy(logits, y, { smoothing = 0.1 }):item())
  end)
end)

describe("cross_entropy in one pass", function()
  local core = require "fnet.core"

  -- target * -log(softmax(x)) from operations, and what the losses of its rows give back.
  local function composed(x, target, slopes)
    local costs = target * -x:log_softmax();
    (costs * slopes):sum():backward()
    return costs:detach()
  end

  it("has the bits of the operations that it is made of, everywhere", function()
    fnet.seed(8)
    for _, shape in ipairs { { 1, 1 }, { 3, 2 }, { 17, 10 }, { 5, 16 }, { 33, 17 }, { 2, 3, 100 }, { 70, 257 },
      { 3, 1500 } } do
      for _, dtype in ipairs { "float32", "float64" } do
        local x, target = (fnet.randn(shape) * 9):to(dtype), fnet.rand(shape):to(dtype):softmax()
        local slopes = fnet.randn(shape):to(dtype)
        local apart = x:clone()
        x.requires_grad, apart.requires_grad = true, true
        local expected, costs = composed(apart, target, slopes), core.class_costs(target, x);
        (costs * slopes):sum():backward()
        assert.is_true(expected:equal(costs:detach()))
        assert.is_true(apart.grad:equal(x.grad))
      end
    end
    local x, labels, weights = fnet.randn { 300, 70 }, fnet.randn({ 300, 70 }):argmax(2), fnet.rand { 70 }
    assert.same_everywhere(function()
      local loss, slopes = both(nn.cross_entropy, x, labels, { smoothing = 0.1, weights = weights })
      return slopes * loss
    end)
  end)

  it("gives every row its own loss, whatever the others hold", function()
    local strange = fnet.tensor { { 0 / 0, 0, 0 }, { 3, -INF, 3 } }
    for _, options in ipairs { {}, { smoothing = 0 }, { weights = { 1, 1, 1 } } } do
      options.reduction = "none"
      local each = nn.cross_entropy(strange, int { 2, 1 }, options)
      assert.near(math.log(2), each:get(2), 1e-6)
    end
  end)

  it("has the gradients of a target that learns, and of a target of another type", function()
    local x = fnet.randn { 3, 4 }
    local target = fnet.rand({ 3, 4 }):softmax()
    assert.gradcheck(function(t) return nn.cross_entropy(x:double(), t) end, { target:double() })
    assert.near(nn.cross_entropy(x, target):item(), nn.cross_entropy(x, target:double()):item(), 1e-6)
  end)
end)

describe("binary_cross_entropy of infinite logits", function()
  it("is 0 for sure and right, infinite for sure and wrong, with finite gradients", function()
    local value, gradient = both(nn.binary_cross_entropy, fnet.tensor { INF, -INF, 0 }, fnet.tensor { 1, 0, 1 })
    assert.near(math.log(2) / 3, value, 1e-7)
    assert.allclose(fnet.tensor { 0, 0, -0.5 / 3 }, gradient, 1e-6)
    local wrong, slopes = both(nn.binary_cross_entropy, fnet.tensor { INF, -INF }, fnet.tensor { 0, 1 })
    assert.equal(INF, wrong)
    assert.same({ 0.5, -0.5 }, slopes:totable())
  end)
end)

describe("cross_entropy that ignores a label", function()
  fnet.seed(5)
  local x = fnet.randn { 6, 4 }
  local labels, kept = int { 1, 0, 3, 0, 4, 2 }, int { 1, 3, 5, 6 }

  it("is that of the other rows, whose gradients alone are not 0", function()
    for _, options in ipairs { {}, { smoothing = 0.2 }, { weights = { 1, 2, 3, 4 } },
      { smoothing = 0.1, weights = { 4, 3, 2, 1 } } } do
      local expected, slopes = both(nn.cross_entropy, x:gather(kept), labels:gather(kept), options)
      options.ignore = 0
      local value, gradient = both(nn.cross_entropy, x, labels, options)
      assert.equal(expected, value)
      assert.is_true(gradient:gather(kept):equal(slopes))
      assert.equal(0, gradient:gather(int { 2, 4 }):abs():sum():item())
    end
  end)

  it("takes a class for it, any number that fits, and bytes", function()
    local three = labels:eq(0):int() * 3 + labels
    assert.equal(nn.cross_entropy(x:gather(int { 1, 5, 6 }), int { 1, 4, 2 }):item(),
      nn.cross_entropy(x, three:int(), { ignore = 3 }):item())
    local far = fnet.where(labels:eq(0), -100, labels):int()
    local expected = nn.cross_entropy(x, labels, { ignore = 0 }):item()
    assert.equal(expected, nn.cross_entropy(x, far, { ignore = -100 }):item())
    assert.equal(expected, nn.cross_entropy(x, labels:byte(), { ignore = 0 }):item())
  end)

  it("does not look at rows that do not count", function()
    local broken = x:clone()
    broken[2] = 0 / 0
    assert.equal(nn.cross_entropy(x, labels, { ignore = 0 }):item(),
      nn.cross_entropy(broken, labels, { ignore = 0 }):item())
  end)

  it("is 0, with gradients of 0, where no row counts", function()
    for _, options in ipairs { { ignore = 0 }, { ignore = 0, smoothing = 0.1, weights = { 1, 1, 1, 1 } } } do
      local value, gradient = both(nn.cross_entropy, x, fnet.zeros({ 6 }, "int32"), options)
      assert.equal(0, value)
      assert.equal(0, gradient:abs():sum():item())
      assert.is_true(is_finite(gradient))
    end
  end)

  it("goes through a softmax and through sequences", function()
    local sequence, y = x:reshape { 2, 3, 4 }, labels:reshape { 2, 3 }
    local expected = nn.cross_entropy(x, labels, { ignore = 0 }):item()
    assert.equal(expected, nn.cross_entropy(sequence, y, { ignore = 0 }):item())
    assert.equal(expected, nn.cross_entropy(sequence:softmax(), y, { ignore = 0 }):item())
  end)

  it("trains by fit on labels that hold it", function()
    local set = fnet.data.Dataset { x = x, y = labels }
    local model = nn.Dense(4, 4)
    local history = fnet.fit(model, {
      train = set, epochs = 30, batch = 3, optim = fnet.optim.Adam(model:parameters(), { lr = 0.1 }),
      loss = function(output, y) return nn.cross_entropy(output, y, { ignore = 0 }) end,
    })
    assert.is_true(history[30].loss < history[1].loss / 2)
  end)

  it("says what is wrong", function()
    raises("cross_entropy: label 0 in row 2 is outside 1..4; labels count from 1 in fnet, so add 1 to labels " ..
      "that count from 0", function() nn.cross_entropy(x, labels) end)
    raises("cross_entropy: label 0 in row 2 is outside 1..4; labels count from 1 in fnet, so add 1 to labels " ..
      "that count from 0", function() nn.cross_entropy(x, labels, { ignore = 1 }) end)
    raises("cross_entropy: label 9 in row 3 is outside 1..4; has the model as many outputs as there are classes?",
      function() nn.cross_entropy(x, int { 0, 1, 9, 0, 2, 3 }, { ignore = 0 }) end)
    raises("cross_entropy: ignore: expected a whole number, got 0.5",
      function() nn.cross_entropy(x, labels, { ignore = 0.5 }) end)
    raises("cross_entropy: ignore: expected a tensor of labels beside it, got float32 [6, 4]",
      function() nn.cross_entropy(x, x:softmax(), { ignore = 0 }) end)
    raises("cross_entropy: ignore: expected a tensor of labels beside it, got number",
      function() nn.cross_entropy(x[1], 1, { ignore = 0 }) end)
    raises("cross_entropy: expected one label a row, [6], got [6, 4]; rows that give each class its share are " ..
      "floats: labels:float()", function() nn.cross_entropy(x, x:ge(0):int()) end)
    raises("cross_entropy: expected one label a row, [6], got [5]",
      function() nn.cross_entropy(x, labels:slice(1, 1, 5), { ignore = 0 }) end)
  end)
end)

describe("labels of sequences", function()
  fnet.seed(6)
  local x, labels = fnet.randn { 4, 6, 10 }, (fnet.rand { 4, 6 } * 10):int():float():to "int32"
  labels = (labels + 1):int()

  it("have the shape of the output without its last axis, or are a list", function()
    local expected, slopes = both(nn.cross_entropy, x:reshape { 24, 10 }, labels:flatten())
    for _, y in ipairs { labels, labels:flatten(), labels:byte(), labels:T():clone():T() } do
      local value, gradient = both(nn.cross_entropy, x, y)
      assert.equal(expected, value)
      assert.is_true(gradient:flatten():equal(slopes:flatten()))
    end
    for _, options in ipairs { { smoothing = 0.1 }, { weights = { 1, 2, 1, 2, 1, 2, 1, 2, 1, 2 } } } do
      assert.equal(nn.cross_entropy(x:reshape { 24, 10 }, labels:flatten(), options):item(),
        nn.cross_entropy(x, labels, options):item())
    end
  end)

  it("have second derivatives", function()
    assert.gradcheck(function(a) return nn.cross_entropy(a, labels:slice(1, 1, 2)) end,
      { x:slice(1, 1, 2) })
    local a = x:double()
    a.requires_grad = true
    nn.cross_entropy(a, labels):backward { create_graph = true }
    local gradient = a.grad
    a:zero_grad();
    (gradient * gradient):sum():backward()
    assert.is_true(a.grad:abs():max():item() > 0)
  end)

  it("are counted by correct, accuracy and top_k", function()
    local right = x:argmax(3)
    assert.equal(24, nn.correct(x, right))
    assert.equal(nn.correct(x:reshape { 24, 10 }, labels:flatten()), nn.correct(x, labels))
    assert.equal(1, (fnet.metrics.accuracy(x, right)))
    assert.equal(1, (fnet.metrics.top_k(x, right, 1)))
  end)

  it("are counted by fit and evaluate", function()
    local set, model = fnet.data.Dataset { x = x, y = x:argmax(3) }, nn.Lambda(function(output) return output end)
    local result = fnet.evaluate(model, set, { loss = nn.cross_entropy, metrics = { "accuracy" }, size = 3 })
    assert.equal(1, result.accuracy)
    assert.near(nn.cross_entropy(x, x:argmax(3)):item(), result.loss, 1e-6)
    set = fnet.data.Dataset { x = x, y = x:argmin(3) }
    assert.equal(0, fnet.evaluate(model, set, { metrics = { "accuracy" } }).accuracy)
    local dense = nn.Dense(10, 10)
    local history = fnet.fit(dense, {
      train = fnet.data.Dataset { x = x, y = x:argmax(3) }, epochs = 60, batch = 3, metrics = { "accuracy" },
      loss = nn.cross_entropy, optim = fnet.optim.Adam(dense:parameters(), { lr = 0.1 }),
    })
    assert.is_true(history[60].accuracy > 0.9 and history[60].accuracy <= 1)
  end)

  it("that do not fit raise errors, with the place of a wrong one", function()
    local wrong = labels:clone()
    wrong:set(11, 2, 5)
    raises("cross_entropy: label 11 in row [2, 5] is outside 1..10; has the model as many outputs as there are " ..
      "classes?",
      function() nn.cross_entropy(x, wrong) end)
    raises("cross_entropy: expected one label a row, [4, 6] or [24], got [6, 4]; labels:flatten() makes a list " ..
      "of them",
      function() nn.cross_entropy(x, labels:T()) end)
    raises("cross_entropy: expected one label a row, [4, 6] or [24], got [4]",
      function() nn.cross_entropy(x, labels:select(2, 1)) end)
    raises("cross_entropy: expected one label a row, [4, 6] or [24], got [6, 4]; labels:flatten() makes a list " ..
      "of them",
      function() nn.cross_entropy(x, labels:T(), { ignore = 0 }) end)
  end)
end)

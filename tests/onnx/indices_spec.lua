--- Operations of ONNX by many indices, and its losses: gradients, what meets at one place, and what is refused.
-- Their values are compared with ONNX's own tests (nodes_spec.lua).

local fnet = require "fnet"
local functions = require("fnet.onnx.operations").functions
local support = require "tests.support"

local function node(attributes, outputs) return { attributes = attributes or {}, outputs = outputs or { "y" } } end
local function whole(list) return fnet.tensor(list, "int32") end

describe("a sum of ONNX", function()
  it("is one of whole numbers too", function()
    local x = whole { { 1, 2, 3 }, { 4, 5, -6 } }
    for op, expected in pairs { ReduceSum = { 6, 3 }, ReduceProd = { 6, -120 }, ReduceMax = { 3, 5 },
      ReduceMin = { 1, -6 }, ReduceL1 = { 6, 15 } } do
      local y = functions[op](node { keepdims = 0 }, x, whole { 1 })
      assert.same({ "int32", expected }, { y.dtype, y:totable() }, op)
    end
  end)
end)

describe("an operation of ONNX by index", function()
  it("puts one after the other what meets at one place", function()
    local x, updates = fnet.tensor { 1, 2, 3 }, fnet.tensor { 5, 7, 11 }
    for reduction, expected in pairs { none = 7, add = 2 + 5 + 7, mul = 2 * 5 * 7, max = 7, min = 2 } do
      local y = functions.ScatterElements(node { reduction = reduction }, x, whole { 1, 1, 0 }, updates)
      assert.equal(expected, y[2], reduction)
    end
    local y = functions.ScatterND(node(), whole { 1, 2, 3 }, whole { { -2 } }, whole { 9 })
    assert.same({ 1, 9, 3 }, y:totable())
  end)

  it("has the gradients of its formula", function()
    fnet.seed(1)
    local x, updates = fnet.randn({ 3, 4 }):double(), fnet.randn({ 2, 4 }):double()
    for _, reduction in ipairs { "none", "add", "mul" } do
      assert.gradcheck(function(a, b)
        return functions.ScatterND(node { reduction = reduction }, a, whole { { 2 }, { 0 } }, b)
      end, { x, updates })
    end
    assert.gradcheck(function(a, b)
      return functions.ScatterElements(node { axis = 1 }, a, whole { { 3, 0 }, { 1, -1 } }, b)
    end, { x, updates:slice(2, 1, 2) })
    assert.gradcheck(function(a) return functions.GatherND(node(), a, whole { { 1, 2 }, { 2, 0 } }) end, { x })
    assert.gradcheck(function(a)
      return functions.ReverseSequence(node { time_axis = 1, batch_axis = 0 }, a, whole { 4, 2, 0 })
    end, { x })
    assert.gradcheck(function(a)
      return functions.Resize({ attributes = { mode = "cubic" }, outputs = { "y" }, opset = 13 }, a, nil,
        fnet.tensor { 1, 1.7 })
    end, { x })
    assert.gradcheck(function(a) return functions.LRN(node { size = 3, alpha = 0.5 }, a) end, { x })
    assert.gradcheck(function(a)
      return (functions.SoftmaxCrossEntropyLoss(node { ignore_index = -1 }, a, whole { 3, -1, 0 },
        fnet.tensor({ 1, 2, 3, 4 }, "float64")))
    end, { x })
  end)

  it("finds the different parts in either order", function()
    local x = fnet.tensor { 2, 1, 1, 3, 2 }
    local y, first, which, counts = functions.Unique(node(), x)
    assert.same({ { 1, 2, 3 }, { 1, 0, 3 }, { 1, 0, 0, 2, 1 }, { 2, 2, 1 } },
      { y:totable(), first:totable(), which:totable(), counts:totable() })
    assert.same({ 2, 1, 3 }, functions.Unique(node { sorted = 0 }, x):totable())
    local nan = 0 / 0
    assert.same({ 1, 2, 2 }, select(4, functions.Unique(node(), fnet.tensor { nan, 1, 2, nan, 2 })):totable())
  end)

  it("says what does not fit", function()
    local raises, x = support.raises, fnet.ones { 3, 4 }
    raises("the index 3 is outside 0 to 2", function() functions.GatherND(node(), x, whole { { 3 } }) end)
    raises("indices of [1, 3] do not fit [3, 4]",
      function() functions.GatherND(node(), x, whole { { 0, 0, 0 } }) end)
    raises("batch_dims 2 does not fit [3, 4] and indices of [1, 1]",
      function() functions.GatherND(node { batch_dims = 2 }, x, whole { { 0 } }) end)
    raises("unknown reduction 'mean'",
      function() functions.ScatterND(node { reduction = "mean" }, x, whole { { 0 } }, fnet.ones { 1, 4 }) end)
    raises("updates of [4] do not fit indices of [2, 1]",
      function() functions.ScatterND(node(), x, whole { { 0 }, { 1 } }, fnet.ones { 4 }) end)
    raises("updates of [4, 2] do not fit indices of [2, 1]", -- as many as two rows of 4
      function() functions.ScatterND(node(), x, whole { { 0 }, { 1 } }, fnet.ones { 4, 2 }) end)
    raises("indices of [1, 5] and updates of [1, 5] do not fit [3, 4]",
      function() functions.ScatterElements(node(), x, fnet.zeros({ 1, 5 }, "int32"), fnet.ones { 1, 5 }) end)
    raises("expected whole indices, got float32", function() functions.GatherND(node(), x, fnet.ones { 1, 1 }) end)
    raises("a condition of [5] does not fit [3, 4]",
      function() functions.Compress(node { axis = 1 }, x, fnet.ones { 5 }) end)
    raises("labels int32 of [2] do not fit [3, 4]",
      function() functions.NegativeLogLikelihoodLoss(node(), x, whole { 0, 1 }) end)
    local labels, crossed, weights = whole { 0, 1, 2 }, fnet.zeros({ 4, 3 }, "int32"), fnet.ones { 5 }
    raises("labels int32 of [4, 3] do not fit [3, 2, 4]",
      function() functions.NegativeLogLikelihoodLoss(node(), fnet.ones { 3, 2, 4 }, crossed) end)
    raises("weights of [5] do not fit 4 classes",
      function() functions.NegativeLogLikelihoodLoss(node(), x, labels, weights) end)
    raises("labels int32 of [3] do not fit []",
      function() functions.NegativeLogLikelihoodLoss(node(), fnet.tensor(1), labels) end)
    raises("labels int32 of [] do not fit [3]",
      function() functions.SoftmaxCrossEntropyLoss(node(), fnet.ones { 3 }, fnet.zeros({}, "int32")) end)
    raises("unknown reduction 'all'",
      function() functions.NegativeLogLikelihoodLoss(node { reduction = "all" }, x, whole { 0, 1, 2 }) end)
    raises("has no equation", function() functions.Einsum(node(), x) end)
    raises("a size of 0 does not fit", function() functions.LRN(node { size = 0 }, x) end)
    raises("expected the batch and the time on the first two axes",
      function() functions.ReverseSequence(node { time_axis = 1, batch_axis = 1 }, x, whole { 1 }) end)
    raises("a length of 9, of 4 steps",
      function() functions.ReverseSequence(node { time_axis = 1, batch_axis = 0 }, x, whole { 1, 9, 1 }) end)
    raises("of nothing there is nothing unique", function() functions.Unique(node(), fnet.zeros { 0 }) end)
  end)
end)

--- Dropout, BatchNorm and LayerNorm: against formulas in double, gradients, training and evaluation, running
-- averages, the bits on every instruction set and number of threads, and errors.

local fnet = require "fnet"
local core = require "fnet.core"
local support = require "tests.support"
local nn = fnet.nn
local raises, flat = support.raises, support.flat

-- Columns of x [rows, n] as lists of numbers.
local function columns_of(x)
  local columns, n = {}, x.shape[x.rank]
  for i, value in ipairs(flat(x)) do
    local j = (i - 1) % n + 1
    columns[j] = columns[j] or {}
    table.insert(columns[j], value)
  end
  return columns
end

-- Mean, and the sum of squared distances from it.
local function moments(list)
  local sum, squares = 0, 0
  for _, value in ipairs(list) do sum = sum + value end
  local mean = sum / #list
  for _, value in ipairs(list) do squares = squares + (value - mean) ^ 2 end
  return mean, squares
end

-- Weights and a bias that are all different.
local function give_numbers(layer)
  fnet.no_grad(function()
    layer.weight:copy(fnet.arange(1, #layer.weight) * 0.3 + 0.4)
    layer.bias:copy(fnet.arange(1, #layer.bias) * -0.2)
  end)
  return layer
end

describe("Dropout", function()
  it("drops the given part, scales the rest, and passes gradients the same way", function()
    fnet.seed(4)
    local x = fnet.ones { 400, 250 }
    x.requires_grad = true
    local y = nn.Dropout(0.25)(x)
    local kept = y:ne(0)
    assert.near(0.75, kept:mean():item(), 0.005)
    assert.is_true(y:equal(kept * (1 / 0.75)))
    y:sum():backward()
    assert.is_true(x.grad:equal(y))
    assert.near(1, y:mean():item(), 0.01)
  end)

  it("takes its choice from the library's generator, number by number", function()
    for _, dtype in ipairs { "float32", "float64" } do
      fnet.seed(9)
      local u = fnet.rand { 7, 13 }
      fnet.seed(9)
      local y = nn.Dropout(0.375)(fnet.ones({ 7, 13 }, dtype))
      assert.equal(dtype, y.dtype)
      assert.is_true(y:eq(0):equal(u:lt(0.375):to(dtype)))
    end
    fnet.seed(9)
    local first = nn.Dropout()(fnet.ones { 100 })
    assert.is_false(first:equal(nn.Dropout()(fnet.ones { 100 })))
  end)

  it("gives the same bits everywhere", function()
    local x = fnet.ones { 331, 127 }
    assert.same_everywhere(function()
      fnet.seed(3)
      return fnet.sha256(nn.Dropout(0.3)(x))
    end)
  end)

  it("leaves the input alone in evaluation mode and at rate 0, and all of it out at rate 1", function()
    local x = fnet.randn { 3, 4 }
    assert.equal(x, nn.Dropout(0.5):eval()(x))
    assert.equal(x, nn.Dropout(0)(x))
    assert.is_true(nn.Dropout(1)(x):equal(fnet.zeros { 3, 4 }))
    local _, stream = fnet.random_state()
    nn.Dropout(0.5):eval()(x)
    assert.equal(stream, select(2, fnet.random_state()))
  end)

  it("describes itself, keeps shapes, and names what is wrong", function()
    assert.equal("Dropout(0.5)", nn.Dropout():describe())
    assert.same({ 4, 5 }, nn.Dropout():output_shape { 4, 5 })
    raises("Dropout: rate: expected a number from 0 to 1, got 1.5", function() nn.Dropout(1.5) end)
    raises("Dropout(0.5): expected a float tensor, got int32 [2]",
      function() nn.Dropout()(fnet.ones({ 2 }, "int32")) end)
  end)

  it("in a model leaves the memory between layers to be used again", function()
    fnet.seed(1)
    local model = nn.Sequential { nn.Dropout(0.1), nn.Dense(50, 60), nn.ReLU(), nn.Dropout(0.3), nn.Dense(60, 5) }
    local x = fnet.randn { 100, 50 }
    model:eval()
    local expected = model(x)
    assert.is_true(fnet.no_grad(model, x):equal(expected))
    model:train()
    for _ = 1, 3 do model(x):sum():backward() end
    model:eval()
    assert.is_true(model(x):equal(expected))
  end)
end)

describe("BatchNorm", function()
  it("is its formula in training mode, for pictures, sequences and rows, in both precisions", function()
    fnet.seed(2)
    for dtype, tolerance in pairs { float32 = 2e-6, float64 = 1e-12 } do
      for _, shape in ipairs { { 6, 3 }, { 2, 4, 3, 5 }, { 7, 1 }, { 3, 2, 17 }, { 1, 2, 2, 4 } } do
        local n = shape[#shape]
        local layer = give_numbers(nn.BatchNorm(n, { epsilon = 1e-3 })):to(dtype)
        local x = fnet.randn(shape, 3, 2):to(dtype)
        local columns, expected = columns_of(x), {}
        for i, value in ipairs(flat(x)) do
          local j = (i - 1) % n + 1
          local mean, squares = moments(columns[j])
          expected[i] = (value - mean) / math.sqrt(squares / #columns[j] + 1e-3) * layer.weight[j] + layer.bias[j]
        end
        assert.allclose(support.filled(shape, expected), layer(x), tolerance, tolerance)
      end
    end
  end)

  it("has right gradients for x, weight and bias (second ones: grad_rules_spec)", function()
    fnet.seed(6)
    for _, shape in ipairs { { 5, 3 }, { 2, 2, 3, 2 } } do
      local n = shape[#shape]
      local function run(x, weight, bias)
        local mean, inverse = fnet.no_grad(function()
          local statistics = core.column_moments(x)
          return statistics[1], 1 / (statistics[2] / (x:count() / n) + 1e-2):sqrt()
        end)
        return core.batch_norm(x, weight, bias, mean, inverse, 1e-2)
      end
      local inputs = { fnet.randn(shape), fnet.randn { n }, fnet.randn { n } }
      assert.gradcheck(run, inputs)
    end
  end)

  it("moves its running averages, which evaluation uses", function()
    local layer = give_numbers(nn.BatchNorm(2, { momentum = 0.25 }))
    local x = fnet.tensor { { 1, 10 }, { 2, 20 }, { 6, 60 } }
    layer(x)
    assert.allclose({ 0.25 * 3, 0.25 * 30 }, layer.running_mean, 1e-6, 1e-6)
    assert.allclose({ 0.75 + 0.25 * 7, 0.75 + 0.25 * 700 }, layer.running_var, 1e-6, 1e-6)
    local mean, var = layer.running_mean:totable(), layer.running_var:totable()
    layer:eval()
    local y, expected = layer(x), {}
    for i, value in ipairs(flat(x)) do
      local j = (i - 1) % 2 + 1
      expected[i] = (value - mean[j]) / math.sqrt(var[j] + 1e-5) * layer.weight[j] + layer.bias[j]
    end
    assert.allclose(support.filled({ 3, 2 }, expected), y, 1e-5, 1e-5)
    assert.same(mean, layer.running_mean:totable())
    assert.allclose({ expected[1], expected[2] }, layer(x[1]), 1e-5, 1e-5)
    assert.gradcheck(layer:to "float64", { fnet.randn { 4, 2 } })
  end)

  it("keeps its averages as buffers: no parameters, saved, converted, part of the digest", function()
    local layer = nn.BatchNorm(3)
    local model = nn.Sequential { nn.Dense(2, 3), layer }
    assert.equal(2 * 3 + 3 + 3 + 3, model:count())
    local names = {}
    for i, entry in ipairs(model:named_buffers()) do names[i] = entry.name end
    assert.same({ "2.running_mean", "2.running_var" }, names)
    assert.equal(6, #model:state())
    local digest, buffer = model:sha256(), layer.running_mean
    model(fnet.randn { 4, 2 })
    assert.not_equal(digest, model:sha256())
    assert.equal(buffer, layer.running_mean)
    model:to "float64"
    assert.equal("float64", layer.running_mean.dtype)
    assert.equal("float64", model(fnet.randn({ 4, 2 }, 0, 1, "float64")).dtype)
  end)

  it("gives the same bits everywhere, forward and backward", function()
    for _, shape in ipairs { { 67, 5, 33 }, { 3000, 16 } } do
      fnet.seed(8)
      local x, slopes = fnet.randn(shape), fnet.randn(shape)
      assert.same_everywhere(function()
        local layer, leaf = give_numbers(nn.BatchNorm(shape[#shape])), x:clone()
        leaf.requires_grad = true
        local y = layer(leaf)
        y:backward { gradient = slopes }
        return fnet.sha256(y, leaf.grad, layer.weight.grad, layer.bias.grad, layer.running_mean, layer.running_var)
      end)
    end
  end)

  it("names what is wrong, with its place", function()
    local model = nn.Sequential { nn.Flatten(), nn.BatchNorm(4) }
    raises("layer 2, BatchNorm(4): expected an input of float32 [..., 4], got float32 [2, 3]",
      function() model(fnet.ones { 2, 3 }) end)
    raises("BatchNorm(4): one row, [1, 4], has no variance in training mode; use larger batches (drop_last = " ..
      "true leaves out a last one of 1) or fewer shards, or model:eval()",
      function() nn.BatchNorm(4)(fnet.ones { 1, 4 }) end)
    raises("BatchNorm(4): no rows, [0, 4], have no variance in training mode; use larger batches (drop_last = " ..
      "true leaves out a last one of 1) or fewer shards, or model:eval()",
      function() nn.BatchNorm(4)(fnet.ones { 0, 4 }) end)
    raises("layer 2, BatchNorm(5) expects 5 inputs, but layer 1, Dense(2, 4) gives [batch, 4]",
      function() nn.Sequential { nn.Dense(2, 4), nn.BatchNorm(5) } end)
    raises("BatchNorm: unknown option 'eps' (did you mean 'epsilon'?); known are momentum, epsilon",
      function() nn.BatchNorm(4, { eps = 1 }) end)
    raises("BatchNorm: momentum: expected a number from 0 to 1, got 2",
      function() nn.BatchNorm(4, { momentum = 2 }) end)
    raises("BatchNorm: features: expected a whole number of at least 1, got 0", function() nn.BatchNorm(0) end)
  end)
end)

describe("LayerNorm", function()
  it("is its formula, for any rank, in both precisions and both modes", function()
    fnet.seed(2)
    for dtype, tolerance in pairs { float32 = 2e-6, float64 = 1e-12 } do
      for _, shape in ipairs { { 3 }, { 4, 5 }, { 2, 3, 17 }, { 2, 1 } } do
        local n = shape[#shape]
        local layer = give_numbers(nn.LayerNorm(n, { epsilon = 1e-3 })):to(dtype)
        local x, expected = fnet.randn(shape, 1, 2):to(dtype), {}
        local values = flat(x)
        for first = 1, #values, n do
          local mean, squares = moments { table.unpack(values, first, first + n - 1) }
          for j = 1, n do
            expected[first + j - 1] = (values[first + j - 1] - mean) / math.sqrt(squares / n + 1e-3) *
              layer.weight[j] + layer.bias[j]
          end
        end
        assert.allclose(support.filled(shape, expected), layer(x), tolerance, tolerance)
        assert.allclose(support.filled(shape, expected), layer:eval()(x), tolerance, tolerance)
      end
    end
  end)

  it("has right gradients for x, weight and bias (second ones: grad_rules_spec)", function()
    fnet.seed(6)
    local inputs = { fnet.randn { 2, 3, 4 }, fnet.randn { 4 }, fnet.randn { 4 } }
    local function run(x, weight, bias) return core.layer_norm(x, weight, bias, 1e-2) end
    assert.gradcheck(run, inputs)
  end)

  it("gives the same bits everywhere, forward and backward", function()
    for _, shape in ipairs { { 67, 5, 33 }, { 3000, 16 } } do
      fnet.seed(8)
      local x, slopes = fnet.randn(shape), fnet.randn(shape)
      assert.same_everywhere(function()
        local layer, leaf = give_numbers(nn.LayerNorm(shape[#shape])), x:clone()
        leaf.requires_grad = true
        local y = layer(leaf)
        y:backward { gradient = slopes }
        return fnet.sha256(y, leaf.grad, layer.weight.grad, layer.bias.grad)
      end)
    end
  end)

  it("takes views and an empty batch, and names what is wrong", function()
    local layer, x = nn.LayerNorm(3), fnet.randn { 3, 5 }
    assert.is_true(layer(x:T()):equal(layer(x:T():contiguous())))
    assert.same({ 0, 3 }, layer(fnet.zeros { 0, 3 }).shape)
    raises("LayerNorm(3): expected an input of float32 [..., 3], got float32 [3, 5]", function() layer(x) end)
    raises("LayerNorm(3): expected an input of float32 [..., 3], got number", function() layer(3) end)
  end)
end)

describe("A normalisation in front", function()
  it("of a block leaves open what the block takes: features, or pictures", function()
    local function block()
      return nn.Residual { nn.BatchNorm(4), nn.ReLU(), nn.Conv2D(4, 4, 3, { padding = "same" }) }
    end
    local model = nn.Sequential { nn.Conv2D(3, 4, 1), block(), nn.Residual { nn.LayerNorm(4), nn.MaxPool2D(1) },
      nn.Concat { nn.BatchNorm(4), nn.Conv2D(4, 2, 1) }, nn.GlobalAvgPool(), nn.Dense(6, 2) }
    assert.same({ 2, 2 }, model(fnet.randn { 2, 5, 5, 3 }).shape)
    assert.same({ 5, 5, 6 }, nn.Sequential { block(), nn.Conv2D(4, 6, 1) }:output_shape { 5, 5, 4 })
    local words = nn.Sequential { nn.Embedding(5, 6), nn.Residual { nn.LayerNorm(6) }, nn.Flatten(),
      nn.Dense(24, 3) }
    assert.same({ 2, 3 }, words(fnet.ones({ 2, 4 }, "int32")).shape)
    raises("layer 2, Conv2D(5, 4, 1) expects 5 inputs, but layer 1, BatchNorm(4) gives [batch, 4]",
      function() nn.Sequential { nn.BatchNorm(4), nn.Conv2D(5, 4, 1) } end)
    raises("layer 3, Dense(5, 1) expects 5 inputs, but layer 2, GlobalAvgPool() gives [batch, 4]",
      function() nn.Sequential { nn.BatchNorm(4), nn.GlobalAvgPool(), nn.Dense(5, 1) } end)
  end)
end)

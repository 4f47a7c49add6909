--- Sums, chains and squares so long, so large or so small that float32 alone would lose them: as good as in double,
-- and the same bits for every instruction set and number of threads.

local fnet = require "fnet"
require "fnet.testing"
local nn = fnet.nn

local THREADS <const> = { 1, 2, 3 }

-- |a / b - 1| at its largest; both may be 0.
local function apart(a, b)
  a, b = a:double(), b:double()
  return ((a - b):abs() / b:abs():maximum(1e-300)):max():item()
end

local function has_slope(t)
  t.requires_grad = true
  return t
end

describe("long sums", function()
  it("of equal numbers are so many times the number, but for the last digit", function()
    for _, value in ipairs { 12345.678, 0.1, 1 / 3, 1e-30, -7.77e20 } do
      local t = fnet.full({ 1000003 }, value)
      assert.is_true(math.abs(t:mean():item() / t[1] - 1) < 2 ^ -23)
      assert.is_true(math.abs(t:sum():item() / (1000003 * t[1]) - 1) < 2 ^ -23)
      local columns = t:reshape({ 1000003, 1 }):expand { 1000003, 3 }
      assert.is_true(columns:mean(1):equal(t:mean():expand { 3 }))
      assert.equal(0, t:std():item())
    end
  end)

  it("are the same along rows, down columns and everywhere", function()
    fnet.seed(4)
    for _, shape in ipairs { { 1024, 2 }, { 1025, 150 }, { 5000, 2 }, { 70001, 18 } } do
      local t = fnet.randn(shape)
      assert.same_everywhere(function()
        local turned = t:transpose():contiguous()
        for _, name in ipairs { "sum", "mean", "var", "std" } do
          assert.is_true(t[name](t, 1):equal(turned[name](turned, 2)))
        end
        assert.is_true(t:norm(2, 1):equal(turned:norm(2, 2)))
        return fnet.sha256(t:sum(1), t:mean(1), t:var(1), t:std(1), t:norm(2, 1), t:sum(), turned:log_softmax())
      end, THREADS)
      assert.is_true(apart(t:sum(1), t:double():sum(1)) < 2e-4)
    end
  end)
end)

describe("long chains", function()
  it("keep their digits, in every product and in the gradients of both sides", function()
    fnet.seed(2)
    for _, shape in ipairs { { 3, 5, 20000 }, { 70, 9, 5000 }, { 66, 130, 4097 }, { 1, 1, 300000 } } do
      local m, n, k = table.unpack(shape)
      local a, b = fnet.rand { m, k }, fnet.rand { k, n }
      local exact = a:double():matmul(b:double())
      assert.is_true(apart(a:matmul(b), exact) < 1e-6)
      assert.same_everywhere(function()
        return fnet.sha256(a:matmul(b), a:transpose():contiguous():transpose():matmul(b),
          a:matmul(b:transpose():contiguous():transpose()))
      end, THREADS)
    end
    local batch = fnet.rand { 2, 3, 9000 }
    assert.is_true(apart(batch:matmul(batch:transpose()), batch:double():matmul(batch:double():transpose())) < 1e-6)
  end)

  it("of a dense layer's weights over many rows do not stand still", function()
    local dense = nn.Dense(1, 2)
    dense(fnet.ones { 17000000, 1 }):sum():backward()
    assert.same({ { 17000000, 17000000 } }, dense.weight.grad:totable())
    assert.same({ 17000000, 17000000 }, dense.bias.grad:totable())
  end)

  it("of convolutions are as good as in double", function()
    fnet.seed(3)
    for _, case in ipairs {
      { nn.Conv2D(3, 5, 3, { padding = "same" }), { 6, 40, 33, 3 } },
      { nn.Conv2D(4, 4, 3, { groups = 4, stride = 2 }), { 9, 60, 60, 4 } },
      { nn.Conv2D(300, 2, 4), { 1, 6, 7, 300 } },
    } do
      local layer, x = case[1], fnet.rand(case[2])
      local function run(model, input)
        model:zero_grad()
        local leaf = has_slope(input:clone())
        local y = model(leaf)
        y:backward { gradient = y:detach() * 0 + 1 }
        return y:detach(), leaf.grad, model.weight.grad, model.bias.grad
      end
      fnet.no_grad(function() layer.weight:copy(fnet.rand(layer.weight.shape)) end)
      assert.same_everywhere(function() return fnet.sha256(run(layer, x)) end, THREADS)
      local y, dx, dw, db = run(layer, x)
      local exact_y, exact_dx, exact_dw, exact_db = run(layer:to "float64", x:double())
      assert.is_true(apart(y, exact_y) < 3e-6 and apart(dx, exact_dx) < 3e-6)
      assert.is_true(apart(dw, exact_dw) < 2e-6 and apart(db, exact_db) < 1e-6)
    end
  end)
end)

describe("squares of the largest and the smallest numbers", function()
  local SCALES <const> = { 1e-34, 1e-30, 1, 1e30, 3e36 }

  it("neither overflow nor vanish in norms and deviations", function()
    for _, scale in ipairs(SCALES) do
      for _, n in ipairs { 7, 1000, 3000 } do
        local t = fnet.arange(1, n) / n * scale
        local exact = t:double() / scale
        for _, name in ipairs { "norm", "std" } do
          assert.is_true(math.abs(t[name](t):item() / scale / exact[name](exact):item() - 1) < 1e-6)
        end
        local slopes = has_slope(t:clone())
        slopes:std():backward()
        local others = has_slope(exact:clone())
        others:std():backward()
        assert.is_true(((slopes.grad:double() - others.grad) * n ^ 0.5):abs():max():item() < 1e-5)
      end
    end
    for _, scale in ipairs { 1e-300, 1e200, 1e300 } do -- outside double
      local t = fnet.tensor({ { 3, 4 }, { -1, 1 } }, "float64") * scale
      assert.is_true(math.abs(t:norm(2, 2)[1] / scale / 5 - 1) < 1e-15)
      assert.is_true(math.abs(t:norm(2, 1)[2] / scale / 17 ^ 0.5 - 1) < 1e-15)
      assert.is_true(math.abs(t:std(2)[2] / scale / 2 ^ 0.5 - 1) < 1e-15)
    end
    local largest = 2.0 ^ 1023 -- whose sums and distances are outside double, and not what is asked for
    for _, case in ipairs {
      { { 1, 1, -1 }, (4 / 3) ^ 0.5 }, { { 0.5, 1, 0.75 }, 0.25 }, { { -1, 1, -1, 1, -1, 1 }, 1.2 ^ 0.5 },
    } do
      local t = fnet.tensor(case[1], "float64") * largest
      assert.is_true(math.abs(t:std():item() / largest / case[2] - 1) < 1e-15)
      assert.is_true(math.abs(t:reshape { #case[1], 1 }:std(1)[1] / largest / case[2] - 1) < 1e-15)
      assert.equal(math.huge, t:var():item())
    end
    assert.equal(0, fnet.full({ 7 }, 1.7e308, "float64"):var():item())
    local wide = fnet.tensor({ -1, 1, -1, 1, -1, 1 }, "float64") * 1e154
    assert.is_true(math.abs(wide:var():item() / 1e308 / 1.2 - 1) < 1e-15)
    assert.equal(math.huge, fnet.tensor({ math.huge, 1 }, "float64"):norm():item())
    local nan, infinite = 0 / 0, math.huge
    for _, row in ipairs { { nan, infinite, 1 }, { infinite, nan }, { nan, 1e300 } } do
      local norm = fnet.tensor(row, "float64"):norm():item()
      assert.is_true(norm ~= norm)
    end
    for _, row in ipairs { { 1, infinite, 2 }, { infinite, 1 }, { nan, infinite } } do -- no matter in which order
      local deviation = fnet.tensor(row, "float64"):std():item()
      assert.is_true(deviation ~= deviation)
    end
    assert.equal(0, fnet.zeros({ 5 }):norm():item())
    assert.equal(0, fnet.zeros({ 0 }):norm():item())
  end)

  it("nor in the layers that normalise, forward and backward", function()
    fnet.seed(5)
    local x, slopes = fnet.randn { 40, 24 }, fnet.randn { 40, 24 }
    for _, kind in ipairs { nn.LayerNorm, nn.BatchNorm } do
      local function run(scale)
        local layer, leaf = kind(24, { epsilon = 0 }), has_slope(x * scale)
        local y = layer(leaf)
        y:backward { gradient = slopes }
        return y:detach(), leaf.grad:double() * scale, layer.weight.grad
      end
      local y, dx, dw = run(1)
      for _, scale in ipairs { 2.0 ^ -120, 2.0 ^ -40, 2.0 ^ 33, 2.0 ^ 100, 2.0 ^ 125 } do
        local other_y, other_dx, other_dw = run(scale)
        assert.is_true((y - other_y):abs():max():item() < 1e-6)
        assert.is_true((dx - other_dx):abs():max():item() < 1e-5)
        assert.is_true((dw - other_dw):abs():max():item() < 1e-5)
      end
      local mixed = x * fnet.where(fnet.arange(1, 24):gt(12), 2.0 ^ 100, 1) -- columns of both kinds side by side
      assert.same_everywhere(function()
        local leaf = has_slope(mixed:clone())
        local z = kind(24, { epsilon = 0 })(leaf)
        z:backward { gradient = slopes }
        return fnet.sha256(z, leaf.grad)
      end, THREADS)
    end
  end)
end)

--- Running sums and products, and reductions made of other operations: against NumPy and PyTorch
-- (tests/fixtures/numpy/record_order.py), with zeros, infinities and nothing, and over several axes.

local fnet = require "fnet"
local support = require "tests.support"

local holds, raises = support.holds, support.raises
local NAN, INFINITY = 0 / 0, math.huge

local recorded = assert(fnet.data.read_npz "tests/fixtures/numpy/order.npz")

-- f(x) and the gradient of the sum of f(x) * (0, 1, 2, ...) are what was recorded.
local function as_recorded(name, f)
  local x = recorded.x:clone()
  x.requires_grad = true
  local y = f(x)
  assert.same(recorded[name].shape, y.shape)
  assert.is_true(y:allclose(recorded[name], 1e-12, 1e-13), name);
  (y * fnet.arange(0, y:count() - 1, 1, "float64"):reshape(y.shape)):sum():backward()
  assert.is_true(x.grad:allclose(recorded[name .. ".grad"], 1e-11, 1e-13), name .. ": gradient")
end

describe("reductions over several axes", function()
  it("agree with NumPy and PyTorch, gradients too", function()
    for _, name in ipairs { "sum", "mean", "var", "std" } do
      as_recorded(name, function(x) return x[name](x, { 1, 3 }) end)
    end
    as_recorded("amax", function(x) return x:max { 3, 1 } end)
    as_recorded("amin", function(x) return x:min { 1, 3 } end)
  end)

  it("are those of the axes joined: every type, every choice of axes, views, kept or not", function()
    fnet.seed(7)
    local choices = { { 1, 2 }, { 2, 3 }, { 1, 3 }, { 4, 2 }, { 1, 2, 4 }, { 1, 2, 3, 4 }, { 3 } }
    for _, dtype in ipairs { "float32", "float64", "uint8", "int32" } do
      local base = fnet.rand({ 3, 2, 4, 5 }, 0, 9):int():to(dtype)
      for _, x in ipairs { base, base:transpose(1, 3), base:slice(4, 2, 4) } do
        for _, axes in ipairs(choices) do
          -- the same by one axis: those that are reduced go to the end, in their order
          local reduced, shape, kept, turned, n = {}, x.shape, {}, x, 1
          for _, axis in ipairs(axes) do reduced[axis], n = true, n * shape[axis] end
          local order = {}
          for axis = 1, 4 do if not reduced[axis] then order[#order + 1] = axis end end
          for _, axis in ipairs(order) do kept[#kept + 1] = shape[axis] end
          for axis = 1, 4 do if reduced[axis] then order[#order + 1], shape[axis] = axis, 1 end end
          local place = { 1, 2, 3, 4 }
          for i = 1, 4 do
            for j = i + 1, 4 do
              if place[j] == order[i] then
                turned, place[i], place[j] = turned:transpose(i, j), place[j], place[i]
              end
            end
          end
          local rows = turned:clone():reshape { -1, n }
          for _, name in ipairs { "sum", "mean", "var", "std", "max", "min", "argmax", "argmin" } do
            local expected, got = rows[name](rows, 2), x[name](x, axes)
            assert.equal(expected.dtype, got.dtype)
            assert.is_true(expected:reshape(kept):equal(got), name)
            assert.is_true(expected:reshape(shape):equal(x[name](x, axes, true)), name)
          end
        end
      end
    end
  end)

  it("know axes without length", function()
    local x = fnet.zeros { 2, 0, 3 }
    holds({ 3 }, { 0, 0, 0 }, x:sum { 1, 2 })
    holds({ 0 }, {}, x:sum { 1, 3 })
    holds({ 1, 1, 3 }, { 1, 1, 1 }, x:prod({ 2, 1 }, true))
    assert.same({ 0 }, x:max({ 1, 3 }).shape)
    raises("max: [2, 0, 3] has no elements to choose from", function() x:max { 1, 2 } end)
  end)

  it("refuse lists that are none of different axes", function()
    local t = fnet.zeros { 2, 3 }
    raises("sum: expected at least one axis, got an empty list; without it, all axes", function() t:sum {} end)
    raises("mean: axis 1 is there twice", function() t:mean { 1, 2, 1 } end)
    raises("max: axis: expected a whole number from 1 to 2, got 3", function() t:max { 1, 3 } end)
    raises("sum: expected an axis or a list of axes such as {1, 3}, got a table with other keys",
      function() t:sum { axis = 1 } end)
    raises("any: expected at least one axis, got an empty list; without it, all axes", function() t:any {} end)
    raises("norm: expected an axis or a list of axes such as {1, 3}, got a table with other keys",
      function() t:norm(2, { axis = 1 }) end)
    raises("norm: axis: expected a whole number from 1 to 2, got nan", function() t:norm(2, { 0 / 0 }) end)
  end)

  it("are not told one after the other, as if the second were `keep`", function()
    local t = fnet.zeros { 2, 3, 4 }
    for _, name in ipairs {
      "sum", "mean", "max", "min", "argmax", "argmin", "var", "std", "prod", "any", "logsumexp",
    } do
      raises(name .. ": keep: expected true or false, got number; several axes are a list, {1, 2}",
        function() t[name](t, 1, 2) end)
      assert.same({ 3, 4 }, t[name](t, 1, false).shape)
    end
  end)
end)

describe("cumsum, cumprod and prod", function()
  it("agree with NumPy and PyTorch, gradients with zeros among the factors too", function()
    as_recorded("cumsum", function(x) return x:cumsum(2) end)
    as_recorded("cumprod", function(x) return x:cumprod(2) end)
    as_recorded("prod", function(x) return x:prod(2) end)
  end)

  it("are chains in double, each element rounded once", function()
    fnet.seed(8)
    local x = fnet.randn { 300 }
    local sum, product, sums, products = 0, 1, {}, {}
    for i = 1, #x do
      sum, product = sum + x[i], product * x[i]
      sums[i], products[i] = support.single(sum), support.single(product)
    end
    holds({ 300 }, sums, x:cumsum())
    holds({ 300 }, products, x:cumprod())
    holds({ 300, 1 }, sums, x:reshape({ 300, 1 }):cumsum(1))
    local far = fnet.tensor({ 2 ^ 100, 2 ^ 100, 2 ^ -100 }):cumprod() -- beyond float32 and back
    holds({ 3 }, { 2 ^ 100, INFINITY, 2 ^ 100 }, far)
  end)

  it("is 16 chains of products in double, joined as those of a sum, rounded once", function()
    fnet.seed(8)
    local x, lane = fnet.randn { 301 }, {}
    for i = 0, 300 do lane[i % 16] = (lane[i % 16] or 1) * x[i + 1] end
    for _, half in ipairs { 8, 4, 2, 1 } do
      for l = 0, half - 1 do lane[l] = lane[l] * lane[l + half] end
    end
    local product = support.single(lane[0])
    holds({}, { product }, x:prod())
    holds({ 1, 1 }, { product }, x:reshape({ 301, 1 }):prod(1, true))
    holds({}, { product }, x:reshape({ 7, 43 }):prod { 1, 2 })
    holds({}, { 2 ^ 100 }, fnet.tensor({ 2 ^ 100, 2 ^ 100, 2 ^ -100 }):prod()) -- beyond float32 and back
  end)

  it("keep whole numbers whole, and raise where int32 does not hold them", function()
    holds({ 2, 2 }, { 200, 400, 3, 258 }, fnet.tensor({ { 200, 200 }, { 3, 255 } }, "uint8"):cumsum(), "int32")
    holds({ 3 }, { 3, -6, 0 }, fnet.tensor({ 3, -2, 0 }, "int32"):cumprod(), "int32")
    holds({}, { -2147483648 }, fnet.tensor({ -65536, 32768 }, "int32"):prod(), "int32")
    holds({ 0 }, {}, fnet.zeros({ 0 }, "uint8"):cumsum(), "int32")
    holds({}, { 1 }, fnet.zeros({ 0 }, "uint8"):prod(), "int32")
    local t = fnet.full({ 2 }, 65536, "int32")
    raises("cumprod: 4294967296.0 at 2 is outside int32, the type for whole numbers; use t:double():cumprod()",
      function() t:cumprod() end)
    local far = "prod: 4294967296.0 is outside int32, the type for whole numbers; use t:double():prod()"
    raises(far, function() t:prod() end)
    local wide = fnet.full({ 2, 3, 1 }, 65536, "int32")
    raises(far, function() wide:prod { 1, 3 } end) -- which are joined: the place would be none of t's
    raises(far, function() wide:prod(1) end)
  end)

  it("give the same bits everywhere, forward and back", function()
    fnet.seed(9)
    local x = fnet.randn { 35, 37, 19 }
    assert.same_everywhere(function()
      local leaf = x:clone()
      leaf.requires_grad = true
      local parts = { leaf:cumsum(1), leaf:cumsum(3), leaf:cumprod(2), leaf:prod { 1, 3 }, leaf:sum { 1, 3 },
        leaf:logsumexp { 1, 3 }, leaf:norm(3, 2), leaf:norm(1.5) }
      for _, part in ipairs(parts) do part:sum():backward { retain = true } end
      return fnet.sha256(leaf.grad, table.unpack(parts))
    end, { 1, 3, 4 })
  end)

  it("refuse what they do not understand", function()
    local t = fnet.zeros { 2, 3 }
    raises("cumsum: axis: expected a whole number from 1 to 2, got 3", function() t:cumsum(3) end)
    raises("cumsum: axis: expected a whole number from 1 to 2, got table; one axis a call",
      function() t:cumsum { 1, 2 } end)
    raises("cumprod: expected a tensor with an axis, got a float32 tensor of [], whose number is t:item()",
      function() fnet.tensor(2):cumprod() end)
    raises("prod: keep: expected true or false, got string; several axes are a list, {1, 2}",
      function() t:prod(1, "keep") end)
    raises("prod: expected a tensor, got number; a method is called with a colon, t:prod(...)",
      function() t.prod(3) end)
  end)
end)

describe("norm and logsumexp", function()
  it("agree with PyTorch, gradients too", function()
    for _, p in ipairs { 0.5, 1, 2, 3, INFINITY } do
      as_recorded(("norm_%g"):format(p), function(x) return x:norm(p, { 1, 3 }) end)
    end
    as_recorded("logsumexp", function(x) return x:logsumexp { 1, 3 } end)
    assert.same(recorded.logsumexp_special:isnan():totable(), recorded.special:logsumexp(2):isnan():totable())
    local function numbers(t) return fnet.where(t:isnan(), 7, t) end
    assert.is_true(numbers(recorded.logsumexp_special):allclose(numbers(recorded.special:logsumexp(2)), 1e-14) or
      numbers(recorded.logsumexp_special):eq(numbers(recorded.special:logsumexp(2))):all():item() == 1)
  end)

  it("of zeros is 0, and so is the slope, for every p", function()
    for _, p in ipairs { 0.5, 1, 1.5, 2, 3, INFINITY } do
      local x = fnet.tensor { { 0, 0 }, { 3, 0 } }
      x.requires_grad = true
      local y = x:norm(p, 2)
      holds({ 2 }, { 0, 3 }, y)
      y:sum():backward()
      assert.same({ { 0, 0 }, { 1, 0 } }, x.grad:totable())
      holds({}, { 0 }, fnet.zeros({ 0 }):norm(p))
    end
  end)

  it("are right where powers are not finite or all 0", function()
    for _, p in ipairs { 1.5, 2, 3, 10 } do
      for _, scale in ipairs { 1e-40, 1e30 } do
        local y = fnet.tensor({ 3 * scale, -4 * scale }):norm(p):item()
        local expected = (3 ^ p + 4 ^ p) ^ (1 / p)
        assert.is_true(math.abs(y / scale / expected - 1) < 1e-4, ("%g %g"):format(p, scale))
      end
      holds({}, { INFINITY }, fnet.tensor({ INFINITY, 1 }):norm(p))
      assert.equal(1, fnet.tensor({ NAN, 1 }):norm(p):isnan():item())
    end
    local far = fnet.tensor { { 1000, 1000 }, { -1000, -1000 }, { -INFINITY, -INFINITY }, { INFINITY, 0 } }
    local log2 = math.log(2)
    local y = far:logsumexp(2)
    support.near({ 2 }, { 1000 + log2, -1000 + log2 }, y:slice(1, 1, 2), 1e-7)
    holds({ 2 }, { -INFINITY, INFINITY }, y:slice(1, 3))
    holds({}, { -INFINITY }, fnet.zeros({ 0 }):logsumexp())
    far.requires_grad = true
    far:logsumexp(2):sum():backward()
    assert.same({ { 0.5, 0.5 }, { 0.5, 0.5 }, { 0, 0 }, { 0, 0 } }, far.grad:totable())
    assert.equal(1, fnet.tensor({ NAN, 1 }):logsumexp():isnan():item())
  end)

  it("refuse what they do not understand", function()
    local t = fnet.zeros { 2, 3 }
    raises("norm: p: expected a number above 0, the axis comes behind it, got string", function() t:norm "fro" end)
    raises("norm: p: expected a number above 0, the axis comes behind it, got -1", function() t:norm(-1) end)
    raises("norm: p: expected a number above 0, the axis comes behind it, got nan", function() t:norm(NAN) end)
    raises("norm: p: expected a number above 0, the axis comes behind it, got table",
      function() t:norm { 1, 2 } end)
    raises("norm: axis: expected a whole number from 1 to 2, got 3", function() t:norm(2, 3) end)
    raises("logsumexp: axis: expected a whole number from 1 to 2, got 0; the last axis is 2",
      function() t:logsumexp(0) end)
  end)
end)

describe("any and all", function()
  it("agree with NumPy, and know nothing, NaN and every type", function()
    assert.is_true(recorded.any:equal(recorded.special:any(1)))
    assert.is_true(recorded.all:equal(recorded.special:all(2)))
    holds({}, { 0 }, fnet.zeros({ 0 }):any())
    holds({}, { 1 }, fnet.zeros({ 0 }):all())
    holds({ 2 }, { 1, 0 }, fnet.tensor({ { 0, 0 / 0 }, { 0, -0.0 } }):any(2))
    holds({ 1, 2 }, { 0, 1 }, fnet.tensor({ { 0, 3 }, { 255, 1 } }, "uint8"):all(1, true))
    holds({ 2 }, { 1, 1 }, fnet.tensor({ { { 0 }, { 1 } }, { { 2 }, { 0 } } }, "int32"):any { 1, 3 })
    local x = fnet.ones { 2 }
    x.requires_grad = true
    assert.is_false(x:any().requires_grad or x:all().requires_grad)
  end)
end)

--- Sorting and what rests on it: against sorting in Lua, against NumPy and PyTorch (tests/fixtures/numpy/
-- record_order.py), and where numbers are no numbers.

local fnet = require "fnet"
local support = require "tests.support"

local holds, flat, raises = support.holds, support.flat, support.raises
local NAN, INFINITY = 0 / 0, math.huge

local recorded = assert(fnet.data.read_npz "tests/fixtures/numpy/order.npz")

-- f(x) and the gradient of the sum of f(x) * (0, 1, 2, ...) are what was recorded.
local function as_recorded(name, f)
  local x = recorded.x:clone()
  x.requires_grad = true
  local y = f(x)
  assert.same(recorded[name].shape, y.shape)
  assert.is_true(y:allclose(recorded[name], 1e-12, 1e-14), name)
  local count = y:count();
  (y * fnet.arange(0, count - 1, 1, "float64"):reshape(y.shape)):sum():backward()
  assert.is_true(x.grad:allclose(recorded[name .. ".grad"], 1e-12, 1e-14), name .. ": gradient")
end

-- Equal shapes and elements, where a NaN equals a NaN.
local function same(expected, got)
  assert.same(expected.shape, got.shape)
  local a, b = flat(expected), flat(got)
  for i = 1, #a do
    assert.is_true(a[i] == b[i] or a[i] ~= a[i] and b[i] ~= b[i],
      ("element %d: expected %s, got %s"):format(i, a[i], b[i]))
  end
end

-- The places of the elements in order, by a sort that does not know how the library does it.
local function order_of(values, descending)
  local places = {}
  for i = 1, #values do places[i] = i end
  table.sort(places, function(i, j)
    local a, b = values[i], values[j]
    if (a ~= a) ~= (b ~= b) then return b ~= b end
    if a == b or a ~= a then return i < j end
    if descending then return a > b end
    return a < b
  end)
  return places
end

describe("sort, argsort and topk", function()
  it("agree with a sort in Lua: every type, both directions, few and many elements, views", function()
    fnet.seed(5)
    local special = fnet.tensor { NAN, INFINITY, -INFINITY, 0, -0.0, 1e-42, -1e-42, 3e38 }
    for _, n in ipairs { 1, 6, 64, 65, 130 } do
      for _, dtype in ipairs { "float32", "float64", "uint8", "int32" } do
        local x = fnet.rand({ 3, n }, 0, 60):int():to(dtype) -- many are equal
        if dtype ~= "uint8" then x = ((x - 30) * 5):to(dtype) end
        if dtype:find "float" then
          local chosen = special:gather(fnet.rand({ 3, n }, 1, 9):int()):to(dtype)
          x = fnet.where(fnet.rand({ 3, n }):lt(0.3), chosen, x)
        end
        for _, view in ipairs { x, x:transpose():clone():transpose(), x:slice(2, n // 2 + 1) } do
          for _, descending in ipairs { false, true } do
            local sorted, places = view:sort { descending = descending }
            assert.equal(dtype, sorted.dtype)
            assert.equal("int32", places.dtype)
            for i = 1, 3 do assert.same(order_of(flat(view[i]), descending), places[i]:totable()) end
            same(view:take_along_axis(places, 2), sorted)
            local along = view:transpose():sort { axis = 1, descending = descending }
            same(sorted, along:transpose())
            local k = math.min(7, #view[1])
            local first, where = view:topk(k, { smallest = not descending })
            same(places:slice(2, 1, k), where)
            same(sorted:slice(2, 1, k), first)
          end
        end
      end
    end
  end)

  it("agree with NumPy and PyTorch, gradients too", function()
    as_recorded("sort", function(x) return (x:sort { axis = 2 }) end)
    as_recorded("sort_descending", function(x) return (x:sort { descending = true }) end)
    as_recorded("topk", function(x) return (x:topk(2)) end)
    as_recorded("topk_smallest", function(x) return (x:topk(2, { smallest = true })) end)
    same(recorded.argsort_special + 1, recorded.special:argsort())
  end)

  it("know empty axes, and nothing to take", function()
    for _, shape in ipairs { { 0 }, { 0, 3 }, { 3, 0 }, { 2, 0, 3 } } do
      for axis = 1, #shape do
        local sorted, places = fnet.zeros(shape):sort { axis = axis }
        assert.same({ shape, shape }, { sorted.shape, places.shape })
      end
    end
    assert.same({ 2, 0 }, fnet.zeros({ 2, 3 }):topk(0).shape)
  end)

  it("give the same bits everywhere, of many rows and of a long one", function()
    fnet.seed(6)
    local rows, long = fnet.randn { 301, 67 }, fnet.randn { 30011 }
    assert.same_everywhere(function()
      local a, b = rows:sort()
      local c, d = rows:topk(5, { axis = 1 })
      local values, places, counts = rows:round():unique()
      return fnet.sha256(a, b, c, d, long:argsort { descending = true }, values, places, counts,
        rows:quantile({ 0.1, 0.77 }, { 1, 2 }), rows:median(2))
    end, { 1, 3, 4 })
  end)

  it("refuse what they do not understand", function()
    local t = fnet.zeros { 2, 3 }
    raises("sort: expected a table of options such as { axis = 1, descending = true }, got number",
      function() t:sort(1) end)
    raises("sort: unknown option 'dim' (did you mean 'axis'?); known are axis, descending",
      function() t:sort { dim = 1 } end)
    raises("argsort: axis: expected a whole number from 1 to 2, got 3", function() t:argsort { axis = 3 } end)
    raises("sort: descending: expected true or false, got number", function() t:sort { descending = 1 } end)
    raises("sort: expected a tensor with an axis, got a float32 tensor of [], whose number is t:item()",
      function() fnet.tensor(1):sort() end)
    raises("topk: k: expected a whole number from 0 to 3, got 4", function() t:topk(4) end)
    raises("topk: k: expected a whole number from 0 to 3, got nil", function() t:topk() end)
    raises("topk: unknown option 'largest'; known are axis, smallest", function() t:topk(1, { largest = true }) end)
    raises("a tensor has no field or method 'msort'; did you mean 'sort'?", function() return t.msort end)
  end)
end)

describe("median and quantile", function()
  it("agree with NumPy and PyTorch, gradients too", function()
    as_recorded("quantile", function(x) return x:quantile({ 0, 0.1, 0.5, 0.77, 1 }, 2) end)
    same(recorded.median_special, recorded.special:median(2))
    same(recorded.quantile_special, recorded.special:slice(1, 1, 1):quantile({ 0, 0.25, 1 }, 2))
  end)

  it("are right beside infinities and NaN, where NumPy's formula gives NaN", function()
    holds({}, { -INFINITY }, fnet.tensor({ -INFINITY, 5 }):median())
    holds({ 3 }, { INFINITY, INFINITY, INFINITY }, fnet.full({ 4 }, INFINITY):quantile { 0, 0.3, 1 })
    holds({ 2 }, { 5, INFINITY }, fnet.tensor({ INFINITY, 5 }):quantile { 0, 0.9 })
    for _, q in ipairs { 0, 0.4, 1 } do
      assert.is_true(fnet.tensor({ 1, NAN, 2 }):quantile(q):isnan():item() == 1)
      assert.is_true(fnet.tensor({ 1, -INFINITY, INFINITY }):quantile(q):isnan():item() == 0)
    end
    holds({}, { 0 }, fnet.tensor({ -3e38, 3e38 }):median()) -- whose distance float32 does not hold
  end)

  it("look for single ranks of long lines where they would lie sorted", function()
    fnet.seed(4)
    local plain = fnet.randn { 3, 2000 }
    local others = { plain * 1e-30, plain:round(), plain:mul(1000):int(), plain:abs() ^ 40, plain:double() }
    for _, x in ipairs { plain, table.unpack(others) } do
      for _, q in ipairs { 0, 0.001, 0.25, 0.5, 0.7345, 1 } do
        assert.is_true(x:quantile({ q, 0 }, 2)[1]:equal(x:quantile(q, 2))) -- of several all are sorted
      end
    end
    local sorted = plain:sort()
    assert.is_true(sorted:slice(2, 1, 300):equal((plain:topk(300, { smallest = true }))))
    assert.is_true(sorted:flip(2):slice(2, 1, 300):equal((plain:topk(300))))
    assert.same_everywhere(function()
      plain.requires_grad, plain.grad = true, nil
      plain:median(2):sum():backward()
      return fnet.sha256(plain.grad)
    end, { 1, 3 })
  end)

  it("give no slope that is not finite beside an infinity", function()
    local x = fnet.tensor { { INFINITY, 1, 2, 4 }, { INFINITY, INFINITY, 1, 2 }, { -INFINITY, INFINITY, 3, 3 } }
    x.requires_grad = true
    x:quantile({ 0.5, 0.9 }, 2):sum():backward()
    assert.equal(1, x.grad:isfinite():all():item())
  end)

  it("take integers exactly, over one axis, several and all, kept or not", function()
    holds({}, { 16777218 }, fnet.tensor({ 16777217, 16777219 }, "int32"):median())
    holds({}, { 127.5 }, fnet.tensor({ 0, 255 }, "uint8"):median())
    local x = fnet.arange(1, 24):reshape { 2, 3, 4 }
    holds({ 3 }, { 8.5, 12.5, 16.5 }, x:median { 1, 3 })
    holds({ 1, 3, 1 }, { 8.5, 12.5, 16.5 }, x:median({ 3, 1 }, true))
    holds({ 1, 1, 1 }, { 12.5 }, x:quantile(0.5, nil, true))
    holds({ 1, 2 }, { 12, 24 }, x:quantile({ 1 }, { 2, 3 }))
    holds({}, { 7 }, fnet.tensor(7):quantile(0.3))
    assert.same({ 0 }, fnet.zeros({ 0, 3 }):median(2).shape)
  end)

  it("refuse what they do not understand", function()
    local t = fnet.zeros { 2, 3 }
    raises("quantile: q: expected a number from 0 to 1, got 50", function() t:quantile(50) end)
    raises("quantile: q: expected a number from 0 to 1, got nan", function() t:quantile(0 / 0) end)
    raises("quantile: q: expected a number from 0 to 1 or a list of them, got nil", function() t:quantile() end)
    raises("quantile: q: expected a number from 0 to 1 or a list of them, got table", function() t:quantile {} end)
    raises("median: axis: expected a whole number from 1 to 2, got 3", function() t:median(3) end)
    raises("median: axis 2 is there twice", function() t:median { 2, 2 } end)
    raises("median: keep: expected true or false, got number; several axes are a list, {1, 2}",
      function() t:median(1, 1) end)
    raises("median: a float32 tensor of [0] has no elements to choose from",
      function() fnet.zeros({ 0 }):median() end)
    raises("a tensor has no field or method 'percentile'; t:quantile(percent / 100)",
      function() return t.percentile end)
  end)
end)

describe("unique", function()
  it("agrees with NumPy", function()
    local values, places, counts = recorded.x:round():unique()
    same(recorded.unique, values)
    same(recorded.unique_places + 1, places)
    same(recorded.unique_counts, counts)
  end)

  it("puts its elements back, and knows NaN, both zeros, nothing and every type", function()
    local x = fnet.tensor { { 2, NAN, -0.0 }, { 0, NAN, 2 } }
    local values, places, counts = x:unique()
    same(fnet.tensor { 0, 2, NAN }, values)
    same(x, values:gather(places))
    holds({ 3 }, { 2, 2, 2 }, counts, "int32")
    holds({ 2 }, { 3, 7 }, (fnet.tensor({ 7, 3, 7 }, "uint8"):unique()), "uint8")
    values, places, counts = fnet.zeros({ 0, 2 }):unique()
    assert.same({ { 0 }, { 0, 2 }, { 0 } }, { values.shape, places.shape, counts.shape })
    holds({ 1 }, { 5 }, (fnet.tensor(5):unique()))
  end)
end)

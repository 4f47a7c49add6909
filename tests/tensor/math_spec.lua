--- Arithmetic, comparisons, functions of one operand, matrix products: against loops in plain Lua.

local fnet = require "fnet"
local core = require "fnet.core"
local support = require "tests.support"

local holds, near, single, flat = support.holds, support.near, support.single, support.flat
local DTYPES = { "float32", "float64", "uint8", "int32" }
local NAN, INFINITY = 0 / 0, math.huge

-- What a float of this type makes of x.
local function rounded(x, dtype) return dtype == "float64" and x or single(x) end

local function is_nan(x) return x ~= x end

-- Equal, NaN to NaN and the sign of zero included.
local function identical(expected, got, message)
  if is_nan(expected) then
    assert.is_true(is_nan(got), message)
  else
    assert.equal(expected, got, message)
    if expected == 0 then assert.equal(1 / expected, 1 / got, message) end
  end
end

local OPERATORS = {
  add = function(a, b) return a + b end,
  sub = function(a, b) return a - b end,
  mul = function(a, b) return a * b end,
  div = function(a, b) return a / b end,
}
local CHOICES = { maximum = math.max, minimum = math.min }
local COMPARISONS = {
  eq = function(a, b) return a == b end,
  ne = function(a, b) return a ~= b end,
  lt = function(a, b) return a < b end,
  le = function(a, b) return a <= b end,
  gt = function(a, b) return a > b end,
  ge = function(a, b) return a >= b end,
}

describe("operators and methods", function()
  local A, B = { 1, 7, 100, 3 }, { 2, 7, 9, 255 }

  it("take every pair of types; float64 wins, integers become float32, or int32 stays", function()
    for _, left in ipairs(DTYPES) do
      for _, right in ipairs(DTYPES) do
        local a, b = fnet.tensor(A, left), fnet.tensor(B, right)
        local result = (left == "float64" or right == "float64") and "float64" or "float32"
        local whole = not left:find "float" and not right:find "float" and (left == "int32" or right == "int32")
        for _, functions in ipairs { OPERATORS, CHOICES } do
          local dtype = functions == CHOICES and whole and "int32" or result
          for name, f in pairs(functions) do
            local expected = {}
            for i = 1, 4 do expected[i] = rounded(f(A[i], B[i]), dtype) end
            holds({ 4 }, expected, a[name](a, b), dtype)
            if functions == OPERATORS then holds({ 4 }, expected, f(a, b), dtype) end
          end
        end
      end
    end
  end)

  it("take a number on either side", function()
    for _, type_name in ipairs(DTYPES) do
      local a = fnet.tensor(A, type_name)
      local dtype = type_name == "float64" and "float64" or "float32"
      for name, f in pairs(OPERATORS) do
        local right, left = {}, {}
        for i = 1, 4 do
          right[i] = rounded(f(A[i], rounded(0.3, dtype)), dtype)
          left[i] = rounded(f(rounded(0.3, dtype), A[i]), dtype)
        end
        holds({ 4 }, right, f(a, 0.3), dtype)
        holds({ 4 }, right, a[name](a, 0.3), dtype)
        holds({ 4 }, left, f(0.3, a), dtype)
      end
    end
  end)

  it("power and minus have operators too", function()
    local t = fnet.tensor { 1, 2, 3 }
    holds({ 3 }, { 1, 4, 9 }, t ^ 2)
    holds({ 3 }, { 2, 4, 8 }, 2 ^ t)
    holds({ 3 }, { 1, 4, 27 }, t ^ t)
    holds({ 3 }, { -1, -2, -3 }, -t)
    holds({ 2 }, { -5, -255 }, -fnet.tensor({ 5, 255 }, "uint8"))
  end)

  it("leave their operands alone", function()
    local a, b = fnet.tensor(A), fnet.tensor(B, "uint8")
    local _, _, _, _ = a + b, a * 2, a:relu(), b:exp()
    holds({ 4 }, A, a)
    holds({ 4 }, B, b, "uint8")
  end)

  it("compare exactly, also large integers and mixed types", function()
    for _, left in ipairs(DTYPES) do
      for _, right in ipairs(DTYPES) do
        local a, b = fnet.tensor(A, left), fnet.tensor(B, right)
        for name, f in pairs(COMPARISONS) do
          local got = a[name](a, b)
          for i = 1, 4 do assert.equal(f(A[i], B[i]) and 1 or 0, got[i], name) end
        end
      end
    end
    local big = fnet.tensor({ 16777217, 2147483647 }, "int32")
    holds({ 2 }, { 0, 0 }, big:eq(fnet.tensor({ 16777216, 2147483646 }, "int32")))
    holds({ 2 }, { 1, 0 }, big:eq(16777217))
    holds({ 2 }, { 0, 1 }, big:gt(16777217))
  end)

  it("compare with numbers", function()
    local t = fnet.tensor { 1, 2, 3 }
    holds({ 3 }, { 0, 1, 1 }, t:ge(2))
    holds({ 3 }, { 1, 0, 0 }, t:lt(2))
    holds({ 3 }, { 0, 1, 0 }, t:eq(2))
    holds({ 1 }, { 1 }, fnet.tensor({ 0.1 }):eq(0.1))
  end)

  it("a NaN is unequal to everything and unordered", function()
    local t = fnet.tensor { NAN, NAN }
    local other = fnet.tensor { NAN, 1 }
    for name in pairs(COMPARISONS) do
      local expected = name == "ne" and 1 or 0
      holds({ 2 }, { expected, expected }, t[name](t, other))
      holds({ 2 }, { expected, name == "ne" and 1 or 0 }, other[name](other, t))
    end
  end)

  it("maximum, minimum and clamp pass a NaN on", function()
    local t, other = fnet.tensor { NAN, 1, NAN }, fnet.tensor { 1, NAN, NAN }
    for _, result in ipairs { t:maximum(other), t:minimum(other) } do
      for i = 1, 3 do assert.is_true(is_nan(result[i])) end
    end
    local clamped = fnet.tensor({ NAN, -5, 0.5, 5, INFINITY, -INFINITY }):clamp(-1, 1)
    assert.is_true(is_nan(clamped[1]))
    holds({ 5 }, { -1, 0.5, 1, 1, -1 }, clamped:slice(1, 2))
    holds({ 3 }, { 2, 2, 2 }, fnet.arange(1, 3):clamp(2, 2))
    holds({ 2 }, { 0, INFINITY }, fnet.tensor({ -1, INFINITY }):clamp(0, INFINITY))
  end)
end)

describe("broadcasting", function()
  local CASES = {
    { { 2, 3 }, { 3 } }, { { 3 }, { 2, 3 } }, { { 2, 1 }, { 1, 3 } }, { {}, { 2, 3 } }, { { 2, 3 }, {} },
    { {}, {} }, { { 4, 1, 3 }, { 2, 1 } }, { { 1, 1, 1 }, { 5 } }, { { 0, 3 }, { 1, 3 } }, { { 1 }, { 0 } },
    { { 2, 0 }, { 2, 1 } }, { { 2, 1, 3, 1 }, { 4, 1, 5 } }, { { 1, 70 }, { 3, 1 } }, { { 33, 17 }, { 17 } },
    { { 2, 1, 2, 1, 2, 1, 2, 1 }, { 1, 2, 1, 2, 1, 2, 1, 2 } },
  }

  local function random(shape, transposed)
    if not transposed or #shape < 2 then return fnet.rand(shape) end
    local swapped = { table.unpack(shape) }
    swapped[#shape], swapped[#shape - 1] = shape[#shape - 1], shape[#shape]
    return fnet.rand(swapped):T()
  end

  it("repeats lengths of 1 for every pair of shapes, contiguous or transposed", function()
    fnet.seed(5)
    for _, case in ipairs(CASES) do
      local rank, shape = math.max(#case[1], #case[2]), {}
      for axis = 1, rank do
        local a = case[1][axis - rank + #case[1]] or 1
        local b = case[2][axis - rank + #case[2]] or 1
        shape[axis] = a == 1 and b or a
      end
      for variant = 0, 3 do
        local a, b = random(case[1], variant & 1 == 1), random(case[2], variant & 2 == 2)
        local left, right, expected = flat(a), flat(b), {}
        support.each(shape, function(index, k)
          expected[k] = single(left[support.position(case[1], index)] - right[support.position(case[2], index)])
        end)
        holds(shape, expected, a - b)
      end
    end
  end)

  it("never changes an operand's elements or type", function()
    local a, b = fnet.tensor({ { 1 }, { 2 } }, "int32"), fnet.tensor({ 3, 4 }, "uint8")
    holds({ 2, 2 }, { 4, 5, 5, 6 }, a + b)
    holds({ 2, 1 }, { 1, 2 }, a, "int32")
  end)
end)

describe("functions of one operand", function()
  local POINTS = { -20, -5.5, -1, -0.5, -1e-3, 0, 1e-3, 0.25, 1, 1.5, 2, 5.5, 20, 80 }
  local function tanh(x)
    local e = math.exp(-2 * math.abs(x))
    return (x < 0 and -1 or 1) * (1 - e) / (1 + e)
  end
  local FUNCTIONS = {
    neg = function(x) return -x end, abs = math.abs, exp = math.exp, tanh = tanh,
    sqrt = math.sqrt, log = math.log,
    sigmoid = function(x) return 1 / (1 + math.exp(-x)) end,
    relu = function(x) return x > 0 and x or 0 end,
    sign = function(x) return x > 0 and 1 or x < 0 and -1 or 0 end,
  }
  local POSITIVE = { sqrt = true, log = true }

  for name, f in pairs(FUNCTIONS) do
    it(name .. " is right for both float types", function()
      for _, dtype in ipairs { "float32", "float64" } do
        local t = fnet.tensor(POINTS, dtype)
        if POSITIVE[name] then t = t:abs() + 1e-3 end
        local got = t[name](t)
        assert.equal(dtype, got.dtype)
        for i = 1, #POINTS do
          local expected = f(t[i])
          local tolerance = (dtype == "float64" and 1e-14 or 2e-7) * math.max(math.abs(expected), 1e-3)
          assert.is_true(math.abs(got[i] - expected) <= tolerance, ("%s(%g): %.17g"):format(name, t[i], got[i]))
        end
      end
    end)
  end

  it("integers become float32", function()
    holds({ 2 }, { 1, 2 }, fnet.tensor({ 1, 4 }, "uint8"):sqrt())
    holds({ 2 }, { 5, 3 }, fnet.tensor({ -5, 3 }, "int32"):abs())
    holds({ 2 }, { 0, 3 }, fnet.tensor({ -5, 3 }, "int32"):relu())
  end)

  it("special values", function()
    local SPECIAL = {
      { "exp", INFINITY, INFINITY }, { "exp", -INFINITY, 0 }, { "exp", 0, 1 }, { "exp", 1000, INFINITY },
      { "exp", -1000, 0 }, { "exp", NAN, NAN }, { "log", 0, -INFINITY }, { "log", -1, NAN }, { "log", 1, 0 },
      { "log", INFINITY, INFINITY }, { "log", NAN, NAN }, { "sqrt", -1, NAN }, { "sqrt", -0.0, -0.0 },
      { "sqrt", INFINITY, INFINITY }, { "tanh", INFINITY, 1 }, { "tanh", -INFINITY, -1 }, { "tanh", -0.0, -0.0 },
      { "tanh", NAN, NAN }, { "sigmoid", INFINITY, 1 }, { "sigmoid", -INFINITY, 0 }, { "sigmoid", 0, 0.5 },
      { "sigmoid", NAN, NAN }, { "relu", -INFINITY, 0 }, { "relu", NAN, NAN }, { "abs", -0.0, 0 },
      { "abs", -INFINITY, INFINITY }, { "neg", 0.0, -0.0 }, { "sign", NAN, NAN }, { "sign", -INFINITY, -1 },
      { "abs", NAN, NAN }, { "neg", INFINITY, -INFINITY }, { "log", 2 ^ -149, single(math.log(2 ^ -149)) },
    }
    for _, case in ipairs(SPECIAL) do
      local name, x, expected = table.unpack(case)
      local t = fnet.full({ 19 }, x)
      local got = t[name](t)
      for i = 1, 19 do identical(expected, got[i], ("%s(%s)"):format(name, x)) end
    end
  end)

  it("empty tensors stay empty", function()
    for name in pairs(FUNCTIONS) do
      local t = fnet.zeros { 3, 0 }
      holds({ 3, 0 }, {}, t[name](t))
    end
  end)
end)

describe("pow", function()
  -- IEEE 754-2019, 9.2.1.
  local CASES = {
    { 0, 0, 1 }, { NAN, 0, 1 }, { INFINITY, 0, 1 }, { 1, NAN, 1 }, { 1, INFINITY, 1 }, { -1, INFINITY, 1 },
    { -1, -INFINITY, 1 }, { 2, NAN, NAN }, { NAN, 2, NAN }, { 0, -1, INFINITY }, { -0.0, -1, -INFINITY },
    { -0.0, -2, INFINITY }, { -0.0, 3, -0.0 }, { -0.0, 2, 0 }, { 0, 3, 0 }, { -0.0, 0.5, 0 },
    { -0.0, -0.5, INFINITY }, { -2, 3, -8 }, { -2, 2, 4 }, { -2, -1, -0.5 }, { -8, 1 / 3, NAN }, { -2, 0.5, NAN },
    { 0.5, INFINITY, 0 }, { 0.5, -INFINITY, INFINITY }, { 2, INFINITY, INFINITY }, { 2, -INFINITY, 0 },
    { -0.5, INFINITY, 0 }, { -2, INFINITY, INFINITY }, { INFINITY, 2, INFINITY }, { INFINITY, -1, 0 },
    { -INFINITY, 3, -INFINITY }, { -INFINITY, 2, INFINITY }, { -INFINITY, -3, -0.0 },
    { -INFINITY, 0.5, INFINITY }, { 2, 10, 1024 }, { 2, 127, 2 ^ 127 }, { 2, 128, INFINITY },
    { 2, -149, 2 ^ -149 }, { 2, -151, 0 }, { 9, 0.5, 3 },
    { 10, 2, 100 }, { 3, 1, 3 }, { -3, 1, -3 }, { 1.5, 2, 2.25 }, { -1, 16777217, 1 }, { -1, 16777215, -1 },
  }

  it("has the special cases of IEEE 754, wherever in a vector they are", function()
    for _, case in ipairs(CASES) do
      local a, b, expected = table.unpack(case)
      local got = fnet.full({ 19 }, a) ^ fnet.full({ 19 }, b)
      for i = 1, 19 do identical(expected, got[i], ("%s ^ %s"):format(a, b)) end
      identical(expected, (fnet.tensor { a } ^ b)[1], ("%s ^ number %s"):format(a, b))
      identical(expected, (a ^ fnet.tensor { b })[1], ("number %s ^ %s"):format(a, b))
    end
  end)

  it("agrees with Lua's own power elsewhere", function()
    for a = 0.1, 4, 0.37 do
      for b = -6, 6, 0.45 do
        local x, y = single(a), single(b)
        local got = (fnet.tensor { x } ^ y)[1]
        assert.is_true(math.abs(got - x ^ y) <= 6.1e-8 * x ^ y * 1.01, ("%g ^ %g: %.9g"):format(x, y, got))
        near({ 1 }, { x ^ y }, fnet.tensor({ x }, "float64") ^ y, 1e-14)
      end
    end
  end)
end)

describe("matmul", function()
  -- Small whole numbers: every order of addition gives the same sum.
  local function random(shape, dtype) return fnet.rand(shape, -8, 8):int():to(dtype or "float32") end

  local function naive(a, b)
    local m, k, n = a.shape[1], a.shape[2], b.shape[2]
    local left, right, result = flat(a), flat(b), {}
    for i = 0, m - 1 do
      for j = 0, n - 1 do
        local sum = 0
        for l = 0, k - 1 do sum = sum + left[i * k + l + 1] * right[l * n + j + 1] end
        result[i * n + j + 1] = sum
      end
    end
    return result
  end

  -- [rows, columns] in four layouts.
  local function layouts(rows, columns, dtype)
    local plain = random({ rows, columns }, dtype)
    local part = random({ rows + 2, columns + 3 }, dtype)
    return {
      plain, random({ columns, rows }, dtype):T(), part:slice(1, 2, rows + 1):slice(2, 3, columns + 2),
      random({ rows, 1 }, dtype):expand { rows, columns },
    }
  end

  it("agrees with a loop for odd sizes, layouts and both types", function()
    fnet.seed(6)
    local SIZES = { { 0, 3, 2 }, { 3, 0, 2 }, { 3, 2, 0 }, { 0, 0, 0 }, { 1, 1, 1 }, { 1, 5, 1 }, { 5, 1, 7 },
      { 2, 3, 4 }, { 7, 17, 5 }, { 4, 16, 64 }, { 17, 9, 33 }, { 13, 40, 65 } }
    for _, dtype in ipairs { "float32", "float64" } do
      for _, size in ipairs(SIZES) do
        local m, k, n = table.unpack(size)
        for _, a in ipairs(layouts(m, k, dtype)) do
          for _, b in ipairs(layouts(k, n, dtype)) do holds({ m, n }, naive(a, b), a:matmul(b), dtype) end
        end
      end
    end
  end)

  it("agrees with a loop where b is large enough to be rearranged in memory", function()
    local a, b = random { 65, 515 }, random { 515, 520 }
    local ones = fnet.ones { 520, 1 }
    -- (a b) 1 = a (b 1), both exact
    holds({ 65, 1 }, flat(a:matmul(b:sum(2):reshape { 515, 1 })), a:matmul(b):matmul(ones))
    holds({ 65, 520 }, flat(a:matmul(b)), a:T():contiguous():T():matmul(b:T():contiguous():T()))
    holds({ 3, 520 }, flat(a:matmul(b):slice(1, 7, 9)), a:slice(1, 7, 9):matmul(b))
  end)

  it("each element is one chain of fused multiply-adds over k", function()
    -- 1 + 2^-24 rounds to 1 each time; in any other order the small ones would add up first.
    local a, b = fnet.full({ 1, 100 }, 1), fnet.full({ 100, 1 }, 2 ^ -24)
    b[1][1] = 1
    assert.equal(1, a:matmul(b):item())
    -- fused: (1 + 2^-12)^2 - 1 keeps the 2^-24 that a rounded product loses
    local x = fnet.tensor { { -1, 1 + 2 ^ -12 } }
    local y = fnet.tensor { { 1 }, { 1 + 2 ^ -12 } }
    assert.equal(2 ^ -11 + 2 ^ -24, x:matmul(y):item())
  end)

  it("takes rank 1 as a row on the left and as a column on the right", function()
    local m, v = fnet.tensor { { 1, 2, 3 }, { 4, 5, 6 } }, fnet.tensor { 1, 0, 2 }
    holds({ 2 }, { 7, 16 }, m:matmul(v))
    holds({ 3 }, { 9, 12, 15 }, fnet.tensor({ 1, 2 }):matmul(m))
    holds({}, { 5 }, v:matmul(v))
    holds({ 3 }, { 9, 12, 15 }, fnet.matmul(fnet.tensor { 1, 2 }, m))
    holds({}, { 0 }, fnet.zeros({ 0 }):matmul(fnet.zeros { 0 }))
    holds({ 2 }, { 7, 16 }, m:matmul(fnet.tensor({ { 1, 9 }, { 0, 9 }, { 2, 9 } }):T()[1]))
  end)

  it("multiplies batches, also transposed and repeated ones", function()
    local a, b = random { 3, 4, 5 }, random { 3, 5, 2 }
    local function check(left, right)
      local got = left:matmul(right)
      assert.same({ 3, 4, 2 }, got.shape)
      for i = 1, 3 do holds({ 4, 2 }, naive(left[i], right[i]), got[i]) end
    end
    check(a, b)
    check(random({ 3, 5, 4 }):T(), random({ 3, 2, 5 }):T())
    check(random({ 4, 3, 5 }):transpose(1, 2), b)
    check(random({ 1, 4, 5 }):expand { 3, 4, 5 }, b)
    holds({ 0, 4, 2 }, {}, fnet.zeros({ 0, 4, 5 }):matmul(fnet.zeros { 0, 5, 2 }))
    holds({ 2, 1, 1 }, { 0, 0 }, fnet.zeros({ 2, 1, 0 }):matmul(fnet.zeros { 2, 0, 1 }))
  end)

  it("infinities and NaN reach only their own row and column", function()
    local a, b = fnet.ones { 2, 3 }, fnet.ones { 3, 2 }
    a[1][2] = INFINITY
    b[3][2] = NAN
    local got = a:matmul(b)
    assert.equal(INFINITY, got[1][1])
    assert.is_true(is_nan(got[1][2]))
    assert.equal(3, got[2][1])
    assert.is_true(is_nan(got[2][2]))
  end)
end)

describe("scatter", function()
  it("adds at the indices, the inverse of gather for a permutation", function()
    local t = fnet.tensor { { 1, 2 }, { 3, 4 }, { 5, 6 } }
    holds({ 2, 2 }, { 6, 8, 3, 4 }, core.scatter(t, fnet.tensor({ 1, 2, 1 }, "int32"), 1, 2))
    holds({ 3, 3 }, { 0, 0, 3, 0, 0, 7, 0, 0, 11 }, core.scatter(t, fnet.tensor({ 3, 3 }, "uint8"), 2, 3))
    holds({ 2, 2 }, { 0, 0, 0, 0 }, core.scatter(fnet.zeros { 0, 2 }, fnet.zeros({ 0 }, "int32"), 1, 2))
    local order = fnet.permutation(3)
    assert.is_true(core.scatter(t:gather(order), order, 1, 3):equal(t))
  end)
end)

describe("equal and allclose", function()
  local t = fnet.tensor { { 1, 2 }, { 3, 4 } }

  it("equal wants the same shape and elements, of whatever type", function()
    assert.is_true(t:equal(t))
    assert.is_true(t:equal(t:T():T()))
    for _, dtype in ipairs(DTYPES) do assert.is_true(t:equal(t:to(dtype))) end
    assert.is_false(t:equal(t:T()))
    assert.is_false(t:equal(t:reshape { 4 }))
    assert.is_false(t:equal(t:reshape { 1, 2, 2 }))
    assert.is_false(fnet.ones({ 1 }):equal(fnet.ones { 2 }))
    assert.is_true(fnet.zeros({ 0, 2 }):equal(fnet.zeros { 0, 2 }))
    assert.is_false(fnet.zeros({ 0, 2 }):equal(fnet.zeros { 2, 0 }))
    assert.is_false(fnet.tensor({ NAN }):equal(fnet.tensor { NAN }))
    assert.is_true(fnet.tensor({ 0.0 }):equal(fnet.tensor { -0.0 }))
    assert.is_false(fnet.tensor({ 16777217 }, "int32"):equal(fnet.tensor { 16777216 }))
  end)

  it("allclose measures |a - b| against absolute + relative |b|", function()
    assert.is_true(t:allclose(t * (1 + 5e-6)))
    assert.is_false(t:allclose(t * (1 + 5e-5)))
    assert.is_true(t:allclose(t + 0.4, 0, 0.5))
    assert.is_false(t:allclose(t + 0.6, 0, 0.5))
    assert.is_true(t:allclose(t * 1.1, 0.1))
    assert.is_false(t:allclose(t:reshape { 4 }))
    local x = fnet.tensor { INFINITY, -INFINITY, 0 }
    assert.is_true(x:allclose(x))
    assert.is_false(x:allclose(-x))
    assert.is_false(x:allclose(fnet.tensor { INFINITY, NAN, 0 }))
    assert.is_true(fnet.zeros({ 0 }):allclose(fnet.zeros { 0 }))
    assert.is_true(fnet.tensor({ 3 }, "uint8"):allclose(fnet.tensor({ 3 }, "float64")))
  end)

  it("do not record themselves for gradients", function()
    local w = fnet.ones { 2 }
    w.requires_grad = true
    assert.is_true((w * 2):equal(fnet.full({ 2 }, 2)))
    assert.is_true((w * 2):allclose(fnet.full({ 2 }, 2)))
    assert.is_true(core.recording())
  end)
end)

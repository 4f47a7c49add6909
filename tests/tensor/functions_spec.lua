--- sin, log1p, floor and their relatives: against numbers that are known, for both float types and for integers.
-- tests/c/kernels/math_test.c measures their error, tests/c/long/rounding.c over every float.

local fnet = require "fnet"
local core = require "fnet.core"
local support = require "tests.support"

local holds, near, single = support.holds, support.near, support.single
local INFINITY <const>, NAN <const> = math.huge, 0 / 0
local BIG <const> = 16777217 -- float32 does not hold it

local function value(name, x, dtype) return core.methods[name](fnet.tensor({ x }, dtype))[1] end

describe("functions of mathematics", function()
  -- From the definitions, at points where Lua computes them without loss.
  local FUNCTIONS = {
    sin = math.sin, cos = math.cos, tan = math.tan, atan = math.atan,
    sinh = function(x) return (math.exp(x) - math.exp(-x)) / 2 end,
    cosh = function(x) return (math.exp(x) + math.exp(-x)) / 2 end,
    expm1 = function(x) return math.exp(x) - 1 end, exp2 = function(x) return 2 ^ x end,
  }
  local INSIDE = { asin = math.asin, acos = math.acos }
  local POSITIVE = {
    log1p = function(x) return math.log(1 + x) end, log2 = function(x) return math.log(x, 2) end,
    log10 = function(x) return math.log(x, 10) end,
  }
  local POINTS = {
    [FUNCTIONS] = { -20, -3.25, -1.5, -0.75, 0.5, 1, 2.25, 7, 20 },
    [INSIDE] = { -1, -0.75, -0.5, 0.25, 0.5, 0.9375, 1 },
    [POSITIVE] = { 0.125, 0.75, 1, 1.5, 2, 10, 1000, 2 ^ 40 },
  }

  for functions, points in pairs(POINTS) do
    for name, f in pairs(functions) do
      it(name .. " is right for both float types", function()
        local expected = {}
        for i, x in ipairs(points) do expected[i] = f(x) end
        for dtype, tolerance in pairs { float32 = 6e-8, float64 = 4e-15 } do
          local t = fnet.tensor(points, dtype)
          assert.equal(dtype, t[name](t).dtype)
          near({ #points }, expected, t[name](t), tolerance)
        end
      end)
    end
  end

  it("keep all digits where a formula would lose them", function()
    for _, name in ipairs { "sin", "tan", "asin", "atan", "sinh", "expm1", "log1p" } do
      for _, x in ipairs { 2 ^ -149, -2 ^ -40, 2 ^ -13, -0.0 } do
        local expected = x
        if name == "expm1" then expected = single(x + x * x / 2) end
        if name == "log1p" then expected = single(x - x * x / 2) end
        assert.equal(expected, value(name, x), name)
      end
      assert.equal(-INFINITY, 1 / value(name, -0.0), name)
    end
    assert.equal(-149, value("log2", 2 ^ -149))
    for exponent = 0, 10 do assert.equal(exponent, value("log10", 10.0 ^ exponent)) end
    for exponent = -149, 127 do assert.equal(2.0 ^ exponent, value("exp2", exponent)) end
    assert.equal(INFINITY, value("exp2", 128))
  end)

  it("know how often a turn goes into a large number", function()
    for x, sines in pairs { -- by arithmetic of 200 digits
      [2.0 ^ 24] = { -0.779563673, 0.626322983 }, [1e10] = { -0.487506025, 0.873119623 },
      [2.0 ^ 127] = { 0.623385513, 0.781914639 }, [16367173 * 2.0 ^ 72] = { 1, -1.6147698e-9 },
    } do
      near({ 2 }, sines, fnet.concat { fnet.tensor({ x }):sin(), fnet.tensor({ x }):cos() }, 1e-7)
    end
    assert.is_true(math.abs(value("cos", 16367173 * 2.0 ^ 72) / -1.6147698e-9 - 1) < 1e-7)
    for _, name in ipairs { "sin", "cos", "tan" } do
      for _, x in ipairs { INFINITY, -INFINITY, NAN } do assert.is_true(value(name, x) ~= value(name, x)) end
    end
  end)

  it("atan2 gives the angle of a point, also of zeros and infinities", function()
    local quarter = math.pi / 4
    for _, case in ipairs {
      { 1, 1, quarter }, { 1, -1, 3 * quarter }, { -1, -1, -3 * quarter }, { 0.0, -1, math.pi },
      { -0.0, -1, -math.pi }, { 0.0, 0.0, 0 }, { 0.0, -0.0, math.pi }, { INFINITY, INFINITY, quarter },
      { -INFINITY, 1e30, -2 * quarter },
      { 1e-30, 1e30, 0 }, { 3, 4, 0.6435011087932844 }, { 1e30, -1e-30, 2 * quarter },
    } do
      for _, dtype in ipairs { "float32", "float64" } do
        local a, b = fnet.tensor({ case[1] }, dtype), fnet.tensor({ case[2] }, dtype)
        near({ 1 }, { case[3] }, a:atan2(b), 1e-7)
        near({ 1 }, { case[3] }, a:atan2(case[2]), 1e-7)
      end
    end
    assert.equal(2, (fnet.tensor { NAN, 1 }):atan2(fnet.tensor { 1, NAN }):isnan():sum():item())
    local whole = fnet.tensor({ { 1 }, { 4 } }, "uint8"):atan2(fnet.tensor({ 2, 3 }, "int32"))
    near({ 2, 2 }, { math.atan(1, 2), math.atan(1, 3), math.atan(4, 2), math.atan(4, 3) }, whole, 6e-8)
  end)

  it("have slopes that are right at edges", function()
    local function slope(f, x)
      local t = fnet.tensor { x }
      t.requires_grad = true
      f(t):sum():backward()
      return t.grad[1]
    end
    local methods = core.methods
    assert.equal(INFINITY, slope(methods.asin, 1))
    assert.equal(-INFINITY, slope(methods.acos, -1))
    assert.equal(-INFINITY, 1 / slope(methods.cos, 0.0)) -- minus the sine of 0
    assert.near(math.exp(-60), slope(methods.expm1, -60), 1e-32)
    assert.equal(1, slope(methods.log1p, 2 ^ -149))
    for _, size in ipairs { 1e-30, 1, 1e30 } do -- whose squares float32 does not hold
      local a, b = fnet.tensor { 3 * size, 0 }, fnet.tensor { 4 * size, 0 }
      a.requires_grad, b.requires_grad = true, true
      a:atan2(b):sum():backward()
      assert.is_true(math.abs(a.grad[1] * size - 0.16) < 1e-7)
      assert.is_true(math.abs(b.grad[1] * size + 0.12) < 1e-7)
      assert.same({ 0, 0 }, { a.grad[2], b.grad[2] })
    end
  end)

  it("give the same bits everywhere", function()
    fnet.seed(11)
    local size = fnet.randn({ 3001 }) * (fnet.rand({ 3001 }, -140, 127) * math.log(2)):exp()
    assert.same_everywhere(function()
      local digests = {}
      for _, functions in ipairs { FUNCTIONS, INSIDE, POSITIVE } do
        for name in pairs(functions) do
          for _, x in ipairs { size, fnet.tensor { 0.3, -0.0, 1e30, INFINITY }, size:slice(1, 1, 17) } do
            local y = core.methods[name](x)
            digests[#digests + 1] = name .. fnet.sha256(fnet.where(y:isnan(), 0, y))
          end
        end
      end
      table.sort(digests)
      return table.concat(digests, " "), size:atan2(size:slice(1, 7, 7)):bytes()
    end, { 1, 3 })
  end)
end)

describe("whole numbers", function()
  local POINTS <const> = { -2.5, -1.5, -1.25, -0.5, -0.0, 0.5, 0.75, 1.5, 2.5, 3, 8388607.5, -INFINITY }
  local WHOLE <const> = {
    floor = { -3, -2, -2, -1, -0.0, 0, 0, 1, 2, 3, 8388607, -INFINITY },
    ceil = { -2, -1, -1, -0.0, -0.0, 1, 1, 2, 3, 3, 8388608, -INFINITY },
    round = { -2, -2, -1, -0.0, -0.0, 0, 1, 2, 2, 3, 8388608, -INFINITY },
    trunc = { -2, -1, -1, -0.0, -0.0, 0, 0, 1, 2, 3, 8388607, -INFINITY },
  }

  for name, expected in pairs(WHOLE) do
    it("by " .. name, function()
      for _, dtype in ipairs { "float32", "float64" } do
        local t = fnet.tensor(POINTS, dtype)
        holds({ #POINTS }, expected, t[name](t), dtype)
      end
      assert.is_true(value(name, NAN) ~= value(name, NAN))
      holds({ 2 }, { BIG, -3 }, core.methods[name](fnet.tensor({ BIG, -3 }, "int32")), "int32")
      holds({ 1 }, { 200 }, core.methods[name](fnet.tensor({ 200 }, "uint8")), "uint8")
    end)
  end

  it("have the slope 0", function()
    for name in pairs(WHOLE) do
      local t = fnet.tensor { 0.3, 2, -7.5 }
      t.requires_grad = true;
      (t[name](t) * 5):sum():backward()
      assert.same({ 0, 0, 0 }, t.grad:totable())
    end
  end)
end)

describe("properties", function()
  it("are 1 or 0, never on the tape", function()
    local values = { 1, INFINITY, -INFINITY, NAN, -0.0 }
    for _, dtype in ipairs { "float32", "float64" } do
      local t = fnet.tensor(values, dtype)
      t.requires_grad = true
      holds({ 5 }, { 0, 0, 0, 1, 0 }, t:isnan(), dtype)
      holds({ 5 }, { 0, 1, 1, 0, 0 }, t:isinf(), dtype)
      holds({ 5 }, { 1, 0, 0, 0, 1 }, t:isfinite(), dtype)
      assert.is_false(t:isnan().requires_grad)
    end
    for _, integers in ipairs { fnet.tensor({ { BIG, -3 } }, "int32"), fnet.tensor({ { 255, 0 } }, "uint8") } do
      holds({ 1, 2 }, { 0, 0 }, integers:isnan())
      holds({ 1, 2 }, { 0, 0 }, integers:isinf())
      holds({ 1, 2 }, { 1, 1 }, integers:isfinite())
    end
  end)
end)

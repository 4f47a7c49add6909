--- Reductions and softmax along every axis: against loops in plain Lua.

local fnet = require "fnet"
local support = require "tests.support"

local holds, near, single, flat = support.holds, support.near, support.single, support.flat
local DTYPES = { "float32", "float64", "uint8", "int32" }
local NAN, INFINITY = 0 / 0, math.huge

-- What a float of this type makes of x.
local function rounded(x, dtype) return dtype == "float64" and x or single(x) end

local function is_nan(x) return x ~= x end

describe("reductions", function()
  local SHAPES = { { 1 }, { 5 }, { 40 }, { 2, 3 }, { 17, 5 }, { 5, 33 }, { 2, 3, 4 }, { 3, 1, 20 }, { 2, 2, 2, 2 } }

  -- The shape without the axis (or with length 1 in its place), and for each result the elements it is made of.
  local function groups(t, axis, keep)
    local shape, values, members, result = t.shape, flat(t), {}, {}
    for k = 1, #shape do
      if axis and k ~= axis then result[#result + 1] = shape[k]
      elseif keep then result[#result + 1] = 1 end
    end
    local kept = {}
    for k = 1, #shape do kept[k] = (axis and k ~= axis) and shape[k] or 1 end
    support.each(shape, function(index, k)
      local at = support.position(kept, index)
      members[at] = members[at] or {}
      table.insert(members[at], values[k])
    end)
    return result, members
  end

  local function best(better)
    return function(values)
      local at = 1
      for i = 2, #values do if better(values[i], values[at]) then at = i end end
      return at, values[at]
    end
  end
  local largest = best(function(a, b) return a > b end)
  local smallest = best(function(a, b) return a < b end)
  local function total(values)
    local sum = 0
    for _, value in ipairs(values) do sum = sum + value end
    return sum
  end
  local REDUCTIONS = {
    sum = total,
    mean = function(values) return total(values) / #values end,
    max = function(values) return select(2, largest(values)) end,
    min = function(values) return select(2, smallest(values)) end,
    argmax = function(values) return (largest(values)) end,
    argmin = function(values) return (smallest(values)) end,
  }

  for name, f in pairs(REDUCTIONS) do
    it(name .. " agrees with a loop: every axis, every type, views, with and without keep", function()
      fnet.seed(3)
      for _, base in ipairs(SHAPES) do
        for _, dtype in ipairs(DTYPES) do
          -- Small whole numbers: sums are exact, and ties are frequent.
          local t = fnet.rand(base, 0, 9):int():to(dtype)
          if dtype ~= "uint8" then t = (t - 4):to(dtype) end
          for _, view in ipairs { t, #base > 1 and t:transpose(1, #base) or t:slice(1, 1, 1) } do
            for axis = 0, #base do
              for _, keep in ipairs { false, true } do
                local shape, members = groups(view, axis > 0 and axis or nil, keep)
                local expected = {}
                for i, values in ipairs(members) do
                  expected[i] = f(values)
                  if name == "mean" then expected[i] = rounded(expected[i], dtype) end
                end
                local wanted = dtype == "float64" and dtype or "float32"
                if name:find "^arg" or name == "sum" and not dtype:find "float" then wanted = "int32" end
                if name == "max" or name == "min" then wanted = dtype end
                holds(shape, expected, view[name](view, axis > 0 and axis or nil, keep), wanted)
              end
            end
          end
        end
      end
    end)
  end

  it("of rank 0 are the element itself", function()
    for name in pairs(REDUCTIONS) do
      local t = fnet.tensor(7)
      holds({}, { name:find "^arg" and 1 or 7 }, t[name](t), name:find "^arg" and "int32" or "float32")
    end
  end)

  it("sum and mean of nothing are 0 and NaN", function()
    holds({}, { 0 }, fnet.zeros({ 0 }):sum())
    holds({ 3 }, { 0, 0, 0 }, fnet.zeros({ 0, 3 }):sum(1))
    holds({ 3 }, { 0, 0, 0 }, fnet.zeros({ 3, 0 }):sum(2))
    holds({ 3, 1 }, { 0, 0, 0 }, fnet.zeros({ 3, 0 }, "uint8"):sum(2, true), "int32")
    holds({ 0 }, {}, fnet.zeros({ 0, 3 }):sum(2))
    assert.is_true(is_nan(fnet.zeros({ 0 }):mean():item()))
    assert.is_true(is_nan(fnet.zeros({ 0, 2 }):mean(1)[2]))
  end)

  it("others of nothing are empty where they have nothing to answer", function()
    for _, name in ipairs { "max", "min", "argmax", "argmin" } do
      local t = fnet.zeros { 0, 3 }
      assert.same({ 0 }, t[name](t, 2).shape)
      assert.same({ 0 }, t:T()[name](t:T(), 1).shape)
    end
  end)

  it("max and min pass a NaN on, argmax and argmin find the first one", function()
    for _, n in ipairs { 1, 2, 5, 16, 17, 33, 100 } do
      for at = 1, n do
        local t = fnet.arange(1, n)
        t[at] = NAN
        assert.is_true(is_nan(t:max():item()))
        assert.is_true(is_nan(t:reshape({ n, 1 }):expand({ n, 3 }):min(1)[2]))
        assert.equal(at, t:argmax():item())
        assert.equal(at, t:argmin():item())
      end
    end
  end)

  it("know infinities", function()
    local t = fnet.tensor { -INFINITY, 1, INFINITY }
    assert.equal(INFINITY, t:max():item())
    assert.equal(-INFINITY, t:min():item())
    assert.equal(-INFINITY, fnet.full({ 20 }, -INFINITY):max():item())
    assert.equal(INFINITY, fnet.full({ 20 }, INFINITY):min():item())
    assert.is_true(is_nan(t:sum():item()))
  end)

  it("ties go to the first", function()
    local t = fnet.ones { 3, 40 }
    holds({ 3 }, { 1, 1, 1 }, t:argmax(2), "int32")
    holds({}, { 1 }, t:argmin(), "int32")
  end)

  it("a long sum keeps its accuracy", function()
    local n = 1000000
    near({}, { n * single(0.1) }, fnet.full({ n }, 0.1):sum(), 1e-6)
    assert.equal(16777216, fnet.ones({ 16777216 // 4, 4 }):sum():item())
  end)

  it("sums are exact for whole numbers within 2^24, whatever their order", function()
    local n = 5792
    assert.equal(n * (n + 1) // 2, fnet.arange(1, n):sum():item())
  end)
end)

describe("softmax", function()
  local function naive(values)
    local most, sum, result = -INFINITY, 0, {}
    for _, x in ipairs(values) do most = math.max(most, x) end
    for i, x in ipairs(values) do
      result[i] = math.exp(x - most)
      sum = sum + result[i]
    end
    for i = 1, #result do result[i] = result[i] / sum end
    return result
  end

  it("agrees with a loop along every axis", function()
    fnet.seed(4)
    for _, shape in ipairs { { 1 }, { 7 }, { 33 }, { 3, 5 }, { 20, 3 }, { 2, 3, 4 }, { 2, 18, 2, 3 } } do
      for _, dtype in ipairs { "float32", "float64" } do
        local t = fnet.randn(shape, 0, 3, dtype)
        for axis = 1, #shape do
          local y = t:softmax(axis)
          assert.same(shape, y.shape)
          assert.equal(dtype, y.dtype)
          local function rows(x)
            if #shape > 1 then x = x:transpose(axis, #shape) end
            return x:reshape { -1, shape[axis] }
          end
          local from, to = rows(t), rows(y)
          for i = 1, #from do
            near({ shape[axis] }, naive(from[i]:totable()), to[i], dtype == "float32" and 3e-7 or 1e-14)
          end
        end
      end
    end
  end)

  it("is the last axis by default", function()
    local t = fnet.randn { 3, 4 }
    assert.is_true(t:softmax():equal(t:softmax(2)))
    assert.is_false(t:softmax():equal(t:softmax(1)))
  end)

  it("is stable for any finite input", function()
    local huge = { 1e38, -1e38, 3.4e38, -3.4e38, 0 }
    holds({ 5 }, { 0, 0, 1, 0, 0 }, fnet.tensor(huge):softmax())
    holds({ 2, 2 }, { 0.5, 0.5, 0.5, 0.5 }, fnet.tensor({ { 1e38, 1e38 }, { -1e38, -1e38 } }):softmax())
    holds({ 3 }, { 0, 1, 0 }, fnet.tensor({ -1e38, 1e38, -1e38 }):softmax())
    near({ 3 }, naive { 1000, 1001, 1002 }, fnet.tensor({ 1000, 1001, 1002 }):softmax(), 1e-7)
    holds({ 20 }, flat(fnet.full({ 20 }, single(0.05))), fnet.full({ 20 }, -3.4e38):softmax())
    holds({ 2 }, { 1, 0 }, fnet.tensor({ 1.7e308, -1.7e308 }, "float64"):softmax(), "float64")
  end)

  it("leaves its operand alone, and knows empty ones", function()
    local t = fnet.tensor { 1, 2 }
    t:softmax()
    holds({ 2 }, { 1, 2 }, t)
    holds({ 0, 3 }, {}, fnet.zeros({ 0, 3 }):softmax())
    holds({ 3, 0 }, {}, fnet.zeros({ 3, 0 }):softmax())
    holds({ 0, 3 }, {}, fnet.zeros({ 0, 3 }):softmax(1))
    holds({ 2, 1 }, { 1, 1 }, fnet.randn({ 2, 1 }):softmax())
  end)
end)

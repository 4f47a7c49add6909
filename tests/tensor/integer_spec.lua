--- Whole numbers that float32 does not hold: int32 keeps them, or an operation refuses them; never another number.

local fnet = require "fnet"
local support = require "tests.support"

local holds, raises = support.holds, support.raises

-- Beyond 2^24 float32 holds every second whole number only.
local BIG <const> = 16777217
local MOST <const>, LEAST <const> = 2147483647, -2147483648

local function int(values) return fnet.tensor(values, "int32") end

describe("int32 keeps every digit", function()
  local t = int { { BIG, -BIG, 3 }, { BIG + 1, MOST, LEAST } }

  it("of the largest and the smallest element", function()
    holds({}, { MOST }, t:max(), "int32")
    holds({}, { LEAST }, t:min(), "int32")
    holds({ 2 }, { BIG, MOST }, t:max(2), "int32")
    holds({ 1, 3 }, { BIG, -BIG, LEAST }, t:min(1, true), "int32")
    holds({ 3 }, { 2, 2, 1 }, t:argmax(1), "int32")
    holds({}, { MOST }, t:transpose():slice(1, 1, 2):max(), "int32")
    assert.equal("integer", math.type(t:max():item()))
    holds({}, { 200 }, fnet.tensor({ 7, 200 }, "uint8"):max(), "uint8")
  end)

  it("of sums, or says that they are too large", function()
    holds({ 2 }, { 3, BIG }, t:sum(2), "int32")
    holds({}, { 2 * BIG + 1 }, int { BIG, BIG + 1 }:sum(), "int32")
    holds({}, { 255 * 300000 }, fnet.full({ 300000 }, 255, "uint8"):sum(), "int32")
    holds({}, { MOST }, int { MOST, MOST, LEAST, 1 }:sum(), "int32") -- what is added on the way may be larger
    raises("sum: 2147483648.0 is outside int32, in which whole numbers are added; use t:double():sum()",
      function() int({ MOST, 1 }):sum() end)
    raises("sum: -2147483649.0 is outside int32, in which whole numbers are added; use t:double():sum()",
      function() int({ { 0, LEAST }, { 0, -1 } }):sum(1) end)
    assert.equal(MOST + 1, int({ MOST, 1 }):double():sum():item())
  end)

  it("of means, deviations and norms, which are rounded once", function()
    holds({}, { BIG + 3 }, int { BIG + 1, BIG + 5 }:mean())
    holds({ 2 }, { 1, support.single((BIG + MOST + LEAST + 1) / 3) }, t:mean(2))
    assert.equal(2 ^ 0.5, int { BIG, BIG + 2 }:double():std():item())
    holds({}, { support.single(2 ^ 0.5) }, int { BIG, BIG + 2 }:std())
    holds({}, { 5 }, int { 3, 4 }:norm())
    holds({}, { 2 }, fnet.tensor({ 1, 3 }, "uint8"):var())
  end)

  it("of the larger and the smaller of two, and of clamp", function()
    holds({ 2 }, { BIG, 5 }, int { BIG, -7 }:maximum(5), "int32")
    holds({ 2 }, { 5, -7 }, int { BIG, -7 }:minimum(5.0), "int32")
    holds({ 2 }, { BIG, BIG + 2 }, int { BIG, -7 }:maximum(int { 1, BIG + 2 }), "int32")
    holds({ 2 }, { BIG, 255 }, int { BIG, -7 }:maximum(fnet.tensor({ 1, 255 }, "uint8")), "int32")
    holds({ 3 }, { BIG, BIG + 1, BIG + 2 }, int { 0, BIG + 1, MOST }:clamp(BIG, BIG + 2), "int32")
    holds({ 3 }, { 0, BIG, MOST }, int { LEAST, BIG, MOST }:clamp(0, math.huge), "int32")
    holds({ 3 }, { LEAST, BIG, BIG }, int { LEAST, BIG, MOST }:clamp(-1e12, BIG), "int32")
    holds({ 2 }, { 0.5, 1.5 }, int { -3, 7 }:clamp(0.5, 1.5))
    raises("maximum: element 2 is 16777217, which float32 cannot hold exactly; use :double()",
      function() int({ 1, BIG }):maximum(0.5) end)
    holds({ 1 }, { BIG }, int { BIG }:double():maximum(0.5), "float64")
  end)

  it("of where", function()
    local chosen = fnet.where(int { BIG, 0 }, int { BIG, 1 }, int { 2, -BIG })
    holds({ 2 }, { BIG, -BIG }, chosen, "int32")
    holds({ 2 }, { BIG, 0 }, fnet.where(fnet.tensor { 1, 0 }, int { BIG, 1 }, 0), "int32")
    holds({ 2 }, { BIG, 0.5 }, fnet.where(fnet.tensor { 1, 0 }, int({ BIG, 1 }):double(), 0.5), "float64")
    raises("where: element 1 is 16777217, which float32 cannot hold exactly; use :double()",
      function() fnet.where(fnet.tensor({ 1, 0 }), int({ BIG, 1 }), 0.5) end)
    holds({ 2 }, { 1, 0 }, fnet.where(int { BIG, 0 }, 1, 0)) -- any condition will do
  end)

  it("of comparisons, with integers, numbers and floats", function()
    local a = int { BIG, BIG - 1, MOST }
    holds({ 3 }, { 1, 0, 0 }, a:eq(BIG))
    holds({ 3 }, { 0, 1, 0 }, a:eq(fnet.full({ 3 }, BIG - 1)))
    holds({ 3 }, { 0, 1, 0 }, a:lt(BIG))
    holds({ 3 }, { 1, 1, 0 }, a:le(BIG))
    holds({ 3 }, { 0, 0, 1 }, a:gt(int { BIG, BIG, MOST - 1 }))
    holds({ 3 }, { 1, 0, 1 }, a:ge(BIG))
    holds({ 3 }, { 0, 1, 1 }, a:ne(BIG))
    assert.is_false(a:equal(int { BIG - 1, BIG - 1, MOST }))
    assert.is_true(a:equal(int { BIG, BIG - 1, MOST }))
  end)
end)

describe("int32 in arithmetic", function()
  it("gives float32, as long as that is exact", function()
    holds({ 2 }, { BIG - 1, -6 }, int { BIG - 2, -7 } + 1)
    holds({ 2 }, { 2 * (BIG + 1), -14 }, int { BIG + 1, -7 } * 2) -- a multiple of 4, so float32 holds it
    holds({ 2 }, { 0, 1 }, int { MOST, 7 } - int { MOST, 6 })
    holds({ 2 }, { 2.5, -3.5 }, int { 5, -7 } / 2)
    holds({ 2 }, { 2.5, -3.5 }, int { 5, -7 } * 0.5)
    holds({ 1 }, { 2 }, int { 4 }:sqrt())
    holds({ 1 }, { 16 }, int { 4 } ^ 2)
  end)

  it("refuses a result that is not, and an element on its way to float32", function()
    raises("add: result 1 is 16777217, which float32 cannot hold exactly; use :double()",
      function() return int({ BIG - 1, 1 }) + 1 end)
    raises("mul: result 2 is 30000007, which float32 cannot hold exactly; use :double()",
      function() return int({ 1, 30000007 }) * int({ 1, 1 }) end)
    raises("sub: result 1 is -16777217, which float32 cannot hold exactly; use :double()",
      function() return 1 - int({ BIG + 1 }) end)
    raises("add: element 1 is 16777217, which float32 cannot hold exactly; use :double()",
      function() return int({ BIG }) + fnet.ones({ 1 }) end)
    raises("div: element 1 is 2147483647, which float32 cannot hold exactly; use :double()",
      function() return int({ MOST }) / 2 end)
    raises("neg: element 1 is -16777217, which float32 cannot hold exactly; use :double()",
      function() return -int({ -BIG }) end)
    raises("sqrt: element 1 is 16777217, which float32 cannot hold exactly; use :double()",
      function() return int({ BIG }):sqrt() end)
  end)

  it("is exact in float64, and rounds where a script says so", function()
    holds({ 1 }, { BIG + 1 }, int({ BIG }):double() + 1, "float64")
    holds({ 1 }, { BIG + 0.5 }, int({ BIG }) + fnet.full({ 1 }, 0.5, "float64"), "float64")
    holds({ 1 }, { BIG - 1 }, int({ BIG }):float())
  end)
end)

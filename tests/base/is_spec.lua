--- Questions about values.

local fnet = require "fnet"
local core = require "fnet.core"
local is = require "fnet.base.is"

describe("a value", function()
  it("is a float only as a tensor of one of the two types", function()
    for dtype, float in pairs { float32 = true, float64 = true, uint8 = false, int32 = false } do
      assert.equal(float, is.float(fnet.zeros({ 2 }, dtype)))
      assert.equal(#fnet.zeros({ 1 }, dtype):bytes(), core.dtypes[dtype].size)
    end
    for _, value in ipairs { 1.5, "float32", {} } do assert.is_false(is.float(value)) end
    assert.is_false(is.float(nil))
  end)
end)

describe("a tensor", function()
  it("is like another one with its type and shape", function()
    local t = fnet.zeros { 2, 3 }
    assert.is_true(is.alike(fnet.ones { 2, 3 }, t))
    for _, other in ipairs { fnet.zeros { 3, 2 }, fnet.zeros({ 2, 3 }, "float64"), fnet.zeros { 6 }, 5, {} } do
      assert.is_false(is.alike(other, t))
    end
    assert.is_false(is.alike(nil, t))
  end)
end)

describe("two shapes", function()
  it("are the same with the same lengths in the same order", function()
    assert.is_true(is.same_shape({}, {}))
    assert.is_true(is.same_shape({ 2, 3 }, { 2, 3 }))
    for _, other in ipairs { {}, { 2 }, { 3, 2 }, { 2, 3, 1 }, { 2, 4 } } do
      assert.is_false(is.same_shape({ 2, 3 }, other))
      assert.is_false(is.same_shape(other, { 2, 3 }))
    end
  end)

  it("may differ in their last lengths", function()
    assert.is_true(is.same_shape({ 2, 3 }, { 2, 4 }, 1))
    assert.is_false(is.same_shape({ 2, 3 }, { 3, 3 }, 1))
    assert.is_false(is.same_shape({ 2, 3 }, { 2 }, 1))
  end)
end)

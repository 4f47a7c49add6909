--- Questions about values.

local is = require "fnet.base.is"

describe("two shapes", function()
  it("are the same with the same lengths in the same order", function()
    assert.is_true(is.same_shape({}, {}))
    assert.is_true(is.same_shape({ 2, 3 }, { 2, 3 }))
    for _, other in ipairs { {}, { 2 }, { 3, 2 }, { 2, 3, 1 }, { 2, 4 } } do
      assert.is_false(is.same_shape({ 2, 3 }, other))
      assert.is_false(is.same_shape(other, { 2, 3 }))
    end
  end)
end)

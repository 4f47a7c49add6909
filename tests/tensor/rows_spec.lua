--- Rows of a tensor in loops, elements by index, and tensors that end with their block.

local fnet = require "fnet"
local support = require "tests.support"
local raises, holds = support.raises, support.holds

local function collect(iterator, ...)
  local list = {}
  for i, row in iterator, ... do list[#list + 1] = { i, fnet.is_tensor(row) and row:totable() or row } end
  return list
end

describe("a loop over a tensor", function()
  local t = fnet.tensor { { 1, 2 }, { 3, 4 }, { 5, 6 } }

  it("goes over the rows and ends behind the last one", function()
    local rows = { { 1, { 1, 2 } }, { 2, { 3, 4 } }, { 3, { 5, 6 } } }
    assert.same(rows, collect(ipairs(t)))
    assert.same(rows, collect(pairs(t)))
    assert.same({ { 1, 7 }, { 2, 8 } }, collect(ipairs(fnet.tensor({ 7, 8 }, "int32"))))
    assert.same({}, collect(ipairs(fnet.zeros { 0, 3 })))
  end)

  it("keeps gradients", function()
    local x = fnet.ones { 2, 2 }
    x.requires_grad = true
    local sum = 0
    for i, row in ipairs(x) do sum = sum + (row * i):sum() end
    sum:backward()
    assert.same({ { 1, 1 }, { 2, 2 } }, x.grad:totable())
  end)

  it("is the only one that learns where the rows end", function()
    raises("index: expected a whole number from 1 to 3, got 4", function() return t[4] end)
    raises("index: expected a whole number from 1 to 3, got 4", function() for i = 1, 4 do local _ = t[i] end end)
    raises("index: expected a whole number from 1 to 3, got 0", function() return t[0] end)
    raises("index: a tensor of shape [] has no rows; its value is t:item()",
      function() return ipairs(t:sum())(t:sum(), 0) end)
  end)
end)

describe("a tensor that is declared with <close>", function()
  it("is released at the end of its block", function()
    local outer
    do
      local t <close> = fnet.ones { 3 }
      outer = t
      assert.equal(3, t:sum():item())
    end
    assert.is_false(pcall(outer.sum, outer))
  end)
end)

describe("take_along_axis", function()
  local t = fnet.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
  local function int(values) return fnet.tensor(values, "int32") end

  it("takes one element of each row, or several", function()
    holds({ 2, 1 }, { 3, 4 }, t:take_along_axis(int { { 3 }, { 1 } }))
    holds({ 2, 2 }, { 2, 2, 6, 4 }, t:take_along_axis(int { { 2, 2 }, { 3, 1 } }, 2))
    holds({ 1, 3 }, { 4, 2, 6 }, fnet.take_along_axis(t, int { { 2, 1, 2 } }, 1))
    holds({ 2, 0 }, {}, t:take_along_axis(fnet.zeros({ 2, 0 }, "int32")))
  end)

  it("is that of every element, along every axis, of every type and of views", function()
    fnet.seed(2)
    for _, dtype in ipairs { "float32", "float64", "int32", "uint8" } do
      local x = (fnet.rand { 4, 3, 2 } * 100):int():to(dtype):transpose(1, 3) -- [2, 3, 4]
      for axis = 1, 3 do
        local shape = { 2, 3, 4 }
        shape[axis] = 5
        local index = (fnet.rand(shape) * x.shape[axis]):int()
        index = (index + 1):byte()
        local y = x:take_along_axis(index, axis)
        assert.same(shape, y.shape)
        assert.equal(dtype, y.dtype)
        support.each(shape, function(place)
          local from = { table.unpack(place) }
          from[axis] = index:get(table.unpack(place))
          assert.equal(x:get(table.unpack(from)), y:get(table.unpack(place)))
        end)
      end
    end
  end)

  it("gives the gradient of a repeated element the sum, in the same bits everywhere", function()
    local places = int { { 2, 2, 1 }, { 3, 3, 3 } }
    local x = t:clone()
    x.requires_grad = true
    x:take_along_axis(places):mul(fnet.tensor { { 1, 10, 100 }, { 1, 2, 3 } }):sum():backward()
    assert.same({ { 100, 11, 0 }, { 0, 0, 6 } }, x.grad:totable())
    assert.same_everywhere(function()
      fnet.seed(4)
      local large = fnet.randn { 300, 40 }
      large.requires_grad = true
      local index = ((fnet.rand { 300, 50 } * 40):int() + 1):int();
      (large:take_along_axis(index) * fnet.randn { 300, 50 }):sum():backward()
      return fnet.sha256(large.grad)
    end, { 1, 3 })
  end)
end)

describe("a matrix product of batches", function()
  it("is that of each pair of matrices, whatever the axes before them", function()
    fnet.seed(8)
    for _, shapes in ipairs {
      { { 2, 3, 4, 5 }, { 2, 3, 5, 2 } }, { { 2, 1, 4, 5 }, { 3, 5, 2 } }, { { 4, 5 }, { 2, 3, 5, 2 } },
      { { 3, 4, 5 }, { 5, 2 } }, { { 1, 1, 3, 1, 4, 5 }, { 2, 1, 2, 5, 1 } }, { { 2, 0, 4, 5 }, { 2, 1, 5, 3 } },
    } do
      local a, b = fnet.randn(shapes[1]), fnet.randn(shapes[2])
      local product = a:matmul(b)
      local lead = (a:select(a.rank, 1):select(a.rank - 1, 1) + b:select(b.rank, 1):select(b.rank - 1, 1)).shape
      local shape = { table.unpack(lead) }
      shape[#shape + 1], shape[#shape + 2] = a.shape[a.rank - 1], b.shape[b.rank]
      assert.same(shape, product.shape)
      local function matrix(t, index)
        local first = #index - (t.rank - 2)
        for axis = 1, t.rank - 2 do t = t:select(1, t.shape[1] == 1 and 1 or index[first + axis]) end
        return t
      end
      support.each(lead, function(index)
        assert.is_true(matrix(product, index):equal(matrix(a, index):matmul(matrix(b, index))))
      end)
    end
  end)

  it("takes views, and a vector for a row or a column", function()
    local a, b = fnet.randn { 2, 3, 4, 5 }, fnet.randn { 2, 3, 4, 5 }
    assert.is_true(a:matmul(b:T()):equal(a:matmul(b:T():contiguous())))
    assert.is_true(a:transpose(1, 2):matmul(b:transpose(1, 2):T()):equal(a:matmul(b:T()):transpose(1, 2)))
    holds({ 2, 1, 2 }, { 0, 0, 0, 0 }, fnet.zeros({ 2, 1, 0 }):matmul(fnet.zeros { 0, 2 }))
    local v = fnet.randn { 5 }
    assert.is_true(a:matmul(v):equal(a:matmul(v:reshape { 5, 1 }):squeeze(4)))
    assert.is_true(v:matmul(b:T()):equal(v:reshape({ 1, 5 }):matmul(b:T()):squeeze(3)))
    assert.same({ 2, 3, 4 }, a:matmul(v).shape)
  end)
end)

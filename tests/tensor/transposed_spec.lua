--- Operations on operands that lie across the result, which are turned tile by tile: they give the bits of copies
-- that lie straight.

local fnet = require "fnet"
require "fnet.testing"

-- Around the sides of a tile: 64 elements of float32, 32 of float64.
local SIZES = { { 2, 2 }, { 1, 70 }, { 70, 1 }, { 3, 65 }, { 31, 33 }, { 64, 64 }, { 65, 127 }, { 130, 67 } }

local function each_size(f)
  for _, dtype in ipairs { "float32", "float64" } do
    for _, size in ipairs(SIZES) do f(size[1], size[2], dtype) end
  end
end

local function same(expected, got) assert.equal(fnet.sha256(expected), fnet.sha256(got)) end

describe("a transposed operand", function()
  it("gives what its copy gives, alone, left and right", function()
    each_size(function(rows, columns, dtype)
      local x = fnet.randn { columns, rows }:to(dtype):transpose()
      local y = fnet.randn { rows, columns }:to(dtype)
      local copy = x:contiguous()
      same(-copy, -x)
      same(copy:exp(), x:exp())
      same(copy - y, x - y)
      same(y - copy, y - x)
      same(copy / copy, x / x)
      same(copy - 2, x - 2)
      same(3 - copy, 3 - x)
    end)
  end)

  it("meets operands that are repeated, or that leave elements out", function()
    each_size(function(rows, columns, dtype)
      local x = fnet.randn { columns, rows }:to(dtype):transpose()
      local copy = x:contiguous()
      local row, column = fnet.randn { columns }:to(dtype), fnet.randn { rows, 1 }:to(dtype)
      local sparse = fnet.randn { rows, columns, 2 }:to(dtype):select(3, 2)
      same(copy - row, x - row)
      same(column - copy, column - x)
      same(copy - sparse, x - sparse)
      same(fnet.where(copy:gt(0), sparse, column), fnet.where(x:gt(0), sparse, column))
      same(fnet.where(copy:gt(0), copy, row), fnet.where(x:gt(0), x, row))
    end)
  end)

  it("may be a part of a larger one, and one of a batch", function()
    local whole = fnet.randn { 3, 140, 90 }
    local x = whole:slice(2, 5, 133):slice(3, 2, 70):transpose()
    local y = fnet.randn { 3, 69, 129 }
    same(x:contiguous() - y, x - y)
    same(y * x:contiguous(), y * x)
    same(x:contiguous():select(1, 2) - y, x:select(1, 2) - y)
    local turned = whole:transpose(1, 3)
    same(turned:contiguous():exp(), turned:exp())
  end)

  it("gives the same bits everywhere", function()
    assert.same_everywhere(function()
      fnet.seed(4)
      local x = fnet.randn { 5, 200, 130 }
      return fnet.sha256(x:transpose():tanh() - x:reshape { 5, 130, 200 })
    end)
  end)
end)

--- How numbers are counted over equal parts of their range, against a count one by one.

local fnet = require "fnet"
local count_in = require "fnet.measure.counts"

-- The same in plain Lua, in double too.
local function expected(list, low, high, bins)
  local counts, scale = {}, bins / (high / 2 - low / 2)
  for bin = 1, bins do counts[bin] = 0 end
  for _, value in ipairs(list) do
    local bin = math.min(bins, math.floor((value / 2 - low / 2) * scale) + 1)
    counts[bin] = counts[bin] + 1
  end
  return counts
end

describe("numbers in equal bins", function()
  it("are counted as one by one", function()
    fnet.seed(4)
    local list = fnet.randn({ 3000 }, 0, 1, "float64") * 16
    for _, values in ipairs { list, list:int():to "float64" } do -- many of the whole ones lie on an edge
      local low, high = values:min():item(), values:max():item()
      for _, bins in ipairs { 1, 2, 7, 32 } do
        assert.same(expected(values:totable(), low, high, bins), count_in(values, low, high, bins))
      end
    end
  end)

  it("are counted of equal numbers, of few, of many, and of very large ones", function()
    assert.same({ 3, 0, 0 }, count_in(fnet.full({ 3 }, 2), 2, 2, 3))
    assert.same({ 1 }, count_in(fnet.tensor { 5 }, 5, 5, 1))
    assert.same({ 1, 1, 1, 1 }, count_in(fnet.tensor { 3, 0, 1, 2 }, 0, 3, 4))
    local large = fnet.tensor { -3e38, 3e38, 1 }
    assert.same({ 1, 0, 1, 1 }, count_in(large, large:min():item(), large:max():item(), 4))
    local huge = fnet.tensor({ -1e308, 1e308, 1e307 }, "float64")
    assert.same({ 1, 0, 1, 1 }, count_in(huge, -1e308, 1e308, 4))
    local many = fnet.arange(1, (1 << 20) + 10, 1, "float32")
    assert.same({ (1 << 19) + 5, (1 << 19) + 5 }, count_in(many, 1, (1 << 20) + 10, 2))
  end)
end)

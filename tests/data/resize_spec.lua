--- Pictures in another size and in grey, against their definitions in whole numbers.

local fnet = require "fnet"
local support = require "tests.support"
local data = fnet.data
local raises = support.raises

local function picture(height, width, channels)
  return fnet.rand({ height, width, channels }, 0, 255.99):byte()
end

-- The weights of one place of the new axis, by places of the old one, and their sum. Shorter: how much of each old
-- place it covers. Longer: how near its centre is to the two next ones; what lies outside counts as the border.
local function weights_of(from, to, i)
  local weights = {}
  local function add(k, weight)
    k = math.max(1, math.min(from, k))
    weights[k] = (weights[k] or 0) + weight
  end
  if to <= from then
    for k = 1, from do
      local covered = math.min(i * from, k * to) - math.max((i - 1) * from, (k - 1) * to)
      if covered > 0 then add(k, covered) end
    end
    return weights, from
  end
  local place = (2 * i - 1) * from - to -- of the centre, behind that of the first old one, in parts of 1 / (2 to)
  add(place // (2 * to) + 1, 2 * to - place % (2 * to))
  add(place // (2 * to) + 2, place % (2 * to))
  return weights, 2 * to
end

-- Sums with those weights over both axes, and what they are to be divided by; row-major.
local function dense(t, height, width)
  local from_height, from_width, channels = table.unpack(t.shape)
  local values, sums, divisor, columns = support.flat(t), {}, nil, {}
  channels = channels or 1
  for j = 1, width do columns[j] = { weights_of(from_width, width, j) } end
  for i = 1, height do
    local down, all_down = weights_of(from_height, height, i)
    for j = 1, width do
      local along, all_along = table.unpack(columns[j])
      divisor = all_down * all_along
      for c = 1, channels do
        local sum = 0
        for y, a in pairs(down) do
          for x, b in pairs(along) do
            if a * b > 0 then sum = sum + a * b * values[((y - 1) * from_width + x - 1) * channels + c] end
          end
        end
        sums[#sums + 1] = sum
      end
    end
  end
  return sums, divisor
end

local SIZES = { -- height, width and channels of the old one, height and width of the new one
  { 1, 1, nil, 1, 1 }, { 1, 1, 3, 4, 3 }, { 5, 7, nil, 3, 2 }, { 5, 7, 3, 5, 7 }, { 5, 7, 3, 11, 16 },
  { 3, 20, 3, 7, 6 }, { 20, 3, nil, 6, 7 }, { 8, 8, 3, 4, 4 }, { 7, 7, nil, 6, 8 }, { 1, 7000, nil, 2, 3 },
  { 2, 1100, 3, 1, 1099 }, { 1, 1030, 3, 2, 1500 }, { 300, 2, nil, 1, 1 }, { 31, 37, 3, 1, 1 },
}

describe("resize", function()
  it("gives whole numbers exactly, halves upwards", function()
    for _, size in ipairs(SIZES) do
      local height, width, channels, new_height, new_width = table.unpack(size, 1, 5)
      local t = picture(height, width, channels)
      local sums, divisor = dense(t, new_height, new_width)
      for i, sum in ipairs(sums) do sums[i] = (2 * sum + divisor) // (2 * divisor) end
      support.holds({ new_height, new_width, channels }, sums, data.resize(t, new_height, new_width), "uint8")
      support.holds({ new_height, new_width, channels }, sums, data.resize(t:int(), new_height, new_width), "int32")
    end
    assert.same({ { 1, 3 } }, data.resize(fnet.tensor({ { 0, 1, 2, 3 } }, "uint8"), 1, 2):totable())
    assert.same({ { -1, 3 } }, data.resize(fnet.tensor({ { -2, -1, 2, 3 } }, "int32"), 1, 2):totable())
  end)

  it("gives floats to the last digit but one", function()
    for _, size in ipairs(SIZES) do
      local height, width, channels, new_height, new_width = table.unpack(size, 1, 5)
      local t = fnet.randn { height, width, channels }
      local sums, divisor = dense(t, new_height, new_width)
      for i, sum in ipairs(sums) do sums[i] = sum / divisor end
      local expected = support.filled({ new_height, new_width, channels }, sums)
      assert.allclose(expected, data.resize(t, new_height, new_width), 1.2e-7, 1.2e-7)
      assert.allclose(expected, data.resize(t:double(), new_height, new_width), 1e-14, 1e-14)
    end
  end)

  it("keeps what is even, infinite or as large already, to the last bit", function()
    local even = fnet.full({ 7, 5, 3 }, 0.1)
    for _, size in ipairs { { 3, 2 }, { 7, 5 }, { 13, 4 }, { 9, 31 } } do
      assert.is_true(data.resize(even, size[1], size[2]):equal(fnet.full({ size[1], size[2], 3 }, 0.1)))
    end
    local t = fnet.tensor { { 1, math.huge }, { 0.3, -5 } }
    assert.is_true(data.resize(t, 2, 2):equal(t))
    assert.equal(1, data.resize(t, 2, 4)[1][1])
  end)

  it("takes views, and gives the same bits everywhere", function()
    local t = picture(90, 70, 3)
    local view = t:transpose(1, 2):slice(1, 11, 60)
    assert.is_true(data.resize(view, 20, 30):equal(data.resize(view:clone(), 20, 30)))
    local float = fnet.randn { 211, 197, 3 }
    assert.same_everywhere(function()
      local set = { data.resize(t, 224, 224), data.resize(float, 64, 300), data.resize(float, 300, 64) }
      for i, y in ipairs(set) do set[i] = data.Dataset { x = y, y = y }:sha256() end
      return table.unpack(set)
    end, { 1, 2, 5 })
  end)

  it("says what it cannot do", function()
    local t = picture(3, 4, 3)
    raises("resize: height: expected a whole number from 1 to 65535, got 0", function() data.resize(t, 0, 5) end)
    raises("resize: width: expected a whole number from 1 to 65535, got nil", function() data.resize(t, 5) end)
    raises("resize: expected a picture [height, width] or [height, width, 3], got float32 [2, 2, 2]",
      function() data.resize(fnet.zeros { 2, 2, 2 }, 5, 5) end)
    raises("resize: expected a picture [height, width] or [height, width, 3], got float32 [0, 2]",
      function() data.resize(fnet.zeros { 0, 2 }, 5, 5) end)
  end)
end)

describe("grey", function()
  it("weighs the colours as BT.601 does", function()
    local t = fnet.tensor({ { { 255, 0, 0 }, { 0, 255, 0 }, { 0, 0, 255 }, { 9, 9, 9 } } }, "uint8")
    assert.same({ { 76, 150, 29, 9 } }, data.grey(t):totable())
    assert.is_true(t:select(3, 1):equal(data.grey(t:select(3, 1))))
    assert.same({ { 76, 150, 29, 9 } }, data.grey(t:int()):totable())
    local float = fnet.rand { 9, 200, 3 }
    local weights = fnet.tensor({ 0.299, 0.587, 0.114 }, "float64")
    local expected = support.flat((float:double() * weights):sum(3))
    assert.allclose(support.filled({ 9, 200 }, expected), data.grey(float), 1e-7, 1e-7)
    assert.allclose(support.filled({ 9, 200 }, expected), data.grey(float:double()), 1e-15, 1e-15)
  end)

  it("rounds exactly, halves upwards, and keeps what is grey", function()
    local t = picture(60, 70, 3)
    local values, expected = support.flat(t), {}
    for i = 1, 60 * 70 do
      local red, green, blue = table.unpack(values, 3 * i - 2, 3 * i)
      expected[i] = (299 * red + 587 * green + 114 * blue + 500) // 1000
    end
    support.holds({ 60, 70 }, expected, data.grey(t), "uint8")
    local grey = fnet.rand { 6, 7 }
    assert.is_true(data.grey(data.colour(grey)):equal(grey))
  end)
end)

describe("colour", function()
  it("repeats grey values in three channels", function()
    local t = fnet.tensor({ { 1, 2 }, { 3, 4 } }, "uint8")
    local colour = data.colour(t)
    assert.same({ { { 1, 1, 1 }, { 2, 2, 2 } }, { { 3, 3, 3 }, { 4, 4, 4 } } }, colour:totable())
    assert.equal("uint8", colour.dtype)
    assert.is_true(colour:equal(data.colour(colour)))
    raises("colour: expected a picture [height, width] or [height, width, 3], got float32 [2]",
      function() data.colour(fnet.zeros { 2 }) end)
  end)
end)

--- Elements by index and by mask, counted, and in other places: pick, scatter_add, bincount, one_hot, histogram,
-- nonzero, masked_select, masked_fill, flip, roll, pad, tile, tril and triu.

local fnet = require "fnet"
local recorded = dofile "tests/fixtures/index_operations.lua"
local support = require "tests.support"

local holds, near, raises, flat = support.holds, support.near, support.raises, support.flat

local function int(values) return fnet.tensor(values, "int32") end

describe("operations by index and by mask", function()
  local x = fnet.tensor(recorded.x, "float64")
  local labels, places, one = int(recorded.labels), int(recorded.places), int(recorded.one)
  local results = {
    pick = function(t) return t:pick(one) end,
    take_along_axis = function(t) return t:take_along_axis(places, 2) end,
    scatter_add = function(t) return fnet.ones(t.shape, t.dtype):scatter_add(places, t, 2) end,
    scatter_add_rows = function(t) return fnet.ones({ 2, 3, 5 }, t.dtype):scatter_add(int { 5, 1, 5, 3 }, t, 3) end,
    masked_select = function(t) return t:masked_select(t:gt(1)) end,
    masked_fill = function(t) return t:masked_fill(t:gt(1), -9) end,
    flip = function(t) return t:flip(3) end,
    roll = function(t) return t:roll(3, 3) end,
    roll_back = function(t) return t:roll(-1, 2) end,
    pad = function(t) return t:pad({ 0, 1, { 2, 0 } }, 0.5) end,
    tile = function(t) return t:tile { 2, 1, 3 } end,
    tril = function(t) return t:tril(1) end,
    triu = function(t) return t:triu(-1) end,
  }

  it("give what PyTorch and NumPy give, of floats of both sizes and of views", function()
    for name, f in pairs(results) do
      local expected = fnet.tensor(recorded[name], "float64")
      local doubled = fnet.stack({ x, x }, 4):select(4, 2) -- every other element of memory
      for kind, got in pairs { double = f(x), single = f(x:float()):double(), view = f(doubled) } do
        holds(expected.shape, flat(expected), got, "float64")
        assert.is_truthy(kind)
      end
      assert.equal("float32", f(x:float()).dtype, name)
    end
    holds({ 4 }, recorded.bincount, labels:bincount(4), "int32")
    holds({ 6, 4 }, flat(fnet.tensor(recorded.one_hot)), labels:one_hot(4))
    holds({ 10 }, recorded.nonzero, x:gt(1):nonzero(), "int32")
    local counts, edges = x:histogram(6)
    holds({ 6 }, recorded.histogram, counts, "int32")
    near({ 7 }, recorded.histogram_edges, edges, 1e-14)
    holds({ 4 }, recorded.histogram_inside, (x:histogram(4, -2, 6)), "int32")
  end)

  it("have equal bits everywhere", function()
    fnet.seed(3)
    local long, values = (fnet.rand({ 5000 }, 1, 8)):int(), fnet.randn { 5000, 33 }
    local row, which = fnet.randn { 5000 }, (fnet.rand({ 5000 }, 1, 34)):int()
    assert.same_everywhere(function()
      local rows, numbers = fnet.zeros { 7, 33 }:scatter_add(long, values), fnet.zeros { 7 }:scatter_add(long, row)
      local wide = fnet.zeros { 5000, 7 }:scatter_add(long:reshape { 5000, 1 }:expand { 5000, 33 }, values, 2)
      return fnet.sha256(rows, numbers, wide, values:pick(which), values:flip(2), values:roll(5, 2),
        values:masked_select(values:gt(0)), values:tile { 1, 2 }, values:tril(-7), (values:histogram(9)))
    end, { 1, 2, 5 })
  end)

  it("keep whole numbers whole", function()
    local t = int { { 1, 2, 3 }, { 4, 5, 2 ^ 31 - 1 } }
    for _, f in ipairs {
      function(a) return a:flip(2) end, function(a) return a:roll(1, 1) end, function(a) return a:tile { 2, 1 } end,
      function(a) return a:pad({ 1, 0 }, 7) end, function(a) return a:tril() end, function(a) return a:triu() end,
      function(a) return a:masked_fill(a:gt(2), 7) end, function(a) return a:masked_select(a:gt(1)) end,
      function(a) return a:pick(int { 3, 1 }) end,
    } do
      assert.equal("int32", f(t).dtype)
      assert.same(f(t:double()):totable(), f(t):double():totable())
      local bytes = t:minimum(200):byte()
      assert.equal("uint8", f(bytes).dtype)
      assert.same(f(bytes:double()):totable(), f(bytes):double():totable())
    end
  end)

  it("take what is empty, and what has no axis", function()
    local none = fnet.zeros { 2, 0 }
    holds({ 0 }, {}, none:pick(int {}, 1))
    holds({ 0 }, {}, none:masked_select(none:gt(0)))
    holds({ 2, 0 }, {}, none:masked_fill(none, 1))
    holds({ 2, 0 }, {}, none:flip(2))
    holds({ 2, 0 }, {}, none:roll(3, 2))
    holds({ 2, 2 }, { 5, 5, 5, 5 }, none:pad({ 0, 1 }, 5))
    holds({ 4, 0 }, {}, none:tile { 2, 3 })
    holds({ 0, 3 }, {}, fnet.zeros { 2, 3 }:tile { 0, 1 })
    holds({ 2, 0 }, {}, none:tril())
    holds({ 2, 0 }, {}, none:scatter_add(int { 2, 1, 2 }, 1))
    holds({ 2, 3 }, { 0, 0, 0, 0, 0, 0 }, fnet.zeros { 2, 3 }:scatter_add(int {}, 1))
    holds({ 0 }, {}, int {}:bincount(), "int32")
    holds({ 3 }, { 0, 0, 0 }, int {}:bincount(3), "int32")
    holds({ 0, 3 }, {}, int {}:one_hot(3))
    holds({ 0 }, {}, none:nonzero(), "int32")
    holds({ 2 }, { 0, 0 }, (none:histogram(2)), "int32")
    local number = fnet.tensor(4)
    holds({ 1 }, { 4 }, number:masked_select(number))
    holds({}, { 5 }, number:masked_fill(number, 5))
    holds({}, { 4 }, number:pad {})
    holds({}, { 4 }, number:tile {})
    holds({ 1 }, { 1 }, number:nonzero(), "int32")
    holds({ 3 }, { 0, 1, 0 }, int(2):one_hot(3))
    holds({}, { 7 }, fnet.tensor { 5, 7 }:pick(int(2)))
  end)

  -- So large that threads share it, in pieces that end inside lines.
  it("do so in every thread and for every size of element", function()
    local rows, columns, threads_before = 301, 1001, fnet.threads()
    finally(function() fnet.threads(threads_before) end)
    for _, dtype in ipairs { "uint8", "float32", "float64" } do
      local t = (fnet.arange(1, rows * columns) / 1301):floor():to(dtype):reshape { rows, columns }
      local back = fnet.arange(columns, 1, -1, "int32")
      for threads = 1, 3 do
        fnet.threads(threads)
        assert.is_true(t:flip(2):equal(t:gather(back, 2)))
        assert.is_true(t:flip(2):flip(2):equal(t))
        assert.is_true(t:flatten():flip(1):reshape({ rows, columns }):equal(t:flip(1):flip(2)))
        assert.is_true((t:tril(-7):double() + t:triu(-6):double()):equal(t:double()))
      end
    end
  end)

  it("repeat more axes than fit at once, and take any diagonal", function()
    local t = fnet.arange(1, 16):reshape { 2, 1, 2, 1, 2, 1, 2 }
    local y = t:tile { 2, 3, 2, 1, 3, 2, 2 }
    assert.same({ 4, 3, 4, 1, 6, 2, 4 }, y.shape)
    for i, count in ipairs { 2, 3, 2, 1, 3, 2, 2 } do -- each axis repeats what it has
      local length = t.shape[i]
      for k = 2, count do
        assert.is_true(y:slice(i, 1, length):equal(y:slice(i, (k - 1) * length + 1, k * length)))
      end
      y = y:slice(i, 1, length)
    end
    assert.is_true(y:equal(t))
    local square = fnet.ones { 2, 3 }
    holds({ 2, 3 }, { 0, 0, 0, 0, 0, 0 }, square:tril(math.mininteger))
    holds({ 2, 3 }, { 1, 1, 1, 1, 1, 1 }, square:tril(math.maxinteger))
    holds({ 2, 3 }, { 0, 0, 0, 0, 0, 0 }, square:triu(math.maxinteger))
    holds({ 2, 3 }, { 1, 1, 1, 1, 1, 1 }, square:triu(math.mininteger))
  end)

  it("give tensors of their own", function()
    local t = fnet.ones { 2, 2 }
    for _, copy in ipairs { t:tile { 1, 1 }, t:pad { 0, 0 }, t:roll(0, 1), t:flip(1), t:tril(5) } do
      copy:fill(7)
      holds({ 2, 2 }, { 1, 1, 1, 1 }, t)
    end
  end)
end)

describe("scatter_add", function()
  it("adds in ascending order, from zero, and then to the tensor", function()
    local big, small = 2 ^ 24, 1
    holds({ 2 }, { big, 0 }, fnet.zeros { 2 }:scatter_add(int { 1, 1, 1 }, fnet.tensor { big, small, small }))
    holds({ 2 }, { big + 2, 0 }, fnet.zeros { 2 }:scatter_add(int { 1, 1, 1 }, fnet.tensor { small, small, big }))
    holds({ 1 }, { big + 2 }, fnet.tensor { big }:scatter_add(int { 1, 1 }, fnet.tensor { small, small }))
  end)

  it("adds whole numbers exactly, or says that it cannot", function()
    holds({ 2 }, { 2 ^ 31 - 1, -2 ^ 31 },
      int { 2 ^ 31 - 2, -2 ^ 31 + 1 }:scatter_add(int { 1, 2 }, int { 1, -1 }), "int32")
    holds({ 2 }, { 0, 400 }, fnet.zeros({ 2 }, "uint8"):scatter_add(int { 2, 2 }, 200), "int32")
    raises("scatter_add: 2147483648 is outside int32, in which whole numbers are added; use " ..
      "t:double():scatter_add(...)", function() int { 2 ^ 31 - 1 }:scatter_add(int { 1 }, 1) end)
  end)
end)

describe("masks", function()
  it("take away what a product would spread", function()
    local t = fnet.full({ 2, 2 }, 0 / 0)
    assert.equal(0, t:tril():get(1, 2))
    assert.equal(0, t:triu():get(2, 1))
    holds({ 2, 2 }, { 1, 1, 1, 1 }, t:masked_fill(t:isnan(), 1))
    holds({ 3 }, { 2, 3, 4 }, fnet.tensor { 0, 0 / 0, 5e-324, -1 }:double():masked_fill(int { 0, 0, 1, 0 }, 9)
      :nonzero(), "int32")
  end)

  it("take rows by the places where they are not 0", function()
    local t = fnet.arange(1, 6):reshape { 3, 2 }
    holds({ 2, 2 }, { 1, 2, 5, 6 }, t:gather(int { 7, 0, -1 }:nonzero()))
    holds({ 4 }, { 1, 3, 5, 6 }, t:masked_select(int { { 1, 0 }, { 1, 0 }, { 1, 1 } }))
  end)
end)

describe("histogram", function()
  it("puts what lies on an edge where the edges say, in floats of both sizes", function()
    for _, dtype in ipairs { "float64", "float32" } do
      local tenths = fnet.arange(0, 1, 0.1, "float64"):to(dtype)
      local counts, edges = tenths:histogram(10, 0, 1)
      local expected = {}
      for i = 1, 10 do expected[i] = 0 end
      for _, value in ipairs(flat(tenths)) do
        for i = 1, 10 do
          if value >= edges[i] and (value < edges[i + 1] or i == 10 and value == edges[11]) then
            expected[i] = expected[i] + 1
          end
        end
      end
      assert.same(expected, counts:totable())
      assert.equal(0.3, edges[4])
    end
  end)

  it("does not count what is beyond given ends, infinities among it", function()
    local counts = fnet.tensor { -math.huge, -1, 0, 1, 2, 3, math.huge }:histogram(2, 0, 2)
    assert.same({ 1, 2 }, counts:totable())
  end)

  it("takes ends as far apart, and as near, as numbers get", function()
    local far = fnet.tensor({ -1.7e308, 0, 1.7e308 }, "float64")
    assert.same({ 1, 2 }, far:histogram(2):totable())
    assert.equal(2, fnet.tensor({ 0, 5e-324 }, "float64"):histogram(3):sum():item())
    local counts, edges = fnet.full({ 3 }, 2):histogram(2)
    assert.same({ { 0, 3 }, { 1.5, 2, 2.5 } }, { counts:totable(), edges:totable() })
  end)
end)

describe("wrong arguments", function()
  local t = fnet.arange(1, 6):reshape { 2, 3 }

  it("of indices are named with their position", function()
    raises("pick: index 4 at position 2 is outside 1..3 (indices count from 1)",
      function() t:pick(int { 3, 4 }) end)
    raises("scatter_add: index 0 at position 2 is outside 1..2 (indices count from 1)",
      function() t:scatter_add(int { 1, 0 }, t) end)
    raises("scatter_add: index 3 at position [2, 1] is outside 1..2 (indices count from 1)",
      function() t:scatter_add(int { { 1, 1, 1 }, { 3, 1, 1 } }, t) end)
    raises("one_hot: index 4 at position 2 is outside 1..3 (indices count from 1)",
      function() int { 1, 4 }:one_hot(3) end)
    raises("bincount: index 0 at position 1 is outside 1..2147483647 (indices count from 1)",
      function() int { 0 }:bincount() end)
    raises("bincount: index 7 at position 2 is outside 1..5 (indices count from 1)",
      function() int { 1, 7 }:bincount(5) end)
    for name, f in pairs {
      pick = function() t:pick(fnet.ones { 2 }) end, bincount = function() fnet.ones { 2 }:bincount() end,
      one_hot = function() fnet.ones { 2 }:one_hot(2) end,
      scatter_add = function() t:scatter_add(fnet.ones { 2 }, t) end,
    } do
      raises(name .. ": expected indices as int32 or uint8, got float32 of [2]; convert with :int()", f)
    end
  end)

  it("of shapes say what fits", function()
    raises("pick: expected indices of [2], the shape of [2, 3] without axis 2, got [2, 1]",
      function() t:pick(int { { 1 }, { 1 } }) end)
    raises("pick: expected at least one axis, got []", function() t:sum():pick(int(1)) end)
    raises("masked_select: expected a mask that fits [2, 3], got [2]", function() t:masked_select(int { 1, 0 }) end)
    raises("masked_fill: expected a mask that fits [2, 3], got [1, 2, 3]",
      function() t:masked_fill(fnet.ones { 1, 2, 3 }, 0) end)
    raises("tril: expected at least two axes, got [3]", function() t[1]:tril() end)
    raises("pad: expected a width for each axis of [2, 3], such as 1 for both ends or { 0, 2 }, got 3 of them",
      function() t:pad { 1, 1, 1 } end)
    raises("tile: expected a table with a count for each axis of [2, 3], got 1 of them",
      function() t:tile { 2 } end)
    raises("scatter_add: length: expected a whole number from 0 to 2147483647, got 1099511627776",
      function() fnet.zeros({ 2 ^ 40, 0 }):scatter_add(fnet.ones({ 2 }, "int32"), fnet.zeros { 2, 0 }) end)
    raises("scatter_add: expected a source of [3, 3] of float32 for these indices, got a float32 tensor of [2, 3]",
      function() t:scatter_add(int { 1, 1, 1 }, t) end)
    raises("scatter_add: expected a source of [2, 3] of float32 for these indices, got a float64 tensor of [2, 3]",
      function() t:scatter_add(int { 1, 1 }, t:double()) end)
    raises("scatter_add: expected indices of the shape of [2, 3] but for axis 1, got [1, 2]",
      function() t:scatter_add(int { { 1, 1 } }, 1) end)
    raises("scatter_add: expected indices of one axis, or of 2 as the tensor has, got [1, 1, 1]",
      function() t:scatter_add(int { { { 1 } } }, 1) end)
    raises("one_hot: the result would have 9 axes",
      function() fnet.ones({ 1, 1, 1, 1, 1, 1, 1, 1 }, "int32"):one_hot(2) end)
  end)

  it("of numbers say which are right", function()
    raises("flip: axis: expected a whole number from 1 to 2, got nil", function() t:flip() end)
    raises("roll: axis: expected a whole number from 1 to 2, got nil", function() t:roll(1) end)
    raises("roll: shift: expected a whole number, got 1.5", function() t:roll(1.5, 1) end)
    raises("tril: diagonal: expected a whole number, got 0.5", function() t:tril(0.5) end)
    raises("pad: axis 1: expected a whole number from 0 to 2147483648, got -1", function() t:pad { -1, 0 } end)
    raises("pad: axis 2: expected a width for both ends, or { before, after }, got table",
      function() t:pad { 0, { 1 } } end)
    raises("pad: value: expected a number, got string", function() t:pad({ 1, 0 }, "a") end)
    raises("tile: axis 2: expected a whole number of at least 0, got -1", function() t:tile { 1, -1 } end)
    raises("tile: a result of [4.612e+18, 8.647e+18] is too large",
      function() t:tile { 2 ^ 61, 2 ^ 61 + 2 ^ 59 } end)
    local none = fnet.zeros { 2 ^ 31, 0 }
    raises("tile: a result of [1.845e+19, 0] is too large", function() none:tile { 2 ^ 33, 1 } end)
    raises("tile: a result of [0, 9.223e+18] is too large",
      function() fnet.zeros { 1, 1 }:tile { 0, math.maxinteger } end)
    raises("masked_fill: expected a whole number from 0 to 255 for uint8, got 256",
      function() t:byte():masked_fill(t, 256) end)
    raises("one_hot: classes: expected a whole number from 0 to 2147483647, got nil",
      function() int { 1 }:one_hot() end)
    raises("histogram: bins: expected a whole number from 1 to 2147483647, got 0", function() t:histogram(0) end)
    raises("histogram: expected finite ends, low < high, got 4.0 and 4.0", function() t:histogram(3, 4, 4) end)
    raises("histogram: expected finite ends, low < high, got 1.0 and inf, of which those that are not given are " ..
      "the least and the greatest element", function() fnet.tensor { 1, math.huge }:histogram() end)
    raises("histogram: the element at position [1, 2] is nan, which belongs into no bin; " ..
      "t:masked_select(t:isfinite()) leaves such out",
      function() fnet.tensor { { 1, 0 / 0 } }:histogram(2, 0, 1) end)
  end)

  it("in the order of PyTorch say so", function()
    raises("scatter_add: expected indices, a source and then an axis, got number first; PyTorch's " ..
      "t:scatter_add(axis, indices, source) is t:scatter_add(indices, source, axis)",
      function() t:scatter_add(1, int { 1, 1 }, t) end)
  end)
end)

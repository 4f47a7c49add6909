--- Views: they show the right elements, and they share storage with the tensor that they were made from.

local fnet = require "fnet"
local support = require "tests.support"

local holds = support.holds
local DTYPES = { "float32", "float64", "uint8", "int32" }

-- The elements 1, 2, 3, ... in the given shape.
local function counting(shape, dtype)
  local count = 1
  for _, length in ipairs(shape) do count = count * length end
  return fnet.arange(1, count, 1, dtype):reshape(shape)
end

-- Writing to one is seen in the other: the first element of the view changes the tensor.
local function shares(t, view)
  local before = view:reshape({ -1 })[1]
  local index = {}
  for axis = 1, view.rank do index[axis] = 1 end
  view:set(before + 100, table.unpack(index))
  local found = false
  for _, value in ipairs(support.flat(t)) do found = found or value == before + 100 end
  view:set(before, table.unpack(index))
  return found
end

describe("views share storage:", function()
  local t
  before_each(function() t = counting { 2, 3, 4 } end)

  for name, make in pairs {
    row = function() return t:row(2) end,
    ["t[i]"] = function() return t[2] end,
    select = function() return t:select(2, 3) end,
    slice = function() return t:slice(3, 2, 3) end,
    reshape = function() return t:reshape { 4, 6 } end,
    transpose = function() return t:transpose(1, 3) end,
    T = function() return t:T() end,
    flatten = function() return t:flatten() end,
    detach = function() return t:detach() end,
    ["view of a view"] = function() return t:T():slice(2, 2, 3)[2]:T() end,
  } do
    it(name, function() assert.is_true(shares(t, make())) end)
  end

  it("expand, in which each element stands for several and none can be written", function()
    local view = t:expand { 5, 2, 3, 4 }
    t:set(77, 1, 1, 1)
    assert.equal(77, view:get(4, 1, 1, 1))
    support.raises("in-place change of a tensor whose elements repeat (an expanded view); change a :clone()",
      function() view:set(1, 1, 1, 1, 1) end)
  end)

  for name, make in pairs {
    clone = function() return t:clone() end,
    ["contiguous of a transposed view"] = function() return t:T():contiguous() end,
    ["reshape that strides cannot express"] = function() return t:T():reshape { 24 } end,
    gather = function() return t:gather(fnet.tensor({ 1, 2 }, "int32")) end,
    to = function() return t:double() end,
  } do
    it("not " .. name, function() assert.is_false(shares(t, make())) end)
  end

  it("writes through a view reach the tensor, in every type", function()
    for _, dtype in ipairs(DTYPES) do
      local base = counting({ 2, 3 }, dtype)
      base:T()[2] = 9
      base:slice(2, 3):fill(7)
      holds({ 2, 3 }, { 1, 9, 7, 4, 9, 7 }, base, dtype)
    end
  end)

  it("small and large tensors alike", function()
    for _, n in ipairs { 1, 1000, 1024, 1025, 100000 } do
      local base = fnet.zeros { n }
      base:reshape({ 1, n }):set(5, 1, n)
      assert.equal(5, base[n])
    end
  end)
end)

describe("row and select", function()
  local t = counting { 2, 3, 4 }

  it("take one position of an axis away", function()
    holds({ 3, 4 }, { 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24 }, t:row(2))
    holds({ 2, 4 }, { 5, 6, 7, 8, 17, 18, 19, 20 }, t:select(2, 2))
    holds({ 2, 3 }, { 4, 8, 12, 16, 20, 24 }, t:select(3, 4))
    holds({}, { 2 }, counting({ 3 }):row(2))
  end)

  it("work beside empty axes", function()
    holds({ 0 }, {}, fnet.zeros({ 0, 5 }):select(2, 3))
    holds({ 0 }, {}, fnet.zeros({ 5, 0 })[5])
  end)
end)

describe("slice", function()
  local t = counting { 3, 4 }

  it("keeps the positions first to last", function()
    holds({ 2, 4 }, { 5, 6, 7, 8, 9, 10, 11, 12 }, t:slice(1, 2, 3))
    holds({ 3, 2 }, { 2, 3, 6, 7, 10, 11 }, t:slice(2, 2, 3))
    holds({ 1, 1 }, { 12 }, t:slice(1, 3, 3):slice(2, 4, 4))
  end)

  it("goes to the end without a last", function()
    holds({ 3, 1 }, { 4, 8, 12 }, t:slice(2, 4))
    holds({ 3, 4 }, support.flat(t), t:slice(1, 1))
  end)

  it("may be empty, at either end", function()
    holds({ 0, 4 }, {}, t:slice(1, 4))
    holds({ 3, 0 }, {}, t:slice(2, 1, 0))
    holds({ 0 }, {}, fnet.zeros({ 0 }):slice(1, 1))
    holds({ 0, 2 }, {}, fnet.zeros({ 0, 5 }):slice(2, 4))
  end)
end)

describe("reshape", function()
  local t = counting { 2, 6 }

  it("keeps the elements in row-major order", function()
    holds({ 3, 4 }, support.flat(t), t:reshape { 3, 4 })
    holds({ 12 }, support.flat(t), t:reshape { 12 })
    holds({ 1, 2, 1, 6, 1 }, support.flat(t), t:reshape { 1, 2, 1, 6, 1 })
    holds({}, { 5 }, fnet.tensor({ { 5 } }):reshape {})
    holds({ 1, 1 }, { 5 }, fnet.tensor(5):reshape { 1, 1 })
  end)

  it("works out the length -1", function()
    assert.same({ 4, 3 }, t:reshape({ -1, 3 }).shape)
    assert.same({ 3, 4 }, t:reshape({ 3, -1 }).shape)
    assert.same({ 12 }, t:reshape({ -1 }).shape)
    assert.same({ 2, 1, 6 }, t:reshape({ 2, -1, 6 }).shape)
    assert.same({ 0, 3 }, fnet.zeros({ 0, 6 }):reshape({ -1, 3 }).shape)
    assert.same({ 1 }, fnet.tensor(5):reshape({ -1 }).shape)
  end)

  it("of empty tensors, however they lie in memory", function()
    for _, shape in ipairs { { 0 }, { 3, 0 }, { 0, 12 }, { 2, 0, 5 } } do
      holds(shape, {}, fnet.zeros({ 0, 3, 4 }):transpose(2, 3):reshape(shape))
      holds(shape, {}, fnet.zeros({ 5, 0 }):T():reshape(shape))
      holds(shape, {}, counting({ 3, 4 }):T():slice(1, 5):reshape(shape))
    end
  end)

  -- Every way to cut 12 elements into axes, of tensors that lie in memory in every order.
  it("is right for every layout", function()
    local shapes = { { 12 }, { 2, 6 }, { 6, 2 }, { 3, 4 }, { 4, 3 }, { 2, 3, 2 }, { 2, 2, 3 }, { 3, 2, 2 },
      { 1, 12 }, { 12, 1 }, { 2, 1, 6 }, { 3, 1, 4, 1 } }
    for _, from in ipairs(shapes) do
      for a = 1, #from do
        for b = a, #from do
          local base = counting(from)
          local view = #from > 1 and base:transpose(a, b) or base
          for _, to in ipairs(shapes) do holds(to, support.flat(view), view:reshape(to)) end
        end
      end
    end
  end)

  it("joins what lies together without a copy, and repeats what was repeated", function()
    local base = counting { 4, 6 }
    local part = base:slice(2, 2, 5)
    assert.is_true(shares(base, part:reshape { 2, 2, 2, 2 }))
    holds({ 16 }, support.flat(part), part:reshape { 16 })
    local repeated = counting({ 2, 1 }):expand { 2, 6 }
    holds({ 2, 2, 3 }, { 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2 }, repeated:reshape { 2, 2, 3 })
    holds({ 12 }, { 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2 }, repeated:reshape { 12 })
  end)
end)

describe("flatten", function()
  it("makes one axis of all, or of those from one on", function()
    local t = counting { 2, 3, 4 }
    holds({ 24 }, support.flat(t), t:flatten())
    holds({ 24 }, support.flat(t), t:flatten(1))
    holds({ 2, 12 }, support.flat(t), t:flatten(2))
    holds({ 2, 3, 4 }, support.flat(t), t:flatten(3))
    holds({ 0 }, {}, fnet.zeros({ 0, 2, 3 }):flatten())
    holds({ 0, 6 }, {}, fnet.zeros({ 0, 2, 3 }):flatten(2))
    holds({ 4, 0 }, {}, fnet.zeros({ 4, 0, 3 }):flatten(2))
  end)

  it("makes one axis of rank 0 and 1", function()
    holds({ 1 }, { 5 }, fnet.tensor(5):flatten())
    holds({ 3 }, { 1, 2, 3 }, counting({ 3 }):flatten())
  end)

  it("copies where it has to", function()
    local t = counting { 2, 3, 4 }
    holds({ 2, 12 }, support.flat(t:T()), t:T():flatten(2))
    holds({ 24 }, support.flat(t:T()), t:T():flatten())
  end)
end)

describe("transpose", function()
  it("exchanges two axes", function()
    local t = counting { 2, 3, 4 }
    for a = 1, 3 do
      for b = 1, 3 do
        local view = t:transpose(a, b)
        local shape = { 2, 3, 4 }
        shape[a], shape[b] = shape[b], shape[a]
        assert.same(shape, view.shape)
        support.each(shape, function(index)
          local source = { table.unpack(index) }
          source[a], source[b] = source[b], source[a]
          assert.equal(t:get(table.unpack(source)), view:get(table.unpack(index)))
        end)
      end
    end
  end)

  it("exchanges the last two by default, as T does", function()
    local t = counting { 2, 3, 4 }
    assert.same({ 2, 4, 3 }, t:transpose().shape)
    assert.is_true(t:T():equal(t:transpose(2, 3)))
    assert.is_true(t:T():T():equal(t))
    holds({ 2, 0 }, {}, fnet.zeros({ 0, 2 }):T())
  end)
end)

describe("expand", function()
  it("repeats axes of length 1 and new leading ones", function()
    holds({ 2, 3 }, { 1, 1, 1, 2, 2, 2 }, counting({ 2, 1 }):expand { 2, 3 })
    holds({ 2, 3 }, { 1, 2, 3, 1, 2, 3 }, counting({ 3 }):expand { 2, 3 })
    holds({ 2, 2 }, { 7, 7, 7, 7 }, fnet.tensor(7):expand { 2, 2 })
    holds({ 2, 2, 2 }, { 1, 1, 2, 2, 1, 1, 2, 2 }, counting({ 2, 1 }):expand { 2, 2, 2 })
    holds({ 3, 0 }, {}, fnet.ones({ 1 }):expand { 3, 0 })
  end)

  it("takes no memory", function()
    local t = fnet.ones({ 1 }):expand { 2 ^ 30, 2 ^ 20 }
    assert.equal(2 ^ 50, t:count())
    assert.equal(1, t[2 ^ 30][2 ^ 20])
  end)

  it("goes through every operation as a copy would", function()
    local view = counting({ 3, 1 }):expand { 3, 4 }
    local copy = view:clone()
    for _, name in ipairs { "exp", "neg", "sum", "max", "argmin", "T", "contiguous", "softmax", "double", "int" } do
      assert.is_true(view[name](view):equal(copy[name](copy)), name)
    end
    assert.equal(copy:bytes(), view:bytes())
    assert.is_true((view + view:T():contiguous():T()):equal(copy * 2))
    assert.is_true(view:matmul(view:T()):equal(copy:matmul(copy:T())))
  end)
end)

describe("clone, contiguous and is_contiguous", function()
  it("tell how elements lie", function()
    local t = counting { 2, 3 }
    assert.is_true(t:is_contiguous())
    assert.is_false(t:T():is_contiguous())
    assert.is_false(t:slice(2, 1, 2):is_contiguous())
    assert.is_true(t:slice(1, 2, 2):is_contiguous())
    assert.is_true(t[2]:is_contiguous())
    assert.is_false(fnet.ones({ 1 }):expand({ 3 }):is_contiguous())
    assert.is_true(fnet.ones({ 1, 1 }):T():is_contiguous())
    assert.is_true(fnet.zeros({ 0, 3, 4 }):T():is_contiguous())
    assert.is_true(t:T():contiguous():is_contiguous())
    assert.is_true(t:T():clone():is_contiguous())
  end)

  it("contiguous is the tensor itself where nothing is to be done", function()
    local t = counting { 2, 3 }
    assert.equal(t, t:contiguous())
    assert.not_equal(t, t:clone())
    assert.is_true(t:T():contiguous():equal(t:T()))
  end)

  it("clone keeps type and elements", function()
    for _, dtype in ipairs(DTYPES) do
      holds({ 2, 2 }, { 1, 3, 2, 4 }, counting({ 2, 2 }, dtype):T():clone(), dtype)
    end
    holds({}, { 5 }, fnet.tensor(5):clone())
    holds({ 0 }, {}, fnet.zeros({ 0 }):clone())
  end)
end)

describe("detach", function()
  it("has the elements without the history", function()
    local w = fnet.ones { 2 }
    w.requires_grad = true
    for _, result in ipairs { w, w * 3, (w * 3):reshape { 1, 2 } } do
      local free = result:detach()
      assert.is_false(free.requires_grad)
      assert.is_true(free:equal(result))
      assert.is_false((free * 2).requires_grad)
    end
  end)
end)

describe("gather", function()
  local t = counting { 3, 4 }
  local function index(...) return fnet.tensor({ ... }, "int32") end

  it("takes positions of an axis, in any order, any number of times", function()
    holds({ 4, 4 }, { 9, 10, 11, 12, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8 }, t:gather(index(3, 1, 1, 2)))
    holds({ 3, 2 }, { 4, 1, 8, 5, 12, 9 }, t:gather(index(4, 1), 2))
    holds({ 2 }, { 3, 1 }, counting({ 3 }):gather(index(3, 1)))
  end)

  it("takes any type of tensor, indices of both integer types, and views of either", function()
    for _, dtype in ipairs(DTYPES) do
      holds({ 2, 3 }, { 4, 8, 12, 1, 5, 9 },
        counting({ 3, 4 }, dtype):T():gather(fnet.tensor({ 4, 1 }, "uint8")), dtype)
    end
    holds({ 2, 4 }, { 1, 2, 3, 4, 9, 10, 11, 12 }, t:gather(index(1, 2, 3):gather(index(1, 3))))
    holds({ 2, 4 }, { 5, 6, 7, 8, 5, 6, 7, 8 }, t:gather(index(2):expand { 2 }))
  end)

  it("takes no indices and empty axes", function()
    holds({ 0, 4 }, {}, t:gather(fnet.zeros({ 0 }, "int32")))
    holds({ 2, 0 }, {}, fnet.zeros({ 3, 0 }):gather(index(3, 1)))
    holds({ 0, 2 }, {}, fnet.zeros({ 0, 5 }):gather(index(5, 1), 2))
  end)

  it("agrees with a loop along every axis of rank 3", function()
    local cube = counting { 3, 4, 5 }
    for axis = 1, 3 do
      local positions = { 2, 3, 1, 2 }
      local got = cube:gather(fnet.tensor(positions, "int32"), axis)
      support.each(got.shape, function(at)
        local source = { table.unpack(at) }
        source[axis] = positions[at[axis]]
        assert.equal(cube:get(table.unpack(source)), got:get(table.unpack(at)))
      end)
    end
  end)
end)

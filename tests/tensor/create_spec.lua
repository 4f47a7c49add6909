--- Making tensors, reading and writing their elements, turning them back, printing them.

local fnet = require "fnet"
local support = require "tests.support"

local holds, raises, single = support.holds, support.raises, support.single
local DTYPES = { "float32", "float64", "uint8", "int32" }
local FORMATS = { float32 = "f", float64 = "d", uint8 = "B", int32 = "i4" }
local NAN = 0 / 0

-- The bits of a zero tell its sign.
local function is_negative_zero(x) return x == 0 and 1 / x == -math.huge end

describe("tensor", function()
  it("takes a number as rank 0", function()
    holds({}, { 5 }, fnet.tensor(5))
    holds({}, { -7 }, fnet.tensor(-7, "int32"), "int32")
    assert.equal(0, fnet.tensor(5).rank)
  end)

  it("takes nested tables of up to 8 levels", function()
    holds({ 3 }, { 1, 2, 3 }, fnet.tensor { 1, 2, 3 })
    holds({ 2, 3 }, { 1, 2, 3, 4, 5, 6 }, fnet.tensor { { 1, 2, 3 }, { 4, 5, 6 } })
    holds({ 2, 1, 2 }, { 1, 2, 3, 4 }, fnet.tensor { { { 1, 2 } }, { { 3, 4 } } })
    local nested = 5
    for _ = 1, 8 do nested = { nested } end
    holds({ 1, 1, 1, 1, 1, 1, 1, 1 }, { 5 }, fnet.tensor(nested))
  end)

  it("takes empty tables", function()
    holds({ 0 }, {}, fnet.tensor {})
    holds({ 2, 0 }, {}, fnet.tensor { {}, {} })
    holds({ 1, 2, 0 }, {}, fnet.tensor({ { {}, {} } }, "uint8"), "uint8")
  end)

  it("rounds to the type", function()
    holds({ 2 }, { single(0.1), single(16777217) }, fnet.tensor { 0.1, 16777217 })
    holds({ 2 }, { 0.1, 16777217 }, fnet.tensor({ 0.1, 16777217 }, "float64"), "float64")
    assert.same({ math.huge, -math.huge }, fnet.tensor({ 1e39, -1e39 }):totable())
  end)

  it("keeps NaN, infinities and the sign of zero", function()
    for _, dtype in ipairs { "float32", "float64" } do
      local t = fnet.tensor({ NAN, math.huge, -math.huge, -0.0 }, dtype)
      assert.is_true(t[1] ~= t[1])
      assert.equal(math.huge, t[2])
      assert.equal(-math.huge, t[3])
      assert.is_true(is_negative_zero(t[4]))
    end
  end)

  it("holds the extremes of the integer types", function()
    holds({ 2 }, { 0, 255 }, fnet.tensor({ 0, 255 }, "uint8"), "uint8")
    holds({ 2 }, { -2147483648, 2147483647 }, fnet.tensor({ -2147483648, 2147483647 }, "int32"), "int32")
    holds({ 1 }, { 3 }, fnet.tensor({ 3.0 }, "int32"), "int32")
  end)

  it("reads the table itself, not its metamethods", function()
    local answers = { __len = function() return 5 end, __index = function() return 9 end }
    local values = setmetatable({ 1, 2 }, answers)
    holds({ 2 }, { 1, 2 }, fnet.tensor(values))
  end)
end)

describe("filled tensors", function()
  it("have zeros, ones or any value", function()
    for _, dtype in ipairs(DTYPES) do
      holds({ 2, 2 }, { 0, 0, 0, 0 }, fnet.zeros({ 2, 2 }, dtype), dtype)
      holds({ 3 }, { 1, 1, 1 }, fnet.ones({ 3 }, dtype), dtype)
      holds({ 1, 2 }, { 7, 7 }, fnet.full({ 1, 2 }, 7, dtype), dtype)
    end
    holds({}, { 1 }, fnet.ones {})
    assert.equal("float32", fnet.zeros({ 1 }).dtype)
  end)

  it("can be empty along any axis", function()
    holds({ 0 }, {}, fnet.zeros { 0 })
    holds({ 0, 3 }, {}, fnet.ones { 0, 3 })
    holds({ 3, 0, 2 }, {}, fnet.full({ 3, 0, 2 }, 5))
    assert.equal(0, fnet.zeros({ 3, 0, 2 }):count())
  end)

  it("keep special values", function()
    assert.is_true(is_negative_zero(fnet.full({ 1 }, -0.0)[1]))
    assert.equal(-math.huge, fnet.full({ 2 }, -math.huge)[2])
    local nan = fnet.full({ 1 }, NAN, "float64")[1]
    assert.is_true(nan ~= nan)
  end)

  it("have the value at every place, for any length and type", function()
    for _, dtype in ipairs { "float32", "float64", "uint8", "int32" } do
      for _, n in ipairs { 1, 511, 512, 513, 1024, 70001 } do
        local value = dtype:find "float" and -0.0 or 7
        local filled = fnet.full({ n }, value, dtype)
        assert.equal(fnet.tensor({ value }, dtype):bytes():rep(n), filled:bytes())
        local repeated = fnet.tensor({ 3 }, dtype):expand { n }
        assert.equal(fnet.tensor({ 3 }, "float64"):bytes():rep(n), repeated:to("float64"):bytes())
        assert.equal(fnet.tensor({ 3 }, dtype):bytes():rep(n), repeated:clone():bytes())
      end
    end
  end)

  it("are zero even in memory that was used before", function()
    for _ = 1, 3 do
      local used = fnet.full({ 5000 }, 3)
      used:release()
      assert.equal(0, fnet.zeros({ 5000 }):abs():max():item())
    end
  end)

  it("eye has ones on the diagonal", function()
    holds({ 3, 3 }, { 1, 0, 0, 0, 1, 0, 0, 0, 1 }, fnet.eye(3))
    holds({ 1, 1 }, { 1 }, fnet.eye(1, "uint8"), "uint8")
    holds({ 0, 0 }, {}, fnet.eye(0))
  end)
end)

describe("arange", function()
  it("counts up to and including the last", function()
    holds({ 4 }, { 1, 2, 3, 4 }, fnet.arange(1, 4))
    holds({ 3 }, { 1, 5, 9 }, fnet.arange(1, 10, 4))
    holds({ 3 }, { 5, 3, 1 }, fnet.arange(5, 1, -2, "int32"), "int32")
    holds({ 1 }, { 2 }, fnet.arange(2, 2))
    holds({ 256 }, support.flat(fnet.arange(0, 255)), fnet.arange(0, 255, 1, "uint8"), "uint8")
  end)

  it("is empty where the last lies before the first", function()
    holds({ 0 }, {}, fnet.arange(1, 0))
    holds({ 0 }, {}, fnet.arange(0, 1, -1, "int32"), "int32")
  end)

  it("reaches the last in spite of rounding", function()
    local tenths = fnet.arange(0, 1, 0.1, "float64")
    assert.equal(11, #tenths)
    for i = 1, 11 do assert.equal((i - 1) * 0.1, tenths[i]) end
    assert.equal(4, #fnet.arange(0, 0.3, 0.1))
  end)

  it("multiplies the step, so that errors do not add up", function()
    local t = fnet.arange(0, 1000, 0.1)
    assert.equal(single(9999 * 0.1), t[10000])
  end)
end)

describe("from_bytes and bytes", function()
  it("are inverse for every type", function()
    for _, dtype in ipairs(DTYPES) do
      local format = "=" .. FORMATS[dtype]:rep(6)
      local text = string.pack(format, 1, 2, 3, 4, 5, 6)
      local t = fnet.from_bytes(text, { 2, 3 }, dtype)
      holds({ 2, 3 }, { 1, 2, 3, 4, 5, 6 }, t, dtype)
      assert.equal(text, t:bytes())
      assert.equal(string.pack(format, 1, 4, 2, 5, 3, 6), t:T():bytes())
    end
  end)

  it("keep every bit", function()
    local text = string.pack("=I4I4I4", 0x7FC12345, 0x80000000, 0x00000001)
    assert.equal(text, fnet.from_bytes(text, { 3 }):bytes())
    assert.equal(text, fnet.from_bytes(text, { 3 }):clone():bytes())
  end)

  it("know rank 0 and empty tensors", function()
    assert.equal("", fnet.zeros({ 0, 4 }):bytes())
    holds({ 0, 4 }, {}, fnet.from_bytes("", { 0, 4 }))
    holds({}, { 65 }, fnet.from_bytes("A", {}, "uint8"), "uint8")
  end)
end)

describe("concat", function()
  it("joins along any axis", function()
    local a, b = fnet.tensor { { 1, 2 }, { 3, 4 } }, fnet.tensor { { 5, 6 } }
    holds({ 3, 2 }, { 1, 2, 3, 4, 5, 6 }, fnet.concat { a, b })
    holds({ 3, 2 }, { 5, 6, 1, 2, 3, 4 }, fnet.concat({ b, a }, 1))
    holds({ 2, 3 }, { 1, 2, 5, 3, 4, 6 }, fnet.concat({ a, b:T() }, 2))
    holds({ 2, 6 }, { 1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4 }, fnet.concat({ a, a, a }, 2))
    holds({ 1, 2, 2 }, { 1, 5, 2, 6 }, fnet.concat({ a:slice(1, 1, 1):reshape { 1, 2, 1 },
      b:reshape { 1, 2, 1 } }, 3))
  end)

  it("keeps the type", function()
    for _, dtype in ipairs(DTYPES) do
      local t = fnet.tensor({ 1, 2 }, dtype)
      holds({ 4 }, { 1, 2, 1, 2 }, fnet.concat { t, t }, dtype)
    end
  end)

  it("takes one tensor, empty ones, views and repeated ones", function()
    holds({ 2 }, { 1, 2 }, fnet.concat { fnet.tensor { 1, 2 } })
    holds({ 2 }, { 1, 2 }, fnet.concat { fnet.zeros { 0 }, fnet.tensor { 1, 2 }, fnet.zeros { 0 } })
    holds({ 0, 5 }, {}, fnet.concat({ fnet.zeros { 0, 2 }, fnet.zeros { 0, 3 } }, 2))
    holds({ 2, 4 }, { 1, 3, 7, 7, 2, 4, 7, 7 },
      fnet.concat({ fnet.tensor({ { 1, 2 }, { 3, 4 } }):T(), fnet.full({ 1, 1 }, 7):expand { 2, 2 } }, 2))
  end)

  it("has the bytes of its parts, from runs of any length, contiguous or not", function()
    for _, columns in ipairs { { 4, 2 }, { 0, 3 }, { 33, 7 }, { 70000, 9 } } do
      for _, dtype in ipairs(DTYPES) do
        local a = (fnet.rand { 3, columns[1] } * 200):to(dtype)
        local b = (fnet.rand { 3, columns[2] } * 200):to(dtype)
        local joined = fnet.concat({ a, b }, 2)
        assert.is_true(joined:slice(2, 1, columns[1]):contiguous():bytes() == a:bytes())
        assert.is_true(joined:slice(2, columns[1] + 1):contiguous():bytes() == b:bytes())
        assert.is_true(fnet.concat { a:T(), b:T() }:T():contiguous():bytes() == joined:bytes())
      end
    end
  end)
end)

describe("properties", function()
  it("shape is a table of its own", function()
    local t = fnet.zeros { 2, 3 }
    t.shape[1] = 99
    assert.same({ 2, 3 }, t.shape)
    assert.same({}, fnet.tensor(1).shape)
  end)

  it("rank, dtype, length and count", function()
    local t = fnet.zeros({ 2, 3, 4 }, "int32")
    assert.equal(3, t.rank)
    assert.equal("int32", t.dtype)
    assert.equal(2, #t)
    assert.equal(24, t:count())
    assert.equal(0, #fnet.tensor(5))
    assert.equal(1, fnet.tensor(5):count())
  end)

  it("is_tensor tells tensors from everything else", function()
    assert.is_true(fnet.is_tensor(fnet.zeros {}))
    for _, other in ipairs { 1, "x", {}, true, io.stdout, print } do
      assert.is_false(fnet.is_tensor(other))
    end
    assert.is_false(fnet.is_tensor(nil))
  end)

  it("core.methods are reachable only by their names", function()
    local t = fnet.zeros { 1 }
    assert.equal(t.sum, fnet.zeros({ 5 }, "uint8").sum)
    assert.is_nil(rawget(getmetatable(t), "sum"))
  end)
end)

describe("elements", function()
  local t
  before_each(function() t = fnet.tensor { { 1, 2, 3 }, { 4, 5, 6 } } end)

  it("are read by t[i] and get", function()
    assert.equal(6, t[2][3])
    assert.equal(6, t[2.0][3])
    assert.equal(2, t:get(1, 2))
    assert.equal(5, t:T():get(2, 2))
    assert.equal(5, fnet.tensor(5):get())
    assert.equal("float", math.type(t[1][1]))
    assert.equal("integer", math.type(fnet.ones({ 1 }, "uint8")[1]))
    assert.equal("integer", math.type(fnet.ones({ 1 }, "int32"):get(1)))
  end)

  it("are written by set, in every type and through views", function()
    t:set(9, 2, 1)
    t:T():set(8, 3, 1)
    holds({ 2, 3 }, { 1, 2, 8, 9, 5, 6 }, t)
    for _, dtype in ipairs(DTYPES) do
      local one = fnet.zeros({ 2 }, dtype)
      one:set(200, 2)
      holds({ 2 }, { 0, 200 }, one, dtype)
    end
    local scalar = fnet.tensor(1)
    scalar:set(4)
    assert.equal(4, scalar:item())
  end)

  it("are written by t[i] = number, whole rows too", function()
    t[1] = 7
    t[2][3] = 0
    holds({ 2, 3 }, { 7, 7, 7, 4, 5, 0 }, t)
    t:T()[1] = -1
    holds({ 2, 3 }, { -1, 7, 7, -1, 5, 0 }, t)
  end)

  it("are written by t[i] = tensor, with conversion to wider types", function()
    t[1] = fnet.tensor({ 7, 8, 9 }, "uint8")
    t[2] = fnet.tensor({ -1, 0.5, 1 }, "float64")
    holds({ 2, 3 }, { 7, 8, 9, -1, 0.5, 1 }, t)
    local v = fnet.zeros { 2 }
    v[2] = fnet.tensor(3)
    holds({ 2 }, { 0, 3 }, v)
    local bytes = fnet.zeros({ 1, 2 }, "uint8")
    bytes[1] = fnet.tensor({ 0, 255 }, "int32")
    holds({ 1, 2 }, { 0, 255 }, bytes, "uint8")
  end)

  it("t[i] = part of the same storage works where the two overlap", function()
    local square = fnet.tensor { { 1, 2 }, { 3, 4 } }
    square[1] = square:T()[1]
    holds({ 2, 2 }, { 1, 3, 3, 4 }, square)
    local line = fnet.arange(1, 6)
    line:reshape({ 2, 3 })[1] = line:slice(1, 2, 4)
    holds({ 6 }, { 2, 3, 4, 4, 5, 6 }, line)
    line[2] = line[1]
    assert.equal(2, line[2])
  end)

  it("item reads the one element of any rank", function()
    assert.equal(3, fnet.full({ 1, 1, 1 }, 3):item())
    assert.equal(5, t:slice(1, 2, 2):slice(2, 2, 2):item())
    assert.equal("integer", math.type(fnet.ones({}, "int32"):item()))
  end)

  it("fill writes all of them and returns the tensor", function()
    assert.equal(t, t:fill(2))
    holds({ 2, 3 }, { 2, 2, 2, 2, 2, 2 }, t)
    t:slice(2, 2, 2):fill(0)
    holds({ 2, 3 }, { 2, 0, 2, 2, 0, 2 }, t)
    holds({ 0 }, {}, fnet.zeros({ 0 }):fill(1))
  end)

  it("copy writes those of another tensor, broadcast, and returns the tensor", function()
    assert.equal(t, t:copy(fnet.tensor { 7, 8, 9 }))
    holds({ 2, 3 }, { 7, 8, 9, 7, 8, 9 }, t)
    t:copy(fnet.tensor({ { 1 }, { 2 } }, "int32"))
    holds({ 2, 3 }, { 1, 1, 1, 2, 2, 2 }, t)
    t:copy(fnet.tensor(0.5))
    holds({ 2, 3 }, { 0.5, 0.5, 0.5, 0.5, 0.5, 0.5 }, t)
    holds({ 0, 3 }, {}, fnet.zeros({ 0, 3 }):copy(fnet.ones { 3 }))
  end)

  it("copy within one storage reads before it writes", function()
    local square = fnet.tensor { { 1, 2 }, { 3, 4 } }
    square:copy(square:T())
    holds({ 2, 2 }, { 1, 3, 2, 4 }, square)
    local line = fnet.arange(1, 5)
    line:slice(1, 2):copy(line:slice(1, 1, 4))
    holds({ 5 }, { 1, 1, 2, 3, 4 }, line)
    line:copy(line:slice(1, 5, 5))
    holds({ 5 }, { 4, 4, 4, 4, 4 }, line)
  end)

  it("totable gives nested tables of integers or floats", function()
    assert.same({ { 1, 2, 3 }, { 4, 5, 6 } }, t:totable())
    assert.same({ { 1, 4 }, { 2, 5 }, { 3, 6 } }, t:T():totable())
    assert.equal(5, fnet.tensor(5):totable())
    assert.same({}, fnet.zeros({ 0, 2 }):totable())
    assert.same({ {}, {} }, fnet.zeros({ 2, 0 }):totable())
    assert.equal("integer", math.type(fnet.tensor({ 5 }, "int32"):totable()[1]))
    assert.equal("float", math.type(fnet.tensor({ 5 }):totable()[1]))
  end)
end)

describe("conversion", function()
  local VALUES = { 0, 1, 127, 200, 255 }

  it("keeps what every type can hold, whichever pair it is between", function()
    for _, from in ipairs(DTYPES) do
      for _, to in ipairs(DTYPES) do
        holds({ 5 }, VALUES, fnet.tensor(VALUES, from):to(to), to)
        holds({ 5, 2 }, { 0, 0, 1, 1, 127, 127, 200, 200, 255, 255 },
          fnet.concat({ fnet.tensor({ VALUES }, from), fnet.tensor({ VALUES }, from) }):T():to(to), to)
      end
    end
  end)

  it("to the same type is the tensor itself", function()
    local t = fnet.ones({ 2 }, "int32")
    assert.equal(t, t:to "int32")
    assert.equal(t, t:int())
  end)

  it("has a name for each type", function()
    local t = fnet.tensor({ 1.5, 2.9 }, "float64")
    holds({ 2 }, { 1.5, single(2.9) }, t:float())
    holds({ 2 }, { 1.5, 2.9 }, t:double(), "float64")
    holds({ 2 }, { 1, 2 }, t:int(), "int32")
    holds({ 2 }, { 1, 2 }, t:byte(), "uint8")
  end)

  it("cuts fractions off and takes every value that then fits", function()
    holds({ 4 }, { -1, 0, 0, 1 }, fnet.tensor({ -1.9, -0.9, 0.9, 1.9 }):int(), "int32")
    holds({ 2 }, { 0, 255 }, fnet.tensor({ -0.9, 255.9 }):byte(), "uint8")
    local extremes = fnet.tensor({ -2147483648.9, 2147483647.9 }, "float64")
    holds({ 2 }, { -2147483648, 2147483647 }, extremes:int(), "int32")
  end)

  it("between the float types rounds and overflows as IEEE says", function()
    holds({ 3 }, { single(0.1), math.huge, 0 }, fnet.tensor({ 0.1, 1e39, 1e-60 }, "float64"):float())
    holds({ 1 }, { 2 ^ -149 }, fnet.tensor({ 2 ^ -149 }):double(), "float64")
  end)

  it("takes empty and rank 0 tensors", function()
    holds({ 0, 2 }, {}, fnet.zeros({ 0, 2 }):int(), "int32")
    holds({}, { 3 }, fnet.tensor(3.5):byte(), "uint8")
  end)
end)

describe("printing", function()
  it("shows small tensors whole", function()
    assert.equal("tensor float32 [3]\n[1, -2.5, 0]", tostring(fnet.tensor { 1, -2.5, 0 }))
    assert.equal("tensor int32 [2, 2]\n[[1, 2],\n [3, 4]]",
      tostring(fnet.tensor({ { 1, 2 }, { 3, 4 } }, "int32")))
    assert.equal("tensor uint8 [2, 1, 2]\n[[[1, 2]],\n [[3, 4]]]",
      tostring(fnet.tensor({ { { 1, 2 } }, { { 3, 4 } } }, "uint8")))
    assert.equal("tensor float32 [1, 2, 2]\n[[[1, 2],\n  [3, 4]]]",
      tostring(fnet.tensor { { { 1, 2 }, { 3, 4 } } }))
  end)

  it("shows five digits of a float", function()
    assert.equal("tensor float64 [5]\n[1.2346, 1.2346e+08, 1e-07, inf, -inf]",
      tostring(fnet.tensor({ 1.23456789, 123456789, 1e-7, math.huge, -math.huge }, "float64")))
  end)

  it("shows a NaN without its sign", function()
    assert.equal("tensor float32 [2]\n[nan, nan]", tostring(fnet.tensor { NAN, -NAN }))
  end)

  it("shows rank 0 on one line", function()
    assert.equal("tensor float32 [] 5.5", tostring(fnet.tensor(5.5)))
    assert.equal("tensor int32 [] -5", tostring(fnet.tensor(-5, "int32")))
  end)

  it("shows only the shape of what is empty", function()
    assert.equal("tensor float32 [0]", tostring(fnet.zeros { 0 }))
    assert.equal("tensor uint8 [3, 0, 2]", tostring(fnet.zeros({ 3, 0, 2 }, "uint8")))
  end)

  it("leaves out the middle of long axes", function()
    assert.equal("tensor float32 [9]\n[1, 2, 3, 4, 5, 6, 7, 8, 9]", tostring(fnet.arange(1, 9)))
    assert.equal("tensor float32 [10]\n[1, 2, 3, 4, ..., 7, 8, 9, 10]", tostring(fnet.arange(1, 10)))
    assert.equal("tensor int32 [10, 2]\n[[1, 2],\n [3, 4],\n [5, 6],\n [7, 8],\n ...,\n [13, 14],\n" ..
      " [15, 16],\n [17, 18],\n [19, 20]]", tostring(fnet.arange(1, 20, 1, "int32"):reshape { 10, 2 }))
    assert.equal("tensor float32 [1, 1, 6]\n[[[1, 2, ..., 5, 6]]]",
      tostring(fnet.arange(1, 6):reshape { 1, 1, 6 }))
  end)

  it("reads only what it shows, however large the tensor and whatever its rank", function()
    local text = tostring(fnet.ones({ 1 }):expand { 2 ^ 20, 2 ^ 20, 2 ^ 10 })
    assert.equal("tensor float32 [1048576, 1048576, 1024]\n[[[1, 1, ..., 1, 1],",
      text:match "^[^\n]*\n[^\n]*")
    assert.is_true(#text < 600)
    for rank = 1, 8 do
      local shape = {}
      for axis = 1, rank do shape[axis] = 2 ^ (56 // rank) end
      assert.is_true(#tostring(fnet.ones({ 1 }):expand(shape)) < 5000, "rank " .. rank)
    end
  end)

  it("does not record itself for gradients", function()
    local w = fnet.ones { 2, 2 }
    w.requires_grad = true
    assert.equal("tensor float32 [2, 2]\n[[2, 2],\n [2, 2]]", tostring(w * 2))
  end)
end)

describe("zeros_like, ones_like, full_like", function()
  it("have the shape and the type of a tensor, or another type", function()
    for _, dtype in ipairs { "float32", "float64", "int32", "uint8" } do
      local t = fnet.arange(1, 6, 1, dtype):reshape({ 2, 3 }):T()
      support.holds({ 3, 2 }, { 0, 0, 0, 0, 0, 0 }, fnet.zeros_like(t), dtype)
      support.holds({ 3, 2 }, { 1, 1, 1, 1, 1, 1 }, fnet.ones_like(t), dtype)
      support.holds({ 3, 2 }, { 7, 7, 7, 7, 7, 7 }, fnet.full_like(t, 7), dtype)
      support.holds({ 3, 2 }, { 1, 1, 1, 1, 1, 1 }, fnet.ones_like(t, "float32"))
    end
    support.holds({ 0 }, {}, fnet.zeros_like(fnet.ones { 0 }))
    support.holds({}, { 2.5 }, fnet.full_like(fnet.tensor(1), 2.5))
    local w = fnet.ones { 2 }
    w.requires_grad = true
    assert.is_false(fnet.zeros_like(w).requires_grad)
  end)

  it("say what is wrong", function()
    raises("zeros_like: expected a tensor, got table; fnet.tensor { ... } makes one of numbers",
      function() fnet.zeros_like { 2, 3 } end)
    raises("ones_like: expected a tensor, got nil", function() fnet.ones_like() end)
    raises("full_like: expected a number, got nil", function() fnet.full_like(fnet.ones { 2 }) end)
    raises("full_like: expected a whole number from 0 to 255 for uint8, got 300",
      function() fnet.full_like(fnet.ones({ 2 }, "uint8"), 300) end)
    raises("zeros_like: expected the type float32, float64, uint8 or int32, got half",
      function() fnet.zeros_like(fnet.ones { 2 }, "half") end)
  end)
end)

describe("linspace", function()
  it("has both ends exactly, and equal distances", function()
    support.holds({ 5 }, { 0, 0.25, 0.5, 0.75, 1 }, fnet.linspace(0, 1, 5))
    support.holds({ 4 }, { 2, 1, 0, -1 }, fnet.linspace(2, -1, 4))
    support.holds({ 1 }, { 3 }, fnet.linspace(3, 9, 1))
    support.holds({ 0 }, {}, fnet.linspace(3, 9, 0))
    support.holds({ 3 }, { 3, 3, 3 }, fnet.linspace(3, 3, 3))
    for count = 2, 300 do
      local t = fnet.linspace(0.1, 0.7, count, "float64")
      assert.equal(0.1, t[1])
      assert.equal(0.7, t[count])
    end
  end)

  it("says what is wrong", function()
    raises("linspace: count: expected a whole number of at least 0, got nil", function() fnet.linspace(0, 1) end)
    raises("linspace: count: expected a whole number of at least 0, got 0.1",
      function() fnet.linspace(0, 1, 0.1) end)
    raises("linspace: first: expected a number, got string", function() fnet.linspace("0", 1, 2) end)
    raises("linspace: from 0.0 to inf is not a finite range", function() fnet.linspace(0, math.huge, 2) end)
    raises("linspace: expected float32 or float64, got int32; fnet.arange makes whole numbers",
      function() fnet.linspace(0, 4, 5, "int32") end)
  end)
end)

describe("sha256", function()
  it("is that of the standard for strings", function()
    assert.equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", fnet.sha256())
    assert.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", fnet.sha256("abc"))
    assert.equal("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
      fnet.sha256(("a"):rep(1000000)))
  end)

  it("takes a tensor as its row-major bytes, and arguments one after the other", function()
    local t = fnet.tensor({ { 97, 98 }, { 99, 100 } }, "uint8")
    assert.equal(fnet.sha256("abcd"), fnet.sha256(t))
    assert.equal(fnet.sha256("acbd"), fnet.sha256(t:T()))
    assert.equal(fnet.sha256("xabcdy"), fnet.sha256("x", t, "y"))
    assert.equal(fnet.sha256(""), fnet.sha256(fnet.zeros { 0 }))
  end)

  it("pads right at every length around a block", function()
    for length = 50, 70 do
      local text = ("x"):rep(length)
      assert.equal(fnet.sha256(text), fnet.sha256(text:sub(1, 13), text:sub(14)))
    end
  end)
end)

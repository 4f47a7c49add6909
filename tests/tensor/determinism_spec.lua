--- The numerics contract: the same bits for any number of threads, any instruction set, any layout in memory.

local fnet = require "fnet"
require "fnet.testing"
local nn, optim = fnet.nn, fnet.optim

local threads_before, isa_before = fnet.threads(), fnet.isa()

after_each(function()
  fnet.threads(threads_before)
  fnet.isa(isa_before)
end)

-- The tensors that make returns have the same bits for all threads and instruction sets. It starts from seed 1.
local function same_everywhere(make)
  assert.same_everywhere(function()
    fnet.seed(1)
    return make()
  end, { 1, 2, 3, 4, 8 })
end

describe("the same bits for every number of threads and every instruction set:", function()
  it("rand, randn and permutation", function()
    same_everywhere(function()
      return fnet.rand { 70001 }, fnet.rand({ 33 }, -3, 5), fnet.rand({ 30001 }, 0, 1, "float64"),
        fnet.randn { 70001 }, fnet.randn({ 301, 7 }, 2, 3, "float64"), fnet.permutation(5000)
    end)
  end)

  it("elementwise operations", function()
    same_everywhere(function()
      local large, a, b = fnet.randn { 200003 }, fnet.randn { 40003 }, fnet.randn { 40003 }
      local matrix = fnet.randn { 151, 203 }
      return large + large:abs(), a + b, a - b, a * b, a / b, a:maximum(b), a:minimum(b), a:lt(b), a:gate(b),
        -a, a:abs(), a:sign(), a:relu(), a:abs():sqrt(), 2 / a, matrix + matrix[1], matrix * matrix:slice(2, 1, 1),
        matrix:T() - fnet.randn { 203, 1 }
    end)
  end)

  it("exp, log, tanh, sigmoid and powers", function()
    same_everywhere(function()
      local a = fnet.randn({ 20003 }, 0, 20)
      return a:exp(), a:abs():log(), a:tanh(), a:sigmoid(), a:abs() ^ (a / 10)
    end)
  end)

  it("reductions over everything and over each axis", function()
    same_everywhere(function()
      local t = fnet.randn { 61, 70, 49 }
      local results = {}
      for _, name in ipairs { "sum", "mean", "max", "min", "argmax", "argmin" } do
        results[#results + 1] = t[name](t)
        for axis = 1, 3 do results[#results + 1] = t[name](t, axis) end
      end
      return table.unpack(results)
    end)
  end)

  it("softmax along each axis", function()
    same_everywhere(function()
      local t = fnet.randn({ 20, 33, 65 }, 0, 10)
      return t:softmax(1), t:softmax(2), t:softmax(3)
    end)
  end)

  it("matmul of every layout", function()
    same_everywhere(function()
      local a, b = fnet.randn { 300, 300 }, fnet.randn { 300, 300 }
      local c, d = a:slice(1, 1, 67):slice(2, 1, 70), b:slice(1, 5, 74):slice(2, 9, 139)
      return a:matmul(b), c:matmul(d), c:T():matmul(d:slice(1, 1, 67)), c:matmul(d:T():contiguous():T()),
        a[1]:matmul(b), a:matmul(b[1]), fnet.randn({ 5, 31, 40 }):matmul(fnet.randn { 5, 40, 37 }),
        fnet.randn({ 65, 520 }):matmul(fnet.randn { 520, 510 })
    end)
  end)

  it("gather, concat and conversions", function()
    same_everywhere(function()
      local t = fnet.randn { 300, 130 }
      local order = fnet.permutation(300)
      return t:gather(order), t:T():gather(order, 2), fnet.concat({ t, t }, 2), (t * 10):int(), t:double()
    end)
  end)

  it("a chain of operations", function()
    same_everywhere(function()
      local x = fnet.randn { 151, 130 }
      for _ = 1, 3 do
        x = x:matmul(fnet.randn { 130, 130 } / 11):tanh() + x:mean(2, true)
        x = (x - x:mean(1)) / ((x * x):mean(1) + 1e-5):sqrt()
      end
      return x, x:softmax(), x:sum()
    end)
  end)

  it("training with gradients and Adam", function()
    same_everywhere(function()
      local model = nn.Sequential { nn.Dense(50, 70), nn.ReLU(), nn.Dense(70, 10) }
      local opt = optim.Adam(model:parameters(), { lr = 1e-2 })
      local x = fnet.randn { 130, 50 }
      local y = fnet.rand({ 130 }, 1, 10.99):int()
      for _ = 1, 5 do
        local loss = nn.cross_entropy(model(x), y)
        opt:zero_grad()
        loss:backward()
        opt:step()
      end
      return table.unpack(model:parameters())
    end)
  end)
end)

describe("the same bits for every layout:", function()
  -- A tensor of the same elements whose axes lie in memory in the opposite order.
  local function turned(t) return t:transpose(1, t.rank):contiguous():transpose(1, t.rank) end

  it("reductions of a transposed view", function()
    fnet.seed(2)
    for _, shape in ipairs { { 300, 7 }, { 7, 300 }, { 1000, 40 }, { 129, 130 }, { 5000, 3 }, { 17, 18, 19 } } do
      local t = fnet.randn(shape)
      local view = turned(t)
      assert.is_false(view:is_contiguous())
      for _, name in ipairs { "sum", "mean", "max", "min", "argmax", "argmin" } do
        assert.equal(t[name](t):bytes(), view[name](view):bytes())
        for axis = 1, #shape do assert.equal(t[name](t, axis):bytes(), view[name](view, axis):bytes()) end
      end
    end
  end)

  -- A sum of elements that follow each other, and one of elements that lie apart, have the same order.
  it("a reduction along rows and along columns", function()
    fnet.seed(3)
    for _, n in ipairs { 1, 2, 15, 16, 17, 31, 33, 100, 1023, 1024, 1025, 1040, 4097, 65536, 70001 } do
      local t = fnet.randn { 3, n }
      for _, name in ipairs { "sum", "max", "min", "argmax" } do
        local rows, columns = t[name](t, 2), t:T()[name](t:T():contiguous(), 1)
        assert.equal(rows:bytes(), columns:bytes(), ("%s of %d"):format(name, n))
        assert.equal(rows[2], t[2][name](t[2]):item())
      end
    end
  end)

  it("elementwise operations, softmax and matrix products", function()
    fnet.seed(4)
    local a, b = fnet.randn { 65, 66 }, fnet.randn { 66, 67 }
    local a_view, b_view = turned(a), turned(b)
    for _, name in ipairs { "exp", "log", "tanh", "sigmoid", "sqrt", "softmax" } do
      local x, view = a:abs(), turned(a:abs())
      assert.equal(x[name](x):bytes(), view[name](view):bytes(), name)
    end
    assert.equal((a / a:T():contiguous():T()):bytes(), (a_view / a):bytes())
    local product = a:matmul(b):bytes()
    assert.equal(product, a_view:matmul(b):bytes())
    assert.equal(product, a:matmul(b_view):bytes())
    assert.equal(product, a_view:matmul(b_view):bytes())
    assert.equal(a:matmul(b)[9]:bytes(), a[9]:matmul(b):bytes())
  end)
end)

it("settings are kept, and refused changes change nothing", function()
  fnet.threads(3)
  pcall(fnet.threads, 0)
  pcall(fnet.isa, "none such")
  assert.equal(3, fnet.threads())
  assert.equal(isa_before, fnet.isa())
  assert.equal("portable", fnet.isas()[1])
end)

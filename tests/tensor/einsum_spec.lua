--- Products that an equation names, and the other products, beside PyTorch's:
-- tests/fixtures/pytorch/products.safetensors was written by record_products.py there.

local fnet = require "fnet"
local support = require "tests.support"

local holds, near, raises, flat = support.holds, support.near, support.raises, support.flat

local function compare(all, name, f)
  local operands = {}
  while all[("%s.%d"):format(name, #operands + 1)] do
    operands[#operands + 1] = all[("%s.%d"):format(name, #operands + 1)]
    operands[#operands].requires_grad = true
  end
  local y, expected = f(table.unpack(operands)), all[name .. ".y"]
  near(expected.shape, flat(expected), y, 2e-6)
  for i, gradient in ipairs(fnet.grad((y * y):sum(), operands)) do
    expected = all[("%s.d%d"):format(name, i)]
    near(expected.shape, flat(expected), gradient, 5e-6)
  end
end

describe("beside PyTorch's values", function()
  local all = assert(fnet.read_tensors "tests/fixtures/pytorch/products.safetensors")
  local compared = 0
  local names = {}
  for key in pairs(all) do names[#names + 1] = key:match "^(.*)%.y$" end
  table.sort(names)
  for _, name in ipairs(names) do
    compared = compared + 1
    it(name .. " and its gradients are near", function()
      if name:find "^matmul" then return compare(all, name, fnet.matmul) end
      if name == "outer" then return compare(all, name, function(a, b) return a:outer(b) end) end
      local equation = name:gsub("_", ","):gsub("=", "->")
      compare(all, name, function(...) return fnet.einsum(equation, ...) end)
    end)
  end

  it("are there", function() assert.equal(37, compared) end)

  it("linspace is near", function()
    for _, n in ipairs { 1, 2, 3, 7 } do
      near({ n }, flat(all["linspace." .. n]), fnet.linspace(-1, 2.5, n, "float64"), 1e-15)
    end
  end)
end)

describe("einsum", function()
  local matrix = fnet.tensor { { 1, 2, 3 }, { 4, 5, 6 } }

  it("does not mind blanks, and takes a list of operands", function()
    holds({ 2, 2 }, { 14, 32, 32, 77 }, fnet.einsum(" i j , k j -> i k ", matrix, matrix))
    holds({ 2, 2 }, { 14, 32, 32, 77 }, fnet.einsum("ij,kj->ik", { matrix, matrix }))
  end)

  it("is exact where the product of matrices is", function()
    local a, b = fnet.randn { 33, 65 }, fnet.randn { 65, 17 }
    assert.is_true(fnet.einsum("ij,jk->ik", a, b):equal(a:matmul(b)))
    assert.is_true(fnet.einsum("ji,kj->ki", a:T(), b:T()):equal(b:T():matmul(a:T()):T():T()))
  end)

  it("lets those operands meet first whose product is the least work", function()
    fnet.seed(4)
    local a, b, c = fnet.randn { 30, 20 }, fnet.randn { 20, 40 }, fnet.randn { 40, 2 }
    assert.is_true(fnet.einsum("ij,jk,kl->il", a, b, c):equal(a:matmul(b:matmul(c))))
    assert.is_true(fnet.einsum("ij,jk,kl->il", c:transpose(), b:transpose(), a:transpose())
      :equal(c:transpose():matmul(b:transpose()):matmul(a:transpose())))
    assert.is_true(fnet.einsum("kl,ij,jk->il", c, a, b):equal(a:matmul(b:matmul(c))))
    -- the first two have ten axes together, which no tensor may have
    local left, right = fnet.randn { 2, 1, 2, 1, 2 }, fnet.randn { 1, 2, 1, 2, 1 }
    local y = fnet.einsum("abcde,fghij,abcde->fghij", left, right, left)
    assert.is_true(y:equal(right * (left * left):sum()))
  end)

  it("takes numbers without axes, axes without length, and float64", function()
    holds({ 2 }, { 6, 8 }, fnet.einsum(",i->i", fnet.tensor(2), fnet.tensor { 3, 4 }))
    holds({}, { 6 }, fnet.einsum(",", fnet.tensor(2), fnet.tensor(3)))
    holds({ 2, 3 }, { 0, 0, 0, 0, 0, 0 }, fnet.einsum("ij,jk->ik", fnet.zeros { 2, 0 }, fnet.zeros { 0, 3 }))
    holds({ 0 }, {}, fnet.einsum("ii->i", fnet.zeros { 0, 0 }))
    holds({ 2 }, { 14, 77 }, fnet.einsum("ij,ij->i", matrix:double(), matrix:double()), "float64")
  end)

  it("has right gradients, twice", function()
    local inputs = { fnet.randn { 2, 3 }, fnet.randn { 3, 2, 2 }, fnet.randn { 2 } }
    for _, equation in ipairs { "ij,jkk,k->ik", "ij,jkl,l->ki", "ij,jii,i->j" } do
      local function f(...) return fnet.einsum(equation, ...) end
      assert.is_true(fnet.gradcheck(f, inputs))
      assert.is_true(fnet.gradcheck(function(a, b, c)
        return fnet.enable_grad(function()
          return fnet.grad(f(a, b, c):pow(2):sum(), b, { create_graph = true })
        end)
      end, inputs))
    end
  end)

  it("has the same bits everywhere", function()
    fnet.seed(3)
    local a, b, c = fnet.randn { 5, 37, 21 }, fnet.randn { 21, 5, 19 }, fnet.randn { 5 }
    assert.same_everywhere(function()
      return fnet.sha256(fnet.einsum("bij,jbk,b->kbi", a, b, c), fnet.einsum("bij,bij->b", a, a))
    end, { 1, 2, 3 })
  end)

  it("refuses what is no equation", function()
    raises('einsum: expected an equation such as "bij,bjk->bik", got float32 [2, 3]',
      function() fnet.einsum(matrix, matrix) end)
    for text, letter in pairs { ["i.j->i"] = ".", ["i1->i"] = "1", ["ij->i->j"] = "-", ["......->"] = "..." } do
      raises("einsum: expected letters for axes, ',' between operands, one '->', and '...' at most once an " ..
        ("operand for the axes that have no letter, got '%s' in %q"):format(letter, text),
        function() fnet.einsum(text, matrix) end)
    end
    raises("einsum: 'k' of the result in \"ij->ik\" is in no operand", function() fnet.einsum("ij->ik", matrix) end)
    raises("einsum: 'i' of the result in \"ij->ii\" is there twice", function() fnet.einsum("ij->ii", matrix) end)
  end)

  it("refuses operands that do not fit it", function()
    raises('einsum: expected 2 tensors for "ij,jk->ik", got 1', function() fnet.einsum("ij,jk->ik", matrix) end)
    raises("einsum: operand 2 of \"ij,jk->ik\": 'j' is 2 long here and 3 before",
      function() fnet.einsum("ij,jk->ik", matrix, matrix) end)
    raises('einsum: operand 1 of "ijk->i": expected 3 axes, got [2, 3]',
      function() fnet.einsum("ijk->i", matrix) end)
    raises('einsum: operand 1 of "ijk...->i": expected at least 3 axes, got [2, 3]',
      function() fnet.einsum("ijk...->i", matrix) end)
    raises("einsum: operand 2 of \"...i,...i->i\": '...' is 3 long here and 2 before",
      function() fnet.einsum("...i,...i->i", matrix, fnet.ones { 3, 3 }) end)
    raises("einsum: operand 1: expected a float tensor, got int32 [2, 3]",
      function() fnet.einsum("ij->i", matrix:int()) end)
    raises("einsum: operand 2: expected a tensor of float32, as the first is, got float64 [2, 3]",
      function() fnet.einsum("ij,ij->i", matrix, matrix:double()) end)
    raises("einsum: two operands together have 10 axes that are needed later, expected at most 8",
      function() fnet.einsum("ab,cd,ef,gh,ij->abcdefghij", matrix, matrix, matrix, matrix, matrix) end)
  end)
end)

describe("outer", function()
  it("is each element times each of the other", function()
    holds({ 2, 3 }, { 3, 4, 5, 6, 8, 10 }, fnet.tensor({ 1, 2 }):outer(fnet.tensor { 3, 4, 5 }))
    holds({ 0, 1 }, {}, fnet.zeros({ 0 }):outer(fnet.ones { 1 }))
  end)

  it("refuses other ranks", function()
    raises("outer: expected two tensors of rank 1, got [2, 1] and [3]; fnet.einsum names products of more axes",
      function() fnet.ones({ 2, 1 }):outer(fnet.ones { 3 }) end)
    raises("outer: expected a tensor, got number", function() fnet.ones({ 2 }):outer(3) end)
  end)
end)

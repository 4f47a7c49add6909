--- Gradients as values: fnet.grad gives what backward would leave in `.grad`, and leaves that alone.

local fnet = require "fnet"
local support = require "tests.support"

local holds, raises = support.holds, support.raises
local nn = fnet.nn

local function leaf(values, dtype)
  local t = fnet.tensor(values, dtype)
  t.requires_grad = true
  return t
end

describe("grad", function()
  it("gives the gradient of a tensor, and leaves every .grad as it is", function()
    local x, w = leaf { 1, 2, 3 }, leaf { 4, 5, 6 }
    local before = fnet.tensor { 7, 8, 9 }
    x.grad = before
    holds({ 3 }, { 32, 100, 216 }, fnet.grad((x * w * (x * w)):sum(), x))
    assert.equal(before, x.grad)
    holds({ 3 }, { 7, 8, 9 }, before)
    assert.is_nil(w.grad)
  end)

  it("gives a list for a list, of leaves and of results on the way", function()
    local x, w = leaf { 1, 2, 3 }, leaf { 4, 5, 6 }
    local z = x * w
    local y = (z * z):sum()
    local list = fnet.grad(y, { x, z, w, y, x })
    assert.equal(5, #list)
    holds({ 3 }, { 32, 100, 216 }, list[1])
    holds({ 3 }, { 8, 20, 36 }, list[2])
    holds({ 3 }, { 8, 40, 108 }, list[3])
    holds({}, { 1 }, list[4])
    assert.equal(list[1], list[5])
    assert.is_nil(x.grad)
    assert.is_nil(z.grad)
  end)

  it("gives gradients that share no memory with each other or with what is computed next", function()
    local a, b = leaf { 1, 2 }, leaf { 3, 4 }
    local sum = a + b
    local list = fnet.grad((sum * 2):sum(), { a, b, sum })
    list[1]:fill(9)
    list[3]:fill(8)
    holds({ 2 }, { 2, 2 }, list[2])
    a:mul(b):sum():backward()
    holds({ 2 }, { 9, 9 }, list[1])
    a:zero_grad()
    b:zero_grad()
    holds({ 2 }, { 2, 2 }, list[2])
  end)

  it("agrees with backward to the last bit, for a network", function()
    fnet.seed(2)
    local model = nn.Sequential { nn.Dense(40, 30), nn.ReLU(), nn.LayerNorm(30), nn.Dense(30, 20), nn.Dense(20, 3) }
    local x, y = fnet.randn { 64, 40 }, fnet.tensor(fnet.rand({ 64 }, 1, 4):int():totable(), "int32")
    x.requires_grad = true
    local inputs = { x, table.unpack(model:parameters()) }
    local function loss() return nn.cross_entropy(model(x), y) end
    loss():backward()
    loss():backward() -- added up where the gradients lie
    local gradients, sums = fnet.grad(loss(), inputs), {}
    for i, input in ipairs(inputs) do sums[i] = fnet.sha256(input.grad) end
    assert.equal(#inputs, #gradients)
    fnet.grad(loss(), inputs)
    for i, input in ipairs(inputs) do
      assert.equal(sums[i], fnet.sha256(input.grad))
      assert.is_true((gradients[i] * 2):equal(input.grad))
      assert.is_true(gradients[i]:equal(fnet.grad(loss(), input))) -- though less is computed
    end
  end)

  it("adds up what several uses of a tensor give", function()
    local x, w = leaf { { 1, 2 } }, leaf { { 1, 2 }, { 3, 4 } }
    local h = x
    for _ = 1, 3 do h = h:matmul(w) end
    local expected = fnet.grad(h:sum(), w, { retain = true })
    h:sum():backward()
    assert.is_true(expected:equal(w.grad))
    local parts = x:slice(2, 1, 1):sum() * 3 + x:slice(2, 2, 2):sum() * 4
    holds({ 1, 2 }, { 3, 4 }, fnet.grad(parts, x))
  end)

  it("goes back only to what was asked for, with the same bits", function()
    fnet.seed(3)
    local calls = {}
    local function noted(name)
      return fnet.operation(function(t) return t * 2 end, function(dy, _, t)
        calls[#calls + 1] = name .. #t.shape
        return dy * 2
      end)
    end
    local x, w, b = leaf { { 1, 2 } }, leaf { { 1, 2 }, { 3, 4 } }, leaf { 5, 6 }
    local h
    local function result()
      calls = {}
      h = noted "x" (x):matmul(noted "w" (w)) -- both ways meet here
      return (noted "h" (h) + noted "b" (b)):sum()
    end
    local all = fnet.grad(result(), { x, w, b })
    assert.equal("b1 h2 w2 x2", table.concat(calls, " "))
    assert.is_true(all[1]:equal(fnet.grad(result(), x)))
    assert.equal("h2 x2", table.concat(calls, " "))
    assert.is_true(all[2]:equal(fnet.grad(result(), w, { create_graph = true })))
    assert.equal("h2 w2", table.concat(calls, " "))
    assert.is_true(all[3]:equal(fnet.grad(result(), b)))
    assert.equal("b1", table.concat(calls, " "))
    local y = result()
    holds({ 1, 2 }, { 2, 2 }, fnet.grad(y, h)) -- a result on the way, behind which nothing is asked for
    assert.equal("h2", table.concat(calls, " "))
    result():backward() -- what nobody wanted before is wanted now
    for i, input in ipairs { x, w, b } do assert.is_true(all[i]:equal(input.grad)) end
  end)

  it("can be differentiated again, also where it is constant", function()
    local x = leaf { 1, 2, 3 }
    local slope = fnet.grad((x * x * x):sum(), x, { create_graph = true })
    holds({ 3 }, { 3, 12, 27 }, slope)
    local curve = fnet.grad(slope:sum(), x, { create_graph = true })
    holds({ 3 }, { 6, 12, 18 }, curve)
    holds({ 3 }, { 6, 6, 6 }, fnet.grad(curve:sum(), x))
    local constant = fnet.grad((x * 2):sum(), x, { create_graph = true })
    holds({ 3 }, { 0, 0, 0 }, fnet.grad(constant:sum(), x))
    assert.is_nil(x.grad)
  end)

  it("penalises a gradient: its own reaches the weights by backward", function()
    local x, w = leaf { 2 }, leaf { 3 }
    local slope = fnet.grad((w * x * x):sum(), x, { create_graph = true }) -- 2 w x
    slope:pow(2):sum():backward()
    holds({ 1 }, { 96 }, w.grad) -- 8 w x^2
    holds({ 1 }, { 144 }, x.grad) -- 8 w^2 x
  end)

  it("takes the gradient of a result with several elements, keeps the tape where it is told so", function()
    local x = leaf({ 1, 2 }, "float64")
    local y = x * x
    local options = { gradient = fnet.tensor({ 1, 10 }, "float64"), retain = true }
    holds({ 2 }, { 2, 40 }, fnet.grad(y, x, options), "float64")
    holds({ 2 }, { 2, 40 }, fnet.grad(y, x, { gradient = options.gradient }), "float64")
    raises("grad: an earlier grad() or backward() has freed the history of a tensor [2], the result of mul; " ..
      "compute it again, or carry it from one step to the next by :detach(), or call the first one with { " ..
      "retain = true }", function() fnet.grad(y, x, options) end)
    holds({ 2 }, { 1, 10 }, fnet.grad(x, x, { gradient = options.gradient }), "float64")
  end)

  it("works in the backward of an operation, and beside a backward there", function()
    local seen
    local again = fnet.operation(function(x) return x * x end, function(dy, _, x)
      return fnet.enable_grad(function()
        local own = x:detach():clone()
        own.requires_grad = true;
        (own * 3):sum():backward()
        seen = own.grad
        return fnet.grad(own * own, own, { gradient = dy })
      end)
    end)
    local x, w = leaf { 1, 2 }, leaf { 5, 5 }
    local list = fnet.grad((again(x) * w):sum(), { x, w })
    holds({ 2 }, { 10, 20 }, list[1])
    holds({ 2 }, { 1, 4 }, list[2])
    holds({ 2 }, { 3, 3 }, seen)
  end)

  it("lets a backward inside it reach the leaves", function()
    local x = leaf { 1, 2 }
    local w = leaf { { 1, 0 }, { 0, 1 } }
    local function dense() return nn.mse(fnet.tensor({ { 1, 1 } }):matmul(w), fnet.zeros { 1, 2 }) end
    dense():backward()
    local slow = fnet.operation(function(a) return a * 2 end, function(dy)
      dense():backward() -- where nothing is recorded
      return dy * 2
    end)
    local before = w.grad:clone()
    assert.error_matches(function() slow(x):sum():backward() end, "does not depend on any tensor .*enable_grad")
    slow = fnet.operation(function(a) return a * 2 end, function(dy)
      fnet.enable_grad(function() dense():backward() end)
      return dy * 2
    end)
    holds({ 2 }, { 2, 2 }, fnet.grad(slow(x):sum(), x))
    assert.is_true((before * 2):equal(w.grad))
  end)

  it("refuses what is no input", function()
    local x, w = leaf { 1, 2 }, leaf { 3, 4 }
    local y = (x * 2):sum()
    raises("grad: expected a tensor, got nil", function() fnet.grad() end)
    raises("grad: expected a tensor, got number; t:select(1, i) is an element with its history, t[i] a number",
      function() fnet.grad(fnet.ones { 2 }[1], { fnet.ones { 2 } }) end)
    raises("grad: inputs: expected a tensor or a list of at least one, got nil", function() fnet.grad(y) end)
    raises("grad: inputs: expected a tensor or a list of at least one, got table", function() fnet.grad(y, {}) end)
    raises("grad: input 2: expected a tensor, got number", function() fnet.grad(y, { x, 3 }) end)
    raises("grad: input 2: expected a tensor, got nil", function() fnet.grad(y, { x, nil, x }) end)
    raises("grad: input 1, [2], does not require gradients; set its requires_grad = true before y is computed",
      function() fnet.grad(y, fnet.ones { 2 }) end)
    raises("grad: gradient: expected a tensor, got number", function() fnet.grad(y, x, { gradient = 3 }) end)
    raises("grad: expected a gradient of [] and float32, got [2] and float32",
      function() fnet.grad(y, x, { gradient = x }) end)
    raises("grad: unknown option 'retain_graph' (did you mean 'retain'?); known are gradient, retain, create_graph",
      function() fnet.grad(y, x, { retain_graph = true }) end)
    raises("grad: expected a loss with one element, got [2]; reduce it with :sum() or :mean(), or pass " ..
      "{ gradient = ... }", function() fnet.grad(x * 2, x) end)
    raises("grad: this result does not depend on any tensor that requires gradients (detached, " ..
      "without parameters, or computed under no_grad or in the backward of an operation: there " ..
      "fnet.enable_grad(f, ...) records)",
      function() fnet.grad(fnet.ones {}, x) end)
    raises("grad: y does not depend on input 2, [2]; leave it out, its gradient is 0",
      function() fnet.grad(y, { x, w }) end)
    assert.is_nil(x.grad)
  end)
end)

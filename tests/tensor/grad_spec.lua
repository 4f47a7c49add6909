--- The tape: backward, no_grad, accumulation, a script's own operations, and their errors.

local collector = require "tests.support.collector"
local fnet = require "fnet"
require "fnet.testing"
local core = require "fnet.core"

local function leaf(values, dtype)
  local t = fnet.tensor(values, dtype)
  t.requires_grad = true
  return t
end

-- Calls f, which must raise an error at a line of this file.
local function fails(message, f, ...)
  local ok, got = pcall(f, ...)
  assert.is_false(ok)
  local position, text = got:match "^(.-grad_spec%.lua:%d+: )(.*)$"
  assert.is_truthy(position, got)
  assert.equal(message, text)
end

describe("backward", function()
  it("gives the gradient of a loss to every leaf", function()
    local a, b = leaf { 1, 2, 3 }, leaf { 4, 5, 6 };
    (a * b + a):sum():backward()
    assert.same({ 5, 6, 7 }, a.grad:totable())
    assert.same({ 1, 2, 3 }, b.grad:totable())
    assert.same({ "float32", false }, { a.grad.dtype, a.grad.requires_grad })
  end)

  it("gives float64 leaves float64 gradients", function()
    local a = leaf({ 1, 3 }, "float64");
    (a ^ 2):mean():backward()
    assert.same({ { 1, 3 }, "float64" }, { a.grad:totable(), a.grad.dtype })
  end)

  it("adds to the gradient of an earlier call", function()
    local a = leaf { 1, 2 };
    (a * 3):sum():backward();
    (a * a):sum():backward()
    assert.same({ 5, 7 }, a.grad:totable())
    a:zero_grad()
    assert.is_nil(a.grad);
    (a * 3):sum():backward()
    assert.same({ 3, 3 }, a.grad:totable())
  end)

  it("adds up what comes along every path", function()
    local a = leaf { 2 }
    local left, right = a * 3, a:exp()
    local middle = left * right;
    (middle + left - right * a):sum():backward()
    local e = math.exp(2) -- of 3 a e^a + 3 a - a e^a
    assert.near(2 * e + 2 * 2 * e + 3, a.grad[1], 1e-4)
  end)

  it("takes the same tensor as both arguments", function()
    local a = leaf { 3, 4 };
    (a * a):sum():backward()
    assert.same({ 6, 8 }, a.grad:totable())
    a.grad = nil;
    (a + a):sum():backward()
    assert.same({ 2, 2 }, a.grad:totable())
    a.grad = nil;
    (a - a):sum():backward()
    assert.same({ 0, 0 }, a.grad:totable())
    a.grad = nil
    fnet.concat({ a, a, a }):sum():backward()
    assert.same({ 3, 3 }, a.grad:totable())
  end)

  it("walks 10,000 operations deep and 10,000 wide", function()
    local a = leaf { 1, 2 }
    local deep = a
    for _ = 1, 10000 do deep = deep + 1 end
    deep:sum():backward()
    assert.same({ 1, 1 }, a.grad:totable())
    a.grad = nil
    local doubling = a
    for _ = 1, 60 do doubling = doubling + doubling end -- 2^60 paths
    doubling:sum():backward()
    assert.same({ 2.0 ^ 60, 2.0 ^ 60 }, a.grad:totable())
    a.grad = nil
    local wide = a * 1
    for i = 2, 10000 do wide = wide + a * (i % 2) end
    wide:sum():backward()
    assert.same({ 5000, 5000 }, a.grad:totable())
  end)

  it("survives the collector running at every allocation", function()
    collector.incremental(0, 1000, 13)
    finally(function() collector.usual() end)
    local a, b = fnet.rand { 40, 50 }, fnet.rand { 50, 40 }
    a.requires_grad, b.requires_grad = true, true
    for _ = 1, 20 do
      a:zero_grad()
      b:zero_grad()
      a:matmul(b):relu():softmax():log():mean():backward()
      collectgarbage()
    end
    local once = a.grad:clone()
    a:zero_grad()
    a:matmul(b):relu():softmax():log():mean():backward()
    assert.is_true(once:equal(a.grad))
  end)

  it("of a leaf gives it the gradient 1", function()
    local a = leaf(3)
    a:backward()
    assert.equal(1, a.grad:item())
    a:backward()
    assert.equal(2, a.grad:item())
  end)

  it("takes the gradient of a result with several elements", function()
    local a, dy = leaf { 1, 2, 3 }, fnet.tensor { 1, 10, 100 }
    local y = a * a
    y:backward { gradient = dy }
    assert.same({ 2, 40, 600 }, a.grad:totable())
    assert.same({ 1, 10, 100 }, dy:totable())
    a.grad = nil
    a:backward { gradient = dy }
    a.grad:fill(0)
    assert.same({ 1, 10, 100 }, dy:totable())
  end)

  it("runs again with retain, and says so without", function()
    local a = leaf { 1, 2 }
    local loss = (a * a):sum()
    loss:backward { retain = true }
    loss:backward()
    assert.same({ 4, 8 }, a.grad:totable())
    local freed = "backward: an earlier backward() has freed the history of a tensor %s, the result of %s; " ..
      "compute it again, or carry it from one step to the next by :detach(), or call the first backward with " ..
      "{ retain = true }"
    fails(freed:format("[]", "sum"), loss.backward, loss)
    local shared = a * a
    shared:sum():backward()
    fails(freed:format("[2]", "mul"), function() (shared * 2):sum():backward() end)
    local own = fnet.operation(function(x) return x:clone() end, function(dy) return dy end)(a)
    own:sum():backward()
    fails(freed:format("[2]", "an operation of the script"), function() own:sum():backward() end)
    a.grad = fnet.tensor { 6, 12 }
    assert.same({ 6, 12 }, a.grad:totable())
  end)

  it("refuses what has no single value or no history", function()
    local a = leaf { 1, 2 }
    fails("backward: expected a loss with one element, got [2]; reduce it with :sum() or :mean(), or pass " ..
      "{ gradient = ... }", function() (a * 2):backward() end)
    local without = "backward: this result does not depend on any tensor that requires gradients " ..
      "(detached, without parameters, or computed under no_grad or in the backward of an operation: there " ..
      "fnet.enable_grad(f, ...) records)"
    fails(without, function() fnet.tensor(1):backward() end)
    fails(without, function() a:detach():sum():backward() end)
    fails(without, function() fnet.no_grad(function() return a:sum() end):backward() end)
    fails(without, function() a:gt(1):sum():backward() end)
    fails("backward: expected a gradient of [2] and float32, got [3] and float32", function()
      (a * 2):backward { gradient = fnet.ones { 3 } }
    end)
    fails("backward: expected a gradient of [2] and float32, got [2] and float64", function()
      (a * 2):backward { gradient = fnet.ones({ 2 }, "float64") }
    end)
    assert.is_nil(a.grad)
  end)

  it("makes second derivatives with create_graph", function()
    local a = leaf { 1, 2 };
    (a ^ 3):sum():backward { create_graph = true }
    local slope = a.grad
    assert.is_true(slope.requires_grad)
    a.grad = nil
    slope:sum():backward()
    assert.same({ 6, 12 }, a.grad:totable())
    assert.is_false(a.grad.requires_grad)
  end)

  it("makes third derivatives, with memory that is used again in between", function()
    local a = fnet.full({ 64, 64 }, 2, "float64")
    a.requires_grad = true
    local y = a ^ 4
    for order = 1, 3 do
      y:sum():backward { create_graph = true }
      y, a.grad = a.grad, nil
      assert.equal(({ 32, 48, 48 })[order], y:get(1, 1))
    end
  end)
end)

describe("a leaf's gradient", function()
  -- Fills the gradients of all leaves, one after the other, and looks at everything else.
  local function check_alone(leaves, others)
    for i, t in ipairs(leaves) do
      local before = {}
      for k, other in ipairs(leaves) do before[k] = other.grad:clone() end
      local kept = {}
      for k, other in ipairs(others or {}) do kept[k] = other:clone() end
      t.grad:fill(-77)
      for k, other in ipairs(leaves) do
        if k ~= i then assert.is_true(before[k]:equal(other.grad), ("leaf %d changed leaf %d"):format(i, k)) end
      end
      for k, other in ipairs(others or {}) do assert.is_true(kept[k]:equal(other)) end
    end
  end

  for _, size in ipairs { 3, 2000 } do -- small storages and pooled ones
    local function new()
      local t = fnet.rand { size }
      t.requires_grad = true
      return t
    end

    it("shares no memory with anything, of " .. size .. " elements", function()
      local a, b, c = new(), new(), new();
      (a + b):sum():backward()
      check_alone { a, b }
      a.grad, b.grad = nil, nil
      local seed = fnet.rand { size };
      (a + b + c:clone():contiguous()):backward { gradient = seed }
      check_alone({ a, b, c }, { seed, a, b, c })
      a.grad, b.grad, c.grad = nil, nil, nil
      fnet.concat({ a, b }):sum():backward()
      check_alone { a, b }
      a.grad, b.grad = nil, nil
      a:reshape { size, 1 }:sum():backward()
      b:sum():backward()
      check_alone { a, b }
      assert.is_true(a.grad:is_contiguous() and b.grad:is_contiguous())
      local first = b.grad
      b:sum():backward()
      assert.is_true(first:equal(fnet.full({ size }, -77)))
    end)

    it("stays when later work needs memory, of " .. size .. " elements", function()
      local a = new();
      (a * a):sum():backward()
      local grad, copy = a.grad, a.grad:clone()
      a:zero_grad()
      for _ = 1, 5 do
        a:zero_grad();
        (a * a * 3):sum():backward()
      end
      assert.is_true(grad:equal(copy))
    end)
  end

  it("is contiguous and whole also with create_graph, so that optimisers can use it", function()
    local w = fnet.ones { 3, 4 }
    w.requires_grad = true
    local loss = w:sum() ^ 2 + (w:T() * w:T()):sum()
    loss:backward { create_graph = true }
    assert.is_true(w.grad:is_contiguous())
    fnet.optim.SGD({ w }, { lr = 1 }):step()
    assert.is_true(w:equal(fnet.full({ 3, 4 }, 1 - 26)))
  end)

  it("of a view's source has the source's shape", function()
    local w = leaf { { 1, 2, 3 }, { 4, 5, 6 } };
    (w:T()[2] * fnet.tensor { 10, 20 }):sum():backward()
    assert.same({ { 0, 10, 0 }, { 0, 20, 0 } }, w.grad:totable())
  end)

  it("can be set, with the tensor's shape and type only", function()
    local a = leaf { 1, 2 }
    a.grad = fnet.tensor { 5, 6 };
    (a * 2):sum():backward()
    assert.same({ 7, 8 }, a.grad:totable())
    fails("grad: expected [2] of float32 like the tensor, got [3] of float32",
      function() a.grad = fnet.ones { 3 } end)
    fails("grad: expected [2] of float32 like the tensor, got [2] of float64",
      function() a.grad = fnet.ones({ 2 }, "float64") end)
  end)
end)

describe("no_grad", function()
  it("records nothing, and returns what the function returns", function()
    local a = leaf { 1, 2 }
    local y, other, none = fnet.no_grad(function(x, n) return x * n, n, nil end, a, 3)
    assert.same({ { 3, 6 }, 3 }, { y:totable(), other })
    assert.is_nil(none)
    assert.is_false(y.requires_grad)
    assert.is_true((a * 3).requires_grad)
  end)

  it("switches recording on again after an error, also nested", function()
    local a = leaf { 1 }
    assert.is_false(pcall(fnet.no_grad, function()
      assert.is_false(pcall(fnet.no_grad, error, "inner"))
      assert.is_false((a * 2).requires_grad)
      error "outer"
    end))
    assert.is_true((a * 2).requires_grad)
  end)

  it("passes the error value on", function()
    local value = {}
    local _, got = pcall(fnet.no_grad, error, value)
    assert.equal(value, got)
  end)

  it("lets leaves change in place; elsewhere that is an error", function()
    local a = leaf { 1, 2 }
    local message = "in-place change of a tensor that requires gradients; wrap it in " ..
      "fnet.no_grad(function() ... end)"
    fails(message, function() a[1] = 5 end)
    fails(message, a.fill, a, 0)
    fnet.no_grad(function() a[1] = 5 end)
    assert.same({ 5, 2 }, a:totable())
    local y = a * 2
    fails(message, function() fnet.no_grad(y.fill, y, 0) end)
  end)

  it("refuses what it cannot call", function()
    assert.has_error(function() fnet.no_grad(5) end)
    assert.has_error(function() fnet.no_grad() end)
  end)
end)

describe("requires_grad", function()
  it("is for float leaves", function()
    fails("requires_grad: only float tensors have gradients, this one is int32; use :float() first",
      function() fnet.arange(1, 3, 1, "int32").requires_grad = true end)
    local y = leaf { 1 } * 2
    fails("requires_grad: this tensor is the result of an operation; use :detach() for one without gradients",
      function() y.requires_grad = false end)
    assert.has_error(function() fnet.ones({ 1 }).requires_grad = 1 end)
  end)

  it("reaches only what depends on it", function()
    local a, b = leaf { 1 }, fnet.tensor { 1 }
    assert.is_true((a + b).requires_grad)
    assert.is_false((b + b).requires_grad)
    assert.is_false(a:detach().requires_grad)
    a.requires_grad = false
    assert.is_false((a + b).requires_grad)
  end)
end)

describe("an error inside a rule", function()
  it("leaves recording switched on and the next backward right", function()
    local a = leaf { 1, 2 }
    local broken = fnet.operation(function(x) return x * 2 end, function() error "broken" end)
    for _ = 1, 3 do
      local ok, message = pcall(function() broken(a):sum():backward() end)
      assert.is_false(ok)
      assert.is_truthy(message:find "broken")
      assert.is_true(core.recording())
    end
    assert.is_nil(a.grad);
    (a * 3):sum():backward()
    assert.same({ 3, 3 }, a.grad:totable())
  end)
end)

describe("fnet.operation", function()
  local function square(backward)
    return fnet.operation(function(x) return x * x end, backward)
  end

  it("makes a differentiable operation", function()
    local cube = fnet.operation(function(x) return x * x * x end, function(dy, y, x)
      assert.is_false(y.requires_grad and core.recording())
      return dy * x * x * 3
    end)
    local a = leaf { 1, 2 };
    (cube(a) * 2):sum():backward()
    assert.same({ 6, 24 }, a.grad:totable())
    assert.gradcheck(cube, { fnet.tensor { 1, -2, 0.5 } })
    assert.is_false(cube(fnet.ones { 1 }).requires_grad)
    assert.is_false(fnet.no_grad(cube, a).requires_grad)
  end)

  it("hands all arguments on, and takes nil for those without gradient", function()
    local seen
    local scale = fnet.operation(function(x, factor, _, z) return x * factor + z end, function(dy, _, ...)
      seen = { n = select("#", ...), ... }
      return dy * seen[2], nil, nil, dy
    end)
    local a, b = leaf { 1, 2 }, leaf { 3, 4 }
    scale(a, 5, nil, b):sum():backward()
    assert.same({ 4, 5 }, { seen.n, seen[2] })
    assert.is_nil(seen[3])
    assert.same({ { 5, 5 }, { 1, 1 } }, { a.grad:totable(), b.grad:totable() })
    local nothing = square(function() return nil end)
    a:zero_grad();
    (nothing(a) + a):sum():backward()
    assert.same({ 1, 1 }, a.grad:totable())
  end)

  it("is differentiated twice where its backward is made of operations", function()
    local cube = fnet.operation(function(x) return x * x * x end, function(dy, _, x) return dy * x * x * 3 end)
    local a = leaf { 2 }
    cube(a):sum():backward { create_graph = true }
    local slope = a.grad
    a.grad = nil
    slope:sum():backward()
    assert.same({ 12 }, a.grad:totable())
  end)

  it("may keep and change the gradient that its backward gets", function()
    for _, size in ipairs { 2, 2000 } do
      local kept
      local greedy = fnet.operation(function(x) return x * 2 end, function(dy)
        kept = dy
        dy:fill(7)
        return dy
      end)
      local a, b = fnet.ones { size }, fnet.ones { size }
      a.requires_grad, b.requires_grad = true, true
      local seed = fnet.full({ size }, 3)
      for _ = 1, 3 do
        a.grad, b.grad = nil, nil;
        (greedy(b) + a):backward { gradient = seed }
        assert.is_true(a.grad:equal(seed) and b.grad:equal(fnet.full({ size }, 7)))
        a.grad, b.grad = nil, nil;
        (a + greedy(b)):backward { gradient = seed }
        assert.is_true(a.grad:equal(seed) and b.grad:equal(fnet.full({ size }, 7)))
        b.grad:fill(1)
        assert.equal(7, kept[1])
      end
      assert.is_true(seed:equal(fnet.full({ size }, 3)))
    end
  end)

  it("may keep the gradient that its backward returns, and return one for two arguments", function()
    for _, size in ipairs { 2, 2000 } do
      local kept
      local sum = fnet.operation(function(x, z) return x + z end, function(dy)
        kept = dy * 2
        return kept, kept
      end)
      local a, b = fnet.ones { size }, fnet.ones { size }
      a.requires_grad, b.requires_grad = true, true
      sum(a, b):sum():backward()
      a.grad:fill(5)
      assert.same({ 2, 2 }, { kept[1], b.grad[1] })
      a.grad, b.grad = nil, nil
      sum(a * 3, b * 3):sum():backward() -- results in between
      a.grad:fill(5)
      assert.same({ 2, 6 }, { kept[1], b.grad[1] })
    end
  end)

  it("may keep the gradient that its backward returns to one that changes it in place", function()
    for _, size in ipairs { 2, 2000 } do
      local kept
      local greedy = fnet.operation(function(x) return x * 2 end, function(dy) return dy:fill(7) end)
      local thrifty = fnet.operation(function(x) return x * 2 end, function(dy)
        kept = dy * 2
        return kept
      end)
      local a = fnet.ones { size }
      a.requires_grad = true
      thrifty(greedy(a)):sum():backward()
      assert.same({ 2, 7 }, { kept[1], a.grad[1] })
    end
  end)

  it("names what is wrong with a gradient", function()
    local a = leaf { 1, 2 }
    local start = "operation: its backward must return for argument 1 a gradient of shape [2] and type float32, " ..
      "got "
    local wrong = {
      ["[1, 2] and float32"] = function(dy) return dy:reshape { 1, 2 } end,
      ["[] and float32"] = function(dy) return dy:sum() end,
      ["[2] and float64"] = function(dy) return dy:double() end,
      number = function() return 1 end,
      table = function() return {} end,
      boolean = function() return false end,
    }
    for text, backward in pairs(wrong) do
      fails(start .. text, function() square(backward)(a):sum():backward() end)
      assert.is_nil(a.grad)
    end
  end)

  it("refuses more gradients than there are arguments, and names the backward by its place", function()
    local a, b = leaf { 1, 2 }, leaf { 3, 4 }
    local function times(backward) return fnet.operation(function(x, y) return x * y end, backward) end
    local function three(dy, _, x, y) return dy * y, dy * x, dy end
    local line = debug.getinfo(three, "S").linedefined
    local ok, message = pcall(function() times(three)(a, b):sum():backward() end)
    assert.is_false(ok)
    assert.matches(("grad_spec.lua:%d: operation: its backward %%(tests/tensor/grad_spec.lua:%d%%) returned 3 "
      .. "gradients, expected 2, one an argument$"):format(line + 2, line), message)
    assert.same({ nil, nil }, { a.grad, b.grad })
    -- What is left out or nil is no gradient.
    times(function(dy, _, _, y) return dy * y, nil, nil, nil end)(a, b):sum():backward()
    assert.same({ { 3, 4 }, nil }, { a.grad:totable(), b.grad })
    times(function() end)(a, b):sum():backward()
    assert.same({ 3, 4 }, a.grad:totable())
  end)

  it("refuses wrong functions and wrong results", function()
    local a = leaf { 1, 2 }
    fails("operation: expected two functions, forward and backward, got function and nil", fnet.operation,
      print)
    fails("operation: expected two functions, forward and backward, got nil and nil", fnet.operation)
    fails("operation: forward must return a tensor, got nil", fnet.operation(function() end, print), a)
    fails("operation: forward must return a tensor, got number", fnet.operation(function() return 5 end, print), a)
    local two = fnet.operation(function(t) return t * 2 end, print)
    fails("operation: expected at most 65000 arguments, got 65001; pass a table or one joined tensor", two, a,
      table.unpack(table.move({ 1, 1 }, 1, 65000, 1, {}), 1, 65000))
    fails("operation: forward returned its argument 1 itself; return a new tensor (:clone())",
      fnet.operation(function(x) return x end, print), a)
    fails("operation: forward must return a new float tensor without a history, got int32",
      fnet.operation(function(x) return x:int() end, print), a)
    fails("operation: forward must return a new float tensor without a history, got one that is on the tape",
      fnet.operation(function() return a end, print), leaf { 1, 2 })
  end)

  it("switches recording on again when its forward raises an error", function()
    local a = leaf { 1 }
    assert.is_false(pcall(fnet.operation(error, print), a))
    assert.is_true((a * 2).requires_grad)
  end)
end)

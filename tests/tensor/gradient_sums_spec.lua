--- Sums of gradients, which are written in place where nobody else uses the memory: equal bit for bit to those
-- that are recorded (create_graph), which are made of ordinary operations; and what a script has seen stays.

local fnet = require "fnet"
local core = require "fnet.core"
local nn = fnet.nn
require "fnet.testing"

local function leaf(shape)
  local x = fnet.randn(shape)
  x.requires_grad = true
  return x
end

-- The bytes of the gradients that f gives its leaves.
local function gradients(f, leaves, options)
  for _, x in ipairs(leaves) do x.grad = nil end
  f(table.unpack(leaves)):backward(options)
  local bytes = {}
  for i, x in ipairs(leaves) do bytes[i] = x.grad:bytes() end
  return bytes
end

local function same(f, leaves)
  assert.are.same(gradients(f, leaves, { create_graph = true }), gradients(f, leaves))
end

describe("gradients that are added up", function()
  before_each(function() fnet.seed(1) end)

  for _, size in ipairs { 5, 70 } do -- within the tensor's userdata, and in a storage of its own
    local many = " of " .. size
    it("of a chunk's parts, of slices and single places" .. many, function()
      same(function(x)
        local y = x * 2
        local a, b, c = y:chunk(3, 2)
        return (a * b + c:tanh() + y:select(2, 4) * y:slice(2, 2, 2)
          + y:select(1, 2):sum() + y:slice(1, 2, 3):sum(1):sum()):sum()
      end, { leaf { size, 3 * size } })
    end)

    it("of parts with a last axis of their own" .. many, function()
      same(function(x)
        local y = x:exp()
        return (y:select(3, 1) * y:slice(3, 2):sum(3)):sum() + (y:transpose(1, 2):slice(1, 2, 3) * 3):sum()
      end, { leaf { size, 4, 3 } })
    end)

    it("of operands that meet again" .. many, function()
      same(function(x, y)
        local sum = x + y
        local other = sum + x
        return (other * sum + other:reshape { size * 4 }:reshape { size, 4 } + sum + x):sum()
      end, { leaf { size, 4 }, leaf { size, 4 } })
    end)

    it("of weights that are used at each step" .. many, function()
      local cell, out = nn.Dense(size, size), nn.Dense(size, 2, { bias = false })
      local leaves = cell:parameters()
      table.insert(leaves, out.weight)
      table.insert(leaves, leaf { 16, size })
      local function run()
        local h = leaves[4]
        local total = 0
        for _ = 1, 5 do
          h = cell(h):tanh()
          total = out(h):sum() + total
        end
        return total
      end
      same(run, leaves)
      assert.same_everywhere(function() return table.concat(gradients(run, leaves)) end)
    end)
  end

  it("have the sign that a sum with zeros gives zeros", function()
    local minus = fnet.tensor { { -0.0, -0.0 } }
    local function signs(count)
      local x = leaf { 1, 6 }
      local y, total = x * 1, 0
      for i = 1, count do total = (y:slice(2, 2 * i - 1, 2 * i) * minus):sum() + total end
      total:backward()
      local list = {}
      for i = 1, 6 do list[i] = 1 / x.grad:get(1, i) end
      return list
    end
    local inf = math.huge
    assert.are.same({ -inf, -inf, inf, inf, inf, inf }, signs(1))
    assert.are.same({ inf, inf, inf, inf, inf, inf }, signs(2))
    assert.are.same({ inf, inf, inf, inf, inf, inf }, signs(3))
  end)

  it("leave what a script has looked at as it was", function()
    local layer, x = nn.Dense(40, 40), fnet.randn { 3, 40 }
    layer(x):sum():backward()
    local seen = layer.weight.grad
    local bytes = seen:bytes()
    layer(x):sum():backward()
    assert.are.equal(bytes, seen:bytes())
    assert.are.equal((seen * 2):bytes(), layer.weight.grad:bytes())
  end)

  it("leave what an operation's own backward has looked at", function()
    local layer, x, seen, bytes = nn.Dense(40, 40), fnet.randn { 3, 40 }, nil, nil
    local look = fnet.operation(function(t) return t:clone() end, function(dy)
      seen = layer.weight.grad
      bytes = seen:bytes()
      return dy
    end)
    layer(look(layer(x))):sum():backward()
    assert.are.equal(bytes, seen:bytes())
    assert.are_not.equal(bytes, layer.weight.grad:bytes())
  end)

  it("go on after an error in the middle of a walk", function()
    local layer, x = nn.Dense(40, 40), fnet.randn { 3, 40 }
    local broken = fnet.operation(function(t) return t:clone() end, function() error "no" end)
    assert.has_error(function() layer(broken(layer(x))):sum():backward() end)
    same(function() return layer(layer(x)):sum() end, layer:parameters())
  end)
end)

describe("gradients that a rule's result is written over", function()
  before_each(function() fnet.seed(2) end)

  -- One operation of each rule that does so.
  local chain = {
    function(x) return x:exp() end, function(x) return x:tanh() end, function(x) return x:sigmoid() end,
    function(x) return x:relu() end, function(x) return x:softplus() end, function(x) return x:silu() end,
    function(x) return x:gelu() end, function(x) return x:leaky_relu(0.1) end, function(x) return x:elu() end,
    function(x) return x * 3 end, function(x) return x / 7 end, function(x) return x:softmax() end,
  }

  for _, size in ipairs { 5, 70 } do
    local many = " of " .. size

    it("of every such operation, with others that need the gradient too" .. many, function()
      for _, f in ipairs(chain) do
        local weights = fnet.randn { size, 8 }
        same(function(x) return (f(x * 2) * weights):sum() end, { leaf { size, 8 } })
        same(function(x, y)
          local a, b = x * y, x + y
          return ((f(a) + f(b) + f(a + b)) * weights + fnet.concat({ f(x), f(y) }):slice(1, 2, size + 1)):sum()
        end, { leaf { size, 8 }, leaf { size, 8 } })
      end
    end)

    it("of products whose factors are one tensor, or are repeated" .. many, function()
      same(function(x, y)
        local z = x * 2
        return (z * z * y * (y / z)):sum()
      end, { leaf { size, 8 }, leaf { 8 } })
    end)

    it("of an operation of the script, which keeps its gradient" .. many, function()
      local kept
      local own = fnet.operation(function(x) return x * 2 end, function(dy)
        kept = dy
        return dy
      end)
      local x, weights = leaf { size, 8 }, fnet.randn { size, 8 }
      local result = (own((x * 3):tanh()) * weights):sum()
      result:backward()
      assert.equal(weights:bytes(), kept:bytes())
    end)

    it("of what was asked for, which stays" .. many, function()
      local x, weights = leaf { size, 8 }, fnet.randn { size, 8 }
      local middle = (x * 2):tanh()
      local result = (middle:exp() * weights):sum()
      local given = fnet.grad(result, { x, middle }, { retain = true })
      assert.equal((middle:detach():exp() * weights):bytes(), given[2]:bytes())
      assert.equal(fnet.grad(result, x, { create_graph = true }):bytes(), given[1]:bytes())
    end)

    it("and a walk that is made twice gives twice as much" .. many, function()
      local x, weights = leaf { size, 8 }, fnet.randn { size, 8 }
      local result = ((x * 2):tanh():softmax() * weights):sum()
      result:backward { retain = true }
      local once = x.grad:clone()
      result:backward()
      assert.equal((once + once):bytes(), x.grad:bytes())
    end)
  end

  it("have the sign that a sum with zeros gives zeros", function()
    same(function(x)
      local y = x * 1
      local part = (y:slice(2, 1, 2) * 0):sum()
      local z = y * -1 -- its gradient is a sum of parts, which is written over, and then a part is added
      return (z:slice(2, 1, 2) * 0):sum() + (z:slice(2, 3, 4) * 0):sum() + part
    end, { leaf { 64, 32 } })
  end)

  it("are no probabilities, where the rule's own were written over", function()
    local x = leaf { 64, 32 }
    x:softplus():sum():backward()
    assert.is_number(nn.cross_entropy(x.grad, fnet.ones({ 64 }):int()):item())
  end)

  it("take no memory beside it", function()
    local x = leaf { 64, 64 }
    local taken = {}
    for i, f in ipairs { function(t) return t end, function(t) return t:tanh():relu():exp():sigmoid() end } do
      local result = (f(x * 2) * 2):sum()
      local _, before = core.pool()
      result:backward()
      local _, after = core.pool()
      taken[i] = after - before
    end
    assert.equal(taken[1], taken[2])
  end)
end)

--- Sums of gradients, which are written in place where nobody else uses the memory: equal bit for bit to those
-- that are recorded (create_graph), which are made of ordinary operations; and what a script has seen stays.

local fnet = require "fnet"
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

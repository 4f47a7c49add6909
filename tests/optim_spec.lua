--- Optimisers against their formulas in double precision, and what they refuse.

local fnet = require "fnet"
local core = require "fnet.core"
local optim = fnet.optim

-- Calls f, which must raise an error at a line of this file.
local function fails(message, f, ...)
  local ok, got = pcall(f, ...)
  assert.is_false(ok)
  local position, text = got:match "^(.-optim_spec%.lua:%d+: )(.*)$"
  assert.is_truthy(position, got)
  assert.equal(message, text)
end

local function parameter(values, dtype)
  local t = fnet.tensor(values, dtype)
  t.requires_grad = true
  return t
end

local START = { 0.5, -1.25, 3, 0, -0.0625 }

-- The gradients of each step: any numbers, also 0, small and large ones.
local function gradient_of(step)
  local list = {}
  for i = 1, #START do list[i] = ((step * 7 + i * 5) % 11 - 5) * 10.0 ^ ((step + i) % 4 - 2) end
  return list
end

-- Takes steps with the optimiser and with a formula for one number, and compares all along.
local function compare(make, formula, dtype, tolerance)
  local p = parameter(START, dtype)
  local optimiser, expected, states = make { p }, { table.unpack(START) }, {}
  for i = 1, #START do states[i] = {} end
  for step = 1, 12 do
    local gradient = gradient_of(step)
    p.grad = fnet.tensor(gradient, dtype)
    optimiser:step()
    for i = 1, #START do
      expected[i] = formula(expected[i], gradient[i], states[i], step)
      assert.near(expected[i], p[i], tolerance * math.max(1, math.abs(expected[i])))
    end
    assert.same(fnet.tensor(gradient, dtype):totable(), p.grad:totable())
  end
end

local function sgd(lr, momentum)
  return function(p, g, state)
    state.v = momentum * (state.v or 0) + g
    return p - lr * state.v
  end
end

local function adam(lr, beta1, beta2, epsilon)
  return function(p, g, state, step)
    state.m = beta1 * (state.m or 0) + (1 - beta1) * g
    state.v = beta2 * (state.v or 0) + (1 - beta2) * g * g
    return p - lr * (state.m / (1 - beta1 ^ step)) / (math.sqrt(state.v / (1 - beta2 ^ step)) + epsilon)
  end
end

describe("SGD", function()
  for dtype, tolerance in pairs { float32 = 1e-5, float64 = 1e-13 } do
    it("follows its formula in " .. dtype, function()
      compare(optim.SGD, sgd(0.01, 0), dtype, tolerance)
      compare(function(list) return optim.SGD(list, { lr = 0.3 }) end, sgd(0.3, 0), dtype, tolerance)
      for _, momentum in ipairs { 0.9, 1 } do
        compare(function(list) return optim.SGD(list, { lr = 0.02, momentum = momentum }) end, sgd(0.02, momentum),
          dtype, tolerance)
      end
      compare(function(list) return optim.SGD(list, { lr = 0 }) end, sgd(0, 0), dtype, 0)
    end)
  end
end)

describe("Adam", function()
  for dtype, tolerance in pairs { float32 = 2e-6, float64 = 1e-13 } do
    it("follows its formula in " .. dtype, function()
      compare(optim.Adam, adam(1e-3, 0.9, 0.999, 1e-8), dtype, tolerance)
      compare(function(list) return optim.Adam(list, { lr = 0.1, beta1 = 0.5, beta2 = 0.9, epsilon = 0.01 }) end,
        adam(0.1, 0.5, 0.9, 0.01), dtype, tolerance * 10)
      compare(function(list) return optim.Adam(list, { beta1 = 0.1, beta2 = 0.2 }) end, adam(1e-3, 0.1, 0.2, 1e-8),
        dtype, tolerance)
    end)
  end

  it("moves by the learning rate at the first step, whatever the gradient's size", function()
    for _, size in ipairs { 1e-3, 1, 1e6 } do
      local p = parameter { 1, 1 }
      p.grad = fnet.tensor { size, -size }
      optim.Adam({ p }, { lr = 0.125 }):step()
      assert.near(0.875, p[1], 1e-5)
      assert.near(1.125, p[2], 1e-5)
    end
  end)
end)

for name, new in pairs(optim) do
  describe(name, function()
    it("leaves parameters without a gradient alone, and their moments", function()
      local a, b, c = parameter { 1, 2 }, parameter { 3, 4 }, parameter { { 5 } }
      local optimiser = new({ a, b, c }, { lr = 0.5 })
      optimiser:step()
      assert.same({ { 1, 2 }, { 3, 4 }, { { 5 } } }, { a:totable(), b:totable(), c:totable() })
      b.grad = fnet.ones { 2 }
      optimiser:step()
      assert.same({ { 1, 2 }, { { 5 } } }, { a:totable(), c:totable() })
      assert.is_true(b[1] < 3 and b[2] < 4)
      optimiser:zero_grad()
      local before = b:totable()
      optimiser:step()
      assert.same(before, b:totable())
    end)

    it("changes parameters of every shape in place", function()
      for _, shape in ipairs { {}, { 1 }, { 129 }, { 3, 67 }, { 0, 4 }, { 2, 3, 5 }, { 65, 1 } } do
        local p = fnet.rand(shape)
        p.requires_grad = true
        local view, before = p:detach(), p:detach():clone()
        p.grad = fnet.full(shape, 2)
        new({ p }, { lr = 0.25 }):step()
        assert.is_true(view:equal(p))
        assert.is_true(p:allclose(before - (name == "SGD" and 0.5 or 0.25), 1e-5, 1e-5))
      end
    end)

    it("obeys a learning rate that changes between steps", function()
      local p = parameter { 1 }
      local optimiser = new({ p }, { lr = 0.5 })
      p.grad = fnet.tensor { 1 }
      optimiser.lr = 0.25
      optimiser:step()
      assert.near(0.75, p[1], 1e-6)
    end)

    it("drops gradients, and prints itself", function()
      local p = parameter { 1 }
      local optimiser = new({ p }, { lr = 0.25 });
      (p * 2):sum():backward()
      optimiser:zero_grad()
      assert.is_nil(p.grad)
      assert.equal(name .. "(1 parameters, lr 0.25)", tostring(optimiser))
    end)

    it("keeps its own list of parameters", function()
      local p, list = parameter { 1 }, {}
      list[1] = p
      local optimiser = new(list, { lr = 1 })
      list[1] = nil
      p.grad = fnet.tensor { 1 }
      optimiser:step()
      assert.not_equal(1, p[1])
    end)

    it("refuses what is no parameter", function()
      local text = name .. ": expected a table of at least one parameter, such as model:parameters()"
      fails(text, new)
      fails(text, new, {})
      fails(text, new, fnet.nn.ReLU():parameters())
      fails(text, new, parameter { 1 })
      fails(name .. ": parameter 2: expected a tensor that requires gradients, got number", new,
        { parameter { 1 }, 2 })
      fails(name .. ": parameter 1: expected a tensor that requires gradients, got one that does not", new,
        { fnet.ones { 1 } })
    end)

    it("refuses wrong options", function()
      local list = { parameter { 1 } }
      local known = name == "SGD" and "lr, momentum" or "lr, beta1, beta2, epsilon"
      fails(name .. ": unknown option 'rate'; known are " .. known, new, list, { rate = 1 })
      fails(name .. ": unknown option '1'; known are " .. known, new, list, { 0.1 })
      fails(name .. ": expected a table of options, got number", new, list, 0.1)
      fails(name .. ": lr: expected a number from 0 to inf, got -1", new, list, { lr = -1 })
      fails(name .. ": lr: expected a number from 0 to inf, got 0.1", new, list, { lr = "0.1" })
      assert.has_error(function() new(list, { lr = 0 / 0 }) end)
      local ranged = name == "SGD" and "momentum" or "beta2"
      fails(name .. ": " .. ranged .. ": expected a number from 0 to 1, got 1.5", new, list, { [ranged] = 1.5 })
      assert.has_error(function() new(list, { [ranged] = 0 / 0 }) end)
    end)
  end)
end

describe("moments", function()
  local least = 2.0 ^ -126

  it("below the least normal number become zero", function()
    local p, m, v = parameter { 1, 1, 1, 1 }, fnet.zeros { 4 }, fnet.zeros { 4 }
    p.grad = fnet.zeros { 4 }
    m:copy(fnet.tensor { least, -least, 4 * least, 2 * least })
    v:copy(fnet.tensor { least, 4 * least, least, 2 * least })
    core.adam({ p }, { m }, { v }, 0.001, 0.5, 0.5, 1e-8)
    assert.same({ 0, 0, 2 * least, least }, m:totable())
    assert.same({ 0, 2 * least, 0, least }, v:totable())
    m:copy(fnet.tensor { least, -least, 4 * least, 2 * least })
    core.sgd({ p }, { m }, 0.001, 0.5)
    assert.same({ 0, 0, 2 * least, least }, m:totable())
  end)

  it("of a parameter whose gradient stays 0 reach zero", function()
    for name, new in pairs(optim) do
      local p = parameter { 1 }
      local optimiser = new({ p }, name == "SGD" and { momentum = 0.5 } or { beta1 = 0.5, beta2 = 0.5 })
      p.grad = fnet.tensor { 1 }
      optimiser:step()
      p.grad = fnet.tensor { 0 }
      for _ = 1, 200 do optimiser:step() end
      local last = p[1]
      optimiser:step()
      assert.equal(last, p[1])
      for _, moments in ipairs { optimiser.velocities or optimiser.moments1, optimiser.moments2 } do
        assert.equal(0, moments[1][1])
      end
    end
  end)

  it("are refused where they do not fit their parameters", function()
    local p = parameter { 1, 2 }
    p.grad = fnet.ones { 2 }
    fails("step: first moment 1: expected a contiguous float32 [2] like its parameter, got float32 [3]", core.sgd,
      { p }, { fnet.zeros { 3 } }, 0.1, 0.5)
  end)
end)

describe("a step", function()
  local threads, isa = fnet.threads(), fnet.isa()
  after_each(function()
    fnet.threads(threads)
    fnet.isa(isa)
  end)

  -- The bits after three steps; the sizes reach from less than a vector to several threads' shares.
  local function run(new, options)
    fnet.seed(11)
    local list = {}
    for i, shape in ipairs { { 784, 128 }, { 128 }, { 1 }, { 3, 1001 }, { 40000 }, { 513, 5 } } do
      list[i] = fnet.randn(shape)
      list[i].requires_grad = true
    end
    local optimiser = new(list, options)
    for _ = 1, 3 do
      for _, p in ipairs(list) do p.grad = fnet.randn(p.shape) end
      optimiser:step()
    end
    return fnet.sha256(table.unpack(list))
  end

  for name, new in pairs(optim) do
    it("of " .. name .. " has the same bits for every number of threads and instruction set", function()
      local options = name == "SGD" and { momentum = 0.9 } or nil
      fnet.threads(1)
      fnet.isa "portable"
      local expected = run(new, options)
      for _, set in ipairs(fnet.isas()) do
        fnet.isa(set)
        for _, count in ipairs { 1, 2, 3, 4, 8 } do
          fnet.threads(count)
          assert.equal(expected, run(new, options))
        end
      end
    end)
  end
end)

--- Muon against its formula in double precision, what its steps do to the singular values, and what it leaves to
-- AdamW.

local fnet = require "fnet"
local support = require "tests.support"
local nn, optim = fnet.nn, fnet.optim
local raises = support.raises

local function parameter(t)
  t.requires_grad = true
  return t
end

-- ---- the formula, with matrices as lists of rows ----

local function product(a, b)
  local result = {}
  for i, row in ipairs(a) do
    result[i] = {}
    for j = 1, #b[1] do
      local sum = 0
      for k, value in ipairs(row) do sum = sum + value * b[k][j] end
      result[i][j] = sum
    end
  end
  return result
end

local function turned(a)
  local result = {}
  for j = 1, #a[1] do
    result[j] = {}
    for i = 1, #a do result[j][i] = a[i][j] end
  end
  return result
end

-- f of the elements at each place.
local function each(f, a, b)
  local result = {}
  for i, row in ipairs(a) do
    result[i] = {}
    for j, value in ipairs(row) do result[i][j] = f(value, b and b[i][j]) end
  end
  return result
end

-- x as published: x = a x + (b A + c A A) x, A = x x^T, from x / |x|.
local function orthogonal(x, iterations)
  local tall = #x > #x[1]
  if tall then x = turned(x) end
  local squares = 0
  each(function(value) squares = squares + value * value end, x)
  x = each(function(value) return value / math.sqrt(squares) end, x)
  for _ = 1, iterations do
    local square = product(x, turned(x))
    local factor = each(function(one, two) return -4.7750 * one + 2.0315 * two end, square, product(square, square))
    x = each(function(one, two) return 3.4445 * one + two end, x, product(factor, x))
  end
  return tall and turned(x) or x
end

local function formula(p, g, state, o)
  state.v = state.v and each(function(v, gradient) return o.momentum * v + gradient end, state.v, g) or g
  local direction = each(function(gradient, v) return gradient + o.momentum * v end, g, state.v)
  local size = 0.2 * math.sqrt(math.max(#p, #p[1]))
  return each(function(value, step) return value * (1 - o.lr * o.weight_decay) - o.lr * size * step end, p,
    orthogonal(direction, o.iterations))
end

-- The largest distance of two matrices' elements.
local function distance(a, b)
  local largest = 0
  each(function(one, two) largest = math.max(largest, math.abs(one - two)) end, a, b)
  return largest
end

describe("Muon", function()
  for dtype, tolerance in pairs { float32 = 2e-5, float64 = 1e-12 } do
    it("follows its formula in " .. dtype .. ", wide, tall and square", function()
      for _, shape in ipairs { { 3, 5 }, { 7, 2 }, { 4, 4 }, { 1, 3 }, { 3, 1 } } do
        for _, o in ipairs { { lr = 1e-3, momentum = 0.95, weight_decay = 1e-2, iterations = 5 },
          { lr = 0.1, momentum = 0.5, weight_decay = 0.5, iterations = 2 },
          { lr = 0.1, momentum = 0, weight_decay = 0, iterations = 1 } } do
          fnet.seed(3)
          local p = parameter(fnet.randn(shape):to(dtype))
          local expected, state, optimiser = p:totable(), {}, optim.Muon({ p }, o)
          for _ = 1, 4 do
            p.grad = fnet.randn(shape):to(dtype)
            expected = formula(expected, p.grad:totable(), state, o)
            optimiser:step()
            assert.is_true(distance(expected, p:totable()) < tolerance)
          end
        end
      end
    end)
  end

  it("has the defaults that it says", function()
    local function path(options)
      fnet.seed(1)
      local p, b = parameter(fnet.randn { 4, 3 }), parameter(fnet.randn { 3 })
      local optimiser = optim.Muon({ p, b }, options)
      for _ = 1, 3 do
        p.grad, b.grad = fnet.randn { 4, 3 }, fnet.randn { 3 }
        optimiser:step()
      end
      return fnet.sha256(p, b)
    end
    assert.equal(path(), path { lr = 1e-3, momentum = 0.95, weight_decay = 1e-2, iterations = 5, orthogonal = true,
      beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 })
  end)

  it("moves each direction of a matrix about equally far, whatever the gradient's are", function()
    fnet.seed(5)
    -- Rows at right angles, so that the singular values are their lengths: of 1, 0.1, 0.01.
    local gradient = fnet.tensor { { 0.6, 0.8, 0, 0 }, { -0.08, 0.06, 0, 0 }, { 0, 0, 0.01, 0 } }
    for _, size in ipairs { 1, 1e-20, 1e20 } do
      local p = parameter(fnet.zeros { 3, 4 })
      p.grad = gradient * size
      optim.Muon({ p }, { lr = 1, weight_decay = 0, momentum = 0 }):step()
      local square = p:detach():matmul(p:detach():transpose()) / (0.04 * 4)
      for i = 1, 3 do
        for j = 1, 3 do
          local value = square[i][j]
          assert.is_true(i == j and value > 0.68 ^ 2 and value < 1.14 ^ 2 or math.abs(value) < 1e-5, value)
        end
      end
    end
  end)

  it("takes the weights of a convolution as a matrix [rows * columns * channels, units]", function()
    fnet.seed(2)
    local start, gradient = fnet.randn { 3, 3, 2, 5 }, fnet.randn { 3, 3, 2, 5 }
    local convolution, matrix = parameter(start:clone()), parameter(start:reshape({ 18, 5 }):clone())
    convolution.grad, matrix.grad = gradient, gradient:reshape { 18, 5 }
    optim.Muon({ convolution, matrix }, { lr = 0.1 }):step()
    assert.same({ 3, 3, 2, 5 }, convolution.shape)
    assert.is_true(convolution:reshape({ 18, 5 }):equal(matrix))
  end)

  it("leaves to AdamW what is no matrix, and groups that are not orthogonal, with its options", function()
    fnet.seed(4)
    local shapes = { { 3, 4 }, { 4 }, {}, { 2, 3 } }
    local lists = { {}, {} }
    for i, shape in ipairs(shapes) do
      local start = fnet.randn(shape)
      for k = 1, 2 do lists[k][i] = parameter(start:clone()) end
    end
    local mine, other = lists[1], lists[2]
    local muon = optim.Muon({ { parameters = { mine[1], mine[2], mine[3] }, weight_decay = 0.5 },
      { parameters = { mine[4] }, lr = 0.25, orthogonal = false } }, { lr = 0.125, beta1 = 0.5, beta2 = 0.75 })
    local adamw = optim.AdamW({ { parameters = { other[2], other[3] }, weight_decay = 0.5 },
      { parameters = { other[4] }, lr = 0.25 } }, { lr = 0.125, beta1 = 0.5, beta2 = 0.75 })
    for _ = 1, 3 do
      for i, shape in ipairs(shapes) do
        local gradient = fnet.randn(shape)
        mine[i].grad, other[i].grad = gradient, gradient
      end
      muon:step()
      adamw:step()
    end
    for i = 2, 4 do assert.is_true(mine[i]:equal(other[i])) end
    assert.is_false(mine[1]:equal(other[1]))
    assert.same({ mine[1], mine[2], mine[3], mine[4] }, muon.parameters)
    assert.equal(3, #muon.groups) -- the first one in two
  end)

  it("stays where there is nothing: no rows, a gradient of 0, one that is no number", function()
    local empty, none = parameter(fnet.zeros { 0, 3 }), parameter(fnet.zeros { 3, 0 })
    local still, odd = parameter(fnet.ones { 2, 2 }), parameter(fnet.ones { 2, 2 })
    empty.grad, none.grad, still.grad = fnet.zeros { 0, 3 }, fnet.zeros { 3, 0 }, fnet.zeros { 2, 2 }
    odd.grad = fnet.full({ 2, 2 }, 0 / 0)
    optim.Muon({ empty, none, still, odd }, { weight_decay = 0 }):step()
    assert.same({ { 1, 1 }, { 1, 1 } }, still:totable())
    assert.is_true(odd:ne(odd):sum():item() == 4)
  end)

  it("refuses what it cannot do, by name", function()
    local function refused(message, options)
      raises("Muon: " .. message, function() optim.Muon({ parameter(fnet.ones { 2, 2 }) }, options) end)
    end
    refused("momentum: expected a number from 0 to 1, got 2", { momentum = 2 })
    refused("iterations: expected a whole number from 1 to 100, got 1.5", { iterations = 1.5 })
    refused("orthogonal: expected true or false, got number", { orthogonal = 1 })
    refused("unknown option 'nesterov'; known are lr, momentum, weight_decay, iterations, orthogonal, beta1, " ..
      "beta2, epsilon, schedule", { nesterov = true })
  end)

  it("goes on from a checkpoint with the bits of a training that was not interrupted", function()
    local function training()
      fnet.seed(7)
      local model = nn.Sequential { nn.Dense(6, 8), nn.Tanh(), nn.LayerNorm(8), nn.Dense(8, 3) }
      local optimiser = optim.Muon(model:parameters(), { lr = 0.02,
        schedule = optim.schedule.cosine { steps = 8 } })
      local x = fnet.randn { 24, 6 }
      return model, optimiser, function()
        optimiser:zero_grad()
        nn.cross_entropy(model(x), x:slice(2, 1, 3):argmax(2)):backward()
        optimiser:step()
      end
    end
    local model, optimiser, step = training()
    for _ = 1, 4 do step() end
    local state = {}
    local again, second, go_on = training()
    again:load_state(model:state())
    for key, value in pairs(optimiser:state()) do state[key] = fnet.is_tensor(value) and value:clone() or value end
    for _ = 1, 4 do step() end
    second:load_state(state)
    for _ = 1, 4 do go_on() end
    assert.equal(model:sha256(), again:sha256())
    local names = {}
    for name in pairs(state) do names[#names + 1] = name end
    table.sort(names)
    assert.same({ "factor", "lr", "moments1.3", "moments1.4", "moments1.5", "moments1.6", "moments2.3",
      "moments2.4", "moments2.5", "moments2.6", "steps", "velocities.1", "velocities.2" }, names)
  end)

  it("gives the same bits for every instruction set and number of threads", function()
    assert.same_everywhere(function()
      fnet.seed(1)
      local p = parameter(fnet.randn { 3, 3, 7, 19 })
      local optimiser = optim.Muon({ p }, { lr = 0.1 })
      for _ = 1, 3 do
        p.grad = fnet.randn(p.shape)
        optimiser:step()
      end
      return fnet.sha256(p)
    end)
  end)
end)

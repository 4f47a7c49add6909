--- Activations: tensor methods and layers against formulas in double, at special values, as options of Dense, and
-- with equal bits on any instruction set and number of threads.

local fnet = require "fnet"
local support = require "tests.support"
local nn = fnet.nn
local raises = support.raises

-- The error function by its Taylor series, good to 1e-14 for |x| <= 3.
local function erf(x)
  local term, sum = x, x
  for n = 1, 60 do
    term = -term * x * x / n
    sum = sum + term / (2 * n + 1)
  end
  return 2 / math.sqrt(math.pi) * sum
end

local function log_one_more(x) return x < 1e-5 and x - x * x / 2 or math.log(1 + x) end
local function exp_less_one(x) return math.abs(x) < 1e-5 and x + x * x / 2 or math.exp(x) - 1 end
local function sigmoid(x) return 1 / (1 + math.exp(-x)) end

-- Layer, method, its argument, formula, and its name as an option.
local cases = {
  { nn.ReLU(), "relu", nil, function(x) return math.max(x, 0) end },
  { nn.LeakyReLU(), "leaky_relu", nil, function(x) return x > 0 and x or 0.01 * x end },
  { nn.LeakyReLU(0.2), "leaky_relu", 0.2, function(x) return x > 0 and x or 0.2 * x end },
  { nn.ELU(), "elu", nil, function(x) return x > 0 and x or exp_less_one(x) end },
  { nn.ELU(0.5), "elu", 0.5, function(x) return x > 0 and x or 0.5 * exp_less_one(x) end },
  { nn.SELU(), "selu", nil, function(x)
    return 1.0507009873554805 * (x > 0 and x or 1.6732632423543772 * exp_less_one(x))
  end },
  { nn.GELU(), "gelu", nil, function(x) return x * (1 + erf(x / math.sqrt(2))) / 2 end },
  { nn.SiLU(), "silu", nil, function(x) return x * sigmoid(x) end },
  { nn.Sigmoid(), "sigmoid", nil, sigmoid },
  { nn.Tanh(), "tanh", nil, function(x) return 1 - 2 / (math.exp(2 * x) + 1) end },
  { nn.Softplus(), "softplus", nil, function(x) return math.max(x, 0) + log_one_more(math.exp(-math.abs(x))) end },
}

local points = { -3, -1.5, -1, -0.3, -1e-3, -1e-6, 0, 1e-6, 0.01, 0.5, 1, 2.25, 3 }

describe("activations", function()
  for _, case in ipairs(cases) do
    local layer, name, argument, formula = table.unpack(case, 1, 4)
    it(("%s is its formula, as a layer and a method, in both precisions"):format(layer:describe()), function()
      for dtype, tolerance in pairs { float32 = 2e-7, float64 = 1e-13 } do
        local x = fnet.tensor(points, dtype)
        local y = layer(x)
        assert.equal(dtype, y.dtype)
        assert.same({ #points }, y.shape)
        assert.is_true(y:equal(x[name](x, argument)))
        for i = 1, #points do
          local at, got = x[i], y[i]
          local wanted = formula(at)
          -- The formulas for tanh lose digits near 0; all else is compared relative to the value.
          local allowed = tolerance * (name == "tanh" and 1 or math.abs(wanted)) + 1e-15
          assert.is_true(math.abs(got - wanted) <= allowed, ("%g: %.17g, expected %.17g"):format(at, got, wanted))
        end
      end
      assert.same({}, layer(fnet.tensor(0.5)).shape)
      assert.same({ 2, 0 }, layer(fnet.zeros { 2, 0 }).shape)
      assert.same({ 4, 5 }, layer:output_shape { 4, 5 })
    end)

    it(("%s has finite values and slopes wherever float32 does"):format(layer:describe()), function()
      local x = fnet.tensor { -3.4e38, -1e4, -104, -0.0, 104, 1e4, 3.4e38 }
      x.requires_grad = true
      layer(x):sum():backward()
      for i = 1, #x do
        assert.is_true(math.abs(x.grad[i]) <= 1.8, name .. " slope at " .. x[i] .. ": " .. x.grad[i])
      end
      local nan = layer(fnet.tensor { 0 / 0 })[1]
      assert.is_true(nan ~= nan)
    end)

    it(("%s gives the same bits on any instruction set and number of threads"):format(layer:describe()), function()
      fnet.seed(5)
      local x = fnet.randn({ 211, 113 }, 0, 3)
      assert.same_everywhere(function()
        local leaf = x:clone()
        leaf.requires_grad = true
        local y = layer(leaf)
        y:sum():backward()
        return fnet.sha256(y, leaf.grad)
      end)
    end)
  end

  it("log_softmax and LogSoftmax are the logarithm of softmax, and stay finite", function()
    local x = fnet.tensor { { 1, 2, 4 }, { -1, 0, 0.5 } }
    assert.allclose(x:double():softmax():log(), x:log_softmax(), 1e-6, 1e-7)
    assert.allclose(x:double():softmax(1):log(), x:log_softmax(1), 1e-6, 1e-7)
    assert.is_true(nn.LogSoftmax()(x):equal(x:log_softmax()))
    assert.same({ 0, -1e4 }, fnet.tensor({ 1e4, 0 }):log_softmax():totable())
    local labels = fnet.tensor({ 3, 1 }, "int32")
    assert.near(nn.cross_entropy(x, labels):item(), nn.cross_entropy(x:log_softmax(), labels):item(), 1e-6)
    raises("log_softmax: axis: expected a whole number from 1 to 2, got 3", function() x:log_softmax(3) end)
  end)

  it("take a slope for each feature as a parameter", function()
    local slope = fnet.tensor({ 0.1, 0.3 }, "float64")
    assert.gradcheck(function(x, a) return x:leaky_relu(a) + x:elu(a) end,
      { fnet.tensor({ { -1, 2 }, { 3, -0.7 } }, "float64"), slope })
  end)

  it("have one gradient, to the last bit, recorded for a second derivative or not", function()
    local values = { -math.huge, -3, -1, -0.3, -1e-40, -0.0, 0, 1e-40, 0.5, 3, math.huge }
    for _, dtype in ipairs { "float32", "float64" } do
      local dy = fnet.randn({ #values }, 0, 1, dtype)
      for _, name in ipairs { "leaky_relu", "elu" } do
        for _, value in ipairs { 0, 0.01, 1, 2.5, -0.5 } do
          local function slopes(create_graph)
            local x = fnet.tensor(values, dtype)
            x.requires_grad = true
            x[name](x, value):backward { gradient = dy, create_graph = create_graph }
            return fnet.sha256(x.grad)
          end
          assert.equal(slopes(true), slopes(false), name .. " " .. value)
        end
      end
    end
  end)

  it("name a wrong argument", function()
    raises("LeakyReLU: slope: expected a number from -inf to inf, got the string 'big'",
      function() nn.LeakyReLU "big" end)
    raises("ELU: alpha: expected a number from -inf to inf, got true", function() nn.ELU(true) end)
  end)
end)

describe("Dense with an activation", function()
  it("is the layer followed by the activation, bit for bit, gradients too", function()
    for _, name in ipairs { "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "sigmoid", "tanh", "softplus",
      "softmax", "log_softmax" } do
      fnet.seed(2)
      local x = fnet.randn { 5, 4 }
      fnet.seed(3)
      local joined = nn.Dense(4, 3, { activation = name })
      fnet.seed(3)
      local plain = nn.Dense(4, 3)
      local y = plain(x)
      local expected = y[name](y)
      assert.is_true(joined(x):equal(expected))
      local weights = fnet.randn { 5, 3 };
      (joined(x) * weights):sum():backward();
      (expected * weights):sum():backward()
      assert.is_true(joined.weight.grad:equal(plain.weight.grad))
      assert.is_true(joined.bias.grad:equal(plain.bias.grad))
      assert.equal(("Dense(4, 3, %s)"):format(name), joined:describe())
      assert.same({ 3 }, joined(x[1]).shape)
    end
  end)

  it("takes a layer or a function as well", function()
    local x = fnet.tensor { { -1, 2 } }
    local options = { init = function() return fnet.eye(2) end }
    options.activation = nn.LeakyReLU(0.5)
    local layer = nn.Dense(2, 2, options)
    assert.same({ { -0.5, 2 } }, layer(x):totable())
    assert.equal("Dense(2, 2, LeakyReLU(0.5))", layer:describe())
    options.activation, options.bias = function(t) return t * t end, false
    layer = nn.Dense(2, 2, options)
    assert.same({ { 1, 4 } }, layer(x):totable())
    assert.equal("Dense(2, 2, no bias, a function)", layer:describe())
    assert.is_false(layer.passes_on)
    options.activation = nn.Dense(2, 5)
    assert.equal(2 * 2 + 2 * 5 + 5, nn.Dense(2, 2, options):count())
  end)

  it("with softmax gives cross_entropy the logits, alone and in a model", function()
    local options = { init = function() return fnet.tensor { { 1000, -1000 } } end, activation = "softmax" }
    local model = nn.Sequential { nn.Dense(1, 2, options) }
    for _, layer in ipairs { model, model[1] } do
      assert.equal(2000, nn.cross_entropy(layer(fnet.ones { 1, 1 }), 2):item())
    end
  end)

  it("leaves memory to the layers around it as before", function()
    local model = nn.Sequential {
      nn.Dense(64, 64, { activation = "gelu" }), nn.Dense(64, 8, { activation = "relu" }),
    }
    local x = fnet.randn { 100, 64 }
    local before = model(x)
    for _ = 1, 3 do
      assert.is_true(model(x):equal(before))
      assert.is_true(fnet.no_grad(model, x):equal(before))
      model(x):sum():backward()
    end
  end)

  it("refuses what is no activation", function()
    raises("Dense: activation: unknown name 'rleu' (did you mean 'relu'?); known are elu, gelu, leaky_relu, " ..
      "log_softmax, relu, selu, sigmoid, silu, softmax, softplus, tanh",
      function() nn.Dense(2, 2, { activation = "rleu" }) end)
    raises("Dense: activation: got the class GELU; call it: nn.GELU()",
      function() nn.Dense(2, 2, { activation = nn.GELU }) end)
  end)
end)

--- fnet.check: shapes, parameters, memory, gradients and time of a model, which stays as it is.

local fnet = require "fnet"
local support = require "tests.support"
local nn, data = fnet.nn, fnet.data
local raises = support.raises
local interrupt = support.interrupt

-- A layer whose gradient is half of what it should be.
local half_slope = fnet.operation(function(x) return x * x end, function(dy, _, x) return dy * x end)
local Wrong = nn.module "Wrong"
function Wrong:forward(x) return half_slope(x) end

local Residual = nn.module "Residual"
function Residual:init(units)
  self.dense = nn.Dense(units, units)
  local scale = fnet.ones { 1 }
  scale.requires_grad = true
  self.scale = scale
end
function Residual:forward(x) return x * self.scale + self.dense(x):tanh() end

local function check(...) return fnet.check(...) end

describe("check", function()
  it("shows the shapes, the parameters and the memory", function()
    local model = nn.Sequential { nn.Flatten(), nn.Dense(12, 5), nn.ReLU(), nn.Dense(5, 2) }
    local result = check(model, fnet.rand { 7, 3, 4 })
    local layers = {}
    for i, layer in ipairs(result.layers) do layers[i] = { layer.name, layer.shape, layer.parameters } end
    assert.same({
      { "layer 1, Flatten()", { 7, 12 }, 0 }, { "layer 2, Dense(12, 5)", { 7, 5 }, 65 },
      { "layer 3, ReLU()", { 7, 5 }, 0 }, { "layer 4, Dense(5, 2)", { 7, 2 }, 12 },
    }, layers)
    assert.equal(77, result.parameters)
    assert.same({ parameters = 308, gradients = 308, activations = 4 * 7 * (5 + 5 + 2) }, result.memory)
    assert.is_true(result.gradients)
    assert.is_true(result.seconds > 0)
    assert.is_nil(result.steps)
  end)

  it("prints a table", function()
    local text = tostring(check(nn.Sequential { nn.Dense(3, 2), nn.Tanh() }, fnet.rand { 4, 3 }))
    assert.matches("^layer +output shape +parameters +gradient error\n"
      .. "layer 1, Dense%(3, 2%) +%[4, 2%] +8  %de%-%d+\nlayer 2, Tanh%(%) +%[4, 2%] +0  %de%-%d+\ntotal +8\n\n"
      .. "memory: parameters 32 bytes, gradients 32 bytes, results of the layers 64 bytes\n"
      .. "gradients: those of all layers agree with central differences %(float64%), to %de%-%d+, at 28 elements\n"
      .. "time: forward and backward of this batch %S+ %al?s$", text)
  end)

  it("takes a batch from a data set, and says how long an epoch takes", function()
    local set = data.Dataset { x = fnet.rand { 100, 3 }, y = fnet.rand { 100, 1 } }
    local result = check(nn.Dense(3, 1), set)
    assert.same({ { 32, 1 }, 4 }, { result.layers[1].shape, result.steps })
    result = check(nn.Dense(3, 1), set, { batch = 10 })
    assert.same({ { 10, 1 }, 10 }, { result.layers[1].shape, result.steps })
    assert.matches("for an epoch of 10 steps, without the optimiser$", tostring(result))
  end)

  it("takes one sample, and pictures as bytes", function()
    assert.same({ 5 }, check(nn.Dense(12, 5), fnet.rand { 12 }).layers[1].shape)
    local set = data.Dataset {
      x = fnet.full({ 6, 4, 4 }, 200, "uint8"), y = fnet.ones({ 6 }, "int32"), scale = 1 / 255,
    }
    local result = check(nn.Sequential { nn.Flatten(), nn.Dense(16, 2) }, set, { batch = 4 })
    assert.same({ 4, 2 }, result.layers[2].shape)
    assert.is_true(result.gradients)
    local Pixels = nn.module "Pixels"
    function Pixels:init() self.dense = nn.Dense(3, 1) end
    function Pixels:forward(x) return self.dense(x / 255) end
    for _, model in ipairs { Pixels(), nn.Embedding(3, 2) } do
      result = check(model, fnet.ones({ 9, 3 }, "uint8"))
      assert(result.gradients and result.layers[1].error < 1e-6, tostring(result))
    end
  end)

  it("finds the layer whose gradients are wrong, and says where", function()
    local result = check(nn.Sequential { nn.Dense(3, 4), Wrong(), nn.Dense(4, 2) }, fnet.rand { 5, 3 })
    assert.is_false(result.gradients)
    assert.is_nil(result.layers[1].failure)
    assert.matches("^input 1, element %d+: gradient %S+, central difference %S+$", result.layers[2].failure)
    assert.is_nil(result.layers[3].failure)
    assert.matches("\nlayer 2, Wrong%(%) +%[5, 4%] +0  WRONG\n.*\ngradients: WRONG\n  layer 2, Wrong%(%): input 1,",
      tostring(result))
  end)

  -- Zeros and equal values, where the layers that follow have no slope, are no mistakes of these layers.
  it("finds nothing wrong in networks that are right, whatever the seed", function()
    local models = {
      { { 6, 6, 1 }, function() return { nn.Conv2D(1, 4, 3), nn.ReLU(), nn.MaxPool2D(2) } end },
      { { 6, 6, 1 }, function() return { nn.Conv2D(1, 4, 3, { activation = "relu" }), nn.MaxPool2D(2) } end },
      { { 4 }, function() return { nn.Dense(4, 16), nn.ReLU(), nn.BatchNorm(16) } end },
      { { 4 }, function() return { nn.Dense(4, 16), nn.Dropout(0.5), nn.BatchNorm(16) } end },
      { { 4 }, function() return { nn.Residual { nn.Dense(4, 4, { init = "zeros" }), nn.ReLU() } } end },
      { { 4 }, function() return { nn.Dense(4, 5, { init = "zeros", activation = "relu" }) } end },
    }
    for seed = 1, 8 do
      for _, model in ipairs(models) do
        fnet.seed(seed)
        local result = check(nn.Sequential(model[2]()), fnet.randn { 8, table.unpack(model[1]) })
        assert(result.gradients, tostring(result))
      end
    end
  end)

  it("finds a rule that is wrong for all numbers or for some, whatever the seed", function()
    local almost = fnet.operation(function(x) return x * x end, function(dy, _, x) return dy * x * 1.9999 end)
    local ungated = fnet.operation(function(x) return x:relu() end, function(dy) return dy end)
    local unfinite = fnet.operation(function(x) return x * 2 end, function(dy) return dy / 0 * 0 end)
    for seed = 1, 8 do
      for _, f in ipairs { almost, ungated, unfinite } do
        fnet.seed(seed)
        local result = check(nn.Sequential { nn.Dense(3, 16), nn.Lambda(f), nn.Dense(16, 2) }, fnet.randn { 8, 3 })
        assert.is_false(result.gradients)
        assert.matches("^input 1, element %d+: gradient ", result.layers[2].failure)
        assert.is_nil(result.layers[1].failure or result.layers[3].failure)
      end
    end
  end)

  it("keeps to the domain of a sample, and tells what is not finite from what is wrong", function()
    fnet.seed(3) -- with some, all numbers are positive
    local function root(x) return x:sqrt() end
    local first, last = nn.Lambda(root, { name = "Root" }), nn.Lambda(function(x) return (1 - x):log() end)
    local result = check(nn.Sequential { first, nn.Dense(4, 2), nn.Softmax(), last }, fnet.rand { 8, 4 })
    assert.is_true(result.gradients)
    for i = 1, 4 do assert.is_true(result.layers[i].error < 1e-6) end
    result = check(nn.Sequential { first, nn.Dense(4, 2) }, fnet.randn { 8, 4 })
    assert.is_true(result.gradients)
    assert.equal("not finite for these random inputs", result.layers[1].unknown)
    assert.is_true(result.layers[2].error < 1e-6)
    assert.matches("\nlayer 1, Root%(%) +%[8, 4%] +0  unknown\n.*"
      .. "\ngradients: those of all other layers agree with central differences %(float64%), to %de%-%d+, at 26 "
      .. "elements\n"
      .. "  layer 1, Root%(%): not finite for these random inputs\ntime: ", tostring(result))
    result = check(nn.Lambda(root), -fnet.ones { 5 })
    assert.matches("\ngradients: unknown\n  Lambda%(%): not finite", tostring(result))
  end)

  it("calls a model with all its arguments", function()
    local Cell = nn.module "Cell"
    function Cell:init() self.from_x, self.from_h = nn.Dense(3, 4), nn.Dense(4, 4) end
    function Cell:forward(x, h, more, factor)
      return (self.from_x(x) + self.from_h(h) + more.bias):tanh() * factor
    end
    local more = { bias = fnet.ones { 7, 4 } }
    local result = check(Cell(), fnet.rand { 7, 3 }, fnet.zeros { 7, 4 }, more, 2, {})
    assert.same({ true, nil, { 7, 4 } }, { result.gradients, result.problem, result.layers[2].shape })
    assert.is_true(result.layers[2].error < 1e-6)
    assert.same({ "float32", { 7, 4 } }, { more.bias.dtype, more.bias.shape })
    result = check(Cell(), fnet.rand { 7, 3 }, fnet.zeros { 7, 4 }, more, 2, { gradients = false })
    assert.is_nil(result.layers[1].error)
    assert.is_true(check(Cell(), fnet.rand { 3 }, fnet.zeros { 4 }, { bias = 1 }, 2).gradients)
  end)

  it("takes a model of several inputs and results, in a table with or without names", function()
    local Pair = nn.module "Pair"
    function Pair:init() self.left, self.right = nn.Dense(3, 4), nn.Dense(5, 4) end
    function Pair:forward(x)
      local a, b = self.left(x.left or x[1]), self.right(x.right or x[2])
      return { a + b, product = (a * b):tanh() }, a:sum()
    end
    local left, right = fnet.rand { 6, 3 }, fnet.zeros { 6, 5 }
    for _, sample in ipairs { { left, right }, { left = left, right = right } } do
      for _, result in ipairs { check(Pair(), sample), (check(Pair(), sample, { gradients = true })) } do
        assert.same({ true, nil, 2 }, { result.gradients, result.problem, #result.layers })
        for _, layer in ipairs(result.layers) do assert.is_true(layer.error < 1e-6) end
      end
    end
    -- A layer that takes two tensors in a table, and computes something itself; its slope for one of them is wrong.
    local Product = nn.module "Product"
    local product = fnet.operation(function(a, b) return a * b end,
      function(dy, _, a, b) return dy * b, dy * a * 2 end)
    function Product:forward(x) return product(x.a, x.b) end
    local result = check(Product(), { b = fnet.rand { 3, 2 }, a = fnet.rand { 3, 2 } })
    assert.matches("^input 2, element %d+: ", result.layers[1].failure)
    raises("check: the sample is empty, float32 [0, 5]",
      function() return (fnet.check(Pair(), { left, fnet.zeros { 0, 5 } })) end)
    -- What follows the sample may be a table of tensors too.
    local Cell = nn.module "Cell"
    function Cell:init() self.dense = nn.Dense(3, 4) end
    function Cell:forward(x, state) return self.dense(x) * state[1] + state[2] end
    result = check(Cell(), left, { fnet.ones { 6, 4 }, fnet.zeros { 6, 4 } })
    assert.same({ true, nil, { 6, 4 } }, { result.gradients, result.problem, result.layers[1].shape })
  end)

  it("is not misled by layers that begin from zeros, nor by a sample of zeros", function()
    local Gate = nn.module "Gate"
    function Gate:init()
      self.dense, self.gate = nn.Dense(4, 4), fnet.zeros { 1 }
      self.gate.requires_grad = true
    end
    function Gate:forward(x) return x + self.dense(x) * self.gate end
    for seed = 1, 5 do
      fnet.seed(seed)
      local result = check(nn.Sequential {
        nn.Dense(3, 4), nn.ReLU(), Gate(), nn.LayerNorm(4), nn.Dense(4, 2, { init = "zeros" }),
      }, fnet.zeros { 5, 3 })
      assert(result.gradients and result.problem == nil, tostring(result))
      for _, layer in ipairs(result.layers) do assert.is_true(layer.error < 1e-6) end
    end
  end)

  it("says at how many elements it has looked, where it has not looked at all", function()
    local result = check(nn.Sequential { nn.Dense(30, 20), nn.Sigmoid() }, fnet.rand { 9, 30 })
    assert.equal(4 * 30 + 30 * 20 + 20, result.layers[1].all_elements)
    assert.is_true(result.layers[1].elements >= 9 and result.layers[1].elements <= 3 * 40)
    assert.equal(4 * 20, result.layers[2].all_elements)
    assert.matches((", at %d of %d elements\n"):format(result.layers[1].elements + result.layers[2].elements, 820),
      tostring(result))
  end)

  it("looks into modules, and at their own parameters", function()
    local result = check(nn.Sequential { nn.Dense(3, 4), Residual(4) }, fnet.rand { 5, 3 })
    local names = {}
    for i, layer in ipairs(result.layers) do
      names[i] = ("%s %d %s"):format(layer.name:match "(%w+)%([^()]*%)$", layer.parameters, layer.error ~= nil)
    end
    assert.same({ "Dense 16 true", "Dense 20 true", "Residual 1 true" }, names)
    assert.equal(37, result.parameters)
  end)

  it("checks random layers and layers with statistics in training mode", function()
    local result = check(nn.Sequential { nn.Dense(3, 8), nn.BatchNorm(8), nn.Dropout(0.5), nn.Dense(8, 1) },
      fnet.rand { 5, 3 })
    assert.is_true(result.gradients)
    for i = 1, 4 do assert.is_true(result.layers[i].error < 1e-6) end
  end)

  it("does not call a layer wrong that never gives the same twice", function()
    local Cloud = nn.module "Cloud"
    function Cloud:init(source) self.source = source end
    function Cloud:forward(x) return x + self.source.randn(self.source, x.shape) end
    local own = { randn = function(_, shape) return fnet.randn(shape) end }
    local result = check(nn.Sequential { nn.Dense(3, 2), Cloud(own) }, fnet.rand { 5, 3 })
    assert.is_true(result.gradients and result.layers[2].error < 1e-6)
    result = check(nn.Sequential { nn.Dense(3, 2), Cloud(fnet.generator(1)) }, fnet.rand { 5, 3 })
    assert.is_true(result.gradients)
    assert.matches("\n  layer 2, Cloud(): gives other numbers each time it is called with the same ones; it can be "
      .. "checked where it draws from fnet's own random numbers", tostring(result), 1, true)
  end)

  it("says where a sample is wanted as a batch of one", function()
    local Chunks = nn.module "Chunks"
    function Chunks:forward(x) return (x:chunk(2, 2)) end
    local message = select(2, pcall(check, Chunks(), fnet.rand { 4 }))
    assert.matches("Chunks(): chunk: axis: expected a whole number from 1 to 1, got 2; the model takes this sample "
      .. "as a batch of one, sample:unsqueeze(1)", message, 1, true)
  end)

  it("says why gradients cannot be checked, beside all else", function()
    local Fixed = nn.module "Fixed"
    function Fixed:forward(x)
      assert(x.dtype == "float32", "only float32")
      return x * 2
    end
    local result = check(Fixed(), fnet.rand { 5, 3 }, { gradients = false })
    assert.is_true(result.gradients)
    result = check(Fixed(), fnet.rand { 5, 3 })
    assert.is_false(result.gradients)
    assert.matches("\nFixed%(%) +%[5, 3%] +0  %-\n.*\ngradients: cannot be checked: [^\n]*only float32\ntime: ",
      tostring(result))
  end)

  it("leaves the model, its mode and the random numbers as they were", function()
    fnet.seed(3)
    local model = nn.Sequential { nn.Dense(3, 8), nn.BatchNorm(8), nn.Dropout(0.5), nn.Dense(8, 1) }
    model[3]:eval()
    local before, state, parameters = model:sha256(), { fnet.random_state() }, model:parameters()
    check(model, fnet.ones { 6, 3 })
    assert.equal(before, model:sha256())
    assert.same(state, { fnet.random_state() })
    assert.same({ true, false, true }, { model[2].training, model[3].training, model[4].training })
    for i, parameter in ipairs(model:parameters()) do
      assert.equal(parameters[i], parameter)
      assert.equal("float32", parameter.dtype)
      assert.is_nil(parameter.grad)
    end
    for _, module in ipairs(model:modules()) do assert.is_nil(rawget(module, "forward")) end
  end)

  it("says what gradients reach outside the model, and where, and drops those gradients", function()
    local inner, scale = nn.Dense(3, 3), fnet.ones { 1 }
    scale.requires_grad = true
    local model = nn.Sequential {
      nn.Dense(3, 3), nn.Lambda(function(x) return inner(x) * scale end), nn.Dense(3, 1),
    }
    local x = fnet.rand { 4, 3 }
    x.requires_grad = true
    local result = check(model, x, { gradients = false })
    local what = "layer 2, Lambda() is computed with float32 [1], weight of Dense(3, 3) and bias of Dense(3, 3): "
      .. "gradients reach them, but no model and no optimiser has them; "
    assert.equal(what, result.outside:sub(1, #what))
    assert.matches("\noutside the model: layer 2, Lambda%(%) is computed with ", tostring(result))
    assert.same({}, { inner.weight.grad, inner.bias.grad, scale.grad, x.grad, model[1].weight.grad })
    -- What an optimiser has learns, and what is frozen is not meant to.
    assert(fnet.optim.SGD(inner:parameters()))
    scale.requires_grad = false
    assert.is_nil(check(model, x, { gradients = false }).outside)
    -- The input is somebody's, in a table too.
    assert.is_nil(check(nn.Lambda(function(t) return inner(t[1]) * t.b end), { x, b = fnet.ones { 1 } },
      { gradients = false }).outside)
  end)

  it("checks its arguments, and reports what does not fit at the caller's line", function()
    local model, wrong = nn.Dense(3, 1), fnet.zeros { 5, 2 }
    raises("check: expected a model first, got float32 [5, 2]", function() return (fnet.check(wrong, wrong)) end)
    raises("check: expected a tensor, a table of tensors or a data set, got number",
      function() return (fnet.check(model, 5)) end)
    raises("check: the sample is empty, float32 [0, 3]",
      function() return (fnet.check(model, fnet.zeros { 0, 3 })) end)
    raises("check: unknown option 'size'; known are batch, gradients",
      function() return (fnet.check(model, wrong, { size = 1 })) end)
    raises("check: batch: expected a whole number of at least 1, got 0",
      function() return (fnet.check(model, wrong, { batch = 0 })) end)
    raises("Dense(3, 1): expected an input of [..., 3], got [5, 2]",
      function() return (fnet.check(model, wrong)) end)
  end)

  it("ends with Ctrl-C, which is no wrong gradient", function()
    for _, double in ipairs { false, true } do
      local Stopped = nn.module "Stopped"
      function Stopped:forward(x)
        if (x.dtype == "float64") == double then interrupt() end
        return x * 2
      end
      local ok, message = pcall(fnet.check, nn.Sequential { nn.Dense(3, 1), Stopped() }, fnet.ones { 6, 3 })
      assert.same({ false, "interrupted" }, { ok, fnet.error_kind(message) })
    end
  end)
end)

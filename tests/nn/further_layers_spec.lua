--- Conv1D, ConvTranspose2D, Upsample, GroupNorm, RMSNorm and PReLU: against formulas, gradients, views, zero-length
-- axes, files, bits on every instruction set and number of threads, errors; and one object in two places.
-- tests/save/ compares them with PyTorch and Keras.

local fnet = require "fnet"
local support = require "tests.support"
local nn = fnet.nn
local raises, flat = support.raises, support.flat

-- Layers with a batch that they take: makers, so that each test has its own.
local SAMPLES = {
  { function() return nn.Conv1D(4, 6, 3, { stride = 2, padding = "same", groups = 2, activation = "tanh" }) end,
    { 2, 5, 4 } },
  { function() return nn.Conv1D(4, 3, 2, { padding = "causal", bias = false }) end, { 2, 5, 4 } },
  { function() return nn.ConvTranspose2D(4, 6, { 3, 2 }, { stride = 2, padding = "same", groups = 2 }) end,
    { 2, 3, 2, 4 } },
  { function() return nn.ConvTranspose2D(2, 3, 3, { stride = { 2, 3 }, padding = 1, output_padding = 1,
    activation = "sigmoid" }) end, { 2, 3, 2, 2 } },
  { function() return nn.Upsample { 2, 3 } end, { 2, 3, 2, 2 } },
  { function() return nn.Upsample(3, { mode = "bilinear" }) end, { 2, 3, 2, 2 } },
  { function() return nn.GroupNorm(2, 4, { epsilon = 0.1 }) end, { 2, 3, 2, 4 } },
  { function() return nn.GroupNorm(1, 4, { sample = "sequence" }) end, { 2, 3, 4 } },
  { function() return nn.GroupNorm(2, 6, { sample = "row" }) end, { 3, 6 } },
  { function() return nn.RMSNorm(5) end, { 2, 3, 5 } },
  { function() return nn.PReLU() end, { 2, 3, 5 } },
  { function() return nn.PReLU(5, { start = -0.5 }) end, { 2, 3, 5 } },
}

describe("further layers", function()
  before_each(function() fnet.seed(5) end)

  it("have right gradients", function()
    for _, sample in ipairs(SAMPLES) do
      local layer = sample[1]():to "float64"
      local ok, detail = fnet.gradcheck(layer, { fnet.randn(sample[2]) })
      assert.is_true(ok, layer:describe() .. ": " .. tostring(detail))
    end
  end)

  it("take single samples, views and no samples, and tell the shape of their results", function()
    for _, sample in ipairs(SAMPLES) do
      local layer, x = sample[1](), fnet.randn(sample[2])
      local y = layer(x)
      for i = 1, #x do
        support.near(y[i].shape, flat(y[i]), layer(x[i]), 1e-6)
        assert.same(y[i].shape, layer:output_shape(x[i].shape))
      end
      assert.equal(y.shape[y.rank], layer:output_shape() and layer:output_shape()[y.rank - 1] or y.shape[y.rank])
      local view = x:transpose(1, x.rank):contiguous():transpose(1, x.rank)
      assert.is_true(y:equal(layer(view)), layer:describe())
      local none = layer(x:slice(1, 1, 1):gather(fnet.zeros({ 0 }, "int32"), 1))
      assert.equal(0, none.shape[1])
    end
  end)

  it("are saved, loaded and described", function()
    local path = os.tmpname()
    for _, sample in ipairs(SAMPLES) do
      local model, x = nn.Sequential { sample[1]() }, fnet.randn(sample[2])
      assert(model:save(path))
      local loaded = assert(fnet.load(path))
      assert.equal(model:describe(), loaded:describe())
      assert.is_true(model(x):equal(loaded(x)))
      assert.is_truthy(model:summary():find(model[1].class_name, 1, true))
    end
    os.remove(path)
  end)

  it("give the same bits everywhere", function()
    for _, sample in ipairs(SAMPLES) do
      local layer, x = sample[1](), fnet.randn(sample[2])
      assert.same_everywhere(function()
        layer:zero_grad()
        x.requires_grad, x.grad = true, nil
        local y = layer(x)
        local loss = (y * y):sum()
        loss:backward()
        local parameter = layer:parameters()[1]
        return fnet.sha256(y, x.grad), parameter and fnet.sha256(parameter.grad)
      end, { 1, 3 })
    end
  end)
end)

describe("Conv1D", function()
  it("is its formula", function()
    fnet.seed(2)
    local layer, x = nn.Conv1D(2, 3, 2, { stride = 2, padding = 1 }), fnet.randn { 5, 2 }
    fnet.no_grad(function() layer.bias:copy(fnet.tensor { 1, 2, 3 }) end)
    local expected = {}
    for t = 0, 2 do
      for u = 1, 3 do
        local sum = layer.bias[u]
        for s = 1, 2 do
          for c = 1, 2 do
            local place = 2 * t + s - 1
            if place >= 1 and place <= 5 then sum = sum + x[place][c] * layer.weight[s][c][u] end
          end
        end
        expected[#expected + 1] = sum
      end
    end
    support.near({ 3, 3 }, expected, layer(x), 1e-6)
  end)

  it("that is causal sees no later step", function()
    local layer, x = nn.Conv1D(2, 3, 4, { padding = "causal" }), fnet.randn { 9, 2 }
    assert.same({ 9, 3 }, layer(x).shape)
    assert.is_true(layer(x):slice(1, 1, 5):equal(layer(x:slice(1, 1, 5))))
  end)

  it("says what is wrong", function()
    raises("Conv1D(4, 6, 3): expected float32 sequences [batch, time, 4] or one [time, 4], got float32 [9, 5]",
      function() nn.Conv1D(4, 6, 3)(fnet.zeros { 9, 5 }) end)
    raises("Conv1D(4, 6, 3): the kernel of 3 does not fit into a sequence of 2 steps with its padding",
      function() nn.Conv1D(4, 6, 3)(fnet.zeros { 2, 4 }) end)
    raises("Conv1D: inputs and units must be multiples of the 3 groups, got 4 and 6",
      function() nn.Conv1D(4, 6, 3, { groups = 3 }) end)
    raises("Conv1D: kernel: expected a whole number of at least 1, got table",
      function() nn.Conv1D(4, 6, { 3 }) end)
    raises("Conv1D: unknown option 'dilation'; known are stride, padding, groups, activation, bias, init",
      function() nn.Conv1D(4, 6, 3, { dilation = 2 }) end)
    raises("Conv1D(4, 6, 3): expected sequences of [batch, time, 4], got [batch, 8, 8, 4]",
      function() nn.Conv1D(4, 6, 3):output_shape { 8, 8, 4 } end)
  end)
end)

describe("ConvTranspose2D and Upsample", function()
  it("say what is wrong", function()
    raises("ConvTranspose2D(4, 6, 3): expected float32 pictures [batch, height, width, 4] or one [height, " ..
      "width, 4], got float32 [9, 4]", function() nn.ConvTranspose2D(4, 6, 3)(fnet.zeros { 9, 4 }) end)
    raises("ConvTranspose2D(4, 6, 3, padding 2): of a picture 2 high, padding leaves nothing",
      function() nn.ConvTranspose2D(4, 6, 3, { padding = 2 })(fnet.zeros { 2, 9, 4 }) end)
    raises("ConvTranspose2D: output_padding: expected a whole number from 0 to 1, got 2",
      function() nn.ConvTranspose2D(4, 6, 3, { stride = 2, output_padding = 2 }) end)
    raises("Upsample: unknown option 'align_corners'; known are mode",
      function() nn.Upsample(2, { align_corners = true }) end)
    raises("Upsample: scale: expected a whole number from 1 to 4096, got 1.5", function() nn.Upsample(1.5) end)
    raises("Upsample(2, bilinear): expected a float tensor, got int32 [2, 3, 1]",
      function() nn.Upsample(2, { mode = "bilinear" })(fnet.ones({ 2, 3, 1 }, "int32")) end)
    assert.is_true(nn.Upsample(2)(fnet.ones({ 2, 3, 1 }, "int32")):equal(fnet.ones({ 4, 6, 1 }, "int32")))
    raises("Upsample(2): expected pictures [batch, height, width, channels] or one [height, width, channels], " ..
      "got float32 [2, 3]", function() nn.Upsample(2)(fnet.zeros { 2, 3 }) end)
  end)
end)

describe("GroupNorm, RMSNorm and PReLU", function()
  it("normalise each sample by itself", function()
    fnet.seed(8)
    local x = fnet.randn({ 3, 4, 5, 6 }, 2, 3)
    local y = nn.GroupNorm(2, 6)(x)
    for i = 1, 3 do
      local group = y[i]:slice(3, 4, 6)
      assert.near(0, group:mean():item(), 1e-5)
      assert.near(1, group:std():item(), 1e-2)
    end
    local rows = nn.RMSNorm(6)(x)
    support.near({ 3, 4, 5 }, flat(fnet.ones { 3, 4, 5 }), (rows * rows):mean(4), 1e-5)
  end)

  it("take rows whose squares leave float32: RMSNorm's are divided by their size all the same", function()
    local layer = nn.RMSNorm(2, { epsilon = 0 })
    for _, size in ipairs { 1e38, 1e20, 1, 1e-20, 1e-38 } do
      local x = fnet.tensor { { 3 * size, -size } }
      x.requires_grad = true
      local y = layer(x)
      support.near({ 1, 2 }, { 3 / math.sqrt(5), -1 / math.sqrt(5) }, y, 1e-6)
      y:backward { gradient = fnet.tensor { { size, 0 } } } -- so that the gradient's own size is ordinary
      support.near({ 1, 2 }, { 0.1 / math.sqrt(5), 0.3 / math.sqrt(5) }, x.grad, 1e-6)
    end
  end)

  -- So large that threads share it, in pieces that end inside samples.
  it("keep the digits of pictures far from zero, with the same bits everywhere, where a weight is 0 too", function()
    fnet.seed(8)
    local layer, x = nn.GroupNorm(5, 35), fnet.randn({ 3, 17, 19, 35 }, 1000, 0.01)
    fnet.no_grad(function() layer.weight[2] = 0 end)
    assert.same_everywhere(function()
      layer:zero_grad()
      x.requires_grad, x.grad = true, nil
      local y = layer(x)
      y:backward { gradient = x }
      return fnet.sha256(y, x.grad, layer.weight.grad, layer.bias.grad)
    end, { 1, 2, 3 })
    local exact = nn.GroupNorm(5, 35):to "float64"
    fnet.no_grad(function() exact.weight[2] = 0 end)
    local wide = x:detach():double()
    wide.requires_grad = true
    local y = exact(wide)
    y:backward { gradient = wide:detach() }
    support.near(x.shape, flat(y:detach():float()), layer(x):detach(), 1e-2) -- the mean is rounded to float32
    assert.is_true((layer.bias.grad:double() - exact.bias.grad):abs():max():item() < 1)
  end)

  -- A row of 2500 is a long sum.
  it("RMSNorm: the formula in float64, and the same bits everywhere", function()
    for _, shape in ipairs { { 3, 2500 }, { 4000, 17 }, { 5, 1 } } do
      fnet.seed(8)
      local n, x, slopes = shape[2], fnet.randn(shape, 1, 2), fnet.randn(shape)
      local layer = nn.RMSNorm(n, { epsilon = 1e-3 })
      layer.weight = fnet.randn { n }
      layer.weight.requires_grad = true
      x.requires_grad = true
      assert.same_everywhere(function()
        layer:zero_grad()
        x.grad = nil
        local y = layer(x)
        y:backward { gradient = slopes }
        return fnet.sha256(y, x.grad, layer.weight.grad)
      end, { 1, 2, 3 })
      local wide, weight = x:detach():double(), layer.weight:detach():double()
      wide.requires_grad, weight.requires_grad = true, true
      local y = wide / ((wide * wide):mean(2, true) + 1e-3):sqrt() * weight
      y:backward { gradient = slopes:double() }
      assert.allclose(y:detach():float(), layer(x):detach(), 1e-6, 1e-5)
      assert.allclose(wide.grad:float(), x.grad, 1e-5, 1e-5)
      assert.allclose(weight.grad:float(), layer.weight.grad, 1e-5, 1e-3)
    end
  end)

  it("say what is wrong", function()
    raises("GroupNorm: features must be a multiple of the 6 groups, which come first, got 3",
      function() nn.GroupNorm(6, 3) end)
    raises("GroupNorm(3, 6): expected float32 pictures of 3 axes, the last of 6, or a batch of them, " ..
      "got float32 [2, 6]; the option sample says what a sample is",
      function() nn.GroupNorm(3, 6)(fnet.zeros { 2, 6 }) end)
    raises("RMSNorm(6): expected an input of float32 [..., 6], got float32 [2, 5]",
      function() nn.RMSNorm(6)(fnet.zeros { 2, 5 }) end)
    raises("PReLU(6): expected an input of float32 [..., 6], got float32 [2, 5]",
      function() nn.PReLU(6)(fnet.zeros { 2, 5 }) end)
  end)
end)

describe("one object in two places", function()
  it("is one layer: its parameters once, shared when it was saved and loaded, and both gradients added", function()
    fnet.seed(1)
    local shared, path = nn.Dense(3, 3), os.tmpname()
    local model = nn.Sequential { shared, nn.Tanh(), shared, nn.Residual { shared } }
    assert.equal(12, model:count())
    assert.equal(2, #model:parameters())
    assert(model:save(path))
    local loaded = assert(fnet.load(path))
    os.remove(path)
    assert.equal(loaded[1], loaded[3])
    assert.equal(loaded[1], loaded[4][1])
    assert.equal(model:sha256(), loaded:sha256())
    model:to "float64"
    assert.equal(model[1], model[3])
    assert(fnet.gradcheck(model, { fnet.randn { 2, 3 } }))
    local Twice = nn.module "Twice"
    function Twice:init()
      self.first = nn.TransformerLayer(4, 2)
      self.layers = { self.first, nn.Dense(4, 4) }
    end
    function Twice:forward(x) return self.layers[2](self.layers[1](self.first(x))) end
    local own = Twice()
    assert.equal(nn.TransformerLayer(4, 2):count() + 20, own:count())
    assert(own:save(path))
    local again = assert(fnet.load(path, { layers = { Twice = Twice } }))
    os.remove(path)
    assert.equal(again.first, again.layers[1])
    assert.equal(own:sha256(), again:sha256())
  end)
end)

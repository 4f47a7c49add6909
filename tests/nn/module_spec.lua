--- Modules, layers, start values, losses and evaluation.

local fnet = require "fnet"
require "fnet.testing"
local nn = fnet.nn

-- Calls f, which must raise an error at a line of this file.
local function fails(message, f, ...)
  local ok, got = pcall(f, ...)
  assert.is_false(ok)
  local position, text = got:match "^(.-module_spec%.lua:%d+: )(.*)$"
  assert.is_truthy(position, got)
  assert.equal(message, text)
end

local function lesson()
  return nn.Sequential { nn.Flatten(), nn.Dense(784, 128), nn.ReLU(), nn.Dense(128, 10), nn.Softmax() }
end

local function parameter(...)
  local t = fnet.rand(...)
  t.requires_grad = true
  return t
end

before_each(function() fnet.seed(7) end)

describe("a module", function()
  local Scale = nn.module "Scale"
  function Scale:init(size)
    self.second = parameter { size }
    self.note = "not a parameter"
    self.first = parameter { size, 2 }
    self.constant = fnet.ones { size }
    self.inner = nn.Dense(2, 3)
    self.third = parameter {}
  end
  function Scale:forward(x) return x * self.second end

  local function names_of(module)
    local names = {}
    for i, entry in ipairs(module:named_parameters()) do names[i] = entry.name end
    return names
  end

  it("is called, and keeps its parameters in the order of their assignment", function()
    local scale = Scale(4)
    assert.same({ 4 }, scale(fnet.ones { 4 }).shape)
    assert.same({ "second", "first", "third", "inner.weight", "inner.bias" }, names_of(scale))
    assert.equal(4 + 8 + 1 + 6 + 3, scale:count())
    assert.equal(scale.second, scale:parameters()[1])
    assert.equal(5, #scale:parameters())
    assert.is_true(nn.is_module(scale) and not nn.is_module(Scale) and not nn.is_module {})
  end)

  it("follows a field that changes, without a second place", function()
    local scale = Scale(4)
    scale.second = parameter { 7 }
    scale.third = nil
    assert.same({ "second", "first", "inner.weight", "inner.bias" }, names_of(scale))
    assert.same({ 7 }, scale:parameters()[1].shape)
    scale.third = parameter {}
    assert.equal(5, #scale:parameters())
  end)

  it("counts what is shared once", function()
    local dense = nn.Dense(3, 3)
    local twice = nn.Sequential { dense, nn.ReLU(), dense }
    assert.same({ "1.weight", "1.bias" }, names_of(twice))
    assert.equal(12, twice:count())
    local Tied = nn.module "Tied"
    function Tied:init()
      self.a = nn.Dense(2, 2)
      self.b = nn.Dense(2, 2)
      self.b.weight = self.a.weight
    end
    assert.same({ "a.weight", "a.bias", "b.bias" }, names_of(Tied()))
    local x = fnet.rand { 2, 3 }
    twice(x):sum():backward()
    assert.is_truthy(dense.weight.grad)
  end)

  it("does not count results that it keeps", function()
    local Keeper = nn.module "Keeper"
    function Keeper:init() self.inner = nn.Dense(2, 2) end
    function Keeper:forward(x)
      self.seen = self.inner(x)
      return self.seen
    end
    local keeper = Keeper()
    keeper(fnet.ones { 1, 2 })
    assert.same({ "inner.weight", "inner.bias" }, names_of(keeper))
  end)

  it("may contain itself", function()
    local Loop = nn.module "Loop"
    function Loop:init() self.me, self.p = self, parameter { 2 } end
    local loop = Loop()
    assert.equal(2, loop:count())
    loop:eval()
    assert.is_false(loop.training)
  end)

  it("switches training and evaluation for everything inside", function()
    local model = nn.Sequential { nn.Sequential { nn.Dense(2, 2) }, nn.ReLU() }
    assert.is_true(model.training and model[1][1].training)
    assert.equal(model, model:eval())
    assert.is_false(model.training or model[1].training or model[1][1].training or model[2].training)
    assert.equal(model, model:train())
    assert.is_true(model.training and model[1].training and model[1][1].training and model[2].training)
    assert.is_false(model:train(false)[1][1].training)
  end)

  it("drops gradients, converts types and has a fingerprint", function()
    local model = nn.Sequential { nn.Dense(2, 3), nn.Tanh(), nn.Dense(3, 1) }
    local before = model:sha256()
    assert.is_truthy(before:find "^%x+$" and #before == 64)
    assert.equal(before, fnet.sha256(model[1].weight, model[1].bias, model[3].weight, model[3].bias))
    model(fnet.ones { 1, 2 }):sum():backward()
    assert.equal(before, model:sha256())
    model:zero_grad()
    for _, each in ipairs(model:parameters()) do assert.is_nil(each.grad) end
    assert.equal("float64", model:to("float64")[1].weight.dtype)
    assert.same({ "1.weight", "1.bias", "3.weight", "3.bias" }, names_of(model))
    assert.gradcheck(function(x) return model(x) end, { fnet.rand { 3, 2 } })
    assert.equal(before, model:to("float32"):sha256())
    fnet.no_grad(function() model[3].bias[1] = 1 end)
    assert.not_equal(before, model:sha256())
  end)

  it("without a forward says so", function()
    fails("Empty(): the class has no forward method", function() (nn.module "Empty")()(1) end)
  end)

  it("prints itself", function()
    assert.equal("Scale()", Scale(1):describe())
    assert.equal("Dense(3, 2)", tostring(nn.Dense(3, 2)))
    assert.equal("Dense(3, 2, no bias)", tostring(nn.Dense(3, 2, { bias = false })))
    assert.equal("Dense(3, 2)", tostring(nn.Dense(3, 2, { bias = true })))
    assert.has_error(function() nn.Dense(3, 2, { bias = 0 }) end,
      "Dense: bias: expected true or false, got number")
    assert.equal("Dense(3, 2)\nparameters: 8", nn.Dense(3, 2):summary())
    assert.equal("Sequential {\n  Flatten(),\n  Sequential {\n    Tanh(),\n    Sigmoid(),\n  },\n}",
      nn.Sequential { nn.Flatten(), nn.Sequential { nn.Tanh(), nn.Sigmoid() } }:describe())
  end)

  it("with parts prints them as a table, what is inside below, each counted once", function()
    local Mixed = nn.module "Mixed"
    function Mixed:init()
      self.code = nn.Embedding(5, 3)
      self.rest = nn.Concat { nn.Dense(3, 4), nn.Sequential { nn.Dense(3, 2), nn.Tanh() } }
      self.again = self.rest[1]
    end
    assert.equal([[
Mixed()                          output shape           parameters
code: Embedding(5, 3)            -                              15
rest: Concat                     [batch, 6]
  Dense(3, 4)                    [batch, 4]                     16
  Sequential                     [batch, 2]
    Dense(3, 2)                  [batch, 2]                      8
    Tanh()                       [batch, 2]                      0
again: Dense(3, 4)               [batch, 4]
total                                                           39]], tostring(Mixed()))
    local Own = nn.module "Own"
    function Own:init()
      local scale = fnet.ones { 2 }
      scale.requires_grad = true
      self.scale, self.dense = scale, nn.Dense(2, 2)
      self.me = self
    end
    assert.equal([[
Own()                            output shape           parameters
dense: Dense(2, 2)               [batch, 2]                      6
me: Own()                        -
its own                                                          2
total                                                            8]], tostring(Own()))
    local pictures = nn.Sequential { nn.Reshape(6, 6, 1), nn.Conv2D(1, 2, 3), nn.Residual {
      nn.Conv2D(2, 2, 3, { padding = "same" }), nn.ReLU() }, nn.ReLU() }
    pictures[2] = nn.Conv2D(1, 2, 3)
    assert.equal([[
layer                            output shape           parameters
Reshape(6, 6, 1)                 [batch, 6, 6, 1]                0
Conv2D(1, 2, 3)                  [batch, 4, 4, 2]               20
Residual                         [batch, 4, 4, 2]
  Conv2D(2, 2, 3, same)          [batch, 4, 4, 2]               38
  ReLU()                         [batch, 4, 4, 2]                0
ReLU()                           [batch, 4, 4, 2]                0
total                                                           58]], tostring(pictures))
  end)
end)

describe("the lesson's network", function()
  it("has 101,770 parameters", function()
    assert.equal(101770, lesson():count())
    assert.equal([[
layer                            output shape           parameters
Flatten()                        [batch, 784]                    0
Dense(784, 128)                  [batch, 128]              100,480
ReLU()                           [batch, 128]                    0
Dense(128, 10)                   [batch, 10]                 1,290
Softmax()                        [batch, 10]                     0
total                                                      101,770]], lesson():summary())
    assert.equal(lesson():summary(), tostring(lesson()))
    assert.equal([[
Sequential {
  Flatten(),
  Dense(784, 128),
  ReLU(),
  Dense(128, 10),
  Softmax(),
}]], lesson():describe())
  end)

  it("gives a sample the same bits as the row of a batch, whatever its shape", function()
    local model = lesson()
    local pictures = fnet.rand { 33, 28, 28 }
    local whole = model(pictures)
    assert.same({ 33, 10 }, whole.shape)
    for _, i in ipairs { 1, 17, 33 } do
      local row = whole[i]
      assert.is_true(row:equal(model(pictures[i])))
      assert.is_true(row:equal(model(pictures[i]:reshape { 784 })))
      assert.is_true(row:equal(model(pictures:slice(1, i, i))[1]))
      assert.is_true(row:equal(model(pictures[i]:reshape { 1, 784 })[1]))
      assert.is_true(row:equal(fnet.no_grad(model, pictures[i])))
    end
    assert.same({ 10 }, model(pictures[1]).shape)
    assert.same({ 10 }, model(pictures[1]:reshape { 784 }).shape)
    assert.same({ 1, 10 }, model(pictures:slice(1, 1, 1)).shape)
    assert.same({ 0, 10 }, model(fnet.zeros { 0, 28, 28 }).shape)
  end)
end)

describe("Sequential", function()
  it("reports layers that do not fit where the model is declared", function()
    fails("layer 3, Dense(100, 10) expects 100 inputs, but layer 2, ReLU() gives [batch, 128]", nn.Sequential,
      { nn.Dense(784, 128), nn.ReLU(), nn.Dense(100, 10) })
    fails("layer 2, Dense(2, 3) expects 2 inputs, but layer 1, Dense(3, 1) gives [batch, 1]", nn.Sequential,
      { nn.Dense(3, 1), nn.Dense(2, 3) })
    fails("layer 2, Dense(100, 10) expects 100 inputs, but layer 1, Conv2D(1, 8, 3) gives [batch, ?, ?, 8]; put " ..
      "nn.Flatten() before it", nn.Sequential, { nn.Conv2D(1, 8, 3), nn.Dense(100, 10) })
    fails("layer 2, Conv2D(3, 8, 3) expects 3 inputs, but layer 1, Conv2D(1, 8, 3) gives [batch, ?, ?, 8]",
      nn.Sequential, { nn.Conv2D(1, 8, 3), nn.Conv2D(3, 8, 3) })
    fails("layer 2, Dense(9, 10) expects 9 inputs, but layer 1, LSTM(3, 8) gives [batch, ?, 8]", nn.Sequential,
      { nn.LSTM(3, 8), nn.Dense(9, 10) })
    fails("layer 2, Sequential { ... } expects 5 inputs, but layer 1, Dense(4, 3) gives [batch, 3]", nn.Sequential,
      { nn.Dense(4, 3), nn.Sequential { nn.Dense(5, 2) } })
    fails("layer 2, Dense(3, 1) expects 3 inputs, but layer 1, Sequential { ... } gives [batch, 2]", nn.Sequential,
      { nn.Sequential { nn.Dense(5, 2), nn.ReLU() }, nn.Dense(3, 1) })
  end)

  it("reports what is no layer", function()
    local text = "Sequential: expected a table of at least one layer, { nn.Dense(784, 10), ... }"
    fails(text, nn.Sequential)
    fails(text, nn.Sequential, {})
    fails(text, nn.Sequential, nn.ReLU())
    fails("Sequential: layer 2: expected a layer, got the class ReLU; call it: nn.ReLU(...)", nn.Sequential,
      { nn.Dense(1, 1), nn.ReLU })
    fails("Sequential: layer 1: expected a layer, got number", nn.Sequential, { 784, 128 })
    fails("Sequential: unexpected field 'name'; layers are listed without names or gaps", nn.Sequential,
      { nn.ReLU(), name = "x" })
  end)

  it("names the layer that an input does not fit, and the way out", function()
    fails("layer 1, Dense(784, 10): expected an input of [..., 784], got [5, 28, 28]; put nn.Flatten() before it",
      nn.Sequential { nn.Dense(784, 10) }, fnet.zeros { 5, 28, 28 })
    fails("layer 2, Dense(784, 128): expected an input of [..., 784], got [5, 783]", lesson(),
      fnet.zeros { 5, 783 })
    fails("layer 2, Dense(784, 128): expected two float tensors of one type, got float64 and float32; convert " ..
      "with :float()", lesson(), fnet.zeros({ 5, 784 }, "float64"))
    fails("Dense(3, 1): expected an input of [..., 3], got [4]", nn.Dense(3, 1), fnet.zeros { 4 })
    assert.has_error(function() lesson()(5) end)
    assert.has_error(function() lesson()() end)
  end)

  it("knows the shapes between layers, also of a layer that stands in it twice and of those inside", function()
    local relu = nn.ReLU()
    local model = nn.Sequential { nn.Dense(9, 4), relu, nn.Dense(4, 2), relu, nn.Sequential { nn.Dense(2, 5) } }
    local shapes = {}
    for shape in model:summary():gmatch "%[batch, (%d+)%]" do shapes[#shapes + 1] = tonumber(shape) end
    assert.same({ 4, 4, 2, 2, 5, 5 }, shapes)
    assert.same({ 5 }, model:output_shape())
    local Unknown = nn.module "Unknown"
    function Unknown:forward(x) return x end
    local with_unknown = nn.Sequential { nn.Dense(9, 4), Unknown(), nn.Dense(4, 2) }
    assert.is_truthy(with_unknown:summary():find "\nUnknown%(%) +%- +0\n")
    assert.same({ 2 }, with_unknown:output_shape())
  end)

  it("flattens one sample and a batch in a model inside it too", function()
    local model = nn.Sequential { nn.Flatten(), nn.Sequential { nn.Dense(6, 2) } }
    local x = fnet.rand { 4, 2, 3 }
    assert.is_true(model(x)[3]:equal(model(x[3])))
  end)
end)

describe("the memory that Sequential uses again", function()
  -- Keeps what it gets and gives, and is otherwise not there.
  local Keeper = nn.module "Keeper"
  function Keeper:forward(x)
    self.input = x
    self.output = x + 0
    return self.output
  end
  local Identity = nn.module "Identity"
  function Identity:forward(x)
    self.input = x
    return x
  end

  -- The same layers applied one by one, without Sequential.
  local function plain(layers, x)
    for _, layer in ipairs(layers) do x = layer(x) end
    return x
  end

  local function gradients(model, output)
    model:zero_grad()
    nn.cross_entropy(output, fnet.tensor({ 1, 2, 3, 4, 5, 1, 2, 3 }, "int32")):backward()
    local list = {}
    for i, each in ipairs(model:parameters()) do list[i] = each.grad:clone() end
    return list
  end

  local kinds = {
    ["plain layers"] = function()
      return { nn.Dense(300, 200), nn.ReLU(), nn.Dense(200, 200), nn.Tanh(), nn.Dense(200, 5), nn.Softmax() }
    end,
    ["layers of the user that keep all"] = function()
      return {
        Keeper(), nn.Dense(300, 200), Keeper(), nn.ReLU(), Keeper(), nn.Dense(200, 5), Keeper(), nn.Softmax(),
      }
    end,
    ["layers that return their input"] = function()
      return { Identity(), nn.Dense(300, 200), Identity(), Identity(), nn.Sigmoid(), Identity(), nn.Dense(200, 5) }
    end,
    ["models inside models"] = function()
      return {
        nn.Sequential { nn.Flatten(), nn.Dense(300, 200), nn.Sequential { nn.ReLU() } },
        nn.Sequential { Keeper(), nn.Dense(200, 200), Identity() }, nn.Sequential { nn.Flatten() }, nn.ReLU(),
        nn.Sequential { nn.Dense(200, 5) }, nn.Sequential { nn.Sequential { nn.Softmax() } },
      }
    end,
    ["a view before the softmax"] = function()
      return { nn.Dense(300, 5), nn.Sequential { nn.Flatten(), nn.Softmax() } }
    end,
    ["a layer of the library with a forward of the user's"] = function()
      local relu = nn.ReLU()
      function relu:forward(x)
        self.input = x
        return x:relu()
      end
      return { nn.Dense(300, 200), relu, nn.Dense(200, 5) }
    end,
    ["one layer twice"] = function()
      local relu, dense = nn.ReLU(), nn.Dense(300, 300)
      return { dense, relu, dense, relu, nn.Dense(300, 5) }
    end,
  }
  for name, make in pairs(kinds) do
    it("cannot be seen: " .. name, function()
      local layers = make()
      local model = nn.Sequential(layers)
      local x = fnet.rand { 8, 300 }
      local before = x:clone()
      local expected = plain(layers, x):detach():clone()
      local expected_gradients = gradients(model, plain(layers, x))
      for _ = 1, 3 do
        local output = model(x)
        assert.is_true(output:equal(expected))
        local got = gradients(model, output)
        for i, gradient in ipairs(got) do assert.is_true(gradient:equal(expected_gradients[i])) end
        assert.is_true(output:equal(expected))
        assert.is_true(x:equal(before))
        local silent = fnet.no_grad(model, x)
        assert.is_true(silent:equal(expected))
        assert.is_true(nn.cross_entropy(silent, fnet.tensor({ 1, 2, 3, 4, 5, 1, 2, 3 }, "int32")):item() > 0)
        for _, layer in ipairs(layers) do
          if layer.input then assert.is_true(layer.input:sum():item() == layer.input:clone():sum():item()) end
          if layer.output then assert.is_true(layer.output:equal(layer.input)) end
        end
      end
    end)
  end

  it("leaves two outputs of one model alone", function()
    local model = lesson()
    local x = fnet.rand { 8, 784 }
    local first = model(x)
    local copy = first:clone()
    local second = model(x * 2)
    assert.is_true(first:equal(copy))
    assert.is_false(first:equal(second))
    nn.cross_entropy(second, fnet.ones({ 8 }, "int32")):backward()
    nn.cross_entropy(first, fnet.ones({ 8 }, "int32")):backward()
    assert.is_true(first:equal(copy))
  end)

  it("leaves a copy of the input that Flatten had to make, and gradients of the input", function()
    local model = nn.Sequential { nn.Flatten(), nn.Dense(600, 40), nn.ReLU(), nn.Dense(40, 2) }
    local x = fnet.rand { 30, 8, 20 }
    x.requires_grad = true
    local view = x:transpose(1, 2)
    local output = model(view)
    output:sum():backward()
    assert.same({ 30, 8, 20 }, x.grad.shape)
    assert.is_true(model(view):equal(output))
  end)
end)

describe("Dense", function()
  it("computes x w + b", function()
    local dense = nn.Dense(3, 2)
    fnet.no_grad(function()
      dense.weight:copy(fnet.tensor { { 1, 2 }, { 3, 4 }, { 5, 6 } })
      dense.bias:copy(fnet.tensor { 10, 20 })
    end)
    assert.same({ { 32, 48 }, { 10, 20 } }, dense(fnet.tensor { { 1, 2, 3 }, { 0, 0, 0 } }):totable())
    assert.same({ 32, 48 }, dense(fnet.tensor { 1, 2, 3 }):totable())
    assert.same({ 2, 4, 2 }, dense(fnet.zeros { 2, 4, 3 }).shape)
    assert.is_nil(nn.Dense(3, 2, { bias = false }).bias)
    assert.same({ 0, 0 }, nn.Dense(3, 2, { bias = false })(fnet.zeros { 3 }):totable())
    assert.equal(3, nn.Dense(3.0, 2).inputs)
  end)

  it("refuses wrong sizes and options", function()
    fails("Dense: inputs: expected a whole number of at least 1, got 0", nn.Dense, 0, 2)
    fails("Dense: inputs: expected a whole number of at least 1, got nil", nn.Dense)
    fails("Dense: units: expected a whole number of at least 1, got 2.5", nn.Dense, 3, 2.5)
    fails("Dense: units: expected a whole number of at least 1, got -1", nn.Dense, 3, -1)
    fails("Dense: units: expected a whole number of at least 1, got nan", nn.Dense, 3, math.abs(0 / 0))
    fails("Dense: unknown option 'biases' (did you mean 'bias'?); known are activation, bias, init", nn.Dense, 3, 2,
      { biases = false })
    fails("Dense: init: unknown name 'he' (did you mean 'he_normal'?); known are glorot_normal, glorot_uniform, " ..
      "he_normal, he_uniform, lecun_normal, orthogonal, zeros", nn.Dense, 3, 2, { init = "he" })
    fails("Dense: init must return a tensor [3, 2], got float32 [2, 3]", nn.Dense, 3, 2,
      { init = function() return fnet.zeros { 2, 3 } end })
    fails("Dense: init must return a tensor [3, 2], got number", nn.Dense, 3, 2, { init = function() return 1 end })
    fails("Dense: init must return a tensor [3, 2], got float32 [6]", nn.Dense, 3, 2,
      { init = function() return fnet.zeros { 6 } end })
  end)
end)

describe("cross_entropy", function()
  local cross_entropy = nn.cross_entropy
  local labels = fnet.tensor({ 2, 1, 3 }, "int32")

  it("is the mean of -log softmax", function()
    local x = fnet.randn({ 3, 4 }, 0, 2, "float64")
    local expected = 0
    for i = 1, 3 do
      local sum = 0
      for k = 1, 4 do sum = sum + math.exp(x:get(i, k)) end
      expected = expected + math.log(sum) - x:get(i, labels[i])
    end
    assert.near(expected / 3, cross_entropy(x, labels):item(), 1e-12)
    assert.near(expected / 3, cross_entropy(x:float(), labels):item(), 1e-5)
    assert.near(math.log(4), cross_entropy(fnet.zeros { 4 }, 3):item(), 1e-6)
  end)

  it("has the same bits from logits and from their softmax, and so have the gradients", function()
    local model = nn.Sequential { nn.Dense(6, 4) }
    local with_softmax = nn.Sequential { model[1], nn.Softmax() }
    local x = fnet.randn { 3, 6 }
    local results = {}
    for i, each in ipairs { model, with_softmax } do
      model:zero_grad()
      local loss = cross_entropy(each(x), labels)
      loss:backward()
      results[i] = fnet.sha256(loss, model[1].weight.grad, model[1].bias.grad)
    end
    assert.equal(results[1], results[2])
  end)

  it("is finite and right at logits of +-10,000", function()
    for _, each in ipairs { "logits", "softmax" } do
      local x = fnet.tensor { { 1e4, -1e4, 0 }, { -1e4, -1e4, 1e4 }, { 1e4, 1e4, 1e4 } }
      x.requires_grad = true
      local output = each == "softmax" and x:softmax() or x
      local loss = cross_entropy(output, labels)
      assert.near((2e4 + 2e4 + math.log(3)) / 3, loss:item(), 1e-2)
      loss:backward()
      assert.allclose(fnet.tensor { { 1, -1, 0 }, { -1, 0, 1 }, { 1 / 3, 1 / 3, -2 / 3 } } / 3, x.grad)
    end
  end)

  it("says which label is wrong, and why", function()
    local x = fnet.zeros { 3, 4 }
    local base = " is outside 1..4; labels count from 1 in fnet, so add 1 to labels that count from 0"
    fails("cross_entropy: label 0 in row 2" .. base, cross_entropy, x, fnet.tensor({ 1, 0, 2 }, "int32"))
    fails("cross_entropy: label 5 in row 3 is outside 1..4; has the model as many outputs as there are classes?",
      cross_entropy, x, fnet.tensor({ 1, 4, 5 }, "uint8"))
    fails("cross_entropy: label -1 in row 1 is outside 1..4; has the model as many outputs as there are classes?",
      cross_entropy, x, fnet.tensor({ -1, 4, 5 }, "int32"))
    fails("cross_entropy: label 0 in row 1" .. base, cross_entropy, x[1], 0)
    for text, shape in pairs {
      ["[2]"] = { 2 }, ["[3, 1]; labels:flatten() makes a list of them"] = { 3, 1 }, ["[4]"] = { 4 },
    } do
      fails("cross_entropy: expected one label a row, [3], got " .. text, cross_entropy, x,
        fnet.ones(shape, "int32"))
    end
    fails("cross_entropy: expected one label a row, [3], got [1]", cross_entropy, x, 1)
    fails("cross_entropy: expected labels as int32 or uint8, got float32; convert with :int()", cross_entropy, x,
      fnet.ones { 3 })
    fails("cross_entropy: label: expected a whole number from -2147483648 to 2147483647, got 1.5", cross_entropy,
      x[1], 1.5)
    fails("cross_entropy: expected at least one row and one class, got [0, 4]", cross_entropy, fnet.zeros { 0, 4 },
      fnet.zeros({ 0 }, "int32"))
    assert.has_error(function() cross_entropy(x) end)
    assert.has_error(function() cross_entropy(5, labels) end)
    assert.has_error(function() cross_entropy(x, { 1, 2, 3 }) end)
  end)
end)

describe("mse", function()
  it("is the mean of the squared differences", function()
    local output, target = fnet.tensor { { 1, 2 }, { 3, 4 } }, fnet.tensor { { 2, 0 }, { 3, 8 } }
    assert.equal((1 + 4 + 0 + 16) / 4, nn.mse(output, target):item())
  end)

  it("refuses other shapes and other things", function()
    fails("mse: expected equal shapes, got [2, 1] and [2]; output:squeeze(2) drops the axis of length 1", nn.mse,
      fnet.ones { 2, 1 }, fnet.ones { 2 })
    fails("mse: expected two tensors, got number and nil", nn.mse, 1)
  end)
end)

describe("evaluation", function()
  -- Its output is its input, so that the right answers are known.
  local Echo = nn.module "Echo"
  function Echo:forward(x)
    self.seen_training = self.training
    return x * 1
  end

  local function data()
    return fnet.data.Dataset {
      x = fnet.tensor { { 9, 1, 2 }, { 1, 9, 2 }, { 1, 2, 9 }, { 9, 2, 1 }, { 1, 9, 2 } },
      y = fnet.tensor({ 1, 2, 3, 3, 1 }, "int32"), classes = { "a", "b", "c" },
    }
  end

  it("counts what is right, by class", function()
    local echo = Echo()
    for _, size in ipairs { 1, 2, 5, 1000 } do
      local result = nn.evaluate(echo, data(), { size = size })
      assert.same({ 3, 5, 0.6 }, { result.correct, result.total, result.accuracy })
      assert.same({
        { name = "a", correct = 1, total = 2 }, { name = "b", correct = 1, total = 1 },
        { name = "c", correct = 1, total = 2 },
      }, result.classes)
      assert.same({ "0.2307", "0.8824", "0.3693" }, { ("%.4f"):format(result.low), ("%.4f"):format(result.high),
        ("%.4f"):format(result.margin) })
      assert.near(nn.cross_entropy(data().x, data().y):item(), result.loss, 1e-5)
    end
    assert.equal(0.6, nn.accuracy(echo, data()))
    assert.equal(3, nn.correct(data().x, data().y))
    assert.equal(1, nn.correct(data().x[1], 1))
    assert.equal(0, nn.correct(data().x[1], 2))
    assert.equal(3, nn.correct(data().x, fnet.eye(3):gather(data().y) * 0.6 + 0.1))
    fails("correct: expected one label a row, [5], got [1]", nn.correct, data().x, fnet.ones({ 1 }, "int32"))
  end)

  it("runs in evaluation mode without recording, and puts the mode back", function()
    local echo = Echo()
    nn.evaluate(echo, data())
    assert.is_false(echo.seen_training)
    assert.is_true(echo.training)
    echo:eval()
    nn.evaluate(echo, data())
    assert.is_false(echo.training)
    echo:train()
    function echo.forward() error "broken" end
    assert.is_false(pcall(nn.evaluate, echo, data()))
    assert.is_true(echo.training)
    assert.is_true((parameter { 1 } * 2).requires_grad)
  end)

  it("puts the mode of each module back, not only the model's", function()
    local model = nn.Sequential { Echo(), Echo() }
    model[1]:eval()
    nn.evaluate(model, data())
    assert.is_false(model[1].training)
    assert.is_true(model[2].training)
  end)

  it("works on a softmax in a model inside the model", function()
    local model = nn.Sequential { nn.Dense(3, 3), nn.Sequential { nn.Softmax() } }
    local result = nn.evaluate(model, data())
    assert.equal(5, result.total)
    assert.near(nn.cross_entropy(model[1](data().x), data().y):item(), result.loss, 1e-6)
  end)
end)

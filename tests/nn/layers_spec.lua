--- Embedding, Lambda and the containers Residual, Parallel and Concat: values, gradients, shapes at the
-- declaration, memory between layers, and errors with the place of the layer.

local fnet = require "fnet"
local support = require "tests.support"
local nn = fnet.nn
local raises, holds = support.raises, support.holds

local function indices(list) return fnet.tensor(list, "int32") end

-- The model's gradients for x and its parameters agree with central differences.
local function check_gradients(model, x)
  local parameters = model:to("float64"):parameters()
  if x.dtype == "float32" then x = x:double() end
  assert.gradcheck(function(input) return model(input) end, { x })
  model:zero_grad()
  local weights = fnet.arange(1, model(x):count(), 1, "float64") * 0.1
  local function loss() return (model(x):reshape { -1 } * weights):sum() end
  loss():backward()
  for _, parameter in ipairs(parameters) do
    local place, slope, step = parameter:detach():reshape { -1 }, parameter.grad:reshape { -1 }, 1e-5
    for i = 1, #place do
      local at = place[i]
      place[i] = at + step
      local above = loss():item()
      place[i] = at - step
      assert.near((above - loss():item()) / (2 * step), slope[i], 1e-5)
      place[i] = at
    end
  end
end

describe("Embedding", function()
  it("gives rows by index, for any shape and both integer types", function()
    local layer = nn.Embedding(3, 2, { init = function() return fnet.tensor { { 1, 2 }, { 3, 4 }, { 5, 6 } } end })
    holds({ 2, 2, 2 }, { 5, 6, 1, 2, 1, 2, 3, 4 }, layer(indices { { 3, 1 }, { 1, 2 } }))
    holds({ 3, 2 }, { 3, 4, 3, 4, 1, 2 }, layer(fnet.tensor({ 2, 2, 1 }, "uint8")))
    holds({ 2 }, { 5, 6 }, layer(fnet.tensor(3, "int32")))
    holds({ 2 }, { 3, 4 }, layer(2))
    holds({ 0, 2 }, {}, layer(indices {}))
  end)

  it("adds up the gradients of a row that is used more than once", function()
    local layer = nn.Embedding(3, 2);
    (layer(indices { { 3, 1 }, { 3, 3 } }) * fnet.tensor { 1, 10 }):sum():backward()
    holds({ 3, 2 }, { 1, 10, 0, 0, 3, 30 }, layer.weight.grad)
    layer:to "float64"
    local model = nn.Sequential { layer, nn.Flatten(), nn.Dense(4, 2) }
    local x = indices { { 1, 3 }, { 2, 2 } }
    check_gradients(model, x)
  end)

  it("starts normal, describes itself and knows its shape", function()
    fnet.seed(1)
    local layer = nn.Embedding(200, 50)
    assert.near(0, layer.weight:mean():item(), 0.05)
    assert.near(1, layer.weight:std():item(), 0.05)
    assert.equal("Embedding(200, 50)", layer:describe())
    assert.same({ 7, 50 }, layer:output_shape { 7 })
    assert.same({ 50 }, layer:output_shape {})
    assert.is_nil(layer:output_shape(nil))
    assert.equal("float64", nn.Embedding(2, 2):to("float64")(indices { 1 }).dtype)
  end)

  it("names a wrong index, its position and the layer's place", function()
    local model = nn.Sequential { nn.Embedding(4, 2), nn.Flatten(), nn.Dense(4, 1) }
    raises("layer 1, Embedding(4, 2): index 5 at position [2, 1] is outside 1..4 (indices count from 1)",
      function() model(indices { { 1, 2 }, { 5, 1 } }) end)
    raises("layer 1, Embedding(4, 2): index 0 at position 2 is outside 1..4 (indices count from 1)",
      function() model[1](indices { 1, 0 }) end)
    raises("layer 1, Embedding(4, 2): expected indices as int32 or uint8, got float32 of [2]; convert with :int()",
      function() model[1](fnet.ones { 2 }) end)
    raises("layer 1, Embedding(4, 2): index: expected a whole number from 1 to 4, got 9",
      function() model[1](9) end)
    raises("Embedding: count: expected a whole number of at least 1, got 0", function() nn.Embedding(0, 2) end)
    raises("Embedding: unknown option 'initt' (did you mean 'init'?); known are init",
      function() nn.Embedding(2, 2, { initt = 1 }) end)
  end)
end)

describe("Lambda", function()
  it("is a function as a layer", function()
    local function same(shape) return shape end
    local square = nn.Lambda(function(x) return x * x end, { name = "Square", output_shape = same })
    local model = nn.Sequential { nn.Dense(2, 3), square, nn.Dense(3, 1) }
    check_gradients(model, fnet.randn { 4, 2 })
    assert.equal("Square()", square:describe())
    assert.same({ 3 }, model.shapes[2])
    assert.is_nil(nn.Lambda(function(x) return x end):output_shape { 3 })
    assert.same({ 7 }, nn.Lambda(print, { output_shape = { 7 } }):output_shape { 3 })
    assert.equal("Lambda()", nn.Lambda(print):describe())
  end)

  it("may keep what it sees: no memory is taken from it", function()
    local kept = {}
    local model = nn.Sequential {
      nn.Dense(40, 50), nn.Lambda(function(x)
        kept[#kept + 1] = x
        return x:relu()
      end), nn.Dense(50, 2),
    }
    local x = fnet.randn { 30, 40 }
    model(x):sum():backward()
    fnet.no_grad(model, x)
    assert.is_true(kept[1]:equal(kept[2]))
  end)

  it("with a module inside trains it", function()
    assert.equal(6, nn.Lambda(nn.Dense(2, 2)):count())
  end)

  it("names what is wrong", function()
    raises("Lambda: expected a function of a tensor, got number", function() nn.Lambda(3) end)
    raises("Lambda: output_shape: expected a table or a function, got number",
      function() nn.Lambda(print, { output_shape = 3 }) end)
    raises("Lambda: name: expected a string, got table", function() nn.Lambda(print, { name = {} }) end)
    raises("layer 2, Lambda(): its function gave nil, expected a tensor",
      function() nn.Sequential { nn.ReLU(), nn.Lambda(function() end) }(fnet.ones { 1 }) end)
  end)
end)

describe("Residual", function()
  it("adds its input to what its layers give", function()
    fnet.seed(1)
    local block = nn.Residual { nn.Dense(3, 5), nn.Tanh(), nn.Dense(5, 3) }
    local x = fnet.randn { 4, 3 }
    assert.is_true(block(x):equal(x + block[3](block[1](x):tanh())))
    assert.allclose(block(x)[2], block(x[2]))
    check_gradients(block, fnet.randn { 2, 3 })
    assert.same({ 3 }, block:output_shape { 3 })
  end)

  it("in a model keeps values right while memory is used again", function()
    fnet.seed(2)
    local model = nn.Sequential {
      nn.Dense(40, 64), nn.Residual { nn.Dense(64, 64), nn.ReLU() }, nn.Residual { nn.Dropout(0) },
      nn.Residual { nn.Softmax() }, nn.Concat { nn.Dense(64, 30), nn.ReLU(), nn.Softmax() }, nn.Dense(158, 3),
    }
    local x = fnet.randn { 50, 40 }
    local h = model[1](x)
    h = h + model[2][1](h):relu()
    h = h * 2
    h = h + h:softmax()
    h = fnet.concat({ model[5][1](h), h:relu(), h:softmax() }, 2)
    local expected = model[6](h)
    for _ = 1, 3 do
      assert.is_true(model(x):equal(expected))
      assert.is_true(fnet.no_grad(model, x):equal(expected))
      model(x):sum():backward()
    end
  end)

  it("is checked where it is declared and named where it fails", function()
    raises("Residual: 3 inputs cannot be added to the 5 that its layers give",
      function() nn.Residual { nn.Dense(3, 5) } end)
    raises("Residual: expected a table of at least one layer, { nn.Dense(784, 10), ... }",
      function() nn.Residual {} end)
    local total = nn.Lambda(function(x) return x:sum(2, true) end)
    raises("layer 2, Residual { ... }: its input [2, 3] cannot be added to what its layers give, [2, 1]",
      function() nn.Sequential { nn.ReLU(), nn.Residual { total } }(fnet.ones { 2, 3 }) end)
    local model = nn.Sequential { nn.Dense(2, 3), nn.Residual { nn.ReLU(), nn.Dense(3, 3) } }
    raises("layer 2, layer 2, Dense(3, 3): expected an input of [..., 3], got [2, 4]",
      function() model[2](fnet.ones { 2, 4 }) end)
    assert.equal("2.2.bias", model:named_parameters()[4].name)
    assert.equal("Residual {\n  ReLU(),\n  Dense(3, 3),\n}", model[2]:describe())
    assert.matches("\nResidual +%[batch, 3%]\n  ReLU%(%) +%[batch, 3%] +0\n", model:summary())
  end)
end)

describe("Concat", function()
  it("joins branches along the last axis", function()
    fnet.seed(1)
    local block = nn.Concat { nn.Dense(3, 2), nn.Sequential { nn.Dense(3, 4), nn.ReLU() }, nn.Tanh() }
    local x = fnet.randn { 5, 3 }
    assert.is_true(block(x):equal(fnet.concat({ block[1](x), block[2](x), x:tanh() }, 2)))
    assert.same({ 9 }, block(x[1]).shape)
    assert.same({ 9 }, block:output_shape { 3 })
    assert.same({ 4, 9 }, block:output_shape { 4, 3 })
    check_gradients(block, fnet.randn { 2, 3 })
  end)

  it("is checked where it is declared and named where it fails", function()
    raises("Concat: branch 2 expects 4 inputs, but a branch before it 3",
      function() nn.Concat { nn.Dense(3, 2), nn.Dense(4, 2) } end)
    raises("Concat: branch 2: expected a layer, got function",
      function() nn.Concat { nn.Dense(3, 2), print } end)
    raises("Concat: branch 1: expected a layer, got the class ReLU; call it: nn.ReLU(...)",
      function() nn.Concat { nn.ReLU } end)
    raises("Concat: branch 2 gives [batch, 6], but those before it [batch, 2, 3]; all axes but the last must be " ..
      "equal",
      function() nn.Concat({ nn.ReLU(), nn.Flatten() }):output_shape { 2, 3 } end)
    raises("layer 2, Concat { ... }: branches give [2, 3, 4] and [2, 12]; all axes but the last must be equal",
      function() nn.Sequential { nn.ReLU(), nn.Concat { nn.ReLU(), nn.Flatten() } }(fnet.ones { 2, 3, 4 }) end)
    local model = nn.Sequential { nn.Tanh(), nn.Concat { nn.ReLU(), nn.Sequential { nn.Dense(3, 3) } } }
    raises("layer 2, branch 2, layer 1, Dense(3, 3): expected an input of [..., 3], got [2, 4]",
      function() model(fnet.ones { 2, 4 }) end)
    raises("layer 3, Dense(5, 1) expects 5 inputs, but layer 2, Concat { ... } gives [batch, 6]",
      function() nn.Sequential { nn.Dense(2, 3), nn.Concat { nn.ReLU(), nn.Tanh() }, nn.Dense(5, 1) } end)
  end)
end)

describe("Parallel", function()
  it("gives the results of its branches as a list", function()
    fnet.seed(1)
    local block = nn.Parallel { nn.Dense(3, 2), nn.Dense(3, 2) }
    local model = nn.Sequential { block, nn.Lambda(function(list) return list[1] * list[2] end), nn.Dense(2, 1) }
    local x = fnet.randn { 4, 3 }
    local results = block(x)
    assert.equal(2, #results)
    assert.is_true(model(x):equal(model[3](results[1] * results[2])))
    check_gradients(model, fnet.randn { 2, 3 })
    raises("Parallel: branch 2 expects 5 inputs, but a branch before it 3",
      function() nn.Parallel { nn.Dense(3, 2), nn.Dense(5, 2) } end)
  end)
end)

describe("the place of a layer", function()
  it("goes through layers of a script's own", function()
    local Pair = nn.module "Pair"
    function Pair:init() self.first, self.second = nn.Dense(2, 3), nn.Dense(4, 1) end
    function Pair:forward(x) return self.second(self.first(x)) end
    local model = nn.Sequential { nn.ReLU(), Pair() }
    raises("layer 2, second, Dense(4, 1): expected an input of [..., 4], got [5, 3]",
      function() model(fnet.ones { 5, 2 }) end)
  end)

  it("is known again after a layer has moved, and ends where modules refer to each other", function()
    local layer = nn.Dense(2, 2)
    assert.equal("Dense(2, 2)", layer:name())
    local model = nn.Sequential { nn.ReLU(), layer }
    assert.equal("layer 2, Dense(2, 2)", layer:name())
    local outer = nn.Sequential { nn.Tanh(), model }
    assert.equal("layer 2, layer 2, Dense(2, 2)", layer:name())
    layer.owner = outer
    assert.is_string(layer:name())
    assert.equal(6, outer:count())
  end)
end)

describe("a model of these layers", function()
  it("is saved and loaded", function()
    fnet.seed(3)
    local model = nn.Sequential {
      nn.Embedding(5, 4), nn.Flatten(), nn.Dense(8, 6, { activation = "gelu" }), nn.BatchNorm(6),
      nn.Residual { nn.LayerNorm(6), nn.Dense(6, 6, { activation = nn.LeakyReLU(0.2) }), nn.Dropout(0.1) },
      nn.Concat { nn.ELU(0.5), nn.Sequential { nn.Dense(6, 2), nn.Softplus() } },
    }
    local x = indices { { 1, 5 }, { 2, 3 }, { 4, 4 } }
    model(x)
    model:eval()
    local path = os.tmpname()
    assert(model:save(path))
    local loaded = assert(fnet.load(path))
    os.remove(path)
    assert.is_true(loaded(x):equal(model(x)))
    assert.equal(model:describe(), loaded:describe())
  end)
end)

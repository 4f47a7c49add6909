--- Models whose layers are replaced, added and taken away after they were declared, and nn.List.

local fnet = require "fnet"
local support = require "tests.support"
local nn = fnet.nn

local function names_of(model)
  local names = {}
  for i, layer in ipairs(model) do names[i] = layer:describe() end
  return names
end

describe("a layer that is replaced", function()
  local function classifier()
    return nn.Sequential { nn.Dense(6, 5, { activation = "relu" }), nn.Dropout(0.1), nn.Dense(5, 10) }
  end

  it("is in the printed table, in the shapes, and in errors", function()
    local model = classifier()
    model[3] = nn.Dense(5, 2)
    assert.equal([[
layer                            output shape           parameters
Dense(6, 5, relu)                [batch, 5]                     35
Dropout(0.1)                     [batch, 5]                      0
Dense(5, 2)                      [batch, 2]                     12
total                                                           47]], tostring(model))
    assert.same({ 2 }, model:output_shape())
    assert.equal("layer 3, Dense(5, 2)", model[3]:name())
    assert.equal(2, model(fnet.rand { 4, 6 }).shape[2])
  end)

  it("is no part of the model any more", function()
    local model = classifier()
    local old = model[3]
    model[3] = nn.Dense(5, 2)
    assert.equal("Dense(5, 10)", old:name())
    assert.is_nil(old.place)
  end)

  it("is refused where it does not fit, and the model stays as it was", function()
    local model = classifier()
    local before = tostring(model)
    support.raises("layer 3, Dense(9, 2) expects 9 inputs, but layer 2, Dropout(0.1) gives [batch, 5]",
      function() model[3] = nn.Dense(9, 2) end)
    support.raises("layer 3, Dense(5, 10) expects 5 inputs, but layer 2, Dropout(0.1) gives [batch, 7]",
      function() model[1] = nn.Dense(6, 7) end)
    assert.equal(before, tostring(model))
    assert.equal("layer 1, Dense(6, 5, relu)", model[1]:name())
    assert.same({ 10 }, model:output_shape())
    assert.equal(10, model(fnet.rand { 4, 6 }).shape[2])
  end)

  it("is refused where it is none", function()
    local model = classifier()
    support.raises("Sequential: layer 3: expected a layer, got the class Softmax; call it: nn.Softmax(...)",
      function() model[3] = nn.Softmax end)
    support.raises("Sequential: layer 2: expected a layer, got number", function() model[2] = 5 end)
    support.raises("Sequential: the next layer is 4, got 5", function() model[5] = nn.ReLU() end)
    model["1"] = nn.ReLU() -- a field like others
    assert.equal("Dense(6, 5, relu)", model[1]:describe())
    support.raises("Sequential: the next layer is 4, got 0", function() model[0] = nn.ReLU() end)
    assert.same({ "Dense(6, 5, relu)", "Dropout(0.1)", "Dense(5, 10)" }, names_of(model))
  end)

  it("in a model inside another must fit the outer one too", function()
    local Wrapped = nn.module "Wrapped"
    function Wrapped:init(inner) self.inner = inner end
    function Wrapped:forward(x) return self.inner(x) end
    function Wrapped:output_shape(input) return self.inner:output_shape(input) end
    local inner = nn.Sequential { nn.Dense(6, 4), nn.Dense(4, 5) }
    local model = nn.Sequential { Wrapped(inner), nn.Dense(5, 2) }
    support.raises("layer 2, Dense(5, 2) expects 5 inputs, but layer 1, Wrapped() gives [batch, 3]",
      function() inner[2] = nn.Dense(4, 3) end)
    assert.same({ 5 }, inner:output_shape())
    inner[2] = nn.Dense(4, 5, { bias = false })
    assert.equal(2, model(fnet.rand { 1, 6 }).shape[2])
  end)

  it("tells the layers around it what it takes", function()
    local model = nn.Sequential { nn.Flatten(), nn.Dense(6, 2) }
    model[2] = nn.Dense(12, 2)
    assert.same({ 2 }, model(fnet.rand { 3, 4 }).shape)
    assert.equal(12, model.inputs or model[2].inputs)
    assert.is_truthy(tostring(model):find "Flatten%(%) +%[batch, 12%]")
    local outer = nn.Sequential { nn.Dense(4, 6), nn.Sequential { nn.Dense(6, 2) } }
    outer[2][1] = nn.Dense(6, 3)
    assert.equal(6, outer[2].inputs)
    assert.same({ 3 }, outer:output_shape())
  end)

  it("may be a branch, whose features must still fit", function()
    local joined = nn.Concat { nn.Dense(4, 2), nn.Dense(4, 3) }
    joined[1] = nn.Dense(4, 7)
    assert.equal(10, joined(fnet.rand { 1, 4 }).shape[2])
    support.raises("Concat: branch 2 expects 5 inputs, but a branch before it 4",
      function() joined[2] = nn.Dense(5, 3) end)
    local residual = nn.Residual { nn.Dense(4, 4) }
    support.raises("Residual: 4 inputs cannot be added to the 5 that its layers give",
      function() residual[1] = nn.Dense(4, 5) end)
    assert.equal(4, residual(fnet.rand { 1, 4 }).shape[2])
    local parallel = nn.Parallel { nn.Dense(4, 2), nn.Dense(4, 3) }
    parallel[3] = nn.Dense(4, 1)
    assert.equal(3, #parallel(fnet.rand { 1, 4 }))
  end)
end)

describe("layers of a model", function()
  local function three() return nn.Sequential { nn.Dense(6, 5), nn.Tanh(), nn.Dense(5, 2) } end

  it("are added at the end and taken from there", function()
    local model = three()
    model[4] = nn.Softmax()
    assert.equal(4, #model)
    model[#model + 1] = nn.Dropout(0.5)
    model[5] = nil
    model[5] = nil -- as for every list
    assert.same({ "Dense(6, 5)", "Tanh()", "Dense(5, 2)", "Softmax()" }, names_of(model))
    assert.equal("Softmax()", table.remove(model):describe())
    assert.same({ 2 }, model(fnet.rand { 6 }).shape)
    support.raises("Sequential: layer 1 of 3 cannot be nil; table.remove(model, 1) takes it out",
      function() model[1] = nil end)
    local single = nn.Sequential { nn.ReLU() }
    support.raises("Sequential: expected at least one layer to stay", function() single[1] = nil end)
    assert.equal(1, #single)
  end)

  it("are moved by table.insert and table.remove", function()
    local model = three()
    table.insert(model, 2, nn.Dropout(0.5))
    assert.same({ "Dense(6, 5)", "Dropout(0.5)", "Tanh()", "Dense(5, 2)" }, names_of(model))
    assert.equal("layer 4, Dense(5, 2)", model[4]:name())
    assert.equal("Tanh()", table.remove(model, 3):describe())
    table.insert(model, nn.Softmax())
    assert.same({ "Dense(6, 5)", "Dropout(0.5)", "Dense(5, 2)", "Softmax()" }, names_of(model))
    local swapped = nn.Sequential { nn.ReLU(), nn.Tanh() }
    swapped[1], swapped[2] = swapped[2], swapped[1]
    assert.same({ "Tanh()", "ReLU()" }, names_of(swapped))
  end)

  it("are all as before where what is moved does not fit in the end", function()
    local model = three()
    support.raises("layer 2, Dense(9, 9) expects 9 inputs, but layer 1, Dense(6, 5) gives [batch, 5]",
      function() table.insert(model, 2, nn.Dense(9, 9)) end)
    assert.same({ "Dense(6, 5)", "Tanh()", "Dense(5, 2)" }, names_of(model))
    model = nn.Sequential { nn.Dense(6, 5), nn.Dense(5, 4), nn.Dense(4, 2) }
    support.raises("layer 2, Dense(4, 2) expects 4 inputs, but layer 1, Dense(6, 5) gives [batch, 5]",
      function() table.remove(model, 2) end)
    assert.same({ "Dense(6, 5)", "Dense(5, 4)", "Dense(4, 2)" }, names_of(model))
    assert.same({ 2 }, model(fnet.rand { 6 }).shape)
  end)

  it("are seen by ipairs, pairs, # and table.unpack", function()
    local model = three()
    model.note = "mine"
    local seen, notes = 0, nil
    for key, value in pairs(model) do
      if math.type(key) then seen = seen + 1 elseif key == "note" then notes = value end
    end
    assert.same({ 3, "mine", 3 }, { seen, notes, #model })
    assert.equal(model[3], select(3, table.unpack(model)))
    assert.is_nil(model[4])
    assert.is_nil(model[1.5])
  end)

  it("may be those of a class that calls the init of Sequential", function()
    local Block = nn.module "Block"
    function Block:init(units) nn.Sequential.init(self, { nn.Dense(units, units), nn.ReLU() }) end
    Block.forward, Block.output_shape = nn.Sequential.forward, nn.Sequential.output_shape
    local model = nn.Sequential { Block(3), nn.Dense(3, 1) }
    assert.equal(16, model:count())
    assert.equal("Dense(3, 3)", model[1][1]:describe())
    assert.equal(1, model(fnet.rand { 2, 3 }).shape[2])
  end)
end)

describe("nn.List", function()
  local Stack = nn.module "Stack"
  function Stack:init(depth)
    self.layers = nn.List()
    for _ = 1, depth do table.insert(self.layers, nn.Dense(3, 3)) end
  end
  function Stack:forward(x)
    for _, layer in ipairs(self.layers) do x = layer(x) end
    return x
  end

  it("holds modules of a class, and is shown", function()
    local stack = Stack(2)
    assert.equal(4, #stack:parameters())
    assert.equal("layers.2.bias", stack:named_parameters()[4].name)
    assert.equal([[
Stack()                          output shape           parameters
layers: List                     -
  Dense(3, 3)                    [batch, 3]                     12
  Dense(3, 3)                    [batch, 3]                     12
total                                                           24]], tostring(stack))
    assert.same({ 2, 3 }, stack(fnet.rand { 2, 3 }).shape)
    assert.equal("layers, layer 2, Dense(3, 3)", stack.layers[2]:name())
    assert.equal(0, #nn.List {})
  end)

  it("takes modules only, and computes nothing", function()
    support.raises("List: layer 2: expected a layer, got number", function() nn.List { nn.ReLU(), 5 } end)
    support.raises("List: unexpected field 'a'; layers are listed without names or gaps",
      function() nn.List { a = nn.ReLU() } end)
    support.raises("List: expected a table of layers, { nn.Dense(784, 10), ... }", function() nn.List(5) end)
    local list = nn.List { nn.ReLU() }
    support.raises("List { ... }: a list computes nothing: call the layers in it, or use nn.Sequential",
      function() list(fnet.rand { 1 }) end)
  end)
end)

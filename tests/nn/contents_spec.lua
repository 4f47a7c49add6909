--- What a module has in it, found when it is asked: in fields, in plain tables, however and whenever it came there.

local fnet = require "fnet"
local support = require "tests.support"
local nn = fnet.nn

local function parameter(...)
  local t = fnet.rand(...)
  t.requires_grad = true
  return t
end

local function names_of(module, method)
  local names = {}
  for i, entry in ipairs(module[method or "named_parameters"](module)) do names[i] = entry.name end
  return names
end

-- A module with the fields that a function gives it.
local function with(init)
  local class = nn.module "Made"
  class.init = init
  return class()
end

before_each(function() fnet.seed(5) end)

describe("a tensor is a parameter", function()
  it("whether it is marked before or after it is assigned, inside the class or outside", function()
    local made = with(function(self)
      self.late = fnet.ones { 2 }
      self.early = parameter { 2 }
      self.never = fnet.ones { 2 }
      self.outside = fnet.ones { 2 }
      self.late.requires_grad = true
    end)
    assert.same({ "late", "early" }, names_of(made))
    made.outside.requires_grad = true
    assert.same({ "late", "early", "outside" }, names_of(made))
    assert.equal(6, made:count())
  end)

  it("in the place that its field was first assigned, whatever was there before", function()
    local made = with(function(self)
      self.first = false
      self.second = parameter { 2 }
      self.first = parameter { 3 }
    end)
    made.first = nil
    made.third = parameter { 1 }
    made.first = parameter { 4 }
    assert.same({ "first", "second", "third" }, names_of(made))
    assert.same({ 4 }, made:parameters()[1].shape)
  end)

  it("but not as the result of an operation, nor as a view of a parameter", function()
    local made = with(function(self)
      self.weight = parameter { 2, 2 }
      self.kept = { self.weight * 2, { half = self.weight:slice(1, 1, 1) } }
    end)
    assert.same({ "weight" }, names_of(made))
  end)

  it("in plain tables, by number, then by name, however deep", function()
    local made = with(function(self)
      self.scales = { parameter { 1 }, "no tensor", parameter { 1 }, z = parameter { 1 }, a = { parameter { 1 } } }
      self.last = parameter { 1 }
    end)
    assert.same({ "scales.1", "scales.3", "scales.a.1", "scales.z", "last" }, names_of(made))
    made.scales[2], made.scales.a = parameter { 1 }, nil
    assert.same({ "scales.1", "scales.2", "scales.3", "scales.z", "last" }, names_of(made))
  end)

  it("under any number, and under true and false", function()
    local made = with(function(self)
      self.parts = { name = parameter { 1 } }
      for _, key in ipairs { 2.5, -1, true, 7, false } do self.parts[key] = parameter { 1 } end
    end)
    assert.same({ "parts.-1", "parts.2.5", "parts.7", "parts.name", "parts.false", "parts.true" }, names_of(made))
  end)

  it("once, where a table is in two fields, or contains itself", function()
    local made = with(function(self)
      self.one = { parameter { 2 } }
      self.two, self.one.again = self.one, self.one
    end)
    assert.same({ "one.1" }, names_of(made))
  end)
end)

describe("modules in plain tables", function()
  local Deep = nn.module "Deep"
  function Deep:init(depth)
    self.layers = {}
    for i = 1, depth do self.layers[i] = nn.Dense(3, 3, { activation = "tanh" }) end
    self.heads = { right = nn.Dense(3, 1), left = { nn.BatchNorm(3), nn.Dense(3, 2) } }
  end
  function Deep:forward(x)
    for _, layer in ipairs(self.layers) do x = layer(x) end
    return self.heads.left[2](self.heads.left[1](x)), self.heads.right(x)
  end

  it("belong to it: parameters, buffers, modes, gradients, types", function()
    local deep = Deep(2)
    assert.same({ "layers.1.weight", "layers.1.bias", "layers.2.weight", "layers.2.bias", "heads.left.1.weight",
      "heads.left.1.bias", "heads.left.2.weight", "heads.left.2.bias", "heads.right.weight", "heads.right.bias" },
      names_of(deep))
    assert.same({ "heads.left.1.running_mean", "heads.left.1.running_var" }, names_of(deep, "named_buffers"))
    assert.equal(6, #deep:modules())
    deep:eval()
    assert.is_false(deep.layers[2].training or deep.heads.left[1].training)
    deep:train()
    assert.is_true(deep.layers[2].training and deep.heads.left[1].training)
    local two, one = deep(fnet.rand { 4, 3 });
    (two:sum() + one:sum()):backward()
    assert.is_truthy(deep.layers[1].weight.grad)
    deep:zero_grad()
    assert.is_nil(deep.layers[1].weight.grad)
    deep:to "float64"
    assert.equal("float64", deep.layers[2].bias.dtype)
    assert.equal("float64", deep.heads.left[1].running_var.dtype)
  end)

  it("may come and go", function()
    local deep = Deep(1)
    table.insert(deep.layers, 1, nn.Dense(3, 3, { bias = false }))
    deep.heads.left = nil
    assert.same({ "layers.1.weight", "layers.2.weight", "layers.2.bias", "heads.right.weight", "heads.right.bias" },
      names_of(deep))
    table.remove(deep.layers, 2)
    deep.heads = nil
    assert.same({ "layers.1.weight" }, names_of(deep))
  end)

  it("are trained by fit as if they stood in fields", function()
    local Plain = nn.module "Plain"
    function Plain:init()
      self.one = nn.Dense(3, 3, { activation = "tanh" })
      self.two = nn.Dense(3, 2)
    end
    function Plain:forward(x) return self.two(self.one(x)) end
    local InTable = nn.module "InTable"
    function InTable:init() self.layers = { nn.Dense(3, 3, { activation = "tanh" }), nn.Dense(3, 2) } end
    function InTable:forward(x) return self.layers[2](self.layers[1](x)) end
    local set = fnet.data.Dataset { x = fnet.rand { 12, 3 }, y = fnet.rand { 12, 2 } }
    local plain, listed = Plain(), InTable()
    listed.layers = { plain.one:clone(), plain.two:clone() }
    for _, model in ipairs { plain, listed } do
      fnet.fit(model, { train = set, loss = nn.mse, optim = fnet.optim.Adam, epochs = 2, batch = 4, seed = 1 })
    end
    assert.equal(plain:sha256(), listed:sha256())
  end)

  it("are named in errors by where they stand", function()
    local function fails(message, f, ...)
      local ok, got = pcall(f, ...)
      assert.is_false(ok)
      assert.equal(message, (got:gsub("^.-contents_spec%.lua:%d+: ", "")))
    end
    local deep = Deep(2)
    fails("layers.1, Dense(3, 3, tanh): expected an input of [..., 3], got [4]", deep, fnet.rand { 4 })
    local model = nn.Sequential { nn.Dense(4, 4), deep }
    fails("layer 2, layers.1, Dense(3, 3, tanh): expected an input of [..., 3], got [2, 4]", model,
      fnet.rand { 2, 4 })
    table.insert(deep.layers, 1, nn.Dense(5, 3))
    deep:parameters() -- what is new is found here
    fails("layer 2, layers.1, Dense(5, 3): expected an input of [..., 5], got [3]", deep, fnet.rand { 3 })
  end)

  it("stand in the printed table under their names", function()
    assert.equal([[
Deep()                           output shape           parameters
layers.1: Dense(3, 3, tanh)      [batch, 3]                     12
heads.left.1: BatchNorm(3)       [batch, 3]                      6
heads.left.2: Dense(3, 2)        [batch, 2]                      8
heads.right: Dense(3, 1)         [batch, 1]                      4
total                                                           30]], tostring(Deep(1)))
  end)

  it("are compared with differences by fnet.check, as their parameters are", function()
    local Scales = nn.module "Scales"
    function Scales:init() self.factors = { parameter { 3 }, parameter { 3 } } end
    function Scales:forward(x) return x * self.factors[1] + (x * x) * self.factors[2] end
    local model = nn.Sequential { nn.Dense(3, 3), Scales() }
    local check = fnet.check(model, fnet.rand { 4, 3 })
    assert.is_true(check.gradients, tostring(check))
    assert.same({ 12, 6 }, { check.layers[1].parameters, check.layers[2].parameters })
    assert.is_truthy(check.layers[2].error)
  end)

  it("are not looked for in objects of other kinds", function()
    local made = with(function(self)
      self.set = fnet.data.Dataset { x = fnet.rand { 2, 2 }, y = fnet.rand { 2, 1 } }
      self.object = setmetatable({ nn.Dense(1, 1) }, {})
      self.class = nn.Dense
    end)
    assert.same({}, names_of(made))
    assert.equal(1, #made:modules())
  end)
end)

describe("names", function()
  it("that nothing can be told by are refused", function()
    support.raises("Made: parts: a Dense stands under a key that is a table; a part of a model needs a number " ..
      "or a text there", function() with(function(self) self.parts = { [{}] = nn.Dense(1, 1) } end) end)
    support.raises("Made: parts: a parameter stands under a key that is a function; a part of a model needs a " ..
      "number or a text there", function() with(function(self) self.parts = { [print] = parameter { 1 } } end) end)
    support.raises("Made: a field cannot be called nan", function() with(function(self) self[0 / 0] = 1 end) end)
    local made = with(function(self) self.parts = { parameter { 1 }, ["1"] = parameter { 1 } } end)
    support.raises("Made: it has 'parts.1' twice, such as under a number and under a text; rename one of them",
      function() made:named_parameters() end)
  end)

  it("may be true, also of a field", function()
    local made = with(function(self) self[true] = nn.Dense(1, 1) end)
    assert.same({ "true.weight", "true.bias" }, names_of(made))
  end)
end)

describe("a buffer", function()
  it("may be a plain table of tensors, which is asked anew each time", function()
    local made = with(function(self)
      self.weight = parameter { 1 }
      self:buffer("memory", { fnet.zeros { 2 }, { last = fnet.zeros { 3 } } })
      self:buffer("steps", fnet.zeros({ 1 }, "int32"))
    end)
    assert.same({ "memory.1", "memory.2.last", "steps" }, names_of(made, "named_buffers"))
    made.memory[3] = fnet.ones { 1 }
    assert.same({ "memory.1", "memory.2.last", "memory.3", "steps" }, names_of(made, "named_buffers"))
    made:to "float64"
    assert.equal("float64", made.memory[2].last.dtype)
    assert.equal("int32", made.steps.dtype)
    assert.same({ "weight" }, names_of(made))
  end)

  it("that is shared is there once", function()
    local one, two = nn.BatchNorm(2), nn.BatchNorm(2)
    two.running_mean = one.running_mean
    assert.same({ "1.running_mean", "1.running_var", "2.running_var" },
      names_of(nn.Sequential { one, two }, "named_buffers"))
  end)

  it("is a tensor or a table of tensors", function()
    local message = "Made: buffer: expected the name of a new field and a tensor, got x and "
    support.raises(message .. "table", function() with(function(self) self:buffer("x", { 1 }) end) end)
    support.raises(message .. "number", function() with(function(self) self:buffer("x", 1) end) end)
  end)
end)

describe("weights that are shared", function()
  local function tied()
    local one, two = nn.Dense(3, 3), nn.Dense(3, 3)
    two.weight = one.weight
    return nn.Sequential { one, nn.Tanh(), two }
  end

  it("stay one through a change of type, frozen or not", function()
    local model = tied()
    model[1].weight.requires_grad = false
    model:to "float64"
    assert.same({ "1.weight", "1.bias", "3.bias" }, names_of(model))
    assert.is_true(rawequal(model[1].weight, model[3].weight))
    assert.is_false(model[3].weight.requires_grad)
    assert.equal(12 + 3, model:count())
  end)

  it("count once where the model is printed", function()
    assert.equal([[
layer                            output shape           parameters
Dense(3, 3)                      [batch, 3]                     12
Tanh()                           [batch, 3]                      0
Dense(3, 3)                      [batch, 3]                      3
total                                                           15]], tostring(tied()))
  end)
end)

describe("an activation that is a layer", function()
  it("is one part of the layer that has it", function()
    local Swish = nn.module "Swish"
    function Swish:init() self.beta = parameter {} end
    function Swish:forward(x) return x * (x * self.beta):sigmoid() end
    local model = nn.Sequential { nn.Dense(2, 2, { activation = Swish() }) }
    assert.same({ "1.weight", "1.bias", "1.apply.beta" }, names_of(model))
    assert.equal(1, select(2, tostring(model):gsub("\n +apply: Swish", "")))
    assert.is_nil(tostring(model):find "activation: ")
  end)
end)

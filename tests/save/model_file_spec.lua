--- Models as files: what comes back, what the file says about itself, and what is refused.

local fnet = require "fnet"
local json = require "fnet.files.json"
local safetensors = require "fnet.files.safetensors"
local command = require "tests.support.command"
local support = require "tests.support"
local nn = fnet.nn

local directory, path
setup(function()
  directory = command.make_directory()
  path = directory .. "/model.safetensors"
end)
teardown(function() command.remove_directory(directory) end)

local function small()
  fnet.seed(4)
  return nn.Sequential { nn.Flatten(), nn.Dense(6, 4, { init = "he_normal" }), nn.Tanh(),
    nn.Dense(4, 3, { bias = false }), nn.Softmax() }
end

-- A file with this architecture and no tensors, valid in every other way.
local function write_architecture(value)
  return safetensors.write_list(path, {}, {
    ["fnet.architecture"] = type(value) == "string" and value or json.encode(value) })
end

local function layer(name, ...) return { name = name, arguments = json.array { ... } } end

describe("a saved model", function()
  it("comes back with the same weights, description and results, in evaluation mode", function()
    local model = small()
    assert.is_true(model:save(path))
    local back = assert(fnet.load(path))
    assert.equal(tostring(model), tostring(back))
    assert.equal(model:sha256(), back:sha256())
    local x = fnet.rand { 5, 2, 3 }
    assert.is_true(model(x):equal(back(x)))
    assert.is_true(model(x[1]):equal(back(x[1])))
    assert.is_false(back.training)
    assert.is_true(back:parameters()[1].requires_grad)
  end)

  it("replaces the one before", function()
    small():save(path)
    local other = nn.Sequential { nn.Dense(2, 2) }
    other:save(path)
    assert.equal(other:sha256(), fnet.load(path):sha256())
  end)

  it("keeps double precision", function()
    local model = small():to "float64"
    model:save(path)
    assert.equal(model:sha256(), fnet.load(path):sha256())
  end)

  it("may be one layer, models within models, and a layer used twice", function()
    nn.Dense(2, 3):save(path)
    assert.equal("Dense(2, 3)", tostring(fnet.load(path)))
    local shared = nn.Dense(2, 2)
    nn.Sequential { shared, nn.Sequential { nn.ReLU(), nn.Dense(2, 2) }, shared }:save(path)
    local back = fnet.load(path)
    assert.equal(back[1], back[3])
    assert.equal(12, back:count())
  end)

  it("holds the layers that the model has now", function()
    local model = nn.Sequential { nn.Dense(2, 2), nn.ReLU() }
    model[2] = nn.Tanh()
    model:save(path)
    assert.equal("Tanh", fnet.load(path)[2].class_name)
  end)

  it("keeps the arguments of a layer as they were when it was made", function()
    local options = { bias = false }
    local model = nn.Dense(2, 2, options)
    options.bias = true
    model:save(path)
    assert.is_nil(fnet.load(path).bias)
  end)

  it("does not need the function that drew the start values", function()
    nn.Dense(2, 2, { init = function() return fnet.full({ 2, 2 }, 7) end }):save(path)
    support.holds({ 2, 2 }, { 7, 7, 7, 7 }, fnet.load(path).weight)
  end)

  it("leaves the random numbers alone when it is loaded", function()
    small():save(path)
    fnet.seed(9)
    local expected = fnet.rand { 3 }
    fnet.seed(9)
    fnet.load(path)
    assert.is_true(expected:equal(fnet.rand { 3 }))
  end)

  it("says where it comes from", function()
    fnet.seed(12)
    local set = fnet.data.Dataset { x = fnet.zeros({ 4, 2, 3 }, "uint8"), y = fnet.tensor({ 1, 2, 3, 1 }, "int32"),
      classes = { "a", "b", "ü" }, scale = 1 / 255, name = "tiny" }
    small():save(path, { data = set, metrics = { accuracy = 0.875 }, script = "tests/support/command.lua" })
    local _, about = fnet.load(path)
    assert.equal(fnet.version, about.version)
    assert.equal(fnet.numerics, about.numerics)
    assert.equal(4, about.seed)
    assert.same({ accuracy = 0.875 }, about.metrics)
    assert.equal(command.read_file "tests/support/command.lua", about.script)
    assert.same({ 2, 3 }, { table.unpack(about.data.shape) })
    assert.same({ "a", "b", "ü" }, { table.unpack(about.data.classes) })
    assert.equal(set:sha256(), about.data.sha256)
    assert.equal(1 / 255, about.data.scale)
    assert.equal("tiny", about.data.name)
    small():save(path, { script = false })
    _, about = fnet.load(path)
    assert.is_nil(about.script)
    assert.is_nil(about.data)
  end)
end)

describe("layers of a script", function()
  local Residual = nn.module "Residual"
  function Residual:init(units) self.dense = nn.Dense(units, units) end
  function Residual:forward(x) return x + self.dense(x) end

  it("come back through their classes", function()
    local model = nn.Sequential { Residual(3), nn.Dense(3, 1) }
    model:save(path)
    local back = assert(fnet.load(path, { layers = { Residual = Residual } }))
    assert.equal(model:sha256(), back:sha256())
    local x = fnet.rand { 3 }
    assert.is_true(model(x):equal(back(x)))
  end)

  it("are missed by name", function()
    local Other = nn.module "Dense" -- the name of one of fnet's
    Other.forward = Residual.forward
    nn.Sequential { Residual(3), Other() }:save(path)
    support.raises(("load: %s needs layers that are not part of fnet; a script gives fnet.load their classes: "
      .. "{ layers = { Dense = ..., Residual = ... } }"):format(path), function() fnet.load(path) end)
    support.raises("load: layers: expected classes by name, { Residual = Residual }, got number",
      function() fnet.load("nowhere", { layers = 5 }) end)
    support.raises("load: layers: expected classes by name, { Residual = Residual }",
      function() fnet.load(path, { layers = { Residual } }) end)
    support.raises("load: layers.Residual gave no layer",
      function() fnet.load(path, { layers = { Residual = function() end, Dense = Other } }) end)
  end)

  it("may say with which arguments they are made", function()
    local Scale = nn.module "Scale"
    function Scale:init(factor, note) self.factor, self.note = factor, note end
    function Scale:config() return self.factor, { list = { 1, { x = true } } } end
    Scale(2, print):save(path)
    local back = fnet.load(path, { layers = { Scale = Scale } })
    assert.equal(2, back.factor)
    assert.same({ list = { 1, { x = true } } }, back.note)
  end)

  it("may use one tensor twice", function()
    local Tied = nn.module "Tied"
    function Tied:init()
      self.a = nn.Dense(2, 2)
      self.b = nn.Dense(2, 2)
      self.b.weight = self.a.weight
    end
    local model = Tied()
    model:save(path)
    local back = assert(fnet.load(path, { layers = { Tied = Tied } }))
    assert.equal(model:sha256(), back:sha256())
    assert.equal(back.a.weight, back.b.weight)
  end)

  it("with what no file can hold are refused by name", function()
    local Any = nn.module "Any"
    function Any:init() end
    support.raises("save: layer 1, Any(): argument 2 is a function, which no file can hold; write the layer as a "
      .. "class of your own (nn.module) and give the class to fnet.load",
      function() nn.Sequential { Any(1, print) }:save(path) end)
    support.raises("save: Any(): argument 1.x is a tensor, which no file can hold; write the layer as a "
      .. "class of your own (nn.module) and give the class to fnet.load",
      function() Any({ x = fnet.zeros { 1 } }):save(path) end)
    support.raises("save: Any(): argument 1 mixes a list with names", function() Any({ 1, x = 2 }):save(path) end)
    support.raises("save: Any(): argument 1 has a key that is no name",
      function() Any({ [true] = 2 }):save(path) end)
  end)
end)

describe("a file that is no model", function()
  it("gives nil and a sentence", function()
    fnet.write_tensors(path, { w = fnet.zeros { 2 } })
    local model, message = fnet.load(path)
    assert.is_nil(model)
    assert.equal(path .. ": holds tensors but no architecture, so another program wrote it; build the model and "
      .. "give it the tensors of fnet.read_tensors", message)
    assert.same({ nil, "none: No such file or directory", 2 }, { fnet.load "none" })
  end)

  local dense = { [1] = 2, [2] = 2 }
  local cases = {
    ["is not valid JSON: at byte 1: expected a value"] = "x",
    ["holds something else in the place of a layer"] = "5",
    ["holds a layer without a name or arguments"] = { name = "Dense" },
    ["names the layer 'os.execute', which this version of fnet does not have"] = layer "os.execute",
    ["does not fit together: Dense: inputs: expected a whole number of at least 1, got -1"] = layer("Dense", -1, 2),
    ["does not fit together: Sequential: expected a table of at least one layer, { nn.Dense(784, 10), ... }"] =
      layer("Sequential", 5),
    ["refers to a layer that comes later"] = layer("Sequential",
      { list = json.array { { layer = { again = 1 } } } }),
    ["holds a table that is neither a list, a table nor a layer"] = layer("Dense", dense),
  }
  for message, value in pairs(cases) do
    it("because its architecture " .. message, function()
      write_architecture(value)
      assert.same({ nil, path .. ": its architecture " .. message }, { fnet.load(path) })
    end)
  end

  it("because its tensors are not those of its architecture", function()
    local text = json.encode(layer("Dense", 2, 3))
    local function try(tensors)
      safetensors.write_list(path, tensors, { ["fnet.architecture"] = text })
      return select(2, fnet.load(path))
    end
    local weight, bias = { name = "weight", tensor = fnet.zeros { 2, 3 } }, { name = "bias",
      tensor = fnet.zeros { 3 } }
    assert.equal(path .. ": lacks 'bias', which the model needs", try { weight })
    assert.equal(path .. ": has 'weight' of shape [3], the model expects [2, 3]",
      try { { name = "weight", tensor = fnet.zeros { 3 } }, bias })
    assert.equal(path .. ": has 'bias2', which the model does not; it has 'bias'",
      try { weight, bias, { name = "bias2", tensor = fnet.zeros { 3 } } })
  end)
end)

describe("the state of a model", function()
  it("is put into another one", function()
    local one, two = small(), nn.Sequential { nn.Flatten(), nn.Dense(6, 4), nn.Tanh(), nn.Dense(4, 3,
      { bias = false }) }
    local tensors = {}
    for _, entry in ipairs(one:state()) do tensors[entry.name] = entry.tensor end
    assert.equal(two, two:load_state(tensors))
    assert.equal(one:sha256(), two:sha256())
    assert.is_false(one:parameters()[1] == two:parameters()[1])
  end)

  it("must fit", function()
    local model = nn.Dense(1, 1)
    support.raises("load_state: expected what state() gave, or a table of tensors by name, got number",
      function() model:load_state(5) end)
    support.raises("load_state: the state lacks 'weight' and 'bias', which the model needs",
      function() model:load_state {} end)
    support.raises("load_state: the state has a number as 'weight', expected a tensor; has a number as 'bias', " ..
      "expected a tensor",
      function() model:load_state { weight = 1, bias = 2 } end)
  end)
end)

describe("a number that is not finite", function()
  local Masked = nn.module "Masked"
  function Masked:init()
    self.scale = fnet.ones { 2, 2 }
    self.scale.requires_grad = true
    self:buffer("mask", fnet.full({ 2, 2 }, -math.huge):triu(1))
  end
  function Masked:forward(x) return (x * self.scale + self.mask):softmax() end

  local function load(change, options)
    local model = Masked()
    change(model)
    assert(model:save(path))
    options = options or {}
    options.layers = { Masked = Masked }
    return model, fnet.load(path, options)
  end

  it("is no fault of a mask, which comes back", function()
    local model, back = load(function() end)
    local x = fnet.rand { 2, 2 }
    assert.is_true(back(x):equal(model(x)))
  end)

  it("is one of a weight, and NaN anywhere", function()
    local function refused(name, change)
      local _, back, message = load(change)
      assert.is_nil(back)
      assert.equal(("%s: the tensor '%s' holds a value that is not finite; { finite = false } accepts it")
        :format(path, name), message)
      assert.is_truthy(select(2, load(change, { finite = false })))
    end
    refused("scale", function(model) model.scale:detach()[1][2] = math.huge end)
    refused("scale", function(model) model.scale:detach()[1][2] = 0 / 0 end)
    refused("mask", function(model) model.mask[2][1] = 0 / 0 end)
  end)
end)

describe("wrong arguments", function()
  it("raise at the caller's line", function()
    local raises, model = support.raises, nn.Dense(1, 1)
    raises("save: expected a path, got nil", function() model:save() end)
    raises("save: unknown option 'dat' (did you mean 'data'?); known are data, metrics, script, vocabulary",
      function() model:save(path, { dat = 1 }) end)
    raises("save: data: expected a data set, got number", function() model:save(path, { data = 1 }) end)
    raises("save: metrics: expected a table, got number", function() model:save(path, { metrics = 1 }) end)
    raises("save: metrics: expected finite numbers by name, got loss = inf",
      function() model:save(path, { metrics = { loss = math.huge } }) end)
    raises("load: expected a path, got nil", function() fnet.load() end)
    raises("load: unknown option 'layer' (did you mean 'layers'?); known are layers, finite, checksum",
      function() fnet.load(path, { layer = {} }) end)
  end)
end)

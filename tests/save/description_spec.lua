--- What a file says of a model that a script has changed since it was made, and what no file can say.

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
before_each(function() fnet.seed(6) end)

-- The model again, from a file.
local function through_file(model, layers)
  assert.is_true(model:save(path))
  local back = assert(fnet.load(path, { layers = layers }))
  assert.equal(model:sha256(), back:sha256())
  return back
end

local function parameter(...)
  local t = fnet.rand(...)
  t.requires_grad = true
  return t
end

-- The error of save: why fnet.load would not give the model.
local function refuses(why, model)
  support.raises("save: fnet.load makes each layer anew from its arguments, which would not give this model: " ..
    why .. "; put in a layer that is made as this one has become, or a class of your own with a config()",
    function() model:save(path) end)
end

local Deep = nn.module "Deep"
function Deep:init(depth)
  self.layers = {}
  for i = 1, depth do self.layers[i] = nn.Dense(3, 3) end
  self.slope, self.options = 0.5, { power = 2, names = { "a", "b" } }
end
function Deep:forward(x)
  for _, layer in ipairs(self.layers) do x = layer(x) end
  return x * self.slope
end

describe("a loaded model shares", function()
  local function tied()
    local one, two = nn.Dense(3, 3), nn.Dense(3, 3)
    two.weight = one.weight
    return nn.Sequential { one, nn.Tanh(), two }
  end

  it("the weights that the saved one shares, whose bytes are there once", function()
    local model = tied()
    local back = through_file(model)
    assert.is_true(rawequal(back[1].weight, back[3].weight))
    local x = fnet.rand { 2, 3 }
    assert.is_true(model(x):equal(back(x)))
    assert.equal(3, #safetensors.describe(path).entries)
    assert.is_nil(fnet.read_tensors(path)["3.weight"])
  end)

  it("them in a class of a script, in tables too", function()
    local deep = Deep(3)
    deep.layers[3].weight = deep.layers[1].weight
    local back = through_file(deep, { Deep = Deep })
    assert.is_true(rawequal(back.layers[1].weight, back.layers[3].weight))
    assert.is_false(rawequal(back.layers[1].weight, back.layers[2].weight))
  end)

  it("modules and buffers", function()
    local deep = Deep(3)
    deep.layers[2] = deep.layers[1]
    local back = through_file(deep, { Deep = Deep })
    assert.is_true(rawequal(back.layers[1], back.layers[2]))
    assert.equal(4, #back:parameters())
    local one, two = nn.BatchNorm(2), nn.BatchNorm(2)
    two.running_mean = one.running_mean
    back = through_file(nn.Sequential { one, two })
    assert.is_true(rawequal(back[1].running_mean, back[2].running_mean))
    assert.is_false(rawequal(back[1].running_var, back[2].running_var))
  end)

  it("them in a checkpoint, which goes on so", function()
    local set = fnet.data.Dataset { x = fnet.rand { 8, 3 }, y = fnet.rand { 8, 3 } }
    local function fit(model, epochs, resume)
      fnet.fit(model, { train = set, loss = nn.mse, optim = fnet.optim.Adam, epochs = epochs, batch = 4, seed = 2,
        checkpoint = { directory .. "/tied", resume = resume } })
      return model
    end
    fnet.seed(9)
    local model = fit(tied(), 2)
    local back = assert(fnet.load(directory .. "/tied/checkpoint.safetensors"))
    assert.equal(model:sha256(), back:sha256())
    assert.is_true(rawequal(back[1].weight, back[3].weight))
    assert.equal(fit(model:clone(), 4, true):sha256(), fit(tied(), 4, true):sha256())
  end)
end)

describe("a loaded model has", function()
  it("frozen what was frozen, and no more", function()
    local model = nn.Sequential { nn.Dense(3, 3), nn.BatchNorm(3), nn.Dense(3, 1) }
    model[1]:freeze()
    model[3].bias.requires_grad = false
    local back = through_file(model)
    local trained = {}
    for i, each in ipairs(back:parameters()) do trained[i] = each.requires_grad end
    assert.same({ false, false, true, true, true, false }, trained)
    assert.is_true(through_file(model:unfreeze())[1].weight.requires_grad)
    local Frozen = nn.module "Frozen"
    function Frozen:init() self.dense = nn.Dense(2, 2):freeze() end
    local frozen = Frozen()
    assert.is_false(through_file(frozen, { Frozen = Frozen }).dense.weight.requires_grad)
    assert.is_true(through_file(frozen:unfreeze(), { Frozen = Frozen }).dense.weight.requires_grad)
  end)

  it("what a script has set since", function()
    local model = nn.Sequential { nn.Dense(3, 3), nn.BatchNorm(3), nn.Dropout(0.5), nn.LeakyReLU(0.1),
      nn.LayerNorm(3) }
    model[2].epsilon, model[2].momentum, model[3].rate, model[4].value, model[5].epsilon = 0.25, 0.5, 0, 3, 0.125
    local back = through_file(model)
    assert.same({ 0.25, 0.5, 0, 3, 0.125 }, { back[2].epsilon, back[2].momentum, back[3].rate, back[4].value,
      back[5].epsilon })
    assert.equal(tostring(model), tostring(back))
    local x = fnet.rand { 2, 3 } - 0.5
    assert.is_true(model:eval()(x):equal(back(x)))
  end)

  it("the fields of a class of a script: numbers, texts, booleans, plain tables", function()
    local deep = Deep(1)
    deep.slope, deep.options.power, deep.options.names[3] = 0.25, 3, "c"
    deep.calls, deep.best, deep.done, deep.list = 12, -math.huge, true, { 1, { x = 2.5 } }
    local back = through_file(nn.Sequential { deep }, { Deep = Deep })[1]
    assert.same({ 0.25, { power = 3, names = { "a", "b", "c" } }, 12, -math.huge, true, { 1, { x = 2.5 } } },
      { back.slope, back.options, back.calls, back.best, back.done, back.list })
    deep.slope = nil
    assert.is_nil(through_file(deep, { Deep = Deep }).slope)
  end)

  it("each tensor of the type that it was", function()
    local Mixed = nn.module "Mixed"
    function Mixed:init()
      self.one, self.two = parameter { 2 }, parameter { 2 }
      self:buffer("count", fnet.full({ 1 }, 7, "int32"))
    end
    local mixed = Mixed()
    mixed.two = parameter({ 2 }, 0, 1, "float64")
    local back = through_file(mixed, { Mixed = Mixed })
    assert.same({ "float32", "float64", "int32", 7 }, { back.one.dtype, back.two.dtype, back.count.dtype,
      back.count[1] })
  end)

  it("the names that a parameter had in an older file", function()
    local Old = nn.module "Old"
    function Old:init(options)
      self.options = options -- where its layer stands first
      self.inner = options.inner
    end
    local old = Old { inner = nn.Dense(2, 2) }
    local architecture = json.encode { name = "Old", own = true, arguments = json.array {
      { table = { inner = { layer = { name = "Dense", arguments = json.array { 2, 2 } } } } } } }
    safetensors.write_list(path, { { name = "inner.weight", tensor = old.inner.weight },
      { name = "inner.bias", tensor = old.inner.bias } }, { ["fnet.architecture"] = architecture })
    assert.equal(old:sha256(), assert(fnet.load(path, { layers = { Old = Old } })):sha256())
  end)
end)

describe("save refuses, and writes nothing,", function()
  before_each(function() os.remove(path) end)
  after_each(function() assert.is_nil(io.open(path)) end)

  it("a layer that lacks what it is made with, or has more", function()
    local model = nn.Sequential { nn.Dense(6, 3), nn.Dense(3, 2, { bias = false }) }
    model[1].bias = nil
    refuses("the file lacks '1.bias', which the model needs", model)
    model = nn.Sequential { nn.Dense(6, 3), nn.Dense(3, 2, { bias = false }) }
    model[2].bias = parameter { 2 }
    refuses("the file has '2.bias', which the model does not; it has '1.bias'", model)
    local deep = Deep(2)
    table.insert(deep.layers, nn.Dense(3, 3))
    refuses("the file has 'layers.3.bias' and 'layers.3.weight', which the model does not", deep)
    table.remove(deep.layers)
    table.remove(deep.layers)
    refuses("the file lacks 'layers.2.weight' and 'layers.2.bias', which the model needs", deep)
    deep.layers[3], deep.layers[2] = deep.layers[1], nn.Dense(3, 3)
    refuses("the model has no 'layers.3'", deep)
    deep = Deep(1)
    deep.layers = {}
    refuses("the file lacks 'layers.1.weight' and 'layers.1.bias', which the model needs", deep)
  end)

  it("a weight of another shape, or that is no parameter", function()
    local model = nn.Sequential { nn.Dense(6, 3) }
    model[1].weight = parameter { 6, 4 }
    refuses("the file has '1.weight' of shape [6, 4], the model expects [6, 3]", model)
    model[1].weight = fnet.rand { 6, 3 }
    refuses("the file lacks '1.weight', which the model needs", model)
    local layer = nn.BatchNorm(2)
    layer.running_mean.requires_grad = true
    refuses("'running_mean' is a buffer there", layer)
  end)

  it("another layer in the place of one that a class makes", function()
    local Net = nn.module "Net"
    function Net:init() self.body, self.head = nn.Dropout(0.5), nn.Dense(2, 2, { activation = "relu" }) end
    local net = Net()
    net.body = nn.ReLU()
    refuses("'body' is Dropout(0.5) there, not ReLU()", net)
    net.body = nil
    refuses("it has 'body', which is gone", net)
    net = Net()
    net.head = nn.Dense(2, 2, { activation = "tanh" })
    refuses("the field 'apply' of head, Dense(2, 2, tanh) is another one there", net)
  end)

  it("what a layer of the library is made of and a file does not say", function()
    local model = nn.Sequential { nn.Conv2D(1, 1, 3), nn.MaxPool2D(2) }
    model[1].window.stride[1] = 2
    refuses("the field 'window' of layer 1, Conv2D(1, 1, 3) is another one there", model)
  end)

  it("an object with a forward of its own", function()
    local deep = Deep(1)
    function deep.forward(x) return x end
    refuses("the field 'forward' of Deep() is another one there", deep)
    local layer = nn.Dense(1, 1)
    function layer.forward(x) return x end
    refuses("the field 'forward' of Dense(1, 1) is another one there", layer)
  end)

  it("a class that cannot be made so any more", function()
    local Strict = nn.module "Strict"
    function Strict:init(options) self.dense = nn.Dense(2, options.units or error("units are missing", 0)) end
    local options = { units = 2 }
    local strict = Strict(options)
    function strict.config() return {} end
    refuses("its architecture does not fit together: units are missing", strict)
  end)

  it("two classes of one name", function()
    local One, Two = nn.module "Block", nn.module "Block"
    function One:init() self.a = nn.Dense(1, 1) end
    function Two:init() self.b = nn.Dense(1, 1) end
    support.raises("save: two classes are called Block, and a file tells them apart by their names; rename one " ..
      "of them", function() nn.Sequential { One(), Two() }:save(path) end)
  end)

  it("names that no file can hold", function()
    local Odd = nn.module "Odd"
    function Odd:init() end
    for name, shown in pairs { __metadata__ = "__metadata__", ["checkpoint/x"] = "checkpoint/x",
        ["\xff"] = "\\xFF" } do
      local odd = Odd()
      odd[name] = parameter { 1 }
      support.raises(("save: nothing in a file can be called '%s'; give the field another name"):format(shown),
        function() odd:save(path) end)
    end
  end)
end)

describe("save does not mind", function()
  it("what a script notes in a layer of the library", function()
    local model = nn.Sequential { nn.Dense(2, 2) }
    model.note, model[1].callback, model[1].best = "mine", print, fnet.ones { 1 }
    assert.is_nil(through_file(model).note)
  end)

  it("functions, objects and results in the fields of a class of a script", function()
    local Net = nn.module "Net"
    function Net:init()
      self.dense = nn.Dense(2, 2)
      self.act = function(x) return x:tanh() end
      self.cache = false
    end
    function Net:forward(x)
      self.last, self.cache = self.act(self.dense(x)), { x }
      return self.last
    end
    local net = Net()
    net(fnet.rand { 1, 2 })
    assert.is_false(through_file(net, { Net = Net }).cache)
  end)

  it("the random numbers, which stay as they were", function()
    fnet.seed(4)
    local expected = { fnet.random_state() }
    local model = Deep(1)
    local drawn = { fnet.random_state() }
    assert.not_same(expected, drawn)
    model:save(path)
    assert.same(drawn, { fnet.random_state() })
  end)
end)

describe("a checkpoint of a model that no file describes", function()
  it("goes on in its script, and says elsewhere why it is no model", function()
    local place = directory .. "/undescribed"
    local function fit(model, options)
      local set = fnet.data.Dataset { x = fnet.ones { 4, 2 }, y = fnet.ones { 4, 2 } }
      options.train, options.loss, options.optim, options.batch = set, nn.mse, fnet.optim.Adam, 2
      return fnet.fit(model, options)
    end
    local function network()
      local model = nn.Sequential { nn.Dense(2, 2), nn.Dense(2, 2) }
      model[1].bias = nil
      return model
    end
    fit(network(), { checkpoint = place, epochs = 2 })
    local resumed = network()
    assert.equal(3, #fit(resumed, { checkpoint = { place, resume = true }, epochs = 3 }))
    local model, message = fnet.load(place .. "/checkpoint.safetensors")
    assert.is_nil(model)
    assert.matches("holds tensors but no architecture %(save: fnet.load makes .* lacks '1.bias', .*%); build " ..
      "the model and give it the tensors of fnet.read_tensors$", message)
  end)

  it("freezes again what was frozen when it was saved", function()
    local place = directory .. "/frozen"
    local function network() return nn.Sequential { nn.Dense(2, 2), nn.Dense(2, 2) } end
    local model = network()
    model[1].bias.requires_grad = false
    assert(assert(fnet.checkpoint(place, { model = model })):save())
    collectgarbage()
    local again = network()
    again[2]:freeze()
    assert(fnet.checkpoint(place, { model = again, resume = true }))
    local trained = {}
    for i, each in ipairs(again:parameters()) do trained[i] = each.requires_grad end
    assert.same({ true, false, true, true }, trained)
  end)
end)

describe("a file from a stranger", function()
  local dense = { name = "Dense", arguments = json.array { 2, 2 } }
  local pair = { name = "Sequential", arguments = json.array { { list = json.array {
    { layer = dense }, { layer = dense } } } } }

  local function message_of(architecture, metadata)
    metadata["fnet.architecture"] = json.encode(architecture)
    safetensors.write_list(path, {}, metadata)
    local model, message = fnet.load(path)
    assert.is_nil(model)
    return (message:gsub("^.-safetensors: ", ""))
  end

  it("shares only what can be shared", function()
    local function ties(list) return message_of(pair, { ["fnet.ties"] = json.encode(list) }) end
    assert.equal("its ties do not fit: the model has no '3.weight'", ties { ["3.weight"] = "1.weight" })
    assert.equal("its ties do not fit: the model has no 'x'", ties { ["2.weight"] = "x" })
    for name, first in pairs { ["2.weight"] = "1", ["2"] = "1.weight", ["1"] = "" } do
      assert.equal("its ties do not fit: the model has '" .. name .. "' and '" .. first .. "', which cannot be " ..
        "the same", ties { [name] = first })
    end
    assert.equal("its ties are damaged: expected an object, got a number", ties(5))
    assert.equal("lacks '1.weight', '1.bias' and '2.weight', which the model needs", ties { ["2.bias"] = "1.bias" })
    assert.equal("its ties do not fit: the model has '2.bias' and '1.weight', which cannot be the same",
      ties { ["2.bias"] = "1.weight" })
  end)

  it("sets only what a layer has", function()
    local function settings(module, key, value)
      local list = { list = json.array { { table = { module = module, key = key, value = value } } } }
      return message_of(pair, { ["fnet.settings"] = json.encode(list) })
    end
    assert.equal("its settings do not fit: has no module '7'", settings("7", "rate", 1))
    for _, key in ipairs { "rate", "forward", "weight", "parameters", "passes", 1 } do
      assert.equal(("its settings do not fit: layer 1, Dense(2, 2) has no setting '%s'"):format(key),
        settings("1", key, 1))
    end
    assert.matches("^lacks '1.weight'", settings("1", "units", 3))
    assert.equal("its settings are damaged", message_of(pair, { ["fnet.settings"] = "{" }))
    assert.equal("its settings are damaged",
      message_of(pair, { ["fnet.settings"] = json.encode { list = json.array { 5 } } }))
  end)

  it("freezes by a list of names", function()
    local function frozen(text) return message_of(dense, { ["fnet.frozen"] = text }) end
    assert.equal("its frozen parameters are damaged: expected a list, got a number", frozen "5")
    assert.equal("its frozen parameters are damaged: expected a list, got null", frozen "null")
    assert.matches("^its frozen parameters are damaged: at byte 2: ", frozen "{")
    assert.equal("its frozen parameters are damaged: [2]: expected a text, got a number", frozen '["weight", 5]')
    assert.matches("^lacks 'weight'", frozen '["no such"]')
  end)
end)

describe("a tensor that is no part of the state", function()
  it("is refused where the model made anew would have other numbers", function()
    local Scaled = nn.module "Scaled"
    function Scaled:init() self.scale, self.dense = fnet.rand { 3 }, nn.Dense(3, 2) end
    function Scaled:forward(x) return self.dense(x * self.scale) end
    local ok, message = pcall(function() return Scaled():save(os.tmpname()) end)
    assert.is_false(ok)
    assert.matches("the tensor in the field 'scale' of Scaled%(%) has other numbers there, since it is no part " ..
      'of the state; self:buffer%("scale", ...%) in its init makes it one', message)
  end)

  it("is none where it is made alike, or only by a forward", function()
    local Kept = nn.module "Kept"
    function Kept:init()
      self.mask, self.steps, self.dense = fnet.ones { 3 }, { fnet.zeros { 2 } }, nn.Dense(3, 2)
    end
    function Kept:forward(x)
      self.latest = x
      return self.dense(x * self.mask)
    end
    local model, file = Kept(), os.tmpname()
    model(fnet.ones { 1, 3 })
    assert.is_true(model:save(file))
    model.steps[1]:fill(1)
    assert.is_false((pcall(model.save, model, file)))
    os.remove(file)
  end)
end)

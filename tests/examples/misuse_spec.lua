--- What a newcomer gets wrong: each slip is answered at the script's own line, with the way out, and none passes in
--- silence. Slips that belong to one module alone are in its own spec.

local fnet = require "fnet"
local raises = require("tests.support").raises
local nn, optim, data = fnet.nn, fnet.optim, fnet.data

local function dense() return nn.Sequential { nn.Dense(2, 3) } end

local function labelled(count)
  return data.Dataset { x = fnet.rand { count, 2 }, y = fnet.full({ count }, 1, "int32") }
end

describe("a method called with a dot", function()
  local function message(name, got)
    return ("%s: expected to be called with a colon, such as object:%s(), got %s for the object"):format(name, name,
      got)
  end

  it("of a model says so", function()
    local model = dense()
    for _, name in ipairs {
      "parameters", "named_parameters", "count", "sha256", "zero_grad", "modules", "train", "eval", "to", "summary",
    } do
      raises(message(name, "nil"), function() model[name]() end)
    end
    for _, name in ipairs {
      "save", "load_foreign", "export_c", "export_onnx", "export_html", "state", "load_state",
    } do
      raises(message(name, "string"), function() model[name] "model.fnet" end)
    end
  end)

  it("of an optimiser or an average says so", function()
    local model = dense()
    local optimiser, average = optim.Adam(model:parameters()), optim.Average(model)
    for _, name in ipairs { "step", "zero_grad", "state" } do
      raises(message(name, "nil"), function() optimiser[name]() end)
    end
    for _, name in ipairs { "update", "swap" } do
      raises(message(name, "nil"), function() average[name]() end)
    end
    raises(message("apply", "function"), function() average.apply(print) end)
  end)

  it("of a data set says so, also where it was given a table", function()
    local set = labelled(4)
    raises(message("batches", "table"), function() set.batches { size = 2 } end)
    raises(message("with", "table"), function() set.with { transform = false } end)
    for _, name in ipairs { "balance", "folds", "sha256", "statistics" } do
      raises(message(name, "nil"), function() set[name]() end)
    end
    for name, argument in pairs { split = 0.5, slice = 1, sample = 1, batch_count = 2 } do
      raises(message(name, "number"), function() set[name](argument) end)
    end
  end)
end)

describe("a model", function()
  it("has no gap, as a name that does not exist makes one", function()
    local missing = nil
    raises("Sequential: layer 2 is nil: is its name a variable that exists?",
      function() nn.Sequential { nn.Dense(2, 3), missing, nn.ReLU() } end)
    raises("Concat: branch 1 is nil: is its name a variable that exists?",
      function() nn.Concat { missing, nn.ReLU() } end)
  end)

  it("keeps its methods: no layer or parameter takes the name of one", function()
    local block, weight = nn.module "Block" (), fnet.zeros { 2 }
    weight.requires_grad = true
    for _, name in ipairs { "state", "train", "count" } do
      local message = ("Block: '%s' is a method of every module; give the field another name"):format(name)
      raises(message, function() block[name] = nn.ReLU() end)
      raises(message, function() block[name] = weight end)
    end
    block.states = nn.Dense(2, 2)
    assert.equal(6, block:count())
  end)

  it("is of floats", function()
    raises("to: unknown name 'int32'; known are float32, float64", function() dense():to("int32") end)
  end)

  it("has layers that give something", function()
    local Forgetful = nn.module "Forgetful"
    function Forgetful:forward(x) self.last = x:sum():item() end
    local model = nn.Sequential { nn.Dense(2, 3), Forgetful() }
    raises("layer 2, Forgetful(): its forward gave nil; does it return its result?",
      function() model(fnet.ones { 1, 2 }) end)
  end)
end)

describe("a tensor", function()
  it("in a text or a comparison says what to write", function()
    local t = fnet.ones { 1 }
    local rest = ", t:item() is the number of a tensor with one element"
    raises("a tensor cannot be joined to a text with ..; tostring(t) is its text" .. rest,
      function() return "loss " .. t end)
    local less = "tensors have no < and >; t:lt(other) and t:gt(other) compare element by element" .. rest
    raises(less, function() return t < 1 end)
    raises(less, function() return 1 > t end)
    raises(less, function() return t > fnet.ones { 1 } end)
    raises("tensors have no <= and >=; t:le(other) and t:ge(other) compare element by element" .. rest,
      function() return t <= 1 end)
  end)
end)

describe("a figure", function()
  it("is shown from a number, a tensor, a record", function()
    local report = fnet.report
    raises("bar: expected a fraction, got nil", function() report.bar() end)
    raises("bar: width: expected a whole number from 0 to 4096, got nil", function() report.bar(2) end)
    local pair = "distribution: expected a list of names and a tensor with a probability for each, got %s and %s"
    raises(pair:format("1 names", "float32 [3]"), function() report.distribution({ "a" }, fnet.ones { 3 }) end)
    raises(pair:format("nil", "nil"), function() report.distribution() end)
    raises("json: expected a list of { key, value }, got number", function() report.json(3) end)
    local entry = "json: entry 1: expected { key, value } with a string, number or boolean, got "
    raises(entry .. "number", function() report.json { 3 } end)
    raises(entry .. "{ string, nil }", function() report.json { { "loss" } } end)
  end)

  it("prints itself", function()
    local text = tostring(nn.evaluate(dense(), labelled(4)))
    assert.matches("^accuracy %d+%.%d%d%% ± %d+%.%d%d %(%d/4%), loss %d%.%d%d%d%d$", text)
  end)

  it("is printed from what nn.evaluate gives", function()
    raises("accuracy: expected the result of nn.evaluate(model, dataset), got number",
      function() fnet.report.accuracy(0.9) end)
    raises("fnet.report has no 'acuracy'; did you mean fnet.report.accuracy?",
      function() return fnet.report.acuracy end)
  end)

  it("has a name for each class", function()
    raises("predict_classes: classes: expected 3 names, one for each output of the model, got 1",
      function() fnet.predict_classes(dense(), fnet.ones { 2 }, { classes = { "cat" } }) end)
  end)

  it("is evaluated over a data set", function()
    raises("evaluate: expected a model and a data set, got table and float32 [4, 2]",
      function() nn.evaluate(dense(), fnet.ones { 4, 2 }) end)
  end)
end)

describe("a data set", function()
  it("answers a misspelt field or method with the one that was meant; what it may lack is nil", function()
    local set = labelled(4)
    raises("a data set has no 'clases'; did you mean 'classes'?", function() return set.clases end)
    raises("a data set has no 'btaches'; did you mean 'batches'?", function() set:btaches { size = 2 } end)
    for _, name in ipairs { "classes", "rows", "transform", "columns", "shape", "forward" } do
      assert.is_nil(set[name])
    end
  end)
end)

describe("a class of one's own", function()
  it("has a name", function()
    for got, name in pairs { number = 3, table = {}, ["nil"] = false } do
      raises('module: expected a name for the class, such as nn.module "Block", got ' .. got,
        function() nn.module(name or nil) end)
    end
  end)
end)

describe("true and false", function()
  it("are what an option of that kind takes: every other value counts as true in Lua", function()
    local set = labelled(4)
    raises("batches: drop_last: expected true or false, got number", function() set:batches { drop_last = 0 } end)
    raises("batches: shuffle: expected true or false, got string", function() set:batches { shuffle = "no" } end)
    raises("split: stratified: expected true or false, got number", function() set:split(2, { stratified = 0 }) end)
    raises("folds: stratified: expected true or false, got number", function() set:folds(2, { stratified = 0 }) end)
    raises("read_csv: header: expected true or false, got string",
      function() data.read_csv("none.csv", { target = false, header = "no" }) end)
    raises("training: json: expected true or false, got number", function() fnet.report.training { json = 0 } end)
  end)
end)

describe("training", function()
  it("needs a batch", function()
    local function plan(set, batch)
      return { train = set, loss = nn.cross_entropy, optim = optim.Adam, batch = batch }
    end
    raises("fit: train: the data set gave no batch, so there is nothing to learn from " ..
      "(data set: 0 samples of float32 [0, 2], targets int32 [0])",
      function() fnet.fit(dense(), plan(labelled(0))) end)
    raises("fit: train: the data set gave no batch, so there is nothing to learn from " ..
      "(data set: 4 samples of float32 [4, 2], targets int32 [4])",
      function() fnet.fit(dense(), plan(labelled(4), { size = 5, drop_last = true })) end)
  end)

  it("to tell two classes apart needs targets of 0 and 1", function()
    local output = fnet.zeros { 3 }
    raises("binary_cross_entropy: expected targets of 0 or 1, or probabilities, got 2; subtract 1 from labels " ..
      "that count from 1", function() nn.binary_cross_entropy(output, fnet.tensor({ 1, 2, 1 }, "int32")) end)
    raises("binary_cross_entropy: expected targets of 0 or 1, or probabilities, got -1",
      function() nn.binary_cross_entropy(output, fnet.tensor { 1, -1, 1 }) end)
    raises("binary_cross_entropy: expected logits, got the result of a sigmoid; leave the Sigmoid out of the " ..
      "model, and apply it to predict: model(x):sigmoid()",
      function() nn.binary_cross_entropy(output:sigmoid(), fnet.ones { 3 }) end)
    local model = nn.Sequential { nn.Dense(2, 1, { activation = "sigmoid" }) }
    assert.is_false(pcall(nn.binary_cross_entropy, model(fnet.zeros { 4, 2 }), fnet.ones { 4, 1 }))
  end)

  it("to tell classes apart needs two outputs at least", function()
    local one, target, model = fnet.zeros { 4, 1 }, fnet.ones { 4, 1 }, nn.Dense(2, 1)
    local text = ": expected an output for each class, at least two, got float32 [4, 1]"
    local way = text .. "; a single logit is compared with 0, such as output:gt(0):eq(target):mean() for " ..
      "targets of 0 and 1"
    raises("correct" .. way, function() nn.correct(one, target) end)
    raises("accuracy" .. way, function() fnet.metrics.accuracy(one, target) end)
    raises("top_k" .. way, function() fnet.metrics.top_k(one, fnet.ones({ 4 }, "int32"), 1) end)
    raises("predict_classes" .. way, function() fnet.predict_classes(model, fnet.ones { 4, 2 }) end)
    raises("evaluate" .. way, function() nn.evaluate(model, labelled(4)) end)
    raises("cross_entropy" .. text .. "; a single logit with targets of 0 and 1 has binary_cross_entropy",
      function() nn.cross_entropy(one, target) end)
    local list = { train = data.Dataset { x = fnet.zeros { 4, 2 }, y = target }, loss = nn.binary_cross_entropy,
      optim = optim.SGD, metrics = { "accuracy" } }
    raises("accuracy" .. way, function() return (fnet.fit(model, list)) end)
    local x = fnet.tensor { { 1, -2, 3, -4 } }:T()
    assert.equal(0.75, x:gt(0):eq(fnet.tensor { { 1, 0, 0, 0 } }:T()):mean():item())
    assert.same({ { 2, 1 }, { 0, 1 } }, fnet.metrics.confusion(x, fnet.tensor { { 1, 0, 0, 0 } }:T()).counts)
  end)

  it("limits gradients of parameters", function()
    raises("clip_norm: expected a table of parameters, got a model; write model:parameters()",
      function() optim.clip_norm(dense(), 1) end)
  end)
end)

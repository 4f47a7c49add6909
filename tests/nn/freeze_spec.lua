--- Frozen parameters, modes that a script has set for a part of a model, and settings that it has changed.

local fnet = require "fnet"
local nn, optim, data = fnet.nn, fnet.optim, fnet.data

local function network()
  fnet.seed(2)
  return nn.Sequential { nn.Dense(3, 4), nn.BatchNorm(4), nn.Dropout(0.5), nn.Dense(4, 2) }
end

local function set() return data.Dataset { x = fnet.rand { 24, 3 }, y = fnet.rand { 24, 2 } } end

-- Trains the parameters that an optimiser is made from.
local function train(model, parameters, options)
  options = options or {}
  options.train, options.loss = set(), nn.mse
  options.optim = optim.SGD(parameters, { lr = 0.1 })
  return fnet.fit(model, options)
end

local function trained(model)
  local list = {}
  for i, parameter in ipairs(model:parameters()) do list[i] = parameter.requires_grad end
  return list
end

describe("frozen parameters", function()
  it("are not asked for by a field that would do nothing", function()
    local model = network()
    for _, key in ipairs { "requires_grad", "trainable" } do
      for _, part in ipairs { model, model[1] } do
        local ok, message = pcall(function() part[key] = false end)
        assert.is_false(ok)
        assert.matches(("'%s' of a module would change nothing; freeze%%(%%)"):format(key), message)
      end
    end
    assert.is_true(model[1].weight.requires_grad)
  end)

  it("get no gradients and stay parameters", function()
    local model = network()
    local before = model[1].weight:clone()
    assert.equal(model[1], model[1]:freeze())
    assert.same({ false, false, true, true, true, true }, trained(model))
    assert.equal(6, #model:parameters())
    model(fnet.rand { 5, 3 }):sum():backward()
    assert.is_nil(model[1].weight.grad)
    assert.is_truthy(model[4].weight.grad)
    train(model, model[4]:parameters())
    assert.is_true(before:equal(model[1].weight))
    assert.equal(model, model:unfreeze())
    assert.same({ true, true, true, true, true, true }, trained(model))
  end)

  it("lose the gradient that they had, so no optimiser goes on with it", function()
    local model = network()
    local opt = optim.SGD(model:parameters(), { lr = 1 })
    model(fnet.rand { 5, 3 }):sum():backward()
    model[1]:freeze()
    local before = model[1].weight:clone()
    opt:step()
    assert.is_true(before:equal(model[1].weight))
  end)

  it("may be single ones", function()
    local model = network()
    model[4].bias.requires_grad = false
    assert.same({ true, true, true, true, true, false }, trained(model))
    model[4]:unfreeze()
    assert.same({ true, true, true, true, true, true }, trained(model))
  end)

  it("stay frozen through a change of type, and are converted with the others", function()
    local model = network()
    model[1]:freeze()
    model:to "float64"
    assert.same({ false, false, true, true, true, true }, trained(model))
    assert.equal("float64", model[1].weight.dtype)
    assert.same({ false, false, true, true, true, true }, trained(model:to "float32"))
  end)

  it("are told where the model is printed", function()
    local model = network()
    assert.is_nil(tostring(model):find "frozen")
    model[1]:freeze()
    assert.matches("\ntotal +34\nfrozen of these +16$", tostring(model))
  end)

  it("are no buffers: a buffer is none that was ever marked", function()
    local model = network()
    model:freeze()
    assert.equal(2, #model:named_buffers())
    assert.equal(6, #model:named_parameters())
  end)
end)

describe("frozen batch normalisation", function()
  it("keeps to its running statistics in training mode", function()
    local layer = nn.BatchNorm(3)
    for _ = 1, 5 do layer(fnet.randn({ 8, 3 }, 2, 3)) end
    local x = fnet.randn { 8, 3 }
    local expected = layer:eval()(x)
    layer:train():freeze()
    local mean, variance = layer.running_mean:clone(), layer.running_var:clone()
    assert.is_true(expected:equal(layer(x)))
    assert.equal(3, layer(x[1]).shape[1]) -- one row is enough
    assert.is_true(mean:equal(layer.running_mean) and variance:equal(layer.running_var))
    layer:unfreeze()(x)
    assert.is_false(mean:equal(layer.running_mean))
  end)

  it("does so in fit, and hands gradients on", function()
    local model = network()
    train(model, model:parameters())
    model[2]:freeze()
    local mean, weight = model[2].running_mean:clone(), model[1].weight:clone()
    local list = model[1]:parameters()
    table.move(model[4]:parameters(), 1, 2, 3, list)
    train(model, list)
    assert.is_true(mean:equal(model[2].running_mean))
    assert.is_false(weight:equal(model[1].weight))
  end)

  it("needs both its parameters frozen", function()
    local layer = nn.BatchNorm(3)
    layer.bias.requires_grad = false
    local mean = layer.running_mean:clone()
    layer(fnet.rand { 4, 3 })
    assert.is_false(mean:equal(layer.running_mean))
  end)
end)

describe("the mode that a script gives a part", function()
  local function modes_in_fit(model)
    local seen
    train(model, model:parameters(), { callbacks = { step = function()
      seen = {}
      for i, module in ipairs(model:modules()) do seen[i] = module.training end
    end } })
    return seen
  end

  it("stays in fit; the others are trained, and all are in evaluation mode afterwards", function()
    local model = network()
    model[2]:eval()
    local mean = model[2].running_mean:clone()
    for _ = 1, 2 do -- a second training remembers it too
      assert.same({ true, true, false, true, true }, modes_in_fit(model))
      for _, module in ipairs(model:modules()) do assert.is_false(module.training) end
    end
    assert.is_true(mean:equal(model[2].running_mean))
    model:eval() -- of the whole: fit trains it all the same
    assert.same({ true, true, false, true, true }, modes_in_fit(model))
    model:train()
    assert.same({ true, true, true, true, true }, modes_in_fit(model))
  end)

  it("is that of all in it", function()
    local inner = nn.Sequential { nn.Dense(3, 4), nn.Dropout(0.5) }
    local model = nn.Sequential { inner, nn.Dense(4, 2) }
    inner:eval()
    assert.same({ true, false, false, false, true }, modes_in_fit(model))
    inner:train()
    assert.same({ true, true, true, true, true }, modes_in_fit(model))
  end)

  it("may be set as a field", function()
    local model = network()
    model[3].training = false
    assert.same({ true, true, true, false, true }, modes_in_fit(model))
    model[3].training = true
    assert.same({ true, true, true, true, true }, modes_in_fit(model))
  end)

  it("is not what fit or fnet.load leave behind", function()
    local model = network()
    train(model, model:parameters())
    local larger = nn.Sequential { model, nn.Dense(2, 2) }
    for _, mode in ipairs(modes_in_fit(larger)) do assert.is_true(mode) end
  end)

  it("is put back by evaluations", function()
    local model = network()
    model[2]:eval()
    fnet.predict(model, fnet.rand { 4, 3 })
    assert.same({ true, true, false, true, true }, { model.training, model[1].training, model[2].training,
      model[3].training, model[4].training })
  end)
end)

describe("the rate of a Dropout", function()
  it("is checked where a script has changed it", function()
    local model = nn.Sequential { nn.Dense(3, 4), nn.Dropout(0.5) }
    for _, case in ipairs { { 20, "20" }, { "a", "the string" } } do
      model[2].rate = case[1]
      local ok, message = pcall(model, fnet.ones { 2, 3 })
      assert.is_false(ok)
      assert.matches("^[^:]*freeze_spec%.lua:.*rate: expected a number from 0 to 1, got " .. case[2], message)
    end
    assert.matches("Dropout%(a%)", tostring(model))
    model[2].rate = 0
    assert.same({ 2, 4 }, model(fnet.ones { 2, 3 }).shape)
  end)
end)

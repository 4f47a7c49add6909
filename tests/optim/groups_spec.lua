--- optim.groups: options for parameters by their names.

local fnet = require "fnet"
local support = require "tests.support"
local nn, optim = fnet.nn, fnet.optim

local function new_model()
  fnet.seed(3)
  return nn.Sequential { nn.Dense(3, 4), nn.BatchNorm(4), nn.Tanh(), nn.Dense(4, 2) }
end

-- What each group has: its options, and its parameters' names.
local function described(model, groups)
  local names, list = {}, {}
  for _, entry in ipairs(model:named_parameters()) do names[entry.tensor] = entry.name end
  for g, group in ipairs(groups) do
    local own = {}
    for i, parameter in ipairs(group.parameters) do own[i] = names[parameter] end
    list[g] = { table.concat(own, " "), lr = group.lr, weight_decay = group.weight_decay }
  end
  return list
end

describe("optim.groups", function()
  it("gives parameters the options of all patterns that their names fit", function()
    local model = new_model()
    assert.same({ { "1.weight 4.weight" }, { "1.bias 2.bias 4.bias", weight_decay = 0 }, { "2.weight", lr = 0.5 } },
      described(model, optim.groups(model, { ["*.bias"] = { weight_decay = 0 }, ["2.weight"] = { lr = 0.5 } })))
    assert.same({ { "1.weight", lr = 0 }, { "1.bias", lr = 0, weight_decay = 0 }, { "2.weight 4.weight" },
      { "2.bias 4.bias", weight_decay = 0 } },
      described(model, optim.groups(model, { ["1*"] = { lr = 0 }, ["*bias"] = { weight_decay = 0 } })))
    assert.same({ { "1.weight 1.bias 2.weight 2.bias 4.weight 4.bias", lr = 1 } },
      described(model, optim.groups(model, { ["*"] = { lr = 1 } })))
  end)

  it("makes an optimiser that does as said", function()
    local model = new_model()
    local before = model[1].bias:clone()
    local opt = optim.SGD(optim.groups(model, { ["1.bias"] = { lr = 0 } }), { lr = 0.1 })
    local weight = model[1].weight:clone()
    nn.mse(model(fnet.randn { 5, 3 }), fnet.zeros { 5, 2 }):backward()
    opt:step()
    assert.same(before:totable(), model[1].bias:totable())
    assert.not_same(weight:totable(), model[1].weight:totable())
  end)

  it("takes names as they are, but for *", function()
    local model = nn.module "Odd" ()
    for _, name in ipairs { "a.b%", "axb%" } do
      model[name] = fnet.ones { 1 }
      model[name].requires_grad = true
    end
    assert.same({ { "a.b%", lr = 1 }, { "axb%" } },
      described(model, optim.groups(model, { ["a.b%"] = { lr = 1 } })))
  end)

  it("refuses what it cannot do", function()
    local model, raises = new_model(), support.raises
    raises("groups: no parameter has the name '*.bais'; there are 1.weight, 1.bias, 2.weight, 2.bias, 4.weight, " ..
      "4.bias; * stands for any letters", function() optim.groups(model, { ["*.bais"] = { lr = 1 } }) end)
    raises("groups: 1.bias: lr is 1 by '*.bias' and 2 by '1.*'; give it in one of them, or narrower names",
      function() optim.groups(model, { ["*.bias"] = { lr = 1 }, ["1.*"] = { lr = 2 } }) end)
    raises("groups: *.bias: expected a table of options, { lr = 0.1 }, got number",
      function() optim.groups(model, { ["*.bias"] = 1 }) end)
    raises("groups: *: expected options by name, such as lr, got string",
      function() optim.groups(model, { ["*"] = { parameters = {} } }) end)
    raises("groups: name: expected a text such as \"*.bias\", got number",
      function() optim.groups(model, { { lr = 1 } }) end)
    raises("groups: options: expected a table of options by names, { [\"*.bias\"] = { weight_decay = 0 } }, " ..
      "got nil", function() optim.groups(model) end)
    raises("groups: expected a model first, got table", function() optim.groups(model:parameters(), {}) end)
    raises("SGD: group 2: unknown option 'weight_decya' (did you mean 'weight_decay'?); known are parameters, " ..
      "lr, momentum, nesterov, weight_decay",
      function() optim.SGD(optim.groups(model, { ["*.bias"] = { weight_decya = 1 } })) end)
  end)
end)

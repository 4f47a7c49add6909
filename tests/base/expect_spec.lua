--- What every module uses to check arguments: options, numbers, names, and the hint at the nearest known name.

local expect = require "fnet.base.expect"
local fnet = require "fnet"
local naming = require "fnet.base.naming"
local raises = require("tests.support").raises

describe("the nearest name", function()
  it("is found for a slip of the fingers", function()
    local names = { "Dense", "Dropout", "LayerNorm", "LeakyReLU", "ReLU", "drop_last" }
    for slip, name in pairs {
      Dens = "Dense", dense = "Dense", Desne = "Dense", Droput = "Dropout", layernorm = "LayerNorm",
      Layer_Norm = "LayerNorm",
      relu = "ReLU", LeakyRelu = "LeakyReLU", droplast = "drop_last", ["drop-last"] = "drop_last",
    } do
      assert.equal(name, naming.nearest(slip, names))
    end
  end)

  it("is not guessed from afar, nor for what is no name", function()
    local names = { "Dense", "Dropout" }
    for _, name in ipairs { "Convolution", "", "x", ("Dense"):rep(100), 5, true } do
      assert.is_nil(naming.nearest(name, names))
    end
    assert.is_nil(naming.nearest(nil, names))
    assert.is_nil(naming.nearest("Dense", {}))
  end)
end)

describe("a table of public names", function()
  it("answers a misspelt one with the nearest", function()
    raises("fnet.nn has no 'Dens'; did you mean fnet.nn.Dense?", function() return fnet.nn.Dens end)
    raises("fnet.nn has no 'Linear'; did you mean fnet.nn.Dense?", function() return fnet.nn.Linear end)
    raises("fnet.nn has no 'MSELoss'; did you mean fnet.nn.mse?", function() return fnet.nn.MSELoss end)
    raises("fnet.optim has no 'adam'; did you mean fnet.optim.Adam?", function() return fnet.optim.adam end)
    raises("fnet.data has no 'fashion'", function() return fnet.data.fashion end)
    raises("fnet has no 'zeroes'; did you mean fnet.zeros?", function() return fnet.zeroes end)
    raises("fnet has no '1'", function() return fnet[1] end)
  end)

  it("answers the name of another library with its own, or with what there is instead", function()
    raises("fnet.nn has no 'Conv2d'; did you mean fnet.nn.Conv2D?", function() return fnet.nn.Conv2d end)
    raises("fnet.nn has no 'LSTMCell'; a sequence of one step does it, fnet.nn.LSTM(inputs, units), which gives "
      .. "its state back", function() return fnet.nn.LSTMCell end)
    raises("fnet.optim has no 'CosineAnnealingLR'; did you mean fnet.optim.schedule.cosine?",
      function() return fnet.optim.CosineAnnealingLR end)
    raises("fnet has no 'manual_seed'; did you mean fnet.seed?", function() return fnet.manual_seed end)
    raises("fnet.data has no 'split'; it is a method: local train, valid = set:split(0.8)",
      function() return fnet.data.split end)
  end)

  it("has every name that stands for another library's", function()
    local count = 0
    for _, list in ipairs { fnet, fnet.nn, fnet.optim, fnet.data, fnet.metrics } do
      for theirs, near in pairs(getmetatable(list).elsewhere) do
        assert.is_nil(rawget(list, theirs))
        local found = list
        for name in near:gmatch(near:find " " and "^$" or "[^.]+") do found = found[name] end
        count = count + 1
      end
    end
    assert.is_true(count > 30)
  end)
end)

describe("options", function()
  it("are a table with known names", function()
    raises("Dense: unknown option 'bais' (did you mean 'bias'?); known are activation, bias, init",
      function() fnet.nn.Dense(2, 2, { bais = false }) end)
    local parameters = fnet.nn.Dense(1, 1):parameters()
    raises("Adam: unknown option 'learning_rate' (did you mean 'lr'?); known are lr, beta1, beta2, epsilon, " ..
      "weight_decay, schedule", function() fnet.optim.Adam(parameters, { learning_rate = 1 }) end)
    raises("Adam: unknown option 'betas' (did you mean 'beta1' and 'beta2'?); known are lr, beta1, beta2, " ..
      "epsilon, weight_decay, schedule", function() fnet.optim.Adam(parameters, { betas = {} }) end)
    raises("Adam: expected a table of options, got number",
      function() fnet.optim.Adam(fnet.nn.Dense(1, 1):parameters(), 0.1) end)
    raises("Dense: expected a table of options, got a float32 tensor of [1], whose number is t:item()",
      function() fnet.nn.Dense(2, 2, fnet.zeros { 1 }) end)
    raises("fashion_mnist: expected a table of options, got fnet.data itself; call it with a dot, " ..
      "fnet.data.fashion_mnist(...)", function() local _ = fnet.data:fashion_mnist() end)
    raises("Dense: init: unknown name 'he_norml' (did you mean 'he_normal'?); known are glorot_normal, " ..
      "glorot_uniform, he_normal, he_uniform, lecun_normal, orthogonal, zeros",
      function() fnet.nn.Dense(2, 2, { init = "he_norml" }) end)
  end)
end)

describe("a check that stands where it is needed", function()
  it("gives the value back, or says what was expected and what came", function()
    assert.equal(5, expect.that(true, "x: y", "a number", 5))
    assert.is_nil(expect.that(true, "x: y", "a number or nothing", nil))
    raises("x: y: expected a number, got nil", function() expect.that(false, "x: y", "a number", nil) end)
    raises("x: y: expected a number, got float32 [2]",
      function() expect.that(nil, "x: y", "a number", fnet.ones { 2 }) end)
  end)
end)

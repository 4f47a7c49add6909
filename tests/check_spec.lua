--- What every module uses to check arguments: options, numbers, names, and the hint at the nearest known name.

local fnet = require "fnet"
local check = require "fnet.check"
local raises = require("tests.support").raises

describe("the nearest name", function()
  it("is found for a slip of the fingers", function()
    local names = { "Dense", "Dropout", "LayerNorm", "LeakyReLU", "ReLU", "drop_last" }
    for slip, name in pairs {
      Dens = "Dense", dense = "Dense", Desne = "Dense", Droput = "Dropout", layernorm = "LayerNorm",
      Layer_Norm = "LayerNorm",
      relu = "ReLU", LeakyRelu = "LeakyReLU", droplast = "drop_last", ["drop-last"] = "drop_last",
    } do
      assert.equal(name, check.nearest(slip, names))
    end
  end)

  it("is not guessed from afar, nor for what is no name", function()
    local names = { "Dense", "Dropout" }
    for _, name in ipairs { "Convolution", "", "x", ("Dense"):rep(100), 5, true } do
      assert.is_nil(check.nearest(name, names))
    end
    assert.is_nil(check.nearest(nil, names))
    assert.is_nil(check.nearest("Dense", {}))
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
end)

describe("options", function()
  it("are a table with known names", function()
    raises("Dense: unknown option 'bais' (did you mean 'bias'?); known are activation, bias, init",
      function() fnet.nn.Dense(2, 2, { bais = false }) end)
    raises("Adam: expected a table of options, got number",
      function() fnet.optim.Adam(fnet.nn.Dense(1, 1):parameters(), 0.1) end)
    raises("Dense: expected a table of options, got a tensor", function() fnet.nn.Dense(2, 2, fnet.zeros { 1 }) end)
    raises("Dense: init: unknown name 'he_norml' (did you mean 'he_normal'?); known are glorot_normal, " ..
      "glorot_uniform, he_normal, he_uniform, lecun_normal, orthogonal, zeros",
      function() fnet.nn.Dense(2, 2, { init = "he_norml" }) end)
  end)
end)

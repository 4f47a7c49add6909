--- Names of PyTorch and NumPy: what the error about them says is there.

local fnet = require "fnet"
local core = require "fnet.core"
local elsewhere = require "fnet.tensor.elsewhere"
local layers = require "fnet.nn.elsewhere"
local support = require "tests.support"

local raises = support.raises
local t = fnet.ones { 2, 2 }
local properties = {}
for _, name in ipairs(core.metatable.properties) do properties[name] = true end

describe("a name from elsewhere", function()
  it("of a tensor leads to one that tensors have", function()
    for _, names in ipairs { core.metatable.elsewhere, elsewhere.tensor } do
      for theirs, ours in pairs(names) do
        assert.is_truthy(ours:find " " or core.methods[ours] or properties[ours],
          theirs .. " leads to " .. ours)
        assert.is_nil(core.methods[theirs], theirs .. " is a method")
      end
    end
  end)

  it("of fnet leads to one that fnet has", function()
    local class = getmetatable(fnet)
    for _, names in ipairs { class.elsewhere, elsewhere.functions } do
      for theirs, ours in pairs(names) do
        assert.is_truthy(ours:find " " or pcall(function() return fnet[ours] end),
          theirs .. " leads to " .. ours)
        assert.is_false((pcall(function() return fnet[theirs] end)), theirs .. " is a function")
      end
    end
  end)

  it("of a layer leads to one that fnet.nn has, or to code that runs", function()
    local named = getmetatable(fnet.nn).elsewhere
    for theirs, ours in pairs(layers) do
      assert.is_nil(rawget(named, theirs), theirs .. " is in two tables")
      assert.is_nil(rawget(fnet.nn, theirs), theirs .. " is a layer")
      assert.is_truthy(ours:find " " or fnet.nn[ours], theirs .. " leads to " .. ours)
      local code = ours:match "^(fnet%.nn%.Lambda.*) does it$"
      if code then
        local layer = assert(load("local fnet = require 'fnet' return " .. code))()
        assert.is_true(fnet.is_tensor(layer(fnet.rand { 2, 4, 4, 3 })), theirs)
      end
    end
  end)

  it("is not in two tables", function()
    for theirs in pairs(elsewhere.tensor) do assert.is_nil(core.metatable.elsewhere[theirs], theirs) end
    for theirs in pairs(elsewhere.functions) do
      assert.is_nil(rawget(getmetatable(fnet).elsewhere, theirs), theirs)
    end
  end)

  it("is answered", function()
    raises("a tensor has no field or method 'multinomial'; did you mean 'sample'?",
      function() return t.multinomial end)
    raises("a tensor has no field or method 'add_'; t:add(...) gives a new tensor, " ..
      "t:copy(value) changes t in place",
      function() return t:add_(1) end)
    raises("a tensor has no field or method 'zero_'; t:fill(0) sets all elements to 0",
      function() return t:zero_() end)
    raises([[a tensor has no field or method 'trace'; fnet.einsum("ii", t) is the trace]],
      function() return t.trace end)
    raises("fnet has no 'default_rng'; did you mean fnet.generator?", function() return fnet.default_rng end)
    raises("fnet has no 'multinomial'; it is a method of tensors: t:sample(...)",
      function() return fnet.multinomial end)
    raises("fnet has no 'tensordot'; did you mean fnet.einsum?", function() return fnet.tensordot end)
    raises("fnet.nn has no 'MaxPool1d'; fnet.nn.MaxPool2D { 2, 1 } takes sequences as pictures one wide, " ..
      "x:unsqueeze(3)", function() return fnet.nn.MaxPool1d end)
  end)

  it("is answered where it is written otherwise", function()
    raises("fnet.nn has no 'mse_loss'; did you mean fnet.nn.mse?", function() return fnet.nn.mse_loss end)
    raises("fnet.nn has no 'mean_squared_error'; did you mean fnet.nn.mse?",
      function() return fnet.nn.mean_squared_error end)
    raises("fnet.metrics has no 'auroc'; did you mean fnet.metrics.auc?", function() return fnet.metrics.auroc end)
  end)

  it("of what is in a table of fnet leads there", function()
    raises("fnet has no 'Linear'; it is fnet.nn.Dense", function() return fnet.Linear end)
    raises("fnet has no 'Adam'; it is fnet.optim.Adam", function() return fnet.Adam end)
    raises("fnet has no 'read_csv'; it is fnet.data.read_csv", function() return fnet.read_csv end)
    raises("fnet has no 'StepLR'; it is fnet.optim.schedule.step", function() return fnet.StepLR end)
    raises("fnet has no 'DataLoader'; a data set gives its batches: for x, y in set:batches { size = 32, " ..
      "shuffle = true } do", function() return fnet.DataLoader end)
  end)
end)

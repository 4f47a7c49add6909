--- Names of PyTorch and NumPy: what the error about them says is there.

local fnet = require "fnet"
local core = require "fnet.core"
local elsewhere = require "fnet.tensor.elsewhere"
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
  end)
end)

--- Errors inside a model: each names the layer that runs and its place, be it one of the library's, a function or
-- a class of one's own; what a script raises itself stays as it is.

local fnet = require "fnet"
local raises = require("tests.support").raises
local nn = fnet.nn

local x = fnet.ones { 2, 4 }

local function class_of(name, forward)
  local class = nn.module(name)
  class.forward = forward
  return class
end

describe("a layer that is given no tensor", function()
  it("says so, whatever it is", function()
    local layers = {
      nn.Dense(2, 3), nn.Dense(2, 3, { activation = "elu" }), nn.Conv2D(1, 2, 3), nn.MaxPool2D(2), nn.AvgPool2D(2),
      nn.Flatten(), nn.Reshape(2, 2), nn.Embedding(3, 2), nn.ReLU(), nn.LeakyReLU(), nn.ELU(), nn.SELU(), nn.GELU(),
      nn.SiLU(), nn.Sigmoid(), nn.Tanh(), nn.Softplus(), nn.Softmax(), nn.LogSoftmax(),
    }
    for _, layer in ipairs(layers) do
      local with_hint = "table; fnet.tensor { ... } makes one of numbers"
      for got, value in pairs { ["nil"] = false, string = "x", [with_hint] = { 1, 2 } } do
        raises(("%s: expected a tensor, got %s"):format(layer, got), function() layer(value or nil) end)
      end
    end
    raises("layer 1, Flatten(): expected a tensor, got nil",
      function() nn.Sequential { nn.Flatten(), nn.Dense(4, 2) }(nil) end)
    raises("layer 2, Softmax(): expected a tensor, got table; fnet.tensor { ... } makes one of numbers",
      function() nn.Sequential { nn.Lambda(function() return {} end), nn.Softmax() }(x) end)
  end)

  it("is told where the model is declared that a list comes out of Parallel", function()
    local lists = nn.Parallel { nn.Dense(4, 2), nn.Dense(4, 2) }
    local advice = "gives a list; nn.Concat joins the results of its branches"
    raises("layer 2, Dense(4, 2) expects a tensor, but layer 1, Parallel { ... } " .. advice,
      function() nn.Sequential { lists, nn.Dense(4, 2) } end)
    raises("layer 2, ReLU() expects a tensor, but layer 1, Sequential { ... } " .. advice,
      function() nn.Sequential { nn.Sequential { lists }, nn.ReLU() } end)
    local model = nn.Sequential { lists, nn.Lambda(function(list) return list[1] end), nn.Dense(2, 3) }
    assert.same({ 2, 3 }, model(x).shape)
    raises("Concat { ... }: branch 1: expected a tensor from it, got table",
      function() nn.Concat { nn.Parallel { nn.ReLU() } }(x) end)
    raises("Residual { ... }: expected two tensors to add, got float32 [2, 4] and, from its layers, table",
      function() nn.Residual { nn.Parallel { nn.ReLU() } }(x) end)
  end)
end)

describe("the place of a layer", function()
  local sum = "add: shapes [2, 3] and [9] do not fit together: counted from the last axis, lengths must be " ..
    "equal or 1"

  it("is in front of the errors of a function", function()
    local f = function(y) return y + fnet.ones { 9 } end
    local model = nn.Sequential { nn.Dense(4, 3), nn.Lambda(f) }
    local _, message = pcall(model, x)
    assert.matches("layer 2, Lambda(): " .. sum, message, 1, true)
    assert.matches(("place_spec.lua:%d: "):format(debug.getinfo(f, "S").linedefined), message, 1, true)
  end)

  it("is in front of the errors of a class of one's own, also where its forward ends in a call", function()
    local product = "matmul: expected [..., m, k] and [..., k, n], got [2, 3] and [9, 9]: k is 3 in the first " ..
      "and 9 in the second"
    local Product = class_of("Product", function(_, y) return y:matmul(fnet.ones { 9, 9 }) end)
    raises("layer 2, Product(): " .. product, function() nn.Sequential { nn.Dense(4, 3), Product() }(x) end)
    raises("layer 1, layer 2, Product(): " .. product,
      function() nn.Sequential { nn.Sequential { nn.Dense(4, 3), Product() } }(x) end)
  end)

  it("follows the fields that hold layers", function()
    local Block = nn.module "Block"
    function Block:init()
      self.body = nn.Sequential { nn.Dense(4, 3), nn.Lambda(function(y) return y + fnet.ones { 9 } end) }
    end
    function Block:forward(y) return self.body(y) end
    local _, message = pcall(nn.Sequential { nn.ReLU(), Block() }, x)
    assert.matches("layer 2, body, layer 2, Lambda(): " .. sum, message, 1, true)
  end)

  it("is that of the innermost layer, whoever runs it", function()
    local fails = class_of("Fails", function(_, y) return y + fnet.ones { 9 } end)
    local wide = "add: shapes [2, 4] and [9] do not fit together: counted from the last axis, lengths must be " ..
      "equal or 1"
    for place, model in pairs {
      ["Fails()"] = fails(),
      ["branch 2, Fails()"] = nn.Parallel { nn.ReLU(), fails() },
      ["branch 1, layer 2, Fails()"] = nn.Concat { nn.Sequential { nn.ReLU(), fails() } },
      ["layer 1, Fails()"] = nn.Residual { fails() },
      ["apply, Fails()"] = nn.Dense(4, 4, { activation = fails() }),
    } do
      local ok, message = pcall(model, x)
      assert.is_false(ok)
      assert.equal(place .. ": " .. wide, message:sub(-#place - #wide - 2))
    end
  end)

  it("is not said twice", function()
    raises("layer 1, Dense(3, 2): expected an input of [..., 3], got [2, 4]",
      function() nn.Sequential { nn.Dense(3, 2) }(x) end)
    local Nothing = class_of("Nothing", function() end)
    raises("layer 1, layer 1, Nothing(): its forward gave nil; does it return its result?",
      function() nn.Sequential { nn.Sequential { Nothing() } }(x) end)
  end)

  it("leaves alone what a script raises", function()
    local thrown = { code = 1 }
    local Thrower = class_of("Thrower", function() error(thrown) end)
    local _, got = pcall(nn.Sequential { nn.ReLU(), Thrower() }, x)
    assert.equal(thrown, got)
    local Teller = class_of("Teller", function() error("its own words", 0) end)
    _, got = pcall(nn.Sequential { nn.ReLU(), Teller() }, x)
    assert.equal("its own words", got)
  end)

  it("leaves a field of that name to the script", function()
    local Owner = class_of("Owner", function(self, y) return self.place(y) end)
    function Owner:init() self.place = nn.Dense(4, 2) end
    local owner = Owner()
    assert.same({ 2, 2 }, owner(x).shape)
    local model = nn.Sequential { owner }
    assert.same({ 2, 2 }, model(x).shape)
    assert.same({ 2, 2 }, model:clone()(x).shape)
    raises("layer 1, place, Dense(4, 2): expected an input of [..., 4], got [2, 3]",
      function() model(fnet.ones { 2, 3 }) end)
  end)

  it("is left out where finding it fails", function()
    for _, describe in ipairs {
      function() error "no description" end, function() return fnet.ones { 2 } + fnet.ones { 3 } end,
      function() return 1 end,
    } do
      local Silent = class_of("Silent", function(_, y)
        local z = y + fnet.ones { 9 }
        return z
      end)
      Silent.describe = describe
      local _, message = pcall(Silent(), fnet.ones { 2, 3 })
      assert.matches("spec.lua:%d+: add: shapes %[2, 3%] and %[9%]", message)
    end
    raises("ReLU(): expected a tensor, got nil", function() nn.ReLU()() end) -- and found again afterwards
  end)
end)

describe("a layer that takes no more arguments", function()
  it("refuses them: elsewhere they mean something", function()
    raises("Softmax: expected no arguments, got 1", function() nn.Softmax(2) end)
    raises("ReLU: expected no arguments, got 1", function() nn.ReLU(3) end)
    raises("Flatten: expected no arguments, got 2", function() nn.Flatten(1, 2) end)
    raises("Dropout: expected at most 1, got 2", function() nn.Dropout(0.5, true) end)
    assert.equal("ReLU()", tostring(nn.ReLU(nil)))
    local Own = class_of("Own", function(_, y) return y end)
    function Own:init() self.kept = true end
    assert.is_true(Own(1, 2).kept)
  end)
end)

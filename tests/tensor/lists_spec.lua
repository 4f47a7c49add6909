--- Lists with nil in them: Lua 5.4 says of { 1, nil, 3 } that its length is 3, Lua 5.5 that it is 1. No function
-- may go on with the part in front.

local fnet = require "fnet"
local core = require "fnet.core"
local raises = require("tests.support").raises
local nn, optim, data = fnet.nn, fnet.optim, fnet.data

describe("a list", function()
  it("ends at its last number", function()
    assert.equal(0, core.length {})
    assert.equal(0, core.length { name = 1 })
    assert.equal(3, core.length { 1, 2, 3, name = 1 })
    assert.equal(3, core.length { 1, nil, 3 })
    assert.equal(2, core.length { nil, 2 })
    assert.equal(9, core.length { [1] = 1, [9] = 1 })
    assert.equal(2, core.length { 1, 2, [-1] = 1, [2.5] = 1, n = 7 })
    local grown = {}
    for i = 1, 1000 do grown[i] = i end
    assert.equal(1000, core.length(grown))
    grown[500] = nil
    assert.equal(1000, core.length(grown))
    for count = 1, 12 do -- in whatever order it came to be, and with whatever beside
      for last = count + 2, 40 do
        local backward, named = { [last] = 1 }, { a = 1, b = 1, c = 1, d = 1, e = 1 }
        for i = count, 1, -1 do backward[i] = i end
        for i = 1, count do named[i] = i end
        named[last] = 1
        assert.same({ last, last }, { core.length(backward), core.length(named) })
      end
    end
  end)

  it("of names, numbers or functions with nil in it is refused", function()
    local layer, set = nn.Dense(3, 2), data.Dataset { x = fnet.rand { 2, 3 }, y = fnet.ones { 2, 2 } }
    local function fit(options)
      options.train, options.optim, options.loss = set, optim.SGD, nn.mse
      return (fnet.fit(layer, options))
    end
    local callback = { finish = print }
    local calls = {
      ["sweep: seeds"] = function(list) return fnet.sweep { seeds = list, run = math.abs } end,
      ["fit: callbacks"] = function() return fit { callbacks = { callback, nil, callback } } end,
      ["fit: figures"] = function(list) return fit { step = print, figures = list } end,
      ["class: X: moments"] = function(list)
        return (optim.class("X", { options = { lr = 1 }, moments = list, update = print }))
      end,
      ["Dataset: classes"] = function(list)
        return (data.Dataset { x = set.x, y = fnet.tensor({ 1, 1 }, "int32"), classes = list })
      end,
      ["read_csv: columns"] = function(list) return data.read_csv("x", { target = "y", columns = list }) end,
      ["read_csv: missing_values"] = function(list)
        return data.read_csv("x", { target = "y", missing_values = list })
      end,
      ["read_images: classes"] = function(list) return data.read_images("x", { classes = list }) end,
      ["read_tensors: names"] = function(list) return fnet.read_tensors("x", { names = list }) end,
      ["read_npz: names"] = function(list) return data.read_npz("x", { names = list }) end,
      ["gradcheck: inputs"] = function() return fnet.gradcheck(math.abs, { set.x, nil, set.x }) end,
      ["json"] = function() return fnet.report.json { { "a", 1 }, nil, { "b", 2 } } end,
      ["page: history"] = function()
        return fnet.report.page("x", { history = { { loss = 1 }, nil, { loss = 2 } } })
      end,
      ["options: specs"] = function()
        return fnet.options({}, "Trains.", { { "a", 1, "first" }, nil, { "b", 2, "second" } })
      end,
      ["transforms"] = function()
        return (set:with { transform = { data.random_shift(1), nil, data.random_shift(1) } })
      end,
    }
    for what, call in pairs(calls) do
      local list = what == "sweep: seeds" and { 1, nil, 3 } or { "a", nil, "b" }
      local message = core.error_text(select(2, pcall(call, list)))
      assert.equal(what .. ": entry 2 is nil: is its name a variable that exists?", message)
    end
  end)

  it("with nil in it is refused", function()
    local a, w, nothing = fnet.rand { 4, 3 }, fnet.zeros { 3 }, nil
    w.requires_grad = true
    local layer = nn.Dense(3, 2)
    local whole = "expected a whole number "
    raises("zeros: " .. whole .. "of at least 0, got nil", function() local _ = fnet.zeros { 2, nothing, 3 } end)
    raises("reshape: " .. whole .. "of at least -1, got nil", function() local _ = a:reshape { 3, nothing, 4 } end)
    for _, name in ipairs { "sum", "median" } do
      raises(name .. ": axis: " .. whole .. "from 1 to 2, got nil",
        function() local _ = a[name](a, { 1, nothing, 2 }) end)
    end
    raises("quantile: q: expected a number from 0 to 1, got nil",
      function() local _ = a:quantile { 0.1, nothing, 0.2 } end)
    raises("concat: expected a tensor, got nil", function() fnet.concat { a, nothing, a } end)
    raises("stack: expected a tensor, got nil", function() fnet.stack { nothing, a } end)
    raises("grad: input 2: expected a tensor, got nil", function() fnet.grad(w:sum(), { w, nothing, w }) end)
    raises("Sequential: layer 2 is nil: is its name a variable that exists?",
      function() nn.Sequential { layer, nothing, layer } end)
    raises("SGD: parameter 2: expected a tensor, got nil", function() optim.SGD({ w, nothing, w }, { lr = 1 }) end)
    raises("SGD: group 2: expected a table of at least one parameter, such as model:parameters()",
      function() optim.SGD({ { parameters = { w } }, nothing, { parameters = { layer.weight } } }, { lr = 1 }) end)
    raises("Dense(3, 2): its forward takes 1 of the 3 inputs that the samples have; write one that takes each, " ..
      "function Model:forward(a, b), or give samples in one tensor",
      function() fnet.predict(layer, { a, nothing, a }) end)
    raises("sweep: lr: value 2 is nil",
      function() fnet.sweep { lr = { 1, nothing, 2 }, run = function() return 1 end } end)
    local set = data.Dataset { x = a, y = fnet.tensor({ 1, 2, 1, 2 }, "int32") }
    local options = { loss = nn.cross_entropy, metrics = { nothing, "accuracy" } }
    raises("evaluate: metrics: expected one of accuracy, got nil",
      function() fnet.evaluate(layer, set, options) end)
    raises("pictures: picture 2: expected a tensor [height, width] or [height, width, 3], got nil",
      function() fnet.report.pictures { a, nothing, a } end)
  end)
end)

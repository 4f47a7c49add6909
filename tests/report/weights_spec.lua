--- First-layer weights as pictures.

local fnet = require "fnet"
local raises = require("tests.support").raises
local terminal = require "tests.support.terminal"
local nn, report = fnet.nn, fnet.report

-- A layer whose units each have one weight of 1, in the place of their number, among those of -0.5.
local function dense(inputs, units)
  return nn.Dense(inputs, units, { init = function(shape)
    local weight = fnet.full(shape, -0.5)
    for unit = 1, units do weight:select(2, unit):slice(1, unit, unit):fill(1) end
    return weight
  end })
end

local MEANING = "\n\nshades from blank, the most negative weight, over '=' and '+', about 0, to '@',\nthe " ..
  "most positive"

describe("weights", function()
  it("of a layer on flattened pictures are one picture a unit, each by its largest weight", function()
    local model = nn.Sequential { nn.Flatten(), dense(16, 2), nn.ReLU() }
    assert.equal("layer 2, Dense(16, 2)\n\n@@::::::  ::@@::::\n::::::::  ::::::::\n::::::::  ::::::::\n" ..
      "::::::::  ::::::::\nunit 1    unit 2" .. MEANING, report.weights(model))
    local text = report.weights(dense(16, 2), { shape = { 2, 8 }, count = 1 })
    assert.equal("the first unit of Dense(16, 2)\n\n+:::::::\nunit 1" .. MEANING, text)
  end)

  it("of a convolution are its kernels, enlarged", function()
    local conv = nn.Conv2D(1, 2, 2, { init = function(shape) return fnet.tensor({ 1, -1, 0, 0, 0, 0, -1, 1 })
      :reshape(shape) end })
    local text = "@@@@++++      ++++\n@@@@++++      ++++\n++++      ++++@@@@\n++++      ++++@@@@\n"
    local expected = "Conv2D(1, 2, 2)\n\n" .. text .. "unit 1    unit 2" .. MEANING
    assert.equal(expected, (report.weights(conv):gsub(" +\n", "\n")))
  end)

  it("have two hues on a terminal, and the colours of pictures with three channels", function()
    local function drawn(model, options)
      return terminal.pretend(80, {}, function() return report.weights(model, options) end)
    end
    assert.matches("38;5;230;48;5;%d+m▀", drawn(dense(16, 1), { shape = { 4, 4 } }))
    assert.matches("\27%[38;5;%d+;48;5;%d+m▀", drawn(nn.Conv2D(3, 4, 3)))
    assert.matches("2, channel 5$", drawn(nn.Conv2D(5, 2, 3)))
  end)

  it("are sixteen at most unless more are asked for", function()
    local function count(options)
      return select(2, report.weights(nn.Conv2D(1, 20, 3), options):gsub("unit ", ""))
    end
    assert.same({ 16, 20, 3 }, { count(), count { count = 100 }, count { count = 3 } })
  end)

  it("of a unit that is zero, or not finite, are drawn", function()
    assert.matches("%+%+%+%+", report.weights(nn.Dense(4, 1, { init = "zeros" }), { shape = { 2, 2 } }))
    local broken = nn.Dense(4, 1, { init = function(shape) return fnet.full(shape, 0 / 0) end })
    assert.matches("%?%?%?%?", report.weights(broken, { shape = { 2, 2 } }))
  end)

  it("leave the model as it was", function()
    local model = dense(16, 2)
    local before = model:sha256()
    report.weights(model, { shape = { 4, 4 } })
    assert.same({ before, true }, { model:sha256(), model.weight.requires_grad })
  end)

  it("are refused where there is no picture", function()
    raises("weights: expected a model or a layer first, got nil", function() report.weights() end)
    raises("weights: expected a model with a Dense or a Conv2D layer, got ReLU()",
      function() report.weights(nn.ReLU()) end)
    raises("weights: Dense(16, 2) takes rows of 16 numbers; what picture they are is said by shape = " ..
      "{ height, width }", function() report.weights(dense(16, 2)) end)
    raises("weights: shape: expected 16 numbers in all for Dense(16, 2), got 6",
      function() report.weights(dense(16, 2), { shape = { 2, 3 } }) end)
    raises("weights: shape: Conv2D(1, 4, 3) has the shape of its kernels",
      function() report.weights(nn.Conv2D(1, 4, 3), { shape = { 3, 3 } }) end)
    raises("weights: count: expected a whole number of at least 1, got 0",
      function() report.weights(dense(16, 2), { count = 0 }) end)
  end)
end)

-- A spec of your own, for busted: is the layer right, does it learn, and are its weights those of yesterday?
--   busted --lua=./fnet examples/recipes/own_spec.lua

local fnet = require "fnet"
require "fnet.testing" -- assert.allclose and others
local nn = fnet.nn

-- What is tested, a layer that would stand in a file of its own: a gain and a shift for each number.
local Affine = nn.module "Affine"

function Affine:init(units)
  self.gain, self.shift = fnet.ones { units }, fnet.zeros { units }
  self.gain.requires_grad, self.shift.requires_grad = true, true
end

function Affine:forward(x) return x * self.gain + self.shift end

describe("Affine", function()
  it("multiplies and adds", function()
    local layer = Affine(2)
    fnet.no_grad(function() layer.gain[2] = 3 end)
    local y = layer(fnet.tensor { { 1, 2 }, { 3, 4 } })
    assert.shape({ "?", 2 }, y)
    assert.allclose({ { 1, 6 }, { 3, 12 } }, y)
    assert.same(y, layer(fnet.tensor { { 1, 2 }, { 3, 4 } }))
  end)

  it("has right gradients", function()
    assert.gradcheck(Affine(3):to "float64", fnet.randn { 4, 3 })
  end)

  local function train()
    fnet.seed(1)
    local x = fnet.randn { 64, 3 }
    local model = Affine(3)
    return model, fnet.fit(model, {
      train = fnet.data.Dataset { x = x, y = x * 2 - 1 }, epochs = 5, loss = nn.mse,
      optim = fnet.optim.Adam(model:parameters(), { lr = 0.1 }),
    })
  end

  it("learns, to the same bits on any machine", function()
    local model, history = train()
    assert.falls(history.loss, 0.5)
    assert.sha256("2e59c460004d8b3b", model) -- with "" the message shows the digits to write
    assert.same_everywhere(function() return (train()) end)
  end)
end)

--- The observer: what the library tells whoever watches, and that it is gone afterwards.

local fnet = require "fnet"
require "fnet.testing"
local observer = require "fnet.base.observer"
local nn = fnet.nn

describe("an observer", function()
  local function train(steps)
    local model = nn.Sequential { nn.Dense(2, 3), nn.ReLU() }
    local set = fnet.data.Dataset { x = fnet.ones { 6, 2 }, y = fnet.ones { 6, 3 } }
    local optimiser, loss = fnet.optim.SGD(model:parameters(), { lr = 0.1 }), nil
    for x, y in set:batches { size = 4, drop_last = steps == 1 } do
      loss = nn.mse(model(x), y)
      loss:backward()
    end
    return model, optimiser, loss, set
  end

  it("is told of layers, optimisers, batches and gradients", function()
    local layers, made, loops, losses = {}, {}, {}, {}
    local closing <close> = observer.watch {
      run = function(layer, ...)
        table.insert(layers, layer)
        return layer:forward(...)
      end,
      optimiser = function(optimiser) table.insert(made, optimiser) end,
      batches = function(...) table.insert(loops, { ... }) end,
      backward = function(result) table.insert(losses, result) end,
    }
    local model, optimiser, loss, set = train(1)
    assert.same({ 1, 1, 3 }, { #made, #losses, #layers })
    assert.is_true(made[1] == optimiser and losses[1] == loss)
    assert.is_true(layers[1] == model and layers[2] == model[1] and layers[3] == model[2])
    assert.same({ 1, 4, 1 }, { #loops, loops[1][2], loops[1][3] })
    assert.equal(set, loops[1][1])
    train(2)
    assert.same({ 2, 4, 2 }, { #loops, loops[2][2], loops[2][3] })
    assert.truthy(closing)
  end)

  it("may leave out what it does not ask for", function()
    local _ <close> = observer.watch {}
    assert.same({ 6, 3 }, train(1)(fnet.ones { 6, 2 }).shape)
  end)

  it("gives way to another one, and is back afterwards, also after an error", function()
    local first, second = {}, {}
    do
      local _ <close> = observer.watch(first)
      pcall(function()
        local _ <close> = observer.watch(second)
        assert.equal(second, observer.current)
        error "out"
      end)
      assert.equal(first, observer.current)
    end
    assert.is_nil(observer.current)
  end)

  it("is not told of a check of gradients, which is no training", function()
    local calls = 0
    local _ <close> = observer.watch { backward = function() calls = calls + 1 end }
    assert.gradcheck(function(t) return t * t end, { fnet.rand { 3 } })
    assert.is_true(fnet.check(nn.Dense(2, 1), fnet.rand { 4, 2 }).gradients)
    assert.equal(0, calls)
  end)
end)

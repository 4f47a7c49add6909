--- A table of weights of which a batch uses few rows: optimisers may pass over the others, and nobody can tell by
-- the weights. Beside each training stands one whose gradient is a clone, of which nothing is known.

local fnet = require "fnet"
require "fnet.testing"
local nn, optim = fnet.nn, fnet.optim

local function whole(w) w.grad = w.grad:clone() end

-- The table after some steps, each with other rows, some of them named twice. change(w) comes between backward and
-- step. Its first row, which no batch uses, has numbers that are easily lost.
local function trained(shape, optimiser, options, change)
  fnet.seed(3)
  local w = fnet.randn(shape)
  w[1] = fnet.full({ table.unpack(shape, 2) }, -0.0)
  if shape[2] == 64 then w[1][1], w[1][2] = -math.huge, 1e-44 end
  w.requires_grad = true
  local opt = optim[optimiser]({ w }, options)
  for step = 1, 4 do
    local rows = fnet.tensor { 3, shape[1], 3, 60 + step, 2 + step }:int()
    opt:zero_grad()
    local y = w:gather(rows)
    nn.mse(y, fnet.randn(y.shape)):backward()
    if change then change(w, step) end
    opt:step()
  end
  return fnet.sha256(w)
end

-- Whether the step passes over rows or not, the bits are these.
local function same(shape, optimiser, options, change)
  local plain = trained(shape, optimiser, options, function(w, step)
    if change then change(w, step) end
    whole(w)
  end)
  assert.same_everywhere(function() return trained(shape, optimiser, options, change) end)
  assert.equal(plain, trained(shape, optimiser, options, change))
end

describe("a step of a table, few rows of which have a gradient, gives the same bits", function()
  it("for any shape", function()
    for _, shape in ipairs { { 100, 64 }, { 100, 3, 21 }, { 5000 }, { 129, 17 }, { 70, 1 } } do
      same(shape, "SGD", { lr = 0.1 })
    end
  end)

  it("for every optimiser and option", function()
    for _, case in ipairs {
      { "SGD", { lr = 0 } }, { "SGD", { lr = 1e300 } }, { "SGD", { lr = 0.1, momentum = 0.9 } },
      { "SGD", { lr = 0.1, weight_decay = 0.1 } }, { "Adam", {} }, { "RMSprop", {} }, { "Adagrad", {} },
      { "Lion", {} },
    } do
      same({ 100, 64 }, table.unpack(case))
    end
  end)

  it("when the gradient was changed in place, itself or by a view", function()
    same({ 100, 64 }, "SGD", { lr = 0.1 }, function(w) w.grad:fill(2) end)
    same({ 100, 64 }, "SGD", { lr = 0.1 }, function(w) w.grad:select(1, 7):fill(2) end)
    same({ 100, 64 }, "SGD", { lr = 0.1 }, function(w) w.grad[9][2] = 2 end)
    same({ 100, 64 }, "SGD", { lr = 0.1 }, function(w) w.grad:slice(1, 5, 10):copy(fnet.randn { 6, 64 }) end)
  end)

  it("when it was limited", function()
    same({ 100, 64 }, "SGD", { lr = 0.1 }, function(w) optim.clip_norm({ w }, 1e-3) end)
    same({ 100, 64 }, "SGD", { lr = 0.1 }, function(w) optim.clip_value({ w }, 1e-3) end)
  end)

  it("when more was added to it", function()
    same({ 100, 64 }, "SGD", { lr = 0.1 }, function(w) (w * w):sum():backward() end)
    same({ 100, 64 }, "SGD", { lr = 0.1 }, function(w) w:gather(fnet.tensor { 50, 1 }:int()):sum():backward() end)
  end)

  it("when it is a part of another gradient", function()
    same({ 100, 64 }, "SGD", { lr = 0.1 }, function(w)
      local other = fnet.randn { 200, 64 }
      other.requires_grad = true
      other:gather(fnet.tensor { 2, 5, 120, 199 }:int()):sum():backward()
      w.grad = other.grad:slice(1, 81, 180)
    end)
  end)
end)

describe("memory of a gradient with few rows", function()
  it("is zeros when it is used again", function()
    local w = fnet.zeros { 100, 64 }
    w.requires_grad = true
    local opt = optim.SGD({ w }, { lr = 1 })
    for step = 1, 3 do
      opt:zero_grad()
      w:gather(fnet.tensor { 10 * step, 99 }:int()):sum():backward()
      if step == 2 then optim.clip_value({ w }, 0.5) end -- nothing is known of it from here on
      opt:step()
    end
    local sums = w:sum(2):totable()
    for row = 1, 100 do
      assert.equal(({ [10] = -64, [20] = -32, [30] = -64, [99] = -160 })[row] or 0, sums[row])
    end
  end)

  it("holds what others write into it", function()
    local w = fnet.zeros { 100, 64 }
    w.requires_grad = true
    w:gather(fnet.tensor { 4 }:int()):sum():backward()
    w:zero_grad()
    local other = fnet.full({ 100, 64 }, 3)
    other:release()
    w:gather(fnet.tensor { 5 }:int()):sum():backward()
    assert.equal(64, w.grad:sum():item())
    assert.equal(64, w.grad[5]:sum():item())
  end)
end)

--- Rows that are longer than what a kernel does between two looks for Ctrl-C: the same numbers as by single steps.

local fnet = require "fnet"

local LOOK = 1 << 18
local LENGTHS = { LOOK, LOOK + 1, 2 * LOOK + 37 }

describe("a row of many elements", function()
  for _, n in ipairs(LENGTHS) do
    it("of " .. n .. " has the softmax that its parts make", function()
      fnet.seed(n)
      local x, dy = fnet.randn { 1, n }, fnet.randn { 1, n }
      local parts = (x - x:max():item()):exp()
      parts = parts / parts:sum():item()
      x.requires_grad = true
      local y = x:softmax()
      local loss = (y * dy):sum()
      loss:backward()
      assert.equal(fnet.sha256(parts), fnet.sha256(y:detach()))
      assert.equal(fnet.sha256(parts * (dy - (dy * parts):sum():item())), fnet.sha256(x.grad))
    end)

    it("of " .. n .. " has its extremes at any place", function()
      for _, place in ipairs { 1, LOOK, n - 1, n } do
        for axis = 1, 2 do
          local x = fnet.zeros { n }
          x:slice(1, place, place):fill(3)
          x = axis == 1 and x:reshape { n, 1 } or x:reshape { 1, n }
          assert.equal(3, x:max(axis):item())
          assert.equal(-3, (-x):min(axis):item())
          assert.equal(place, x:argmax(axis):item())
          assert.equal(3, x:int():sum(axis):item())
          assert.equal(place, x:byte():argmax(axis):item())
        end
      end
    end)

    it("of " .. n .. " is normalised as a whole", function()
      local layer = fnet.nn.LayerNorm(n, { epsilon = 0 })
      local y = layer((fnet.arange(1, n):float() / n):reshape { 1, n })
      assert.is_true(math.abs(y:mean():item()) < 1e-6)
      assert.is_true(math.abs((y * y):mean():item() - 1) < 1e-4)
    end)
  end
end)

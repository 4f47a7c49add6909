--- What is done at the end of a block, however it is left.

local fnet = require "fnet"
local closing = require "fnet.base.closing"
local keep_random = require "fnet.base.keep_random"

describe("closing", function()
  it("calls the function at the end of the block, without arguments, and after an error", function()
    local calls = {}
    do
      local _ <close> = closing(function(...) calls[#calls + 1] = select("#", ...) end)
      assert.same({}, calls)
    end
    local ok, message = pcall(function()
      local _ <close> = closing(function(...) calls[#calls + 1] = select("#", ...) end)
      error("why", 0)
    end)
    assert.same({ { 0, 0 }, false, "why" }, { calls, ok, message })
  end)
end)

describe("keep_random", function()
  it("lets the random numbers go on as if the block had taken none", function()
    fnet.seed(5)
    local expected = fnet.rand({ 3 }):totable()
    fnet.seed(5)
    pcall(function()
      local _ <close> = keep_random()
      fnet.rand { 10 }
      fnet.seed(1)
      error()
    end)
    assert.same(expected, fnet.rand({ 3 }):totable())
  end)
end)

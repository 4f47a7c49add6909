--- Seeds: equal ones give equal random numbers, of Lua's own generator too.

local fnet = require "fnet"

local function draw() return { math.random(), math.random(1000), fnet.rand({ 1 }):item() } end

describe("a seed", function()
  it("starts math.random anew, with fnet's random numbers", function()
    for _, seed in ipairs { 1, -7, 0, math.maxinteger, math.mininteger } do
      fnet.seed(seed)
      local first = draw()
      assert.not_same(first, draw())
      fnet.seed(seed)
      assert.same(first, draw())
    end
    fnet.seed(1)
    local first = draw()
    fnet.seed(2)
    assert.not_same(first, draw())
    fnet.seed(1.0)
    assert.same(first, draw())
  end)

  it("of fit and of a sweep does the same", function()
    local set = fnet.data.Dataset { x = fnet.ones { 4, 1 }, y = fnet.ones { 4, 1 } }
    local function train(seed)
      local numbers = {}
      fnet.fit(fnet.nn.Dense(1, 1), { train = set, loss = fnet.nn.mse, optim = fnet.optim.SGD, seed = seed,
        callbacks = { step = function() numbers[#numbers + 1] = math.random() end } })
      return numbers
    end
    assert.same(train(4), train(4))
    assert.not_same(train(4), train(5))
    local function run() return math.random() end
    local sweep = fnet.sweep { seeds = { 1, 2 }, run = run, callback = function() end }
    local again = fnet.sweep { seeds = { 1, 2 }, run = run, callback = function() end }
    assert.same(sweep.rows[1].figures, again.rows[1].figures)
    assert.not_equal(sweep.rows[1].figures[1], sweep.rows[1].figures[2])
  end)
end)

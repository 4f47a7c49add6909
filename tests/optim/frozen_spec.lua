--- Optimisers and parameters that do not move in every step: frozen ones, ones that get their gradients late or
-- with gaps, and one tensor that is listed twice. Each is compared with an optimiser of its own that has seen only
-- the steps in which it moved.

local fnet = require "fnet"
local support = require "tests.support"
local nn, optim = fnet.nn, fnet.optim
local raises = support.raises

local function parameter(values)
  local t = fnet.tensor(values)
  t.requires_grad = true
  return t
end

local function gradient_of(step) return fnet.tensor { { step % 3 - 0.5, 2 - step % 5 } } end

-- Each kind, with the options that give it the most to remember.
local OPTIMISERS = {
  SGD = { lr = 0.1, momentum = 0.9, nesterov = true }, Adam = { lr = 0.1, weight_decay = 0.1 },
  AdamW = { lr = 0.1 }, RMSprop = { lr = 0.1 }, Adagrad = { lr = 0.1 }, Lion = { lr = 0.1, weight_decay = 0.1 },
  Muon = { lr = 0.1 },
}

-- The steps in which the i-th of four parameters has a gradient.
local PATTERNS = {
  function() return true end, function(step) return step > 7 end, function(step) return step % 3 == 0 end,
  function(step) return step == 5 or step > 9 end,
}
local STEPS = 14

-- What the parameters are after the steps, each moved by an optimiser of its own, which knows of its steps alone.
local function apart(new, options)
  local list = {}
  for i, moves in ipairs(PATTERNS) do
    list[i] = parameter { { i, -i } }
    local optimiser = new({ list[i] }, options)
    for step = 1, STEPS do
      if moves(step) then
        list[i].grad = gradient_of(step)
        optimiser:step()
      end
    end
  end
  return list
end

local function take_step(optimiser, list, step)
  optimiser:zero_grad()
  for i, moves in ipairs(PATTERNS) do
    if moves(step) then list[i].grad = gradient_of(step) end
  end
  optimiser:step()
end

for name, options in pairs(OPTIMISERS) do
  local new = optim[name]
  describe(name, function()
    local function start()
      local list = {}
      for i = 1, #PATTERNS do list[i] = parameter { { i, -i } } end
      return list, new({ { parameters = { list[1], list[2] } }, { parameters = { list[3], list[4] } } }, options)
    end

    it("moves a parameter whose gradients come late or with gaps as if it were alone", function()
      local list, optimiser = start()
      for step = 1, STEPS do take_step(optimiser, list, step) end
      for i, expected in ipairs(apart(new, options)) do assert.same(expected:totable(), list[i]:totable()) end
      assert.equal(STEPS, optimiser.steps)
    end)

    it("does so too where it goes on from a state in between", function()
      local expected = apart(new, options)
      for _, stop in ipairs { 2, 5, 8 } do
        local list, optimiser = start()
        for step = 1, stop do take_step(optimiser, list, step) end
        local state = optimiser:state()
        local again, other = start()
        fnet.no_grad(function() for i, p in ipairs(again) do p:copy(list[i]) end end)
        other:load_state(state)
        assert.same({ other.steps, other:state()["steps.2"] }, { stop, state["steps.2"] })
        for step = stop + 1, STEPS do take_step(other, again, step) end
        for i, p in ipairs(expected) do assert.same(p:totable(), again[i]:totable()) end
      end
    end)

    it("passes over a parameter while it is frozen, whatever gradient it has", function()
      local list, optimiser = start()
      list[2].requires_grad = false
      for step = 1, 7 do
        list[2].grad = fnet.ones { 1, 2 }
        list[1].grad = gradient_of(step)
        optimiser:step()
      end
      assert.same({ { 2, -2 } }, list[2]:totable())
      list[1].requires_grad, list[2].requires_grad = false, true
      local before = list[1]:totable()
      optimiser:zero_grad()
      assert.is_nil(list[1].grad)
      list[1].grad, list[2].grad = fnet.ones { 1, 2 }, gradient_of(1)
      optimiser:step()
      assert.same(before, list[1]:totable())
      local alone = parameter { { 2, -2 } }
      local other = new({ alone }, options)
      alone.grad = gradient_of(1)
      other:step()
      assert.same(alone:totable(), list[2]:totable())
    end)

    it("takes frozen parameters from the start, and says how many", function()
      local frozen, free = parameter { 1 }, parameter { 1 }
      frozen.requires_grad = false
      local optimiser = new({ frozen, free }, { lr = 0.5 })
      assert.equal(name .. "(2 parameters, 1 of them frozen, lr 0.5)", tostring(optimiser))
      assert.same({ frozen, free }, optimiser.parameters)
      free.grad = fnet.ones { 1 }
      optimiser:step()
      assert.same({ 1, true }, { frozen[1], free[1] < 1 })
      assert.equal(0, optimiser:state()["steps.1"])
      for key, value in pairs(optimiser:state()) do -- and remembers nothing for it
        assert.is_false(fnet.is_tensor(value) and key:find "%.1$" ~= nil, key)
      end
    end)

    it("refuses where all are frozen, with the way out", function()
      local p, q = parameter { 1 }, parameter { 1 }
      local optimiser = new({ p, q }, { lr = 0.5 })
      p.requires_grad, q.requires_grad = false, false
      p.grad = fnet.ones { 1 }
      raises(name .. ": step: all of its 2 parameters are frozen; unfreeze those that are to learn",
        function() optimiser:step() end)
      assert.equal(0, optimiser.steps)
      raises(name .. ": none of its 2 parameters requires gradients, so nothing would learn; unfreeze those that "
        .. "are to, or set their requires_grad to true", function() new({ p, q }) end)
      q.requires_grad = true
      assert.equal(2, #new({ { parameters = { p } }, { parameters = { q } } }).parameters)
    end)

    it("counts a tensor that is listed twice once", function()
      local p, q, single = parameter { 1 }, parameter { 2 }, parameter { 1 }
      local optimiser, other = new({ p, q, p }, { lr = 0.5 }), new({ single }, { lr = 0.5 })
      assert.same({ p, q }, optimiser.parameters)
      p.grad, single.grad = fnet.ones { 1 }, fnet.ones { 1 }
      optimiser:step()
      other:step()
      assert.equal(single[1], p[1])
    end)
  end)
end

describe("Adam", function()
  it("moves a parameter by the learning rate in each step, however late it begins", function()
    for _, new in ipairs { optim.Adam, optim.AdamW } do
      local early, late = parameter { 0 }, parameter { 0 }
      local optimiser = new({ early, late }, { lr = 0.5, weight_decay = 0 })
      for _ = 1, 1000 do
        early.grad = fnet.ones { 1 }
        optimiser:step()
      end
      for step = 1, 20 do
        early.grad, late.grad = fnet.ones { 1 }, fnet.ones { 1 }
        optimiser:step()
        assert.near(-0.5 * step, late[1], 1e-5 * step)
      end
    end
  end)

  it("goes on from a state that does not say who has moved how often", function()
    local function start()
      local list = { parameter { 1, 2 }, parameter { 3 } }
      return list, optim.Adam(list, { lr = 0.1 })
    end
    local list, optimiser = start()
    local function step(these, opt)
      these[1].grad, these[2].grad = fnet.tensor { 1, -2 }, fnet.tensor { 3 }
      opt:step()
    end
    for _ = 1, 3 do step(list, optimiser) end
    local state = optimiser:state()
    for key in pairs(state) do assert.is_nil(key:match "^steps%.") end -- none has fewer
    local again, other = start()
    fnet.no_grad(function() for i = 1, 2 do again[i]:copy(list[i]) end end)
    other:load_state(state)
    step(list, optimiser)
    step(again, other)
    assert.equal(fnet.sha256(table.unpack(list)), fnet.sha256(table.unpack(again)))
  end)

  it("refuses a state with counts that cannot be", function()
    local p, q = parameter { 1 }, parameter { 1 }
    local optimiser = optim.Adam { p, q }
    for _ = 1, 2 do
      p.grad = fnet.ones { 1 }
      optimiser:step()
    end
    for value, got in pairs { [3] = "number", [-1] = "number", [0.5] = "number", two = "string" } do
      local state = optimiser:state()
      state["steps.2"] = value
      raises("Adam: load_state: steps.2: expected a whole number from 0 to 2, got " .. got,
        function() optimiser:load_state(state) end)
    end
    local state = optimiser:state()
    state["steps.2"] = 1 -- so it has moments
    raises("Adam: load_state: moments1.2: expected float32 [1] like its parameter, got nil",
      function() optimiser:load_state(state) end)
  end)
end)

describe("fit", function()
  it("leaves frozen layers as they are, and moves them once they are not", function()
    fnet.seed(1)
    local model = nn.Sequential { nn.Dense(3, 4), nn.Tanh(), nn.Dense(4, 1) }
    local set = fnet.data.Dataset { x = fnet.rand { 32, 3 }, y = fnet.rand { 32, 1 } }
    local function freeze(frozen)
      for _, p in ipairs(model[1]:parameters()) do p.requires_grad = not frozen end
    end
    freeze(true)
    local first, last = model[1].weight:clone():detach(), model[3].weight:clone():detach()
    local opt = optim.Adam(model:parameters())
    fnet.fit(model, { train = set, loss = nn.mse, optim = opt, clip = 1 })
    assert.is_true(first:equal(model[1].weight:detach()))
    assert.is_false(last:equal(model[3].weight:detach()))
    freeze(false)
    fnet.fit(model, { train = set, loss = nn.mse, optim = opt, clip = 1 })
    assert.is_false(first:equal(model[1].weight:detach()))
  end)
end)

describe("Average", function()
  it("of frozen weights is those weights, and a tensor that is listed twice is one", function()
    local p, q = parameter { 0.1, 0.7 }, parameter { 1 }
    p.requires_grad = false
    local average = optim.Average({ p, q, p }, { decay = 0.9 })
    assert.equal(2, #average.parameters)
    for value = 1, 3 do
      fnet.no_grad(function() q:fill(value) end)
      average:update()
    end
    assert.same(p:totable(), average.averages[1]:totable())
    average:swap()
    assert.same({ p:totable(), false }, { average.averages[1]:totable(), p.requires_grad })
  end)
end)

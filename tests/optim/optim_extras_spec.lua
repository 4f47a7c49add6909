--- Schedules against their formulas, limits for gradients, averages of weights, and what each refuses.

local fnet = require "fnet"
require "fnet.testing"
local nn, optim = fnet.nn, fnet.optim
local schedule = optim.schedule

-- Calls f, which must raise an error at a line of this file.
local function raises(message, f)
  local ok, got = pcall(f)
  assert.is_false(ok)
  assert.equal(message, (got:gsub("^.-optim_extras_spec%.lua:%d+: ", "")))
  assert.not_equal(message, got)
end

local function parameter(values, dtype)
  local t = fnet.tensor(values, dtype)
  t.requires_grad = true
  return t
end

describe("a schedule", function()
  local function follows(f, formula, last)
    for step = 1, last do assert.near(formula(step), f(step), 1e-15, "step " .. step) end
  end

  it("is constant, falls in steps, or as half a cosine", function()
    follows(schedule.constant(), function() return 1 end, 3)
    follows(schedule.step { every = 3, factor = 0.5 }, function(step) return 0.5 ^ ((step - 1) // 3) end, 20)
    follows(schedule.step { every = 2 }, function(step) return 0.1 ^ ((step - 1) // 2) end, 9)
    follows(schedule.cosine { steps = 7 }, function(step)
      return (1 + math.cos(math.pi * math.min(1, (step - 1) / 7))) / 2
    end, 10)
    follows(schedule.cosine { steps = 100, floor = 0.2 }, function(step)
      return 0.2 + 0.4 * (1 + math.cos(math.pi * math.min(1, (step - 1) / 100)))
    end, 120)
    assert.equal(0, schedule.cosine { steps = 7 }(8))
  end)

  it("warms up to another one", function()
    follows(schedule.warm_up { steps = 4 }, function(step) return math.min(1, step / 4) end, 6)
    local after = schedule.cosine { steps = 10 }
    follows(schedule.warm_up { steps = 4, after = after }, function(step)
      return step <= 4 and step / 4 or after(step - 4)
    end, 16)
    assert.equal(0.25, schedule.warm_up { steps = 2, after = function() return 0.5 end }(1))
  end)

  it("warms up to one that is told how it goes, and tells and saves it", function()
    local function both() return schedule.warm_up { steps = 2, after = schedule.plateau { patience = 0 } } end
    local warm = both()
    assert.same({ 0.5, 1, 1 }, { warm(1), warm(2), warm(3) })
    assert.equal(1, warm:update(5))
    assert.equal(0.1, warm:update(5))
    assert.equal(0.1, warm(3))
    local again = both()
    again:load_state(warm:state())
    assert.equal(0.1, again(3))
    assert.equal("function", type(schedule.warm_up { steps = 2 }))
  end)

  it("takes no longer for a later step, and the same steps again", function()
    local decay = schedule.step { every = 1, factor = 0.5 }
    assert.same({ 1, 0.25, 0.5, 0.25, 0.125 }, { decay(1), decay(3), decay(2), decay(3), decay(4) })
    decay = schedule.step { every = 1, factor = 1 }
    local started = os.clock()
    for step = 1, 100000 do decay(step) end
    assert.is_true(os.clock() - started < 5) -- from the start each time: 5e9 products
  end)

  -- As PyTorch's OneCycleLR, whose steps count from 0.
  it("goes up and down in one cycle", function()
    for _, rise in ipairs { 0, 0.3, 0.05, 1 } do
      local up, last = rise * 20 - 1, 19
      local function between(from, to, share) return to + (from - to) / 2 * (1 + math.cos(math.pi * share)) end
      follows(schedule.one_cycle { steps = 20, rise = rise, start = 0.1, finish = 0.01 }, function(step)
        local done = math.min(last, step - 1)
        if done < up then return between(0.1, 1, done / up) end
        return up == last and 1 or between(1, 0.01, (done - up) / (last - up))
      end, 22)
    end
    local cycle = schedule.one_cycle { steps = 10 }
    assert.equal(0.04, cycle(1))
    assert.near(1, cycle(3), 1e-15)
    assert.near(4e-6, cycle(10), 1e-15)
  end)

  it("on a plateau waits, and reduces the factor", function()
    local plateau = schedule.plateau { factor = 0.5, patience = 1, floor = 0.2 }
    local factors = {}
    for i, value in ipairs { 3, 2, 2, 2, 1.9999, 1.9, 2, 2, 2, 2, 2, 2 } do
      factors[i] = plateau:update(value)
      assert.equal(factors[i], plateau(i))
    end
    assert.same({ 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2, 0.2 }, factors)
    local rising = schedule.plateau { patience = 0, goal = "max", threshold = 0.1 }
    assert.same({ 1, 1, 0.1 }, { rising:update(1), rising:update(1.2), rising:update(1.25) })
  end)

  it("on a plateau treats figures below zero as those above", function()
    local function after(options, ...)
      options.patience, options.factor = 1, 0.5
      local plateau = schedule.plateau(options)
      for _, value in ipairs { ... } do plateau:update(value) end
      return { plateau(), plateau.best }
    end
    for _, sign in ipairs { 1, -1 } do
      local falls, rises = sign > 0 and "min" or "max", sign > 0 and "max" or "min"
      -- The same figure again, and ones that become worse, or better by less than the margin.
      for _, goal in ipairs { "min", "max" } do
        assert.same({ 0.25, sign }, after({ goal = goal }, sign, sign, sign, sign, sign))
      end
      assert.same({ 0.5, sign * 8 }, after({ goal = falls, threshold = 0.25 }, sign * 8, sign * 9, sign * 6))
      assert.same({ 0.5, sign * 8 }, after({ goal = rises, threshold = 0.25 }, sign * 8, sign * 7, sign * 10))
      -- Better by more than that, each time.
      assert.same({ 1, sign * 2.5 }, after({ goal = falls, threshold = 0.25 }, sign * 8, sign * 5, sign * 2.5))
      assert.same({ 1, sign * 17 }, after({ goal = rises, threshold = 0.25 }, sign * 8, sign * 11, sign * 17))
    end
    assert.same({ 1, -1 }, after({ threshold = 0.25 }, 1, 0, -1)) -- through zero, where there is no margin
    assert.same({ 0.5, 0 }, after({}, 0, 0, 0))
    assert.same({ 1, 5 }, after({ threshold = 0 }, math.huge, 5))
    assert.same({ 1, 5 }, after({ goal = "max" }, -math.huge, 5))
  end)

  it("that remembers something is saved with its optimiser", function()
    local function new()
      return optim.SGD({ parameter { 1 } }, { schedule = schedule.plateau { patience = 0 } })
    end
    local one, two = new(), new()
    one.schedule:update(5)
    one.schedule:update(6)
    two:load_state(one:state())
    assert.same({ steps = 0, lr = 0.01, ["schedule.current"] = 0.1, ["schedule.best"] = 5, ["schedule.bad"] = 0 },
      two:state())
    two.schedule:update(4)
    assert.equal(0.1, two.schedule())
  end)

  it("is the one that a training was begun with", function()
    local function new(steps)
      local p = parameter { 1 }
      return p, optim.SGD({ p }, { lr = 0.1, schedule = steps > 0 and schedule.cosine { steps = steps } or nil })
    end
    local p, one = new(6)
    assert.is_nil(one:state().factor)
    for _ = 1, 3 do
      one:zero_grad()
      p:sum():backward()
      one:step()
    end
    local state = one:state()
    assert.equal(0.75, state.factor)
    for steps, now in pairs { [12] = "0.933013", [0] = "1" } do
      local _, other = new(steps)
      raises("SGD: load_state: the schedule gave 0.75 for step 3, now it gives " .. now .. ": declare it as it "
        .. "was, for as many steps or epochs; once the state is loaded, opt.schedule may be another one",
        function() other:load_state(state) end)
      assert.equal(0, other.steps)
    end
    local _, same = new(6)
    assert.same(state, same:load_state(state):state())
    same.schedule = schedule.cosine { steps = 12 }
    state.factor = nil -- as files have it that were written before
    local _, older = new(12)
    assert.equal(3, older:load_state(state).steps)
  end)

  it("refuses wrong options", function()
    raises("cosine: steps: expected a whole number of at least 1, got nil", function() schedule.cosine() end)
    raises("cosine: floor: expected a number from 0 to 1, got 2", function()
      schedule.cosine { steps = 1, floor = 2 } end)
    raises("step: unknown option 'evry' (did you mean 'every'?); known are every, factor", function()
      schedule.step { evry = 3 } end)
    raises("warm_up: after: expected a function of the step, got number", function()
      schedule.warm_up { steps = 3, after = 1 } end)
    raises("one_cycle: steps: expected a whole number of at least 2, got 1", function()
      schedule.one_cycle { steps = 1 } end)
    raises("plateau: goal: unknown name 'least'; known are min, max", function()
      schedule.plateau { goal = "least" } end)
    raises("plateau: update: expected a number from -inf to inf, got nil", function()
      schedule.plateau():update() end)
    raises("fnet.optim.schedule has no 'cosin'; did you mean fnet.optim.schedule.cosine?", function()
      return schedule.cosin end)
  end)
end)

describe("clip_norm", function()
  local function with_gradients(list)
    local parameters = {}
    for i, values in ipairs(list) do
      parameters[i] = parameter(values)
      parameters[i].grad = fnet.tensor(values)
    end
    return parameters
  end

  it("scales all gradients by one factor where they are too large together, and returns their norm", function()
    local list = with_gradients { { 3, 0 }, { { 4 } }, { 12, 0, 0 } }
    list[4] = parameter { 100 } -- without a gradient
    assert.equal(13, optim.clip_norm(list, 13))
    assert.same({ 12, 0, 0 }, list[3].grad:totable())
    assert.equal(13, optim.clip_norm(list, 6.5))
    assert.same({ { 1.5, 0 }, { { 2 } }, { 6, 0, 0 } }, { list[1].grad:totable(), list[2].grad:totable(),
      list[3].grad:totable() })
    assert.same({ 3, 0 }, list[1]:totable())
    assert.is_nil(list[4].grad)
    optim.clip_norm(list, 0)
    assert.equal(0, optim.clip_norm(list, 1))
  end)

  it("leaves gradients whose norm is not finite as they are", function()
    for _, value in ipairs { math.huge, 0 / 0 } do
      local list = with_gradients { { 3, value } }
      assert.is_true(optim.clip_norm(list, 1) ~= 3)
      assert.equal(3, list[1].grad[1])
    end
  end)

  it("is right for all gradients that are finite, however large or small", function()
    for _, size in ipairs { 1, 0x1p60, 0x1p70, 0x1p124, 0x1p-70, 0x1p-100, 0x1p-140 } do
      for _, most in ipairs { 0x1p-146, size * 0x1p-20 } do
        local list = with_gradients { { 3 * size, 0 }, { 4 * size } }
        assert.equal(5 * size, optim.clip_norm(list, most))
        local tolerance = math.max(1e-6 * most, 0x1p-149) -- the least number
        assert.near(0.6 * most, list[1].grad[1], tolerance)
        assert.near(0.8 * most, list[2].grad[1], tolerance)
      end
    end
    local wide = parameter({ 0, 0 }, "float64")
    for _, size in ipairs { 0x1p1000, 0x1p-1000 } do
      wide.grad = fnet.tensor({ 3 * size, 4 * size }, "float64")
      assert.equal(5 * size, optim.clip_norm({ wide }, size))
      assert.near(0.6, wide.grad[1] / size, 1e-15)
    end
  end)

  it("counts a tensor that is listed twice once, and a frozen one as 0", function()
    local list = with_gradients { { 3, 4 }, { 100 } }
    list[2].requires_grad = false
    assert.equal(5, optim.clip_norm({ list[1], list[1], list[2] }, 1))
    assert.near(0.6, list[1].grad[1], 1e-7)
    optim.clip_value({ list[1], list[2], list[1] }, 0.5)
    assert.same({ { 0.5, 0.5 }, { 100 } }, { list[1].grad:totable(), list[2].grad:totable() })
  end)

  it("has the same bits for every number of threads and instruction set", function()
    assert.same_everywhere(function()
      fnet.seed(5)
      local list = {}
      for i, shape in ipairs { { 784, 128 }, { 128 }, { 3, 1001 } } do
        list[i] = parameter(0):expand(shape):contiguous():detach()
        list[i].requires_grad = true
        list[i].grad = fnet.randn(shape)
      end
      local norm = optim.clip_norm(list, 1)
      optim.clip_value(list, 0.005)
      return norm, fnet.sha256(list[1].grad, list[2].grad, list[3].grad)
    end, { 1, 3, 8 })
  end)

  it("notices with the gradient's version that the gradient has changed", function()
    local x = parameter { 3 }
    local y = x * x
    y:backward { gradient = fnet.ones { 1 } }
    optim.clip_norm({ x }, 1)
    assert.equal(1, x.grad[1])
  end)
end)

describe("clip_value", function()
  it("limits every element", function()
    local p = parameter { { 1, -2 }, { 0.5, 3 } }
    p.grad = fnet.tensor { { 1, -2 }, { 0.5, 3 } }
    optim.clip_value({ p }, 1.5)
    assert.same({ { 1, -1.5 }, { 0.5, 1.5 } }, p.grad:totable())
  end)

  it("refuses what is no parameter and no limit, as clip_norm does", function()
    local p = parameter { 1 }
    for name, most in pairs { clip_norm = "clip_norm: most", clip_value = "clip_value: most" } do
      local clip = optim[name]
      raises(name .. ": expected a table of at least one parameter, such as model:parameters()", function()
        clip({}, 1) end)
      raises(name .. ": expected a table of at least one parameter, such as model:parameters()", function()
        clip(p, 1) end)
      raises(name .. ": parameter 2: expected a tensor, got number", function() clip({ p, 1 }, 1) end)
      raises(most .. ": expected a number from 0 to inf, got nil", function() clip { p } end)
      raises(most .. ": expected a number from 0 to inf, got -1", function() clip({ p }, -1) end)
    end
  end)
end)

describe("Average", function()
  it("weighs the weights of each update by the power of its age", function()
    for dtype, tolerance in pairs { float32 = 1e-6, float64 = 1e-14 } do
      for _, decay in ipairs { 0, 0.9, 1 } do
        local p = parameter({ 0, 0 }, dtype)
        local average, sum, weight = optim.Average({ p }, { decay = decay }), 0, 0
        for t = 1, 6 do
          fnet.no_grad(function() p:copy(fnet.tensor({ t * t, -t }, dtype)) end)
          average:update()
          sum, weight = sum * decay + t * t, weight * decay + 1
          assert.near(sum / weight, average.averages[1][1], tolerance * 36)
        end
      end
    end
  end)

  it("lends its weights to the model and takes them back", function()
    fnet.seed(1)
    local model = nn.Dense(2, 1)
    local average = optim.Average(model)
    assert.equal("Average(2 parameters, decay 0.999)", tostring(average))
    raises("Average: swap: nothing was averaged yet; call update() after each step", function() average:swap() end)
    average:update()
    local first = model:sha256()
    fnet.no_grad(function() model.weight:fill(3) end)
    local before = model:sha256()
    local digest, rest = average:apply(function(x) return model:sha256(), x end, 7)
    assert.same({ first, 7, before }, { digest, rest, model:sha256() })
    local ok, message = pcall(average.apply, average, function() error("no", 0) end)
    assert.same({ false, "no", before }, { ok, message, model:sha256() })
    average:swap()
    assert.equal(first, model:sha256())
    raises("Average: update: the model has the averaged weights now; swap() them back first", function()
      average:update() end)
    average:swap()
    assert.equal(before, model:sha256())
    assert.is_true(model.weight.requires_grad)
  end)

  it("continues from its state", function()
    local p, q = parameter { 1, 2 }, parameter { 1, 2 }
    local one, two = optim.Average { p }, optim.Average { q }
    for i = 1, 4 do
      fnet.no_grad(function()
        p:fill(i * 0.1)
        q:fill(i * 0.1)
      end)
      one:update()
      if i == 2 then two:load_state(one:state()) elseif i > 2 then two:update() end
    end
    assert.same(one:state().updates, two:state().updates)
    assert.equal(fnet.sha256(one.averages[1]), fnet.sha256(two.averages[1]))
    raises("Average: load_state: averages.1: expected float32 [2] like its parameter, got nil", function()
      two:load_state { updates = 1, sum = 1 } end)
    raises("Average: load_state: expected what state() gave, got number", function() two:load_state(1) end)
  end)

  it("refuses what is no model and no option", function()
    raises("Average: expected a model or a table of at least one parameter", function() optim.Average() end)
    raises("Average: expected a model or a table of at least one parameter", function()
      optim.Average(nn.ReLU()) end)
    raises("Average: parameter 1: expected a tensor, got number", function() optim.Average { 1 } end)
    raises("Average: decay: expected a number from 0 to 1, got 2", function()
      optim.Average({ parameter { 1 } }, { decay = 2 }) end)
    raises("Average: apply: expected a function first, got nil", function()
      optim.Average({ parameter { 1 } }):apply() end)
  end)
end)

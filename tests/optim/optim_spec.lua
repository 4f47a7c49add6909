--- Optimisers against their formulas in double precision, and what they refuse.

local fnet = require "fnet"
local support = require "tests.support"
local core = require "fnet.core"
local optim = fnet.optim

-- Calls f, which must raise an error at a line of this file.
local function fails(message, f, ...)
  local ok, got = pcall(f, ...)
  assert.is_false(ok)
  local position, text = got:match "^(.-optim_spec%.lua:%d+: )(.*)$"
  assert.is_truthy(position, got)
  assert.equal(message, text)
end

local function parameter(values, dtype)
  local t = fnet.tensor(values, dtype)
  t.requires_grad = true
  return t
end

local START = { 0.5, -1.25, 3, 0, -0.0625 }

-- The gradients of each step: any numbers, also 0, small and large ones.
local function gradient_of(step)
  local list = {}
  for i = 1, #START do list[i] = ((step * 7 + i * 5) % 11 - 5) * 10.0 ^ ((step + i) % 4 - 2) end
  return list
end

-- Takes steps with the optimiser and with a formula for one number, and compares all along.
local function compare(make, formula, dtype, tolerance)
  local p = parameter(START, dtype)
  local optimiser, expected, states = make { p }, { table.unpack(START) }, {}
  for i = 1, #START do states[i] = {} end
  for step = 1, 12 do
    local gradient = gradient_of(step)
    p.grad = fnet.tensor(gradient, dtype)
    optimiser:step()
    for i = 1, #START do
      expected[i] = formula(expected[i], gradient[i], states[i], step)
      assert.near(expected[i], p[i], tolerance * math.max(1, math.abs(expected[i])))
    end
    assert.same(fnet.tensor(gradient, dtype):totable(), p.grad:totable())
  end
end

-- The optimisers, by name.
local OPTIMISERS = {}
for _, name in ipairs { "SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Lion", "Muon" } do
  OPTIMISERS[name] = optim[name]
end

local function sgd(lr, momentum, decay, nesterov)
  return function(p, g, state)
    g = g + (decay or 0) * p
    state.v = momentum * (state.v or 0) + g
    return p - lr * (nesterov and g + momentum * state.v or state.v)
  end
end

local function adam(lr, beta1, beta2, epsilon, decay)
  return function(p, g, state, step)
    g = g + (decay or 0) * p
    state.m = beta1 * (state.m or 0) + (1 - beta1) * g
    state.v = beta2 * (state.v or 0) + (1 - beta2) * g * g
    return p - lr * (state.m / (1 - beta1 ^ step)) / (math.sqrt(state.v / (1 - beta2 ^ step)) + epsilon)
  end
end

local function adamw(lr, beta1, beta2, epsilon, decay)
  local without = adam(lr, beta1, beta2, epsilon)
  return function(p, g, state, step) return without(p, g, state, step) - lr * decay * p end
end

local function rmsprop(lr, alpha, epsilon, decay)
  return function(p, g, state)
    g = g + decay * p
    state.v = alpha * (state.v or 0) + (1 - alpha) * g * g
    return p - lr * g / (math.sqrt(state.v) + epsilon)
  end
end

local function adagrad(lr, epsilon, decay)
  return function(p, g, state)
    g = g + decay * p
    state.v = (state.v or 0) + g * g
    return p - lr * g / (math.sqrt(state.v) + epsilon)
  end
end

local function lion(lr, beta1, beta2, decay)
  return function(p, g, state)
    local m = state.m or 0
    local direction = beta1 * m + (1 - beta1) * g
    state.m = beta2 * m + (1 - beta2) * g
    return p - lr * ((direction > 0 and 1 or direction < 0 and -1 or 0) + decay * p)
  end
end

-- The options over a list of parameters.
local function with(new, options) return function(list) return new(list, options) end end

describe("SGD", function()
  for dtype, tolerance in pairs { float32 = 1e-5, float64 = 1e-13 } do
    it("follows its formula in " .. dtype, function()
      compare(optim.SGD, sgd(0.01, 0), dtype, tolerance)
      compare(function(list) return optim.SGD(list, { lr = 0.3 }) end, sgd(0.3, 0), dtype, tolerance)
      for _, momentum in ipairs { 0.9, 1 } do
        compare(function(list) return optim.SGD(list, { lr = 0.02, momentum = momentum }) end, sgd(0.02, momentum),
          dtype, tolerance)
      end
      compare(function(list) return optim.SGD(list, { lr = 0 }) end, sgd(0, 0), dtype, 0)
      compare(with(optim.SGD, { lr = 0.02, momentum = 0.8, nesterov = true, weight_decay = 0.1 }),
        sgd(0.02, 0.8, 0.1, true), dtype, tolerance)
      compare(with(optim.SGD, { lr = 0.02, weight_decay = 0.5 }), sgd(0.02, 0, 0.5), dtype, tolerance)
    end)
  end

  it("refuses a misspelt option also where it is set later", function()
    local optimiser = optim.SGD { parameter { 1 } }
    local function set(name) optimiser[name] = 3 end
    fails("SGD has no 'learning_rate'; did you mean 'lr'?", set, "learning_rate")
    fails("SGD has no 'momentun'; did you mean 'momentum'?", set, "momentun")
    optimiser.schedule, optimiser.note = function() return 1 end, "mine"
    assert.equal("mine", optimiser.note)
  end)

  it("takes nesterov with a momentum alone", function()
    local message = "SGD: nesterov: expected a momentum above 0 with it, such as momentum = 0.9"
    local group = { parameters = { parameter { 1 } }, momentum = 0 }
    fails(message, optim.SGD, { parameter { 1 } }, { nesterov = true })
    fails(message, optim.SGD, { group }, { nesterov = true, momentum = 0.9 })
  end)
end)

describe("Adam", function()
  for dtype, tolerance in pairs { float32 = 2e-6, float64 = 1e-13 } do
    it("follows its formula in " .. dtype, function()
      compare(optim.Adam, adam(1e-3, 0.9, 0.999, 1e-8), dtype, tolerance)
      compare(function(list) return optim.Adam(list, { lr = 0.1, beta1 = 0.5, beta2 = 0.9, epsilon = 0.01 }) end,
        adam(0.1, 0.5, 0.9, 0.01), dtype, tolerance * 10)
      compare(function(list) return optim.Adam(list, { beta1 = 0.1, beta2 = 0.2 }) end, adam(1e-3, 0.1, 0.2, 1e-8),
        dtype, tolerance)
      compare(with(optim.Adam, { lr = 0.01, weight_decay = 0.1 }), adam(0.01, 0.9, 0.999, 1e-8, 0.1), dtype,
        tolerance * 10)
    end)

    it("with decoupled weight decay follows its formula in " .. dtype, function()
      compare(optim.AdamW, adamw(1e-3, 0.9, 0.999, 1e-8, 0.01), dtype, tolerance)
      compare(with(optim.AdamW, { lr = 0.05, beta1 = 0.5, weight_decay = 2 }), adamw(0.05, 0.5, 0.999, 1e-8, 2),
        dtype, tolerance * 10)
    end)
  end

  it("moves by the learning rate at the first step, whatever the gradient's size", function()
    for _, size in ipairs { 1e-3, 1, 1e6 } do
      local p = parameter { 1, 1 }
      p.grad = fnet.tensor { size, -size }
      optim.Adam({ p }, { lr = 0.125 }):step()
      assert.near(0.875, p[1], 1e-5)
      assert.near(1.125, p[2], 1e-5)
    end
  end)
end)

for dtype, tolerance in pairs { float32 = 2e-6, float64 = 1e-13 } do
  it("RMSprop, Adagrad and Lion follow their formulas in " .. dtype, function()
    compare(optim.RMSprop, rmsprop(1e-2, 0.99, 1e-8, 0), dtype, tolerance * 10)
    compare(with(optim.RMSprop, { lr = 0.1, alpha = 0.5, epsilon = 0.1, weight_decay = 0.2 }),
      rmsprop(0.1, 0.5, 0.1, 0.2), dtype, tolerance * 10)
    compare(optim.Adagrad, adagrad(1e-2, 1e-10, 0), dtype, tolerance)
    compare(with(optim.Adagrad, { lr = 0.5, epsilon = 0.1, weight_decay = 0.2 }), adagrad(0.5, 0.1, 0.2), dtype,
      tolerance * 10)
    compare(optim.Lion, lion(1e-4, 0.9, 0.99, 0), dtype, tolerance)
    compare(with(optim.Lion, { lr = 0.01, beta1 = 0.5, beta2 = 0.7, weight_decay = 1 }), lion(0.01, 0.5, 0.7, 1),
      dtype, tolerance)
  end)
end

describe("the path of PyTorch", function()
  local recorded = dofile "tests/fixtures/pytorch_training.lua"
  local options = {
    SGD = { lr = 0.02, momentum = 0.8, nesterov = true, weight_decay = 0.1 },
    Adam = { lr = 0.01, weight_decay = 0.1 }, AdamW = { lr = 0.01, weight_decay = 0.5 },
    RMSprop = { lr = 0.01, weight_decay = 0.1 }, Adagrad = { lr = 0.1, weight_decay = 0.1 },
  }
  for name, path in pairs(recorded.optimisers) do
    it("is followed by " .. name, function()
      local p = parameter(START, "float64")
      local optimiser = optim[name]({ p }, options[name])
      for step, expected in ipairs(path) do
        p.grad = fnet.tensor(gradient_of(step), "float64")
        optimiser:step()
        for i, value in ipairs(expected) do assert.near(value, p[i], 1e-13 * math.max(1, math.abs(value))) end
      end
    end)
  end

  it("of the learning rate is followed by one_cycle", function()
    local cycle = optim.schedule.one_cycle { steps = 20 }
    assert.equal(19, #recorded.one_cycle)
    for i, factor in ipairs(recorded.one_cycle) do assert.near(factor, cycle(i + 1), 1e-12) end
  end)
end)

for name, new in pairs(OPTIMISERS) do
  describe(name, function()
    it("leaves parameters without a gradient alone, and their moments", function()
      local a, b, c = parameter { 1, 2 }, parameter { 3, 4 }, parameter { { 5 } }
      local optimiser = new({ a, b, c }, { lr = 0.5 })
      b.grad = fnet.ones { 2 }
      optimiser:step()
      assert.same({ { 1, 2 }, { { 5 } } }, { a:totable(), c:totable() })
      assert.is_true(b[1] < 3 and b[2] < 4)
    end)

    it("refuses a step without any gradient, which leaves no trace", function()
      local function steps(with_refused)
        local p = parameter { 1, 2 }
        local optimiser = new({ p }, { lr = 0.5 })
        for step = 1, 3 do
          if with_refused then
            fails(name .. ": step: none of its parameters has a gradient; between zero_grad() and step() call " ..
              "backward() on a loss that depends on them, that is, on the model whose parameters they are",
              optimiser.step, optimiser)
          end
          p.grad = fnet.full({ 2 }, step)
          optimiser:step()
          optimiser:zero_grad()
        end
        assert.equal(3, optimiser.steps)
        return p:totable()
      end
      assert.same(steps(false), steps(true))
    end)

    it("refuses a learning rate that became no number", function()
      local p = parameter { 1 }
      local optimiser = new { p }
      p.grad = fnet.ones { 1 }
      optimiser.lr = "fast"
      fails(name .. ": lr: expected a number from 0 to inf, got the string 'fast'", optimiser.step, optimiser)
    end)

    it("changes parameters of every shape in place", function()
      for _, shape in ipairs { {}, { 1 }, { 129 }, { 3, 67 }, { 0, 4 }, { 2, 3, 5 }, { 65, 1 } } do
        local p = fnet.rand(shape)
        p.requires_grad = true
        local view, before = p:detach(), p:detach():clone()
        p.grad = fnet.full(shape, 2)
        new({ p }, { lr = 0.25 }):step()
        assert.is_true(view:equal(p))
        local change = ({ SGD = 0.5, RMSprop = 2.5 })[name] or 0.25
        if name == "AdamW" or name == "Muon" then before = before * (1 - 0.25 * 0.01) end
        if name == "Muon" and #shape >= 2 then -- how far a matrix moves stands in muon_spec.lua
          assert.is_true(p:lt(before):sum():item() == p:count())
        else
          assert.allclose(before - change, p, 1e-5, 1e-5)
        end
      end
    end)

    it("obeys a learning rate that changes between steps", function()
      local p = parameter { 1 }
      local optimiser = new({ p }, { lr = 0.5 })
      p.grad = fnet.tensor { 1 }
      optimiser.lr = 0.25
      optimiser:step()
      assert.near(1 - 0.25 * (({ RMSprop = 10, AdamW = 1.01, Muon = 1.01 })[name] or 1), p[1], 1e-6)
    end)

    it("multiplies its learning rates by what the schedule gives for the step", function()
      local p, q, seen = parameter { 1 }, parameter { 1 }, {}
      local plain = new({ q }, { lr = 0.5 })
      local optimiser = new({ p }, { lr = 1, schedule = function(step)
        seen[#seen + 1] = step
        return 1 / (1 + step)
      end })
      for step = 1, 3 do
        p.grad, q.grad, plain.lr = fnet.tensor { 1 }, fnet.tensor { 1 }, 1 / (1 + step)
        optimiser:step()
        plain:step()
        assert.equal(q[1], p[1])
      end
      assert.same({ 1, 2, 3 }, seen)
      for _, value in ipairs { -1, 0 / 0, math.huge, "1" } do
        optimiser.schedule = function() return value end
        fails(name .. ": schedule: expected a number of at least 0 for step 4, got " .. tostring(value),
          optimiser.step, optimiser)
      end
      local expected = name .. ": schedule: expected a function of the step, such as optim.schedule.cosine " ..
        "{ steps = 1000 }, got number"
      fails(expected, new, { p }, { schedule = 1 })
      optimiser.schedule = 3
      fails(expected, optimiser.step, optimiser)
    end)

    it("gives groups of parameters options of their own, and the rest to all", function()
      local grouped, alone = {}, {}
      for i = 1, 2 do grouped[i], alone[i] = parameter(START), parameter(START) end
      local optimiser = new { { parameters = { grouped[1] }, lr = 0.25, weight_decay = 0.5 }, { parameters =
        { grouped[2] } } }
      local first, second = new({ alone[1] }, { lr = 0.25, weight_decay = 0.5 }), new { alone[2] }
      optimiser.lr, second.lr = 0.125, 0.125
      for step = 1, 3 do
        for i = 1, 2 do
          grouped[i].grad, alone[i].grad = fnet.tensor(gradient_of(step)), fnet.tensor(gradient_of(step))
        end
        for _, each in ipairs { optimiser, first, second } do each:step() end
        for i = 1, 2 do assert.same(alone[i]:totable(), grouped[i]:totable()) end
      end
      assert.same({ grouped[1], grouped[2] }, optimiser.parameters)
      optimiser:zero_grad()
      assert.is_nil(grouped[2].grad)
    end)

    it("takes the state that it gives after Ctrl-C in its first step", function()
      local list, optimise = { parameter(START) }, core.optimise
      local optimiser = new(list, name == "SGD" and { momentum = 0.5 } or nil)
      list[1].grad = fnet.tensor(gradient_of(1))
      core.optimise = support.interrupt
      local ok, message = pcall(optimiser.step, optimiser)
      core.optimise = optimise
      assert.is_false(ok)
      assert.equal("interrupted", fnet.error_kind(message))
      optimiser:load_state(optimiser:state())
    end)

    it("continues from its state as if it had not stopped", function()
      local options = { lr = 0.125, weight_decay = 0.25 }
      if name == "SGD" then options.momentum = 0.5 end
      local a, b = { parameter(START), parameter { 1 } }, { parameter(START), parameter { 1 } }
      local function groups(list)
        return { { parameters = { list[1] } }, { parameters = { list[2] }, lr = 0.5 } }
      end
      local one, two = new(groups(a), options), new(groups(b))
      for key, value in pairs(options) do two[key] = value end
      local function step(optimiser, list, i)
        list[1].grad, list[2].grad = fnet.tensor(gradient_of(i)), fnet.tensor { i }
        optimiser:step()
      end
      assert.same({ steps = 0, lr = 0.125, ["group2.lr"] = 0.5 }, one:state())
      two:load_state(one:state())
      for i = 1, 3 do step(one, a, i) end
      one.lr, one.groups[2].lr = 0.25, 0.75
      fnet.no_grad(function() for i = 1, 2 do b[i]:copy(a[i]) end end)
      assert.equal(two, two:load_state(one:state()))
      assert.same({ 3, 0.25, 0.75 }, { two.steps, two.lr, two.groups[2].lr })
      for i = 4, 6 do
        step(one, a, i)
        step(two, b, i)
      end
      assert.equal(fnet.sha256(table.unpack(a)), fnet.sha256(table.unpack(b)))
      for _, value in pairs(one:state()) do
        assert.is_truthy(math.type(value) or fnet.is_tensor(value))
      end
    end)

    it("drops gradients, and prints itself", function()
      local p = parameter { 1 }
      local optimiser = new({ p }, { lr = 0.25 });
      (p * 2):sum():backward()
      optimiser:zero_grad()
      assert.is_nil(p.grad)
      assert.equal(name .. "(1 parameters, lr 0.25)", tostring(optimiser))
    end)

    it("keeps its own list of parameters", function()
      local p, list = parameter { 1 }, {}
      list[1] = p
      local optimiser = new(list, { lr = 1 })
      list[1] = nil
      p.grad = fnet.tensor { 1 }
      optimiser:step()
      assert.not_equal(1, p[1])
    end)

    it("refuses what is no parameter", function()
      local text = name .. ": expected a table of at least one parameter, such as model:parameters()"
      fails(text, new)
      fails(text, new, {})
      fails(text, new, fnet.nn.ReLU():parameters())
      fails(text, new, parameter { 1 })
      fails(name .. ": parameter 2: expected a tensor, got number", new, { parameter { 1 }, 2 })
      fails(name .. ": parameter 2: expected a tensor of floats, got int32 [2]", new,
        { parameter { 1 }, fnet.tensor({ 1, 2 }, "int32") })
      fails(name .. ": parameter 1: expected a parameter, got the result of an operation", new,
        { parameter { 1 } * 2 })
      fails(name .. ": expected a table of parameters, got a model; write model:parameters()", new,
        fnet.nn.Sequential { fnet.nn.Dense(1, 1) })
      local p = parameter { 1 }
      fails(("%s: group 2: parameter 1 is already a parameter of %s: group 1"):format(name, name), new,
        { { parameters = { p } }, { parameters = { p } } })
      fails(name .. ": group 1: expected a table of at least one parameter, such as model:parameters()", new,
        { {} })
      fails(name .. ": group 1: lr: expected a number from 0 to inf, got -1", new,
        { { parameters = { p }, lr = -1 } })
      assert.matches("group 1: unknown option 'parametres' %(did you mean 'parameters'%?%)",
        select(2, pcall(new, { { parametres = { p } } })))
    end)

    it("refuses wrong options", function()
      local list = { parameter { 1 } }
      local known = ({
        SGD = "lr, momentum, nesterov, weight_decay", RMSprop = "lr, alpha, epsilon, weight_decay",
        Adagrad = "lr, epsilon, weight_decay", Lion = "lr, beta1, beta2, weight_decay",
        Muon = "lr, momentum, weight_decay, iterations, orthogonal, beta1, beta2, epsilon",
      })[name] or "lr, beta1, beta2, epsilon, weight_decay"
      known = known .. ", schedule"
      fails(name .. ": unknown option 'rate' (did you mean 'lr'?); known are " .. known, new, list, { rate = 1 })
      fails(name .. ": unknown option '1'; known are " .. known, new, list, { 0.1 })
      fails(name .. ": expected a table of options, got number", new, list, 0.1)
      fails(name .. ": lr: expected a number from 0 to inf, got -1", new, list, { lr = -1 })
      fails(name .. ": lr: expected a number from 0 to inf, got the string '0.1'", new, list, { lr = "0.1" })
      assert.has_error(function() new(list, { lr = 0 / 0 }) end)
      fails(name .. ": weight_decay: expected a number from 0 to inf, got -1", new, list, { weight_decay = -1 })
      local ranged = ({ SGD = "momentum", Muon = "momentum", RMSprop = "alpha", Adagrad = "epsilon" })[name]
        or "beta2"
      -- At beta1 = 1, Adam's correction for the start would divide by 0.
      local most = name:find "^Adam" and "0.9999999404" or "1"
      local wrong = name:find "^Adam" and 1 or 1.5
      fails(("%s: %s: expected a number from 0 to %s, got %s"):format(name, ranged, most, wrong), new, list,
        { [ranged] = wrong })
      assert.has_error(function() new(list, { [ranged] = 0 / 0 }) end)
    end)
  end)
end

describe("moments", function()
  local least = 2.0 ^ -126

  it("below the least normal number become zero", function()
    local p, m, v = parameter { 1, 1, 1, 1 }, fnet.zeros { 4 }, fnet.zeros { 4 }
    p.grad = fnet.zeros { 4 }
    m:copy(fnet.tensor { least, -least, 4 * least, 2 * least })
    v:copy(fnet.tensor { least, 4 * least, least, 2 * least })
    core.optimise("adam", { p }, { m }, { v }, 0.001, 0, 0, 0.5, 0.5, 1e-8)
    assert.same({ 0, 0, 2 * least, least }, m:totable())
    assert.same({ 0, 2 * least, 0, least }, v:totable())
    m:copy(fnet.tensor { least, -least, 4 * least, 2 * least })
    core.optimise("momentum", { p }, { m }, nil, 0.001, 0, 0, 0.5)
    assert.same({ 0, 0, 2 * least, least }, m:totable())
  end)

  it("of a parameter whose gradient stays 0 reach zero", function()
    for name, options in pairs {
      SGD = { momentum = 0.5 }, Adam = { beta1 = 0.5, beta2 = 0.5 }, RMSprop = { alpha = 0.5 },
      Lion = { beta2 = 0.5 },
    } do
      local p = parameter { 1 }
      local optimiser = optim[name]({ p }, options)
      p.grad = fnet.tensor { 1 }
      optimiser:step()
      p.grad = fnet.tensor { 0 }
      for _ = 1, 200 do optimiser:step() end
      local last = p[1]
      optimiser:step()
      assert.equal(last, p[1])
      local count = 0
      for key, value in pairs(optimiser:state()) do
        if fnet.is_tensor(value) then
          assert.equal(0, value[1], key)
          count = count + 1
        end
      end
      assert.equal(name == "Adam" and 2 or 1, count)
    end
  end)

  it("are refused where they do not fit their parameters", function()
    local p = parameter { 1, 2 }
    p.grad = fnet.ones { 2 }
    fails("step: first moment 1: expected a contiguous float32 [2] like its parameter, got float32 [3]",
      core.optimise, "momentum", { p }, { fnet.zeros { 3 } }, nil, 0.1)
    fails("step: second moment 1: expected a contiguous float32 [2] like its parameter, got float64 [2]",
      core.optimise, "rmsprop", { p }, nil, { fnet.zeros({ 2 }, "float64") }, 0.1)
  end)
end)

describe("a state", function()
  local unexpected = "unexpected '%s': was it saved from another optimiser or another model?"

  local function adam_state()
    local p = parameter { 1, 2 }
    local optimiser = optim.Adam { p }
    p.grad = fnet.ones { 2 }
    optimiser:step()
    return optimiser:state()
  end

  it("that does not fit is refused with a reason, and nothing changes", function()
    local optimiser = optim.Adam { parameter { 1, 2 } }
    local function refuses(message, change)
      local state = adam_state()
      change(state)
      fails("Adam: load_state: " .. message, optimiser.load_state, optimiser, state)
      assert.same({ steps = 0, lr = 1e-3 }, optimiser:state())
    end
    refuses("moments2.1: expected float32 [2] like its parameter, got nil", function(s) s["moments2.1"] = nil end)
    refuses("moments1.1: expected float32 [2] like its parameter, got float32 [3]",
      function(s) s["moments1.1"] = fnet.ones { 3 } end)
    refuses("steps: expected a whole number, got number", function(s) s.steps = 1.5 end)
    refuses("lr: expected a number, got nil", function(s) s.lr = nil end)
    refuses(unexpected:format "moments1.2", function(s) s["moments1.2"] = fnet.ones { 1 } end)
    fails("Adam: load_state: expected what state() gave, got number", optimiser.load_state, optimiser, 1)
    fails("SGD: load_state: " .. unexpected:format "squares.1", function()
      local p = parameter { 1 }
      local rms = optim.RMSprop { p }
      p.grad = fnet.ones { 1 }
      rms:step()
      optim.SGD({ p }):load_state(rms:state())
    end)
  end)
end)

describe("a step", function()
  -- The sizes reach from less than a vector to several threads' shares.
  fnet.seed(11)
  local starts, gradients = {}, {}
  for i, shape in ipairs { { 784, 128 }, { 128 }, { 1 }, { 3, 1001 }, { 40000 }, { 513, 5 } } do
    starts[i], gradients[i] = fnet.randn(shape), fnet.randn(shape)
  end

  -- The bits after three steps.
  local function run(new, options)
    local list = {}
    for i, start in ipairs(starts) do
      list[i] = start:clone()
      list[i].requires_grad, list[i].grad = true, gradients[i]
    end
    local optimiser = new(list, options)
    for _ = 1, 3 do optimiser:step() end
    return fnet.sha256(table.unpack(list))
  end

  for name, new in pairs(OPTIMISERS) do
    it("of " .. name .. " has the same bits for every number of threads and instruction set", function()
      local options = { weight_decay = 0.01 }
      if name == "SGD" then options.momentum, options.nesterov = 0.9, true end
      assert.same_everywhere(function() return run(new, options) end, { 1, 2, 3, 4, 8 })
    end)
  end
end)

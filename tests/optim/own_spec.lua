--- optim.class: an optimiser of one's own is one like the others: groups, schedules, state, frozen parameters.

local fnet = require "fnet"
local support = require "tests.support"
local nn, optim = fnet.nn, fnet.optim

local Momentum = optim.class("Momentum", {
  options = { lr = 0.1, beta = 0.9 },
  moments = { "velocity" },
  update = function(parameter, gradient, moments, options)
    moments.velocity:copy(moments.velocity * options.beta + gradient)
    parameter:copy(parameter - moments.velocity * options.lr)
  end,
})

local function new_model()
  fnet.seed(3)
  return nn.Sequential { nn.Dense(3, 4), nn.Tanh(), nn.Dense(4, 2) }
end

local function advance(model, opt, count)
  for i = 1, count do
    fnet.seed(i)
    opt:zero_grad()
    nn.mse(model(fnet.randn { 8, 3 }), fnet.randn { 8, 2 }):backward()
    opt:step()
  end
  return model
end

describe("optim.class", function()
  it("takes the steps of the library's own, with groups and a schedule", function()
    local ours, theirs = new_model(), new_model()
    local function options() return { lr = 0.3, schedule = optim.schedule.cosine { steps = 9 } } end
    local theirs_options = options()
    theirs_options.momentum = 0.9
    advance(ours, Momentum(optim.groups(ours, { ["*.bias"] = { lr = 0.01 } }), options()), 5)
    advance(theirs, optim.SGD(optim.groups(theirs, { ["*.bias"] = { lr = 0.01 } }), theirs_options), 5)
    for i, parameter in ipairs(ours:parameters()) do
      assert.is_true((parameter - theirs:parameters()[i]):abs():max():item() < 1e-6)
    end
  end)

  it("goes on from its state, bit for bit, also where parameters have taken fewer steps", function()
    local function start()
      local model = new_model()
      return model, Momentum(model:parameters(), { lr = 0.05 })
    end
    local model, opt = start()
    model[1]:freeze()
    advance(model, opt, 2)
    model[1]:unfreeze()
    advance(model, opt, 2)
    local other, again = start()
    other:load_state(model:state())
    again:load_state(opt:state())
    assert.equal(advance(model, opt, 3):sha256(), advance(other, again, 3):sha256())
    assert.equal(2, again:state()["steps.1"] - 3)
    assert.equal("Momentum(4 parameters, lr 0.05)", tostring(again))
  end)

  it("tells the step of each parameter", function()
    local steps = {}
    local Counting = optim.class("Counting", { options = { lr = 1, on = true }, update = function(_, _, _, options)
      steps[#steps + 1] = options.on and options.steps
    end })
    local model = new_model()
    advance(model, Counting(model:parameters()), 2)
    assert.same({ 1, 1, 1, 1, 2, 2, 2, 2 }, steps)
  end)

  it("refuses what cannot be one", function()
    local raises = support.raises
    local function spec(changed)
      local fields = { options = { lr = 0.1 }, update = function() end }
      for key, value in pairs(changed) do fields[key] = value end
      return fields
    end
    raises("class: expected a name first, such as \"Momentum\", got table", function() optim.class {} end)
    raises("class: X: expected a table { options = , moments = , update = }, got nil",
      function() optim.class "X" end)
    raises("class: X: unknown option 'moment' (did you mean 'moments'?); known are options, moments, update",
      function() optim.class("X", spec { moment = {} }) end)
    raises("class: X: options: lr is missing: its start value, such as 0.01",
      function() optim.class("X", spec { options = { beta = 1 } }) end)
    raises("class: X: options: lr: expected a number from 0 to inf, got -1",
      function() optim.class("X", spec { options = { lr = -1 } }) end)
    raises("class: X: options: beta: expected a number, true or false, got string",
      function() optim.class("X", spec { options = { lr = 1, beta = "much" } }) end)
    raises("class: X: moments: every optimiser has 'steps'; choose another name",
      function() optim.class("X", spec { moments = { "steps" } }) end)
    raises("class: X: moments: 'v' is there twice",
      function() optim.class("X", spec { moments = { "v", "v" } }) end)
    raises("class: X: update: expected a function(parameter, gradient, moments, options), got nil",
      function() optim.class("X", { options = { lr = 1 } }) end)
    raises("X: unknown option 'bate'; known are lr, schedule",
      function() optim.class("X", spec {})(new_model():parameters(), { bate = 1 }) end)
  end)

  it("refuses a function that would forget, or asks for what is not there", function()
    local function error_of(update)
      local model = new_model()
      local Wrong = optim.class("Wrong", { options = { lr = 1 }, moments = { "v" }, update = update })
      local ok, message = pcall(advance, model, Wrong(model:parameters()), 1)
      assert.is_false(ok)
      return (message:gsub("^.-:%d+: ", ""))
    end
    assert.equal("Wrong: update: moments.v was replaced by float32 [3, 4]; write into it: moments.v:copy(...)",
      error_of(function(_, gradient, moments) moments.v = gradient end))
    assert.equal("Wrong: update: expected new values to be written into the parameter, parameter:copy(...), got " ..
      "float32 [3, 4] returned", error_of(function(parameter, gradient) return parameter - gradient end))
    assert.equal("Wrong: update: there is no 'beta'; known are lr, steps",
      error_of(function(_, _, _, options) return options.beta end))
    assert.equal("Wrong: update: there is no 'm'; known are v",
      error_of(function(_, _, moments) return moments.m end))
  end)
end)

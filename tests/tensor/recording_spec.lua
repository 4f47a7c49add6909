--- Where operations record themselves: no_grad and enable_grad, also across coroutines, and what must not be lost
-- by being written into another tensor.

local fnet = require "fnet"
local support = require "tests.support"
local raises = support.raises

local function leaf(values)
  local t = fnet.tensor(values)
  t.requires_grad = true
  return t
end

local x = leaf { 1, 2 }
local function recording() return (x * 2).requires_grad end

describe("no_grad in a coroutine", function()
  it("can be left by yield, and is then left", function()
    local go_on = coroutine.wrap(function(...)
      local got = { fnet.no_grad(function(a)
        local b, c = coroutine.yield(a, recording())
        return b, c, recording()
      end, ...) }
      coroutine.yield(table.unpack(got))
      return recording()
    end)
    assert.same({ "in", false }, { go_on "in" })
    assert.is_true(recording())
    assert.same({ 1, 2, false }, { go_on(1, 2) })
    assert.is_true(recording())
    assert.is_true(go_on())
  end)

  it("makes a generator of batches, whose consumer trains", function()
    local function batches()
      return coroutine.wrap(function()
        fnet.no_grad(function() for i = 1, 3 do coroutine.yield(x * i) end end)
      end)
    end
    local sum = 0
    for batch in batches() do
      assert.is_false(batch.requires_grad)
      local loss = (x * batch):sum()
      loss:backward()
      sum = sum + loss:item()
    end
    assert.equal(30, sum)
    assert.same({ 6, 12 }, x.grad:totable())
    x:zero_grad()
  end)

  it("holds for a coroutine that runs inside it, unless that says something else", function()
    local inner = coroutine.wrap(function()
      coroutine.yield(recording())
      fnet.enable_grad(function() coroutine.yield(recording()) end)
      coroutine.yield(recording())
    end)
    fnet.no_grad(function()
      assert.is_false(inner())
      assert.is_true(inner())
      assert.is_false(recording())
    end)
    assert.is_true(inner())
  end)

  it("ends with the coroutine: by an error, by close, and where nobody resumes it any more", function()
    local failing = coroutine.create(function() fnet.no_grad(error, "stop") end)
    assert.same({ false, "stop" }, { coroutine.resume(failing) })
    assert.is_true(recording())
    local function suspended()
      local co = coroutine.create(function() fnet.no_grad(coroutine.yield) end)
      assert.is_true(coroutine.resume(co))
      return co
    end
    assert.is_true(coroutine.close(suspended()))
    assert.is_true(recording())
    suspended()
    collectgarbage()
    collectgarbage()
    assert.is_true(recording())
    local outer = suspended()
    fnet.no_grad(function()
      coroutine.resume(outer) -- ends while a later scope is there
      assert.is_false(recording())
    end)
    assert.is_true(recording())
  end)

  it("is over after an error", function()
    assert.is_false(pcall(fnet.no_grad, error))
    assert.is_true(recording())
    fnet.no_grad(function()
      assert.is_false(pcall(fnet.enable_grad, error))
      assert.is_false(recording())
    end)
  end)
end)

describe("enable_grad", function()
  it("records inside no_grad, and returns what the function returns", function()
    fnet.no_grad(function()
      assert.same({ 1, nil, 3, n = 3 }, table.pack(fnet.enable_grad(function(...) return ... end, 1, nil, 3)))
      assert.is_true(fnet.enable_grad(recording))
      assert.is_false(fnet.enable_grad(function() return fnet.no_grad(recording) end))
      assert.is_false(recording())
    end)
    assert.is_true(fnet.enable_grad(recording))
  end)

  it("calls a model, and nothing that cannot be called", function()
    local model = fnet.nn.Dense(2, 1)
    assert.is_true(fnet.no_grad(fnet.enable_grad, model, x).requires_grad)
    raises("enable_grad: expected a function or a model, got nil", function() fnet.enable_grad() end)
    raises("no_grad: expected a function or a model, got a float32 tensor of [2]", function() fnet.no_grad(x) end)
  end)

  it("lets the backward of an operation compute a part again, and saves what that keeps", function()
    local function part(t) return ((t * t):exp() + t):tanh() end
    local again = fnet.operation(part, function(dy, _, t)
      local input = t:detach():clone()
      input.requires_grad = true
      fnet.enable_grad(part, input):backward { gradient = dy }
      return input.grad
    end)
    local slopes = {}
    for i, f in ipairs { part, again } do
      local input = leaf { { 0.1, -0.3 }, { 0.7, 0.2 } };
      (f(input * 2) * 3):sum():backward()
      slopes[i] = input.grad
    end
    assert.is_true(slopes[1]:equal(slopes[2]))
    assert.gradcheck(again, { fnet.tensor { 0.2, -0.4 } })
  end)

  it("is what the error of a backward without it says", function()
    local again = fnet.operation(function(t) return t * t end, function(dy, _, t)
      local input = t:detach():clone()
      input.requires_grad = true;
      (input * input):backward { gradient = dy }
    end)
    local loss = again(x):sum()
    local _, message = pcall(loss.backward, loss)
    assert.matches("in the backward of an operation: there fnet.enable_grad(f, ...) records", message, 1, true)
  end)
end)

describe("a tensor that requires gradients, written into another one", function()
  local states = fnet.zeros { 2, 2 }
  local way_out = " requires gradients, which would be lost here; collect such values in a table and join them " ..
    "by fnet.stack or fnet.concat, or write value:detach()"

  it("raises, whether it was computed or not, and writes nothing", function()
    raises("t[i] = value: the value [2]" .. way_out, function() states[1] = x end)
    raises("t[i] = value: the value [2]" .. way_out, function() states[2] = x * 2 end)
    raises("copy: the value [2]" .. way_out, function() states:copy(x * 2) end)
    raises("copy: the value [2]" .. way_out, function() states[1]:copy(x) end)
    local losses = fnet.zeros { 3 }
    raises("t[i] = value: the value []" .. way_out .. " or the number value:item()",
      function() losses[1] = x:sum() end)
    raises("set: expected a number, got a float32 tensor of [], whose number is t:item()",
      function() losses:set(x:sum(), 1) end)
    assert.equal(0, states:abs():sum():item() + losses:abs():sum():item())
  end)

  it("is written where nothing is recorded, and without its history", function()
    fnet.no_grad(function() states[1] = x end)
    states[2] = (x * 2):detach()
    assert.same({ { 1, 2 }, { 2, 4 } }, states:totable())
    local losses = fnet.zeros { 1 }
    losses[1] = x:sum():item()
    assert.equal(3, losses[1])
  end)

  it("keeps its gradients in stack", function()
    (fnet.stack { x, x * 2 } * fnet.tensor { { 1 }, { 10 } }):sum():backward()
    assert.same({ 21, 21 }, x.grad:totable())
    x:zero_grad()
  end)
end)

describe("a state that is carried on with its history", function()
  it("is named by the second backward, which says how to cut it off", function()
    local w, h = leaf { 0.5, 0.5 }, fnet.ones { 2 }
    h = (h * w):tanh()
    h:sum():backward()
    h = (h * w):tanh()
    local loss = h:sum()
    local _, message = pcall(loss.backward, loss)
    assert.matches("has freed the history of a tensor [2], the result of tanh", message, 1, true)
    assert.matches("carry it from one step to the next by :detach()", message, 1, true)
    h = (h:detach() * w):tanh()
    h:sum():backward()
  end)
end)

--- Memory: the collector may run at any allocation, nothing leaks, a steady loop needs nothing new, and what was
-- given back is refused.

local fnet = require "fnet"
local core = require "fnet.core"
local collector = require "tests.support.collector"
local support = require "tests.support"
local collected = require "tests.support.collected"

local nn, optim, data = fnet.nn, fnet.optim, fnet.data
local raises = support.raises
local GIVEN_BACK = " was given back: a batch when its loop took the next one, a gradient at zero_grad, or a " ..
  "tensor by :release(); keep a copy with :clone()"

-- Kilobytes that live on after a full collection; the pool of free storages is emptied first.
local function living()
  core.pool(true)
  collectgarbage()
  collectgarbage()
  return collectgarbage "count"
end

describe("the collector", function()
  after_each(function()
    collectgarbage "restart"
    collector.usual()
  end)

  for name, body in pairs { ["every operation"] = collected.every_operation, ["training"] = collected.training } do
    local expected

    before_each(function() expected = expected or body() end)

    it("may run all the time during " .. name .. " (incremental)", function()
      collector.incremental(1, 1000, 1) -- a step every 2 bytes, and no pause between cycles
      for _ = 1, 3 do assert.equal(expected, body()) end
    end)

    it("may run all the time during " .. name .. " (generational)", function()
      collector.generational(1, 1) -- a minor collection after each 1 % of growth
      for _ = 1, 3 do assert.equal(expected, body()) end
    end)
  end
end)

describe("nothing leaks:", function()
  it("100,000 small tensors and their views", function()
    local before = living()
    for i = 1, 100000 do
      local t = fnet.full({ 4 }, i)
      assert(t:reshape({ 2, 2 }):T()[2][1] == i)
    end
    assert.is_true(living() - before < 200)
  end)

  it("large tensors", function()
    local before = living()
    for _ = 1, 300 do local _ = fnet.zeros { 1000, 250 } + 1 end
    assert.is_true(living() - before < 200)
  end)

  it("what operations have saved goes back with the tape", function()
    local x, labels = fnet.randn { 512, 64 }, fnet.full({ 512 }, 3, "int32")
    x.requires_grad = true
    local held
    for i = 1, 3 do
      x.grad = nil
      nn.cross_entropy(x, labels):backward { retain = i == 1 }
      local free = core.pool()
      if i == 2 then assert.equal(held + x:count() * 4, free) end
      held = free
    end
  end)

  it("a large result that nobody keeps makes room for the next one", function()
    if _VERSION ~= "Lua 5.4" then return pending "the collector of Lua 5.4 can be asked ahead of time" end
    collectgarbage "generational"
    finally(function() collector.usual() end)
    local x = fnet.rand { 256, 1024 }
    local before, most = living(), 0
    local times = 4 + before // 2 ^ 10 -- of a MiB each: so much that the collector has to come
    for _ = 1, 20 do
      x:tile { times, 1 }
      most = math.max(most, collectgarbage "count")
    end
    assert.is_true(most - before < 1.2 * times * 2 ^ 10)
  end)

  it("storages of many different sizes that were given back", function()
    local before = living()
    for n = 1, 3000 do fnet.zeros({ 1024 + n * 16 }):release() end
    assert.is_true(core.pool() <= 64 * 2 ^ 20 + collectgarbage "count" * 2 ^ 10 / 2)
    assert.is_true(living() - before < 300)
  end)

  it("operations that fail", function()
    local t, before = fnet.zeros { 100, 100 }, living()
    for _ = 1, 400 do
      pcall(t.matmul, t, fnet.zeros { 99, 99 })
      pcall(t.add, t:double(), fnet.zeros { 7 })
      pcall(t.gather, t, fnet.full({ 9 }, 101, "int32"))
      pcall(t.to, t - 1, "uint8")
      pcall(fnet.tensor, { { 1, 2 }, { 3 } })
    end
    assert.is_true(living() - before < 100)
  end)

  it("results on a tape that is never walked, and the history behind detach", function()
    local w = fnet.ones { 1 }
    w.requires_grad = true
    local state, before = fnet.ones { 1 }, living()
    for _ = 1, 3000 do
      local _ = (w * 3):exp():sum()
      state = (w * state):detach()
    end
    local large = fnet.ones { 2000 }
    for _ = 1, 300 do large = (w * large):detach() end
    assert.is_true(living() - before < 200)
  end)

  it("a view keeps only its storage alive, for as long as it lives", function()
    local before = living()
    local row
    do
      local t = fnet.full({ 1000, 250 }, 7)
      row = t[5]
    end
    assert.is_true(living() - before > 900)
    assert.equal(7, row[250])
    assert.equal(7, row:min():item())
    row = nil
    assert.is_nil(row)
    assert.is_true(living() - before < 200)
  end)

  it("a tensor may be the key and the value of a weak table", function()
    local seen = setmetatable({}, { __mode = "kv" })
    seen[fnet.zeros { 3 }] = fnet.zeros { 2000 }
    living()
    assert.is_nil(next(seen))
  end)

  it("coroutines that are never finished", function()
    local before = living()
    for _ = 1, 100 do
      local resume = coroutine.wrap(function()
        local t = fnet.rand { 3000 }
        coroutine.yield(t:sum())
        return t
      end)
      assert.equal(0, resume().rank)
    end
    assert.is_true(living() - before < 200)
  end)
end)

describe("in the steady state", function()
  it("training takes its memory from the pool", function()
    fnet.seed(1)
    local model = nn.Sequential { nn.Dense(100, 64), nn.ReLU(), nn.Dense(64, 10) }
    local opt = optim.Adam(model:parameters())
    local set = data.Dataset { x = fnet.rand { 640, 100 }, y = fnet.rand({ 640 }, 1, 10.99):int() }
    local function epoch()
      for x, y in set:batches { size = 32, shuffle = true } do collected.training_step(model, opt, x, y) end
    end
    epoch()
    epoch()
    local before, most = living(), 0
    epoch()
    collectgarbage "stop" -- what is allocated from here on stays visible
    local start = collectgarbage "count"
    for _ = 1, 10 do -- 200 steps
      epoch()
      most = collectgarbage "count" - start
    end
    collectgarbage "restart"
    -- A step works with about 100 KiB of activations and gradients; only small objects may be new.
    assert.is_true(most / 200 < 25, ("%.1f KiB a step"):format(most / 200))
    assert.is_true(living() - before < 300)
  end)

  it("a step whose gradients are larger than the least limit of the pool", function()
    core.pool(true)
    local parameters = { fnet.zeros { 10, 2 ^ 20 }, fnet.zeros { 8, 2 ^ 20 } } -- 72 MiB
    for _, parameter in ipairs(parameters) do parameter.requires_grad = true end
    local function step()
      for _, parameter in ipairs(parameters) do
        parameter:sum():backward()
        parameter:zero_grad()
      end
    end
    step()
    local held = core.pool()
    assert.is_true(held >= 72 * 2 ^ 20)
    collectgarbage()
    collectgarbage "stop"
    local before = collectgarbage "count"
    step()
    assert.is_true(collectgarbage "count" - before < 100)
    collectgarbage "restart"
    assert.equal(held, core.pool())
    core.pool(true)
  end)

  it("the pool does not grow", function()
    local w = fnet.ones { 200, 50 }
    w.requires_grad = true
    local x, held = fnet.rand { 64, 200 }, nil
    for i = 1, 200 do
      local loss = x:matmul(w):relu():sum()
      w:zero_grad()
      loss:backward()
      if i == 20 then held = core.pool() end
    end
    assert.is_true(core.pool() <= held + 2 ^ 20)
  end)
end)

describe("release", function()
  it("gives the storage to the next tensor of the size", function()
    core.pool(true)
    local t = fnet.full({ 5000 }, 3)
    t:release()
    local held = core.pool()
    assert.is_true(held >= 20000)
    local other = fnet.ones { 5000 }
    assert.is_true(core.pool() <= held - 20000)
    assert.equal(5000, other:sum():item())
    raises("this tensor [5000]" .. GIVEN_BACK, function() t:sum() end)
  end)

  it("refuses the tensor and every view of it, small or large, however the storage is used since", function()
    for _, n in ipairs { 1, 10, 1000, 1024, 5000 } do
      local t = fnet.full({ 2, n }, 3)
      local row, turned, detached = t[1], t:T(), t:detach()
      local part = row:slice(1, 1, 1)
      local copy = t:clone()
      row:release() -- whichever handle it is called on
      local others = {}
      for i = 1, 5 do others[i] = fnet.full({ 2, n }, i) end
      raises(("this tensor [2, %d]"):format(n) .. GIVEN_BACK, function() t:sum() end)
      raises(("this tensor [%d]"):format(n) .. GIVEN_BACK, function() row:sum() end)
      raises(("this tensor [%d, 2]"):format(n) .. GIVEN_BACK, function() turned:sum() end)
      raises(("this tensor [2, %d]"):format(n) .. GIVEN_BACK, function() detached:fill(9) end)
      raises("this tensor [1]" .. GIVEN_BACK, function() part:item() end)
      t:release() -- nothing more happens
      assert.equal(6 * n, copy:sum():item())
      for i = 1, 5 do assert.equal(2 * n * i, others[i]:sum():item()) end
    end
  end)

  it("of one tensor leaves all others alone", function()
    local tensors = {}
    for i = 1, 50 do tensors[i] = fnet.full({ 1500 }, i) end
    for i = 1, 50, 2 do tensors[i]:release() end
    for i = 1, 50, 2 do tensors[i] = fnet.full({ 1500 }, -i) end
    for i = 1, 50 do assert.equal(i % 2 == 1 and -i or i, tensors[i]:max():item()) end
  end)

  it("of what an operation on the tape needs is noticed by backward", function()
    local w = fnet.ones { 2000 }
    w.requires_grad = true
    local x = fnet.full({ 2000 }, 2)
    local loss = (w * x):sum()
    x:release()
    local ok, message = pcall(loss.backward, loss)
    assert.is_false(ok)
    assert.truthy(message:find("this tensor [2000]" .. GIVEN_BACK, 1, true))
  end)
end)

describe("a batch", function()
  it("is refused after its turn, and its clone is not", function()
    local labels = fnet.tensor({ 1, 2, 1, 2 }, "int32")
    local set = data.Dataset { x = fnet.arange(1, 4000):reshape { 4, 1000 }, y = labels }
    local x_before, y_before, x_row, kept = nil, nil, nil, {}
    for x, y in set:batches { size = 2 } do
      if x_before then
        raises("this tensor [2, 1000]" .. GIVEN_BACK, function() x_before:sum() end)
        raises("this tensor [1000]" .. GIVEN_BACK, function() x_row:sum() end)
        raises("this tensor [2]" .. GIVEN_BACK, function() y_before:sum() end)
      end
      x_before, y_before, x_row = x, y, x[1]
      kept[#kept + 1] = x:clone()
    end
    raises("this tensor [2, 1000]" .. GIVEN_BACK, function() x_before:sum() end)
    assert.is_true(fnet.concat(kept):equal(set.x))
    assert.equal(4000, set.x:max():item())
  end)

  it("that the loop left early stays usable", function()
    local set = data.Dataset { x = fnet.ones { 4, 1000 }, y = fnet.tensor({ 1, 2, 1, 2 }, "int32") }
    local first = set:batches({ size = 2 })()
    assert.equal(2000, first:sum():item())
  end)
end)

it("a gradient that the script has seen is never given back", function()
  local w = fnet.ones { 2000 }
  w.requires_grad = true
  local seen
  for i = 1, 3 do
    (w * i):sum():backward()
    seen = seen or w.grad
    w:zero_grad()
  end
  assert.equal(1, seen:max():item())
  assert.equal(1, seen:min():item())
end)

--- Use that nobody means but scripts contain: functions of the core called with what the library never gives
-- them, changes behind the tape's back, finalizers and rules that interfere. None may crash, read or write
-- memory of others, or change a result silently.

local fnet = require "fnet"
local core = require "fnet.core"
local collector = require "tests.support.collector"
local command = require "tests.support.command"
local support = require "tests.support"

local nn = fnet.nn
local raises, holds = support.raises, support.holds

local function leaf(values)
  local t = fnet.tensor(values)
  t.requires_grad = true
  return t
end

-- The text of the error that f(...) raises.
local function message_of(f, ...)
  local ok, message = pcall(f, ...)
  assert.is_false(ok)
  return message
end

describe("arguments that the library never gives its core", function()
  it("are refused by unslice, where positions could overflow", function()
    local t = fnet.ones { 5, 4096 }
    local after = ("unslice: first: expected a whole number from 1 to 1, got %d"):format(math.maxinteger)
    raises(after, function() t:unslice(1, math.maxinteger, 5) end)
    raises("unslice: first: expected a whole number from 1 to 3, got 4", function() t:unslice(1, 4, 7) end)
    raises("unslice: length: expected a whole number of at least 5, got 4", function() t:unslice(1, 1, 4) end)
    holds({ 4 }, { 0, 0, 7, 8 }, fnet.tensor({ 7, 8 }):unslice(1, 3, 4))
    holds({ 2 }, { 0, 0 }, fnet.zeros({ 0 }):unslice(1, 3, 2))
  end)

  it("are refused by the gradient kernels", function()
    local x = leaf { { 1, 2 }, { 3, 4 } }
    local bytes = fnet.ones({ 2, 2 }, "uint8")
    for _, wrong in ipairs { bytes, fnet.ones { 2 }, fnet.ones { 2, 3 }, fnet.ones { 2, 2, 2 }, fnet.ones {}, 1 } do
      assert.is_false((pcall(core.dense_backward, fnet.ones { 2, 2 }, x, wrong)))
      assert.is_false((pcall(core.dense_backward, wrong, x, fnet.ones { 2, 2 })))
      assert.is_false((pcall(core.dense_backward, fnet.ones { 2, 2 }, wrong, x)))
    end
    local labels = fnet.tensor({ 1, 2 }, "int32")
    for _, wrong in ipairs { fnet.zeros { 0 }, fnet.ones { 2 }, 1 } do
      assert.is_false((pcall(core.cross_entropy_backward, wrong, fnet.ones { 2, 3 }, labels)))
    end
    local fits = fnet.ones { 2, 3 }
    for _, wrong in ipairs { bytes, fnet.ones { 2 }, fnet.ones {}, fnet.ones({ 2, 3 }, "float64"), 1 } do
      assert.is_false((pcall(core.class_costs, wrong, fits)))
      assert.is_false((pcall(core.class_costs, fits, wrong)))
      assert.is_false((pcall(core.class_costs_backward, wrong, fits, fits)))
      assert.is_false((pcall(core.class_costs_backward, fits, fits, wrong)))
    end
  end)

  it("are refused by running averages, which change what they are given", function()
    local bytes, one = fnet.ones({ 4096 }, "uint8"), fnet.ones { 1 }
    local repeated, plain = one:expand { 4096 }, fnet.ones { 4096 }
    local refused = "step: parameter 1: expected a contiguous float tensor"
    raises(refused, function() core.average({ bytes }, { bytes }, 0.5) end)
    raises(refused, function() core.average({ repeated }, { plain }, 0.5) end)
  end)

  it("are left aside by write_file", function()
    local path = os.tmpname()
    finally(function() os.remove(path) end)
    assert.is_true(core.write_file(path, { "text", fnet.ones({ 2 }, "uint8") }, 5))
    assert.are.equal("text\1\1", assert(io.open(path, "rb")):read "a")
  end)

  it("are taken by transforms, where pictures have no channels", function()
    local empty = fnet.zeros({ 2, 4, 4, 0 }, "uint8")
    local flipped = core.transform(empty, nil, 1 / 255, { { kind = "flip", probability = 1 } }, 1, 1)
    assert.are.same({ 2, 4, 4, 0 }, flipped.shape)
  end)

  it("are refused where rules do not return tensors", function()
    finally(function() core.rules(require "fnet.tensor.rules") end)
    local x = leaf { 1, 2 }
    local y = x * 2
    core.rules { mul = function() return 1 end, accumulate = function() end, copy = function() return 1 end }
    local start = { gradient = fnet.ones { 2 } }
    assert.matches("expected a tensor, got number", message_of(x.backward, x, start), 1, true)
    x.grad = fnet.ones { 2 }
    assert.matches("expected a tensor, got nil", message_of(x.backward, x, start), 1, true)
    assert.matches("mul: its backward must return", message_of(y.backward, y, start), 1, true)
  end)

  it("get an error at the script's line from the functions in Lua too", function()
    raises("eye: expected a whole number of at least 0, got nil", function() fnet.eye() end)
    raises("backward: expected a table of options, got boolean", function() fnet.ones({}):backward(true) end)
    raises("backward: unknown option 'retian' (did you mean 'retain'?); known are gradient, retain, create_graph",
      function() fnet.ones({}):backward { retian = true } end)
    raises("backward: retain: expected true or false, got string",
      function() fnet.ones({}):backward { retain = "yes" } end)
    raises("grad: expected a tensor, got number", function() leaf({ 1 }).grad = 3 end)
    raises("gradcheck: expected a function or a model, got nil", function() fnet.gradcheck() end)
    raises("gradcheck: expected a table of inputs, got nil", function() fnet.gradcheck(print) end)
    raises("gradcheck: unknown option 'tolerence' (did you mean 'tolerance'?); known are step, tolerance, most",
      function() fnet.gradcheck(print, {}, { tolerence = 1 }) end)
    raises("gradcheck: most: expected a whole number of at least 1, got 0",
      function() fnet.gradcheck(print, {}, { most = 0 }) end)
    raises("evaluate: expected a model and a data set, got nil and nil", function() nn.evaluate() end)
    raises("accuracy: expected a model and a data set, got table and number",
      function() nn.accuracy(nn.ReLU(), 1) end)
  end)
end)

describe("changes in place", function()
  it("are refused where elements repeat", function()
    local text = "in-place change of a tensor whose elements repeat (an expanded view); change a :clone()"
    local repeated = fnet.zeros({ 3, 1 }):expand { 3, 4 }
    raises(text, function() repeated:fill(1) end)
    raises(text, function() repeated:set(1, 1, 1) end)
    raises(text, function() repeated:copy(fnet.ones { 3, 4 }) end)
    raises(text, function() repeated[1] = 5 end)
    raises(text, function() fnet.zeros({ 1 }):expand({ 1 << 40 }):fill(1) end)
    fnet.zeros({ 3, 1 }):expand({ 3, 1 }):fill(1)
    assert.equal(0, repeated:sum():item())
  end)

  it("that were refused leave the tape as it was", function()
    local x, factor = leaf { 1, 2 }, fnet.tensor { 3, 4 }
    local y = (x * factor):sum()
    for _, change in ipairs {
      function() factor:set("x", 1) end, function() factor:set(1, 3) end, function() factor:fill {} end,
      function() factor:copy(fnet.ones { 3 }) end, function() factor[3] = 1 end, function() factor[1] = "x" end,
    } do assert.is_false((pcall(change))) end
    y:backward()
    holds({ 2 }, { 3, 4 }, x.grad)
  end)
end)

describe("layers", function()
  it("without parameters may come first", function()
    for _, width in ipairs { 3, 300 } do -- small and pooled storages
      local model = nn.Sequential { nn.ReLU(), nn.Tanh(), nn.Dense(width, 2), nn.Softmax() }
      local x = fnet.full({ 5, width }, 0.5)
      for _ = 1, 2 do nn.cross_entropy(model(x), fnet.full({ 5 }, 1, "int32")):backward() end
      local plain = nn.cross_entropy(model[3](x:relu():tanh()), fnet.full({ 5 }, 1, "int32"))
      local together = model[3].weight.grad:clone()
      model:zero_grad()
      plain:backward()
      assert.is_true((model[3].weight.grad * 2):equal(together))
    end
  end)

  it("may have fields of any name", function()
    local Polynomial = nn.module "Polynomial"
    function Polynomial:init(order)
      self.order = order
      self.inner = nn.Dense(2, 1)
    end
    local layer = Polynomial(3)
    assert.equal(3, layer.order)
    assert.equal(2, #layer:parameters())
  end)
end)

describe("a rule", function()
  it("may run a backward of its own over results in common", function()
    local function gradients(nested)
      local x, w, other = leaf { 1, 2, 3 }, leaf { 5, 7, 11 }, nil
      local operation = fnet.operation(function(t) return t * 3 end, function(dy)
        if nested then other:backward { retain = true } end
        return dy * 3
      end)
      local a = x * 2
      local b = a * w
      local c = b + 1
      other = (b * b):sum() + a:sum() * 0
      if not nested then other:backward { retain = true } end
      (operation(c) * a + b):sum():backward()
      return { x.grad:totable(), w.grad:totable() }
    end
    assert.same(gradients(false), gradients(true))
  end)

  it("may change the gradient that it is given, also one that repeats", function()
    local x = leaf { { 1, 1, 1 }, { 1, 1, 1 } }
    local operation = fnet.operation(function(t) return t + 0 end, function(dy)
      dy:set(100, 1, 1)
      return dy
    end)
    operation(x * 1):sum(1):mul(2):sum():backward()
    holds({ 2, 3 }, { 100, 2, 2, 2, 2, 2 }, x.grad)
  end)

  it("may drop gradients in the middle of the walk", function()
    local x, z = leaf { 1, 2 }, leaf { 3, 4 }
    local operation = fnet.operation(function(t) return t * 2 end, function(dy)
      x:zero_grad()
      z:zero_grad()
      return dy * 2
    end)
    for _ = 1, 3 do (operation(x * z) + z * 3):sum():backward() end
    holds({ 2 }, { 6, 8 }, x.grad)
    holds({ 2 }, { 2, 4 }, z.grad)
  end)

  it("cannot yield, and what it interrupts can be done again", function()
    local x = leaf { 1, 2 }
    local yields = true
    local operation = fnet.operation(function(t) return t * 2 end, function(dy)
      if yields then coroutine.yield() end
      return dy * 2
    end)
    local y = operation(x):sum()
    local thread = coroutine.create(function() y:backward() end)
    local ok, message = coroutine.resume(thread)
    assert.is_false(ok)
    assert.matches("attempt to yield across a C-call boundary", message, 1, true)
    assert.is_true(core.recording())
    yields = false
    y:backward()
    holds({ 2 }, { 2, 2 }, x.grad)
  end)
end)

describe("a finalizer", function()
  it("that computes, releases and walks the tape in the middle of other work changes no result", function()
    local x = leaf { { 1, 2 }, { 3, 4 } }
    local square = (x * x):sum() -- here: while a backward runs nothing is recorded
    local function work()
      local w = fnet.full({ 40, 40 }, 0.01)
      w.requires_grad = true
      local y = (w:matmul(w) * 2 + w:T()):tanh()
      y:sum():backward()
      return fnet.sha256(y, w.grad)
    end
    local expected, runs = work(), 0
    local busy = true
    local function plant()
      setmetatable({}, { __gc = function()
        if not busy then return end
        runs = runs + 1
        local scratch = fnet.full({ 40, 40 }, 0 / 0)
        scratch:matmul(scratch):release()
        square:backward { retain = true }
        x:zero_grad()
        plant()
      end })
    end
    finally(function()
      busy = false
      collector.usual()
    end)
    collector.incremental(1, 1000, 1) -- a step every 2 bytes, and no pause between cycles
    plant()
    local rounds = 0
    repeat -- how long a cycle takes depends on what all the specs before have left in memory
      assert.equal(expected, work())
      rounds = rounds + 1
    until rounds >= 50 and runs > 10 or rounds == 5000
    assert.is_true(runs > 10)
  end)

  it("that changes the number of threads leaves room for each of them in a workspace", function()
    local threads, busy, runs = fnet.threads(), true, 0
    local x, w = fnet.rand { 1, 64, 64, 32 }, fnet.rand { 3, 3, 32, 1 }
    local a, b = fnet.rand({ 64, 800 }):T(), fnet.rand { 64, 4 }
    local function work()
      core.pool(true) -- the workspaces are allocated, then, and are what makes the collector run
      fnet.threads(1)
      local y = core.conv2d(x, w, nil, nil, 1, 1, 1, 1, 1, 1, 1)
      core.pool(true)
      fnet.threads(1)
      return fnet.sha256(y, a:matmul(b))
    end
    local expected = work()
    local function plant()
      setmetatable({}, { __gc = function()
        if not busy then return end
        runs = runs + 1
        fnet.threads(16)
        plant()
      end })
    end
    finally(function()
      busy = false
      fnet.threads(threads)
      collector.usual()
    end)
    collector.generational(1, 100)
    plant()
    for _ = 1, 2000 do
      assert.equal(expected, work())
      if runs > 10 then break end
    end
    assert.is_true(runs > 10)
  end)
end)

describe("the memory of a walk", function()
  -- Programs of random operations, the user's own among them: a backward that gives memory back at once must
  -- agree, bit for bit, with one that keeps all of it (create_graph).
  local SIDE = 36 -- above the size from which storages are pooled
  local kept = {}
  local keeping = fnet.operation(function(x) return x:T() end, function(dy, _, x)
    kept[#kept % 20 + 1], kept[#kept % 20 + 2] = dy, x
    return dy:T()
  end)
  local sharing = fnet.operation(function(x, y) return x + y end, function(dy) return dy, dy end)
  local spoiling = fnet.operation(function(x, y) return x * y end, function(dy, _, x, y)
    local dx, other = dy * y, dy * x
    if not dy.requires_grad then dy:fill(0 / 0) end
    return dx, other
  end)
  local operations = {
    function(a, b) return a + b end, function(a, b) return a * b end, function(a) return -a end,
    function(a) return a:T() end, function(a) return a:reshape({ -1 }):reshape { SIDE, SIDE } end,
    function(a) return a:relu() end, function(a) return a:tanh() end, function(a, b) return a:matmul(b) * 0.1 end,
    function(a) return a:sum(1):expand { SIDE, SIDE } * 0.1 end, function(a) return a:clone() end,
    function(a) return a:slice(1, 2, SIDE):unslice(1, 1, SIDE) end, function(a) return a:contiguous() end,
    function(a, b) return fnet.concat { a:slice(1, 1, 9), b:slice(1, 10, SIDE) } end,
    function(a) return a:softmax() end, function(a, b) return a:maximum(b) end,
    function(a) return a:double():float() end, keeping, sharing, spoiling,
  }

  local function program(seed, create_graph)
    fnet.seed(seed)
    local function choose(n) return fnet.permutation(n)[1] end
    local leaves = {}
    for i = 1, 3 do
      leaves[i] = fnet.randn { SIDE, SIDE }
      leaves[i].requires_grad = true
    end
    local results = { table.unpack(leaves) }
    for _ = 1, choose(13) do
      local a, b = results[choose(#results)], results[choose(#results)]
      results[#results + 1] = operations[choose(#operations)](a, b)
    end
    local loss = results[#results]:tanh():sum() + results[choose(#results)]:mean()
    local times = choose(3)
    for k = 1, times do
      loss:backward { create_graph = create_graph, retain = k < times }
      for _ = 1, 6 do fnet.full({ SIDE, SIDE }, 0 / 0) end
      if choose(3) == 1 then leaves[1]:zero_grad() end
    end
    local text = { fnet.sha256(loss) }
    for i, each in ipairs(leaves) do text[i + 1] = each.grad and fnet.sha256(each.grad) or "none" end
    return table.concat(text, " ")
  end

  it("is never somebody else's", function()
    for seed = 1, 200 do assert.equal(program(seed, true), program(seed, false), "seed " .. seed) end
  end)
end)

describe("an optimiser", function()
  it("refuses a gradient in the memory of its parameter, where the threads would see each other's changes",
    function()
      local all = fnet.ones { 10 }
      local parameter = all:slice(1, 1, 9):detach()
      parameter.requires_grad = true
      parameter.grad = all:slice(1, 2, 10)
      local text = "step: parameter 1: its gradient shares its memory; use a :clone()"
      raises(text, function() fnet.optim.SGD({ parameter }):step() end)
      raises(text, function() fnet.optim.Adam({ parameter }):step() end)
      assert.equal(10, all:sum():item())
    end)
end)

describe("random numbers", function()
  it("stay at the low end where the type has no number below the high end", function()
    assert.same({ 1, 1, 1, 1 }, fnet.rand({ 4 }, 1, 1 + 1e-12):totable())
  end)
end)

describe("the core", function()
  it("may be opened twice, and the operations of the first time still work", function()
    local script = [[
      local fnet = require "fnet"
      local t = fnet.ones { 2 }
      local add = t.add
      package.loaded["fnet.core"] = nil
      require "fnet.core"
      collectgarbage()
      collectgarbage()
      t.requires_grad = true
      print(add(t, t).requires_grad)
    ]]
    local pipe = assert(io.popen(command.quote(command.fnet) .. " -e " .. command.quote(script) .. " 2>&1"))
    local output = pipe:read "a"
    pipe:close()
    assert.equal("true\n", output)
  end)
end)

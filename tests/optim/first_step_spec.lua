--- The first step of an optimiser says which leaves gradients have reached though nobody has them; and says nothing
-- of those that are somebody's: of another optimiser, of another model, an input, or read by the script.

local fnet = require "fnet"
local observer = require "fnet.base.observer"
local support = require "tests.support"
local nn, optim = fnet.nn, fnet.optim
local raises = support.raises

local WAY_OUT = ": gradients reach %s, but no model and no optimiser has %s; make %s part of the model (a field of "
  .. "an nn.module class), give %s to an optimiser, or freeze %s (requires_grad = false); where the gradient is "
  .. "all that you want, read it (.grad) before the first step"

local function sentence(what, many) return "SGD: step: " .. what .. WAY_OUT:gsub("%%s", many and "them" or "it") end

local function leaf(...)
  local t = fnet.ones { ... }
  t.requires_grad = true
  return t
end

local function sgd(parameters) return optim.SGD(parameters, { lr = 0.1 }) end

-- Dense(3, 1) behind what a function does with the input.
local function behind(f) return nn.Sequential { nn.Lambda(f), nn.Dense(3, 1) } end

-- Optimisers of other specs, which never stepped, are waited for no longer.
setup(function()
  local w = leaf(1)
  for _ = 1, 102 do w:sum():backward() end
end)

local x
before_each(function()
  fnet.seed(1)
  x = fnet.rand { 4, 3 }
end)
after_each(function() assert.is_nil(observer.current) end) -- nobody watches any more

describe("the first step names", function()
  it("the layer that a Lambda's function has captured, once, and nothing has changed", function()
    local inner = nn.Dense(3, 3)
    local model = behind(function(input) return inner(input) end)
    local opt, before = sgd(model:parameters()), model:sha256()
    model(x):sum():backward()
    raises(sentence("layer 1, Lambda() is computed with weight of Dense(3, 3) and bias of Dense(3, 3)", true),
      function() opt:step() end)
    assert.same({ before, 0 }, { model:sha256(), opt.steps })
    opt:step()
    assert.equal(1, opt.steps)
  end)

  it("a tensor that a function of a layer, or the loss, has captured", function()
    local scale = leaf(3)
    local model = behind(function(input) return input * scale end)
    local opt = sgd(model:parameters())
    model(x):sum():backward()
    raises(sentence "layer 1, Lambda() is computed with float32 [3]", function() opt:step() end)

    local dense, factor = nn.Dense(3, 1), leaf(1);
    opt = sgd(dense:parameters());
    (dense(x) * factor):sum():backward()
    raises(sentence "the loss is computed with float32 [1]", function() opt:step() end)

    local w, b = leaf(3, 1), leaf(1) -- no model at all
    opt = sgd { w };
    (x:matmul(w) + b):sum():backward()
    raises(sentence "the loss is computed with float32 [1]", function() opt:step() end)
  end)

  it("what a layer inside a layer inside a model has captured, by its place", function()
    local inner = nn.Sequential { nn.Dense(3, 3), nn.Tanh(), nn.Dense(3, 3) }
    local captured = nn.Lambda(function(input) return inner(input) end)
    local model = nn.Sequential { nn.Dense(3, 3), nn.Residual { captured } }
    local opt = sgd(model:parameters())
    model(x):sum():backward()
    local ok, message = pcall(opt.step, opt)
    assert.is_false(ok)
    assert.matches("layer 2, layer 1, Lambda%(%) is computed with weight of layer 3, Dense%(3, 3%), bias of "
      .. "layer 3, Dense%(3, 3%), weight of layer 1, Dense%(3, 3%) and 1 more: gradients reach them", message)
  end)

  it("what is captured before another model, whose input it then is not", function()
    local inner = nn.Dense(3, 3)
    local first, second = nn.Lambda(function(input) return inner(input) end), nn.Dense(3, 1)
    local opt = sgd(second:parameters())
    second(first(x)):sum():backward()
    raises(sentence("Lambda() is computed with weight of Dense(3, 3) and bias of Dense(3, 3)", true),
      function() opt:step() end)
  end)

  it("it also after an evaluation of many batches, and after results that were thrown away", function()
    local inner = nn.Dense(3, 3)
    local model = behind(function(input) return inner(input) end)
    local opt = sgd(model:parameters())
    for _ = 1, 700 do model(x) end
    collectgarbage()
    for _ = 1, 700 do fnet.no_grad(model, x) end
    model(x):sum():backward()
    raises(sentence("layer 1, Lambda() is computed with weight of Dense(3, 3) and bias of Dense(3, 3)", true),
      function() opt:step() end)
  end)

  it("it in each optimiser's first step, also one that goes on from a state", function()
    local inner = nn.Dense(3, 3)
    local model = behind(function(input) return inner(input) end)
    local what = sentence("layer 1, Lambda() is computed with weight of Dense(3, 3) and bias of Dense(3, 3)", true)
    local one = sgd(model[2]:parameters())
    model(x):sum():backward()
    raises(what, function() one:step() end)
    one:step()
    local two = sgd(model[2]:parameters())
    two:load_state(one:state())
    model(x):sum():backward()
    raises(what, function() two:step() end)
  end)
end)

it("an optimiser that is not used for long is watched no more until it is", function()
  local inner, head = nn.Dense(3, 3), nn.Dense(3, 1)
  local model = behind(function(input) return inner(input) end)
  local late, early = sgd(model:parameters()), sgd(head:parameters())
  for step = 1, 102 do
    assert.equal(step <= 101, observer.current ~= nil)
    head(x):sum():backward()
    early:step()
  end
  late:zero_grad()
  model(x):sum():backward()
  raises(sentence("layer 1, Lambda() is computed with weight of Dense(3, 3) and bias of Dense(3, 3)", true),
    function() late:step() end)
end)

it("calls without a tape are not noted, what records inside them is", function()
  local inner, dense = nn.Dense(3, 3), nn.Dense(3, 1)
  local model = nn.Lambda(function(input) return fnet.enable_grad(function() return dense(inner(input)) end) end)
  local opt = sgd(dense:parameters())
  fnet.no_grad(inner, x)
  fnet.no_grad(model, x)
  local calls = observer.current.notes.calls
  assert.equal(2, #calls)
  assert.is_true(calls[1].layer == inner and calls[2].layer == dense)
  dense(inner(x)):sum():backward()
  opt:step() -- which knows both as models
end)

it("an optimiser that is made inside a check is watched like any other, and so is the next one", function()
  local model = nn.Sequential { nn.Dense(3, 1) }
  local w = leaf(1)
  assert.gradcheck(function(t)
    sgd { w }
    return t * 2
  end, { fnet.rand { 2 } })
  collectgarbage()
  local inner = nn.Dense(3, 3)
  model = nn.Sequential { nn.Lambda(function(input) return inner(input) end), model }
  local opt = sgd(model:parameters())
  model(x):sum():backward()
  assert.is_false(pcall(opt.step, opt))
end)

describe("the first step says nothing of", function()
  it("the weights of another optimiser, as two networks in one graph have", function()
    local generator, discriminator = nn.Dense(2, 3), nn.Dense(3, 1)
    local opt_g, opt_d = sgd(generator:parameters()), sgd(discriminator:parameters())
    for _ = 1, 2 do
      discriminator(generator(fnet.rand { 4, 2 })):sum():backward()
      opt_d:step()
      generator:zero_grad()
      discriminator(generator(fnet.rand { 4, 2 })):sum():backward()
      opt_g:step()
    end
  end)

  it("another model that was called, whose weights stay: behind a head, a teacher, a picture's", function()
    local body, head, teacher = nn.Dense(3, 5), nn.Dense(5, 1), nn.Dense(3, 1)
    local opt = sgd(head:parameters());
    (head(body(x)) - teacher(x)):sum():backward()
    opt:step()
    local picture = leaf(4, 3)
    opt = sgd { picture }
    body(picture):sum():backward()
    opt:step()
  end)

  it("an input that wants its gradient, or what it is made from", function()
    local model = nn.Sequential { nn.Dense(3, 2), nn.ReLU(), nn.Dense(2, 1) }
    for _, input in ipairs { leaf(4, 3), x + leaf(4, 3) * 0.1, { leaf(4, 3) }, { a = leaf(4, 3) } } do
      local net = model
      if type(input) == "table" then
        net = nn.Lambda(function(given) return model(given.a or given[1]) end)
      end
      local opt = sgd(model:parameters())
      net(input):sum():backward()
      opt:step()
    end
  end)

  it("a tensor whose gradient the script has looked at, has dropped, or has given to an optimiser", function()
    local w = leaf(3, 1)
    for _, settle in ipairs {
      function(t) return t.grad end, function(t) t:zero_grad() end, function(t) return sgd { t } end,
      function(t) t.requires_grad = false t:zero_grad() end,
    } do
      local own = leaf(4, 3)
      local opt = sgd { w };
      (own * x):matmul(w):sum():backward()
      local kept = settle(own)
      opt:step()
      if kept and getmetatable(kept) ~= getmetatable(w) then -- the other optimiser
        kept:zero_grad();
        (own * x):matmul(w):sum():backward()
        kept:step()
      end
    end
  end)

  it("a frozen layer that a function has captured, and one whose part of the graph is cut", function()
    local inner = nn.Dense(3, 3)
    local function cut(input) return fnet.no_grad(inner, input) end
    local opt = sgd(behind(cut):parameters())
    local model = behind(cut)
    opt = opt and sgd(model:parameters())
    model(x):sum():backward()
    opt:step()
    for _, p in ipairs(inner:parameters()) do p.requires_grad = false end
    model = behind(function(input) return inner(input) end)
    opt = sgd(model:parameters())
    model(x):sum():backward()
    opt:step()
    collectgarbage() -- the optimiser that never stepped
    local w = leaf(1)
    opt = sgd { w }
    w:sum():backward()
    opt:step()
  end)

  it("weights that two parts share, and what gradchecks and second derivatives reach", function()
    local letters = nn.Embedding(5, 3)
    local model = nn.Sequential { letters, nn.Lambda(function(h) return h:matmul(letters.weight:transpose()) end) }
    local opt = sgd(model:parameters())
    assert.gradcheck(function(t) return (t * t):tanh() end, { fnet.rand { 3 } })
    fnet.check(model, fnet.tensor({ 1, 2 }, "int32"), { gradients = false })
    model(fnet.tensor({ 1, 2 }, "int32")):sum():backward()
    opt:step()
    local dense, input = nn.Dense(3, 1), leaf(2, 3)
    opt = sgd(dense:parameters())
    dense(input):sum():backward { create_graph = true }
    local penalty = (input.grad * input.grad):sum()
    dense:zero_grad()
    penalty:backward()
    opt:step()
  end)
end)

it("an error or a yield in a forward leaves no trace in what is watched", function()
  local then_what
  local model = nn.Sequential { nn.Dense(3, 3), nn.Lambda(function(input)
    if then_what then then_what() end
    return input
  end) }
  local head = nn.Dense(3, 1)
  local opt = sgd(head:parameters()) -- nobody moves the weights of the model, but it is called by nobody else
  then_what = error
  assert.is_false(pcall(model, x))
  then_what = coroutine.yield
  coroutine.wrap(function() model(x) end)()
  then_what = nil
  head(model(x)):sum():backward()
  opt:step()
end)

--- States of models, taken out and put back, and copies of models.

local fnet = require "fnet"
local support = require "tests.support"
local nn, optim = fnet.nn, fnet.optim

local function network()
  return nn.Sequential { nn.Dense(3, 4, { activation = "tanh" }), nn.BatchNorm(4), nn.Dense(4, 2) }
end

local function tied()
  local one, two = nn.Dense(3, 3), nn.Dense(3, 3)
  two.weight = one.weight
  return nn.Sequential { one, two }
end

-- Some steps of training.
local function train(model, steps)
  local opt = optim.Adam(model:parameters(), { lr = 0.1 })
  for _ = 1, steps or 3 do
    local loss = nn.mse(model(fnet.rand { 8, 3 }), fnet.ones { 8, 2 })
    opt:zero_grad()
    loss:backward()
    opt:step()
  end
end

before_each(function() fnet.seed(8) end)

describe("a state", function()
  it("is put back into its model, and into others like it", function()
    local model, other = network(), network()
    local digest, state = model:sha256(), model:state()
    train(model)
    assert.not_equal(digest, model:sha256())
    assert.equal(model, model:load_state(state))
    assert.equal(digest, model:sha256())
    assert.equal(digest, other:load_state(model:state()):sha256())
  end)

  it("stays what it was, whatever happens to the model", function()
    local model = network()
    local state = model:state()
    local weight, mean = state[1].tensor:clone(), state[7].tensor:clone()
    assert.same({ "1.weight", "2.running_mean" }, { state[1].name, state[7].name })
    train(model)
    assert.is_true(weight:equal(state[1].tensor) and mean:equal(state[7].tensor))
    state[1].tensor:fill(7)
    assert.is_false(model[1].weight:equal(state[1].tensor))
    assert.is_false(state[1].tensor.requires_grad)
  end)

  it("keeps the best epoch of a loop", function()
    local model, best, state, digest = network(), math.huge, nil, nil
    for epoch, loss in ipairs { 3, 1, 2 } do
      train(model, epoch)
      if loss < best then best, state, digest = loss, model:state(), model:sha256() end
    end
    assert.equal(digest, model:load_state(state):sha256())
  end)

  it("may be tensors by name", function()
    local model, other, tensors = network(), network(), {}
    for _, entry in ipairs(model:state()) do tensors[entry.name] = entry.tensor end
    assert.equal(model:sha256(), other:load_state(tensors):sha256())
  end)

  it("has what is shared once, under either name", function()
    local model, other = tied(), tied()
    assert.equal(3, #model:state())
    assert.equal(model:sha256(), other:load_state(model:state()):sha256())
    assert.is_true(rawequal(other[1].weight, other[2].weight))
    local state = model:state()
    state[1].name = "2.weight"
    assert.equal(model:sha256(), tied():load_state(state):sha256())
  end)

  it("leaves frozen what is frozen", function()
    local model = network()
    model[1]:freeze()
    local state = network():state()
    model:load_state(state)
    assert.is_false(model[1].weight.requires_grad)
    assert.is_true(model[1].weight:equal(state[1].tensor))
  end)

  it("may be of the other kind of floats", function()
    local model, other = network(), network():to "float64"
    other:load_state(model:state())
    assert.equal(model:sha256(), other:to("float32"):sha256())
  end)

  it("that does not fit is refused in one sentence, before anything changes", function()
    local model, other = network(), nn.Sequential { nn.Dense(3, 4), nn.Dense(4, 2, { bias = false }) }
    local digest = model:sha256()
    support.raises("load_state: the state lacks '2.bias', '3.weight', '3.bias', '2.running_mean' and " ..
      "'2.running_var', which the model needs; has '2.weight' of shape [4, 2], the model expects [4]",
      function() model:load_state(other:state()) end)
    local state = model:state()
    table.remove(state, 3)
    support.raises("load_state: the state lacks '2.weight', which the model needs; has '2.bias', " ..
      "'2.running_mean', '2.running_var', '3.bias' and '3.weight', which the model does not",
      function() other:load_state(state) end)
    assert.equal(digest, model:sha256())
    local names = {}
    for i = 1, 9 do names["extra" .. i] = fnet.ones { 1 } end
    support.raises("load_state: the state lacks 'weight' and 'bias', which the model needs; has 'extra1', " ..
      "'extra2', 'extra3', 'extra4', 'extra5', 'extra6' and 3 more, which the model does not",
      function() nn.Dense(1, 1):load_state(names) end)
  end)

  it("is a list or a table by name", function()
    local model = nn.Dense(1, 1)
    local text = "load_state: expected what state() gave, or a table of tensors by name, got "
    support.raises(text .. "nil", function() model:load_state() end)
    support.raises(text .. "table", function() model:load_state(nn.Dense(1, 1)) end)
    local entry = "load_state: entry 2: expected { name = , tensor = }, each name once, as state() gives them"
    local state = model:state()
    state[2] = state[1]
    support.raises(entry, function() model:load_state(state) end)
    state[2] = 5
    support.raises(entry, function() model:load_state(state) end)
  end)

  it("has whole numbers where the model has them", function()
    local Counter = nn.module "Counter"
    function Counter:init() self:buffer("count", fnet.zeros({ 1 }, "int32")) end
    local counter = Counter()
    support.raises("load_state: the state has 'count' of float32, the model expects int32",
      function() counter:load_state { count = fnet.ones { 1 } } end)
    counter:load_state { count = fnet.ones({ 1 }, "int32") }
    assert.equal(1, counter.count[1])
  end)
end)

describe("a copy of a model", function()
  it("has equal weights and is its own", function()
    local model = network()
    train(model)
    local copy, digest = model:clone(), model:sha256()
    assert.equal(digest, copy:sha256())
    assert.equal(tostring(model), tostring(copy))
    train(model)
    assert.equal(digest, copy:sha256())
    train(copy)
    assert.not_equal(digest, copy:sha256())
    assert.not_equal(model:sha256(), copy:sha256())
    assert.equal("layer 3, Dense(4, 2)", copy[3]:name())
    copy[3] = nn.Dense(4, 9)
    assert.same({ 9, 2 }, { copy:output_shape()[1], model:output_shape()[1] })
  end)

  it("shares and freezes what the model does, in its mode", function()
    local model = tied()
    model[1].bias.requires_grad = false
    model:eval()
    local copy = model:clone()
    assert.is_true(rawequal(copy[1].weight, copy[2].weight))
    assert.is_false(rawequal(copy[1].weight, model[1].weight))
    assert.is_false(copy[1].bias.requires_grad)
    assert.equal(3, #copy:parameters())
    assert.is_false(copy.training)
    local twice = nn.Dense(2, 2)
    copy = nn.Sequential { twice, nn.ReLU(), twice }:clone()
    assert.equal(copy[1], copy[3])
  end)

  it("may be one of a part, which is no part any more", function()
    local model = network()
    local copy = model[3]:clone()
    assert.equal("Dense(4, 2)", copy:name())
    assert.equal("layer 3, Dense(4, 2)", model[3]:name())
    assert.is_true(copy.weight:equal(model[3].weight))
  end)

  it("has modules in tables, buffers and what they refer to", function()
    local Net = nn.module "Net"
    function Net:init(options)
      self.options = options
      self.layers = { options.first, nn.Dense(2, 2) }
      self.by_layer = { [self.layers[1]] = "first" }
      self.names = { "a", { "b" } }
      self:buffer("seen", fnet.zeros { 2 })
      self.constant = fnet.ones { 2 }
      self.me = self
    end
    function Net:forward(x) return self.layers[2](self.layers[1](x)) * self.constant end
    local net = Net { first = nn.Dense(2, 2) }
    local copy = net:clone()
    assert.is_false(rawequal(copy.layers[1], net.layers[1]))
    assert.is_true(rawequal(copy.layers[1], copy.options.first))
    assert.is_true(rawequal(copy.layers[1], copy:config().first))
    assert.equal("first", copy.by_layer[copy.layers[1]])
    assert.is_true(rawequal(copy.me, copy))
    copy.names[2][1] = "c"
    assert.equal("b", net.names[2][1])
    copy.seen:fill(1)
    assert.equal(0, net.seen[1])
    assert.is_true(rawequal(copy.constant, net.constant))
    local x = fnet.rand { 3, 2 }
    assert.is_true(net(x):equal(copy(x)))
  end)

  it("may be taken while gradients are recorded, and has none", function()
    local model = network()
    model(fnet.rand { 4, 3 }):sum():backward()
    local copy = model:clone()
    assert.is_nil(copy[1].weight.grad)
    assert.is_true(copy[1].weight.requires_grad)
    copy(fnet.rand { 4, 3 }):sum():backward()
    assert.is_truthy(copy[1].weight.grad)
  end)
end)

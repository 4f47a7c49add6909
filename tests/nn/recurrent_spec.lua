--- RNN, LSTM and GRU: against loops of ordinary operations, for equality; gradients, first and second; lengths,
-- states, layers and directions; bits on every instruction set and number of threads. tests/save/ compares them
-- with PyTorch and Keras.

local fnet = require "fnet"
local core = require "fnet.core"
local support = require "tests.support"
local nn = fnet.nn
local raises = support.raises

local KINDS = { "RNN", "LSTM", "GRU" }

-- A layer with biases that are not zero.
local function make(kind, inputs, units, options)
  local layer = nn[kind](inputs, units, options)
  for _, entry in ipairs(layer:named_parameters()) do
    if entry.name:find "bias" then
      fnet.no_grad(function() entry.tensor:copy(entry.tensor + fnet.randn(entry.tensor.shape) * 0.3) end)
    end
  end
  return layer
end

-- A chain that goes through x and then through h.
local function product(x, h, w, u, b) return core.dense(fnet.concat({ x, h }, 2), fnet.concat({ w, u }, 1), b) end

-- One step: the new h, and of an LSTM the new c.
local steps = {}

function steps.RNN(layer, x, h) return product(x, h, layer.weight_1, layer.state_weight_1, layer.bias_1):tanh() end

function steps.LSTM(layer, x, h, c)
  local i, f, g, o = product(x, h, layer.weight_1, layer.state_weight_1, layer.bias_1):chunk(4, 2)
  c = f:sigmoid() * c + i:sigmoid() * g:tanh()
  return o:sigmoid() * c:tanh(), c
end

function steps.GRU(layer, x, h)
  local n = 2 * layer.units
  local w, u, b = layer.weight_1, layer.state_weight_1, layer.bias_1
  local r, z = product(x, h, w:slice(2, 1, n), u:slice(2, 1, n), b and b:slice(1, 1, n)):sigmoid():chunk(2, 2)
  local told = core.dense(h, u:slice(2, n + 1), layer.state_bias_1)
  local new = (core.dense(x, w:slice(2, n + 1), b and b:slice(1, n + 1)) + r * told):tanh()
  return (1 - z) * new + z * h
end

-- What the layer is, step by step: all h, the last h, the last c.
local function loop(kind, layer, x, h, c)
  local list = {}
  for t = 1, x.shape[2] do
    h, c = steps[kind](layer, x:select(2, t), h, c)
    list[t] = h
  end
  return fnet.stack(list, 2), h, c
end

-- h and c of what a layer gives as its state.
local function parts(kind, state)
  if kind == "LSTM" then return state[1], state[2] end
  return state
end

-- A number that depends on all results.
local function weigh(kind, y, state)
  local h, c = parts(kind, state)
  local sum = (y * y):sum() + (h * h * h):sum()
  return c and sum + (c * c):sum() or sum
end

local function gradients(tensors, loss, options)
  for _, t in ipairs(tensors) do
    t.requires_grad, t.grad = true, nil
  end
  loss:backward(options)
  local list = {}
  for i, t in ipairs(tensors) do
    list[i] = t.grad
    t.grad = nil
  end
  return list
end

describe("a recurrent layer", function()
  before_each(function() fnet.seed(3) end)

  it("gives the bits of a loop of ordinary operations", function()
    for _, kind in ipairs(KINDS) do
      for _, sizes in ipairs { { 1, 1, 1, 1 }, { 3, 7, 5, 17 }, { 53, 4, 3, 33 } } do
        local batch, time, inputs, units = table.unpack(sizes)
        local layer = make(kind, inputs, units)
        local x, h = fnet.randn { batch, time, inputs }, fnet.randn { batch, units }
        local c = kind == "LSTM" and fnet.randn { batch, units } or nil
        local y, state = layer(x, c and { h:unsqueeze(2), c:unsqueeze(2) } or h:unsqueeze(2))
        local expected, last_h, last_c = loop(kind, layer, x, h, c)
        local got_h, got_c = parts(kind, state)
        assert.is_true(y:equal(expected))
        assert.is_true(got_h:equal(last_h:unsqueeze(2)))
        assert.is_true(not c or got_c:equal(last_c:unsqueeze(2)))
      end
    end
    local layer = make("RNN", 4, 6, { activation = "relu", bias = false })
    local x, h, list = fnet.randn { 2, 5, 4 }, fnet.zeros { 2, 6 }, {}
    for t = 1, 5 do
      h = product(x:select(2, t), h, layer.weight_1, layer.state_weight_1):relu()
      list[t] = h
    end
    assert.is_true(layer(x):equal(fnet.stack(list, 2)))
  end)

  it("has the gradients of that loop", function()
    for _, kind in ipairs(KINDS) do
      local layer = make(kind, 5, 19)
      layer:to "float64"
      local x, h = fnet.randn({ 6, 8, 5 }):double(), fnet.randn({ 6, 19 }):double()
      local c = kind == "LSTM" and fnet.randn({ 6, 19 }):double() or nil
      local leaves = { x, h, c, table.unpack(layer:parameters()) }
      if not c then leaves = { x, h, table.unpack(layer:parameters()) } end
      for _, t in ipairs(leaves) do t.requires_grad = true end
      local y, state = layer(x, c and { h:unsqueeze(2), c:unsqueeze(2) } or h:unsqueeze(2))
      local got = gradients(leaves, weigh(kind, y, state))
      local y_loop, h_loop, c_loop = loop(kind, layer, x, h, c)
      local expected = gradients(leaves, weigh(kind, y_loop, c and { h_loop, c_loop } or h_loop))
      for i = 1, #leaves do
        local apart = (got[i] - expected[i]):abs():max():item()
        local most = 1e-12 * expected[i]:abs():max():item()
        assert.is_true(apart <= most, ("%s, gradient %d: %g"):format(kind, i, apart))
      end
    end
  end)

  local SETTINGS = { { layers = 2, bidirectional = true }, { last = true, bias = false } }

  it("has gradients that central differences agree with, whatever the options", function()
    for _, kind in ipairs(KINDS) do
      for _, options in ipairs(SETTINGS) do
        local layer = make(kind, 3, 4, options)
        layer:to "float64"
        local x = fnet.randn { 3, 5, 3 }
        local function f(input)
          local y, state = layer(input, nil, { 5, 1, 3 })
          return weigh(kind, y, state)
        end
        assert.gradcheck(f, { x })
        for _, entry in ipairs(layer:named_parameters()) do
          assert.gradcheck(function(t)
            layer[entry.name] = t
            return f(x:double())
          end, { entry.tensor })
          layer[entry.name] = entry.tensor
        end
      end
    end
  end)

  it("has second derivatives", function()
    for _, kind in ipairs(KINDS) do
      for _, options in ipairs { SETTINGS[1], SETTINGS[2], { activation = kind == "RNN" and "relu" or nil } } do
        local layer = make(kind, 3, 4, options)
        layer:to "float64"
        local x, v = fnet.randn({ 3, 5, 3 }):double(), fnet.randn({ 3, 5, 3 }):double()
        local leaves = { x, table.unpack(layer:parameters()) }
        local function loss()
          local y, state = layer(x, nil, { 5, 1, 3 })
          return weigh(kind, y, state)
        end
        x.requires_grad = true
        local first = gradients(leaves, loss())
        local recorded = gradients(leaves, loss(), { create_graph = true })
        for i, gradient in ipairs(first) do
          assert.is_true((gradient - recorded[i]):abs():max():item() <= 1e-12 * gradient:abs():max():item())
        end
        -- Along v, the slope of v * dx is the difference of dx.
        local second = gradients(leaves, (recorded[1] * v):sum())
        local function change(t, by) fnet.no_grad(function() t:copy(t + by) end) end
        for i, leaf in ipairs(leaves) do
          local way, step = fnet.randn(leaf.shape):double(), 1e-6
          change(leaf, way * step)
          local above = gradients({ x }, loss())[1]
          change(leaf, way * (-2 * step))
          local below = gradients({ x }, loss())[1]
          change(leaf, way * step)
          local difference = ((above - below) * v):sum():item() / (2 * step)
          local slope = (second[i] * way):sum():item()
          assert.is_true(math.abs(difference - slope) <= 1e-6 * math.max(1, math.abs(slope)),
            ("%s, leaf %d: %.9g, difference %.9g"):format(kind, i, slope, difference))
        end
      end
    end
  end)

  it("gives the same bits everywhere", function()
    for _, kind in ipairs(KINDS) do
      local layer = make(kind, 7, 37, { layers = 2, bidirectional = true })
      local lengths = {}
      for i = 1, 61 do lengths[i] = 1 + i * 7 % 9 end
      local x = fnet.randn { 61, 9, 7 }
      assert.same_everywhere(function()
        x.requires_grad = true
        local y, state = layer(x, nil, lengths)
        local list = gradients({ x, table.unpack(layer:parameters()) }, weigh(kind, y, state))
        return fnet.sha256(y, (parts(kind, state))), fnet.sha256(table.unpack(list))
      end)
    end
  end)

  it("cuts long chains as products do", function()
    for _, kind in ipairs { "LSTM", "RNN" } do
      local units = kind == "LSTM" and 1030 or 4100
      local layer = nn[kind](1, units, { state_init = function(shape) return fnet.rand(shape, -0.1, 0.1) end })
      local x, h = fnet.randn { 1, 1, 1 }, fnet.randn { 1, 1, units }
      h.requires_grad = true
      local y = layer(x, kind == "LSTM" and { h, h:detach() } or h)
      local slopes = gradients({ layer.bias_1, h }, y:sum())
      local expected = core.matmul(slopes[1]:unsqueeze(1), layer.state_weight_1:transpose())
      assert.is_true(slopes[2]:reshape({ 1, units }):equal(expected))
    end
  end)
end)

describe("sequences of different lengths", function()
  before_each(function() fnet.seed(4) end)

  it("are each what they are alone, with zeros behind", function()
    for _, kind in ipairs(KINDS) do
      local layer = make(kind, 3, 5, { layers = 2, bidirectional = true })
      local lengths = { 2, 6, 1, 4, 4 }
      local x = fnet.randn { 5, 6, 3 }
      local y, state = layer(x, nil, lengths)
      for i, length in ipairs(lengths) do
        local alone, last = layer(x[i]:slice(1, 1, length))
        local h, c = parts(kind, state)
        local last_h, last_c = parts(kind, last)
        assert.is_true(y[i]:slice(1, 1, length):equal(alone))
        assert.equal(0, y[i]:slice(1, length + 1):abs():sum():item())
        assert.is_true(h[i]:equal(last_h) and (not c or c[i]:equal(last_c)))
      end
      assert.is_true(layer(x, nil, fnet.tensor(lengths, "int32")):equal(y))
    end
  end)

  it("do not care for what stands behind their ends", function()
    for _, kind in ipairs(KINDS) do
      local layer = make(kind, 2, 3, { last = true, bidirectional = true })
      local x = fnet.randn { 2, 4, 2 }
      local other = x:clone()
      other[1]:slice(1, 3):fill(0 / 0)
      x.requires_grad, other.requires_grad = true, true
      local leaves = { x, table.unpack(layer:parameters()) }
      local clean = gradients(leaves, layer(x, nil, { 2, 4 }):sum())
      leaves[1] = other
      local got = gradients(leaves, layer(other, nil, { 2, 4 }):sum())
      for i = 2, #got do assert.equal(0, got[i]:ne(got[i]):sum():item()) end
      assert.is_true(got[1]:equal(clean[1]))
    end
  end)
end)

describe("a recurrent layer's state", function()
  before_each(function() fnet.seed(5) end)

  it("goes on where it was", function()
    for _, kind in ipairs(KINDS) do
      local layer = make(kind, 3, 5, { layers = 2 })
      local x = fnet.randn { 2, 7, 3 }
      local whole, last = layer(x)
      local first, state = layer(x:slice(2, 1, 4))
      local second, after = layer(x:slice(2, 5), state)
      assert.is_true(whole:equal(fnet.concat({ first, second }, 2)))
      assert.is_true((parts(kind, after)):equal((parts(kind, last))))
    end
  end)

  it("of a single sequence has no batch", function()
    for _, kind in ipairs(KINDS) do
      local layer = make(kind, 3, 5, { layers = 2, bidirectional = true })
      local x = fnet.randn { 4, 3 }
      local y, state = layer(x)
      local h = parts(kind, state)
      assert.same({ 4, 10 }, y.shape)
      assert.same({ 4, 5 }, h.shape)
      local batch = layer(x:unsqueeze(1))
      assert.is_true(batch[1]:equal(y))
      local again = layer(x, state, { 4 })
      assert.same({ 4, 10 }, again.shape)
    end
  end)

  it("is [batch, layers * directions, units], in the order of the passes", function()
    local layer = make("GRU", 3, 5, { layers = 2, bidirectional = true })
    local x = fnet.randn { 2, 6, 3 }
    local y, h = layer(x)
    assert.is_true(h:select(2, 3):equal(y:select(2, 6):slice(2, 1, 5))) -- of layer 2 there
    assert.is_true(h:select(2, 4):equal(y:select(2, 1):slice(2, 6, 10))) -- and back
    layer = make("GRU", 3, 5, { bidirectional = true })
    y, h = layer(x)
    layer.last = true
    assert.is_true(layer(x):equal(h:reshape { 2, 10 }))
    -- The way back is the way there of reversed sequences.
    local one = nn.GRU(3, 5)
    for _, name in ipairs { "weight_1", "state_weight_1", "bias_1", "state_bias_1" } do
      fnet.no_grad(function() one[name]:copy(layer[name .. "_backward"]) end)
    end
    local turned = fnet.stack({ x:select(2, 6), x:select(2, 5), x:select(2, 4), x:select(2, 3), x:select(2, 2),
      x:select(2, 1) }, 2)
    local back = one(turned)
    for t = 1, 6 do assert.is_true(back:select(2, t):equal(y:select(2, 7 - t):slice(2, 6, 10))) end
  end)
end)

describe("between layers", function()
  it("dropout drops, in training mode alone", function()
    local layer = nn.LSTM(3, 8, { layers = 2, dropout = 0.5 })
    local x = fnet.randn { 4, 5, 3 }
    fnet.seed(1)
    local one = layer(x)
    assert.is_false(one:equal(layer(x)))
    fnet.seed(1)
    assert.is_true(one:equal(layer(x)))
    layer:eval()
    assert.is_true(layer(x):equal(layer(x)))
    -- All is dropped: the second layer has its biases alone.
    local all = nn.RNN(3, 4, { layers = 2, dropout = 1 })
    assert.equal(0, all(x):abs():sum():item())
  end)
end)

describe("recurrent layers in models", function()
  before_each(function() fnet.seed(6) end)

  it("learn, are evaluated, saved and frozen like others, also in shards", function()
    local x, y = fnet.randn { 60, 8, 2 }, {}
    for i = 1, 60 do y[i] = x[i]:select(2, 1):sum():item() > 0 and 2 or 1 end -- of the first feature
    local all = fnet.data.Dataset { x = x, y = fnet.tensor(y, "int32") }
    local path = os.tmpname()
    for _, kind in ipairs(KINDS) do
      for shards = 1, 2 do
        fnet.seed(7)
        local model = nn.Sequential { nn[kind](2, 8, { layers = 2 }), nn[kind](8, 6, { last = true }),
          nn.Dense(6, 2) }
        fnet.fit(model, { train = all, epochs = 12, batch = 20, loss = nn.cross_entropy, shards = shards,
          optim = fnet.optim.Adam(model:parameters(), { lr = 0.02 }) })
        assert.is_true(nn.accuracy(model, all) > 0.8, kind)
        assert.is_true(model:save(path))
        local loaded = assert(fnet.load(path))
        assert.equal(model:sha256(), loaded:sha256())
        assert.is_true(fnet.predict(loaded, x):equal(fnet.predict(model, x)))
        assert.is_true(fnet.predict(model, x[1]):equal(fnet.predict(model, x)[1]))
        assert.matches("6", model:summary(), 1, true)
      end
    end
    os.remove(path)
    local model = nn.Sequential { nn.GRU(2, 3, { last = true }), nn.Dense(3, 2) }
    model[1]:freeze()
    assert.is_nil(model[1].weight_1.grad)
    nn.cross_entropy(model(x), fnet.tensor(y, "int32")):backward()
    assert.is_nil(model[1].weight_1.grad)
    assert.is_truthy(model[2].weight.grad)
    local copy = model:clone()
    assert.equal(model:sha256(), copy:sha256())
  end)

  it("say what they are and what they give", function()
    assert.equal("LSTM(2, 3, 2 layers, bidirectional, dropout 0.1, no bias, last)",
      nn.LSTM(2, 3, { layers = 2, bidirectional = true, dropout = 0.1, bias = false, last = true }):describe())
    assert.equal("RNN(2, 3, relu)", nn.RNN(2, 3, { activation = "relu" }):describe())
    assert.same({ "?", 6 }, nn.GRU(2, 3, { bidirectional = true }):output_shape())
    assert.same({ 7, 3 }, nn.GRU(2, 3):output_shape { 7, 2 })
    assert.same({ 3 }, nn.GRU(2, 3, { last = true }):output_shape { 7, 2 })
    local names = {}
    for i, entry in ipairs(nn.GRU(2, 3, { bidirectional = true }):named_parameters()) do names[i] = entry.name end
    assert.same({ "weight_1", "state_weight_1", "bias_1", "state_bias_1", "weight_1_backward",
      "state_weight_1_backward", "bias_1_backward", "state_bias_1_backward" }, names)
    assert.same({ 0, 0, 1, 1, 0, 0, 0, 0 }, nn.LSTM(3, 2).bias_1:totable())
    raises("layer 2, Dense(4, 1) expects 4 inputs, but layer 1, GRU(2, 3, last) gives [batch, 3]",
      function() nn.Sequential { nn.GRU(2, 3, { last = true }), nn.Dense(4, 1) } end)
  end)
end)

describe("a recurrent layer refuses", function()
  local layer, x
  setup(function() layer, x = nn.LSTM(3, 4), fnet.zeros { 2, 5, 3 } end)

  it("options that make no layer", function()
    raises("LSTM: inputs: expected a whole number of at least 1, got 0", function() nn.LSTM(0, 4) end)
    raises("LSTM: units: expected a whole number of at least 1, got nil", function() nn.LSTM(3) end)
    raises("GRU: layers: expected a whole number from 1 to 1000, got 0",
      function() nn.GRU(3, 4, { layers = 0 }) end)
    raises("GRU: dropout: expected a number from 0 to 1, got nan",
      function() nn.GRU(3, 4, { layers = 2, dropout = 0 / 0 }) end)
    raises("GRU: dropout lies between layers, and there is one; fnet.nn.Dropout(0.5) after it drops its results",
      function() nn.GRU(3, 4, { dropout = 0.5 }) end)
    raises("RNN: activation: unknown name 'gelu' (did you mean 'relu'?); known are tanh, relu",
      function() nn.RNN(3, 4, { activation = "gelu" }) end)
    raises("LSTM: bidirectional: expected true or false, got number",
      function() nn.LSTM(3, 4, { bidirectional = 2 }) end)
  end)

  it("inputs, states and lengths that do not fit", function()
    local expected = "LSTM(3, 4): expected float32 sequences of at least one step, [batch, time, 3] or one "
      .. "[time, 3], "
    raises(expected .. "got float32 [2, 5, 4]", function() layer(fnet.zeros { 2, 5, 4 }) end)
    raises(expected .. "got float32 [2, 0, 3]", function() layer(fnet.zeros { 2, 0, 3 }) end)
    raises(expected .. "got float32 [3]", function() layer(fnet.zeros { 3 }) end)
    raises(expected .. "got float64 [2, 5, 3]", function() layer(x:double()) end)
    raises(expected .. "got string", function() layer "x" end)
    local state = "LSTM(3, 4): state: expected "
    raises(state .. "a table of two tensors, { h, c }, got float32 [2, 1, 4]",
      function() layer(x, fnet.zeros { 2, 1, 4 }) end)
    raises(state .. "float32 [2, 1, 4] for c, got float32 [2, 4]",
      function() layer(x, { fnet.zeros { 2, 1, 4 }, fnet.zeros { 2, 4 } }) end)
    raises("GRU(3, 4): state: expected float32 [1, 4], got table",
      function() nn.GRU(3, 4)(x[1], {}) end)
    local lengths = "LSTM(3, 4): lengths: "
    raises(lengths .. "number 2: expected a whole number from 1 to 5, got 6",
      function() layer(x, nil, { 1, 6 }) end)
    raises(lengths .. "number 1: expected a whole number from 1 to 5, got 0",
      function() layer(x, nil, { 0, 5 }) end)
    raises(lengths .. "number 1: expected a whole number from 1 to 5, got 1.5",
      function() layer(x, nil, { 1.5, 5 }) end)
    local wanted = lengths .. "expected 2 whole numbers, one a sequence, as a table or a tensor of int32, got "
    raises(wanted .. "1 of them", function() layer(x, nil, { 5 }) end)
    raises(wanted .. "float32 [2]", function() layer(x, nil, fnet.ones { 2 }) end)
    raises(wanted .. "number", function() layer(x, nil, 5) end)
  end)

  it("weights of a shape that a script has changed", function()
    local other = nn.LSTM(3, 4)
    other.state_weight_1 = fnet.zeros { 4, 12 }
    raises("LSTM(3, 4): expected weights of the state of float32 [4, 16], got float32 [4, 12]",
      function() other(x) end)
    other = nn.GRU(3, 4)
    other.state_bias_1 = fnet.zeros { 3 }
    raises("GRU(3, 4): expected a bias of the state of float32 [4], got float32 [3]", function() other(x) end)
    other.weight_1 = fnet.zeros { 3, 13 }
    other.bias_1 = nil
    raises("GRU(3, 4): expected gates of a whole number of units, got float32 [2, 5, 13]", function() other(x) end)
  end)

  it("nothing of an empty batch", function()
    local y, state = layer(fnet.zeros { 0, 5, 3 })
    assert.same({ 0, 5, 4 }, y.shape)
    assert.same({ 0, 1, 4 }, state[2].shape)
    assert.same({ 0, 5, 4 }, layer(fnet.zeros { 0, 5, 3 }, nil, {}).shape)
    local leaf = fnet.zeros { 0, 5, 3 }
    leaf.requires_grad = true
    layer(leaf):sum():backward()
    assert.equal(0, layer.weight_1.grad:abs():sum():item())
    layer:zero_grad()
  end)

  it("operands of the kernel that do not belong together", function()
    local function kernel(...) return pcall(core.recurrent, ...) end
    local gates, u, h = fnet.zeros { 2, 5, 4 }, fnet.zeros { 4, 4 }, fnet.zeros { 2, 4 }
    assert.is_true((kernel(gates, x, u, nil, "tanh", false, nil, u, nil, h)))
    for i, wrong in ipairs {
      { gates, x, u, nil, "none", false, nil, u, nil, h }, { gates, x, u, nil, "lstm", false, nil, u, nil, h, h },
      { gates, x, u, nil, "gru", false, nil, u, nil, h }, { fnet.zeros { 2, 4 }, x, u, nil, "tanh", false, nil, u },
      { gates, x, u, nil, "tanh", false, fnet.tensor({ 1, 6 }, "int32"), u, nil, h },
      { gates, x, u, nil, "tanh", false, fnet.tensor({ 1 }, "int32"), u, nil, h },
      { gates, x, u, nil, "tanh", false, nil, u:double(), nil, h }, { gates, x, u, nil, "tanh", false, nil, u },
      { gates:int(), x, u, nil, "tanh", false, nil, u, nil, h } } do
      assert.is_false((kernel(table.unpack(wrong, 1, 11))), "operands " .. i)
    end
  end)
end)

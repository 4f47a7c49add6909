--- MultiHeadAttention, TransformerLayer and PositionalEncoding: against loops in double, gradients, masks, single
-- sequences, files, freezing, bits on every instruction set and number of threads, errors. tests/save/ compares
-- them with PyTorch and Keras.

local fnet = require "fnet"
local support = require "tests.support"
local nn = fnet.nn
local raises, flat = support.raises, support.flat

-- One query q, a list of keys and of values, all lists of numbers: what is taken.
local function look(q, keys, values, seen)
  local shares, sum, result = {}, 0, {}
  for i, key in ipairs(keys) do
    local score = 0
    for c, number in ipairs(key) do score = score + q[c] * number end
    shares[i] = seen(i) and math.exp(score / math.sqrt(#q)) or 0
    sum = sum + shares[i]
  end
  for c = 1, #values[1] do
    result[c] = 0
    for i, value in ipairs(values) do result[c] = result[c] + shares[i] / sum * value[c] end
  end
  return result
end

-- A sequence [time, units] after a dense layer, its columns of head number h.
local function head(x, weight, h, size)
  local all, rows = x:matmul(weight), {}
  for t = 1, x.shape[1] do rows[t] = all:slice(2, (h - 1) * size + 1, h * size)[t]:totable() end
  return rows
end

-- The sequence [time, units] after an attention without biases.
local function attend(layer, x, seen)
  local units, heads, size = layer.units, layer.heads, layer.units // layer.heads
  local result = {}
  for t = 1, x.shape[1] do
    result[t] = {}
    for h = 1, heads do
      local lists = {}
      for i = 1, 3 do lists[i] = head(x, layer.weight:slice(2, (i - 1) * units + 1, i * units), h, size) end
      for _, number in ipairs(look(lists[1][t], lists[2], lists[3], function(i) return seen(t, i) end)) do
        table.insert(result[t], number)
      end
    end
  end
  return fnet.tensor(result, "float64"):matmul(layer.result_weight)
end

local function everything() return true end

describe("MultiHeadAttention", function()
  before_each(function() fnet.seed(7) end)

  it("is its formula, of batches and of single sequences, causal and with masks", function()
    local layer = nn.MultiHeadAttention(6, 3, { bias = false }):to "float64"
    local x = fnet.randn { 2, 5, 6 }:to "float64"
    local y, looks = layer(x)
    assert.same({ 2, 3, 5, 5 }, looks.shape)
    support.near({ 2, 3, 5 }, flat(fnet.ones { 2, 3, 5 }), looks:sum(4), 1e-12)
    for i = 1, 2 do
      support.near({ 5, 6 }, flat(attend(layer, x[i], everything)), y[i], 1e-12)
      support.near({ 5, 6 }, flat(y[i]), (layer(x[i])), 1e-12)
    end
    local mask = fnet.tensor { { 1, 0, 1, 0, 1 }, { 1, 1, 1, 1, 1 }, { 0, 0, 1, 0, 0 }, { 0, 1, 0, 0, 1 },
      { 1, 0, 0, 0, 0 } }
    local function shown(t, i) return mask[t][i] ~= 0 end
    support.near({ 5, 6 }, flat(attend(layer, x[1], shown)), (layer(x[1], nil, nil, mask)), 1e-12)
    support.near({ 5, 6 }, flat(attend(layer, x[1], shown)), (layer(x, nil, nil, mask))[1], 1e-12)
    local causal = nn.MultiHeadAttention(6, 3, { bias = false, causal = true }):to "float64"
    causal:load_state(layer:state())
    support.near({ 5, 6 }, flat(attend(layer, x[2], function(t, i) return i <= t end)), (causal(x))[2], 1e-12)
  end)

  it("takes masks for each sequence and each head, which it repeats, of all types", function()
    local layer, x = nn.MultiHeadAttention(4, 2), fnet.randn { 3, 2, 4 }
    local by_sequence = fnet.tensor { { { 1, 1 } }, { { 1, 0 } }, { { 0, 1 } } }
    local expected = layer(x, nil, nil, by_sequence)
    assert.is_true(expected:equal((layer(x, nil, nil, by_sequence:expand { 3, 2, 2 }))))
    assert.is_true(expected:equal((layer(x, nil, nil, by_sequence:to("uint8"):unsqueeze(2)))))
    assert.is_true(expected:equal((layer(x, nil, nil, by_sequence:int()))))
    local by_head = fnet.tensor { { { { 1, 0 } }, { { 1, 1 } } } }
    local _, looks = layer(x, nil, nil, by_head)
    assert.equal(0, looks:slice(2, 1, 1):select(4, 2):max():item())
    assert.is_true(looks:slice(2, 2, 2):min():item() > 0)
    assert.equal(1, looks:slice(2, 1, 1):select(4, 1):min():item())
  end)

  it("has the right gradients, first and second, also for keys and values from elsewhere", function()
    local layer = nn.MultiHeadAttention(4, 2):to "float64"
    local mask = fnet.tensor { { 1, 0, 1 }, { 1, 1, 1 } }
    assert(fnet.gradcheck(layer, { fnet.randn { 2, 2, 4 } }))
    assert(fnet.gradcheck(function(q, k, v) return (layer(q, k, v, mask)) end,
      { fnet.randn { 2, 2, 4 }, fnet.randn { 2, 3, 4 }, fnet.randn { 2, 3, 4 } }))
    assert(fnet.gradcheck(function(q, k) return (layer(q, k)) end, { fnet.randn { 2, 4 }, fnet.randn { 3, 4 } }))
  end)

  it("has second derivatives", function()
    local layer = nn.MultiHeadAttention(4, 2, { causal = true }):to "float64"
    local function numbers() return fnet.randn({ 2, 3, 4 }):double() end
    local x, way, v = numbers(), numbers(), numbers()
    local function slope_at(point, options)
      point.requires_grad, point.grad = true, nil
      local y = layer(point)
      ;(y ^ 2):sum():backward(options)
      local slope = point.grad
      point.grad = nil
      return slope
    end
    ;(slope_at(x, { create_graph = true }) * v):sum():backward()
    local step = 1e-5
    local function at(by) return (slope_at((x + way * by):detach()) * v):sum():item() end
    assert.near((at(step) - at(-step)) / (2 * step), (x.grad * way):sum():item(), 1e-6)
  end)

  it("takes views, no sequences and no queries, and drops looks in training mode alone", function()
    local layer = nn.MultiHeadAttention(4, 2, { dropout = 0.5 }):eval()
    local x = fnet.randn { 3, 2, 4 }
    assert.is_true((layer(x:transpose(1, 2))):equal((layer(x:transpose(1, 2):contiguous()))))
    assert.same({ 0, 2, 4 }, (layer(fnet.zeros { 0, 2, 4 })).shape)
    assert.same({ 3, 0, 4 }, (layer(fnet.zeros { 3, 0, 4 }, x)).shape)
    layer:train()
    local _, looks = layer(fnet.randn { 20, 10, 4 })
    assert.near(0.5, looks:eq(0):mean():item(), 0.05)
  end)

  it("is saved, loaded, frozen and counted, and gives the same bits everywhere", function()
    local path = os.tmpname()
    local model = nn.Sequential { nn.Embedding(9, 8), nn.PositionalEncoding(6, 8), nn.PositionalEncoding(6, 8,
      { learnt = true }), nn.TransformerLayer(8, 2, { dropout = 0.1, norm = "last", causal = true, hidden = 5 }),
      nn.MultiHeadAttention(8, 4, { causal = true, bias = false }) }
    assert(model:save(path))
    local loaded = assert(fnet.load(path))
    os.remove(path)
    assert.equal(model:sha256(), loaded:sha256())
    assert.equal(model:describe(), loaded:describe())
    model:eval()
    loaded:eval()
    local x = fnet.tensor({ { 1, 2, 9 }, { 3, 3, 4 } }, "int32")
    assert.is_true(model(x):equal(loaded(x)))
    assert.equal(72 + 48 + (288 + 16 + 45 + 48 + 16) + 256, model:count())
    model:freeze()
    for _, parameter in ipairs(model:parameters()) do assert.is_false(parameter.requires_grad) end
    local big, layer = fnet.randn { 5, 33, 24 }, nn.TransformerLayer(24, 3, { causal = true, dropout = 0.2 })
    assert.same_everywhere(function()
      fnet.seed(2)
      layer:zero_grad()
      local y = layer(big)
      y:sum():backward()
      return fnet.sha256(y), fnet.sha256(layer.attention.weight.grad)
    end, { 1, 3 })
  end)

  it("learns to look back", function()
    -- Each place gives what stood at the place before it: only attention can know that.
    local model = nn.Sequential { nn.Embedding(4, 16), nn.PositionalEncoding(6, 16, { learnt = true }),
      nn.TransformerLayer(16, 2, { causal = true }), nn.Dense(16, 4) }
    local opt, loss = fnet.optim.Adam(model:parameters(), { lr = 0.02 }), nil
    for _ = 1, 120 do
      local x = fnet.rand({ 32, 6 }, 1, 5):int()
      local logits = model(x):slice(2, 2, 6)
      loss = nn.cross_entropy(logits:reshape { -1, 4 }, x:slice(2, 1, 5):reshape { -1 })
      opt:zero_grad()
      loss:backward()
      opt:step()
    end
    assert.is_true(loss:item() < 0.2, ("the loss is %g"):format(loss:item()))
  end)

  it("says what is wrong", function()
    local layer, x = nn.MultiHeadAttention(8, 2), fnet.randn { 2, 3, 8 }
    local named = "MultiHeadAttention(8, 2): "
    raises("MultiHeadAttention: units must be a multiple of the 3 heads, got 8",
      function() nn.MultiHeadAttention(8, 3) end)
    raises(named .. "query: expected float32 sequences [batch, time, 8] or one [time, 8], got float32 [2, 3, 7]",
      function() layer(fnet.randn { 2, 3, 7 }) end)
    raises(named .. "key: expected float32 sequences [2, time, 8], got float32 [3, 8]",
      function() layer(x, fnet.randn { 3, 8 }) end)
    raises(named .. "value: expected float32 sequences [time, 8], got float32 [2, 3, 8]",
      function() layer(x[1], x[1], x) end)
    raises(named .. "expected as many values as keys, at least one, got 2 and 3",
      function() layer(x, x, x:slice(2, 1, 2)) end)
    raises(named .. "mask: a query may see no key at all; where it is of no use, let it see itself",
      function() layer(x, nil, nil, fnet.tensor { { 1, 0, 0 }, { 0, 0, 0 }, { 1, 1, 1 } }) end)
    raises(named .. "mask: expected 1 where a key may be seen and 0 elsewhere, got -inf; a mask that is added " ..
      "to the scores is m:eq(0) here", function() layer(x, nil, nil, fnet.full({ 3, 3 }, -math.huge)) end)
    raises(named .. "mask: expected [3, 3], queries by keys, 1 where a key may be seen and 0 elsewhere, or [2, " ..
      "1 or 3, 3] or [2, 1 or 2 heads, 1 or 3, 3], got number", function() layer(x, nil, nil, 1) end)
    local lengths = fnet.tensor({ 3, 1 }, "int32")
    raises(named .. "mask: expected [3, 3], queries by keys, 1 where a key may be seen and 0 elsewhere, or [2, " ..
      "1 or 3, 3] or [2, 1 or 2 heads, 1 or 3, 3], got float32 [2, 3]; that of padded sequences is " ..
      "mask:unsqueeze(2)", function() layer(x, nil, nil, fnet.data.mask(lengths)) end)
    local seen = layer(x, nil, nil, fnet.data.mask(lengths):unsqueeze(2))
    assert.is_true(seen[2]:equal(layer(x[2], nil, nil, fnet.tensor { { 1, 0, 0 } })))
  end)
end)

describe("PositionalEncoding", function()
  it("is sines and cosines, or learnt, and is added to as many places as there are", function()
    for _, units in ipairs { 5, 6 } do
      local layer, expected = nn.PositionalEncoding(9, units), {}
      for t = 1, 7 do
        for u = 1, units do
          local angle = (t - 1) / 10000 ^ ((u - 1) // 2 * 2 / units)
          expected[#expected + 1] = u % 2 == 1 and math.sin(angle) or math.cos(angle)
        end
      end
      support.near({ 7, units }, expected, layer(fnet.zeros { 7, units }), 1e-6)
      assert.equal(0, layer:count())
    end
    local layer = nn.PositionalEncoding(3, 2, { learnt = true, init = "zeros" }):to "float64"
    assert.equal(6, layer:count())
    assert(fnet.gradcheck(layer, { fnet.randn { 2, 2, 2 } }))
    assert.same({ 0, 2 }, layer(fnet.zeros({ 0, 2 }, "float64")).shape)
  end)

  it("says what is wrong", function()
    raises("PositionalEncoding(9, 4): expected float32 sequences [..., time, 4] of at most 9 places, got " ..
      "float32 [10, 4]", function() nn.PositionalEncoding(9, 4)(fnet.zeros { 10, 4 }) end)
    raises("PositionalEncoding: init is of a learnt encoding; say learnt = true too",
      function() nn.PositionalEncoding(9, 4, { init = "zeros" }) end)
  end)
end)

describe("TransformerLayer", function()
  it("has the right gradients, norms first and last", function()
    fnet.seed(3)
    for _, norm in ipairs { "first", "last" } do
      local layer = nn.TransformerLayer(4, 2, { hidden = 3, norm = norm, activation = "gelu" }):to "float64"
      assert(fnet.gradcheck(layer, { fnet.randn { 2, 3, 4 } }))
    end
  end)

  it("names the layer that does not fit, and what it cannot be made of", function()
    raises("TransformerLayer: norm: unknown name 'middle'; known are first, last",
      function() nn.TransformerLayer(8, 2, { norm = "middle" }) end)
    raises("MultiHeadAttention: units must be a multiple of the 3 heads, got 8",
      function() nn.TransformerLayer(8, 3) end)
    local model = nn.Sequential { nn.TransformerLayer(8, 2) }
    raises("layer 1, norm_1, LayerNorm(8): expected an input of float32 [..., 8], got float32 [2, 7]",
      function() model(fnet.zeros { 2, 7 }) end)
  end)
end)

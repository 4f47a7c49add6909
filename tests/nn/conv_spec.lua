--- Conv2D and Reshape: values and both gradients against loops in double, every kind of geometry, equal bits
-- everywhere, and errors that name the layer's place.

local core = require "fnet.core"
local fnet = require "fnet"
local support = require "tests.support"
local nn = fnet.nn
local raises = support.raises

-- Arguments of Conv2D.
local cases = {
  { 1, 3, 3 },
  { 4, 6, 3, { padding = "same" } },
  { 3, 5, 3, { padding = "same", stride = 2 } },
  { 3, 2, { 2, 3 }, { stride = { 3, 2 }, padding = { 1, 2 } } },
  { 4, 8, 3, { groups = 2, stride = 2, padding = 1 } },
  { 6, 6, 3, { groups = 6, padding = 1 } }, -- depthwise
  { 17, 17, { 3, 5 }, { groups = 17, stride = { 2, 3 }, padding = 2 } },
  { 3, 6, 3, { groups = 3 } }, -- two units a channel
  { 3, 5, 1 },
  { 3, 5, 1, { stride = 3 } }, -- positions that no window reaches
  { 2, 2, { 1, 4 }, { stride = { 2, 5 }, padding = { 0, 3 } } },
  { 1, 2, 2, { padding = 4 } }, -- windows on nothing but padding
}

-- Padding in front along an axis, by the layer's documentation.
local function front(layer, axis, size)
  local padding, stride = layer.window.padding, layer.window.stride[axis]
  if padding ~= "same" then return padding[axis] end
  return math.max((math.ceil(size / stride) - 1) * stride + layer.window.kernel[axis] - size, 0) // 2
end

-- Calls visit(n, i, j, u, r, s, c, row, column, channel) for all that meets: output, tap, position in the picture.
local function each_meeting(layer, x, y, visit)
  local xs, ys, ws = x.shape, y.shape, layer.weight.shape
  local top, left, stride = front(layer, 1, xs[2]), front(layer, 2, xs[3]), layer.window.stride
  support.each({ ys[1], ys[2], ys[3], ys[4], ws[1], ws[2], ws[3] }, function(at)
    local n, i, j, u, r, s, c = table.unpack(at)
    local row, column = (i - 1) * stride[1] + r - top, (j - 1) * stride[2] + s - left
    if row < 1 or row > xs[2] or column < 1 or column > xs[3] then return end
    local channel = (u - 1) // (ys[4] // layer.groups) * ws[3] + c
    visit(n, i, j, u, r, s, c, support.position(xs, { n, row, column, channel }),
      support.position(ws, { r, s, c, u }), support.position(ys, { n, i, j, u }))
  end)
end

local function zeros(count)
  local list = {}
  for i = 1, count do list[i] = 0 end
  return list
end

-- y, dx, dw and db in double, from loops; dy is given.
local function reference(layer, x, dy)
  local xv, wv, dv = support.flat(x), support.flat(layer.weight), support.flat(dy)
  local y, dx, dw = zeros(#dv), zeros(#xv), zeros(#wv)
  local db, units = zeros(layer.units), layer.units
  for at = 1, #dv do
    y[at] = layer.bias and layer.bias[(at - 1) % units + 1] or 0
    db[(at - 1) % units + 1] = db[(at - 1) % units + 1] + dv[at]
  end
  each_meeting(layer, x, dy, function(_, _, _, _, _, _, _, a, b, c)
    y[c] = y[c] + xv[a] * wv[b]
    dx[a] = dx[a] + dv[c] * wv[b]
    dw[b] = dw[b] + dv[c] * xv[a]
  end)
  return y, dx, dw, db
end

describe("Conv2D", function()
  for number, case in ipairs(cases) do
    local layer = nn.Conv2D(table.unpack(case))
    it(("case %d, %s, is its loops, with its gradients"):format(number, layer:describe()), function()
      fnet.seed(number)
      local inner = nn.Conv2D(table.unpack(case))
      local x = fnet.randn { 2, 6, 7, case[1] }
      fnet.no_grad(function() inner.bias:copy(fnet.randn { case[2] }) end)
      x.requires_grad = true
      local y = inner(x)
      local dy = fnet.randn(y.shape)
      y:backward { gradient = dy }
      local expected, dx, dw, db = reference(inner, x:detach(), dy)
      assert.allclose(support.filled(y.shape, expected), y, 1e-5, 1e-5)
      assert.allclose(support.filled(x.shape, dx), x.grad, 1e-5, 1e-5)
      assert.allclose(support.filled(inner.weight.shape, dw), inner.weight.grad, 2e-5, 2e-5)
      assert.allclose(support.filled({ case[2] }, db), inner.bias.grad, 2e-5, 2e-5)
      local sample = { y.shape[2], y.shape[3], y.shape[4] }
      assert.same(sample, inner:output_shape { 6, 7, case[1] })
      -- One picture without the batch axis, and one in a batch of its own.
      local one = inner(x:detach()[2])
      assert.same(sample, one.shape)
      assert.is_true(one:equal(y[2]:detach()))
      assert.is_true(inner(x:detach():slice(1, 2, 2))[1]:equal(one))
    end)

    it(("case %d, %s, passes the check by differences, and so do its gradients"):format(number, layer:describe()),
      function()
        fnet.seed(number)
        local inner = nn.Conv2D(table.unpack(case)):to "float64"
        local geometry = inner.window
        for _, shape in ipairs { { 2, 5, 6, case[1] }, { 5, 4, case[1] } } do
          local x = fnet.randn(shape, 0, 1, "float64")
          local weight, bias = inner.weight, inner.bias
          assert.gradcheck(function(a, w, b)
            inner.weight, inner.bias = w, b
            return inner(a)
          end, { x, weight, bias }, { most = 10 })
          inner.weight, inner.bias = weight, bias
          local _, _, down, across, above, below, left, right = geometry:geometry(x)
          local function apply(operation, a, b, first, second)
            return operation(a, b, first, second, down, across, above, below, left, right, inner.groups)
          end
          local dy = fnet.no_grad(inner, x)
          local height, width = x.shape[x.rank - 2], x.shape[x.rank - 1]
          assert.gradcheck(function(d, w)
            return apply(core.conv2d_input, d, w, height, width)
          end, { dy, weight }, { most = 10 })
          assert.gradcheck(function(a, d)
            return apply(core.conv2d_weight, a, d, geometry.kernel[1], geometry.kernel[2])
          end, { x, dy }, { most = 10 })
        end
      end)
  end

  it("gives equal bits on every instruction set and with any number of threads", function()
    for _, case in ipairs {
      { 20, 33, 3, { padding = "same" } }, { 5, 20, 3, { stride = 2, padding = 1 } },
      { 35, 35, 3, { groups = 35, padding = "same" } }, { 8, 20, 5, { groups = 2 } },
    } do
      assert.same_everywhere(function()
        fnet.seed(1)
        local layer, x = nn.Conv2D(table.unpack(case)), fnet.randn { 5, 11, 12, case[1] }
        x.requires_grad = true
        local y = layer(x)
        y:backward { gradient = fnet.randn(y.shape) }
        return fnet.sha256(y:detach(), x.grad, layer.weight.grad, layer.bias.grad)
      end, { 1, 2, 3, 8 })
    end
  end)

  it("lets what lies beyond the edges take part as zeros", function()
    local layer = nn.Conv2D(1, 1, 3, { padding = "same", bias = false, init = nn.init.constant(1) })
    fnet.no_grad(function() layer.weight[1][1] = fnet.full({ 1, 1 }, math.huge) end)
    local y = layer(fnet.ones { 2, 2, 1 }):detach()
    assert.is_true(y[1][1][1] ~= y[1][1][1]) -- 0 * infinity
    assert.equal(math.huge, y[2][2][1])
  end)

  it("takes empty batches, transposed pictures, and no bias", function()
    local layer = nn.Conv2D(2, 3, 3, { bias = false })
    assert.is_nil(layer.bias)
    assert.same({ 0, 4, 3, 3 }, layer(fnet.zeros { 0, 6, 5, 2 }).shape)
    local x = fnet.randn { 2, 5, 2, 6 }
    local turned = x:transpose(3, 4):transpose(2, 3)
    assert.is_true(layer(turned):equal(layer(turned:contiguous())))
    layer(fnet.zeros { 0, 6, 5, 2 }):sum():backward()
    assert.equal(0, layer.weight.grad:abs():max():item())
  end)

  it("applies an activation, as a layer after it does", function()
    fnet.seed(2)
    local x = fnet.randn { 2, 5, 5, 2 }
    local layer = nn.Conv2D(2, 3, 3, { activation = "relu" })
    local plain = nn.Conv2D(2, 3, 3)
    plain:load_state { weight = layer.weight, bias = layer.bias }
    assert.is_true(layer(x):equal(plain(x):relu()))
    assert.equal("Conv2D(2, 3, 3, relu)", tostring(layer))
  end)

  it("starts from what init gives", function()
    local asked
    local layer = nn.Conv2D(4, 6, { 3, 5 }, { groups = 2, init = function(shape)
      asked = shape
      return fnet.full(shape, 0.5)
    end })
    assert.same({ 3, 5, 2, 6 }, asked)
    assert.same({ 3, 5, 2, 6 }, layer.weight.shape)
    assert.equal(0.5, layer.weight:min():item())
    fnet.seed(1)
    local limit = math.sqrt(6 / (9 * 64)) -- He-uniform, 3 x 3 x 64 numbers come in
    local weight = nn.Conv2D(64, 32, 3).weight:detach()
    assert.is_true(weight:max():item() <= limit and weight:max():item() > 0.99 * limit)
  end)
end)

describe("models of convolutions", function()
  it("know their shapes, as far as the input's is known", function()
    local model = nn.Sequential {
      nn.Reshape(28, 28, 1), nn.Conv2D(1, 8, 5, { padding = "same", stride = 2 }), nn.ReLU(), nn.MaxPool2D(2),
      nn.Flatten(), nn.Dense(7 * 7 * 8, 10),
    }
    assert.same({ { 28, 28, 1 }, { 14, 14, 8 }, { 14, 14, 8 }, { 7, 7, 8 }, { 392 }, { 10 } }, model.shapes)
    assert.same({ 3, 10 }, model(fnet.zeros { 3, 28, 28 }).shape)
    assert.same({ 1, 10 }, model(fnet.zeros { 1, 28, 28 }).shape)
    assert.same({ 10 }, model(fnet.zeros { 28, 28 }).shape)
    local open = nn.Sequential { nn.Conv2D(1, 8, 3), nn.MaxPool2D(2), nn.Flatten(), nn.Dense(8 * 9, 2) }
    assert.same({ "?", "?", 8 }, open.shapes[2])
    assert.same({ 2 }, open(fnet.zeros { 8, 8, 1 }).shape)
    assert.same({ 4, 2 }, open(fnet.zeros { 4, 8, 8, 1 }).shape)
    assert.is_truthy(open:summary():find("[batch, ?, ?, 8]", 1, true))
  end)

  it("say where neighbours do not fit", function()
    raises("layer 3, Conv2D(16, 8, 3) expects 16 inputs, but layer 2, ReLU() gives [batch, ?, ?, 8]",
      function() nn.Sequential { nn.Conv2D(1, 8, 3), nn.ReLU(), nn.Conv2D(16, 8, 3) } end)
    raises("layer 4, Dense(100, 9) expects 100 inputs, but layer 3, Flatten() gives [batch, 5408]",
      function() nn.Sequential { nn.Reshape(28, 28, 1), nn.Conv2D(1, 8, 3), nn.Flatten(), nn.Dense(100, 9) } end)
    raises("layer 2, Conv2D(3, 8, 3) expects 3 inputs, but layer 1, Reshape(28, 28, 1) gives [batch, 28, 28, 1]",
      function() nn.Sequential { nn.Reshape(28, 28, 1), nn.Conv2D(3, 8, 3) } end)
    raises("layer 2, Conv2D(1, 8, 5): the kernel of 5 x 5 does not fit into a picture of 4 x 4 with its padding",
      function() nn.Sequential { nn.Reshape(4, 4, 1), nn.Conv2D(1, 8, 5) } end)
    raises("layer 2, Conv2D(10, 8, 3): expected pictures of [batch, height, width, 10], got [batch, 10]",
      function() nn.Sequential { nn.Dense(5, 10), nn.Conv2D(10, 8, 3) } end)
  end)
end)

describe("Conv2D's errors", function()
  local layer = nn.Conv2D(1, 8, 3)

  it("say what input is expected, and the way out", function()
    raises("Conv2D(1, 8, 3): expected an input of [batch, height, width, 1], got [32, 28, 28]; put " ..
      "nn.Reshape(28, 28, 1) before it, for the axis of channels", function() layer(fnet.zeros { 32, 28, 28 }) end)
    raises("Conv2D(1, 8, 3): expected an input of [batch, height, width, 1], got [28, 28]; put " ..
      "nn.Reshape(height, width, 1) before it, for the axis of channels",
      function() layer(fnet.zeros { 28, 28 }) end)
    raises("Conv2D(3, 4, 1): expected an input of [batch, height, width, 3], got [2, 3, 8, 8]; channels are the " ..
      "last axis: x:transpose(2, 3):transpose(3, 4)", function() nn.Conv2D(3, 4, 1)(fnet.zeros { 2, 3, 8, 8 }) end)
    raises("Conv2D(1, 8, 3): expected an input of [batch, height, width, 1], got [7]",
      function() layer(fnet.zeros { 7 }) end)
    raises("Conv2D(1, 8, 3): the kernel of 3 x 3 does not fit into a picture of 2 x 9 with its padding",
      function() layer(fnet.zeros { 2, 9, 1 }) end)
    raises("Conv2D(1, 8, 3): expected two float tensors of one type, got uint8 and float32; convert with :float()",
      function() layer(fnet.zeros({ 1, 9, 9, 1 }, "uint8")) end)
    raises("layer 2, Conv2D(1, 8, 3): expected an input of [batch, height, width, 1], got [4, 9, 9]; put " ..
      "nn.Reshape(9, 9, 1) before it, for the axis of channels",
      function() nn.Sequential { nn.ReLU(), nn.Conv2D(1, 8, 3) }(fnet.zeros { 4, 9, 9 }) end)
    for _, value in ipairs { 5, "x", true } do assert.has_error(function() layer(value) end) end
    assert.has_error(function() layer() end)
  end)

  it("say what argument is wrong", function()
    raises("Conv2D: units: expected a whole number of at least 1, got 0", function() nn.Conv2D(1, 0, 3) end)
    raises("Conv2D: kernel: expected a whole number from 1 to 4096, got nil", function() nn.Conv2D(1, 2) end)
    raises("Conv2D: kernel: expected a whole number or a pair { down, across }, got a table of 3",
      function() nn.Conv2D(1, 2, { 3, 3, 3 }) end)
    raises("Conv2D: stride: expected a whole number from 1 to 4096, got 0",
      function() nn.Conv2D(1, 2, 3, { stride = 0 }) end)
    raises("Conv2D: padding: unknown name 'smae' (did you mean 'same'?); known are same, valid",
      function() nn.Conv2D(1, 2, 3, { padding = "smae" }) end)
    raises("Conv2D: padding: expected a whole number from 0 to 4096, got -1",
      function() nn.Conv2D(1, 2, 3, { padding = -1 }) end)
    raises("Conv2D: inputs and units must be multiples of the 3 groups, got 4 and 6",
      function() nn.Conv2D(4, 6, 3, { groups = 3 }) end)
    raises("Conv2D: unknown option 'strides' (did you mean 'stride'?); known are stride, padding, groups, " ..
      "activation, bias, init", function() nn.Conv2D(1, 2, 3, { strides = 2 }) end)
    raises("Conv2D: init must return a tensor [3, 3, 1, 2], got float32 [3, 3]",
      function() nn.Conv2D(1, 2, 3, { init = function() return fnet.zeros { 3, 3 } end }) end)
  end)

  it("come from operations on hostile arguments, too", function()
    local x, w = fnet.zeros { 1, 5, 5, 2 }, fnet.zeros { 3, 3, 2, 4 }
    for _, arguments in ipairs {
      { 0, 1, 0, 0, 0, 0, 1 }, { 1, 1, -1, 0, 0, 0, 1 }, { 1, 1, 0, 0, 0, 0, 0 }, { 1, 1, 0, 0, 0, 0, 3 },
      { 1, 1, 0, 0, 0, 1 << 40, 1 }, { 1.5, 1, 0, 0, 0, 0, 1 }, { "x", 1, 0, 0, 0, 0, 1 }, {},
    } do
      assert.has_error(function() core.conv2d(x, w, nil, nil, table.unpack(arguments)) end)
      assert.has_error(function() core.conv2d_input(x, w, 5, 5, table.unpack(arguments)) end)
      assert.has_error(function() core.conv2d_weight(x, x, 3, 3, table.unpack(arguments)) end)
    end
    local good = { 1, 1, 0, 0, 0, 0, 1 }
    assert.has_error(function() core.conv2d(x, fnet.zeros { 3, 3, 2 }, nil, nil, table.unpack(good)) end)
    assert.has_error(function() core.conv2d(x, fnet.zeros { 0, 3, 2, 4 }, nil, nil, table.unpack(good)) end)
    assert.has_error(function() core.conv2d(x, w, fnet.zeros { 3 }, nil, table.unpack(good)) end)
    assert.has_error(function() core.conv2d_input(fnet.zeros { 1, 4, 3, 4 }, w, 5, 5, table.unpack(good)) end)
    assert.has_error(function() core.conv2d_weight(x, fnet.zeros { 2, 3, 3, 4 }, 3, 3, table.unpack(good)) end)
  end)
end)

describe("Reshape", function()
  it("gives samples and batches another shape", function()
    local layer, x = nn.Reshape(2, 3, 1), fnet.arange(1, 12)
    assert.equal("Reshape(2, 3, 1)", tostring(layer))
    assert.same({ 2, 2, 3, 1 }, layer(x:reshape { 2, 2, 3 }).shape)
    assert.same({ 1, 2, 3, 1 }, layer(x:slice(1, 1, 6):reshape { 1, 6 }).shape)
    assert.same({ 2, 3, 1 }, layer(x:slice(1, 1, 6):reshape { 3, 2 }).shape)
    assert.same(support.flat(x), support.flat(layer(x:reshape { 2, 6 })))
    local leaf = fnet.ones { 2, 6 }
    leaf.requires_grad = true
    layer(leaf):sum():backward()
    assert.same({ 2, 6 }, leaf.grad.shape)
  end)

  it("says what does not fit", function()
    local layer = nn.Reshape(2, 3)
    raises("Reshape(2, 3): expected 6 elements a sample, got [4, 5]", function() layer(fnet.zeros { 4, 5 }) end)
    raises("Reshape(2, 3): expected a tensor, got number", function() layer(5) end)
    raises("layer 2, Reshape(2, 3): expected 6 elements a sample, got [batch, 5]",
      function() nn.Sequential { nn.Dense(4, 5), nn.Reshape(2, 3) } end)
    raises("Reshape: length 2: expected a whole number from 1 to 2147483648, got nil",
      function() nn.Reshape(2, nil, 3) end)
    raises("Reshape: expected 1 to 7 lengths, such as nn.Reshape(28, 28, 1), got 0", function() nn.Reshape() end)
  end)
end)

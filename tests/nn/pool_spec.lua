--- MaxPool2D, AvgPool2D and GlobalAvgPool: values and gradients against loops in double, ties, NaN, equal bits
-- everywhere, errors.

local core = require "fnet.core"
local fnet = require "fnet"
local support = require "tests.support"
local nn = fnet.nn
local raises = support.raises

local nan = 0 / 0

-- Arguments of both poolings.
local cases = {
  { 2 }, { 3, { stride = 2 } }, { 3, { stride = 1, padding = "same" } }, { { 2, 3 }, { stride = { 3, 1 } } },
  { { 3, 2 }, { padding = { 2, 1 } } }, { 2, { stride = 3 } }, { 1 }, { 3, { stride = 2, padding = "same" } },
}

-- Of AvgPool2D alone.
local padded_cases = {
  { 3, { stride = 2, padding = 1, count_include_pad = true } },
  { 2, { stride = 1, padding = "same", count_include_pad = true } },
  { { 2, 4 }, { stride = { 1, 3 }, padding = { 1, 3 }, count_include_pad = true } },
}

local function front(layer, axis, size)
  local padding, stride, kernel = layer.window.padding, layer.window.stride[axis], layer.window.kernel[axis]
  if padding ~= "same" then return padding[axis] end
  return math.max((math.ceil(size / stride) - 1) * stride + kernel - size, 0) // 2
end

-- The positions, in order, of the real elements of each window of y.
local function windows_of(layer, x, y)
  local xs, kernel, stride, list = x.shape, layer.window.kernel, layer.window.stride, {}
  local top, left = front(layer, 1, xs[2]), front(layer, 2, xs[3])
  support.each(y.shape, function(at, position)
    local window = {}
    for r = 1, kernel[1] do
      for s = 1, kernel[2] do
        local row, column = (at[2] - 1) * stride[1] + r - top, (at[3] - 1) * stride[2] + s - left
        if row >= 1 and row <= xs[2] and column >= 1 and column <= xs[3] then
          window[#window + 1] = support.position(xs, { at[1], row, column, at[4] })
        end
      end
    end
    list[position] = window
  end)
  return list
end

local function largest(values, window)
  local best = window[1]
  for _, at in ipairs(window) do
    local value = values[at]
    if values[best] == values[best] and (value ~= value or value > values[best]) then best = at end
  end
  return best
end

-- y and dx by the windows; `maximum` or the mean.
local function reference(maximum, layer, x, y, dy)
  local values, slopes, result, dx = support.flat(x), support.flat(dy), {}, {}
  for i = 1, #values do dx[i] = 0 end
  for i, window in ipairs(windows_of(layer, x, y)) do
    if maximum then
      local best = largest(values, window)
      result[i], dx[best] = values[best], dx[best] + slopes[i]
    else
      local sum, kernel = 0, layer.window.kernel
      local count = layer.count_include_pad and kernel[1] * kernel[2] or #window
      for _, at in ipairs(window) do
        sum = sum + values[at]
        dx[at] = dx[at] + slopes[i] / count
      end
      result[i] = sum / count
    end
  end
  return result, dx
end

for name, class in pairs { MaxPool2D = nn.MaxPool2D, AvgPool2D = nn.AvgPool2D } do
  describe(name, function()
    local own = { table.unpack(cases) }
    if name == "AvgPool2D" then table.move(padded_cases, 1, #padded_cases, #own + 1, own) end
    for number, case in ipairs(own) do
      local layer = class(table.unpack(case))
      it(("%s is its loops, with its gradient"):format(layer:describe()), function()
        fnet.seed(number)
        for _, channels in ipairs { 1, 3, 17 } do
          local x = (fnet.rand { 2, 7, 6, channels } * 8):int():float() -- with ties
          x.requires_grad = true
          local y = layer(x)
          local dy = fnet.randn(y.shape)
          y:backward { gradient = dy }
          local expected, dx = reference(name == "MaxPool2D", layer, x:detach(), y, dy)
          local tolerance = name == "MaxPool2D" and 0 or 1e-6
          assert.allclose(support.filled(y.shape, expected), y, tolerance, tolerance)
          assert.allclose(support.filled(x.shape, dx), x.grad, 1e-6, 1e-6)
          assert.same({ y.shape[2], y.shape[3], channels }, layer:output_shape { 7, 6, channels })
          assert.is_true(layer(x:detach()[2]):equal(y[2]:detach()))
        end
        -- No ties, so that there are derivatives.
        local apart = (fnet.permutation(2 * 7 * 6 * 2):double() / 50):reshape { 2, 7, 6, 2 }
        assert.gradcheck(layer, { apart }, { most = 60 })
        assert.gradcheck(layer, { apart[1] }, { most = 60 })
      end)
    end

    it("has a gradient that can be differentiated, as often as one likes", function()
      local x = fnet.randn({ 7, 6, 2 }, 0, 1, "float64")
      local geometry = { 3, 3, 2, 2, 1, 1, 1, 1 }
      local window = class(3, { stride = 2, padding = 1 })
      local y = window(x)
      if name == "AvgPool2D" then
        local function spread(d) return core.avg_pool_input(d, 7, 6, table.unpack(geometry)) end
        assert.gradcheck(spread, { y })
        geometry[9] = true
        assert.gradcheck(spread, { y })
        return
      end
      local tap = fnet.zeros(y.shape, "float64") -- the last position of each window that lies inside
      support.each(y.shape, function(at) tap:set(at[1] < 4 and 8 or 5, table.unpack(at)) end)
      geometry[9] = tap
      local function scatter(d) return core.max_pool_input(d, 7, 6, table.unpack(geometry)) end
      assert.gradcheck(scatter, { y })
      local function pick(g) return core.pool_pick(g, nil, table.unpack(geometry)) end
      assert.gradcheck(pick, { x })
      local picked = core.pool_pick(x, nil, table.unpack(geometry))
      assert.equal(x[2][2][1], picked[1][1][1])
    end)

    it("gives equal bits on every instruction set and with any number of threads", function()
      local layer = class(3, { stride = 2, padding = 1, count_include_pad = name == "AvgPool2D" or nil })
      assert.same_everywhere(function()
        fnet.seed(1)
        local x = fnet.randn { 7, 13, 12, 35 }
        x.requires_grad = true
        local y = layer(x)
        y:backward { gradient = fnet.randn(y.shape) }
        return fnet.sha256(y:detach(), x.grad)
      end, { 1, 2, 3, 8 })
    end)

    it("takes an empty batch", function()
      assert.same({ 0, 3, 2, 5 }, class(2)(fnet.zeros { 0, 6, 5, 5 }).shape)
    end)

    it("says what does not fit", function()
      local function check_message(tail, f)
        local ok, message = pcall(f)
        assert.is_false(ok)
        assert.equal(name .. tail, (message:gsub("^[^ ]+ ", "")))
      end
      check_message("(2): expected an input of [batch, height, width, channels], got [5, 6]",
        function() class(2)(fnet.zeros { 5, 6 }) end)
      check_message("(4): the window of 4 x 4 does not fit into a picture of 3 x 9",
        function() class(4)(fnet.zeros { 3, 9, 1 }) end)
      check_message("(2): expected a float tensor, got uint8; convert with :float()",
        function() class(2)(fnet.zeros({ 1, 4, 4, 1 }, "uint8")) end)
      check_message(": the padding of 2 x 2 must be smaller than the kernel of 2 x 2",
        function() class(2, { padding = 2 }) end)
      check_message(": kernel: expected a whole number from 1 to 4096, got 0", function() class(0) end)
      check_message(": unknown option 'strid' (did you mean 'stride'?); known are stride, padding"
          .. (name == "AvgPool2D" and ", count_include_pad" or ""),
        function() class(2, { strid = 1 }) end)
      check_message("(2): expected pictures of [batch, height, width, channels], got [batch, 10]",
        function() class(2):output_shape { 10 } end)
      assert.has_error(function() class(2)(5) end)
      assert.has_error(function() class(2)() end)
    end)
  end)
end

describe("MaxPool2D", function()
  it("gives the first of equal maxima the gradient, and lets a NaN win", function()
    local x = fnet.tensor { { { 3 }, { 3 } }, { { 3 }, { 3 } } }
    x.requires_grad = true
    nn.MaxPool2D(2)(x):sum():backward()
    assert.same({ 1, 0, 0, 0 }, support.flat(x.grad))
    for place = 1, 4 do
      local values = { -math.huge, 1, math.huge, 2 }
      values[place] = nan
      local leaf = fnet.tensor(values):reshape { 2, 2, 1 }
      leaf.requires_grad = true
      local y = nn.MaxPool2D(2)(leaf)
      assert.is_true(y:item() ~= y:item())
      y:sum():backward()
      assert.equal(1, support.flat(leaf.grad)[place])
    end
    local low = nn.MaxPool2D(2, { padding = 1 })(fnet.full({ 2, 2, 1 }, -math.huge))
    assert.equal(-math.huge, low:max():item())
  end)
end)

describe("AvgPool2D", function()
  it("counts what lies beyond the edge only where it is told to", function()
    local x = fnet.full({ 4, 4, 1 }, 6)
    local options = { stride = 3, padding = 1 }
    assert.same({ 6, 6, 6, 6 }, support.flat(nn.AvgPool2D(3, options)(x)))
    options.count_include_pad = true
    local layer = nn.AvgPool2D(3, options)
    assert.equal("AvgPool2D(3, padding 1, count_include_pad)", layer:describe())
    -- torch.nn.AvgPool2d(3, padding = 1): 4 of 9 elements are real.
    assert.allclose(support.filled({ 2, 2, 1 }, { 24 / 9, 24 / 9, 24 / 9, 24 / 9 }), layer(x), 1e-6, 1e-6)
    assert.same({ 24 / 4, 24 / 4, 24 / 4, 24 / 4 }, support.flat(nn.AvgPool2D(2, { count_include_pad = true })(x)))
    raises("AvgPool2D: count_include_pad: expected true or false, got number",
      function() nn.AvgPool2D(3, { count_include_pad = 1 }) end)
  end)
end)

describe("GlobalAvgPool", function()
  it("is the mean of each channel", function()
    local layer, x = nn.GlobalAvgPool(), fnet.randn({ 3, 4, 5, 2 }, 0, 1, "float64")
    local expected = x:mean(2):mean(2)
    assert.allclose(expected, layer(x), 1e-12)
    assert.allclose(expected[2], layer(x[2]), 1e-12)
    assert.same({ 3, 2 }, layer(x).shape)
    assert.same({ 2 }, layer:output_shape { 4, 5, 2 })
    assert.gradcheck(layer, { x })
  end)

  it("says what does not fit", function()
    raises("GlobalAvgPool(): expected an input of [batch, height, width, channels], got [5, 6]",
      function() nn.GlobalAvgPool()(fnet.zeros { 5, 6 }) end)
    raises("GlobalAvgPool(): expected an input of [batch, height, width, channels], got number",
      function() nn.GlobalAvgPool()(5) end)
    raises("layer 2, GlobalAvgPool(): expected pictures of [batch, height, width, channels], got [batch, 5]",
      function() nn.Sequential { nn.Dense(3, 5), nn.GlobalAvgPool() } end)
  end)
end)

describe("the operations of poolings", function()
  it("refuse hostile arguments", function()
    local x, good = fnet.zeros { 1, 6, 6, 2 }, { 2, 2, 2, 2, 0, 0, 0, 0 }
    for place = 1, 8 do
      for _, value in ipairs { -1, 1.5, 1 << 40, "x", nan } do
        local bad = { table.unpack(good) }
        bad[place] = value
        assert.has_error(function() core.max_pool(x, nil, table.unpack(bad)) end)
        assert.has_error(function() core.avg_pool(x, nil, table.unpack(bad)) end)
        assert.has_error(function() core.avg_pool_input(x, 6, 6, table.unpack(bad)) end)
        bad[9] = x
        assert.has_error(function() core.pool_pick(x, nil, table.unpack(bad)) end)
        assert.has_error(function() core.max_pool_input(x, 6, 6, table.unpack(bad)) end)
      end
    end
    assert.has_error(function() core.avg_pool_input(x, 6, 99, table.unpack(good)) end)
    good[9] = x
    assert.has_error(function() core.max_pool_input(x, 99, 6, table.unpack(good)) end)
    assert.has_error(function() core.pool_pick(x, nil, table.unpack(good)) end)
  end)
end)

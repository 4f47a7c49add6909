--- The rule of every operation against central differences in double precision; its own gradient too.
-- Invariant: a rule that no case has called fails the last tests.

local fnet = require "fnet"
require "fnet.testing"
local core = require "fnet.core"
local operations = require "tests.support.operations"
local rules = require "fnet.tensor.rules"

local function count_of(shape)
  local count = 1
  for _, length in ipairs(shape) do count = count * length end
  return count
end

-- Different numbers in mixed order, first + step * (0 .. count - 1): no kink lies within a step of a difference.
local function mixed(shape, first, step)
  local count, values = count_of(shape), {}
  for i = 1, count do values[i] = (first or -1.27) + (step or 0.17) * (i * 11 % count) end
  return fnet.tensor(values, "float64"):reshape(shape)
end

local function positive(shape) return mixed(shape, 0.43, 0.09) end

-- Between -1 and 1.
local function inside(shape) return mixed(shape, -0.85, 0.14) end

local function weights_like(t)
  return (fnet.arange(1, t:count(), 1, "float64") * 0.31 + 0.7):reshape(t.shape)
end

-- Leaves with the elements of the inputs.
local function leaves_of(inputs)
  local leaves = {}
  for i, input in ipairs(inputs) do
    leaves[i] = input
    if fnet.is_tensor(input) and input.dtype == "float64" then
      leaves[i] = input:clone()
      leaves[i].requires_grad = true
    end
  end
  return leaves
end

-- The weighted sum of all gradients of f's weighted sum; for numbers, differences of it are second derivatives.
local function slope(f, leaves, create_graph)
  local y = f(table.unpack(leaves))
  if not y.requires_grad then return nil end
  (y * weights_like(y)):sum():backward { create_graph = create_graph }
  local total
  for i, leaf in ipairs(leaves) do
    local gradient = fnet.is_tensor(leaf) and leaf.grad
    if gradient then
      local part = (gradient * weights_like(gradient)):sum() * (1 + 0.1 * i)
      total = total and total + part or part
      leaf.grad = nil
    end
  end
  return total
end

local function check_second_derivatives(f, inputs)
  local leaves, step = leaves_of(inputs), 1e-5
  local total = slope(f, leaves, true)
  if total and total.requires_grad then total:backward() end
  for i, leaf in ipairs(leaves) do
    if fnet.is_tensor(leaf) and leaf.requires_grad then
      for k = 1, leaf:count() do
        local function moved(by)
          local others = leaves_of(inputs)
          fnet.no_grad(function()
            local flat = others[i]:reshape { -1 }:detach()
            flat[k] = flat[k] + by
          end)
          local value = slope(f, others, false)
          return value and value:item() or 0
        end
        local expected = (moved(step) - moved(-step)) / (2 * step)
        local got = leaf.grad and leaf.grad:reshape { -1 }[k] or 0
        local difference = math.abs(got - expected)
        assert.is_true(difference <= 2e-6 * math.max(1, math.abs(expected)),
          ("second derivative, input %d, element %d: %.9g, difference %.9g"):format(i, k, got, expected))
      end
    end
  end
end

local function check(f, ...)
  local inputs = { ... }
  assert.gradcheck(f, inputs)
  check_second_derivatives(f, inputs)
end

describe("the rules", function()
  local called, originals = { first = {}, second = {} }, {}

  setup(function()
    for name, rule in pairs(rules) do
      originals[name] = rule
      rules[name] = function(...)
        called[core.recording() and "second" or "first"][name] = true
        return rule(...)
      end
    end
  end)

  teardown(function()
    for name, rule in pairs(originals) do rules[name] = rule end
  end)

  local views = {
    ["as it is"] = function(x) return x end,
    transposed = function(x) return x:transpose() end,
    sliced = function(x) return x:slice(2, 2, 3) end,
    ["a row"] = function(x) return x[2] end,
    ["a column"] = function(x) return x:select(2, 1) end,
    ["one element"] = function(x) return x:select(1, 2):select(1, 3) end,
    repeated = function(x) return x:reshape { 2, 1, 3 }:expand { 2, 2, 3 } end,
    empty = function(x) return x:slice(1, 2, 1) end,
  }
  local unary = { clone = mixed, contiguous = mixed, leaky_relu = mixed, elu = mixed, selu = mixed }
  for _, name in ipairs(operations.names(1, "METHOD", "WHOLE")) do unary[name] = mixed end
  for _, name in ipairs { "sqrt", "log", "log2", "log10", "log1p" } do unary[name] = positive end
  unary.asin, unary.acos = inside, inside
  for name, numbers in pairs(unary) do
    for kind, view in pairs(views) do
      it(("of %s, of a matrix %s"):format(name, kind), function()
        local operation = core.methods[name]
        check(function(x) return operation(view(x)) end, numbers { 2, 3 })
      end)
    end
    it("of " .. name .. ", of one number and of rank 4", function()
      local operation = core.methods[name]
      check(function(x) return operation(x) end, numbers {})
      check(function(x) return operation(x) end, numbers { 2, 1, 2, 1 })
    end)
  end

  local pairs_of_shapes = {
    { { 2, 3 }, { 2, 3 } }, { { 2, 3 }, { 3 } }, { { 3 }, { 2, 3 } }, { { 2, 1 }, { 1, 3 } }, { {}, { 2, 2 } },
    { { 2, 2 }, {} }, { {}, {} }, { { 2, 1, 3 }, { 4, 1 } }, { { 0, 3 }, { 3 } },
  }
  for _, name in ipairs(operations.names(2, "METHOD")) do
    local operation = core.methods[name]
    for _, shapes in ipairs(pairs_of_shapes) do
      it(("of %s, of [%s] and [%s]"):format(name, table.concat(shapes[1], ", "), table.concat(shapes[2], ", ")),
        function() check(operation, positive(shapes[1]), mixed(shapes[2], 0.465, 0.1)) end)
    end
    it(("of %s, of a tensor and a number"):format(name), function()
      check(function(x) return operation(x, 1.7) end, positive { 2, 3 })
      check(function(x) return operation(1.7, x) end, positive { 2, 3 })
    end)
    it(("of %s, of views and where one operand is fixed"):format(name), function()
      local fixed = mixed({ 3, 2 }, 0.465, 0.1)
      check(function(x) return operation(x:transpose(), fixed) end, positive { 2, 3 })
      check(function(x) return operation(fixed, x:transpose()) end, positive { 2, 3 })
    end)
  end

  for _, name in ipairs(operations.names(1, "FUNCTION")) do
    it("of " .. name, function() check(core[name], mixed { 2, 5 }) end)
  end

  for _, name in ipairs(operations.names(2, "FUNCTION")) do
    for _, shapes in ipairs(pairs_of_shapes) do
      it(("of %s, of [%s] and [%s]"):format(name, table.concat(shapes[1], ", "), table.concat(shapes[2], ", ")),
        function() check(core[name], mixed(shapes[1]), positive(shapes[2])) end)
    end
  end

  it("of where, whatever is fixed or repeated", function()
    local condition = fnet.tensor({ { 1, 0, 0 }, { 0, 1, 1 } }, "uint8")
    check(function(a, b) return fnet.where(condition, a * a, b * b) end, mixed { 2, 3 }, positive { 2, 3 })
    check(function(a, b) return fnet.where(condition, a * a, b * b) end, mixed { 3 }, positive { 2, 1 })
    check(function(a) return fnet.where(condition, a * a, 2) end, mixed { 4, 1, 1 })
    check(function(b) return fnet.where(b:gt(0), 1, b * b) end, mixed { 2, 3 })
  end)

  it("of variances, and of tensors joined and parted", function()
    check(function(x) return x:var() end, mixed { 2, 3 })
    check(function(x) return x:var(1, true, 0) end, mixed { 2, 3 })
    check(function(x) return x:std(2) end, mixed { 2, 3 })
    check(function(x) return (x * x):unsqueeze(2):squeeze(1) end, mixed { 1, 3 })
    check(function(x)
      local a, b = (x * x):chunk(2, 2)
      return a * b
    end, mixed { 2, 4 })
    check(function(a, b) return fnet.stack({ a * a, b, a * b }, 2) end, mixed { 3 }, positive { 3 })
  end)

  it("of elements by index and by mask, and in other places", function()
    local function int(values) return fnet.tensor(values, "int32") end
    local rows, places, mask = int { 2, 1, 2 }, int { { 2, 1 }, { 2, 2 }, { 1, 1 } }, int { 1, 0 }
    check(function(x) return (x * x):pick(int { 2, 1, 2 }) end, mixed { 3, 2 })
    check(function(x) return (x * x):pick(int { { 1, 2 }, { 2, 2 } }, 2) end, mixed { 2, 2, 2 })
    check(function(x, y) return (x * x):scatter_add(rows, y * y) end, mixed { 2, 2 }, positive { 3, 2 })
    check(function(x, y) return (x * x):scatter_add(places, y * y, 2) end, mixed { 3, 2 }, positive { 3, 2 })
    check(function(x) return (x * x):masked_select(mask) end, mixed { 3, 2 })
    check(function(x) return (x * x):masked_fill(mask, 3) end, mixed { 3, 2 })
    check(function(x) return (x * x):flip(2) end, mixed { 3, 2 })
    check(function(x) return (x * x):roll(1, 1) end, mixed { 3, 2 })
    check(function(x) return (x * x):pad({ 1, { 0, 2 } }, 3) end, mixed { 3, 2 })
    check(function(x) return (x * x):tile { 2, 3 } end, mixed { 3, 2 })
    check(function(x) return (x * x):tril(-1) end, mixed { 3, 2 })
    check(function(x) return (x * x):triu() end, mixed { 3, 2 })
  end)

  it("of batch_norm, layer_norm, rms_norm and group_norm", function()
    check(function(x, w, b)
      local mean, inverse = fnet.no_grad(function()
        local moments = core.column_moments(x)
        return moments[1], 1 / (moments[2] / #x + 0.1):sqrt()
      end)
      return core.batch_norm(x, w, b, mean, inverse, 0.1)
    end, mixed { 4, 2 }, positive { 2 }, mixed { 2 })
    check(function(x, w, b) return core.layer_norm(x, w, b, 0.1) end, mixed { 2, 3 }, positive { 3 }, mixed { 3 })
    check(function(x, w) return core.rms_norm(x, w, 0.1) end, mixed { 2, 3 }, positive { 3 })
    check(function(x, w) return core.rms_norm(x, w, 0.1) end, mixed { 2, 2, 3 }, positive { 3 })
    check(function(x, w, b) return core.group_norm(x, w, b, 2, 0.1, 2) end, mixed { 2, 3, 4 }, positive { 4 },
      mixed { 4 })
  end)

  it("of add, sub, mul, div, pow, of the same tensor twice", function()
    check(function(x) return x + x end, positive { 3 })
    check(function(x) return (x - x) * x end, positive { 3 })
    check(function(x) return x * x / (x * x + x) end, positive { 3 })
    check(function(x) return x ^ x end, positive { 3 })
  end)

  for _, name in ipairs { "sum", "mean", "max", "min" } do
    for _, shape in ipairs { { 4 }, { 2, 3 }, { 2, 3, 2 }, { 1, 3 }, {} } do
      for axis = 0, #shape do
        for _, keep in ipairs { false, true } do
          it(("of %s, of [%s] over %s%s"):format(name, table.concat(shape, ", "),
            axis == 0 and "everything" or "axis " .. axis, keep and ", kept" or ""), function()
            check(function(x) return core.methods[name](x * x, axis > 0 and axis or nil, keep) end, mixed(shape))
          end)
        end
      end
    end
    it(("of %s, of a view"):format(name), function()
      check(function(x) return core.methods[name](x:transpose():slice(1, 2, 3), 2) end, mixed { 2, 3 })
    end)
  end

  for _, name in ipairs { "var", "std", "norm" } do
    for _, shape in ipairs { { 4 }, { 2, 3 }, { 2, 3, 2 } } do
      for axis = 0, #shape do
        for _, keep in ipairs { false, true } do
          it(("of %s, of [%s] over %s%s"):format(name, table.concat(shape, ", "),
            axis == 0 and "everything" or "axis " .. axis, keep and ", kept" or ""), function()
            local over, correction = axis > 0 and axis or nil, name ~= "norm" and keep and 0 or nil
            local operation = name == "norm" and core.norm or core.methods[name]
            check(function(x) return operation(x * x, over, keep, correction) end, mixed(shape))
          end)
        end
      end
    end
  end

  it("of reductions over several axes", function()
    for _, name in ipairs { "sum", "mean", "max", "min", "var", "std" } do
      for _, axes in ipairs { { 1, 3 }, { 3, 1 }, { 2, 3 }, { 1, 2, 3 }, { 2 } } do
        for _, keep in ipairs { false, true } do
          check(function(x) return core.methods[name](x * x, axes, keep) end, mixed { 2, 2, 3 })
        end
      end
    end
    local axes = { 1, 3 } -- what a script does with its list afterwards does not matter
    local x = mixed { 2, 3, 2 }
    x.requires_grad = true
    local y = x:mean(axes)
    axes[1], axes[2] = 2, nil
    y:sum():backward()
    assert.same({ 2, 3, 2 }, x.grad:eq(0.25).shape)
    assert.equal(12, x.grad:eq(0.25):sum():item())
  end)

  it("of running sums and products, of what is made of them, and with zeros among the factors", function()
    local zeros = fnet.tensor({ { 1.5, 0, -0.7 }, { 0, 2, 0 }, { 0.4, -1.1, 0.9 } }, "float64")
    for axis = 1, 2 do
      check(function(x) return (x * x):cumsum(axis) end, mixed { 2, 3 })
      check(function(x) return x:cumprod(axis) end, zeros)
      check(function(x) return x:prod(axis) end, zeros)
      for _, reversed in ipairs { false, true } do
        local function scan(a, b) return core.scan(a, b, axis, reversed, "scan") end
        check(scan, zeros, mixed { 3, 3 })
        check(function(a) return scan(a, nil) end, zeros)
        check(function(a, b) return scan(a:transpose(), b:transpose()) end, zeros, mixed { 3, 3 })
      end
    end
    check(function(x) return x:prod() end, zeros)
    check(function(x) return x:prod({ 3, 1 }, true) end, mixed { 2, 2, 2 })
    check(function(x) return x:cumprod() end, mixed { 1 })
    check(function(x) return x:cumprod(2) end, mixed { 2, 0 })
    check(function(x) return x:norm(2, { 1, 3 }) end, mixed { 2, 2, 3 })
    for _, p in ipairs { 0.5, 1, 1.7, 3, math.huge } do
      check(function(x) return x:norm(p, 2) end, mixed { 2, 3 })
      check(function(x) return x:norm(p, { 1, 3 }, true) end, mixed { 2, 2, 2 })
    end
    for _, axes in ipairs { 1, 2, { 1, 2 } } do
      check(function(x) return x:logsumexp(axes) end, mixed { 2, 3 })
    end
  end)

  it("of what is chosen by its place in order", function()
    for axis = 1, 2 do
      check(function(x) return ((x * x):sort { axis = axis, descending = axis == 1 }) end, mixed { 3, 4 })
      check(function(x) return ((x * x):topk(2, { axis = axis })) end, mixed { 3, 4 })
      check(function(x) return (x * x):median(axis) end, mixed { 3, 4 })
      check(function(x) return (x * x):quantile({ 0, 0.3, 0.8 }, axis) end, mixed { 3, 4 })
    end
    check(function(x) return (x * x):quantile(0.4, { 1, 3 }) end, mixed { 2, 2, 2 })
    check(function(x) return ((x * x):unique()) end, mixed { 2, 2 })
  end)

  it("of a deviation and of a norm are finite where these are 0, and right beside it", function()
    local function slopes(x, f)
      x.requires_grad = true
      f(x):sum():backward()
      return x.grad:totable()
    end
    for _, dtype in ipairs { "float32", "float64" } do
      local flat = fnet.full({ 3, 2 }, 0.7, dtype)
      assert.same({ { 0, 0 }, { 0, 0 }, { 0, 0 } }, slopes(flat:clone(), function(x) return x:std(1) end))
      flat[1] = fnet.tensor({ 0.7, 3.7 }, dtype)
      local got = slopes(flat, function(x) return x:std(1) end)
      for i = 1, 3 do
        assert.equal(0, got[i][1])
        assert.is_true(math.abs(got[i][2] - (i == 1 and 2 or -1) / (2 * 3 ^ 0.5)) < 1e-6) -- 3.7, 0.7, 0.7
      end
      local root = function(x) return (x * x):sum(2):sqrt() end
      local power = function(x) return (x ^ 2):sum(2) ^ 0.5 end
      for _, norm in ipairs { function(x) return x:norm(2, 2) end, root, power } do
        local rows = slopes(fnet.tensor({ { 0, 0 }, { 3, 4 } }, dtype), norm)
        assert.same({ 0, 0 }, rows[1])
        assert.is_true(math.abs(rows[2][1] - 0.6) < 1e-7 and math.abs(rows[2][2] - 0.8) < 1e-7)
      end
      assert.same({ 0, 0.25 }, slopes(fnet.tensor({ 0, 4 }, dtype), function(x) return x:sqrt() end))
      assert.same({ 0, 0.25 }, slopes(fnet.tensor({ 0, 4 }, dtype), function(x) return x ^ 0.5 end))
      assert.same({ 0, 0.25 },
        slopes(fnet.tensor({ 0, 4 }, dtype), function(x) return x ^ fnet.full({ 2 }, 0.5, dtype) end))
    end
    local far = fnet.tensor { 1e30, -1e30, 3e-30 } -- whose squares float32 does not hold
    for i, value in ipairs(slopes(far, function(x) return x:norm() end)) do
      assert.is_true(math.abs(value - ({ 1, -1, 0 })[i] / 2 ^ 0.5) < 1e-7)
    end
  end)

  it("of what is linear piece by piece have the derivative 0", function()
    local pieces = {
      max = function(x) return x:max() end, relu = function(x) return x:relu():sum() end,
      abs = function(x) return x:abs():mean() end, sum = function(x) return (x * 3):sum() end,
      clamp = function(x) return x:clamp(0, 1):sum() end,
    }
    for name, f in pairs(pieces) do
      local x = fnet.tensor { -1, 0.5, 2 }
      x.requires_grad = true
      f(x):backward { create_graph = true }
      for _ = 1, 2 do
        local gradient = x.grad
        x:zero_grad()
        gradient:sum():backward { create_graph = true }
        assert.same({ name, { 0, 0, 0 } }, { name, x.grad:totable() })
      end
    end
    local a = fnet.tensor { 1, 2 }
    a.requires_grad = true
    a:backward { gradient = fnet.ones { 2 }, create_graph = true }
    a.grad:sum():backward()
    assert.same({ 1, 1 }, a.grad:totable())
  end)

  it("of max and min share the gradient among equal elements", function()
    local x = fnet.tensor { { 3, 1, 3 }, { 2, 2, 2 } }
    x.requires_grad = true
    x:max(2):sum():backward()
    assert.allclose(fnet.tensor { { 0.5, 0, 0.5 }, { 1 / 3, 1 / 3, 1 / 3 } }, x.grad)
    x:zero_grad()
    x:min():backward()
    assert.same({ { 0, 1, 0 }, { 0, 0, 0 } }, x.grad:totable())
  end)

  it("of maximum and minimum give each of two equal elements half", function()
    for _, name in ipairs { "maximum", "minimum" } do
      local a, b = fnet.tensor { 1, 2, 3 }, fnet.tensor { 3, 2, 1 }
      a.requires_grad, b.requires_grad = true, true
      core.methods[name](a, b):sum():backward()
      local left, right = { 0, 0.5, 1 }, { 1, 0.5, 0 }
      assert.same(name == "maximum" and left or right, a.grad:totable())
      assert.same(name == "maximum" and right or left, b.grad:totable())
    end
  end)

  it("of pow give 0, not a NaN, for x^0 and 0^b at 0", function()
    local base, exponent = fnet.tensor { 0, 0, 2 }, fnet.tensor { 0, 2, 0 }
    base.requires_grad, exponent.requires_grad = true, true
    local power = base ^ exponent
    power:sum():backward()
    assert.same({ 0, 0, 0 }, base.grad:totable())
    assert.same({ 0, 0 }, { exponent.grad[1], exponent.grad[2] })
    assert.near(math.log(2), exponent.grad[3], 1e-6)
    base:zero_grad()
    local one = base ^ 0
    one:sum():backward()
    assert.same({ 0, 0, 0 }, base.grad:totable())
  end)

  it("of abs, relu and sign give 0 at 0", function()
    for _, name in ipairs { "abs", "relu", "sign" } do
      local x = fnet.tensor { 0, 2 }
      x.requires_grad = true;
      (core.methods[name](x) + x * 0):sum():backward()
      assert.equal(0, x.grad[1])
    end
  end)

  it("of reshape, flatten and expand", function()
    check(function(x) return (x * x):reshape { 3, -1 } end, mixed { 2, 3, 2 })
    check(function(x) return (x * x):transpose(1, 3):reshape { 12 } end, mixed { 2, 3, 2 })
    check(function(x) return (x * x):reshape {} end, mixed { 1, 1 })
    check(function(x) return (x * x):flatten() end, mixed { 2, 3, 2 })
    check(function(x) return (x * x):flatten(2) end, mixed { 3, 2 })
    check(function(x) return (x * x):expand { 2, 4, 3 } end, mixed { 2, 1, 3 })
    check(function(x) return (x * x):expand { 5, 2, 2 } end, mixed {})
  end)

  it("of transpose, slice, select, rows and unslice", function()
    check(function(x) return (x * x):T() end, mixed { 2, 3 })
    check(function(x) return (x * x):transpose(1, 2) end, mixed { 2, 3, 2 })
    check(function(x) return (x * x):transpose(3, 1):slice(2, 1, 2) end, mixed { 2, 3, 2 })
    check(function(x) return (x * x):slice(2, 2) end, mixed { 2, 3 })
    check(function(x) return (x * x):slice(1, 2, 3):slice(2, 1, 1) end, mixed { 3, 2 })
    check(function(x) return (x * x):select(2, 3) end, mixed { 2, 3, 2 })
    check(function(x) return (x * x)[2] * x:row(1) end, mixed { 2, 3 })
    check(function(x) return (x * x):unslice(2, 2, 6) end, mixed { 2, 3 })
  end)

  it("of matmul, of every rank and of views", function()
    check(core.matmul, mixed { 2, 3 }, mixed { 3, 4 })
    check(core.matmul, mixed { 2, 2, 3 }, mixed { 2, 3, 2 })
    check(core.matmul, mixed { 0, 3 }, mixed { 3, 2 })
    check(function(a, b) return core.matmul(a:T(), b:T()) end, mixed { 3, 2 }, mixed { 4, 3 })
    check(function(a, b) return a:matmul(b) end, mixed { 3 }, mixed { 3, 2 })
    check(function(a, b) return a:matmul(b) end, mixed { 2, 3 }, mixed { 3 })
    check(function(a, b) return a:matmul(b) end, mixed { 3 }, mixed { 3 })
    check(function(a) return a:matmul(a) end, mixed { 3, 3 })
    check(core.matmul, mixed { 2, 2, 2, 3 }, mixed { 2, 2, 3, 2 })
    check(core.matmul, mixed { 2, 1, 2, 3 }, mixed { 3, 3, 2 }) -- batches that broadcast
    check(core.matmul, mixed { 2, 3 }, mixed { 2, 2, 3, 1 })
    check(function(a, b) return a:matmul(b) end, mixed { 2, 2, 3 }, mixed { 3 })
    check(function(a, b) return a:matmul(b) end, mixed { 3 }, mixed { 2, 3, 2 })
    local fixed = mixed { 3, 3 }
    check(function(a) return fnet.matmul(fixed, a) end, mixed { 3, 2 })
    check(function(a) return fnet.matmul(a, fixed) end, mixed { 2, 3 })
  end)

  it("of dense, with and without bias, of every rank and of views", function()
    check(core.dense, mixed { 2, 3 }, mixed { 3, 4 }, mixed { 4 })
    check(core.dense, mixed { 3 }, mixed { 3, 2 }, mixed { 2 })
    check(core.dense, mixed { 2, 2, 3 }, mixed { 3, 2 }, mixed { 2 })
    check(core.dense, mixed { 1, 3 }, mixed { 3, 1 }, mixed { 1 })
    check(core.dense, mixed { 0, 3 }, mixed { 3, 2 }, mixed { 2 })
    check(function(x, w) return core.dense(x, w) end, mixed { 2, 3 }, mixed { 3, 2 })
    check(function(x, w, b) return core.dense(x:T(), w:T(), b:slice(1, 2, 3)) end, mixed { 3, 2 }, mixed { 2, 3 },
      mixed { 4 })
    local x, w, b = mixed { 2, 3 }, mixed { 3, 2 }, mixed { 2 }
    check(function(free) return core.dense(free, w, b) end, x)
    check(function(free) return core.dense(x, free, b) end, w)
    check(function(free) return core.dense(x, w, free) end, b)
  end)

  it("of gather, scatter and concat", function()
    local indices = fnet.tensor({ 3, 1, 3 }, "int32")
    check(function(x) return (x * x):gather(indices) end, mixed { 3, 2 })
    check(function(x) return (x * x):gather(indices:byte(), 2) end, mixed { 2, 3 })
    check(function(x) return (x * x):gather(indices, 2) end, mixed { 2, 3, 2 })
    local pairs_of_rows = fnet.tensor({ { 3, 1 }, { 2, 3 } }, "int32")
    check(function(x) return (x * x):gather(pairs_of_rows) end, mixed { 3, 2 })
    check(function(x) return (x * x):gather(pairs_of_rows, 2) end, mixed { 2, 3, 2 })
    check(function(x) return (x * x):gather(fnet.tensor(2, "int32"), 2) end, mixed { 2, 3 })
    local places = fnet.tensor({ { 3, 1, 3 }, { 2, 2, 1 } }, "int32")
    check(function(x) return (x * x):take_along_axis(places) end, mixed { 2, 3 })
    check(function(x) return (x * x):take_along_axis(places:slice(2, 1, 1)) end, mixed { 2, 3 })
    check(function(x) return (x * x):take_along_axis(places, 1) end, mixed { 3, 3 })
    check(function(x) return (x * x):take_along_axis(places:reshape { 2, 3, 1 }, 2) end, mixed { 2, 4, 1 })
    check(function(x) return core.put_along(x * x, places, 2, 4) end, mixed { 2, 3 })
    check(function(x) return core.scatter(x * x, indices, 1, 4) end, mixed { 3, 2 })
    check(function(x) return core.scatter(x * x, indices, 2, 5) end, mixed { 2, 3 })
    check(function(a, b, c) return fnet.concat { a * a, b, c * a } end, mixed { 2 }, mixed { 3 }, mixed { 2 })
    check(function(a, b) return fnet.concat({ a * a, b, a }, 2) end, mixed { 2, 3 }, mixed { 2, 1 })
  end)

  it("of softmax, along any axis", function()
    check(function(x) return x:softmax() end, mixed { 4 })
    check(function(x) return x:softmax() end, mixed { 2, 3 })
    check(function(x) return x:softmax(1) end, mixed { 2, 3 })
    check(function(x) return x:softmax(2) end, mixed { 2, 3, 2 })
    check(function(x) return x:T():softmax() end, mixed { 2, 3 })
    check(function(x) return x:softmax() end, mixed { 3, 1 })
    check(function(x) return x:log_softmax() end, mixed { 2, 3 })
    check(function(x) return x:log_softmax(1) end, mixed { 2, 3, 2 })
  end)

  it("of cross_entropy, of every rank and kind of labels", function()
    local cross_entropy = fnet.nn.cross_entropy
    local labels = fnet.tensor({ 3, 1 }, "int32")
    check(function(x) return cross_entropy(x, labels) end, mixed { 2, 3 })
    check(function(x) return cross_entropy(x, labels:byte()) end, mixed { 2, 3 })
    check(function(x) return cross_entropy(x:softmax(), labels) end, mixed { 2, 3 })
    check(function(x) return cross_entropy(x, 2) end, mixed { 4 })
    check(function(x) return cross_entropy(x, fnet.tensor(2, "int32")) end, mixed { 4 })
    check(function(x) return cross_entropy(x:T(), labels) end, mixed { 3, 2 })
    check(function(x) return cross_entropy(x, fnet.tensor({ 1, 3, 2, 2 }, "int32")) end, mixed { 2, 2, 3 })
    check(function(x) return cross_entropy(x, labels, { smoothing = 0.1 }) end, mixed { 2, 3 })
    local weighted = { weights = { 1, 2, 3 }, reduction = "sum" }
    check(function(x) return cross_entropy(x:T(), labels, weighted) end, mixed { 3, 2 })
  end)

  it("of convolutions, poolings and their gradients", function()
    check(function(x, w, b) return core.conv2d(x, w, b, nil, 2, 1, 1, 1, 0, 1, 2) end, mixed { 2, 4, 3, 2 },
      mixed { 3, 2, 1, 4 }, mixed { 4 })
    check(function(dy, w) return core.conv2d_input(dy, w, 4, 3, 2, 1, 1, 1, 0, 1, 2) end, mixed { 2, 2, 3, 4 },
      mixed { 3, 2, 1, 4 })
    check(function(x, dy) return core.conv2d_weight(x, dy, 3, 2, 2, 1, 1, 1, 0, 1, 2) end, mixed { 2, 4, 3, 2 },
      mixed { 2, 2, 3, 4 })
    local tap = fnet.tensor({ 4, 3, 2, 1 }, "float64"):reshape { 2, 2, 1 }
    check(function(x) return core.max_pool(x, nil, 3, 3, 2, 2, 1, 1, 1, 1) end, mixed { 4, 4, 1 })
    check(function(x) return core.avg_pool(x, nil, 3, 3, 2, 2, 1, 1, 1, 1) end, mixed { 4, 4, 1 })
    check(function(dy) return core.max_pool_input(dy, 4, 4, 3, 3, 2, 2, 1, 1, 1, 1, tap) end, mixed { 2, 2, 1 })
    check(function(dy) return core.avg_pool_input(dy, 4, 4, 3, 3, 2, 2, 1, 1, 1, 1) end, mixed { 2, 2, 1 })
    check(function(x) return core.pool_pick(x, nil, 3, 3, 2, 2, 1, 1, 1, 1, tap) end, mixed { 4, 4, 1 })
  end)

  it("of recurrent layers, of each kind and both directions", function()
    local lengths = fnet.tensor({ 1, 2 }, "int32")
    for kind, gates in pairs { tanh = 1, lstm = 4, gru = 3 } do
      for _, reversed in ipairs { false, true } do
        check(function(x, w, b, u, h, c, bias)
          return core.recurrent(core.dense(x, w, b), x, w, b, kind, reversed, reversed and lengths or nil, u,
            kind == "gru" and bias or nil, h, kind == "lstm" and c or nil)
        end, mixed { 2, 2, 2 }, mixed { 2, 2 * gates }, mixed { 2 * gates }, mixed { 2, 2 * gates }, mixed { 2, 2 },
          mixed { 2, 2 }, mixed { 2 })
      end
    end
  end)

  it("of conversions, clamp and the mean squared error", function()
    assert.gradcheck(function(x) return x:float():double() * x end, { mixed { 2, 3 } },
      { step = 1e-2, tolerance = 1e-4 })
    local x = fnet.ones { 2 }
    x.requires_grad = true
    x:double():sum():backward()
    assert.equal("float32", x.grad.dtype)
    x:zero_grad();
    (x:double() ^ 3):sum():backward { create_graph = true }
    local slope_of_x = x.grad
    x.grad = nil
    slope_of_x:sum():backward()
    assert.same({ 6, 6 }, x.grad:totable())
    check(function(z) return z:clamp(-0.5, 0.6) * z end, mixed { 7 })
    check(fnet.nn.mse, mixed { 2, 3 }, positive { 2, 3 })
  end)

  it("give gradients of the type of each operand", function()
    local single, double = fnet.ones { 2, 2 }, fnet.ones({ 2 }, "float64")
    single.requires_grad, double.requires_grad = true, true
    for _, name in ipairs { "add", "sub", "mul", "div", "pow", "maximum", "minimum" } do
      single:zero_grad()
      double:zero_grad()
      core.methods[name](single, double):sum():backward()
      assert.same({ "float32", "float64" }, { single.grad.dtype, double.grad.dtype })
    end
  end)

  local helpers = { accumulate = true, copy = true }
  local steps = { sign = true, floor = true, ceil = true, round = true, trunc = true }
  for order, linear in pairs { first = {}, second = steps } do
    it("have all been called for the " .. order .. " derivatives", function()
      local missing = {}
      for name in pairs(rules) do
        if not helpers[name] and not linear[name] and not called[order][name] then missing[#missing + 1] = name end
      end
      table.sort(missing)
      assert.same({}, missing)
    end)
  end
end)

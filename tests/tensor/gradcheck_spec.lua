--- gradcheck: right gradients pass, wrong ones are found, and what it refuses.

local fnet = require "fnet"
local rules = require "fnet.tensor.rules"

-- Calls f, which must raise an error at a line of this file.
local function fails(message, f, ...)
  local ok, got = pcall(f, ...)
  assert.is_false(ok)
  local position, text = got:match "^(.-gradcheck_spec%.lua:%d+: )(.*)$"
  assert.is_truthy(position, got)
  assert.equal(message, text)
end

describe("gradcheck", function()
  it("accepts right gradients and returns the largest error", function()
    local inputs = { fnet.rand { 3, 2 }, fnet.rand { 2 } }
    local ok, worst = fnet.gradcheck(function(x, y) return (x * y):tanh() end, inputs)
    assert.is_true(ok)
    assert.is_true(worst >= 0 and worst < 1e-6)
    assert.is_true((fnet.gradcheck(function(x) return x:exp() end, fnet.rand { 3 })))
  end)

  it("catches a wrong rule, and says where", function()
    local right = rules.tanh
    finally(function() rules.tanh = right end)
    local cases = {
      function(dy, y) return dy * (1 + y * y) end,
      function(dy, y) return right(dy, y) * 1.00001 end,
      function(dy) return dy * 0 end,
      function() return nil end,
    }
    for _, wrong in ipairs(cases) do
      rules.tanh = wrong
      local ok, detail = fnet.gradcheck(function(x) return x:tanh() end, { fnet.tensor { 0.5, -0.3 } })
      assert.is_false(ok)
      assert.is_truthy(detail:find "^gradcheck: input 1, element 1: gradient [-%d.e]+, central difference 0.707053",
        detail)
    end
  end)

  it("catches an error in one element, one input, or a NaN", function()
    local double = fnet.operation(function(x) return x * 2 end, function(dy)
      local dx = dy * 2
      dx[3] = 0
      return dx
    end)
    local ok, detail = fnet.gradcheck(function(a, b) return a + double(b) end, { fnet.rand { 4 }, fnet.rand { 4 } })
    assert.is_false(ok)
    assert.is_truthy(detail:find "input 2, element 3: gradient 0,", detail)
    local not_a_number = fnet.operation(function(x) return x * 2 end, function(dy) return dy / 0 * 0 end)
    assert.is_false((fnet.gradcheck(not_a_number, fnet.ones { 2 })))
  end)

  it("is not misled by a kink or a strong curvature beside the point", function()
    assert.is_true((fnet.gradcheck(function(x) return x:abs() end, { fnet.tensor { 4e-6, -4e-7 } })))
    assert.is_true((fnet.gradcheck(function(x) return (x * 300):tanh() end, { fnet.tensor { 0, 1e-3 } })))
    local wrong = fnet.operation(function(x) return x:abs() end, function(dy) return dy end)
    assert.is_false((fnet.gradcheck(wrong, { fnet.tensor { -4e-6 } })))
  end)

  it("finds right gradients right, whatever the size", function()
    fnet.seed(4)
    for _, count in ipairs { 1, 30, 3000, 20000 } do
      local x = fnet.randn { count }
      local options = { most = 20 }
      for _, f in ipairs {
        function(t) return t:exp() end, function(t) return t * t * t end, function(t) return (t * t):sum() end,
        function(t) return t:softplus():mean() end, function(t) return t:reshape { 1, count } end,
        function(t) return t * 1e6 + 1e9 end, function(t) return t * 1e-6 end,
        function(t) return t:exp():sum() * 1e3 end,
      } do
        local ok, detail, elements = fnet.gradcheck(f, { x }, options)
        assert.is_true(ok, detail)
        assert.equal(math.min(count, 20 * 16), elements) -- at most 16 are moved together
      end
    end
  end)

  it("finds a wrong gradient of large and small numbers wrong, whatever the size", function()
    fnet.seed(4)
    for _, count in ipairs { 2, 1000, 30000 } do
      for _, factor in ipairs { 1, 1e6 } do
        local wrong = fnet.operation(function(x) return x * x * factor end,
          function(dy, _, x) return dy * x * (2.0001 * factor) end)
        assert.is_false((fnet.gradcheck(wrong, { fnet.rand { count } }, { most = 20 })))
        assert.is_false((fnet.gradcheck(function(x) return wrong(x):sum() end, { fnet.rand { count } },
          { most = 20 })))
      end
    end
  end)

  it("meets every row and every column, of shapes that the number of elements divides too", function()
    local shapes = { { 100, 100 }, { 300, 60 }, { 60, 300 }, { 500, 10 }, { 7, 11, 13 }, { 2, 2, 100 } }
    for _, shape in ipairs(shapes) do
      local count = 1
      for _, length in ipairs(shape) do count = count * length end
      -- An operation whose gradient is wrong in one place along one axis.
      for axis, length in ipairs(shape) do
        for _, place in ipairs { 1, 2, length // 2, length } do
          local wrong = fnet.operation(function(x) return x * 2 end, function(dy)
            local dx = dy * 2
            dx:select(axis, place):fill(0)
            return dx
          end)
          local ok, detail, elements = fnet.gradcheck(wrong, { fnet.rand(shape) })
          assert.is_false(ok, ("axis %d of %d, place %d"):format(axis, #shape, place))
          assert.matches("^gradcheck: input 1, element %d+: gradient 0, ", detail)
          assert.is_true(elements <= math.max(200, length))
        end
      end
    end
  end)

  it("calls a single element wrong where several are moved together, and none for a kink", function()
    local wrong = fnet.operation(function(x) return x * 2 end, function(dy)
      local dx = dy * 2
      dx[7] = 0
      return dx
    end)
    local ok, detail = fnet.gradcheck(wrong, { fnet.rand { 50 } }, { most = 4 })
    assert.is_false(ok)
    assert.matches("^gradcheck: input 1, element 7: gradient 0, ", detail)
    local near_kinks = fnet.rand { 50 } * 4e-6
    assert.is_true((fnet.gradcheck(function(x) return x:abs() end, { near_kinks + 1e-6 }, { most = 4 })))
    -- Slopes in each other's places have the same sum.
    local swapped = fnet.operation(function(x) return x * fnet.tensor({ 1, 5 }, "float64") end,
      function(dy) return dy * fnet.tensor({ 5, 1 }, "float64") end)
    assert.is_false((fnet.gradcheck(function(x) return swapped(x):sum() end, { fnet.rand { 2 } }, { most = 1 })))
  end)

  it("takes no random numbers of the script's, and looks at the same elements each time", function()
    local function seen()
      local list = {}
      local spy = fnet.operation(function(x) return x * 1 end, function(dy)
        local dx = dy * 1
        dx[#list + 1] = 0
        return dx
      end)
      for i = 1, 30 do
        list[i] = select(2, fnet.gradcheck(spy, { fnet.ones { 1000 } }, { most = 400 }))
      end
      return list
    end
    fnet.seed(3)
    local before, first = { fnet.random_state() }, seen()
    assert.same(before, { fnet.random_state() })
    fnet.seed(9)
    assert.same(first, seen())
  end)

  it("leaves the inputs alone, and takes integers and other values as they are", function()
    local x, indices = fnet.tensor { 1, 2, 3 }, fnet.tensor({ 3, 1 }, "int32")
    assert.is_true((fnet.gradcheck(function(a, i, factor) return a:gather(i) * factor end, { x, indices, 2 })))
    assert.same({ { 1, 2, 3 }, "float32", false }, { x:totable(), x.dtype, x.requires_grad })
    assert.is_nil(x.grad)
  end)

  it("asks for a model of float64", function()
    local model = fnet.nn.Dense(3, 2)
    fails('gradcheck: expected a model of float64, got weights of float32; model:to "float64" converts it',
      fnet.gradcheck, model, { fnet.ones { 1, 3 } })
    assert.is_true((fnet.gradcheck(model:to "float64", { fnet.ones { 1, 3 } })))
  end)

  it("refuses a function that returns no tensor", function()
    fails("gradcheck: f must return a tensor, got number", fnet.gradcheck, function() return 1 end,
      { fnet.ones { 1 } })
  end)
end)

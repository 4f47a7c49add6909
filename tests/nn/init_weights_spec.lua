--- Start values: published deviations and ranges, orthogonality, repeatable bits.

local fnet = require "fnet"
require "fnet.testing"
local raises = require("tests.support").raises
local nn = fnet.nn

describe("start values", function()
  local inputs, units = 300, 200
  local deviations = {
    glorot_uniform = math.sqrt(2 / 500), glorot_normal = math.sqrt(2 / 500), he_uniform = math.sqrt(2 / 300),
    he_normal = math.sqrt(2 / 300), lecun_normal = math.sqrt(1 / 300),
  }
  for name, deviation in pairs(deviations) do
    it("by " .. name .. " have the published mean, deviation and range", function()
      local w = nn.Dense(inputs, units, { init = name }).weight:detach():double()
      local mean = w:mean():item()
      local spread = math.sqrt(((w - mean) ^ 2):mean():item())
      assert.near(0, mean, 5 * deviation / math.sqrt(inputs * units))
      assert.near(deviation, spread, 0.02 * deviation)
      local largest = w:abs():max():item()
      if name:find "uniform" then
        local limit = deviation * math.sqrt(3)
        assert.is_true(largest <= limit and largest > 0.999 * limit)
      else
        assert.is_true(largest > 3.5 * deviation and largest < 6.5 * deviation)
      end
    end)
  end

  it("are Glorot-uniform by default, zeros for the bias, the user's own, and repeatable by seed", function()
    fnet.seed(3)
    local dense = nn.Dense(5, 4)
    fnet.seed(3)
    assert.is_true(dense.weight:equal(nn.init.glorot_uniform { 5, 4 }))
    assert.same({ 0, 0, 0, 0 }, dense.bias:totable())
    local own = nn.Dense(5, 4, {
      init = function(shape) return fnet.full(shape, shape[1] / shape[2]) end,
    })
    assert.is_true(own.weight:equal(fnet.full({ 5, 4 }, 1.25)))
    assert.is_true(nn.Dense(2, 2, { init = "zeros" }).weight:equal(fnet.zeros { 2, 2 }))
    assert.is_false(nn.Dense(5, 4).weight:equal(nn.Dense(5, 4).weight))
  end)

  it("count the field of a convolution among the fans", function()
    local shape = { 3, 3, 20, 30 } -- 180 numbers come in, 270 go out
    for name, deviation in pairs {
      glorot_uniform = math.sqrt(2 / 450), glorot_normal = math.sqrt(2 / 450), he_uniform = math.sqrt(2 / 180),
      he_normal = math.sqrt(2 / 180), lecun_normal = math.sqrt(1 / 180),
    } do
      local w = nn.init[name](shape)
      assert.same(shape, w.shape)
      assert.near(deviation, w:std():item(), 0.05 * deviation)
    end
  end)

  it("by orthogonal have orthonormal columns, or rows where these are fewer", function()
    for _, shape in ipairs { { 6, 4 }, { 4, 6 }, { 5, 5 }, { 2, 3, 2, 4 }, { 1, 3 }, { 3, 1 } } do
      local w = nn.init.orthogonal(shape)
      assert.same(shape, w.shape)
      local matrix = w:double():reshape { -1, shape[#shape] }
      local tall = #matrix >= shape[#shape]
      local product = tall and matrix:T():matmul(matrix) or matrix:matmul(matrix:T())
      assert.allclose(fnet.eye(#product), product, 0, 2e-7)
    end
    local dense = nn.Dense(30, 20, { init = "orthogonal" })
    assert.is_true(dense.weight.requires_grad)
  end)

  it("by orthogonal are the same bits on every machine", function()
    fnet.seed(7)
    assert.equal("c8b3792f610909f1533f06b506b5b0fe37a105af1741fc481bf139c6236c7d20",
      fnet.sha256(nn.init.orthogonal { 33, 17 }, nn.init.orthogonal { 5, 9 }))
  end)

  it("by constant are one value", function()
    assert.same({ { 0.25, 0.25 } }, nn.Dense(1, 2, { init = nn.init.constant(0.25) }).weight:totable())
    raises("constant: value: expected a number from -inf to inf, got the string 'x'",
      function() nn.init.constant "x" end)
  end)

  it("need a shape with inputs and units", function()
    raises("he_normal: expected a shape of at least two lengths, {..., inputs, units}, got [5]",
      function() nn.init.he_normal { 5 } end)
    raises("glorot_uniform: expected a shape of at least two lengths, {..., inputs, units}, got number",
      function() nn.init.glorot_uniform(5, 4) end)
    raises("orthogonal: length 2: expected a whole number of at least 1, got 0",
      function() nn.init.orthogonal { 3, 0 } end)
    raises("fnet.nn.init has no 'orthogonl'; did you mean fnet.nn.init.orthogonal?",
      function() return nn.init.orthogonl end)
    assert.same({
      "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal", "orthogonal", "zeros",
    }, nn.init.names())
  end)
end)

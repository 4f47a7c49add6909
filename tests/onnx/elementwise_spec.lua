--- Operations of ONNX element by element, where numbers are far from 0, beside it, or none. Ordinary values are
-- compared with ONNX's own tests (nodes_spec.lua).

local fnet = require "fnet"
local functions = require("fnet.onnx.operations").functions

local function values_of(op, list)
  return functions[op]({ attributes = {}, outputs = { "y" } }, fnet.tensor(list)):totable()
end

local function check(op, pairs_of)
  local inputs = {}
  for i, pair in ipairs(pairs_of) do inputs[i] = pair[1] end
  for i, y in ipairs(values_of(op, inputs)) do
    local expected = pairs_of[i][2]
    local near = y == expected or math.abs(y - expected) <= 2e-7 * math.abs(expected)
    assert.is_true(near, ("%s of %g: expected %.9g, got %.9g"):format(op, inputs[i], expected, y))
  end
  local none = values_of(op, { 0 / 0 })[1]
  assert.is_true(none ~= none, op)
end

describe("a function of ONNX", function()
  it("is right for large numbers and infinities", function()
    local huge = math.huge
    check("Asinh", { { 0, 0 }, { 1e-30, 1e-30 }, { 1, 0.881373587 }, { 1e20, 46.7448490 }, { -3e38, -89.2899930 },
      { huge, huge }, { -huge, -huge } })
    check("Acosh", { { 1, 0 }, { 1 + 2 ^ -23, 4.88281245e-4 }, { 1e20, 46.7448490 }, { 3e38, 89.2899930 },
      { huge, huge } })
    check("Erf", { { 0, 0 }, { 1, 0.842700793 }, { 3e38, 1 }, { -3e38, -1 }, { huge, 1 }, { -huge, -1 } })
  end)
end)

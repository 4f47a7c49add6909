--- No public function of tensors and networks answers a wrong argument with Lua's own error, with a line of the
-- library's files, or with an address: every method and function with every value below, in every place.

local core = require "fnet.core"
local fnet = require "fnet"
local nn = fnet.nn

local VALUES = {
  false, 0, -1, 1.5, 1e300, 0 / 0, math.huge, math.mininteger, "x", "relu", {}, { 1, 2 }, { x = 1 }, { [{}] = 1 },
  function() end,
  fnet, nn, fnet.ones { 2, 3 }, fnet.zeros { 0 }, fnet.zeros { 0, 3 }, fnet.zeros { 3, 0 }, fnet.tensor(5),
  fnet.ones({ 2 }, "int32"), fnet.ones({ 2 }, "uint8"), fnet.ones({ 2, 3 }, "float64"),
  fnet.ones { 1, 1, 1, 1, 1, 1, 1, 1 },
  nn.Dense(3, 2), nn.Dense, { fnet.ones { 2 }, 5 }, { nil, fnet.ones { 2 } },
}

local TENSORS = { fnet.ones { 2, 3 }, fnet.zeros { 0, 3 }, fnet.ones({ 3 }, "int32"), fnet.tensor(1) }

local RAW = { "lua/fnet", "attempt to", "bad argument", "0x%x", "userdata", "stack overflow" }

local function check(name, f, ...)
  local ok, message = pcall(f, ...)
  if ok then return end
  for _, raw in ipairs(RAW) do
    if tostring(message):find(raw) then error(("%s: %s"):format(name, message), 0) end
  end
end

-- f with a value in each place, alone and behind `first`.
local function try(name, f, first)
  for _, value in ipairs(VALUES) do
    if first then
      check(name, f, first, value)
      check(name, f, first, 1, value)
      check(name, f, first, first, value)
    else
      check(name, f, value)
      check(name, f, value, value)
      check(name, f, value, 1, value)
    end
  end
end

describe("a wrong argument", function()
  for name, method in pairs(core.methods) do
    if name ~= "release" then
      it("of t:" .. name .. " is answered by fnet", function()
        try(name, method)
        for _, t in ipairs(TENSORS) do try(name, method, t:clone()) end
      end)
    end
  end

  local functions = { fnet.tensor, fnet.zeros, fnet.full, fnet.arange, fnet.eye, fnet.rand, fnet.randn,
    fnet.permutation,
    fnet.from_bytes, fnet.matmul, fnet.concat, fnet.stack, fnet.where, fnet.take_along_axis, fnet.no_grad,
    fnet.enable_grad, fnet.operation, fnet.gradcheck, nn.cross_entropy, nn.binary_cross_entropy, nn.mse, nn.mae,
    nn.huber, nn.correct, nn.Dense, nn.Conv2D, nn.Embedding, nn.Reshape, nn.Sequential, nn.Dropout, nn.Softmax,
    fnet.metrics.accuracy, nn.init.he_normal, fnet.optim.SGD, fnet.optim.Adam }
  for i, f in ipairs(functions) do
    it("of function " .. i .. " of the list is answered by fnet", function()
      try("function " .. i, f)
      for _, t in ipairs(TENSORS) do try("function " .. i, f, t:clone()) end
    end)
  end

  local layers = { nn.Dense(3, 2), nn.Conv2D(1, 2, 3), nn.BatchNorm(3), nn.LayerNorm(3), nn.Embedding(3, 2),
    nn.Flatten(),
    nn.MaxPool2D(2), nn.GlobalAvgPool(), nn.Dropout(0.5), nn.Reshape(3), nn.Residual { nn.Dense(3, 3) },
    nn.Concat { nn.Dense(3, 3), nn.ReLU() }, nn.Sequential { nn.Dense(3, 3), nn.Softmax() } }
  for _, layer in ipairs(layers) do
    it("of " .. layer:describe() .. " is answered by fnet", function() try(layer:describe(), layer) end)
  end
end)

--- Models as C: compiled, run on the test pictures, and compared with fnet's own output, bit for bit.

local fnet = require "fnet"
local command = require "tests.support.command"
local support = require "tests.support"
local nn = fnet.nn

-- Reads samples of float32 from standard input until its end, writes the outputs.
local MAIN = [[
#include <stdio.h>
#include "model.c"
int main(void) {
    static float input[PREDICT_INPUTS], output[PREDICT_OUTPUTS];
    while (fread(input, sizeof input, 1, stdin) == 1) {
        predict(input, output);
        fwrite(output, sizeof output, 1, stdout);
    }
    return 0;
}
]]

local directory
setup(function()
  directory = command.make_directory()
  command.write_file(directory .. "/main.c", MAIN)
end)
teardown(function() command.remove_directory(directory) end)

local function run(model, x, options)
  local report = assert(model:export_c(directory .. "/model.c", options))
  local result = command.shell(directory,
    "cc -std=c99 -O2 -ffp-contract=off -Wall -Wextra -Werror -o model main.c -lm "
    .. "&& ./model", x:bytes())
  assert.equal("", result.errors)
  return result.output, report
end

describe("a model in C", function()
  local test
  setup(function() test = select(2, fnet.data.fashion_mnist { dir = "tests/fixtures/fashion" }) end)

  it("gives the same bits as in fnet on every test picture", function()
    fnet.seed(2)
    local model = nn.Sequential { nn.Flatten(), nn.Dense(784, 24), nn.ReLU(), nn.Dropout(),
      nn.Dense(24, 20, { activation = "tanh", bias = false }), nn.Sequential { nn.Dense(20, 18), nn.Sigmoid() },
      nn.Dense(18, 10), nn.Softmax() }:eval()
    local x = test.x:float() * (1 / 255)
    assert.equal(model(x):bytes(), (run(model, x)))
  end)

  it("sums long rows of a softmax in fnet's order", function()
    fnet.seed(3)
    local model = nn.Sequential { nn.Dense(3, 1500, { init = "he_normal" }), nn.Softmax() }
    local x = fnet.randn({ 4, 3 }, 0, 5)
    assert.equal(model(x):bytes(), (run(model, x)))
  end)

  it("with 8-bit weights gives the bits of a model with those weights, and says what they cost", function()
    fnet.seed(4)
    local model = nn.Sequential { nn.Flatten(), nn.Dense(784, 16, { activation = "relu" }), nn.Dense(16, 10) }
    local x = test.x:float() * (1 / 255)
    local before = model:sha256()
    local output, report = run(model, x, { weights = "int8", data = test })
    assert.equal(before, model:sha256())
    assert.equal("int8", report.weights)
    assert.equal(fnet.nn.accuracy(model, test), report.accuracy_float32)
    local rows = fnet.from_bytes(output, { 200, 10 })
    assert.equal(report.accuracy, nn.correct(rows, test.y) / 200)
    support.near(model(x).shape, support.flat(model(x)), rows, 0.05)
  end)

  it("gives the same bits with convolutions, poolings and normalisations", function()
    fnet.seed(5)
    local model = nn.Sequential { nn.Reshape(28, 28, 1), nn.Conv2D(1, 4, 3, { padding = "same", bias = false }),
      nn.BatchNorm(4), nn.ReLU(), nn.MaxPool2D(2), -- 14 x 14
      nn.Conv2D(4, 8, { 3, 5 }, { padding = { 0, 1 }, groups = 4, activation = "gelu" }), -- 12 x 12
      nn.Conv2D(8, 8, 3, { padding = "same", stride = 2, groups = 8, activation = nn.LeakyReLU(0.2) }), -- 6 x 6
      nn.Sequential { nn.MaxPool2D(3, { stride = 1, padding = "same" }), nn.AvgPool2D(3, { padding = 1 }) },
      nn.Dense(8, 6, { activation = nn.ELU(0.7) }), nn.Softmax(), nn.Flatten(), nn.Dropout(),
      nn.Dense(24, 10, { activation = "silu" }), nn.BatchNorm(10), nn.SELU(), nn.Softplus() }
    local x = test.x:float() * (1 / 255)
    for _ = 1, 3 do model(x:slice(1, 1, 50)) end -- running statistics
    model:eval()
    x = x:slice(1, 1, 40):contiguous()
    local output = run(model, x)
    assert.equal(fnet.no_grad(model, x):bytes(), output)
  end)

  it("means whole pictures in fnet's order", function()
    fnet.seed(6)
    local model = nn.Sequential { nn.Conv2D(3, 5, 2), nn.GlobalAvgPool() }
    local x = fnet.randn { 3, 70, 64, 3 }
    assert.equal(fnet.no_grad(model, x):bytes(), (run(model, x, { input = { 70, 64, 3 } })))
  end)

  it("gives the same bits for activations of unusual numbers", function()
    local special = { 0, -0.0, 1e-40, -1e-40, 1e-8, -1e-8, 3e38, -3e38, math.huge, -math.huge, -41, 41, -201, 89 }
    local x = fnet.concat { fnet.tensor(special), fnet.randn({ 498 }, 0, 6) }
    for _, activation in ipairs { nn.ReLU(), nn.LeakyReLU(), nn.ELU(), nn.SELU(), nn.GELU(), nn.SiLU(),
      nn.Sigmoid(), nn.Tanh(), nn.Softplus() } do
      local output = run(activation, x:reshape { 1, 512 }, { input = { 512 } })
      assert.equal(activation(x):bytes(), output, activation:describe())
    end
  end)

  it("with 8-bit kernels gives almost the same outputs", function()
    fnet.seed(7)
    local model = nn.Sequential { nn.Conv2D(2, 6, 3, { groups = 2, activation = "relu" }), nn.Flatten(),
      nn.Dense(96, 4) }
    local x = fnet.randn { 10, 6, 6, 2 }
    local output = run(model, x, { input = { 6, 6, 2 }, weights = "int8" })
    support.near({ 10, 4 }, support.flat(fnet.no_grad(model, x)), fnet.from_bytes(output, { 10, 4 }), 0.05)
    assert.not_equal(fnet.no_grad(model, x):bytes(), output)
  end)

  it("cannot have layers that C is not told of", function()
    local path = directory .. "/x.c"
    support.raises("export_c: layer 2, Lambda() cannot be exported; what can: Sequential, Dropout, AvgPool2D, "
      .. "BatchNorm, Conv2D, Dense, ELU, Flatten, GELU, GlobalAvgPool, LeakyReLU, MaxPool2D, ReLU, Reshape, SELU, "
      .. "SiLU, Sigmoid, Softmax, Softplus, Tanh",
      function() nn.Sequential { nn.Dense(2, 2), nn.Lambda(print) }:export_c(path) end)
    support.raises("export_c: layer 1, Dense(2, 2, a function): its activation cannot be exported",
      function() nn.Sequential { nn.Dense(2, 2, { activation = print }) }:export_c(path) end)
    assert.error_matches(
      function() nn.Sequential { nn.Dense(2, 2, { activation = "log_softmax" }) }:export_c(path) end,
      "export_c: layer 1, Dense%(2, 2, log_softmax%), its activation LogSoftmax%(%) cannot be exported; what can: ")
    local unknown = "export_c: the layers do not say what shape a sample has; do, as "
      .. "input = { height, width, channels }"
    support.raises(unknown, function() nn.ReLU():export_c(path) end)
    support.raises(unknown, function() nn.Conv2D(1, 1, 1):export_c(path) end)
    support.raises("export_c: Conv2D(3, 1, 1) expects 3 inputs, got a sample of [8, 8, 1]",
      function() nn.Conv2D(3, 1, 1):export_c(path, { input = { 8, 8, 1 } }) end)
    support.raises("export_c: input: expected the lengths of a sample, such as { 28, 28, 1 }, got number",
      function() nn.Conv2D(3, 1, 1):export_c(path, { input = 8 }) end)
    support.raises("export_c: Dense(1, 1) has weights of float64, expected float32",
      function() nn.Dense(1, 1):to "float64":export_c(directory .. "/x.c") end)
    support.raises("export_c: weights: unknown name 'int4' (did you mean 'int8'?); known are float32, int8",
      function() nn.Dense(1, 1):export_c(directory .. "/x.c", { weights = "int4" }) end)
    support.raises("export_c: expected a path, got nil", function() nn.Dense(1, 1):export_c() end)
    assert.same({ nil, "/none/x.c: No such file or directory", 2 }, { nn.Dense(1, 1):export_c "/none/x.c" })
  end)
end)

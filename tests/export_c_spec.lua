--- Models as C: compiled, run on the test pictures, and compared with fnet's own output, bit for bit.

local fnet = require "fnet"
local command = dofile "tests/command.lua"
local support = dofile "tests/support.lua"
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

  it("cannot have layers that C is not told of", function()
    support.raises("export_c: layer 2, Softplus() cannot be exported; what can: Sequential, Dropout, Dense, "
      .. "Flatten, ReLU, Sigmoid, Softmax, Tanh",
      function() nn.Sequential { nn.Dense(2, 2), nn.Softplus() }:export_c(directory .. "/x.c") end)
    support.raises("export_c: layer 1, Dense(2, 2, gelu): its activation cannot be exported",
      function() nn.Sequential { nn.Dense(2, 2, { activation = "gelu" }) }:export_c(directory .. "/x.c") end)
    support.raises("export_c: expected a model with at least one Dense layer",
      function() nn.ReLU():export_c(directory .. "/x.c") end)
    support.raises("export_c: Dense(1, 1) has weights of float64, expected float32",
      function() nn.Dense(1, 1):to "float64":export_c(directory .. "/x.c") end)
    support.raises("export_c: weights: unknown name 'int4' (did you mean 'int8'?); known are float32, int8",
      function() nn.Dense(1, 1):export_c(directory .. "/x.c", { weights = "int4" }) end)
    support.raises("export_c: expected a path, got nil", function() nn.Dense(1, 1):export_c() end)
    assert.same({ nil, "/none/x.c: No such file or directory", 2 }, { nn.Dense(1, 1):export_c "/none/x.c" })
  end)
end)

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

-- What the C program of model.c gives, compiled so.
local function run_compiled(compiler, x, limit)
  local result = command.shell(directory, ("%s -Wall -Wextra -Werror -o model main.c -lm && %s ./model"):format(
    compiler, limit or ""), x:bytes())
  assert.equal("", result.errors)
  assert.equal(0, result.status)
  return result.output
end

local function run(model, x, options)
  local report = assert(model:export_c(directory .. "/model.c", options))
  return run_compiled("cc -std=c99 -O2 -ffp-contract=off", x), report
end

-- The compilers of this machine, with flags under which they fuse what they can.
local function fusing_compilers()
  local list = {}
  for _, compiler in ipairs { "gcc", "clang" } do
    for _, flags in ipairs { "-std=c99 -O3 -march=native", "-std=gnu11 -O3 -march=native -ffp-contract=fast",
      "-std=c99 -ffp-contract=off -O2 -mfma" } do
      local line = ("%s %s"):format(compiler, flags)
      local works = command.shell(directory, "echo 'int main(void) { return 0; }' >works.c; " .. line ..
        " -Werror -o works works.c").status == 0
      if works then list[#list + 1] = line end
    end
  end
  return list
end

-- A model's results in the order in which C writes them.
local function bytes_of(results)
  local texts = {}
  for row = 1, #results[1] do
    for _, result in ipairs(results) do texts[#texts + 1] = result[row]:contiguous():bytes() end
  end
  return table.concat(texts)
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

  it("adds long chains and means of huge numbers in fnet's way", function()
    fnet.seed(8)
    local wide = nn.Sequential { nn.Dense(5000, 3), nn.Dense(3, 2, { bias = false }) }
    local x = fnet.rand { 4, 5000 }
    assert.equal(wide(x):bytes(), (run(wide, x)))
    local deep = nn.Sequential { nn.Conv2D(700, 4, 3, { padding = "same" }), nn.Conv2D(4, 4, 2, { groups = 2 }) }
    x = fnet.rand { 2, 4, 5, 700 }
    assert.equal(fnet.no_grad(deep, x):bytes(), (run(deep, x, { input = { 4, 5, 700 } })))
    x = fnet.rand { 2, 40, 40, 3 }
    local pool = nn.Sequential { nn.AvgPool2D(33, { stride = 4 }) }
    assert.equal(pool(x):bytes(), (run(pool, x, { input = { 40, 40, 3 } })))
    for _, scale in ipairs { 1e-30, 1, 1e30 } do
      local norm = nn.Sequential { nn.LayerNorm(1500, { epsilon = 0 }) }
      x = fnet.randn { 3, 1500 } * scale
      assert.equal(norm(x):bytes(), (run(norm, x)))
    end
    x = fnet.full({ 1, 40, 30, 2 }, 3e38)
    assert.equal(x[1][1][1]:bytes(), (run(nn.Sequential { nn.GlobalAvgPool() }, x, { input = { 40, 30, 2 } })))
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
    assert.allclose(model(x), rows, 0.05, 0.05)
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

  it("gives the same bits with branches, embeddings and the other normalisations", function()
    fnet.seed(8)
    local function texts(...)
      return nn.Sequential { nn.Reshape(4), nn.Embedding(9, 6), nn.Residual { nn.LayerNorm(6),
        nn.Dense(6, 8, { activation = "gelu" }), nn.Dense(8, 6) }, nn.Residual { nn.Dropout() },
        nn.Concat { nn.Dense(6, 5), nn.Sequential { nn.LayerNorm(6, { epsilon = 0.1 }), nn.ReLU() }, nn.Dropout() },
        nn.Flatten(), ... }
    end
    local x = (fnet.rand { 20, 4 } * 9 + 1):int()
    local model = texts(nn.Dense(68, 40), nn.LogSoftmax()):eval()
    assert.equal(fnet.no_grad(model, x):bytes(), (run(model, x:float())))
    local several = texts(nn.Parallel { nn.Sequential { nn.LayerNorm(68), nn.Dense(68, 3), nn.LogSoftmax() },
      nn.Dense(68, 1), nn.Parallel { nn.ReLU() } }):eval()
    local results = fnet.no_grad(several, x)
    assert.equal(bytes_of { results[1], results[2], results[3][1] }, (run(several, x:float())))
    assert.matches("%sone result after the other: 3, 1, 68\n", command.read_file(directory .. "/model.c"))
  end)

  it("gives the same bits for sequences, learnt slopes, and pictures that become larger", function()
    fnet.seed(12)
    local sequence = nn.Sequential { nn.PositionalEncoding(20, 3), nn.Conv1D(3, 4, 3, { activation = "relu" }),
      nn.PReLU(4), nn.Conv1D(4, 6, 3, { padding = "causal", groups = 2 }), nn.PReLU(),
      nn.Conv1D(6, 2, 2, { stride = 2, padding = "same", bias = false }) }:eval()
    local picture = nn.Sequential { nn.ConvTranspose2D(3, 4, 3, { stride = 2, padding = 1, output_padding = 1,
      activation = "gelu" }), nn.Upsample { 2, 1 }, nn.Upsample({ 3, 2 }, { mode = "bilinear" }),
      nn.ConvTranspose2D(4, 6, { 2, 3 }, { stride = { 3, 2 }, padding = "same", groups = 2 }),
      nn.Upsample({ 1, 3 }, { mode = "bilinear" }), nn.Upsample({ 2, 1 }, { mode = "bilinear" }) }:eval()
    for _, model in ipairs { sequence, picture } do
      for _, parameter in ipairs(model:parameters()) do
        fnet.no_grad(function()
          if parameter.rank == 1 then parameter:copy(fnet.rand(parameter.shape, -1, 1)) end
        end)
      end
    end
    local x, pictures = fnet.randn { 5, 11, 3 }, fnet.randn { 2, 4, 3, 3 }
    assert.is_true(sequence(x):bytes() == run(sequence, x, { input = { 11, 3 } }))
    assert.is_true(picture(pictures):bytes() == run(picture, pictures, { input = { 4, 3, 3 } }))
    for model, input in pairs { [sequence] = x, [picture] = pictures } do
      local shape = { table.unpack(input.shape, 2) }
      assert(model:export_c(directory .. "/model.c", { input = shape }))
      for _, compiler in ipairs(fusing_compilers()) do
        assert.is_true(model(input):bytes() == run_compiled(compiler, input), compiler)
      end
      local output = run(model, input, { input = shape, weights = "int8" })
      local largest = model(input):abs():max():item()
      local y = model(input)
      assert.allclose(y, fnet.from_bytes(output, y.shape), 0, largest / 20)
    end
  end)

  it("gives the same bits with norms of groups and by root mean squares, far from zero, and of any size", function()
    fnet.seed(13)
    local models = {
      { nn.Sequential { nn.GroupNorm(3, 12), nn.Residual { nn.GroupNorm(12, 12, { epsilon = 0.1 }),
        nn.RMSNorm(12) } }, { 9, 130, 12 } },
      { nn.Sequential { nn.GroupNorm(2, 6, { sample = "sequence", epsilon = 0 }), nn.ReLU() }, { 50, 6 } },
      { nn.Sequential { nn.GroupNorm(2, 1500, { sample = "row" }), nn.RMSNorm(1500, { epsilon = 0 }) }, { 1500 } },
    }
    for _, case in ipairs(models) do
      local model, shape = table.unpack(case)
      for _, parameter in ipairs(model:parameters()) do
        fnet.no_grad(function() parameter:copy(fnet.rand(parameter.shape, -1, 1)) end)
      end
      local x = fnet.randn({ 1, table.unpack(shape) }, 40)
      x = fnet.concat({ x * 1e-30, x, x * 1e30 }, 1)
      local expected = fnet.no_grad(model, x):bytes()
      assert.is_true(expected == run(model, x, { input = shape }))
      for _, compiler in ipairs(#shape == 3 and fusing_compilers() or {}) do
        assert.is_true(expected == run_compiled(compiler, x), compiler)
      end
    end
    support.raises("GroupNorm(2, 6): expected pictures of 3 axes, the last of 6, got [5, 6]; the option sample "
      .. "says what a sample is",
      function() nn.GroupNorm(2, 6):export_c(directory .. "/x.c", { input = { 5, 6 } }) end)
  end)

  it("leaves what a branch still needs as it is", function()
    fnet.seed(9)
    local model = nn.Concat { nn.ReLU(), nn.Residual { nn.Tanh(), nn.Residual { nn.ELU(), nn.Sigmoid() } },
      nn.Flatten(), nn.Sequential { nn.Reshape(2, 3), nn.Softmax(), nn.Flatten() }, nn.Dropout() }:eval()
    local x = fnet.randn { 5, 6 }
    assert.equal(model(x):bytes(), (run(model, x, { input = { 6 } })))
    local whole = nn.Sequential { nn.Flatten(), nn.Dropout() }:eval() -- needs no memory
    assert.equal(x:bytes(), (run(whole, x, { input = { 6 } })))
  end)

  it("says NaN for an index that is none", function()
    local model = nn.Embedding(3, 2)
    local output = fnet.from_bytes(run(model, fnet.tensor { { 0 }, { 4 }, { 3 }, { -1e30 }, { 0 / 0 } },
      { input = { 1 } }), { 5, 2 })
    for row = 1, 5 do assert.equal(row == 3, output[row][1] == output[row][1]) end
    assert.equal(model.weight[3][2], output[3][2])
  end)

  it("gives the same bits where the compiler fuses products and sums", function()
    fnet.seed(10)
    local function head() return nn.BatchNorm(2), nn.LeakyReLU(0.3), nn.SELU(), nn.GELU() end
    local model = nn.Sequential { nn.Reshape(10, 10, 2), nn.BatchNorm(2), nn.Residual { head() }, nn.LayerNorm(2),
      nn.Softplus(), nn.Residual { nn.LeakyReLU(0.7) }, nn.Dense(2, 4, { activation = "silu" }),
      nn.AvgPool2D(2, { padding = 1 }), nn.GlobalAvgPool(), nn.Residual { nn.SELU() }, nn.LogSoftmax() }
    fnet.no_grad(function()
      model[2].weight:copy(fnet.tensor { 1.1, 0.7 })
      model[2].bias:copy(fnet.tensor { 0.3, -0.3 }) -- an alternating sum
    end)
    model:eval()
    local x = fnet.randn { 60, 10, 10, 2 }
    local expected = fnet.no_grad(model, x):bytes()
    for _, weights in ipairs { "float32", "int8" } do
      assert(model:export_c(directory .. "/model.c", { weights = weights }))
      expected = weights == "float32" and expected or run_compiled("cc -std=c99 -O0 -ffp-contract=off", x)
      for _, compiler in ipairs(fusing_compilers()) do
        assert.is_true(expected == run_compiled(compiler, x), compiler .. ", " .. weights)
      end
    end
  end)

  it("keeps large pictures off the stack, and lets the caller say where they lie", function()
    fnet.seed(11)
    local model = nn.Sequential { nn.Conv2D(3, 8, 3, { padding = "same", activation = "relu" }), nn.MaxPool2D(2),
      nn.GlobalAvgPool(), nn.Dense(8, 2) }
    local x = fnet.randn { 2, 224, 224, 3 }
    assert(model:export_c(directory .. "/model.c", { input = { 224, 224, 3 } }))
    local expected = fnet.no_grad(model, x):bytes()
    assert.equal(expected, run_compiled("cc -std=c99 -O2", x, "ulimit -s 64 &&"))
    assert.matches("for good, so only one thread at a time may call it", command.read_file(directory .. "/model.c"))
    command.write_file(directory .. "/own.c", MAIN:gsub("predict%(input, output%)",
      "static float own[PREDICT_MEMORY]; predict_using(input, output, own)"))
    assert.equal(expected, command.shell(directory,
      "cc -std=c99 -O2 -Wall -Wextra -Werror -o own own.c -lm && ./own", x:bytes()).output)
    assert(nn.Dense(3, 2):export_c(directory .. "/model.c"))
    assert.matches("has its 8 bytes of memory on the stack", command.read_file(directory .. "/model.c"))
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
    assert.allclose(fnet.no_grad(model, x), fnet.from_bytes(output, { 10, 4 }), 0.05, 0.05)
    assert.not_equal(fnet.no_grad(model, x):bytes(), output)
  end)

  it("cannot have layers that C is not told of", function()
    local path = directory .. "/x.c"
    local known = " cannot be exported; what can: Sequential, Dropout, Parallel, AvgPool2D, BatchNorm, Concat, "
      .. "Conv1D, Conv2D, ConvTranspose2D, Dense, ELU, Embedding, Flatten, GELU, GlobalAvgPool, GroupNorm, "
      .. "LayerNorm, LeakyReLU, LogSoftmax, MaxPool2D, PReLU, PositionalEncoding, RMSNorm, ReLU, Reshape, "
      .. "Residual, SELU, SiLU, Sigmoid, Softmax, Softplus, Tanh, Upsample"
    support.raises("export_c: layer 2, Lambda()" .. known,
      function() nn.Sequential { nn.Dense(2, 2), nn.Lambda(print) }:export_c(path) end)
    local inside = nn.Sequential { nn.Residual { nn.Dense(2, 2), nn.Concat { nn.Lambda(print) } } }
    support.raises("export_c: layer 1, layer 2, branch 1, Lambda()" .. known, function() inside:export_c(path) end)
    support.raises("export_c: MultiHeadAttention(2, 1)" .. known,
      function() nn.MultiHeadAttention(2, 1):export_c(path, { input = { 3, 2 } }) end)
    support.raises("export_c: ConvTranspose2D(300, 1, 4) has sums of more than 4096 products, which cannot be "
      .. "exported",
      function() nn.ConvTranspose2D(300, 1, 4):export_c(path, { input = { 2, 2, 300 } }) end)
    support.raises("export_c: PositionalEncoding(4, 2) takes sequences, { time, 2 }",
      function() nn.PositionalEncoding(4, 2):export_c(path, { input = { 3, 4, 2 } }) end)
    support.raises("export_c: layer 1, Dense(2, 2, a function): its activation cannot be exported",
      function() nn.Sequential { nn.Dense(2, 2, { activation = print }) }:export_c(path) end)
    local Own = nn.module "ReLU" -- which is another one
    local own = "export_c: layer 2, ReLU(), which is of the script's own,"
    support.raises(own .. known, function() nn.Sequential { nn.Dense(2, 2), Own() }:export_c(path) end)
    local changed = nn.ReLU()
    function changed:forward(x) return x * 2 end -- luacheck: ignore self
    support.raises(own .. known, function() nn.Sequential { nn.Dense(2, 2), changed }:export_c(path) end)
    support.raises("export_c: layer 1, Dense(2, 2, ReLU()), its activation ReLU(), which is of the script's own,"
      .. known, function() nn.Sequential { nn.Dense(2, 2, { activation = Own() }) }:export_c(path) end)
    support.raises("export_c: layer 2, Lambda() takes a list of tensors, which cannot be exported; nn.Concat joins "
      .. "the results of its branches",
      function() nn.Sequential { nn.Parallel { nn.ReLU(), nn.ReLU() }, nn.Lambda(print) }:export_c(path) end)
    support.raises("export_c: layer 2, Embedding(2, 2) takes indices, and what stands before it gives "
      .. "other numbers",
      function() nn.Sequential { nn.ReLU(), nn.Embedding(2, 2) }:export_c(path, { input = { 2 } }) end)
    support.raises("export_c: branch 2, ReLU() cannot take indices, as an Embedding beside it does",
      function() nn.Concat { nn.Embedding(2, 2), nn.ReLU() }:export_c(path, { input = { 2 } }) end)
    local threefold = nn.Residual { nn.Concat { nn.ReLU(), nn.Dropout(), nn.ReLU() } }
    support.raises("export_c: Residual { ... }: its input [4, 1] cannot be added to what its layers give, [4, 3]",
      function() threefold:export_c(path, { input = { 4, 1 } }) end)
    support.raises("export_c: the layers do not say what shape a sample has; do, as input = { length }",
      function() nn.Embedding(3, 4):export_c(path) end)
    local unknown = "export_c: the layers do not say what shape a sample has; do, as input = { height, width, "
    support.raises(unknown .. "channels }", function() nn.ReLU():export_c(path) end)
    support.raises(unknown .. "5 }", function() nn.Conv2D(5, 1, 1):export_c(path) end)
    support.raises(unknown .. "2 }",
      function() nn.Sequential { nn.BatchNorm(2), nn.Conv2D(2, 1, 1) }:export_c(path) end)
    support.raises("export_c: Conv2D(3, 1, 1) expects 3 inputs, got a sample of [8, 8, 1]",
      function() nn.Conv2D(3, 1, 1):export_c(path, { input = { 8, 8, 1 } }) end)
    support.raises("export_c: input: expected the lengths of a sample, such as { 28, 28, 1 }, got number",
      function() nn.Conv2D(3, 1, 1):export_c(path, { input = 8 }) end)
    support.raises("export_c: input 2: expected a whole number from 1 to 2147483648, got nil",
      function() nn.Conv2D(3, 1, 1):export_c(path, { input = { 8, nil, 3 } }) end)
    support.raises("export_c: Dense(1, 1) has weights of float64, expected float32",
      function() nn.Dense(1, 1):to "float64":export_c(directory .. "/x.c") end)
    support.raises("export_c: weights: unknown name 'int4' (did you mean 'int8'?); known are float32, int8",
      function() nn.Dense(1, 1):export_c(directory .. "/x.c", { weights = "int4" }) end)
    support.raises("export_c: expected a path, got nil", function() nn.Dense(1, 1):export_c() end)
  end)
end)

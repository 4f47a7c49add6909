--- The command fnet export.

local command = require "tests.support.command"

local FIXTURES = command.directory .. "/tests/fixtures/fashion"

local directory
setup(function()
  directory = command.make_directory()
  command.write_file(directory .. "/make.lua", [[
local fnet = require "fnet"
local nn = fnet.nn
local train = fnet.data.fashion_mnist { dir = arg[1] }
fnet.seed(1)
local model = nn.Sequential { nn.Flatten(), nn.Dense(784, 10), nn.Softmax() }
assert(model:save("clothes.safetensors", { data = train, script = false }))
local convolution = nn.Sequential { nn.Conv2D(1, 2, 3), nn.GlobalAvgPool() }
assert(convolution:save("bare.safetensors", { script = false }))
local own = nn.Sequential { nn.Reshape(2, 2), nn.Embedding(3, 2), nn.Flatten() }
assert(own:save("indices.safetensors", { script = false }))
]])
  local result = command.shell(directory, command.line(command.fnet, { "make.lua", FIXTURES }))
  assert.same({ 0, "" }, { result.status, result.errors })
end)
teardown(function() command.remove_directory(directory) end)

local function run(...) return command.shell(directory, command.line(command.fnet, { "export", ... })) end

describe("fnet export", function()
  it("writes each format, which the file's name says", function()
    for name, expected in pairs {
      ["a.c"] = { "a.c: C99\n", "void predict%(const float %*input" },
      ["a.onnx"] = { "a.onnx: ONNX\n", "Gemm" },
      ["a.html"] = { "a.html: a page for a browser\n", "<title>Fashion%-MNIST</title>" },
    } do
      local result = run("clothes.safetensors", name)
      assert.same({ 0, "", expected[1] }, { result.status, result.errors, result.output })
      assert.matches(expected[2], command.read_file(directory .. "/" .. name))
    end
  end)

  it("takes its words in any order", function()
    local expected = command.read_file(directory .. "/a.html")
    for _, words in ipairs {
      { "--to", "html", "clothes.safetensors", "b" }, { "clothes.safetensors", "--to=HTML", "b" },
      { "clothes.safetensors", "--to", "html", "b" },
    } do
      assert.equal("b: a page for a browser\n", run(table.unpack(words)).output)
      assert.equal(expected, command.read_file(directory .. "/b"))
    end
  end)

  it("shows test pictures in the page, and measures the C file on them", function()
    local result = run("clothes.safetensors", "a.html", "--data", FIXTURES, "--title", "Kleider & Schuhe")
    assert.same({ 0, "" }, { result.status, result.errors })
    local page = command.read_file(directory .. "/a.html")
    assert.is_truthy(page:find("<h1>Kleider &amp; Schuhe</h1>", 1, true))
    assert.is_truthy(page:find('"classes":["T-shirt/top","Trouser"', 1, true))
    assert.is_truthy(page:find('"samples":{"count":100', 1, true))
    result = run("clothes.safetensors", "a.c", "--int8", "--data", FIXTURES)
    assert.matches("^a.c: C99\naccuracy %d+%.%d%d%% before, %d+%.%d%d%% after\n$", result.output)
  end)

  it("is told what a sample is where the model's file does not say it", function()
    for _, name in ipairs { "b.c", "b.onnx", "b.html" } do
      local result = run("bare.safetensors", name)
      assert.same({ 1, "fnet export: bare.safetensors: the layers do not say what shape a sample has; do, as "
        .. "input = { height, width, 1 }; here --input says it, such as --input 28x28x1, or a model that is saved "
        .. "with { data = train }\n" }, { result.status, result.errors })
      assert.equal(0, run("bare.safetensors", name, "--input", "9x8x1").status)
    end
    local nn = require("fnet").nn
    nn.Sequential { nn.Embedding(9, 4), nn.Dense(4, 2) }:save(directory .. "/words", { script = false })
    nn.Sequential { nn.LSTM(3, 4), nn.Dense(4, 2) }:save(directory .. "/steps", { script = false })
    for name, shape in pairs { words = "20", steps = "20x3" } do
      local result = run(name, name .. ".onnx")
      assert.matches("such as --input " .. shape .. ", or a model", result.errors, 1, true)
      assert.equal(0, run(name, name .. ".onnx", "--input", shape).status)
    end
  end)

  it("says what it takes", function()
    for _, words in ipairs { { "--help" }, { "-h" }, { "clothes.safetensors", "--help" } } do
      local result = run(table.unpack(words))
      assert.equal(0, result.status)
      assert.matches("^Writes a saved model as a C file, .*\nusage: fnet export .*%-%-to FORMAT", result.output)
    end
    local eval = command.shell(directory, command.line(command.fnet, { "eval", "--help" }))
    assert.matches("^Evaluates a saved classifier .*%-%-data DIR", eval.output)
  end)

  it("says what is wrong", function()
    local model = "clothes.safetensors"
    local input = "--input: expected the lengths of a sample, such as 28x28 or 32x32x3, "
    for message, words in pairs {
      ["which model, and which file? fnet export model.safetensors --to html clothes.html"] = {},
      ["x: its name does not say which format it has; say it with --to, one of c, onnx, html"] = { model, "x" },
      ["--to: unknown format 'htlm' (did you mean 'html'?); known are c, onnx, html"] = { model, "--to=htlm", "x" },
      ["none.safetensors: No such file or directory"] = { "none.safetensors", "x.c" },
      ["none/x.c: no file can be made in its directory: No such file or directory"] = { model, "none/x.c" },
      ["--int8: only a C file has weights of 8 bits"] = { model, "x.html", "--int8" },
      ["--title: only a page has a title"] = { model, "x.c", "--title", "x" },
      ["--data: of ONNX nothing is shown or measured"] = { model, "x.onnx", "--data", FIXTURES },
      ["clothes.safetensors: is a model's file, which would be lost; give another name"] =
        { model, model, "--to=html" },
      ["other.safetensors: is a model's file, which would be lost; give another name"] =
        { model, "other.safetensors", "--to=c" },
      [input .. "got '28y'"] = { model, "x.c", "--input", "28y" },
    } do
      local result = run(table.unpack(words))
      assert.same({ 1, ("fnet export: %s\n"):format(message) }, { result.status, result.errors })
      assert.is_nil(io.open(directory .. "/x.c") or io.open(directory .. "/x.html"))
    end
    assert.equal("export: --to needs a value\nTry --help.\n", run(model, "x", "--to").errors)
    assert.matches("^fnet export: make.lua: is a text, which fnet does not read", run("make.lua", "x.c").errors)
    assert.matches("^fnet export: fashion_mnist: none %(named by dir%) lacks",
      run(model, "x.html", "--data", "none").errors)
    assert.matches("^fnet export: indices.safetensors: layer 2, Embedding%(3, 2%) cannot be exported; what can: ",
      run("indices.safetensors", "x.html").errors)
  end)
end)

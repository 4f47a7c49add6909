--- The examples that read files of one's own: a table, and a photo for a saved model.

local fnet = require "fnet"
local command = require "tests.support.command"
local png = require "tests.support.png"
local nn, data = fnet.nn, fnet.data

local directory
setup(function() directory = command.make_directory() end)
teardown(function() command.remove_directory(directory) end)

local function run(name, ...)
  local words = { command.directory .. "/examples/" .. name, ... }
  return command.shell(directory, command.line(command.fnet, words, { NO_COLOR = "1" }))
end

describe("examples/tabular.lua", function()
  it("learns a price and a class from the table beside it", function()
    local result = run "tabular.lua"
    assert.same({ 0, "" }, { result.status, result.errors })
    local off, mean = result.output:match "off by ([%d.]+) on average; always saying the mean, by ([%d.]+)"
    assert.is_true(tonumber(off) < 0.3 * tonumber(mean))
    local accuracy = tonumber(result.output:match "test accuracy ([%d.]+)%%")
    assert.is_true(accuracy > 70)
  end)

  it("says what is wrong with a file", function()
    local result = run("tabular.lua", "--file", "missing.csv")
    assert.same({ 1, "missing.csv: No such file or directory\n" }, { result.status, result.errors })
  end)
end)

describe("examples/houses.lua", function()
  it("wrote the table", function()
    assert.equal(command.read_file "examples/houses.csv", run("houses.lua").output)
  end)
end)

describe("examples/predict.lua", function()
  local model_path

  setup(function()
    model_path = directory .. "/model"
    local model = nn.Sequential { nn.Flatten(), nn.Dense(784, 10), nn.Softmax() }
    assert(model:save(model_path))
  end)

  it("shows the picture it saw and ten bars", function()
    local photo = fnet.full({ 100, 160, 3 }, 0.9) -- something dark on a bright wall
    photo:slice(1, 21, 60):slice(2, 101, 150):fill(0.1)
    assert(data.write_png(directory .. "/photo.png", photo))
    local result = run("predict.lua", model_path, "photo.png")
    if not png.readable then return assert.matches("built without libpng", result.errors) end
    assert.same({ 0, "" }, { result.status, result.errors })
    local lines = {}
    for line in result.output:gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
    assert.equal(25, #lines)
    for row = 3, 12 do assert.equal(("@"):rep(28), lines[row]) end -- 40 x 50 fill 22 x 28 pixels
    assert.equal((" "):rep(28), lines[1])
    for _, name in ipairs { "T-shirt/top", "Ankle boot" } do assert.is_truthy(result.output:find(name, 1, true)) end
  end)

  it("leaves a picture of the data set, and its negative, as it is", function()
    local model, picture = assert(fnet.load(model_path)), fnet.zeros { 28, 28 }
    picture:slice(1, 11, 20):fill(20 / 255) -- darker than what is seen in a photo, and from edge to edge
    picture:slice(1, 11, 20):slice(2, 11, 20):fill(200 / 255)
    local expected = fnet.report.distribution({ "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal",
      "Shirt", "Sneaker", "Bag", "Ankle boot" }, fnet.predict(model, picture))
    for _, pixels in ipairs { picture, 1 - picture } do
      assert(data.write_png(directory .. "/ready.png", (pixels * 255 + 0.5):byte()))
      local result = run("predict.lua", model_path, "ready.png")
      if not png.readable then return assert.matches("built without libpng", result.errors) end
      assert.is_truthy(result.output:find(expected, 1, true), result.output)
    end
  end)

  it("sees nothing where there is nothing", function()
    for _, pixels in ipairs { fnet.zeros { 50, 50 }, fnet.ones { 50, 50 }, fnet.zeros { 1, 1 },
      fnet.ones { 28, 28 } } do
      assert(data.write_png(directory .. "/blank.png", pixels))
      local result = run("predict.lua", model_path, "blank.png")
      if not png.readable then return assert.matches("built without libpng", result.errors) end
      assert.same({ 1, "", "predict.lua: blank.png: nothing can be seen in the picture\n" },
        { result.status, result.output, result.errors })
    end
  end)

  it("says what model it needs", function()
    assert(nn.Dense(3, 4):save(directory .. "/small"))
    assert(data.write_png(directory .. "/dot.png", fnet.eye(5)))
    local result = run("predict.lua", "small", "dot.png")
    if not png.readable then return assert.matches("built without libpng", result.errors) end
    assert.same({ 1, "predict.lua: small: expected a model that takes a picture of 28 x 28 and gives 10 "
      .. "probabilities, such as the one that examples/fashion.lua --save writes\n" },
      { result.status, result.errors })
    result = run("predict.lua", "--help")
    assert.same({ 0, "" }, { result.status, result.errors })
    assert.matches("\nusage: fnet examples/predict.lua MODEL PICTURE\n$", result.output)
  end)

  it("says what it cannot read", function()
    local result = run("predict.lua", model_path)
    assert.same({ 1, "predict.lua: usage: fnet examples/predict.lua MODEL PICTURE\n" },
      { result.status, result.errors })
    result = run("predict.lua", model_path, "missing.png")
    assert.same({ 1, "predict.lua: missing.png: No such file or directory\n" },
      { result.status, result.errors })
    result = run("predict.lua", "missing", "photo.png")
    assert.equal(1, result.status)
    assert.matches("^predict.lua: missing: ", result.errors)
  end)
end)

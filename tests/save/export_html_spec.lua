--- Models as pages: what they hold, what is refused. What they do in a browser is in export_html_browser_spec.lua.

local fnet = require "fnet"
local command = require "tests.support.command"
local json = require "fnet.files.json"
local support = require "tests.support"
local nn, data = fnet.nn, fnet.data

local directory, path
setup(function()
  directory = command.make_directory()
  path = directory .. "/page.html"
end)
teardown(function() command.remove_directory(directory) end)

-- The text of the page, and what its scripts take.
local function export(model, options)
  assert.is_true(model:export_html(path, options))
  local text = command.read_file(path)
  return text, json.decode(text:match '<script type="application/json" id="page">(.-)</script>')
end

local function pictures(options)
  fnet.seed(1)
  local set = { x = (fnet.rand { 5, 4, 3 } * 200):byte(), scale = 1 / 255,
    y = fnet.tensor({ 1, 2, 1, 2, 2 }, "int32") }
  for key, value in pairs(options or {}) do set[key] = value end
  return data.Dataset(set)
end

local function classifier() return nn.Sequential { nn.Flatten(), nn.Dense(12, 2), nn.Softmax() } end

describe("a model as a page", function()
  it("has its weights, its samples and their names in it", function()
    local model, set = classifier(), pictures { classes = { "cat", "dog" } }
    local _, page = export(model, { data = set, samples = 3 })
    assert.same({ height = 4, width = 3, channels = 1 }, page.picture)
    assert.same({ "cat", "dog" }, page.classes)
    assert.same({ 0, 1 }, page.levels)
    assert.same({ 1, 2, 1 }, page.samples.labels)
    assert.equal(require("fnet.core").base64(set.x:slice(1, 1, 3):contiguous():bytes()), page.samples.data)
    local weights = model[2].weight:detach():bytes() .. model[2].bias:detach():bytes()
    assert.equal(require("fnet.core").base64(weights), page.network.weights)
    assert.is_true(page.adds_up)
  end)

  it("reads samples that stay in their file", function()
    local model, set = classifier(), pictures()
    local expected = export(model, { data = set:slice(2, 5), samples = 2 })
    assert(data.write_npy(directory .. "/x.npy", set.x))
    local opened = pictures { x = assert(data.open_npy(directory .. "/x.npy")) }
    assert.equal(expected, (export(model, { data = opened:slice(2, 5), samples = 2 })))
  end)

  it("has equal bytes for equal models and data, and asks for nothing outside", function()
    local model, set = classifier(), pictures()
    local text = export(model, { data = set })
    assert.equal(text, (export(model, { data = set })))
    assert.is_nil(text:find "https?:")
    assert.is_nil(text:find "[^%w]src=" or text:find "[^%w]href=\"[^d]")
    local policy = text:match 'Content%-Security%-Policy" content="([^"]*)"'
    assert.matches("^default%-src 'none'; script%-src 'sha256%-", policy)
    assert.is_nil(policy:find "unsafe")
  end)

  it("quotes what it is given", function()
    local evil = "</script><img src=x onerror=alert(1)>\27[31m"
    local set = pictures { classes = { evil, "dog" } }
    local text, page = export(classifier(), { data = set, title = evil })
    assert.is_nil(text:find("<img", 1, true))
    assert.is_nil(text:find "\27")
    assert.equal("</script><img src=x onerror=alert(1)>\\x1B[31m", page.classes[1])
    assert.is_truthy(text:find("<h1>&lt;/script&gt;", 1, true))
  end)

  it("knows what its pictures are from a saved model's file", function()
    local model = classifier()
    local file = directory .. "/model.safetensors"
    assert(model:save(file, { data = pictures { classes = { "cat", "dog" }, name = "Animals" } }))
    local loaded, about = assert(fnet.load(file))
    local text, page = export(loaded, { data = about.data })
    assert.same({ "cat", "dog" }, page.classes)
    assert.is_nil(page.samples)
    assert.is_truthy(text:find("<title>Animals</title>", 1, true))
  end)

  it("knows the range of floats, light paper, normalisation and colours", function()
    local set = data.Dataset { x = fnet.tensor { { { -1, 0 }, { 3, 2 } } }, y = fnet.tensor({ 1 }, "int32") }
    local _, page = export(nn.Sequential { nn.Flatten(), nn.Dense(4, 2) }, { data = set })
    assert.same({ -1, 3 }, page.levels)
    assert.same({ "class 1", "class 2" }, page.classes)
    assert.is_false(page.adds_up)
    set = data.Dataset { x = fnet.full({ 2, 4, 4, 3 }, 255, "uint8"), scale = 1 / 255,
      y = fnet.tensor({ 1, 2 }, "int32") }:with { transform = data.normalise { mean = { 1, 2, 3 },
        deviation = { 4, 5, 6 } } }
    _, page = export(nn.Sequential { nn.Conv2D(3, 2, 3), nn.GlobalAvgPool() }, { data = set })
    assert.equal(3, page.picture.channels)
    assert.same({ { mean = { 1, 2, 3 }, deviation = { 4, 5, 6 } } }, page.normalise)
    set = data.Dataset { x = fnet.full({ 2, 4, 4 }, 250, "uint8"), scale = 1, y = fnet.tensor({ 1, 2 }, "int32") }
    _, page = export(nn.Sequential { nn.Flatten(), nn.Dense(16, 2) }, { data = set })
    assert.same({ true, { 0, 255 } }, { page.light, page.levels })
    set = data.Dataset { x = fnet.tensor({ { { 0, 16 }, { 3, 2 } } }, "int32"), y = fnet.tensor({ 1 }, "int32") }
    _, page = export(nn.Sequential { nn.Flatten(), nn.Dense(4, 2) }, { data = set })
    assert.same({ { 0, 16 }, "float32" }, { page.levels, page.samples.type })
  end)

  it("has a field for each column of a table", function()
    command.write_file(directory .. "/t.csv", "height,soil,kind,yield\n1,clay,a,10\n3,sand,b,20\n2,clay,b,15\n")
    local set = assert(data.read_csv(directory .. "/t.csv", { target = "yield", one_hot = "soil",
      categorical = { "kind" } }))
    local scaled = data.standardise(set, { targets = true })
    local _, page = export(nn.Dense(4, 1), { data = scaled(set), standardise = scaled })
    assert.same({ "height", "soil", "kind" }, { page.fields[1].name, page.fields[2].name, page.fields[3].name })
    assert.same({ "clay", "sand" }, page.fields[2].categories)
    assert.same({ 1, true, { "a", "b" } }, { page.fields[2].at, page.fields[2].one_hot, page.fields[3].categories })
    assert.same({ { 2, 2 / 3, 1 / 3, 0 }, { 15 } }, { page.units.mean, page.units.target_mean })
    assert.equal(3, #page.samples.targets)
  end)

  it("says what is wrong", function()
    local raises, model, set = support.raises, classifier(), pictures()
    raises("export_html: expected a path, got nil", function() model:export_html() end)
    raises("export_html: unknown option 'dat' (did you mean 'data'?); known are data, classes, samples, title, "
      .. "input, standardise", function() model:export_html(path, { dat = set }) end)
    raises("export_html: data: expected a data set, or what fnet.load says of one, about.data, got number",
      function() model:export_html(path, { data = 1 }) end)
    local both = data.Dataset { x = { set.x, set.x }, y = set.y }
    raises("export_html: data: expected samples in one tensor, got table",
      function() model:export_html(path, { data = both }) end)
    raises("export_html: classes: expected 2 names, one for each of the model's outputs, got 1",
      function() model:export_html(path, { data = set, classes = { "cat" } }) end)
    raises("export_html: samples: expected a whole number from 0 to 5, got 6",
      function() model:export_html(path, { data = set, samples = 6 }) end)
    raises("export_html: samples: come from a data set; give data = set",
      function() model:export_html(path, { samples = 1 }) end)
    raises("export_html: title: expected a text, got number",
      function() model:export_html(path, { data = set, title = 1 }) end)
    raises("export_html: standardise: is for rows of numbers, the samples are pictures",
      function() model:export_html(path, { data = set, standardise = {} }) end)
    raises("export_html: samples are [784]: a page has pictures [height, width] of up to 1024 pixels a side to "
      .. "draw, or rows of up to 64 numbers to set; input = { height, width } says that a row is a picture",
      function() nn.Dense(784, 2):export_html(path) end)
    raises("export_html: a page shows one row of numbers, the model gives 2 results",
      function() nn.Parallel { nn.Dense(2, 2), nn.Dense(2, 1) }:export_html(path) end)
    raises("export_html: a page shows one row of numbers, the model gives [2, 3]",
      function() nn.Sequential { nn.Dense(6, 6), nn.Reshape(2, 3) }:export_html(path) end)
    raises("export_html: layer 2, Lambda() cannot be exported; what can: Sequential, Dropout, Parallel, AvgPool2D, "
      .. "BatchNorm, Concat, Conv2D, Dense, ELU, Flatten, GELU, GlobalAvgPool, LayerNorm, LeakyReLU, LogSoftmax, "
      .. "MaxPool2D, ReLU, Reshape, Residual, SELU, SiLU, Sigmoid, Softmax, Softplus, Tanh",
      function() nn.Sequential { nn.Dense(2, 2), nn.Lambda(print) }:export_html(path) end)
    set = pictures():with { transform = function(x, y) return x, y end, random = false }
    raises("export_html: data: a function of the script changes the samples, which no page can do",
      function() model:export_html(path, { data = set }) end)
    set = data.Dataset { x = fnet.full({ 1, 12 }, 0 / 0), y = fnet.zeros { 1 } }
    raises("export_html: data: a sample has a value that is not finite; fill missing values before",
      function() nn.Dense(12, 1):export_html(path, { data = set }) end)
    local broken = nn.Dense(1, 1)
    fnet.no_grad(function() broken.weight:copy(fnet.full({ 1, 1 }, 1 / 0)) end)
    raises("export_html: Dense(1, 1) has a weight that is not finite", function() broken:export_html(path) end)
    local nowhere = directory .. "/no/page.html"
    assert.same({ nowhere .. ": no file can be made in its directory: No such file or directory", 2 },
      { select(2, model:export_html(nowhere, { data = pictures() })) })
  end)
end)

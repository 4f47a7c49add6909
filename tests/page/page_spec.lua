--- report.page: what stands in the file, that it stays text, that it is the same each time, and what it refuses.

local fnet = require "fnet"
local html = require "fnet.files.html"
local json = require "fnet.files.json"
local command = require "tests.support.command"
local pages = require "tests.support.pages"
local support = require "tests.support"

local directory

setup(function() directory = command.make_directory() end)
teardown(function() command.remove_directory(directory) end)

local function page_of(given)
  if given.script == nil then given.script = false end
  local path = directory .. "/page.html"
  assert(fnet.report.page(path, given))
  return command.read_file(path)
end

-- What the page's script reads.
local function data_of(text, name)
  local _, start = text:find(('<script type="application/json" id="%s">'):format(name), 1, true)
  return assert(json.decode(text:sub(start + 1, text:find("</script>", start, true) - 1)))
end

local function sections_of(text)
  local list = {}
  for name in text:gmatch '<section id="(%a+)"' do list[#list + 1] = name end
  return list
end

-- Every tag that is opened is closed, in its order.
local function check_tags(text)
  local EMPTY = { meta = true, link = true }
  text = text:gsub("<!DOCTYPE html>", ""):gsub("(<script[^>]*>).-(</script>)", "%1%2")
    :gsub("(<style>).-(</style>)", "%1%2")
  local open = {}
  for closing, tag, rest in text:gmatch "<(/?)(%w+)([^<>]*)>" do
    if closing == "/" then assert.equal(table.remove(open), tag)
    elseif not EMPTY[tag] and rest:sub(-1) ~= "/" then open[#open + 1] = tag end
  end
  assert.same({}, open)
  assert.is_nil(text:gsub("<(/?)(%w+)([^<>]*)>", ""):find "[<>]")
end

describe("report.page", function()
  it("shows a run: each thing is known by what it is", function()
    local model, set = pages.classifier()
    local text = page_of { model, pages.history(5), set, settings = { lr = 0.01, batch = 32 } }
    assert.same({ "learning", "confusion", "accuracy", "mistakes", "network", "weights", "settings" },
      sections_of(text))
    check_tags(text)
    assert.is_truthy(text:find(model:sha256(), 1, true))
    assert.is_truthy(text:find("60 samples of [6, 5]", 1, true))
    assert.is_truthy(text:find('<th scope="row">batch</th><td>32</td>', 1, true))
    assert.equal(text, page_of { test = set, history = pages.history(5), model = model,
      settings = { batch = 32, lr = 0.01 } })
  end)

  it("needs no more than one of them", function()
    local model = pages.classifier()
    assert.same({ "learning", "settings" }, sections_of(page_of { pages.history(2) }))
    assert.same({ "network", "weights", "settings" }, sections_of(page_of { model }))
    assert.same({ "sweep", "settings" }, sections_of(page_of { pages.sweep() }))
    assert.same({ "learning", "settings" }, sections_of(page_of { history = {} }))
    assert.same({ "settings" }, sections_of(page_of { settings = { lr = 1 } }))
  end)

  it("asks for nothing outside itself, and says so to the browser", function()
    local model, set = pages.classifier()
    local text = page_of { model, pages.history(5), set }
    assert.is_truthy(text:find("default-src 'none'", 1, true))
    assert.is_nil(text:find "https?:")
    assert.is_nil(text:find "//%w+%.%w")
    for _, attribute in ipairs { "src", "href" } do
      for target in text:gmatch(" " .. attribute .. '="([^"]*)"') do
        assert.is_truthy(target:find "^#" or target:find "^data:")
      end
    end
    assert.is_nil(text:find ' style="')
    assert.is_nil(text:find ' on%a+="')
  end)

  it("keeps what it quotes as text", function()
    local nasty = '</script><script>alert(1)</script><b a="1">&amp;\u{202E}\27[31m'
    local model, set = pages.classifier { nasty, "<img src=x>", "'" }
    command.write_file(directory .. "/script.lua", "-- </pre></script>\r\n\t-- \0\u{202E}&lt;\n")
    local text = page_of { model, set, { { epoch = 1, loss = 2, [nasty] = 1 } }, title = nasty,
      settings = { [nasty] = nasty }, script = directory .. "/script.lua" }
    check_tags(text)
    assert.is_nil(text:find("alert(1)</script>", 1, true))
    assert.is_nil(text:find "\u{202E}")
    assert.is_nil(text:find "\27")
    assert.is_truthy(text:find("<title>" .. html.text(nasty) .. "</title>", 1, true))
    local script = "<code>-- &lt;/pre&gt;&lt;/script&gt;\\r\n\t-- \\x00\\u{202E}&amp;lt;\n</code>"
    assert.is_truthy(text:find(script, 1, true))
    assert.is_truthy(data_of(text, "samples-data").names[1]:find("</script>", 1, true))
  end)

  it("has the figures of curves, those of one panel together", function()
    local records = pages.history(3)
    records[2].loss, records[3].loss = 0 / 0, math.huge
    local data = data_of(page_of { records }, "curves-data")
    local titles = {}
    for i, panel in ipairs(data.panels) do titles[i] = panel.title end
    assert.same({ "loss", "accuracy", "lr" }, titles)
    local curve = data.panels[1].curves[1]
    assert.same({ 1, 2, 3 }, { table.unpack(curve.x) })
    assert.equal(1.0, curve.y[1])
    assert.is_true(curve.y[2] == json.null and curve.y[3] == json.null)
    assert.equal("validation", data.panels[1].curves[2].part)
  end)

  it("draws them without a script, too, and has them as a table", function()
    local text = page_of { pages.history(3) }
    local drawings = text:match '<div id="curves" class="curves">(.-)</div>'
    assert.equal(3, select(2, drawings:gsub("<svg", "")))
    for _, title in ipairs { "loss", "accuracy", "lr" } do
      assert.is_truthy(drawings:find(">" .. title .. "<", 1, true))
    end
    assert.is_truthy(text:find("<tr><th scope=\"row\">2</th><td>0.5</td><td>0.6</td><td>75.00%</td>", 1, true))
  end)

  it("joins runs of one name to a mean with a band", function()
    local runs = { { name = "a", seed = 1, history = pages.history(4) },
      { name = "b", seed = 1, history = pages.history(4, 1) },
      { name = "a", seed = 2, history = pages.history(4, 2) } }
    local text = page_of { runs }
    local data = data_of(text, "curves-data")
    assert.same({ "a", "b" }, { table.unpack(data.groups) })
    local a, b = data.panels[1].curves[1], data.panels[1].curves[2]
    assert.equal(2.0, a.y[1]) -- of 1 and 3, whose standard deviation is the root of 2
    assert.near(2 - math.sqrt(2), a.low[1], 1e-12)
    assert.near(2 + math.sqrt(2), a.high[1], 1e-12)
    assert.is_nil(b.low)
    assert.is_truthy(text:find("1.25 ± 1.414", 1, true))
    local note = "the mean goes on without it"
    assert.is_nil(text:find(note, 1, true))
    runs[3].history = pages.history(2)
    assert.is_truthy(page_of { runs }:find(note, 1, true))
  end)

  it("asks the model once for each sample, and once more for those that it shows", function()
    local model, set = pages.classifier()
    local seen = 0
    local counting = fnet.nn.Sequential { fnet.nn.Lambda(function(x)
      seen = seen + (x.rank == 3 and #x or 1)
      return x
    end), model }
    local text = page_of { counting, set, pictures = 20 }
    assert.is_true(seen >= 80 and seen <= 85, seen) -- and a few for the shapes of the drawing
    local result = fnet.evaluate(counting, set)
    assert.is_truthy(text:find(("<dd>%.2f%%</dd><dt>test accuracy, ± %.2f%%</dt>"):format(100 * result.accuracy,
      100 * result.margin), 1, true))
    local worst = {}
    for i, mistake in ipairs(fnet.metrics.mistakes(counting, set, 12)) do worst[i] = mistake.index end
    local list = data_of(text, "samples-data").list
    for i, row in ipairs(worst) do assert.equal(row, list[i][1]) end
    set.y[60] = 4
    support.raises("page: test: label 4 in row 60 is outside 1..3, the classes of the model",
      function() fnet.report.page(directory .. "/none.html", { model, set }) end)
  end)

  it("has each mistake that it counts, and distributions that add up", function()
    local model, set = pages.classifier()
    local text = page_of { model, set }
    local data, counts = data_of(text, "samples-data"), fnet.metrics.confusion(model, set).counts
    assert.equal(60, #data.list)
    local seen = {}
    for _, sample in ipairs(data.list) do
      local row, right, said, certain, bars = table.unpack(sample)
      assert.is_nil(seen[row])
      seen[row] = true
      local output, total = fnet.predict(model, (set:sample(row))), 0
      assert.equal(set.y[row], right)
      assert.equal(output:argmax():item(), said)
      for _, bar in ipairs(bars) do
        total = total + bar[2]
        assert.near(output[bar[1]], bar[2] / data.parts, 1e-5)
      end
      assert.near(1, total / data.parts, 1e-4)
      assert.near(output:max():item(), certain / data.parts, 1e-5)
      counts[right][said] = counts[right][said] - 1
    end
    assert.same({ { 0, 0, 0 }, { 0, 0, 0 }, { 0, 0, 0 } }, counts)
  end)

  it("shows the pictures of the samples that it says it shows", function()
    local model, set = pages.classifier()
    local text = page_of { model, set, mistakes = 2 }
    local data = data_of(text, "samples-data")
    local png = text:match '<image id="samples"[^>]*base64,([^"]*)"'
    local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    local bytes = png:gsub("=", ""):gsub("..?.?.?", function(four)
      local bits = 0
      for letter in four:gmatch "." do bits = bits << 6 | alphabet:find(letter, 1, true) - 1 end
      return string.pack(">I3", bits << 6 * (4 - #four)):sub(1, #four - 1)
    end)
    command.write_file(directory .. "/sheet.png", bytes)
    local sheet = assert(fnet.data.read_image(directory .. "/sheet.png"))
    for i, sample in ipairs(data.list) do
      local column, line = (i - 1) % data.sheet.columns, (i - 1) // data.sheet.columns
      local part = sheet:slice(1, line * 6 + 1, line * 6 + 6):slice(2, column * 5 + 1, column * 5 + 5)
      assert.is_true(part:contiguous():equal(set.x[sample[1]]))
    end
    assert.equal(2, select(2, text:gsub("<article", "")))
    local view = text:match '<article.-viewBox="([^"]*)"'
    assert.equal("0 0 5 6", view) -- the worst mistake is the first picture
  end)

  it("chooses few samples so that each cell has some, and all that there are for one wide net", function()
    local model, set = pages.classifier()
    local cells = {}
    for _, row in ipairs(fnet.metrics.confusion(model, set).counts) do
      for _, count in ipairs(row) do cells[#cells + 1] = count > 0 or nil end
    end
    local data = data_of(page_of { model, set, pictures = #cells, mistakes = 0 }, "samples-data")
    local seen = {}
    for _, sample in ipairs(data.list) do seen[sample[2] .. "," .. sample[3]] = true end
    local count = 0
    for _ in pairs(seen) do count = count + 1 end
    assert.same({ #cells, #cells }, { #data.list, count })
    assert.equal(0, #data_of(page_of { model, set, pictures = 0 }, "samples-data").list)
  end)

  it("takes logits, a part of a data set, tables, floats and large pictures", function()
    local nn = fnet.nn
    fnet.seed(2)
    local labels = (fnet.rand({ 30 }, 1, 4)):int()
    local logits = nn.Sequential { nn.Flatten(), nn.Dense(300, 3) }
    local set = fnet.data.Dataset { x = fnet.randn { 30, 10, 10, 3 }, y = labels }
    local text = page_of { logits, (set:split(0.5)) }
    for _, sample in ipairs(data_of(text, "samples-data").list) do
      local total = 0
      for _, bar in ipairs(sample[5]) do total = total + bar[2] end
      assert.near(1, total / 100000, 1e-4)
    end
    local sheet = data_of(text, "samples-data").sheet
    assert.same({ 10, 10 }, { sheet.width, sheet.height })
    local large = fnet.data.Dataset { x = (fnet.rand { 30, 100, 300 } * 255):byte(), y = labels, scale = 1 / 255 }
    local wide = nn.Sequential { nn.Flatten(), nn.Dense(30000, 3), nn.Softmax() }
    sheet = data_of(page_of { wide, large }, "samples-data").sheet
    assert.same({ 64, 21 }, { sheet.width, sheet.height })
    local rows = fnet.data.Dataset { x = fnet.randn { 30, 4 }, y = labels }
    local flat = nn.Sequential { nn.Dense(4, 3), nn.Softmax() }
    local data = data_of(page_of { flat, rows }, "samples-data")
    assert.is_true(data.sheet == json.null)
    assert.same({ "x1", "x2", "x3", "x4" }, { table.unpack(data.columns) })
    local first = data.list[1]
    assert.equal(("%.4g"):format(rows.x[first[1]][3]), first[6][3])
  end)

  it("lists what was confused where the classes are many, and puts small bars together", function()
    local nn, many = fnet.nn, 40
    fnet.seed(3)
    local set = fnet.data.Dataset { x = fnet.randn { 100, 4 }, y = fnet.rand({ 100 }, 1, many + 1):int() }
    local text = page_of { nn.Sequential { nn.Dense(4, many), nn.Softmax() }, set }
    check_tags(text)
    assert.is_nil(text:find 'class="matrix"')
    assert.is_truthy(text:find("all others", 1, true))
    local bars = data_of(text, "samples-data").list[1][5]
    assert.same({ 6, 0 }, { #bars, bars[6][1] })
  end)

  it("shows a network that has lost its way, and says what it cannot say", function()
    local model, set = pages.classifier()
    fnet.no_grad(function() model[2].weight:fill(0 / 0) end)
    local text = page_of { model, set, { { epoch = 1, loss = 0 / 0 } } }
    check_tags(text)
    assert.is_truthy(text:find("60 samples are in no cell: the output is not finite there", 1, true))
    assert.same({}, { table.unpack(data_of(text, "samples-data").list) })
    local logits = fnet.nn.Sequential { fnet.nn.Flatten(), fnet.nn.Dense(30, 3) }
    fnet.no_grad(function() logits[2].bias:copy(fnet.tensor { math.huge, 0, 0 }) end)
    text = page_of { logits, set } -- its classes have no probabilities
    assert.is_truthy(text:find("60 samples are in no cell: the output is not finite there", 1, true))
  end)

  it("is the same for any number of threads and any instruction set", function()
    local model, set = pages.classifier()
    local function text() return page_of { model, set, pages.history(3) } end
    local threads, isa, usual = fnet.threads(), fnet.isa(), text()
    finally(function()
      fnet.threads(threads)
      fnet.isa(isa)
    end)
    fnet.threads(threads == 1 and 2 or 1)
    fnet.isa "portable"
    assert.is_true(usual == text()) -- in short where they differ
  end)

  it("says of what time the histograms are", function()
    local model = pages.classifier()
    assert.is_nil(page_of { model }:find(">start<", 1, true))
    local recorder = fnet.report.recorder(model)
    recorder.epoch_end { model = model, record = { epoch = 1, loss = 1 } }
    assert.is_truthy(page_of { model, recorder }:find(">start<", 1, true))
  end)

  it("says how the training ended", function()
    fnet.seed(1)
    local set, model = support.line()
    local history = fnet.fit(model, support.line_options(set, { epochs = 20,
      early_stopping = { patience = 2, monitor = "loss" }, callbacks = { epoch_end = function(run)
        if run.epoch == 3 then run:stop("stopped <here>") end
      end } }))
    local text = page_of { history, model }
    assert.is_truthy(text:find("ended before its last epoch: stopped &lt;here&gt;.", 1, true))
    assert.is_truthy(text:find("The weights are those after epoch 3.", 1, true))
  end)

  it("shows predictions against targets where these are numbers", function()
    fnet.seed(1)
    local set, model = support.line()
    local text = page_of { model, set }
    check_tags(text)
    assert.same({ "values", "network", "weights", "settings" }, sections_of(text))
    local r2 = ("%.3f"):format(fnet.metrics.r2(model, set))
    assert.is_truthy(text:find("<dd>" .. r2 .. "</dd><dt>R² on the test data</dt>", 1, true))
    fnet.no_grad(function() model.weight:fill(0 / 0) end)
    check_tags(page_of { model, set })
    local twice = fnet.data.Dataset { x = set.x, y = fnet.concat({ set.y, set.y }, 2) }
    assert.same({ "network", "weights", "settings" }, sections_of(page_of { fnet.nn.Dense(1, 2), twice }))
  end)

  it("shows the layers with their shapes, also inside others, and of convolutions", function()
    local nn = fnet.nn
    local inner = nn.Sequential { nn.Dense(8, 8), nn.ReLU() }
    local model = nn.Sequential { nn.Conv2D(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Dense(64, 8), inner,
      nn.Dense(8, 2) }
    local set = fnet.data.Dataset { x = fnet.rand { 10, 6, 6, 1 }, y = fnet.rand({ 10 }, 1, 3):int() }
    local text = page_of { model, set }
    check_tags(text)
    assert.is_truthy(text:find("<td class=\"shape\">[4, 4, 4]</td>", 1, true))
    assert.is_truthy(text:find('class="depth1">Dense(8, 8)</th>', 1, true))
    assert.is_truthy(text:find(">" .. model:count() .. "</td>", 1, true))
    assert.equal(4, select(2, text:gsub('aria%-label="unit %d"', "")))
  end)

  it("shows histograms over the epochs with a recorder", function()
    local model = pages.classifier()
    local recorder = fnet.report.recorder()
    recorder.start { model = model }
    for epoch, record in ipairs(pages.history(30)) do
      assert.equal(epoch, record.epoch)
      recorder.epoch_end { model = model, record = record }
    end
    local text = page_of { model, recorder }
    assert.is_truthy(text:find("of epoch 0 to 30", 1, true))
    assert.equal(30, #data_of(text, "curves-data").panels[1].curves[1].x) -- the recorder has the figures, too
    assert.equal(9, select(2, text:match('<svg viewBox="0 0 320 .-</svg>'):gsub("<polygon", "")))
  end)

  it("leaves the model as it was, and the random numbers", function()
    local model, set = pages.classifier()
    model:train()
    local before, seed, stream = model:sha256(), fnet.random_state()
    page_of { model, set }
    assert.same({ before, true, seed, stream }, { model:sha256(), model.training, fnet.random_state() })
  end)

  it("says what it does not take", function()
    local path, page = directory .. "/none.html", fnet.report.page
    local model, set = pages.classifier()
    support.raises("page: expected a path, got nil", function() page() end)
    support.raises("page: expected a table of what is to be shown, such as { history, model, test }, got nil",
      function() page(path) end)
    support.raises("page: unknown option 'tests' (did you mean 'test'?); known are history, runs, model, "
      .. "test, recorder, sweep, settings, title, script, pictures, mistakes",
      function() page(path, { tests = set }) end)
    support.raises("page: test: expected a model beside the data set", function() page(path, { set }) end)
    support.raises("page: number 2: 'model' is there already", function() page(path, { model, model }) end)
    support.raises("page: number 2: 'history' is there already; several trainings go by "
      .. "runs = { { name = , history = }, ... }",
      function() page(path, { pages.history(1), pages.history(1) }) end)
    support.raises("page: history: record 2: expected a table of figures by name, got number",
      function() page(path, { { { loss = 1 }, 2 } }) end)
    support.raises("page: settings: a: expected a text, a number or a boolean, got table",
      function() page(path, { settings = { a = {} } }) end)
    support.raises("page: script: nowhere.lua cannot be read as text",
      function() page(path, { model, script = "nowhere.lua" }) end)
    support.raises("page: pictures: expected a whole number from 0 to 10000, got -1",
      function() page(path, { model, pictures = -1 }) end)
    support.raises("page: expected a history or runs, got both; a training of its own is one of the runs",
      function() page(path, { history = {}, runs = { { history = {} } } }) end)
    assert.is_nil(io.open(path))
    for _, wrong in ipairs { 1, "x", true, print } do
      assert.has_error(function() page(path, { wrong }) end)
    end
  end)

  it("gives nil and why where the file cannot be written", function()
    local done, message, code = fnet.report.page(directory .. "/no/page.html", { pages.history(1), script = false })
    assert.same({ nil, "number" }, { done, math.type(code) and "number" })
    assert.is_truthy(message:find("no/page.html", 1, true))
  end)
end)

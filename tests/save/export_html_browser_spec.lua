--- Models as pages in a browser: that their network is fnet's, and that people can use them.

local fnet = require "fnet"
local browser = require "tests.support.browser"
local command = require "tests.support.command"
local json = require "fnet.files.json"
local nn, data = fnet.nn, fnet.data

local FIXTURES = "tests/fixtures/fashion"

describe("a model as a page in the #browser", function()
  if browser.missing then return pending(browser.missing) end
  local directory, lesson, test

  lazy_setup(function()
    directory = command.make_directory()
    local train
    train, test = data.fashion_mnist { dir = FIXTURES }
    fnet.seed(1)
    lesson = nn.Sequential { nn.Flatten(), nn.Dense(784, 128), nn.ReLU(), nn.Dense(128, 10), nn.Softmax() }
    fnet.fit(lesson, { train = train, loss = nn.cross_entropy, optim = fnet.optim.Adam, epochs = 4 })
  end)
  lazy_teardown(function()
    browser.stop()
    command.remove_directory(directory)
  end)

  local opened
  after_each(function()
    if not opened then return end
    assert.same({ {}, {} }, { opened:console(), opened:requests() })
    opened:close()
    opened = nil
  end)

  local function open(model, options, window)
    assert(model:export_html(directory .. "/page.html", options))
    opened = browser.open(directory .. "/page.html", window)
    return opened
  end

  -- What the page gives for its own samples, in two figures: the largest difference, and how many decisions differ.
  local function compare(page, model, set)
    local x = set:batches { size = #set }()
    local output = fnet.predict(model, x, { size = 100 })
    local all = page:evaluate(("Array.from({ length: %d }, (_, i) => Array.from(network(inputOf(i))))"):format(
      #set))
    local theirs = fnet.tensor(all, "float64")
    return (theirs - output:double()):abs():max():item(), theirs:argmax(2):ne(output:argmax(2)):sum():item()
  end

  it("decides as fnet does on a thousand pictures", function()
    local train = data.fashion_mnist { dir = FIXTURES }
    local mirrored = test.x:totable()
    for _, rows in ipairs(mirrored) do
      for _, row in ipairs(rows) do
        for i = 1, 14 do row[i], row[29 - i] = row[29 - i], row[i] end
      end
    end
    local set = data.Dataset { x = fnet.concat { train.x, test.x, fnet.tensor(mirrored, "uint8") }, scale = 1 / 255,
      y = fnet.concat { train.y, test.y, test.y } }
    local difference, others = compare(open(lesson, { data = set, samples = 1000 }), lesson, set)
    assert.same({ 1000, 0, true }, { #set, others, difference < 1e-5 })
  end)

  it("decides as fnet does with the convolutions of examples/fashion_cnn.lua", function()
    fnet.seed(3)
    local list, inputs = { nn.Reshape(28, 28, 1) }, 1
    for _, units in ipairs { 32, 64, 128 } do
      for _, layer in ipairs { nn.Conv2D(inputs, units, 3, { padding = "same", bias = false }), nn.MaxPool2D(2),
        nn.BatchNorm(units), nn.ReLU() } do list[#list + 1] = layer end
      inputs = units
    end
    for _, layer in ipairs { nn.GlobalAvgPool(), nn.Dropout(0.1), nn.Dense(128, 10) } do list[#list + 1] = layer end
    local model, set = nn.Sequential(list), test:slice(1, 60)
    for _ = 1, 3 do model(set:batches { size = 60 }()) end -- running statistics
    local difference, others = compare(open(model:eval(), { data = set }), model, set)
    assert.same({ 0, true }, { others, difference < 1e-5 })
  end)

  it("computes each kind of layer", function()
    fnet.seed(5)
    local rows = data.Dataset { x = fnet.randn { 20, 6 }, y = fnet.zeros { 20 } }
    local dense = nn.Sequential { nn.Dense(6, 9), nn.BatchNorm(9), nn.ReLU(), nn.Dropout(),
      nn.Dense(9, 8, { activation = "tanh", bias = false }), nn.LayerNorm(8), nn.LeakyReLU(0.1), nn.Dense(8, 7),
      nn.ELU(0.7), nn.Dense(7, 7), nn.SELU(), nn.Residual { nn.Dense(7, 7), nn.GELU() }, nn.SiLU(),
      nn.Concat { nn.Dense(7, 5), nn.Sequential { nn.Dense(7, 4), nn.Softplus() } },
      nn.Dense(9, 6, { activation = "sigmoid" }), nn.LogSoftmax() }
    for _ = 1, 3 do dense(rows.x) end -- running statistics
    assert.is_true(compare(open(dense:eval(), { data = rows }), dense, rows) < 1e-5)
    opened:close()

    local images = data.Dataset { x = fnet.randn { 9, 14, 12, 3 }, y = fnet.zeros { 9 } }
    local conv = nn.Sequential { nn.Conv2D(3, 4, 3, { padding = "same", bias = false }), nn.BatchNorm(4), nn.ReLU(),
      nn.MaxPool2D(2),
      nn.Conv2D(4, 8, { 3, 2 }, { padding = { 0, 1 }, groups = 2, activation = "gelu" }),
      nn.Conv2D(8, 8, 3, { padding = "same", stride = 2, groups = 8, activation = "silu" }),
      nn.AvgPool2D(3, { stride = 2, padding = 1 }),
      nn.AvgPool2D(2, { stride = 1, padding = 1, count_include_pad = true }),
      nn.Dense(8, 6), nn.LayerNorm(6), nn.Residual { nn.Conv2D(6, 6, 1) }, nn.GlobalAvgPool(), nn.Softmax() }
    for _ = 1, 3 do conv(images.x) end
    assert.is_true(compare(open(conv:eval(), { data = images }), conv, images) < 1e-5)
  end)

  it("sees the pictures that fnet sees, whatever is done to them", function()
    local normalised = test:slice(1, 50):with { transform = data.normalise { mean = 0.3, deviation = 0.4 } }
    assert.is_true(compare(open(lesson, { data = normalised, samples = 50 }), lesson, normalised) < 1e-5)
  end)

  -- A place on the pad, by shares of its sides.
  local function on_pad(page)
    local box = page:evaluate [[(() => {
      const box = byId("pad").getBoundingClientRect();
      return [box.left, box.top, box.width, box.height];
    })()]]
    return function(x, y) return { box[1] + x * box[3], box[2] + y * box[4] } end
  end

  local function text(page, id) return page:evaluate(("byId('%s').textContent"):format(id)) end
  local function frame(page) page:evaluate "new Promise(done => requestAnimationFrame(() => setTimeout(done)))" end

  local function shares(page)
    local list = page:evaluate "Array.from(document.querySelectorAll('.value'), e => parseFloat(e.textContent))"
    local sum = 0
    for _, share in ipairs(list) do sum = sum + share end
    return list, sum
  end

  local WINDOWS = { { width = 1100, height = 900 }, { width = 400, height = 800, phone = true, dark = true } }
  for _, window in ipairs(WINDOWS) do
    it(("is drawn on, and its bars move, %d pixels wide"):format(window.width), function()
      local page = open(lesson, { data = test }, window)
      assert.equal(window.width, page:evaluate "document.documentElement.scrollWidth")
      page:wait "byId('answer').textContent.includes('certain')"
      page:click "#clear"
      page:wait "byId('answer').textContent === 'Draw something'"
      local at = on_pad(page)
      page:drag { at(0.2, 0.2), at(0.25, 0.5), at(0.25, 0.7) } -- in the upper left, and thin
      page:wait "byId('answer').textContent.includes('certain')"
      local first, sum = shares(page)
      assert.near(100, sum, 0.6)
      -- Moved to the middle, as high as the pictures are.
      local extent = page:evaluate "extentOf(centred(), 28, 28)"
      assert.is_true(extent.bottom - extent.top >= 26 and math.abs(extent.left + extent.right - 28) <= 2)
      page:drag { at(0.7, 0.2), at(0.7, 0.8), at(0.3, 0.8) }
      frame(page)
      assert.not_same(first, (shares(page)))
      local colour = page:pixels():select(1, 5):select(1, 5):totable()
      assert.equal(window.dark == true, colour[1] < 100)
    end)
  end

  it("is printed with its bars, in ink on paper, from a dark desk too", function()
    local page = open(lesson, { data = test }, { dark = true })
    page:as_printed(true)
    local function style(selector, name)
      return page:evaluate(("getComputedStyle(document.querySelector('%s'))['%s']"):format(selector, name))
    end
    assert.is_true(tonumber(style("h1", "color"):match "%d+") < 60)
    assert.equal("exact", style(".fill", "printColorAdjust"))
    assert.equal(0, page:evaluate "document.querySelector('[aria-label=Tools]').clientHeight")
  end)

  it("is drawn on with one finger, whatever the others do", function()
    local page = open(lesson, { data = test }, WINDOWS[2])
    page:call("Emulation.setTouchEmulationEnabled", { enabled = true, maxTouchPoints = 2 })
    page:evaluate "byId('clear').click(), byId('pad').scrollIntoView({ block: 'center' })"
    local at = on_pad(page)
    local function touch(kind, ...)
      local points = json.array {}
      for i, place in ipairs { ... } do points[i] = { x = place[1], y = place[2], id = i } end
      page:call("Input.dispatchTouchEvent", { type = kind, touchPoints = points })
    end
    touch("touchStart", at(0.2, 0.2))
    touch("touchMove", at(0.2, 0.4))
    touch("touchStart", at(0.2, 0.4), at(0.9, 0.9))
    touch("touchMove", at(0.2, 0.6), at(0.8, 0.9))
    touch("touchMove", at(0.2, 0.8)) -- the second one has gone
    touch "touchEnd"
    frame(page)
    local extent = page:evaluate "extentOf(pad, padHeight, padWidth)"
    local size = page:evaluate "radius() + 2"
    local high = page:evaluate "padHeight"
    assert.near(0.2 * high, extent.top, size)
    assert.near(0.8 * high, extent.bottom, size)
    assert.near(0.2 * high, extent.right, size)
  end)

  it("has all of a high picture in the window", function()
    local set = data.Dataset { x = fnet.full({ 4, 60, 10 }, 9, "uint8"), y = fnet.full({ 4 }, 1, "int32"),
      scale = 1 / 255 }
    local page = open(nn.Sequential { nn.Flatten(), nn.Dense(600, 2), nn.Softmax() }, { data = set })
    for _, name in ipairs { "pad", "seen" } do
      local box = page:evaluate(("byId('%s').getBoundingClientRect().toJSON()"):format(name))
      assert.is_true(box.height <= 640, name)
      assert.near(6, box.height / box.width, 0.3, name)
    end
  end)

  it("steps through pictures and their mistakes", function()
    local page = open(lesson, { data = test, samples = 60 })
    page:wait "byId('answer').textContent.includes('certain')"
    local x = test:slice(1, 60):batches { size = 60 }()
    local said, wrong = fnet.predict(lesson, x):argmax(2):totable(), nil
    for i = 60, 2, -1 do wrong = said[i] ~= test.y[i] and i or wrong end
    page:click "#mistake"
    frame(page)
    assert.equal(wrong .. " of 60", text(page, "place"))
    assert.equal(("The data set says: %s. ✗ Wrong."):format(test.classes[test.y[wrong]]), text(page, "truth"))
    assert.equal(test.classes[said[wrong]], page:evaluate "document.querySelector('.best .name').textContent")
    page:click "#previous"
    frame(page)
    assert.equal(wrong - 1 .. " of 60", text(page, "place"))
  end)

  it("is used by keyboard", function()
    local page, names = open(lesson, { data = test }), {}
    for i = 1, 11 do
      page:press "Tab"
      names[i] = page:evaluate "document.activeElement.id || document.activeElement.tagName.toLowerCase()"
    end
    assert.equal("pad previous next clear mistake file brush shade centre summary",
      (table.concat(names, " "):gsub(" body$", ""):gsub(" pad$", "")))
    page:evaluate "byId('clear').click(), byId('pad').focus()"
    page:press " "
    for _ = 1, 6 do page:press "ArrowDown" end
    page:press " "
    page:press "ArrowRight"
    frame(page)
    local extent = page:evaluate "extentOf(pad, padHeight, padWidth)" -- six points down, and the brush's own size
    assert.near(6, (extent.bottom - extent.top - page:evaluate "2 * radius()") / page:evaluate "fine", 0.2)
    assert.matches("certain", text(page, "answer"))
  end)

  it("takes a photo of something dark on paper for what its pictures are", function()
    local photo = test.x[8]:float() -- dark on light, small, in a corner
    local paper = fnet.full({ 60, 90 }, 230)
    paper:slice(1, 5, 32):slice(2, 50, 77):copy(230 - photo * 0.7)
    assert(data.write_png(directory .. "/photo.png", paper:byte()))
    local page = open(lesson, { data = test:slice(8, 8) })
    page:wait "byId('answer').textContent.includes('certain')"
    local expected = text(page, "answer"):match ": (.*)"
    page:click "#clear"
    page:choose("#file", directory .. "/photo.png")
    page:wait "byId('answer').textContent.includes('certain')"
    assert.equal(expected, text(page, "answer"):match ": (.*)")
    command.write_file(directory .. "/none.png", "no picture")
    page:choose("#file", directory .. "/none.png")
    page:wait "byId('message').textContent === 'This file is no picture that the browser can read.'"
  end)

  it("takes a picture that is dropped on it", function()
    local page = open(lesson, { data = test })
    page:wait "byId('answer').textContent.includes('certain')"
    local expected = page:evaluate "[byId('answer').textContent, byId('clear').click()][0]"
    page:wait "byId('answer').textContent === 'Draw something'"
    page:evaluate [[new Promise(done => {
      openSample(0);
      draw();
      canvas.toBlob(blob => {
        clear();
        draw();
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([blob], "picture.png", { type: "image/png" }));
        document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
        done();
      });
    })]]
    page:wait "byId('answer').textContent.includes('certain')"
    assert.equal(expected:match ": (.*)", text(page, "answer"):match ": (.*)")
  end)

  it("has fields for numbers, in the units of the table", function()
    fnet.seed(2)
    command.write_file(directory .. "/t.csv", "height,soil,yield\n1,clay,10\n3,sand,20\n2,clay,15\n9,sand,11\n")
    local set = assert(data.read_csv(directory .. "/t.csv", { target = "yield", one_hot = "soil" }))
    local scaled = data.standardise(set, { targets = true })
    local model = nn.Sequential { nn.Dense(3, 4, { activation = "tanh" }), nn.Dense(4, 1) }
    local page = open(model, { data = scaled(set), standardise = scaled }, { width = 400, phone = true })
    assert.equal(400, page:evaluate "document.documentElement.scrollWidth")
    local function expect(height, clay, sand)
      local row = scaled(fnet.tensor { height, clay, sand })
      local value = scaled:restore(fnet.predict(model, row)):item()
      assert.near(value, tonumber(text(page, "answer"):match "The network says (%S+)"), 1e-3)
    end
    expect(1, 1, 0)
    assert.equal("The data set says: 10", text(page, "truth"))
    page:evaluate "byId('field0').focus(), byId('field0').select()"
    page:type "7"
    expect(7, 1, 0)
    assert.equal("7", page:evaluate "document.querySelector('#fields input[type=range]').value")
    page:evaluate "byId('field1').value = 1, byId('field1').dispatchEvent(new Event('input', { bubbles: true }))"
    expect(7, 0, 1)
    page:evaluate "byId('field0').value = '', byId('field0').dispatchEvent(new Event('input', { bubbles: true }))"
    assert.equal("Each field takes a number", text(page, "answer"))
  end)

  it("says what it is without a data set", function()
    local page = open(lesson, { input = { 28, 28 }, classes = test.classes })
    assert.equal("Draw something", page:wait "byId('answer').textContent" and text(page, "answer"))
    assert.is_true(page:evaluate "!byId('hint').hidden && !byId('mistake')")
  end)
end)

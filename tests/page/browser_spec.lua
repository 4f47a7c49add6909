--- A page of report.page as its reader has it: in a browser, by pointer and by keyboard, on a desk and on a phone.

local fnet = require "fnet"
local browser = require "tests.support.browser"
local command = require "tests.support.command"
local pages = require "tests.support.pages"

describe("a page of a run in the #browser", function()
  if browser.missing then return pending(browser.missing) end
  local directory, path, counts

  lazy_setup(function()
    directory = command.make_directory()
    path = directory .. "/run.html"
    local model, set = pages.classifier { "cat", "</script><b>dog", "eel" }
    counts = fnet.metrics.confusion(model, set).counts
    assert(fnet.report.page(path, { pages.history(20), model, set, pages.sweep(), settings = { lr = 0.01 },
      script = "tests/support/pages.lua" }))
  end)
  lazy_teardown(function()
    browser.stop()
    command.remove_directory(directory)
  end)

  -- A page that has said nothing and asked for nothing, at the end as well.
  local function with_page(options, visit)
    local page = browser.open(path, options)
    visit(page)
    assert.same({}, page:console())
    assert.same({}, page:requests())
    page:close()
  end

  -- A cell with counts off the diagonal.
  local function wrong_cell()
    for right, row in ipairs(counts) do
      for said, count in ipairs(row) do
        if right ~= said and count > 1 then return right, said, count end
      end
    end
  end

  it("draws curves with axes", function()
    with_page(nil, function(page)
      assert.equal(3, page:evaluate "document.querySelectorAll('#curves figure').length")
      assert.same({ "loss", "accuracy", "lr" },
        page:evaluate "[...document.querySelectorAll('#curves h3')].map(h => h.textContent)")
      for panel = 1, 3 do
        local of = ("document.querySelectorAll('#curves .plot')[%d]"):format(panel - 1)
        assert.is_true(page:evaluate(of .. ".querySelectorAll('.grid').length") >= 3)
        assert.is_true(page:evaluate(of .. ".querySelectorAll('.line').length") >= 1)
      end
      -- The curve is where the axes say: the first loss is 1, and the last epoch stands at the right.
      local place = page:evaluate [[(() => {
        const plot = document.querySelector('.plot'), box = plot.querySelector('.base').getBoundingClientRect()
        const line = plot.querySelector('.line').getBoundingClientRect()
        return [line.left - box.left, line.right - box.right, box.width]
      })()]]
      assert.is_true(math.abs(place[1]) < 3 and math.abs(place[2]) < 3 and place[3] > 200)
      assert.equal("20", page:evaluate "document.querySelector('.plot').getAttribute('aria-valuenow')")
    end)
  end)

  it("draws whatever figures there are", function()
    local odd, figures = directory .. "/odd.html", {
      zero = function() return 0 end, broken = function() return 0 / 0 end, negative = function(n) return -n end,
      gaps = function(n) return n % 2 == 0 and n or 0 / 0 end, huge = function(n) return (-1) ^ n * 1e300 * n end,
      tiny = function(n) return 5e-324 * n end, close = function(n) return 1 + n * 1e-15 end,
    }
    local all = {}
    for epoch = 1, 9 do
      all[epoch] = {}
      for name, f in pairs(figures) do all[epoch][name] = f(epoch) end
    end
    for _, records in ipairs {
      all, { { loss = 1 } }, { { epoch = 7, loss = 1 }, { epoch = 0.25, loss = 2 }, { epoch = 7, loss = 3 } },
    } do
      assert(fnet.report.page(odd, { records, script = false }))
      local page = browser.open(odd)
      page:evaluate "document.querySelector('.plot').focus()"
      for _, key in ipairs { "Home", "ArrowRight", "+", "+", "-", "End", "0", "PageDown" } do page:press(key) end
      page:evaluate "document.querySelectorAll('figure button').forEach(button => button.click())"
      assert.same({}, page:console())
      assert.is_true(page:evaluate [=[[...document.querySelectorAll('.plot *')].every(e =>
        [...e.attributes].every(a => !/NaN|Infinity/.test(a.value)))]=])
      if records == all then
        assert.equal("not finite", page:evaluate [=[[...document.querySelectorAll('figcaption')]
          .find(e => e.textContent.startsWith('broken')).querySelector('b').textContent]=])
      end
      assert.is_true(page:evaluate [=[[...document.querySelectorAll('.plot')].every(plot =>
        plot.querySelectorAll('text').length >= 2)]=])
      page:close()
    end
  end)

  it("tells the values under the pointer, and by keyboard, and zooms", function()
    with_page(nil, function(page)
      local function told()
        return page:evaluate "document.querySelector('.plot').getAttribute('aria-valuetext')"
      end
      assert.equal("epoch 20: training 0.05, validation 0.06", told())
      page:point ".plot .base"
      assert.matches("^epoch 1[01]: training 0.[01]", told())
      page:evaluate "document.querySelector('.plot').focus()"
      page:press "Home"
      assert.equal("epoch 1: training 1, validation 1.2", told())
      page:press "ArrowRight"
      assert.equal("epoch 2: training 0.5, validation 0.6", told())
      local function marks()
        return page:evaluate "document.querySelectorAll('figure:first-of-type text[text-anchor=middle]').length"
      end
      local before = marks()
      for _ = 1, 3 do page:press "+" end
      assert.is_true(marks() < before)
      page:press "0"
      assert.equal(before, marks())
      page:evaluate "document.querySelector('#curves figure button').focus()"
      page:press " "
      assert.equal("true", page:evaluate "document.activeElement.getAttribute('aria-pressed')")
    end)
  end)

  it("zooms to what is dragged over", function()
    with_page(nil, function(page)
      page:evaluate "document.querySelector('.plot').scrollIntoView({ block: 'center' })"
      local box = page:evaluate [[(() => {
        const box = document.querySelector('.plot .base').getBoundingClientRect()
        return [box.left, box.top, box.width]
      })()]]
      local x, y, width = box[1], box[2] - 40, box[3]
      page:drag { { x + width * 0.5, y }, { x + width * 0.6, y }, { x + width * 0.75, y } }
      local first, last = table.unpack(page:evaluate [[(() => {
        const texts = [...document.querySelector('.plot').querySelectorAll('text[text-anchor=middle]')]
        return [+texts[0].textContent, +texts[texts.length - 1].textContent]
      })()]])
      assert.is_true(first >= 10 and last <= 16 and last > first)
    end)
  end)

  it("forgets a range whose pointer was taken away", function()
    with_page(nil, function(page)
      page:evaluate "document.querySelector('.plot').scrollIntoView({ block: 'center' })"
      local x, y = table.unpack(page:evaluate [[(() => {
        const box = document.querySelector('.plot').getBoundingClientRect()
        return [box.left + 200, box.top + 100]
      })()]])
      local function mouse(kind, by)
        page:call("Input.dispatchMouseEvent", { type = kind, x = x + by, y = y, button = "left", buttons = 1,
          clickCount = kind == "mousePressed" and 1 or 0 })
      end
      local function chosen() return page:evaluate "document.querySelectorAll('.select').length" end
      mouse("mousePressed", 0)
      mouse("mouseMoved", 60)
      assert.is_true(chosen() > 0)
      page:evaluate "document.querySelector('.plot').dispatchEvent(new PointerEvent('pointercancel')), 0"
      mouse("mouseMoved", 90)
      assert.equal(0, chosen())
    end)
  end)

  it("opens the samples behind a cell by a click, and closes them", function()
    with_page(nil, function(page)
      local right, said, count = wrong_cell()
      local cell = ("#matrix button[data-right='%d'][data-said='%d']"):format(right, said)
      if page:evaluate(("document.querySelector(%q).getAttribute('aria-pressed')"):format(cell)) == "true" then
        page:click "#cell .close"
      end
      page:click(cell)
      assert.equal(count, page:evaluate "document.querySelectorAll('#cell .samples button').length")
      assert.equal(count, page:evaluate "document.querySelectorAll('#cell .samples svg use').length")
      assert.equal("true", page:evaluate(("document.querySelector(%q).getAttribute('aria-pressed')"):format(cell)))
      page:click "#cell .samples button:last-child"
      local bars = page:evaluate [=[
        [...document.querySelectorAll('#cell .bars rect')].map(r => r.getAttribute('width'))]=]
      local sum = 0
      for _, width in ipairs(bars) do sum = sum + tonumber(width:match "^([%d.]+)%%$") end
      assert.near(100, sum, 0.05)
      page:press "Escape"
      assert.equal(0, page:evaluate "document.getElementById('cell').children.length")
      assert.equal(said, math.tointeger(page:evaluate "+document.activeElement.dataset.said"))
    end)
  end)

  it("is walked through by keyboard: each part is reached by Tab, cells by arrows", function()
    with_page(nil, function(page)
      local reached = {}
      for _ = 1, 80 do
        page:press "Tab"
        local name = page:evaluate [[(() => {
          const e = document.activeElement
          return e === document.body ? "end" : e.className || e.closest('[id]')?.id || e.tagName
        })()]]
        if name == "end" then break end
        reached[name] = (reached[name] or 0) + 1
      end
      for _, name in ipairs { "plot", "matrix", "sort", "close" } do assert.is_truthy(reached[name], name) end
      assert.equal(1, reached.matrix)
      page:evaluate "document.querySelector('#matrix button[data-right=\"1\"]').focus()"
      local at = page:evaluate "document.activeElement.dataset.said"
      page:press "ArrowDown"
      assert.equal(at, page:evaluate "document.activeElement.dataset.said")
      assert.is_true(page:evaluate "document.activeElement.dataset.right > 1")
      page:press "Enter"
      assert.equal("true", page:evaluate "document.activeElement.getAttribute('aria-pressed')")
      page:evaluate "document.querySelector('#script summary').focus()"
      page:press "Enter"
      assert.is_true(page:evaluate "document.querySelector('#script details').open")
    end)
  end)

  it("sorts the sweep", function()
    with_page(nil, function(page)
      local function column(number)
        local code = "[...document.querySelectorAll('#sweep tbody tr')].map(r => r.cells[%d].textContent)"
        return page:evaluate(code:format(number))
      end
      assert.same({ "0.5", "0.5", "0.25", "0.25" }, column(0))
      page:click "#sweep thead th:nth-child(4) button"
      assert.same({ "7.2", "5.2", "4.7", "2.7" }, column(3))
      assert.equal("descending", page:evaluate "document.querySelectorAll('#sweep thead th')[3].ariaSort")
      page:click "#sweep thead th:nth-child(4) button"
      assert.same({ "2.7", "4.7", "5.2", "7.2" }, column(3))
      page:click "#sweep thead th:nth-child(2) button"
      assert.same({ "a", "a", "b", "b" }, column(1))
    end)
  end)

  it("does not scroll sideways on a phone", function()
    with_page({ width = 400, height = 800, phone = true }, function(page)
      assert.equal(400, page:evaluate "document.documentElement.scrollWidth")
      for _, part in ipairs { "#curves", "#confusion", ".cards", ".network", ".classes" } do
        local code = "Math.max(...[...document.querySelectorAll('%s :not(svg *)')]" ..
          ".map(e => e.getBoundingClientRect().right))"
        assert.is_true(page:evaluate(code:format(part)) <= 400, part)
      end
    end)
  end)

  it("is printed on white, without what is only for a screen", function()
    with_page({ dark = true }, function(page)
      page:call("Emulation.setEmulatedMedia", { media = "print" })
      assert.equal("none", page:evaluate "getComputedStyle(document.querySelector('nav')).display")
      assert.equal("rgb(255, 255, 255)", page:evaluate "getComputedStyle(document.body).backgroundColor")
      assert.equal("rgb(0, 0, 0)", page:evaluate "getComputedStyle(document.body).color")
      page:evaluate "dispatchEvent(new Event('beforeprint'))"
      assert.is_true(page:evaluate "document.querySelector('#script details').open")
      page:evaluate "dispatchEvent(new Event('afterprint'))"
      assert.is_false(page:evaluate "document.querySelector('#script details').open")
    end)
  end)

  it("has curves, matrix and mistakes without JavaScript, too", function()
    with_page(nil, function(page)
      page:call("Emulation.setScriptExecutionDisabled", { value = true })
      page:load("file://" .. path, {})
      assert.equal(0, page:evaluate "document.querySelectorAll('.plot').length")
      assert.equal(3, page:evaluate "document.querySelectorAll('#curves svg').length")
      assert.is_true(page:evaluate "document.querySelector('#curves svg').getBoundingClientRect().width > 300")
      assert.is_true(page:evaluate "document.querySelectorAll('.cards use').length > 3")
    end)
  end)

  it("has room for names however long", function()
    local name, own = ("W"):rep(60), directory .. "/long.html"
    local model, set = pages.classifier { name, "\u{65E5}\u{672C}", "\u{5E2}\u{5D1}" }
    local runs = { { name = name, history = pages.history(2) }, { name = "b", history = pages.history(2) } }
    assert(fnet.report.page(own, { model, set, runs, title = name, script = false,
      settings = { [name] = name:rep(5), lr = 0.1 } }))
    for _, width in ipairs { 400, 1200 } do
      local page = browser.open(own, { width = width, phone = width == 400 })
      assert.equal(width, page:evaluate "document.documentElement.scrollWidth")
      assert.is_true(page:evaluate [=[[...document.querySelectorAll('.cards .number, .cell .close')].every(e =>
        e.getBoundingClientRect().right <= innerWidth)]=])
      page:close()
    end
  end)

  it("is printed with two curves side by side", function()
    with_page({ width = 700 }, function(page)
      page:as_printed()
      assert.is_true(page:evaluate [[(() => {
        const [a, b] = [...document.querySelectorAll('#curves figure')].map(e => e.getBoundingClientRect())
        return a.top === b.top && a.right <= b.left
      })()]])
    end)
  end)

  it("is dark where the desk is", function()
    for _, dark in ipairs { false, true } do
      with_page({ dark = dark }, function(page)
        local pixels = page:pixels()
        local corner = pixels:slice(1, 1, 8):slice(2, 1, 8):float():mean():item()
        assert.equal(dark, corner < 60)
        local ink = page:evaluate "getComputedStyle(document.querySelector('h1')).color":match "%d+"
        assert.equal(dark, tonumber(ink) > 180)
      end)
    end
  end)

  it("has the pictures where it says: the first one of the sheet is the worst mistake", function()
    with_page(nil, function(page)
      page:evaluate "document.querySelector('.cards .picture').scrollIntoView({ block: 'center' })"
      local box = page:evaluate [[(() => {
        const box = document.querySelector('.cards .picture').getBoundingClientRect()
        return [box.x, box.y, box.width, box.height]
      })()]]
      local pixels = page:pixels()
      local x, y = math.floor(box[1] + box[3] / 2), math.floor(box[2] + box[4] / 2)
      local part = pixels:slice(1, y - 20, y + 20):slice(2, x - 15, x + 15):float()
      assert.is_true(part:max():item() - part:min():item() > 60) -- noise, and no empty place
    end)
  end)
end)

--- The pages of `make docs` in a browser, as a reader uses them: search by mouse and keyboard, on a phone and on a
-- desk, in light and dark, with a screen reader; and that their search finds what `fnet --help --search` finds.

local browser = require "tests.support.browser"
local command = require "tests.support.command"
local json = require "fnet.files.json"
local naming = require "fnet.base.naming"
local search = require "fnet.command.search"
local topics = require "fnet.command.topics"

describe("the documentation in a #browser", function()
  if browser.missing then return pending(browser.missing) end
  if not os.execute "command -v cmark-gfm >/dev/null" then
    return pending "left out: cmark-gfm is not here; `make docs` installs it or names the package"
  end
  local directory, docs

  lazy_setup(function()
    directory = command.make_directory()
    docs = directory .. "/docs"
    local line = command.line(command.fnet, { "src/tools/docs/docs.lua", docs })
    local result = command.shell(directory, ("cd %s && %s"):format(command.quote(command.directory), line))
    assert.same({ "", 0 }, { result.errors, result.status })
  end)
  lazy_teardown(function()
    browser.stop()
    command.remove_directory(directory)
  end)

  -- Nothing was complained of, and nothing asked for that does not lie beside the page.
  local function is_quiet(page, name)
    assert.same({}, page:console(), name)
    for _, address in ipairs(page:requests()) do
      assert.equal("file://" .. docs, address:sub(1, #docs + 7), name)
    end
  end

  local function open(name, options) return browser.open(docs .. "/" .. name, options) end

  -- What the box shows: the titles.
  local function titles(page)
    return page:evaluate "[...document.querySelectorAll('[role=option]')].map(one => one.firstChild.textContent)"
  end

  local READY = "document.readyState === 'complete' && "
  local OPEN = "!document.getElementById('search-found').hidden"

  it("finds a name of another library and goes there, by keyboard", function()
    local page = open "report.html"
    page:press "/"
    assert.equal("search-words", page:evaluate "document.activeElement.id")
    page:type "nn.Linear"
    assert.equal("nn.Dense(inputs, units, options)", titles(page)[1])
    assert.is_true(page:evaluate(OPEN))
    page:press "Enter"
    assert.is_true(page:wait "location.href.endsWith('/nn.html#nn.Dense') && document.title === 'Networks - fnet'")
    is_quiet(page)
  end)

  it("chooses by arrows, and closes by Escape", function()
    local page = open "index.html"
    local function chosen()
      return page:evaluate [=[[...document.querySelectorAll("[role=option]")].findIndex(option =>
        option.id === document.getElementById("search-words").getAttribute("aria-activedescendant")
        && option.getAttribute("aria-selected") === "true")]=]
    end
    page:press "/"
    page:type "relu"
    local found = titles(page)
    assert.equal("ReLU", found[1])
    assert.equal(-1, chosen())
    page:press "ArrowDown"
    page:press "ArrowDown"
    assert.equal(1, chosen())
    for _ = 1, 2 do page:press "ArrowUp" end
    assert.equal(#found - 1, chosen())
    page:press "Escape"
    assert.is_false(page:evaluate(OPEN))
    page:press "Enter" -- leads nowhere while nothing is shown
    page:press "ArrowUp"
    assert.is_true(page:evaluate(OPEN))
    page:press "Tab"
    assert.is_false(page:evaluate(OPEN))
    page:press "Shift+Tab"
    page:press "ArrowDown"
    page:press "Enter"
    assert.is_true(page:wait "location.href.endsWith('/terms.html#relu')")
  end)

  it("is searched by mouse", function()
    local page = open "index.html"
    page:click "#search-words"
    page:type "early stopping"
    page:click "[role=option]:first-child"
    assert.is_true(page:wait "location.href.endsWith('/train.html#fit')")
    is_quiet(page)
  end)

  it("finds words, names that are not written to their end, and chapters; says where there is nothing", function()
    local page = open "index.html"
    local function first(text)
      return page:evaluate(("(results(%s)[0] || {}).address"):format(json.text(text)))
    end
    for text, address in pairs {
      overfit = "terms.html#overfitting", ["learning r"] = "terms.html#learning-rate",
      ["x.ndim"] = "tensor.html#tensor", ["torch.nn.Linea"] = "nn.html#nn.Dense",
      BatchNorm2 = "nn.html#nn.BatchNorm", ["tensor:sum"] = "tensor.html#tensor.sum",
      train_test_split = "reference.html", constructor = "guide.html", softmx = "nn.html#nn.Softmax",
      ["tf.keras.layers.Dense"] = "nn.html#nn.Dense", ["torch.nn.Softmax"] = "nn.html#nn.Softmax",
    } do
      assert.equal(address, (first(text):sub(1, #address)), text)
    end
    for _, text in ipairs { "quantum", ("softmx"):rep(2000) } do assert.is_nil(first(text)) end
    assert.is_nil(first " . ")
    for words, address in pairs { ["matrix product"] = "numerics.html", ["install"] = "index.html#two-commands",
      ["own experiment"] = "index.html#your-own-experiment" } do
      local all = page:evaluate(("results(%s).map(one => one.address)"):format(json.text(words)))
      assert.matches(address, table.concat(all, " "), 1, true)
    end
    page:press "/"
    page:type "quantum"
    assert.equal("Nothing is said of this.", page:evaluate "document.getElementById('search-said').textContent")
    assert.is_false(page:evaluate(OPEN))
    page:type "<img src=x onerror=alert(1)>"
    is_quiet(page)
  end)

  it("finds what help finds", function()
    local page, index = open "index.html", topics.index()
    local texts = { "early stopping", "stop early", "label smoothing", "torch.nn.LSTM", "clip gradients", "x", "",
      "initialization", "cross validation", "np.mean", "x.view", "kaiming", "learning_rate", "tensor", "the",
      "the best epoch", "EarlyStopping", "save a model", "normalisation of layers", "float32", "Ünits", "quantum",
      "constructor", "softmx", "Dropuot", "tf.keras.layers.Dense", "torch.nn.Softmax", "tensor.sum",
      "optimizer.step", "model.state_dict", "optim.Adam", "abcde", ("x"):rep(10000) }
    for _, list in pairs(index.elsewhere) do
      for _, entry in ipairs(list) do texts[#texts + 1] = entry.theirs end
    end
    for i, name in ipairs(naming.sorted(index.topics)) do
      if i % 5 == 0 then texts[#texts + 1] = name end
    end
    assert.is_true(#texts > 200)
    table.sort(texts)
    local expected = json.array {}
    for i, text in ipairs(texts) do expected[i] = json.array(search.names(text)) end
    local different = page:evaluate(("%s.flatMap((text, i) => { const found = find(text).names.join(); "
      .. "return found === %s[i].join() ? [] : [text + ': ' + found] })"):format(json.encode(json.array(texts)),
      json.encode(expected)))
    assert.same({}, different)
  end)

  it("fits a phone: no page scrolls sideways, complains or asks for anything", function()
    local page = open("index.html", { width = 400, height = 800, phone = true })
    local pages = page:evaluate "[...document.querySelectorAll('nav a')].map(link => link.getAttribute('href'))"
    assert.is_true(#pages > 20)
    for _, name in ipairs(pages) do
      page:load("file://" .. docs .. "/" .. name, { width = 400, height = 800, phone = true })
      assert.equal(400, page:evaluate "Math.max(document.documentElement.scrollWidth, innerWidth)", name)
      is_quiet(page, name)
    end
    assert.is_false(page:evaluate "document.getElementById('pages').open")
    page:click "summary"
    page:click "nav a[href='terms.html']"
    assert.is_true(page:wait(READY .. "document.title === 'Words of the lesson - fnet'"))
    page:click "#search-words"
    page:type "softmax"
    local box = page:evaluate "document.getElementById('search-found').getBoundingClientRect().toJSON()"
    assert.same({ 16, 384 }, { box.left, box.right })
  end)

  -- What is brighter than what, by WCAG 2: 4.5 can be read.
  local CONTRAST = [[(selector => {
    const light = text => text.match(/[\d.]+/g).slice(0, 3).map(value => value / 255)
      .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
      .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0)
    const ground = getComputedStyle(document.body).backgroundColor
    const [a, b] = [light(getComputedStyle(document.querySelector(selector)).color), light(ground)]
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
  })("%s")]]

  it("is light or dark as the desk is, and can be read", function()
    for dark, brightness in pairs { [false] = 255, [true] = 30 } do
      local page = open("terms.html", { dark = dark })
      local pixels = page:pixels()
      for _, place in ipairs { { 790, 990 }, { 400, 5 } } do
        for channel = 1, 3 do
          local value = pixels[place[1]][place[2]][channel]
          assert.is_true(dark and value <= brightness or value == brightness, value)
        end
      end
      for _, selector in ipairs { "main p", "main a", "nav a", "summary", ".home" } do
        assert.is_true(page:evaluate(CONTRAST:format(selector)) >= 4.5, selector)
      end
    end
  end)

  it("is printed in ink on paper, from a dark desk too", function()
    local page = open("terms.html", { dark = true })
    page:as_printed(true)
    assert.is_true(tonumber(page:evaluate "getComputedStyle(document.querySelector('h1')).color":match "%d+") < 60)
  end)

  it("shows what the examples draw", function()
    local page = open "data.html"
    assert.equal(160, page:evaluate "document.querySelector('main img').naturalWidth")
    is_quiet(page)
  end)

  it("is walked through by Tab, past the list of pages too", function()
    local page = open "nn.html"
    page:press "Tab"
    assert.equal("To the text", page:evaluate "document.activeElement.textContent")
    page:press "Tab"
    page:press "Tab"
    assert.equal("search-words", page:evaluate "document.activeElement.id")
    page:press "Tab"
    assert.equal("index.html", page:evaluate "document.activeElement.getAttribute('href')")
    for _ = 1, 3 do page:press "Shift+Tab" end
    page:press "Enter"
    assert.equal("#text", page:wait "location.hash")
    page:press "Tab"
    assert.is_true(page:evaluate "document.querySelector('main').contains(document.activeElement)")
  end)

  it("has roles and names for a screen reader", function()
    local page = open "index.html"
    page:press "/"
    page:type "dropout"
    local seen = {}
    for _, node in ipairs(page:call("Accessibility.getFullAXTree").nodes) do
      local role, name = node.role and node.role.value, node.name and node.name.value
      if role and name and not node.ignored then seen[role .. ": " .. name:sub(1, 30)] = true end
    end
    for _, what in ipairs { "combobox: Search names and words", "listbox: What was found", "navigation: All pages",
      "search: ", "main: ", "link: To the text" } do
      assert.is_true(seen[what], what)
    end
    assert.matches("^%d+ found$", page:evaluate "document.getElementById('search-said').textContent")
  end)

  it("runs no code but its own", function()
    local page = open "index.html"
    page:evaluate [[(() => {
      const script = document.createElement("script")
      script.textContent = "document.title = 'taken'"
      document.body.append(script)
      document.body.insertAdjacentHTML("beforeend", "<img src=x onerror=\"document.title = 'taken'\">")
      return fetch("https://example.org/").catch(() => {})
    })()]]
    assert.equal("fnet", page:evaluate "document.title")
    local said = table.concat(page:console(), "\n")
    for _, directive in ipairs { "script-src", "connect-src" } do assert.matches(directive, said, 1, true) end
    for _, address in ipairs(page:requests()) do assert.is_nil(address:find "^http") end
  end)
end)

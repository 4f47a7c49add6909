--- The pages of `make docs`: each link leads to a page and a place on it, each public name has its section, what
-- they hold is well-formed, and they need nothing from outside. site_spec.lua looks at them in a browser.

local fnet = require "fnet"
local core = require "fnet.core"
local help = require "fnet.command.help"
local command = require "tests.support.command"
local terms = require "fnet.command.terms"
local topics = require "fnet.command.topics"

local EMPTY = { ["!DOCTYPE"] = true, link = true, meta = true, input = true, img = true }
local SCRIPTS = { ["index.js"] = true, ["search.js"] = true }

describe("the pages of the documentation", function()
  if not os.execute "command -v cmark-gfm >/dev/null" then
    return pending "left out: cmark-gfm is not here; `make docs` installs it or names the package"
  end
  local directory
  local pages, ids, count = {}, {}, 0

  setup(function()
    directory = command.make_directory()
    local line = command.line(command.fnet, { "src/tools/docs/docs.lua", directory .. "/docs" })
    local result = command.shell(directory, ("cd %s && %s"):format(command.quote(command.directory), line))
    assert.same({ "", "", 0 }, { result.output, result.errors, result.status })
    local list = assert(io.popen("ls " .. command.quote(directory .. "/docs")))
    for name in list:lines() do
      if name:find "%.html$" then
        count = count + 1
        pages[name], ids[name] = command.read_file(directory .. "/docs/" .. name), {}
        for id in pages[name]:gmatch ' id="([^"]*)"' do
          assert.is_nil(ids[name][id], name .. " has twice " .. id)
          ids[name][id] = true
        end
      end
    end
    list:close()
  end)
  teardown(function() command.remove_directory(directory) end)

  it("lead nowhere but to each other", function()
    assert.is_true(count > 15)
    local links = 0
    for name, text in pairs(pages) do
      for address in text:gmatch '<a href="([^"]*)"' do
        links = links + 1
        local page, anchor = address:match "^([^#]*)#?(.*)$"
        if page == "" then page = name end
        local is_written = page:find "^written/" and io.open(directory .. "/docs/" .. page)
        if is_written then is_written:close() end
        assert.is_truthy(pages[page] or is_written, name .. " leads to " .. address)
        assert.is_true(anchor == "" or ids[page][anchor] == true, name .. " leads to " .. address)
      end
      for attributes, code in text:gmatch "<script([^>]*)>(.-)</script>" do
        assert.is_true(SCRIPTS[attributes:match '^ src="([^"]*)" defer$'] and code == "", name)
      end
      assert.is_nil(text:find " on%l+=", name)
      assert.matches('="Content-Security-Policy" content="default-src \'none\'; script-src ', text, 1, true)
      for key, value in text:gmatch ' (%l+)="([^"]*)"' do
        assert.is_nil((key == "href" or key == "src") and value:find ":" or nil, name .. ": " .. value)
      end
    end
    assert.is_true(links > 1000, "only " .. links)
    assert.is_nil(command.read_file(directory .. "/docs/style.css"):find "url%(")
  end)

  it("can be reached from the first one", function()
    local reached = {}
    local function follow(page)
      if reached[page] then return end
      reached[page] = true
      for address in pages[page]:gmatch '<a href="([^"#]+)' do
        if not address:find "^written/" then follow(address) end
      end
    end
    follow "index.html"
    for name in pairs(pages) do assert.is_true(reached[name], name) end
  end)

  it("close what they open and escape what they show", function()
    for name, text in pairs(pages) do
      local open = {}
      for close, tag in text:gmatch "<(/?)([%w!]+)[^>]*>" do
        if close == "/" then
          assert.equal(tag, table.remove(open), name)
        elseif not EMPTY[tag] then
          open[#open + 1] = tag
        end
      end
      assert.same({}, open, name)
      assert.is_nil(text:gsub("<[%w/!][^<>]*>", ""):find "[<>]", name)
      assert.is_nil(text:gsub("&%l+;", ""):find "&", name)
    end
  end)

  it("have a section for every public name", function()
    local sections, missing = {}, {}
    for _, list in pairs(ids) do
      for id in pairs(list) do sections[id] = true end
    end
    local function look(owner, fields)
      for name, value in pairs(fields) do
        local id = owner == "fnet" and name or owner .. "." .. name
        local is_public = type(name) == "string" and not name:find "^_" and not (name == "init" and owner ~= "nn")
        if is_public and not sections[id] and (type(value) ~= "boolean" or owner == "fnet") then
          missing[#missing + 1] = id
        end
      end
    end
    look("fnet", fnet)
    for _, name in ipairs { "nn", "optim", "metrics", "data", "report" } do look(name, fnet[name]) end
    look("nn.init", fnet.nn.init)
    look("optim.schedule", fnet.optim.schedule)
    look("tensor", core.methods)
    look("nn.Module", require("fnet.nn.module").Module)
    look("data.Dataset", getmetatable(fnet.data.Dataset { x = fnet.zeros { 1, 1 }, y = fnet.zeros { 1 } }))
    table.sort(missing)
    assert.same({}, missing)
  end)

  it("say what help says", function()
    local function words_of(text) return (text:gsub("%s+", " ")) end
    for name, page in pairs {
      ["nn.Dense"] = "nn", ["tensor.sum"] = "tensor", fit = "train", ["optim.Adam"] = "optim",
    } do
      local said = fnet.help(name):match "^[^\n]*\n\n  (.-)\n\n"
      local section = (pages[page .. ".html"] .. "<h2 "):match('<h2 id="' .. name:gsub("%.", "%%.") .. '">(.-)<h2 ')
      local shown = section:gsub("<[^>]*>", ""):gsub("&quot;", '"'):gsub("&lt;", "<"):gsub("&gt;", ">")
        :gsub("&amp;", "&")
      assert.is_truthy(words_of(shown):find(words_of(said):gsub("`", ""), 1, true), name)
    end
    assert.is_true(#help.names() > 250)
  end)

  it("explain every term, with links to its names", function()
    local page = pages["terms.html"]
    for _, term in ipairs(terms.list) do
      assert.is_truthy(page:find("<p>" .. term.text .. "</p>", 1, true), term.name)
      for _, name in ipairs(term.names) do
        local has_section = topics.index().topics[name].kind ~= "value"
        assert.equal(has_section, page:find("#" .. name .. '">', 1, true) ~= nil, name)
      end
    end
  end)

  it("show examples with what they print and draw, of today", function()
    local section = pages["report.html"]:match '<h2 id="report%.bar">(.-)<h2 '
    assert.is_truthy(section:find(fnet.report.bar(0.6, 20), 1, true))
    assert.is_truthy(section:find('<pre><code class="language-lua">local fnet = require', 1, true))
    section = (pages["data.html"] .. "<h2 "):match '<h2 id="data%.write_png">(.-)<h2 '
    local path = section:match '<img src="([^"]*)" alt="[^"]+" />'
    local picture = assert(fnet.data.read_image(directory .. "/docs/" .. path))
    assert.same({ 160, 160, 3 }, picture.shape)
  end)

  it("are the same when they are made again", function()
    local line = command.line(command.fnet, { "src/tools/docs/docs.lua", directory .. "/again" })
    local result = command.shell(directory, ("cd %s && %s && cd %s && diff -r docs again"):format(
      command.quote(command.directory), line, command.quote(directory)))
    assert.same({ "", "", 0 }, { result.output, result.errors, result.status })
  end)

  -- Writes the pages of a copy of the project without examples whose guide is another text, perhaps with other
  -- files.
  local function write_with(text, files)
    local copied = command.shell(directory, ([[here=$PWD; cd %s && cp -r src examples lua tests *.md "$here" &&
      mkdir -p "$here/data" && cp data/README.md "$here/data" && rm -f "$here"/src/tools/docs/examples/*]]):format(
      command.quote(command.directory)))
    assert.equal("", copied.errors)
    command.write_file(directory .. "/examples/guide.md", text)
    for path, content in pairs(files or {}) do command.write_file(path, content) end
    return command.shell(directory, command.line(command.fnet, { "src/tools/docs/docs.lua", "pages" }))
  end

  it("are not written with a link that leads nowhere, or with HTML, which is not shown", function()
    for text, message in pairs {
      ["[x](nowhere.md)"] = "examples/guide%.md: the link nowhere%.md leads nowhere",
      ["a <b>c</b>"] = "examples/guide%.md: HTML in the text",
    } do
      local result = write_with(text)
      assert.equal(1, result.status)
      assert.matches(message, result.errors)
    end
  end)

  it("are not written with an example that fails or is none of a name", function()
    for file, case in pairs {
      ["nn.Dense.lua"] = { "error 'no'", "nn%.Dense%.lua: .*: no\n" },
      ["nn.ReLU.lua"] = { "io.stderr:write 'complains'", "nn%.ReLU%.lua: complains\n" },
      ["nn.Dens.lua"] = { "", "examples/nn%.Dens%.lua: is no example of a public name %(did you mean 'nn%.Dense'" },
    } do
      local path = directory .. "/src/tools/docs/examples/" .. file
      local result = write_with("# a", { [path] = case[1] })
      os.remove(path)
      assert.equal(1, result.status)
      assert.matches(case[2], result.errors)
    end
  end)

  -- Cases are texts and what the page shows for them, in that order.
  local function shows(cases)
    local texts = {}
    for i, case in ipairs(cases) do texts[i] = case[1] end
    local result = write_with(table.concat(texts, "\n\n"))
    assert.same({ "", 0 }, { result.errors, result.status })
    local page, from = command.read_file(directory .. "/pages/guide.html"), 1
    for _, case in ipairs(cases) do
      local at, last = page:find(case[2], from, true)
      assert.is_truthy(at, case[1])
      from = last
    end
  end

  it("show Markdown, block by block", function()
    shows {
      { "# A `b`", '<h1 id="a-b">A <code>b</code></h1>' },
      { "a\nb\n\nc", "<p>a\nb</p>\n<p>c</p>" },
      { "- a\n  b\n- c\n\nd", "<ul>\n<li>a\nb</li>\n<li>c</li>\n</ul>\n<p>d</p>" },
      { "1. a\n2. b", "<ol>\n<li>a</li>\n<li>b</li>\n</ol>" },
      { "end\n\n3. a", '<ol start="3">\n<li>a</li>\n</ol>' },
      { "```lua\na < b\n\n# nn.Dense\n```\nd", "a &lt; b\n\n# nn.Dense\n</code></pre>\n<p>d</p>" },
      { "| a | |\n|---|---|\n| `x` | **y** |", "<table>\n<thead>\n<tr>\n<th>a</th>\n<th></th>\n</tr>\n</thead>\n"
        .. "<tbody>\n<tr>\n<td><code>x</code></td>\n<td><strong>y</strong></td>\n</tr>\n</tbody>\n</table>" },
      { "<!-- a\nb -->\nc", "<p>c</p>" },
    }
  end)

  it("show Markdown, inside a line", function()
    shows {
      { "a & b < c", "<p>a &amp; b &lt; c</p>" },
      { "`a*b*`", "<p><code>a*b*</code></p>" },
      { "*a* 2 * 3 * 4", "<p><em>a</em> 2 * 3 * 4</p>" },
      { "[a `b`](README.md)", '<p><a href="recipes.html">a <code>b</code></a></p>' },
      { "[`nn.Dense`](../README.md#x)", '<p><a href="index.html#x"><code>nn.Dense</code></a></p>' },
      { "`nn.Dense(2)`", '<p><a href="nn.html#nn.Dense"><code>nn.Dense(2)</code></a></p>' },
      { "`f(nn.Dense)`", '<p><code>f(<a href="nn.html#nn.Dense">nn.Dense</a>)</code></p>' },
      { "<https://x.org/?a=b>", "<p>https://x.org/?a=b</p>" },
      { "t[i] [x]", "<p>t[i] [x]</p>" },
    }
  end)
end)

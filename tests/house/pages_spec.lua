--- The pages of `make docs`: each link leads to a page and a place on it, each public name has its section, what
-- they hold is well-formed, and they need nothing from outside.

local fnet = require "fnet"
local core = require "fnet.core"
local help = require "fnet.command.help"
local command = require "tests.support.command"
local markdown = dofile "src/tools/docs/markdown.lua"

local EMPTY = { ["!DOCTYPE"] = true, link = true, meta = true }

describe("the pages of the documentation", function()
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
        assert.is_truthy(pages[page], name .. " leads to " .. address)
        assert.is_true(anchor == "" or ids[page][anchor] == true, name .. " leads to " .. address)
      end
      assert.is_nil(text:find "<script", name)
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
      for address in pages[page]:gmatch '<a href="([^"#]+)' do follow(address) end
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
      local section = pages[page .. ".html"]:match('<section id="' .. name:gsub("%.", "%%.") .. '">(.-)</section>')
      local shown = section:gsub("<[^>]*>", ""):gsub("&lt;", "<"):gsub("&gt;", ">"):gsub("&amp;", "&")
      assert.is_truthy(words_of(shown):find(words_of(said):gsub("`", ""), 1, true), name)
    end
    assert.is_true(#help.names() > 250)
  end)

  it("are not written with a link that leads nowhere", function()
    local from = command.quote(command.directory)
    local result = command.shell(directory, ("cp -r %s/src %s/examples %s/*.md .; echo '[x](nowhere.md)' "
      .. ">>examples/guide.md; %s"):format(from, from, from,
      command.line(command.fnet, { "src/tools/docs/docs.lua", "pages" })))
    assert.equal(1, result.status)
    assert.matches("examples/guide%.md: the link nowhere%.md leads nowhere", result.errors)
  end)
end)

describe("Markdown", function()
  local function html(text)
    return (markdown.html(text, function(target, kind) return kind == "link" and "to-" .. target or nil end))
  end

  it("becomes HTML, block by block", function()
    for text, expected in pairs {
      ["# A `b`"] = '<h1 id="a-b">A <code>b</code></h1>',
      ["a\nb\n\nc"] = "<p>a\nb</p>\n<p>c</p>",
      ["- a\n  b\n- c\n\nd"] = "<ul><li>a\nb</li>\n<li>c</li></ul>\n<p>d</p>",
      ["1. a\n2. b"] = '<ol start="1"><li>a</li>\n<li>b</li></ol>', ["3. a"] = '<ol start="3"><li>a</li></ol>',
      ["```lua\na < b\n\n# c\n```\nd"] = "<pre><code>a &lt; b\n\n# c</code></pre>\n<p>d</p>",
      ["| a | |\n|---|---|\n| `x` | **y** |"] = '<div class="table"><table><thead><tr><th>a</th><th></th>'
        .. "</tr></thead><tbody><tr><td><code>x</code></td><td><strong>y</strong></td></tr></tbody></table></div>",
      ["<!-- a\nb -->\nc"] = "<p>c</p>",
    } do
      assert.equal(expected, html(text):gsub("^\n+", ""))
    end
  end)

  it("becomes HTML, inside a line", function()
    for text, expected in pairs {
      ["a & b < c"] = "a &amp; b &lt; c", ["`a*b*`"] = "<code>a*b*</code>",
      ["*a* 2 * 3 * 4"] = "<em>a</em> 2 * 3 * 4", ["[a `b`](c)"] = '<a href="to-c">a <code>b</code></a>',
      ["<https://x.org/?a=b>"] = "https://x.org/?a=b", ["t[i] [x]"] = "t[i] [x]",
    } do
      assert.equal("<p>" .. expected .. "</p>", html(text))
    end
  end)
end)

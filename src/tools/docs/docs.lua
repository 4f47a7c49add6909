--- Writes the documentation as HTML pages: the chapters, which are the README files beside what they describe, and
-- the reference, from the annotations in the sources, with examples that run. `make docs` runs it, in the directory
-- of the project: fnet src/tools/docs/docs.lua DIRECTORY. All of it is Markdown, of which cmark-gfm makes HTML;
-- what is done here is to link it. layout.lua puts it into a page.
-- Invariant: a page leads to pages and nowhere else, and reads without a script; only the search box needs one.
-- Raises for a link that leads nowhere, and for HTML in a text, which would not be shown.

local here = arg[0]:match "^(.*)docs%.lua$"
package.path = here .. "?.lua;" .. package.path
local examples = require "examples"
local layout = require "layout"
local reference = require "reference"
local site_index = require "site_index"

local target = assert(arg[1], "docs: which directory?")

-- In the order of reading: file of the page, source, what the navigation calls it.
local chapters = {
  { "index", "README.md", "fnet" },
  { "guide", "examples/guide.md", "Guide" },
  { "terms", "terms", "Words of the lesson" },
  { "recipes", "examples/README.md", "Recipes" },
  { "embed", "examples/embed/README.md", "In a C program" },
  { "reference", "reference", "Reference" },
  { "formats", "lua/fnet/files/README.md", "File formats" },
  { "numerics", "src/kernels/README.md", "Numerics" },
  { "speed", "tests/bench/README.md", "Speed" },
  { "fashion-mnist", "data/README.md", "Fashion-MNIST" },
  { "inside-lua", "lua/fnet/README.md", "The Lua half" },
  { "inside-c", "src/README.md", "The C half" },
  { "tests", "tests/README.md", "Tests" },
  { "changes", "CHANGELOG.md", "Changes" },
}

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
end

-- ---- links ----

-- The page of each source, and of its own address.
local page_of = {}

-- The address for a link in a source; nil for what is no page, which stays text.
local function address_for(source, address)
  if address:find "^#" then return address end
  if address:find "^%a+:" then return nil end
  local path, anchor = address:match "^([^#]*)(.*)$"
  path = (source:match "^.*/" or "") .. path
  local ups
  repeat path, ups = path:gsub("[^/]+/%.%./", "", 1) until ups == 0
  if page_of[path] then return page_of[path] .. anchor end
  assert(io.open(path), ("%s: the link %s leads nowhere"):format(source, address)):close()
  return nil
end

local function link(address, html) return address and ('<a href="%s">%s</a>'):format(address, html) or html end

-- Code that is a public name leads to the reference; of other code the names in it do, with their namespaces. (A
-- block of code ends with a line's end and is none of these.)
local function link_names(html)
  return (html:gsub("<code>([^<\n]+)</code>", function(code)
    local address = reference.address(code)
    return link(address, "<code>" .. (address and code or code:gsub("[%a_][%w_./]*", function(word)
      return (word:find "%." or word == "tensor") and link(reference.address(word), word) or nil
    end)) .. "</code>")
  end))
end

-- What a heading is called in addresses: a name of the reference as it is, a text without what is no letter.
local function id_of(heading)
  local text = heading:gsub("<.->", ""):gsub("&%l+;", "")
  local address = heading:find "^<code>[^<]*</code>$" and reference.address(text)
  return address and address:match "#(.*)$" or text:lower():gsub("[^%w%s_-]", ""):gsub("%s", "-")
end

-- ---- pages ----

-- Markdown as linked HTML. An empty link closes what is between links.
local function html_of(source, text)
  local path = os.tmpname()
  write(path, (text:gsub("<!%-%-.-%-%->", "")))
  local pipe = io.popen("cmark-gfm -e table --to html " .. path)
  local html = pipe:read "a"
  os.remove(path)
  assert(pipe:close(), "docs: cmark-gfm fails or is not here; `sh src/tools/setup.sh docs` installs it")
  assert(not html:find("<!-- raw HTML omitted -->", 1, true), source .. ": HTML in the text")
  html = html:gsub("<h(%d)>(.-)</h%1>", function(level, heading)
    return ('<h%s id="%s">%s</h%s>'):format(level, id_of(heading), heading, level)
  end)
  return ((html .. '<a href=""></a>'):gsub('(.-)<a href="([^"]*)">(.-)</a>', function(before, address, inner)
    return link_names(before) .. (inner ~= "" and link(address_for(source, address), inner) or "")
  end))
end

local pages, navigation = {}, {}

local function add(file, source, title, text, indent)
  pages[#pages + 1] = { file = file .. ".html", source = source, title = title, text = text }
  page_of[source], page_of[file .. ".html"] = file .. ".html", file .. ".html"
  navigation[#pages] = ("%s- [%s](%s.html)"):format(indent or "", title, file)
end

-- Examples run elsewhere: paths are absolute for them.
local pwd <close> = assert(io.popen "pwd")
local working = pwd:read()
local function absolute(path) return path:find "^/" and path or working .. "/" .. path end
assert(os.execute("mkdir -p '" .. target:gsub("'", "'\\''") .. "'"))
local program = arg[-1]:find "/" and absolute(arg[-1]) or arg[-1]
local sections, written = examples.run(program, absolute(here .. "examples"), absolute(target))
for _, address in ipairs(written) do page_of[address] = address end

local generated = { reference = reference.overview, terms = reference.terms }
for _, chapter in ipairs(chapters) do
  local file, source, title = table.unpack(chapter)
  add(file, source, title, (generated[source] or read)(source))
  pages[#pages].is_chapter = not generated[source] and file ~= "changes"
  for _, page in ipairs(file == "reference" and reference.pages or {}) do
    add(page.file, page.title, page.title, reference.text(page, sections), "  ")
  end
end
navigation = html_of("", table.concat(navigation, "\n"))

local function plain(html)
  return (html:gsub("<.->", ""):gsub("&(%l+);", { lt = "<", gt = ">", quot = '"', amp = "&" }))
end

-- The parts of the chapters, each from one heading to the next, for the search box.
local parts = {}
local function collect(page, html)
  for level, id, heading, text in (html:gsub("<h[123] ", "\0%0") .. "\0"):gmatch
    '<h([123]) id="([^"]*)">(.-)</h%1>(%Z*)' do
    parts[#parts + 1] = { title = plain(heading), note = page.title, text = plain(text),
      address = page.file .. (level == "1" and "" or "#" .. id) }
  end
end

for _, page in ipairs(pages) do
  local html = html_of(page.source, page.text)
  if page.is_chapter then collect(page, html) end
  write(target .. "/" .. page.file, layout(page.title, html, (navigation:gsub('"([^"]*)"',
    { [page.file] = ('"%s" aria-current="page"'):format(page.file) }))))
end
write(target .. "/index.js", site_index(parts))
for _, file in ipairs { "style.css", "search.js" } do write(target .. "/" .. file, read(here .. file)) end

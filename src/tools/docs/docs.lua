--- Writes the documentation as plain HTML pages: the chapters, which are the README files beside what they
-- describe, and the reference, from the annotations in the sources. `make docs` runs it, in the directory of the
-- project: fnet src/tools/docs/docs.lua DIRECTORY. All of it is Markdown, of which cmark-gfm makes HTML; what is
-- done here is to link it.
-- Invariant: a page leads to pages and nowhere else, and needs no script. Raises for a link that leads nowhere, and
-- for HTML in a text, which would not be shown.

local here = arg[0]:match "^(.*)docs%.lua$"
package.path = here .. "?.lua;" .. package.path
local reference = require "reference"

local target = assert(arg[1], "docs: which directory?")

-- In the order of reading: file of the page, source, what the navigation calls it.
local chapters = {
  { "index", "README.md", "fnet" },
  { "guide", "examples/guide.md", "Guide" },
  { "recipes", "examples/README.md", "Recipes" },
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

for _, chapter in ipairs(chapters) do
  local file, source, title = table.unpack(chapter)
  add(file, source, title, file == "reference" and reference.overview() or read(source))
  for _, page in ipairs(file == "reference" and reference.pages or {}) do
    add(page.file, page.title, page.title, reference.text(page), "  ")
  end
end
navigation = html_of("", table.concat(navigation, "\n"))

assert(os.execute("mkdir -p '" .. target:gsub("'", "'\\''") .. "'"))
write(target .. "/style.css", read(here .. "style.css"))
for _, page in ipairs(pages) do
  write(target .. "/" .. page.file, ([[
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title>
<link rel="stylesheet" href="style.css">
</head>
<body>
<nav>
%s</nav>
<main>
%s</main>
</body>
</html>
]]):format(page.title == "fnet" and "fnet" or page.title .. " - fnet",
    navigation:gsub('"([^"]*)"', { [page.file] = ('"%s" aria-current="page"'):format(page.file) }),
    html_of(page.source, page.text)))
end

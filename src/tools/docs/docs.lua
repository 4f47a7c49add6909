--- Writes the documentation as plain HTML pages: the chapters, which are the README files beside what they
-- describe, and the reference, from the annotations in the sources. `make docs` runs it, in the directory of the
-- project: fnet src/tools/docs/docs.lua DIRECTORY.
-- Invariant: a page leads to pages and nowhere else, and needs no script. Raises for a link that leads nowhere.

package.path = arg[0]:match "^(.*)docs%.lua$" .. "?.lua;" .. package.path
local markdown = require "markdown"
local reference = require "reference"

local target = assert(arg[1], "docs: which directory?")

-- In the order of reading: file of the page, source, what the navigation calls it.
local chapters = {
  { "index", "README.md", "fnet" },
  { "guide", "examples/guide.md", "Guide" },
  { "recipes", "examples/README.md", "Recipes" },
  { "formats", "lua/fnet/files/README.md", "File formats" },
  { "numerics", "src/kernels/README.md", "Numerics" },
  { "speed", "tests/bench/README.md", "Speed" },
  { "fashion-mnist", "data/README.md", "Fashion-MNIST" },
  { "inside-lua", "lua/fnet/README.md", "The Lua half" },
  { "inside-c", "src/README.md", "The C half" },
  { "tests", "tests/README.md", "Tests" },
  { "changes", "CHANGELOG.md", "Changes" },
}
local page_of = {}
for _, chapter in ipairs(chapters) do page_of[chapter[2]] = chapter[1] end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

local function write(name, text)
  local file = assert(io.open(target .. "/" .. name, "wb"))
  assert(file:write(text))
  assert(file:close())
end

-- The path that a link in a file leads to, without "..".
local function resolved(source, path)
  local parts = {}
  for part in ((source:match "^(.*/)" or "") .. path):gmatch "[^/]+" do
    if part == ".." then table.remove(parts) elseif part ~= "." then parts[#parts + 1] = part end
  end
  return table.concat(parts, "/")
end

-- Links between chapters lead from page to page; code that is a public name leads to the reference; what is no page
-- stays text.
local function link_in(source)
  return function(address, kind)
    if kind == "code" then return reference.address(address) end
    if address:find "^#" then return address end
    if address:find "^%a+:" then return nil end
    local path, anchor = address:match "^([^#]*)(.*)$"
    path = resolved(source, path)
    if page_of[path] then return page_of[path] .. ".html" .. anchor end
    assert(io.open(path), ("%s: the link %s leads nowhere"):format(source, address)):close()
    return nil
  end
end

local function navigation(current)
  local out = {}
  local function add(file, title, class)
    out[#out + 1] = ('<li%s><a href="%s.html"%s>%s</a></li>'):format(class or "", file,
      file == current and ' aria-current="page"' or "", markdown.escape(title))
  end
  for i, chapter in ipairs(chapters) do
    add(chapter[1], chapter[3])
    if i == 3 then
      add("reference", "Reference")
      for _, page in ipairs(reference.pages) do add(page.file, page.title, ' class="inner"') end
    end
  end
  return "<nav><ul>" .. table.concat(out, "\n") .. "</ul></nav>"
end

local function write_page(file, title, body)
  write(file .. ".html", ([[
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title>
<link rel="stylesheet" href="style.css">
</head>
<body>
%s
<main>
%s
</main>
</body>
</html>
]]):format(markdown.escape(title == "fnet" and title or title .. " - fnet"), navigation(file), body))
end

assert(os.execute("mkdir -p '" .. target:gsub("'", "'\\''") .. "'"))
write("style.css", read(arg[0]:match "^(.*)docs%.lua$" .. "style.css"))
for _, chapter in ipairs(chapters) do
  write_page(chapter[1], chapter[3], (markdown.html(read(chapter[2]), link_in(chapter[2]))))
end
for _, page in ipairs(reference.pages) do write_page(page.file, page.title, reference.body(page)) end
write_page("reference", "Reference", reference.overview())

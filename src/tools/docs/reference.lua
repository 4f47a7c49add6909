--- The pages of the reference: every public name with its annotation, from the same topics as `fnet --help`, a page
-- for each area of the library.
-- Invariant: each topic but the fields of objects has one section, whose id is its name.

local naming = require "fnet.base.naming"
local topics = require "fnet.command.topics"
local markdown = require "markdown"

local reference = {}

--- The pages in their order: file, title, the namespaces whose names they hold, and the folders of lua/fnet whose
--- names stand in fnet itself.
reference.pages = {
  { file = "tensor", title = "Tensors and gradients", names = { "tensor" }, folders = { "tensor" } },
  { file = "nn", title = "Networks", names = { "nn" }, folders = {} },
  { file = "optim", title = "Optimisers and schedules", names = { "optim" }, folders = {} },
  { file = "data", title = "Data sets", names = { "data" }, folders = {} },
  { file = "train", title = "Training and checks", names = {}, folders = { "train", "inspect" } },
  { file = "metrics", title = "Evaluation and metrics", names = { "metrics" }, folders = { "measure" } },
  { file = "files", title = "Files of models and tensors", names = {}, folders = { "save", "files" } },
  { file = "report", title = "Reports", names = { "report" }, folders = {} },
  { file = "settings", title = "Seeds, threads, scripts", names = {}, folders = { "", "command" } },
}

local page_of = { names = {}, folders = {} }
for _, page in ipairs(reference.pages) do
  page.list = {}
  for kind, map in pairs(page_of) do
    for _, name in ipairs(page[kind]) do map[name] = page end
  end
end

local index = topics.index()

-- The page that has a topic; nil for fields, which stand with their object, and for a class without a dot, which
-- scripts do not meet.
local function home_of(topic)
  local is_field = topic.kind == "value" and topic.name:find "%."
  if topic.name == "fnet" or is_field or topic.name:find "^%u" then return nil end
  local space = topic.name:match "^(%l+)%." or topic.name
  if page_of.names[space] then return page_of.names[space] end
  local folder = topic.entry.file:match "^lua/fnet/(.*)/[^/]*$" or ""
  return page_of.folders[folder] or error("no page of the reference has the names of lua/fnet/" .. folder)
end

local home = {}
for _, name in ipairs(naming.sorted(index.topics)) do
  local page = home_of(index.topics[name])
  if page then
    home[name] = page
    page.list[#page.list + 1] = name
  end
end

--- The address of a name's section, as scripts write it or as help knows it; nil where it is none.
---@param text string
---@return string? href
function reference.address(text)
  local name = text:gsub("^fnet%.", ""):gsub("%(.*$", ""):gsub(":", ".")
  name = home[name] and name or "fnet." .. name
  return home[name] and ("%s.html#%s"):format(home[name].file, name) or nil
end

-- Code in a text leads to the name that it is.
local function link(target, kind) return kind == "code" and reference.address(target) or nil end

-- A type, in which the names of classes lead to them.
local function type_html(text)
  local out = markdown.escape(text):gsub("[%a_][%w_.]*", function(word)
    local class = (index.classes[word] or word == "tensor") and reference.address(word)
    return class and ('<a href="%s">%s</a>'):format(class, word) or nil
  end)
  return "<code>" .. out .. "</code>"
end

local function definitions(rows)
  if #rows == 0 then return "" end
  local out = {}
  for i, entry in ipairs(rows) do
    out[i] = ("<dt>%s</dt><dd>%s</dd>"):format(entry[1], entry[2])
  end
  return "<dl>" .. table.concat(out, "\n") .. "</dl>"
end

-- Options, "lr: 1e-3; beta1: 0.9", become a list, an option a line.
local function options_html(text)
  local items = {}
  for item in (text:gsub("; (%l[%w_, ]*:)", "\0%1") .. "\0"):gmatch "(.-)\0" do
    items[#items + 1] = "<li>" .. markdown.inline(item, link) .. "</li>"
  end
  return #items > 1 and "<ul>" .. table.concat(items, "\n") .. "</ul>" or nil
end

local function described(kind, optional, text)
  return type_html(kind) .. (optional and ", optional" or "") .. (kind == "table" and options_html(text)
    or text ~= "" and ": " .. markdown.inline(text, link) or "")
end

local function listing(names)
  local rows = {}
  for _, name in ipairs(names) do
    local topic = index.topics[name]
    local href = reference.address(name)
    if href then
      rows[#rows + 1] = ('<tr><td><a href="%s"><code>%s</code></a></td><td>%s</td></tr>'):format(href,
        markdown.escape(topics.written(index, topic)), markdown.inline(topics.sentence(topic), link))
    end
  end
  return '<div class="table"><table class="names"><tbody>' .. table.concat(rows, "\n")
    .. "</tbody></table></div>"
end

local function section(topic)
  local out = { ('<section id="%s"><h2><code>%s</code></h2>'):format(topic.name,
    markdown.escape(topics.written(index, topic))) }
  local function add(html) out[#out + 1] = html end
  local text = topics.text(topic)
  if text ~= "" then add("<p>" .. markdown.inline(text, link) .. "</p>") end
  if topic.members then add(listing(topic.members)) end
  local source, rows = topic.init or topic.entry or { parameters = {}, returns = {} }, {}
  for _, parameter in ipairs(source.parameters) do
    rows[#rows + 1] = { "<code>" .. markdown.escape(parameter.name) .. "</code>",
      described(parameter.type, parameter.optional, parameter.text) }
  end
  for _, result in ipairs(topic.init and {} or source.returns) do
    local kind, rest = result:match "^(%S+)(.*)$"
    rows[#rows + 1] = { "returns", type_html(kind) .. markdown.inline(rest, link) }
  end
  add(definitions(rows))
  local class = topics.class_of(index, topic)
  if class == topic then
    rows = {}
    for i, field in ipairs(class.class.fields) do
      rows[i] = { "<code>" .. markdown.escape(field.name) .. "</code>", described(field.type, false, field.text) }
    end
    if #rows > 0 then add("<h3>Fields</h3>" .. definitions(rows)) end
    if #class.methods > 0 then add("<h3>Methods</h3>" .. listing(class.methods)) end
    class = index.classes[class.class.parent]
  end
  if class then
    add(('<p>%s has what <a href="%s"><code>%s</code></a> has.</p>'):format(
      topic.class and "It" or "The result", reference.address(class.name), class.name))
  end
  if topic.entry then add('<p class="source">' .. markdown.escape(topic.entry.file) .. "</p>") end
  add "</section>"
  return table.concat(out, "\n")
end

-- Names on a page in its order: namespaces, then functions and classes, methods after theirs.
local function ordered(page)
  local list, rest = {}, {}
  for _, name in ipairs(page.list) do
    local is_space = index.topics[name].kind == "namespace"
    table.insert(is_space and list or rest, name)
  end
  return table.move(rest, 1, #rest, #list + 1, list)
end

--- The body of a page.
---@param page table one of reference.pages
---@return string html
function reference.body(page)
  local names, top = ordered(page), {}
  local out = { ("<h1>%s</h1>"):format(markdown.escape(page.title)) }
  for _, name in ipairs(names) do
    local owner = name:match "^(.*)%.[^.]+$"
    if not owner or owner == "fnet" then top[#top + 1] = name end
  end
  if #page.folders > 0 then out[#out + 1] = listing(top) end
  for _, name in ipairs(names) do out[#out + 1] = section(index.topics[name]) end
  return table.concat(out, "\n")
end

--- The body of the page that lists all names, ours and those of other libraries.
---@return string html
function reference.overview()
  local out = { "<h1>Reference</h1>", "<p>What stands here is what <code>fnet --help NAME</code> prints; "
    .. "<code>fnet --help --search WORDS</code> finds names by words.</p>" }
  for _, page in ipairs(reference.pages) do
    local links = {}
    for _, name in ipairs(ordered(page)) do
      if not topics.is_usual(index, name) then
        local is_own = index.topics[name].kind ~= "namespace" and not name:find "%."
        links[#links + 1] = ('<a href="%s.html#%s"><code>%s</code></a>'):format(page.file, name,
          is_own and "fnet." .. name or name)
      end
    end
    out[#out + 1] = ('<h2><a href="%s.html">%s</a></h2>\n<p class="all">%s</p>'):format(page.file,
      markdown.escape(page.title), table.concat(links, "\n"))
  end
  out[#out + 1] = "<h2>Names of PyTorch, Keras and NumPy</h2>"
  local rows = {}
  for _, key in ipairs(naming.sorted(index.elsewhere)) do
    for _, entry in ipairs(index.elsewhere[key]) do
      local href = reference.address(entry.ours)
      local ours = markdown.escape(entry.ours)
      rows[#rows + 1] = ("<tr><td><code>%s</code></td><td>%s</td></tr>"):format(markdown.escape(entry.theirs),
        href and ('<a href="%s"><code>%s</code></a>'):format(href, ours) or ours)
    end
  end
  out[#out + 1] = '<div class="table"><table><tbody>' .. table.concat(rows, "\n") .. "</tbody></table></div>"
  return table.concat(out, "\n")
end

return reference

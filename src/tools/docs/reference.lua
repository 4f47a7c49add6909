--- The pages of the reference as Markdown: every public name with its annotation, from the same topics as
-- `fnet --help`, a page for each area of the library; and the page of terms. Links come from docs.lua, which knows
-- what is a name's code.
-- Invariant: each topic but the fields of objects has one section, whose heading is its name.

local naming = require "fnet.base.naming"
local signature = require "fnet.command.signature"
local terms = require "fnet.command.terms"
local topics = require "fnet.command.topics"

local reference = {}

--- The pages in their order: file, title, and what they hold: namespaces, and the folders of lua/fnet whose names
--- stand in fnet itself.
reference.pages = {
  { file = "tensor", title = "Tensors and gradients", holds = { "tensor" } },
  { file = "nn", title = "Networks", holds = { "nn" } },
  { file = "optim", title = "Optimisers and schedules", holds = { "optim" } },
  { file = "data", title = "Data sets", holds = { "data" } },
  { file = "train", title = "Training and checks", holds = { "train", "inspect" } },
  { file = "metrics", title = "Evaluation and metrics", holds = { "metrics", "measure" } },
  { file = "files", title = "Files of models and tensors", holds = { "save", "files", "onnx" } },
  { file = "report", title = "Reports", holds = { "report" } },
  { file = "testing", title = "Assertions for specs", holds = { "testing" } },
  { file = "settings", title = "Seeds, threads, scripts", holds = { "", "base", "command" } },
}

local page_of = {}
for _, page in ipairs(reference.pages) do
  page.list = {}
  for _, name in ipairs(page.holds) do page_of[name] = page end
end

local index = topics.index()

-- The page that has a topic; nil for fields, which stand with their object, and for a class without a dot, which
-- scripts do not meet.
local function home_of(topic)
  local is_field = topic.kind == "value" and topic.name:find "%."
  if topic.name == "fnet" or is_field or topic.name:find "^%u" then return nil end
  local space = topic.name:match "^(%l+)%." or topic.name
  if page_of[space] then return page_of[space] end
  local folder = topic.entry.file:match "^lua/fnet/(.*)/[^/]*$" or ""
  return page_of[folder] or error("no page of the reference has the names of lua/fnet/" .. folder)
end

-- A page has its namespaces first, then functions and classes, methods after theirs.
local home = {}
for _, is_space in ipairs { true, false } do
  for _, name in ipairs(naming.sorted(index.topics)) do
    local topic = index.topics[name]
    local page = (topic.kind == "namespace") == is_space and home_of(topic)
    if page then
      home[name] = page
      page.list[#page.list + 1] = name
    end
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

-- Names with their first sentences, a list.
local function listing(names)
  local lines = {}
  for _, name in ipairs(names) do
    local topic = index.topics[name]
    if home[name] then
      lines[#lines + 1] = ("- `%s` %s"):format(topics.written(topic), topics.sentence(topic))
    end
  end
  return table.concat(lines, "\n")
end

-- Rows as signature and topics give them, a list; options are one inside it.
local function definitions(rows, indent)
  local lines = {}
  for i, row in ipairs(rows) do
    local name, kind, rest = table.unpack(row)
    lines[i] = ("%s- **%s**: `%s`%s"):format(indent or "", name, kind, rest)
    if row.options then lines[i] = lines[i] .. "\n" .. definitions(row.options, "  ") end
  end
  return table.concat(lines, "\n")
end

--- The place of a term on the page of terms.
---@param term annotations.Term
---@return string href
function reference.term_address(term) return "terms.html#" .. term.name:lower():gsub(" ", "-") end

-- Links to the terms that a name is about.
local function words_for(name)
  local links = {}
  for i, term in ipairs(terms.about(name)) do
    links[i] = ("[%s](%s)"):format(term.name, reference.term_address(term))
  end
  return table.concat(links, ", ")
end

local function section(topic, example)
  local parts = { ("## `%s`"):format(topics.written(topic)), topic.entry.text }
  local function add(text, title)
    if text ~= "" then parts[#parts + 1] = (title or "") .. text end
  end
  add(words_for(topic.name), "In words: ")
  add(listing(topic.members or {}))
  add(definitions(signature(topic)))
  local class = topics.class_of(topic)
  if class == topic then
    add(definitions(topics.fields(class)), "Fields:\n\n")
    add(listing(class.methods), "Methods:\n\n")
    class = index.classes[class.class.parent]
  end
  if class then add(("%s has what `%s` has."):format(topic.class and "It" or "The result", class.name)) end
  add(example or "")
  if topic.entry.file then add(("It stands in `%s`."):format(topic.entry.file)) end
  return table.concat(parts, "\n\n")
end

--- A page.
---@param page table one of reference.pages
---@param examples table<string, string> Markdown by the name of the topic
---@return string markdown
function reference.text(page, examples)
  local out, top = { "# " .. page.title }, {}
  for _, name in ipairs(page.list) do
    if not name:gsub("^fnet%.", ""):find "%." then top[#top + 1] = name end
  end
  if #top > 1 then out[2] = listing(top) end
  for _, name in ipairs(page.list) do out[#out + 1] = section(index.topics[name], examples[name]) end
  return table.concat(out, "\n\n")
end

--- The page of terms.
---@return string markdown
function reference.terms()
  local out = { "# Words of the lesson", "What the words mean, in two sentences each, as `fnet --help relu` shows "
    .. "them. Below each word are the names in fnet that have to do with it." }
  for _, term in ipairs(terms.list) do
    out[#out + 1] = ("## %s\n\n%s\n\n%s"):format(term.name, term.text, listing(term.names))
  end
  return table.concat(out, "\n\n")
end

--- The page that lists all names, ours and those of other libraries.
---@return string markdown
function reference.overview()
  local out = { "# Reference", "What stands here is what `fnet --help NAME` prints; "
    .. "`fnet --help --search WORDS` finds names by words." }
  for _, page in ipairs(reference.pages) do
    local names = {}
    for _, name in ipairs(page.list) do
      if not topics.is_usual(name) then
        names[#names + 1] = "`" .. topics.written(index.topics[name]):gsub("%(.*", "") .. "`"
      end
    end
    out[#out + 1] = ("## [%s](%s.html)\n\n%s"):format(page.title, page.file, table.concat(names, ", "))
  end
  local lines = {}
  for _, key in ipairs(naming.sorted(index.elsewhere)) do
    for _, entry in ipairs(index.elsewhere[key]) do
      lines[#lines + 1] = ("- %s: %s"):format(entry.theirs,
        reference.address(entry.ours) and "`" .. entry.ours .. "`" or entry.ours)
    end
  end
  out[#out + 1] = "## Names of PyTorch, Keras and NumPy\n\n" .. table.concat(lines, "\n")
  return table.concat(out, "\n\n")
end

return reference

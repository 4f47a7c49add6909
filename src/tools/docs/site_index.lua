--- What the search box of the pages knows, as JavaScript: all that `fnet --help --search` knows, where each name
-- stands, the terms, and the chapters. search.js reads it.

local json = require "fnet.files.json"
local naming = require "fnet.base.naming"
local reference = require "reference"
local search = require "fnet.command.search"
local terms = require "fnet.command.terms"
local topics = require "fnet.command.topics"

-- Comments and pages are Markdown, the box shows plain text.
local function plain(text) return (text:gsub("`", "")) end

-- The words of a part of a chapter, each once.
local function words_of(text)
  local list, seen = {}, {}
  for word in search.words(text):gmatch "%S+" do
    if not seen[word] then seen[word], list[#list + 1] = true, word end
  end
  return " " .. table.concat(list, " ") .. " "
end

--- The file index.js.
---@param parts { title: string, note: string, text: string, address: string }[] of chapters: the heading, the
--- chapter, what is said there, the place
---@return string
return function(parts)
  local knowledge, index = search.knowledge(), topics.index()
  knowledge.pages, knowledge.terms, knowledge.parts = {}, json.array {}, json.array {}
  local function add(name)
    local topic = index.topics[name]
    if not topic then return end
    knowledge.pages[name] = { title = topics.written(topic), text = plain(topics.sentence(topic)),
      address = reference.address(name) or reference.address(name:match "^(.*)%." or "") or "reference.html" }
  end
  for name in pairs(knowledge.topics) do add(name) end
  for _, entries in pairs(knowledge.elsewhere) do
    for _, entry in ipairs(entries) do add(entry.ours) end -- a field too
  end
  for i, term in ipairs(terms.list) do
    local forms = { naming.bare(term.name) }
    for _, form in ipairs(term.forms) do forms[#forms + 1] = naming.bare(form) end
    knowledge.terms[i] = { title = term.name, note = "word", text = term.text, forms = forms,
      address = reference.term_address(term) }
  end
  for i, part in ipairs(parts) do
    knowledge.parts[i] = { title = part.title, note = part.note, address = part.address,
      words = words_of(part.text) }
  end
  return "const knowledge = " .. json.encode(knowledge) .. "\n"
end

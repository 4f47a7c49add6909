--- Help: the annotations of a public name as text, and the terms of the lesson in front of it, offline.
-- `fnet.help "nn.Dense"`, `fnet --help nn.Dense`, `fnet --help "learning rate"`.

local expect = require "fnet.base.expect"
local further = require "fnet.tensor.elsewhere"
local naming = require "fnet.base.naming"
local signature = require "fnet.command.signature"
local terms = require "fnet.command.terms"
local topics = require "fnet.command.topics"
local core = require "fnet.core"

local help = {}

local MOST = 96 -- columns: longer lines are hard to read

-- ---- text ----

-- The columns of the terminal that the text is for; those of most, where it goes elsewhere.
local function width_of_lines() return math.min(core.terminal(1) or 80, MOST) end

local function wrap(text, indent)
  local most = width_of_lines()
  local out, column = {}, most
  for word in text:gmatch "%S+" do
    local fits = column + 1 + #word <= most
    out[#out + 1] = (fits and " " or "\n" .. indent) .. word
    column = (fits and column + 1 or #indent) + #word
  end
  return table.concat(out):sub(2)
end

-- Rows of two columns, the second one, which is all but the first text, wrapped. A long first one has a line alone.
local function columns(rows)
  local width, lines, most = 0, {}, math.min(34, width_of_lines() // 2 - 4)
  for _, row in ipairs(rows) do width = math.max(width, math.min(most, #row[1])) end
  for i, row in ipairs(rows) do
    local head, text = "  " .. row[1], wrap(table.concat(row, "", 2), (" "):rep(width + 4))
    lines[i] = (#row[1] > width and head .. "\n" .. text or head .. text:sub(#head + 1)):gsub("%s+$", "")
  end
  return table.concat(lines, "\n")
end

--- Names with their first sentences.
---@param names string[]
---@return string
function help.listing(names)
  local rows = {}
  for i, name in ipairs(names) do
    local topic = topics.index().topics[name]
    rows[i] = { topics.written(topic), topics.sentence(topic) }
  end
  return columns(rows)
end

-- A topic; where its term was not shown above it, where that stands.
local function describe(topic, is_explained)
  if topic.kind == "namespace" then
    local text = wrap(topic.name .. ": " .. topic.entry.text, "") .. "\n\n" .. help.listing(topic.members)
    local hint = topic.name == "fnet" and wrap('What the words of the lesson mean: help "terms"', "")
    return hint and text .. "\n\n" .. hint or text
  end
  local parts = { topics.written(topic) }
  local function add(text, title)
    if text ~= "" then parts[#parts + 1] = (title or "") .. text end
  end
  add(wrap(topic.entry.text, "  "))
  local rows = signature(topic)
  add(columns(rows))
  for _, row in ipairs(rows) do add(columns(row.options or {}), row[1] .. "\n") end
  local class = topics.class_of(topic)
  if class == topic then
    add(wrap((class.class.alias or ""):gsub("|", " | "), "  "))
    add(columns(topics.fields(class)), "fields\n")
    add(help.listing(class.methods), "methods\n")
    local parent = topics.index().classes[class.class.parent]
    if parent then add(wrap(("What it has from %s: help \"%s\""):format(parent.name, parent.name), "")) end
  elseif class then
    add(wrap(("What %s has: help \"%s\""):format(topic.kind == "value" and "it" or "the result", class.name), ""))
  end
  local words = {}
  for i, term in ipairs(is_explained and {} or terms.about(topic.name)) do
    words[i] = ('help "%s"'):format(term.name)
  end
  if words[1] then add(wrap("In words: " .. table.concat(words, ", "), "")) end
  local file, line = topic.entry.file, topic.entry.line
  add(line and ("%s:%d"):format(file, line) or file or "")
  return table.concat(parts, "\n\n")
end

-- ---- looking up ----

--- All names that there is help for, sorted.
---@return string[]
function help.names() return naming.sorted(topics.index().topics) end

-- The names that end with the words of a key. Fields count only where nothing else has the name.
local function ending_with(index, key)
  local found, fields = {}, {}
  for _, name in ipairs(naming.sorted(index.topics)) do
    if ("." .. name):sub(-#key - 1) == "." .. key then
      local list = index.topics[name].kind == "value" and fields or found
      list[#list + 1] = name
    end
  end
  return #found > 0 and found or fields
end

-- The names that a key may stand for: itself, the end of names ("Dataset.split"), what a class inherits
-- ("optim.Adam.step") or the object in a field has ("model.save"), and what anything has, where the owner is known
-- to nobody but the script or another library ("net.save", "torch.nn.ReLU").
local function candidates(index, key)
  if index.topics[key] then return { key } end
  local found = ending_with(index, key)
  local owner, last = key:match "^(.*)%.([^.]+)$"
  if #found > 0 or not owner then return found end
  local seen = {}
  for _, name in ipairs(candidates(index, owner)) do
    local class = topics.class_of(index.topics[name])
    while class and not index.topics[class.name .. "." .. last] do class = index.classes[class.class.parent] end
    if class and not seen[class] then
      seen[class] = true
      found[#found + 1] = class.name .. "." .. last
    end
  end
  local is_variable = #found == 0 and not index.topics[owner:match "^[^.]*"]
  return is_variable and ending_with(index, last) or found
end

-- ---- other libraries ----

--- What fnet has for what another library calls so.
---@param name string such as "Linear" or "torch.nn.Linear"
---@return string[] names
---@return string[] notes where it has no name for it: what there is instead
function help.elsewhere(name)
  local index, last = topics.index(), name:match "[^.]*$"
  local names, notes, seen = {}, {}, {}
  local known = { table.unpack(index.elsewhere[naming.bare(last)] or {}) }
  table.sort(known, function(a, b) return a.theirs == last and b.theirs ~= last end)
  for _, entry in ipairs(known) do
    local list = index.topics[entry.ours] and names or notes
    if not seen[entry.ours] then list[#list + 1] = list == names and entry.ours or last .. ": " .. entry.ours end
    seen[entry.ours] = true
  end
  local in_place = #known == 0 and further.tensor[last] -- names that end with _
  if in_place then notes[1] = last .. ": " .. in_place end
  return names, notes
end

-- The same as a text; nil where nobody calls anything so.
local function translate(index, key)
  local names, parts = help.elsewhere(key)
  for i, note in ipairs(parts) do parts[i] = wrap(note, "") end
  if #names == 1 then
    local topic = index.topics[names[1]]
    parts[1] = parts[1] or ("%s: %s in fnet"):format(key:match "[^.]*$", topics.written(topic):gsub("%(.*", ""))
    parts[#parts + 1] = describe(topic)
  elseif #names > 1 then
    parts[#parts + 1] = help.listing(names)
  end
  return #parts > 0 and table.concat(parts, "\n\n") or nil
end

-- ---- terms ----

--- The two sentences of a term.
---@param term annotations.Term
---@return string
function help.term(term) return wrap(term.text, "") end

-- All terms, each with what it is.
local function all_terms()
  local rows = {}
  for i, term in ipairs(terms.list) do rows[i] = { term.name, term.text } end
  return wrap("terms: What the words of the lesson mean.", "") .. "\n\n" .. columns(rows)
end

-- A term, then the function or class that has the name, then what else has to do with it.
local function explain(index, key, term)
  local found, others = {}, {}
  local function add(names, fits)
    for _, name in ipairs(names) do
      if #found == 0 and fits(name) then found[1] = name end
    end
  end
  local exact = candidates(index, key)
  add(#exact == 1 and exact or {}, function(name) return index.topics[name].kind ~= "value" end)
  add(term.names, function(name) return naming.bare(name:match "[^.]*$") == naming.bare(key) end)
  for _, name in ipairs(term.names) do
    if name ~= found[1] then others[#others + 1] = name end
  end
  local parts = { help.term(term) }
  if found[1] then parts[2] = describe(index.topics[found[1]], true) end
  if #others > 0 then parts[#parts + 1] = "see also\n" .. help.listing(others) end
  return table.concat(parts, "\n\n")
end

--- What there is to say about a name, or a term; of all terms, where the name is "terms".
---@param name? string such as "nn.Dense", "tensor.sum", "learning rate", "torch.cat"; all of fnet where nil
---@return string? text nil where nothing is known by that name
---@return string? message then: what it may have been meant to be
function help.find(name)
  local index = topics.index()
  local key = (name or "fnet"):gsub(":", "."):gsub("%(.*$", "")
  if not index.topics[key] then key = key:gsub("^fnet%.", "") end
  if naming.bare(key) == "terms" then return all_terms() end
  local term = terms.find(key)
  if term then return explain(index, key, term) end
  local found = candidates(index, key)
  if #found == 1 then return describe(index.topics[found[1]]) end
  if #found > 1 then return ("%s is the name of several:\n\n%s"):format(key, help.listing(found)) end
  local translated = translate(index, key)
  if translated then return translated end
  local words = {}
  for i, known in ipairs(terms.list) do words[i] = known.name end
  for _, path in ipairs(help.names()) do words[#words + 1], words[#words + 2] = path, path:match "[^.]+$" end
  local near = #key > 2 and (naming.nearest(key, words) or naming.nearest(key:match "[^.]*$", words))
  return nil, ("no help on '%s'%s; `help \"fnet\"` lists what there is"):format(name,
    near and (", did you mean '%s'?"):format(near) or "")
end

--- The method that was probably meant by a name that no object has.
---@param name string such as "paramters"
---@return string? name nil where none is near
function help.near_method(name)
  local index, known = topics.index(), naming.sorted(core.methods)
  for _, class in ipairs(naming.sorted(index.classes)) do
    for _, path in ipairs(index.classes[class].methods) do known[#known + 1] = path:match "[^.]+$" end
  end
  local near = naming.nearest(name, known)
  return near ~= name and near or nil
end

--- What there is to say about a public name: how it is called, with types, shapes, defaults and errors. A term of
-- the lesson, such as "learning rate", is explained in two sentences; "terms" are all of them. A name of PyTorch,
-- Keras or NumPy leads to what fnet has for it.
---@param name? string such as "nn.Dense", "tensor.sum", "optim", "overfitting", "permute"; all of fnet where nil
---@return string text to be printed; raises, with the nearest name, where there is none
function help.help(name)
  expect.that(name == nil or type(name) == "string", "help", 'a name, such as "nn.Dense"', name)
  local text, message = help.find(name)
  if not text then core.raise("help: %s", message) end
  return text
end

return help

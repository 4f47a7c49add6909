--- Search: finds public names by words in names, descriptions and options, and by what PyTorch, Keras and NumPy
-- call them. `fnet --help --search "early stopping"`, `search "early stopping"` in the interactive mode.
-- Invariant: it knows no words but those that mean nothing; all others stand in the annotations, and in the tables
-- that answer unknown names.

local expect = require "fnet.base.expect"
local help = require "fnet.command.help"
local naming = require "fnet.base.naming"
local terms = require "fnet.command.terms"
local topics = require "fnet.command.topics"
local core = require "fnet.core"

local MOST = 12 -- names that are shown
local IN_NAME = 16 -- the weight of a word in a name
local SLIP_LEAST, SLIP_MOST = 5, 64 -- letters of a word that may be a slip

local MEANINGLESS = " a an and by for from how in is it of on or that the to what with "

-- What words of one family begin with, in front of the endings that they have.
local FAMILIES = {
  "^(...+)ations?$", "^(...+)ing$", "^(...+)ers?$", "^(...+)ed$", "^(...+)es$", "^(...+)e$", "^(..+[^s])s$",
}

-- The words of a text, small, between blanks: "EarlyStopping", "early_stopping" and "early stopping" are the same.
local function words_of(text)
  text = text:gsub("(%l)(%u%l)", "%1 %2"):lower():gsub("z", "s")
  return " " .. text:gsub("[^%w\128-\255]+", " ") .. " "
end

-- "stopping" becomes "stop", "normalisation" "normalis".
local function stem_of(word)
  for _, family in ipairs(FAMILIES) do
    local stem = word:match(family)
    if stem then return stem:find "(%l)%1$" and not stem:find "[ls]$" and stem:sub(1, -2) or stem end
  end
  return word
end

-- How well the wanted word is met by words: 2 exactly, 1 by one of its family, 0 not at all. Names are often
-- shorter than the word that is looked for: "init" for "initialisation".
local function met(wanted, words, in_name)
  if words:find(" " .. wanted.word .. " ", 1, true) then return 2 end
  if #wanted.stem > 2 and words:find(" " .. wanted.stem, 1, true) then return 1 end
  for word in words:gmatch(in_name and "%S%S%S%S+" or "^$") do
    if wanted.word:sub(1, #word) == word then return 1 end
  end
  return 0
end

-- What a topic consists of, each part with the weight of a word in it.
local function parts_of(topic)
  local details = {}
  for i, parameter in ipairs(topic.entry.parameters) do details[i] = parameter.name .. " " .. parameter.text end
  table.move(topic.entry.returns, 1, #topic.entry.returns, #details + 1, details)
  return {
    { words = words_of(topic.name:match "[^.]+$"), weight = IN_NAME, in_name = true },
    { words = words_of(topics.sentence(topic)), weight = 6 },
    { words = words_of(topic.name), weight = 4, in_name = true },
    { words = words_of(topic.entry.text), weight = 3 },
    { words = words_of(table.concat(details, " ")), weight = 1 },
  }
end

-- How many of the wanted words the parts of a topic have, and how prominently. A word counts where it weighs most;
-- few words in a name weigh more than many.
local function rank(parts, wanted)
  local count, score = 0, 0
  for _, word in ipairs(wanted) do
    local best = 0
    for _, part in ipairs(parts) do
      best = math.max(best, part.weight * met(word, part.words, part.in_name))
    end
    count, score = count + (best > 0 and 1 or 0), score + best
  end
  for _, part in ipairs(parts) do
    if #wanted > 1 and part.words:find(wanted.phrase, 1, true) then
      score = score + 8 + part.weight
      break
    end
  end
  return count, score - select(2, parts[1].words:gsub("%S+", ""))
end

-- Fields say little without their object, and a class without a dot is none that scripts meet.
local function is_found(topic)
  if topic.kind == "value" or topic.name:find "^%u" or topics.is_usual(topic.name) then return false end
  return topic.kind ~= "namespace" or topic.entry.text ~= ""
end

local the_parts

-- The parts of all topics that are found, by their names; made once.
local function all_parts()
  if the_parts then return the_parts end
  local parts = {}
  for name, topic in pairs(topics.index().topics) do
    if is_found(topic) then parts[name] = parts_of(topic) end
  end
  the_parts = parts
  return parts
end

local function matches(text)
  local wanted = { phrase = " " }
  for word in words_of(text):gmatch "%S+" do
    if not MEANINGLESS:find(" " .. word .. " ", 1, true) then
      wanted[#wanted + 1] = { word = word, stem = stem_of(word) }
      wanted.phrase = wanted.phrase .. word .. " "
    end
  end
  local found, most = {}, 1
  for name, parts in pairs(all_parts()) do
    local count, score = rank(parts, wanted)
    if count > most then found, most = {}, count end
    if count == most then found[#found + 1] = { name = name, score = score } end
  end
  table.sort(found, function(a, b)
    if a.score ~= b.score then return a.score > b.score end
    return a.name < b.name
  end)
  return found
end

-- The names whose last part is spelt most like a word that nothing has: "softmx". Of few letters each is another
-- word, and of many it would take long.
local function nearest(word)
  local found = {}
  if #word < SLIP_LEAST or #word > SLIP_MOST or word:find "[^ -~]" then return found end
  local names, lasts = naming.sorted(all_parts()), {}
  for i, name in ipairs(names) do lasts[i] = name:match "[^.]+$" end
  local near = naming.nearest(word, lasts)
  for i, last in ipairs(lasts) do
    if near and naming.bare(last) == naming.bare(near) then found[#found + 1] = names[i] end
  end
  return found
end

local search = {}

--- The words of a text as search compares them, between blanks.
---@type fun(text: string): string
search.words = words_of

--- The public names that words stand for, the likeliest first.
---@param text string such as "early stopping", "Linear" or "torch.nn.Linear"
---@return string[] names where no word is known, those that are spelt most like it
---@return string[] notes what there is instead of names of other libraries that have no counterpart
function search.names(text)
  local names, seen = {}, {}
  local function add(name)
    if not seen[name] and #names < MOST then seen[name], names[#names + 1] = true, name end
  end
  local name = text:match "[^.]*$" -- "Linear" of "torch.nn.Linear"
  local known, notes = help.elsewhere(name)
  for _, ours in ipairs(known) do add(ours) end
  local function add_matches(words, least)
    for _, match in ipairs(matches(words)) do
      if match.score >= least then add(match.name) end
    end
  end
  local synonyms = naming.synonyms(name) or ""
  for word in synonyms:gmatch "%S+" do add_matches(word, IN_NAME) end
  if #known + #notes == 0 and text:find "^[%w_]+%.[%w_.]+$" then
    local first = matches(text)[1]
    local is_met = first and naming.bare(first.name:match "[^.]+$") == naming.bare(name)
    if not is_met then add_matches(name, IN_NAME) end -- "tf.keras.layers.Dense", whose last part is a name here
  end
  local least = #known + #notes > 0 and IN_NAME or 0 -- beside a known answer only what has the name
  add_matches(text, least)
  for word in synonyms:gmatch "%S+" do add_matches(word, 0) end
  if #names == 0 and #notes == 0 then
    for _, near in ipairs(nearest(name)) do add(near) end
  end
  return names, notes
end

--- Those names, each with its first sentence; in front of them the term that the words are, if they are one.
---@param text string
---@return string? text nil where nothing is found
---@return string? message then
function search.find(text)
  local term, names, notes = terms.find(text), search.names(text)
  if term then table.insert(notes, 1, help.term(term)) end
  if #names == 0 and #notes == 0 then
    return nil, ("nothing is said of '%s'; `help \"fnet\"` lists what there is"):format(text)
  end
  if #names > 0 then notes[#notes + 1] = help.listing(names) end
  return table.concat(notes, "\n\n")
end

--- What `names` knows, for a program in another language that finds the same (src/tools/docs/search.js).
---@return table knowledge most: names that are found; in_name; meaningless: words between blanks; families: those
--- patterns, which are regular expressions too; synonyms; elsewhere; topics: name to its parts
function search.knowledge()
  return { most = MOST, in_name = IN_NAME, meaningless = MEANINGLESS, families = FAMILIES, topics = all_parts(),
    synonyms = naming.SYNONYMS, elsewhere = topics.index().elsewhere }
end

--- The same for the interactive mode: raises where nothing is found.
---@param text string
---@return string text to be printed
function search.search(text)
  expect.that(type(text) == "string" and text:find "%w", "search", 'words, such as "early stopping"', text)
  local found, message = search.find(text)
  if not found then core.raise("search: %s", message) end
  return found
end

return search

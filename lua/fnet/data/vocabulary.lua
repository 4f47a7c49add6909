--- Vocabulary: text to the numbers of its tokens and back. Token 1 is the padding, token 2 stands for all that are
-- not known; the others follow by how often they were counted, those of equal count by their bytes.
-- Invariant: equal texts give equal numbers, on every machine.

local core = require "fnet.core"
local expect = require "fnet.base.expect"
local files = require "fnet.files"
local form = require "fnet.files.form"
local is = require "fnet.base.is"
local json = require "fnet.files.json"
local naming = require "fnet.base.naming"
local processes = require "fnet.base.processes"

local PADDING, UNKNOWN = "<pad>", "<unknown>"
local MOST = 1 << 26 -- bytes of a vocabulary's file
local FORM = form.object({ split = form.text, lower = form.boolean, tokens = form.list(form.text, 2) },
  { "split", "lower", "tokens" })

---@class data.Vocabulary
---@field tokens string[] by number
---@field padding integer 1, the number that stands behind the end of a text
---@field unknown integer 2, the number of each token that is not in the vocabulary
---@field split string|function how texts are split: "words", "characters", or a function of the script
---@field lower boolean whether A to Z count as a to z
local Vocabulary = {}
Vocabulary.__index = Vocabulary

local NUMBERS = {} -- the key of the numbers by token

local splits = {}

-- Runs of letters, digits and "_", and each other sign alone. What is not ASCII counts as letters.
function splits.words(text)
  local list = {}
  for word, sign in text:gmatch "([0-9A-Za-z_\128-\255]*)([^0-9A-Za-z_\128-\255%s]?)" do
    if word ~= "" then list[#list + 1] = word end
    if sign ~= "" then list[#list + 1] = sign end
  end
  return list
end

function splits.characters(text)
  local list = {}
  for character in text:gmatch(utf8.charpattern) do list[#list + 1] = character end
  return list
end

local KINDS = naming.sorted(splits)

-- The tokens of a text.
local function split(what, self, text)
  expect.that(type(text) == "string", what, "a text", text)
  local valid, byte = utf8.len(text)
  if not valid then core.raise("%s: the text is not UTF-8: byte %d", what, byte) end
  if self.lower then text = text:gsub("[A-Z]", string.lower) end
  if splits[self.split] then return splits[self.split](text) end
  if not is.callable(self.split) then
    core.raise("%s: the texts of this vocabulary were split by a function of a script, which no file holds; set " ..
      "vocabulary.split to it", what)
  end
  local list = self.split(text)
  local fits = type(list) == "table"
  for i = 1, fits and #list or 0 do fits = fits and type(list[i]) == "string" and utf8.len(list[i]) end
  return expect.that(fits, what .. ": split", "a function that returns a list of texts", list)
end

-- A vocabulary of these tokens, the first two among them.
local function new(fields, tokens)
  local numbers = {}
  for i, token in ipairs(tokens) do numbers[token] = i end
  return setmetatable({ split = fields.split, lower = fields.lower, tokens = tokens, padding = 1, unknown = 2,
    [NUMBERS] = numbers }, Vocabulary)
end

--- How many tokens there are: the count of an embedding.
---@return integer
function Vocabulary:__len() return #self.tokens end

--- "vocabulary of 5000 words"; of characters, of tokens.
---@return string
function Vocabulary:__tostring()
  return ("vocabulary of %d %s"):format(#self, splits[self.split] and self.split or "tokens")
end

--- The numbers of a text's tokens.
---@param text string|string[] UTF-8; or a list of texts
---@return tensor|tensor[] tokens int32 [steps]; of a list of texts a list, such as data.sequences takes
function Vocabulary:encode(text)
  expect.method("encode", self)
  if type(text) == "table" then
    local list = {}
    for i = 1, core.length(text) do
      list[i] = self:encode(expect.that(type(text[i]) == "string", "encode: entry " .. i, "a text", text[i]))
    end
    return list
  end
  local list, numbers = {}, self[NUMBERS]
  for i, token in ipairs(split("encode", self, text)) do list[i] = numbers[token] or self.unknown end
  if #list == 0 then return core.full({ 0 }, 0, "int32") end
  return core.tensor(list, "int32")
end

--- The text of tokens, without the padding; words with blanks between.
---@param tokens tensor int32 [steps]
---@return string text
function Vocabulary:decode(tokens)
  expect.method("decode", self)
  expect.that(is.labels(tokens), "decode", "numbers of tokens, int32 [steps]", tokens)
  local list = {}
  for i, number in ipairs(#tokens > 0 and tokens:totable() or {}) do
    if not self.tokens[number] then
      core.raise("decode: token %d in step %d is outside 1..%d", number, i, #self)
    end
    if number ~= self.padding then list[#list + 1] = self.tokens[number] end
  end
  return table.concat(list, self.split == "characters" and "" or " ")
end

--- The number of a token.
---@param token string
---@return integer? number nil where it is not in the vocabulary
function Vocabulary:number(token)
  expect.method("number", self)
  return self[NUMBERS][expect.that(type(token) == "string", "number", "a token, a text", token)]
end

-- What a file has of it.
local function text_of(self)
  return json.encode { split = splits[self.split] and self.split or "own", lower = self.lower,
    tokens = json.array(table.move(self.tokens, 1, #self.tokens, 1, {})) }
end

--- Writes it to a file, JSON, that data.read_vocabulary reads. With a model: model:save(path, { vocabulary = v }).
---@param path string
---@return boolean? done true; nil where the environment refused
---@return string? message, integer? code errno
function Vocabulary:save(path)
  expect.method("save", self)
  expect.path("save", path)
  return processes.write_file(path, { text_of(self) .. "\n" })
end

-- How often each token is there, and all of them.
local function count(fields, texts)
  local counts, list = {}, {}
  for i = 1, core.length(texts) do
    for _, token in ipairs(split("vocabulary: text " .. i, fields, texts[i])) do
      if token == PADDING or token == UNKNOWN then
        core.raise("vocabulary: text %d: the token %s is the vocabulary's own", i, token)
      end
      if not counts[token] then counts[token], list[#list + 1] = 0, token end
      counts[token] = counts[token] + 1
    end
  end
  return counts, list
end

local public = {}

--- A vocabulary of the tokens that texts have: `local v = data.vocabulary(texts)`, `v:encode "some text"` for an
-- nn.Embedding(#v, units), `v:decode(tokens)` back.
---@param texts string|string[] UTF-8, such as those of the training data
---@param options? table split: "words"|"characters"|fun(text: string): string[], "words", the default: runs of
--- letters, digits and "_", and each other sign alone; "characters"; or a function(text) that returns a list of
--- tokens. lower: A to Z count as a to z, false. least: integer, how often a token has to be there, 1. most:
--- integer, of how many tokens at most, the most frequent ones, besides the first two
---@return data.Vocabulary
function public.vocabulary(texts, options)
  if type(texts) == "string" then texts = { texts } end
  local is_list = type(texts) == "table" and (core.length(texts) > 0 or next(texts) == nil)
  expect.that(is_list, "vocabulary", "a text or a list of texts", texts)
  options = expect.options("vocabulary", options, { "split", "lower", "least", "most" }, { "lower" })
  local how = options.split
  if how == nil then how = "words" end
  if not is.callable(how) then expect.choice("vocabulary: split", how, KINDS) end
  local least = options.least == nil and 1 or expect.count("vocabulary: least", options.least, 1)
  local most = options.most == nil and math.maxinteger or expect.count("vocabulary: most", options.most, 1)
  local fields = { split = how, lower = options.lower or false }
  local counts, list = count(fields, texts)
  table.sort(list, function(a, b)
    if counts[a] ~= counts[b] then return counts[a] > counts[b] end
    return a < b
  end)
  local tokens = { PADDING, UNKNOWN }
  for _, token in ipairs(list) do
    if #tokens - 2 < most and counts[token] >= least then tokens[#tokens + 1] = token end
  end
  return new(fields, tokens)
end

-- The vocabulary of a file's text. A reader of files.
local function read(text)
  local fields = form.decode(text, "tokens", FORM)
  local tokens, seen = table.move(fields.tokens, 1, #fields.tokens, 1, {}), {}
  if tokens[1] ~= PADDING or tokens[2] ~= UNKNOWN then
    files.fault("its tokens are damaged: the first two are not %s and %s", PADDING, UNKNOWN)
  end
  for i, token in ipairs(tokens) do
    if seen[token] then files.fault("its tokens are damaged: %d and %d are the same", seen[token], i) end
    seen[token] = i
  end
  return new(fields, tokens)
end

--- Reads what vocabulary:save wrote. One that was split by a function of a script encodes once `vocabulary.split`
-- is that function again.
---@param path string
---@return data.Vocabulary? vocabulary nil where the file cannot be read or is no vocabulary
---@return string? message, integer? code errno
function public.read_vocabulary(path)
  expect.path("read_vocabulary", path)
  return files.open(path, function(input)
    files.sound(input:part("plain", 0))
    local size = input:size() or MOST + 1
    if size > MOST then files.fault("is no vocabulary: it has more than %d bytes, or is no ordinary file", MOST) end
    return read(files.sound(input:bytes(size)))
  end)
end

--- For files of models: the text of a vocabulary in their metadata, and back, for a reader of files.
public.text_of, public.read_text = text_of, read

--- Whether a value is a vocabulary.
---@param value any
---@return boolean
function public.is_vocabulary(value) return getmetatable(value) == Vocabulary end

return public

--- data.vocabulary: text to tokens and back, in files of its own and of models.

local fnet = require "fnet"
local command = require "tests.support.command"
local support = require "tests.support"
local data, nn = fnet.data, fnet.nn

local directory
setup(function() directory = command.make_directory() end)
teardown(function() command.remove_directory(directory) end)

-- A path of a file with this text.
local function file_of(text)
  local path = directory .. "/some.json"
  local file <close> = assert(io.open(path, "wb"))
  file:write(text)
  return path
end

describe("data.vocabulary", function()
  local texts = { "the cat, the cat; a dog", "a cat_2 don't" }

  it("counts words and signs, the most frequent first, then by their bytes", function()
    local v = data.vocabulary(texts)
    assert.same({ "<pad>", "<unknown>", "a", "cat", "the", "'", ",", ";", "cat_2", "dog", "don", "t" }, v.tokens)
    assert.same({ "<pad>", "<unknown>", "a", "cat" }, data.vocabulary(texts, { most = 2 }).tokens)
    assert.same({ "<pad>", "<unknown>", "a", "cat", "the" }, data.vocabulary(texts, { least = 2 }).tokens)
    assert.equal("vocabulary of 12 words", tostring(v))
    assert.equal(12, #v)
    assert.same({ 4, nil }, { v:number "cat", v:number "cow" })
    assert.same({ "<pad>", "<unknown>" }, data.vocabulary({}).tokens)
  end)

  it("encodes what it knows, and decodes all but the padding", function()
    local v = data.vocabulary(texts)
    local tokens = v:encode "the cow, a cat"
    assert.equal("int32", tokens.dtype)
    assert.same({ 5, 2, 7, 3, 4 }, tokens:totable())
    assert.equal("the <unknown> , a cat", v:decode(tokens))
    assert.equal("a", v:decode(fnet.tensor({ 3, 1, 1 }, "int32")))
    assert.same({ 0 }, v:encode(" \n").shape)
    assert.equal("", v:decode(v:encode ""))
    local list = v:encode(texts)
    assert.equal(2, #list)
    assert.same({ 3, 4, 5 }, { list[2]:get(1), v:encode("cat"):get(1), list[1]:get(1) })
  end)

  it("splits by characters of any language, or by a function", function()
    local v = data.vocabulary("Über dem Fluß", { split = "characters" })
    assert.equal("dem Fluß", v:decode(v:encode "dem Fluß"))
    assert.equal(8, #v:encode "dem Fluß")
    assert.same({ 1, 2 }, { v.padding, v.unknown })
    local own = data.vocabulary("a-b-b", { split = function(text)
      local list = {}
      for part in text:gmatch "[^-]+" do list[#list + 1] = part end
      return list
    end })
    assert.same({ "<pad>", "<unknown>", "b", "a" }, own.tokens)
    assert.equal("vocabulary of 4 tokens", tostring(own))
    local lower = data.vocabulary("Öl Oel oel", { lower = true })
    assert.same({ "<pad>", "<unknown>", "oel", "Öl" }, lower.tokens)
    assert.same({ 3 }, lower:encode("OEL"):totable())
  end)

  it("is kept in a file, alone or with a model", function()
    local v = data.vocabulary(texts, { lower = true })
    local path = directory .. "/v.json"
    assert.is_true(v:save(path))
    local again = assert(data.read_vocabulary(path))
    assert.same(v.tokens, again.tokens)
    assert.same(v:encode(texts[1]):totable(), again:encode(texts[1]:upper()):totable())
    local model_path = directory .. "/m.safetensors"
    assert.is_true(nn.Embedding(#v, 2):save(model_path, { vocabulary = v }))
    local model, about = fnet.load(model_path)
    assert.same({ 2, 2 }, model(about.vocabulary:encode "a cat").shape)
    assert.same(v.tokens, about.vocabulary.tokens)
    nn.Embedding(2, 2):save(model_path)
    assert.is_nil(select(2, fnet.load(model_path)).vocabulary)
  end)

  it("asks for a script's own split again", function()
    local function split(text) return { text:sub(1, 1), text:sub(2) } end
    local path = directory .. "/own.json"
    assert(data.vocabulary("ab", { split = split }):save(path))
    local again = assert(data.read_vocabulary(path))
    assert.equal("b a", again:decode(fnet.tensor({ 4, 3 }, "int32")))
    support.raises("encode: the texts of this vocabulary were split by a function of a script, which no file " ..
      "holds; set vocabulary.split to it", function() again:encode "ab" end)
    again.split = split
    assert.same({ 3, 4 }, again:encode("ab"):totable())
  end)

  it("leaves the list of a script's own split as it is", function()
    local known = { "a", "b" }
    local v = data.vocabulary("ab", { split = function() return known end })
    for _ = 1, 2 do assert.same({ 3, 4 }, v:encode("ab"):totable()) end
  end)

  it("reads nothing that is damaged", function()
    local function refuses(problem, text)
      local path = file_of(text)
      local v, message, code = data.read_vocabulary(path)
      assert.same({ nil, path .. ": " .. problem, nil }, { v, message, code })
    end
    local form = '{"lower":false,"split":"words","tokens":%s}'
    refuses("its tokens are damaged: at byte 1: expected a value", "hello")
    refuses("its tokens are damaged: lacks 'split'", "{}")
    refuses("its tokens are damaged: tokens: expected a list of 2 at least, got one of 1", form:format '["<pad>"]')
    refuses("its tokens are damaged: the first two are not <pad> and <unknown>", form:format '["a","b"]')
    refuses("its tokens are damaged: 3 and 5 are the same", form:format '["<pad>","<unknown>","a","b","a"]')
    refuses("its tokens are damaged: tokens[3]: expected a text, got a number",
      form:format '["<pad>","<unknown>",1]')
    local _, message, code = data.read_vocabulary(directory .. "/none")
    assert.same({ directory .. "/none: No such file or directory", 2 }, { message, code })
  end)

  it("refuses what it cannot do", function()
    local raises, v = support.raises, data.vocabulary(texts)
    raises("vocabulary: expected a text or a list of texts, got number", function() data.vocabulary(1) end)
    raises("vocabulary: expected a text or a list of texts, got table",
      function() data.vocabulary { text = "a" } end)
    raises("vocabulary: text 2: expected a text, got number", function() data.vocabulary { "a", 1 } end)
    raises("vocabulary: text 2: expected a text, got nil", function() data.vocabulary { "a", nil, "b" } end)
    raises("encode: entry 2: expected a text, got nil", function() v:encode { "a", nil, "b" } end)
    raises("vocabulary: text 1: the text is not UTF-8: byte 2", function() data.vocabulary "a\255" end)
    raises("vocabulary: split: unknown name 'word' (did you mean 'words'?); known are characters, words",
      function() data.vocabulary("a", { split = "word" }) end)
    raises("vocabulary: text 1: split: expected a function that returns a list of texts, got table",
      function() data.vocabulary("a", { split = function() return { 1 } end }) end)
    raises("vocabulary: text 1: the token <pad> is the vocabulary's own",
      function() data.vocabulary("a", { split = function() return { "<pad>" } end }) end)
    raises("vocabulary: most: expected a whole number of at least 1, got 0",
      function() data.vocabulary("a", { most = 0 }) end)
    raises("encode: expected a text, got nil", function() v:encode() end)
    raises("encode: entry 2: expected a text, got boolean", function() v:encode { "a", true } end)
    raises("encode: the text is not UTF-8: byte 1", function() v:encode "\xC0\x80" end)
    raises("decode: token 13 in step 2 is outside 1..12",
      function() v:decode(fnet.tensor({ 3, 13 }, "int32")) end)
    raises("decode: expected numbers of tokens, int32 [steps], got table", function() v:decode { 1 } end)
    raises("save: vocabulary: expected what data.vocabulary makes, got table",
      function() nn.Dense(1, 1):save("x", { vocabulary = {} }) end)
  end)
end)

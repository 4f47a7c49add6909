--- The terms of the lesson: two sentences each for a beginner, found however they are written, in front of what
-- help says of a function of that name.

local fnet = require "fnet"
local core = require "fnet.core"
local help = require "fnet.command.help"
local naming = require "fnet.base.naming"
local search = require "fnet.command.search"
local terms = require "fnet.command.terms"
local topics = require "fnet.command.topics"

describe("terms", function()
  it("answer every word of the lesson, and of training", function()
    for _, word in ipairs { "flattening", "dense", "units", "ReLU", "softmax", "probability distribution",
      "classification", "epoch", "batch", "gradient", "loss", "learning rate", "overfitting" } do
      local term = terms.find(word)
      assert.is_truthy(term, word)
      for _, form in ipairs { word, word:lower(), word:upper(), (word:gsub(" ", "_")), (word:gsub(" ", "")) } do
        local text = help.find(form)
        assert.equal(help.term(term), text and text:sub(1, #help.term(term)), form)
      end
    end
  end)

  it("are two sentences without a formula, which have the word", function()
    for _, term in ipairs(terms.list) do
      local _, stops = (term.text .. " "):gsub("[.!?] ", "")
      assert.equal(2, stops, term.name)
      assert.matches("^%u.*%.$", term.text)
      assert.is_nil(term.text:find "[=*/^(){}]", term.name)
      assert.is_truthy(naming.bare(term.text):find(naming.bare(term.name), 1, true), term.name)
      assert.is_true(#term.text < 340, term.name .. " " .. #term.text)
    end
  end)

  it("lead to names that help knows, and stand for nothing else", function()
    local index, seen = topics.index(), {}
    for _, term in ipairs(terms.list) do
      assert.is_true(#term.names > 0)
      for _, name in ipairs(term.names) do assert.is_truthy(index.topics[name], name) end
      for _, form in ipairs { term.name, table.unpack(term.forms) } do
        assert.is_nil(index.topics[form], form)
        assert.is_nil(seen[naming.bare(form)], form)
        seen[naming.bare(form)] = true
      end
    end
  end)

  it("stand in front of the function or the class of that name", function()
    for word, first in pairs {
      relu = "tensor:relu()", ReLU = "nn.ReLU()", dense = "nn.Dense(inputs, units, options)",
      DENSE = "nn.Dense(inputs, units, options)", softmax = "tensor:softmax(axis)", Softmax = "nn.Softmax()",
      accuracy = "nn.accuracy(model, dataset)", parameters = "nn.Module:parameters()",
      ["cross entropy"] = "nn.cross_entropy(output, labels, options)",
    } do
      local two_sentences, rest = fnet.help(word):match "^(.-%.)\n\n(.*)$"
      assert.equal(help.term(terms.find(word)), two_sentences)
      assert.equal(first, rest:match "^[^\n]*")
    end
    assert.matches("\n\nsee also\n  nn%.ReLU%(%)  max%(x, 0%)%.$", fnet.help "relu")
  end)

  it("that are no name lead to names", function()
    assert.matches("^The learning rate is how far .* grows%.\n\nsee also\n  optim  ", fnet.help "learning rate")
    assert.matches("\n\nsee also\n  fnet%.fit%(model, options%)", fnet.help "epoch")
  end)

  it("are below a full name, not in front of it", function()
    assert.matches("^nn%.Dense%(", fnet.help "nn.Dense")
    assert.matches("^tensor:relu%(%)", fnet.help "tensor.relu")
    assert.matches('\n\nIn words: help "activation", help "ReLU"\n\nlua/', fnet.help "nn.ReLU")
    assert.matches('\n\nIn words: help "dense layer", help "unit"\n', fnet.help "nn.Dense")
    assert.is_nil(fnet.help("ReLU"):find "In words")
  end)

  it("are all listed, in the order of the lesson", function()
    local text, from = fnet.help "terms", 1
    for _, term in ipairs(terms.list) do
      local _, last = text:find("\n  " .. term.name .. "  ", from, true)
      assert.is_truthy(last, term.name)
      from = last
    end
    assert.matches('\nWhat the words of the lesson mean: help "terms"$', fnet.help())
  end)

  it("are found by search, and meant by what is nearly one", function()
    local text = search.find "Overfitting"
    assert.equal(help.term(terms.find "overfitting"), text:match "^(.-)\n\n  ")
    local _, message = help.find "overfiting"
    assert.matches("^no help on 'overfiting', did you mean 'overfitting'%?; ", message)
  end)

  it("fit a narrow terminal", function()
    local terminal = core.terminal
    rawset(core, "terminal", function() return 40 end)
    local text = fnet.help "overfitting"
    rawset(core, "terminal", terminal)
    for line in text:match("^(.-)\n\n"):gmatch "[^\n]+" do assert.is_true(#line <= 40, line) end
  end)
end)

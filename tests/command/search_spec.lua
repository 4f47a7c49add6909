--- The search of help: names by words, and by what other libraries call them. Each word of the tables that answer
-- unknown names leads somewhere.

local core = require "fnet.core"
local fnet = require "fnet"
local search = require "fnet.command.search"
local topics = require "fnet.command.topics"
local raises = require("tests.support").raises

-- The names that a search shows, in their order, as help knows them.
local function found(words)
  local names = {}
  for name in ("\n" .. (search.find(words) or "")):gmatch "\n  ([%w_.:]+)" do
    names[#names + 1] = name:gsub(":", "."):gsub("^fnet%.(%l)", "%1")
  end
  return names
end

describe("search", function()
  it("shows names with their first sentences", function()
    local terminal = core.terminal
    rawset(core, "terminal", function() return 80 end)
    local text = search.find "early stopping"
    rawset(core, "terminal", terminal)
    assert.equal("  fnet.fit(model, options)  Trains a model: for each epoch and each batch,\n"
      .. "                            `loss(model(x), y)`, `zero_grad`, `backward`,\n"
      .. "                            `step`; the same bits as that loop written out.", text)
  end)

  it("finds what words of descriptions, options and names stand for, the likeliest first", function()
    for words, first in pairs {
      ["early stopping"] = "fit", ["stop early"] = "fit", ["label smoothing"] = "nn.cross_entropy",
      ["moving average"] = "optim.Average", ["confusion matrix"] = "metrics.confusion", dropout = "nn.Dropout",
      ["resume training"] = "checkpoint", ["save model"] = "nn.Module.save", ["clip gradients"] = "optim.clip_norm",
      ["learning rate schedule"] = "optim.schedule", initialization = "nn.init", normalizing = "data.normalise",
      ["cross validation"] = "data.Dataset.folds", variance = "tensor.var", ["mean"] = "tensor.mean",
      ["mirror pictures"] = "data.horizontal_flip", onnx = "load_onnx",
    } do
      assert.equal(first, found(words)[1], words)
    end
  end)

  it("finds what PyTorch, Keras and NumPy call otherwise, however it is written", function()
    for name, first in pairs {
      Linear = "nn.Dense", ["torch.nn.Linear"] = "nn.Dense", BatchNorm2d = "nn.BatchNorm",
      ["np.clip"] = "tensor.clamp", ["x.view"] = "tensor.reshape", EarlyStopping = "fit", early_stopping = "fit",
      ModelCheckpoint = "checkpoint",
      CosineAnnealingLR = "optim.schedule.cosine", ["tf.keras.layers.LayerNormalization"] = "nn.LayerNorm",
      ["layer normalization"] = "nn.LayerNorm", ["np.concatenate"] = "concat", kaiming = "nn.init.he_normal",
      kaiming_uniform_ = "nn.init.he_uniform", label_smoothing = "nn.cross_entropy",
      learning_rate = "optim", CrossEntropyLoss = "nn.cross_entropy", ["F.gelu"] = "nn.GELU",
      ["torch.nn.LSTM"] = "nn.LSTM", SimpleRNN = "nn.RNN",
    } do
      assert.equal(first, found(name)[1], name)
    end
  end)

  it("says what there is instead of what fnet has not", function()
    assert.matches("^LSTMCell: a sequence of one step does it, fnet.nn.LSTM%(inputs, units%), which gives its "
      .. "state back\n\n  ", search.find "torch.nn.LSTMCell")
    assert.equal(1, select(2, search.find("KFold"):gsub("folds%(5%)", ""))) -- KFold and kfold are one name
    assert.matches("^train_test_split: it is a method: local train, valid = set:split%(0%.8%)\n\n  ",
      search.find "train_test_split")
  end)

  it("knows every name that an error about an unknown name knows", function()
    local count, of = 0, require "fnet.command.objects"
    local function objects(class) return { elsewhere = of[class] } end
    for _, list in ipairs {
      getmetatable(fnet), getmetatable(fnet.nn), getmetatable(fnet.optim), getmetatable(fnet.data),
      getmetatable(fnet.metrics), core.metatable, objects("nn.Module"), objects("optim.Optimizer"),
      objects("data.Standardise"), objects("data.Vocabulary"), objects("fnet.History"),
    } do
      for theirs, ours in pairs(list.elsewhere) do
        count = count + 1
        local text = search.find(theirs)
        assert.is_truthy(text, theirs)
        local seen = text:find(theirs .. ": " .. ours, 1, true)
        for _, name in ipairs(found(theirs)) do seen = seen or ("." .. name):sub(-#ours - 1) == "." .. ours end
        assert.is_truthy(seen, theirs .. ": " .. text)
      end
    end
    assert.is_true(count > 80, "only " .. count)
  end)

  it("finds the same name of another library, and what a slip was meant to be", function()
    assert.equal("nn.Dense", found("tf.keras.layers.Dense")[1])
    assert.equal("nn.Softmax", found("torch.nn.Softmax")[1])
    assert.equal("tensor.sum", found("tensor.sum")[1])
    assert.equal("optim.Optimizer.step", found("optimizer.step")[1])
    for theirs, ours in pairs { state_dict = "state()", load_state_dict = "load_state(state)" } do
      assert.matches(theirs .. ": it is a method: model:" .. ours, search.find("torch.nn." .. theirs), 1, true)
    end
    assert.same({ "nn.Softmax", "tensor.softmax" }, found "softmx")
    assert.equal("nn.Dropout", found("Dropuot")[1])
  end)

  it("leads to names that help knows, few at a time", function()
    local index = topics.index()
    for _, words in ipairs { "tensor", "model", "gradient", "float32", "the", "x" } do
      local names = found(words)
      assert.is_true(#names <= 12, words)
      for _, name in ipairs(names) do
        assert.is_truthy(index.topics[name] or index.topics["fnet." .. name], name)
      end
    end
  end)

  it("says where nothing is found", function()
    local sentence = "nothing is said of 'quantum'; `help \"fnet\"` lists what there is"
    assert.same({ n = 2, nil, sentence }, table.pack(search.find "quantum"))
    raises("search: " .. sentence, function() return (search.search "quantum") end)
    for got, words in pairs { number = 5, string = " " } do
      raises("search: expected words, such as \"early stopping\", got " .. got,
        function() return (search.search(words)) end)
    end
  end)
end)

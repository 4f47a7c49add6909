--- What all options have in common: false where it means nothing, and a value of a wrong type, are refused by the
-- option's name; they are never taken for the default.

local fnet = require "fnet"
local core = require "fnet.core"
local command = require "tests.support.command"
local nn, optim, data, report = fnet.nn, fnet.optim, fnet.data, fnet.report

-- Those for which false means something beside other values.
local MAY_BE_FALSE = { script = true, transform = true, target = true }

local directory = command.make_directory()
teardown(function() command.remove_directory(directory) end)

-- Options without which a call says that they are missing, unless they are given.
local function with(options, needed)
  for name, value in pairs(needed) do
    if options[name] == nil then options[name] = value end
  end
  return options
end

local model = nn.Sequential { nn.Dense(4, 3) }
local set = data.Dataset { x = fnet.rand { 6, 4 }, y = fnet.full({ 6 }, 1, "int32") }
local parameter = fnet.zeros { 3 }
parameter.requires_grad = true
local rows, labels = fnet.rand { 2, 3 }, fnet.tensor({ 1, 2 }, "int32")
local weights = directory .. "/weights"
fnet.write_tensors(weights, { a = rows })
model:save(directory .. "/model", { script = false })

local places = 0
local function new_place()
  places = places + 1
  return directory .. "/run" .. places
end

local CALLS = {
  function(o) return nn.Dense(2, 3, o) end,
  function(o) return nn.Conv1D(2, 2, 3, o) end,
  function(o) return nn.Conv2D(2, 2, 3, o) end,
  function(o) return nn.ConvTranspose2D(2, 2, 3, o) end,
  function(o) return nn.MaxPool2D(2, o) end,
  function(o) return nn.AvgPool2D(2, o) end,
  function(o) return nn.RNN(2, 3, o) end,
  function(o) return nn.MultiHeadAttention(4, 2, o) end,
  function(o) return nn.TransformerLayer(4, 2, o) end,
  function(o) return nn.Embedding(4, 2, o) end,
  function(o) return nn.BatchNorm(4, o) end,
  function(o) return nn.LayerNorm(4, o) end,
  function(o) return nn.GroupNorm(2, 4, o) end,
  function(o) return nn.RMSNorm(4, o) end,
  function(o) return nn.Upsample(2, o) end,
  function(o) return nn.PReLU(2, o) end,
  function(o) return nn.Lambda(print, o) end,
  function(o) return nn.cross_entropy(rows, labels, o) end,
  function(o) return nn.mse(rows, rows, o) end,
  function(o) return nn.huber(rows, rows, o) end,
  function(o) return nn.hinge(rows, labels, o) end,
  function(o) return nn.hinge(rows, fnet.ones { 2, 3 }, o) end,
  function(o) return nn.triplet(rows, rows, rows, o) end,
  function(o) return optim.SGD({ parameter }, o) end,
  function(o) return optim.AdamW({ parameter }, o) end,
  function(o) return optim.Muon({ with(o, { parameters = { parameter } }) }) end,
  function(o) return optim.Average(model, o) end,
  function(o) return optim.schedule.cosine(with(o, { steps = 2 })) end,
  function(o) return optim.schedule.warm_up(with(o, { steps = 2 })) end,
  function(o) return optim.schedule.plateau(o) end,
  function(o) return data.Dataset(with(o, { x = rows, y = rows })) end,
  function(o) return set:batches(o) end,
  function(o) return set:split(2, o) end,
  function(o) return set:with(with(o, { transform = data.random_shift(1) })) end,
  function(o) return data.standardise(set, o) end,
  function(o) return data.windows(fnet.rand { 9, 2 }, with(o, { length = 3 })) end,
  function(o) return data.vocabulary({ "a b" }, o) end,
  function(o) return data.read_csv("none.csv", with(o, { target = "a" })) end,
  function(o) return data.read_image("none.png", o) end,
  function(o) return data.write_npz(directory .. "/a.npz", { a = rows }, o) end,
  function(o) return fnet.read_tensors(weights, o) end,
  function(o) return fnet.load(directory .. "/model", o) end,
  function(o) return model:save(directory .. "/other", o) end,
  function(o) return fnet.check(model, set, o) end,
  function(o) return fnet.evaluate(model, set, with(o, { loss = nn.cross_entropy })) end,
  function(o) return fnet.predict(model, set.x, o) end,
  function(o) return fnet.checkpoint(new_place(), with(o, { model = model })) end,
  function(o)
    return fnet.fit(model, with(o, { train = set, loss = nn.cross_entropy, optim = optim.SGD, epochs = 0 }))
  end,
  function(o)
    return fnet.fit(model, { train = set, loss = nn.cross_entropy, optim = optim.SGD, epochs = 0,
      early_stopping = with(o, { patience = 1 }) })
  end,
  function(o) return rows:sort(o) end,
  function(o) return fnet.gradcheck(function(t) return t * t end, { rows }, o) end,
  function(o) return report.picture(rows, o) end,
  function(o) return report.matrix(rows, o) end,
  function(o) return report.plot({ 1, 2 }, o) end,
  function(o) return report.page(directory .. "/page.html", with(o, { model = model })) end,
}

-- What a call says of an option; nil where it takes it.
local function refusal(call, name, value)
  local ok, message = pcall(call, { [name] = value })
  return not ok and core.error_text(message) or nil
end

describe("options", function()
  local known = {}
  setup(function()
    for i, call in ipairs(CALLS) do
      local names = refusal(call, "none_such", 1):match "known are (.*)$"
      known[i] = {}
      for name in names:gmatch "[%w_]+" do table.insert(known[i], name) end
    end
  end)

  it("that mean nothing as false refuse it", function()
    local count = 0
    for i, call in ipairs(CALLS) do
      for _, name in ipairs(known[i]) do
        local is_switch = (refusal(call, name, 0) or ""):find("expected true or false", 1, true)
        if not is_switch and not MAY_BE_FALSE[name] then
          local message = refusal(call, name, false)
          assert.is_truthy(message, ("call %d takes %s = false"):format(i, name))
          assert.matches(name, message, 1, true)
          count = count + 1
        end
      end
    end
    assert.is_true(count > 150)
  end)

  it("refuse a value of a type that none has", function()
    for i, call in ipairs(CALLS) do
      for _, name in ipairs(known[i]) do
        local message = refusal(call, name, io.stdout)
        assert.is_truthy(message, ("call %d takes %s = a file"):format(i, name))
        assert.matches(name == "state_init" and "init" or name, message, 1, true)
      end
    end
  end)

  it("name what is wrong", function()
    local sentence = ": false is none of its values; without the option, its default counts"
    assert.equal("Conv2D: stride" .. sentence, refusal(CALLS[3], "stride", false))
    assert.equal("Dense: bias: expected true or false, got number", refusal(CALLS[1], "bias", 0))
    assert.equal("fit: checkpoint" .. sentence, refusal(function(o)
      return fnet.fit(model, with(o, { train = set, loss = nn.mse, optim = optim.SGD }))
    end, "checkpoint", false))
  end)
end)

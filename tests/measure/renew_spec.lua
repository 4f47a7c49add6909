--- fnet.renew_statistics: running statistics of BatchNorm for the weights that a model has.

local fnet = require "fnet"
local support = require "tests.support"
local nn, data = fnet.nn, fnet.data

local function new_model()
  fnet.seed(4)
  return nn.Sequential { nn.Dense(3, 4), nn.BatchNorm(4), nn.ReLU(), nn.Dense(4, 2), nn.BatchNorm(2) }
end

local function new_set(count) return data.Dataset { x = fnet.randn { count, 3 }, y = fnet.zeros { count, 2 } } end

describe("renew_statistics", function()
  it("takes mean and variance over all rows, each batch by its rows", function()
    local model, set = new_model(), new_set(10)
    model[2].running_mean:fill(7)
    assert.equal(model, fnet.renew_statistics(model, set, 4))
    local hidden = model[1](set.x):totable()
    for feature = 1, 4 do
      local mean, variance = 0, 0
      for _, rows in ipairs { { 1, 4 }, { 5, 8 }, { 9, 10 } } do
        local count, own, squares = rows[2] - rows[1] + 1, 0, 0
        for i = rows[1], rows[2] do own = own + hidden[i][feature] / count end
        for i = rows[1], rows[2] do squares = squares + (hidden[i][feature] - own) ^ 2 end
        mean, variance = mean + own * count / 10, variance + squares / (count - 1) * count / 10
      end
      assert.near(mean, model[2].running_mean[feature], 1e-5)
      assert.near(variance, model[2].running_var[feature], 1e-5)
    end
  end)

  it("forgets what was before, and changes nothing else", function()
    local one, other, set = new_model(), new_model(), new_set(20)
    other[5].running_var:fill(100)
    other:eval()
    fnet.renew_statistics(one, set)
    fnet.renew_statistics(other, set)
    assert.equal(one:sha256(), other:sha256())
    assert.is_true(one.training)
    assert.is_false(other[2].training)
    assert.equal(0.1, other[2].momentum)
    assert.is_nil(one[1].weight.grad)
    assert.same(new_model()[1].weight:totable(), one[1].weight:totable())
  end)

  it("gives averaged weights the statistics of their own", function()
    local model, set = new_model(), new_set(32)
    local average = fnet.optim.Average(model, { decay = 1 })
    local opt = fnet.optim.SGD(model:parameters(), { lr = 1 })
    for _ = 1, 3 do
      opt:zero_grad()
      nn.mse(model(set.x), set.x:slice(2, 1, 2)):backward()
      opt:step()
      average:update()
    end
    average:swap()
    fnet.renew_statistics(model, set)
    local mean = model[1](set.x):mean(1)
    assert.is_true((mean - model[2].running_mean):abs():max():item() < 1e-5)
  end)

  it("is equal everywhere", function()
    assert.same_everywhere(function()
      local model, set = new_model(), new_set(20)
      return fnet.renew_statistics(model, set, { size = 6, shuffle = true }):sha256()
    end, { 1, 2 })
  end)

  it("leaves the model as it was after an error, and says what is wrong", function()
    local model, raises = new_model(), support.raises
    local before = model:sha256()
    assert.has_error(function() fnet.renew_statistics(model, new_set(5), 4) end) -- a last batch of one row
    assert.equal(before, model:sha256())
    assert.equal(0.1, model[2].momentum)
    fnet.renew_statistics(model, new_set(5), { size = 4, drop_last = true })
    for _, without in ipairs { nn.Dense(3, 2), new_model():freeze() } do
      raises("renew_statistics: the model has no BatchNorm whose statistics move; one that is frozen, or in " ..
        "evaluation mode by eval(), keeps them", function() fnet.renew_statistics(without, new_set(2)) end)
    end
    raises("renew_statistics: expected a model first, got nil", function() fnet.renew_statistics() end)
    raises("renew_statistics: expected a data set, such as the training set, got float32 [2]",
      function() fnet.renew_statistics(model, fnet.zeros { 2 }) end)
    raises("renew_statistics: batch: expected a whole number of at least 1, got 0",
      function() fnet.renew_statistics(model, new_set(2), 0) end)
  end)
end)

--- fnet.fit and a value that is not finite: where it arose, and the weights that are kept.

local fnet = require "fnet"
local support = require "tests.support"
local nn, data = fnet.nn, fnet.data
local line, line_options = support.line, support.line_options

describe("a value that is not finite", function()
  local function message_of(f, ...)
    local ok, message = pcall(f, ...)
    assert.is_false(ok)
    return (message:gsub("^[^:]+:%d+: ", ""))
  end

  it("in a batch is named with its row and its place in the data set, and the model stays as it is", function()
    fnet.seed(1)
    local x = fnet.rand({ 20, 1 }, -1, 1)
    local y = x * 3
    local model = nn.Dense(1, 1)
    local list = line_options(data.Dataset { x = x, y = y }, { batch = { size = 5, shuffle = false } })
    x:set(math.huge, 13, 1)
    assert.equal("fit: epoch 1, step 3: the batch holds a non-finite value: inf in row 3 of 5 of its x (the first "
      .. "such row of the data set's x: 13)", message_of(fnet.fit, model, list))
    x:set(0, 13, 1)
    y:set(0 / 0, 6, 1)
    list.train = data.Dataset { x = x, y = y }
    local before
    list.callbacks = { step = function(run) before = run.model:sha256() end }
    assert.matches("^fit: epoch 1, step 2: the batch holds a non%-finite value: nan in row 1 of 5 of its y %(",
      message_of(fnet.fit, model, list))
    assert.equal(before, model:sha256())
  end)

  it("in a batch leaves no trace in running statistics", function()
    fnet.seed(1)
    local x = fnet.rand({ 20, 2 }, -1, 1)
    for _, row in ipairs { 1, 18 } do
      local model = nn.Sequential { nn.BatchNorm(2), nn.Dense(2, 1) }
      local set = data.Dataset { x = x:clone(), y = fnet.ones { 20, 1 } }
      set.x:set(0 / 0, row, 1)
      assert.matches("the batch holds a non%-finite value: nan",
        message_of(fnet.fit, model, line_options(set, { batch = { size = 5, shuffle = false } })))
      for _, entry in ipairs(model:state()) do
        local sum = entry.tensor:sum():item()
        assert.equal(sum, sum, entry.name)
      end
    end
  end)

  it("stops at once and names epoch, step and the layer whose output overflowed", function()
    fnet.seed(1)
    local model = nn.Sequential { nn.Dense(2, 3), nn.ReLU(), nn.Dense(3, 1) }
    fnet.no_grad(function()
      model[1].weight:fill(1e30)
      model[3].weight:fill(1e30)
    end)
    local before = model:sha256()
    local set = data.Dataset { x = fnet.ones { 8, 2 }, y = fnet.ones { 8, 1 } }
    assert.equal("fit: epoch 1, step 1: the loss is inf; it began in layer 3, Dense(3, 1), whose output is not "
      .. "finite, from finite input and weights of up to 2e+30; the model has the weights again that it "
      .. "began with; a lower learning rate, clipped gradients or scaled data may help",
      message_of(fnet.fit, model, line_options(set)))
    assert.equal(before, model:sha256())
  end)

  it("in the weights leads back to the last good ones and to the gradient", function()
    fnet.seed(1)
    local model = nn.Sequential { nn.Dense(2, 3), nn.Tanh(), nn.Dense(3, 1) }
    local set = data.Dataset { x = fnet.ones { 8, 2 }, y = fnet.ones { 8, 1 } }
    local good
    local message = message_of(fnet.fit, model, line_options(set, { batch = 4, epochs = 2, callbacks = {
      start = function(run) good = run.model:sha256() end,
      epoch_start = function(run)
        if run.epoch == 2 then fnet.no_grad(function() run.model[1].weight:set(0 / 0, 2, 1) end) end
      end } }))
    assert.matches("^fit: epoch 2, step 1: the loss is nan; it began in layer 1, Dense%(2, 3%), whose weight is "
      .. "not finite: an earlier step has made it so; the model has the weights from before step 1 of epoch 1 "
      .. "again, the last ones kept whose loss was finite; ", message)
    assert.equal(good, model:sha256())
  end)

  it("in the gradient of a finite loss is found, and the layer named", function()
    fnet.seed(1)
    -- Finite, with an infinite slope at 0.
    local steep = nn.module "Steep"
    local root = fnet.operation(function(x) return x:sqrt() end, function(dy, y) return dy / (y * 2) end)
    function steep:forward(x) return root(x) end
    local model = nn.Sequential { nn.Dense(1, 2, { bias = false }), steep(), nn.Dense(2, 1) }
    fnet.no_grad(function()
      model[1].weight:fill(1)
      model[3].weight:fill(1)
    end)
    local x = fnet.tensor { { 1 }, { 0 } }
    local set = data.Dataset { x = x, y = x * 2 }
    local message = message_of(fnet.fit, model, line_options(set, { batch = 2, epochs = 2 }))
    assert.matches("^fit: epoch 1, step 1: afterwards the model's 1.weight is not finite; the model has the "
      .. "weights from before step 1 of epoch 1 again", message)
    set = data.Dataset { x = fnet.tensor { { 1 }, { 0 }, { 0 } }, y = fnet.ones { 3, 1 } }
    message = message_of(fnet.fit, model, line_options(set, { batch = { size = 1, shuffle = false } }))
    local layer = "in layer 1, Dense%(1, 2, no bias%)"
    assert.matches("^fit: epoch 1, step 3: the loss is nan; it began " .. layer .. ", whose weight is not finite: "
      .. "an earlier step has made it so %(with the last good weights, " .. layer
      .. ": the gradient of its weight is "
      .. "not finite%); ", message)
    assert.is_true(model[1].weight:get(1, 1) == 1)
  end)

  it("in the loss alone is said to be there", function()
    local set, model = line()
    local list = line_options(set, { loss = function(output) return (output * 0 - 1):log():mean() end })
    assert.matches("^fit: epoch 1, step 1: the loss is nan; it began in the loss itself: what the model gives is "
      .. "finite;", message_of(fnet.fit, model, list))
  end)

  it("is found with the same random numbers, and random layers do not move on", function()
    fnet.seed(9)
    local seen, Noise = {}, nn.module "Noise"
    function Noise:forward(x)
      local noise = fnet.rand { 1 }
      seen[#seen + 1] = noise:item()
      return x + noise
    end
    local model = nn.Sequential { Noise(), nn.Dense(1, 1) }
    fnet.no_grad(function() model[2].weight:fill(3e38) end)
    local set = data.Dataset { x = fnet.ones { 4, 1 } * 2, y = fnet.ones { 4, 1 } }
    assert.matches("it began in layer 2", message_of(fnet.fit, model, line_options(set)))
    assert.same({ 2, seen[1] }, { #seen, seen[2] })
  end)

  it("in the validation ends the training, with the epoch and the row", function()
    fnet.seed(1)
    local set, model = line()
    local x = set.x:clone()
    x:set(0 / 0, 7, 1)
    local epochs = 0
    local list = line_options(set, { epochs = 3, valid = data.Dataset { x = x, y = set.y },
      schedule = fnet.optim.schedule.plateau(), callbacks = { epoch_end = function() epochs = epochs + 1 end } })
    assert.equal("fit: epoch 1, validation: the loss is nan; the batch holds a non-finite value: nan in row 7 of "
      .. "20 of its x (the first such row of the data set's x: 7)", message_of(fnet.fit, model, list))
    list.valid = set
    list.loss = function(output, y) return nn.mse(output, y) * (output.requires_grad and 1 or math.huge) end
    assert.equal("fit: epoch 1, validation: the loss is inf; the data set's x and y are finite, so it began in the "
      .. "model or in the loss", message_of(fnet.fit, model, list))
    assert.equal(0, epochs)
  end)

  it("leaves no wrapped layers behind", function()
    local set, model = line()
    pcall(fnet.fit, model, line_options(set, { loss = function(output) return (output * 0 - 1):log():mean() end }))
    assert.is_nil(rawget(model, "forward"))
  end)
end)

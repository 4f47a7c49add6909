--- Shards: the tree of the sums, what is joined besides gradients, and fit with them.

local fnet = require "fnet"
local command = require "tests.support.command"
local support = require "tests.support"
local nn = fnet.nn
local raises = support.raises

-- Rows and labels of three classes.
local function batch(rows)
  local x = fnet.randn { rows, 6 }
  return x, x:slice(2, 1, 3):argmax(2):int()
end

local function network(...)
  local layers = { nn.Dense(6, 7), nn.Tanh(), ... }
  layers[#layers + 1] = nn.Dense(7, 3)
  return nn.Sequential(layers)
end

-- The gradients of all parameters, which lose them.
local function take(model)
  local gradients = {}
  for i, parameter in ipairs(model:parameters()) do
    gradients[i] = parameter.grad and parameter.grad:clone() or false
    parameter:zero_grad()
  end
  return gradients
end

local function same(a, b)
  for i, t in ipairs(a) do assert.equal(fnet.sha256(t), fnet.sha256(b[i])) end
end

-- The sums in the tree, by hand: the shards first to last of `count`, loss(first row, last row, weight).
local function by_hand(model, rows, count, loss)
  local function tree(first, last)
    local from, to = rows * (first - 1) // count, rows * last // count
    if from == to then return nil end
    if first == last then
      loss(from + 1, to):backward { gradient = fnet.tensor((to - from) / rows) }
      return take(model)
    end
    local middle = (first + last) // 2
    local left, right = tree(first, middle), tree(middle + 1, last)
    if not (left and right) then return left or right end
    for i, t in ipairs(left) do left[i] = t and right[i] and t + right[i] or t or right[i] end
    return left
  end
  return tree(1, count)
end

describe("shards", function()
  before_each(function() fnet.seed(1) end)

  it("add gradients in a tree of pairs, of batches of any size", function()
    local model = network()
    for _, rows in ipairs { 1, 3, 8, 21, 40 } do
      local x, y = batch(rows)
      for _, count in ipairs { 1, 2, 5, 8 } do
        local loss = fnet.shards(model, count):backward(function(a, b)
          assert.equal(#a, #b)
          return nn.cross_entropy(model(a), b)
        end, x, y)
        local got = take(model)
        same(by_hand(model, rows, count, function(first, last)
          return nn.cross_entropy(model(x:slice(1, first, last)), y:slice(1, first, last))
        end), got)
        local whole = nn.cross_entropy(model(x), y)
        assert.near(whole:item(), loss, 1e-5)
        whole:backward()
        for i, t in ipairs(take(model)) do assert.allclose(got[i], t, 1e-4, 1e-6) end
      end
    end
  end)

  it("give the mean of what a function returns, by rows", function()
    local model = network()
    local x, y = batch(10)
    local loss, number, one = fnet.shards(model, 4):backward(function(a, b)
      return nn.cross_entropy(model(a), b), #a, a:mean()
    end, x, y)
    assert.near(nn.cross_entropy(model(x), y):item(), loss, 1e-6)
    assert.equal((2 * 2 + 3 * 3 + 2 * 2 + 3 * 3) / 10, number)
    assert.near(x:mean():item(), one, 1e-6)
  end)

  -- Losses whose means are divided by other things than rows; the last label of a batch is 1, the others vary.
  local WEIGHTED = {
    ignore = function(output, y) return nn.cross_entropy(output, y, { ignore = 2 }) end,
    weights = function(output, y) return nn.cross_entropy(output, y, { weights = { 0.3, 5, 0 } }) end,
    both = function(output, y)
      return nn.cross_entropy(output, y, { ignore = 2, weights = { 0.5, 1, 3 }, smoothing = 0.1 }) * 2
    end,
    sequences = function(output, y)
      local labels = fnet.stack({ y, (y - 1):int() }, 2)
      return nn.cross_entropy(fnet.stack({ output, output * 2 }, 2), labels, { ignore = 0 })
    end,
  }

  it("count by the weights of a loss that is divided by them", function()
    local model = network()
    for _, rows in ipairs { 5, 23 } do
      local x, y = batch(rows)
      for name, loss_of in pairs(WEIGHTED) do
        for _, count in ipairs { 2, 8 } do
          local function step(a, b) return loss_of(model(a), b), #a end
          local loss, figure = fnet.shards(model, count):backward(step, x, y)
          local got = take(model)
          local whole = loss_of(model(x), y)
          whole:backward()
          assert.near(whole:item(), loss, 1e-5, name)
          for i, t in ipairs(take(model)) do assert.allclose(got[i], t, 1e-4, 1e-6, name) end
          local squares = 0
          for shard = 1, count do squares = squares + (rows * shard // count - rows * (shard - 1) // count) ^ 2 end
          assert.near(squares / rows, figure, 1e-9) -- a figure is still the mean over the rows
        end
      end
    end
  end)

  it("add those to gradients that are there, and count by rows where nothing has been left out", function()
    local model = network()
    local x, y = batch(12)
    local shards = fnet.shards(model, 4)
    local function step(loss_of) return shards:backward(function(a, b) return loss_of(model(a), b) end, x, y) end
    step(nn.cross_entropy)
    local plain = take(model)
    local loss = step(function(output, labels) return nn.cross_entropy(output, labels, { ignore = 9 }) end)
    same(plain, take(model))
    step(nn.cross_entropy)
    step(WEIGHTED.ignore)
    local both = take(model)
    step(WEIGHTED.ignore)
    for i, t in ipairs(take(model)) do assert.equal(fnet.sha256(plain[i] + t), fnet.sha256(both[i])) end
    assert.equal(0, step(function(output, labels)
      return nn.cross_entropy(output, (labels * 0 + 7):int(), { ignore = 7 })
    end))
    for _, t in ipairs(take(model)) do assert.equal(0, t:abs():max():item()) end
    assert.near(nn.cross_entropy(model(x), y):item(), loss, 1e-5)
  end)

  it("do not mistake a figure for the loss, and refuse a loss that is divided by two things", function()
    local model = network()
    local x, y = batch(12)
    local function step(f) return fnet.shards(model, 4):backward(f, x, y) end
    step(function(a, b) return nn.cross_entropy(model(a), b) end)
    local plain = take(model)
    step(function(a, b) return nn.cross_entropy(model(a), b), WEIGHTED.ignore(model(a), b) end)
    same(plain, take(model))
    local function two(output, labels)
      return nn.cross_entropy(output, labels, { weights = { 2, 1, 1 } }) +
        nn.cross_entropy(output, labels, { weights = { 2, 2, 2 } })
    end
    y = fnet.tensor({ 1, 2, 2, 1, 2, 2, 1, 2, 2, 1, 2, 2 }, "int32")
    raises("shards: backward: the loss adds means that are divided by different things, by 4 and by 6, and " ..
      "shards cannot count by both; one mean with `ignore` or `weights`, or means over the rows, can be cut",
      function() step(function(a, b) return two(model(a), b) end) end)
  end)

  it("add to gradients that are there, and leave a parameter alone that has none", function()
    local model = network()
    model[1]:freeze()
    local spare = nn.Dense(2, 2)
    model.spare = spare
    local x, y = batch(9)
    local shards = fnet.shards(model, 4)
    local function step() shards:backward(function(a, b) return nn.cross_entropy(model(a), b) end, x, y) end
    step()
    local once = model[3].weight.grad:clone()
    step()
    assert.equal(fnet.sha256(once * 2), fnet.sha256(model[3].weight.grad))
    assert.is_nil(model[1].weight.grad)
    assert.is_nil(spare.weight.grad)
  end)

  it("leave gradients alone where an error ends the step", function()
    local layer, calls = nn.Dense(2, 1), 0
    layer(fnet.ones { 3, 2 }):mean():backward()
    local expected = layer.weight.grad:totable()
    assert.is_false(pcall(function()
      fnet.shards(layer, 2):backward(function(x)
        calls = calls + 1
        return calls == 2 and error "broken" or layer(x):mean()
      end, fnet.ones { 4, 2 })
    end))
    assert.same(expected, layer.weight.grad and layer.weight.grad:totable())
  end)

  it("join a parameter that only some shards use, shared ones, the loss's own, and several inputs", function()
    local Model = nn.module "Model"
    function Model:init() self.a, self.b = nn.Dense(2, 2), nn.Dense(2, 2) end
    function Model:forward(x, extra)
      local y = self.a(self.a(x))
      return x:max():item() > 0 and y + self.b(extra) or y
    end
    local model, scale = Model(), fnet.ones { 1 }
    scale.requires_grad = true
    local x = fnet.tensor { { -1, -2 }, { -3, -1 }, { 1, 2 }, { 3, -1 } }
    fnet.shards(model, 2, { scale, model.a.weight }):backward(function(inputs, y)
      return nn.mse(model(inputs[1], inputs[2]) * scale, y)
    end, { x, x * 2 }, x + 1)
    local got = take(model)
    local scale_gradient = scale.grad:clone()
    scale:zero_grad()
    local expected = by_hand(model, 4, 2, function(first, last)
      local part = x:slice(1, first, last)
      return nn.mse(model(part, part * 2) * scale, part + 1)
    end)
    same(expected, got)
    assert.allclose(scale_gradient, scale.grad)
  end)

  it("take double where a parameter is one", function()
    local model = network():to "float64"
    local x, y = batch(8)
    fnet.shards(model, 4):backward(function(a, b) return nn.cross_entropy(model(a:double()), b) end, x, y)
    local got = take(model)
    nn.cross_entropy(model(x:double()), y):backward()
    for i, t in ipairs(take(model)) do assert.allclose(got[i], t, 1e-12, 1e-14) end
  end)

  it("make of buffers their mean by rows, and of whole numbers what the first shard leaves", function()
    local Count = nn.module "Count"
    function Count:init()
      self:buffer("calls", fnet.tensor({ 5 }, "int32"))
      self:buffer("mask", fnet.tensor { 0, -math.huge, 0.1 })
    end
    function Count:forward(x)
      fnet.no_grad(function() self.calls:copy((self.calls + 1):int()) end)
      return x
    end
    local norm, count = nn.BatchNorm(7), Count()
    local model = network(norm, count)
    local mask = fnet.sha256(count.mask)
    local x, y = batch(11)
    local means, held = {}, norm.running_mean
    fnet.shards(model, 3):backward(function(a, b)
      local loss = nn.cross_entropy(model(a), b)
      means[#means + 1] = norm.running_mean * (#a / 11)
      return loss
    end, x, y)
    assert.allclose(norm.running_mean, means[1] + means[2] + means[3], 1e-6, 1e-7)
    assert.equal(held, norm.running_mean)
    assert.equal(6, count.calls[1])
    assert.equal(mask, fnet.sha256(count.mask))
  end)

  it("draw random numbers by shard, one random call a step", function()
    local model = nn.Sequential { nn.Dropout(0.5), nn.Dense(6, 3) }
    local x, y = batch(12)
    local shards, masks = fnet.shards(model, 4), {}
    local seed, stream = fnet.random_state()
    local function step(order)
      fnet.random_state(seed, stream)
      shards:backward(function(a, b)
        if order then for _ = 1, #masks + 1 do fnet.rand { 3 } end end
        masks[#masks + 1] = fnet.sha256(fnet.rand { 2 })
        return nn.cross_entropy(model(a), b)
      end, x, y)
      local after = { fnet.random_state() }
      assert.same({ seed, stream + 1 }, after)
    end
    step()
    local first = table.concat(masks, " ")
    local different = {}
    for _, mask in ipairs(masks) do assert.is_nil(different[mask]) different[mask] = true end
    masks = {}
    step()
    assert.equal(first, table.concat(masks, " "))
    step(true)
  end)

  it("have the same bits for any threads and instruction set", function()
    assert.same_everywhere(function()
      fnet.seed(2)
      local model = nn.Sequential { nn.Reshape(6, 6, 1), nn.Conv2D(1, 3, 3), nn.BatchNorm(3), nn.ReLU(),
        nn.Flatten(), nn.Dropout(0.3), nn.Dense(48, 3) }
      local opt, shards = fnet.optim.Adam(model:parameters()), fnet.shards(model, 5)
      for _ = 1, 3 do
        local x, y = fnet.randn { 23, 36 }, fnet.rand({ 23 }, 1, 4):int()
        opt:zero_grad()
        shards:backward(function(a, b) return nn.cross_entropy(model(a), b) end, x, y)
        opt:step()
      end
      return model:sha256()
    end, { 1, 3 })
  end)

  it("refuse a forward that puts another tensor in the place of a buffer", function()
    local Mean = nn.module "Mean"
    function Mean:init() self:buffer("mean", fnet.zeros { 3 }) end
    function Mean:forward(x)
      self.mean = fnet.no_grad(function() return self.mean * 0.9 + x:mean(1) * 0.1 end)
      return x - self.mean
    end
    local model = nn.Sequential { nn.Dense(6, 3), Mean() }
    local x, y = batch(4)
    raises("shards: the model's forward has replaced its buffer '2.mean'; write into the tensor that is there, " ..
      "self.x:copy(...), so that each shard begins with the same",
      function() fnet.shards(model, 2):backward(function(a, b) return nn.cross_entropy(model(a), b) end, x, y) end)
  end)

  it("say what is wrong", function()
    local model = network()
    local shards = fnet.shards(model, 2)
    local x, y = batch(4)
    raises("shards: expected a model first, got number", function() fnet.shards(2, model) end)
    raises("shards: count: expected a whole number from 1 to 4096, got 0", function() fnet.shards(model, 0) end)
    raises("shards: parameters: expected a list of tensors, got table",
      function() fnet.shards(model, 2, nn.Dense(1, 1)) end)
    raises("shards: backward: expected a function that returns the loss of a shard, got float32 [4, 6]",
      function() shards:backward(x, y) end)
    raises("shards: backward: argument 2: expected 4 rows, as the first argument has, got int32 [3]",
      function() shards:backward(nn.mse, x, y:slice(1, 1, 3)) end)
    raises("shards: backward: argument 2: expected a tensor of rows or a list of those, got number",
      function() shards:backward(nn.mse, x, 1) end)
    raises("shards: backward: expected at least one row to compute with", function() shards:backward(nn.mse) end)
    raises("shards: backward: expected the function to return a loss, a tensor with one element, got " ..
      "float32 [2, 3]", function() shards:backward(model, x) end)
  end)
end)

describe("fit with shards", function()
  local directory
  setup(function() directory = command.make_directory() end)
  teardown(function() command.remove_directory(directory) end)

  local function macro_f1(output, y) return fnet.metrics.confusion(output, y).macro.f1 end

  -- Trains; a callback ends it after `limit` steps by an error.
  local function fit(more, limit)
    fnet.seed(6)
    local x = fnet.rand { 22, 6 }
    local set = fnet.data.Dataset { x = x, y = x:slice(2, 1, 3):argmax(2):int() }
    local model = network(nn.BatchNorm(7), nn.Dropout(0.2))
    local options = { train = set, loss = nn.cross_entropy, optim = fnet.optim.Adam, epochs = 3, batch = 8,
      shards = 3, metrics = { "accuracy", f1 = { whole = macro_f1 } }, clip = 0.5,
      callbacks = { step = function(run) if run.total_steps == limit then error "stop" end end } }
    for key, value in pairs(more or {}) do options[key] = value end
    local ok, history = pcall(fnet.fit, model, options)
    if limit and ok then error "was not stopped" end
    if not ok and not limit then error(history, 0) end
    return model, ok and history, set
  end

  it("is the loop written out", function()
    local model, history, set = fit()
    local expected = model:sha256()
    fnet.seed(6)
    fnet.rand { 22, 6 }
    model = network(nn.BatchNorm(7), nn.Dropout(0.2))
    local opt, shards, loss, right = fnet.optim.Adam(model:parameters()), fnet.shards(model, 3), 0, 0
    for _ = 1, 3 do
      loss, right = 0, 0
      for x, y in set:batches { size = 8, shuffle = true } do
        opt:zero_grad()
        local mean, correct = shards:backward(function(a, b)
          local output = model(a)
          return nn.cross_entropy(output, b), nn.correct(output, b) / #b
        end, x, y)
        fnet.optim.clip_norm(model:parameters(), 0.5)
        opt:step()
        loss, right = loss + mean * #y, right + correct * #y
      end
    end
    assert.equal(expected, model:sha256())
    assert.near(loss / 22, history[3].loss, 1e-12)
    assert.near(right / 22, history[3].accuracy, 1e-12)
  end)

  it("goes on from a checkpoint after any step, but not with other shards", function()
    local expected = fit():sha256()
    for limit = 1, 4 do
      local place = directory .. "/run" .. limit
      fit({ checkpoint = { place, every = 1 } }, limit)
      assert.equal(expected, fit({ checkpoint = { place, resume = true } }):sha256())
    end
    local ok, message = pcall(fit, { shards = 2, checkpoint = { directory .. "/run1", resume = true } })
    assert.is_false(ok)
    assert.matches("does not fit: fit: the checkpoint was made with shards = 3, got 2", message, 1, true)
  end)

  it("gives a callback the outputs of the whole batch where it asks for them", function()
    local seen = 0
    local _, history = fit { optim = fnet.optim.SGD, epochs = 2, callbacks = {
      { epoch_end = function(run) assert.is_nil(run.output) end },
      { outputs = true, step = function(run)
        seen = seen + 1
        assert.same({ #run.y, 3 }, run.output.shape)
        if seen == 1 then assert.near(run.loss, nn.cross_entropy(run.output, run.y):item(), 1e-6) end
      end },
    } }
    assert.equal(6, seen)
    assert.equal(fit({ epochs = 2, optim = fnet.optim.SGD }):sha256(), fit({ epochs = 2, optim = fnet.optim.SGD,
      callbacks = { outputs = true } }):sha256())
    assert.is_true(history[2].f1 > 0)
    local ok, message = pcall(fit, { callbacks = { step = function(run) return run.output end } })
    assert.is_false(ok)
    assert.matches("run.output: with shards it is kept only on request: callbacks = { outputs = true, step = f }",
      message, 1, true)
    ok, message = pcall(fit, { callbacks = { outputs = 1 } })
    assert.is_false(ok)
    assert.matches("fit: callbacks: outputs: expected true or false, got number", message, 1, true)
  end)

  it("reports a loss with weights over the whole batch", function()
    local function loss(output, y) return nn.cross_entropy(output, y, { weights = { 0.1, 1, 4 } }) end
    local means = {}
    local _, history = fit { loss = loss, epochs = 1, batch = 22, optim = function(parameters)
      return fnet.optim.SGD(parameters, { lr = 0 })
    end, callbacks = { outputs = true, step = function(run)
      means[1], means[2] = run.loss, loss(run.output, run.y):item()
    end } }
    assert.equal(means[1], history[1].loss)
    assert.near(means[2], history[1].loss, 1e-6)
  end)

  it("tells a loss that is not finite", function()
    local ok, message = pcall(fit, { loss = function(output) return (output * math.huge):mean() end })
    assert.is_false(ok)
    assert.matches("fit: epoch 1, step 1: the loss is ", message, 1, true)
  end)

  it("says what is wrong", function()
    local _, message = pcall(fit, { shards = 0 })
    assert.matches("fit: shards: expected a whole number of at least 1, got 0", message, 1, true)
  end)
end)

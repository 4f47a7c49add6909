--- The steps that fnet and PyTorch are compared by, as a user of fnet writes them. peers_steps_torch.py has the
-- same ones under the same names. A step follows from the seed, so the file of its tensors, from which PyTorch
-- starts, has the numbers that fnet starts from.

local fnet = require "fnet"
local nn, optim = fnet.nn, fnet.optim

---@class bench.Step
---@field run fun(): tensor one step: the loss, or the result
---@field tensors table<string, tensor> inputs, and the model's state as it was at the start
---@field watched? tensor whose gradient is compared too

local function with_state(model, tensors)
  for _, entry in ipairs(model:state()) do tensors[entry.name] = entry.tensor end
  return tensors
end

-- The usual step of a training; loss_of gives the loss.
local function training(model, opt, tensors, loss_of)
  return {
    tensors = with_state(model, tensors),
    run = function()
      local loss = loss_of()
      opt:zero_grad()
      loss:backward()
      opt:step()
      return loss
    end,
  }
end

-- A model that is trained towards random targets.
local function regression(model, new_opt, rate, input, output)
  local x, y = fnet.randn(input), fnet.randn(output)
  return training(model, new_opt(model:parameters(), { lr = rate }), { x = x, y = y }, function()
    return nn.mse(model(x), y)
  end)
end

-- The network of examples/fashion_cnn.lua.
local function pictures(rate)
  local function block(inputs, units)
    return nn.Conv2D(inputs, units, 3, { padding = "same", bias = false }), nn.MaxPool2D(2), nn.BatchNorm(units),
      nn.ReLU()
  end
  local layers = {}
  for _, sizes in ipairs { { 1, 32 }, { 32, 64 }, { 64, 128 } } do
    table.move({ block(table.unpack(sizes)) }, 1, 4, #layers + 1, layers)
  end
  table.move({
    nn.Conv2D(128, 128, 3, { padding = "same", bias = false }), nn.BatchNorm(128), nn.ReLU(),
    nn.GlobalAvgPool(), nn.Dropout(rate), nn.Dense(128, 10),
  }, 1, 6, #layers + 1, layers)
  local x, y = fnet.rand { 64, 28, 28, 1 }, fnet.rand({ 64 }, 1, 11):int()
  return nn.Sequential(layers), x, y
end

local steps = {}

function steps.convolutions(checked)
  local model, x, y = pictures(checked and 0 or 0.1) -- no two libraries drop the same elements
  local weights, others = {}, {}
  for _, parameter in ipairs(model:parameters()) do
    table.insert(parameter.rank > 1 and weights or others, parameter)
  end
  local groups = { { parameters = weights }, { parameters = others, weight_decay = 0 } }
  return training(model, optim.AdamW(groups, { lr = 1e-3, weight_decay = 0.02 }), { x = x, y = y }, function()
    return nn.cross_entropy(model(x), y, { smoothing = 0.1 })
  end)
end

function steps.convolutions_predict()
  local model, x = pictures(0.1)
  model:eval()
  return { tensors = with_state(model, { x = x }), run = function() return fnet.no_grad(model, x) end }
end

function steps.wide()
  local model = nn.Sequential {
    nn.Dense(1024, 4096), nn.ReLU(), nn.Dense(4096, 4096), nn.ReLU(), nn.Dense(4096, 1024),
  }
  return regression(model, optim.Adam, 1e-4, { 256, 1024 }, { 256, 1024 })
end

function steps.elementwise()
  local x = fnet.randn { 1000000 }
  x.requires_grad = true
  return {
    tensors = { x = x }, watched = x,
    run = function()
      x.grad = nil
      local y = ((x:tanh() * x:sigmoid() + x / 2):exp() - 1):mean()
      y:backward()
      return y
    end,
  }
end

function steps.gelu()
  local model = nn.Sequential { nn.Dense(256, 1024), nn.GELU(), nn.Dense(1024, 256), nn.LayerNorm(256) }
  return regression(model, optim.AdamW, 1e-3, { 512, 256 }, { 512, 256 })
end

function steps.softmax()
  local x, weights = fnet.randn { 4096, 1000 }, fnet.randn { 4096, 1000 }
  x.requires_grad = true
  return {
    tensors = { x = x, weights = weights }, watched = x,
    run = function()
      x.grad = nil
      local y = (x:softmax() * weights):sum()
      y:backward()
      return y
    end,
  }
end

-- The cell of examples/char_rnn.lua, and its loop.
local Letters = nn.module "Letters"

function Letters:init(count, inputs, units)
  self.units = units
  self.embedding = nn.Embedding(count, inputs)
  self.from_input = nn.Dense(inputs, 4 * units)
  self.from_state = nn.Dense(units, 4 * units, { bias = false, init = "orthogonal" })
  self.output = nn.Dense(units, count)
end

function Letters:cell(x, h, c)
  local input, forget, new, show = (self.from_input(x) + self.from_state(h)):chunk(4, 2)
  c = (forget + 1):sigmoid() * c + input:sigmoid() * new:tanh()
  return show:sigmoid() * c:tanh(), c
end

function Letters:forward(x)
  local h, logits = fnet.zeros { x.shape[1], self.units }, {}
  local c = h
  for t = 1, x.shape[2] do
    h, c = self:cell(self.embedding(x:select(2, t)), h, c)
    logits[t] = self.output(h)
  end
  return fnet.concat(logits)
end

function steps.lstm()
  local model = Letters(64, 32, 128)
  local x, y = fnet.rand({ 16, 32 }, 1, 65):int(), fnet.rand({ 32 * 16 }, 1, 65):int()
  return training(model, optim.Adam(model:parameters(), { lr = 1e-3 }), { x = x, y = y }, function()
    return nn.cross_entropy(model(x), y)
  end)
end

-- The same network by the layer that has all steps in one operation.
function steps.lstm_layer()
  local model = nn.Sequential { nn.Embedding(64, 32), nn.LSTM(32, 128), nn.Dense(128, 64) }
  local x, y = fnet.rand({ 16, 32 }, 1, 65):int(), fnet.rand({ 16, 32 }, 1, 65):int():flatten()
  return training(model, optim.Adam(model:parameters(), { lr = 1e-3 }), { x = x, y = y }, function()
    return nn.cross_entropy(model(x), y)
  end)
end

function steps.lstm_large()
  return regression(nn.LSTM(256, 256), optim.Adam, 1e-3, { 64, 100, 256 }, { 64, 100, 256 })
end

-- The attention of examples/attention.lua.
local Attention = nn.module "Attention"

function Attention:init(units, heads)
  self.heads = heads
  self.asked, self.told = nn.Dense(units, 3 * units), nn.Dense(units, units)
end

local function part(t, heads)
  local batch, length, units = table.unpack(t.shape)
  return t:reshape { batch, length, heads, units // heads }:transpose(2, 3)
    :reshape { batch * heads, length, units // heads }
end

local function join(t, heads)
  local rows, length, size = table.unpack(t.shape)
  return t:reshape { rows // heads, heads, length, size }:transpose(2, 3)
    :reshape { rows // heads, length, heads * size }
end

function Attention:forward(x)
  local query, key, value = self.asked(x):chunk(3, 3)
  query, key, value = part(query, self.heads), part(key, self.heads), part(value, self.heads)
  local weights = (query:matmul(key:T()) / math.sqrt(query.shape[3])):softmax()
  return self.told(join(weights:matmul(value), self.heads))
end

function Attention:output_shape(input) return input end

function steps.attention()
  local model = nn.Sequential {
    nn.Residual { nn.LayerNorm(128), Attention(128, 4) },
    nn.Residual { nn.LayerNorm(128), nn.Dense(128, 512, { activation = "gelu" }), nn.Dense(512, 128) },
  }
  return regression(model, optim.AdamW, 1e-3, { 16, 64, 128 }, { 16, 64, 128 })
end

function steps.embedding()
  local model = nn.Embedding(50000, 64)
  local x, y = fnet.rand({ 1024 }, 1, 50001):int(), fnet.randn { 1024, 64 }
  return training(model, optim.SGD(model:parameters(), { lr = 0.1 }), { x = x, y = y }, function()
    return nn.mse(model(x), y)
  end)
end

function steps.tiny()
  local model = nn.Sequential { nn.Dense(4, 8), nn.ReLU(), nn.Dense(8, 4) }
  return regression(model, optim.Adam, 1e-3, { 16, 4 }, { 16, 4 })
end

-- An operation without gradients on random tensors.
local function operation(shapes, run)
  local tensors, list = {}, {}
  for i, shape in ipairs(shapes) do
    list[i] = fnet.randn(shape)
    tensors["x" .. i] = list[i]
  end
  return { tensors = tensors, run = function() return run(table.unpack(list)) end }
end

function steps.sum_last() return operation({ { 4096, 1000 } }, function(x) return x:sum(2) end) end

function steps.sum_first() return operation({ { 4096, 1000 } }, function(x) return x:sum(1) end) end

function steps.concat()
  return operation({ { 4096, 500 }, { 4096, 500 } }, function(x, y) return fnet.concat({ x, y }, 2) end)
end

function steps.transposed() return operation({ { 2048, 2048 } }, function(x) return x + x:T() end) end

---@type table<string, fun(checked: boolean): bench.Step> checked: nothing random in the step itself
return steps

--- Models of a script's own classes as ONNX, with several inputs and results: read again by fnet, run by
-- onnxruntime where Python has it, and what cannot be exported.

local fnet = require "fnet"
local command = require "tests.support.command"
local support = require "tests.support"
local nn = fnet.nn

local directory, checks
setup(function()
  directory = command.make_directory()
  checks = require "tests.support.onnxruntime"(directory)
end)
teardown(function() command.remove_directory(directory) end)

-- A picture and a row: two results in a list.
local Two = nn.module "Two"
function Two:init()
  self.conv = nn.Conv2D(1, 4, 3, { activation = "relu" })
  self.row = nn.Sequential { nn.Dense(5, 6), nn.Tanh(), nn.Dropout(0.5) }
  self.mix = nn.Dense(10, 7)
  self.scale = fnet.full({ 7 }, 2)
  self.scale.requires_grad = true
end
function Two:forward(picture, row)
  local h = fnet.concat({ self.conv(picture):mean { 2, 3 }, self.row(row) }, 2)
  h = self.mix(h) * self.scale + 1
  return { h:softmax(), h:slice(2, 1, 3):tanh() - h:select(2, 4):unsqueeze(2) }
end

-- A table by name, with indices in it.
local Named = nn.module "Named"
function Named:init()
  self.two, self.embedding = Two(), nn.Embedding(9, 5)
  self.lstm = nn.LSTM(5, 5, { last = true })
end
function Named:forward(x)
  local y = self.two(x.picture, self.lstm(self.embedding(x.tokens)))
  return { class = y[1], extra = y[2]:reshape({ -1, 3, 1 }):transpose(2, 3) }
end

local Own = nn.module "Own"
function Own:init(f) self.f, self.dense = f, nn.Dense(3, 4) end
function Own:forward(x) return self.f(self.dense(x)) end

local function names_of(values)
  local names = {}
  for i, value in ipairs(values) do names[i] = value.name end
  return names
end

local function refuses(pattern, f, input)
  local ok, message = pcall(function()
    return Own(f):export_onnx(directory .. "/no.onnx", { input = input or { 3 } })
  end)
  assert.is_false(ok)
  assert.matches(pattern, message, 1, true)
end

describe("a class of a script's own as ONNX", function()
  local model, picture, row
  setup(function()
    fnet.seed(1)
    model = Two():eval()
    picture, row = fnet.randn { 5, 8, 8, 1 }, fnet.randn { 5, 5 }
  end)

  it("takes and gives lists of tensors, of shapes or of samples", function()
    local graph = checks:add(model, { picture, row }, model(picture, row), { input = { { 8, 8, 1 }, { 5 } } })
    assert.same({ "input1", "input2" }, names_of(graph.inputs))
    assert.same({ "output1", "output2" }, names_of(graph.outputs))
    assert.is_true(model:export_onnx(directory .. "/again.onnx", { input = { picture, row } }))
    assert.equal(command.read_file(directory .. "/model1.onnx"), command.read_file(directory .. "/again.onnx"))
  end)

  it("takes and gives tensors by name, indices too", function()
    local named, tokens = Named():eval(), (fnet.rand { 5, 6 } * 9 + 1):int()
    local y = named { picture = picture, tokens = tokens }
    local graph = checks:add(named, { picture, tokens }, { y.class, y.extra },
      { input = { picture = { 8, 8, 1 }, tokens = tokens } })
    assert.same({ "picture", "tokens" }, names_of(graph.inputs))
    assert.same({ "class", "extra" }, names_of(graph.outputs))
  end)

  it("may stand inside other models, as may functions", function()
    local inner = nn.Sequential { nn.Dense(3, 3), Own(function(y) return y * y / 2 - y:max(2, true) end),
      nn.Lambda(function(y) return (y ^ 2):sum(2, true):expand { #y, 3 } end) }
    local x = fnet.randn { 4, 3 }
    checks:add(inner, { x }, { inner(x) }, { input = { 3 } })
    local shapes = Own(function(y)
      return y:reshape({ -1, 2 }):neg():reshape({ -1, 4 }):flatten(2):leaky_relu(0.2):gelu():silu()
    end)
    checks:add(shapes, { x }, { shapes(x) }, { input = { 3 } })
  end)

  it("takes whole numbers through operations, and gives them", function()
    local Classifier = nn.module "Classifier"
    function Classifier:init() self.embedding = nn.Embedding(5, 3) end
    function Classifier:forward(tokens)
      local h = self.embedding((tokens + 1):clamp(1, 5):int())
      local y = fnet.where(tokens:ne(2):unsqueeze(3), h, 0):sum(2)
      return { class = y:argmax(2), y = fnet.no_grad(function() return y * 2 - y end) }
    end
    local classifier, tokens = Classifier(), (fnet.rand { 6, 4 } * 4 + 1):int()
    local expected = classifier(tokens)
    local graph = checks:add(classifier, { tokens }, { expected.class, expected.y }, { input = tokens })
    assert.same({ "int32", "float32" }, { graph.outputs[1].dtype, graph.outputs[2].dtype })
  end)

  it("has what depends on no sample as a constant, whatever its lengths", function()
    local w, v, x = fnet.randn { 2, 6 }, fnet.randn { 7, 1 }, fnet.randn { 4, 3 }
    w.requires_grad, v.requires_grad = true, true
    local weights = Own(function(y)
      local columns = v:expand { 7, 11 } -- which are batches of the exporter's too
      return y:matmul(w:reshape { 3, 4 }:transpose() / w:norm()):matmul(columns:slice(1, 2, 4):tril())
    end)
    checks:add(weights, { x }, { weights(x) }, { input = { 3 } })
    refuses("computes otherwise for other samples", function(y) return y * (y:detach():sum():item() * w:norm()) end)
  end)

  it("repeats for each sample what the number of samples alone says of it", function()
    local Cell = nn.module "Cell"
    function Cell:init()
      self.token, self.dense = fnet.randn { 1, 1, 3 }, nn.Dense(7, 4)
      self.token.requires_grad = true
    end
    function Cell:forward(x)
      local h = fnet.zeros { #x, 4 }
      x = fnet.concat({ self.token:expand { #x, 1, 3 }, x }, 2)
      for i = 1, x.shape[2] do h = self.dense(fnet.concat({ x:select(2, i), h }, 2)):tanh() end
      return h + fnet.full({ #x }, 2, "int32"):unsqueeze(2)
    end
    local cell, x = Cell(), fnet.randn { 4, 5, 3 }
    checks:add(cell, { x }, { fnet.no_grad(cell, x) }, { input = { 5, 3 } })
    checks:add(cell, { x[1]:unsqueeze(1) }, { fnet.no_grad(cell, x[1]:unsqueeze(1)) }, { input = { 5, 3 } })
    refuses("computes otherwise for other samples", function(y)
      return y + fnet.arange(1, #y):unsqueeze(2)
    end)
  end)

  it("includes masks of attention, what no_grad does, and operations of the script's own", function()
    local Masked = nn.module "Masked"
    function Masked:init()
      self.embedding, self.layer = nn.Embedding(5, 4), nn.TransformerLayer(4, 2)
      self.attention = nn.MultiHeadAttention(4, 1)
    end
    local double = fnet.operation(function(x) return x * 2 end, function(dy) return dy * 2 end)
    function Masked:forward(tokens)
      local mask = tokens:ne(1):unsqueeze(2)
      local h = self.layer(self.embedding(tokens), mask)
      return double((self.attention(h, nil, nil, mask)))
    end
    local masked, tokens = Masked():eval(), fnet.tensor({ { 2, 3, 1, 1 }, { 5, 4, 3, 2 }, { 4, 1, 1, 1 } }, "int32")
    checks:add(masked, { tokens }, { fnet.no_grad(masked, tokens) }, { input = tokens })
  end)

  it("includes attention to what comes from elsewhere", function()
    local attention = nn.MultiHeadAttention(4, 2):eval()
    local query, key = fnet.randn { 3, 5, 4 }, fnet.randn { 3, 6, 4 }
    checks:add(attention, { query, key }, { (attention(query, key)) }, { input = { { 5, 4 }, { 6, 4 } } })
  end)

  it("gives the same in onnxruntime", function()
    local reason = checks:run()
    if reason then pending(reason) end
  end)

  it("leaves the random numbers, the mode, the gradients and the functions of tensors as they are", function()
    local core = require "fnet.core"
    local gt, add, where = core.methods.gt, core.metatable.__add, core.where
    pcall(function() Own(error):export_onnx(directory .. "/no.onnx", { input = { 3 } }) end)
    model:train()
    fnet.seed(7)
    local expected = fnet.rand { 3 }
    fnet.seed(7)
    assert.is_true(model:export_onnx(directory .. "/model.onnx", { input = { { 8, 8, 1 }, { 5 } } }))
    assert.is_true(expected:equal(fnet.rand { 3 }))
    assert.is_true(model.training and model.conv.training)
    assert.is_nil(model.scale.grad)
    assert.is_true(gt == core.methods.gt and add == core.metatable.__add and where == core.where)
    model:eval()
  end)

  it("may have thousands of operations", function()
    local long = Own(function(y)
      for _ = 1, 3000 do y = y + 1 end
      return y
    end)
    assert.is_true(long:export_onnx(directory .. "/long.onnx", { input = { 3 } }))
  end)

  it("is refused where it does what no graph can", function()
    local otherwise = "export_onnx: Own() computes otherwise for other samples, or another number of them"
    refuses(otherwise, function(y) return y / #y end)
    refuses(otherwise, function(y) return y * y:max():item() end)
    refuses(otherwise, function(y) return y + y:masked_select(y:gt(0)):mean() end)
    refuses("export_onnx: Own() computes [7, 4] with 'atan2', which cannot be exported; what can: abs, ",
      function(y) return y:atan2(y) end)
    local in_place = "export_onnx: a tensor is changed in place with what depends on the samples, which cannot be "
      .. "exported; fnet.where and fnet.concat make a new one"
    refuses(in_place, function(y)
      local mask = y:gt(0)
      fnet.no_grad(mask.fill, mask, 3)
      return y * mask
    end)
    refuses(in_place, function(y)
      local all = fnet.zeros(y.shape)
      all[1] = y:detach()[1]
      return y + all
    end)
    refuses(in_place, function(y) return fnet.zeros(y.shape):copy(y:detach()) end)
    refuses("export_onnx: ONNX has no running product; of numbers above 0 it is x:log():cumsum(axis):exp()",
      function(y) return y:cumprod(2) end)
    refuses("result 'output': expected float32 or int32 [batch, ...], got a float32 tensor of []",
      function(y) return y:sum() end)
    refuses("what is repeated for each sample cannot be exported", function(y) return y + fnet.concat({
      y:slice(1, 1, 1):expand { #y, 4 } }, 1) end)
    refuses("export_onnx: Own(): expected a tensor, or a table of them, from it, got number",
      function() return 3 end)
    refuses("export_onnx: input 1 2: expected a whole number from 1", function(y) return y end, { { 3, 0 } })
    support.raises("export_onnx: this model does not say what a sample is; do, as input = "
      .. "{ 28, 28, 1 } or, of several, { { 28, 28, 1 }, { 5 } }, or with tensors of samples",
      function() Own(print):export_onnx(directory .. "/no.onnx") end)
    local function both(x) return x.a * 2 end
    local ByName = nn.module "ByName"
    function ByName:init() self.f = both end
    function ByName:forward(x) return self.f(x) end
    support.raises("export_onnx: ByName() makes nothing of the input 'b' that can be exported",
      function() ByName():export_onnx(directory .. "/no.onnx", { input = { a = { 3 }, b = { 3 } } }) end)
    support.raises("Own(): its forward takes 1 of the 2 inputs that the samples have; write one that takes each, "
      .. "function Model:forward(a, b), or give samples in one tensor",
      function() Own(both):export_onnx(directory .. "/no.onnx", { input = { { 3 }, { 3 } } }) end)
    local others = "expected a list without gaps, or a table by name, got one with a gap or other keys"
    refuses("export_onnx: input: " .. others, print, { { 3 }, nil, { 3 } })
    refuses("export_onnx: input: " .. others, print, { [1 << 40] = { 3 } })
    refuses("export_onnx: input 2: expected a whole number from 1 to 2147483648, got nil", print, { 3, nil, 3 })
    refuses("export_onnx: input: " .. others, print, { { 3 }, a = { 3 } })
    refuses("export_onnx: input: " .. others, print, { a = { 3 }, [0] = { 3 } })
    refuses("export_onnx: Own(): " .. others, function(y) return { y, nil, y } end)
    refuses("export_onnx: Own(): result 'output2': expected a tensor, got number", function(y) return { y, 3 } end)
    refuses("export_onnx: Own(): " .. others, function(y) return { y, a = y } end)
    refuses("export_onnx: Own(): expected a tensor, or a table of them, from it, got an empty table",
      function() return {} end)
    support.raises("export_onnx: input: expected the lengths of a sample, or a table of them, got an empty table",
      function() Own(print):export_onnx(directory .. "/no.onnx", { input = {} }) end)
    support.raises("export_onnx: input 'a': expected the lengths of a sample, or a tensor of samples, got string",
      function() Own(print):export_onnx(directory .. "/no.onnx", { input = { a = "b" } }) end)
  end)
end)

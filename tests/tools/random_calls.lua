--- Calls every public function and method with arguments that nobody would choose, and says which of them answer
--- with an error of the library's own insides instead of one that names what was expected, or do not end.
--- fnet tests/tools/random_calls.lua SEED COUNT, in an empty directory: files may be written.

local seed, count = tonumber(arg[1]), tonumber(arg[2])
local core = require "fnet.core"
local fnet = require "fnet"
local naming = require "fnet.base.naming"
require("fnet.base.later").load()
local nn, data, optim = fnet.nn, fnet.data, fnet.optim

-- A generator of its own: one of the functions starts that of Lua anew. 1 to n, or low to high.
local state = seed
local function random(low, high)
  if not high then low, high = 1, low end
  state = state * 6364136223846793005 + 1442695040888963407 -- Knuth's
  return low + (state >> 33) % (high - low + 1)
end
local function one_of(list) return list[random(#list)] end

-- ---- what is called ----

local functions = {} -- { name = how a script writes it, f = }

-- What may end the program, or make files anywhere.
local LEFT_OUT = { ["fnet.options"] = true, ["fnet.report.events"] = true }

local function is_callable(value)
  local class = type(value) == "table" and getmetatable(value)
  return type(value) == "function" or type(class) == "table" and class.__call ~= nil
end

local function collect(path, space)
  for _, name in ipairs(naming.sorted(space)) do
    local value, full = rawget(space, name), path .. "." .. name
    local is_space = type(value) == "table" and getmetatable(value) and getmetatable(value).__space
    if is_space then collect(full, value)
    elseif is_callable(value) and not LEFT_OUT[full] then
      functions[#functions + 1] = { name = full, f = value }
    end
  end
end
collect("fnet", fnet)

local methods = naming.sorted(core.methods)
local public = {} -- the names of the methods that help knows
for name, topic in pairs(require("fnet.command.topics").index().topics) do
  if topic.kind == "function" then public[name:match "[^.]+$"] = true end
end

-- The public methods of an object.
local function methods_of(object)
  local found, class = {}, getmetatable(object)
  for _ = 1, 3 do
    for name, f in next, type(class) == "table" and class or {} do
      if public[name] and type(f) == "function" then found[name] = f end
    end
    class = type(class) == "table" and rawget(getmetatable(class) or {}, "__index")
  end
  return found
end

-- ---- what they are called with ----

-- No length between what any machine has and what none has.
local NUMBERS = {
  0, 1, -1, 2, 3, 7, 64, 4.0, 0.5, -0.0, -2.5, 1e300, 1e-300, 0 / 0, 1 / 0, -1 / 0, 1 << 60, math.maxinteger,
  math.mininteger,
}
local TEXTS = {
  "", "x", "a\0b", "missing/file", "%s%d%n", ("y"):rep(300), "\xff\xfe", "1", "nan", "/", "float32", "int32",
  "mean", "none", "same", "min", "valid_loss", "accuracy", "he_normal", "weight", "pytorch",
}
local SHAPES = {
  {}, { 0 }, { 1 }, { 3 }, { 2, 3 }, { 0, 4 }, { 4, 0 }, { 10, 2 }, { 2, 4, 4 }, { 4, 4, 1 }, { 2, 5, 5, 3 },
  { 1, 1, 1, 1, 1, 1, 1, 1 },
}
local TYPES = { "float32", "float64", "uint8", "int32" }

local function identity(...) return ... end

local function tensor()
  local t = fnet.full(one_of(SHAPES), random(0, 3), one_of(TYPES))
  if t.dtype:find "float" and random(5) == 1 then t.requires_grad = true end
  if t.dtype:find "float" and random(8) == 1 then t = t + 0 / 0 end
  if t.rank == 2 and random(10) == 1 then t = t:T() end
  if random(40) == 1 then t:release() end
  return t
end

local Own = nn.module "Own"
function Own:init() self.dense, self.list = nn.Dense(3, 3), { nn.ReLU() } end
function Own:forward(x) return self.dense(x) end

local MODULES = {
  function() return nn.Sequential { nn.Dense(3, 2), nn.Softmax() } end,
  function() return nn.Sequential { nn.Conv2D(3, 2, 3), nn.MaxPool2D(2), nn.Flatten() } end,
  function() return nn.Parallel { nn.Dense(3, 2), nn.Dense(3, 2) } end,
  function() return nn.Residual { nn.ReLU() } end,
  function() return nn.List { nn.Dense(3, 3) } end,
  function() return nn.Lambda(identity) end,
  function() return nn.Dense(3, 2) end,
  function() return nn.BatchNorm(3) end,
  function() return nn.LayerNorm(3) end,
  function() return nn.Embedding(4, 3) end,
  function() return nn.Dropout(0.5) end,
  function() return nn.Flatten() end,
  function() return nn.Reshape(3, 1) end,
  Own,
}
local SETS = {
  function() return { x = fnet.zeros { 3, 0 }, y = fnet.zeros { 3 } } end,
  function() return { x = fnet.zeros { 0, 3 }, y = fnet.zeros({ 0 }, "int32") } end,
  function() return { x = fnet.rand { 6, 3 }, y = fnet.full({ 6 }, 1, "int32"), classes = { "a", "b" } } end,
  function() return { x = fnet.zeros({ 6, 4, 4 }, "uint8"), y = fnet.zeros { 6, 1 }, scale = 1 / 255 } end,
}
local OBJECTS = {
  function() return one_of(MODULES)() end, function() return data.Dataset(one_of(SETS)()) end,
  function() return optim[one_of { "Adam", "SGD", "Lion", "Muon", "RMSprop" }](nn.Dense(3, 2):parameters()) end,
  function() return optim.Average(nn.Dense(3, 2)) end, function() return optim.schedule.plateau() end,
  function() return fnet.checkpoint(nil, { model = nn.Dense(3, 2) }) end,
  function() return data.Dataset(SETS[4]()):with({ transform = data.random_shift(1) }).transform end,
}

local known = {} -- by function: the names of its options, as its errors list them
local value

-- A table as no function asks for one, or with some of the options that the function knows.
local function odd_table(options, depth)
  local kind, t = random(8), {}
  if options and random(4) > 1 then
    for _ = 1, random(3) do t[one_of(options)] = value(nil, depth) end
  elseif kind == 1 then t = setmetatable(t, { __index = function(_, key) return key end })
  elseif kind == 2 then t = setmetatable(t, { __call = identity })
  elseif kind == 3 then t[1], t.self = t, t
  elseif kind == 4 then t[random(3)], t[0], t[2.5] = value(nil, depth), 1, 2
  elseif kind == 5 then for i = 1, random(4) do t[i] = random(-2, 5) end
  elseif kind == 6 then for i = 1, random(3) do t[i] = tensor() end
  elseif kind == 7 then for i = 1, random(3) do t[i] = value(nil, depth) end end
  return t
end

function value(options, depth)
  local kind = random(depth > 3 and 7 or 14)
  if kind == 1 then return nil
  elseif kind <= 3 then return one_of(NUMBERS)
  elseif kind == 4 then return one_of(TEXTS)
  elseif kind == 5 then return random(2) == 1
  elseif kind <= 8 then return tensor()
  elseif kind <= 10 then return odd_table(options, depth + 1)
  elseif kind == 11 then return one_of { identity, one_of(functions).f, coroutine.create(identity), io.stdout }
  elseif kind == 12 then return one_of { fnet, nn, nn.Dense, fnet.metrics }
  else return one_of(OBJECTS)() end
end

-- A function or a method, its name, and the object where it is a method.
local function choose()
  local kind = random(3)
  if kind == 1 then
    local chosen = one_of(functions)
    return chosen.name, chosen.f
  elseif kind == 2 then
    local name = one_of(methods)
    return "t:" .. name, core.methods[name], tensor()
  end
  local object = one_of(OBJECTS)()
  local found = methods_of(object)
  local name = one_of(naming.sorted(found))
  return ("%s:%s"):format(tostring(object):match "^%w*", name), found[name], object
end

local function labels() return fnet.tensor({ 1, 2, 2 }, "int32") end

-- The arguments of calls that are right, one of which, or of their options, is replaced.
local SOUND = {
  ["fnet.zeros"] = function() return { 2, 3 }, "int32" end,
  ["fnet.tensor"] = function() return { { 1, 2 }, { 3, 4 } } end,
  ["fnet.arange"] = function() return 1, 5, 2, "float64" end,
  ["fnet.rand"] = function() return { 2 }, 0, 1 end,
  ["fnet.stack"] = function() return { fnet.ones { 2 }, fnet.ones { 2 } }, 1 end,
  ["fnet.where"] = function() return fnet.ones { 2 }, fnet.ones { 2 }, 3 end,
  ["fnet.check"] = function() return MODULES[1](), fnet.rand { 2, 3 }, { batch = 2, gradients = false } end,
  ["fnet.fit"] = function()
    local model = MODULES[1]()
    return model, { train = data.Dataset(SETS[3]()), valid = data.Dataset(SETS[3]()), loss = nn.cross_entropy,
      optim = optim.Adam(model:parameters()), epochs = 1, batch = { size = 2 }, metrics = { "accuracy" }, clip = 1,
      callbacks = { step = identity }, early_stopping = { patience = 1 }, seed = 1,
      schedule = optim.schedule.cosine { steps = 2 } }
  end,
  ["fnet.sweep"] = function() return { seeds = 1, lr = { 1, 2 }, run = function() return 1 end } end,
  ["fnet.evaluate"] = function()
    return MODULES[1](), data.Dataset(SETS[3]()), { loss = nn.cross_entropy, metrics = { "accuracy" }, size = 2 }
  end,
  ["fnet.predict_classes"] = function()
    return MODULES[1](), fnet.rand { 2, 3 }, { classes = { "a", "b" }, size = 1 }
  end,
  ["fnet.write_tensors"] = function() return "missing/x", { a = fnet.ones { 2 } }, { about = "x" } end,
  ["fnet.checkpoint"] = function()
    local model = MODULES[1]()
    return nil, { model = model, optim = optim.SGD(model:parameters()), parts = { other = nn.Dense(2, 2) },
      every = 2 }
  end,
  ["fnet.nn.Dense"] = function() return 3, 2, { bias = true, init = "zeros", activation = "relu" } end,
  ["fnet.nn.Conv2D"] = function() return 3, 2, { 3, 3 }, { stride = { 2, 1 }, padding = "same", bias = true } end,
  ["fnet.nn.MaxPool2D"] = function() return { 2, 2 }, { stride = 1, padding = { 0, 1 } } end,
  ["fnet.nn.Sequential"] = function() return { nn.Dense(3, 2), nn.ReLU() } end,
  ["fnet.nn.Reshape"] = function() return 2, 3, 1 end,
  ["fnet.nn.BatchNorm"] = function() return 3, { epsilon = 1 } end,
  ["fnet.nn.cross_entropy"] = function()
    return fnet.rand { 3, 2 }, labels(), { smoothing = 0.1, weights = { 1, 2 }, reduction = "mean" }
  end,
  ["fnet.nn.mse"] = function() return fnet.rand { 3 }, fnet.rand { 3 } end,
  ["fnet.optim.Adam"] = function()
    return { { parameters = nn.Dense(2, 2):parameters(), lr = 1 } }, { lr = 1, weight_decay = 0, beta1 = 0.5 }
  end,
  ["fnet.optim.clip_norm"] = function() return nn.Dense(2, 2):parameters(), 1 end,
  ["fnet.optim.schedule.warm_up"] = function() return { steps = 2, after = optim.schedule.plateau() } end,
  ["fnet.data.Dataset"] = function() return one_of(SETS)() end,
  ["fnet.data.read_csv"] = function()
    return "missing/x", { target = "y", columns = { "a" }, missing = "drop", separator = ";", one_hot = { "b" } }
  end,
  ["fnet.data.read_images"] = function() return "missing/x", { size = { 2, 2 }, classes = { "a" } } end,
  ["fnet.data.standardise"] = function() return data.Dataset(SETS[3]()), data.Dataset(SETS[3]()) end,
  ["fnet.data.normalise"] = function() return { mean = { 1, 2 }, deviation = { 1, 2 } } end,
  ["fnet.data.random_erasing"] = function()
    return { probability = 1, area = { 0.1, 0.2 }, aspect = { 1, 2 } }
  end,
  ["fnet.data.write_npz"] = function() return "missing/x", { a = fnet.ones { 2 } }, { compress = true } end,
  ["fnet.data.resize"] = function() return fnet.zeros({ 4, 4, 3 }, "uint8"), 2, 2 end,
  ["fnet.metrics.confusion"] = function() return fnet.rand { 3, 2 }, labels(), { "a", "b" } end,
  ["fnet.metrics.top_k"] = function() return 2 end,
  ["fnet.metrics.mistakes"] = function() return MODULES[1](), data.Dataset(SETS[3]()), 2, { size = 2 } end,
  ["fnet.report.confusion"] = function() return fnet.metrics.confusion(fnet.rand { 3, 2 }, labels()) end,
  ["fnet.report.json"] = function() return { { "a", 1 } } end,
  ["fnet.report.matrix"] = function()
    return fnet.randn { 2, 3 }, { rows = { "a", "b" }, columns = { "a", "b", "c" }, low = -1, high = 2 }
  end,
  ["fnet.report.mistakes"] = function()
    return MODULES[1](), data.Dataset(SETS[3]()), 2, { shape = { 3, 1 }, classes = { "a", "b" }, columns = 1 }
  end,
  ["fnet.report.pictures"] = function()
    return { fnet.rand { 2, 2 }, fnet.rand { 3, 1, 3 } }, { captions = { "a", "b c" }, columns = 2 }
  end,
  ["fnet.report.weights"] = function()
    return nn.Sequential { nn.Flatten(), nn.Dense(4, 3) }, { shape = { 2, 2 }, count = 2, columns = 2 }
  end,
  ["fnet.report.distribution"] = function() return { "a", "b" }, fnet.rand { 2 } end,
  ["fnet.report.sweep"] = function()
    local sweep = { runs = 1, total = 2, names = { "lr" }, text = tostring }
    return sweep, { settings = { lr = 1 }, failures = {} }, 1, 2
  end,
}

-- Replaces something in a list of values.
local function spoil(t, length, options)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  local key = #keys > 0 and random(5) > 1 and one_of(keys) or random(length + 1)
  local inner = t[key]
  local is_plain = type(inner) == "table" and not getmetatable(inner)
  if is_plain and random(3) > 1 then return spoil(inner, #inner, options) end
  t[key] = value(options, 1)
end

-- ---- what they answer ----

local INSIDES = {
  "lua/fnet/", "bad argument #", "attempt to ", "for iterator", "did not end", "stack overflow", "table index is",
  "no integer representation", "too many results", "invalid order function", "invalid value %(at index",
}
local STEPS, MOST = 1000000, 50 -- instructions between two looks, and looks

local function call(f, arguments)
  local looks = 0
  debug.sethook(function()
    looks = looks + 1
    if looks > MOST then error("did not end") end
  end, "", STEPS)
  local ok, message = pcall(f, table.unpack(arguments, 1, arguments.n))
  debug.sethook()
  return not ok and type(message) == "string" and message
end

local sound_names, by_name, told = naming.sorted(SOUND), {}, {}
for _, entry in ipairs(functions) do by_name[entry.name] = entry.f end

-- What is called next, and with what.
local function prepare()
  if random(3) == 1 then
    local name = one_of(sound_names)
    local arguments = table.pack(SOUND[name]())
    local length = arguments.n
    arguments.n = nil
    spoil(arguments, length, known[name])
    arguments.n = length + 1
    return name, by_name[name], arguments
  end
  local name, f, object = choose()
  local arguments = { object, n = (object and 1 or 0) + random(0, 3) }
  for i = object and 2 or 1, arguments.n do arguments[i] = value(known[name], 1) end
  return name, f, arguments
end

for _ = 1, count do
  local name, f, arguments = prepare()
  local message = call(f, arguments) or ""
  local names = message:match "; known are ([%w_, ]+)$"
  if names and not known[name] then
    known[name] = {}
    for word in names:gmatch "[%w_]+" do table.insert(known[name], word) end
  end
  for _, pattern in ipairs(INSIDES) do
    if message:find(pattern) and not told[name .. pattern] then
      told[name .. pattern] = true
      print(("%s, seed %d: %s"):format(name, seed, message))
    end
  end
end

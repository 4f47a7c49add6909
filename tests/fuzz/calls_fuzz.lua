--- The whole interface: the bytes are a sequence of calls of public functions, methods and operators, with what
-- earlier calls gave and with what nobody means. Each call returns, or raises an error at the line of the script,
-- which is this one: an error at a line of the library would be one of its own.

local fnet = require "fnet"
local core = require "fnet.core"
require("fnet.base.later").load()

local CALLS_MOST, HELD_MOST = 40, 24
local STEPS_MOST = 200000 -- of Lua, for each call: longer ones end as by Ctrl-C

-- What starts programs, prints, makes directories, or changes what holds for later inputs too; and what the library
-- asks of parts of its own: it has checked the arguments.
local left_out = { sweep = true, options = true, help = true, threads = true, isa = true, fashion_mnist = true,
  report = true, events = true, fetch = true, part = true, output_shape = true }

-- ---- what there is to call ----

local functions, names = {}, {}

local function add(list, key, value)
  if type(key) ~= "string" or left_out[key] then return end
  local class = getmetatable(value)
  if type(value) == "function" or class and class.__call then list[#list + 1] = { name = key, f = value } end
end

local function sort(list)
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

for _, list in ipairs { fnet, fnet.nn, fnet.optim, fnet.data, fnet.metrics, fnet.report } do
  for key, value in next, list do add(functions, key, value) end
end
for key in pairs(core.methods) do names[#names + 1] = key end
sort(functions)
table.sort(names)

-- The methods of an object, by name; those of a class never change.
local methods_of_class = setmetatable({}, { __mode = "k" })
local function methods_of(object)
  if core.is_tensor(object) then return names end
  local class = type(object) == "table" and getmetatable(object)
  if not class then return {} end
  if methods_of_class[class] then return methods_of_class[class] end
  local found, list = {}, {}
  local from = class
  for _ = 1, 5 do
    for key, value in next, type(from) == "table" and from or {} do
      if type(key) == "string" and not key:find "^__" and not left_out[key] and type(value) == "function" then
        found[key] = true
      end
    end
    from = (getmetatable(from) or {}).__index
  end
  for key in pairs(found) do list[#list + 1] = key end
  table.sort(list)
  methods_of_class[class] = list
  return list
end

-- ---- what it is called with ----

local circle = {}
circle[1], circle.self = circle, circle
local strange = setmetatable({}, { __index = function() return 1 end, __len = function() return -1 end })
local long_text = ("x"):rep(300)

local constants = {
  0, 1, 2, 3, 4, 5, 8, -1, -2, 0.5, 1.5, 2.0, 1e-9, -0.0, 1e9, 1e300, math.huge, -math.huge, 0 / 0,
  math.maxinteger, math.mininteger, 1 << 31, 1 << 32, true, false, "", "float32", "float64", "uint8", "int32",
  "relu", "mean", "sum", "none", "same", "a", "\0", "\xFF%s", long_text, "1", circle, strange, {}, { 1 }, { 2, 3 },
  { 3, 2 }, { 2, 3, 4 }, { 1, 5, 5, 2 }, { 0, 3 }, { -1 }, { 2, -1 }, { 1.5 }, { "2" }, { 1 << 40, 1 << 40 },
  { 1e6, 2 }, { nil, 2 }, { { 1, 2 }, { 3, 4 } }, { { 1 }, { 2, 3 } }, { { {} } }, { math.huge }, type,
  function() end, function(...) return ... end, function() error "no" end, function() error() end, io.stdout,
  coroutine.create(type),
}

-- What is often right.
local plain = { 1, 2, 3, 4, 5, 0.5, true, { 2, 3 }, { 1, 5, 5, 2 }, "float32", "same", type }

local option_names = { "lr", "size", "shuffle", "padding", "stride", "rate", "bias", "target", "momentum", "axis",
  "keep", "epochs", "train", "test", "valid", "model", "loss", "optim", "batch", "weights", "dilation", "groups",
  "init", "x", "y", "classes", "reduction", "ignore", "epsilon", "weight_decay", "every", "checkpoint", "patience",
  "metric", "low", "high", "layers", "names", "data", "path", "dtype", "scale", "seed", "steps", "script" }

-- ---- the calls ----

local operators = {
  function(a, b) return a + b end, function(a, b) return a - b end, function(a, b) return a * b end,
  function(a, b) return a / b end, function(a, b) return a ^ b end, function(a, b) return a % b end,
  function(a, b) return a // b end, function(a) return -a end, function(a) return #a end,
  function(a, b) return a == b end, function(a, b) return a < b end, function(a, b) return a <= b end,
  function(a, b) return a .. b end, function(a, b) return a[b] end, function(a, b, c) a[b] = c end,
  function(a) return tostring(a) end, function(a, b, c) return a(b, c) end,
  function(a) return next(a), pairs(a) end, function(a, b) return a:batches(b)() end,
  function(a, b) a.requires_grad = b end, function(a) a:sum():backward() end, function(a) return a & 1 end,
}

local function too_long() error("too long", 0) end

-- What an error may be: a text whose place is not in the library. What a state runs out of is nobody's fault.
local library = debug.getinfo(require("fnet.base.expect").that, "S").short_src:match "^(.*/)base/"
local function check_error(message, name)
  if type(message) ~= "string" then return end -- raised by a function of ours
  if message:find("too long", 1, true) or message:find("stack overflow", 1, true)
      or message:find("not enough memory", 1, true) then
    return
  end
  if message:sub(1, #library) == library then error(("%s: %s"):format(name, message), 0) end
end

return function(path, bytes)
  local at, held = 0, {}
  local function byte()
    at = at + 1
    return bytes:byte(at) or 0
  end
  local function choose(list) return list[byte() % #list + 1] end
  local function hold(value)
    if value == nil or type(value) == "boolean" then return end
    if #held == HELD_MOST then table.remove(held, 1) end
    held[#held + 1] = value
  end
  local function value(depth)
    local kind = byte()
    if kind < 110 and #held > 0 then return held[#held - kind % #held] end -- the latest most often
    if kind < 160 then return choose(plain) end
    if kind < 200 or depth > 2 then return choose(constants) end
    if kind < 210 then return path end
    local table_of = {}
    for _ = 1, kind % 4 do
      local inner = value(depth + 1)
      if kind < 235 then table_of[choose(option_names)] = inner else table_of[#table_of + 1] = inner end
    end
    return table_of
  end
  local function call(name, f, ...)
    debug.sethook(too_long, "", STEPS_MOST)
    local results = table.pack(pcall(f, ...))
    debug.sethook()
    if not results[1] then check_error(results[2], name) end
    for i = 2, results[1] and math.min(results.n, 4) or 1 do hold(results[i]) end
  end
  fnet.seed(1)
  local nn = fnet.nn
  local model = nn.Sequential { nn.Dense(3, 4), nn.ReLU(), nn.Dropout(0.5), nn.Dense(4, 2) }
  local labels = fnet.tensor({ 1, 2, 2, 1 }, "int32")
  hold(fnet.data.Dataset { x = fnet.rand { 4, 3 }, y = labels, classes = { "a", "b" } })
  hold(model)
  hold(fnet.optim.Adam(model:parameters()))
  hold(fnet.tensor({ 1, 2 }, "int32"))
  hold(fnet.rand { 2, 3 })
  for _ = 1, CALLS_MOST do
    if at >= #bytes then break end
    local kind, count = byte(), byte() % 4
    local arguments = { value(1), value(1), value(1) }
    if kind < 100 then
      local entry = choose(functions)
      call(entry.name, entry.f, table.unpack(arguments, 1, count))
    elseif kind < 200 and #held > 0 then
      local object = held[#held - byte() % #held]
      local list = methods_of(object)
      if #list > 0 then
        local name = choose(list)
        call(name, function(...) return object[name](object, ...) end, table.unpack(arguments, 1, count))
      end
    else
      call("an operator", choose(operators), table.unpack(arguments, 1, 3))
    end
  end
  assert(core.recording(), "gradients are no longer recorded")
end, true

--- Models from strangers: whatever stands in the metadata of a file, its readers give nil and a sentence that
-- begins with the path, and take no memory for what the file does not have.

local fnet = require "fnet"
local core = require "fnet.core"
local json = require "fnet.files.json"
local origin = require "fnet.save.origin"
local safetensors = require "fnet.files.safetensors"
local support = require "tests.support"
local nn = fnet.nn

local path
setup(function() path = os.tmpname() end)
teardown(function() os.remove(path) end)

-- A file as model:save writes it, checksum included, but without a flush to the disk.
local function write(tensors, metadata)
  local write_file = core.write_file
  core.write_file = function(name, pieces)
    local file <close> = assert(io.open(name, "wb"))
    for _, piece in ipairs(pieces) do file:write(type(piece) == "string" and piece or piece:bytes()) end
    return true
  end
  local ok, message = pcall(safetensors.write_list, path, tensors, metadata)
  core.write_file = write_file
  assert(ok, message)
end

local function layer(name, ...) return { name = name, arguments = json.array { ... } } end
local function list_of(layers)
  for i, each in ipairs(layers) do layers[i] = { layer = each } end
  return { list = json.array(layers) }
end

local function refused(message, metadata, tensors, options)
  write(tensors or {}, metadata)
  local model, got = fnet.load(path, options)
  assert.is_nil(model)
  assert.equal(path .. ": " .. message, got)
end

describe("a small file that describes a large model", function()
  local function describes(message, architecture)
    refused(message, { ["fnet.architecture"] = json.encode(architecture) },
      { { name = "weight", tensor = fnet.zeros { 2, 3 } }, { name = "bias", tensor = fnet.zeros { 3 } } })
  end

  it("is compared with what it has before anything is built", function()
    for _, size in ipairs { 1 << 24, 2.0 ^ 24 } do
      describes("has 'weight' of shape [2, 3], the model expects [16777216, 16777216]; has 'bias' of shape [3], "
        .. "the model expects [16777216]", layer("Dense", size, size))
    end
    local layers = {}
    for i = 1, 300 do layers[i] = layer("Dense", 1 << 14, 1 << 14, { table = { init = "orthogonal" } }) end
    describes("lacks '1.weight', '1.bias', '2.weight', '2.bias', '3.weight', '3.bias' and 594 more, which the "
      .. "model needs; has 'bias' and 'weight', which the model does not", layer("Sequential", list_of(layers)))
    describes("lacks 'running_mean' and 'running_var', which the model needs; has 'weight' of shape [2, 3], the "
      .. "model expects [1073741824]; has 'bias' of shape [3], the model expects [1073741824]",
      layer("BatchNorm", 1 << 30))
  end)

  it("may have a script's layers, and then little more than it has", function()
    local Block = nn.module "Block"
    function Block:init(units) self.dense = nn.Dense(units, units) end
    local block = { name = "Block", own = true, arguments = json.array { 20000 } }
    refused("its architecture does not fit together: the layers ask for far more numbers than the file has",
      { ["fnet.architecture"] = json.encode(block) }, {}, { layers = { Block = Block } })
  end)

  it("is none where the weights are there", function()
    local model = nn.Conv2D(1024, 1024, 3, { groups = 1024, bias = false })
    local described = layer("Conv2D", 1024, 1024, 3, { table = { groups = 1024, bias = false } })
    write({ { name = "weight", tensor = model.weight } }, { ["fnet.architecture"] = json.encode(described) })
    assert.equal(model:sha256(), assert(fnet.load(path)):sha256())
  end)
end)

describe("metadata of another form", function()
  local dense = json.encode(layer("Dense", 2, 3))
  local function damaged(message, name, text)
    refused(message, { ["fnet.architecture"] = dense, [name] = text })
  end

  it("is refused by its name and its place", function()
    damaged("its metrics are damaged: a: expected a number, got a text", "fnet.metrics", '{"a":"high"}')
    damaged("its metrics are damaged: expected an object, got a list", "fnet.metrics", "[]")
    local function facts(message, text)
      damaged("its facts about data are damaged: " .. message, "fnet.data", text)
    end
    facts("at byte 1: expected a value", "x")
    facts("expected an object, got null", "null")
    facts("classes[2]: expected a text or a number, got an object", '{"classes":["a",{}]}')
    facts("shape[1]: expected a whole number, got a text", '{"shape":["x"]}')
    facts("shape[1]: expected a whole number of at least 0, got -1", '{"shape":[-1]}')
    facts("shape: expected a list of 0 to 7, got one of 8", '{"shape":[1,1,1,1,1,1,1,1]}')
    facts("range: expected a list of 2, got one of 1", '{"range":[1]}')
    facts("light: expected true or false, got a number", '{"light":1}')
    facts("normalise[1]: lacks 'deviation'", '{"normalise":[{"mean":[1]}]}')
    facts("normalise[1]: has 1 means and 2 deviations", '{"normalise":[{"mean":[1],"deviation":[1,2]}]}')
    facts("normalise[1].deviation[1]: expected a number from 1e-30 to 1e+30, got 0",
      '{"normalise":[{"mean":[1],"deviation":[0]}]}')
  end)

  it("is not what a later version adds", function()
    local about = origin.read { ["fnet.data"] = '{"name":"x","later":{"a":1}}', ["fnet.later"] = "[" }
    assert.equal("x", about.data.name)
  end)

  it("is not written", function()
    local set = fnet.data.Dataset { x = fnet.zeros { 2, 2 }, y = fnet.zeros { 2 }, classes = { { "a" } } }
    support.raises("save: data: classes[1]: expected a text or a number, got a list",
      function() nn.Dense(2, 2):save(path, { data = set, script = false }) end)
  end)

  it("does not reach a terminal as it is", function()
    refused("its architecture names the layer 'a\\x1B[31m\\u{202E}\\n', which this version of fnet does not have",
      { ["fnet.architecture"] = json.encode(layer "a\27[31m\u{202E}\n") })
    local settings = '{"list":[{"table":{"module":"1","key":"text","value":%s}}]}'
    local model = layer("Sequential", list_of { layer("Dense", 1, 1) })
    for _, value in ipairs { '"\\u001b[31m"', "5" } do
      refused("its settings do not fit: layer 1, Dense(1, 1) has a setting 'text' of another kind than the layer's",
        { ["fnet.architecture"] = json.encode(model), ["fnet.settings"] = settings:format(value) })
    end
  end)
end)

-- ---- mutations ----

-- Numbers from 1 to n, always the same.
local state = 1
local function random(n)
  state = (state * 6364136223846793005 + 1442695040888963407)
  return (state >> 33) % n + 1
end

local ODD = { json.null, true, false, 0, -1, 1 << 62, 2.5, 20000.0, 1e300, "x", "", "\27[31m\u{202E}\n", 1 << 40 }
local KEYS = { "name", "arguments", "list", "table", "layer", "again", "module", "key", "value", "shape", "scale" }

-- A fresh value each time: a mutation may hang things into it.
local function odd()
  local kind = random(5)
  if kind == 1 then return json.array { ODD[random(#ODD)], json.array {} } end
  if kind == 2 then return { [KEYS[random(#KEYS)]] = ODD[random(#ODD)] } end
  if kind == 3 then return { layer = layer("Dense", random(4), ODD[random(#ODD)]) } end
  return ODD[random(#ODD)]
end

-- Every place of a value: what holds it, and under which key; in one order.
local function places_of(value, holder, key, list)
  list[#list + 1] = { holder, key }
  if type(value) == "table" and value ~= json.null then
    local keys = {}
    for inner in pairs(value) do keys[#keys + 1] = inner end
    table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
    for _, inner in ipairs(keys) do places_of(value[inner], value, inner, list) end
  end
  return list
end

local function mutated(text)
  local root = { json.decode(text, 40) }
  for _ = 1, random(3) do
    local places = places_of(root[1], root, 1, {})
    local holder, key = table.unpack(places[random(#places)])
    local is_named = holder ~= root and not json.is_array(holder)
    if is_named and random(4) == 1 then holder[key] = nil
    elseif is_named and random(3) == 1 then holder[KEYS[random(#KEYS)]] = odd()
    else holder[key] = odd() end
  end
  return json.encode(root[1])
end

describe("a file with mutated metadata", function()
  local sources = {}
  setup(function()
    local model = nn.Sequential { nn.Reshape(4, 4, 1), nn.Conv2D(1, 2, 3, { padding = "same" }), nn.BatchNorm(2),
      nn.Dropout(0.5), nn.Flatten(), nn.Dense(32, 3, { init = "he_normal" }) }
    model[4].rate = 0.25
    model[2]:freeze()
    local set = fnet.data.Dataset { x = fnet.rand { 4, 4, 4 }, y = fnet.tensor({ 1, 2, 3, 1 }, "int32"),
      classes = { "a", "b", "c" }, transform = fnet.data.normalise { mean = 0.5, deviation = 2 } }
    local tied = nn.Sequential { nn.Dense(4, 4), nn.Dense(4, 4) }
    tied[2].weight = tied[1].weight
    for i, each in ipairs { model, tied } do
      local options = { script = false, data = i == 1 and set or nil, metrics = i == 1 and { loss = 1 } or nil }
      assert(each:save(path, options))
      local tensors, metadata = safetensors.read(path)
      local list, names = {}, {}
      for name, tensor in pairs(tensors) do list[#list + 1] = { name = name, tensor = tensor } end
      for _, name in ipairs { "architecture", "data", "metrics", "settings", "ties", "frozen" } do
        if metadata["fnet." .. name] then names[#names + 1] = "fnet." .. name end
      end
      metadata["fnet.checksum"] = nil
      sources[i] = { tensors = list, metadata = metadata, names = names }
    end
  end)

  it("gives a model, or nil and a sentence", function()
    local loaded, refusals = 0, 0
    for _ = 1, 800 do
      local source, metadata = sources[random(#sources)], {}
      for name, text in pairs(source.metadata) do metadata[name] = text end
      local name = source.names[random(#source.names)]
      metadata[name] = mutated(metadata[name])
      write(source.tensors, metadata)
      local ok, model, message = pcall(fnet.load, path)
      assert(ok, ("%s = %s: %s"):format(name, metadata[name], model))
      if model then
        loaded = loaded + 1
        assert.is_string(tostring(model))
      else
        refusals = refusals + 1
        local is_sentence = message:sub(1, #path + 2) == path .. ": " and core.visible(message) == message
        for _, sign in ipairs { "attempt to", "bad argument", "table: 0x", "not enough memory", "%.lua:%d" } do
          is_sentence = is_sentence and not message:find(sign, #path)
        end
        assert(is_sentence, message)
      end
    end
    assert.is_true(loaded > 20 and refusals > 200)
  end)
end)

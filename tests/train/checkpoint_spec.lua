--- Checkpoints: going on from any step with the same bits, what is refused, and how a training ends on a signal.

local fnet = require "fnet"
local core = require "fnet.core"
local json = require "fnet.files.json"
local safetensors = require "fnet.files.safetensors"
local tree = require "fnet.files.tree"
local command = require "tests.support.command"
local support = require "tests.support"
local nn, optim = fnet.nn, fnet.optim

local directory
setup(function() directory = command.make_directory() end)
teardown(function() command.remove_directory(directory) end)

local number = 0
local function new_place()
  number = number + 1
  return directory .. "/run" .. number
end

local STEPS, EPOCHS, SIZE = 3, 2, 8 -- of the training below
local shuffled = { size = SIZE, shuffle = true }

-- What a training consists of, with everything that has a state.
local function parts_of(options)
  fnet.seed(options and options.seed or 3)
  local x = fnet.rand { 20, 5 }
  local set = fnet.data.Dataset { x = x, y = x:slice(2, 1, 3):argmax(2):int() }
  local model = nn.Sequential { nn.Dense(5, 6), nn.BatchNorm(6), nn.ReLU(), nn.Dropout(0.3), nn.Dense(6, 3) }
  local opt = optim.Adam(model:parameters(), { lr = 0.01 })
  return { model = model, optim = opt, set = set, average = optim.Average(model, { decay = 0.5 }) }
end

local function open(place, parts, options)
  local all = { model = parts.model, optim = parts.optim, data = parts.set, parts = { average = parts.average } }
  for key, value in pairs(options or {}) do all[key] = value end
  return fnet.checkpoint(place, all)
end

-- Trains; stops by an error after `limit` steps of this call. Gives a digest of everything.
local function train(parts, checkpoint, limit)
  local done = 0
  local ok, message = pcall(function()
    for _, sums in checkpoint:epochs(EPOCHS) do
      for x, y in checkpoint:batches(parts.set, shuffled) do
        if done == limit then error "stop" end
        local loss = nn.cross_entropy(parts.model(x), y)
        parts.optim:zero_grad()
        loss:backward()
        parts.optim:step()
        parts.average:update()
        sums.loss = (sums.loss or 0) + loss:item()
        checkpoint.values.steps = (checkpoint.values.steps or 0) + 1
        done = done + 1
      end
      checkpoint.values.losses = checkpoint.values.losses or {}
      table.insert(checkpoint.values.losses, sums.loss)
    end
  end)
  checkpoint:close()
  if not ok and not message:find "stop$" then error(message, 0) end
  return table.concat({ parts.model:sha256(), fnet.sha256(table.unpack(parts.average.averages)),
    table.concat(checkpoint.values.losses or {}, " "), checkpoint.values.steps or 0, fnet.random_state() }, "\n")
end

describe("a training", function()
  local expected
  setup(function()
    local parts = parts_of()
    expected = train(parts, open(nil, parts))
  end)

  for limit = 0, STEPS * EPOCHS - 1 do
    it(("that ends after step %d goes on with the same bits, on other threads and instructions"):format(limit),
      function()
        local place, threads, isa = new_place(), fnet.threads(), fnet.isa()
        local parts = parts_of()
        train(parts, open(place, parts, { every = 1 }), limit)
        fnet.threads(threads % 2 + 1)
        fnet.isa "portable"
        parts = parts_of { seed = 3 }
        fnet.seed(99)
        local checkpoint = assert(open(place, parts, { resume = true }))
        assert.equal(limit > 0, checkpoint.resumed)
        if limit == 0 then fnet.seed(3) parts = parts_of() checkpoint:close() checkpoint = open(place, parts) end
        local got = train(parts, checkpoint)
        fnet.threads(threads)
        fnet.isa(isa)
        assert.equal(expected, got)
      end)
  end

  it("goes on within an epoch whose batches have no options", function()
    local place, parts = new_place(), parts_of()
    parts.set = fnet.data.Dataset { x = fnet.rand { 40, 5 }, y = fnet.ones({ 40 }, "int32") }
    local checkpoint = open(place, parts)
    pcall(function()
      for _ in checkpoint:epochs(1) do
        local batches = checkpoint:batches(parts.set)
        batches()
        batches()
        assert(checkpoint:save())
        error "stop"
      end
    end)
    checkpoint:close()
    local rows = {}
    checkpoint = open(place, parts, { resume = true })
    for _ in checkpoint:epochs(1) do
      for x in checkpoint:batches(parts.set) do rows[#rows + 1] = #x end
    end
    checkpoint:close()
    assert.same({ 8 }, rows)
  end)

  it("that has ended has nothing left to do", function()
    local place, parts = new_place(), parts_of()
    train(parts, open(place, parts))
    local again = parts_of()
    local checkpoint = open(place, again, { resume = true })
    assert.equal(("checkpoint in %s: epoch 3, step 0"):format(place), tostring(checkpoint))
    assert.equal(expected, train(again, checkpoint))
  end)

  it("can be saved by the script itself", function()
    local place, parts = new_place(), parts_of()
    local checkpoint = open(place, parts)
    checkpoint.values.note = { "ü", 0.1, 1 / 0, -1 / 0, nested = { t = fnet.arange(1, 3) }, yes = true }
    assert.is_true(checkpoint:save())
    checkpoint:close()
    support.raises("checkpoint: save: the checkpoint is closed", function() checkpoint:save() end)
    support.raises("epochs: the checkpoint is closed", function() checkpoint:epochs(1) end)
    local back = open(place, parts, { resume = true }).values.note
    assert.same({ 1, 2, 3 }, back.nested.t:totable())
    back.nested = nil
    assert.same({ "ü", 0.1, 1 / 0, -1 / 0, yes = true }, back)
    collectgarbage()
  end)

  it("leaves a file that is a model too", function()
    local place, parts = new_place(), parts_of()
    train(parts, open(place, parts))
    local model, about = fnet.load(place .. "/checkpoint.safetensors")
    assert.equal(parts.model:sha256(), model:sha256())
    assert.equal(3, about.seed)
  end)
end)

describe("a checkpoint is refused", function()
  local place, parts
  before_each(function()
    place, parts = new_place(), parts_of()
    train(parts, open(place, parts), 4)
  end)
  local function refused(message, other, options)
    local checkpoint, got = open(place, other, options or { resume = true })
    assert.is_nil(checkpoint)
    assert.equal(place .. "/" .. message, got)
  end

  it("when there is one and nobody wants to go on from it", function()
    refused("checkpoint.safetensors: there is a checkpoint already; resume it (resume = true) or name another "
      .. "directory", parts_of(), {})
  end)

  it("while another training has it", function()
    local checkpoint <close> = open(place, parts, { resume = true }) -- luacheck: ignore
    refused("lock: is locked, by this or another process", parts_of())
  end)

  it("for another data set", function()
    local other = parts_of()
    local before = other.set:sha256()
    other.set = other.set:slice(1, 19)
    refused(("checkpoint.safetensors: was made with another data set: SHA-256 %s, got %s"):format(before,
      other.set:sha256()), other)
  end)

  it("for another model, optimiser or part", function()
    local other = parts_of()
    other.model = nn.Sequential { nn.Dense(5, 6), nn.ReLU(), nn.Dense(6, 3) }
    refused("checkpoint.safetensors: lacks '3.weight' and '3.bias', which the model needs; has '2.bias', " ..
      "'2.running_mean', '2.running_var', '2.weight', '5.bias' and '5.weight', which the model does not", other)
    other = parts_of()
    other.optim = optim.SGD(other.model:parameters())
    local checkpoint, message = open(place, other, { resume = true })
    assert.is_nil(checkpoint)
    assert.matches("checkpoint.safetensors: does not fit: .*SGD: load_state: ", message)
    other = parts_of()
    checkpoint, message = fnet.checkpoint(place, { model = other.model, optim = other.optim, data = other.set,
      parts = { other = other.average }, resume = true })
    assert.is_nil(checkpoint)
    assert.equal(place .. "/checkpoint.safetensors: lacks the state of 'other'", message)
  end)

  it("for another version of the numerics", function()
    local path = place .. "/checkpoint.safetensors"
    local tensors, metadata = assert(fnet.read_tensors(path))
    local list = {}
    for name, tensor in pairs(tensors) do list[#list + 1] = { name = name, tensor = tensor } end
    metadata["fnet.numerics"] = "0"
    safetensors.write_list(path, list, metadata)
    refused(("checkpoint.safetensors: was made with numerics 0, this fnet has %d: the weights would not be those "
      .. "of an uninterrupted run"):format(fnet.numerics), parts_of())
    metadata["fnet.numerics"] = tostring(fnet.numerics)
    local good = metadata["fnet.checkpoint"]
    for _, name in ipairs { "epoch", "step", "random", "shuffle", "batches", "sums", "values", "parts" } do
      local state = json.decode(good, tree.DEPTH_MOST)
      state.table[name] = "another kind"
      metadata["fnet.checkpoint"] = json.encode(state)
      safetensors.write_list(path, list, metadata)
      refused("checkpoint.safetensors: is not a checkpoint of this version of fnet", parts_of())
    end
    for name, before in pairs { epoch = 0, step = -1 } do
      local state = json.decode(good, tree.DEPTH_MOST)
      state.table[name] = before
      metadata["fnet.checkpoint"] = json.encode(state)
      safetensors.write_list(path, list, metadata)
      refused("checkpoint.safetensors: is not a checkpoint of this version of fnet", parts_of())
    end
    metadata["fnet.checkpoint"] = nil
    safetensors.write_list(path, list, metadata)
    refused("checkpoint.safetensors: holds a model, but is no checkpoint", parts_of())
  end)

  it("when it is damaged", function()
    local path = place .. "/checkpoint.safetensors"
    local content = command.read_file(path)
    command.write_file(path, content:sub(1, -2) .. string.char(content:byte(-1) ~ 1))
    refused("checkpoint.safetensors: does not match its checksum: it is damaged, or another program changed it",
      parts_of())
  end)

  it("for another size of batches in the middle of an epoch", function()
    local again = parts_of()
    local at = new_place()
    train(again, open(at, again, { every = 1 }), 1)
    local checkpoint = open(at, parts_of(), { resume = true })
    support.raises("batches: the checkpoint was made with size = 8, got 7; its epoch cannot go on so",
      function() checkpoint:batches(again.set, { size = 7, shuffle = true }) end)
    checkpoint:close()
  end)

  it("where the directory cannot be", function()
    assert.same({ nil, "/dev/null/x: Not a directory", 20 }, { open("/dev/null/x", parts) })
    assert.same({ nil, directory .. "/a/b: No such file or directory", 2 }, { open(directory .. "/a/b", parts) })
    command.write_file(directory .. "/file", "")
    assert.same({ nil, directory .. "/file: Not a directory", 20 }, { open(directory .. "/file", parts) })
    assert(os.execute(("mkdir -p '%s/odd/checkpoint.safetensors'"):format(directory))) -- nothing could be saved
    assert.same({ nil, directory .. "/odd/checkpoint.safetensors: Is a directory", 21 },
      { open(directory .. "/odd", parts) })
  end)
end)

describe("a directory that a training was killed in", function()
  it("is rid of what it had begun to write, and of nothing else", function()
    local place, parts = new_place(), parts_of()
    open(place, parts):close()
    local names = {
      "checkpoint.safetensors.part", "checkpoint.safetensors.0123456789abcdef.part", "x.0123456789abcdef.part",
    }
    for _, name in ipairs(names) do command.write_file(place .. "/" .. name, "half") end
    open(place, parts):close()
    assert.equal("checkpoint.safetensors.part\nlock\nx.0123456789abcdef.part\n",
      command.shell(place, "LC_ALL=C ls").output)
  end)
end)

describe("a file system without locks", function()
  it("is served, and the checkpoint says what that means", function()
    local real, place, parts = core.lock_file, new_place(), parts_of()
    local part = place .. "/checkpoint.safetensors.0123456789abcdef.part"
    open(place, parts):close()
    command.write_file(part, "of another training")
    core.lock_file = function(path) return real(path), false end -- luacheck: ignore
    local checkpoint = open(place, parts)
    core.lock_file = real -- luacheck: ignore
    local warning = place .. ": its file system has no locks, so nothing keeps a second training out of it"
    assert.equal(warning, checkpoint.warning)
    assert.equal(("checkpoint in %s: epoch 1, step 0; %s"):format(place, warning), tostring(checkpoint))
    assert.is_true(checkpoint:save())
    assert.equal("of another training", command.read_file(part))
    checkpoint:close()
    local locked <close> = open(place, parts, { resume = true })
    assert.is_nil(locked.warning)
  end)
end)

describe("a save that fails", function()
  it("says path and reason, and the old checkpoint stays", function()
    local place, parts = new_place(), parts_of()
    local checkpoint = open(place, parts)
    checkpoint:save()
    local path = place .. "/checkpoint.safetensors"
    local before = command.read_file(path)
    assert(os.rename(place, place .. "_moved"))
    local refusal = path .. ": no file can be made in its directory: No such file or directory"
    assert.same({ nil, refusal, 2 }, { checkpoint:save() })
    support.raises("checkpoint: not saved: " .. refusal, function() for _ in checkpoint:epochs(1) do end end)
    assert.equal(before, command.read_file(place .. "_moved/checkpoint.safetensors"))
    checkpoint:close()
  end)
end)

describe("values", function()
  it("that no file can hold are refused by name", function()
    local raises, parts = support.raises, parts_of()
    local checkpoint <close> = open(new_place(), parts)
    local cases = {
      { print, "a function" }, { { [2] = 1 }, "a table with gaps or keys that are no names" },
      { "\xff", "text that is not UTF-8" }, { { [true] = 1 }, "a table with gaps or keys that are no names" },
    }
    for _, case in ipairs(cases) do
      checkpoint.values.x = case[1]
      raises(("checkpoint: state.values.x is %s, which no file can hold"):format(case[2]),
        function() checkpoint:save() end)
    end
    checkpoint.values.x = checkpoint.values
    assert.has_error(function() checkpoint:save() end)
  end)

  it("of a text that is none of ours are refused", function()
    for _, text in ipairs { "x", "[1]", '{"tensor":"a"}', '{"number":"one"}', '{"list":{}}', '{"table":[]}' } do
      assert.same({ nil, false }, { tree.unpack(text, {}, "") })
    end
  end)
end)

describe("wrong arguments", function()
  it("raise at the caller's line", function()
    local raises, model = support.raises, nn.Dense(1, 1)
    raises("checkpoint: expected a directory, got number", function() fnet.checkpoint(5, { model = model }) end)
    raises("checkpoint: model: expected a model, got nil", function() fnet.checkpoint("x") end)
    raises("checkpoint: data: expected a data set, got number",
      function() fnet.checkpoint("x", { model = model, data = 1 }) end)
    raises("checkpoint: optim: expected an object with state and load_state, such as an optimiser, got number",
      function() fnet.checkpoint("x", { model = model, optim = 1 }) end)
    raises("checkpoint: parts: expected objects by name, { average = average }",
      function() fnet.checkpoint("x", { model = model, parts = { 1 } }) end)
    raises("checkpoint: every: expected a whole number of at least 1, got 0",
      function() fnet.checkpoint("x", { model = model, every = 0 }) end)
    local checkpoint = fnet.checkpoint(nil, { model = model })
    raises("batches: expected a data set, got nil", function() checkpoint:batches() end)
    raises("epochs: expected a whole number of at least 0, got -1", function() checkpoint:epochs(-1) end)
    assert.is_true(checkpoint:save())
  end)
end)

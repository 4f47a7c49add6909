--- Checkpoints of several models, optimisers and averages: going on from any step with the same bits, and what is
-- refused before the training instead of after it.

local fnet = require "fnet"
local command = require "tests.support.command"
local support = require "tests.support"
local nn, optim = fnet.nn, fnet.optim
local raises = support.raises

local directory
setup(function() directory = command.make_directory() end)
teardown(function() command.remove_directory(directory) end)

local number = 0
local function new_place()
  number = number + 1
  return directory .. "/run" .. number
end

local STEPS, EPOCHS = 3, 2 -- of the training below

-- Two networks against each other: everything that one of their steps depends on.
local function new_pair()
  fnet.seed(5)
  local pair = {
    set = fnet.data.Dataset { x = fnet.randn { 24, 2 }, y = fnet.zeros { 24 } },
    generator = nn.Sequential { nn.Dense(3, 6), nn.BatchNorm(6), nn.Tanh(), nn.Dense(6, 2) },
    discriminator = nn.Sequential { nn.Dense(2, 6), nn.Tanh(), nn.Dropout(0.2), nn.Dense(6, 1), nn.Sigmoid() },
    plateau = optim.schedule.plateau { patience = 1, factor = 0.5 },
  }
  for _, p in ipairs(pair.discriminator[1]:parameters()) do p.requires_grad = false end -- until the second step
  pair.optim_g = optim.Adam(pair.generator:parameters(), { lr = 0.05 })
  pair.optim_d = optim.SGD(pair.discriminator:parameters(), { lr = 0.1, momentum = 0.9, schedule = pair.plateau })
  pair.average = optim.Average(pair.generator, { decay = 0.5 })
  return pair
end

local function open(place, pair, options)
  local parts = { discriminator = pair.discriminator, optim_d = pair.optim_d, average = pair.average }
  local all = { model = pair.generator, optim = pair.optim_g, data = pair.set, parts = parts }
  for key, value in pairs(options or {}) do all[key] = value end
  return fnet.checkpoint(place, all)
end

local function step(pair, real, count)
  for _, p in ipairs(pair.discriminator[1]:parameters()) do p.requires_grad = count > 0 end
  local fake = pair.generator(fnet.randn { #real, 3 })
  local loss_d = -(pair.discriminator(real):log():mean() + (1 - pair.discriminator(fake:detach())):log():mean())
  pair.optim_d:zero_grad()
  loss_d:backward()
  pair.optim_d:step()
  local loss_g = -pair.discriminator(pair.generator(fnet.randn { #real, 3 })):log():mean()
  pair.optim_g:zero_grad()
  loss_g:backward()
  pair.optim_g:step()
  pair.average:update()
  pair.plateau:update(loss_g:item())
end

-- Trains; stops by an error after `limit` steps of this call. Gives a digest of everything.
local function train(pair, checkpoint, limit)
  local done = 0
  local ok, message = pcall(function()
    for _ in checkpoint:epochs(EPOCHS) do
      for real in checkpoint:batches(pair.set, { size = 8, shuffle = true }) do
        if done == limit then error "stop" end
        local count = checkpoint.values.steps or 0
        step(pair, real, count)
        checkpoint.values.steps, done = count + 1, done + 1
      end
    end
  end)
  checkpoint:close()
  if not ok and not message:find "stop$" then error(message, 0) end
  return table.concat({ pair.generator:sha256(), pair.discriminator:sha256(),
    fnet.sha256(table.unpack(pair.average.averages)), pair.plateau(), checkpoint.values.steps or 0,
    fnet.random_state() }, "\n")
end

describe("two networks with an optimiser each", function()
  it("go on after any step with the same bits", function()
    local pair = new_pair()
    local expected = train(pair, open(nil, pair))
    for limit = 1, STEPS * EPOCHS - 1 do
      local place = new_place()
      pair = new_pair()
      train(pair, open(place, pair, { every = 1 }), limit)
      pair = new_pair()
      fnet.seed(77)
      local checkpoint = assert(open(place, pair, { resume = true }))
      assert.is_true(checkpoint.resumed)
      assert.equal(expected, train(pair, checkpoint))
    end
  end)

  it("are as they were where the file does not fit one of them", function()
    local place, pair = new_place(), new_pair()
    train(pair, open(place, pair), 4)
    for _, change in ipairs {
      function(other) other.optim_d = optim.SGD(other.discriminator:parameters()) end,
      function(other) other.discriminator = nn.Dense(2, 1) end,
      function(other) other.average = optim.Average(other.discriminator) end,
      function(other) other.generator = nn.Dense(3, 2) end,
    } do
      local other = new_pair()
      change(other)
      local function digest()
        return table.concat({ other.generator:sha256(), other.discriminator:sha256(), other.optim_g.steps,
          other.optim_d.steps, other.average.updates }, " ")
      end
      local before = digest()
      local checkpoint, message = open(place, other, { resume = true })
      assert.is_nil(checkpoint)
      assert.matches("checkpoint.safetensors: ", message)
      assert.equal(before, digest())
    end
  end)

  it("are refused where the file has one more or one less", function()
    local place, pair = new_place(), new_pair()
    train(pair, open(place, pair), 4)
    local path = place .. "/checkpoint.safetensors: "
    local function refused(message, parts)
      assert.same({ nil, path .. message }, { open(place, new_pair(), { parts = parts, resume = true }) })
    end
    pair = new_pair()
    refused("has the state of 'average', which is none of the parts now",
      { discriminator = pair.discriminator, optim_d = pair.optim_d })
    refused("lacks the state of 'second'", { discriminator = pair.discriminator, optim_d = pair.optim_d,
      average = pair.average, second = pair.average })
  end)
end)

it("an optimiser among the parts has the name of the option where that is not used", function()
  local model = nn.Dense(1, 1)
  local opt = optim.SGD(model:parameters())
  assert.is_truthy(fnet.checkpoint(nil, { model = model, parts = { optim = opt } }))
  raises("checkpoint: parts: 'optim' is the name of the option; give the part another one",
    function() fnet.checkpoint(nil, { model = model, optim = opt, parts = { optim = opt } }) end)
end)

describe("a part that could not be resumed is refused at the start:", function()
  local function refuses(message, part)
    local place, model = new_place(), nn.Dense(1, 1)
    local options = { model = model, parts = { mine = part } }
    raises("checkpoint: mine: " .. message, function() fnet.checkpoint(place, options) end)
    raises("checkpoint: mine: " .. message, function() fnet.checkpoint(nil, options) end)
    assert.is_nil(io.open(place))
  end

  it("one whose state no file can hold", function()
    refuses("state.f is a function, which no file can hold",
      { state = function() return { f = print } end, load_state = function() end })
  end)

  it("one that does not take what it gives", function()
    refuses("does not take the state that it gives: not so",
      { state = function() return { 1, 2 } end, load_state = function() error("not so", 0) end })
    local Odd = nn.module "Odd"
    function Odd:init() self.dense = nn.Dense(1, 1) end
    function Odd:load_state() error("Odd: no", 0) end
    refuses("does not take the state that it gives: Odd: no", Odd())
  end)

  it("and none that can: models of any kind, averages, schedules, objects of the script's own", function()
    local pair = new_pair()
    local own = { count = 3 }
    function own:state() return { count = self.count, noise = fnet.ones { 2 } } end
    function own:load_state(state) self.count, self.noise = state.count, state.noise end
    local before = pair.discriminator:sha256()
    local checkpoint = assert(open(new_place(), pair, { parts = {
      d = pair.discriminator, lambda = nn.Lambda(print), average = pair.average, plateau = pair.plateau, own = own,
      embedding = nn.Embedding(3, 2),
    } }))
    assert.is_true(checkpoint:save())
    checkpoint:close()
    assert.same({ before, 3, { 1, 1 } }, { pair.discriminator:sha256(), own.count, own.noise:totable() })
  end)
end)

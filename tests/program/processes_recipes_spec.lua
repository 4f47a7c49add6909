--- The recipes of the README and of examples/README.md print the same, and give the same weights, in any number of
-- processes; so does an LSTM. `make test-long` sets FNET_LONG: then they train as long as they say.

local command = require "tests.support.command"
local mpi = require "tests.support.mpirun"

local long = (os.getenv "FNET_LONG" or "") ~= ""
local FIXTURES = command.directory .. "/tests/fixtures/fashion"

-- The scripts of a chapter that train with fit, with shards in each fit.
local function recipes_of(path)
  local list = {}
  for block in command.read_file(path):gmatch "\n```lua\n(.-)\n```%f[\n]" do
    local text, fits = block:gsub("fnet%.fit%(model, {", "%0 shards = 8,")
    text = text:gsub('"plants.csv"', '"plants" .. fnet.processes() .. ".csv"') -- each writes its own
    if not long then text = text:gsub("epochs = %d%d+", "epochs = 2") end
    if fits > 0 then list[#list + 1] = ("do\n%s\nif model then print(model:sha256()) end\nend\n"):format(text) end
  end
  return list
end

-- The cell of an example, in a network that fit can train.
local function lstm()
  local cell = command.read_file "examples/char_rnn.lua":match "\nlocal LSTM = .-\nfunction LSTM:forward.-\nend\n"
  return "local fnet = require 'fnet'\nlocal nn, optim = fnet.nn, fnet.optim\n" .. cell .. [[
    local Model = nn.module "Model"
    function Model:init()
      self.embedding, self.cell = nn.Embedding(5, 4), LSTM(4, 6)
      self.output = nn.Sequential { nn.Dropout(0.2), nn.Dense(6, 5) }
    end
    function Model:forward(letters)
      local h, c = fnet.zeros { #letters, 6 }, fnet.zeros { #letters, 6 }
      for t = 1, letters.shape[2] do h, c = self.cell(self.embedding(letters:select(2, t)), h, c) end
      return self.output(h)
    end
    fnet.seed(1)
    local letters = fnet.rand({ 53, 7 }, 1, 6):int()
    local model = Model()
    print(fnet.fit(model, { train = fnet.data.Dataset { x = letters, y = letters:select(2, 3) }, epochs = 3,
      loss = nn.cross_entropy, optim = optim.Adam, batch = 20, clip = 1, shards = 8 })[3].loss)
    print(model:sha256())]]
end

local recipes
setup(function()
  recipes = recipes_of "README.md"
  assert(#recipes >= 2)
  for _, recipe in ipairs(recipes_of "examples/README.md") do recipes[#recipes + 1] = recipe end
  assert(#recipes >= 6)
  recipes[#recipes + 1] = "do\n" .. lstm() .. "\nend\n"
end)

describe("the recipes and an LSTM", function()
  local directory, expected
  setup(function()
    directory = command.make_directory()
    command.write_file(directory .. "/recipes.lua", table.concat(recipes))
    expected = command.shell(directory, command.line(command.fnet, { "recipes.lua" }, { FNET_DATA = FIXTURES }))
  end)
  teardown(function() command.remove_directory(directory) end)

  it("train with shards in one process", function()
    assert.equal("", expected.errors)
    local hashes = select(2, expected.output:gsub("%f[%x]" .. ("%x"):rep(64) .. "\n", ""))
    assert.equal(#recipes - 1, hashes) -- in a sweep the models are those of its runs
  end)

  for _, kind in ipairs(mpi.kinds) do
    local mpirun = mpi.of(kind)
    for _, count in ipairs(long and { 1, 2, 3, 4, 5, 8 } or { 2, 5 }) do
      local test = mpirun and it or pending
      test(("give the same in %d processes of %s"):format(count, kind), function()
        -- What is drawn depends on the terminal, and Open MPI gives one to each process.
        local result = command.shell(directory, ("%s FNET_DATA=%s timeout -k 1 600 %s -n %d sh -c %s"):format(
          mpi.environment, command.quote(FIXTURES), mpirun, count,
          command.quote(command.line(command.fnet, { "recipes.lua" }) .. " | cat")))
        assert.equal(expected.output, result.output)
        assert.equal("", result.errors)
      end)
    end
  end
end)

--- The files that `fnet init` writes: a small experiment that is whole, to be changed into one's own.
-- Invariant: it runs as it stands, its specs pass, and luacheck finds nothing (tests/program/init_spec.lua).

---@type { path: string, text: string }[]
return {
{ path = "circle.lua", text = [[
-- The task and the network: which points of a square lie within a circle?

local fnet = require "fnet"
local nn, data = fnet.nn, fnet.data

local circle = {}

-- So many points between -1 and 1, labelled 1 outside of the circle, 2 inside.
function circle.points(count)
  local x = fnet.rand({ count, 2 }, -1, 1)
  local inside = (x * x):sum(2):lt(0.6)
  return data.Dataset { x = x, y = (inside + 1):int(), classes = { "outside", "inside" } }
end

-- Parts to learn from, to choose by, and to judge by in the end; each has the classes in the same proportions.
function circle.parts(set)
  local rest, test = set:split(0.8, { stratified = true })
  local train, valid = rest:split(0.75, { stratified = true })
  return train, valid, test
end

function circle.network(units)
  return nn.Sequential {
    nn.Dense(2, units, { activation = "gelu" }),
    nn.Dense(units, 2, { activation = "softmax" }),
  }
end

-- Trains the network; the history of its figures.
function circle.train(model, train, valid, settings)
  return fnet.fit(model, {
    train = train, valid = valid, epochs = settings.epochs, batch = 50, loss = nn.cross_entropy,
    metrics = { "accuracy" }, optim = fnet.optim.AdamW(model:parameters(), { lr = settings.lr }),
    early_stopping = { patience = 10 }, callbacks = settings.callbacks,
  })
end

return circle
]] },

{ path = "experiment.lua", text = [[
-- Trains a network to tell the inside of a circle from the outside: fnet experiment.lua --help

local fnet = require "fnet"
local circle = require "circle"

local options = fnet.options(arg, "Trains a network to tell the inside of a circle from the outside.", {
  { "epochs", 40, "passes over the training points", low = 1 },
  { "lr", 0.02, "learning rate", low = 0 },
  { "units", 32, "of the hidden layer", low = 1 },
  { "seed", 1, "start of all random numbers" },
  { "save", "", "file for the trained network", value = "FILE" },
})

if options.save ~= "" then assert(fnet.can_write(options.save)) end -- better said now than after the training

fnet.seed(options.seed)
local train, valid, test = circle.parts(circle.points(1000))
local model = circle.network(options.units)
local history = circle.train(model, train, valid, {
  epochs = options.epochs, lr = options.lr, callbacks = fnet.report.training(),
})

print(fnet.report.plot({ training = history.loss, validation = history.valid_loss }, {
  title = "the loss", x_label = "epoch",
}))
print(fnet.metrics.confusion(model, test))
print("weights sha256 " .. model:sha256())
if options.save ~= "" then assert(model:save(options.save, { data = train })) end
]] },

{ path = "spec/circle_spec.lua", text = [[
-- Is the data as it should be, does the network learn, and to the same bits each time? `busted` runs it.

local assert = require "luassert"
local fnet = require "fnet"
local circle = require "circle"
require "fnet.testing" -- assert.falls and others

describe("the circle", function()
  it("is what the labels say", function()
    fnet.seed(1)
    for i = 1, 50 do
      local x, y = circle.points(50):sample(i)
      assert.equal(x:mul(x):sum():item() < 0.6 and 2 or 1, y)
    end
  end)

  it("has each class in the same proportions in all parts", function()
    fnet.seed(1)
    local train, valid, test = circle.parts(circle.points(1000))
    assert.same({ 600, 200, 200 }, { #train, #valid, #test })
    local share = train.y:eq(2):mean():item()
    for _, part in ipairs { valid, test } do assert.near(share, part.y:eq(2):mean():item(), 0.01) end
  end)

  local function learn()
    fnet.seed(1)
    local train, valid, test = circle.parts(circle.points(1000))
    local model = circle.network(16)
    return model, circle.train(model, train, valid, { epochs = 5, lr = 0.02 }), test
  end

  it("is learnt", function()
    local model, history, test = learn()
    assert.falls(history.loss, 0.5)
    assert.is_true(fnet.nn.accuracy(model, test) > 0.9)
  end)

  it("is learnt to the same bits, whatever the threads and the instruction set", function()
    assert.same_everywhere(function() return (learn()) end)
  end)
end)
]] },

{ path = ".busted", text = [[
-- Specs run in the interpreter fnet, unless --lua names another, or the Lua that busted begins in has the library.
local has_library = _VERSION >= "Lua 5.4" and (package.preload.fnet or package.searchpath("fnet", package.path))
local chosen = has_library or table.concat(arg, " "):find("--lua", 1, true)
local status = os.execute "command -v fnet >/dev/null 2>&1" -- true, or 0 where that Lua is an older one
if not chosen and status ~= true and status ~= 0 then
  error("fnet is not found in PATH: `make install` puts it there, or busted --lua=/path/to/fnet names it", 0)
end
return { default = { lua = not chosen and "fnet" or nil } }
]] },

{ path = ".luacheckrc", text = [[
std = "lua54"
exclude_files = { "library" } -- declarations for editors
files["spec"] = { std = "lua54+busted" }
]] },

{ path = ".luarc.json", text = [[
{
  "runtime.version": "Lua 5.4",
  "workspace.library": ["library"],
  "workspace.checkThirdParty": false,
  "diagnostics.globals": ["describe", "it", "before_each", "after_each", "setup", "teardown"]
}
]] },

{ path = "README.md", text = [[
# An experiment

`fnet experiment.lua` trains a network and shows what it has learnt; `--help` lists its options. `busted` runs the
specs.

- `circle.lua`: the data, the network and the training. Change these first.
- `experiment.lua`: what is run, shown and saved.
- `spec/circle_spec.lua`: is the data right, does the network learn, and to the same bits?
- `library/`: declarations, from which an editor with a Lua language server (LuaLS, EmmyLua) knows fnet's names,
  options and texts; `fnet init --library .` makes them anew after an update of fnet.
]] },
}

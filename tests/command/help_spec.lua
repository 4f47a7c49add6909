--- fnet.help, and the annotations that it reads: every public name has a text, and every name that an annotation or
-- a chapter speaks of is there. The command line and the interactive mode show the same text.

local fnet = require "fnet"
local core = require "fnet.core"
local annotations = require "fnet.command.annotations"
local help = require "fnet.command.help"
local suggest = require "fnet.command.suggest"
local topics = require "fnet.command.topics"
local support = require "tests.support"
local raises = support.raises

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

-- What f returns where standard output is a terminal of so many columns, or none.
local function on_terminal(columns, f, ...)
  local terminal = core.terminal
  rawset(core, "terminal", function() return columns end)
  local results = table.pack(pcall(f, ...))
  rawset(core, "terminal", terminal)
  assert(table.unpack(results, 1, results.n))
  return table.unpack(results, 2, results.n)
end

describe("help", function()
  it("is as wide as the terminal, 80 columns where that is not known, 96 at most", function()
    for columns, most in pairs { [false] = 80, [40] = 40, [80] = 80, [300] = 96 } do
      local widest = 0
      for _, name in ipairs { "nn.Dense", "nn", "fnet", "fit", "optim.Adam" } do
        for line in on_terminal(columns or nil, fnet.help, name):gmatch "[^\n]+" do
          local is_text = line:find "%S +%S+ %S+ %S" -- words, which can be wrapped
          if is_text and not line:find "^ *[%w.:]+%(" then widest = math.max(widest, utf8.len(line)) end
        end
      end
      assert.is_true(widest <= most and widest > most - 12, ("%s: %d"):format(columns, widest))
    end
  end)

  it("shows how a layer is made, its fields and its methods", function()
    local text = fnet.help "nn.Dense"
    assert.matches("^nn%.Dense%(inputs, units, options%)\n\n  y = ", text)
    assert.matches("\n  inputs +integer: features that come in\n", text)
    assert.matches("\n  options +table, optional\n", text)
    assert.matches("\noptions\n  activation +nn%.Activation: such as .*\n  bias +boolean: true\n", text)
    assert.matches("\nfields\n  weight +tensor: %[inputs, units%]\n", text)
    assert.matches("\nmethods\n  nn%.Dense:forward%(x%) ", text)
    assert.matches('\nWhat it has from nn%.Module: help "nn%.Module"\n', text)
    assert.matches("\nlua/fnet/nn/dense%.lua:%d+$", text)
  end)

  it("shows functions, methods in Lua and in C, values and classes", function()
    assert.matches("^fnet%.seed%(seed%)\n\n  Starts the random numbers anew, .*\n\n  seed +integer: any whole "
      .. "number\n", fnet.help "seed")
    local axes = "\n  axis +integer|integer%[%], optional\n.*\n  returns +tensor\n"
    assert.matches("^tensor:mean%(axis, keep%)\n\n  The mean.*" .. axes, fnet.help "tensor.mean")
    assert.matches("^tensor:sum%(axis, keep%)\n\n  The sum; .*" .. axes, fnet.help "tensor.sum")
    assert.equal(1, fnet.help "version":find(
      'fnet.version\n\n  The version of fnet, such as "' .. fnet.version .. '".\n', 1, true))
    assert.matches("^data%.Dataset:batches%(options%)\n", fnet.help "data.Dataset.batches")
    assert.matches("^nn%.Module\n\nfields\n  training .*\nmethods\n.*nn%.Module:parameters%(%) ",
      fnet.help "nn.Module")
    assert.matches("^optim%.Adam%(parameters, options%)\n.*\n  lr +number: 1e%-3\n", fnet.help "optim.Adam")
    assert.matches("\n  width, height +integer: of it in pixels", fnet.help "report.plot") -- are said together
  end)

  it("shows a type that has a name, and the names that are strings of it", function()
    assert.matches('^nn%.Activation\n\n  What a layer .*\n\n  "elu" .* | "tanh" | nn%.Module | fun%(x: tensor%): '
      .. "tensor\n", fnet.help "nn.Activation")
    assert.matches('\n  "glorot_normal" | .*"orthogonal"', fnet.help "nn.StartValues")
  end)

  it("lists what a table holds, with first sentences", function()
    local text = fnet.help "nn"
    assert.matches("^nn: [^\n]+\n\n", text)
    assert.matches("\n  nn%.Dense%(inputs, units, options%) +y = ", text)
    assert.matches("\n  nn%.init  ", text)
    assert.matches("\n  tensor:sum%(axis, keep%) +The sum; 0 over nothing%.\n", fnet.help "tensor")
    assert.equal(fnet.help(), fnet.help "fnet")
    for _, name in ipairs { "nn", "optim", "data", "report", "tensor" } do
      assert.matches("\n  " .. name .. " +%a", fnet.help())
    end
  end)

  it("finds a name however it is written", function()
    local text = fnet.help "nn.Dense"
    assert.equal(fnet.help "nn.Conv2D", fnet.help "Conv2D")
    for _, name in ipairs { "fnet.nn.Dense", "nn.Dense(784, 10)", "nn:Dense" } do
      assert.equal(text, fnet.help(name))
    end
    assert.equal(fnet.help "tensor.sum", fnet.help "tensor:sum")
    for name, words in pairs {
      ["Dataset.split"] = "data.Dataset.split", ["train.split"] = "data.Dataset.split",
      ["Module.parameters"] = "nn.Module.parameters", ["nn.Dense.parameters"] = "nn.Module.parameters",
      ["Residual.summary"] = "nn.Module.summary", ["model.save"] = "nn.Module.save",
      ["optim.Adam.step"] = "optim.Optimizer.step", ["Adam.step"] = "optim.Optimizer.step",
      ["Run.stop"] = "fnet.Run.stop", ["checkpoint.values"] = "fnet.Checkpoint.values",
      folds = "data.Dataset.folds",
    } do
      assert.equal(fnet.help(words), fnet.help(name), name)
    end
  end)

  it("shows fields", function()
    assert.matches("^tensor%.grad\n\n  tensor%?: the gradient after backward%(%)\n", fnet.help "tensor.grad")
    assert.matches('\nWhat it has: help "fnet.History"\n', fnet.help "fnet.Run.history")
    assert.matches("\n  tensor%.shape +integer%[%]: lengths of the axes\n", fnet.help "tensor")
    assert.matches("^tensor:mean%(", fnet.help "mean") -- before a field of another class
  end)

  it("lists all of them where several have the name", function()
    local text = fnet.help "names"
    assert.matches("^nn%.init%.names%(%)", text)
    text = fnet.help "sha256"
    assert.matches("^fnet%.sha256%(%.%.%.%)", text)
    text = fnet.help "forward"
    assert.matches("^forward is the name of several:\n\n", text)
    assert.matches("\n  nn%.Dense:forward%(x%) ", text)
    assert.matches("\n  nn%.Module:forward%(%) ", text)
  end)

  it("answers what another library calls a name, and where it stands there", function()
    local known = {
      ["Linear"] = "nn.Dense", ["torch.nn.Linear"] = "nn.Dense", ["view"] = "tensor.reshape",
      ["F.mse_loss"] = "nn.mse", ["np.random.default_rng"] = "generator",
    }
    for theirs, ours in pairs(known) do
      local text, last = fnet.help(theirs), theirs:match "[^.]*$"
      local written = topics.written(topics.index().topics[ours]):gsub("%(.*", "")
      assert.equal(("%s: %s in fnet\n\n"):format(last, written) .. fnet.help(ours), text)
    end
    assert.matches("^unsqueeze_: t:unsqueeze%(%.%.%.%) gives a new tensor", fnet.help "x.unsqueeze_")
    assert.matches('^permute: fnet%.einsum%("ijk%->kij", t%) orders axes anew', fnet.help "permute")
    assert.matches("^cat: fnet%.concat { a, b } joins tensors\n\n", fnet.help "torch.cat")
    assert.equal(fnet.help "nn.ReLU", fnet.help "torch.nn.ReLU") -- one name in both
  end)

  it("answers a misspelt name with the nearest one, at the caller's line", function()
    raises("help: no help on 'nn.Dens', did you mean 'nn.Dense'?; `help \"fnet\"` lists what there is",
      function() return (fnet.help "nn.Dens") end)
    raises("help: no help on 'tensor.summ', did you mean 'tensor.sum'?; `help \"fnet\"` lists what there is",
      function() return (fnet.help "tensor.summ") end)
    raises("help: no help on 'relux', did you mean 'ReLU'?; `help \"fnet\"` lists what there is",
      function() return (fnet.help "relux") end)
    raises("help: no help on 'q'; `help \"fnet\"` lists what there is", function() return (fnet.help "q") end)
    raises("help: expected a name, such as \"nn.Dense\", got function", function() return (fnet.help(print)) end)
  end)

  it("knows the method that was probably meant where Lua found none", function()
    local function near(name)
      return suggest.way_out(("x.lua:1: attempt to call a nil value (method '%s')"):format(name))
    end
    assert.equal("did you mean 'parameters'?", near "paramters")
    assert.equal("did you mean 'zero_grad'?", near "zerograd")
    assert.equal("did you mean 'summary'?", near "sumary")
    assert.is_nil(near "unheard_of")
    assert.is_nil(near "summary")
    assert.is_nil(suggest.way_out "x.lua:1: attempt to call a nil value (global 'parameter')")
    assert.equal([[`local fnet = require "fnet"` comes before its use]],
      suggest.way_out "x.lua:1: attempt to index a nil value (global 'fnet')")
    assert.equal("did you mean 'fnet.nn'?", suggest.way_out "x.lua:1: attempt to index a nil value (global 'nn')")
    assert.equal("did you mean 'fnet.nn.Dense'?",
      suggest.way_out "x.lua:1: attempt to call a nil value (global 'Dense')")
    assert.equal("rank is a field: write it without parentheses",
      suggest.way_out "x.lua:1: attempt to call a number value (method 'rank')")
    assert.is_nil(suggest.way_out "x.lua:1: attempt to call a number value (local 'rank')")
    assert.is_nil(suggest.way_out "x.lua:1: mine")
  end)

  it("stays within the width of a page", function()
    for _, name in ipairs(help.names()) do
      for line in (fnet.help(name) .. "\n"):gmatch "(.-)\n" do
        assert.is_true(utf8.len(line) <= 96 or not line:find " %S+ ", name .. ": " .. line)
      end
    end
  end)
end)

describe("every name", function()
  local function documented() return pcall(dofile, "tests/house/documented.lua") end

  it("that is public has an annotation, which help shows", function()
    assert.same({ true }, { documented() })
    assert.is_true(#help.names() > 250, "only " .. #help.names())
  end)

  it("that is a function is shown with its parameters", function()
    local count = 0
    local function look(prefix, fields)
      for name, f in next, fields do
        local key = (prefix .. name):gsub(":", "."):gsub("^fnet%.", "")
        local text = key ~= "tensor" and help.find(key) -- which is the namespace of its methods
        if type(f) == "function" and text and debug.getinfo(f, "S").what == "Lua" then
          local names, info = {}, debug.getinfo(f, "u")
          for i = 1, info.nparams do names[i] = debug.getlocal(f, i) end
          if names[1] == "self" then table.remove(names, 1) end
          if info.isvararg then names[#names + 1] = "..." end
          assert.equal(("%s%s(%s)"):format(prefix, name, table.concat(names, ", ")), text:match "^[^\n]*")
          count = count + 1
        end
      end
    end
    look("fnet.", fnet)
    for _, space in ipairs { "nn", "nn.init", "optim", "optim.schedule", "data", "metrics", "report" } do
      local fields = fnet
      for key in space:gmatch "[^.]+" do fields = fields[key] end
      look(space .. ".", fields)
    end
    look("tensor:", core.methods)
    look("nn.Module:", require("fnet.nn.module").Module)
    assert.is_true(count > 120, "only " .. count)
  end)

  it("without one is found by the check that the build runs", function()
    rawset(fnet.report, "undocumented", 5)
    core.methods.unheard_of = function() end
    local ok, message = documented()
    rawset(fnet.report, "undocumented", nil)
    core.methods.unheard_of = nil
    assert.is_false(ok)
    assert.equal("annotations and code differ\nreport.undocumented: is public, but help does not know it\n"
      .. "tensor.unheard_of: is public, but help does not know it", message)
  end)

  it("of what the objects have that scripts meet is one that help knows", function()
    local model = fnet.nn.Sequential { fnet.nn.Dense(2, 2) }
    local set = fnet.data.Dataset { x = fnet.ones { 2, 2 }, y = fnet.tensor({ 1, 2 }, "int32") }
    local opt, run = fnet.optim.Adam(model:parameters()), nil
    local history = fnet.fit(model, { train = set, loss = fnet.nn.cross_entropy, optim = opt,
      callbacks = { start = function(now) run = now end } })
    local missing, count = {}, 0
    local function look(class, object)
      local metatable = getmetatable(object)
      for _, fields in pairs { metatable, metatable.__index, (getmetatable(metatable) or {}).__index } do
        for key, value in next, type(fields) == "table" and fields or {} do
          if type(value) == "function" and not key:find "^__" and key ~= "init" then
            count = count + 1
            if not help.find(class .. "." .. key) then missing[#missing + 1] = class .. "." .. key end
          end
        end
      end
    end
    for class, object in pairs {
      ["data.Dataset"] = set, ["data.Balance"] = set:balance(), ["data.Transform"] = fnet.data.random_shift(1),
      ["data.Standardise"] = fnet.data.standardise(set), ["nn.Sequential"] = model, ["nn.Dense"] = model[1],
      ["optim.Adam"] = opt, ["optim.Average"] = fnet.optim.Average(model), ["fnet.Run"] = run,
      ["optim.schedule.plateau"] = fnet.optim.schedule.plateau(), ["fnet.History"] = history,
      ["fnet.checkpoint"] = fnet.checkpoint(nil, { model = model }), ["fnet.check"] = fnet.check(model, set.x),
      ["fnet.sweep"] = fnet.sweep { run = function() return 1 end },
      ["metrics.confusion"] = fnet.metrics.confusion(model, set),
    } do look(class, object) end
    assert.same({}, missing)
    assert.is_true(count > 80, "only " .. count)
  end)

  it("of a class in an annotation is one of the library's", function()
    local wrong = {}
    for module, found in pairs(annotations.read()) do
      for _, entry in ipairs(found.entries) do
        local space, name = (entry.class or ""):match "^(nn)%.(.*)$"
        if space and name ~= "Module" and not entry.alias and not rawget(fnet[space], name) then
          wrong[#wrong + 1] = module .. ": " .. entry.class
        end
        if entry.class and not help.find(entry.class) and not entry.class:find "^annotations" then
          wrong[#wrong + 1] = module .. ": " .. entry.class
        end
      end
    end
    assert.same({}, wrong)
  end)

  it("of a field in a layer's annotation is a field of the layer", function()
    local x = fnet.nn.Dense(2, 3)
    local fields = 0
    for _, entry in ipairs(annotations.read()["fnet.nn.dense"].entries) do
      for _, field in ipairs(entry.fields) do
        assert.is_truthy(rawget(x, field.name) ~= nil or field.type:find "%?$", field.name)
        fields = fields + 1
      end
    end
    assert.is_true(fields >= 2)
  end)

  it("that a chapter writes as code exists", function()
    local wrong, count = {}, 0
    local paths = assert(io.popen "find . -name '*.md' -not -path './build/*' -not -path './.git/*'")
    for path in paths:lines() do
      for span in read(path):gsub("\n```.-\n```", ""):gmatch "`([^`]+)`" do
        local space, name = span:match "^(%l+)%.([%a_]+[%w_.]*)%f[%s(%z]"
        if space == "fnet" or space and type(rawget(fnet, space)) == "table" then
          count = count + 1
          if not help.find(space == "fnet" and name or space .. "." .. name) then wrong[#wrong + 1] = span end
        end
      end
    end
    paths:close()
    assert.same({}, wrong)
    assert.is_true(count > 40, "only " .. count)
  end)
end)

describe("annotations", function()
  local function parse(text) return annotations.parse("x.lua", text) end

  it("are read with their tags, types and continuations", function()
    local entries, header = parse [[
--- The header,
-- of two lines.

--- Adds a
-- and b.
---@param a number|tensor the first
---@param f? fun(x: tensor, n: integer): tensor  called
--- for each
---@param ... any
---@return number sum, string text
function owner.sub:add(a, f, ...) end

local x = 1 -- no annotation

---@class nn.Thing: nn.Module
---@field weight tensor [2, 3]
local Thing = 5
]]
    assert.equal("The header, of two lines.", header)
    assert.equal(2, #entries)
    local add, thing = entries[1], entries[2]
    assert.same({ "x.lua", 11, "owner.sub", "add" }, { add.file, add.line, add.owner, add.name })
    assert.equal("Adds a and b.", add.text)
    assert.same({
      { name = "a", optional = false, type = "number|tensor", text = "the first" },
      { name = "f", optional = true, type = "fun(x: tensor, n: integer): tensor", text = "called for each" },
      { name = "...", optional = false, type = "any", text = "" },
    }, add.parameters)
    assert.same({ "number sum, string text" }, add.returns)
    assert.same({ "nn.Thing", "nn.Module", "Thing" }, { thing.class, thing.parent, thing.name })
    assert.same({ { name = "weight", type = "tensor", text = "[2, 3]" } }, thing.fields)
  end)

  it("of types with names, and of fields that may be left out, are read", function()
    local entries = parse [[
--- Head.

--- A name or a layer.
---@alias nn.Either string|fun(x: tensor): tensor

---@class nn.Given
---@field step? fun(x: tensor) each time
]]
    assert.same({ "nn.Either", "string|fun(x: tensor): tensor", "A name or a layer." },
      { entries[1].class, entries[1].alias, entries[1].text })
    assert.same({ { name = "step", optional = true, type = "fun(x: tensor)", text = "each time" } },
      entries[2].fields)
  end)

  it("of methods in C stand above their field", function()
    local entries = parse [[
--- Head.

--- Group.
---@class tensor
--- First of
--- two lines.
---@field a fun(self: tensor): tensor
--- Second.
---@field b fun(self: tensor, n?: integer)
]]
    assert.same({
      { name = "a", type = "fun(self: tensor): tensor", text = "First of two lines." },
      { name = "b", type = "fun(self: tensor, n?: integer)", text = "Second." },
    }, entries[1].fields)
  end)
end)

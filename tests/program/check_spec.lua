--- `fnet check script.lua`: what it says of a loop written out, of fnet.fit and of tensors alone; where it stops.

local command = require "tests.support.command"

local directory
setup(function() directory = command.make_directory() end)
teardown(function() command.remove_directory(directory) end)

local HEAD = [[
local fnet = require "fnet"
local nn = fnet.nn
fnet.seed(1)
local x = fnet.rand { 640, 3 }
local set = fnet.data.Dataset { x = x, y = x:sum(2, true) }
local model = nn.Sequential { nn.Dense(3, 4), nn.ReLU(), nn.Dense(4, 1) }
]]
local LOOP = [[
local opt = fnet.optim.Adam(model:parameters())
for epoch = 1, 50 do
  for bx, by in set:batches { size = 16, shuffle = true } do
    local loss = nn.mse(model(bx), by)
    opt:zero_grad()
    loss:backward()
    opt:step()
  end
end
print "trained"
]]

local function check(text, ...)
  command.write_file(directory .. "/script.lua", text)
  return command.shell(directory, command.line(command.fnet, { "check", "script.lua", ... }))
end

describe("fnet check", function()
  local report = "^layer +output shape +parameters +gradient error\n"
    .. "layer 1, Dense%(3, 4%) +%[16, 4%] +16  %de%-%d+\nlayer 2, ReLU%(%) +%[16, 4%] +0  %de%-%d+\n"
    .. "layer 3, Dense%(4, 1%) +%[16, 1%] +5  %de%-%d+\ntotal +21\n\nmemory: [^\n]*\ngradients: [^\n]* agree [^\n]*"
    .. "\noptimiser: remembers 168 bytes\nfirst loss: %d+%.%d+\n"
    .. "time: %S+ %al?s a step, the median of 20, so about %S+ %al?s for an epoch of 40 steps %(640 samples, "
    .. "16 a batch%)\n$"

  it("reports on the model of a loop written out, and stops before the end", function()
    local result = check(HEAD .. LOOP)
    assert.equal("", result.errors)
    assert.matches(report, result.output)
    assert.equal(0, result.status)
  end)

  it("reports on the model of fnet.fit, with the same first loss", function()
    local result = check(HEAD .. [[
      fnet.fit(model, { train = set, loss = nn.mse, optim = fnet.optim.Adam, epochs = 50, batch = 16 })
      print "trained"]])
    assert.matches(report, result.output)
    assert.same({ "", 0 }, { result.errors, result.status })
    local loop = check(HEAD .. LOOP)
    assert.equal(loop.output:match "first loss: [^\n]+", result.output:match "first loss: [^\n]+")
  end)

  it("sees the runs of a sweep, also where they would be processes", function()
    local result = check(HEAD .. [[
      fnet.sweep { jobs = 2, seeds = 2, run = function()
        return fnet.fit(model, { train = set, loss = nn.mse, optim = fnet.optim.Adam, batch = 16 })[1].loss
      end }]])
    assert.matches(report, result.output)
    assert.same({ "", 0 }, { result.errors, result.status })
  end)

  it("gives the script its name and its arguments, and lets it print", function()
    local result = check("print(arg[0], #arg, ...)\n" .. HEAD .. LOOP, "--epochs", "3")
    assert.matches("^script.lua\t2\t%-%-epochs\t3\nlayer", result.output)
    assert.equal(0, result.status)
  end)

  it("reports at the end of a script that takes few steps", function()
    local result = check(HEAD .. [[
      local opt = fnet.optim.SGD(model:parameters())
      for step = 1, 6 do
        nn.mse(model(set.x), set.y):backward()
        opt:step()
      end
      print "trained"]])
    assert.matches("^trained\nlayer .*\ntime: %S+ %al?s a step, the median of 2\n$", result.output)
    assert.equal(0, result.status)
  end)

  it("takes a check of gradients for none of the training, and reports on tensors alone", function()
    local result = check [[
      local fnet = require "fnet"
      assert(fnet.gradcheck(function(t) return t * t end, { fnet.rand { 30 } }))
      local w = fnet.ones { 3 }
      w.requires_grad = true
      for i = 1, 100 do (w * w * 7):sum():backward() end]]
    assert.matches("^model: none was called; the loss comes from tensors alone\nfirst loss: 21%.0000\ntime: ",
      result.output)
  end)

  it("calls the model with all its arguments as they were", function()
    local result = check [[
      local fnet = require "fnet"
      local nn = fnet.nn
      local Cell = nn.module "Cell"
      function Cell:init() self.from_x, self.from_h = nn.Dense(3, 4), nn.Dense(4, 4) end
      function Cell:forward(x, h) return (self.from_x(x) + self.from_h(h)):tanh() end
      local cell = Cell()
      for step = 1, 6 do
        local h = fnet.zeros { 5, 4 }
        for t = 1, 2 do h = cell(fnet.ones { 5, 3 }, h) end
        h:sum():backward()
      end]]
    assert.matches("^layer .*\nfrom_x, Dense%(3, 4%) +%[5, 4%] +16  %de%-%d+\nfrom_h, Dense%(4, 4%) +%[5, 4%] +20 ",
      result.output)
    assert.matches("\ngradients: those of all layers agree ", result.output)
    assert.same({ "", 0 }, { result.errors, result.status })
  end)

  it("finds nothing wrong in the examples", function()
    command.write_file(directory .. "/text", ("to be or not to be, that is the question. "):rep(30))
    for name, options in pairs {
      ["celsius.lua"] = {}, ["xor.lua"] = {}, ["custom_layer.lua"] = {},
      ["char_rnn.lua"] = { "--text", "text", "--units", "8" },
      ["fashion.lua"] = { "--data", command.directory .. "/tests/fixtures/fashion" },
    } do
      local words = { "check", command.directory .. "/examples/" .. name, table.unpack(options) }
      local result = command.shell(directory, command.line(command.fnet, words))
      assert.matches("\ngradients: those of all layers agree ", result.output)
      assert.same({ "", 0 }, { result.errors, result.status })
    end
  end)

  it("says why a model cannot be followed, and what else is known", function()
    local result = check [[
      local fnet = require "fnet"
      local Counting = fnet.nn.module "Counting"
      function Counting:init() self.dense = fnet.nn.Dense(3, 1) end
      function Counting:forward(x)
        self.calls = (self.calls or 0) + 1
        if self.calls > 6 then error("too often", 0) end
        return self.dense(x)
      end
      local model = Counting()
      for step = 1, 6 do model(fnet.zeros { 5, 3 }):sum():backward() end]]
    assert.matches("^model: Counting cannot be followed outside the training: too often\nfirst loss: 0%.0000\n"
      .. "time: %S+ %al?s a step, the median of 2\n$", result.output)
    assert.same({ "", 1 }, { result.errors, result.status })
  end)

  it("shows the usage", function()
    local result = command.shell(directory, command.line(command.fnet, { "check", "--help" }))
    assert.matches("^usage: fnet .*\n +fnet %[options%] check script %[arguments%]\n", result.output)
    assert.same({ "", 0 }, { result.errors, result.status })
  end)

  it("ends with status 1 where a gradient is wrong, and names the layer", function()
    local result = check([[
      local fnet = require "fnet"
      local nn = fnet.nn
      local wrong = fnet.operation(function(x) return x * x end, function(dy, y, x) return dy * x end)
      local Square = nn.module "Square"
      function Square:forward(x) return wrong(x) end
      local model = nn.Sequential { nn.Dense(3, 2), Square() }
      while true do model(fnet.ones { 4, 3 }):sum():backward() end]])
    assert.matches("\ngradients: WRONG\n  layer 2, Square%(%): input 1, element 1: ", result.output)
    assert.same({ "", 1 }, { result.errors, result.status })
  end)

  it("reports what gradients reach outside the model, in a layer or in the loss, with status 1", function()
    local head = "local inner = nn.Dense(1, 1)\nlocal factor = fnet.ones { 1 }\nfactor.requires_grad = true\n"
    local captured = LOOP:gsub("model%(bx%)", "inner(model(bx)) * factor")
    local result = check(HEAD .. head .. captured)
    assert.matches("\noutside the model: the loss is computed with float32 %[1%]: gradients reach it, ",
      result.output)
    assert.same({ "", 1 }, { result.errors, result.status })
    result = check(HEAD .. head .. [[
      model = nn.Sequential { model, nn.Lambda(function(h) return inner(h) end) }
      ]] .. LOOP)
    assert.matches("\noutside the model: layer 2, Lambda%(%) is computed with weight of Dense%(1, 1%) and bias of "
      .. "Dense%(1, 1%): gradients reach them, ", result.output)
    assert.same({ "", 1 }, { result.errors, result.status })
    -- The same where fit trains, whose own error ends the script.
    result = check(HEAD .. head .. [[
      model = nn.Sequential { model, nn.Lambda(function(h) return inner(h) end) }
      fnet.fit(model, { train = set, loss = nn.mse, optim = fnet.optim.Adam })]])
    assert.matches("fit: layer 2, Lambda%(%) is computed with ", result.errors)
    assert.equal(1, result.status)
    -- Two models and two optimisers in one graph, and a gradient that the script reads.
    result = check(HEAD .. head .. [[
      local other = nn.Dense(1, 1)
      local opt = fnet.optim.Adam(other:parameters())
      ]] .. LOOP:gsub("model%(bx%)", "other(model(bx)) * factor"):gsub("opt:step", "print(factor.grad) opt:step"))
    assert.matches("\ngradients: those of all layers agree [^\n]*\noptimiser: ", result.output)
    assert.same({ "", 0 }, { result.errors, result.status })
  end)

  it("says why there is nothing to report", function()
    local result = check "print 'no training'"
    assert.equal("no training\n", result.output)
    assert.matches("fnet: check: script%.lua has ended without a training step: no loss:backward%(%) was called\n$",
      result.errors)
    assert.equal(1, result.status)
    result = check "x = = 1"
    assert.matches("fnet: script%.lua:1: unexpected symbol near '='\n$", result.errors)
    assert.equal(1, result.status)
    result = check "error 'mine'"
    assert.matches("fnet: script%.lua:1: mine\nstack traceback:\n", result.errors)
    assert.equal(1, result.status)
    result = command.shell(directory, command.line(command.fnet, { "check", "missing.lua" }))
    assert.matches("fnet: cannot open missing%.lua[^\n]*\n$", result.errors)
    assert.equal(1, result.status)
    result = command.shell(directory, command.line(command.fnet, { "check" }))
    assert.matches("fnet: check: which script%? fnet check script%.lua\n$", result.errors)
    assert.equal(1, result.status)
  end)

  it("is a command whatever lies there, ./check is the script", function()
    command.write_file(directory .. "/check", "print('a script', ...)")
    local result = command.shell(directory, command.line(command.fnet, { "check" }))
    assert.matches("fnet: check: which script%? fnet check script%.lua\n$", result.errors)
    result = command.shell(directory, command.line(command.fnet, { "./check", "script.lua" }))
    command.shell(directory, "rm check")
    assert.equal("a script\tscript.lua\n", result.output)
  end)
end)
